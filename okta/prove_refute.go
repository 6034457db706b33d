package okta

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// The refutations that begin at Okta.
const (
	hopNoScope   = "no-scope"   // without the scope no groups
	hopBadSecret = "bad-secret" // with a wrong secret no token
	hopDisabled  = "disabled"   // an app that the spec disables gets none
)

// mostStray bounds the other authorization servers that are asked for a token.
const mostStray = 3

var _ reconcile.Refuter = (*System)(nil)

// Refutations names what Refute tries.
func (*System) Refutations(account reconcile.Account) []string {
	if account.Disabled != "" {
		return []string{hopDisabled}
	}
	return []string{hopNoScope, hopBadSecret}
}

// Refute asks for tokens that Okta must not give: each refusal is an event in the System Log (app.oauth2.invalid_client_credentials, app.oauth2.as.token.grant with
// outcome FAILURE). Okta documents no lock for a client that fails, and two tries do not come near a rate limit. It looks for a token with another audience too.
func (s *System) Refute(ctx context.Context, account reconcile.Account, state []reconcile.Object, e *reconcile.Evidence, hop func(reconcile.Hop)) {
	p, ok := s.proofOf(account, state, e)
	if !ok {
		return
	}
	p.asked = p.wantedScopes()
	if account.Disabled != "" {
		hop(p.placed(p.disabled(ctx)))
		return
	}
	hop(p.placed(p.noScope(ctx)))
	hop(p.placed(p.badSecret(ctx)))
	p.stray(ctx)
}

// placed gives a failed hop the app's place where it has none, and the command that tells most of the app.
func (p *proof) placed(h reconcile.Hop) reconcile.Hop {
	if h.Status != reconcile.HopFail {
		return h
	}
	if h.Range.Empty() {
		h.Range = p.app.Range
	}
	if h.See == "" {
		h.See = p.seeApp()
	}
	if h.Expected == "" {
		h.Expected = "an answer"
	}
	return h
}

// try asks for a token that the account should not get, or not so.
func (p *proof) try(ctx context.Context, server string, l login, scopes []string) (granted, error) {
	p.evidence.Run.Count(costToken, 1)
	return p.system.client.token(ctx, server, l, scopes)
}

// refusal says whether an error is Okta's no to a token request, and its words.
func refusal(err error) (string, bool) {
	var e *apiError
	if !errors.As(err, &e) || e.Status >= 500 || e.Status == 429 {
		return "", false
	}
	return e.Code, true
}

// noScope wants the groups to depend on their scope: a token without it has no such claim.
func (p *proof) noScope(ctx context.Context) reconcile.Hop {
	var tied, names []string
	for _, claim := range p.meantClaims() {
		if scopes := reconcile.Texts(claim.Get(attrScopes)); len(scopes) > 0 {
			tied, names = append(tied, scopes...), append(names, nameOf(claim))
		}
	}
	if len(names) == 0 {
		return skipped(hopNoScope, "no claim of the spec is tied to a scope: every token has them all")
	}
	l, missing := p.login()
	if missing != nil {
		return skipped(hopNoScope, "not tried: %s", missing.Text)
	}
	rest := slices.DeleteFunc(slices.Clone(p.asked), func(s string) bool { return slices.Contains(tied, s) })
	got, err := p.try(ctx, p.server(), l, rest)
	what := "without scope " + strings.Join(tied, " ")
	if code, no := refusal(err); no {
		return good(hopNoScope, "%s no token (%s)", what, clean(code))
	} else if err != nil {
		return skipped(hopNoScope, "not tried: %v", err)
	}
	claims, err := claimsIn(got.raw)
	if err != nil {
		return skipped(hopNoScope, "not decided: %v", err)
	}
	for _, name := range names {
		if claims[name] == nil {
			continue
		}
		h := bad(hopNoScope, "%s the token has %s all the same", what, name)
		h.Expected, h.Came = "no claim "+name, name+" = "+shown(claims[name])
		h.Likely = []string{"the claim is tied to another scope too, or to none, in Okta", "a default scope brought it: the token has scope " + clean(got.scope)}
		h.See = p.ask(p.serverPath() + "/claims")
		return h
	}
	return good(hopNoScope, "%s no %s", what, strings.Join(names, ", "))
}

