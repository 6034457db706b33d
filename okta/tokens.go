package okta

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

var _ reconcile.Issuing = (*System)(nil)

// Tokens gives what each app of a state that is for machines can get of each authorization server that is for it, as Okta decides it (Okta's pages "Authorization Servers" and
// "Configure an access policy"): by the first active policy for the client, and in it by the first active rule for the grant and for all scopes that are asked for. Whether
// Okta goes on to the next policy where no rule of the first one fits is not documented; it is taken not to.
func (s *System) Tokens(state []reconcile.Object) iter.Seq[reconcile.Token] {
	return func(yield func(reconcile.Token) bool) {
		v := s.recall()
		all := v.issuers(state)
		for _, app := range ofKind(state, kindApp) {
			if hasGrant(app.Get(attrGrants)) && !v.tokensOf(app, all, yield) {
				return
			}
		}
	}
}

// tokensOf gives what one app can get; false when no more is wanted.
func (v view) tokensOf(app reconcile.Object, all []*issuer, yield func(reconcile.Token) bool) bool {
	found := false
	for _, is := range all {
		at := is.rungsOf(app)
		if len(at) == 0 {
			continue
		}
		found = true
		t, known := v.token(app, is, at[0]) // where it is not, somebody else's policy decides, and its rules were not read
		if known && !yield(t) {
			return false
		}
	}
	if found {
		return true
	}
	t, ok := v.noPolicy(app, all)
	return !ok || yield(t)
}

// blank is a token before anything is in it.
func (v view) blank(app reconcile.Object, is *issuer) reconcile.Token {
	t := reconcile.Token{
		Account: reconcile.Node{Kind: reconcile.NodeAccount, Name: accountName(app, v.want), On: v.on}, Addr: app.Addr, Range: v.rangeOf(app),
		Server:  reconcile.Source{Addr: is.server.Addr, Text: is.key, Range: is.server.Range},
		Subject: clientOf(app), Bound: app.Get(attrDPoP) == reconcile.Flag(true), BoundRange: v.attrRange(app, attrDPoP),
		BoundRemedy: "Set " + attrDPoP + " = false.", OffRemedy: "set status = \"INACTIVE\" on " + app.Addr.String(),
	}
	if t.Subject == nil {
		t.Subject = reconcile.Ref{Addr: app.Addr, Attr: attrClientID}
	}
	if is.subject.set() {
		t.Subject = is.subject.subject(app, t.Subject)
	}
	t.Issuer, t.Audience = is.says("issuer"), is.says("audience")
	return t
}

// says is what the server's tokens say about it.
func (is *issuer) says(fact string) reconcile.Value {
	if audiences := reconcile.Members(is.server.Get("audiences")); fact == "audience" && len(audiences) == 1 {
		return audiences[0] // what the spec wants is what will be
	}
	if v, ok := is.server.Facts[fact]; ok {
		return v
	}
	switch {
	case !is.server.Addr.IsZero():
		return reconcile.Ref{Addr: is.server.Addr, Attr: fact}
	case is.key == defaultServer:
		return reconcile.Ref{Addr: reconcile.Addr{System: systemName, Connection: is.connection, Kind: kindServer, Name: defaultServer}, Attr: fact}
	}
	return nil
}

// rangeOf is where an object is declared: a live one where the last Read was asked for it.
func (v view) rangeOf(o reconcile.Object) (r hcl.Range) {
	if !o.Range.Empty() {
		return o.Range
	}
	return v.want[o.Addr].Range
}

// attrRange is where the spec sets an attribute, else where it declares the object.
func (v view) attrRange(o reconcile.Object, name string) hcl.Range {
	for _, from := range []reconcile.Object{o, v.want[o.Addr]} {
		if a, ok := from.Attr(name); ok && !a.Range.Empty() {
			return a.Range
		}
	}
	return v.rangeOf(o)
}

// memberRange is where the spec writes a member of a map.
func (v view) memberRange(o reconcile.Object, name, key string) hcl.Range {
	for _, from := range []reconcile.Object{o, v.want[o.Addr]} {
		a, _ := from.Attr(name)
		for _, it := range a.Items {
			if it.Key == key && !it.Range.Empty() {
				return it.Range
			}
		}
	}
	return v.attrRange(o, name)
}

