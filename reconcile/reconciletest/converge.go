package reconciletest

import (
	"context"
	"fmt"

	"keymaker/reconcile"
)

// Plan reads a system and plans want, or its destruction. The live state is the second result.
func Plan(ctx context.Context, s reconcile.System, want []reconcile.Object, p reconcile.Policy) (reconcile.Plan, reconcile.Live, error) {
	live, err := s.Read(ctx, want)
	if err != nil {
		return reconcile.Plan{}, live, fmt.Errorf("read: %w", err)
	}
	drift := reconcile.Compare(s.Kinds(), want, live)
	changes, _, diags := reconcile.Police(drift, p)
	if diags.HasErrors() {
		return reconcile.Plan{}, live, diags
	}
	plan, err := reconcile.BuildPlan([]reconcile.System{s}, []reconcile.Live{live}, drift, changes)
	return plan, live, err
}

// Converge plans and applies. An error says that the plan could not be made; what became of its steps is in the report.
func Converge(ctx context.Context, s reconcile.System, want []reconcile.Object, p reconcile.Policy) (reconcile.Plan, reconcile.Report, error) {
	plan, live, err := Plan(ctx, s, want, p)
	if err != nil {
		return plan, reconcile.Report{}, err
	}
	systems := map[string]reconcile.System{s.Name(): s}
	report := reconcile.Apply(ctx, nil, plan, systems, reconcile.NewIndex(live.Objects), nil)
	return plan, report, nil
}
