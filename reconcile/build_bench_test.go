package reconcile_test

import (
	"context"
	"fmt"
	"testing"

	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

// chains are as many things, of which every tenth needs the one before it, and of which a fifth is there and has to go.
func chains(m *reconciletest.Memory, n int) []reconcile.Object {
	m.Touches = make(map[reconcile.Addr][]reconcile.Node)
	want := make([]reconcile.Object, n)
	for i := range n {
		name := fmt.Sprintf("t%05d", i)
		var needs []string
		if i%10 == 1 {
			needs = []string{fmt.Sprintf("t%05d", i-1)}
		}
		want[i] = thing(name, needs, text("x"))
		if i%5 == 4 {
			want[i] = thing(name, nil)
			want[i].Absent = true
			m.Put(thing(name, nil))
		}
		m.Touches[want[i].Addr] = []reconcile.Node{{Kind: reconcile.NodeAccount, Name: fmt.Sprint("account", i/10)}}
	}
	return want
}

func sizes(b *testing.B, run func(b *testing.B, n int)) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			run(b, n)
		})
	}
}

// BenchmarkBuildPlan makes a plan of changes: steps, who waits for whom, access, order.
func BenchmarkBuildPlan(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		m := &reconciletest.Memory{}
		want := chains(m, n)
		live, err := m.Read(context.Background(), want)
		if err != nil {
			b.Fatal(err)
		}
		drift := reconcile.Compare(m.Kinds(), want, live)
		changes, _, _ := reconcile.Police(drift, reconcile.Policy{})
		b.ResetTimer()
		for b.Loop() {
			plan, err := reconcile.BuildPlan([]reconcile.System{m}, []reconcile.Live{live}, drift, changes)
			if err != nil || len(plan.Steps) != n {
				b.Fatalf("%d steps of %d, %v", len(plan.Steps), n, err)
			}
		}
	})
}

// BenchmarkOrder orders steps.
func BenchmarkOrder(b *testing.B) {
	sizes(b, func(b *testing.B, n int) {
		m := &reconciletest.Memory{}
		plan, _, err := reconciletest.Plan(context.Background(), m, chains(m, n), reconcile.Policy{})
		if err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		for b.Loop() {
			if _, err := reconcile.Order(plan.Steps); err != nil {
				b.Fatal(err)
			}
		}
	})
}
