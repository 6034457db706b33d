package specs

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// moves are the moved blocks of a spec.
type moves struct {
	all    []*move
	byFrom map[reconcile.Addr]*move
}

// next is where something was moved to: by a block of its own, with the block that it stands in, or with its module. m is nil for the latter two, which give no
// object another name.
func (ms *moves) next(t target) (to target, m *move, ok bool) {
	if m := ms.byFrom[t.addr]; m != nil {
		return m.to, m, true
	}
	if !t.owner.IsZero() {
		if m := ms.byFrom[t.owner]; m != nil {
			return target{addr: m.to.addr.Child(t.addr.Kind, t.addr.Name), owner: m.to.addr}, nil, true
		}
	}
	for path := t.addr.Module; path != "" && !t.isModule(); path = path[:max(0, strings.LastIndex(path, ".module."))] {
		for _, p := range []string{path, strings.TrimSuffix(path, keyOf(path))} {
			if m := ms.byFrom[reconcile.Addr{Module: p}]; m != nil {
				to := t
				to.addr.Module = m.to.addr.Module + strings.TrimPrefix(t.addr.Module, p)
				if !t.owner.IsZero() {
					to.owner.Module = to.addr.Module
				}
				return to, nil, true
			}
		}
	}
	return t, nil, false
}

// keyOf is the key at the end of a module's path, as it is written there.
func keyOf(path string) string {
	if i := strings.LastIndex(path, `["`); i >= 0 && strings.HasSuffix(path, `"]`) && !strings.Contains(path[i:], ".module.") {
		return path[i:]
	}
	return ""
}

// chain follows a move to its end. It gives false for one that leads back to where it began.
func (ms *moves) chain(m *move) (targets []target, blocks []*move, ok bool) {
	targets = []target{m.from}
	seen := map[reconcile.Addr]bool{m.from.addr: true}
	for {
		to, by, ok := ms.next(targets[len(targets)-1])
		if !ok {
			return targets, blocks, true
		}
		targets, blocks = append(targets, to), append(blocks, by)
		if seen[to.addr] {
			return targets, blocks, false
		}
		seen[to.addr] = true
	}
}

// end is where an object was moved to in the end; zero stays zero.
func (ms *moves) end(a reconcile.Addr) reconcile.Addr {
	t := target{addr: a}
	for range len(ms.all) + 1 { // a circle is reported elsewhere
		to, _, ok := ms.next(t)
		if a.IsZero() || !ok {
			break
		}
		t = to
	}
	return t.addr
}

// former is a name that an object had.
type former struct {
	name string
	age  int // how many moves ago
	by   *move
}

// formerNames gives for each object that moved blocks lead to what it was called, the newest name first. Mistakes are reported.
func (l *loader) formerNames(ms *moves) map[reconcile.Addr][]string {
	found := make(map[reconcile.Addr][]former)
	circled, before := make(map[reconcile.Addr]bool), make(map[reconcile.Addr]target)
	index, taken := l.liveIndex(l.order), make(map[string]former)
	for _, m := range ms.all {
		targets, blocks, ok := ms.chain(m)
		if !ok {
			l.reportCircle(m, targets, circled)
			continue
		}
		end := targets[len(targets)-1]
		last := !slices.ContainsFunc(blocks[1:], func(by *move) bool { return by != nil })
		if !l.checkMerge(m, targets, before) || !l.checkOwner(ms, m) || !l.checkMove(m, end, last) || m.from.isModule() {
			continue
		}
		name, ok := l.oldName(m)
		if !ok {
			continue
		}
		f := former{name: name, age: len(blocks), by: m}
		if key, free := l.checkOldName(f, end, index, taken); free {
			taken[key] = former{name: end.String(), by: m}
			found[end.addr] = append(found[end.addr], f)
		}
	}
	names := make(map[reconcile.Addr][]string)
	for a, fs := range found {
		slices.SortStableFunc(fs, func(a, b former) int { return a.age - b.age })
		for _, f := range fs {
			if !slices.Contains(names[a], f.name) {
				names[a] = append(names[a], f.name)
			}
		}
	}
	return names
}

// reportCircle reports moves that lead back to where they began, once each.
func (l *loader) reportCircle(m *move, targets []target, circled map[reconcile.Addr]bool) {
	last := targets[len(targets)-1].addr
	from := slices.IndexFunc(targets, func(t target) bool { return t.addr == last })
	fresh := true
	var texts []string
	for _, t := range targets[from:] {
		fresh = fresh && !circled[t.addr]
		texts = append(texts, t.String())
	}
	for _, t := range targets[from:] {
		circled[t.addr] = true
	}
	if fresh {
		l.fail(m.from.at, "Moved in a circle", "%s: the object would be moved without end. Take the moved blocks of former times away.", arrows(texts))
	}
}

// checkMerge reports two chains of moves that become one. before holds what each target was before, as far as chains went already.
func (l *loader) checkMerge(m *move, targets []target, before map[reconcile.Addr]target) bool {
	for i, t := range targets[1:] {
		was, ok := before[t.addr]
		if ok && was.addr != targets[i].addr {
			l.fail(m.from.at, "Two objects moved to one", "%s and %s would both be moved to %s, and one object cannot be both. Take one of the blocks away.", was, targets[i], t)
			return false
		}
		before[t.addr] = targets[i]
	}
	return true
}

