package render

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// DriftCSV is a comparison as a table with a header, one record a line (RFC 4180, with line feeds):
//
//	record   difference, object (one without differences), ignored, access
//	address  the object, or the account of an access record
//	state    the object's; for access gains or loses
//	attribute, spec, live   the difference; a member of a set that one side lacks leaves the other's cell empty. For access the kind of what is gained or lost, and its name under live
//	effect   widens, narrows or changes, of access records
//	file, line   the place in the spec
//	note     why an object is listed or could not be read
//
// A cell that a spreadsheet would take for a formula starts with an apostrophe.
func DriftCSV(f Findings) ([]byte, error) {
	rows := [][]string{{"record", "address", "state", "attribute", "spec", "live", "effect", "file", "line", "note"}}
	for _, it := range f.Drift.Items {
		if told(it) {
			rows = append(rows, itemRecords(it)...)
		}
	}
	for _, c := range f.drifted() {
		for _, n := range c.Gains {
			rows = append(rows, []string{"access", Escape(c.Account), "gains", string(n.Kind), "", Escape(n.Label()), c.Effect(), "", "", ""})
		}
		for _, n := range c.Loses {
			rows = append(rows, []string{"access", Escape(c.Account), "loses", string(n.Kind), "", Escape(n.Label()), c.Effect(), "", "", ""})
		}
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
	for _, d := range differences(it) {
		rows = append(rows, record("difference", d.name, d.spec, d.live, d.at, said(it)))
	}
	if len(rows) == 0 {
		rows = append(rows, record("object", "", "", "", placeIn(it), said(it)))
	}
	for _, name := range it.Ignored {
		rows = append(rows, record("ignored", Escape(name), "", "", ignoredRange(it, name), "lifecycle.ignore_changes"))
	}
	return rows
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
