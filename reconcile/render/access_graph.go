package render

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// graph is access edges, ready to be walked: each node's edges in order, without doubles.
type graph struct {
	out   map[reconcile.Node][]reconcile.Edge
	roots []reconcile.Node // accounts in order of name; without any, what nothing leads to
	// tokens are what accounts get of authorization servers.
	tokens map[reconcile.Node][]reconcile.Token
}

func graphOf(edges []reconcile.Edge) graph {
	g := graph{out: make(map[reconcile.Node][]reconcile.Edge)}
	led := make(map[reconcile.Node]bool)
	accounts := make(map[reconcile.Node]bool)
	for _, e := range edges {
		g.out[e.From] = append(g.out[e.From], e)
		led[e.To] = true
		if e.From.Kind == reconcile.NodeAccount {
			accounts[e.From] = true
		}
	}
	for n := range g.out {
		slices.SortFunc(g.out[n], compareEdges)
		g.out[n] = slices.Compact(g.out[n])
		if len(accounts) == 0 && !led[n] {
			g.roots = append(g.roots, n)
		}
	}
	if len(accounts) > 0 {
		g.roots = slices.Collect(maps.Keys(accounts))
	}
	slices.SortFunc(g.roots, compareNodes)
	return g
}

// only keeps one account, by its name, with the connection or for all connections without it; a name that no account has leaves none.
func (g graph) only(account string) graph {
	if account != "" {
		g.roots = slices.DeleteFunc(slices.Clone(g.roots), func(n reconcile.Node) bool {
			return n.Kind != reconcile.NodeAccount || n.Name != account && n.Label() != account
		})
	}
	return g
}

// from lists the edges that a node leads over, in the order of a walk in depth, each once.
func (g graph) from(n reconcile.Node) []reconcile.Edge {
	var edges []reconcile.Edge
	seen := map[reconcile.Node]bool{n: true}
	var walk func(reconcile.Node)
	walk = func(n reconcile.Node) {
		for _, e := range g.out[n] {
			edges = append(edges, e)
			if !seen[e.To] {
				seen[e.To] = true
				walk(e.To)
			}
		}
	}
	walk(n)
	return edges
}

// edges lists all that the roots lead over, sorted, each once.
func (g graph) edges() []reconcile.Edge {
	var all []reconcile.Edge
	seen := make(map[reconcile.Edge]bool)
	for _, root := range g.roots {
		for _, e := range g.from(root) {
			if !seen[e] {
				seen[e] = true
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, compareEdges)
	return all
}

// paths calls visit with every way from a root to a node that leads no further, or no further that was not gone before.
func (g graph) paths(visit func([]reconcile.Edge)) {
	var walk func(n reconcile.Node, way []reconcile.Edge)
	walk = func(n reconcile.Node, way []reconcile.Edge) {
		further := false
		for _, e := range g.out[n] {
			if slices.ContainsFunc(way, func(w reconcile.Edge) bool { return w.From == e.To }) || e.To == n {
				continue
			}
			further = true
			walk(e.To, append(slices.Clip(way), e))
		}
		if !further && len(way) > 0 {
			visit(way)
		}
	}
	for _, root := range g.roots {
		walk(root, nil)
	}
}

func kindRank(k reconcile.NodeKind) int {
	return slices.Index([]reconcile.NodeKind{reconcile.NodeAccount, reconcile.NodeGroup, reconcile.NodeRole, reconcile.NodePrivilege, reconcile.NodeDenial}, k)
}

func compareNodes(a, b reconcile.Node) int {
	if a.Kind != b.Kind {
		return kindRank(a.Kind) - kindRank(b.Kind)
	}
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.On, b.On), strings.Compare(a.In, b.In))
}

func compareEdges(a, b reconcile.Edge) int {
	if n := compareNodes(a.From, b.From); n != 0 {
		return n
	}
	if n := compareNodes(a.To, b.To); n != 0 {
		return n
	}
	return reconcile.CompareAddr(a.Via, b.Via)
}
