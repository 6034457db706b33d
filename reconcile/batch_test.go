package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// grouper is a system that makes up to most steps in one go.
type grouper struct {
	System // nothing else is asked of it
	name   string
	most   int
	gos    [][]string // what was made together, in order
}

func (g *grouper) Name() string                                            { return g.name }
func (g *grouper) Parallel() int                                           { return 1 }
func (g *grouper) Steps(changes []Change) ([]Step, error)                  { return nil, nil }
func (g *grouper) Batch(steps []Step) int                                  { return min(len(steps), g.most) }
func (g *grouper) Access([]Object) []Edge                                  { return nil }
func (g *grouper) Do(_ context.Context, _ Op, _ Resolver) (Outcome, error) { return Outcome{}, nil }

func (g *grouper) Joined(steps []Step) []Step {
	for i := range steps {
		steps[i].Ops = []Op{goOp{joined: i > 0}}
	}
	return steps
}

func (g *grouper) DoBatch(_ context.Context, steps []Step, _ Resolver) ([]Outcome, error) {
	var names []string
	for _, s := range steps {
		names = append(names, s.Change.Addr().Name)
	}
	g.gos = append(g.gos, names)
	return make([]Outcome, len(steps)), nil
}

type goOp struct{ joined bool }

func (goOp) String() string { return "op" }
func (o goOp) Calls() []Tally {
	if o.joined {
		return nil
	}
	return []Tally{{What: "go", N: 1}}
}

// failing is a system whose every step fails.
type failing struct{ grouper }

func (f *failing) Batch([]Step) int { return 1 }
func (f *failing) Do(context.Context, Op, Resolver) (Outcome, error) {
	return Outcome{}, errors.New("no")
}

func stepOf(system, name string, needs ...Addr) Step {
	return Step{Change: Create{Want: Object{Addr: Addr{System: system, Kind: "thing", Name: name}, Needs: needs}}, Ops: []Op{goOp{}}, Stage: Converge}
}

// Of any steps that wait for each other, in an order in which they may run, each is in one batch, batches are bounded, no batch waits for a later one, and the forecast
// is the number of goes that apply makes.
func TestBatchesOfRandomSteps(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		most := 1 + rng.IntN(6)
		a, b := &grouper{name: "a", most: most}, &grouper{name: "b", most: 3}
		systems := []System{a, b}
		var steps []Step
		for n := range 1 + rng.IntN(30) {
			var needs []Addr
			for range rng.IntN(3) {
				if n > 0 {
					needs = append(needs, steps[rng.IntN(n)].Change.Addr())
				}
			}
			steps = append(steps, stepOf([]string{"a", "b"}[rng.IntN(2)], fmt.Sprintf("s%02d", n), needs...))
		}
		byName := map[string]System{"a": a, "b": b}
		deps := dependencies(steps)
		settled := make(map[int]bool)
		for i, group := range batches(steps, deps, byName) {
			if !slices.Contains(group, i) || len(group) > max(most, 3) {
				t.Fatalf("step %d is in batch %v", i, group)
			}
			if group[0] != i {
				continue
			}
			for _, j := range group {
				for _, d := range deps[j] {
					if !settled[d] {
						t.Fatalf("batch %v waits for step %d, which is made later", group, d)
					}
				}
				settled[j] = true
			}
		}
		joinBatches(steps, systems)
		plan := Plan{Steps: steps}
		index := NewIndex(nil)
		events := 0
		report := Apply(t.Context(), nil, plan, byName, index, func(Event) { events++ })
		if !report.Complete() {
			t.Fatalf("not complete: %+v", report.Results)
		}
		for _, s := range []*grouper{a, b} {
			want := 0
			for _, tally := range plan.Calls(s.name) {
				want += tally.N
			}
			singles := 0
			for _, group := range batches(steps, deps, byName) {
				if len(group) == 1 && steps[group[0]].Change.Addr().System == s.name {
					singles++
				}
			}
			if got := len(s.gos) + singles; got != want {
				t.Fatalf("%s: forecast %d goes, made %d", s.name, want, got)
			}
		}
	}
}

