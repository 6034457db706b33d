package specs

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

type addr = reconcile.Addr

// self is the attribute by which a reference to an object, as a value, says which object it is. It is no identifier, so no spec can name it.
const self = "\x00self"

// tokens are the texts that stand for other objects' attributes while expressions are evaluated: a mark that is random for each load, so that no spec can
// contain it, a number, and a zero byte.
type tokens struct {
	mark string
	refs *[]reconcile.Ref // Attr is "" for the object itself
	seen map[reconcile.Ref]string
}

func newTokens() tokens {
	return tokens{mark: "\x00" + rand.Text() + ":", refs: new([]reconcile.Ref), seen: make(map[reconcile.Ref]string)}
}

// of gives the token of a reference.
func (t tokens) of(r reconcile.Ref) string {
	if token, ok := t.seen[r]; ok {
		return token
	}
	*t.refs = append(*t.refs, r)
	token := t.mark + strconv.Itoa(len(*t.refs)-1) + "\x00"
	t.seen[r] = token
	return token
}

func (t tokens) in(s string) bool { return strings.Contains(s, t.mark) }

// within says whether a value contains a token.
func (t tokens) within(v cty.Value) bool {
	found := false
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		v, _ = v.Unmark()
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() && t.in(v.AsString()) {
			found = true
		}
		return !found, nil
	})
	return found
}

// piece is a part of a text: plain, or a reference.
type piece struct {
	text string
	ref  reconcile.Ref // zero for plain text
}

// split cuts a text at its tokens. It gives false for a token that was cut.
func (t tokens) split(s string) ([]piece, bool) {
	var pieces []piece
	for {
		before, rest, found := strings.Cut(s, t.mark)
		if before != "" {
			pieces = append(pieces, piece{text: before})
		}
		if !found {
			return pieces, true
		}
		number, after, ok := strings.Cut(rest, "\x00")
		i, err := strconv.Atoi(number)
		if !ok || err != nil || i >= len(*t.refs) {
			return nil, false
		}
		pieces = append(pieces, piece{ref: (*t.refs)[i]})
		s = after
	}
}

// name names the first reference in a text.
func (t tokens) name(s string) string {
	pieces, _ := t.split(s)
	for _, p := range pieces {
		if !p.ref.Addr.IsZero() {
			return p.ref.Addr.String() + "." + p.ref.Attr
		}
	}
	return "this value"
}

// object says which object a value is a reference to.
func (t tokens) object(v cty.Value) (addr, bool) {
	v, _ = v.Unmark()
	if !v.Type().IsObjectType() || !v.IsKnown() || v.IsNull() || !v.Type().HasAttribute(self) {
		return addr{}, false
	}
	token := v.GetAttr(self)
	if token.Type() != cty.String || !token.IsKnown() || token.IsNull() {
		return addr{}, false
	}
	pieces, ok := t.split(token.AsString())
	if !ok || len(pieces) != 1 {
		return addr{}, false
	}
	return pieces[0].ref.Addr, true
}

// bringObject puts a reference to an object, or to an attribute of one, into scope.
func (l *loader) bringObject(t hcl.Traversal, s *scope) bool {
	lang := l.language(t.RootName())
	kindName, at, ok := l.step(t, 1)
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A reference is written %s.KIND.NAME or %s.KIND.NAME.ATTRIBUTE. The kinds are %s.", lang.System(), lang.System(), list(l.kindNames(lang)))
		return false
	}
	kind, ok := l.findKind(lang, kindName)
	if !ok {
		l.fail(at, "Unknown kind", "%s has no kind %s.%s It has %s.", lang.System(), kindName, suggest(kindName, l.kindNames(lang)), list(l.kindNames(lang)))
		return false
	}
	name, at, ok := l.step(t, 2)
	if !ok {
		names := l.namesOf(lang.System(), kind.Name)
		l.fail(t.SourceRange(), "Incomplete reference", "A reference is written %s.%s.NAME or %s.%s.NAME.ATTRIBUTE. The spec declares %s.", lang.System(), kind.Name, lang.System(), kind.Name, list(names))
		return false
	}
	a := addr{Module: l.site.mod.path, System: lang.System(), Kind: kind.Name, Name: name}
	if l.refuseGone(t, a) {
		return false
	}
	if d := l.declared[a]; d != nil && d.forEach != nil {
		return l.bringInstances(t, d, s)
	}
	if l.declared[a] == nil && !kind.Implicit {
		names := l.namesOf(lang.System(), kind.Name)
		l.fail(at, "Unknown "+kind.Name, "The spec declares no %s %s %q.%s It declares %s; a new one is written %s %q %q {}.",
			lang.System(), kind.Name, name, suggest(name, names), list(names), lang.System(), kind.Name, name)
		return false
	}
	if !l.checkAttribute(t, 3, a, kind) {
		return false
	}
	value := a
	if l.declared[a] == nil {
		if here := a; here.Module != "" { // it is the same live object wherever it is named, unless the spec declares another by this name
			a.Module = ""
			if l.declared[a] != nil {
				a = here
			}
		}
		if l.refuseGone(t, a) {
			return false
		}
		if first, ok := l.implicit[a]; !ok || compareRange(t.SourceRange(), first) < 0 {
			l.implicit[a] = t.SourceRange()
		}
	}
	l.frame.needs[a] = true
	s.put(value, l.objectValue(a, kind))
	return true
}

