package render

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Drift writes a comparison for people: what differs, with the places in the spec, what that means and who did it, then what all of it did to accounts. Values are told by
// side: spec and live. The last line is fixed:
//
//	Drift: 1 drifted, 0 missing, 0 extra, 14 in sync.
//
// with ", N unreadable" before the full stop when objects could not be read, and ", N foreign" when those are listed.
func Drift(w io.Writer, f Findings, s Style) error {
	pg, d := newPage(w, s), f.Drift
	for _, it := range gravest(d.Items) {
		if it.Want.Reference && it.State == reconcile.InSync {
			continue
		}
		pg.driftItem(it)
	}
	pg.inSync(d)
	for _, r := range f.Remarks {
		pg.line(pg.changed.Render("note"), strings.Repeat(" ", stateWidth-len("note")), Escape(r))
	}
	pg.access("Access", f.drifted())
	if text := undoing(d); text != "" {
		pg.gap()
		pg.line(text)
	}
	pg.gap()
	pg.line(pg.loud.Render(driftSummary(d)))
	return pg.flush()
}

func driftSummary(d reconcile.Drift) string {
	s := fmt.Sprintf("Drift: %d drifted, %d missing, %d extra, %d in sync",
		d.Count(reconcile.Drifted), d.Count(reconcile.Missing), d.Count(reconcile.Extra), d.Count(reconcile.InSync))
	if n := d.Count(reconcile.Unreadable); n > 0 {
		s += fmt.Sprintf(", %d unreadable", n)
	}
	if n := d.Count(reconcile.Foreign); n > 0 {
		s += fmt.Sprintf(", %d foreign", n)
	}
	return s + "."
}

const stateWidth = len("unreadable") + 2

func (pg *page) driftItem(it reconcile.DriftItem) {
	if it.State == reconcile.InSync && !pg.verbose {
		return
	}
	ink := pg.changed
	switch it.State {
	case reconcile.Missing, reconcile.Unreadable:
		ink = pg.removed
	case reconcile.InSync, reconcile.Foreign:
		ink = pg.faint
	}
	state := ink.Render(string(it.State)) + strings.Repeat(" ", max(1, stateWidth-len(it.State)))
	at, why := it.Want.Range, ""
	switch {
	case it.Own != nil:
		at, why = it.Own.Range, "   matches own "+word(it.Own.Match)
	case it.State == reconcile.Extra:
		why = "   must not exist"
	}
	if graver(it.Gravity) {
		why += "   " + pg.gravity(it.Gravity)
	}
	pg.placed(state+Escape(it.Addr.String())+why, place(at))
	indent := strings.Repeat(" ", stateWidth+2)
	if it.State == reconcile.Missing && it.Want.Reference {
		pg.line(indent, "the spec refers to it, and no block declares it")
	}
	if it.Err != nil {
		pg.line(indent, Escape(it.Err.Error()))
	}
	pg.driftDiffs(it, indent)
	for _, l := range shared(it) {
		pg.line(indent, pg.faint.Render(l))
	}
	if it.State == reconcile.InSync || it.State == reconcile.Foreign {
		return
	}
	for _, l := range remedies(it) {
		if l != setBack || pg.verbose {
			pg.line(indent, "to do: ", l)
		}
	}
}

// driftDiffs tells an object's differences: of several, each with what it means and who made it.
func (pg *page) driftDiffs(it reconcile.DriftItem, indent string) {
	var rows [][]string
	var ends []int
	for _, diff := range it.Diffs {
		rows = append(rows, pg.driftRows(diff)...)
		ends = append(ends, len(rows))
	}
	lines := aligned(3, rows)
	for i, from := 0, 0; i < len(ends); i, from = i+1, ends[i] {
		for _, l := range lines[from:ends[i]] {
			pg.line(indent, l)
		}
		if apart(it) {
			for _, l := range diffMeans(it.Diffs[i]) {
				pg.line(indent, "  ", l)
			}
			if by := byOfDiff(it, it.Diffs[i]); by != "" {
				pg.line(indent, "  ", pg.faint.Render(by))
			}
		}
	}
	rest := it
	if apart(it) {
		rest.Diffs = nil
	}
	for _, l := range meanings(rest) {
		pg.line(indent, l)
	}
}

// gravity shows a gravity, coloured by how grave it is.
func (pg *page) gravity(g reconcile.Gravity) string {
	switch {
	case g.Grave():
		return pg.removed.Render(string(g))
	case g == reconcile.Narrows:
		return pg.changed.Render(string(g))
	}
	return pg.faint.Render(string(g))
}

// driftRows tells one difference as what happened to the live object, seen from the spec: + is what live has beyond it, - what live lacks.
func (pg *page) driftRows(d reconcile.Diff) [][]string {
	var rows [][]string
	for i, one := range differencesOf(d) {
		text := "spec " + cmp.Or(one.spec, inline(nil)) + ", live " + cmp.Or(one.live, inline(nil))
		switch {
		case d.Field.Sensitive:
			text = sensitive
		case one.member && one.spec == "":
			text = pg.glyph(reconcile.ActionCreate) + " " + one.live
		case one.member && one.live == "":
			text = pg.glyph(reconcile.ActionDelete) + " " + one.spec
		}
		row := []string{one.name, text}
		if i == 0 && graver(d.Gravity) {
			row = append(row, pg.gravity(d.Gravity))
		}
		rows = append(rows, row)
	}
	return rows
}

// inSync counts what is as it should be, and names what lifecycle.ignore_changes kept out of the comparison.
func (pg *page) inSync(d reconcile.Drift) {
	text := "in sync" + strings.Repeat(" ", stateWidth-len("in sync")) + Count(d.Count(reconcile.InSync), "object") + "."
	if ignored := ignoredTexts(d); len(ignored) > 0 {
		text += " Ignored: " + strings.Join(ignored, ", ") + "."
	}
	pg.line(pg.faint.Render(text))
}

// ignoredRange is where the lifecycle block stands that ignores an attribute; where nobody knows, where the spec sets the attribute, else the block's header.
func ignoredRange(it reconcile.DriftItem, name string) hcl.Range {
	if it.Want.Lifecycle.Range.Filename != "" {
		return it.Want.Lifecycle.Range
	}
	if a, ok := it.Want.Attr(name); ok && a.Range.Filename != "" {
		return a.Range
	}
	return it.Want.Range
}
