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

// Apply runs a plan. Steps run when what they wait for is done, as many at once as each system allows; stages run one after the other. A step that
// fails keeps the steps that wait for it from running, and every later stage; what does not depend on it still runs.
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
		parallel: plan.Parallel, steps: plan.Steps, deps: dependencies(plan.Steps), results: make([]Result, len(plan.Steps)),
		running: make(map[string]int), messages: make(chan message),
	}
	a.groups = batches(plan.Steps, a.deps, systems)
	for i, s := range plan.Steps {
		a.results[i] = Result{Addr: s.Change.Addr(), Action: s.Change.Action(), Pending: s.Pending}
	}
	if a.check() {
		for _, stage := range []Stage{Restrict, Converge, Retire} {
			a.runStage(stage)
		}
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
	deps     [][]int
	groups   [][]int // by step, the steps that are made together with it
	results  []Result
	running  map[string]int // steps in flight, by system
	messages chan message
	parallel int    // the plan's bound, 0 for none
	broken   string // the first step that did not end well, for the stages after it

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

func (a *applier) runStage(stage Stage) {
	waiting := make(map[string][]int) // by system, in the plan's order
	for i, s := range a.steps {
		if s.Stage == stage {
			name := a.results[i].Addr.Instance()
			waiting[name] = append(waiting[name], i)
		}
	}
	names := slices.Sorted(maps.Keys(waiting))
	inFlight := 0
	blocked := a.broken
	for {
		for progress := true; progress; { // what is told as not done may settle what waits for it
			progress = false
			for _, name := range names {
				rest, started, settled := a.startSome(waiting[name], blocked)
				waiting[name] = rest
				inFlight += started
				progress = progress || settled
			}
		}
		if inFlight == 0 {
			break
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

// startSome starts what may start of a system's waiting steps, and gives those that are left. It ends as soon as the system has its hands full: of ten thousand steps, one
// that ended makes room for one.
func (a *applier) startSome(waiting []int, blocked string) (rest []int, started int, settled bool) {
	gone := make(map[int]bool)
	n := 0
	for ; n < len(waiting) && !(a.full(waiting[n]) && blocked == "" && !a.stopped()); n++ {
		i := waiting[n]
		if gone[i] {
			continue
		}
		begun, over := a.tryStart(i, blocked)
		started += len(begun)
		for _, j := range begun {
			gone[j] = true
		}
		gone[i] = gone[i] || over
		settled = settled || over
	}
	if len(gone) == 0 {
		return waiting, started, settled
	}
	return slices.DeleteFunc(waiting, func(i int) bool { return gone[i] }), started, settled
}

// full says whether the system of a step has as many in flight as it takes.
func (a *applier) full(i int) bool {
	name := a.results[i].Addr.Instance()
	return a.running[name] >= a.atOnce(a.systems[name])
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

// tryStart starts a step if nothing stands in its way, with those that go with it. settled says that it will never run, and that this was told.
func (a *applier) tryStart(i int, blocked string) (started []int, settled bool) {
	res := a.results[i]
	res.Status = StatusNotDone
	if a.stopped() {
		a.finish(i, res)
		return nil, true
	}
	if blocked != "" {
		res.After = blocked
		a.finish(i, res)
		return nil, true
	}
	for _, d := range a.deps[i] {
		if status := a.results[d].Status; status != "" && status != StatusDone {
			res.After = a.results[d].Addr.String()
			a.finish(i, res)
			return nil, true
		}
	}
	if a.full(i) {
		return nil, false
	}
	system := a.systems[res.Addr.Instance()]
	take, wait := a.ready(i)
	if wait || !slices.Contains(take, i) {
		return nil, false
	}
	return a.start(take, system), false
}

// atOnce is how many steps of a system may be in flight.
func (a *applier) atOnce(system System) int {
	n := max(1, system.Parallel())
	if a.parallel > 0 {
		n = min(n, a.parallel)
	}
	return n
}

// start starts steps that are made in one go.
func (a *applier) start(members []int, system System) []int {
	for _, i := range members {
		a.running[system.Name()]++
		a.observe(Started{Addr: a.results[i].Addr, Action: a.results[i].Action, Nth: i + 1, N: len(a.steps)})
	}
	if b, ok := system.(Batcher); ok && len(members) > 1 {
		go a.runBatch(members, b)
		return members
	}
	go a.run(members[0], system)
	return members
}

func (a *applier) finish(i int, res Result) {
	a.results[i] = res
	if res.Status != StatusDone && a.broken == "" {
		a.broken = res.Addr.String()
	}
	a.observe(Finished{Result: res})
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
			res.Status, res.Err = StatusFailed, fmt.Errorf("stopped after %d of %d calls", n, len(s.Ops))
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
