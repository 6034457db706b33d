package render

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"

	rec "keymaker/reconcile"
)

// todo is one object in each state that somebody has to do something about, and two in which nobody has.
func todo() []rec.DriftItem {
	by := func(who string) *rec.Attribution {
		return &rec.Attribution{Confidence: rec.ConfidenceExact, System: "okta", Actor: who, Event: "e-" + who}
	}
	set := rec.Diff{Name: "label", Live: rec.Text("x"), Want: rec.Text("y"), Gravity: rec.Narrows, Means: []string{"it is called x"}, By: by("mallory")}
	seen := rec.Diff{Name: "secrets", Watched: true, Live: rec.TextSet("ocs1"), Want: rec.Set{}, Removed: []rec.Value{rec.Text("ocs1")}, Gravity: rec.Widens, Means: []string{"whoever has it logs in"},
		Remedy: "delete the secret in Okta", By: by("trudy")}
	own := &rec.Own{System: "neo4j", Kind: "role", Match: "svc_*"}
	return []rec.DriftItem{
		{Addr: addr("neo4j", "role", "fine"), State: rec.InSync, Gravity: rec.Neutral},
		{Addr: addr("neo4j", "role", "foreign"), State: rec.Foreign, Gravity: rec.Neutral},
		{Addr: addr("okta", "app", "missing"), State: rec.Missing, Gravity: rec.Narrows},
		{Addr: addr("okta", "app", "referred"), State: rec.Missing, Gravity: rec.Neutral, Want: rec.Object{Reference: true}},
		{Addr: addr("neo4j", "role", "owned"), State: rec.Extra, Gravity: rec.Neutral, Own: own},
		{Addr: addr("neo4j", "role", "removed"), State: rec.Extra, Gravity: rec.Neutral},
		{Addr: addr("neo4j", "role", "kept"), State: rec.Extra, Gravity: rec.Neutral, Live: rec.Object{Protected: "it gives this session its rights"}},
		{Addr: addr("okta", "app", "set"), State: rec.Drifted, Gravity: rec.Narrows, Diffs: []rec.Diff{set}},
		{Addr: addr("okta", "app", "both"), State: rec.Drifted, Gravity: rec.Changes, Diffs: []rec.Diff{set, seen}},
		{Addr: addr("okta", "app", "watched"), State: rec.Drifted, Gravity: rec.Widens, Diffs: []rec.Diff{seen}},
	}
}

// Every object that is not as it should be says what to do, in every form of the report; what an apply takes back is counted.
func TestReportsSayWhatToDo(t *testing.T) {
	want := map[string]string{
		"fine": "", "foreign": "", "missing": "keymaker apply makes it; or take its block out of the spec", "referred": "make it, or declare it with a block",
		"owned": "declare it, or keymaker apply --prune deletes it", "removed": "keymaker apply deletes it", "kept": "keymaker never deletes it: it gives this session its rights",
		"set": setBack, "both": setBack + " | delete the secret in Okta", "watched": "delete the secret in Okta",
	}
	f := Findings{Drift: rec.Drift{Items: todo()}}
	text := string(text(t, func(w io.Writer) error { return Drift(w, f, Style{Width: 200, Verbose: true}) }))
	for _, it := range f.Drift.Items {
		all := remedies(it)
		if got := strings.Join(all, " | "); got != want[it.Addr.Name] {
			t.Errorf("%s: %q, want %q", it.Addr, got, want[it.Addr.Name])
		}
		for _, l := range all {
			if !strings.Contains(text, "to do: "+l+"\n") {
				t.Errorf("the text does not say of %s: %s", it.Addr, l)
			}
		}
	}
	if n, all := undone(f.Drift); n != 4 || all != 9 {
		t.Errorf("an apply takes back %d of %d, want 4 of 9", n, all)
	}
	for items, want := range map[int]string{0: "", 3: "keymaker apply takes it back.", 4: "keymaker apply takes back 1 of 2 differences; the rest is for people, as each object says."} {
		if got := undoing(rec.Drift{Items: f.Drift.Items[:items]}); got != want {
			t.Errorf("of %d objects: %q, want %q", items, got, want)
		}
	}
	if got := undoing(rec.Drift{Items: f.Drift.Items[9:]}); got != "keymaker apply takes none of it back: it is for people, as each object says." {
		t.Errorf("what is watched only: %q", got)
	}
	f.Drift.Items = f.Drift.Items[8:9]
	for name, write := range map[string]func(Findings) ([]byte, error){"json": DriftJSON, "csv": DriftCSV, "junit": DriftJUnit, "sarif": DriftSARIF, "html": DriftHTML,
		"markdown": func(f Findings) ([]byte, error) { return DriftMarkdown(f), nil }} {
		doc, err := write(f)
		if err != nil || !strings.Contains(string(doc), setBack) || !strings.Contains(string(doc), "delete the secret in Okta") {
			t.Errorf("%s does not say what to do: %v\n%s", name, err, doc)
		}
	}
}

