package render

import (
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"keymaker/reconcile"
)

// withTokens adds what accounts get of authorization servers. One that gets a token, and by it no group and no role, is a root too.
func (g graph) withTokens(tokens []reconcile.Token) graph {
	g.tokens = make(map[reconcile.Node][]reconcile.Token)
	g.roots = slices.Clone(g.roots)
	for _, t := range tokens {
		if !t.Gets() || len(t.Scopes)+len(t.Claims) == 0 {
			continue
		}
		if len(g.out[t.Account]) == 0 && g.tokens[t.Account] == nil {
			g.roots = append(g.roots, t.Account)
		}
		g.tokens[t.Account] = append(g.tokens[t.Account], t)
	}
	slices.SortFunc(g.roots, compareNodes)
	return g
}

// hop is the scope and the claim by which an account has a group: "neo4j_groups → groups", only the claim where it comes with any scope, "" for what is no such edge.
func (g graph) hop(e reconcile.Edge) string {
	if e.From.Kind != reconcile.NodeAccount || e.To.Kind != reconcile.NodeGroup {
		return ""
	}
	for _, t := range g.tokens[e.From] {
		for _, c := range t.Claims {
			for i, v := range c.Values {
				if v != e.To.Name || c.At[i].Addr != e.Via {
					continue
				}
				scope := slices.IndexFunc(t.Scopes, func(s reconcile.Scope) bool { return slices.Contains(c.Scopes, s.Name) })
				if scope < 0 {
					return word(c.Name)
				}
				return word(t.Scopes[scope].Name) + " → " + word(c.Name)
			}
		}
	}
	return ""
}

// connected says whether one of the roots leads anywhere.
func (g graph) connected() bool {
	return slices.ContainsFunc(g.roots, func(n reconcile.Node) bool { return len(g.out[n]) > 0 })
}

// scopesBy groups a token's scopes by who gives them, in order.
func scopesBy(t reconcile.Token) [][]reconcile.Scope {
	var all [][]reconcile.Scope
	for _, s := range t.Scopes {
		i := slices.IndexFunc(all, func(of []reconcile.Scope) bool { return of[0].By == s.By })
		if i < 0 {
			i, all = len(all), append(all, nil)
		}
		all[i] = append(all[i], s)
	}
	return all
}

// tokenLines are the scopes and claims that an account can get, each with who gives it; of several servers, with which one.
func (pg *page) tokenLines(tokens []reconcile.Token) {
	for _, t := range tokens {
		of := ""
		if len(tokens) > 1 {
			of = ", server " + t.Server.Text
		}
		for _, some := range scopesBy(t) {
			names := make([]string, len(some))
			for i, s := range some {
				names[i] = word(s.Name)
			}
			pg.given("  scopes "+strings.Join(names, ", "), "by "+some[0].By.Text+of)
		}
		for _, c := range t.Claims {
			pg.given("  claims "+claimText(c), "by "+c.By.Text+of)
		}
	}
}

// given writes what there is, and at the right why.
func (pg *page) given(text, by string) {
	by = Escape(by)
	blanks := max(2, pg.width-lipgloss.Width(text)-lipgloss.Width(by))
	pg.line(text, strings.Repeat(" ", blanks), pg.faint.Render(by))
}

func claimText(c reconcile.Claim) string {
	if !c.Known {
		text := word(c.Name) + ", which only the authorization server can compute"
		if c.Why != "" {
			text += ": " + Escape(c.Why)
		}
		return text
	}
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = word(v)
	}
	return word(c.Name) + " = [" + strings.Join(values, ", ") + "]"
}

type scopeJSON struct {
	Name   string     `json:"name"`
	Server string     `json:"server"`
	By     string     `json:"by"`
	Text   string     `json:"text"`
	Place  *placeJSON `json:"place"`
}

// claimJSON is a claim. Values mean something only where it is known; scopes are those with one of which it comes, none for any.
type claimJSON struct {
	Name   string     `json:"name"`
	Known  bool       `json:"known"`
	Values []string   `json:"values"`
	Scopes []string   `json:"scopes"`
	Server string     `json:"server"`
	By     string     `json:"by"`
	Text   string     `json:"text"`
	Place  *placeJSON `json:"place"`
}

func jsonOfTokens(tokens []reconcile.Token) (scopes []scopeJSON, claims []claimJSON) {
	scopes, claims = []scopeJSON{}, []claimJSON{}
	for _, t := range tokens {
		for _, s := range t.Scopes {
			scopes = append(scopes, scopeJSON{s.Name, t.Server.Text, s.By.Addr.String(), s.By.Text, placeOf(s.By.Range)})
		}
		for _, c := range t.Claims {
			claims = append(claims, claimJSON{c.Name, c.Known, orEmpty(c.Values), orEmpty(c.Scopes), t.Server.Text, c.By.Addr.String(), c.By.Text, placeOf(c.By.Range)})
		}
	}
	return scopes, claims
}

// tokenRecords are the CSV's last columns, kind, name, value, known, by and place, for each scope and each value of a claim.
func tokenRecords(tokens []reconcile.Token) [][]string {
	var records [][]string
	for _, t := range tokens {
		for _, s := range t.Scopes {
			records = append(records, []string{"scope", Escape(s.Name), "", "", Escape(s.By.Addr.String()), place(s.By.Range)})
		}
		for _, c := range t.Claims {
			known := "true"
			values := c.Values
			if !c.Known {
				known = "false"
			}
			if len(values) == 0 {
				values = []string{""}
			}
			for _, v := range values {
				records = append(records, []string{"claim", Escape(c.Name), Escape(v), known, Escape(c.By.Addr.String()), place(c.By.Range)})
			}
		}
	}
	return records
}

// dotTokens writes what accounts get and what no edge to a group tells: scopes that bring no group, and claims that say none, or that only the server can compute, dashed. Each has
// an edge from its account that says who gives it. id names the next node.
func dotTokens(b *strings.Builder, g graph, of map[reconcile.Node]string, id func() string) {
	leaf := func(root reconcile.Node, shape, style, label string, by reconcile.Source) {
		n := id()
		b.WriteString("  " + n + " [shape=" + shape + style + ", label=" + label + "];\n")
		b.WriteString("  " + of[root] + " -> " + n + " [label=" + dotText(by.Addr.String()) + style + "];\n")
	}
	for _, root := range g.roots {
		var told []string
		for _, e := range g.out[root] {
			told = append(told, g.hop(e))
		}
		for _, t := range g.tokens[root] {
			for _, s := range t.Scopes {
				if !slices.ContainsFunc(told, func(hop string) bool { return strings.HasPrefix(hop, word(s.Name)+" → ") }) {
					leaf(root, "cds", "", dotText("scope", s.Name), s.By)
				}
			}
			for _, c := range t.Claims {
				style := ""
				if !c.Known {
					style = ", style=dashed"
				}
				if !slices.ContainsFunc(told, func(hop string) bool { return hop == word(c.Name) || strings.HasSuffix(hop, " → "+word(c.Name)) }) {
					leaf(root, "tab", style, dotText("claim", claimText(c)), c.By)
				}
			}
		}
	}
}
