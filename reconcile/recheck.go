package reconcile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Touched lists the objects that a plan changes, in the plan's order.
func (p Plan) Touched() []Addr {
	addrs := make([]Addr, len(p.Steps))
	for i, s := range p.Steps {
		addrs[i] = s.Change.Addr()
	}
	return addrs
}

// Grounds lists, in address order, what a plan was decided on: the objects that it changes, and those that these need, directly or not.
func (p Plan) Grounds() []Addr {
	needs := p.needs()
	all := make(map[Addr]bool)
	for _, a := range p.Touched() {
		closure(a, needs, all)
	}
	return slices.SortedFunc(maps.Keys(all), CompareAddr)
}

// needs maps the objects of a plan to what they need.
func (p Plan) needs() map[Addr][]Addr {
	m := make(map[Addr][]Addr, len(p.Drift.Items))
	for _, it := range p.Drift.Items {
		m[it.Addr] = it.Want.Needs
	}
	for _, s := range p.Steps {
		m[s.Change.Addr()] = append(slices.Clone(m[s.Change.Addr()]), needs(s.Change)...)
	}
	return m
}

// closure adds a and all that it needs, directly or not.
func closure(a Addr, needs map[Addr][]Addr, into map[Addr]bool) {
	if into[a] {
		return
	}
	into[a] = true
	for _, n := range needs[a] {
		closure(n, needs, into)
	}
}

// Context picks the wants that a plan for some objects can be made from again: these objects, those that need them or stand inside them (a policy is asked which
// scopes an app's secret is delivered for), and all that any of them needs.
func Context(want []Object, touched []Addr) []Object {
	needs := make(map[Addr][]Addr, len(want))
	is, holds, held := make(map[Addr]bool, len(touched)), make(map[Addr]bool), make(map[Addr]bool)
	for _, t := range touched {
		is[t], holds[t.inside()] = true, true
		if place, some := t.place(); some {
			held[place] = true
		}
	}
	seeds := slices.Clone(touched)
	for _, o := range want {
		needs[o.Addr] = o.Needs
		place, some := o.Addr.place()
		if some && holds[place] || held[o.Addr.inside()] || slices.ContainsFunc(o.Needs, func(n Addr) bool { return is[n] }) {
			seeds = append(seeds, o.Addr)
		}
	}
	in := make(map[Addr]bool)
	for _, a := range seeds {
		closure(a, needs, in)
	}
	return slices.DeleteFunc(slices.Clone(want), func(o Object) bool { return !in[o.Addr] })
}

// Everything is all that is live of what a plan was made from: what the systems answered, and what own blocks match, in address order.
func Everything(lives []Live, d Drift) []Object {
	n := 0
	for _, l := range lives {
		n += len(l.Objects)
	}
	all := make([]Object, 0, n)
	for _, l := range lives {
		all = append(all, l.Objects...)
	}
	for _, it := range d.Items {
		if it.State == Extra && it.Own != nil {
			all = append(all, it.Live)
		}
	}
	slices.SortStableFunc(all, func(a, b Object) int { return CompareAddr(a.Addr, b.Addr) })
	return slices.CompactFunc(all, func(a, b Object) bool { return a.Addr == b.Addr }) // what a system answered goes before
}

// WithOwned are the states of the systems with what own blocks match of each, as a plan of a part of the spec needs them.
func WithOwned(lives []Live, d Drift) []Live {
	all := slices.Clone(lives)
	if !slices.ContainsFunc(d.Items, func(it DriftItem) bool { return it.State == Extra && it.Own != nil }) {
		return all
	}
	for i, l := range all {
		known := make(map[Addr]bool, len(l.Objects))
		for _, o := range l.Objects {
			known[o.Addr] = true
		}
		objects := slices.Clone(l.Objects)
		for _, it := range d.Items {
			if it.State == Extra && it.Own != nil && it.Addr.Instance() == l.Target.System && !known[it.Addr] {
				objects = append(objects, it.Live)
			}
		}
		all[i].Objects = objects
	}
	return all
}

// Move is one way in which an object is no longer as a plan saw it.
type Move struct {
	Addr         Addr
	Attr         string // attribute or fact; "" when the object came, went or cannot be read
	Planned, Now Value  // nil for nothing
	Why          string // where Attr is "": what happened
}

// ErrMoved marks a step of a saved plan that was not begun, as what it rests on moved: running the same plan again leaves it out again.
var ErrMoved = errors.New("it, or what it rests on, moved since the plan was made")

// Error is a refusal to make a call on an object that moved: what moved, and what to do.
func (m *Move) Error() string { return m.String() + ": it moved since the plan was made; plan again" }

