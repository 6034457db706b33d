package specs

import (
	"fmt"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// finishModule gives all variables of a module their values, and validates them.
func (l *loader) finishModule(m *module) {
	defer l.about(m)()
	defer l.visit(site{mod: m})()
	names := slices.Sorted(maps.Keys(m.variables))
	for _, name := range names {
		l.bind(m, m.variables[name])
	}
	for _, name := range names {
		l.validate(m.variables[name])
	}
}

// bind gives a module's variable the value that the module block says, the first time. Those of the spec itself have theirs.
func (l *loader) bind(m *module, v *variable) {
	if v.state != untouched || m.call == nil {
		return
	}
	v.state, v.value = underway, cty.DynamicVal
	defer func() { v.state = finished }()
	if v.arg == nil {
		if v.Required && !v.broken {
			l.missingArgument(m.call, v.Name)
			return
		}
		v.value = l.valueOf(v, given{}, false)
	} else {
		v.value = l.argument(m, v)
	}
	if v.Sensitive {
		v.value = v.value.Mark(sensitive{"variable " + v.Name})
	}
}

func (l *loader) missingArgument(c *call, name string) {
	l.fail(c.block.DefRange(), "Missing attribute", "The module's folder %s declares the variable %s without a default. Give it here: %s = ….", c.folder.dir, name, name)
}

// checkUnmade looks at the arguments of a module block whose for_each is empty, for the mistakes in them that do not depend on the keys: with other values they would be told.
func (l *loader) checkUnmade(c *call) {
	if c.folder == nil || c.broken || c.forEach == nil || len(c.made) > 0 {
		return
	}
	defer l.about(c.mod)()
	required := l.requirements(c.folder)
	for _, name := range slices.Sorted(maps.Keys(required)) {
		if required[name] && c.block.Body.Attributes[name] == nil {
			l.missingArgument(c, name)
		}
	}
	unresolved, implicit := l.unresolved, maps.Clone(l.implicit)
	defer l.visit(site{mod: c.mod, each: anyEach()})()
	for _, a := range attributes(c.block.Body) {
		if a.Name == sourceAttribute || a.Name == forEach || a.Name == connectionsAttribute {
			continue
		}
		if _, ok := required[a.Name]; !ok {
			l.unknownArgument(a, c.folder.dir, slices.Collect(maps.Keys(required)))
			continue
		}
		l.apart(func() { l.evaluate(a.Expr) })
	}
	l.unresolved, l.implicit = unresolved, implicit
}

// requirements are the variables that a folder declares, and whether a module block has to give them.
func (l *loader) requirements(f *folder) map[string]bool {
	required := make(map[string]bool)
	for _, name := range f.names {
		body := l.src.bodies[name]
		if body == nil {
			continue
		}
		for _, b := range body.Blocks {
			if b.Type == "variable" && len(b.Labels) == 1 {
				required[b.Labels[0]] = b.Body.Attributes["default"] == nil
			}
		}
	}
	return required
}

// argument evaluates what a module block gives a variable, where the block stands.
func (l *loader) argument(m *module, v *variable) cty.Value {
	at := v.arg.Expr.Range()
	if v.Sensitive && len(l.traversals(v.arg.Expr)) == 0 {
		l.mask(at)
	}
	if !l.enter(m.child("var."+v.Name), v.arg.NameRange) {
		return cty.DynamicVal
	}
	defer l.leave()
	value, ok := cty.DynamicVal, false
	f := l.apart(func() {
		leave := l.visit(site{mod: m.call.mod, each: m.each})
		value, ok = l.evaluate(v.arg.Expr)
		leave()
	})
	v.needs, v.tainted = f.needs, f.sensitive
	if !ok {
		return cty.DynamicVal
	}
	g := given{from: "module " + m.call.name, at: at}
	if g.value, g.err = v.convert(value); g.err != nil && l.tokens.within(value) {
		l.fail(at, "Bad value for a variable", "var.%s is a %s, and this refers to an object. Name the attribute that is meant, or declare the variable with type = any.", v.Name, v.Type)
		return cty.DynamicVal
	}
	if g.err != nil && v.tainted != "" {
		g.err = fmt.Errorf("the value is not shown, because the %s is sensitive", v.tainted)
	}
	return l.valueOf(v, g, true)
}
