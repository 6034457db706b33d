package specs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// canarySpec has a secret, of Qs and Zs, everywhere that one can be written out, and canaryVars in a variable file. Written out they are mistakes; that is when they are shown.
const canarySpec = `variable "pw" {
  sensitive = true
  default   = "QZQZQZQZ"
}
connection "okta" {
  token = "QZQZQZQZ"
}
okta "app" "a" { password = "QZQZQZQZ" }
okta "app" "a" {
  password = <<-EOT
    QZQZQZQZ
    QZQZQZQZ==
  EOT
  label = "x"
}
okta "apq" "b" { password = ["QZQZQZQZ"] }
okta "app" "c" {
  hint    = [
    "QZQZQZQZ",
    { "a" = "QZQZQZQZ" }
  ]
  profile = { client_secret : "QZQZQZQZ", x = 1 }
  token_secrets = {
    any = "QZQZQZQZ"
  }
}
`

const canaryVars = `pw = "QZQZQZQZ"
two = {
  a = "QZQZQZQZ"
  b = <<X
QZQZQZQZ
X
}
three = QZQZQZQZ
`

// TestNoSecretInSnippets damages a spec and a variable file at every place, and looks for a part of a secret in what is shown of it.
func TestNoSecretInSnippets(t *testing.T) {
	dir := t.TempDir()
	check := func(name, main, vars string) {
		t.Helper()
		write(t, dir, "main.hcl", main)
		write(t, dir, "keymaker.vars.hcl", vars)
		spec, diags := Load(dir, toys(), Options{Env: func(string) (string, bool) { return "", false }})
		var out bytes.Buffer
		if err := hcl.NewDiagnosticTextWriter(&out, spec.Files, 0, false).WriteDiagnostics(diags); err != nil {
			t.Fatal(err)
		}
		if text := out.String() + fmt.Sprint(diags); strings.Contains(text, "QZ") || strings.Contains(text, "ZQ") {
			t.Errorf("%s: shows a secret:\n%s\nof:\n%s\n%s", name, text, main, vars)
		}
		if len(diags) == 0 {
			t.Errorf("%s: no mistake", name)
		}
	}
	check("whole", canarySpec, canaryVars)
	for i := range canarySpec {
		check(fmt.Sprintf("cut at %d", i), canarySpec[:i]+"\n!", "")
		check(fmt.Sprintf("without %d", i), canarySpec[:i]+canarySpec[i+1:]+"}", "")
	}
	for i := range canaryVars {
		check(fmt.Sprintf("variables cut at %d", i), canarySpec[:60], canaryVars[:i]+"\n!")
		check(fmt.Sprintf("variables without %d", i), "variable \"pw\" {\n  sensitive = true\n}\n", canaryVars[:i]+canaryVars[i+1:])
	}
}

// TestMaskedKeepsPlaces: a masked source is as long as it was, line for line, and what is no secret stays.
func TestMaskedKeepsPlaces(t *testing.T) {
	src := "okta \"app\" \"a\" {\n  label    = \"seen\"\n  password = \"QZ\n  status   = \"ACTIVE\"\n  x = [\n"
	got := string(Masked([]byte(src), "main.hcl", toys()))
	if want := strings.Replace(src, "QZ", "**", 1); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
