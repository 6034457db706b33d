package render

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	rec "keymaker/reconcile"
)

func TestPlanMarkdown(t *testing.T) {
	for name, p := range plans(t) {
		got := PlanMarkdown(p, kinds())
		golden(t, "plan-"+name+".md", got)
		wellFormed(t, got)
		if again := PlanMarkdown(p, kinds()); !bytes.Equal(got, again) {
			t.Errorf("%s: twice the same plan gives two texts", name)
		}
	}
}

// A line that opens a code block, and the tags of ours; everything else outside of code is our words.
var (
	fenceLine = regexp.MustCompile("^(`{3,})([a-z]*)$")
	ownTags   = regexp.MustCompile(`</?(details|summary)>|<details open>|<code>[^<>]*</code>`)
)

// wellFormed reads Markdown as CommonMark does and holds it to what a comment owes: not too long, every fence and tag closed, and nothing from outside but in code.
func wellFormed(t *testing.T, md []byte) {
	t.Helper()
	if len(md) > 65536 {
		t.Fatalf("%d bytes", len(md))
	}
	fence, details := "", 0
	for _, l := range strings.Split(string(md), "\n") {
		m := fenceLine.FindStringSubmatch(l)
		switch {
		case fence == "" && m != nil:
			fence = m[1]
		case fence != "" && strings.Trim(l, "`") == "" && len(l) >= len(fence):
			if l != fence {
				t.Fatalf("a fence of %s is closed by %q", fence, l)
			}
			fence = ""
		case fence == "":
			rest := l // in an HTML block backticks mean nothing
			if !strings.HasPrefix(l, "<details") {
				rest = withoutSpans(l)
			}
			details += strings.Count(rest, "<details") - strings.Count(rest, "</details>")
			rest = strings.TrimPrefix(ownTags.ReplaceAllString(rest, ""), "~ ")
			if i := strings.IndexAny(rest, "<>@[]!&_~|$\\`"); i >= 0 {
				t.Fatalf("%q stands outside of code in %q", rest[i:], l)
			}
		}
	}
	if fence != "" || details != 0 {
		t.Fatalf("open at the end: fence %q, %d details in\n%s", fence, details, md)
	}
}

// withoutSpans takes code spans out of a line: a run of backticks opens one that the next run of the same length closes (CommonMark 0.31, 6.1).
func withoutSpans(l string) string {
	runs := regexp.MustCompile("`+").FindAllStringIndex(l, -1)
	out, from := "", 0
	for i := 0; i < len(runs); i++ {
		for j := i + 1; j < len(runs); j++ {
			if runs[j][1]-runs[j][0] == runs[i][1]-runs[i][0] {
				out += l[from:runs[i][0]]
				from, i = runs[j][1], j
				break
			}
		}
	}
	return out + l[from:]
}

// many is a plan that a comment cannot hold.
func many(t *testing.T, n int) rec.Plan {
	var want []rec.Object
	for i := range n {
		a := addr("okta", "app", fmt.Sprintf("app-%04d", i))
		want = append(want, object(a, at("specs/etl.hcl", i+1), attr("label", rec.Text(strings.Repeat("x", 100))), attr("profile", rec.Map{"groups": rec.TextSet("a", "b", "c")})))
	}
	return planOf(t, want, nil, rec.Policy{}, func(s *rec.Step) { s.Hazards = []rec.Hazard{{Kind: rec.HazardWidens, Text: s.Change.Addr().String()}} })
}

