package neo4j

import (
	"context"

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

func (p *proof) refuseStray(ctx context.Context) reconcile.Hop {
	if p.evidence.Stray.IsZero() {
		return left(hopAudience, "not tried: "+p.evidence.StrayFrom)
	}
	var err error
	if p.seen, err = reconcile.Once(p.evidence.Run, looking{p.system}, func() (snapshot, error) { return p.system.lookAround(ctx) }); err != nil {
		return left(hopAudience, "not tried: "+err.Error())
	}
	stray := &proof{system: p.system, evidence: &reconcile.Evidence{Issuer: p.evidence.StrayFrom, Run: p.evidence.Run}}
	for _, name := range p.seen.providerNames() {
		for _, m := range p.seen.members {
			if stray.issues(ctx, m, name) {
				return left(hopAudience, "not tried: provider "+name+" takes tokens of "+p.evidence.StrayFrom+" too")
			}
		}
	}
	other := &proof{system: p.system, evidence: &reconcile.Evidence{Token: p.evidence.Stray, Run: p.evidence.Run}, drivers: make(map[string]driverHandle)}
	defer other.close(ctx)
	for _, m := range p.seen.members {
		rows, err := other.ask(ctx, other.loginURI(m), "SHOW CURRENT USER")
		switch {
		case err == nil:
			user := "nobody"
			if len(rows) > 0 {
				user = rows[0].text("user")
			}
			return failed(hopAudience, reconcile.Hop{
				Text: m.address + " takes a token of another authorization server", Expected: "a refusal", Came: "a session of user " + user + ", by a token of " + p.evidence.StrayFrom,
				Likely: []string{"a provider takes more issuers or audiences than the spec says"}, See: "SHOW SETTINGS YIELD name, value WHERE name STARTS WITH 'dbms.security.oidc.'",
			})
		case codeOf(err) != codeUnauthorized:
			return left(hopAudience, "not decided: "+err.Error())
		}
	}
	return passed(hopAudience, "a token of "+p.evidence.StrayFrom+" is refused by "+countMembers(len(p.seen.members)))
}
