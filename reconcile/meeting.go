package reconcile

import "reflect"

// meeting is what one change means: the part of the access graph that it touches, as it is and as it would be.
type meeting struct{ now, then side }

// side is accounts with their edges, and where shared edges lead on from there.
type side struct {
	accounts map[Node][]Edge
	next     func(Node) []Edge
}

// edges are the accounts' and all that can be reached from them.
func (s side) edges() []Edge {
	var all []Edge
	seen := make(map[Node]bool)
	var follow func(Node)
	follow = func(n Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, e := range s.next(n) {
			all = append(all, e)
			follow(spot(e.To))
		}
	}
	for _, edges := range s.accounts {
		all = append(all, edges...)
		for _, e := range edges {
			follow(spot(e.To))
		}
	}
	return settleGroups(all)
}

// account is the meeting of a change of an account's object, whose tokens are known from the rounds.
func (s *scene) account(undo Change) meeting {
	return s.tokensMeet(s.granted[undo.Addr()], s.undone[undo.Addr()][differenceIn(undo)])
}

// tokensMeet is the meeting of a change that makes other tokens.
func (s *scene) tokensMeet(now, then []Token) meeting {
	was, will := byHolder(now), byHolder(then)
	var a, b []Token
	for _, tokens := range []map[Node][]Token{was, will} {
		for account := range tokens {
			if !reflect.DeepEqual(was[account], will[account]) {
				a, b = append(a, was[account]...), append(b, will[account]...)
				delete(was, account)
				delete(will, account)
			}
		}
	}
	servers := s.servers("", nil)
	next := func(n Node) []Edge { return s.shared[n] }
	return meeting{side{byAccount(s.enter(a, servers)), next}, side{byAccount(s.enter(b, servers)), next}}
}

func byHolder(tokens []Token) map[Node][]Token {
	m := make(map[Node][]Token)
	for _, t := range tokens {
		m[t.Account] = append(m[t.Account], t)
	}
	return m
}

// sharer is the meeting of an update of a shared object, whose other edges are known from the rounds.
func (s *scene) sharer(undo Change) meeting {
	now := s.via[undo.Addr().Instance()][undo.Addr()]
	then := s.sharing[undo.Addr()][differenceIn(undo)]
	if reflect.DeepEqual(now, then) || len(now)+len(then) == 0 {
		return meeting{}
	}
	others := make(map[Node][]Edge)
	for _, e := range then {
		others[spot(e.From)] = append(others[spot(e.From)], e)
	}
	next := func(n Node) []Edge { return s.shared[n] }
	without := func(n Node) []Edge {
		var edges []Edge
		for _, e := range s.shared[n] {
			if e.Via != undo.Addr() {
				edges = append(edges, e)
			}
		}
		return append(edges, others[n]...)
	}
	touched := s.behind(append(append([]Edge{}, now...), then...))
	return meeting{side{touched, next}, side{touched, without}}
}

// hub is the meeting of any other change: of what bears on many accounts.
func (s *scene) hub(one System, undo Change) meeting {
	name := one.Name()
	now, then := s.ways[name], waysOf(one, After(s.live[name], []Change{undo}))
	if reflect.DeepEqual(now, then) {
		return meeting{}
	}
	_, issues := one.(Issuing)
	servers, others := s.servers("", nil), s.servers(name, then.doors)
	if len(servers) == 0 || len(others) == 0 || issues && len(then.doors)+len(now.doors) > 0 {
		return s.whole(undo)
	}
	if issues {
		return s.tokensMeet(now.tokens, then.tokens)
	}
	mine, rest := s.own(one, then)
	entries := s.entries
	if !reflect.DeepEqual(now.doors, then.doors) {
		entries = byAccount(s.enter(s.tokens(), others))
	}
	users := make(map[string]map[Node][]Edge, len(s.users))
	shared := make(map[Node][]Edge)
	for _, other := range s.systems {
		m, r := s.users[other.Name()], map[Node][]Edge(nil)
		if other.Name() == name {
			m, r = mine, rest
		} else {
			_, r = s.own(other, s.ways[other.Name()])
		}
		users[other.Name()] = m
		for n, edges := range r {
			shared[n] = append(shared[n], edges...)
		}
	}
	touched := s.behind(differing(s.shared, shared))
	met := meeting{side{make(map[Node][]Edge), func(n Node) []Edge { return s.shared[n] }}, side{make(map[Node][]Edge), func(n Node) []Edge { return shared[n] }}}
	for account := range s.holders(entries, users) {
		a, b := edgesFrom(account, s.entries, s.users), edgesFrom(account, entries, users)
		if _, is := touched[account]; is || !reflect.DeepEqual(a, b) {
			met.now.accounts[account], met.then.accounts[account] = a, b
		}
	}
	return met
}

// whole is the meeting of everybody.
func (s *scene) whole(undo Change) meeting {
	var everything []Object
	for _, one := range s.systems {
		everything = append(everything, s.live[one.Name()]...)
	}
	none := func(Node) []Edge { return nil }
	at := func(state []Object) side {
		return side{map[Node][]Edge{{}: EdgesOf(s.systems, state)}, none}
	}
	return meeting{at(everything), at(After(everything, []Change{undo}))}
}

// behind are the accounts that get to where some edges begin, with their own edges.
func (s *scene) behind(edges []Edge) map[Node][]Edge {
	touched, seen := make(map[Node][]Edge), make(map[Node]bool)
	var follow func(Node)
	follow = func(n Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, account := range s.members[n] {
			touched[account] = edgesFrom(account, s.entries, s.users)
		}
		for _, from := range s.back[n] {
			follow(from)
		}
	}
	for _, e := range edges {
		follow(spot(e.From))
	}
	return touched
}

// differing are the edges that one of two graphs has and the other has not.
func differing(a, b map[Node][]Edge) []Edge {
	var edges []Edge
	for _, pair := range [][2]map[Node][]Edge{{a, b}, {b, a}} {
		for n, from := range pair[0] {
			if !reflect.DeepEqual(from, pair[1][n]) {
				edges = append(edges, from...)
			}
		}
	}
	return edges
}

// holders are all accounts of two states.
func (s *scene) holders(entries map[Node][]Edge, users map[string]map[Node][]Edge) map[Node]bool {
	all := make(map[Node]bool)
	add := func(m map[Node][]Edge) {
		for account := range m {
			all[account] = true
		}
	}
	add(s.entries)
	add(entries)
	for _, m := range s.users {
		add(m)
	}
	for _, m := range users {
		add(m)
	}
	return all
}

func edgesFrom(account Node, entries map[Node][]Edge, users map[string]map[Node][]Edge) []Edge {
	edges := append([]Edge{}, entries[account]...)
	for _, m := range users {
		edges = append(edges, m[account]...)
	}
	return edges
}
