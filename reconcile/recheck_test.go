package reconcile_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

func names(addrs []reconcile.Addr) string {
	var ns []string
	for _, a := range addrs {
		ns = append(ns, a.Name)
	}
	return strings.Join(ns, " ")
}

func TestRecheck(t *testing.T) {
	wants := func() []reconcile.Object {
		return []reconcile.Object{thing("ground", nil, text("g")), thing("a", []string{"ground"}, text("new")), thing("b", []string{"a"}, idOf("a")), thing("c", nil, text("c"))}
	}
	for _, c := range []struct {
		name                     string
		meanwhile                func(m *reconciletest.Memory)
		satisfied, refused, left string
		moved                    []string
	}{
		{"nothing", func(*reconciletest.Memory) {}, "", "", "a b c", nil},
		{"somebody else did it", func(m *reconciletest.Memory) { m.Put(thing("c", nil, text("c"))) }, "c", "", "a b", nil},
		{"an attribute", func(m *reconciletest.Memory) { m.Put(thing("a", nil, text("other"))) }, "", "a b", "c",
			[]string{`memory.thing.a: text: planned from "old", live now "other"`}},
		{"what others need", func(m *reconciletest.Memory) { m.Put(thing("ground", nil, text("h"))) }, "", "a b", "c",
			[]string{`memory.thing.ground: text: planned from "g", live now "h"`}},
		{"it came", func(m *reconciletest.Memory) { m.Put(thing("c", nil, text("odd"))) }, "", "c", "a b",
			[]string{"memory.thing.c: was not there when the plan was made, and is there now"}},
		{"it cannot be read", func(m *reconciletest.Memory) {
			m.Unread = map[reconcile.Addr]error{reconciletest.Thing("c"): errors.New("page 2 failed")}
		}, "", "c", "a b", []string{"memory.thing.c: could not be read again: page 2 failed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &reconciletest.Memory{}
			m.Put(thing("ground", nil, text("g")))
			m.Put(thing("a", nil, text("old")))
			plan, lives, err := reconciletest.Plan(t.Context(), m, wants(), reconcile.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			c.meanwhile(m)
			now, err := m.Read(t.Context(), wants())
			if err != nil {
				t.Fatal(err)
			}
			fresh := reconcile.Compare(m.Kinds(), wants(), now)
			r := plan.Recheck(lives.Objects, now.Objects, fresh)
			var moved []string
			for _, mv := range r.Moved {
				moved = append(moved, mv.String())
			}
			if names(r.Satisfied) != c.satisfied || names(r.Refused) != c.refused || names(r.Left) != c.left || !slices.Equal(moved, c.moved) {
				t.Errorf("satisfied %q, refused %q, left %q, moved %q", names(r.Satisfied), names(r.Refused), names(r.Left), moved)
			}
			made, err := plan.Remake([]reconcile.System{m}, []reconcile.Live{now}, fresh, r)
			if err != nil {
				t.Fatal(err)
			}
			if names(made.Touched()) != c.left {
				t.Errorf("made again: %q", names(made.Touched()))
			}
		})
	}
}

// otherOps is a system that would make other calls than those that were approved.
type otherOps struct{ *reconciletest.Memory }

func (o otherOps) Steps(changes []reconcile.Change) ([]reconcile.Step, error) {
	steps, err := o.Memory.Steps(changes)
	for i := range steps {
		steps[i].Ops = append(steps[i].Ops, reconciletest.MemoryOp{Verb: "also", Addr: steps[i].Change.Addr()})
	}
	return steps, err
}

func TestRemakeRefusesOtherCalls(t *testing.T) {
	m := &reconciletest.Memory{}
	want := []reconcile.Object{thing("a", nil, text("x"))}
	plan, live, err := reconciletest.Plan(t.Context(), m, want, reconcile.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	fresh := reconcile.Compare(m.Kinds(), want, live)
	r := plan.Recheck(nil, nil, fresh)
	_, err = plan.Remake([]reconcile.System{otherOps{m}}, []reconcile.Live{live}, fresh, r)
	var moved *reconcile.MovedError
	if !errors.As(err, &moved) || names(moved.Calls) != "a" || !strings.Contains(err.Error(), "not those that would be made now") {
		t.Errorf("got %v", err)
	}
}

func TestContext(t *testing.T) {
	want := []reconcile.Object{thing("app", nil), thing("policy", []string{"app", "scope"}), thing("scope", nil), thing("claim", []string{"scope"}), thing("alone", nil)}
	var got []string
	for _, o := range reconcile.Context(want, []reconcile.Addr{reconciletest.Thing("app")}) {
		got = append(got, o.Addr.Name)
	}
	if strings.Join(got, " ") != "app policy scope" {
		t.Errorf("got %v", got)
	}
}

func TestSelection(t *testing.T) {
	m := &reconciletest.Memory{}
	want := []reconcile.Object{thing("a", nil), thing("b", []string{"a"}), thing("c", []string{"b"}), thing("d", nil)}
	live, _ := m.Read(t.Context(), want)
	drift := reconcile.Compare(m.Kinds(), want, live)
	changes, _, _ := reconcile.Police(drift, reconcile.Policy{})
	for _, c := range []struct {
		targets, excludes string
		destroy           bool
		taken, left       string
	}{
		{"", "", false, "a b c d", ""},
		{"b", "", false, "a b", "c d"},
		{"", "b", false, "a d", "b c"},
		{"c", "a", false, "", "a b c d"},
		{"b", "", true, "b c", "a d"},
		{"", "b", true, "c d", "a b"},
	} {
		var s reconcile.Selection
		for _, n := range strings.Fields(c.targets) {
			s.Targets = append(s.Targets, "memory.thing."+n)
		}
		for _, n := range strings.Fields(c.excludes) {
			s.Excludes = append(s.Excludes, "memory.thing."+n)
		}
		_, taken, part, err := s.Apply(drift, changes, c.destroy)
		var got []reconcile.Addr
		for _, ch := range taken {
			got = append(got, ch.Addr())
		}
		if err != nil || names(got) != c.taken || names(part.Left) != c.left {
			t.Errorf("%+v: took %q, left %q, %v", c, names(got), names(part.Left), err)
		}
	}
	if _, _, _, err := (reconcile.Selection{Targets: []string{"memory.thing.x"}}).Apply(drift, changes, false); err == nil || !strings.Contains(err.Error(), "it has memory.thing.a") {
		t.Errorf("got %v", err)
	}
}

func TestLimits(t *testing.T) {
	item := func(name string) reconcile.DriftItem {
		o := thing(name, nil)
		return reconcile.DriftItem{Addr: o.Addr, Live: o, Want: o}
	}
	var drift reconcile.Drift
	var deletes []reconcile.Change
	for i := range 40 {
		it := item(fmt.Sprint(i))
		drift.Items = append(drift.Items, it)
		deletes = append(deletes, reconcile.Delete{Live: it.Live})
	}
	for _, c := range []struct {
		limits  reconcile.Limits
		deletes int
		err     string
	}{
		{reconcile.NoLimits, 40, ""},
		{reconcile.PruneLimits, 10, ""},
		{reconcile.PruneLimits, 11, "--max-delete 10"},
		{reconcile.Limits{Deletes: -1, Percent: 25}, 10, ""},
		{reconcile.Limits{Deletes: -1, Percent: 25}, 11, "11 of 40 live objects, more than --max-change 25%"},
		{reconcile.Limits{Deletes: 0, Percent: -1}, 0, ""},
		{reconcile.Limits{Deletes: 0, Percent: -1}, 1, "memory.thing.0"},
	} {
		err := c.limits.Check(drift, deletes[:c.deletes])
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

func TestDeny(t *testing.T) {
	p := reconcile.Plan{
		Steps:  []reconcile.Step{{Change: reconcile.Create{Want: thing("a", nil)}, Hazards: []reconcile.Hazard{{Kind: reconcile.HazardRestart, Text: "restarts x"}}}},
		Access: []reconcile.AccessChange{{Account: "etl", Gains: []reconcile.Node{{Kind: reconcile.NodeRole, Name: "w"}}}},
	}
	for kinds, want := range map[string]string{
		"": "", "deletes,secret": "", "restart": "restart: memory.thing.a: restarts x", "widens-access": "widens-access: account etl widens",
		"takes-access": "", "fire": "--deny takes widens-access",
	} {
		err := p.Deny(strings.FieldsFunc(kinds, func(r rune) bool { return r == ',' }))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", kinds, err, want)
		}
	}
}

func TestFindSurplus(t *testing.T) {
	node := func(s string) reconcile.Node {
		kind, name, _ := strings.Cut(s, ":")
		return reconcile.Node{Kind: reconcile.NodeKind(kind), Name: name}
	}
	edges := func(text string) []reconcile.Edge {
		var es []reconcile.Edge
		for _, s := range strings.Fields(text) {
			from, to, _ := strings.Cut(s, ">")
			es = append(es, reconcile.Edge{From: node(from), To: node(to)})
		}
		return es
	}
	for _, c := range []struct{ name, before, after, now, want string }{
		{"both are within", "account:a>role:r", "account:a>role:s", "account:a>role:r account:a>role:s", ""},
		{"a role that neither gives", "account:a>role:r", "account:a>role:s", "account:a>role:t", "a has role t"},
		{"a privilege by both at once", "account:a>group:g role:r>privilege:P", "group:g>role:r", "account:a>group:g group:g>role:r role:r>privilege:P", "a has role r; a has privilege P"},
		{"a denial that both have is gone", "account:a>role:r role:r>privilege:P role:r>denial:D", "account:a>role:r role:r>privilege:P role:r>denial:D",
			"account:a>role:r role:r>privilege:P", "a has privilege P without the denial of D"},
		{"a denial that one lacks", "account:a>role:r role:r>privilege:P", "account:a>role:r role:r>privilege:P role:r>denial:D", "account:a>role:r role:r>privilege:P", ""},
	} {
		var got []string
		for _, s := range reconcile.FindSurplus(edges(c.before), edges(c.after), edges(c.now)) {
			got = append(got, s.String())
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: got %q, want %q", c.name, strings.Join(got, "; "), c.want)
		}
	}
}
