package okta

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// claimValue is the expression of a claim, read; err is why it cannot be.
type claimValue struct {
	expression node
	err        error
}

func readValue(claim reconcile.Object) claimValue {
	switch t := claim.TextAttr("value_type"); t {
	case "", valueExpr:
		n, err := parseExpression(claim.TextAttr("value"))
		return claimValue{n, err}
	default:
		return claimValue{err: unsure{"its value_type is " + t}}
	}
}

func (c claimValue) set() bool { return c.expression.op != "" || c.err != nil }

// said is what a claim says in an app's tokens, and by which attributes of the profile.
type said struct {
	value any
	used  []string
	err   error // unsure where nobody knows; others are Okta's
}

func (c claimValue) about(app reconcile.Object) said {
	if c.err != nil {
		return said{err: c.err}
	}
	profile, _ := app.Get(attrProfile).(reconcile.Map)
	s := &scene{id: app.Facts["id"], clientID: clientOf(app), profile: profile}
	for name, id := range map[string]*reconcile.Value{"id": &s.id, attrClientID: &s.clientID} {
		if *id == nil {
			*id = reconcile.Ref{Addr: app.Addr, Attr: name}
		}
	}
	v, err := s.eval(c.expression)
	return said{value: v, used: s.used, err: err}
}

// subject is who tokens of an app are about: nil when nobody knows. client is the client's id, also while only Okta knows it.
func (c claimValue) subject(app reconcile.Object, client reconcile.Value) reconcile.Value {
	if e := c.expression; e.op == "?:" && len(e.kids) == 3 && e.kids[2].text == "app.clientId" && e.kids[0].op == "!=" && e.kids[0].kids[0].text == "appuser" {
		return client // what every server begins with: (appuser != null) ? appuser.userName : app.clientId
	}
	if text, ok := c.about(app).value.(string); ok {
		return reconcile.Text(text)
	}
	return nil
}

// goesIntoTokens says whether a claim comes in access tokens at all.
func goesIntoTokens(claim reconcile.Object) bool {
	return isActive(claim) && claim.TextAttr(attrClaimType) != claimIdentity && claim.TextAttr("value_type") != valueGroups
}

// said works out what the server's claims say about an app, in their order.
func (is *issuer) said(app reconcile.Object) []said {
	out := make([]said, len(is.claims))
	for i, claim := range is.claims {
		if goesIntoTokens(claim) {
			out[i] = is.values[i].about(app)
		}
	}
	return out
}

// fails says whether Okta refuses a token with a claim in it, as its catalogue of OAuth 2.0 errors has it of one that cannot be evaluated.
func (s said) fails() bool { return s.err != nil && !errors.As(s.err, new(unsure)) }

// brokenScopes are the scopes that bring a claim for which Okta refuses the token; all is the reason where it refuses every token.
func (v view) brokenScopes(is *issuer, all []said) (broken map[string]barrier, every reconcile.Gap) {
	for i, claim := range is.claims {
		if !all[i].fails() {
			continue
		}
		why := fmt.Sprintf("claim %s, whose value Okta cannot evaluate for this app, and so refuses the token: %v", nameOf(claim), all[i].err)
		remedy := "Mend the value of " + claim.Addr.String() + "."
		tied := scopeNamesOf(claim.Get(attrScopes))
		if len(tied) == 0 {
			return nil, reconcile.Gap{Text: "every token has " + why, Remedy: remedy, Addr: claim.Addr, Range: v.attrRange(claim, "value")}
		}
		for _, scope := range tied {
			if broken == nil {
				broken = make(map[string]barrier)
			}
			broken[scope] = barrier{scope: scope, text: "brings " + why, remedy: remedy, addr: claim.Addr, at: v.attrRange(claim, "value")}
		}
	}
	return broken, reconcile.Gap{}
}

// addClaims puts the server's claims into a token, or says why they are not in it.
func (v view) addClaims(t *reconcile.Token, app reconcile.Object, is *issuer, r rung, rules []given, barred []barrier, all []said) {
	for n, claim := range is.claims {
		name, tied := nameOf(claim), scopeNamesOf(claim.Get(attrScopes))
		if gap := v.neverComes(claim); gap.Text != "" {
			t.Without = append(t.Without, gap)
			continue
		}
		if !slices.ContainsFunc(rules, func(g given) bool { return g.brings(tied, is) }) {
			t.Without = append(t.Without, v.notAllowed(reconcile.Gap{Name: name, Addr: claim.Addr, Range: v.rangeOf(claim)}, tied, r, rules[0], barred))
			continue
		}
		c := reconcile.Claim{Name: name, Scopes: tied, By: reconcile.Source{Addr: claim.Addr, Text: "claim " + name, Range: v.rangeOf(claim)}}
		if err := all[n].err; err != nil {
			c.Why = err.Error()
		} else {
			v.know(&c, app, claim, all[n])
		}
		t.Claims = append(t.Claims, c)
	}
}

