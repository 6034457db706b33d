package render

import (
	"io"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// AccessText writes who may do what, as a tree for each account: the scopes and claims that it can get, its groups, their roles, and the privileges and denials of those, each
// with the object that makes it so at the right. tokens are what accounts get of authorization servers ([reconcile.TokensOf]); they add nothing to the edges. account "" is everybody; without any account the trees start at what nothing leads to. The last line counts: "Access: 2 accounts, 3 groups, 2 roles, 7 privileges, 0 denials."
func AccessText(w io.Writer, edges []reconcile.Edge, tokens []reconcile.Token, account string, s Style) error {
	pg := newPage(w, s)
	g := graphOf(edges).withTokens(tokens).only(account)
	for _, root := range g.roots {
		pg.gap()
		head := phrase(root.Label())
		if root.Kind != reconcile.NodeAccount {
			head = string(root.Kind) + " " + head
		}
		pg.line(pg.loud.Render(head))
		pg.tokenLines(g.tokens[root])
		pg.branches(g, root, "  ", []reconcile.Node{root})
	}
	pg.gap()
	pg.line(pg.loud.Render(accessSummary(g, account)))
	return pg.flush()
}

func (pg *page) branches(g graph, n reconcile.Node, indent string, way []reconcile.Node) {
	for _, e := range g.out[n] {
		if slices.Contains(way, e.To) {
			continue
		}
		text := string(e.To.Kind) + " " + phrase(e.To.Label())
		switch e.To.Kind {
		case reconcile.NodePrivilege:
			text = phrase(e.To.Label())
		case reconcile.NodeDenial:
			text = pg.removed.Render("denied") + " " + phrase(e.To.Label())
		}
		pg.given(indent+text, e.Via.String())
		pg.branches(g, e.To, indent+"  ", append(slices.Clip(way), e.To))
	}
}

func accessSummary(g graph, account string) string {
	if account != "" && !g.connected() {
		return "No access: nothing gives account " + phrase(account) + " a group or a role."
	}
	counts := make(map[reconcile.NodeKind]int)
	seen := make(map[reconcile.Node]bool)
	add := func(n reconcile.Node) {
		if !seen[n] {
			seen[n] = true
			counts[n.Kind]++
		}
	}
	for _, root := range g.roots {
		add(root)
	}
	for _, e := range g.edges() {
		add(e.To)
	}
	var parts []string
	for _, k := range []reconcile.NodeKind{reconcile.NodeAccount, reconcile.NodeGroup, reconcile.NodeRole, reconcile.NodePrivilege, reconcile.NodeDenial} {
		parts = append(parts, Count(counts[k], string(k)))
	}
	return "Access: " + strings.Join(parts, ", ") + "."
}

type accessDocJSON struct {
	FormatVersion string           `json:"format_version"`
	Accounts      []accountJSON    `json:"accounts"`
	Edges         []accessEdgeJSON `json:"edges"`
}

type accountJSON struct {
	Account    string      `json:"account"`
	Scopes     []scopeJSON `json:"scopes"`
	Claims     []claimJSON `json:"claims"`
	Groups     []string    `json:"groups"`
	Roles      []string    `json:"roles"`
	Privileges []string    `json:"privileges"`
	Denials    []string    `json:"denials"`
}

type accessEdgeJSON struct {
	From nodeJSON `json:"from"`
	To   nodeJSON `json:"to"`
	Via  string   `json:"via"`
}

// AccessJSON is who may do what as a document: for each account the scopes and claims that it can get, all that it reaches, and the edges by which it does. Privileges stand beside the denials that may take them away. tokens and account are as for [AccessText].
func AccessJSON(edges []reconcile.Edge, tokens []reconcile.Token, account string) ([]byte, error) {
	g := graphOf(edges).withTokens(tokens).only(account)
	doc := accessDocJSON{FormatVersion: formatVersion, Accounts: []accountJSON{}, Edges: []accessEdgeJSON{}}
	for _, root := range g.roots {
		if root.Kind != reconcile.NodeAccount {
			continue
		}
		names := make(map[reconcile.NodeKind][]string)
		for _, e := range g.from(root) {
			names[e.To.Kind] = append(names[e.To.Kind], e.To.Label())
		}
		for k := range names {
			slices.Sort(names[k])
			names[k] = slices.Compact(names[k])
		}
		scopes, claims := jsonOfTokens(g.tokens[root])
		doc.Accounts = append(doc.Accounts, accountJSON{root.Label(), scopes, claims, orEmpty(names[reconcile.NodeGroup]), orEmpty(names[reconcile.NodeRole]),
			orEmpty(names[reconcile.NodePrivilege]), orEmpty(names[reconcile.NodeDenial])})
	}
	for _, e := range g.edges() {
		doc.Edges = append(doc.Edges, accessEdgeJSON{jsonOfNode(e.From), jsonOfNode(e.To), e.Via.String()})
	}
	return document(doc)
}

// AccessCSV is who may do what as a table with a header: a record of kind way for each way from an account to a privilege or denial, each name followed by the object that gives
// it, then one of kind scope for each scope that an account can get, and one of kind claim for each value of a claim; known is false for a claim that only the server can
// compute. Cells are defused as by [DriftCSV]. tokens and account are as for [AccessText].
func AccessCSV(edges []reconcile.Edge, tokens []reconcile.Token, account string) ([]byte, error) {
	rows := [][]string{{"account", "group", "group_by", "role", "role_by", "effect", "privilege", "privilege_by", "kind", "name", "value", "known", "by", "place"}}
	g := graphOf(edges).withTokens(tokens).only(account)
	g.paths(func(way []reconcile.Edge) {
		row := make([]string, len(rows[0]))
		row[8] = "way"
		if first := way[0].From; kindRank(first.Kind) < 3 {
			row[[]int{0, 1, 3}[kindRank(first.Kind)]] = Escape(first.Label())
		}
		for _, e := range way {
			name, by := Escape(e.To.Label()), Escape(e.Via.String())
			switch e.To.Kind {
			case reconcile.NodeGroup:
				row[1], row[2] = name, by
			case reconcile.NodeRole:
				row[3], row[4] = name, by
			case reconcile.NodePrivilege:
				row[5], row[6], row[7] = "granted", name, by
			case reconcile.NodeDenial:
				row[5], row[6], row[7] = "denied", name, by
			}
		}
		rows = append(rows, row)
	})
	for _, root := range g.roots {
		for _, record := range tokenRecords(g.tokens[root]) {
			rows = append(rows, slices.Concat([]string{Escape(root.Label())}, make([]string, 7), record))
		}
	}
	return table(rows)
}

// AccessDOT is who may do what as a graph in Graphviz's language, accounts at the left; an edge to a group says by which scope and claim, and scopes and claims that bring none stand by themselves. Denials are dashed. tokens and account are as for [AccessText].
func AccessDOT(edges []reconcile.Edge, tokens []reconcile.Token, account string) []byte {
	g := graphOf(edges).withTokens(tokens).only(account)
	var b strings.Builder
	b.WriteString("digraph access {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=9];\n")
	shapes := map[reconcile.NodeKind]string{reconcile.NodeAccount: "ellipse", reconcile.NodeGroup: "folder", reconcile.NodeRole: "box",
		reconcile.NodePrivilege: "note", reconcile.NodeDenial: "note"}
	ids := make(map[reconcile.Node]string)
	node := func(n reconcile.Node) {
		if ids[n] != "" {
			return
		}
		ids[n] = "n" + itoa(len(ids)+1)
		style := ""
		if n.Kind == reconcile.NodeDenial {
			style = ", style=dashed"
		}
		b.WriteString("  " + ids[n] + " [shape=" + shapes[n.Kind] + style + ", label=" + dotText(string(n.Kind), n.Label()) + "];\n")
	}
	for _, root := range g.roots {
		node(root)
	}
	all := g.edges()
	for _, e := range all {
		node(e.From)
		node(e.To)
	}
	for _, e := range all {
		style := ""
		if e.To.Kind == reconcile.NodeDenial {
			style = ", style=dashed"
		}
		label := dotText(e.Via.String())
		if hop := g.hop(e); hop != "" {
			label = dotText(hop, e.Via.String())
		}
		b.WriteString("  " + ids[e.From] + " -> " + ids[e.To] + " [label=" + label + style + "];\n")
	}
	n := len(ids)
	dotTokens(&b, g, ids, func() string { n++; return "n" + itoa(n) })
	b.WriteString("}\n")
	return []byte(b.String())
}

// dotText quotes a label of several lines: inside of quotes Graphviz reads the quote, the backslash and HTML's entities (graphviz.org, "The DOT Language", "escString", "Character
// Set"). What does not print was spelled out before.
func dotText(parts ...string) string {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		quoted[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;").Replace(Escape(p))
	}
	return `"` + strings.Join(quoted, `\n`) + `"`
}
