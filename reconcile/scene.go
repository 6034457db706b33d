package reconcile

import (
	"iter"
	"maps"
	"reflect"
	"slices"
)

// scene is who reaches what as it is, in the parts that it is put together from: so that what one change does to it can be told by a look at what the change touches, and
// comes to the same as two whole graphs, see [EdgesOf], would.
//
// It rests on this: an account's tokens depend on no other account's object, and updates of objects that are neither accounts nor doors nor users change the edges of those
// objects only, unless the doors change.
type scene struct {
	systems []System
	named   map[string]System
	judge   Judge
	live    map[string][]Object
	ways    map[string]ways
	// kinds are the kinds of object whose tokens are given, by system: accounts. granted are the tokens of each as they are, undone those without a difference of it, by
	// the difference's name, "" for all of it.
	kinds   map[string]map[string]bool
	granted map[Addr][]Token
	undone  map[Addr]map[string][]Token
	// shared are the edges that begin at no account, by where they begin. entries are those that tokens give accounts; users, those that a system itself gives.
	shared  map[Node][]Edge
	entries map[Node][]Edge
	users   map[string]map[Node][]Edge
	// members are the accounts with an edge to a node, back where the shared edges to it begin, via the edges that a system itself makes, by object.
	members map[Node][]Node
	back    map[Node][]Node
	via     map[string]map[Addr][]Edge
	// sharing are, by object and difference, the edges that a shared object would make without it; nil for other objects.
	sharing map[Addr]map[string][]Edge
}

// ways is all that one system says about who reaches what.
type ways struct {
	edges  []Edge
	tokens []Token
	doors  []Door
}

func waysOf(s System, state []Object) ways {
	w := ways{edges: s.Access(state)}
	if i, ok := s.(Issuing); ok {
		w.tokens = slices.Collect(i.Tokens(state))
	}
	if a, ok := s.(Admitting); ok {
		w.doors = a.Doors(state)
	}
	return w
}

func sceneOf(systems []System, live []Object) *scene {
	s := &scene{systems: systems, judge: judgeOf(systems), named: make(map[string]System), live: make(map[string][]Object), ways: make(map[string]ways), kinds: make(map[string]map[string]bool),
		granted: make(map[Addr][]Token), undone: make(map[Addr]map[string][]Token), shared: make(map[Node][]Edge), users: make(map[string]map[Node][]Edge), members: make(map[Node][]Node), sharing: make(map[Addr]map[string][]Edge),
		back: make(map[Node][]Node), via: make(map[string]map[Addr][]Edge)}
	for _, one := range systems {
		name := one.Name()
		s.named[name], s.live[name] = one, ObjectsOf(name, live)
		s.ways[name] = waysOf(one, s.live[name])
		s.noteAccounts(name, slices.Values(s.ways[name].tokens))
		maps.Copy(s.granted, tokensByAddr(slices.Values(s.ways[name].tokens)))
	}
	for _, one := range systems {
		mine, rest := s.own(one, s.ways[one.Name()])
		s.users[one.Name()] = mine
		for n, edges := range rest {
			s.shared[n] = append(s.shared[n], edges...)
			for _, e := range edges {
				s.back[spot(e.To)] = append(s.back[spot(e.To)], n)
			}
		}
		s.via[one.Name()] = byVia(s.ways[one.Name()].edges)
	}
	s.entries = byAccount(s.enter(s.tokens(), s.servers("", nil)))
	for _, edges := range append(slices.Collect(maps.Values(s.users)), s.entries) {
		for account, es := range edges {
			for _, e := range es {
				s.members[spot(e.To)] = append(s.members[spot(e.To)], account)
			}
		}
	}
	return s
}

// noteAccounts learns which kinds of object are accounts.
func (s *scene) noteAccounts(system string, tokens iter.Seq[Token]) {
	if s.kinds[system] == nil {
		s.kinds[system] = make(map[string]bool)
	}
	for t := range tokens {
		s.kinds[system][t.Addr.Kind] = true
	}
}

func (s *scene) isAccount(a Addr) bool { return s.kinds[a.Instance()][a.Kind] && s.admits() }

func (s *scene) isShared(c Change) bool {
	u, ok := c.(Update)
	return ok && len(u.Diffs) == 1 && s.sharing[c.Addr()] != nil
}

// admits says whether tokens meet doors; where they do not, an identity system's own edges stand for what its tokens could carry.
func (s *scene) admits() bool { return len(s.servers("", nil)) > 0 }

// servers are the doors of each server that has any, with those of one system replaced.
func (s *scene) servers(system string, doors []Door) [][]Door {
	var all [][]Door
	for _, one := range s.systems {
		d := s.ways[one.Name()].doors
		if one.Name() == system {
			d = doors
		}
		if len(d) > 0 {
			all = append(all, d)
		}
	}
	return all
}

func (s *scene) tokens() []Token {
	var all []Token
	for _, one := range s.systems {
		all = append(all, s.ways[one.Name()].tokens...)
	}
	return all
}

func (s *scene) enter(tokens []Token, servers [][]Door) []Edge {
	var edges []Edge
	for _, doors := range servers {
		for _, t := range tokens {
			edges = admitEdges(edges, t, doors)
		}
	}
	return edges
}

// own divides the edges that a system itself makes into those of accounts and the rest. An identity system makes none: its tokens do.
func (s *scene) own(one System, w ways) (mine, rest map[Node][]Edge) {
	mine, rest = make(map[Node][]Edge), make(map[Node][]Edge)
	if _, issues := one.(Issuing); issues {
		return mine, rest
	}
	for _, e := range w.edges {
		if e.From.Kind == NodeAccount {
			mine[e.From] = append(mine[e.From], e)
		} else {
			rest[spot(e.From)] = append(rest[spot(e.From)], e)
		}
	}
	return mine, rest
}

