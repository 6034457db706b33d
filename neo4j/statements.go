package neo4j

import (
	"cmp"
	"slices"
	"strings"
)

// GroupStatements returns statements that do to role what verb says with exactly these atoms: the rows that the statements name are the atoms, each
// once. Graphs, properties, labels, patterns and users share a statement wherever the grammar allows it. Finding the very fewest is a covering problem
// without a fast answer; the best of all orders of merging is taken. The result depends on the set of atoms alone. A statement that only Cypher 25 knows
// begins with CYPHER 25; see Atom.Needs.
func GroupStatements(verb Verb, role string, atoms []Atom) []string {
	atoms = SortAtoms(atoms)
	var best []string
	for i, order := range mergeOrders {
		boxes := make([]box, len(atoms))
		for j, a := range atoms {
			boxes[j] = boxOf(a)
		}
		for _, side := range order {
			boxes = merge(boxes, side)
		}
		if i > 0 && len(boxes) >= len(best) {
			continue
		}
		best = make([]string, len(boxes))
		for j, b := range boxes {
			best[j] = b.statement(verb, role)
		}
	}
	slices.Sort(best)
	return best
}

// side is one direction in which atoms can be put side by side in a statement.
type side int

const (
	sidePlace side = iota
	sideProperty
	sideEntity
	sideItem // label, user or glob: no privilege has two of them
	sides
)

var mergeOrders = permutations([]side{sidePlace, sideProperty, sideEntity, sideItem})

func permutations(of []side) [][]side {
	if len(of) == 1 {
		return [][]side{of}
	}
	var out [][]side
	for i, first := range of {
		rest := slices.Delete(slices.Clone(of), i, i+1)
		for _, tail := range permutations(rest) {
			out = append(out, append([]side{first}, tail...))
		}
	}
	return out
}

// box is what one statement says: every combination of one value from each side. The texts are in the order in which they are printed; the atom is one
// of those the box holds, for what they all share.
type box struct {
	atom  Atom
	sides [sides][]string
}

func boxOf(a Atom) box {
	b := box{atom: a}
	b.sides[sidePlace] = []string{a.place.print(quoteName)}
	b.sides[sideProperty] = []string{a.property.print(quoteName)}
	b.sides[sideEntity] = []string{a.entity.String()}
	switch {
	case !a.label.IsNone():
		b.sides[sideItem] = []string{a.label.print(quoteName)}
	case !a.user.IsNone():
		b.sides[sideItem] = []string{a.user.print(quoteName)}
	default:
		b.sides[sideItem] = []string{""}
		if a.glob != "" {
			b.sides[sideItem][0] = printGlob(a.glob)
		}
	}
	return b
}

// fixed is everything about a that no side holds, and what keeps values apart within a side: a bare * stands alone, except among patterns. A rule's text
// names n for a node and r for a relationship, and so keeps the two entities of rules apart, which no pattern can name together.
func fixed(a Atom, except side) string {
	parts := []string{a.action, a.scope.String(), a.cidr, a.Rule()}
	star := func(s side, p Pick) {
		if s == except && p.IsAll() {
			parts = append(parts, "*")
		}
	}
	if a.home {
		parts = append(parts, "HOME")
	}
	star(sidePlace, a.place)
	star(sideProperty, a.property)
	star(sideItem, a.label)
	star(sideItem, a.user)
	return strings.Join(parts, "\x00")
}

// merge joins boxes that differ in one side only.
func merge(boxes []box, along side) []box {
	at := map[string]int{}
	var out []box
	for _, b := range boxes {
		key := fixed(b.atom, along)
		for s := range sides {
			if s != along {
				key += "\x01" + strings.Join(b.sides[s], "\x02")
			}
		}
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			out = append(out, b)
			continue
		}
		out[i].sides[along] = append(out[i].sides[along], b.sides[along]...)
	}
	for i := range out {
		slices.SortFunc(out[i].sides[along], func(x, y string) int { return cmp.Compare(x, y) })
	}
	return out
}

// statement prints the box.
func (b box) statement(verb Verb, role string) string {
	a := b.atom
	var s strings.Builder
	if a.Needs() == NeedsCypher25 {
		s.WriteString("CYPHER 25 ")
	}
	s.WriteString(string(verb) + " " + a.action)
	item := strings.Join(b.sides[sideItem], ", ")
	switch {
	case !a.property.IsNone():
		s.WriteString(" {" + strings.Join(b.sides[sideProperty], ", ") + "}")
	case !a.user.IsNone():
		s.WriteString(" (" + item + ")")
	case a.glob != "", a.entity == EntityNone && !a.label.IsNone():
		s.WriteString(" " + item)
	}
	s.WriteString(" ON ")
	switch {
	case a.place.IsNone():
		s.WriteString(a.placeText())
	case len(b.sides[sidePlace]) > 1:
		s.WriteString(a.scope.String() + "S " + strings.Join(b.sides[sidePlace], ", "))
	default:
		s.WriteString(a.scope.String() + " " + b.sides[sidePlace][0])
	}
	switch {
	case a.hasRule():
		labels := ""
		if !a.label.IsAll() {
			labels = ":" + strings.Join(b.sides[sideItem], "|")
		}
		s.WriteString(" FOR " + rulePattern(a, labels))
	case a.entity != EntityNone:
		entity := a.entity.String()
		if len(b.sides[sideEntity]) > 1 {
			entity = "ELEMENT"
		}
		s.WriteString(" " + entity + "S " + item)
	}
	s.WriteString(" " + verb.preposition() + " " + quoteName(role))
	return s.String()
}