// neverComes says why a claim is in no access token of a machine; the zero Gap is that it may be.
func (v view) neverComes(claim reconcile.Object) reconcile.Gap {
	name := nameOf(claim)
	gap := reconcile.Gap{Name: name, Addr: claim.Addr, Range: v.rangeOf(claim)}
	switch {
	case !isActive(claim):
		gap.Text, gap.Remedy, gap.Meant = "claim "+name+" is inactive", "Set status = \"ACTIVE\" on "+claim.Addr.String()+".", true
	case claim.TextAttr(attrClaimType) == claimIdentity:
		gap.Text, gap.Identity = "claim "+name+" goes into ID tokens, and not into access tokens", true
		gap.Remedy = "Set claim_type = \"RESOURCE\" on " + claim.Addr.String() + "."
		gap.Range = v.attrRange(claim, attrClaimType)
	case claim.TextAttr("value_type") == valueGroups:
		gap.Text = "claim " + name + " filters a user's groups (value_type GROUPS), and a machine has none"
		gap.Remedy = "Write an expression as the value of " + claim.Addr.String() + ", such as app.profile.neo4j_groups, and leave value_type and group_filter_type out."
		gap.Range = v.attrRange(claim, "value_type")
	}
	return gap
}

// know notes what a claim says, and who gives each of its texts: the profile where it stands in there, or where the expression looked at it, else the claim.
func (v view) know(c *reconcile.Claim, app, claim reconcile.Object, s said) {
	c.Known = true
	var texts []string
	switch value := s.value.(type) {
	case string:
		c.One = true
		texts = []string{value}
	case []any:
		for _, m := range value {
			if text, ok := m.(string); ok {
				texts = append(texts, text)
			}
		}
	}
	profile, _ := app.Get(attrProfile).(reconcile.Map)
	ranges := make(map[string]hcl.Range)
	for _, attribute := range s.used {
		ranges[attribute] = v.memberRange(app, attrProfile, attribute)
	}
	for _, text := range texts {
		if text == "" {
			continue // nobody's name
		}
		from := reconcile.Source{Addr: claim.Addr, Text: "its value", Range: v.attrRange(claim, "value")}
		i := slices.IndexFunc(s.used, func(attribute string) bool { return slices.Contains(groupsIn(profile[attribute]), text) })
		if i < 0 && len(s.used) == 1 {
			i = 0
		}
		if i >= 0 {
			from = reconcile.Source{Addr: app.Addr, Text: "its profile", Range: ranges[s.used[i]]}
		}
		c.Values, c.At = append(c.Values, text), append(c.At, from)
	}
}

// notAllowed tells of a claim that comes with scopes which the client cannot get.
func (v view) notAllowed(gap reconcile.Gap, tied []string, r rung, g given, barred []barrier) reconcile.Gap {
	gap.Scope = tied[0]
	if i := slices.IndexFunc(barred, func(b barrier) bool { return slices.Contains(tied, b.scope) }); i >= 0 {
		b := barred[i]
		gap.Scope, gap.Text, gap.Remedy = b.scope, fmt.Sprintf("claim %s comes with scope %s, which %s", gap.Name, b.scope, b.text), b.remedy
		gap.Other, gap.OtherRange = b.addr, b.at
		return gap
	}
	gap.Text = fmt.Sprintf("claim %s comes with scope %s, which no rule of policy %s gives this client", gap.Name, strings.Join(tied, " or "), nameOf(r.policy))
	gap.Remedy = fmt.Sprintf("Add %s to the scopes of %s.", tied[0], g.by.Addr)
	gap.Foreign = r.foreign
	if r.foreign {
		gap.Remedy = fmt.Sprintf("Put a policy of the spec for this client before policy %s, which no block declares.", nameOf(r.policy))
	}
	gap.Other, gap.OtherRange = g.by.Addr, g.by.Range
	return gap
}
