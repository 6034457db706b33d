package render

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Drift writes a comparison for people: what differs, with the places in the spec, then what that did to access. access is what converging would change, as
// [reconcile.Plan] has it; here it is told the other way round, as what the drift did. Values are told by side: spec and live. The last line is fixed:
//
//	Drift: 1 drifted, 0 missing, 0 extra, 14 in sync.
//
// with ", N unreadable" before the full stop when objects could not be read.
func Drift(w io.Writer, d reconcile.Drift, access []reconcile.AccessChange, s Style) error {
	pg := newPage(w, s)
	for _, it := range d.Items {
		if it.Want.Reference && it.State == reconcile.InSync {
			continue
		}
		pg.driftItem(it)
	}
	pg.inSync(d)
	pg.access("Access", reversed(access))
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
	case reconcile.InSync:
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
	pg.placed(state+Escape(it.Addr.String())+why, place(at))
	indent := strings.Repeat(" ", stateWidth+2)
	if it.State == reconcile.Missing && it.Want.Reference {
		pg.line(indent, "the spec refers to it, and no block declares it")
	}
	if it.Err != nil {
		pg.line(indent, Escape(it.Err.Error()))
	}
	var rows [][]string
	for _, diff := range it.Diffs {
		rows = append(rows, pg.driftRows(diff)...)
	}
	pg.rows(indent, 3, rows)
}

// driftRows tells one difference as what happened to the live object, seen from the spec: + is what live has beyond it, - what live lacks.
func (pg *page) driftRows(d reconcile.Diff) [][]string {
	var rows [][]string
	for _, one := range differencesOf(d) {
		text := "spec " + cmp.Or(one.spec, inline(nil)) + ", live " + cmp.Or(one.live, inline(nil))
		switch {
		case d.Field.Sensitive:
			text = sensitive
		case one.member && one.spec == "":
			text = pg.glyph(reconcile.ActionCreate) + " " + one.live
		case one.member && one.live == "":
			text = pg.glyph(reconcile.ActionDelete) + " " + one.spec
		}
		rows = append(rows, []string{one.name, text})
	}
	return rows
}

// inSync counts what is as it should be, and names what lifecycle.ignore_changes kept out of the comparison.
func (pg *page) inSync(d reconcile.Drift) {
	text := "in sync" + strings.Repeat(" ", stateWidth-len("in sync")) + count(d.Count(reconcile.InSync), "object") + "."
	if ignored := ignoredTexts(d); len(ignored) > 0 {
		text += " Ignored: " + strings.Join(ignored, ", ") + "."
	}
	pg.line(pg.faint.Render(text))
}

// ignoredRange is where the spec sets an ignored attribute, the block's header when it does not say.
func ignoredRange(it reconcile.DriftItem, name string) hcl.Range {
	if a, ok := it.Want.Attr(name); ok && a.Range.Filename != "" {
		return a.Range
	}
	return it.Want.Range
}
