package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Batcher is a system that can make the ops of several steps in one go, all of them or none. Each step still has its own result: a batch that the server refuses is
// made in two halves, and so on, so that only the steps at fault fail.
type Batcher interface {
	System
	// Batch says how many of the steps, from the first on, fit into one go. The steps may run one after the other in this order. Less than 2 is none.
	Batch(steps []Step) int
	// Joined are the steps of one batch, or one that is alone, in their order, with ops that cost what each adds to what is sent.
	Joined(steps []Step) []Step
	// DoBatch makes the ops of steps, with an outcome for each. An error is about all of them: a *[Refusal] says that nothing took effect, one that wraps
	// [ErrUnknownOutcome] that nobody knows.
	DoBatch(ctx context.Context, steps []Step, resolve Resolver) ([]Outcome, error)
}

// joinBatches lets the ops of steps say what they cost once those that go together are made together, so that a forecast is what an apply without refusals makes.
func joinBatches(steps []Step, systems []System) {
	byName := make(map[string]System, len(systems))
	for _, s := range systems {
		byName[s.Name()] = s
	}
	for i, group := range batches(steps, dependencies(steps), byName) {
		b, ok := byName[steps[i].Change.Addr().Instance()].(Batcher)
		if !ok || group[0] != i {
			continue
		}
		members := make([]Step, len(group))
		for n, j := range group {
			members[n] = steps[j]
		}
		for n, joined := range b.Joined(members) {
			steps[group[n]] = joined
		}
	}
}

// mostInBatch bounds how many steps are offered to a system as one batch.
const mostInBatch = 512

// batches gives each step the steps that it is made together with, itself among them, in their order. It depends on the steps alone, not on how long any of them takes:
// a plan forecasts with it what apply will do. Groups wait for no group behind them.
func batches(steps []Step, deps [][]int, systems map[string]System) [][]int {
	groups := make([][]int, len(steps))
	cross := crossWaits(steps, deps)
	for i := range steps {
		if groups[i] != nil {
			continue
		}
		group := []int{i}
		behind := slices.ContainsFunc(deps[i], func(d int) bool { return d > i && d < len(steps) }) // a saved plan's order may be older than what waits for what now
		if b, ok := systems[steps[i].Change.Addr().Instance()].(Batcher); ok && !behind {
			group = batchFrom(i, steps, deps, groups, cross, b)
		}
		for _, j := range group {
			groups[j] = group
		}
	}
	return groups
}

// batchFrom lists the steps that are made together with step i: those behind it that are in no group yet, of its system and stage, that wait for nothing but groups that
// are made already and the batch itself, and in other stages for the same as step i: none waits for another's account.
func batchFrom(i int, steps []Step, deps, groups [][]int, cross []int, b Batcher) []int {
	all, offered := []int{i}, []Step{steps[i]}
	in := map[int]bool{i: true}
	for j := i + 1; j < len(steps) && len(all) < mostInBatch; j++ {
		if groups[j] != nil || cross[j] != cross[i] || steps[j].Stage != steps[i].Stage || steps[j].Change.Addr().Instance() != b.Name() {
			continue
		}
		if slices.ContainsFunc(deps[j], func(d int) bool { return d < len(steps) && groups[d] == nil && !in[d] }) {
			continue
		}
		in[j] = true
		all, offered = append(all, j), append(offered, steps[j])
	}
	return all[:min(len(all), max(1, b.Batch(offered)))]
}

// runBatch makes several steps' calls in one go, in its own goroutine.
func (a *applier) runBatch(members []int, system Batcher) {
	a.runPart(members, system, make(map[int]bool))
}

// runPart makes what is left of a batch: all in one go, or, when that is refused, its two halves one after the other. failed are the steps of the batch that did not end
// well; one whose ground is among them is not tried.
func (a *applier) runPart(members []int, system Batcher, failed map[int]bool) {
	members = slices.DeleteFunc(slices.Clone(members), func(i int) bool { return a.passOver(i, failed) })
	if len(members) == 0 {
		return
	}
	if len(members) == 1 {
		res := a.carryOut(members[0], system)
		failed[members[0]] = res.Status != StatusDone
		a.messages <- message{step: members[0], result: &res}
		return
	}
	steps := make([]Step, len(members))
	for n, i := range members {
		steps[n] = a.steps[i]
	}
	began := time.Now()
	out, err := system.DoBatch(a.ctx, steps, a.lookup)
	if err == nil && len(out) != len(steps) {
		err = fmt.Errorf("%d outcomes of %d steps: %w", len(out), len(steps), ErrUnknownOutcome)
	}
	var no *Refusal
	if errors.As(err, &no) {
		half := (len(members) + 1) / 2
		a.runPart(members[:half], system, failed)
		a.runPart(members[half:], system, failed)
		return
	}
	for n, i := range members {
		said := Outcome{}
		if err == nil {
			said = out[n]
		}
		res := a.batched(i, said, err, time.Since(began), len(members))
		failed[i] = res.Status != StatusDone
		a.messages <- message{step: i, result: &res}
	}
}

// passOver says whether a step of a batch is not to be tried, and tells that.
func (a *applier) passOver(i int, failed map[int]bool) bool {
	res := a.results[i]
	res.Status = StatusNotDone
	for _, d := range a.agenda.deps[i] {
		if d < len(a.steps) && failed[d] && res.After == "" {
			res.After = a.steps[d].Change.Addr().String()
		}
	}
	if res.After == "" && !a.stopped() {
		return false
	}
	failed[i] = true
	a.messages <- message{step: i, result: &res}
	return true
}

// batched is the result of a step that was made in one go with others.
func (a *applier) batched(i int, out Outcome, err error, took time.Duration, of int) Result {
	res := a.results[i]
	res.Status, res.Took = StatusDone, took
	for _, op := range a.steps[i].Ops {
		a.messages <- message{event: Called{Addr: res.Addr, Op: op, Took: took / time.Duration(of*len(a.steps[i].Ops)), Err: err}} // they went out together
		if err == nil {
			res.Calls++
		} else if res.Call == "" {
			res.Call = op.String()
		}
	}
	switch {
	case err == nil:
		res.Said = out.Said
		a.learn(res.Addr, out.Facts)
	case errors.Is(err, ErrUnknownOutcome):
		res.Status, res.Err = StatusUnknown, err
	default:
		res.Status, res.Err = StatusFailed, err
	}
	return res
}
