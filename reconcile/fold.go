package reconcile

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"
)

// More says of a diagnostic, as its Extra, how many further ones of its place, severity and summary [Fold] left out.
type More struct {
	N       int
	AtLeast bool // nobody looked for the rest
}

// String is what is shown below the diagnostic: "and 9,997 more of these".
func (m More) String() string {
	number := strconv.Itoa(m.N)
	for i := len(number) - 3; i > 0; i -= 3 {
		number = number[:i] + "," + number[i:]
	}
	if m.AtLeast {
		return "and at least " + number + " more of these"
	}
	return "and " + number + " more of these"
}

// MoreOf is what was left out behind a diagnostic, zero for nothing.
func MoreOf(d *hcl.Diagnostic) More {
	m, _ := d.Extra.(More)
	return m
}

// maxAlike is how many diagnostics of one place, severity and summary are kept.
const maxAlike = 3

// foldKey is what diagnostics have in common that are folded.
type foldKey struct {
	subject  hcl.Range
	severity hcl.DiagnosticSeverity
	summary  string
}

// Fold keeps the first three diagnostics of one place, severity and summary, and counts the others in the Extra of the last that it keeps, as [More]: a mistake in a block with
// for_each is one mistake, however many objects have it. The order stays, diagnostics without a place are all kept, and those given are not changed.
func Fold(diags hcl.Diagnostics) hcl.Diagnostics {
	seen, last := make(map[foldKey]int), make(map[foldKey]int)
	out := make(hcl.Diagnostics, 0, len(diags))
	for _, d := range diags {
		if d.Subject == nil {
			out = append(out, d)
			continue
		}
		key := foldKey{*d.Subject, d.Severity, d.Summary}
		if seen[key]++; seen[key] <= maxAlike {
			last[key] = len(out)
			out = append(out, d)
			continue
		}
		kept, more := out[last[key]], MoreOf(d)
		before := MoreOf(kept)
		c := *kept
		c.Extra = More{before.N + 1 + more.N, before.AtLeast || more.AtLeast}
		out[last[key]] = &c
	}
	return out
}

// Unfinished marks a diagnostic as one behind which there may be more that nobody looked for.
func Unfinished(d *hcl.Diagnostic) *hcl.Diagnostic {
	c := *d
	c.Extra = More{MoreOf(d).N, true}
	return &c
}

// CountDiagnostics counts diagnostics of a severity, those among them that [Fold] left out.
func CountDiagnostics(diags hcl.Diagnostics, severity hcl.DiagnosticSeverity) int {
	n := 0
	for _, d := range diags {
		if d.Severity == severity {
			n += 1 + MoreOf(d).N
		}
	}
	return n
}
