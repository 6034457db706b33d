package okta

import (
	"slices"

	"keymaker/reconcile"
)

// way is one way for an app to a token, of those that the spec declares: a policy and one of its rules, and the authorization server that they are on.
type way struct {
	policy, rule reconcile.Object
	of           *issuer
}

// answersMachines says whether a rule can fit a request with client_credentials.
func answersMachines(rule reconcile.Object) bool {
	return isActive(rule) && hasGrant(rule.Get(attrGrants)) && fitsNobody(rule)
}

// waysOf lists the policies and rules of a state that are for an app, in the order in which Okta tries them. Those that no block declares are left out: see [rung]. A way
// that is meant may be inactive, or for others, and then answers nobody.
func (v view) waysOf(all []*issuer, app reconcile.Object, meant bool) []way {
	var ways []way
	firsts := make(map[reconcile.Addr]reconcile.Addr) // the first policy by address, of the server of each policy
	for _, is := range all {
		var found []way
		first := reconcile.Addr{}
		for _, at := range is.rungsFor(app) {
			r := is.rungs[at]
			if r.foreign || !meant && !isActive(r.policy) {
				continue
			}
			for _, rule := range r.rules {
				if !r.strange[rule.Addr.Name] && (meant || answersMachines(rule)) {
					found = append(found, way{r.policy, rule, is})
				}
			}
			if first.IsZero() || reconcile.CompareAddr(r.policy.Addr, first) < 0 {
				first = r.policy.Addr
			}
		}
		for _, w := range found {
			firsts[w.policy.Addr] = first
		}
		ways = append(ways, found...)
	}
	slices.SortStableFunc(ways, func(a, b way) int { return reconcile.CompareAddr(firsts[a.policy.Addr], firsts[b.policy.Addr]) })
	return ways
}

// preferred puts the way first by which an account gets most: of the first policy, whose rules alone Okta asks, the first rule whose scopes bring the most claims.
func (v view) preferred(ways []way) []way {
	best, most := 0, -1
	for i, w := range ways {
		if w.policy.Addr != ways[0].policy.Addr {
			break
		}
		asked, n := v.askedBy(w), 0
		for _, claim := range w.of.claims {
			if goesIntoTokens(claim) && broughtBy(claim, asked) {
				n++
			}
		}
		if n > most {
			best, most = i, n
		}
	}
	if best == 0 {
		return ways
	}
	return slices.Concat(ways[best:best+1], ways[:best], ways[best+1:])
}

// askedBy lists the scopes that an account asks for by a way: all that its rule gives, also those that are not to be had, so that what is wrong with them is found.
func (v view) askedBy(w way) []string {
	return v.scopesOf(w.rule, w.of, nil).asked
}

// broughtBy says whether a token with some scopes has a claim in it.
func broughtBy(claim reconcile.Object, scopes []string) bool {
	tied := scopeNamesOf(claim.Get(attrScopes))
	return len(tied) == 0 || slices.ContainsFunc(tied, func(s string) bool { return slices.Contains(scopes, s) })
}
