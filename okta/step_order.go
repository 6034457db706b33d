package okta

import (
	"cmp"
	"slices"

	"keymaker/reconcile"
)

// serialize lets no two writes of the policies and rules of one authorization server run at the same time: parallel ones have been seen to end in 500s
// and wrong priorities. A policy's rules follow it in their order, so that each new one finds those before it.
func (p planner) serialize(steps []reconcile.Step) {
	lines := map[string][]int{}
	for i, s := range steps {
		for _, server := range p.policyServers(s) {
			lines[server] = append(lines[server], i)
		}
	}
	for _, in := range lines {
		slices.SortFunc(in, func(a, b int) int {
			return cmp.Or(cmp.Compare(steps[a].Stage, steps[b].Stage), p.before(steps[a].Change, steps[b].Change))
		})
		for n, i := range in[1:] {
			steps[i].After = append(steps[i].After, steps[in[n]].Change.Addr())
		}
	}
	p.imply(steps)
	p.tell(steps)
	for i := range steps {
		slices.SortFunc(steps[i].After, reconcile.CompareAddr)
		steps[i].After = slices.Compact(steps[i].After)
	}
}

// imply orders what depends on each other by name only, where the spec wrote a scope or a client id out instead of referring to its block: it is made
// before what names it, and goes after it. Only scopes and apps are named.
func (p planner) imply(steps []reconcile.Step) {
	namers := p.namersOf(steps)
	for j, used := range steps {
		_, usedGoes := used.Change.(reconcile.Delete)
		object := objectOf(used.Change)
		for _, i := range namers.of(p, object) {
			user := steps[i]
			_, userGoes := user.Change.(reconcile.Delete)
			named := p.names(objectOf(user.Change), object) || userGoes && p.mayName(objectOf(user.Change), object)
			if i == j || user.Stage != used.Stage || !named {
				continue
			}
			switch {
			case usedGoes && userGoes:
				steps[j].After = append(steps[j].After, user.Change.Addr())
			case !usedGoes && !userGoes:
				steps[i].After = append(steps[i].After, used.Change.Addr())
			}
		}
	}
}

// namers finds steps by what their objects name, as indexes in ascending order: claims, rules and deleted policies by the scopes that they may name, policies by clients.
type namers struct {
	scopes  map[string][]int // by the scope's name
	clients map[string][]int // by the client's value as it prints
	going   []int            // policies that go, whose rules may name any scope
}

func (p planner) namersOf(steps []reconcile.Step) namers {
	n := namers{map[string][]int{}, map[string][]int{}, nil}
	for i, s := range steps {
		o := objectOf(s.Change)
		switch o.Addr.Kind {
		case kindClaim, kindRule:
			for _, scope := range reconcile.Members(o.Get(attrScopes)) {
				n.scopes[scope.String()] = append(n.scopes[scope.String()], i)
			}
		case kindPolicy:
			for _, client := range reconcile.Members(o.Get(attrClients)) {
				n.clients[client.String()] = append(n.clients[client.String()], i)
			}
			if _, goes := s.Change.(reconcile.Delete); goes {
				n.going = append(n.going, i)
			}
		}
	}
	return n
}

// of lists the steps whose objects may name an object.
func (n namers) of(p planner, o reconcile.Object) []int {
	switch o.Addr.Kind {
	case kindScope:
		if name := o.Get(attrName); name != nil {
			return slices.Concat(n.scopes[name.String()], n.going)
		}
		return n.going
	case kindApp:
		steps := n.clients[reconcile.Ref{Addr: o.Addr, Attr: attrClientID}.String()]
		if id := p.clientID(o); id != nil {
			steps = slices.Concat(steps, n.clients[id.String()])
		}
		return steps
	}
	return nil
}