// String says what moved, from what, to what.
func (m Move) String() string {
	if m.Attr == "" {
		return m.Addr.String() + ": " + m.Why
	}
	return fmt.Sprintf("%s: %s: planned from %s, live now %s", m.Addr, m.Attr, shown(m.Planned), shown(m.Now))
}

func shown(v Value) string {
	if v == nil {
		return "nothing"
	}
	return v.String()
}

// MovedError says that live objects are no longer as a plan saw them, or that the calls that were approved would no longer be those that are made.
type MovedError struct {
	Moves []Move
	// Calls are the steps whose calls would be others now.
	Calls []Addr
}

// Error lists what moved, a line each, and what to do.
func (e *MovedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s since the plan was made; nothing was written\n", e.counted())
	for _, m := range e.Moves {
		b.WriteString("\n  " + m.String())
	}
	for _, a := range e.Calls {
		b.WriteString("\n  " + a.String() + ": the calls that were approved are not those that would be made now")
	}
	return b.String() + "\n\nPlan again, and approve what it says now."
}

func (e *MovedError) counted() string {
	var addrs []Addr
	for _, m := range e.Moves {
		addrs = append(addrs, m.Addr)
	}
	addrs = append(addrs, e.Calls...)
	slices.SortFunc(addrs, CompareAddr)
	if n := len(slices.Compact(addrs)); n != 1 {
		return fmt.Sprintf("%d objects moved", n)
	}
	return "1 object moved"
}

// Recheck is a plan held against what is live now. Every step is in exactly one of the three lists, each in the plan's order.
type Recheck struct {
	Satisfied []Addr // the object is at its goal already
	Refused   []Addr // it, something it needs, or a step that it waits for is not as the plan saw it
	Left      []Addr // to be made
	Moved     []Move // in address order
}

// Recheck compares the objects that a plan rests on, as it saw them, with what is live now. fresh must be the comparison of now with the same wants.
func (p Plan) Recheck(planned, now []Object, fresh Drift) Recheck {
	r := rechecker{plan: p, planned: byAddr(planned), now: byAddr(now), fresh: make(map[Addr]DriftItem), moved: make(map[Addr]bool)}
	for _, it := range fresh.Items {
		r.fresh[it.Addr] = it
	}
	return r.run()
}

type rechecker struct {
	plan         Plan
	planned, now map[Addr]Object
	fresh        map[Addr]DriftItem
	moved        map[Addr]bool
	out          Recheck
}

func byAddr(objects []Object) map[Addr]Object {
	m := make(map[Addr]Object, len(objects))
	for _, o := range objects {
		m[o.Addr] = o
	}
	return m
}

func (r *rechecker) run() Recheck {
	satisfied := make(map[Addr]bool)
	for _, s := range r.plan.Steps {
		if a := s.Change.Addr(); r.atGoal(s.Change) {
			satisfied[a] = true
			r.out.Satisfied = append(r.out.Satisfied, a)
		}
	}
	for _, a := range r.plan.Grounds() {
		if moves := r.moves(a); len(moves) > 0 && !satisfied[a] {
			r.moved[a] = true
			r.out.Moved = append(r.out.Moved, moves...)
		}
	}
	needs := r.plan.needs()
	deps := grounds(r.plan.Steps)
	for i, s := range r.plan.Steps {
		a := s.Change.Addr()
		if satisfied[a] {
			continue
		}
		rests := make(map[Addr]bool)
		closure(a, needs, rests)
		for _, d := range deps[i] {
			rests[r.plan.Steps[d].Change.Addr()] = true
		}
		if r.anyMoved(rests) {
			r.moved[a] = true // for the steps that wait for it, which stand behind it
			r.out.Refused = append(r.out.Refused, a)
			continue
		}
		r.out.Left = append(r.out.Left, a)
	}
	return r.out
}

func (r *rechecker) anyMoved(addrs map[Addr]bool) bool {
	for a := range addrs {
		if r.moved[a] {
			return true
		}
	}
	return false
}

// atGoal says whether a change has nothing left to do.
func (r *rechecker) atGoal(c Change) bool {
	it := r.fresh[c.Addr()]
	if it.State == Unreadable {
		return false
	}
	if _, deletes := c.(Delete); deletes {
		_, live := r.now[c.Addr()]
		return !live
	}
	return it.State == InSync
}