// checkAttribute checks the steps of a reference after the object, which are those from i on.
func (l *loader) checkAttribute(t hcl.Traversal, i int, a addr, kind reconcile.Kind) bool {
	if len(t) <= i {
		return true
	}
	var names []string
	for _, e := range kind.Exports {
		names = append(names, e.Name)
	}
	name, at, ok := l.step(t, i)
	if !ok || !slices.Contains(names, name) {
		if at.Empty() {
			at = t[i].SourceRange()
		}
		l.fail(at, "Unknown attribute", "%s has no attribute %s that can be referred to.%s It has %s.", a, name, suggest(name, names), list(names))
		return false
	}
	if len(t) > i+1 {
		l.fail(t.SourceRange(), "Unknown attribute", "%s.%s is a single value and has no attributes. Stop there.", a, name)
		return false
	}
	return true
}

// namesOf lists the declared objects of a kind, in the module where the expression stands.
func (l *loader) namesOf(system, kind string) []string {
	var names []string
	for _, d := range l.order {
		if d.mod == l.site.mod && d.addr.System == system && d.addr.Kind == kind {
			names = append(names, d.addr.Name)
		}
	}
	return names
}

func (l *loader) kindOf(a addr) (reconcile.Kind, bool) {
	if lang := l.language(a.System); lang != nil {
		return l.findKind(lang, a.Kind)
	}
	return reconcile.Kind{}, false
}

// objectValue is an object as a value in expressions: what it exports, and which object it is.
func (l *loader) objectValue(a addr, kind reconcile.Kind) cty.Value {
	attrs := map[string]cty.Value{self: cty.StringVal(l.tokens.of(reconcile.Ref{Addr: a}))}
	for _, e := range kind.Exports {
		attrs[e.Name] = cty.StringVal(l.tokens.of(reconcile.Ref{Addr: a, Attr: e.Name}))
	}
	return cty.ObjectVal(attrs)
}

// expand gives the value of a text with tokens: a Text when all is known, a Ref or Join when not. It gives false after a mistake, which is reported.
func (l *loader) expand(s string, at hcl.Range) (reconcile.Value, bool) {
	pieces, ok := l.tokens.split(s)
	if !ok {
		l.fail(at, "Value not known yet", "A reference was cut in pieces on its way here. Use the attribute as a whole.")
		return nil, false
	}
	var join reconcile.Join
	for _, p := range pieces {
		value := reconcile.Value(reconcile.Text(p.text))
		if !p.ref.Addr.IsZero() {
			if value, ok = l.resolve(p.ref, at); !ok {
				return nil, false
			}
			if len(pieces) == 1 {
				return value, true
			}
		}
		if join, ok = appendPart(join, value); !ok {
			l.fail(at, "Value is not a text", "%s.%s is a collection, so it cannot be part of a text.", p.ref.Addr, p.ref.Attr)
			return nil, false
		}
	}
	switch len(join) {
	case 0:
		return reconcile.Text(""), true
	case 1:
		return join[0], true
	}
	return join, true
}

// appendPart adds a value to a text with unknown parts; neighbouring known parts become one.
func appendPart(j reconcile.Join, v reconcile.Value) (reconcile.Join, bool) {
	switch v := v.(type) {
	case reconcile.Join:
		ok := true
		for _, p := range v {
			j, ok = appendPart(j, p)
		}
		return j, ok
	case reconcile.Ref:
		return append(j, v), true
	case reconcile.Number:
		return appendPart(j, reconcile.Text(v))
	case reconcile.Flag:
		return appendPart(j, reconcile.Text(v.String()))
	case reconcile.Text:
		if n := len(j); n > 0 {
			if last, ok := j[n-1].(reconcile.Text); ok {
				j[n-1] = last + v
				return j, true
			}
		}
		return append(j, v), true
	}
	return j, false
}

// resolve gives what the spec says about an attribute of an object, or the reference itself when only the live system can say it.
func (l *loader) resolve(r reconcile.Ref, at hcl.Range) (reconcile.Value, bool) {
	kind, _ := l.kindOf(r.Addr)
	i := slices.IndexFunc(kind.Exports, func(e reconcile.Export) bool { return e.Name == r.Attr })
	if i < 0 {
		l.fail(at, "Object is not a text", "%s is an object; name the attribute that is meant, %s.", r.Addr, l.exportsOf(r.Addr))
		return nil, false
	}
	if l.frame != nil {
		l.frame.needs[r.Addr] = true
	}
	export := kind.Exports[i]
	if o := l.instance(r.Addr); o != nil && export.Field != "" && o.block.Body.Attributes[export.Field] != nil {
		f := l.fieldOf(o, export.Field)
		if f.state == underway {
			l.cycle(fieldName(o, export.Field), at)
			return nil, false
		}
		if f.has {
			return f.arg.Value, true
		}
		if f.broken {
			return nil, false
		}
	}
	if export.BlockName {
		return reconcile.Text(r.Addr.Name), true
	}
	return r, true
}

func fieldName(o *instance, name string) string { return o.addr.String() + "." + name }
