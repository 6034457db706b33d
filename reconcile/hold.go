package reconcile

import (
	"cmp"
	"fmt"
	"slices"
)

// Holder is a [System] that can make an account which can do nothing yet. It is optional.
type Holder interface {
	System
	// Hold takes the step that makes an account apart: held makes one that can do nothing, and release are the calls that let it do what it may, once what restricts it
	// is in place. What is held and was never released shows in the next Read, as [Live.Due]. false where the system knows no such thing for this step.
	Hold(step Step) (held Step, release []Op, ok bool)
}

// holdAccounts keeps accounts from what they would get for a moment where what decides about them comes after them: a new account whose own policy gives it less than the
// policy for everybody does is under the latter until its own is there. Such an account is made so that it can do nothing, and let go by the last step of what waits for
// it; one that is there already is changed after that. Where neither is possible a hazard says so.
func holdAccounts(systems []System, before []Object, steps []Step, old, new []Edge) []Step {
	h := holder{systems: systems, before: before, steps: slices.Clone(steps), old: old, new: new}
	h.deps = stageGrounds(h.steps)
	h.accounts = make(map[Addr]Node)
	for _, t := range TokensOf(systems, After(before, changesIn(steps))) {
		h.accounts[t.Addr] = t.Account
	}
	var made []int
	for i, s := range h.steps {
		if _, is := h.accounts[s.Change.Addr()]; is && s.Stage == Converge && s.Change.Action() != ActionDelete {
			made = append(made, i)
		}
	}
	later := stepsFrom(made, usersOf(h.deps))
	if len(later) == len(made) { // nothing waits for any of them
		return h.steps
	}
	for _, i := range h.exposed(made, later) {
		h.hold(i)
	}
	return h.steps
}

// holder is one run of holdAccounts.
type holder struct {
	systems  []System
	before   []Object
	steps    []Step
	deps     [][]int
	accounts map[Addr]Node // by their objects
	old, new []Edge
}

// usersOf turns dependencies round: which steps wait for each.
func usersOf(deps [][]int) [][]int {
	users := make([][]int, len(deps))
	for i, on := range deps {
		for _, j := range on {
			users[j] = append(users[j], i)
		}
	}
	return users
}

// stepsFrom is the steps that can be come to from some, those among them.
func stepsFrom(from []int, next [][]int) map[int]bool {
	seen := make(map[int]bool)
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, j := range next[i] {
			visit(j)
		}
	}
	for _, i := range from {
		visit(i)
	}
	return seen
}

