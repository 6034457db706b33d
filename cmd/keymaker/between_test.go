package main

import (
	"context"
	"strings"
	"sync"
	"testing"

	"keymaker/reconcile"
)

// watched is a system whose calls are made one at a time, each followed by a look.
type watched struct {
	reconcile.System
	mu   *sync.Mutex
	look func(op reconcile.Op)
}

// Do makes one op, and looks.
func (w watched) Do(ctx context.Context, op reconcile.Op, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out, err := w.System.Do(ctx, op, resolve)
	w.look(op)
	return out, err
}

// Between any two calls nobody has an access that neither the state before nor the one after gives: both systems are read again after every single call.
func TestNoAccessInBetween(t *testing.T) {
	for _, st := range append(stories(), moments()...) {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if st.before != nil {
				b.converge(st.first(), choice{})
			}
			text, ch := st.target()
			s := b.session(text)
			watcher := b.session(text)
			if st.before != nil {
				watcher.spec.Objects = union(watcher.spec.Objects, b.session(st.first()).spec.Objects)
			}
			states := [][]reconcile.Edge{edges(t, watcher)}
			calls := []string{"before"}
			plan, lives := b.plan(s, ch)
			var mu sync.Mutex
			systems := make(map[string]reconcile.System)
			for name, sys := range s.byName() {
				systems[name] = watched{sys, &mu, func(op reconcile.Op) {
					states, calls = append(states, edges(t, watcher)), append(calls, op.String())
				}}
			}
			report := reconcile.Apply(t.Context(), nil, plan, systems, reconcile.NewIndex(merge(lives).Objects), nil)
			if !report.Complete() {
				t.Fatalf("%+v", report.Results)
			}
			if len(states) < 2 {
				t.Fatal("no call was made")
			}
			surplus := 0
			for i, now := range states {
				for _, too := range reconcile.FindSurplus(states[0], states[len(states)-1], now) {
					surplus++
					if !st.unsafe {
						t.Errorf("after call %d, %s:\n%s", i, calls[i], too)
					}
				}
			}
			warned := false
			for _, step := range plan.Steps {
				for _, h := range step.Hazards {
					warned = warned || strings.Contains(h.Text, "between two calls")
				}
			}
			if st.unsafe && surplus == 0 {
				t.Error("this story is safe after all: say so")
			}
			if warned != st.unsafe {
				t.Errorf("the plan warns: %t, want %t", warned, st.unsafe)
			}
		})
	}
}

func union(a, b []reconcile.Object) []reconcile.Object {
	in := make(map[reconcile.Addr]bool)
	for _, o := range a {
		in[o.Addr] = true
	}
	for _, o := range b {
		if !in[o.Addr] {
			a = append(a, o)
		}
	}
	return a
}

// edges is who gets to what, by what is live in both systems.
func edges(t *testing.T, s *session) []reconcile.Edge {
	lives, err := s.read(context.Background())
	if err != nil {
		t.Error(err)
		return nil
	}
	return reconcile.EdgesOf(s.systems(), merge(lives).Objects)
}
