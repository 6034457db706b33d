package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/hashicorp/hcl/v2"

	rec "keymaker/reconcile"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares an output with its file, and holds it to what every output owes: no secret, nothing that acts on a terminal but our own colours.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if bytes.Contains(got, []byte(canary)) {
		t.Errorf("%s: a secret is shown:\n%s", name, got)
	}
	if strings.Contains(string(got), "an echo that must not be shown") && !strings.HasSuffix(name, ".json") {
		t.Errorf("%s: an echo is shown", name)
	}
	inert(t, name, got)
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// inert fails when a text holds anything that could act on a terminal, beside line breaks and the colours 1 to 3, bold and faint.
func inert(t *testing.T, name string, text []byte) {
	t.Helper()
	rest := string(text)
	for _, colour := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[1;33m"} {
		if strings.HasSuffix(name, ".colour") {
			rest = strings.ReplaceAll(rest, colour, "")
		}
	}
	for _, r := range rest {
		if r != '\n' && !unicode.IsPrint(r) || r == unicode.ReplacementChar && !strings.HasSuffix(name, "json") && !strings.HasSuffix(name, "jsonl") {
			t.Errorf("%s: %q stands in the output:\n%q", name, r, text)
			return
		}
	}
}

func text(t *testing.T, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decoded(t *testing.T, doc []byte, err error) map[string]any {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	return m
}

var styles = map[string]Style{
	"txt": {Width: 100}, "narrow": {Width: 40}, "verbose": {Width: 100, Verbose: true}, "colour": {Width: 100, Color: true},
}

func TestPlan(t *testing.T) {
	for name, p := range plans(t) {
		for ext, s := range styles {
			got := text(t, func(w io.Writer) error { return Plan(w, p, kinds(), s) })
			golden(t, "plan-"+name+"."+ext, got)
		}
		doc, err := planJSON(p, kinds())
		decoded(t, doc, err)
		golden(t, "plan-"+name+".json", doc)
	}
}

func TestPlanLastLine(t *testing.T) {
	want := map[string]string{
		"create": "Plan: 4 to create, 0 to update, 0 to delete.", "update": "Plan: 0 to create, 2 to update, 0 to delete.",
		"delete": "Plan: 0 to create, 0 to update, 2 to delete.", "pending": "Plan: 1 to create, 0 to update, 0 to delete.",
		"hostile": "Plan: 0 to create, 1 to update, 0 to delete.", "nothing": "No changes. Live Okta and Neo4j match the spec.", "nothing-to-delete": "Nothing to delete.",
	}
	for name, p := range plans(t) {
		got := text(t, func(w io.Writer) error { return Plan(w, p, kinds(), Style{}) })
		lines := strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")
		if last := lines[len(lines)-1]; last != want[name] {
			t.Errorf("%s: last line %q, want %q", name, last, want[name])
		}
		if (name == "nothing" || name == "nothing-to-delete") && len(lines) != 1 {
			t.Errorf("%s: %d lines, want one", name, len(lines))
		}
	}
}

func TestPlanJSONShape(t *testing.T) {
	for name, p := range plans(t) {
		doc, err := planJSON(p, kinds())
		m := decoded(t, doc, err)
		if m["format_version"] != "1.2" {
			t.Errorf("%s: format_version %v", name, m["format_version"])
		}
		changes := m["resource_changes"].([]any)
		if len(changes) != len(p.Steps) {
			t.Errorf("%s: %d resource changes, want %d", name, len(changes), len(p.Steps))
		}
		for i, c := range changes {
			change := c.(map[string]any)
			if got, want := change["address"], p.Steps[i].Change.Addr().String(); got != strings.ToValidUTF8(want, "\ufffd") {
				t.Errorf("%s: address %q, want %q", name, got, want)
			}
			checkChange(t, name, p.Steps[i].Change, change["change"].(map[string]any))
		}
	}
}

// checkChange holds one change to Terraform's rules: which side is null, and that the marks have the shape of the values.
func checkChange(t *testing.T, name string, c rec.Change, got map[string]any) {
	t.Helper()
	_, creates := c.(rec.Create)
	_, deletes := c.(rec.Delete)
	if (got["before"] == nil) != creates || (got["after"] == nil) != deletes {
		t.Errorf("%s %s: before %v, after %v", name, c.Addr(), got["before"], got["after"])
	}
	for side, mark := range map[string]string{"before": "before_sensitive", "after": "after_sensitive"} {
		object, _ := got[side].(map[string]any)
		if v, ok := object["passphrase"]; ok && (v != nil || got[mark].(map[string]any)["passphrase"] != true) {
			t.Errorf("%s %s: passphrase in %s is %v, marked %v", name, c.Addr(), side, v, got[mark])
		}
	}
}

func TestPlanJSONUnknown(t *testing.T) {
	doc, err := planJSON(createAll(t), kinds())
	for _, c := range decoded(t, doc, err)["resource_changes"].([]any) {
		change := c.(map[string]any)
		if change["address"] != providerAddr.String() {
			continue
		}
		unknown := change["change"].(map[string]any)["after_unknown"].(map[string]any)
		params := unknown["params"].(map[string]any)
		if params["client_id"] != true || params["scope"] != true {
			t.Errorf("after_unknown is %v", unknown)
		}
		if after := change["change"].(map[string]any)["after"].(map[string]any)["params"].(map[string]any); len(after) != 0 {
			t.Errorf("unknown members stand in after: %v", after)
		}
	}
}

func TestDrift(t *testing.T) {
	for name, p := range plans(t) {
		d := p.Drift
		if name == "update" {
			d.Items = append(d.Items, rec.DriftItem{Addr: addr("okta", "policy", "p"), State: rec.Unreadable, Err: errors.New("page 2: 403")},
				rec.DriftItem{Addr: addr("okta", "authorization_server", "default"), State: rec.Missing, Want: rec.Object{Reference: true, Range: at("specs/etl.hcl", 2)}})
		}
		golden(t, "drift-"+name+".txt", text(t, func(w io.Writer) error { return Drift(w, Findings{Drift: d, Access: p.Access}, Style{Width: 100}) }))
		golden(t, "drift-"+name+".colour", text(t, func(w io.Writer) error {
			return Drift(w, Findings{Drift: d, Access: p.Access}, Style{Width: 100, Color: true, Verbose: true})
		}))
		doc, err := DriftJSON(Findings{Drift: d, Access: p.Access})
		decoded(t, doc, err)
		golden(t, "drift-"+name+".json", doc)
	}
}

func TestDriftTellsAccessFromTheOtherSide(t *testing.T) {
	widens := []rec.AccessChange{{Account: "a", Gains: []rec.Node{{Kind: rec.NodeRole, Name: "r"}}}}
	got := string(text(t, func(w io.Writer) error { return Drift(w, Findings{Access: widens}, Style{}) }))
	if !strings.Contains(got, "a   narrows   - role r\n") {
		t.Errorf("converging would widen, so the drift narrowed; got\n%s", got)
	}
}

func TestReport(t *testing.T) {
	for name, r := range reports() {
		verb := Apply
		if name == "destroyed" {
			verb = Destroy
		}
		golden(t, "report-"+name+".txt", text(t, func(w io.Writer) error { return Report(w, r, verb, Style{Width: 100}) }))
		golden(t, "report-"+name+".colour", text(t, func(w io.Writer) error { return Report(w, r, verb, Style{Width: 100, Color: true}) }))
		doc, err := ReportJSON(r, verb)
		decoded(t, doc, err)
		golden(t, "report-"+name+".json", doc)
	}
}

func TestReportFixedWords(t *testing.T) {
	want := map[string]string{
		"complete": "Apply complete: 1 created, 2 updated, 0 deleted.\n", "destroyed": "Destroy complete: 1 deleted.\n",
		"pending": "Apply incomplete: 1 created, 1 updated, 0 deleted, 1 left to people. Do what", "failed": "Apply incomplete: 1 created, 0 updated, 0 deleted, 1 failed, 1 not done. Run the same command again",
		"interrupted": "Apply incomplete: 1 created, 0 updated, 0 deleted, 1 unknown, 1 not done. Run the same command again",
		"hostile":     "Apply incomplete: 0 created, 0 updated, 0 deleted, 1 failed. Run the same", "nothing": "Apply complete: 0 created, 0 updated, 0 deleted.\n",
	}
	for name, r := range reports() {
		verb := Apply
		if name == "destroyed" {
			verb = Destroy
		}
		if got := string(text(t, func(w io.Writer) error { return Report(w, r, verb, Style{}) })); !strings.Contains("\n"+got, "\n"+want[name]) {
			t.Errorf("%s: got\n%s\nwant the line %q", name, got, want[name])
		}
	}
}

// verification is a run that found proofs, and what it took.
func verification(ps []rec.Proof) rec.Verification {
	if len(ps) == 0 {
		return rec.Verification{}
	}
	return rec.Verification{Proofs: ps, Cost: []rec.Tally{{What: "Neo4j login", N: 1}, {What: "Okta request", N: 7}}}
}

func TestProofs(t *testing.T) {
	for name, ps := range proofs() {
		whole := text(t, func(w io.Writer) error {
			return Proofs(w, verification(ps), "neo4j+s://graph.example.com", Style{Width: 100})
		})
		golden(t, "proof-"+name+".txt", whole)
		golden(t, "proof-"+name+".colour", text(t, func(w io.Writer) error { return Proofs(w, verification(ps), "", Style{Width: 100, Color: true}) }))
		if len(ps) == 0 {
			continue
		}
		streamed := text(t, func(w io.Writer) error {
			s := Style{Width: 100}
			errs := []error{ProofHead(w, ps[0].Account, "neo4j+s://graph.example.com", s)}
			for _, h := range ps[0].Hops {
				errs = append(errs, Hop(w, h, s))
			}
			return errors.Join(append(errs, Row(w, ps[0], s), Verdict(w, verification(ps), s))...)
		})
		if !bytes.Equal(streamed, whole) {
			t.Errorf("%s: streamed\n%s\nwhole\n%s", name, streamed, whole)
		}
	}
}

// The texts of a proof's hops begin in one column, whichever connections they are on, and a hop that is shown as it ends stands like the whole.
func TestHopsAlign(t *testing.T) {
	hops := []rec.Hop{
		{Name: "org", On: "okta.eu", Status: rec.HopOK, Text: "T"}, {Name: "discovery", Status: rec.HopOK, Text: "T"},
		{Name: "login", On: "neo4j.us-east", Status: rec.HopSkip, Text: "T"}, {Name: "discovery", On: "neo4j.us-east", Status: rec.HopFail, Text: "T"},
	}
	account := rec.Account{Addr: appAddr}
	whole := string(text(t, func(w io.Writer) error {
		return Proofs(w, rec.Verification{Proofs: []rec.Proof{{Account: account, Hops: hops}}}, "", Style{})
	}))
	column := 0
	for _, h := range hops {
		line := string(text(t, func(w io.Writer) error { return Hop(w, h, Style{Connections: []string{"okta.eu", "neo4j.us-east"}}) }))
		at := strings.Index(line, "T\n")
		if column == 0 {
			column = at
		}
		if at != column || at < 0 || !strings.Contains(whole, line) {
			t.Errorf("%q begins its text in column %d, want %d, in\n%s", line, at, column, whole)
		}
	}
}

func TestEvents(t *testing.T) {
	var b bytes.Buffer
	e := NewEvents(&b)
	for _, ev := range someEvents() {
		e.Observe(ev)
	}
	e.Report(reports()["failed"], Apply)
	e.Verdict(verification(proofs()["broken"]))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, l := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		types = append(types, fmt.Sprint(decoded(t, []byte(l), nil)["type"]))
	}
	if got, want := strings.Join(types, " "), "step_started waiting waiting call_ended call_ended step_ended step_ended hop hop proof report verdict"; got != want {
		t.Errorf("types %q, want %q", got, want)
	}
	golden(t, "events.jsonl", b.Bytes())
}