// exposed finds the steps after which an account has too much for a moment: with all else done that does not wait for accounts, or with nothing done but what they need.
func (h *holder) exposed(made []int, later map[int]bool) []int {
	sooner := stepsFrom(made, h.deps)
	is := make(map[int]bool)
	for _, i := range made {
		is[i] = true
	}
	var most, least []Change
	for i, s := range h.steps {
		if s.Stage == Retire || s.Stage == Converge && later[i] && !is[i] {
			continue
		}
		most = append(most, s.Change)
		if s.Stage == Restrict || sooner[i] {
			least = append(least, s.Change)
		}
	}
	states := [][]Change{most}
	if len(least) < len(most) {
		states = append(states, least)
	}
	too := make(map[Node]bool)
	for _, changes := range states {
		for n := range h.surplus(EdgesOf(h.systems, After(h.before, changes))) {
			too[n] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(made), func(i int) bool { return !too[h.accounts[h.steps[i].Change.Addr()]] })
}

// surplus finds the accounts that a moment gives, of their own, what neither state does, where that leads them to something. What comes behind that, which [guardAccess]
// orders, is taken from both states.
func (h *holder) surplus(moment []Edge) map[Node]bool {
	was, will := linksOf(h.old), linksOf(h.new)
	both := slices.Concat(h.old, h.new)
	some := make(map[Node]bool)
	for _, e := range moment {
		if l := (link{e.From, e.To}); e.From.Kind == NodeAccount && !was[l] && !will[l] {
			both, some[e.From] = append(both, e), true
		}
	}
	too := make(map[Node]bool)
	if len(some) == 0 {
		return too
	}
	for _, s := range FindSurplus(h.old, h.new, both) {
		if some[s.Account] {
			too[s.Account] = true
		}
	}
	return too
}

// hold lets an account wait for what waits for it.
func (h *holder) hold(i int) {
	step := h.steps[i]
	users := h.users(i)
	switch c := step.Change.(type) {
	case Update:
		if len(users) > 0 && h.turn(i, users) {
			return
		}
	case Create:
		system, ok := h.holderOf(c)
		if !ok || len(users) == 0 {
			break
		}
		held, release, ok := system.Hold(step)
		if !ok {
			break
		}
		h.release(i, held, release, users)
		return
	}
	text := fmt.Sprintf("between two calls account %s has what neither the old state nor the new one gives: what decides about it comes after it",
		h.accounts[step.Change.Addr()].Label())
	h.steps[i].Hazards = append(slices.Clone(step.Hazards), Hazard{HazardWidens, text})
}

func (h *holder) holderOf(c Change) (Holder, bool) {
	for _, s := range h.systems {
		if s.Name() == c.Addr().Instance() {
			held, ok := s.(Holder)
			return held, ok
		}
	}
	return nil, false
}

// users lists the steps of an account's own system that wait for it, in an order in which they may run.
func (h *holder) users(i int) []int {
	ordered, err := Order(h.steps)
	if err != nil {
		return nil // the caller orders them too, and tells
	}
	place := make(map[Addr]int, len(ordered))
	for n, s := range ordered {
		place[s.Change.Addr()] = n
	}
	var users []int
	for j := range stepsFrom([]int{i}, usersOf(h.deps)) {
		if j != i && h.steps[j].Change.Addr().Instance() == h.steps[i].Change.Addr().Instance() {
			users = append(users, j)
		}
	}
	slices.SortFunc(users, func(a, b int) int {
		return cmp.Compare(place[h.steps[a].Change.Addr()], place[h.steps[b].Change.Addr()])
	})
	return users
}

// turn changes an account after what waits for it: it is there already, so nothing of that needs the change first. false where something else of what waits for it, such as a
// mapping that takes a role away first, has to come after it all the same: nothing is turned then.
func (h *holder) turn(i int, users []int) bool {
	was := h.steps
	h.steps = slices.Clone(was)
	own := h.steps[i].Change.Addr()
	after := slices.Clone(h.steps[i].After)
	for _, j := range users {
		h.steps[j].After = slices.DeleteFunc(slices.Clone(h.steps[j].After), func(a Addr) bool { return a == own })
		after = append(after, h.steps[j].Change.Addr())
	}
	h.steps[i].After = after
	if _, err := Order(h.steps); err != nil {
		h.steps = was
		return false
	}
	h.deps = stageGrounds(h.steps)
	return true
}

// release makes an account that is held, and lets it go with the last of what waits for it.
func (h *holder) release(i int, held Step, ops []Op, users []int) {
	last := users[len(users)-1]
	own, by := held.Change.Addr(), h.steps[last].Change.Addr()
	held.Notes = append(slices.Clone(held.Notes), Note{Label: "held", Text: fmt.Sprintf("it can do nothing until %s is in place: in between it would get more than it is to have", by)})
	h.steps[i] = held
	s := h.steps[last]
	s.Ops = slices.Concat(s.Ops, ops)
	s.Notes = append(slices.Clone(s.Notes), Note{Label: "then", Text: fmt.Sprintf("%s is let go", own)})
	if s.Parts = slices.Concat(s.Parts, held.Parts); h.steps[last].Parts == nil || held.Parts == nil {
		s.Parts = nil
	}
	s.After = slices.Clone(s.After)
	for _, j := range users[:len(users)-1] {
		s.After = append(s.After, h.steps[j].Change.Addr())
	}
	h.steps[last] = s
	h.deps = stageGrounds(h.steps)
}

// delayNarrowing lets what takes access from accounts wait until the end, where it would give them more for a moment: an account that leaves one policy for another is in
// between under the one for everybody. Where that does not help either a hazard says so.
func delayNarrowing(systems []System, before []Object, steps []Step, old, new []Edge) []Step {
	var first []Change
	for _, s := range steps {
		if s.Stage == Restrict {
			first = append(first, s.Change)
		}
	}
	surplus := func(changes []Change) []Surplus {
		return FindSurplus(old, new, EdgesOf(systems, After(before, changes)))
	}
	if len(first) == 0 || len(first) == len(steps) && len(first) == 1 {
		return steps
	}
	found := surplus(first)
	if len(found) == 0 {
		return steps
	}
	out := slices.Clone(steps)
	var moved []int
	var rest []Change
	for i, s := range out {
		if s.Stage == Restrict && s.Change.Action() == ActionUpdate && len(surplus([]Change{s.Change})) > 0 {
			moved = append(moved, i)
			continue
		}
		rest = append(rest, s.Change)
	}
	if len(moved) == 0 || len(surplus(rest)) > 0 {
		i := slices.IndexFunc(out, func(s Step) bool { return s.Stage == Restrict })
		if len(moved) > 0 {
			i = moved[0]
		}
		out[i].Hazards = append(slices.Clone(out[i].Hazards), Hazard{HazardWidens, fmt.Sprintf("between two calls %s, which neither the old state nor the new one gives: make one of the changes first, in a plan of its own", found[0])})
		return out
	}
	putLast(out, moved)
	return out
}

// putLast moves steps to the last stage, one after the other before all that their system does there.
func putLast(steps []Step, moved []int) {
	for n, i := range moved {
		steps[i].Stage = Retire
		if n > 0 {
			steps[i].After = append(slices.Clone(steps[i].After), steps[moved[n-1]].Change.Addr())
		}
	}
	for i, s := range steps {
		if s.Stage != Retire || slices.Contains(moved, i) {
			continue
		}
		for _, j := range moved {
			if steps[j].Change.Addr().Instance() == s.Change.Addr().Instance() {
				steps[i].After = append(slices.Clone(steps[i].After), steps[j].Change.Addr())
			}
		}
	}
}
