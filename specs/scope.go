package specs

import (
	"maps"

	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// scope is what an expression's references stand for.
type scope struct {
	vars, locals map[string]cty.Value
	each         cty.Value                                   // NilVal where each is not used
	objects      map[servers]map[string]map[string]cty.Value // by kind and name
	modules      map[string]*moduleScope
}

// servers is how references name a connection of a system, "" when they name none.
type servers struct{ system, connection string }

// moduleScope is what is used of one module block.
type moduleScope struct {
	whole   cty.Value                       // all of it; NilVal when that is not used
	outputs map[string]cty.Value            // of a module without for_each
	keyed   map[string]map[string]cty.Value // outputs by for_each key
}

// variables are what the names of an expression stand for. Most expressions use few of them or none.
func (s *scope) variables() map[string]cty.Value {
	out := map[string]cty.Value{"var": object(s.vars), "local": object(s.locals)}
	systems := make(map[string]map[string]cty.Value) // by kind, or by connection
	for on, kinds := range s.objects {
		byKind := make(map[string]cty.Value, len(kinds))
		for kind, names := range kinds {
			byKind[kind] = cty.ObjectVal(names)
		}
		if systems[on.system] == nil {
			systems[on.system] = make(map[string]cty.Value)
		}
		if on.connection == "" {
			maps.Copy(systems[on.system], byKind)
		} else {
			systems[on.system][on.connection] = cty.ObjectVal(byKind)
		}
	}
	for system, members := range systems {
		out[system] = cty.ObjectVal(members)
	}
	if s.each != cty.NilVal {
		out["each"] = s.each
	}
	if len(s.modules) > 0 {
		modules := make(map[string]cty.Value, len(s.modules))
		for name, m := range s.modules {
			modules[name] = m.value()
		}
		out["module"] = cty.ObjectVal(modules)
	}
	return out
}

// onlyEach says whether an expression uses nothing else, as many do.
func (s *scope) onlyEach() bool {
	return s.each != cty.NilVal && len(s.vars)+len(s.locals)+len(s.objects)+len(s.modules) == 0
}

func object(attrs map[string]cty.Value) cty.Value {
	if len(attrs) == 0 {
		return cty.EmptyObjectVal
	}
	return cty.ObjectVal(attrs)
}

// set puts a value into a map, which is made for the first.
func set[K comparable, V any](m *map[K]V, key K, v V) {
	if *m == nil {
		*m = make(map[K]V, 1)
	}
	(*m)[key] = v
}

func (m *moduleScope) value() cty.Value {
	if m.whole != cty.NilVal {
		return m.whole
	}
	out := maps.Clone(m.outputs)
	for key, outputs := range m.keyed {
		out[key] = cty.ObjectVal(outputs)
	}
	return cty.ObjectVal(out)
}

func (s *scope) put(a reconcile.Addr, v cty.Value) {
	on := servers{a.System, a.Connection}
	kinds := s.objects[on]
	names := kinds[a.Kind]
	set(&names, a.Name, v)
	set(&kinds, a.Kind, names)
	set(&s.objects, on, kinds)
}

func (s *scope) module(name string) *moduleScope {
	m := s.modules[name]
	if m == nil {
		m = &moduleScope{outputs: make(map[string]cty.Value), keyed: make(map[string]map[string]cty.Value)}
		set(&s.modules, name, m)
	}
	return m
}
