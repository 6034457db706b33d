package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Apply runs a plan. A step runs when what it waits for is done, as many at once as each system allows, all systems at the same time: what its object needs, what it
// names in After, and the steps of earlier stages that have to do with the same accounts. Nothing waits for what it has nothing to do with. A step that fails keeps
// those that wait for it from running; what does not depend on it still runs.
//
// ctx cuts calls off; closing stop lets the calls in flight end and starts no other. index answers references, and learns what each call brings back.
// observe is called from one goroutine, in order; it may be nil.
func Apply(ctx context.Context, stop <-chan struct{}, plan Plan, systems map[string]System, index *Index, observe func(Event)) Report {
	if observe == nil {
		observe = func(Event) {}
	}
	spent := costs(plan, systems)
	a := &applier{
		ctx: ctx, stop: stop, systems: systems, index: index, observe: observe,
		parallel: plan.Parallel, steps: plan.Steps, results: make([]Result, len(plan.Steps)),
		begun: make([]bool, len(plan.Steps)), running: make(map[string]int), messages: make(chan message),
	}
	for i, s := range plan.Steps {
		a.results[i] = Result{Addr: s.Change.Addr(), Action: s.Change.Action(), Pending: s.Pending}
	}
	a.agenda = newAgenda(plan.Steps, systems)
	if a.check() {
		a.runAll()
		a.settle()
	}
	return Report{Results: a.results, Interrupted: a.stopped(), Costs: spent()}
}

// applier is one run of Apply. Its fields belong to the coordinating goroutine, but for index, which mu guards.
type applier struct {
	ctx      context.Context
	stop     <-chan struct{}
	systems  map[string]System
	observe  func(Event)
	steps    []Step
	agenda   *agenda
	results  []Result
	begun    []bool         // by step
	running  map[string]int // steps in flight, by system
	messages chan message
	parallel int // the plan's bound, 0 for none

	mu    sync.Mutex
	index *Index
}

// message is what a running step tells the coordinator: an event, or its end.
type message struct {
	event  Event
	step   int
	result *Result
}

func (a *applier) stopped() bool {
	select {
	case <-a.stop:
		return true
	default:
		return a.ctx.Err() != nil
	}
}

// runAll makes all steps, or tells why not.
func (a *applier) runAll() {
	names := slices.Sorted(maps.Keys(a.systems))
	for inFlight := 0; ; {
		if a.stopped() {
			a.drop()
		}
		for progress := true; progress; { // what is told as not done may settle what waits for it
			progress = false
			for _, name := range names {
				for !a.full(name) && !a.stopped() {
					group := a.agenda.next(name)
					if group == nil {
						break
					}
					inFlight += a.start(group, a.systems[name])
					progress = true
				}
			}
		}
		if inFlight == 0 {
			a.drop() // nothing is left, or the run was told to stop in between
			return
		}
		m := <-a.messages
		if m.result == nil {
			a.observe(m.event)
			continue
		}
		inFlight--
		a.running[a.results[m.step].Addr.Instance()]--
		a.finish(m.step, *m.result)
	}
}

// full says whether a system has as many steps in flight as it takes.
func (a *applier) full(name string) bool {
	n := max(1, a.systems[name].Parallel())
	if a.parallel > 0 {
		n = min(n, a.parallel)
	}
	return a.running[name] >= n
}

// drop tells the steps that never began, in the plan's order.
func (a *applier) drop() {
	for i, res := range a.results {
		if res.Status == "" && !a.begun[i] {
			res.Status = StatusNotDone
			a.finish(i, res)
		}
	}
}

// start starts the steps of a batch whose grounds are done, and tells of the others. It answers how many are in flight by that.
func (a *applier) start(group []int, system System) int {
	var take []int
	for _, i := range group {
		if a.results[i].Status != "" {
			continue
		}
		if d := a.agenda.obstacle(i, a.results, take); d >= 0 {
			res := a.results[i]
			res.Status, res.After = StatusNotDone, a.results[d].Addr.String()
			a.finish(i, res)
			continue
		}
		take = append(take, i)
	}
	for _, i := range take {
		a.begun[i] = true
		a.running[system.Name()]++
		a.observe(Started{Addr: a.results[i].Addr, Action: a.results[i].Action, Nth: i + 1, N: len(a.steps)})
	}
	if b, ok := system.(Batcher); ok && len(take) > 1 {
		go a.runBatch(take, b)
	} else if len(take) > 0 {
		go a.run(take[0], system)
	}
	return len(take)
}

func (a *applier) finish(i int, res Result) {
	a.results[i] = res
	a.observe(Finished{Result: res})
	a.agenda.end(i, a.results)
}

// settle ends races with other runs. It belongs to the calls that were made, so it is not left out when a run is told to stop, and cut off with them. What it cannot
// find out the next look at the systems tells.
func (a *applier) settle() {
	for _, name := range slices.Sorted(maps.Keys(a.systems)) {
		s, ok := a.systems[name].(Settler)
		if !ok {
			continue
		}
		moves, _ := s.Settle(a.ctx)
		for _, m := range moves {
			for i, res := range a.results {
				if res.Status == StatusDone && (res.Addr == m.Addr || res.Addr.Within(m.Addr)) {
					a.results[i].Status, a.results[i].Err, a.results[i].Said = StatusFailed, m, ""
				}
			}
		}
	}
}

// run makes a step's calls, in its own goroutine.
func (a *applier) run(i int, system System) {
	res := a.carryOut(i, system)
	a.messages <- message{step: i, result: &res}
}

// carryOut makes a step's calls one after the other.
func (a *applier) carryOut(i int, system System) Result {
	s, res := a.steps[i], a.results[i]
	res.Status = StatusDone
	began := time.Now()
	for n, op := range s.Ops {
		if n > 0 && a.stopped() {
			res.Status, res.Err = StatusNotDone, fmt.Errorf("stopped after %d of %d calls", n, len(s.Ops))
			res.Call = op.String()
			break
		}
		opBegan := time.Now()
		out, err := system.Do(a.ctx, op, a.lookup)
		a.messages <- message{event: Called{Addr: res.Addr, Op: op, Took: time.Since(opBegan), Err: err}}
		if err != nil {
			res.Status, res.Err, res.Call = StatusFailed, err, op.String()
			switch {
			case errors.Is(err, ErrUnknownOutcome):
				res.Status = StatusUnknown
			case errors.Is(err, ErrStopped) && n == 0:
				res.Status, res.Err, res.Call = StatusNotDone, nil, ""
			case errors.Is(err, ErrStopped):
				res.Status, res.Err = StatusNotDone, fmt.Errorf("stopped after %d of %d calls", n, len(s.Ops))
			}
			break
		}
		res.Calls++
		if out.Said != "" {
			res.Said = out.Said
		}
		a.learn(res.Addr, out.Facts)
	}
	res.Took = time.Since(began)
	return res
}

func (a *applier) lookup(r Ref) (Value, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.index.Lookup(r)
}

func (a *applier) learn(addr Addr, facts map[string]Value) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.index.Learn(addr, facts)
}
