package render

import "keymaker/reconcile"

// fields finds what a kind says about an attribute; attributes themselves carry only their value.
type fields map[string]reconcile.Field

func fieldsOf(kinds []reconcile.Kind) fields {
	f := make(fields)
	var add func(system string, k reconcile.Kind)
	add = func(system string, k reconcile.Kind) {
		for _, field := range k.Fields {
			f[system+"."+k.Name+"."+field.Name] = field
		}
		for _, b := range k.Blocks {
			add(system, b.Kind)
		}
	}
	for _, k := range kinds {
		add(k.System, k)
	}
	return f
}

// of gives the field of an object's attribute; the zero Field when no kind has it.
func (f fields) of(a reconcile.Addr, attr string) reconcile.Field {
	return f[a.System+"."+a.Kind+"."+attr]
}
