package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Surplus is an access that an account has for a while, and that neither the state before a plan nor the one after it gives.
type Surplus struct {
	Account Node
	Node    Node // the role or privilege
	// Without is the denial whose absence makes it too much; zero when the node itself is.
	Without Node
}

// String says who has too much.
func (s Surplus) String() string {
	text := s.Account.Label() + " has " + string(s.Node.Kind) + " " + s.Node.Label()
	if s.Without != (Node{}) {
		text += " without the denial of " + s.Without.Label()
	}
	return text
}

// FindSurplus holds a moment of an apply against the states before and after it: which account has a role or privilege, or a privilege without a denial, that neither
// of the two gives it. The answer is in order of account and node.
func FindSurplus(before, after, now []Edge) []Surplus {
	was, will, is := reach(before), reach(after), reach(now)
	var found []Surplus
	for _, account := range slices.SortedFunc(maps.Keys(is), compareNode) {
		found = append(found, surplusOf(account, was[account], will[account], is[account])...)
	}
	return found
}

func surplusOf(account Node, was, will, is map[Node]bool) []Surplus {
	denials := make(map[Node]bool)
	for _, state := range []map[Node]bool{was, will} {
		for n := range state {
			if isDenial(n) && !is[n] {
				denials[n] = true
			}
		}
	}
	var found []Surplus
	for n := range is {
		switch {
		case isDenial(n):
		case !was[n] && !will[n]:
			found = append(found, Surplus{Account: account, Node: n})
		case n.Kind == NodePrivilege:
			for d := range denials {
				if !(was[n] && !was[d]) && !(will[n] && !will[d]) {
					found = append(found, Surplus{Account: account, Node: n, Without: d})
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b Surplus) int { return cmp.Or(compareNode(a.Node, b.Node), compareNode(a.Without, b.Without)) })
	return found
}

// link is an edge without what makes it so: two objects may make the same one.
type link struct{ from, to Node }

func linksOf(edges []Edge) map[link]bool {
	m := make(map[link]bool, len(edges))
	for _, e := range edges {
		m[link{e.From, e.To}] = true
	}
	return m
}

// guardAccess lets steps wait for each other where running them in another order would give an account, for a while, what neither state gives it: what goes
// away of a way to a privilege has to be gone before the rest of the way is there. Systems order their own steps; this is about ways that lead through several objects,
// such as an app that gains a group while the role behind it is narrowed. old and new are the access graphs before and after all steps.
func guardAccess(systems []System, before []Object, steps []Step, old, new []Edge) []Step {
	g := accessGuard{steps: slices.Clone(steps)}
	g.old, g.new = linksOf(old), linksOf(new)
	found := FindSurplus(old, new, slices.Concat(old, new))
	if len(found) == 0 {
		return g.steps
	}
	g.effects = effectsOf(systems, before, changesIn(steps), old, new)
	g.depend()
	g.connect()
	for _, s := range found {
		if s.Without == (Node{}) {
			for _, way := range g.ways(s.Account, s.Node) {
				g.close(way)
			}
		}
	}
	return g.steps
}

type accessGuard struct {
	steps    []Step
	old, new map[link]bool
	next     map[Node][]Node // where the links lead that are there before or after
	effects  effects
	grounds  [][]int // what steps wait for by themselves, as they are now
	deps     [][]int // and by their stages too
}

func (g *accessGuard) depend() { g.grounds, g.deps = grounds(g.steps), dependencies(g.steps) }

// maxWays bounds how many ways to one privilege are looked at.
const maxWays = 1000

// connect makes the graph of all links.
func (g *accessGuard) connect() {
	g.next = make(map[Node][]Node)
	for l := range g.old {
		g.next[l.from] = append(g.next[l.from], l.to)
	}
	for l := range g.new {
		if !g.old[l] {
			g.next[l.from] = append(g.next[l.from], l.to)
		}
	}
	for n := range g.next {
		slices.SortFunc(g.next[n], compareNode)
	}
}

// ways lists the ways from an account to a node over what is there before or after.
func (g *accessGuard) ways(from, to Node) [][]link {
	var found [][]link
	var walk func(n Node, way []link)
	walk = func(n Node, way []link) {
		if n == to {
			found = append(found, slices.Clone(way))
			return
		}
		for _, m := range g.next[n] {
			again := m == from || slices.ContainsFunc(way, func(l link) bool { return l.to == m })
			if !again && len(found) < maxWays {
				walk(m, append(way, link{n, m}))
			}
		}
	}
	walk(from, nil)
	return found
}

// close makes sure that a way is never open: some link that comes waits for some link that goes.
func (g *accessGuard) close(way []link) {
	var goes, comes []link
	for _, l := range way {
		switch {
		case g.old[l] && !g.new[l]:
			goes = append(goes, l)
		case g.new[l] && !g.old[l]:
			comes = append(comes, l)
		}
	}
	for _, try := range []func(earlier, later []int) bool{g.holds, g.order, g.move} {
		for _, gone := range goes {
			for _, come := range comes {
				for _, earlier := range g.removers(gone) {
					for _, later := range g.adders(come) {
						if try(earlier, later) {
							return
						}
					}
				}
			}
		}
	}
	g.warn(way, comes)
}

// warn tells where no order helps: two changes that would each have to be before the other.
func (g *accessGuard) warn(way, comes []link) {
	for _, l := range comes {
		sets := g.adders(l)
		if len(sets) == 0 {
			continue
		}
		text := fmt.Sprintf("between two calls account %s has %s %s, which neither the old state nor the new one gives: make one of the changes first, in a plan of its own",
			way[0].from.Label(), way[len(way)-1].to.Kind, way[len(way)-1].to.Label())
		step := &g.steps[sets[0][0]]
		if h := (Hazard{HazardWidens, text}); !slices.Contains(step.Hazards, h) {
			step.Hazards = append(slices.Clone(step.Hazards), h)
		}
		return
	}
}

// removers lists sets of steps after which a link is gone: each step that takes it away alone, or all together.
func (g *accessGuard) removers(l link) [][]int { return setsOf(g.effects.ends[l], g.effects.keeps[l]) }

// adders lists sets of steps before which a link is not there: each step without which it never comes, or all that bring it.
func (g *accessGuard) adders(l link) [][]int { return setsOf(g.effects.needed[l], g.effects.brings[l]) }

// setsOf are sets of one step each, or where there is none the one of all.
func setsOf(each, all []int) [][]int {
	var sets [][]int
	for _, i := range each {
		sets = append(sets, []int{i})
	}
	if len(sets) == 0 && len(all) > 0 {
		sets = append(sets, all)
	}
	return sets
}

// every asks about each pair of an earlier and a later step. One and the same step needs no order: what goes and what comes by one change change together.
func every(earlier, later []int, ok func(e, l int) bool) bool {
	for _, e := range earlier {
		for _, l := range later {
			if e != l && !ok(e, l) {
				return false
			}
		}
	}
	return true
}

// holds says whether the order is right as it is.
func (g *accessGuard) holds(earlier, later []int) bool {
	return every(earlier, later, func(e, l int) bool { return waits(g.deps, l, e) })
}

// order lets the later steps wait for the earlier ones, where no stage and nothing else says the contrary, not the steps themselves either: of two sets that share steps one pair may be
// the other way round of another.
func (g *accessGuard) order(earlier, later []int) bool {
	var waiting []int
	ok := every(earlier, later, func(e, l int) bool {
		if g.steps[e].Stage > g.steps[l].Stage || waits(g.deps, e, l) {
			return false
		}
		g.steps[l].After = append(slices.Clone(g.steps[l].After), g.steps[e].Change.Addr())
		g.grounds[l], g.deps[l] = append(g.grounds[l], e), append(g.deps[l], e)
		waiting = append(waiting, l)
		return true
	})
	if ok {
		return true
	}
	for _, l := range slices.Backward(waiting) {
		g.steps[l].After = g.steps[l].After[:len(g.steps[l].After)-1]
		g.grounds[l], g.deps[l] = g.grounds[l][:len(g.grounds[l])-1], g.deps[l][:len(g.deps[l])-1]
	}
	return false
}

// move brings what goes away forward into the stage of what comes, where nothing of a later stage has to be before it.
func (g *accessGuard) move(earlier, later []int) bool {
	if !every(earlier, later, func(e, l int) bool {
		return !slices.ContainsFunc(g.grounds[e], func(d int) bool { return g.steps[d].Stage > g.steps[l].Stage })
	}) {
		return false
	}
	was := slices.Clone(g.steps)
	every(earlier, later, func(e, l int) bool {
		g.steps[e].Stage = min(g.steps[e].Stage, g.steps[l].Stage)
		return true
	})
	g.depend()
	if g.order(earlier, later) {
		return true
	}
	g.steps = was
	g.depend()
	return false
}

// waits says whether a step waits for another, directly or not.
func waits(deps [][]int, i, on int) bool {
	seen := make(map[int]bool)
	var look func(i int) bool
	look = func(i int) bool {
		if seen[i] {
			return false
		}
		seen[i] = true
		return slices.Contains(deps[i], on) || slices.ContainsFunc(deps[i], look)
	}
	return look(i)
}