func TestPlanMarkdownCut(t *testing.T) {
	const n = 2000
	got := PlanMarkdown(many(t, n), kinds())
	wellFormed(t, got)
	shown := strings.Count(string(got), "<details>")
	if want := fmt.Sprintf("**%d more objects**", n-shown); shown < 100 || !strings.Contains(string(got), want) {
		t.Errorf("%d objects are shown, and %q is not said", shown, want)
	}
	hazards := strings.Count(string(got), "- `widens access` ")
	if want := fmt.Sprintf("- and %d more hazards\n", n-hazards); hazards < 20 || !strings.Contains(string(got), want) {
		t.Errorf("%d hazards are shown, and %q is not said", hazards, want)
	}
	wellFormed(t, PlanMarkdown(namedPlan(strings.Repeat("é`", 20000), 3), kinds()))
	small := PlanMarkdown(many(t, 30), kinds())
	if strings.Contains(string(small), "more objects") || strings.Count(string(small), "<details>") != 30 {
		t.Error("30 objects are cut")
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range append(slices.Clone(seeds), "```\n</details>", "<script>", "@org/team #1", "`", "``x`", "` ", "<!--", "a</summary>", "|", strings.Repeat("`", 1100), strings.Repeat("é", 700)) {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		plan := PlanMarkdown(namedPlan(s, n), kinds())
		wellFormed(t, plan)
		inert(t, "markdown", plan)
		wellFormed(t, DriftMarkdown(namedFindings(s)))
		wellFormed(t, ProofsMarkdown(rec.Verification{Proofs: []rec.Proof{{Account: rec.Account{Addr: rec.Addr{System: s, Kind: s, Name: s}, Name: s}, Row: s,
			Hops: []rec.Hop{{Name: s, Status: rec.HopFail, Text: s, Expected: s, Came: s, Likely: []string{s}, See: s}}}}}, s))
	})
}

// namedPlan has a name from outside in every place that a live name can come to.
func namedPlan(s string, n int) rec.Plan {
	a := rec.Addr{System: "okta", Kind: "app", Name: s, Key: s}
	p := rec.Plan{Targets: []rec.Target{{System: "okta", Title: s, URL: s, Product: s}}, Kept: []rec.Kept{{Addr: a, Why: s}}}
	for range min(max(n, 0), 20) {
		want := object(a, at(s+".hcl", 1), attr("label", rec.Text(s)), attr("profile", rec.Map{s: rec.TextSet(s, s+"x")}))
		live := object(a, hcl.Range{}, attr("label", rec.Text(s+"y")), attr("profile", rec.Map{s: rec.Text(s)}))
		d := rec.Compare(kinds(), []rec.Object{want}, rec.Live{Objects: []rec.Object{live}})
		d.Items[0].Ignored = []string{s}
		p.Drift.Items = append(p.Drift.Items, d.Items...)
		p.Steps = append(p.Steps, rec.Step{Change: rec.Update{Live: live, Want: want, Diffs: d.Items[0].Diffs}, Ops: []rec.Op{write(s)}, Pending: []string{s},
			Notes: []rec.Note{{Label: s, Text: s}, {Text: s}}, Hazards: []rec.Hazard{{Kind: rec.HazardKind(s), Text: s}}})
	}
	p.Access = []rec.AccessChange{{Account: s, Gains: []rec.Node{{Kind: rec.NodeRole, Name: s}}, Loses: []rec.Node{{Kind: rec.NodeDenial, Name: s}}}}
	return p
}

func namedFindings(s string) Findings {
	p := namedPlan(s, 1)
	var edges []rec.Edge
	ks := []rec.NodeKind{rec.NodeAccount, rec.NodeGroup, rec.NodeRole, rec.NodePrivilege, rec.NodeDenial}
	for i := range ks[1:] {
		edges = append(edges, rec.Edge{From: rec.Node{Kind: ks[i], Name: s}, To: rec.Node{Kind: ks[i+1], Name: s}, Via: rec.Addr{System: s, Kind: s, Name: s}})
	}
	edges = append(edges, rec.Edge{From: edges[0].To, To: edges[0].From}) // a circle, which no system makes
	items := append(p.Drift.Items, rec.DriftItem{Addr: p.Drift.Items[0].Addr, State: rec.Unreadable, Err: errors.New(s)},
		rec.DriftItem{Addr: p.Drift.Items[0].Addr, State: rec.Extra, Own: &rec.Own{System: s, Kind: s, Match: s}})
	return Findings{Drift: rec.Drift{Items: items}, Access: p.Access, Edges: edges, Targets: p.Targets, Version: s, Checks: []rec.Finding{{Check: rec.CheckScope, Breaks: s, Accounts: []string{s}, Summary: s, Detail: s, Remedy: s,
		Addr: p.Drift.Items[0].Addr, Range: at(s, 1), Other: p.Drift.Items[0].Addr, OtherText: s, OtherRange: at(s, 2)}}}
}
