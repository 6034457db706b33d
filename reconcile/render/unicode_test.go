package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/hashicorp/hcl/v2"

	rec "keymaker/reconcile"
)

// everyClass is a name for each class of Unicode, with its first and last characters, and names that are of no class: broken UTF-8, surrogates as some write them, very
// long ones, and what other formats take for more than text.
func everyClass() []string {
	var names []string
	for _, tables := range []map[string]*unicode.RangeTable{unicode.Categories, unicode.Properties} {
		for _, class := range slices.Sorted(maps.Keys(tables)) {
			var runes []rune
			for _, r := range tables[class].R16 {
				runes = append(runes, rune(r.Lo), rune(r.Hi))
			}
			for _, r := range tables[class].R32 {
				runes = append(runes, rune(r.Lo), rune(r.Hi))
			}
			if len(runes) > 24 {
				runes = append(runes[:12], runes[len(runes)-12:]...)
			}
			names = append(names, "a"+string(runes)+"b", string(runes[0]))
		}
	}
	return append(names, "\xed\xa0\x80\xed\xb0\x80", "\xff\xfe", "\xc0\xaf", "a\r\nb", "\x00", "\x1b]8;;http://x\x1b\\", "\u202e\u2066\u2069", "\ufeff", "e\u0301\u0301\u0301",
		strings.Repeat("very long ", 3000), strings.Repeat("\u202e", 500), "=1+1", "+1", "-1", "@x", "\t=1", "$(id)", "`id`", "';id;'", "\"", "\\", "%0a", "${x}", "{{.}}", "<!--", "]]>")
}

