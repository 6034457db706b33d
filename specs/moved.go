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
	from, to     reconcile.Addr
	fromAt, toAt hcl.Range
	name         string // what the object was called, "" when that is not said
	place        hcl.Range
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
	moves, byFrom, byTo := l.listMoves()
	l.checkMoveCycles(moves, byFrom)
	index, taken := l.liveIndex(l.order), make(map[string]*move)
	for _, m := range moves {
		if !l.checkMove(m, byFrom) {
			continue
		}
		name, ok := l.oldName(m, byTo, len(moves))
		o := l.instance(m.to)
		key := l.liveKey(o, reconcile.Text(name).String())
		switch other, first := index[key], taken[key]; {
		case !ok || other == o: // a mistake, or it is called as it was
			continue
		case other != nil:
			l.fail(m.fromAt, "Moved object is declared", "It was called %q, and that is what %s declares at %s. Rename that one, or take this moved block away.", name, other.addr, place(other.block.DefRange()))
			continue
		case first != nil:
			l.fail(m.fromAt, "Object moved twice", "The object that was called %q is already moved to %s at %s. Take one of the blocks away.", name, first.to, place(first.place))
			continue
		}
		taken[key] = m
		i, found := slices.BinarySearchFunc(objects, m.to, func(o reconcile.Object, a reconcile.Addr) int { return reconcile.CompareAddr(o.Addr, a) })
		if found { // it is not when its block has a mistake
			objects[i].Formerly = name
		}
	}
}