// badSecret wants a refusal of a secret, or a key, that nobody has.
func (p *proof) badSecret(ctx context.Context) reconcile.Hop {
	l, missing := p.login()
	if missing != nil {
		return skipped(hopBadSecret, "not tried: %s", missing.Text)
	}
	what := "a secret"
	l.secret = reconcile.NewSecret("a random secret", func() (string, error) { return makeSecret(), nil })
	if l.method == methodKey {
		key, err := makeKey()
		if err != nil {
			return skipped(hopBadSecret, "not tried: %v", err)
		}
		what, l.secret = "a key", reconcile.NewSecret("a random key", func() (string, error) { return string(key), nil })
	}
	_, err := p.try(ctx, p.server(), l, p.asked)
	switch code, no := refusal(err); {
	case no && code == "invalid_client":
		return good(hopBadSecret, "%s that nobody has gets no token (%s)", what, code)
	case err != nil:
		return skipped(hopBadSecret, "not decided: %v", err)
	}
	h := bad(hopBadSecret, "%s that nobody has gets a token", what)
	h.Expected, h.Came = "invalid_client", "a token"
	h.Likely = []string{"something between here and Okta answers in its place, or asks with credentials of its own"}
	h.See = "curl -sSv " + p.evidence.Issuer + discoveryPath
	return h
}

// disabled wants a refusal of an app that the spec keeps inactive.
func (p *proof) disabled(ctx context.Context) reconcile.Hop {
	l, missing := p.login()
	if missing != nil {
		return skipped(hopDisabled, "not tried: %s", missing.Text)
	}
	_, err := p.try(ctx, p.server(), l, p.asked)
	switch code, no := refusal(err); {
	case no && code == "invalid_client":
		return good(hopDisabled, "gets no token (%s)", code)
	case err != nil:
		return skipped(hopDisabled, "not decided: %v", err)
	}
	h := bad(hopDisabled, "the app gets a token, and the spec keeps it INACTIVE")
	h.Expected, h.Came = "invalid_client", "a token"
	h.Likely = []string{"it was activated in Okta a moment ago"}
	h.See = p.seeApp()
	return h
}

// stray looks for a token with another audience: from another authorization server of the org, one of whose policies is for this client anyway. It is kept for Neo4j to
// refuse.
func (p *proof) stray(ctx context.Context) {
	l, missing := p.login()
	if missing != nil {
		p.evidence.StrayFrom = missing.Text
		return
	}
	p.evidence.StrayFrom = "no other authorization server of the org gives this client a token"
	servers, err := p.list(ctx, "/api/v1/authorizationServers")
	if err != nil {
		p.evidence.StrayFrom = fmt.Sprintf("the org's authorization servers could not be read: %v", err)
		return
	}
	tried := 0
	for _, server := range servers {
		if server.text("status") != active || server.text("issuer") == p.evidence.Issuer || tried == mostStray {
			continue
		}
		scopes, ok := p.strayScopes(ctx, server.text("id"))
		if !ok {
			continue
		}
		tried++
		if got, err := p.try(ctx, server.text("id"), l, scopes); err == nil && strings.EqualFold(got.typ, "Bearer") {
			claims, err := claimsIn(got.raw)
			if err != nil {
				continue
			}
			p.evidence.Stray, p.evidence.StrayFrom, p.evidence.StrayAudience = got.token, server.text("issuer"), audienceIn(claims)
			return
		}
	}
}

// audienceIn is for whom a token is: a text, or a list of them (RFC 7519, section 4.1.3).
func audienceIn(claims map[string]reconcile.Value) []string {
	if one := textOf(claims["aud"]); one != "" {
		return []string{one}
	}
	return reconcile.Texts(claims["aud"])
}

// strayScopes are the scopes that a server's policies let the client have; false when they let it have none.
func (p *proof) strayScopes(ctx context.Context, server string) ([]string, bool) {
	base := "/api/v1/authorizationServers/" + url.PathEscape(server)
	policies, err := p.standing(ctx, base+"/policies")
	if err != nil {
		return nil, false
	}
	if policy := deciding(policies, p.clientID()); policy != nil { // the first that is for the client decides
		rules, err := p.list(ctx, base+"/policies/"+url.PathEscape(policy.text("id"))+"/rules")
		if err != nil {
			return nil, false
		}
		for _, rule := range byPriority(rules) {
			if whyNot(rule) != "" {
				continue
			}
			scopes := reconcile.Texts(rule.at("conditions", "scopes", "include"))
			if slices.Contains(scopes, "*") {
				known, err := p.list(ctx, base+"/scopes")
				if err != nil {
					return nil, false
				}
				for _, s := range known {
					scopes = append(scopes, s.text("name"))
				}
			}
			if scopes = askable(scopes); len(scopes) > 0 {
				return scopes[:1], true
			}
		}
	}
	return nil, false
}
