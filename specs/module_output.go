package specs

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// bringModule puts a module's outputs into scope.
func (l *loader) bringModule(t hcl.Traversal, s *scope) bool {
	mod := l.site.mod
	name, at, ok := l.step(t, 1)
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A module's output is written module.NAME.OUTPUT. The spec has the modules %s.", list(mod.callNames))
		return false
	}
	c, ok := mod.calls[name]
	if !ok {
		l.fail(at, "Unknown module", "There is no module %s.%s The spec has %s.", name, suggest(name, mod.callNames), list(mod.callNames))
		return false
	}
	if c.state == underway {
		l.cycle(reconcile.ModulePath(mod.path, name, "")+"."+forEach, at)
		return false
	}
	l.openCall(c)
	if c.broken {
		return false // reported with the block
	}
	if len(t) == 2 {
		return l.bringWhole(c, s, at)
	}
	if c.forEach == nil {
		out, v, ok := l.bringOutput(c.made[0], t, 2)
		if ok {
			s.module(name).outputs[out] = v
		}
		return ok
	}
	return l.bringKeyed(c, t, s)
}

// bringKeyed puts what module.NAME["KEY"] refers to into scope.
func (l *loader) bringKeyed(c *call, t hcl.Traversal, s *scope) bool {
	path := reconcile.ModulePath(c.mod.path, c.name, "")
	index, ok := t[2].(hcl.TraverseIndex)
	if !ok || !isText(index.Key) {
		l.fail(t[2].SourceRange(), "Key needed", "%s has for_each, so that there are several. Name one, %s, or take all: [for k, m in %s : m.…].", path, reconcile.ModulePath(c.mod.path, c.name, "KEY"), path)
		return false
	}
	key := index.Key.AsString()
	m := c.byKey[key]
	if m == nil {
		l.add(hcl.Diagnostics{noKey(index.SrcRange, path, key, slices.Collect(maps.Keys(c.byKey)))})
		return false
	}
	if len(t) == 3 {
		v, ok := l.outputsOf(m, index.SrcRange)
		s.module(c.name).keyed[key] = v
		return ok
	}
	out, v, ok := l.bringOutput(m, t, 3)
	if ok {
		scope := s.module(c.name)
		if scope.keyed[key] == nil {
			scope.keyed[key] = make(map[string]cty.Value)
		}
		scope.keyed[key][out] = v
	}
	return ok
}

// bringOutput gives the output that step i of a traversal names.
func (l *loader) bringOutput(m *module, t hcl.Traversal, i int) (string, cty.Value, bool) {
	name, at, ok := l.step(t, i)
	names := slices.Collect(maps.Keys(m.outputs))
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A module's output is written module.NAME.OUTPUT. The module has %s.", list(names))
		return "", cty.DynamicVal, false
	}
	if m.outputs[name] == nil {
		l.fail(at, "Unknown output", "The module's folder %s declares no output %s.%s It declares %s.", m.dir, name, suggest(name, names), list(names))
		return "", cty.DynamicVal, false
	}
	v, ok := l.outputOf(m, name, at)
	return name, v, ok
}

func (l *loader) outputOf(m *module, name string, at hcl.Range) (cty.Value, bool) {
	o := m.outputs[name]
	if o.value == nil {
		return cty.DynamicVal, false // reported with the block
	}
	v, ok := l.use(o.value, at)
	return l.hide(o, m, v, ok)
}

// hide marks a sensitive output's value.
func (l *loader) hide(o *output, m *module, v cty.Value, ok bool) (cty.Value, bool) {
	name := o.Name
	if ok && o.Sensitive {
		label := "output " + m.child(name)
		l.taint(label)
		v = v.Mark(sensitive{label})
	}
	return v, ok
}

// outputsOf gives all outputs of a module. Which objects they need turns out when their values are used.
func (l *loader) outputsOf(m *module, at hcl.Range) (map[string]cty.Value, bool) {
	out := make(map[string]cty.Value, len(m.outputs))
	all := true
	needs := maps.Clone(l.frame.needs)
	defer func() { l.frame.needs = needs }()
	for _, name := range slices.Sorted(maps.Keys(m.outputs)) {
		v, ok := l.outputOf(m, name, at)
		out[name] = v
		all = all && ok
	}
	return out, all
}

// bringWhole puts all outputs of a module block into scope, by key when it has for_each.
func (l *loader) bringWhole(c *call, s *scope, at hcl.Range) bool {
	all := true
	values := make(map[string]cty.Value, len(c.made))
	for _, m := range c.made {
		out, ok := l.outputsOf(m, at)
		all = all && ok
		if c.forEach == nil {
			values = out
			break
		}
		values[m.each.key] = cty.ObjectVal(out)
	}
	s.module(c.name).whole = cty.ObjectVal(values)
	return all
}