// The gravest comes first for people; what is nobody's, last. Programs get the order of the addresses.
func TestGravestFirst(t *testing.T) {
	items := todo()
	var names []string
	for _, it := range gravest(items) {
		names = append(names, it.Addr.Name)
	}
	want := []string{"watched", "both", "missing", "set", "referred", "owned", "removed", "kept", "fine", "foreign"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	f := Findings{Drift: rec.Drift{Items: items}}
	page, err := DriftHTML(f)
	if err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]string{"html": string(page), "markdown": string(DriftMarkdown(f)), "text": string(text(t, func(w io.Writer) error { return Drift(w, f, Style{}) }))} {
		if a, b := strings.Index(doc, "okta.app.watched"), strings.Index(doc, "okta.app.missing"); a < 0 || b < a {
			t.Errorf("%s: what widens stands at %d, what narrows at %d", name, a, b)
		}
	}
	if got := graveness(f.Drift); got != "1 widens access, 1 changes it both ways, 2 narrow it, 4 leave it" {
		t.Errorf("graveness: %q", got)
	}
}

// Of several differences each says what it means and who made it; where all have one author, that is said once.
func TestDifferencesAreToldApart(t *testing.T) {
	it := todo()[8]
	want := []string{"label   spec y, live x", "  it is called x", "  by mallory, event e-mallory (exact)", "secrets   + ocs1", "  whoever has it logs in", "  by trudy, event e-trudy (exact)"}
	if got := told(it); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	it.Diffs = slices.Clone(it.Diffs)
	it.Diffs[1].By = it.Diffs[0].By
	want = []string{"label   spec y, live x", "  it is called x", "secrets   + ocs1", "  whoever has it logs in", "by mallory, event e-mallory (exact)"}
	if got := told(it); !slices.Equal(got, want) {
		t.Errorf("with one author: got %q, want %q", got, want)
	}
	doc, err := DriftCSV(Findings{Drift: rec.Drift{Items: todo()[8:9]}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(doc))).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][16] != "remedy" || rows[1][16] != setBack || rows[2][16] != "delete the secret in Okta" {
		t.Errorf("%v in %q", err, rows)
	}
}

// What no plan undoes has a rule of its own in SARIF, whose help does not send people to apply.
func TestWatchedDifferencesHaveTheirRule(t *testing.T) {
	doc, err := DriftSARIF(Findings{Drift: rec.Drift{Items: todo()[8:9]}})
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	run := sarifRunOf(t, doc)
	for _, r := range run.Results {
		rules = append(rules, r.Rule+" "+r.Level)
		if r.Rule == "watched" && !strings.HasPrefix(run.Tool.Driver.Rules[r.Index].Help.Text, "keymaker apply does not undo it") {
			t.Errorf("the help is %q", run.Tool.Driver.Rules[r.Index].Help.Text)
		}
	}
	if !slices.Equal(rules, []string{"drifted warning", "watched error"}) {
		t.Errorf("results %q", rules)
	}
}

// A report of very many objects shows the gravest at once and folds the rest into groups, of which each says what it holds; nothing is left out.
func TestManyDetailsAreFolded(t *testing.T) {
	var items []rec.DriftItem
	for i := range 3*openMost - 10 {
		g := []rec.Gravity{rec.Narrows, rec.Widens, rec.Neutral}[i%3]
		items = append(items, rec.DriftItem{Addr: addr("okta", "app", "a"+itoa(i)), State: rec.Missing, Gravity: g})
	}
	doc := htmlOf(Findings{Drift: rec.Drift{Items: items}})
	if len(doc.Details) != 1 || len(doc.Details[0].Objects) != openMost || doc.Details[0].Objects[0].Gravity != "widens" {
		t.Errorf("%d are open", len(doc.Details[0].Objects))
	}
	var texts []string
	for _, fold := range doc.Folds {
		texts = append(texts, fold.Text)
	}
	want := []string{"Objects 51 to 100 of 140: 44 missing (narrows), 6 missing", "Objects 101 to 140 of 140: 40 missing"}
	if !slices.Equal(texts, want) {
		t.Errorf("folds %q, want %q", texts, want)
	}
}

// A result about an account points at the account's block, not at the object that gives everybody something, and also when live nothing is left of what it had.
func TestAccountsArePointedAt(t *testing.T) {
	app, door := addr("okta", "app", "etl"), addr("neo4j", "oidc_provider", "backend")
	account := rec.Node{Kind: rec.NodeAccount, Name: "etl"}
	f := Findings{Accounts: map[string]rec.Addr{"etl": app}, Drift: rec.Drift{Items: []rec.DriftItem{
		{Addr: door, State: rec.InSync, Want: rec.Object{Range: at("specs/neo4j.hcl", 7)}}, {Addr: app, State: rec.InSync, Want: rec.Object{Range: at("specs/etl.hcl", 3)}},
	}}}
	common := rec.Edge{From: account, To: rec.Node{Kind: rec.NodeRole, Name: "PUBLIC"}, Via: door, Common: true}
	own := rec.Edge{From: account, To: rec.Node{Kind: rec.NodeGroup, Name: "g"}, Via: app}
	for name, c := range map[string]struct {
		edges []rec.Edge
		known bool
		want  string
	}{
		"no edge": {nil, true, "specs/etl.hcl"}, "what everybody has": {[]rec.Edge{common}, true, "specs/etl.hcl"}, "by its edges": {[]rec.Edge{common, own}, false, "specs/etl.hcl"},
		"nobody knows": {[]rec.Edge{common}, false, ""},
	} {
		f := f
		f.Edges = c.edges
		if !c.known {
			f.Accounts = nil
		}
		if got := f.signpost().placeOf("etl").Filename; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
