package render

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// DriftCSV is a comparison as a table with a header, one record a line (RFC 4180, with line feeds):
//
//	record   difference, object (one without differences), ignored, access, check
//	address  the object, or the account of an access record
//	state    the object's; for access gains or loses, for a check its name
//	attribute, spec, live   the difference; a member of a set that one side lacks leaves the other's cell empty. For access the kind of what is gained or lost, and its name under live; for a check
//	         the other side under live
//	effect   widens, narrows or changes, of access records; breaks and a hop, of checks because of which verify would fail there
//	file, line   the place in the spec
//	note     why an object is listed or could not be read; what a check found, what that means and what to do
//	gravity  of a difference or object: widens, changes, unknown, narrows or neutral
//	means    what it means for access, divided by semicolons; of a check whom it concerns
//	by, at, event, confidence   who did it, as the log tells; for confidence none the reason stands under by
//	remedy   what to do about a difference or object
//
// A cell that a spreadsheet would take for a formula starts with an apostrophe.
func DriftCSV(f Findings) ([]byte, error) {
	rows := [][]string{{"record", "address", "state", "attribute", "spec", "live", "effect", "file", "line", "note", "gravity", "means", "by", "at", "event", "confidence", "remedy"}}
	for _, it := range f.Drift.Items {
		if belongs(it) {
			rows = append(rows, itemRecords(it)...)
		}
	}
	for _, c := range f.drifted() {
		for _, n := range c.Gains {
			rows = append(rows, []string{"access", Escape(c.Account), "gains", string(n.Kind), "", Escape(n.Label()), c.Effect(), "", "", "", "", "", "", "", "", "", ""})
		}
		for _, n := range c.Loses {
			rows = append(rows, []string{"access", Escape(c.Account), "loses", string(n.Kind), "", Escape(n.Label()), c.Effect(), "", "", "", "", "", "", "", "", "", ""})
		}
	}
	for _, c := range f.Checks {
		rows = append(rows, checkRecord(c))
	}
	return table(rows)
}

func itemRecords(it reconcile.DriftItem) [][]string {
	record := func(kind, attribute, spec, live string, r hcl.Range, note string) []string {
		file, line := "", ""
		if r.Filename != "" {
			file, line = Escape(r.Filename), itoa(r.Start.Line)
		}
		return []string{kind, Escape(it.Addr.String()), string(it.State), attribute, spec, live, "", file, line, note}
	}
	var rows [][]string
	for _, diff := range it.Diffs {
		by := diff.By
		if by == nil {
			by = it.By
		}
		one := it
		one.Diffs = []reconcile.Diff{diff}
		for _, d := range differences(one) {
			rows = append(rows, append(record("difference", d.name, d.spec, d.live, d.at, said(it)), judged(diff.Gravity, diff.Means, by, remedies(one))...))
		}
	}
	if len(rows) == 0 {
		rows = append(rows, append(record("object", "", "", "", placeIn(it), said(it)), judged(it.Gravity, it.Means, it.By, remedies(it))...))
	}
	for _, name := range it.Ignored {
		rows = append(rows, append(record("ignored", Escape(name), "", "", ignoredRange(it, name), "lifecycle.ignore_changes"), judged("", nil, nil, nil)...))
	}
	return rows
}

// judged are the cells on what a drift means, who did it, and what to do.
func judged(g reconcile.Gravity, means []string, by *reconcile.Attribution, todo []string) []string {
	cells := []string{string(g), Escape(strings.Join(means, "; ")), "", "", "", "", strings.Join(todo, "; ")}
	if by == nil {
		return cells
	}
	cells[2], cells[4], cells[5] = Escape(cmp.Or(by.Actor, by.Why)), Escape(by.Event), string(by.Confidence)
	if !by.At.IsZero() {
		cells[3] = by.At.UTC().Format(time.RFC3339)
	}
	return cells
}

// table is rows as CSV.
func table(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, row := range rows {
		for i, c := range row {
			row[i] = cell(c)
		}
		if err := w.Write(row); err != nil {
			return nil, fmt.Errorf("render CSV: %w", err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("render CSV: %w", err)
	}
	return b.Bytes(), nil
}

// cell defuses what a spreadsheet would calculate: a text that starts with a sign of a formula, in ASCII or full width, blanks before it or not, gets an apostrophe before it,
// as OWASP's page "CSV Injection" has it. Tabs and line breaks, which that page names too, were escaped already.
func cell(s string) string {
	if t := strings.TrimLeft(s, " '"); t != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(t)[0]) {
		return "'" + s
	}
	return s
}

// stamp is a time as reports show it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