// moves compares one object with what the plan saw of it.
func (r *rechecker) moves(a Addr) []Move {
	if it := r.fresh[a]; it.State == Unreadable {
		return []Move{{Addr: a, Why: "could not be read again: " + it.Err.Error()}}
	}
	was, wasThere := r.planned[a]
	is, isThere := r.now[a]
	switch {
	case wasThere && !isThere:
		return []Move{{Addr: a, Why: "was there when the plan was made, and is gone"}}
	case !wasThere && isThere:
		return []Move{{Addr: a, Why: "was not there when the plan was made, and is there now"}}
	}
	before, after := traits(was), traits(is)
	names := maps.Clone(before)
	maps.Copy(names, after)
	var moves []Move
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if canonical(before[name]) != canonical(after[name]) {
			moves = append(moves, Move{Addr: a, Attr: name, Planned: before[name], Now: after[name]})
		}
	}
	return moves
}

// traits are an object's attributes and facts. A fact of an attribute's name is the attribute.
func traits(o Object) map[string]Value {
	m := maps.Clone(o.Facts)
	if m == nil {
		m = make(map[string]Value)
	}
	for _, a := range o.Attrs {
		m[a.Name] = a.Value
	}
	if o.Protected != "" {
		m["protected"] = Text(o.Protected)
	}
	return m
}

// Canonical is a text that two values share exactly when they are equal; fingerprints are made of it. Secrets stand in it by their origin.
func Canonical(v Value) string { return canonical(v) }

// Remake plans again, from what is live now, the steps of a plan that are left. The calls must be those of the plan: where an object that the plan would have made is
// there by now, what was "known after apply" is known, and nothing else may differ; otherwise the error is a *[MovedError]. The steps keep the plan's order.
func (p Plan) Remake(systems []System, lives []Live, fresh Drift, r Recheck) (Plan, error) {
	left := make(map[Addr]bool, len(r.Left))
	rests := make(map[Addr]bool)
	needs := p.needs()
	for _, a := range r.Left {
		left[a] = true
		closure(a, needs, rests)
	}
	drift := Drift{Items: slices.DeleteFunc(slices.Clone(fresh.Items), func(it DriftItem) bool { return !rests[it.Addr] })}
	changes, _, diags := Police(drift, Policy{Destroy: p.Destroy, Prune: true})
	if diags.HasErrors() {
		return Plan{}, diags
	}
	changes = slices.DeleteFunc(changes, func(c Change) bool { return !left[c.Addr()] })
	made, err := BuildPlan(systems, lives, drift, changes)
	if err != nil {
		return Plan{}, err
	}
	made.Destroy, made.Kept, made.Partial, made.Parallel, made.Access = p.Destroy, p.Kept, p.Partial, p.Parallel, p.Access
	if err := p.sameCalls(made, known(r.Satisfied, lives)); err != nil {
		return Plan{}, err
	}
	at := make(map[Addr]int)
	for i, a := range p.Touched() {
		at[a] = i
	}
	slices.SortStableFunc(made.Steps, func(a, b Step) int { return at[a.Change.Addr()] - at[b.Change.Addr()] })
	joinBatches(made.Steps, systems)
	return made, nil
}

// known replaces what was known after apply by what the objects that are there by now say.
func known(satisfied []Addr, lives []Live) *strings.Replacer {
	var pairs []string
	for _, l := range lives {
		for _, o := range l.Objects {
			if !slices.Contains(satisfied, o.Addr) {
				continue
			}
			all := traits(o)
			for _, name := range slices.Sorted(maps.Keys(all)) {
				if t, ok := all[name].(Text); ok {
					ref := Ref{o.Addr, name}
					pairs = append(pairs, "${"+o.Addr.String()+"."+name+"}", string(t), ref.String(), string(t))
				}
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// sameCalls holds the steps of a plan that was made again to those that were approved: calls, what is left to people, and hazards.
func (p Plan) sameCalls(made Plan, known *strings.Replacer) error {
	approved := make(map[Addr]Step, len(p.Steps))
	for _, s := range p.Steps {
		approved[s.Change.Addr()] = s
	}
	var changed []Addr
	for _, s := range made.Steps {
		if was := stepText(approved[s.Change.Addr()]); known.Replace(was) != known.Replace(stepText(s)) {
			changed = append(changed, s.Change.Addr())
		}
	}
	if len(changed) > 0 {
		return &MovedError{Calls: changed}
	}
	return nil
}

// stepText is what an approval of a step covers.
func stepText(s Step) string {
	var lines []string
	if s.Change != nil {
		lines = append(lines, string(s.Change.Action())+" "+s.Change.Addr().String())
	}
	for _, op := range s.Ops {
		lines = append(lines, op.String())
	}
	for _, h := range s.Hazards {
		lines = append(lines, string(h.Kind)+": "+h.Text)
	}
	return strings.Join(append(lines, s.Pending...), "\n")
}
