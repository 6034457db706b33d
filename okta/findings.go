package okta

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// Findings looks at who decides about tokens: policies that never get to decide about a client that they name, scopes that no rule gives, and claims that wait for such a scope.
func (s *System) Findings(state []reconcile.Object) []reconcile.Finding {
	v := s.recall()
	var found []reconcile.Finding
	for _, is := range v.issuers(state) {
		for _, app := range ofKind(state, kindApp) {
			if hasGrant(app.Get(attrGrants)) && isActive(app) {
				found = append(found, v.shadowed(app, is)...)
			}
		}
		found = append(found, v.idle(is)...)
	}
	return found
}

// shadowed looks for a policy of the spec that names an app while another one, before it, is for the app too. The order is known only where the policies were read.
func (v view) shadowed(app reconcile.Object, is *issuer) []reconcile.Finding {
	at := is.rungsOf(app)
	if len(at) < 2 || !is.listed {
		return nil
	}
	first := is.rungs[at[0]]
	for _, i := range at[1:] {
		r := is.rungs[i]
		if r.foreign || contains(r.policy.Get(attrClients), reconcile.Text(allClients)) {
			continue // one for all clients is meant to come after those for some
		}
		name, before := nameOf(r.policy), nameOf(first.policy)
		f := reconcile.Finding{Check: reconcile.CheckPolicyOrder, Accounts: []string{accountName(app, v.want)}, Addr: r.policy.Addr, Range: v.attrRange(r.policy, attrClients),
			Summary: fmt.Sprintf("Policy %s never decides about %s", name, accountName(app, v.want)),
			Other:   first.policy.Addr, OtherRange: v.rangeOf(first.policy), OtherText: "the policy that comes first"}
		whom := "names it too"
		if contains(first.policy.Get(attrClients), reconcile.Text(allClients)) {
			whom = "is for ALL_CLIENTS"
		}
		f.Detail = fmt.Sprintf("Policy %s comes first and %s: the first active policy that is for a client decides, and those behind it are not asked.", before, whom)
		f.Remedy = fmt.Sprintf("Name %s before %s in policy_order of the authorization server, or take the client out of the other policy.", name, before)
		return []reconcile.Finding{f}
	}
	return nil
}

// idle looks for scopes and claims of the spec that nobody can get: every active policy of the server is known, and no rule of any lists the scope.
func (v view) idle(is *issuer) []reconcile.Finding {
	given := make(map[string]bool)
	known := is.listed || is.fresh()
	for _, r := range is.rungs {
		if !isActive(r.policy) {
			continue
		}
		known = known && r.known
		for _, rule := range r.rules {
			for _, name := range scopeNamesOf(rule.Get(attrScopes)) {
				given[name] = given[name] || isActive(rule)
			}
		}
	}
	if !known || given["*"] || len(is.rungs) == 0 {
		return nil
	}
	var found []reconcile.Finding
	for _, name := range sortedNames(is.scopes) {
		o := is.scopes[name]
		if r := v.rangeOf(o); !given[name] && !r.Empty() && !o.Reference {
			found = append(found, reconcile.Finding{Check: reconcile.CheckScope, Addr: o.Addr, Range: r, Summary: "No rule gives scope " + name,
				Detail: "No active rule of an active policy of the authorization server lists it: whoever asks for it is refused (access_denied).",
				Remedy: "Add it to the scopes of a rule."})
		}
	}
	for _, claim := range is.claims {
		tied := scopeNamesOf(claim.Get(attrScopes))
		r := v.attrRange(claim, attrScopes)
		if r.Empty() || len(tied) == 0 || !isActive(claim) || slices.ContainsFunc(tied, func(s string) bool { return given[s] }) {
			continue
		}
		f := reconcile.Finding{Check: reconcile.CheckIdleClaim, Addr: claim.Addr, Range: r, Summary: "Claim " + nameOf(claim) + " comes in no token",
			Detail: fmt.Sprintf("It comes with scope %s, and nobody can ask for that: no active rule of an active policy of the authorization server lists it.", strings.Join(tied, " or ")),
			Remedy: "Tie the claim to a scope that a rule gives, or add the scope to a rule."}
		if o, ok := is.scopes[tied[0]]; ok {
			f.Other, f.OtherRange, f.OtherText = o.Addr, v.rangeOf(o), "the scope"
		}
		found = append(found, f)
	}
	return found
}

func sortedNames(m map[string]reconcile.Object) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