func someEvents() []rec.Event {
	until := time.Date(2026, 11, 20, 14, 2, 10, 0, time.FixedZone("", 3600))
	broken := proofs()["broken"][0]
	return []rec.Event{
		rec.Started{Addr: appAddr, Action: rec.ActionUpdate, Nth: 3, N: 7},
		rec.Waiting{Addr: appAddr, Reason: "Okta's rate limit (/api/v1/apps)", Until: until},
		rec.Waiting{Reason: hostile, Until: until},
		rec.Called{Addr: appAddr, Op: write("PUT /api/v1/apps/0oa1 " + secret().String()), Took: 180 * time.Millisecond},
		rec.Called{Addr: appAddr, Op: write(hostile), Took: time.Second, Err: fmt.Errorf("%s: create: %w", appAddr, refusal())},
		rec.Finished{Result: reports()["complete"].Results[2]},
		rec.Finished{Result: reports()["failed"].Results[1]},
		rec.Hopped{Account: broken.Account, Hop: broken.Hops[0]},
		rec.Hopped{Account: broken.Account, Hop: broken.Hops[2]},
		rec.Proven{Proof: broken},
	}
}

type brokenPipe struct{ n int }

func (b *brokenPipe) Write(p []byte) (int, error) { b.n++; return 0, io.ErrClosedPipe }

