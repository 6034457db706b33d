package render

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// step writes one step: its headline with the place in the spec, its attributes, and the notes and pending lines under them.
func (pg *page) step(s reconcile.Step, d reconcile.Drift, f fields) {
	verb, attrs := stepAttrs(s, f)
	head := pg.ink(s.Change.Action()).Render(Escape(s.Change.Addr().String()) + " " + verb)
	pg.placed(head, place(declared(s.Change, d)))
	pg.attrLines(attrs(pg))
	pg.notes(append(objectNotes(s.Change), s.Notes...), s.Pending)
}

// stepAttrs says what happens to an object, and what of it a page shows.
func stepAttrs(s reconcile.Step, f fields) (verb string, attrs func(*page) []attrLine) {
	switch c := s.Change.(type) {
	case reconcile.Create:
		return "will be created", func(*page) []attrLine { return whole(c.Want, reconcile.ActionCreate, f) }
	case reconcile.Delete:
		return "will be deleted", func(pg *page) []attrLine {
			if !pg.verbose {
				return nil
			}
			return whole(c.Live, reconcile.ActionDelete, f)
		}
	case reconcile.Update:
		return "will be updated in place", func(pg *page) []attrLine {
			var ls []attrLine
			for _, d := range c.Diffs {
				ls = append(ls, pg.diffLines(d)...)
			}
			return ls
		}
	}
	return "", func(*page) []attrLine { return nil }
}

// objectNotes are the remarks of a change's object, in a slice of their own.
func objectNotes(c reconcile.Change) []reconcile.Note {
	switch c := c.(type) {
	case reconcile.Create:
		return slices.Clone(c.Want.Notes)
	case reconcile.Update:
		return slices.Clone(c.Want.Notes)
	case reconcile.Delete:
		return slices.Clone(c.Live.Notes)
	}
	return nil
}

// declared is where the spec declares a change's object; a deletion's comes from the comparison that it was made from.
func declared(c reconcile.Change, d reconcile.Drift) hcl.Range {
	if r := reconcile.Range(c); r.Filename != "" {
		return r
	}
	it, _ := d.Item(c.Addr())
	return it.Want.Range
}

// notes writes remarks with their labels aligned, then what is left to people.
func (pg *page) notes(notes []reconcile.Note, pending []string) {
	var rows [][]string
	add := func(label, text string) {
		for _, l := range lines(text) {
			rows = append(rows, []string{label, l})
			label = ""
		}
	}
	for _, n := range notes {
		if n.Label == "" {
			pg.rows("      ", 2, rows)
			rows = nil
			for _, l := range lines(n.Text) {
				pg.line("      ", l)
			}
			continue
		}
		add(Escape(n.Label), n.Text)
	}
	if len(pending) > 0 {
		add(pg.loud.Render("pending"), strings.Join(pending, "\n"))
	}
	pg.rows("      ", 2, rows)
}
