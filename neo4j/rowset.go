package neo4j

import (
	"slices"
	"unique"
)

// rowSet is which atoms a role has rows of; true when the row is immutable. Thousands of roles hold the same few atoms: each of these is in memory once. A nil set is empty,
// and only reads.
type rowSet map[sharedAtom]bool

// sharedAtom stands for an atom. Two of them are equal exactly when their atoms are.
type sharedAtom = unique.Handle[Atom]

func (s rowSet) add(a Atom, immutable bool) { s[unique.Make(a)] = immutable }

func (s rowSet) has(a Atom) bool {
	_, there := s[unique.Make(a)]
	return there
}

// atoms lists the atoms, sorted.
func (s rowSet) atoms() []Atom {
	all := make([]Atom, 0, len(s))
	for a := range s {
		all = append(all, a.Value())
	}
	return SortAtoms(all)
}

// texts lists the atoms as they are printed, sorted.
func (s rowSet) texts() []string {
	all := make([]string, 0, len(s))
	for a := range s {
		all = append(all, a.Value().String())
	}
	slices.Sort(all)
	return all
}

// printer prints atoms for many roles, each atom once.
type printer map[sharedAtom]string

func (p printer) text(a sharedAtom) string {
	text, printed := p[a]
	if !printed {
		text = a.Value().String()
		p[a] = text
	}
	return text
}
