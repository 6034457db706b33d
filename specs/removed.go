package specs

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"keymaker/reconcile"
)

// namingFields are the attributes by which people name an object, where its kind has them.
var namingFields = []string{"name", "label", "client_id"}

// pinField is the one of them that a system gives to no second object.
const pinField = "client_id"

// removedKind is what a removed block of a kind may say: which object is meant.
func removedKind(kind reconcile.Kind) reconcile.Kind {
	names := append(nameFields(kind), namingFields...)
	var fields []reconcile.Field
	for _, f := range kind.Fields {
		if slices.Contains(names, f.Name) && !f.Echo {
			f.Required = false
			fields = append(fields, f)
		}
	}
	kind.Fields, kind.Blocks = fields, nil
	return kind
}

// collectRemoved takes in a removed block. It names its object by labels, as the object's block did, or by address: from = SYSTEM.KIND.NAME.
func (l *loader) collectRemoved(b *hclsyntax.Block) {
	if len(b.Labels) == 0 && b.Body.Attributes[fromAttribute] != nil {
		l.removedFrom = append(l.removedFrom, movedBlock{l.site.mod, b}) // what the address means turns out when all connections are known
		return
	}
	if !l.labels(b, 3, `removed "SYSTEM" "KIND" "NAME" {}`) {
		return
	}
	lang, kind, ok := l.labelKind(b)
	if !ok {
		return
	}
	connection, ok := l.connectionOf(b, lang.System())
	addr := reconcile.Addr{Module: l.site.mod.path, System: lang.System(), Connection: connection, Kind: kind.Name, Name: b.Labels[2]}
	d := &declaration{addr: addr, mod: l.site.mod, lang: lang, kind: removedKind(kind), block: b, removed: true}
	d.broken = !l.checkName(b.Labels[2], b.LabelRanges[2], kind) || !ok
	l.addRemoved(d)
}

const fromAttribute = "from"

// listRemovedFrom adds what removed blocks name by address.
func (l *loader) listRemovedFrom() {
	for _, b := range l.removedFrom {
		leave := l.visit(site{mod: b.mod})
		l.addRemovedFrom(b.block)
		leave()
	}
}

func (l *loader) addRemovedFrom(b *hclsyntax.Block) {
	before := l.errors
	t := l.target(b.Body.Attributes[fromAttribute].Expr)
	if a := b.Body.Attributes[connectionWord]; a != nil {
		l.fail(a.NameRange, "Not part of a removed block", "The address says which connection the object is on: SYSTEM.CONNECTION.KIND.NAME. Take this out.")
	}
	if l.errors > before {
		return
	}
	kind, _ := l.kindOf(t.addr)
	switch {
	case t.isModule():
		l.fail(t.at, "Bad address", "What a module declared is removed object by object: from = %s.SYSTEM.KIND.NAME.", t)
		return
	case t.addr.Key != "":
		l.fail(t.at, "Old name not known", "The objects of a block with for_each have names that the block made of their keys. Say which one is meant by its name: removed %q %q \"NAME\" {}.", t.addr.System, t.addr.Kind)
		return
	case !t.owner.IsZero():
		kind = reconcile.Kind{System: t.addr.System, Name: t.addr.Kind}
	}
	l.addRemoved(&declaration{addr: t.addr, mod: l.site.mod, lang: l.language(t.addr.System), kind: removedKind(kind), block: b, removed: true, owner: t.owner})
}

// addRemoved notes what a removed block names.
func (l *loader) addRemoved(d *declaration) {
	if first, ok := l.declared[d.addr]; ok {
		l.declaredAndRemoved(d.block, d.addr, first.block)
		return
	}
	if first, ok := l.gone[d.addr]; ok {
		l.fail(d.block.DefRange(), "Duplicate block", "%s is already removed at %s. Take one of the blocks away.", d.addr, place(first.block.DefRange()))
		return
	}
	l.gone[d.addr] = d
	l.goneOrder = append(l.goneOrder, d)
}

// checkOwners reports removed blocks of rules whose policy the spec does not declare, or declares with the rule.
func (l *loader) checkOwners() {
	for _, d := range l.goneOrder {
		if d.owner.IsZero() {
			continue
		}
		at := d.block.Body.Attributes[fromAttribute].Expr.Range()
		rule := target{addr: d.addr, owner: d.owner}
		if l.instance(d.owner) == nil {
			l.fail(at, "Unknown "+d.owner.Kind, "The spec declares no %s. A %s is only removed from a %s that the spec declares; all of it goes with removed { from = %s }.", d.owner, d.addr.Kind, d.owner.Kind, d.owner)
			d.broken = true
		} else if declared, ok := l.declaredAt(rule); ok {
			l.fail(d.block.DefRange(), "Object declared and removed", "%s is declared at %s and removed at %s. Take one of the two blocks away.", rule, place(declared), place(d.block.DefRange()))
			d.broken = true
		}
	}
}

// labelKind reads a block's first two labels, a system and a kind of it.
func (l *loader) labelKind(b *hclsyntax.Block) (Language, reconcile.Kind, bool) {
	lang := l.language(b.Labels[0])
	if lang == nil {
		l.fail(b.LabelRanges[0], "Unknown system", "There is no system %q.%s There are %s.", b.Labels[0], suggest(b.Labels[0], l.systems()), list(l.systems()))
		return nil, reconcile.Kind{}, false
	}
	kind, ok := l.findKind(lang, b.Labels[1])
	if !ok {
		l.fail(b.LabelRanges[1], "Unknown kind", "%s has no kind %s.%s It has %s.", lang.System(), b.Labels[1], suggest(b.Labels[1], l.kindNames(lang)), list(l.kindNames(lang)))
	}
	return lang, kind, ok
}

