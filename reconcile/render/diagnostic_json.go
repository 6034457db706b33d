package render

import (
	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// DiagnosticsJSON has the shape of `terraform validate -json` (developer.hashicorp.com/terraform/cli/commands/validate), so that editors and CI annotations
// written for it work. Columns count characters, bytes count from the start of the file, highlight offsets count bytes of the snippet's code. A snippet's
// values are always empty: what a variable holds is never shown. Of many diagnostics of one place and summary the first few are listed; "more" of the last says how many are not,
// and they count in error_count and warning_count.
func DiagnosticsJSON(diags hcl.Diagnostics, files map[string]*hcl.File) ([]byte, error) {
	doc := validateJSON{FormatVersion: "1.0", Diagnostics: []diagnosticJSON{}}
	diags = reconcile.Fold(diags)
	doc.Warnings = reconcile.CountDiagnostics(diags, hcl.DiagWarning)
	doc.Errors = reconcile.CountDiagnostics(diags, hcl.DiagError)
	for _, d := range diags {
		doc.Diagnostics = append(doc.Diagnostics, diagnosticOf(d, files))
	}
	doc.Valid = doc.Errors == 0
	return document(doc)
}

type validateJSON struct {
	FormatVersion string           `json:"format_version"`
	Valid         bool             `json:"valid"`
	Errors        int              `json:"error_count"`
	Warnings      int              `json:"warning_count"`
	Diagnostics   []diagnosticJSON `json:"diagnostics"`
}

type diagnosticJSON struct {
	Severity string       `json:"severity"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	Range    *rangeJSON   `json:"range,omitempty"`
	Snippet  *snippetJSON `json:"snippet,omitempty"`
	More     int          `json:"more,omitempty"`
	// Of a check: its name, and the other side. Terraform's shape has no word for them.
	Check   string       `json:"check,omitempty"`
	Related *relatedJSON `json:"related,omitempty"`
}

type rangeJSON struct {
	Filename string  `json:"filename"`
	Start    posJSON `json:"start"`
	End      posJSON `json:"end"`
}

type posJSON struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

type snippetJSON struct {
	Context *string `json:"context"`
	Code    string  `json:"code"`
	Line    int     `json:"start_line"`
	Start   int     `json:"highlight_start_offset"`
	End     int     `json:"highlight_end_offset"`
	Values  []any   `json:"values"`
}

func diagnosticOf(d *hcl.Diagnostic, files map[string]*hcl.File) diagnosticJSON {
	out := diagnosticJSON{Severity: "error", Summary: d.Summary, Detail: d.Detail, More: reconcile.MoreOf(d).N}
	if d.Severity == hcl.DiagWarning {
		out.Severity = "warning"
	}
	if f, ok := d.Extra.(reconcile.Finding); ok {
		out.Check, out.Related = f.Check, relatedOf(f)
	}
	if d.Subject == nil {
		return out
	}
	out.Range = &rangeJSON{d.Subject.Filename, posJSON(d.Subject.Start), posJSON(d.Subject.End)}
	if s, ok := snippetOf(*d.Subject, files); ok {
		out.Snippet = &snippetJSON{Code: s.code, Line: s.number, Start: s.start, End: s.end, Values: []any{}}
		if s.context != "" {
			out.Snippet.Context = &s.context
		}
	}
	return out
}
