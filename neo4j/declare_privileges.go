package neo4j

import (
	"slices"
	"strings"
	"unique"

	"keymaker/reconcile"
)

// privilegeLists remembers what grant and deny of the roles so far came to.
type privilegeLists struct {
	parsed  map[privilegeText][]Atom
	printed printer
	last    map[Access]privilegeList // of the role before: those of one block follow each other, and are often granted the same
}

func newPrivilegeLists() *privilegeLists {
	return &privilegeLists{parsed: make(map[privilegeText][]Atom), printed: make(printer), last: make(map[Access]privilegeList)}
}

type privilegeText struct {
	access Access
	text   string
}

// privilegeList is a list of privileges as it is written, and what it comes to. Objects share it: nobody changes it.
type privilegeList struct {
	written []reconcile.Item
	atoms   map[Atom]reconcile.Item // with the entry that each came from
	items   []reconcile.Item        // an item an atom, in order of their texts
	value   reconcile.Set
}

// is says whether the list is written so, at the same places.
func (l privilegeList) is(written []reconcile.Item) bool {
	return l.atoms != nil && slices.EqualFunc(l.written, written, func(a, b reconcile.Item) bool {
		return a.Range == b.Range && a.Literal == b.Literal && reconcile.Equal(a.Value, b.Value)
	})
}

// parse is [ParsePrivilege], once for each text. Nil remembers none.
func (p *privilegeLists) parse(access Access, text string) ([]Atom, error) {
	if p == nil {
		return ParsePrivilege(access, text)
	}
	key := privilegeText{access, text}
	if atoms, known := p.parsed[key]; known {
		return atoms, nil
	}
	atoms, err := ParsePrivilege(access, text)
	if err == nil {
		p.parsed[key] = atoms
	}
	return atoms, err
}

// privileges declares grant or deny, and gives the atoms with the entry that each came from.
func (d *declaration) privileges(field string, access Access) map[Atom]reconcile.Item {
	if !d.has(field) {
		return nil
	}
	written := members(d.block.Fields[field])
	list := d.lists.last[access]
	if !list.is(written) {
		mistakes := len(d.diags)
		list = d.readPrivileges(written, access)
		if len(d.diags) == mistakes { // a mistake is told for each object
			d.lists.last[access] = list
		}
	}
	d.object.Set(reconcile.Attr{Name: field, Value: list.value, Range: d.block.At(field), Items: list.items})
	return list.atoms
}

func (d *declaration) readPrivileges(written []reconcile.Item, access Access) privilegeList {
	list := privilegeList{written: written, atoms: make(map[Atom]reconcile.Item)}
	for _, it := range written {
		text, ok := it.Value.(reconcile.Text)
		if !ok {
			d.fail(it.Range, "Privilege is not known", "A privilege has to be known before apply: it may use variables and names, but nothing that a server makes up.")
			continue
		}
		parsed, err := d.lists.parse(access, string(text))
		if err != nil {
			d.privilegeError(it, string(text), err)
			continue
		}
		for _, a := range parsed {
			list.atoms[a] = it
		}
	}
	list.items = make([]reconcile.Item, 0, len(list.atoms))
	for a, it := range list.atoms {
		list.items = append(list.items, reconcile.Item{Value: reconcile.Text(d.lists.printed.text(unique.Make(a))), Range: it.Range})
	}
	slices.SortFunc(list.items, func(a, b reconcile.Item) int {
		return strings.Compare(string(a.Value.(reconcile.Text)), string(b.Value.(reconcile.Text)))
	})
	values := make([]reconcile.Value, len(list.items))
	for i, it := range list.items {
		values[i] = it.Value
	}
	list.value = reconcile.SetOf(values...)
	return list
}
