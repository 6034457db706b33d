package render

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// access writes which account gains and loses what, under a headline; nothing when no account does.
func (pg *page) access(head string, changes []reconcile.AccessChange) {
	if len(changes) == 0 {
		return
	}
	pg.gap()
	pg.line(pg.loud.Render(head))
	var rows [][]string
	shown := changes
	if len(changes) > manyAccounts && !pg.verbose {
		changes = slices.Clone(changes) // the gravest first, so that none of them is only counted while others are listed
		slices.SortStableFunc(changes, func(a, b reconcile.AccessChange) int { return rankOfEffect(a) - rankOfEffect(b) })
		shown = changes[:manyAccounts]
	}
	for _, c := range shown {
		account, effect := word(c.Account), pg.effect(c.Effect())
		for _, l := range pg.accessLines(c) {
			rows = append(rows, []string{account, effect, l})
			account, effect = "", ""
		}
	}
	pg.rows("  ", 3, rows)
	if left := changes[len(shown):]; len(left) > 0 {
		pg.line("  ", tallyEffects(left))
	}
}

// manyAccounts is how many accounts of a change of access are listed before the rest is counted by effect.
const manyAccounts = 20

// effects lists the effects of a change of access, the gravest first.
func effects() []string {
	return []string{reconcile.EffectWidens, reconcile.EffectChanges, reconcile.EffectNarrows, reconcile.EffectNeutral}
}

func rankOfEffect(c reconcile.AccessChange) int { return slices.Index(effects(), c.Effect()) }

// tallyEffects counts the accounts that are not listed, by what the change amounts to, the gravest first.
func tallyEffects(left []reconcile.AccessChange) string {
	var parts []string
	for _, e := range effects() {
		n := 0
		for _, c := range left {
			if c.Effect() == e {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, e))
		}
	}
	return fmt.Sprintf("and %s: %s (all with --verbose)", Count(len(left), "more account"), strings.Join(parts, ", "))
}

func (pg *page) effect(e string) string {
	if e == reconcile.EffectNarrows || e == reconcile.EffectNeutral {
		return e
	}
	return pg.loud.Render(e)
}

func (pg *page) accessLines(c reconcile.AccessChange) []string {
	lines := append(pg.nodeLines(reconcile.ActionCreate, minus(c.Gains, c.LaterGains)), pg.nodeLines(reconcile.ActionDelete, minus(c.Loses, c.LaterLoses))...)
	later := append(pg.nodeLines(reconcile.ActionCreate, c.LaterGains), pg.nodeLines(reconcile.ActionDelete, c.LaterLoses)...)
	if len(later) > 0 {
		lines = append(append(lines, laterHead+":"), later...)
	}
	return lines
}

// laterHead begins what does not come about by what keymaker does alone.
const laterHead = "not before what is left to people is done"

// minus are the nodes that are not among others.
func minus(nodes, others []reconcile.Node) []reconcile.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n reconcile.Node) bool { return slices.Contains(others, n) })
}

// manyPrivileges is how many privileges of an account are listed before the rest is only counted; the roles that bring them stand in the plan in full.
const manyPrivileges = 12

// nodeLines lists roles, then privileges and denials, one a line.
func (pg *page) nodeLines(a reconcile.Action, nodes []reconcile.Node) []string {
	byKind := make(map[reconcile.NodeKind][]string)
	for _, n := range nodes {
		byKind[n.Kind] = append(byKind[n.Kind], phrase(n.Label()))
	}
	var ls []string
	for _, role := range byKind[reconcile.NodeRole] {
		ls = append(ls, pg.glyph(a)+" role "+role)
	}
	privileges := pg.brief(byKind[reconcile.NodePrivilege])
	if len(ls) == 1 && len(privileges) == 1 {
		ls[0] += ": " + privileges[0]
		privileges = nil
	}
	for _, text := range privileges {
		ls = append(ls, pg.glyph(a)+" "+text)
	}
	for _, text := range pg.brief(byKind[reconcile.NodeDenial]) {
		ls = append(ls, pg.glyph(a)+" denied "+text)
	}
	return ls
}

func (pg *page) brief(texts []string) []string {
	if pg.verbose || len(texts) <= manyPrivileges {
		return texts
	}
	return append(slices.Clone(texts[:manyPrivileges]), fmt.Sprintf("and %d more (--verbose)", len(texts)-manyPrivileges))
}

// reversed tells an access change from the other side.
func reversed(changes []reconcile.AccessChange) []reconcile.AccessChange {
	out := make([]reconcile.AccessChange, len(changes))
	for i, c := range changes {
		out[i] = c.Reversed()
	}
	return out
}

// widening says whether a change gives an account anything.
func widening(c reconcile.AccessChange) bool {
	return c.Effect() == reconcile.EffectWidens || c.Effect() == reconcile.EffectChanges
}
