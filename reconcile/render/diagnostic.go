package render

import (
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Diagnostics writes mistakes and warnings of a spec, in their order: what is wrong, where, the line with carets under the part that is meant, and what to do. files are
// the parsed sources by name, for the lines; a diagnostic without a place, or whose file is missing, is told without. Values of variables are never shown.
// Errors start with "Error: ", warnings with "Warning: ". Of many of one place and summary the first few are told, and how many more there are.
func Diagnostics(w io.Writer, diags hcl.Diagnostics, files map[string]*hcl.File, s Style) error {
	pg := newPage(w, s)
	for _, d := range reconcile.Fold(diags) {
		pg.gap()
		pg.diagnostic(d, files)
	}
	return pg.flush()
}

func (pg *page) diagnostic(d *hcl.Diagnostic, files map[string]*hcl.File) {
	pg.headline(d.Severity, Escape(d.Summary))
	if d.Subject != nil {
		pg.snippet(*d.Subject, files, true)
	} else if d.Detail != "" {
		pg.gap()
	}
	pg.prose(d.Detail)
	if more := reconcile.MoreOf(d); more.N > 0 {
		pg.line(pg.faint.Render(more.String()))
	}
}

func (pg *page) headline(severity hcl.DiagnosticSeverity, text string) {
	word := pg.removed.Bold(true).Render("Error:")
	if severity == hcl.DiagWarning {
		word = pg.changed.Bold(true).Render("Warning:")
	}
	pg.line(word, " ", pg.loud.Render(text))
}

// prose writes a detail, wrapped to the page. Lines that are indented are examples, and stay as they are.
func (pg *page) prose(text string) {
	if text == "" {
		return
	}
	for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		l = code(l)
		if strings.HasPrefix(l, " ") {
			pg.line(l)
			continue
		}
		for _, part := range wrap(l, " ", pg.width) {
			pg.line(part)
		}
	}
}
