package specs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func TestFormat(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"spaces only", " \n\n", ""},
		{"indent and align", "okta \"app\" \"a\" {\nlabel=\"x\"\n   client_id   =   \"y\"\n}", "okta \"app\" \"a\" {\n  label     = \"x\"\n  client_id = \"y\"\n}\n"},
		{"comments", "# one\na=1 # two\n// three\n/* four */\nb = 2", "# one\na = 1 # two\n// three\n/* four */\nb = 2\n"},
		{"trailing lines", "a = 1\n\n\n", "a = 1\n"},
		{"heredoc", "a = <<EOT\n   kept  =  1\nEOT\n", "a = <<EOT\n   kept  =  1\nEOT\n"},
		{"template", "a = \"x ${ b  } y\"\n", "a = \"x ${b} y\"\n"},
		{"windows", "a=1\r\n# c\r\nb = <<E\r\nx\r\nE\r\n\r\n", "a = 1\r\n# c\r\nb = <<E\r\nx\r\nE\r\n"},
		{"byte order mark", "\ufeffa=1\n", "a = 1\n"},
		{"canonical", "a = 1\n", "a = 1\n"},
	} {
		got, diags := Format([]byte(tt.in), "x.hcl")
		if diags.HasErrors() || string(got) != tt.want {
			t.Errorf("%s: got %q %v, want %q", tt.name, got, diags, tt.want)
		}
	}
}

func TestFormatLeavesBrokenFilesAlone(t *testing.T) {
	for _, in := range []string{"a = \n", "a {", "a = [1", strings.Repeat("[", 5000), "a = " + strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500)} {
		got, diags := Format([]byte(in), "x.hcl")
		if string(got) != in || !diags.HasErrors() {
			t.Errorf("%.20q: got %.20q, %v", in, got, diags)
		}
	}
}

func FuzzFormat(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		once, diags := Format(src, "x.hcl")
		if diags.HasErrors() {
			if !bytes.Equal(once, src) {
				t.Fatalf("a file with mistakes was changed: %q to %q", src, once)
			}
			return
		}
		twice, diags := Format(once, "x.hcl")
		if diags.HasErrors() || !bytes.Equal(once, twice) {
			t.Fatalf("formatted twice is not the same as once:\n%q\n%q\n%v", once, twice, diags)
		}
		if before, after := meaning(t, src), meaning(t, once); before != after {
			t.Fatalf("formatting changed what a file says, from:\n%s\nto:\n%s", before, after)
		}
		if !sameTokens(src, once) {
			t.Fatalf("tokens changed: %q to %q", src, once)
		}
	})
}

// meaning is what a file says, without where it says it: blocks and attributes in their order, with the tokens of each expression and its value where that is a constant.
func meaning(t *testing.T, src []byte) string {
	t.Helper()
	file, diags := hclsyntax.ParseConfig(src, "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%q does not parse: %v", src, diags)
	}
	var out strings.Builder
	var body func(b *hclsyntax.Body, indent string)
	body = func(b *hclsyntax.Body, indent string) {
		for _, a := range attributes(b) {
			v, diags := a.Expr.Value(nil)
			if diags.HasErrors() {
				v = cty.DynamicVal
			}
			at := a.Expr.Range()
			fmt.Fprintf(&out, "%s%s = %#v:", indent, a.Name, v)
			for _, token := range visible(src[at.Start.Byte:at.End.Byte]) {
				fmt.Fprintf(&out, " %q", bytes.TrimSpace(token.Bytes))
			}
			out.WriteByte('\n')
		}
		for _, inner := range b.Blocks {
			fmt.Fprintf(&out, "%s%s %q\n", indent, inner.Type, inner.Labels)
			body(inner.Body, indent+"  ")
		}
	}
	body(file.Body.(*hclsyntax.Body), "")
	return out.String()
}

// seeds are the specs of the corpus and the examples.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	var out [][]byte
	for _, pattern := range []string{"testdata/*.txtar", "examples/*/main.hcl"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			src, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if _, rest, ok := bytes.Cut(src, []byte("-- main.hcl --\n")); ok {
				src, _, _ = bytes.Cut(rest, []byte("\n-- "))
			}
			if len(src) < 4096 {
				out = append(out, src)
			}
		}
	}
	return out
}
