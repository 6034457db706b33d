package progress

import (
	"slices"

	"keymaker/reconcile"
)

// Board is the state of a run: what is running, and how many steps ended how. The zero Board is a run that has not begun. It is used from one goroutine.
type Board struct {
	// N is how many steps the plan has, 0 before the first one starts.
	N int
	// Calls is how many calls ended, well or not.
	Calls   int
	running []Running
	ended   map[reconcile.Status]int
}

// Running is a step that has started and not ended.
type Running struct {
	Addr   reconcile.Addr
	Action reconcile.Action
	Nth    int // its number in the plan, from 1
	Calls  int // calls of it that ended
	// Wait is what it waits for right now, nil when it does not wait.
	Wait *reconcile.Waiting
}

// Fold adds an event.
func (b *Board) Fold(e reconcile.Event) {
	switch e := e.(type) {
	case reconcile.Started:
		b.N = e.N
		b.running = append(b.running, Running{Addr: e.Addr, Action: e.Action, Nth: e.Nth})
	case reconcile.Called:
		b.Calls++
		if i := b.index(e.Addr); i >= 0 {
			b.running[i].Calls++
			b.running[i].Wait = nil
		}
	case reconcile.Waiting:
		if i := b.index(e.Addr); i >= 0 {
			if b.running[i].Wait = &e; e.Over() {
				b.running[i].Wait = nil
			}
		}
	case reconcile.Finished:
		if b.ended == nil {
			b.ended = make(map[reconcile.Status]int)
		}
		b.ended[e.Result.Status]++
		if i := b.index(e.Result.Addr); i >= 0 {
			b.running = slices.Delete(b.running, i, i+1)
		}
	}
}

// Running lists the running steps, in the order in which they started.
func (b *Board) Running() []Running { return slices.Clone(b.running) }

// Step finds a running step.
func (b *Board) Step(a reconcile.Addr) (Running, bool) {
	if i := b.index(a); i >= 0 {
		return b.running[i], true
	}
	return Running{}, false
}

// Ended says how many steps ended in a status.
func (b *Board) Ended(s reconcile.Status) int { return b.ended[s] }

func (b *Board) index(a reconcile.Addr) int {
	return slices.IndexFunc(b.running, func(r Running) bool { return r.Addr == a })
}
