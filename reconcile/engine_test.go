package reconcile_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

// thing makes a wanted object from attributes given as name, value pairs.
func thing(name string, needs []string, attrs ...reconcile.Attr) reconcile.Object {
	o := reconcile.Object{Addr: reconciletest.Thing(name)}
	for _, a := range attrs {
		o.Set(a)
	}
	for _, n := range needs {
		o.Need(reconciletest.Thing(n))
	}
	return o
}

func text(s string) reconcile.Attr { return reconcile.Attr{Name: "text", Value: reconcile.Text(s)} }

func idOf(name string) reconcile.Attr {
	return reconcile.Attr{Name: "text", Value: reconcile.Ref{Addr: reconciletest.Thing(name), Attr: "id"}}
}

func TestMemoryConforms(t *testing.T) {
	reconciletest.Run(t, func(*testing.T) reconciletest.Harness {
		m := &reconciletest.Memory{}
		return reconciletest.Harness{
			Open:    func(*testing.T) reconcile.System { m.Refuse = ""; return m },
			Want:    []reconcile.Object{thing("a", nil, text("x")), thing("b", []string{"a"}, idOf("a"))},
			Changed: []reconcile.Object{thing("a", nil, text("y")), thing("b", []string{"a"}, text("z"))},
		}
	})
}

