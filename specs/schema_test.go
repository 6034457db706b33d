package specs

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// TestSchema: the description is stable, and says of every attribute what the decoder knows of it.
func TestSchema(t *testing.T) {
	got, err := Schema(toys())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Schema(toys())
	if err != nil || !bytes.Equal(got, again) {
		t.Fatalf("two calls differ: %v", err)
	}
	const golden = "testdata/schema.json"
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("the schema changed; look at it with go test ./specs -run TestSchema -update")
	}
}

// TestSchemaIsComplete: every block type that the loader takes, and every attribute of every kind, is described.
func TestSchemaIsComplete(t *testing.T) {
	src, err := Schema(toys())
	if err != nil {
		t.Fatal(err)
	}
	var file schemaFile
	if err := json.Unmarshal(src, &file); err != nil {
		t.Fatal(err)
	}
	types := make(map[string]bool)
	attrs := make(map[string]bool)
	for _, b := range file.Blocks {
		types[b.Type] = true
		path := b.Type
		if len(b.Labels) > 0 && b.Labels[0].Value != "" {
			path += "." + b.Labels[0].Value
		}
		for _, a := range b.Attributes {
			attrs[path+"."+a.Name] = true
			if a.Type.Base == "" || a.Type.Text == "" {
				t.Errorf("%s.%s has no type", path, a.Name)
			}
		}
	}
	if !attrs["removed.from"] {
		t.Error("removed by address is not described")
	}
	for _, b := range file.Blocks {
		isObject := len(b.Labels) == 2 && b.Labels[0].Name == "kind"
		if isObject && !slices.ContainsFunc(b.Blocks, func(inner schemaBlock) bool { return inner.Type == "lifecycle" }) {
			t.Errorf("%s %s has no lifecycle", b.Type, b.Labels[0].Value)
		}
	}
	l := newLoader(".", toys(), Options{}, newSource())
	for _, typ := range l.blockTypes() {
		if !types[typ] {
			t.Errorf("the block %s is not described", typ)
		}
	}
	for _, lang := range toys() {
		for _, k := range lang.Kinds() {
			for _, f := range k.Fields {
				if name := lang.System() + "." + k.Name + "." + f.Name; !attrs[name] {
					t.Errorf("the attribute %s is not described", name)
				}
			}
		}
	}
	for name, names := range map[string][]string{"variable": variableAttributes, "output": outputAttributes, "moved": movedAttributes} {
		for _, a := range names {
			if !attrs[name+"."+a] {
				t.Errorf("the attribute %s.%s is not described", name, a)
			}
		}
	}
	if len(file.Functions) != len(l.functions) {
		t.Errorf("%d functions are described of %d", len(file.Functions), len(l.functions))
	}
}
