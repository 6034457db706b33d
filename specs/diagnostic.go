package specs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// problem makes an error with a place.
func problem(at hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: at.Ptr()}
}

// placeless makes an error that stands in no file.
func placeless(summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
}

// tidy sorts diagnostics by place, drops doubles, and takes expressions and evaluation contexts away: HCL's writer would print values from them.
// Diagnostics without a place come first. What many objects of a block have in common is told of the first few, by [reconcile.Fold].
func tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	out := make(hcl.Diagnostics, 0, len(diags))
	for _, d := range diags {
		c := *d
		c.Expression, c.EvalContext = nil, nil
		if _, ok := c.Extra.(reconcile.More); !ok {
			c.Extra = nil
		}
		out = append(out, &c)
	}
	slices.SortStableFunc(out, compareDiagnostic)
	out = slices.CompactFunc(out, func(a, b *hcl.Diagnostic) bool { return compareDiagnostic(a, b) == 0 })
	return reconcile.Fold(out)
}

func compareDiagnostic(a, b *hcl.Diagnostic) int {
	return cmp.Or(compareRange(subject(a), subject(b)), cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
}

func subject(d *hcl.Diagnostic) hcl.Range {
	if d.Subject == nil {
		return hcl.Range{}
	}
	return *d.Subject
}

// place is a range as people read it: file:line.
func place(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

func arrows(ss []string) string { return strings.Join(ss, " → ") }
