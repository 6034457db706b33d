package reconcile

import (
	"encoding/binary"
	"slices"
)

// NodeSubject is, in [Step.Touches], whoever's tokens have a subject, by its [SubjectKey]; it is in no access graph.
const NodeSubject NodeKind = "subject"

// mostShares bounds, per step, how many accounts are told apart. Beyond that, accounts that any step has to do with together are one part.
const mostShares = 32

// partition gives each step its [Step.Parts]: which accounts it may have to do with, told from the nodes that it touches and from who gets to them before or after all steps.
// Accounts that the same steps touch are one part, and one that a single step touches is none: nothing can happen to it in between.
//
// That is enough for the order of access: what an account has at any moment depends on the steps that touch it alone, and those keep the order of their stages. Who
// touches nothing of any account waits for nobody, and who may touch anything waits for all.
func partition(systems []System, before []Object, steps []Step, old, new []Edge) []Step {
	if !slices.ContainsFunc(steps, func(s Step) bool { return s.Stage != steps[0].Stage }) {
		return steps
	}
	steps = slices.Clone(steps)
	r := reachers{from: make(map[Node][]Node), number: make(map[Node]int)}
	for _, edges := range [][]Edge{old, new} {
		for _, e := range edges {
			r.from[e.To] = append(r.from[e.To], e.From)
		}
	}
	touches, named := r.subjects(systems, before, steps)
	accounts := make([][]int, len(steps))
	total := 0
	for i, t := range touches {
		if steps[i].Touches == nil || t == nil || !named && hasSubject(t) {
			continue
		}
		accounts[i] = r.accounts(t)
		total += len(accounts[i])
	}
	parts := classes(accounts)
	if total > mostShares*(len(steps)+mostShares) {
		parts = components(accounts)
	}
	for i := range steps {
		if accounts[i] != nil {
			steps[i].Parts = append([]int{}, parts[i]...)
		}
	}
	return steps
}

func hasSubject(nodes []Node) bool {
	return slices.ContainsFunc(nodes, func(n Node) bool { return n.Kind == NodeSubject })
}

// reachers finds the accounts that get to a node.
type reachers struct {
	from   map[Node][]Node // where the edges to a node begin
	number map[Node]int    // of accounts, and of what nobody gets to, in order of first mention
}

// subjects adds to what steps touch the accounts whose tokens have a subject that they name. named is false where some server takes another claim for the name:
// whose account a name is can then not be told.
func (r reachers) subjects(systems []System, before []Object, steps []Step) (touches [][]Node, named bool) {
	touches = make([][]Node, len(steps))
	some := false
	for i, s := range steps {
		touches[i] = s.Touches
		some = some || hasSubject(s.Touches)
	}
	if !some {
		return touches, true
	}
	after := After(before, changesIn(steps))
	of := make(map[string][]Node)
	for _, state := range [][]Object{before, after} {
		for _, doors := range DoorsOf(systems, state) {
			if slices.ContainsFunc(doors, func(d Door) bool { return d.SubjectClaim != "" && d.SubjectClaim != "sub" }) {
				return touches, false
			}
		}
		for t := range TokensOf(systems, state) {
			if t.Subject != nil {
				key := SubjectKey(t.Subject)
				of[key] = append(of[key], t.Account)
			}
		}
	}
	for i, nodes := range touches {
		for _, n := range nodes {
			if n.Kind == NodeSubject {
				touches[i] = append(slices.Clip(touches[i]), of[n.Name]...)
			}
		}
	}
	return touches, true
}

