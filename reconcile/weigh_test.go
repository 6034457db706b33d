package reconcile_test

import (
	"errors"
	"slices"
	"testing"

	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

// A thing's set is what the account of its name reaches: privileges, or with a minus before it denials.
func reaches(o reconcile.Object) []reconcile.Edge {
	var edges []reconcile.Edge
	for _, v := range reconcile.Texts(o.Get("set")) {
		to := reconcile.Node{Kind: reconcile.NodePrivilege, Name: v}
		if v[0] == '-' {
			to = reconcile.Node{Kind: reconcile.NodeDenial, Name: v[1:]}
		}
		edges = append(edges, reconcile.Edge{From: reconcile.Node{Kind: reconcile.NodeAccount, Name: o.Addr.Name}, To: to, Via: o.Addr})
	}
	return edges
}

func TestWeigh(t *testing.T) {
	set := func(ss ...string) reconcile.Attr {
		return reconcile.Attr{Name: "set", Value: reconcile.TextSet(ss...)}
	}
	many := []string{"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "q1"}
	for _, c := range []struct {
		name       string
		want, live reconcile.Object
		gravity    reconcile.Gravity
		means      []string // of the object, else of its differences
	}{
		{"in sync", thing("a", nil, set("r")), thing("a", nil, set("r")), reconcile.Neutral, nil},
		{"what gives nothing", thing("a", nil, text("x")), thing("a", nil, text("y")), reconcile.Neutral, nil},
		{"more", thing("a", nil, set("r")), thing("a", nil, set("r", "w")), reconcile.Widens, []string{"a gains privilege w"}},
		{"less", thing("a", nil, set("r", "w")), thing("a", nil, set("r")), reconcile.Narrows, []string{"a loses privilege w"}},
		{"another", thing("a", nil, set("r")), thing("a", nil, set("w")), reconcile.Changes, []string{"a gains privilege w", "a loses privilege r"}},
		{"a denial more", thing("a", nil, set("r")), thing("a", nil, set("r", "-w")), reconcile.Narrows, []string{"a gains denial w"}},
		{"a denial less", thing("a", nil, set("r", "-w")), thing("a", nil, set("r")), reconcile.Widens, []string{"a loses denial w"}},
		{"many", thing("a", nil, set()), thing("a", nil, set(many...)), reconcile.Widens, []string{"a gains privilege p1", "a gains privilege p2", "a gains privilege p3", "a gains privilege p4",
			"a gains privilege p5", "a gains privilege p6", "a gains privilege p7", "a gains privilege p8", "and 2 more, listed under access"}},
		{"missing", thing("a", nil, set("r")), reconcile.Object{}, reconcile.Narrows, []string{"a loses privilege r"}},
		{"extra", reconcile.Object{Addr: reconciletest.Thing("a"), Absent: true}, thing("a", nil, set("r")), reconcile.Widens, []string{"a gains privilege r"}},
	} {
		m := &reconciletest.Memory{Edges: reaches}
		live := []reconcile.Object{}
		if !c.live.Addr.IsZero() {
			live = append(live, c.live)
		}
		d := reconcile.Compare(m.Kinds(), []reconcile.Object{c.want}, reconcile.Live{Objects: live})
		it := reconcile.Weigh([]reconcile.System{m}, live, d).Items[0]
		means := it.Means
		for _, diff := range it.Diffs {
			means = append(means, diff.Means...)
		}
		if it.Gravity != c.gravity || !slices.Equal(means, c.means) {
			t.Errorf("%s: %s %q, want %s %q", c.name, it.Gravity, means, c.gravity, c.means)
		}
		if len(d.Items[0].Means) > 0 || len(d.Items[0].Diffs) > 0 && d.Items[0].Diffs[0].Gravity != "" {
			t.Errorf("%s: the drift that was asked about was written into", c.name)
		}
	}
}

// What is neither live nor an attribute: an object that could not be read, a difference that a watcher weighed, an object of a system that is not there.
func TestWeighWhatCannotBeComputed(t *testing.T) {
	m := &reconciletest.Memory{Edges: reaches}
	watched := reconcile.Diff{Name: "secrets", Watched: true, Gravity: reconcile.Widens, Means: []string{"whoever has it logs in"}}
	narrowed := reconcile.Diff{Name: "set", Want: reconcile.TextSet("r"), Live: reconcile.Set{}, Added: []reconcile.Value{reconcile.Text("r")}, Field: m.Kinds()[0].Fields[1]}
	want, live := thing("a", nil, reconcile.Attr{Name: "set", Value: reconcile.TextSet("r")}), thing("a", nil, reconcile.Attr{Name: "set", Value: reconcile.Set{}})
	d := reconcile.Drift{Items: []reconcile.DriftItem{
		{Addr: want.Addr, State: reconcile.Drifted, Want: want, Live: live, Diffs: []reconcile.Diff{narrowed, watched}},
		{Addr: reconciletest.Thing("b"), State: reconcile.Unreadable, Err: errors.New("403")},
		{Addr: reconcile.Addr{System: "elsewhere", Kind: "thing", Name: "c"}, State: reconcile.Missing, Want: reconcile.Object{Addr: reconcile.Addr{System: "elsewhere", Kind: "thing", Name: "c"}}},
	}}
	out := reconcile.Weigh([]reconcile.System{m}, []reconcile.Object{live}, d).Items
	if a := out[0]; a.Gravity != reconcile.Changes || a.Diffs[0].Gravity != reconcile.Narrows || a.Diffs[1].Gravity != reconcile.Widens || !slices.Equal(a.Diffs[1].Means, watched.Means) {
		t.Errorf("a difference that narrows beside one that was watched: %+v", a)
	}
	if out[1].Gravity != reconcile.Unknown || !out[1].Gravity.Grave() {
		t.Errorf("unreadable is %s", out[1].Gravity)
	}
	if out[2].Gravity != reconcile.Neutral {
		t.Errorf("another system's is %s", out[2].Gravity)
	}
}

func TestGravityOrder(t *testing.T) {
	order := []reconcile.Gravity{reconcile.Neutral, reconcile.Narrows, reconcile.Unknown, reconcile.Changes, reconcile.Widens}
	for i, g := range order {
		for j, h := range order {
			if got := g.Compare(h); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s against %s is %d", g, h, got)
			}
		}
		if g.Grave() != (i >= 2) {
			t.Errorf("%s is grave: %t", g, g.Grave())
		}
	}
}
