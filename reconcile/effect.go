package reconcile

import "slices"

// effects says, by link, which steps make it come and go.
type effects struct {
	ends   map[link][]int // steps that end it alone
	keeps  map[link][]int // steps without which, all others made, it is still there
	needed map[link][]int // steps without which, all others made, it is not there
	brings map[link][]int // steps that bring it alone
}

// effectsOf works out what each change does by itself, and what is lacking without it.
//
// Where that costs a look at all objects for each change, a plan of thousands could not be made. So objects are told apart: a change of what is local, which makes the
// links from its own nodes and has no part in others, is looked at together with all others of its sort; only a change of one that is not takes a look of its own.
func effectsOf(systems []System, before []Object, changes []Change, old, new []Edge) effects {
	e := effects{ends: make(map[link][]int), keeps: make(map[link][]int), needed: make(map[link][]int), brings: make(map[link][]int)}
	owners := localOf(changes, slices.Concat(old, new))
	var locals, hubs []Change
	is := make(map[Addr]bool)
	for _, a := range owners {
		is[a] = true
	}
	was, will := linksOf(old), linksOf(new)
	for i, c := range changes {
		if is[c.Addr()] {
			locals = append(locals, c)
			continue
		}
		hubs = append(hubs, c)
		others := slices.Concat(changes[:i], changes[i+1:])
		e.note(i, was, will, linksOf(EdgesOf(systems, After(before, changes[i:i+1]))), linksOf(EdgesOf(systems, After(before, others))))
	}
	alone, without := linksOf(EdgesOf(systems, After(before, locals))), linksOf(EdgesOf(systems, After(before, hubs)))
	parts := [4]map[Addr]map[link]bool{share(was, owners), share(will, owners), share(alone, owners), share(without, owners)}
	for i, c := range changes {
		if a := c.Addr(); is[a] {
			e.note(i, parts[0][a], parts[1][a], parts[2][a], parts[3][a])
		}
	}
	return e
}

// share gives each owner the links from its nodes.
func share(links map[link]bool, owners map[Node]Addr) map[Addr]map[link]bool {
	parts := make(map[Addr]map[link]bool)
	for l := range links {
		a, owned := owners[l.from]
		if !owned {
			continue
		}
		if parts[a] == nil {
			parts[a] = make(map[link]bool)
		}
		parts[a][l] = true
	}
	return parts
}

// note files what one step does: was and will are the links without and with all changes, alone those after it alone, without those after all but it.
func (e effects) note(i int, was, will, alone, without map[link]bool) {
	for l := range was {
		if !alone[l] {
			e.ends[l] = append(e.ends[l], i)
		}
	}
	for l := range alone {
		if !was[l] {
			e.brings[l] = append(e.brings[l], i)
		}
	}
	for l := range will {
		if !without[l] {
			e.needed[l] = append(e.needed[l], i)
		}
	}
	for l := range without {
		if !will[l] {
			e.keeps[l] = append(e.keeps[l], i)
		}
	}
}

// localOf finds the objects that change and are local, by their nodes: accounts, and others that stay and are the only ones to make links from their nodes.
func localOf(changes []Change, edges []Edge) map[Node]Addr {
	makers := make(map[Node]map[Addr]bool)
	nodes := make(map[Addr]map[Node]bool)
	for _, e := range edges {
		if makers[e.From] == nil {
			makers[e.From] = make(map[Addr]bool)
		}
		makers[e.From][e.Via] = true
		if nodes[e.Via] == nil {
			nodes[e.Via] = make(map[Node]bool)
		}
		nodes[e.Via][e.From] = true
	}
	owners := make(map[Node]Addr)
	for _, c := range changes {
		a := c.Addr()
		_, stays := c.(Update)
		own := len(nodes[a]) > 0
		for n := range nodes[a] {
			own = own && len(makers[n]) == 1 && (stays || n.Kind == NodeAccount)
		}
		for n := range nodes[a] {
			if own {
				owners[n] = a
			}
		}
	}
	return owners
}