func TestCompare(t *testing.T) {
	set := func(ss ...string) reconcile.Attr {
		return reconcile.Attr{Name: "set", Value: reconcile.TextSet(ss...)}
	}
	m := func(kv reconcile.Map) reconcile.Attr { return reconcile.Attr{Name: "map", Value: kv} }
	order := func(ss ...string) reconcile.Attr {
		var l reconcile.List
		for _, s := range ss {
			l = append(l, reconcile.Text(s))
		}
		return reconcile.Attr{Name: "order", Value: l}
	}
	list := func(ss ...string) reconcile.Value { return order(ss...).Value }
	for _, c := range []struct {
		name       string
		want, live reconcile.Object
		diffs      string
	}{
		{"same", thing("a", nil, text("x")), thing("a", nil, text("x")), ""},
		{"text", thing("a", nil, text("x")), thing("a", nil, text("y")), `text: "y" → "x"`},
		{"left out is unmanaged", thing("a", nil), thing("a", nil, text("y"), set("q")), ""},
		{"sets have no order", thing("a", nil, set("b", "a")), thing("a", nil, set("a", "b")), ""},
		{"set gains and loses", thing("a", nil, set("b", "c")), thing("a", nil, set("a", "b")), `set: +"c" -"a"`},
		{"an empty set is not nothing", thing("a", nil, set()), thing("a", nil), "set: <nil> → []"},
		{"owned keys", thing("a", nil, m(reconcile.Map{"k": reconcile.Text("v")})),
			thing("a", nil, m(reconcile.Map{"k": reconcile.Text("v"), "sibling": reconcile.Flag(true)})), ""},
		{"owned key differs", thing("a", nil, m(reconcile.Map{"k": reconcile.Text("v")})), thing("a", nil), `map.k: <nil> → "v"`},
		{"groups in a map are a set", thing("a", nil, m(reconcile.Map{"g": list("x", "y")})),
			thing("a", nil, m(reconcile.Map{"g": list("y", "x")})), ""},
		{"a group is added", thing("a", nil, m(reconcile.Map{"g": list("x", "y")})),
			thing("a", nil, m(reconcile.Map{"g": list("x")})), `map.g: +"y"`},
		{"relative order holds", thing("a", nil, order("1", "3")), thing("a", nil, order("0", "1", "2", "3")), ""},
		{"relative order broken", thing("a", nil, order("3", "1")), thing("a", nil, order("1", "2", "3")), `order: ["1", "2", "3"] → ["3", "1"]`},
		{"a place is not compared", thing("a", nil, reconcile.Attr{Name: "where", Value: reconcile.Text("here")}), thing("a", nil), ""},
		{"unknown differs", thing("a", nil, idOf("b")), thing("a", nil, text("x")), `text: "x" → (known after apply: memory.thing.b.id)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := reconcile.Live{Objects: []reconcile.Object{c.live}}
			d := reconcile.Compare((&reconciletest.Memory{}).Kinds(), []reconcile.Object{c.want}, live)
			if got := diffText(d.Items[0].Diffs); got != c.diffs {
				t.Errorf("got %q, want %q", got, c.diffs)
			}
			if (d.Items[0].State == reconcile.InSync) != (c.diffs == "") {
				t.Errorf("state %s with diffs %q", d.Items[0].State, c.diffs)
			}
		})
	}
}

func diffText(diffs []reconcile.Diff) string {
	var parts []string
	for _, d := range diffs {
		s := d.Name + ":"
		if len(d.Added)+len(d.Removed) == 0 {
			live := "<nil>"
			if d.Live != nil {
				live = d.Live.String()
			}
			s += " " + live + " → " + d.Want.String()
		}
		for _, v := range d.Added {
			s += " +" + v.String()
		}
		for _, v := range d.Removed {
			s += " -" + v.String()
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

func TestIgnoreChanges(t *testing.T) {
	want := thing("a", nil, text("x"), reconcile.Attr{Name: "map", Value: reconcile.Map{"k": reconcile.Text("v"), "l": reconcile.Text("w")}})
	want.Lifecycle.IgnoreChanges = []string{"text", "map.k"}
	d := reconcile.Compare((&reconciletest.Memory{}).Kinds(), []reconcile.Object{want}, reconcile.Live{Objects: []reconcile.Object{thing("a", nil)}})
	if got := diffText(d.Items[0].Diffs); got != `map.l: <nil> → "w"` {
		t.Errorf("diffs: %s", got)
	}
	if got := strings.Join(d.Items[0].Ignored, " "); got != "map.k text" {
		t.Errorf("ignored: %s", got)
	}
}

func TestOrder(t *testing.T) {
	create := func(name string, needs ...string) reconcile.Step {
		return reconcile.Step{Change: reconcile.Create{Want: thing(name, needs)}, Stage: reconcile.Converge}
	}
	remove := func(name string, stage reconcile.Stage, needs ...string) reconcile.Step {
		return reconcile.Step{Change: reconcile.Delete{Live: thing(name, needs)}, Stage: stage}
	}
	after := create("f")
	after.After = []reconcile.Addr{reconciletest.Thing("z")}
	for _, c := range []struct {
		name  string
		steps []reconcile.Step
		want  string
	}{
		{"what is needed first", []reconcile.Step{create("a", "b"), create("b", "c"), create("c")}, "c b a"},
		{"ties by address", []reconcile.Step{create("c"), create("a"), create("b")}, "a b c"},
		{"deletions in reverse", []reconcile.Step{remove("a", reconcile.Retire), remove("b", reconcile.Retire, "a")}, "b a"},
		{"stages", []reconcile.Step{remove("a", reconcile.Retire), create("b"), remove("c", reconcile.Restrict)}, "c b a"},
		{"after", []reconcile.Step{after, create("z")}, "z f"},
		{"a cycle", []reconcile.Step{create("a", "b"), create("b", "a")},
			"the steps wait for each other: memory.thing.a → memory.thing.b → memory.thing.a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps, err := reconcile.Order(c.steps)
			got := ""
			for _, s := range steps {
				got = strings.TrimSpace(got + " " + s.Change.Addr().Name)
			}
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFailureKeepsDependantsAndLaterStagesFromRunning(t *testing.T) {
	m := &reconciletest.Memory{Refuse: "create b"}
	m.Put(thing("old", nil))
	steps, err := m.Steps([]reconcile.Change{
		reconcile.Create{Want: thing("a", nil)}, reconcile.Create{Want: thing("b", nil)},
		reconcile.Create{Want: thing("c", []string{"b"})}, reconcile.Delete{Live: thing("old", nil)},
	})
	if err != nil {
		t.Fatal(err)
	}
	var events []string
	report := reconcile.Apply(t.Context(), nil, reconcile.Plan{Steps: steps}, map[string]reconcile.System{"memory": m}, reconcile.NewIndex(nil),
		func(e reconcile.Event) {
			if f, ok := e.(reconcile.Finished); ok {
				events = append(events, f.Result.Addr.Name)
			}
		})
	want := map[string]reconcile.Status{"a": "done", "b": "failed", "c": "not done", "old": "not done"}
	for _, r := range report.Results {
		if r.Status != want[r.Addr.Name] {
			t.Errorf("%s: %s, want %s", r.Addr, r.Status, want[r.Addr.Name])
		}
	}
	if slices.Sort(events); strings.Join(events, " ") != "a b c old" {
		t.Errorf("finished events: %v", events)
	}
	if report.Complete() {
		t.Error("the report says complete")
	}
}

func TestLostAnswerIsUnknown(t *testing.T) {
	m := &reconciletest.Memory{Lost: "create a"}
	_, report, err := reconciletest.Converge(t.Context(), m, []reconcile.Object{thing("a", nil, text("x"))}, reconcile.Policy{})
	if err != nil || report.With(reconcile.StatusUnknown) != 1 {
		t.Errorf("report %+v, %v", report, err)
	}
}

func TestStopLetsTheCallInFlightEnd(t *testing.T) {
	m := &reconciletest.Memory{Entered: make(chan string), Leave: make(chan struct{})}
	steps, _ := m.Steps([]reconcile.Change{reconcile.Create{Want: thing("a", nil)}, reconcile.Create{Want: thing("b", []string{"a"})}})
	stop := make(chan struct{})
	reports := make(chan reconcile.Report)
	go func() {
		reports <- reconcile.Apply(context.Background(), stop, reconcile.Plan{Steps: steps}, map[string]reconcile.System{"memory": m}, reconcile.NewIndex(nil), nil)
	}()
	<-m.Entered
	close(stop)
	m.Leave <- struct{}{}
	report := <-reports
	if !report.Interrupted || report.Results[0].Status != reconcile.StatusDone || report.Results[1].Status != reconcile.StatusNotDone {
		t.Errorf("report %+v", report)
	}
}

func TestUnreadableAndMissingReferencesStopThePlan(t *testing.T) {
	m := &reconciletest.Memory{Unread: map[reconcile.Addr]error{reconciletest.Thing("a"): errors.New("page 2 failed")}}
	ref := thing("gone", nil)
	ref.Reference = true
	_, _, err := reconciletest.Plan(t.Context(), m, []reconcile.Object{thing("a", nil, text("x")), ref}, reconcile.Policy{})
	var missing *reconcile.MissingReference
	if err == nil || !strings.Contains(err.Error(), "page 2 failed") || !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}

func TestDestroyKeepsWhatIsProtected(t *testing.T) {
	m := &reconciletest.Memory{}
	builtIn := thing("builtin", nil)
	builtIn.Protected = "it is built in"
	m.Put(builtIn)
	m.Put(thing("mine", nil))
	want := []reconcile.Object{thing("builtin", nil), thing("mine", nil)}
	live, _ := m.Read(t.Context(), want)
	changes, kept, diags := reconcile.Police(reconcile.Compare(m.Kinds(), want, live), reconcile.Policy{Destroy: true})
	if len(changes) != 1 || changes[0].Addr().Name != "mine" || len(kept) != 1 || diags.HasErrors() {
		t.Errorf("changes %v, kept %v, %v", changes, kept, diags)
	}
	want[1].Lifecycle.PreventDestroy = true
	if _, _, diags = reconcile.Police(reconcile.Compare(m.Kinds(), want, live), reconcile.Policy{Destroy: true}); !diags.HasErrors() {
		t.Error("prevent_destroy did not hold")
	}
}

func TestCompareAccess(t *testing.T) {
	node := func(s string) reconcile.Node {
		kind, name, _ := strings.Cut(s, ":")
		return reconcile.Node{Kind: reconcile.NodeKind(kind), Name: name}
	}
	edges := func(ss ...string) []reconcile.Edge {
		var es []reconcile.Edge
		for _, s := range ss {
			from, to, _ := strings.Cut(s, ">")
			es = append(es, reconcile.Edge{From: node(from), To: node(to)})
		}
		return es
	}
	before := edges("account:etl>group:r", "group:r>role:reader", "role:reader>privilege:READ", "account:old>group:r", "group:r>group:r")
	after := edges("account:etl>group:r", "account:etl>group:w", "group:r>role:reader", "group:w>role:writer",
		"role:reader>privilege:READ", "role:writer>privilege:WRITE", "role:writer>denial:READ")
	var got []string
	for _, c := range reconcile.CompareAccess(before, after, nil) {
		s := c.Account + " " + c.Effect() + ":"
		for _, n := range c.Gains {
			s += " +" + n.Name
		}
		for _, n := range c.Loses {
			s += " -" + n.Name
		}
		got = append(got, s)
	}
	want := "etl changes: +writer +WRITE +READ; old narrows: -reader -READ"
	if strings.Join(got, "; ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "; "), want)
	}
}

func TestRemovedAndOwned(t *testing.T) {
	m := &reconciletest.Memory{}
	for _, name := range []string{"old", "svc_a", "svc_builtin"} {
		m.Put(thing(name, nil))
	}
	removed, never := thing("old", nil), thing("never", nil)
	removed.Absent, never.Absent = true, true
	want := []reconcile.Object{removed, never}
	live, err := m.Read(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	builtIn := thing("svc_builtin", nil)
	builtIn.Protected = "it is built in"
	own := reconcile.Own{System: "memory", Kind: "thing", Match: "svc_*"}
	drift := reconcile.Compare(m.Kinds(), want, live)
	drift.AddExtra(own, []reconcile.Object{thing("svc_a", nil), builtIn})
	if got := drift.Count(reconcile.Extra); got != 3 {
		t.Errorf("%d extra, want 3", got)
	}
	text := func(p reconcile.Policy, drift reconcile.Drift) string {
		changes, kept, diags := reconcile.Police(drift, p)
		var parts []string
		for _, c := range changes {
			parts = append(parts, string(c.Action())+c.Addr().Name)
		}
		for _, k := range kept {
			parts = append(parts, "kept "+k.Addr.Name)
		}
		for _, d := range diags {
			parts = append(parts, d.Summary)
		}
		return strings.Join(parts, ", ")
	}
	if got := text(reconcile.Policy{}, drift); got != "-old" {
		t.Errorf("without prune: %s", got)
	}
	if got := text(reconcile.Policy{Prune: true}, drift); got != "-old, -svc_a, kept svc_builtin" {
		t.Errorf("with prune: %s", got)
	}
	own.Lifecycle.PreventDestroy = true
	held := reconcile.Compare(m.Kinds(), nil, reconcile.Live{})
	held.AddExtra(own, []reconcile.Object{thing("svc_a", nil)})
	if got := text(reconcile.Policy{Prune: true}, held); got != "Object is protected from deletion" {
		t.Errorf("with prevent_destroy: %s", got)
	}
}

// Nobody knows whether an object differs that refers to one that could not be read.
func TestWhatRestsOnTheUnreadIsUnread(t *testing.T) {
	unread := reconciletest.Thing("a")
	m := &reconciletest.Memory{Unread: map[reconcile.Addr]error{unread: errors.New("page 2 failed")}}
	m.Put(thing("b", nil, text("x")))
	refers := text("")
	refers.Value = reconcile.Ref{Addr: unread, Attr: "id"}
	want := []reconcile.Object{thing("a", nil, text("x")), thing("b", nil, refers)}
	live, err := m.Read(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	drift := reconcile.Compare(m.Kinds(), want, live)
	if n := drift.Count(reconcile.Unreadable); n != 2 {
		t.Fatalf("%d of 2 are unreadable: %+v", n, drift.Items)
	}
	if it := drift.Items[1]; it.Err == nil || !strings.Contains(it.Err.Error(), "page 2 failed") || !strings.Contains(it.Err.Error(), unread.String()) {
		t.Errorf("got %v", it.Err)
	}
}
