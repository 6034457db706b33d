package neo4j

import (
	"slices"
	"strings"
)

// GroupStatements returns statements that do to role what verb says with exactly these atoms: the rows that the statements name are the atoms, each
// once. Graphs, properties, labels, patterns and users share a statement wherever the grammar allows it. Finding the very fewest is a covering problem
// without a fast answer; the best of all orders of merging is taken. The result depends on the set of atoms alone. A statement that only Cypher 25 knows
// begins with CYPHER 25; see Atom.Needs.
func GroupStatements(verb Verb, role string, atoms []Atom) []string {
	var out []string
	var order []family
	families := make(map[family][]box)
	for _, a := range SortAtoms(atoms) {
		f := familyOf(a)
		if families[f] == nil {
			order = append(order, f)
		}
		families[f] = append(families[f], boxOf(a))
	}
	for _, f := range order {
		for _, b := range fewest(families[f]) {
			out = append(out, b.statement(verb, role))
		}
	}
	slices.Sort(out)
	return out
}

// statement is the one that names the row.
func (row patternRow) statement(verb Verb, role string) string {
	b := boxOf(row[0])
	for _, a := range row[1:] {
		b.sides[sideItem] = append(b.sides[sideItem], a.label.print(quoteName))
	}
	return b.statement(verb, role)
}

// family is everything about an atom that no statement can list: only atoms of one family can share a statement. A bare * stands alone, except among patterns.
// The labels of a rule stand alone too: FOR (n:A|B) may be stored as one row, which no later statement about A could take apart.
type family struct {
	action                       string
	scope                        Scope
	home                         bool
	place, property, label, user pickKind
	cidr                         string
	rule                         condition
	entity                       Entity // of rules, which no pattern can name together
	pattern                      string // the label of a rule
}

func familyOf(a Atom) family {
	f := family{
		action: a.action, scope: a.scope, home: a.home, cidr: a.cidr, rule: a.rule,
		place: a.place.kind, property: a.property.kind, label: a.label.kind, user: a.user.kind,
	}
	if a.hasRule() {
		f.entity, f.pattern = a.entity, a.label.name
	}
	return f
}

// fewest joins the boxes of a family in the order of sides that leaves the fewest. Joining along a side in which all are equal does nothing.
func fewest(boxes []box) []box {
	if len(boxes) == 1 {
		return boxes
	}
	vary := 0
	for s := range sides {
		if slices.ContainsFunc(boxes, func(b box) bool { return b.sides[s][0] != boxes[0].sides[s][0] }) {
			vary |= 1 << s
		}
	}
	var best []box
	for _, order := range mergeOrders[vary] {
		merged := boxes
		for _, side := range order {
			merged = merge(merged, side)
		}
		if best == nil || len(merged) < len(best) {
			best = merged
		}
		if len(best) == 1 {
			break
		}
	}
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

// mergeOrders are the orders of some of the sides, by the set of bits that says which.
var mergeOrders = buildOrders()

func buildOrders() (orders [1 << sides][][]side) {
	for set := range orders {
		var of []side
		for s := range sides {
			if set&(1<<s) != 0 {
				of = append(of, s)
			}
		}
		orders[set] = permutations(of)
	}
	return orders
}

func permutations(of []side) [][]side {
	if len(of) <= 1 {
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

// merge joins boxes of a family that differ in one side only, and leaves those that it was given as they are.
func merge(boxes []box, along side) []box {
	at := make(map[[sides]string]int, len(boxes))
	out := make([]box, 0, len(boxes))
	for _, b := range boxes {
		var key [sides]string
		for s := range sides {
			if s != along {
				key[s] = strings.Join(b.sides[s], "\x00")
			}
		}
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			b.sides[along] = slices.Clip(b.sides[along])
			out = append(out, b)
			continue
		}
		out[i].sides[along] = append(out[i].sides[along], b.sides[along]...)
	}
	for i := range out {
		if len(out[i].sides[along]) > 1 {
			slices.Sort(out[i].sides[along])
		}
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