// token is what one policy gives an app; false when its rules are not known.
func (v view) token(app reconcile.Object, is *issuer, at int) (reconcile.Token, bool) {
	r := is.rungs[at]
	t := v.blank(app, is)
	policy := "policy " + nameOf(r.policy)
	gap := reconcile.Gap{Addr: r.policy.Addr, Range: v.rangeOf(r.policy)}
	switch {
	case !isActive(app):
		t.Refused = reconcile.Gap{Text: "the app is inactive, and gets no token", Remedy: "Set status = \"ACTIVE\" on " + app.Addr.String() + ".", Addr: app.Addr, Range: v.attrRange(app, attrStatus), Meant: true}
		return t, true
	case is.server.TextAttr(attrStatus) == inactive:
		t.Refused = reconcile.Gap{Text: "the authorization server is inactive", Remedy: "Set status = \"ACTIVE\" on " + is.server.Addr.String() + ".", Addr: is.server.Addr, Range: v.rangeOf(is.server), Meant: true}
		return t, true
	case !r.known:
		return t, false
	}
	said := is.said(app)
	broken, all := v.brokenScopes(is, said)
	if all.Text != "" {
		t.Refused = all
		return t, true
	}
	var rules []given
	var barred []barrier
	for _, rule := range r.rules {
		if answersMachines(rule) {
			g := v.scopesOf(rule, is, broken)
			barred = append(barred, g.barred...)
			if g.all || len(g.names) > 0 {
				g.by = reconcile.Source{Addr: rule.Addr, Text: "rule " + rule.Addr.Name + " of " + policy, Range: v.attrRange(rule, attrScopes)}
				rules = append(rules, g)
			}
		}
	}
	if len(rules) == 0 {
		t.Refused = noRule(gap, policy, barred)
		return t, true
	}
	t.Life, t.LifeRange = lifeOf(rules[0].rule), v.attrRange(rules[0].rule, attrLifetime)
	names := 0
	for _, g := range rules {
		names += len(g.names)
	}
	t.Scopes = slices.Grow(t.Scopes, names)
	for _, g := range rules {
		t.Requests = append(t.Requests, g.request(is))
		for _, name := range g.names {
			if !slices.ContainsFunc(t.Scopes, func(s reconcile.Scope) bool { return s.Name == name }) {
				t.Scopes = append(t.Scopes, reconcile.Scope{Name: name, By: g.by})
			}
		}
	}
	v.addClaims(&t, app, is, r, rules, barred, said)
	return t, true
}

// noRule says why no rule of the policy that decides gives a token.
func noRule(gap reconcile.Gap, policy string, barred []barrier) reconcile.Gap {
	if len(barred) == 0 {
		gap.Text = policy + " decides, and no active rule of it gives a scope for client_credentials"
		gap.Remedy = "Add a rule to it with grant_types client_credentials and the scope, or put a policy for this client before it."
		return gap
	}
	var why []string
	for _, b := range barred {
		if text := "scope " + b.scope + " " + b.text; !slices.Contains(why, text) {
			why = append(why, text)
		}
	}
	gap.Text = policy + " decides, and of the scopes that its rules give a machine gets none: " + strings.Join(why, ", and ")
	gap.Remedy, gap.Other, gap.OtherRange = barred[0].remedy, barred[0].addr, barred[0].at
	return gap
}

// fitsNobody says whether a rule fits a request without a user: one for some users or groups does not (Okta's guide "Configure an access policy").
func fitsNobody(rule reconcile.Object) bool {
	groups := rule.Get(attrGroups)
	return len(reconcile.Members(rule.Get(attrUsers))) == 0 && (len(reconcile.Members(groups)) == 0 || contains(groups, reconcile.Text(everyone)))
}

// lifeOf is how long a rule's tokens live.
func lifeOf(rule reconcile.Object) time.Duration {
	if rule.Get(attrLifetime) == nil {
		return time.Hour
	}
	life, _ := time.ParseDuration(rule.TextAttr(attrLifetime))
	return life
}

// noPolicy tells of an app that no policy is for. Where nobody read the policies of others nothing is said: a new org has one for all clients.
func (v view) noPolicy(app reconcile.Object, all []*issuer) (reconcile.Token, bool) {
	for _, is := range all {
		ours := slices.IndexFunc(is.rungs, func(r rung) bool { return !r.foreign })
		if len(is.claims) == 0 && ours < 0 || !is.listed && !is.fresh() {
			continue
		}
		t := v.blank(app, is)
		t.Refused = reconcile.Gap{Text: "no active policy is for it", Remedy: "Add it to clients of a policy with a rule for client_credentials.", Addr: app.Addr, Range: v.rangeOf(app), Meant: !isActive(app)}
		if ours >= 0 {
			p := is.rungs[ours].policy
			t.Refused.Remedy = "Add it to clients of " + p.Addr.String() + "."
			t.Refused.Other, t.Refused.OtherRange = p.Addr, v.attrRange(p, attrClients)
		}
		return t, true
	}
	return reconcile.Token{}, false
}
