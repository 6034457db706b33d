package neo4j

import (
	"context"
	"fmt"
	"slices"

	"keymaker/reconcile"
)

// hopAudience is the refutation at Neo4j: a token for another audience is refused.
const hopAudience = "audience"

var (
	_ reconcile.Refuter  = (*System)(nil)
	_ reconcile.Expecter = (*System)(nil)
)

// Refutations names what Refute tries.
func (*System) Refutations(account reconcile.Account) []string {
	if account.Disabled != "" {
		return nil
	}
	return []string{hopAudience}
}

// Refute tries the evidence's stray token on every member. A refusal leaves a line in each security.log. Nobody is locked out by it: Neo4j counts failures of users
// that it keeps (dbms.security.auth_max_failed_attempts), and a token that is refused names none.
func (s *System) Refute(ctx context.Context, account reconcile.Account, state []reconcile.Object, e *reconcile.Evidence, hop func(reconcile.Hop)) {
	if account.Disabled != "" {
		return
	}
	p := s.proofOf(state, e)
	hop(p.refuseStray(ctx))
}

// refuseStray wants a refusal of a token that no provider of the spec is to take. What Neo4j's settings say of it does not matter before it was tried: they may be what is wrong.
func (p *proof) refuseStray(ctx context.Context) reconcile.Hop {
	if p.evidence.Stray.IsZero() {
		return left(hopAudience, "not tried: "+p.evidence.StrayFrom)
	}
	var err error
	if p.seen, err = reconcile.Once(p.evidence.Run, looking{p.system, "around"}, func() (snapshot, error) { return p.system.lookAround(ctx) }); err != nil {
		return left(hopAudience, "not tried: "+err.Error())
	}
	stray := &proof{
		system: p.system, meant: p.meant, seen: p.seen, drivers: make(map[string]driverHandle),
		evidence: &reconcile.Evidence{Token: p.evidence.Stray, Issuer: p.evidence.StrayFrom, StrayAudience: p.evidence.StrayAudience, Run: p.evidence.Run},
	}
	defer stray.close(ctx)
	if by := stray.meantToTake(ctx); by != "" {
		return left(hopAudience, "not tried: "+by+" is meant to take tokens of "+p.evidence.StrayFrom+" for "+listText(p.evidence.StrayAudience)+" too")
	}
	for _, m := range p.seen.members {
		rows, err := stray.ask(ctx, stray.loginURI(m), "SHOW CURRENT USER")
		switch {
		case err == nil:
			return stray.taken(ctx, m, rows)
		case codeOf(err) != codeUnauthorized:
			return left(hopAudience, "not decided: "+err.Error())
		}
	}
	return passed(hopAudience, "a token of "+p.evidence.StrayFrom+" is refused by "+countMembers(len(p.seen.members)))
}

// meantToTake names the provider of the spec that is to take the evidence's token, by issuer and audience; "" when there is none. One that the spec does not declare is meant
// by nobody here.
func (p *proof) meantToTake(ctx context.Context) string {
	for _, o := range p.meant.providers {
		if o.Absent || !active(o) {
			continue
		}
		x := ExpectationOf(o)
		if issuer := p.issuerMeant(ctx, x); issuer != p.evidence.Issuer {
			continue
		}
		if len(x.Audience) == 0 || slices.ContainsFunc(p.evidence.StrayAudience, func(a string) bool { return slices.Contains(x.Audience, a) }) {
			return x.By.String()
		}
	}
	return ""
}

// issuerMeant is whose tokens a provider of the spec takes, "" when that cannot be found out from here.
func (p *proof) issuerMeant(ctx context.Context, x reconcile.Expectation) string {
	switch {
	case x.Issuer != "" || x.Discovery == "":
		return x.Issuer
	case x.Discovery == p.evidence.Issuer+discoveryPath:
		return p.evidence.Issuer
	}
	doc, err := reconcile.Once(p.evidence.Run, x.Discovery, func() (Endpoints, error) { return fetchEndpoints(ctx, p.system.client.roots, x.Discovery) })
	if err != nil {
		return ""
	}
	return doc.Issuer
}

// taken explains a session that should not be there: by which provider, as the member has it.
func (p *proof) taken(ctx context.Context, m memberState, rows []row) reconcile.Hop {
	user := "nobody"
	if len(rows) > 0 {
		user = rows[0].text("user") + " with " + listText(rows[0].texts("roles"))
	}
	h := reconcile.Hop{
		Text: m.address + " takes a token of another authorization server", Expected: "a refusal",
		Came: "a session of user " + user + ", by a token of " + p.evidence.Issuer + " for " + listText(p.evidence.StrayAudience),
		See:  cypherShell(p.loginURI(m), seeSettings("")),
	}
	for _, name := range p.seen.providerNames() {
		if !m.lists(authenticationProviders, name) || !p.issues(ctx, m, name) {
			continue
		}
		o, declared := p.meant.provider(name)
		switch {
		case !declared:
			h.Likely = append(h.Likely, fmt.Sprintf("provider %s, which no block of the spec declares, takes that issuer's tokens for %s", name, orElse(m.setting(name, "audience"), "no audience")))
		default:
			h.Likely = append(h.Likely, fmt.Sprintf("provider %s takes that issuer's tokens for %s there, and not as the spec has it", name, orElse(m.setting(name, "audience"), "no audience")))
			h.Range, h.See = attrRange(o, "audience"), reconcile.SeePlan(o.Addr)
		}
	}
	if len(h.Likely) == 0 {
		h.Likely = []string{"a provider takes more issuers or audiences than the spec says"}
	}
	return failed(hopAudience, h)
}
