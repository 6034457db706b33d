package reconcile

import "slices"

// waysIn tells the way of each account of a state. What many of them share, as accounts of one connection do, is worked out once: there may be thousands.
type waysIn struct {
	provers []Prover
	state   []Object
	taken   map[takenKey]wayIn
	// reach are the nodes that each account comes to; nil before anybody asked.
	reach map[Node]map[Node]bool
}

// takenKey is what decides who takes an account's tokens: who issues them, on which connection.
type takenKey struct {
	issuer Prover
	on     string
}

// wayIn is who issues an account's tokens, then where it logs in, and whose tokens these take.
type wayIn struct {
	provers  []Prover
	expected []Expectation
}

func newWaysIn(provers []Prover, state []Object) *waysIn {
	return &waysIn{provers: provers, state: state, taken: make(map[takenKey]wayIn)}
}

// of lists the provers on an account's way. Other connections of the system that lists it know nothing of it. It logs in where its tokens are taken; where several take
// them, on those where it reaches a role.
func (w *waysIn) of(issuer Prover, account Account) wayIn {
	key := takenKey{issuer, NodeOn(account.Addr.System, account.Addr.Connection)}
	all, known := w.taken[key]
	if !known {
		all = w.takers(issuer, account)
		w.taken[key] = all
	}
	if len(all.provers) <= 2 {
		return all
	}
	takers := w.reached(all.provers[1:], account)
	if len(takers) == len(all.provers)-1 {
		return all
	}
	return w.through(append([]Prover{issuer}, takers...))
}

// takers is the way of every account of a connection, to all who take its tokens.
func (w *waysIn) takers(issuer Prover, account Account) wayIn {
	if _, itself := issuer.(Taker); itself { // the account is a user of the server where it logs in
		return w.through([]Prover{issuer})
	}
	var all, takers []Prover
	for _, p := range w.provers {
		if s, ok := p.(System); p == issuer || ok && sameSystem(s.Name(), account.Addr.System) {
			continue
		}
		all = append(all, p)
		if t, ok := p.(Taker); !ok || t.Takes(account, w.state) {
			takers = append(takers, p)
		}
	}
	if len(takers) == 0 { // the first hop there tells why
		takers = all
	}
	return w.through(append([]Prover{issuer}, takers...))
}

// through is the way through some provers.
func (w *waysIn) through(provers []Prover) wayIn {
	way := wayIn{provers: provers}
	for _, p := range provers {
		if x, ok := p.(Expecter); ok {
			way.expected = append(way.expected, x.Expects(w.state)...)
		}
	}
	return way
}

func sameSystem(instance, system string) bool {
	s, _ := SplitInstance(instance)
	return s == system
}

// reached keeps the provers where an account reaches a role; all, where it reaches none.
func (w *waysIn) reached(takers []Prover, account Account) []Prover {
	if w.reach == nil {
		var systems []System
		for _, p := range w.provers {
			if s, ok := p.(System); ok {
				systems = append(systems, s)
			}
		}
		w.reach = reach(withoutCommon(EdgesOf(systems, w.state)))
	}
	some := make(map[string]bool) // the connections where it reaches a role
	for n := range w.reach[Node{Kind: NodeAccount, Name: account.Name, On: NodeOn(account.Addr.System, account.Addr.Connection)}] {
		if n.Kind == NodeRole {
			some[n.On] = true
		}
	}
	there := slices.DeleteFunc(slices.Clone(takers), func(p Prover) bool {
		s, ok := p.(System)
		return !ok || !some[NodeOn(SplitInstance(s.Name()))]
	})
	if len(there) == 0 {
		return takers
	}
	return there
}
