package render

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	rec "keymaker/reconcile"
)

// someEdges is an access graph in which an account reaches a privilege on two ways, and a group that nobody has leads to a role.
func someEdges() []rec.Edge {
	node := func(k rec.NodeKind, name string) rec.Node { return rec.Node{Kind: k, Name: name} }
	etl, evil := node(rec.NodeAccount, "neo4j-etl"), node(rec.NodeAccount, hostile)
	writer, reader, orphan := node(rec.NodeGroup, "neo4j_writer"), node(rec.NodeGroup, "neo4j_reader"), node(rec.NodeGroup, "nobody_has_it")
	w, r := node(rec.NodeRole, "etl_writer"), node(rec.NodeRole, "reader")
	access, match := node(rec.NodePrivilege, "ACCESS ON DATABASE `neo4j`"), node(rec.NodePrivilege, "MATCH {*} ON GRAPH `neo4j` NODE *")
	deny := node(rec.NodeDenial, "READ {ssn} ON GRAPH `neo4j` NODE Person")
	readerAddr := addr("neo4j", "role", "reader")
	return []rec.Edge{
		{From: etl, To: writer, Via: appAddr}, {From: etl, To: reader, Via: appAddr}, {From: etl, To: reader, Via: appAddr}, {From: evil, To: reader, Via: rec.Addr{System: "okta", Kind: "app", Name: hostile}},
		{From: orphan, To: w, Via: providerAddr}, {From: writer, To: w, Via: providerAddr}, {From: reader, To: r, Via: providerAddr},
		{From: w, To: access, Via: roleAddr}, {From: w, To: match, Via: roleAddr}, {From: r, To: access, Via: readerAddr}, {From: r, To: deny, Via: readerAddr},
	}
}

// someTokens are those of two servers for one account, of an account that no edge starts at, of a hostile one, and of one that gets none.
func someTokens() []rec.Token {
	account := func(name string) rec.Node { return rec.Node{Kind: rec.NodeAccount, Name: name} }
	rule := func(name string, line int) rec.Source {
		return rec.Source{Addr: addr("okta", "policy", "services").Child("rule", name), Text: "rule " + name + " of policy services", Range: at("okta.hcl", line)}
	}
	claim := func(name string) rec.Source {
		return rec.Source{Addr: addr("okta", "claim", name), Text: "claim " + name, Range: at("okta.hcl", 3)}
	}
	app := rec.Source{Addr: appAddr, Text: "its profile"}
	return []rec.Token{
		{Account: account("neo4j-etl"), Addr: appAddr, Server: rec.Source{Text: "default"},
			Scopes: []rec.Scope{{Name: "neo4j_groups", By: rule("machines", 12)}, {Name: "audit", By: rule("late", 15)}, {Name: "reports", By: rule("machines", 12)}},
			Claims: []rec.Claim{{Name: "groups", Scopes: []string{"neo4j_groups"}, Values: []string{"neo4j_reader", "neo4j_writer"}, Known: true, By: claim("groups"), At: []rec.Source{app, app}},
				{Name: "team", By: claim("team")}}},
		{Account: account("neo4j-etl"), Addr: appAddr, Server: rec.Source{Text: "aus1"}, Scopes: []rec.Scope{{Name: "other", By: rec.Source{Addr: addr("okta", "policy", "live"), Text: "rule x of policy live"}}}},
		{Account: account(hostile), Server: rec.Source{Text: hostile}, Scopes: []rec.Scope{{Name: hostile, By: rec.Source{Text: hostile}}},
			Claims: []rec.Claim{{Name: hostile, Values: []string{hostile, "=1+1"}, Known: true, By: rec.Source{Text: hostile}}}},
		{Account: account("lonely"), Server: rec.Source{Text: "default"}, Claims: []rec.Claim{{Name: "groups", Known: true, By: claim("groups")}}},
		{Account: account("off"), Server: rec.Source{Text: "default"}, Refused: rec.Gap{Text: "the app is inactive"}, Scopes: []rec.Scope{{Name: "neo4j_groups"}}},
	}
}

