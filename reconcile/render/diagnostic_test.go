package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// A mistake that every object of a block has stays short, and is counted.
func TestManyDiagnostics(t *testing.T) {
	var diags hcl.Diagnostics
	for i := range 10_000 {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Bad name", Detail: fmt.Sprintf("No %d.", i), Subject: &hcl.Range{Filename: "main.hcl"}})
	}
	var text bytes.Buffer
	if err := Diagnostics(&text, diags, nil, Style{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); strings.Count(got, "Error:") != 3 || !strings.HasSuffix(got, "and 9,997 more of these\n") {
		t.Errorf("got\n%.2000s", got)
	}
	doc, err := DiagnosticsJSON(diags, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Errors      int `json:"error_count"`
		Diagnostics []struct{ More int }
	}
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	if got.Errors != 10_000 || len(got.Diagnostics) != 3 || got.Diagnostics[2].More != 9_997 {
		t.Errorf("got %+v", got)
	}
}
