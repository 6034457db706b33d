package specs

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"

	"keymaker/reconcile"
)

var update = flag.Bool("update", false, "write what came into testdata/*.txtar")

// TestCorpus loads each spec of testdata and compares objects, connections and diagnostics with what the archive says. The archive's comment has one option a line: var NAME=VALUE, varfile NAME,
// env NAME=VALUE, load NAME, effort N, allow PATH, ask NAME=VALUE.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	for i := range files {
		if files[i], err = filepath.Abs(files[i]); err != nil { // the tests change folder
			t.Fatal(err)
		}
	}
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := loadArchive(t, ar)
			var kept []txtar.File
			want := ""
			for _, f := range ar.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				kept = append(kept, f)
			}
			if *update {
				ar.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			wrong := !strings.HasPrefix(filepath.Base(file), "ok_")
			if wrong != strings.Contains(got, "Error: ") {
				t.Errorf("a file named ok_… must load, any other must not")
			}
		})
	}
}

// loadArchive unpacks an archive into a folder of its own, loads it and writes the result as text.
func loadArchive(t *testing.T, ar *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for _, f := range ar.Files {
		if f.Name == "want" {
			continue
		}
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path, opts := options(t, string(ar.Comment))
	spec, diags := Load(path, toys(), opts)
	return describe(spec, diags)
}

func options(t *testing.T, comment string) (string, Options) {
	t.Helper()
	path, env, answers := ".", map[string]string{}, map[string]string{}
	opts := Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	for line := range strings.Lines(comment) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, value, _ := strings.Cut(rest, "=")
		switch word {
		case "var":
			opts.Vars = append(opts.Vars, VarSource{Name: name, Value: value})
		case "varfile":
			opts.Vars = append(opts.Vars, VarSource{File: rest})
		case "effort":
			if _, err := fmt.Sscan(rest, &opts.effort); err != nil {
				t.Fatal(err)
			}
		case "env":
			env[name] = value
		case "load":
			path = rest
		case "allow":
			opts.AllowPaths = append(opts.AllowPaths, rest)
		case "ask":
			answers[name] = value
			opts.Ask = func(v Variable) (string, bool) { a, ok := answers[v.Name]; return a, ok }
		case "", "#":
		default:
			t.Fatalf("unknown option %q", line)
		}
	}
	return path, opts
}

// describe writes a spec and its diagnostics as text.
func describe(spec *Spec, diags hcl.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		at := "-"
		if d.Subject != nil {
			r := *d.Subject
			at = fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
			if f := spec.Files[r.Filename]; f != nil && r.Start.Line == r.End.Line {
				at += " <" + string(r.SliceBytes(f.Bytes)) + ">"
			}
		}
		kind := "Error"
		if d.Severity == hcl.DiagWarning {
			kind = "Warning"
		}
		fmt.Fprintf(&b, "%s: %s: %s\n\t%s\n", at, kind, d.Summary, strings.ReplaceAll(d.Detail, "\n", "\n\t"))
		if more := reconcile.MoreOf(d); more.N > 0 {
			fmt.Fprintf(&b, "\t%s\n", more)
		}
	}
	if diags.HasErrors() {
		return b.String()
	}
	for _, id := range slices.Sorted(maps.Keys(spec.Connections)) {
		describeFields(&b, "connection "+id, spec.Connections[id].Fields)
	}
	for _, o := range spec.Objects {
		describeObject(&b, o)
	}
	for _, o := range spec.Owns {
		fmt.Fprintf(&b, "own %s %s %q  %s  prevent_destroy %t\n", o.Instance(), o.Kind, o.Match, place(o.Range), o.Lifecycle.PreventDestroy)
	}
	for _, o := range spec.Outputs {
		describeOutput(&b, o)
	}
	return b.String()
}

func describeOutput(b *strings.Builder, o Output) {
	fmt.Fprintf(b, "output %s  %s", o.Name, place(o.Range))
	if o.Sensitive {
		b.WriteString("  sensitive")
	}
	fmt.Fprintf(b, "  %q\n\t%s\n", o.Description, o.Value)
}

func describeFields(b *strings.Builder, head string, fields map[string]reconcile.Argument) {
	o := reconcile.Object{}
	for name, a := range fields {
		o.Set(reconcile.Attr{Name: name, Value: a.Value})
	}
	for _, a := range o.Attrs {
		fmt.Fprintf(b, "%s.%s = %s\n", head, a.Name, a.Value)
	}
}

func describeObject(b *strings.Builder, o reconcile.Object) {
	fmt.Fprintf(b, "%s  %s", o.Addr, place(o.Range))
	if o.Reference {
		b.WriteString("  reference")
	}
	if o.Absent {
		b.WriteString("  absent")
	}
	if len(o.Formerly) > 0 {
		fmt.Fprintf(b, "  formerly %q", o.Formerly)
	}
	if o.Lifecycle.PreventDestroy {
		b.WriteString("  prevent_destroy")
	}
	if len(o.Lifecycle.IgnoreChanges) > 0 {
		fmt.Fprintf(b, "  ignore %v", o.Lifecycle.IgnoreChanges)
	}
	b.WriteByte('\n')
	for _, a := range o.Attrs {
		fmt.Fprintf(b, "\t%s = %s\n", a.Name, a.Value)
		for _, item := range a.Items {
			literal := ""
			if item.Literal {
				literal = " literal"
			}
			fmt.Fprintf(b, "\t\t%d:%d %s%s%s\n", item.Range.Start.Line, item.Range.Start.Column, keyed(item.Key), item.Value, literal)
		}
	}
	for _, n := range o.Needs {
		fmt.Fprintf(b, "\tneeds %s\n", n)
	}
}

func keyed(k string) string {
	if k == "" {
		return ""
	}
	return k + " = "
}

// TestExamples loads the example specs: they are what people copy.
func TestExamples(t *testing.T) {
	for _, name := range []string{"service-account", "guide"} {
		dir := filepath.Join("examples", name)
		spec, diags := Load(dir, toys(), Options{Env: func(string) (string, bool) { return "", false }})
		if diags.HasErrors() {
			t.Errorf("%s: %v", name, diags)
		}
		if got := len(spec.Objects); got < 6 {
			t.Errorf("%s: %d objects", name, got)
		}
		src, err := os.ReadFile(filepath.Join(dir, "main.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		formatted, diags := Format(src, "main.hcl")
		if diags.HasErrors() || string(formatted) != string(src) {
			t.Errorf("%s is not in canonical layout: %v\n%s", name, diags, formatted)
		}
	}
}