// listMoves decodes the moved blocks, and indexes them. Each object may be moved once, and each may be one moved object.
func (l *loader) listMoves() (moves []*move, byFrom, byTo map[reconcile.Addr]*move) {
	byFrom, byTo = make(map[reconcile.Addr]*move), make(map[reconcile.Addr]*move)
	for _, b := range l.moved {
		m := l.decodeMove(b)
		if m == nil {
			continue
		}
		if first := byFrom[m.from]; first != nil {
			l.fail(m.fromAt, "Object moved twice", "%s is already moved to %s at %s. Take one of the blocks away.", m.from, first.to, place(first.place))
			continue
		}
		if first := byTo[m.to]; first != nil {
			l.fail(m.toAt, "Two objects moved to one", "%s is already moved to %s at %s, and one object cannot be both. Take one of the blocks away.", first.from, m.to, place(first.place))
			continue
		}
		byFrom[m.from], byTo[m.to] = m, m
		moves = append(moves, m)
	}
	return moves, byFrom, byTo
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
			m.from, m.fromAt = l.address(a.Expr)
		case "to":
			m.to, m.toAt = l.address(a.Expr)
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
	if l.errors > before {
		return nil
	}
	if m.from.System != m.to.System || m.from.Kind != m.to.Kind {
		l.fail(m.toAt, "Moved to another kind", "%s and %s are of different kinds, and no object can become one of another kind. Declare the new one, and remove the old one with removed %q %q %q {}.",
			m.from, m.to, m.from.System, m.from.Kind, m.from.Name)
		return nil
	}
	return m
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

// address reads the address of an object block as it stands in moved, from the module where it stands. Mistakes are reported.
func (l *loader) address(expr hclsyntax.Expression) (reconcile.Addr, hcl.Range) {
	at := expr.Range()
	bad := func() (reconcile.Addr, hcl.Range) {
		l.fail(at, "Bad address", "An address is needed here, written out: SYSTEM.KIND.NAME, or SYSTEM.KIND.NAME[\"KEY\"] of a block with for_each. The systems are %s.", list(l.systems()))
		return reconcile.Addr{}, at
	}
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() {
		return bad()
	}
	module, i, ok := l.modulePath(t)
	if !ok || i+3 > len(t) || i+4 < len(t) {
		return bad()
	}
	a := reconcile.Addr{Module: module, System: t.RootName()}
	if i > 0 {
		a.System, _, _ = l.step(t, i)
	}
	lang := l.language(a.System)
	if lang == nil {
		return bad()
	}
	var nameAt hcl.Range
	a.Kind, nameAt, ok = l.step(t, i+1)
	if _, known := l.findKind(lang, a.Kind); ok && !known {
		l.fail(nameAt, "Unknown kind", "%s has no kind %s.%s It has %s.", a.System, a.Kind, suggest(a.Kind, l.kindNames(lang)), list(l.kindNames(lang)))
		return a, at
	}
	a.Name, _, ok = l.step(t, i+2)
	if !ok {
		return bad()
	}
	if len(t) == i+4 {
		index, ok := t[i+3].(hcl.TraverseIndex)
		if !ok || !isText(index.Key) || index.Key.AsString() == "" {
			return bad()
		}
		a.Key = index.Key.AsString()
	}
	return a, at
}

// modulePath reads module.NAME["KEY"] at the start of an address, as often as it stands there, and says at which step the rest begins.
func (l *loader) modulePath(t hcl.Traversal) (path string, next int, ok bool) {
	path, word := l.site.mod.path, t.RootName()
	for word == "module" {
		name, _, ok := l.step(t, next+1)
		if !ok {
			return "", 0, false
		}
		key := ""
		next += 2
		if next < len(t) {
			if index, ok := t[next].(hcl.TraverseIndex); ok && isText(index.Key) {
				key = index.Key.AsString()
				next++
			}
		}
		path = reconcile.ModulePath(path, name, key)
		word, _, _ = l.step(t, next)
	}
	return path, next, true
}

// checkMoveCycles reports moves that lead back to where they began.
func (l *loader) checkMoveCycles(moves []*move, byFrom map[reconcile.Addr]*move) {
	seen := make(map[*move]bool)
	for _, m := range moves {
		texts := []string{m.from.String()}
		walk := make(map[*move]bool)
		for at := m; at != nil && !seen[at]; at = byFrom[at.to] {
			seen[at], walk[at] = true, true
			texts = append(texts, at.to.String())
			if next := byFrom[at.to]; next != nil && walk[next] {
				l.fail(m.fromAt, "Moved in a circle", "%s: the object would be moved without end. Take the moved blocks of former times away.", arrows(texts))
			}
		}
	}
}

// checkMove says whether a move leads to an object of the spec. One that is moved on does not; that is no mistake.
func (l *loader) checkMove(m *move, byFrom map[reconcile.Addr]*move) bool {
	unkeyed := m.from
	unkeyed.Key = ""
	if o := l.instance(m.from); o != nil {
		l.fail(m.fromAt, "Moved object is declared", "%s is declared at %s, so it is not moved. Take that block away, or this one.", m.from, place(o.block.DefRange()))
		return false
	}
	if d := l.gone[unkeyed]; d != nil && m.from.Key == "" {
		l.fail(m.fromAt, "Moved object is removed", "%s is removed at %s, so it is not moved. Take that block away, or this one.", m.from, place(d.block.DefRange()))
		return false
	}
	if l.instance(m.to) != nil {
		return true
	}
	unkeyed = m.to
	unkeyed.Key = ""
	d := l.declared[unkeyed]
	switch {
	case byFrom[m.to] != nil, d != nil && d.broken:
	case d != nil && d.forEach != nil && m.to.Key == "":
		l.fail(m.toAt, "Key needed", "%s has for_each, so that it stands for several objects. Name one: %s.", m.to, d.example())
	default:
		l.fail(m.toAt, "Moved to nothing", "%s is not declared. Name the block that stands for the object now, or take this one away.", m.to)
	}
	return false
}

// oldName is what an object was called before the first of the moves that lead to it.
func (l *loader) oldName(m *move, byTo map[reconcile.Addr]*move, most int) (string, bool) {
	for range most { // a circle elsewhere must not hold this up
		earlier := byTo[m.from]
		if earlier == nil {
			break
		}
		m = earlier
	}
	switch {
	case m.name != "":
		return m.name, true
	case m.from.Key != "":
		l.fail(m.fromAt, "Old name not known", "The objects of a block with for_each have names that the block made of their keys, and that block is not there any more. Set name to what %s is called in its system: name = \"…\".", m.from)
		return "", false
	}
	return m.from.Name, true
}