// declaredAndRemoved reports the second of two blocks that contradict each other.
func (l *loader) declaredAndRemoved(second *hclsyntax.Block, a reconcile.Addr, first *hclsyntax.Block) {
	declared, removed := first, second
	if second.Type != "removed" {
		declared, removed = second, first
	}
	l.fail(second.DefRange(), "Object declared and removed", "%s is declared at %s and removed at %s. Take one of the two blocks away.",
		a, place(declared.DefRange()), place(removed.DefRange()))
}

// notForRemoved reports what a removed block cannot have.
func (l *loader) notForRemoved(o *instance, name string, at hcl.Range) {
	has := "It has nothing: the block's name is enough."
	if names := fieldNames(o.kind); len(names) > 0 {
		has = "It has " + list(names) + "."
	}
	l.fail(at, "Not part of a removed block", "A removed block only says which object is meant, and %s does not tell that. Take it out.%s %s", name, suggest(name, fieldNames(o.kind)), has)
}

// refuseGone reports a reference to an object that a removed block names.
func (l *loader) refuseGone(t hcl.Traversal, a reconcile.Addr) bool {
	d := l.gone[a]
	if d == nil {
		return false
	}
	l.fail(t.SourceRange(), "Object is removed", "%s must not exist, says the removed block at %s, so nothing can refer to it. Write its name as text, or take that block away.",
		a, place(d.block.DefRange()))
	return true
}

// absent makes of what a removed block declares the one object that must not exist.
func absent(objects []reconcile.Object, a reconcile.Addr) []reconcile.Object {
	objects = slices.DeleteFunc(objects, func(o reconcile.Object) bool { return o.Addr != a })
	for i := range objects {
		objects[i].Absent = true
	}
	return objects
}

// checkRemoved reports removed blocks that mean an object which another block declares or removes, under another address.
func (l *loader) checkRemoved() {
	if len(l.goneOrder) == 0 {
		return
	}
	declared, removed := l.liveIndex(l.order), make(map[string]*instance)
	for _, d := range l.goneOrder {
		for _, o := range d.instances {
			key := l.liveKey(o, l.liveName(o))
			if pin := pinKey(o); pin != "" {
				key = pin
			}
			if other := declared[key]; other != nil {
				l.fail(d.block.DefRange(), "Object declared and removed", "This is the object that %s declares at %s. Take one of the two blocks away, or say which object is meant with %s.",
					other.addr, place(other.block.DefRange()), list(fieldNames(d.kind)))
			} else if first := removed[key]; first != nil && first.block != o.block { // two of one block are reported as such
				l.fail(d.block.DefRange(), "Duplicate block", "This is the object that %s removes at %s. Take one of the two blocks away, or say which object is meant with %s.",
					first.addr, place(first.block.DefRange()), list(fieldNames(d.kind)))
			}
			removed[key] = o
		}
	}
}

// liveIndex finds declared objects by what tells them apart in their system.
func (l *loader) liveIndex(order []*declaration) map[string]*instance {
	index := make(map[string]*instance)
	for _, d := range order {
		for _, o := range d.instances {
			index[l.liveKey(o, l.liveName(o))] = o
			if pin := pinKey(o); pin != "" {
				index[pin] = o
			}
		}
	}
	return index
}

// liveName is the name that an object has in its system, as far as the spec says it.
func (l *loader) liveName(o *instance) string {
	if names := nameFields(o.kind); len(names) > 0 {
		def, _ := o.kind.Field(names[0])
		place := def.Locates && !slices.Contains(namingFields, def.Name) // and no name
		if f := o.fields[def.Name]; f != nil && f.has && !place {
			return f.arg.Value.String()
		}
	}
	return reconcile.Text(o.addr.Name).String()
}

// liveKey tells apart what a system holds: the kind, a name as [loader.liveName] gives it, and the places that the object is in.
func (l *loader) liveKey(o *instance, name string) string {
	key := o.addr.Instance() + "\n" + o.kind.Name + "\n" + name
	if !o.owner.IsZero() {
		key += "\n" + o.owner.String()
	}
	for _, f := range o.kind.Fields {
		if !f.Locates || slices.Contains(namingFields, f.Name) {
			continue
		}
		var v reconcile.Value = reconcile.Text(f.Default)
		if g := o.fields[f.Name]; g != nil && g.has {
			v = g.arg.Value
		}
		if r, ok := v.(reconcile.Ref); ok && l.instance(r.Addr) == nil { // used without a block: its name is the live one
			v = reconcile.Text(r.Addr.Name)
		}
		key += "\n" + v.String()
	}
	return key
}

// pinKey is what tells an object from all others of its kind whatever its name is; "" when the spec does not say it.
func pinKey(o *instance) string {
	if f := o.fields[pinField]; f != nil && f.has {
		return o.addr.Instance() + "\n" + o.kind.Name + "\n" + pinField + "\n" + f.arg.Value.String()
	}
	return ""
}
