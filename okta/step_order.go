package okta

import (
	"cmp"
	"slices"

	"keymaker/reconcile"
)

// serialize lets no two writes of the policies and rules of one authorization server run at the same time: parallel ones have been seen to end in 500s
// and wrong priorities. A policy's rules follow it in their order, so that each new one finds those before it.
func (p planner) serialize(steps []reconcile.Step) {
	type line struct {
		server string
		stage  reconcile.Stage
	}
	lines := map[line][]int{}
	for i, s := range steps {
		for _, server := range p.policyServers(s) {
			l := line{server, s.Stage}
			lines[l] = append(lines[l], i)
		}
	}
	for _, in := range lines {
		slices.SortFunc(in, func(a, b int) int { return p.before(steps[a].Change, steps[b].Change) })
		for n, i := range in[1:] {
			steps[i].After = append(steps[i].After, steps[in[n]].Change.Addr())
		}
	}
	p.imply(steps)
	for i := range steps {
		slices.SortFunc(steps[i].After, reconcile.CompareAddr)
		steps[i].After = slices.Compact(steps[i].After)
	}
}

// imply orders what depends on each other by name only, where the spec wrote a scope or a client id out instead of referring to its block: it is made
// before what names it, and goes after it.
func (p planner) imply(steps []reconcile.Step) {
	for i, user := range steps {
		for j, used := range steps {
			if i == j || user.Stage != used.Stage || !p.names(objectOf(user.Change), objectOf(used.Change)) {
				continue
			}
			_, userGoes := user.Change.(reconcile.Delete)
			_, usedGoes := used.Change.(reconcile.Delete)
			switch {
			case usedGoes && userGoes:
				steps[j].After = append(steps[j].After, user.Change.Addr())
			case !usedGoes && !userGoes:
				steps[i].After = append(steps[i].After, used.Change.Addr())
			}
		}
	}
}

// names says whether an object names another: a claim or rule a scope, a policy an app.
func (p planner) names(user, used reconcile.Object) bool {
	switch used.Addr.Kind {
	case kindScope:
		k := user.Addr.Kind
		return (k == kindClaim || k == kindRule) && contains(user.Get(attrScopes), used.Get(attrName)) && p.server(user).String() == p.server(used).String()
	case kindApp:
		return user.Addr.Kind == kindPolicy && isFor(user, used.Addr, p.clientID(used)) && !contains(user.Get(attrClients), reconcile.Text(allClients))
	}
	return false
}

// policyServers names the authorization servers whose policies or rules a step writes.
func (p planner) policyServers(s reconcile.Step) []string {
	switch s.Change.Addr().Kind {
	case kindPolicy, kindRule:
		return []string{p.server(objectOf(s.Change)).String()}
	}
	var servers []string
	for _, op := range s.Ops {
		if strip, ok := op.(Strip); ok {
			servers = append(servers, strip.Policy[3].String())
		}
	}
	slices.Sort(servers)
	return slices.Compact(servers)
}

func objectOf(c reconcile.Change) reconcile.Object {
	switch c := c.(type) {
	case reconcile.Create:
		return c.Want
	case reconcile.Update:
		return c.Want
	case reconcile.Delete:
		return c.Live
	}
	return reconcile.Object{}
}

// before orders the writes of one server: by policy, then the policy before its rules, then the rules as they stand in the spec; deletions the other way
// round, as a rule goes before its policy. Apps that leave policies come last, behind the changes of those policies.
func (p planner) before(a, b reconcile.Change) int {
	rank := func(c reconcile.Change) (int, reconcile.Addr, int) {
		o := objectOf(c)
		switch o.Addr.Kind {
		case kindPolicy:
			return 0, o.Addr, -1
		case kindRule:
			policy := policyOf(o)
			return 0, policy, slices.Index(p.ruleOrder(policy), o.Addr.Name)
		}
		return 1, o.Addr, 0
	}
	ka, pa, ra := rank(a)
	kb, pb, rb := rank(b)
	if _, deletes := a.(reconcile.Delete); deletes {
		if _, both := b.(reconcile.Delete); both {
			ra, rb = -ra, -rb
		}
	}
	return cmp.Or(cmp.Compare(ka, kb), reconcile.CompareAddr(pa, pb), cmp.Compare(ra, rb), reconcile.CompareAddr(a.Addr(), b.Addr()))
}

// ruleOrder is a policy's rules in the spec's order.
func (p planner) ruleOrder(policy reconcile.Addr) []string {
	return reconcile.Texts(p.view.want[policy].Get(attrRuleOrder))
}

// liveRules are those of a policy's wanted rules that are live.
func (p planner) liveRules(policy reconcile.Addr, order []string) []string {
	return slices.DeleteFunc(slices.Clone(order), func(name string) bool { return !slices.Contains(p.view.rules[policy], name) })
}

// policyPriority is where a new policy goes. Okta takes the first policy that fits a client, and a new org has one for all clients: a policy for named
// clients goes to the front, where it does something; one for all clients to the end, where it takes nothing from others.
func (p planner) policyPriority(o reconcile.Object) int {
	server := "default"
	if t, ok := p.server(o).(reconcile.Text); ok {
		server = string(t)
	}
	if contains(o.Get(attrClients), reconcile.Text(allClients)) {
		return p.view.policies[server] + p.newPolicies(o) + 1
	}
	return p.newPolicies(o) + 1
}

// newPolicies counts the policies that the plan makes on the same server before this one.
func (p planner) newPolicies(o reconcile.Object) int {
	n := 0
	for a, c := range p.changes {
		made, ok := c.(reconcile.Create)
		if ok && a.Kind == kindPolicy && reconcile.CompareAddr(a, o.Addr) < 0 && p.server(made.Want).String() == p.server(o).String() {
			n++
		}
	}
	return n
}

// rulePriority is where a new rule goes: between its neighbours in the spec. Okta moves those behind it, and counts from 1 without gaps.
func (p planner) rulePriority(o reconcile.Object) int {
	policy := policyOf(o)
	order := p.ruleOrder(policy)
	live := reordered(p.view.rules[policy], p.liveRules(policy, order)) // the policy's own step comes first
	return slices.Index(mergeOrder(live, order), o.Addr.Name) + 1
}

// reordered is what a Reorder makes of an order.
func reordered(live, order []string) []string {
	live = slices.Clone(live)
	for i := 1; i < len(order); i++ {
		before, at := slices.Index(live, order[i-1]), slices.Index(live, order[i])
		if at < before {
			live = slices.Insert(slices.Delete(live, at, at+1), before, order[i])
		}
	}
	return live
}