// checkMove says whether a move leads to something that the spec declares, at the end of its chain; last is the last block of that. One that is moved on does not; that is
// no mistake.
func (l *loader) checkMove(m *move, end target, last bool) bool {
	if at, ok := l.declaredAt(m.from); ok {
		l.fail(m.from.at, "Moved object is declared", "%s is declared at %s, so it is not moved. Take that block away, or this one.", m.from, place(at))
		return false
	}
	if d := l.gone[m.from.addr]; d != nil {
		l.fail(m.from.at, "Moved object is removed", "%s is removed at %s, so it is not moved. Take that block away, or this one.", m.from, place(d.block.DefRange()))
		return false
	}
	if _, ok := l.declaredAt(end); ok {
		return true
	}
	if !last { // that one is reported
		return false
	}
	unkeyed := m.to.addr
	unkeyed.Key = ""
	d := l.declared[unkeyed]
	switch {
	case d != nil && d.broken:
	case d != nil && d.forEach != nil && m.to.addr.Key == "":
		l.fail(m.to.at, "Key needed", "%s has for_each, so that it stands for several objects. Name one: %s. What only has another block name, and is called as it was, needs no moved block.", m.to, d.example())
	default:
		l.fail(m.to.at, "Moved to nothing", "%s is not declared. Name the block that stands for the object now, or take this one away.", m.to)
	}
	return false
}

// checkOwner reports a rule that would go from one policy to another.
func (l *loader) checkOwner(ms *moves, m *move) bool {
	if m.from.owner == m.to.owner || ms.end(m.from.owner) == ms.end(m.to.owner) {
		return true
	}
	l.fail(m.to.at, "Moved into another object", "%s stands in %s, and %s in %s: a %s cannot go from one to the other. Declare it there, and remove the old one with removed { from = %s }.",
		m.from, m.from.owner, m.to, m.to.owner, m.from.addr.Kind, m.from)
	return false
}

// checkOldName says whether an object may have had a name: no other object of the spec has it, and none had it. It gives what tells the old object apart, and false when it
// is called as it was, too.
func (l *loader) checkOldName(f former, end target, index map[string]*instance, taken map[string]former) (string, bool) {
	m := f.by
	var key string
	if end.owner.IsZero() {
		o := l.instance(end.addr)
		key = l.liveKey(o, quote(f.name))
		switch other := index[key]; {
		case other == o:
			return "", false
		case other != nil:
			l.fail(m.from.at, "Moved object is declared", "It was called %q, and that is what %s declares at %s. Rename that one, or take this moved block away.", f.name, other.addr, place(other.block.DefRange()))
			return "", false
		}
	} else {
		if f.name == end.addr.Name {
			return "", false
		}
		sibling := target{addr: end.owner.Child(end.addr.Kind, f.name), owner: end.owner}
		if at, ok := l.declaredAt(sibling); ok {
			l.fail(m.from.at, "Moved object is declared", "It was called %q, and that is what %s declares at %s. Rename that one, or take this moved block away.", f.name, sibling, place(at))
			return "", false
		}
		key = sibling.String()
	}
	if first, ok := taken[key]; ok && first.name != end.String() {
		l.fail(m.from.at, "Object moved twice", "The object that was called %q is already moved to %s at %s. Take one of the blocks away.", f.name, first.name, place(first.by.place))
		return "", false
	}
	return key, true
}

// oldName is what an object was called before a move.
func (l *loader) oldName(m *move) (string, bool) {
	switch {
	case m.name != "":
		return m.name, true
	case m.from.addr.Key == "":
		return m.from.addr.Name, true
	}
	if name, ok := l.nameByKey(m); ok {
		return name, true
	}
	l.fail(m.from.at, "Old name not known", "The objects of a block with for_each have names that the block makes of their keys, and what it made of this one is not known here. Set name to what %s is called in its system: name = \"…\".", m.from)
	return "", false
}

// nameByKey is the name that a block gave to a key that its for_each does not have any more, where the name is made of the key and of nothing that went with it.
func (l *loader) nameByKey(m *move) (string, bool) {
	unkeyed := m.from.addr
	unkeyed.Key = ""
	d := l.declared[unkeyed]
	if d == nil || d.forEach == nil || d.broken || len(nameFields(d.kind)) == 0 {
		return "", false
	}
	a := d.block.Body.Attributes[nameFields(d.kind)[0]]
	if a == nil {
		return "", false
	}
	set := slices.ContainsFunc(d.instances, func(o *instance) bool { return o.each.set })
	for _, t := range l.traversals(a.Expr) {
		if word, _, _ := l.step(t, 1); t.RootName() == "each" && word != "key" && !set {
			return "", false
		}
	}
	return l.quietName(d, a.Name, m.from.addr.Key)
}

// quietName evaluates the attribute that names an object, for a key that the block does not have. Mistakes are not reported: there may be none without that key.
func (l *loader) quietName(d *declaration, attribute, key string) (string, bool) {
	diags, errors, unresolved, cyclic := len(l.diags), l.errors, l.unresolved, l.cyclic
	defer func() { l.diags, l.errors, l.unresolved, l.cyclic = l.diags[:diags], errors, unresolved, cyclic }()
	o := &instance{declaration: d, addr: d.addr, each: &each{key: key, value: cty.StringVal(key)}, fields: make(map[string]*field)}
	o.addr.Key = key
	f := l.fieldOf(o, attribute)
	name, ok := f.arg.Value.(reconcile.Text)
	return string(name), ok && f.has && name != ""
}
