package reconcile

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestEqual(t *testing.T) {
	ref := Ref{Addr{System: "s", Kind: "k", Name: "n"}, "id"}
	secret := NewSecret("env X", func() (string, error) { return "x", nil })
	for _, c := range []struct {
		a, b Value
		want bool
	}{
		{Text("a"), Text("a"), true},
		{Text("1"), Number("1"), false},
		{NumberOf("1.50"), NumberOf("1.5"), true},
		{NumberOf("1e3"), Int(1000), true},
		{NumberOf("9007199254740993"), Int(9007199254740993), true},
		{TextSet("b", "a", "a"), TextSet("a", "b"), true},
		{TextSet("a", "b"), List{Text("b"), Text("a")}, true},
		{List{Text("a"), Text("b")}, List{Text("b"), Text("a")}, false},
		{Map{"a": Null{}}, Map{}, false},
		{Map{"a": List{Flag(true)}}, Map{"a": List{Flag(true)}}, true},
		{nil, Null{}, false},
		{nil, nil, true},
		{ref, ref, true},
		{ref, Text("id"), false},
		{secret, secret, false},
		{List{secret}, List{secret}, false},
		{Text(`a",b`), List{Text("a"), Text("b")}, false},
	} {
		if got := Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
		}
		if got := Equal(c.b, c.a); got != c.want {
			t.Errorf("Equal(%v, %v) = %v, want %v", c.b, c.a, got, c.want)
		}
	}
}

// A set of names is in the same order as one of other texts: that of canonical texts, in which a quote ends each.
func TestSetOrder(t *testing.T) {
	texts := []string{"a", "a b", "a!", "a#", "b", "", " ", "!", "a", "A", "a!b", "a b", "~"}
	for n := range texts {
		set := TextSet(texts[:n]...)
		want := make(map[string]bool)
		for _, text := range texts[:n] {
			want[canonical(Text(text))] = true
		}
		var got []string
		for _, v := range set {
			got = append(got, canonical(v))
		}
		if !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
			t.Errorf("%d texts: %s", n, set)
		}
	}
	if TextSet[string]() == nil || TextSet("é", "e")[0] != Text("e") {
		t.Error("an empty set is nil, or other texts are in another order")
	}
}

// Thousands of sets of names are compared in a plan of no change: none of that takes memory.
func TestSetsOfNamesTakeNoTexts(t *testing.T) {
	names := []string{"ACCESS ON DATABASE `neo4j`", "MATCH {*} ON GRAPH `neo4j` NODE *", "WRITE ON GRAPH `neo4j`"}
	want, live := TextSet(names...), TextSet(names...)
	if n := testing.AllocsPerRun(100, func() {
		if added, removed := diffSets(want, live); added != nil || removed != nil || !Equal(want, live) {
			t.Error("equal sets differ")
		}
	}); n > 0 {
		t.Errorf("comparing two sets allocates %v times", n)
	}
	values := Members(want)
	if n := testing.AllocsPerRun(100, func() { SetOf(values...) }); n > 2 {
		t.Errorf("making a set allocates %v times", n)
	}
}

func TestResolve(t *testing.T) {
	app := Addr{System: "okta", Kind: "app", Name: "etl"}
	index := NewIndex([]Object{{Addr: app, Facts: map[string]Value{"id": Text("0oa1")}}})
	id, other := Ref{app, "id"}, Ref{app, "client_id"}
	for _, c := range []struct{ in, want Value }{
		{id, Text("0oa1")},
		{other, other},
		{Join{Text("x-"), id}, Text("x-0oa1")},
		{Join{id, other}, Join{Text("0oa1"), other}},
		{SetOf(id, Text("0oa1")), TextSet("0oa1")},
		{Map{"a": List{id}}, Map{"a": List{Text("0oa1")}}},
	} {
		if got := Resolve(c.in, index.Lookup); !Equal(got, c.want) {
			t.Errorf("Resolve(%v) = %v, want %v", c.in, got, c.want)
		}
	}
	index.Learn(app, map[string]Value{"client_id": Text("abc")})
	if got := Resolve(Join{id, Text("/"), other}, index.Lookup); !Equal(got, Text("0oa1/abc")) {
		t.Errorf("after learning: %v", got)
	}
}

// A secret must not come out of any printing, marshalling or logging, however deep it sits.
func TestSecretCannotBePrinted(t *testing.T) {
	const canary = "c4n4ry-value"
	s := NewSecret("env TOKEN", func() (string, error) { return canary, nil })
	shapes := []any{
		s, &s, []Secret{s}, map[string]Secret{"k": s}, struct{ S Secret }{s}, struct{ s Secret }{s}, struct{ v Value }{s},
		Map{"k": s}, List{s}, Attr{Name: "a", Value: s}, Object{Attrs: []Attr{{Name: "a", Value: s}}},
	}
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	logJSON := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range shapes {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb, v)
		}
		b, _ := json.Marshal(v)
		out.Write(b)
		log.Info("m", "v", v)
		logJSON.Info("m", "v", v)
	}
	if strings.Contains(out.String(), canary) {
		t.Error("a secret came out")
	}
	if got, err := s.Open(); got != canary || err != nil {
		t.Errorf("Open = %q, %v", got, err)
	}
	if _, err := (Secret{}).Open(); err == nil {
		t.Error("the zero secret opens")
	}
}

func TestAddr(t *testing.T) {
	policy := Addr{System: "okta", Kind: "policy", Name: "p", Key: `a"b`}
	rule := policy.Child("rule", "cc")
	if got, want := rule.String(), `okta.policy.p["a\"b"].rule.cc`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !rule.Within(policy) || policy.Within(rule) || rule.Within(Addr{System: "okta", Kind: "policy", Name: "p"}) {
		t.Error("Within is wrong")
	}
}

func TestAddrOfModule(t *testing.T) {
	path := ModulePath(ModulePath("", "outer", "a.b"), "inner", "")
	app := Addr{Module: path, System: "okta", Kind: "app", Name: "etl", Key: "orders"}
	if got, want := app.String(), `module.outer["a.b"].module.inner.okta.app.etl["orders"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	rule := app.Child("rule", "cc")
	if got, want := rule.String(), `module.outer["a.b"].module.inner.okta.app.etl["orders"].rule.cc`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	elsewhere := app
	elsewhere.Module = ""
	if !rule.Within(app) || rule.Within(elsewhere) || elsewhere.Child("rule", "cc").Within(app) {
		t.Error("Within mixes up modules")
	}
	if CompareAddr(elsewhere, app) >= 0 || CompareAddr(app, elsewhere) <= 0 || CompareAddr(app, app) != 0 {
		t.Error("the spec's own objects come first")
	}
	if text, err := app.MarshalText(); err != nil || string(text) != app.String() {
		t.Errorf("marshals as %s, %v", text, err)
	}
}
