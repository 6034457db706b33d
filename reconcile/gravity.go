package reconcile

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
)

// Gravity is how grave a drift is: what it did to access, seen from the spec. Widening is the gravest.
type Gravity string

// The gravities. Unknown is that of what could not be read, and is graver than anything but what widens.
const (
	Neutral Gravity = "neutral"
	Narrows Gravity = "narrows"
	Unknown Gravity = "unknown"
	Changes Gravity = "changes"
	Widens  Gravity = "widens"
)

// Compare orders gravities, the gravest last.
func (g Gravity) Compare(h Gravity) int {
	rank := func(g Gravity) int { return slices.Index([]Gravity{Neutral, Narrows, Unknown, Changes, Widens}, g) }
	return cmp.Compare(rank(g), rank(h))
}

// with is the gravity of two things together: one that widens and one that narrows change access both ways.
func (g Gravity) with(h Gravity) Gravity {
	switch {
	case g == "" || g == Neutral:
		return h
	case h == "" || h == Neutral || g == h:
		return g
	case g == Unknown || h == Unknown:
		return slices.MaxFunc([]Gravity{g, h}, Gravity.Compare)
	}
	return Changes
}

// Grave says whether somebody may do more than the spec says, as far as anybody knows.
func (g Gravity) Grave() bool { return g.Compare(Unknown) >= 0 }

// meansMost is how many lines say what a drift means; what goes beyond is counted.
const meansMost = 8

// Weigh says of each object, and of each of its differences, what it means for access: the access graph as it is against the one that there would be with that one
// difference undone, and what the object's system names as a hazard of making the live value out of the one that the spec has. It makes no calls.
//
// What a [Watcher] told brings its own gravity. An object that could not be read is of unknown gravity.
func Weigh(systems []System, live []Object, d Drift) Drift {
	w := weigher{all: systems, everything: live, now: EdgesOf(systems, live), judge: judgeOf(systems),
		systems: make(map[string]System), live: make(map[string][]Object), ways: make(map[string]ways)}
	for _, s := range systems {
		w.systems[s.Name()] = s
		w.live[s.Name()] = ObjectsOf(s.Name(), live)
		w.ways[s.Name()] = waysOf(s, w.live[s.Name()])
	}
	out := Drift{Items: slices.Clone(d.Items)}
	if n := differing(d); n > weighedAlone {
		w.together(d)
	}
	for i := range out.Items {
		out.Items[i] = w.item(out.Items[i])
	}
	return out
}

// weighedAlone is up to how many differences the access graph is made again for each: it takes seconds where there are thousands of accounts. Beyond, all are undone at once, and
// what changes is laid to the objects that the edges name; what one object does through another then shows with the accounts only.
const weighedAlone = 24

func differing(d Drift) int {
	n := 0
	for _, it := range d.Items {
		switch it.State {
		case Missing, Extra:
			n++
		case Drifted:
			n += len(it.Diffs)
		}
	}
	return n
}

// together compares the states of each system with all drift and without, once.
func (w *weigher) together(d Drift) {
	var undo []Change
	for _, it := range d.Items {
		switch it.State {
		case Missing:
			undo = append(undo, Create{Want: it.Want})
		case Extra:
			undo = append(undo, Delete{Live: it.Live})
		case Drifted:
			undo = append(undo, Update{Live: it.Live, Want: it.Want, Diffs: attributesOf(it.Diffs)})
		}
	}
	w.by, w.then = byVia(w.now), byVia(EdgesOf(w.all, After(w.everything, undo)))
}

func attributesOf(diffs []Diff) []Diff {
	return slices.DeleteFunc(slices.Clone(diffs), func(d Diff) bool { return d.Watched })
}

func byVia(edges []Edge) map[Addr][]Edge {
	m := make(map[Addr][]Edge)
	for _, e := range edges {
		m[e.Via] = append(m[e.Via], e)
	}
	return m
}

type weigher struct {
	all        []System
	everything []Object
	now        []Edge
	judge      Judge
	systems    map[string]System
	live       map[string][]Object
	ways       map[string]ways
	// by and then are the edges by the object that makes them, with the drift and without; nil when each difference is weighed alone.
	by, then map[Addr][]Edge
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
		w.tokens = i.Tokens(state)
	}
	if a, ok := s.(Admitting); ok {
		w.doors = a.Doors(state)
	}
	return w
}

func (w weigher) item(it DriftItem) DriftItem {
	switch it.State {
	case Unreadable:
		it.Gravity = Unknown
		return it
	case Missing:
		it.Gravity, it.Means = w.change(Create{Want: it.Want}, Delete{Live: it.Want})
	case Extra:
		it.Gravity, it.Means = w.change(Delete{Live: it.Live}, Create{Want: it.Live})
	case Drifted:
		it.Diffs = slices.Clone(it.Diffs)
		for i, diff := range it.Diffs {
			if !diff.Watched {
				diff.Gravity, diff.Means = w.difference(it, diff)
				it.Diffs[i] = diff
			}
			it.Gravity = it.Gravity.with(diff.Gravity)
		}
	}
	if it.Gravity == "" {
		it.Gravity = Neutral
	}
	return it
}

