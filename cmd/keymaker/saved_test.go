package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile/planfile"
	"keymaker/reconcile/render"
)

// savedPlan is a plan of many kinds of change, saved, as bytes.
func savedPlan(t *testing.T) []byte {
	t.Helper()
	b := newBench(t)
	b.converge(`neo4j "role" "w" {
  grant = ["ACCESS ON DATABASE neo4j"]
}
`, choice{})
	s := b.session(`okta "app" "etl" {
  profile = { neo4j_groups = ["gw"] }
  secret {
    file = "etl.env"
  }
}

neo4j "role" "w" {
  grant = ["WRITE ON GRAPH neo4j"]
}

neo4j "user" "new" {
  auth "native" {
    password = env("NOWHERE")
  }
}

removed "neo4j" "role" "foreign_role" {}
`)
	plan, lives := b.plan(s, choice{})
	file := filepath.Join(t.TempDir(), "plan")
	if err := b.prog.save(file, s, plan, lives); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decodeSaved(data []byte) (*planfile.File, error) {
	return planfile.Decode(data, planfile.Options{Kinds: kinds(), Secret: secretOf})
}

// A saved plan of which any bit was turned, or that was cut off anywhere, is refused.
func TestDamagedPlanIsRefused(t *testing.T) {
	t.Parallel()
	data := savedPlan(t)
	if _, err := decodeSaved(data); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for at := 0; at < len(data); at += max(1, len(data)/200) {
		damaged := bytes.Clone(data)
		damaged[at] ^= 1 << (at % 8)
		if _, err := decodeSaved(damaged); err == nil {
			t.Errorf("bit %d of byte %d was turned, and nobody noticed: %q became %q", at%8, at, data[at], damaged[at])
		}
		if _, err := decodeSaved(data[:at]); err == nil {
			t.Errorf("it was cut off at byte %d, and nobody noticed", at)
		}
		tried += 2
	}
	t.Logf("%d damaged files of %d bytes", tried, len(data))
}

// A saved plan that says something of another type, with a digest that fits, is refused or is a plan that can be shown; nothing breaks.
func TestWrongTypesInASavedPlan(t *testing.T) {
	t.Parallel()
	var doc struct{ Body json.RawMessage }
	if err := json.Unmarshal(savedPlan(t), &doc); err != nil {
		t.Fatal(err)
	}
	body := decodeAny(t, doc.Body)
	odd := []any{nil, true, json.Number("-1"), json.Number("1e400"), "", "x\x00\u202e", []any{}, []any{nil}, map[string]any{}, map[string]any{"": nil}, strings.Repeat("[", 50)}
	seen := make(map[string]bool)
	tried, taken := 0, 0
	walk(body, "", func(path string, set func(any)) {
		if seen[path] {
			return
		}
		seen[path] = true
		for n := range 2 { // which of them differs from path to path
			set(odd[(2*len(seen)+n)%len(odd)])
			tried++
			f, err := decodeSaved(sealed(t, body))
			if err != nil {
				continue
			}
			taken++
			showAll(t, path, f)
		}
	})
	if tried < 400 {
		t.Errorf("only %d files were tried", tried)
	}
	t.Logf("%d files with a wrong value, %d of them are plans still", tried, taken)
}

// showAll prints a plan in every form.
func showAll(t *testing.T, path string, f *planfile.File) {
	t.Helper()
	defer func() {
		if broke := recover(); broke != nil {
			t.Fatalf("%s: %v", path, broke)
		}
	}()
	var out bytes.Buffer
	if err := render.Plan(&out, f.Plan, kinds(), render.Style{}); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	if err := render.PlanJSON(io.Discard, f.Plan, kinds()); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	render.PlanMarkdown(f.Plan, kinds())
	f.Recheck(f.Grounds, f.Plan.Drift, kinds())
}

// walk visits each value, with a way to put another in its place for a while. Members of a list have one path.
func walk(v any, path string, visit func(path string, set func(any))) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			member := v[name]
			visit(path+"."+name, func(odd any) { v[name] = odd })
			v[name] = member
			walk(member, path+"."+name, visit)
		}
	case []any:
		for i, member := range v {
			visit(path+"[]", func(odd any) { v[i] = odd })
			v[i] = member
			walk(member, path+"[]", visit)
		}
	}
}

func decodeAny(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// sealed is a document around a body, as planfile writes it.
func sealed(t *testing.T, body any) []byte {
	t.Helper()
	plain := func(v any) []byte {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	}
	text := plain(body)
	sum := sha256.Sum256(text)
	return append(plain(map[string]any{"format": "keymaker plan", "version": planfile.Version, "digest": fmt.Sprintf("sha256:%s", hex.EncodeToString(sum[:])), "body": json.RawMessage(text)}), '\n')
}

// What seals here seals as the program does; else the test above would try nothing.
func TestSealedIsTaken(t *testing.T) {
	t.Parallel()
	data := savedPlan(t)
	var doc struct{ Body json.RawMessage }
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if again := sealed(t, decodeAny(t, doc.Body)); !bytes.Equal(again, data) {
		t.Errorf("got\n%.200s\nwant\n%.200s", again, data)
	}
}
