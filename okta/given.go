package okta

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// given is the scopes that a rule gives a machine.
type given struct {
	rule   reconcile.Object
	by     reconcile.Source
	all    bool      // those that nobody read too
	names  []string  // in order
	barred []barrier // those that it names and that no machine gets
	asked  []string  // those that it names, or for all scopes those that blocks declare, barred ones among them
}

// barrier is why a scope that a rule gives is not to be had with client_credentials.
type barrier struct {
	scope, text, remedy string // "s1", "needs a user's consent"
	addr                reconcile.Addr
	at                  hcl.Range
}

// scopesOf lists the scopes that can be asked for under a rule: those that the server has, without those of OpenID Connect, which client_credentials never gets, without those
// to which a user has to consent, and without broken ones.
func (v view) scopesOf(rule reconcile.Object, is *issuer, broken map[string]barrier) given {
	g := given{rule: rule}
	var names, named []string
	for _, m := range reconcile.Members(rule.Get(attrScopes)) {
		name, ok := m.(reconcile.Text)
		if ref, isRef := m.(reconcile.Ref); isRef {
			name, ok = reconcile.Text(ref.Addr.Name), true
		}
		switch {
		case !ok:
		case name == "*":
			g.all = !is.complete
			for n := range is.scopes {
				names = append(names, n)
				if !is.strange[n] {
					named = append(named, n)
				}
			}
		default:
			names, named = append(names, string(name)), append(named, string(name))
		}
	}
	g.asked = askable(named)
	for _, name := range askable(names) {
		o, known := is.scopes[name]
		b, isBroken := broken[name]
		switch {
		case !known && is.complete:
			g.barred = append(g.barred, barrier{scope: name, text: "is not on the authorization server", remedy: "Declare the scope, or take it out of the rule.", addr: rule.Addr, at: v.attrRange(rule, attrScopes)})
		case known && o.TextAttr("consent") == consentNeeded:
			g.barred = append(g.barred, barrier{scope: name, text: "needs a user's consent (consent = \"REQUIRED\"), which no machine can give", remedy: "Set consent = \"IMPLICIT\" on " + o.Addr.String() + ".",
				addr: o.Addr, at: v.attrRange(o, "consent")})
		case isBroken:
			g.barred = append(g.barred, b)
		default:
			g.names = append(g.names, name)
		}
	}
	return g
}

// request is the scopes that can be asked for at once, those that claims come with and that nobody read among them.
func (g given) request(is *issuer) []string {
	scopes := slices.Clone(g.names)
	if !g.all {
		return scopes
	}
	for _, claim := range is.claims {
		for _, name := range scopeNamesOf(claim.Get(attrScopes)) {
			if _, known := is.scopes[name]; !known && !slices.Contains(scopes, name) && len(askable([]string{name})) > 0 {
				scopes = append(scopes, name)
			}
		}
	}
	return scopes
}

// brings says whether a token with some of a rule's scopes has a claim that is tied to scopes.
func (g given) brings(tied []string, is *issuer) bool {
	return len(tied) == 0 || slices.ContainsFunc(g.request(is), func(s string) bool { return slices.Contains(tied, s) })
}

// scopeNamesOf are the names of the scopes that a claim or rule lists.
func scopeNamesOf(v reconcile.Value) []string {
	var names []string
	for _, m := range reconcile.Members(v) {
		switch m := m.(type) {
		case reconcile.Text:
			names = append(names, string(m))
		case reconcile.Ref:
			names = append(names, m.Addr.Name)
		}
	}
	return names
}