// difference weighs one difference of a drifted object, as if it were the only one.
func (w weigher) difference(it DriftItem, d Diff) (Gravity, []string) {
	there := overlay(it.Live, it.Want, []Diff{d})
	here := it.Live
	here.Needs, here.Range = it.Want.Needs, it.Want.Range
	back := d
	back.Live, back.Want, back.Added, back.Removed = d.Want, d.Live, d.Removed, d.Added
	return w.change(Update{Live: it.Live, Want: it.Want, Diffs: []Diff{d}}, Update{Live: there, Want: here, Diffs: []Diff{back}})
}

// change weighs what undoing would undo; drift is the same change seen the other way round, as what happened.
func (w weigher) change(undo, drift Change) (Gravity, []string) {
	system := undo.Addr().Instance()
	s, ok := w.systems[system]
	if !ok {
		return Neutral, nil
	}
	gravity, means := w.access(s, undo)
	for _, h := range hazardsOf(s, drift) {
		switch h.Kind {
		case HazardWidens:
			gravity = gravity.with(Widens)
		case HazardRevokes, HazardDeletes:
			gravity = gravity.with(Narrows)
		case HazardSecret:
			gravity = gravity.with(Changes)
		default:
			continue
		}
		means = append(means, h.Text)
	}
	if gravity == "" {
		gravity = Neutral
	}
	if n := len(means) - meansMost; n > 0 {
		means = append(means[:meansMost:meansMost], fmt.Sprintf("and %d more", n))
	}
	return gravity, means
}

// access compares who reaches what now with who would once the change is made. Only one system's objects change, and where all that it says stays the same all else does.
func (w weigher) access(s System, undo Change) (Gravity, []string) {
	now, then, same := w.states(s, undo)
	if same {
		return "", nil
	}
	if only, few := accountsOf(now, then); few {
		now, then = leaving(now, only), leaving(then, only)
	}
	var gravity Gravity
	var means []string
	for _, c := range CompareAccess(then, now, w.judge) {
		gravity = gravity.with(Gravity(c.Effect()))
		for _, n := range c.Gains {
			means = append(means, c.Account+" gains "+string(n.Kind)+" "+n.Label())
		}
		for _, n := range c.Loses {
			means = append(means, c.Account+" loses "+string(n.Kind)+" "+n.Label())
		}
	}
	return gravity, means
}

// states are the edges as they are and as they would be once a change is made; same, when it changes nothing of what its system says. They are the caller's.
func (w weigher) states(s System, undo Change) (now, then []Edge, same bool) {
	if w.then == nil {
		if reflect.DeepEqual(w.ways[s.Name()], waysOf(s, After(w.live[s.Name()], []Change{undo}))) {
			return nil, nil, true
		}
		return slices.Clone(w.now), EdgesOf(w.all, After(w.everything, []Change{undo})), false
	}
	now, then = slices.Clone(w.by[undo.Addr()]), slices.Clone(w.then[undo.Addr()])
	if slices.Equal(now, then) {
		return nil, nil, true
	}
	for _, e := range w.now {
		if e.Via.Instance() != s.Name() {
			now, then = append(now, e), append(then, e)
		}
	}
	return now, then, false
}

// accountsOf says which accounts two states of edges give different things; false when another sort of node differs, which any account may reach.
func accountsOf(a, b []Edge) (map[Node]bool, bool) {
	accounts := make(map[Node]bool)
	was, is := linksOf(a), linksOf(b)
	for _, pair := range [][2]map[link]bool{{was, is}, {is, was}} {
		for l := range pair[0] {
			if pair[1][l] {
				continue
			}
			if l.from.Kind != NodeAccount {
				return nil, false
			}
			accounts[l.from] = true
		}
	}
	return accounts, true
}

// leaving drops the edges of all other accounts.
func leaving(edges []Edge, accounts map[Node]bool) []Edge {
	return slices.DeleteFunc(edges, func(e Edge) bool { return e.From.Kind == NodeAccount && !accounts[e.From] })
}

// hazardsOf asks a system what it would warn of if somebody planned what happened. A change that it cannot make steps of has no hazards that it knows of: what is live may be
// more than a spec can say.
func hazardsOf(s System, c Change) []Hazard {
	steps, err := s.Steps([]Change{c})
	if err != nil {
		return nil
	}
	var hazards []Hazard
	for _, step := range steps {
		hazards = append(hazards, step.Hazards...)
	}
	return hazards
}