// everyOutput writes a name from outside, in every place that one can come to, through every form of output; by the form's name.
func everyOutput(t *testing.T, s string) map[string][]byte {
	t.Helper()
	out := make(map[string][]byte)
	page := func(name string, write func(io.Writer) error) { out[name] = text(t, write) }
	doc := func(name string, b []byte, err error) {
		if err != nil {
			t.Fatalf("%s of %q: %v", name, s, err)
		}
		out[name] = b
	}
	plan, found := namedPlan(s, 2), namedFindings(s)
	addr := rec.Addr{System: s, Kind: s, Name: s, Key: s}
	account := rec.Account{Addr: addr, Name: s, Lacks: s}
	proof := rec.Proof{Account: account, Row: s, Hops: []rec.Hop{{Name: s, Status: rec.HopFail, Text: s, Expected: s, Came: s, Likely: []string{s}, See: s}}}
	refusal := &rec.Refusal{Call: s, Answer: s, Causes: []string{s, s}, ID: s, Remedy: s, Field: s, Err: errors.New(s)}
	failed := rec.Result{Addr: addr, Action: rec.ActionCreate, Status: rec.StatusFailed, Err: refusal, Call: s, Said: s, After: s, Pending: []string{s}}
	moved := rec.Result{Addr: addr, Action: rec.ActionDelete, Status: rec.StatusNotDone, Err: &rec.MovedError{Moves: []rec.Move{{Addr: addr, Attr: s, Planned: rec.Text(s), Now: rec.TextSet(s)}}, Calls: []rec.Addr{addr}}}
	report := rec.Report{Results: []rec.Result{failed, moved, {Addr: addr, Action: rec.ActionUpdate, Status: rec.StatusDone, Said: s, Pending: []string{s}}}}
	diags := hcl.Diagnostics{{Severity: hcl.DiagError, Summary: s, Detail: s, Subject: &hcl.Range{Filename: s, Start: hcl.Pos{Line: 1, Column: 1}, End: hcl.Pos{Line: 1, Column: 2, Byte: 1}}}}
	files := map[string]*hcl.File{s: {Bytes: []byte(s + "\n" + s)}}

	page("plan", func(w io.Writer) error { return Plan(w, plan, kinds(), Style{}) })
	b, err := planJSON(plan, kinds())
	doc("plan.json", b, err)
	page("drift", func(w io.Writer) error { return Drift(w, found, Style{}) })
	b, err = DriftJSON(found)
	doc("drift.json", b, err)
	from := rec.Source{Addr: addr, Text: s}
	tokens := []rec.Token{{Account: rec.Node{Kind: rec.NodeAccount, Name: s}, Server: from, Scopes: []rec.Scope{{Name: s, By: from}},
		Claims: []rec.Claim{{Name: s, Values: []string{s}, Known: true, By: from, At: []rec.Source{from}}, {Name: s, By: from}}}}
	page("access", func(w io.Writer) error { return AccessText(w, found.Edges, tokens, "", Style{}) })
	page("access-one", func(w io.Writer) error { return AccessText(w, found.Edges, tokens, s, Style{}) })
	b, err = AccessJSON(found.Edges, tokens, "")
	doc("access.json", b, err)
	b, err = AccessCSV(found.Edges, tokens, "")
	doc("access.csv", b, err)
	b, err = DriftCSV(found)
	doc("drift.csv", b, err)
	page("diagnostics", func(w io.Writer) error { return Diagnostics(w, diags, files, Style{}) })
	b, err = DiagnosticsJSON(diags, files)
	doc("diagnostics.json", b, err)
	page("report", func(w io.Writer) error { return Report(w, report, Apply, Style{}) })
	b, err = ReportJSON(report, Destroy)
	doc("report.json", b, err)
	for name, err := range map[string]error{"error": refusal, "plain-error": errors.New(s), "moved": moved.Err, "diags": diags} {
		page(name, func(w io.Writer) error { return Error(w, err, Style{}, files, nil) })
	}
	page("failure", func(w io.Writer) error { return Failure(w, failed, Style{}, files, nil) })
	page("proofs", func(w io.Writer) error { return Proofs(w, rec.Verification{Proofs: []rec.Proof{proof}}, s, Style{}) })
	page("events.jsonl", func(w io.Writer) error {
		e := NewEvents(w)
		for _, ev := range []rec.Event{rec.Started{Addr: addr}, rec.Called{Addr: addr, Op: write(s), Err: errors.New(s)}, rec.Waiting{Addr: addr, Reason: s, Until: time.Unix(0, 0)},
			rec.Finished{Result: failed}, rec.Hopped{Account: account, Hop: proof.Hops[0]}, rec.Proven{Proof: proof}} {
			e.Observe(ev)
		}
		e.Report(report, Apply)
		e.Verdict(rec.Verification{Proofs: []rec.Proof{proof}})
		return e.Close()
	})
	page("outputs", func(w io.Writer) error { return Outputs(w, []Output{{Name: s, Value: rec.Text(s)}}, Style{}) })
	return out
}

// checkOutputs demands that nothing of a name acts: no control or invisible character stands in any output, JSON is JSON, and no cell is a formula.
func checkOutputs(t *testing.T, s string) {
	t.Helper()
	s = strings.ReplaceAll(s, string(unicode.ReplacementChar), "?") // shown as it is, and not to be told from one that a renderer makes
	for name, b := range everyOutput(t, s) {
		inert(t, name, bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
		switch {
		case strings.HasSuffix(name, ".jsonl"):
			for line := range bytes.Lines(b) {
				if !json.Valid(line) {
					t.Errorf("%s of %q: no JSON: %s", name, s, line)
				}
			}
		case strings.HasSuffix(name, ".json"):
			if !json.Valid(b) {
				t.Errorf("%s of %q is no JSON", name, s)
			}
		case strings.HasSuffix(name, ".csv"):
			rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
			if err != nil {
				t.Errorf("%s of %q: %v", name, s, err)
			}
			for _, cell := range slices.Concat(rows...) {
				if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
					t.Errorf("%s: a cell is %q", name, cell)
				}
			}
		}
	}
}

// Names of every class of Unicode come out harmless everywhere.
func TestEveryClassOfNameIsInert(t *testing.T) {
	for _, s := range everyClass() {
		checkOutputs(t, s)
		if t.Failed() {
			return // one name is enough to see
		}
	}
}

func FuzzOutputs(f *testing.F) {
	for _, s := range everyClass() {
		if len(s) < 1000 {
			f.Add(s)
		}
	}
	f.Fuzz(checkOutputs)
}
