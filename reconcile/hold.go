package reconcile

import (
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
	h.depend()
	h.accounts = make(map[Addr]Node)
	for t := range TokensOf(systems, After(before, changesIn(steps))) {
		h.accounts[t.Addr] = t.Account
	}
	var made []int
	for i, s := range h.steps {
		if _, is := h.accounts[s.Change.Addr()]; is && s.Stage == Converge && s.Change.Action() != ActionDelete {
			made = append(made, i)
		}
	}
	later := stepsFrom(made, h.next)
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
	deps     [][]int // as the steps came
	next     [][]int // which steps wait for each, within a stage, as they are now; there may be thousands of accounts, and none may take a look at all steps
	released map[int]bool
	accounts map[Addr]Node // by their objects
	old, new []Edge
}

// depend notes which steps wait for which.
func (h *holder) depend() {
	h.deps = stageGrounds(h.steps)
	h.next = usersOf(h.deps)
	for _, list := range h.next {
		slices.SortFunc(list, func(a, b int) int { return CompareAddr(h.steps[a].Change.Addr(), h.steps[b].Change.Addr()) })
	}
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
	var users []int
	seen := map[int]bool{i: true}
	var visit func(int)
	visit = func(at int) {
		for _, j := range slices.Backward(h.next[at]) {
			if !seen[j] {
				seen[j] = true
				visit(j)
			}
		}
		if at != i && h.steps[at].Change.Addr().Instance() == h.steps[i].Change.Addr().Instance() {
			users = append(users, at)
		}
	}
	visit(i)
	slices.Reverse(users) // what waits for another was behind it
	return users
}

// turn changes an account after what waits for it: it is there already, so nothing of that needs the change first. false where something else of what waits for it, such as a
// mapping that takes a role away first, has to come after it all the same: nothing is turned then.
func (h *holder) turn(i int, users []int) bool {
	was := h.next[i]
	h.next[i] = slices.DeleteFunc(slices.Clone(was), func(j int) bool { return slices.Contains(users, j) })
	still := stepsFrom([]int{i}, h.next)
	if slices.ContainsFunc(users, func(j int) bool { return still[j] && h.steps[j].Stage == h.steps[i].Stage }) {
		h.next[i] = was
		return false
	}
	own := h.steps[i].Change.Addr()
	after := slices.Clone(h.steps[i].After)
	for _, j := range users {
		h.steps[j].After = slices.DeleteFunc(slices.Clone(h.steps[j].After), func(a Addr) bool { return a == own })
		after = append(after, h.steps[j].Change.Addr())
		h.wait(i, j)
	}
	h.steps[i].After = after
	return true
}

// wait notes that a step waits for another.
func (h *holder) wait(later, earlier int) {
	if h.steps[later].Stage == h.steps[earlier].Stage && !slices.Contains(h.next[earlier], later) {
		h.next[earlier] = append(h.next[earlier], later)
	}
}

// release makes an account that is held, and lets it go with the last of what waits for it.
func (h *holder) release(i int, held Step, ops []Op, users []int) {
	last := users[len(users)-1]
	own, by := held.Change.Addr(), h.steps[last].Change.Addr()
	held.Notes = append(slices.Clone(held.Notes), Note{Label: "held", Text: fmt.Sprintf("it can do nothing until %s is in place: in between it would get more than it is to have", by)})
	h.steps[i] = held
	s := &h.steps[last]
	if !h.released[last] { // its lists are another's
		if h.released == nil {
			h.released = make(map[int]bool)
		}
		h.released[last] = true
		s.Ops, s.Notes, s.After, s.Parts = slices.Clone(s.Ops), slices.Clone(s.Notes), slices.Clone(s.After), slices.Clone(s.Parts)
	}
	s.Ops = append(s.Ops, ops...)
	s.Notes = append(s.Notes, Note{Label: "then", Text: fmt.Sprintf("%s is let go", own)})
	if s.Parts == nil || held.Parts == nil {
		s.Parts = nil
	} else {
		s.Parts = append(s.Parts, held.Parts...)
	}
	for _, j := range users[:len(users)-1] {
		if a := h.steps[j].Change.Addr(); !slices.Contains(s.After, a) {
			s.After = append(s.After, a)
		}
		h.wait(last, j)
	}
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
	alone := surplusAlone(systems, before, first, surplus)
	var moved []int
	var rest []Change
	for i, s := range out {
		if s.Stage == Restrict && s.Change.Action() == ActionUpdate && alone(s.Change) {
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

// surplusAlone says of each change whether it gives more for a moment when it is made alone. What changes in an account's own object bears on nobody else, so those of
// thousands of accounts are looked at together.
func surplusAlone(systems []System, before []Object, changes []Change, surplus func([]Change) []Surplus) func(Change) bool {
	accounts := make(map[Addr]Node)
	for t := range TokensOf(systems, before) {
		accounts[t.Addr] = t.Account
	}
	var own []Change
	for _, c := range changes {
		if _, is := accounts[c.Addr()]; is {
			own = append(own, c)
		}
	}
	some := make(map[Node]bool)
	if len(own) > 0 {
		for _, s := range surplus(own) {
			some[s.Account] = true
		}
	}
	return func(c Change) bool {
		if account, is := accounts[c.Addr()]; is {
			return some[account]
		}
		return len(surplus([]Change{c})) > 0
	}
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