// accounts lists, in ascending order, the numbers of the accounts that get to some nodes, and of the nodes themselves: two steps on one role are never strangers.
func (r reachers) accounts(nodes []Node) []int {
	found := make([]int, 0, len(nodes))
	seen := make(map[Node]bool, len(nodes))
	queue := slices.Clone(nodes)
	for k := 0; k < len(queue); k++ {
		n := queue[k]
		if seen[n] {
			continue
		}
		seen[n] = true
		if k < len(nodes) || n.Kind == NodeAccount {
			number, ok := r.number[n]
			if !ok {
				number = len(r.number)
				r.number[n] = number
			}
			found = append(found, number)
		}
		queue = append(queue, r.from[n]...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// classes gives each step the classes of its accounts. Accounts are of one class when the same steps touch them, and of none when a single one does.
func classes(accounts [][]int) [][]int {
	touching := make(map[int][]int)
	for i, list := range accounts {
		for _, a := range list {
			touching[a] = append(touching[a], i)
		}
	}
	classOf, number := make(map[int]int, len(touching)), make(map[string]int)
	parts := make([][]int, len(accounts))
	for i, list := range accounts {
		for _, a := range list {
			if len(touching[a]) < 2 {
				continue
			}
			class, ok := classOf[a]
			if !ok {
				key := keyOf(touching[a])
				if class, ok = number[key]; !ok {
					class = len(number)
					number[key] = class
				}
				classOf[a] = class
			}
			parts[i] = append(parts[i], class)
		}
		slices.Sort(parts[i])
		parts[i] = slices.Compact(parts[i])
	}
	return parts
}

func keyOf(list []int) string {
	var key []byte
	for _, n := range list {
		key = binary.AppendUvarint(key, uint64(n))
	}
	return string(key)
}

// components gives each step the one part in which all accounts are that hang together by steps.
func components(accounts [][]int) [][]int {
	parent := make(map[int]int)
	var root func(a int) int
	root = func(a int) int {
		p, ok := parent[a]
		if !ok || p == a {
			return a
		}
		parent[a] = root(p)
		return parent[a]
	}
	for _, list := range accounts {
		for _, a := range list {
			parent[root(a)] = root(list[0])
		}
	}
	parts := make([][]int, len(accounts))
	for i, list := range accounts {
		if len(list) > 0 {
			parts[i] = []int{root(list[0])}
		}
	}
	return parts
}

// place is where gates are: a part of the accounts, and a stage.
type place struct {
	part  int
	stage Stage
}

// The parts of no accounts in particular: those of steps that may touch any, and that of all steps.
const (
	anyPart = -1 - iota
	everyPart
)

// gates lets the steps of later stages wait for those of earlier ones that they share a part with. Where many wait for many, a gate stands between them: a node behind those
// of the steps that waits for the ones, and for which the others wait.
type gates struct {
	members map[place][]int // steps
	made    map[place]int   // the node that stands for the members of earlier stages
	deps    [][]int
}

// addGates adds what stages ask for to what steps wait for by themselves.
func addGates(steps []Step, deps [][]int) [][]int {
	if !slices.ContainsFunc(steps, func(s Step) bool { return s.Stage != steps[0].Stage }) {
		return deps
	}
	g := gates{members: make(map[place][]int), made: make(map[place]int), deps: deps}
	for i, s := range steps {
		add := func(part int) { g.members[place{part, s.Stage}] = append(g.members[place{part, s.Stage}], i) }
		add(everyPart)
		if s.Parts == nil {
			add(anyPart)
		}
		for _, p := range s.Parts {
			add(p)
		}
	}
	for i, s := range steps {
		parts := append([]int{anyPart}, s.Parts...)
		if s.Parts == nil {
			parts = []int{everyPart}
		}
		for _, p := range parts {
			if node := g.before(place{p, s.Stage}); node >= 0 {
				g.deps[i] = append(g.deps[i], node)
			}
		}
		slices.Sort(g.deps[i])
		g.deps[i] = slices.Compact(g.deps[i])
	}
	return g.deps
}

// before gives the node that has ended once all members of a part in stages before one have, or -1 when there are none. What is before a step that everybody after it waits
// for, and that waited for everybody, needs no mention.
func (g *gates) before(at place) int {
	if at.stage <= Restrict {
		return -1
	}
	if node, ok := g.made[at]; ok {
		return node
	}
	earlier := place{at.part, at.stage - 1}
	list := slices.Clone(g.members[earlier])
	if len(g.members[place{anyPart, earlier.stage}]) == 0 {
		if node := g.before(earlier); node >= 0 {
			list = append(list, node)
		}
	}
	node := -1
	switch len(list) {
	case 0:
	case 1:
		node = list[0]
	default:
		node = len(g.deps)
		g.deps = append(g.deps, list)
	}
	g.made[at] = node
	return node
}

// crossWaits gives steps one number where they wait for the same nodes in other stages, not counting those that a step of their own stage waited for which may touch
// anything.
func crossWaits(steps []Step, deps [][]int) []int {
	same := make([]int, len(steps))
	numbers := make(map[string]int)
	for i := range steps {
		var cross []int
		for _, d := range deps[i] {
			if d < len(steps) && steps[d].Stage == steps[i].Stage {
				if steps[d].Parts == nil {
					cross = nil
					break
				}
				continue
			}
			cross = append(cross, d)
		}
		key := keyOf(cross)
		if _, known := numbers[key]; !known {
			numbers[key] = len(numbers)
		}
		same[i] = numbers[key]
	}
	return same
}
