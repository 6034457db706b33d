package specs

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// forEach is the attribute that makes one block several objects or modules.
const forEach = "for_each"

// each is one member of a for_each.
type each struct {
	key       string
	value     cty.Value // the key again for a set
	set       bool
	object    cty.Value        // key and value, once they were used
	context   *hcl.EvalContext // of expressions that use nothing else
	sensitive string           // names something sensitive that the for_each depends on, "" for none
}

// eachOf evaluates a for_each where the expression stands. name is what it belongs to. It gives false after a mistake, which is reported.
func (l *loader) eachOf(a *hclsyntax.Attribute, name string) ([]*each, bool) {
	if !l.enter(name+"."+forEach, a.NameRange) {
		return nil, false
	}
	defer l.leave()
	var v cty.Value
	ok := false
	var members []*each
	f := l.apart(func() {
		if v, ok = l.evaluate(a.Expr); ok {
			members, ok = l.membersOf(v, a.Expr.Range())
		}
	})
	for _, m := range members {
		m.sensitive = f.sensitive
	}
	return members, ok
}

// membersOf lists the members of a for_each's value by key.
func (l *loader) membersOf(v cty.Value, at hcl.Range) ([]*each, bool) {
	ty := v.Type()
	_, object := l.tokens.object(v)
	plain, marks := v.Unmark()
	set := ty.IsSetType()
	switch {
	case len(marks) > 0:
		l.fail(at, "Sensitive for_each", "The keys of a for_each are shown in addresses, and this value is sensitive. Use a value that is not, or nonsensitive(…) when the keys may be seen.")
		return nil, false
	case !plain.IsKnown():
		l.unresolved = &at
		return nil, false
	case plain.IsNull():
		l.fail(at, "for_each is null", "for_each needs a map or a set of texts. For no object at all write {}.")
		return nil, false
	case object:
		l.fail(at, "Wrong type", "for_each needs a map or a set of texts, and this is one object. Write a set of its attributes: toset([…]).")
		return nil, false
	case set && ty.ElementType() != cty.String && plain.LengthInt() > 0:
		l.fail(at, "Wrong type", "for_each needs a map or a set of texts, and this is a set of something else. Write a map: { for x in … : KEY => x }.")
		return nil, false
	case ty.IsTupleType() || ty.IsListType():
		l.fail(at, "Wrong type", "for_each needs a map or a set of texts, and this is a list, in which a member has no lasting key. Write toset([…]).")
		return nil, false
	case !set && !ty.IsMapType() && !ty.IsObjectType():
		l.fail(at, "Wrong type", "for_each needs a map or a set of texts, and this is %s.", typeName(ty))
		return nil, false
	}
	return l.keyed(plain, set, at)
}

func (l *loader) keyed(v cty.Value, set bool, at hcl.Range) ([]*each, bool) {
	found := make(map[string]*each, v.LengthInt())
	good := true
	for it := v.ElementIterator(); it.Next(); {
		k, member := it.Element()
		if k.IsNull() {
			l.fail(at, "Bad for_each key", "One of the keys is null. Leave it out: [for k in … : k if k != null].")
			good = false
			continue
		}
		key, ok := l.eachKey(k, at)
		if !ok {
			good = false
			continue
		}
		if set {
			member = cty.StringVal(key)
		}
		found[key] = &each{key: key, value: member, set: set}
	}
	members := make([]*each, 0, len(found))
	for _, key := range slices.Sorted(maps.Keys(found)) {
		members = append(members, found[key])
	}
	return members, good
}

// eachKey gives a key as text: it becomes part of addresses, so it has to be known and printable.
func (l *loader) eachKey(k cty.Value, at hcl.Range) (string, bool) {
	if !k.IsKnown() {
		l.unresolved = &at
		return "", false
	}
	key := k.AsString()
	if l.tokens.in(key) {
		v, ok := l.expand(key, at)
		if !ok {
			return "", false
		}
		text, known := v.(reconcile.Text)
		if !known {
			l.fail(at, "Value not known yet", "%s is only known after apply, so it cannot be a key of for_each. Make the keys of what the spec says, and use the value inside the block.", l.tokens.name(key))
			return "", false
		}
		key = string(text)
	}
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) }) {
		l.fail(at, "Bad for_each key", "The key %q cannot be part of an address: a key has at least one character, and only printable ones.", key)
		return "", false
	}
	return key, true
}

// bringEach puts each.key and each.value into scope.
func (l *loader) bringEach(t hcl.Traversal, s *scope) bool {
	e := l.site.each
	if e == nil {
		l.fail(t.SourceRange(), "each outside of for_each", "each.key and each.value only exist in a block that has for_each. Add for_each to the block, or use a local.")
		return false
	}
	name, at, ok := l.step(t, 1)
	names := []string{"key", "value"}
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "Write each.key or each.value.")
		return false
	}
	if !slices.Contains(names, name) {
		l.fail(at, "Unknown attribute", "each has no attribute %s.%s It has key and value.", name, suggest(name, names))
		return false
	}
	l.taint(e.sensitive)
	if e.object == cty.NilVal {
		e.object = cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(e.key), "value": e.value})
	}
	s.each = e.object
	return true
}

// explain says which keys there are when one is missing; HCL only says that it is.
func (l *loader) explain(diags hcl.Diagnostics, f *frame) hcl.Diagnostics {
	out := slices.Clone(diags)
	for i, d := range out {
		e, ok := d.Expression.(*hclsyntax.IndexExpr)
		if !ok || d.Summary != "Invalid index" || d.EvalContext == nil || f.sensitive != "" {
			continue
		}
		if better := l.missingKey(e, d.EvalContext); better != nil {
			out[i] = better
		}
	}
	return out
}

func (l *loader) missingKey(e *hclsyntax.IndexExpr, ctx *hcl.EvalContext) *hcl.Diagnostic {
	t, ok := e.Collection.(*hclsyntax.ScopeTraversalExpr)
	if !ok || t.Traversal.RootName() != "module" && l.language(t.Traversal.RootName()) == nil {
		return nil
	}
	key, diags := e.Key.Value(ctx)
	of, more := e.Collection.Value(ctx)
	if diags.HasErrors() || more.HasErrors() || !isText(key) || of.IsMarked() || !of.CanIterateElements() {
		return nil
	}
	var keys []string
	for it := of.ElementIterator(); it.Next(); {
		k, _ := it.Element()
		keys = append(keys, k.AsString())
	}
	return noKey(e.Key.Range(), traversalText(t.Traversal), key.AsString(), keys)
}

func noKey(at hcl.Range, what, key string, keys []string) *hcl.Diagnostic {
	quoted := make([]string, len(keys))
	for i, k := range keys {
		quoted[i] = quote(k)
	}
	return problem(at, "Unknown key", "%s has no key %s.%s Its for_each gives %s.", what, quote(key), suggest(quote(key), quoted), list(quoted))
}

func quote(s string) string { return reconcile.Text(s).String() }

// traversalText writes the names of a traversal.
func traversalText(t hcl.Traversal) string {
	parts := []string{t.RootName()}
	for _, s := range t[1:] {
		if a, ok := s.(hcl.TraverseAttr); ok {
			parts = append(parts, a.Name)
		}
	}
	return strings.Join(parts, ".")
}