// What waits for a step that failed is left out of its batch; the others are made, still together.
func TestBatchWithoutWhatFailed(t *testing.T) {
	f, g := &failing{grouper{name: "a"}}, &grouper{name: "b", most: 10}
	bad := stepOf("a", "bad")
	steps := []Step{bad, stepOf("b", "s1"), stepOf("b", "s2", bad.Change.Addr()), stepOf("b", "s3", Addr{System: "b", Kind: "thing", Name: "s2"}), stepOf("b", "s4")}
	report := Apply(t.Context(), nil, Plan{Steps: steps}, map[string]System{"a": f, "b": g}, NewIndex(nil), nil)
	var got []Status
	for _, r := range report.Results {
		got = append(got, r.Status)
	}
	want := []Status{StatusFailed, StatusDone, StatusNotDone, StatusNotDone, StatusDone}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(g.gos) != 1 || !slices.Equal(g.gos[0], []string{"s1", "s4"}) {
		t.Errorf("made together: %v", g.gos)
	}
}

// picky is a grouper that refuses whatever some steps are in.
type picky struct {
	grouper
	bad   map[string]bool
	tried int
}

func (p *picky) DoBatch(ctx context.Context, steps []Step, resolve Resolver) ([]Outcome, error) {
	p.tried++
	for _, s := range steps {
		if p.bad[s.Change.Addr().Name] {
			return nil, &Refusal{Answer: "no " + s.Change.Addr().Name}
		}
	}
	return p.grouper.DoBatch(ctx, steps, resolve)
}

func (p *picky) Do(_ context.Context, op Op, _ Resolver) (Outcome, error) {
	p.tried++
	if name := string(op.(namedOp)); p.bad[name] {
		return Outcome{}, &Refusal{Answer: "no " + name}
	}
	return Outcome{}, nil
}

type namedOp string

func (o namedOp) String() string { return string(o) }
func (namedOp) Calls() []Tally   { return nil }

// Of a batch that is refused the steps at fault fail, each by itself; those that wait for one are not tried, and all others are made, in few goes.
func TestRefusedBatchIsHalved(t *testing.T) {
	const count = 128
	for name, bad := range map[string][]int{"none": {}, "first": {0}, "last": {count - 1}, "middle": {77}, "two": {3, 100}, "neighbours": {63, 64}} {
		p := &picky{grouper: grouper{name: "a", most: count}, bad: make(map[string]bool)}
		for _, n := range bad {
			p.bad[fmt.Sprintf("s%d", n)] = true
		}
		var steps []Step
		for n := range count {
			var needs []Addr
			if n%16 == 5 && n > 4 {
				needs = []Addr{{System: "a", Kind: "thing", Name: fmt.Sprintf("s%d", n-2)}}
			}
			s := stepOf("a", fmt.Sprintf("s%d", n), needs...)
			s.Ops = []Op{namedOp(s.Change.Addr().Name)}
			steps = append(steps, s)
		}
		for n, res := range Apply(t.Context(), nil, Plan{Steps: steps}, map[string]System{"a": p}, NewIndex(nil), nil).Results {
			want := StatusDone
			switch {
			case p.bad[res.Addr.Name]:
				want = StatusFailed
				if res.Err == nil || !strings.HasSuffix(res.Err.Error(), "no "+res.Addr.Name) {
					t.Errorf("%s: %s: %v", name, res.Addr, res.Err)
				}
			case n%16 == 5 && p.bad[fmt.Sprintf("s%d", n-2)]:
				want = StatusNotDone
			}
			if res.Status != want {
				t.Errorf("%s: %s: got %s, want %s", name, res.Addr, res.Status, want)
			}
		}
		if most := 1 + len(bad)*2*7; p.tried > most {
			t.Errorf("%s: %d goes, more than %d", name, p.tried, most)
		}
	}
}
