package reconcile

import (
	"fmt"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// Ten thousand of one mistake are three and a number; what stands elsewhere, says something else or has no place is told.
func TestFold(t *testing.T) {
	at := func(line int) *hcl.Range { return &hcl.Range{Filename: "main.hcl", Start: hcl.Pos{Line: line}} }
	var diags hcl.Diagnostics
	for i := range 10_000 {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "one", Detail: fmt.Sprint(i), Subject: at(1)})
	}
	diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "one", Subject: at(1)}, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "two", Subject: at(1)},
		&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "one", Subject: at(2)})
	for range 5 {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "one"})
	}
	got := Fold(Fold(diags))
	if len(got) != 11 {
		t.Fatalf("got %d diagnostics, want 11", len(got))
	}
	if got[0].Extra != nil || got[2].Detail != "2" || MoreOf(got[2]).String() != "and 9,997 more of these" {
		t.Errorf("got %+v", got[2])
	}
	if diags[2].Extra != nil {
		t.Error("the diagnostics given were changed")
	}
	if n := CountDiagnostics(got, hcl.DiagError); n != 10_007 {
		t.Errorf("got %d errors, want 10,007", n)
	}
	if n := CountDiagnostics(got, hcl.DiagWarning); n != 1 {
		t.Errorf("got %d warnings, want 1", n)
	}
	again := Fold(append(got, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "one", Subject: at(1)}))
	if m := MoreOf(again[2]); m.N != 9_998 {
		t.Errorf("got %s after one more", m)
	}
	if got := MoreOf(Unfinished(again[2])).String(); got != "and at least 9,998 more of these" {
		t.Errorf("got %q", got)
	}
	for n, want := range map[int]string{1: "and 1 more of these", 999: "and 999 more of these", 1000: "and 1,000 more of these", 1234567: "and 1,234,567 more of these"} {
		if got := (More{N: n}).String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
