package reconciletest

import (
	"fmt"
	"reflect"
	"testing"

	"keymaker/reconcile"
)

// Harness is one system under test, on a server of its own that holds nothing of what is wanted.
type Harness struct {
	// Open connects to the server anew, as a new run of the program would.
	Open func(t *testing.T) reconcile.System
	// Want is what to create, of every kind; Changed has the same addresses with other attributes.
	Want, Changed []reconcile.Object
	// Fail makes the nth call that writes, from 1, lose its connection: before its effect, or after it. Nil when the server cannot be broken.
	Fail func(n int, after bool)
	// Fired says whether the last Fail happened.
	Fired func() bool
}

// Run holds a system to what the engine relies on. start is called for each case, on a fresh server.
func Run(t *testing.T, start func(t *testing.T) Harness) {
	t.Run("reading twice gives the same", func(t *testing.T) { readTwice(t, start(t)) })
	t.Run("a plan is the same to the byte", func(t *testing.T) { planTwice(t, start(t)) })
	t.Run("applied, the next plan is empty", func(t *testing.T) { converge(t, start(t)) })
	t.Run("deletion undoes creation", func(t *testing.T) { destroy(t, start(t)) })
	t.Run("a call lost at any point converges when run again", func(t *testing.T) { failEverywhere(t, start) })
}

func readTwice(t *testing.T, h Harness) {
	mustConverge(t, h, h.Want, reconcile.Policy{})
	a, err := h.Open(t).Read(t.Context(), h.Want)
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Open(t).Read(t.Context(), h.Want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a.Objects, b.Objects) {
		t.Errorf("two reads differ:\n%v\n%v", a.Objects, b.Objects)
	}
}

func planTwice(t *testing.T, h Harness) {
	var texts [2]string
	for i := range texts {
		plan, _, err := Plan(t.Context(), h.Open(t), h.Want, reconcile.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = Text(plan)
	}
	if texts[0] != texts[1] {
		t.Errorf("two plans differ:\n%s\n%s", texts[0], texts[1])
	}
	if texts[0] == "" {
		t.Error("the plan is empty: nothing was tested")
	}
}

func converge(t *testing.T, h Harness) {
	for _, want := range [][]reconcile.Object{h.Want, h.Changed, h.Want} {
		mustConverge(t, h, want, reconcile.Policy{})
		mustBeEmpty(t, h, want)
	}
}

func destroy(t *testing.T, h Harness) {
	mustConverge(t, h, h.Want, reconcile.Policy{})
	mustConverge(t, h, h.Want, reconcile.Policy{Destroy: true})
	live, err := h.Open(t).Read(t.Context(), h.Want)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range live.Objects {
		if o.Protected == "" && !isReference(h.Want, o.Addr) {
			t.Errorf("%s is still there", o.Addr)
		}
	}
}

// failEverywhere loses each writing call in turn, before and after its effect, and runs again. Text checks are left to the systems' own tests: here
// only the end counts, and that the second run gets there.
func failEverywhere(t *testing.T, start func(t *testing.T) Harness) {
	const enough = 200 // more calls than any harness makes; reaching it means that Fired is broken
	for _, after := range []bool{false, true} {
		for n := 1; n < enough; n++ {
			fired := false
			t.Run(fmt.Sprintf("call %d after=%v", n, after), func(t *testing.T) {
				h := start(t)
				if h.Fail == nil {
					t.Skip("this server cannot be broken")
				}
				h.Fail(n, after)
				_, _, _ = Converge(t.Context(), h.Open(t), h.Want, reconcile.Policy{}) // may fail, or recover
				fired = h.Fired()
				mustConverge(t, h, h.Want, reconcile.Policy{})
				mustBeEmpty(t, h, h.Want)
			})
			if !fired {
				break
			}
		}
	}
}

func mustConverge(t *testing.T, h Harness, want []reconcile.Object, p reconcile.Policy) {
	t.Helper()
	plan, report, err := Converge(t.Context(), h.Open(t), want, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Status != reconcile.StatusDone {
			t.Errorf("%s: %s: %v (call %s, after %s)", r.Addr, r.Status, r.Err, r.Call, r.After)
		}
	}
	if t.Failed() {
		t.Logf("plan:\n%s", Text(plan))
	}
}

func mustBeEmpty(t *testing.T, h Harness, want []reconcile.Object) {
	t.Helper()
	plan, _, err := Plan(t.Context(), h.Open(t), want, reconcile.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Steps) > 0 {
		t.Errorf("the next plan is not empty:\n%s", Text(plan))
	}
}

func isReference(want []reconcile.Object, a reconcile.Addr) bool {
	for _, o := range want {
		if o.Addr == a {
			return o.Reference
		}
	}
	return false
}

// Text is a plan in the plainest form that two plans share only when they are the same: changes, differences, ops.
func Text(p reconcile.Plan) string {
	s := ""
	for _, step := range p.Steps {
		s += fmt.Sprintf("%c %s\n", step.Change.Action(), step.Change.Addr())
		if u, ok := step.Change.(reconcile.Update); ok {
			for _, d := range u.Diffs {
				s += fmt.Sprintf("    %s: %v → %v\n", d.Name, d.Live, d.Want)
			}
		}
		for _, op := range step.Ops {
			s += "  " + op.String() + "\n"
		}
	}
	return s
}
