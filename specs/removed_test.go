package specs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// witness keeps the blocks that a language is given, and makes more objects of each than its block's own.
type witness struct {
	toy
	blocks *[]reconcile.Block
}

func (w witness) Declare(b reconcile.Block) ([]reconcile.Object, hcl.Diagnostics) {
	*w.blocks = append(*w.blocks, b)
	objects, diags := w.toy.Declare(b)
	return append([]reconcile.Object{{Addr: b.Addr.Child("rule", "implied")}}, objects...), diags
}

// TestRemovedReachesTheLanguage: a language is told that a block is a removed one, and only the object that the block names is kept of what it makes.
func TestRemovedReachesTheLanguage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.hcl")
	src := "removed \"okta\" \"policy\" \"old\" { name = \"Old\" }\nokta \"app\" \"a\" {}\n"
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	var blocks []reconcile.Block
	spec, diags := Load(file, []Language{witness{toyOkta(), &blocks}}, Options{Env: func(string) (string, bool) { return "", false }})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, b := range blocks {
		if want := b.Addr.Kind == "policy"; b.Removed != want {
			t.Errorf("%s: Removed is %t", b.Addr, b.Removed)
		}
	}
	old := reconcile.Addr{System: "okta", Kind: "policy", Name: "old"}
	absent := 0
	for _, o := range spec.Objects {
		if o.Addr.Within(old) {
			t.Errorf("%s is kept", o.Addr)
		}
		if o.Absent {
			absent++
			if o.Addr != old || o.TextAttr("name") != "Old" || o.Range.Start.Line != 1 {
				t.Errorf("%s %q at %s is absent", o.Addr, o.TextAttr("name"), o.Range)
			}
		}
	}
	if len(blocks) != 2 || absent != 1 {
		t.Errorf("%d blocks, %d absent objects", len(blocks), absent)
	}
}

// TestOwnsInSourceOrder: several files are read by name, and own blocks come in that order.
func TestOwnsInSourceOrder(t *testing.T) {
	dir := t.TempDir()
	for name, src := range map[string]string{
		"b.hcl": "own \"neo4j\" \"role\" { match = \"a*\" }\n",
		"a.hcl": "own \"neo4j\" \"role\" { match = \"z*\" }\nown \"neo4j\" \"role\" { match = \"b*\" }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spec, diags := Load(dir, toys(), Options{Env: func(string) (string, bool) { return "", false }})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got := ""
	for _, o := range spec.Owns {
		got += o.Match
	}
	if got != "z*b*a*" {
		t.Errorf("got %s", got)
	}
}
