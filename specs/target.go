package specs

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"keymaker/reconcile"
)

// target is an address as it is written in moved and removed: of an object, of a block inside one that is an object of its own (a policy's rule), or of a module.
type target struct {
	addr  reconcile.Addr // of a module only Module is set
	owner reconcile.Addr // of the block that a rule stands in; zero for anything else
	key   string         // of a module: its own key
	at    hcl.Range
}

func (t target) isModule() bool { return t.addr.System == "" }

// String gives the address as it is written.
func (t target) String() string {
	if t.isModule() {
		return t.addr.Module
	}
	return t.addr.String()
}

// target reads an address that is written out, from the module where it stands. Mistakes are reported.
func (l *loader) target(expr hclsyntax.Expression) target {
	out := target{at: expr.Range()}
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() {
		return l.badAddress(out)
	}
	path, key, i, ok := l.modulePath(t)
	out.addr.Module = path
	if !ok {
		return l.badAddress(out)
	}
	if i == len(t) {
		out.key = key
		return out
	}
	system := t.RootName()
	if i > 0 {
		system, _, _ = l.step(t, i)
	}
	lang := l.language(system)
	if lang == nil {
		return l.badAddress(out)
	}
	out.addr.System = system
	if path == l.site.mod.path {
		out.addr.Connection = l.site.mod.connections[system]
	}
	if word, _, ok := l.step(t, i+1); ok && l.connections[reconcile.InstanceName(system, word)] != nil {
		out.addr.Connection, i = word, i+1
	}
	return l.objectTarget(out, lang, t, i+1)
}

func (l *loader) badAddress(out target) target {
	l.fail(out.at, "Bad address", "An address is needed here, written out: SYSTEM.KIND.NAME, or SYSTEM.KIND.NAME[\"KEY\"] of a block with for_each. The systems are %s.", list(l.systems()))
	return out
}

// objectTarget reads what follows the system: KIND.NAME, a key, and a block inside.
func (l *loader) objectTarget(out target, lang Language, t hcl.Traversal, i int) target {
	kindName, at, ok := l.step(t, i)
	kind, known := l.findKind(lang, kindName)
	if ok && !known {
		l.unknownKind(lang, kindName, at, out.addr.Connection == "")
		return out
	}
	name, _, ok := l.step(t, i+1)
	if !ok {
		return l.badAddress(out)
	}
	out.addr.Kind, out.addr.Name = kindName, name
	i += 2
	if i < len(t) {
		if key, ok := indexKey(t[i]); ok {
			out.addr.Key = key
			i++
		}
	}
	if i == len(t) {
		return out
	}
	return l.innerTarget(out, kind, t, i)
}

// innerTarget reads the end of an address of a block inside another: rule.NAME.
func (l *loader) innerTarget(out target, kind reconcile.Kind, t hcl.Traversal, i int) target {
	word, at, _ := l.step(t, i)
	var names []string
	for _, b := range kind.Blocks {
		if b.Labeled {
			names = append(names, b.Name)
		}
	}
	name, _, ok := l.step(t, i+1)
	switch {
	case ok && len(names) > 0 && !slices.Contains(names, word):
		l.fail(at, "Unknown block", "%s has no block %s.%s It has %s.", kind.Name, word, suggest(word, names), list(names))
		return out
	case !ok || len(t) != i+2 || len(names) == 0:
		return l.badAddress(out)
	}
	out.owner = out.addr
	out.addr = out.addr.Child(word, name)
	return out
}

// indexKey reads ["KEY"].
func indexKey(s hcl.Traverser) (string, bool) {
	index, ok := s.(hcl.TraverseIndex)
	if !ok || !isText(index.Key) || index.Key.AsString() == "" {
		return "", false
	}
	return index.Key.AsString(), true
}

// modulePath reads module.NAME["KEY"] at the start of an address, as often as it stands there. It gives the last of the keys, and at which step the rest begins.
func (l *loader) modulePath(t hcl.Traversal) (path, key string, next int, ok bool) {
	path, word := l.site.mod.path, t.RootName()
	for word == "module" {
		name, _, ok := l.step(t, next+1)
		if !ok {
			return "", "", 0, false
		}
		key = ""
		next += 2
		if next < len(t) {
			if k, ok := indexKey(t[next]); ok {
				key = k
				next++
			}
		}
		path = reconcile.ModulePath(path, name, key)
		word, _, _ = l.step(t, next)
	}
	return path, key, next, true
}

// declaredAt says where a target is declared. It opens what has to be open for that.
func (l *loader) declaredAt(t target) (hcl.Range, bool) {
	switch {
	case t.isModule():
		return l.moduleAt(t)
	case t.owner.IsZero():
		if o := l.instance(t.addr); o != nil {
			return o.block.DefRange(), true
		}
		return hcl.Range{}, false
	}
	if o := l.instance(t.owner); o != nil {
		for _, b := range o.block.Body.Blocks {
			if b.Type == t.addr.Kind && len(b.Labels) == 1 && b.Labels[0] == t.addr.Name {
				return b.DefRange(), true
			}
		}
	}
	return hcl.Range{}, false
}

// moduleAt says which block declares a module; without a key it is meant with all of its keys.
func (l *loader) moduleAt(t target) (hcl.Range, bool) {
	for _, m := range l.modules {
		for _, name := range m.callNames {
			c := m.calls[name]
			if t.key == "" && reconcile.ModulePath(m.path, name, "") == t.addr.Module {
				return c.block.DefRange(), true
			}
			if t.key != "" && reconcile.ModulePath(m.path, name, t.key) == t.addr.Module && c.byKey[t.key] != nil {
				return c.block.DefRange(), true
			}
		}
	}
	return hcl.Range{}, false
}
