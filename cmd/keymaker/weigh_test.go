package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"keymaker/reconcile"
)

// What is told of a difference is what two whole access graphs say of it, with and without it: [reconcile.Weigh] looks at parts of them only. The states are drawn, and the spec
// differs from each in many places.
func TestDifferencesAreWeighedRight(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(20261122, 7))}
	b := newBench(t)
	b.readyForDrawn()
	seen := make(map[reconcile.Gravity]int)
	b.converge(d.spec(), choice{})
	for i := range 12 {
		text := d.spec()
		s := b.session(text)
		look, err := s.look(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		w := weighing{systems: s.systems(), live: look.objects(), judge: s.neo4j[0].Judge()}
		for _, it := range reconcile.Weigh(w.systems, w.live, look.drift).Items {
			gravity, lines := w.item(it)
			if len(it.Diffs) == 0 && (it.Gravity != gravity[0] || !slices.Equal(it.Means, lines[0])) {
				t.Errorf("%d: %s %s %s %q, want %s %q", i, it.Addr, it.State, it.Gravity, it.Means, gravity[0], lines[0])
			}
			for j, one := range it.Diffs {
				if one.Gravity != gravity[j] || !slices.Equal(one.Means, lines[j]) {
					t.Errorf("%d: %s %s %s %q, want %s %q", i, it.Addr, one.Name, one.Gravity, one.Means, gravity[j], lines[j])
				}
				seen[one.Gravity]++
			}
		}
		switch i % 4 {
		case 0:
			b.converge(text, choice{})
		case 2: // things are missing
			if err := runCypher(context.Background(), b.box.neo4j.URL, b.box.kept.Neo4jPassword, "DROP ROLE r1"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, g := range []reconcile.Gravity{reconcile.Neutral, reconcile.Narrows, reconcile.Changes, reconcile.Widens} {
		if seen[g] < 10 {
			t.Errorf("%d differences are graded %s: too few to compare", seen[g], g)
		}
	}
}

// weighing is the slow and obvious way: each difference is undone by itself, and everything is worked out anew.
type weighing struct {
	systems []reconcile.System
	live    []reconcile.Object
	judge   reconcile.Judge
}

// item weighs each difference of an object, or the object where it has none.
func (w weighing) item(it reconcile.DriftItem) (gravities []reconcile.Gravity, means [][]string) {
	add := func(undo, drift reconcile.Change) {
		g, m := w.change(undo, drift)
		gravities, means = append(gravities, g), append(means, m)
	}
	switch it.State {
	case reconcile.Missing:
		add(reconcile.Create{Want: it.Want}, reconcile.Delete{Live: it.Want})
	case reconcile.Extra:
		add(reconcile.Delete{Live: it.Live}, reconcile.Create{Want: it.Live})
	case reconcile.InSync:
		return []reconcile.Gravity{reconcile.Neutral}, [][]string{nil}
	}
	for _, d := range it.Diffs {
		one := reconcile.Update{Live: it.Live, Want: it.Want, Diffs: []reconcile.Diff{d}}
		there := one
		for _, o := range reconcile.After([]reconcile.Object{it.Live}, []reconcile.Change{one}) {
			there.Live = o
		}
		there.Want = it.Live
		there.Want.Needs, there.Want.Range = it.Want.Needs, it.Want.Range
		d.Live, d.Want, d.Added, d.Removed = d.Want, d.Live, d.Removed, d.Added
		there.Diffs = []reconcile.Diff{d}
		add(one, there)
	}
	return gravities, means
}

func (w weighing) change(undo, drift reconcile.Change) (reconcile.Gravity, []string) {
	widens, narrows := false, false
	var lines []string
	for _, s := range w.systems {
		if s.Name() != undo.Addr().Instance() {
			continue
		}
		steps, err := s.Steps([]reconcile.Change{drift})
		if err != nil {
			break
		}
		for _, h := range steps[0].Hazards {
			switch h.Kind {
			case reconcile.HazardWidens:
				widens = true
			case reconcile.HazardRevokes, reconcile.HazardDeletes:
				narrows = true
			case reconcile.HazardSecret:
				widens, narrows = true, true
			default:
				continue
			}
			lines = append(lines, h.Text)
		}
	}
	for _, c := range reconcile.CompareAccess(reconcile.EdgesOf(w.systems, reconcile.After(w.live, []reconcile.Change{undo})), reconcile.EdgesOf(w.systems, w.live), w.judge) {
		widens = widens || c.Effect() == reconcile.EffectWidens || c.Effect() == reconcile.EffectChanges
		narrows = narrows || c.Effect() == reconcile.EffectNarrows || c.Effect() == reconcile.EffectChanges
		for _, n := range c.Gains {
			lines = append(lines, fmt.Sprintf("%s gains %s %s", c.Account, n.Kind, n.Label()))
		}
		for _, n := range c.Loses {
			lines = append(lines, fmt.Sprintf("%s loses %s %s", c.Account, n.Kind, n.Label()))
		}
	}
	if n := len(lines) - 8; n > 0 {
		lines = append(lines[:8:8], fmt.Sprintf("and %d more, listed under access", n))
	}
	switch {
	case widens && narrows:
		return reconcile.Changes, lines
	case widens:
		return reconcile.Widens, lines
	case narrows:
		return reconcile.Narrows, lines
	}
	return reconcile.Neutral, lines
}
