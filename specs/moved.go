package specs

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"keymaker/reconcile"
)

var movedAttributes = []string{"from", "to", "name"}

// movedBlock is a moved block and where it stands.
type movedBlock struct {
	mod   *module
	block *hclsyntax.Block
}

// move is what a moved block says.
type move struct {
	from, to target
	name     string // what the object was called, "" when that is not said
	place    hcl.Range
}

func (l *loader) collectMoved(b *hclsyntax.Block) {
	if l.labels(b, 0, "moved {}") {
		l.moved = append(l.moved, movedBlock{l.site.mod, b})
	}
}

// setFormerly tells the objects that moved blocks name what they were called before. It takes objects in address order.
func (l *loader) setFormerly(objects []reconcile.Object) {
	if len(l.moved) == 0 {
		return
	}
	ms := l.listMoves()
	names := l.formerNames(ms)
	for a, former := range names {
		i, found := slices.BinarySearchFunc(objects, a, func(o reconcile.Object, a reconcile.Addr) int { return reconcile.CompareAddr(o.Addr, a) })
		if found { // it is not when its block has a mistake
			objects[i].Formerly = former
		}
	}
}

// listMoves decodes the moved blocks, and indexes them. Each object may be moved once, and each may be one moved object.
func (l *loader) listMoves() *moves {
	ms := &moves{byFrom: make(map[reconcile.Addr]*move)}
	byTo := make(map[reconcile.Addr]*move)
	for _, b := range l.moved {
		m := l.decodeMove(b)
		if m == nil {
			continue
		}
		if first := ms.byFrom[m.from.addr]; first != nil {
			l.fail(m.from.at, "Object moved twice", "%s is already moved to %s at %s. Take one of the blocks away.", m.from, first.to, place(first.place))
			continue
		}
		if first := byTo[m.to.addr]; first != nil {
			l.fail(m.to.at, "Two objects moved to one", "%s is already moved to %s at %s, and one object cannot be both. Take one of the blocks away.", first.from, m.to, place(first.place))
			continue
		}
		ms.byFrom[m.from.addr], byTo[m.to.addr] = m, m
		ms.all = append(ms.all, m)
	}
	return ms
}

func (l *loader) decodeMove(b movedBlock) *move {
	defer l.visit(site{mod: b.mod})()
	before := l.errors
	body, m := b.block.Body, &move{place: b.block.DefRange()}
	for _, inner := range body.Blocks {
		l.fail(inner.TypeRange, "Unknown block", "moved has no blocks. It has the attributes %s.", list(movedAttributes))
	}
	for _, a := range attributes(body) {
		switch a.Name {
		case "from":
			m.from = l.target(a.Expr)
		case "to":
			m.to = l.target(a.Expr)
		case "name":
			m.name = l.formerName(a)
		default:
			l.fail(a.NameRange, "Unknown attribute", "moved has no attribute %s.%s It has %s.", a.Name, suggest(a.Name, movedAttributes), list(movedAttributes))
		}
	}
	for _, name := range movedAttributes[:2] {
		if body.Attributes[name] == nil {
			l.fail(b.block.DefRange(), "Missing attribute", "moved needs the attribute %s, an address: %s = SYSTEM.KIND.NAME.", name, name)
		}
	}
	if l.errors == before {
		l.checkKinds(m, body)
	}
	if l.errors > before {
		return nil
	}
	return m
}

// checkKinds reports a move that no object can make, whatever the spec declares.
func (l *loader) checkKinds(m *move, body *hclsyntax.Body) {
	from, to := m.from, m.to
	switch {
	case from.isModule() != to.isModule():
		l.fail(to.at, "Moved to another kind", "%s and %s are a module and an object, and neither can become the other. Name an object of the module: %s.SYSTEM.KIND.NAME.", from, to, moduleOf(from, to))
	case from.isModule() && from.key != to.key:
		l.fail(to.at, "Old names not known", "A module that gets another key gives its objects other names, as a rule, and what they were is not known here. Write a moved block for each object of it, with name = \"…\", what it was called.")
	case from.isModule() && m.name != "":
		l.fail(body.Attributes["name"].NameRange, "Bad name", "name says what one object was called, and %s is a module. Write a moved block for the object: from = %s.SYSTEM.KIND.NAME.", from, from)
	case from.addr.System == to.addr.System && from.addr.Connection != to.addr.Connection:
		l.fail(to.at, "Moved to another connection", "%s and %s are on two servers, and no object goes from one to another. Declare the new one, and remove the old one with a removed block.", from, to)
	case from.addr.System != to.addr.System || from.addr.Kind != to.addr.Kind:
		l.fail(to.at, "Moved to another kind", "%s and %s are of different kinds, and no object can become one of another kind. Declare the new one, and remove the old one with removed { from = %s }.", from, to, from)
	}
}

func moduleOf(a, b target) target {
	if a.isModule() {
		return a
	}
	return b
}

func (l *loader) formerName(a *hclsyntax.Attribute) string {
	f := &field{}
	l.decodeField(f, reconcile.Field{Name: a.Name, Type: reconcile.String}, a)
	if !f.has {
		return ""
	}
	name, ok := l.knownText(f.arg, "what the object was called")
	if ok && name == "" {
		l.fail(f.arg.Range, "Bad name", "No object is called \"\". Write the name that it had, or leave the attribute out when that is the name of its block.")
	}
	return name
}
