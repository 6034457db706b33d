package reconcile

import (
	"context"
	"maps"
	"slices"
)

// Checker is a [System] that can tell before the first call of a plan whether its login may make the calls. It is optional.
type Checker interface {
	// Check writes nothing. Its error names every right that is missing, and for which addresses.
	Check(ctx context.Context, steps []Step) error
}

// check asks the systems whether they may do their steps. When one may not, nothing at all is done: its first step carries the error, and the rest is
// told as not done.
func (a *applier) check() bool {
	for _, name := range slices.Sorted(maps.Keys(a.systems)) {
		checker, ok := a.systems[name].(Checker)
		if !ok || a.stopped() {
			continue
		}
		isOwn := func(s Step) bool { return s.Change.Addr().Instance() == name }
		own := slices.DeleteFunc(slices.Clone(a.steps), func(s Step) bool { return !isOwn(s) })
		if len(own) == 0 {
			continue
		}
		if err := checker.Check(a.ctx, own); err != nil {
			a.refuse(slices.IndexFunc(a.steps, isOwn), err)
			return false
		}
	}
	return true
}

// refuse ends a run before it began.
func (a *applier) refuse(first int, err error) {
	res := a.results[first]
	res.Status, res.Err = StatusFailed, err
	a.finish(first, res)
	for i, r := range a.results {
		if i != first {
			r.Status, r.After = StatusNotDone, res.Addr.String()
			a.finish(i, r)
		}
	}
}