func TestWriteErrors(t *testing.T) {
	var w brokenPipe
	e := NewEvents(&w)
	for _, ev := range someEvents() {
		e.Observe(ev)
	}
	if err := e.Close(); !errors.Is(err, io.ErrClosedPipe) || w.n != 1 {
		t.Errorf("Close gave %v after %d writes, want the first write's error and no other write", err, w.n)
	}
	if err := Plan(&w, createAll(t), kinds(), Style{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Plan gave %v", err)
	}
}

func TestDiagnostics(t *testing.T) {
	files := specFiles(t)
	for ext, s := range styles {
		golden(t, "diagnostics."+ext, text(t, func(w io.Writer) error { return Diagnostics(w, mistakes(), files, s) }))
	}
	doc, err := DiagnosticsJSON(mistakes(), files)
	m := decoded(t, doc, err)
	if m["valid"] != false || m["error_count"] != 3.0 || m["warning_count"] != 1.0 {
		t.Errorf("valid %v, errors %v, warnings %v", m["valid"], m["error_count"], m["warning_count"])
	}
	golden(t, "diagnostics.json", doc)
	doc, err = DiagnosticsJSON(nil, nil)
	golden(t, "diagnostics-none.json", doc)
	if m := decoded(t, doc, err); m["valid"] != true {
		t.Errorf("no diagnostics: valid %v", m["valid"])
	}
}

func TestDiagnosticsJSONHighlight(t *testing.T) {
	doc, err := DiagnosticsJSON(mistakes()[:1], specFiles(t))
	d := decoded(t, doc, err)["diagnostics"].([]any)[0].(map[string]any)
	s := d["snippet"].(map[string]any)
	code, from, to := s["code"].(string), int(s["highlight_start_offset"].(float64)), int(s["highlight_end_offset"].(float64))
	if code[from:to] != "REED" {
		t.Errorf("the highlight is %q of %q", code[from:to], code)
	}
	if s["context"] != `neo4j "role" "etl_writer"` || len(s["values"].([]any)) != 0 {
		t.Errorf("context %v, values %v", s["context"], s["values"])
	}
}

func TestError(t *testing.T) {
	files := specFiles(t)
	place := func(a rec.Addr, field string) hcl.Range {
		if a == roleAddr || field == "value" {
			return *rangeOf("grant")
		}
		return hcl.Range{}
	}
	missing := &rec.MissingReference{Addr: roleAddr}
	cases := map[string]error{
		"plain": errors.New("okta: read: connection refused"), "lines": errors.New("first\nsecond " + hostile), "refusal": fmt.Errorf("okta.app.x: read: %w", refusal()),
		"bare-refusal": refusal(), "joined": errors.Join(missing, refusal(), errors.New("third")), "diagnostics": fmt.Errorf("load: %w", mistakes()[:1]),
		"one-diagnostic": mistakes()[0], "missing": missing, "secret": fmt.Errorf("open %v", secret()),
	}
	for name, e := range cases {
		got := text(t, func(w io.Writer) error { return Error(w, e, Style{Width: 100}, files, place) })
		if !bytes.HasPrefix(got, []byte("Error: ")) {
			t.Errorf("%s does not start with Error: %s", name, got)
		}
		golden(t, "error-"+name+".txt", got)
	}
	for name, r := range reports() {
		for i, res := range r.Results {
			got := text(t, func(w io.Writer) error { return Failure(w, res, Style{Width: 100}, files, place) })
			if (res.Err == nil) != (len(got) == 0) {
				t.Errorf("%s %d: error %v gave %q", name, i, res.Err, got)
			}
			if res.Err != nil {
				golden(t, "failure-"+name+".txt", got)
			}
		}
	}
}

// TestPlanJSONUpdatesOnlyDiffs holds the JSON to what an update does: nothing to an attribute that lifecycle.ignore_changes names, nothing to siblings of owned keys,
// and the whole of a map that is compared as one.
func TestPlanJSONUpdatesOnlyDiffs(t *testing.T) {
	want := wantApp()
	want.Lifecycle.IgnoreChanges = []string{"label"}
	live := object(appAddr, hcl.Range{}, attr("label", rec.Text("live label")), attr("profile", rec.Map{"sibling": rec.Text("stays")}),
		attr("settings", rec.Map{"gone": rec.Flag(true)}))
	doc, err := planJSON(planOf(t, []rec.Object{want}, []rec.Object{live}, rec.Policy{}, nil), kinds())
	change := decoded(t, doc, err)["resource_changes"].([]any)[0].(map[string]any)["change"].(map[string]any)
	after := change["after"].(map[string]any)
	if after["label"] != "live label" {
		t.Errorf("an ignored attribute becomes %v", after["label"])
	}
	if after["profile"].(map[string]any)["sibling"] != "stays" {
		t.Errorf("a sibling key is lost: %v", after["profile"])
	}
	if _, stays := after["settings"].(map[string]any)["gone"]; stays {
		t.Errorf("a key of a wholly compared map stays: %v", after["settings"])
	}
	if before := change["before"].(map[string]any)["profile"].(map[string]any); len(before) != 1 {
		t.Errorf("before was changed too: %v", before)
	}
}

// planJSON is the document that PlanJSON writes.
func planJSON(p rec.Plan, kinds []rec.Kind) ([]byte, error) {
	var b bytes.Buffer
	err := PlanJSON(&b, p, kinds)
	return b.Bytes(), err
}

// A call of several lines, as a transaction is, stands below its first line as it would be written, and not with the escapes of its line ends.
func TestFailureShowsEachLineOfACall(t *testing.T) {
	res := rec.Result{Addr: roleAddr, Action: rec.ActionCreate, Status: rec.StatusFailed, Err: errors.New("refused"), Call: "BEGIN\nCREATE ROLE a\u202e"}
	got := string(text(t, func(w io.Writer) error { return Failure(w, res, Style{Width: 100}, nil, nil) }))
	if want := "The call was BEGIN\n  CREATE ROLE a\\u202e\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant it to end in\n%s", got, want)
	}
}
