package specs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		dir := t.TempDir()
		write(t, dir, "main.hcl", string(src))
		spec, diags := Load(dir, toys(), Options{Env: func(string) (string, bool) { return "", false }, effort: 1 << 13})
		if spec == nil {
			t.Fatal("no spec")
		}
		for _, d := range diags {
			if d.Summary == "Expression cannot be evaluated" && strings.HasPrefix(d.Detail, "HCL fails") {
				t.Fatalf("HCL panics: %v", d)
			}
			if strings.Contains(d.Detail, "\x00") || strings.Contains(d.Summary, "\x00") {
				t.Fatalf("a token shows in a diagnostic: %q", d.Detail)
			}
			if d.Expression != nil || d.EvalContext != nil {
				t.Fatal("a diagnostic carries an evaluation context")
			}
		}
		for _, o := range spec.Objects {
			for _, a := range o.Attrs {
				noToken(t, a.Value)
			}
		}
		var out bytes.Buffer
		if err := hcl.NewDiagnosticTextWriter(&out, spec.Files, 78, false).WriteDiagnostics(diags); err != nil {
			t.Fatal(err)
		}
	})
}

func noToken(t *testing.T, v reconcile.Value) {
	t.Helper()
	switch v := v.(type) {
	case reconcile.Text:
		if strings.Contains(string(v), "\x00") {
			t.Fatalf("a token is left in %q", string(v))
		}
	case reconcile.Join:
		for _, m := range v {
			noToken(t, m)
		}
	case reconcile.Map:
		for k, m := range v {
			noToken(t, reconcile.Text(k))
			noToken(t, m)
		}
	}
	for _, m := range reconcile.Members(v) {
		noToken(t, m)
	}
}

// TestSensitiveNeverShown loads specs that fail in every way that touches a sensitive value, and looks for it in all that is printed.
func TestSensitiveNeverShown(t *testing.T) {
	const secret = "hunter2hunter2"
	files, err := filepath.Glob("testdata/s*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("corpus: %v, %d files", err, len(files))
	}
	head := "variable \"pw\" {\n  sensitive = true\n  type      = string\n}\n"
	for _, expr := range []string{
		`var.pw`, `"${var.pw}"`, `jsondecode(var.pw)`, `parseint(var.pw, 10)`, `{ a = 1 }[var.pw]`, `var.pw.x`, `var.pw + 1`, `var.pw ? 1 : 2`, `regex(var.pw, "x")`,
		`file(var.pw)`, `[for x in var.pw : x]`, `tonumber(var.pw)`, `[var.pw]`, `{ (var.pw) = 1 }`, `var.pw[0]`, `index(["a"], var.pw)`, `element([], length(var.pw))`,
		`try(nope.x, var.pw)`, `upper(var.pw)`, `local.pw`, `tonumber(local.pw)`, `{ x = var.pw }.y`, `formatlist("%s", var.pw, 1)`, `toset([var.pw])`, `!var.pw`, `env(var.pw)`,
	} {
		dir := t.TempDir()
		write(t, dir, "main.hcl", head+"locals {\n  pw = lower(var.pw)\n}\nokta \"app\" \"a\" {\n  status  = "+expr+"\n  label   = "+expr+"\n  profile = "+expr+"\n}\n"+
			"okta \"policy\" \"p\" {\n  clients = "+expr+"\n  priority = "+expr+"\n  rule \"r\" {\n    access_token_lifetime = "+expr+"\n  }\n}\n")
		spec, diags := Load(dir, toys(), Options{Vars: []VarSource{{Name: "pw", Value: secret}}})
		if !diags.HasErrors() {
			t.Errorf("%s: no error", expr)
		}
		var out bytes.Buffer
		if err := hcl.NewDiagnosticTextWriter(&out, spec.Files, 0, false).WriteDiagnostics(diags); err != nil {
			t.Fatal(err)
		}
		if text := out.String() + fmt.Sprint(diags, spec.Variables, spec.Objects); strings.Contains(strings.ToLower(text), secret) {
			t.Errorf("%s: shows the value:\n%s", expr, text)
		}
	}
}