// spot is a node as a key: a group by its name, whoever put it into a token.
func spot(n Node) Node {
	if n.Kind == NodeGroup {
		n.On = ""
	}
	return n
}

func byAccount(edges []Edge) map[Node][]Edge {
	m := make(map[Node][]Edge)
	for _, e := range edges {
		m[e.From] = append(m[e.From], e)
	}
	return m
}

// meet looks at all drift a few times: at the tokens that there would be without it, and at what shared objects would give.
func (s *scene) meet(d Drift) {
	for _, one := range s.systems {
		items := itemsOf(one.Name(), d)
		if issuer, ok := one.(Issuing); ok {
			s.issue(issuer, one.Name(), items)
		} else if s.admits() {
			s.share(one, items)
		}
	}
}

// issue looks at the accounts of a system many at once: in each round at one difference of every account.
func (s *scene) issue(issuer Issuing, name string, items []DriftItem) {
	var all []Change
	for _, it := range items {
		if c := undoing(it); c != nil {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return
	}
	s.noteAccounts(name, issuer.Tokens(After(s.live[name], all)))
	accounts := slices.DeleteFunc(slices.Clone(items), func(it DriftItem) bool { return !s.kinds[name][it.Addr.Kind] })
	for round := 0; ; round++ {
		undo := undoingOne(accounts, round)
		if len(undo) == 0 {
			return
		}
		by := tokensByAddr(issuer.Tokens(After(s.live[name], undo)))
		for _, c := range undo {
			if s.undone[c.Addr()] == nil {
				s.undone[c.Addr()] = make(map[string][]Token)
			}
			s.undone[c.Addr()][differenceIn(c)] = by[c.Addr()]
		}
	}
}

// undoingOne are the changes that undo one difference of every object, the first, the second and so on; in the first round, objects that are missing or extra too.
func undoingOne(items []DriftItem, round int) []Change {
	var undo []Change
	for _, it := range items {
		c := undoing(it)
		u, updates := c.(Update)
		switch {
		case updates && round < len(u.Diffs):
			u.Diffs = u.Diffs[round : round+1]
			undo = append(undo, u)
		case c != nil && !updates && round == 0:
			undo = append(undo, c)
		}
	}
	return undo
}

// differenceIn is the name of the one difference that an update is about; "" for other changes.
func differenceIn(c Change) string {
	if u, ok := c.(Update); ok && len(u.Diffs) == 1 {
		return u.Diffs[0].Name
	}
	return ""
}

func tokensByAddr(tokens iter.Seq[Token]) map[Addr][]Token {
	m := make(map[Addr][]Token)
	for t := range tokens {
		m[t.Addr] = append(m[t.Addr], t)
	}
	return m
}

// undoing is the change that would undo an item's drift; nil where there is none.
func undoing(it DriftItem) Change {
	switch it.State {
	case Missing:
		return Create{Want: it.Want}
	case Extra:
		return Delete{Live: it.Live}
	case Drifted:
		return Update{Live: it.Live, Want: it.Want, Diffs: attributesOf(it.Diffs)}
	}
	return nil
}

func attributesOf(diffs []Diff) []Diff {
	return slices.DeleteFunc(slices.Clone(diffs), func(d Diff) bool { return d.Watched })
}

// share looks at updates of one system's shared objects many at once, as issue does. Where doors change with them, or edges of other objects, they are not what they seemed,
// and each is looked at by itself.
func (s *scene) share(one System, items []DriftItem) {
	name := one.Name()
	now := s.ways[name]
	plain := s.plain(name)
	items = slices.DeleteFunc(slices.Clone(items), func(it DriftItem) bool { return it.State != Drifted || !plain[it.Addr] })
	found := make(map[Addr]map[string][]Edge)
	for round := 0; ; round++ {
		undo := undoingOne(items, round)
		if len(undo) == 0 {
			break
		}
		then := waysOf(one, After(s.live[name], undo))
		by := byVia(then.edges)
		for _, c := range undo {
			if found[c.Addr()] == nil {
				found[c.Addr()] = make(map[string][]Edge)
			}
			found[c.Addr()][differenceIn(c)] = by[c.Addr()]
			delete(by, c.Addr())
		}
		if !reflect.DeepEqual(now.doors, then.doors) || !s.sameBeside(name, by, undo) {
			return
		}
	}
	maps.Copy(s.sharing, found)
}

// plain are the objects of a system with edges that begin at no account, and that are no doors.
func (s *scene) plain(name string) map[Addr]bool {
	plain := make(map[Addr]bool)
	for _, e := range s.ways[name].edges {
		plain[e.Via] = true
	}
	for _, door := range s.ways[name].doors {
		delete(plain, door.Addr)
	}
	for _, edges := range s.users[name] {
		for _, e := range edges {
			delete(plain, e.Via)
		}
	}
	return plain
}

// sameBeside says whether the edges of objects that no change is about are those that are now.
func (s *scene) sameBeside(name string, then map[Addr][]Edge, undo []Change) bool {
	was := maps.Clone(s.via[name])
	for _, c := range undo {
		delete(was, c.Addr())
	}
	return reflect.DeepEqual(was, then)
}

func byVia(edges []Edge) map[Addr][]Edge {
	m := make(map[Addr][]Edge)
	for _, e := range edges {
		m[e.Via] = append(m[e.Via], e)
	}
	return m
}