func TestAccess(t *testing.T) {
	for name, account := range map[string]string{"all": "", "one": "neo4j-etl", "nobody": "who", "lonely": "lonely"} {
		golden(t, "access-"+name+".txt", text(t, func(w io.Writer) error { return AccessText(w, someEdges(), someTokens(), account, Style{Width: 100}) }))
		golden(t, "access-"+name+".colour", text(t, func(w io.Writer) error {
			return AccessText(w, someEdges(), someTokens(), account, Style{Width: 60, Color: true})
		}))
		doc, err := AccessJSON(someEdges(), someTokens(), account)
		decoded(t, doc, err)
		golden(t, "access-"+name+".json", doc)
		if doc, err = AccessCSV(someEdges(), someTokens(), account); err != nil {
			t.Fatal(err)
		}
		golden(t, "access-"+name+".csv", doc)
		golden(t, "access-"+name+".dot", AccessDOT(someEdges(), someTokens(), account))
		dotWellFormed(t, AccessDOT(someEdges(), someTokens(), account))
	}
}

// The edges of the JSON are the graph: no account gains or loses anything by going through it.
func TestAccessJSONKeepsTheGraph(t *testing.T) {
	want := slices.DeleteFunc(someEdges(), func(e rec.Edge) bool { return e.From.Name == hostile }) // its bytes are no UTF-8 and do not come back
	doc, err := AccessJSON(want, someTokens(), "")
	if err != nil {
		t.Fatal(err)
	}
	var back accessDocJSON
	if err := json.Unmarshal(doc, &back); err != nil {
		t.Fatal(err)
	}
	var edges []rec.Edge
	for _, e := range back.Edges {
		edges = append(edges, rec.Edge{From: rec.Node{Kind: rec.NodeKind(e.From.Kind), Name: e.From.Name}, To: rec.Node{Kind: rec.NodeKind(e.To.Kind), Name: e.To.Name}})
	}
	if changes := rec.CompareAccess(want, edges, nil); len(changes) > 0 {
		t.Errorf("the document has another graph: %+v", changes)
	}
}

// dotWellFormed reads each line's quoted labels as Graphviz's scanner does, and allows nothing beside them but what is ours.
func dotWellFormed(t *testing.T, dot []byte) {
	t.Helper()
	label := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	line := regexp.MustCompile(`^(  n\d+( -> n\d+)? \[[a-z=, ]*label=""[a-z=, ]*\];|digraph access \{|  (rankdir|node|edge).*|\}|)$`)
	for _, l := range strings.Split(string(dot), "\n") {
		if !line.MatchString(label.ReplaceAllString(l, `""`)) {
			t.Errorf("a line of DOT is %q", l)
		}
	}
}

// A change for hundreds of accounts is told in some lines: those that widen first, the rest counted. Verbose tells all.
func TestAccessOfHundredsIsShort(t *testing.T) {
	p := rec.Plan{Targets: targets()}
	step := rec.Step{Change: rec.Create{Want: wantRole()}}
	for i := range 500 {
		c := rec.AccessChange{Account: fmt.Sprintf("svc-%03d", i), Loses: []rec.Node{{Kind: rec.NodeRole, Name: "r"}}}
		if i >= 490 {
			c.Gains, c.Loses = c.Loses, nil
		}
		p.Access = append(p.Access, c)
		step.Hazards = append(step.Hazards, rec.Hazard{Kind: rec.HazardRevokes, Text: c.Account + " loses"})
	}
	step.Hazards = append(step.Hazards, rec.Hazard{Kind: rec.HazardRestart, Text: "one"})
	p.Steps = []rec.Step{step}
	short := string(text(t, func(w io.Writer) error { return Plan(w, p, kinds(), Style{Width: 100}) }))
	for _, want := range []string{"svc-490   widens", "svc-499   widens", "svc-009   narrows", "and 480 more accounts: 480 narrows", "takes access   and 480 more", "restart        one"} {
		if !strings.Contains(short, want) {
			t.Errorf("no %q in\n%s", want, short)
		}
	}
	if n := strings.Count(short, "\n"); n > 80 || strings.Contains(short, "svc-010   narrows") {
		t.Errorf("%d lines:\n%s", n, short)
	}
	long := string(text(t, func(w io.Writer) error { return Plan(w, p, kinds(), Style{Width: 100, Verbose: true}) }))
	if strings.Contains(long, " more") || strings.Count(long, "narrows") != 490 {
		t.Errorf("verbose leaves something out")
	}
}