// TestSecretIsMaskedInSnippets: the source that HCL's writer cuts its snippets from has no literal secret any more.
func TestSecretIsMaskedInSnippets(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "main.hcl", "variable \"pw\" {\n  sensitive = true\n  type = number\n  default = \"hunter2\"\n}\nvariable \"two\" {\n  sensitive = true\n  type = number\n}\nokta \"app\" \"a\" { password = \"hunter2\" }\n")
	write(t, dir, "keymaker.vars.hcl", "two = \"hunter2\"\n")
	spec, diags := Load(dir, toys(), Options{})
	var out bytes.Buffer
	if err := hcl.NewDiagnosticTextWriter(&out, spec.Files, 0, false).WriteDiagnostics(diags); err != nil {
		t.Fatal(err)
	}
	if len(diags) != 3 || strings.Contains(out.String(), "hunter2") {
		t.Errorf("got %d diagnostics:\n%s", len(diags), out.String())
	}
}

func TestSecretsOpenLate(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "main.hcl", "variable \"pw\" {\n  sensitive = true\n}\nokta \"app\" \"a\" { password = env(\"PW\") }\nokta \"app\" \"b\" { password = secret_file(\"pw\") }\nokta \"app\" \"c\" { password = var.pw }\n")
	env := map[string]string{}
	spec, diags := Load(dir, toys(), Options{Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }, Vars: []VarSource{{Name: "pw", Value: "third"}}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	open := func() {
		for _, o := range spec.Objects {
			s, _ := o.Get("password").(reconcile.Secret)
			v, err := s.Open()
			if err != nil {
				v = "error"
			}
			got = append(got, v)
		}
	}
	open()
	env["PW"] = "first"
	write(t, dir, "pw", "second\n")
	open()
	if want := []string{"error", "error", "third", "first", "second", "third"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFileStaysInside(t *testing.T) {
	dir := t.TempDir()
	outside := t.TempDir()
	write(t, outside, "key", "private")
	for _, err := range []error{
		os.Symlink(filepath.Join(outside, "key"), filepath.Join(dir, "link")),
		os.Symlink(outside, filepath.Join(dir, "folder")),
		os.Symlink("inside", filepath.Join(dir, "good")),
		syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600),
		os.WriteFile(filepath.Join(dir, "big"), make([]byte, maxText+1), 0o600),
		os.WriteFile(filepath.Join(dir, "binary"), []byte{0xff, 0xfe}, 0o600),
		os.WriteFile(filepath.Join(dir, "inside"), []byte("fine"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, ok := range map[string]bool{
		"link": false, "folder/key": false, "pipe": false, "big": false, "binary": false, "sub/../../x": false, ".": false, "good": true, "inside": true,
	} {
		write(t, dir, "main.hcl", fmt.Sprintf("okta \"app\" \"a\" { label = file(%q) }\n", path))
		spec, diags := Load(dir, toys(), Options{})
		if diags.HasErrors() == ok {
			t.Errorf("%s: %v", path, diags)
		}
		if strings.Contains(fmt.Sprint(diags, spec.Objects), "private") {
			t.Errorf("%s: was read", path)
		}
	}
}

func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.hcl"), 0o600); err != nil {
		t.Fatal(err)
	}
	big := t.TempDir()
	write(t, big, "main.hcl", "a = \""+strings.Repeat("x", maxSource)+"\"")
	many := t.TempDir()
	write(t, many, "main.hcl", strings.Repeat("[", 2*maxWords))
	for _, tt := range []struct{ path, want string }{
		{dir, "not a regular file"}, {big, "larger than 16 MB"}, {many, "more than a million words"}, {"/dev/zero", "not a regular file"},
	} {
		_, diags := Load(tt.path, toys(), Options{})
		if len(diags) != 1 || !strings.Contains(diags[0].Detail, tt.want) {
			t.Errorf("%s: got %v, want %q", tt.path, diags, tt.want)
		}
	}
}

func TestParseVar(t *testing.T) {
	for _, tt := range []struct {
		arg  string
		want VarSource
		ok   bool
	}{
		{"a=b", VarSource{Name: "a", Value: "b"}, true}, {"a=", VarSource{Name: "a"}, true}, {"a=b=c", VarSource{Name: "a", Value: "b=c"}, true},
		{"a", VarSource{}, false}, {"=a", VarSource{}, false}, {"", VarSource{}, false}, {"a b=c", VarSource{}, false},
	} {
		got, err := ParseVar(tt.arg)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: got %+v, %v", tt.arg, got, err)
		}
	}
}

// TestNamesNoSystem: the language knows no system but those it is given.
func TestNamesNoSystem(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, system := range []string{"okta", "neo4j"} {
			if bytes.Contains(bytes.ToLower(src), []byte(system)) {
				t.Errorf("%s names %s", name, system)
			}
		}
	}
}
