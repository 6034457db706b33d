package render

import (
	"encoding/json"
	"maps"
	"slices"

	"keymaker/reconcile"
)

// facets are the three views that Terraform's plan representation has of a value: what is known of it, and which parts are unknown or sensitive. The latter
// two are nil when no part is, true when all of it is, and otherwise shaped as the value. A part that is unknown or sensitive is null in known, or, as a
// member of a map, left out when unknown.
type facets struct{ known, unknown, secret any }

func facetsOf(v reconcile.Value, isSensitive bool) facets {
	if isSensitive {
		return facets{secret: true}
	}
	switch v := v.(type) {
	case reconcile.Text:
		return facets{known: string(v)}
	case reconcile.Number:
		return facets{known: numberJSON(v)}
	case reconcile.Flag:
		return facets{known: bool(v)}
	case reconcile.Secret:
		return facets{secret: true}
	case reconcile.Ref, reconcile.Join:
		return facets{unknown: true}
	case reconcile.List:
		return facetsOfList(v)
	case reconcile.Set:
		return facetsOfList(v)
	case reconcile.Map:
		return facetsOfMap(v, func(string) bool { return false })
	}
	return facets{} // null and absent
}

// numberJSON keeps a number's spelling. A text that is no number after all stays a text.
func numberJSON(n reconcile.Number) any {
	if json.Valid([]byte(n)) {
		return json.Number(n)
	}
	return string(n)
}

func facetsOfList(vs []reconcile.Value) facets {
	known, unknown, secret := make([]any, len(vs)), make([]any, len(vs)), make([]any, len(vs))
	anyUnknown, anySecret := false, false
	for i, v := range vs {
		f := facetsOf(v, false)
		known[i], unknown[i], secret[i] = f.known, orFalse(f.unknown), orFalse(f.secret)
		anyUnknown, anySecret = anyUnknown || f.unknown != nil, anySecret || f.secret != nil
	}
	f := facets{known: known}
	if anyUnknown {
		f.unknown = unknown
	}
	if anySecret {
		f.secret = secret
	}
	return f
}

func orFalse(v any) any {
	if v == nil {
		return false
	}
	return v
}

func facetsOfMap(m reconcile.Map, isSensitive func(key string) bool) facets {
	known, unknown, secret := map[string]any{}, map[string]any{}, map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		f := facetsOf(m[k], isSensitive(k))
		if f.unknown != true {
			known[k] = f.known
		}
		if f.unknown != nil {
			unknown[k] = f.unknown
		}
		if f.secret != nil {
			secret[k] = f.secret
		}
	}
	f := facets{known: known}
	if len(unknown) > 0 {
		f.unknown = unknown
	}
	if len(secret) > 0 {
		f.secret = secret
	}
	return f
}

// objectFacets views an object's attributes as one map; unknown and secret are empty maps when no attribute is.
func objectFacets(o reconcile.Object, kinds fields) facets {
	m := make(reconcile.Map, len(o.Attrs))
	for _, a := range o.Attrs {
		m[a.Name] = a.Value
	}
	f := facetsOfMap(m, func(name string) bool { return kinds.of(o.Addr, name).Sensitive })
	if f.unknown == nil {
		f.unknown = map[string]any{}
	}
	if f.secret == nil {
		f.secret = map[string]any{}
	}
	return f
}
