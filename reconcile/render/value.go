package render

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

const (
	sensitive  = "(sensitive)"
	afterApply = "(known after apply)"
)

// inline is a value as it stands among others on a line.
func inline(v reconcile.Value) string {
	switch v := v.(type) {
	case nil:
		return "(nothing)"
	case reconcile.Text:
		return word(string(v))
	case reconcile.Secret:
		return sensitive
	case reconcile.Ref:
		return afterApply + " " + unknownOf(v)
	case reconcile.Join:
		return afterApply + " " + Escape(v.String())
	case reconcile.List:
		return bracketed(v)
	case reconcile.Set:
		return bracketed(v)
	case reconcile.Map:
		return braced(v)
	}
	return Escape(v.String())
}

// alone is a value that has the rest of a line to itself.
func alone(v reconcile.Value) string {
	if t, ok := v.(reconcile.Text); ok {
		return phrase(string(t))
	}
	return inline(v)
}

func unknownOf(r reconcile.Ref) string { return Escape(r.Attr + " of " + r.Addr.String()) }

func bracketed(vs []reconcile.Value) string {
	parts := make([]string, len(vs))
	for i, v := range vs {
		parts[i] = inline(v)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func braced(m reconcile.Map) string {
	parts := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, word(k)+" = "+inline(m[k]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// place is where a range starts, as editors and terminals link it: FILE:LINE. A zero range has no place.
func place(r hcl.Range) string {
	if r.Filename == "" || r.Start.Line == 0 {
		return ""
	}
	return Escape(r.Filename) + ":" + itoa(r.Start.Line)
}
