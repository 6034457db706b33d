package specs

import (
	"maps"

	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// scope is what an expression's references stand for.
type scope struct {
	vars, locals map[string]cty.Value
	each         map[string]cty.Value                        // nil where each is not used
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

func newScope() *scope {
	return &scope{
		vars: make(map[string]cty.Value), locals: make(map[string]cty.Value),
		objects: make(map[servers]map[string]map[string]cty.Value), modules: make(map[string]*moduleScope),
	}
}

func (s *scope) variables() map[string]cty.Value {
	out := map[string]cty.Value{"var": cty.ObjectVal(s.vars), "local": cty.ObjectVal(s.locals)}
	systems := make(map[string]map[string]cty.Value) // by kind, or by connection
	for on, kinds := range s.objects {
		byKind := make(map[string]cty.Value)
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
	if s.each != nil {
		out["each"] = cty.ObjectVal(s.each)
	}
	if len(s.modules) > 0 {
		modules := make(map[string]cty.Value)
		for name, m := range s.modules {
			modules[name] = m.value()
		}
		out["module"] = cty.ObjectVal(modules)
	}
	return out
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
	if s.objects[on] == nil {
		s.objects[on] = make(map[string]map[string]cty.Value)
	}
	if s.objects[on][a.Kind] == nil {
		s.objects[on][a.Kind] = make(map[string]cty.Value)
	}
	s.objects[on][a.Kind][a.Name] = v
}

func (s *scope) module(name string) *moduleScope {
	m := s.modules[name]
	if m == nil {
		m = &moduleScope{outputs: make(map[string]cty.Value), keyed: make(map[string]map[string]cty.Value)}
		s.modules[name] = m
	}
	return m
}
