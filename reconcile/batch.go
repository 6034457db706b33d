package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Batcher is a system that can make the ops of several steps in one go, all of them or none. Each step still has its own result: when the server refuses a batch, its
// steps are made one by one, so that only the one at fault fails.
type Batcher interface {
	System
	// Batch says how many of the steps, from the first on, fit into one go. The steps may run one after the other in this order. Less than 2 is none.
	Batch(steps []Step) int
	// DoBatch makes the ops of steps, with an outcome for each. An error is about all of them: a *[Refusal] says that nothing took effect, one that wraps
	// [ErrUnknownOutcome] that nobody knows.
	DoBatch(ctx context.Context, steps []Step, resolve Resolver) ([]Outcome, error)
}

// batchFrom lists the steps that are to be made together with step i, which may start: those of waiting, of the same system, that wait for nothing but steps before
// them in the list.
func (a *applier) batchFrom(i int, waiting []int) []int {
	system := a.results[i].Addr.System
	b, ok := a.systems[system].(Batcher)
	if !ok {
		return []int{i}
	}
	all, steps := []int{i}, []Step{a.steps[i]}
	in := map[int]bool{i: true}
	for _, j := range waiting {
		if j == i || a.results[j].Addr.System != system || !a.ready(j, in) {
			continue
		}
		in[j] = true
		all, steps = append(all, j), append(steps, a.steps[j])
	}
	return all[:min(len(all), max(1, b.Batch(steps)))]
}

// ready says whether all that a step waits for is done, or in the batch.
func (a *applier) ready(i int, in map[int]bool) bool {
	for _, d := range a.deps[i] {
		if a.results[d].Status != StatusDone && !in[d] {
			return false
		}
	}
	return true
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
	for n, i := range members {
		res := a.results[i]
		res.Status, res.Took = StatusDone, time.Since(began)
		for _, op := range steps[n].Ops {
			a.messages <- message{event: Called{Addr: res.Addr, Op: op, Took: res.Took, Err: err}}
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
		for _, d := range a.deps[i] {
			if failed[d] && res.After == "" {
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
