package specs

import (
	"maps"

	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// scope is what an expression's references stand for.
type scope struct {
	vars, locals map[string]cty.Value
	each         map[string]cty.Value                       // nil where each is not used
	objects      map[string]map[string]map[string]cty.Value // by system, kind and name
	modules      map[string]*moduleScope
}

// moduleScope is what is used of one module block.
type moduleScope struct {
	whole   cty.Value                       // all of it; NilVal when that is not used
	outputs map[string]cty.Value            // of a module without for_each
	keyed   map[string]map[string]cty.Value // outputs by for_each key
}

func newScope() *scope {
	return &scope{
		vars: make(map[string]cty.Value), locals: make(map[string]cty.Value),
		objects: make(map[string]map[string]map[string]cty.Value), modules: make(map[string]*moduleScope),
	}
}

func (s *scope) variables() map[string]cty.Value {
	out := map[string]cty.Value{"var": cty.ObjectVal(s.vars), "local": cty.ObjectVal(s.locals)}
	for system, kinds := range s.objects {
		byKind := make(map[string]cty.Value)
		for kind, names := range kinds {
			byKind[kind] = cty.ObjectVal(names)
		}
		out[system] = cty.ObjectVal(byKind)
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
	if s.objects[a.System] == nil {
		s.objects[a.System] = make(map[string]map[string]cty.Value)
	}
	if s.objects[a.System][a.Kind] == nil {
		s.objects[a.System][a.Kind] = make(map[string]cty.Value)
	}
	s.objects[a.System][a.Kind][a.Name] = v
}

func (s *scope) module(name string) *moduleScope {
	m := s.modules[name]
	if m == nil {
		m = &moduleScope{outputs: make(map[string]cty.Value), keyed: make(map[string]map[string]cty.Value)}
		s.modules[name] = m
	}
	return m
}
