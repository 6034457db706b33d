package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Batcher is a system that can make the ops of several steps in one go, all of them or none. Each step still has its own result: when the server refuses a batch, its
// steps are made one by one, so that only the one at fault fails.
type Batcher interface {
	System
	// Batch says how many of the steps, from the first on, fit into one go. The steps may run one after the other in this order. Less than 2 is none.
	Batch(steps []Step) int
	// Joined is a step as a later one of a batch, whose ops cost what they add to the first, or as one that comes first or is alone.
	Joined(step Step, joined bool) Step
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
		if b, ok := byName[steps[i].Change.Addr().Instance()].(Batcher); ok {
			steps[i] = b.Joined(steps[i], group[0] != i)
		}
	}
}

// mostInBatch bounds how many steps are offered to a system as one batch.
const mostInBatch = 512

// batches gives each step the steps that it is made together with, itself among them, in their order. It depends on the steps alone, not on how long any of them takes:
// a plan forecasts with it what apply will do. Groups wait for no group behind them.
func batches(steps []Step, deps [][]int, systems map[string]System) [][]int {
	groups := make([][]int, len(steps))
	for i := range steps {
		if groups[i] != nil {
			continue
		}
		group := []int{i}
		behind := slices.ContainsFunc(deps[i], func(d int) bool { return d > i && d < len(steps) }) // a saved plan's order may be older than what waits for what now
		if b, ok := systems[steps[i].Change.Addr().Instance()].(Batcher); ok && !behind {
			group = batchFrom(i, steps, deps, groups, b)
		}
		for _, j := range group {
			groups[j] = group
		}
	}
	return groups
}

// batchFrom lists the steps that are made together with step i: those behind it that are in no group yet, of its system and stage, that wait for nothing but groups that
// are made already and the batch itself, and in other stages for the same as step i: none waits for another's account.
func batchFrom(i int, steps []Step, deps, groups [][]int, b Batcher) []int {
	all, offered := []int{i}, []Step{steps[i]}
	in, cross := map[int]bool{i: true}, crossWaits(steps, deps, i)
	for j := i + 1; j < len(steps) && len(all) < mostInBatch; j++ {
		if groups[j] != nil || steps[j].Stage != steps[i].Stage || steps[j].Change.Addr().Instance() != b.Name() {
			continue
		}
		if slices.ContainsFunc(deps[j], func(d int) bool { return d < len(steps) && groups[d] == nil && !in[d] }) || !slices.Equal(crossWaits(steps, deps, j), cross) {
			continue
		}
		in[j] = true
		all, offered = append(all, j), append(offered, steps[j])
	}
	return all[:min(len(all), max(1, b.Batch(offered)))]
}

// runBatch makes several steps' calls in one go, in its own goroutine.
func (a *applier) runBatch(members []int, system Batcher) {
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
		a.runEach(members, system)
		return
	}
	ops := 0
	for _, s := range steps {
		ops += len(s.Ops)
	}
	each := time.Since(began) / time.Duration(max(ops, 1)) // of an op: they went out together
	for n, i := range members {
		res := a.results[i]
		res.Status, res.Took = StatusDone, time.Since(began)
		for _, op := range steps[n].Ops {
			a.messages <- message{event: Called{Addr: res.Addr, Op: op, Took: each, Err: err}}
			if err == nil {
				res.Calls++
			} else if res.Call == "" {
				res.Call = op.String()
			}
		}
		switch {
		case err == nil:
			res.Said = out[n].Said
			a.learn(res.Addr, out[n].Facts)
		case errors.Is(err, ErrUnknownOutcome):
			res.Status, res.Err = StatusUnknown, err
		default:
			res.Status, res.Err = StatusFailed, err
		}
		a.messages <- message{step: i, result: &res}
	}
}

// runEach makes the steps of a refused batch one after the other. A step whose ground failed is not tried.
func (a *applier) runEach(members []int, system System) {
	failed := make(map[int]bool)
	for _, i := range members {
		res := a.results[i]
		res.Status = StatusNotDone
		for _, d := range a.agenda.deps[i] {
			if d < len(a.steps) && failed[d] && res.After == "" {
				res.After = a.steps[d].Change.Addr().String()
			}
		}
		if res.After == "" && !a.stopped() {
			res = a.carryOut(i, system)
		}
		failed[i] = res.Status != StatusDone
		a.messages <- message{step: i, result: &res}
	}
}
