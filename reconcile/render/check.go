package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Checks writes what will not work as the spec reads, one warning each: what is so, the lines of the spec on both sides, and what to do. The sources come from the style.
func Checks(w io.Writer, found []reconcile.Finding, s Style) error {
	pg := newPage(w, s)
	pg.checks(found)
	return pg.flush()
}

func (pg *page) checks(found []reconcile.Finding) {
	for _, f := range found {
		pg.gap()
		pg.headline(hcl.DiagWarning, Escape(f.Summary))
		if f.Range.Empty() {
			pg.gap()
			pg.line("  ", Escape(f.Addr.String()))
		} else {
			pg.snippet(f.Range, pg.files, true)
		}
		pg.otherSide(f)
		pg.prose(f.Text())
		pg.line(pg.faint.Render(pg.checkLine(f)))
	}
}

// checkLine names the check, for those who look it up or refuse it, and whom it concerns.
func (pg *page) checkLine(f reconcile.Finding) string {
	text := "Check " + f.Check
	if len(f.Accounts) > 0 {
		names := make([]string, len(f.Accounts))
		for i, a := range f.Accounts {
			names[i] = Escape(a)
		}
		if n := len(names) - manyPrivileges; n > 0 && !pg.verbose {
			names = append(names[:manyPrivileges], fmt.Sprintf("and %d more (--verbose)", n))
		}
		text += ": " + strings.Join(names, ", ")
	}
	return text + "."
}

// otherSide writes the second place of a finding.
func (pg *page) otherSide(f reconcile.Finding) {
	if f.Other.IsZero() {
		return
	}
	what := Escape(f.OtherText)
	if f.OtherRange.Empty() {
		pg.line("  and ", Escape(f.Other.String()), ", ", what, ", live")
		return
	}
	where := fmt.Sprintf("  and %s line %d, %s", Escape(f.OtherRange.Filename), f.OtherRange.Start.Line, what)
	s, ok := snippetOf(f.OtherRange, pg.files)
	if !ok {
		pg.line(where)
		return
	}
	pg.line(where, ":")
	pg.line(fmt.Sprintf("  %d: ", s.number), code(s.code))
}

// findingJSON is a diagnostic with what the checks have besides.
type findingJSON struct {
	diagnosticJSON
	Breaks   string   `json:"breaks"`
	Accounts []string `json:"accounts"`
	Address  string   `json:"address"`
	Remedy   string   `json:"remedy"`
}

type relatedJSON struct {
	Address string     `json:"address"`
	Text    string     `json:"text"`
	Range   *rangeJSON `json:"range"`
}

func findingsOf(found []reconcile.Finding, files map[string]*hcl.File) []findingJSON {
	out := []findingJSON{}
	for _, f := range found {
		out = append(out, findingJSON{diagnosticJSON: diagnosticOf(f.Diagnostic(), files), Breaks: f.Breaks, Accounts: orEmpty(f.Accounts), Address: f.Addr.String(), Remedy: f.Remedy})
	}
	return out
}

// relatedOf is the other side of a finding; nil when there is none.
func relatedOf(f reconcile.Finding) *relatedJSON {
	if f.Other.IsZero() {
		return nil
	}
	r := &relatedJSON{Address: f.Other.String(), Text: f.OtherText}
	if at := f.OtherRange; !at.Empty() {
		r.Range = &rangeJSON{at.Filename, posJSON(at.Start), posJSON(at.End)}
	}
	return r
}

// checkItems are the findings as items of a Markdown list.
func checkItems(found []reconcile.Finding) []string {
	var items []string
	for _, f := range found {
		text := "**" + words(f.Summary) + "** " + codeSpan(f.Check)
		if at := place(f.Range); at != "" {
			text += " " + codeSpan(at)
		}
		text += "  \n  " + words(f.Text())
		if other := otherPlace(f); other != "" {
			text += "  \n  The other side: " + codeSpan(other)
		}
		if len(f.Accounts) > 0 {
			text += "  \n  Accounts: " + codeSpan(strings.Join(f.Accounts, ", "))
		}
		items = append(items, text)
	}
	return items
}
