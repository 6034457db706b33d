package render

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"keymaker/reconcile"
)

// pictureLimit is how many nodes a picture has at most: more than that nobody can follow with the eye. The table beside it has all.
const pictureLimit = 80

// picture is the access graph as boxes in columns, accounts at the left.
type picture struct {
	Width, Height int
	Text          string
	Heads         []pictureHead
	Boxes         []pictureBox
	Lines         []pictureLine
}

type pictureHead struct {
	X    int
	Text string
}

type pictureBox struct {
	X, Y, W, TextX, TextY int
	Class, Text, Full     string
	// Hop stands right of an account: the scopes and claims by which it has its groups. Its lines begin at From, behind it.
	Hop, HopFull string
	HopX, From   int
}

type pictureLine struct {
	X1, Y1, X2, Y2, C1, C2 int
	Class                  string
}

const (
	charWidth  = 8 // of the page's monospaced 12 px, generously
	rowHeight  = 26
	columnGap  = 90
	labelWidth = 44
	topRow     = 30
)

// draw lays a graph out: accounts whose access the drift widened come first, then the others in order, as many as fit. A node stands where a walk in depth first meets it,
// which keeps most lines short.
func draw(g graph, changes []reconcile.AccessChange) *picture {
	gained := make(map[reconcile.Node]bool)
	var first []reconcile.Node
	for _, c := range changes {
		if !widening(c) {
			continue
		}
		for _, r := range g.roots {
			if r.Kind == reconcile.NodeAccount && r.Label() == c.Account {
				first = append(first, r)
			}
		}
		for _, n := range c.Gains {
			gained[n] = true
		}
	}
	nodes, roots, cut := choose(g, first)
	p := &picture{Text: fmt.Sprintf("%s of %d with all that they reach.", Count(roots, "account"), len(g.roots))}
	if roots == len(g.roots) {
		p.Text = Count(roots, "account") + " with all that they reach."
	}
	if cut {
		p.Text = fmt.Sprintf("One account of %d with the first %d of what it reaches.", len(g.roots), len(nodes))
	}
	if len(gained) > 0 {
		p.Text += " A thick frame marks what an account gained by the drift."
	}
	at := p.place(nodes, gained, g)
	for _, n := range nodes {
		for _, e := range g.out[n] {
			if to, ok := at[e.To]; ok {
				p.line(at[n], to, e.To.Kind)
			}
		}
	}
	return p
}

// choose takes accounts with all that they reach, first those named, until the picture is full. One that is left out on the way does not keep a smaller one from being taken. An
// account that fills the picture alone is cut.
func choose(g graph, first []reconcile.Node) (nodes []reconcile.Node, roots int, cut bool) {
	seen, tried := make(map[reconcile.Node]bool), make(map[reconcile.Node]bool)
	isRoot := make(map[reconcile.Node]bool, len(g.roots))
	for _, r := range g.roots {
		isRoot[r] = true
	}
	for _, root := range append(first, g.roots...) {
		if !isRoot[root] || tried[root] {
			continue
		}
		tried[root] = true
		fresh := []reconcile.Node{root}
		added := map[reconcile.Node]bool{root: true}
		for _, e := range g.from(root) {
			if !seen[e.To] && !added[e.To] {
				added[e.To] = true
				fresh = append(fresh, e.To)
			}
		}
		if len(nodes) > 0 && len(nodes)+len(fresh) > pictureLimit {
			continue
		}
		if len(fresh) > pictureLimit {
			return fresh[:pictureLimit], 1, true
		}
		roots++
		for _, n := range fresh {
			if !seen[n] {
				seen[n] = true
				nodes = append(nodes, n)
			}
		}
	}
	return nodes, roots, false
}

// place gives each node its box, in columns by kind.
func (p *picture) place(nodes []reconcile.Node, gained map[reconcile.Node]bool, g graph) map[reconcile.Node]pictureBox {
	heads := []string{"Accounts", "Groups", "Roles", "Privileges"}
	column := func(n reconcile.Node) int { return min(kindRank(n.Kind), len(heads)-1) }
	widths, rows := make([]int, len(heads)), make([]int, len(heads))
	for _, n := range nodes {
		text, _ := labelOf(n)
		widths[column(n)] = max(widths[column(n)], utf8.RuneCountInString(text)*charWidth+16)
	}
	hops, beside := make(map[reconcile.Node]string), 0
	for _, n := range nodes {
		if hops[n] = g.hops(n); hops[n] != "" {
			beside = max(beside, utf8.RuneCountInString(shorten(hops[n]))*charWidth+8)
		}
	}
	lefts, x := make([]int, len(heads)), 2
	for i, w := range widths {
		lefts[i] = x
		if w > 0 {
			p.Heads = append(p.Heads, pictureHead{x, heads[i]})
			x += max(w, len(heads[i])*charWidth) + columnGap
			if i == 0 {
				x += beside
			}
		}
	}
	p.Width = x - columnGap + 2
	at := make(map[reconcile.Node]pictureBox, len(nodes))
	for _, n := range nodes {
		c := column(n)
		text, full := labelOf(n)
		box := pictureBox{X: lefts[c], Y: topRow + rows[c]*rowHeight, W: widths[c], Class: string(n.Kind), Text: text, Full: full}
		if gained[n] {
			box.Class += " gained"
			box.Full += ", gained by the drift"
		}
		box.TextX, box.TextY = box.X+8, box.Y+14
		box.From = box.X + box.W
		if hop := hops[n]; hop != "" {
			box.Hop, box.HopFull, box.HopX = shorten(hop), "by "+hop, box.From+8
			box.From += beside
		}
		rows[c]++
		p.Height = max(p.Height, box.Y+rowHeight)
		p.Boxes = append(p.Boxes, box)
		at[n] = box
	}
	return at
}

// labelOf is a node's name as it fits into a box, and in full.
func labelOf(n reconcile.Node) (text, full string) {
	full = Escape(n.Label())
	text = full
	if n.Kind == reconcile.NodeDenial {
		text = "denied " + text
	}
	return shorten(text), string(n.Kind) + " " + full
}

func shorten(text string) string {
	if r := []rune(text); len(r) > labelWidth {
		return string(r[:labelWidth-1]) + "…"
	}
	return text
}

// hops are the scopes and claims by which a node has groups.
func (g graph) hops(n reconcile.Node) string {
	var all []string
	for _, e := range g.out[n] {
		if hop := g.hop(e); hop != "" && !slices.Contains(all, hop) {
			all = append(all, hop)
		}
	}
	return strings.Join(all, ", ")
}

func (p *picture) line(from, to pictureBox, kind reconcile.NodeKind) {
	l := pictureLine{X1: from.From, Y1: from.Y + 10, X2: to.X, Y2: to.Y + 10}
	if kind == reconcile.NodeDenial {
		l.Class = "denial"
	}
	l.C1, l.C2 = l.X1+columnGap/2, l.X2-columnGap/2
	p.Lines = append(p.Lines, l)
}