// tell orders what a delivered file says: the issuer of a new server is known once that server is there.
func (p planner) tell(steps []reconcile.Step) {
	for i, s := range steps {
		for _, op := range s.Ops {
			var keys reconcile.Map
			switch op := op.(type) {
			case Deliver:
				keys = op.Keys
			case DeliverKey:
				keys = op.Keys
			}
			for _, v := range keys {
				if ref, ok := v.(reconcile.Ref); ok && ref.Addr != s.Change.Addr() {
					steps[i].After = append(steps[i].After, ref.Addr)
				}
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
		return user.Addr.Kind == kindPolicy && p.audience(user).has(used.Addr, p.clientID(used)) && !p.audience(user).all()
	}
	return false
}

// mayName says whether rules that go with their policy may name a scope: those of a policy that no block declares have no steps of their own, and Okta deletes no
// scope that a rule names.
func (p planner) mayName(policy, scope reconcile.Object) bool {
	if policy.Addr.Kind != kindPolicy || scope.Addr.Kind != kindScope {
		return false
	}
	w, declared := p.view.want[policy.Addr]
	return (!declared || w.Absent) && p.server(policy).String() == p.server(scope).String()
}

// policyServers names the authorization servers whose policies or rules a step writes.
func (p planner) policyServers(s reconcile.Step) []string {
	switch s.Change.Addr().Kind {
	case kindPolicy, kindRule:
		return []string{p.server(objectOf(s.Change)).String()}
	}
	var servers []string
	for _, op := range s.Ops {
		switch op := op.(type) {
		case Strip:
			servers = append(servers, op.Policy[3].String())
		case Reorder:
			servers = append(servers, p.selfServer(objectOf(s.Change)).String())
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

// before orders the writes of one server: its own order of policies first, then by policy, then the policy before its rules, then the rules as they stand in the spec; deletions the other way
// round, as a rule goes before its policy. Apps that leave policies come last, behind the changes of those policies.
func (p planner) before(a, b reconcile.Change) int {
	type rank struct {
		sort, order int
		policy      reconcile.Addr
		rule        int
	}
	rankOf := func(c reconcile.Change) rank {
		o := objectOf(c)
		switch o.Addr.Kind {
		case kindServer:
			return rank{sort: -1}
		case kindPolicy:
			return rank{0, p.placeOf(o), o.Addr, -1}
		case kindRule:
			policy := policyOf(o)
			return rank{0, p.placeOf(p.view.object(policy)), policy, slices.Index(p.ruleOrder(policy), o.Addr.Name)}
		}
		return rank{sort: 1}
	}
	ra, rb := rankOf(a), rankOf(b)
	if _, deletes := a.(reconcile.Delete); deletes {
		if _, both := b.(reconcile.Delete); both {
			ra.rule, rb.rule = -ra.rule, -rb.rule
		}
	}
	return cmp.Or(cmp.Compare(ra.sort, rb.sort), cmp.Compare(ra.order, rb.order), reconcile.CompareAddr(ra.policy, rb.policy), cmp.Compare(ra.rule, rb.rule),
		reconcile.CompareAddr(a.Addr(), b.Addr()))
}

// placeOf is a policy's place in its server's policy_order, behind all of it when it is not named there.
func (p planner) placeOf(policy reconcile.Object) int {
	order := p.policyOrder(p.server(policy).String())
	if i := slices.Index(order, policy.TextAttr(attrName)); i >= 0 {
		return i
	}
	return len(order)
}

// ruleOrder is a policy's rules in the spec's order.
func (p planner) ruleOrder(policy reconcile.Addr) []string {
	return reconcile.Texts(p.view.want[policy].Get(attrRuleOrder))
}

// liveRules are those of a policy's wanted rules that are live.
func (p planner) liveRules(policy reconcile.Addr, order []string) []string {
	return slices.DeleteFunc(slices.Clone(order), func(name string) bool { return !slices.Contains(p.view.rules[policy], name) })
}

// reorderRules gives a policy's rules their names and their order.
func (p planner) reorderRules(c reconcile.Update, order []string) []reconcile.Op {
	ops := p.renameRules(c.Addr())
	order = p.liveRules(c.Addr(), order)
	if n := moves(p.view.rules[c.Addr()], order, ""); n > 0 || len(ops) == 0 {
		ops = append(ops, Reorder{Addr: c.Addr(), List: p.path(c.Want, "rules"), Order: order, Moves: n})
	}
	return ops
}

// policyPriority is where a new policy goes. Its server's policy_order decides, when that names it. Else, as Okta takes the first policy that fits a client,
// and a new org has one for all clients: a policy for named clients goes to the front, where it does something; one for all clients to the end, where it
// takes nothing from others.
func (p planner) policyPriority(o reconcile.Object) int {
	server := p.server(o).String()
	shelf := p.view.policies[server]
	if order := p.policyOrder(server); slices.Contains(order, o.TextAttr(attrName)) {
		return slices.Index(futureOrder(shelf.names, order, shelf.system, p.isForAll(server)), o.TextAttr(attrName)) + 1
	}
	if contains(o.Get(attrClients), reconcile.Text(allClients)) {
		return len(shelf.names) + p.newPolicies(o) + 1
	}
	return p.newPolicies(o) + 1
}

// isForAll says of the policies of a server, by name, whether the spec makes them for all clients.
func (p planner) isForAll(server string) func(string) bool {
	return func(name string) bool {
		for _, o := range p.view.others[kindPolicy] {
			if o.TextAttr(attrName) == name && p.server(o).String() == server {
				return contains(o.Get(attrClients), reconcile.Text(allClients))
			}
		}
		return false
	}
}

// futureOrder is the order of a server's policies after an apply, those that the spec's order names and that are to be made among them: beside their neighbours in it. Where
// none of these is live, the first goes where it would go without an order, see [planner.policyPriority], and the others behind it.
func futureOrder(live, order []string, system string, isForAll func(string) bool) []string {
	names := reordered(live, order, system)
	if len(order) > 0 && !isForAll(order[0]) && !slices.ContainsFunc(order, func(n string) bool { return slices.Contains(names, n) }) {
		names = slices.Insert(names, 0, order[0])
	}
	return mergeOrder(names, order)
}

// newPolicies counts the policies that the plan makes on the same server before this one.
func (p planner) newPolicies(o reconcile.Object) int {
	n := 0
	for a, c := range p.changes {
		made, ok := c.(reconcile.Create)
		if ok && a.Kind == kindPolicy && p.server(made.Want).String() == p.server(o).String() && p.before(c, reconcile.Create{Want: o}) < 0 {
			n++
		}
	}
	return n
}

// policyOrder is the order that the spec gives the policies of a server, as far as it does.
func (p planner) policyOrder(server string) []string {
	for _, o := range p.view.others[kindServer] {
		if p.selfServer(o).String() == server {
			return reconcile.Texts(o.Get(attrPolicyOrder))
		}
	}
	return nil
}

// selfServer is what stands in paths for a server itself, as server is for what it holds.
func (p planner) selfServer(o reconcile.Object) reconcile.Value {
	if isDefault(o) {
		return reconcile.Text(defaultServer)
	}
	return p.id(o.Addr)
}

// rulePriority is where a new rule goes: between its neighbours in the spec. Okta moves those behind it, and counts from 1 without gaps.
func (p planner) rulePriority(o reconcile.Object) int {
	policy := policyOf(o)
	order := p.ruleOrder(policy)
	live := reordered(p.view.rules[policy], order, "") // the policy's own step comes first
	return slices.Index(mergeOrder(live, order), o.Addr.Name) + 1
}

// nextMove is the first move that brings what is live nearer to an order: name goes to the number of its neighbour. What stands behind the fixed one in the
// order is moved back, to the number of the one before it, which moves up by that; what stands before it is moved up, to the number of the one after it.
func nextMove(live, order []string, fixed string) (name, neighbour string, ok bool) {
	order = slices.DeleteFunc(slices.Clone(order), func(n string) bool { return !slices.Contains(live, n) })
	at := func(i int) int { return slices.Index(live, order[i]) }
	pivot := max(slices.Index(order, fixed), 0)
	for i := pivot + 1; i < len(order); i++ {
		if at(i) < at(i-1) {
			return order[i], order[i-1], true
		}
	}
	for i := pivot - 1; i >= 0; i-- {
		if at(i) > at(i+1) {
			return order[i], order[i+1], true
		}
	}
	return "", "", false
}

// reordered is what a Reorder makes of an order.
func reordered(live, order []string, fixed string) []string {
	live, _ = reorder(live, order, fixed)
	return live
}

// moves is how many a Reorder moves.
func moves(live, order []string, fixed string) int {
	_, n := reorder(live, order, fixed)
	return n
}

func reorder(live, order []string, fixed string) (after []string, moves int) {
	live = slices.Clone(live)
	for ; ; moves++ {
		name, neighbour, ok := nextMove(live, order, fixed)
		if !ok {
			return live, moves
		}
		from, to := slices.Index(live, name), slices.Index(live, neighbour)
		live = slices.Insert(slices.Delete(live, from, from+1), to, name)
	}
}
