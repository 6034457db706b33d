package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"

	"keymaker/reconcile"
	"keymaker/specs"
)

const specCorpus = "../../specs/testdata"

// TestWrongSpecs loads each spec of wrong, with the languages of both systems, and compares its diagnostics with what the archive says: place, text, summary, remedy.
// -update writes what came.
func TestWrongSpecs(t *testing.T) {
	eachSpec(t, "wrong", "want", func(t *testing.T, spec *specs.Spec, diags hcl.Diagnostics) string {
		if !strings.HasPrefix(t.Name(), "TestWrongSpecs/warning") && !diags.HasErrors() {
			t.Error("a wrong spec has to have an error")
		}
		return describeDiagnostics(spec, diags)
	})
}

// TestRightSpecs loads each spec of right, with the languages of both systems, and compares what it declares with the archive's JSON.
func TestRightSpecs(t *testing.T) {
	eachSpec(t, "right", "want.json", func(t *testing.T, spec *specs.Spec, diags hcl.Diagnostics) string {
		if diags.HasErrors() {
			t.Errorf("a right spec has no error:\n%s", describeDiagnostics(spec, diags))
		}
		return declaredJSON(t, spec)
	})
}

// eachSpec runs a test of each archive of a folder: it unpacks it, loads it with the options of its comment (var NAME=VALUE, varfile FILE, env NAME=VALUE, allow PATH), and
// compares what describe says with the member want.
func eachSpec(t *testing.T, folder, want string, describe func(*testing.T, *specs.Spec, hcl.Diagnostics) string) {
	files, err := filepath.Glob(filepath.Join(specCorpus, folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for i := range files {
		if files[i], err = filepath.Abs(files[i]); err != nil { // the tests change folder
			t.Fatal(err)
		}
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			wanted := unpackSpec(t, archive, want)
			spec, diags := specs.Load(".", languages(), corpusOptions(t, string(archive.Comment)))
			got := describe(t, spec, diags)
			if *update {
				archive.Files = append(archive.Files, txtar.File{Name: want, Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != wanted {
				t.Errorf("got:\n%s\nwant:\n%s", got, wanted)
			}
		})
	}
}

// unpackSpec writes the files of an archive into a folder of their own, goes there, and takes the member out that is wanted.
func unpackSpec(t *testing.T, archive *txtar.Archive, want string) (wanted string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	var files []txtar.File
	for _, f := range archive.Files {
		if f.Name == want {
			wanted = string(f.Data)
			continue
		}
		files = append(files, f)
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive.Files = files
	return wanted
}

func corpusOptions(t *testing.T, comment string) specs.Options {
	t.Helper()
	env := map[string]string{}
	opts := specs.Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	for line := range strings.Lines(comment) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, value, _ := strings.Cut(rest, "=")
		switch word {
		case "var":
			opts.Vars = append(opts.Vars, specs.VarSource{Name: name, Value: value})
		case "varfile":
			opts.Vars = append(opts.Vars, specs.VarSource{File: rest})
		case "env":
			env[name] = value
		case "allow":
			opts.AllowPaths = append(opts.AllowPaths, rest)
		case "", "#":
		default:
			t.Fatalf("unknown option %q", line)
		}
	}
	return opts
}

func describeDiagnostics(spec *specs.Spec, diags hcl.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		at := "-"
		if d.Subject != nil {
			at = fmt.Sprintf("%s:%d:%d", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
			if f := spec.Files[d.Subject.Filename]; f != nil && d.Subject.Start.Line == d.Subject.End.Line {
				at += " <" + string(d.Subject.SliceBytes(f.Bytes)) + ">"
			}
		}
		severity := "Error"
		if d.Severity == hcl.DiagWarning {
			severity = "Warning"
		}
		fmt.Fprintf(&b, "%s: %s: %s\n\t%s\n", at, severity, d.Summary, strings.ReplaceAll(d.Detail, "\n", "\n\t"))
	}
	return b.String()
}

// declared is what a spec comes to, as JSON. Secrets are where they come from.
type declared struct {
	Objects []declaredObject  `json:"objects"`
	Owns    []string          `json:"owns,omitempty"`
	Outputs map[string]string `json:"outputs,omitempty"`
}

type declaredObject struct {
	Address   string            `json:"address"`
	Place     string            `json:"place"`
	Reference bool              `json:"reference,omitempty"`
	Absent    bool              `json:"absent,omitempty"`
	Formerly  []string          `json:"formerly,omitempty"`
	Needs     []string          `json:"needs,omitempty"`
	Attrs     map[string]attrAt `json:"attributes,omitempty"`
	Prevent   bool              `json:"prevent_destroy,omitempty"`
	Ignores   []string          `json:"ignore_changes,omitempty"`
	Notes     []reconcile.Note  `json:"notes,omitempty"`
}

type attrAt struct {
	Value string `json:"value"`
	Place string `json:"place,omitempty"`
}

func declaredJSON(t *testing.T, spec *specs.Spec) string {
	t.Helper()
	out := declared{Outputs: make(map[string]string)}
	at := func(r hcl.Range) string {
		if r.Filename == "" {
			return ""
		}
		return fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
	}
	for _, o := range spec.Objects {
		d := declaredObject{
			Address: o.Addr.String(), Place: at(o.Range), Reference: o.Reference, Absent: o.Absent, Formerly: o.Formerly, Attrs: make(map[string]attrAt), Notes: o.Notes,
			Prevent: o.Lifecycle.PreventDestroy, Ignores: o.Lifecycle.IgnoreChanges,
		}
		for _, n := range o.Needs {
			d.Needs = append(d.Needs, n.String())
		}
		for _, a := range o.Attrs {
			d.Attrs[a.Name] = attrAt{a.Value.String(), at(a.Range)}
		}
		out.Objects = append(out.Objects, d)
	}
	for _, o := range spec.Owns {
		out.Owns = append(out.Owns, fmt.Sprintf("%s.%s %s prevent_destroy %t", o.System, o.Kind, o.Match, o.Lifecycle.PreventDestroy))
	}
	for _, o := range spec.Outputs {
		out.Outputs[o.Name] = o.Value.String()
		if o.Sensitive {
			out.Outputs[o.Name] = "(sensitive)"
		}
	}
	doc, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(doc)) + "\n"
}
