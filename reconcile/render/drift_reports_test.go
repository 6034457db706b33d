package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	rec "keymaker/reconcile"
)

// findings are the drifts of the plans, one with objects in every state.
func findings(t *testing.T) map[string]Findings {
	all := make(map[string]Findings)
	for name, p := range plans(t) {
		f := Findings{Drift: p.Drift, Access: p.Access, Targets: p.Targets, Edges: someEdges(), Version: "0.1.0", At: time.Date(2026, 11, 20, 17, 42, 0, 0, time.UTC)}
		if name == "update" {
			f.Drift.Items = append(slices.Clone(f.Drift.Items), rec.DriftItem{Addr: addr("okta", "policy", "p"), State: rec.Unreadable, Err: errors.New("page 2: 403"), Want: rec.Object{Range: at("specs/etl.hcl", 40)}},
				rec.DriftItem{Addr: addr("okta", "authorization_server", "default"), State: rec.Missing, Want: rec.Object{Reference: true, Range: at("specs/etl.hcl", 2)}},
				rec.DriftItem{Addr: addr("neo4j", "role", "svc_old"), State: rec.Extra, Own: &rec.Own{System: "neo4j", Kind: "role", Match: "svc_*", Range: at("specs/own file.hcl", 1)}},
				rec.DriftItem{Addr: addr("okta", "policy", "watched"), State: rec.Drifted, Want: rec.Object{Range: at("specs/etl.hcl", 44)}, Gravity: rec.Widens, By: &rec.Attribution{Confidence: rec.ConfidenceObject,
					System: "okta", Actor: "mallory@example.com", At: time.Date(2026, 11, 20, 16, 1, 2, 0, time.UTC), Event: "8f1c", What: "policy.rule.add"},
					Diffs: []rec.Diff{{Name: "rules", Live: rec.TextSet("night " + hostile), Want: rec.Set{}, Removed: []rec.Value{rec.Text("night " + hostile)}, Field: rec.Field{Name: "rules"}, Watched: true, Sources: []string{"0pr1"},
						Gravity: rec.Widens, Means: []string{"rule night decides before ours", "=tokens " + hostile}, By: &rec.Attribution{Confidence: rec.ConfidenceExact, System: "okta", Actor: hostile, Event: "9a"}}}},
				rec.DriftItem{Addr: addr("okta", "scope", "lost"), State: rec.Missing, Want: rec.Object{Range: at("specs/etl.hcl", 48)}, Gravity: rec.Narrows, Means: []string{"scope lost is deleted"},
					By: &rec.Attribution{Confidence: rec.ConfidenceNone, System: "okta", Why: "no change to it is in the System Log since 2026-08-22"}},
				rec.DriftItem{Addr: addr("okta", "app", "somebodys"), State: rec.Foreign, Gravity: rec.Neutral},
				rec.DriftItem{Addr: addr("okta", "app", "noplace"), State: rec.Missing, Gravity: rec.Unknown},
				rec.DriftItem{Addr: addr("neo4j", "role", "gone"), State: rec.Extra, Want: rec.Object{Absent: true, Range: at("/abs/own.hcl", 9)}})
		}
		if name == "update" {
			f.Remarks = []string{"Okta: client secrets are not watched, since the System Log was not asked."}
			f.Homes = map[string]hcl.Range{"okta": at("specs/main.hcl", 1)}
			f.Checks = someChecks()
		}
		all[name] = f
	}
	return all
}

// someChecks are a finding with both sides in the spec that breaks a login, one with a live other side, one without any place, and one of hostile names.
func someChecks() []rec.Finding {
	span := func(file string, line int) hcl.Range {
		r := at(file, line)
		r.End.Byte = 1
		return r
	}
	return []rec.Finding{
		{Check: rec.CheckScope, Breaks: "scopes", Accounts: []string{"neo4j-etl", "neo4j-web"}, Summary: "Account neo4j-etl does not get scope neo4j_groups", Addr: scopeAddr, Range: span("specs/etl.hcl", 20),
			Detail: "The claim groups comes with scope neo4j_groups only, and the rule that decides does not give it.", Remedy: `Add "neo4j_groups" to the scopes of the rule.`,
			Other: providerAddr, OtherText: "the provider that reads the claim", OtherRange: span("specs/neo4j.hcl", 3)},
		{Check: rec.CheckDeniedGrant, Summary: "A denial beats WRITE ON GRAPH `neo4j`", Addr: roleAddr, Range: span("specs/roles.hcl", 11), Detail: "Role frozen denies it.", Remedy: "Remove one of the two.",
			Other: addr("neo4j", "role", "frozen"), OtherText: "the role that denies it"},
		{Check: rec.CheckLifetime, Summary: "Tokens end early", Addr: providerAddr, Detail: "They live 5m, and Neo4j keeps logins for 10m.", Remedy: "Let tokens live longer."},
		{Check: rec.CheckUnmappedGroup, Accounts: []string{hostile}, Summary: hostile, Addr: rec.Addr{System: "okta", Kind: "app", Name: "app", Key: hostile}, Range: span("specs/"+hostile+".hcl", 2), Detail: hostile,
			Remedy: hostile, Other: rec.Addr{System: "okta", Kind: "app", Name: hostile}, OtherText: hostile, OtherRange: span("specs/"+hostile+".hcl", 3)},
	}
}

