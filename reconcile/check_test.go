package reconcile_test

import (
	"context"
	"errors"
	"testing"

	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

// guarded is a system that may not do what is planned.
type guarded struct {
	*reconciletest.Memory
	err  error
	seen int
}

func (g *guarded) Check(_ context.Context, steps []reconcile.Step) error {
	g.seen += len(steps)
	return g.err
}

// A system that says no is asked once, before anything is done; then nothing is done at all, and one result says why.
func TestCheckComesFirst(t *testing.T) {
	for _, refusal := range []error{nil, errors.New("not allowed")} {
		g := &guarded{Memory: &reconciletest.Memory{}, err: refusal}
		want := []reconcile.Object{thing("a", nil, text("x")), thing("b", []string{"a"}, text("y"))}
		live, err := g.Read(context.Background(), want)
		if err != nil {
			t.Fatal(err)
		}
		drift := reconcile.Compare(g.Kinds(), want, live)
		changes, _, _ := reconcile.Police(drift, reconcile.Policy{})
		plan, err := reconcile.BuildPlan([]reconcile.System{g}, []reconcile.Live{live}, drift, changes)
		if err != nil {
			t.Fatal(err)
		}
		report := reconcile.Apply(context.Background(), make(chan struct{}), plan, map[string]reconcile.System{g.Name(): g}, reconcile.NewIndex(nil), nil)
		done, failed, left := 2, 0, 0
		if refusal != nil {
			done, failed, left = 0, 1, 1
		}
		if g.seen != 2 || report.With(reconcile.StatusDone) != done || report.With(reconcile.StatusFailed) != failed || report.With(reconcile.StatusNotDone) != left {
			t.Errorf("with %v: asked for %d steps, results %+v", refusal, g.seen, report.Results)
		}
		if after, _ := g.Read(context.Background(), want); len(after.Objects) != done {
			t.Errorf("with %v there are %d objects", refusal, len(after.Objects))
		}
	}
}
