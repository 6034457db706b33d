package reconcile_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

// slow is a system that holds one op until it is let go, and tells of the others.
type slow struct {
	*reconciletest.Memory
	held  string
	made  chan string
	leave chan struct{}
}

func (s slow) Do(ctx context.Context, op reconcile.Op, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	if op.String() == s.held {
		<-s.leave
	}
	out, err := s.Memory.Do(ctx, op, resolve)
	s.made <- op.String()
	return out, err
}

// lanes is a plan over two accounts, each with a step that takes, one that gives and one that takes away what is left, and of one that may touch anything.
func lanes(t *testing.T, m *reconciletest.Memory) reconcile.Plan {
	t.Helper()
	account := func(name string) []reconcile.Node {
		return []reconcile.Node{{Kind: reconcile.NodeAccount, Name: name}}
	}
	m.Touches, m.Stages = map[reconcile.Addr][]reconcile.Node{}, map[reconcile.Addr]reconcile.Stage{}
	var want, before []reconcile.Object
	for _, n := range []string{"1", "2"} {
		for name, stage := range map[string]reconcile.Stage{"narrow" + n: reconcile.Restrict, "widen" + n: reconcile.Converge, "retire" + n: reconcile.Retire} {
			m.Stages[reconciletest.Thing(name)] = stage
			m.Touches[reconciletest.Thing(name)] = account(n)
			if stage == reconcile.Retire {
				gone := thing(name, nil)
				gone.Absent = true
				want = append(want, gone)
				before = append(before, thing(name, nil))
				continue
			}
			want = append(want, thing(name, nil, text("x")))
		}
	}
	for _, o := range before {
		m.Put(o)
	}
	slices.SortFunc(want, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	plan, _, err := reconciletest.Plan(t.Context(), m, want, reconcile.Policy{})
	if err != nil || len(plan.Steps) != 6 {
		t.Fatalf("%d steps, %v", len(plan.Steps), err)
	}
	return plan
}

// While a call for one account is not answered, all steps of the other are made, through all stages; the account's own wait.
func TestAccountsDoNotWaitForEachOther(t *testing.T) {
	m := &reconciletest.Memory{}
	plan := lanes(t, m)
	s := slow{m, "create narrow1", make(chan string, 6), make(chan struct{})}
	reports := make(chan reconcile.Report)
	go func() {
		reports <- reconcile.Apply(context.Background(), nil, plan, map[string]reconcile.System{"memory": s}, reconcile.NewIndex(nil), nil)
	}()
	got := []string{<-s.made, <-s.made, <-s.made} // hangs where the second account waits for the first
	if want := []string{"create narrow2", "create widen2", "delete retire2"}; !slices.Equal(got, want) {
		t.Errorf("made in between: %q, want %q", got, want)
	}
	close(s.leave)
	report := <-reports
	for range 3 {
		got = append(got, <-s.made)
	}
	if want := []string{"create narrow1", "create widen1", "delete retire1"}; !slices.Equal(got[3:], want) || !report.Complete() {
		t.Errorf("then %q, want %q; %+v", got[3:], want, report)
	}
}

// What fails for one account keeps the later steps of that account from being made, and those alone; the ledger says so.
func TestAFailureStaysWithItsAccount(t *testing.T) {
	m := &reconciletest.Memory{Refuse: "create narrow1"}
	plan := lanes(t, m)
	report := reconcile.Apply(t.Context(), nil, plan, map[string]reconcile.System{"memory": m}, reconcile.NewIndex(nil), nil)
	var got []string
	for _, r := range report.Results {
		line := r.Addr.Name + " " + string(r.Status)
		if r.After != "" {
			line += " after " + r.After
		}
		got = append(got, line)
	}
	want := "narrow1 failed; narrow2 done; widen1 not done after memory.thing.narrow1; widen2 done; retire1 not done after memory.thing.narrow1; retire2 done"
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// A step that may touch any account stands between the stages of all.
func TestWhatTouchesAnythingWaitsForAll(t *testing.T) {
	m := &reconciletest.Memory{Refuse: "create narrow1"}
	plan := lanes(t, m)
	for i := range plan.Steps {
		if plan.Steps[i].Change.Addr().Name == "widen2" {
			plan.Steps[i].Parts = nil
		}
	}
	report := reconcile.Apply(t.Context(), nil, plan, map[string]reconcile.System{"memory": m}, reconcile.NewIndex(nil), nil)
	for _, r := range report.Results {
		want := map[string]reconcile.Status{"narrow1": reconcile.StatusFailed, "narrow2": reconcile.StatusDone}[r.Addr.Name]
		if want == "" {
			want = reconcile.StatusNotDone
		}
		if r.Status != want {
			t.Errorf("%s is %s, want %s", r.Addr, r.Status, want)
		}
	}
}