// Every form of the report tells what the checks found, with the places on both sides.
func TestDriftReportsTellTheChecks(t *testing.T) {
	f := Findings{Checks: someChecks()[:1], At: time.Unix(0, 0)}
	for name, write := range map[string]func(Findings) ([]byte, error){"json": DriftJSON, "csv": DriftCSV, "junit": DriftJUnit, "sarif": DriftSARIF, "html": DriftHTML,
		"markdown": func(f Findings) ([]byte, error) { return DriftMarkdown(f), nil }} {
		doc, err := write(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{rec.CheckScope, "neo4j-etl", "specs/etl.hcl", "20", "specs/neo4j.hcl", "3", "scopes", "Add "} {
			if !strings.Contains(string(doc), want) {
				t.Errorf("%s: no %s in\n%s", name, want, doc)
			}
		}
		f := f
		f.Checks = nil
		if doc, err = write(f); err != nil || strings.Contains(string(doc), "neo4j-etl") {
			t.Errorf("%s without findings: %v\n%s", name, err, doc)
		}
	}
}

// Every check has its rule in SARIF, in the schema and no other.
func TestEveryCheckIsKnownToTheReports(t *testing.T) {
	schema := compiled(t, "urn:keymaker:schema:drift:1", DriftSchema())
	var rules []string
	for _, r := range checkRules() {
		rules = append(rules, r.ID)
	}
	if !slices.Equal(rules, rec.Checks()) {
		t.Errorf("SARIF has the rules %q, want %q", rules, rec.Checks())
	}
	for _, check := range append(rec.Checks(), "another") {
		f := Findings{Checks: someChecks()[:1]}
		f.Checks[0].Check = check
		doc, err := DriftJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(schema, doc); (err == nil) != (check != "another") {
			t.Errorf("%s: %v", check, err)
		}
	}
}

func TestDriftReports(t *testing.T) {
	for name, f := range findings(t) {
		golden(t, "drift-"+name+".md", DriftMarkdown(f))
		wellFormed(t, DriftMarkdown(f))
		for ext, write := range map[string]func(Findings) ([]byte, error){"csv": DriftCSV, "junit.xml": DriftJUnit, "sarif.json": DriftSARIF, "html": DriftHTML} {
			got, err := write(f)
			if err != nil {
				t.Fatal(err)
			}
			if ext == "html" && name != "update" {
				got = bare(got)
			}
			golden(t, "drift-"+name+"."+ext, got)
		}
	}
}

// bare is a page without its style and script, and so without their hashes: one golden file has the whole of them, and the others do not change with them.
func bare(page []byte) []byte {
	for _, raw := range []string{"style", "script"} {
		page = regexp.MustCompile("(?s)<"+raw+">.*?</"+raw+">").ReplaceAll(page, []byte("<"+raw+"></"+raw+">"))
	}
	return regexp.MustCompile("'sha256-[^']*'|&#39;sha256-.*?&#39;").ReplaceAll(page, []byte("'sha256-'"))
}

func TestDriftCSVRecords(t *testing.T) {
	f := findings(t)["update"]
	doc, err := DriftCSV(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(doc)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	for _, row := range rows[1:] {
		told[row[1]] = true
	}
	for _, it := range f.Drift.Items {
		if !told[it.Addr.String()] {
			t.Errorf("%s has no record", it.Addr)
		}
	}
	for in, want := range map[string]string{"=1+1": "'=1+1", "+x": "'+x", "-x": "'-x", "@x": "'@x", " =x": "' =x", "'=x": "''=x", "＝x": "'＝x", "plain": "plain", "": "", "a=b": "a=b"} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}

func compiled(t *testing.T, file string, doc []byte) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(file, schema); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(s *jsonschema.Schema, doc []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func TestDriftJSONSchema(t *testing.T) {
	schema := compiled(t, "urn:keymaker:schema:drift:1", DriftSchema())
	for name, f := range findings(t) {
		doc, err := DriftJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(schema, doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for from, to := range map[string]string{`"state": "`: `"state": "un`, `"format_version": "1.0"`: `"format_version": 1`, `"unreadable": `: `"unreadabel": `} {
			if broken := strings.Replace(string(doc), from, to, 1); broken != string(doc) && valid(schema, []byte(broken)) == nil {
				t.Errorf("%s: the schema takes %s", name, to)
			}
		}
	}
}

// The schema in testdata/sarif is OASIS's own, from github.com/oasis-tcs/sarif-spec. What it cannot say (a result's rule is the one at its index, fingerprints tell results apart) is
// checked beside it.
func TestDriftSARIFIsValid(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "sarif", "sarif-schema-2.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	schema := compiled(t, sarifSchema, text)
	for name, f := range findings(t) {
		doc, err := DriftSARIF(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(schema, doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		run := sarifRunOf(t, doc)
		prints := make(map[string]bool)
		for _, r := range run.Results {
			if run.Tool.Driver.Rules[r.Index].ID != r.Rule || r.Message.Text == "" {
				t.Errorf("%s: rule %s at %d, message %q", name, r.Rule, r.Index, r.Message.Text)
			}
			if r.Locations[0].Physical == nil { // code scanning refuses it
				t.Errorf("%s: %q is in no file", name, r.Message.Text)
			}
			if p := r.Fingerprints["keymaker/v1"]; len(p) != 64 || prints[p] {
				t.Errorf("%s: fingerprint %q of %q is empty or not its own", name, p, r.Message.Text)
			} else {
				prints[p] = true
			}
		}
	}
	doc, _ := DriftSARIF(findings(t)["update"])
	for _, want := range []string{`"uri": "specs/own%20file.hcl"`, `"uri": "file:///abs/own.hcl"`, `"startLine": 12`, `"executionSuccessful": false`} {
		if !strings.Contains(string(doc), want) {
			t.Errorf("no %s in\n%s", want, doc)
		}
	}
	if broken := strings.Replace(string(doc), `"ruleIndex": 0`, `"ruleIndex": "0"`, 1); valid(schema, []byte(broken)) == nil {
		t.Error("the schema takes anything")
	}
}

func sarifRunOf(t *testing.T, doc []byte) sarifRun {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal(doc, &log); err != nil || len(log.Runs) != 1 {
		t.Fatalf("%v, %d runs", err, len(log.Runs))
	}
	return log.Runs[0]
}

func TestDriftSARIFPointsAccountsAtTheirBlocks(t *testing.T) {
	doc, err := DriftSARIF(findings(t)["update"])
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range sarifRunOf(t, doc).Results {
		if strings.HasPrefix(r.Rule, "access") {
			if p := r.Locations[0].Physical; p == nil || p.Artifact.URI != "specs/etl.hcl" || p.Region.Start != 12 {
				t.Errorf("%s points at %+v", r.Message.Text, p)
			}
			return
		}
	}
	t.Error("no result about access")
}

func TestJUnitCounts(t *testing.T) {
	f := findings(t)["update"]
	doc, err := DriftJUnit(f)
	s := suitesOf(t, doc, err)
	bad := f.Drift.Count(rec.Drifted) + f.Drift.Count(rec.Missing) + f.Drift.Count(rec.Extra) + 1 // a missing reference, which Count leaves out
	// One account gained, and one finding of the checks breaks a login.
	if tests := len(f.Drift.Items) + 1 + len(f.Checks); s.Errors != 1 || s.Failures != bad+2 || s.Tests != tests {
		t.Errorf("%d tests, %d failures, %d errors; want %d, %d, 1", s.Tests, s.Failures, s.Errors, tests, bad+2)
	}
	for name, ps := range proofs() {
		doc, err := ProofsJUnit(ps)
		s := suitesOf(t, doc, err)
		golden(t, "proof-"+name+".junit.xml", doc)
		golden(t, "proof-"+name+".md", ProofsMarkdown(verification(ps), "neo4j+s://graph.example.com"))
		wellFormed(t, ProofsMarkdown(verification(ps), "x"))
		if name == "broken" && (s.Tests != 5 || s.Failures != 1 || s.Suites[0].Skipped != 2) {
			t.Errorf("broken: %d tests, %d failures, %d skipped", s.Tests, s.Failures, s.Suites[0].Skipped)
		}
	}
}

func suitesOf(t *testing.T, doc []byte, err error) junitSuites {
	t.Helper()
	var s junitSuites
	if err == nil {
		err = xml.Unmarshal(doc, &s)
	}
	if err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	return s
}

func FuzzDriftReports(f *testing.F) {
	for _, s := range append(slices.Clone(seeds), "<script>alert(1)</script>", "]]>", "--><b>", "=cmd|' /C calc'!A0", "\"", "\\", "&lt;", "</svg>", "%2e%2e/..", "{{.}}") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in := namedFindings(s)
		page, err := DriftHTML(in)
		if err != nil {
			t.Fatal(err)
		}
		accessible(t, "html", page)
		inert(t, "html", page)
		doc, err := DriftCSV(in)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(doc)).ReadAll()
		if err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		for _, row := range rows {
			for _, c := range row {
				if len(c) > 0 && strings.ContainsRune("=+-@\t\r\n", rune(c[0])) {
					t.Errorf("a cell is %q", c)
				}
			}
		}
		doc, err = DriftJUnit(in)
		suitesOf(t, doc, err)
		inert(t, "junit", doc)
		if doc, err = DriftSARIF(in); err != nil || !json.Valid(doc) {
			t.Errorf("SARIF: %v", err)
		}
		dot := AccessDOT(in.Edges, nil, "")
		inert(t, "dot", dot)
		dotWellFormed(t, dot)
	})
}
