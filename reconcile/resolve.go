package reconcile

import (
	"slices"
	"strings"
)

// Resolver gives the value a reference stands for, false when it is not known yet.
type Resolver func(Ref) (Value, bool)

// Resolve replaces the references in v that can be resolved; a Join whose parts are all known becomes a Text. v itself is not changed.
func Resolve(v Value, r Resolver) Value {
	switch v := v.(type) {
	case Ref:
		if known, ok := r(v); ok {
			return known
		}
	case Join:
		return resolveJoin(v, r)
	case List:
		return List(resolveAll(v, r))
	case Set:
		return SetOf(resolveAll(v, r)...)
	case Map:
		m := make(Map, len(v))
		for k, member := range v {
			m[k] = Resolve(member, r)
		}
		return m
	}
	return v
}

func resolveAll(vs []Value, r Resolver) []Value {
	out := make([]Value, len(vs))
	for i, v := range vs {
		out[i] = Resolve(v, r)
	}
	return out
}

func resolveJoin(j Join, r Resolver) Value {
	out := make(Join, len(j))
	var text strings.Builder
	known := true
	for i, part := range j {
		out[i] = Resolve(part, r)
		switch p := out[i].(type) {
		case Text:
			text.WriteString(string(p))
		case Number:
			text.WriteString(string(p))
		case Flag:
			text.WriteString(p.String())
		default:
			known = false
		}
	}
	if known {
		return Text(text.String())
	}
	return out
}

// Index answers references from what is known of objects: facts first, then attributes. It is not safe for concurrent use while being changed.
type Index struct {
	facts map[Ref]Value
}

// NewIndex knows the facts and attributes of the given live objects.
func NewIndex(live []Object) *Index {
	x := &Index{facts: make(map[Ref]Value)}
	for _, o := range live {
		for _, a := range o.Attrs {
			x.facts[Ref{o.Addr, a.Name}] = a.Value
		}
		x.Learn(o.Addr, o.Facts)
	}
	return x
}

// Learn adds facts about an object.
func (x *Index) Learn(a Addr, facts map[string]Value) {
	for name, v := range facts {
		x.facts[Ref{a, name}] = v
	}
}

// Lookup is the index as a [Resolver].
func (x *Index) Lookup(r Ref) (Value, bool) {
	v, ok := x.facts[r]
	return v, ok && Known(v)
}

// Lookup answers a reference to the object: facts first, then attributes. It is false for what the object has not, and for what is not known yet.
func (o Object) Lookup(name string) (Value, bool) {
	v, ok := o.Facts[name]
	if !ok {
		v = o.Get(name)
	}
	return v, v != nil && Known(v)
}

// known says whether nothing in the object waits for another.
func (o Object) known() bool {
	return !slices.ContainsFunc(o.Attrs, func(a Attr) bool { return !Known(a.Value) })
}

// ResolveObject resolves all attributes of an object.
func ResolveObject(o Object, r Resolver) Object {
	attrs := make([]Attr, len(o.Attrs))
	for i, a := range o.Attrs {
		a.Value = Resolve(a.Value, r)
		attrs[i] = a
	}
	o.Attrs = attrs
	return o
}
