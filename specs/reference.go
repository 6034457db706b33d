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
	refs *references
}

// references are numbered references; Attr is "" for the object itself. They are many and large, so they stand in chunks that are never copied.
type references struct {
	chunks [][]reconcile.Ref
	n      int
}

const refChunk = 512

func (s *references) add(r reconcile.Ref) int {
	if s.n%refChunk == 0 {
		s.chunks = append(s.chunks, make([]reconcile.Ref, 0, min(refChunk, max(8, s.n))))
	}
	last := len(s.chunks) - 1
	s.chunks[last] = append(s.chunks[last], r)
	s.n++
	return s.n - 1
}

func (s *references) at(i int) reconcile.Ref { return s.chunks[i/refChunk][i%refChunk] }

func newTokens() tokens {
	return tokens{mark: "\x00" + rand.Text() + ":", refs: new(references)}
}

// of gives a token for a reference, another one each time.
func (t tokens) of(r reconcile.Ref) string {
	return t.mark + strconv.Itoa(t.refs.add(r)) + "\x00"
}

func (t tokens) in(s string) bool { return strings.Contains(s, t.mark) }

// within says whether a value contains a token.
func (t tokens) within(v cty.Value) bool {
	return anyWithin(v, func(v cty.Value) bool {
		v, _ = v.Unmark()
		return v.Type() == cty.String && v.IsKnown() && !v.IsNull() && t.in(v.AsString())
	})
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
		if !ok || err != nil || i < 0 || i >= t.refs.n {
			return nil, false
		}
		pieces = append(pieces, piece{ref: t.refs.at(i)})
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

// named is what the steps of a reference to an object say, up to its name.
type named struct {
	kind    reconcile.Kind
	addr    addr      // of the object that is meant
	written addr      // as it is spelled: without the connection where that is not said
	at      hcl.Range // of the name
	next    int       // the step after the name
}

// readObject reads SYSTEM.KIND.NAME or SYSTEM.CONNECTION.KIND.NAME. Mistakes are reported.
func (l *loader) readObject(t hcl.Traversal) (named, bool) {
	lang := l.language(t.RootName())
	system, i := lang.System(), 1
	n := named{addr: addr{Module: l.site.mod.path, System: system, Connection: l.site.mod.connections[system]}}
	n.written = addr{Module: n.addr.Module, System: system}
	prefix := system
	word, at, ok := l.step(t, i)
	if _, isKind := l.findKind(lang, word); ok && !isKind && l.connections[reconcile.InstanceName(system, word)] != nil {
		n.addr.Connection, n.written.Connection = word, word
		prefix, i = reconcile.InstanceName(system, word), i+1
		word, at, ok = l.step(t, i)
	}
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A reference is written %s.KIND.NAME or %s.KIND.NAME.ATTRIBUTE. The kinds are %s.", prefix, prefix, list(l.kindNames(lang)))
		return n, false
	}
	if n.kind, ok = l.findKind(lang, word); !ok {
		l.unknownKind(lang, word, at, i == 1)
		return n, false
	}
	name, at, ok := l.step(t, i+1)
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A reference is written %s.%s.NAME or %s.%s.NAME.ATTRIBUTE. The spec declares %s.", prefix, n.kind.Name, prefix, n.kind.Name,
			list(l.namesOf(n.addr.Instance(), n.kind.Name)))
		return n, false
	}
	n.addr.Kind, n.written.Kind, n.addr.Name, n.written.Name = n.kind.Name, n.kind.Name, name, name
	n.at, n.next = at, i+2
	if plain := n.written; l.declared[n.addr] == nil && l.gone[n.addr] == nil && l.declared[plain] != nil {
		n.addr = plain // in a module that was handed a connection, an object that said to be on the unnamed one
	}
	return n, true
}

// unknownKind reports a word where a kind, or a connection's name, should stand.
func (l *loader) unknownKind(lang Language, word string, at hcl.Range, orConnection bool) {
	kinds, names := l.kindNames(lang), l.connectionNames(lang.System())
	if !orConnection || len(names) == 0 {
		l.fail(at, "Unknown kind", "%s has no kind %s.%s It has %s.", lang.System(), word, suggest(word, kinds), list(kinds))
		return
	}
	l.fail(at, "Unknown kind", "%s has no kind %s, and no connection of that name.%s It has the kinds %s, and the connections %s.",
		lang.System(), word, suggest(word, slices.Concat(kinds, names)), list(kinds), list(names))
}

// bringObject puts a reference to an object, or to an attribute of one, into scope.
func (l *loader) bringObject(t hcl.Traversal, s *scope) bool {
	n, ok := l.readObject(t)
	if !ok {
		return false
	}
	a, kind := n.addr, n.kind
	if l.refuseGone(t, a) {
		return false
	}
	if d := l.declared[a]; d != nil && d.forEach != nil {
		return l.bringInstances(t, n.next, n.written, d, s)
	}
	if l.declared[a] == nil && !kind.Implicit {
		names := l.namesOf(a.Instance(), kind.Name)
		where := ""
		if a.Connection != "" {
			where = " on " + a.Instance()
		}
		l.fail(n.at, "Unknown "+kind.Name, "The spec declares no %s %s %q%s.%s It declares %s; a new one is written %s %q %q {}.%s",
			a.System, kind.Name, a.Name, where, suggest(a.Name, names), list(names), a.System, kind.Name, a.Name, l.elsewhere(a))
		return false
	}
	if !l.checkAttribute(t, n.next, a, kind) {
		return false
	}
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
	l.frame.needOne(a)
	s.put(n.written, l.objectValue(a, kind))
	return true
}

// elsewhere names an object of the same name on another connection; it begins with a space.
func (l *loader) elsewhere(a addr) string {
	for _, d := range l.order {
		b := d.addr
		b.Connection = a.Connection
		if b == a {
			return " There is " + d.addr.String() + ", on another connection."
		}
	}
	return ""
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

// namesOf lists the declared objects of a kind on a connection, in the module where the expression stands.
func (l *loader) namesOf(instance, kind string) []string {
	var names []string
	for _, d := range l.order {
		if d.mod == l.site.mod && d.addr.Instance() == instance && d.addr.Kind == kind {
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

// objectValue is an object as a value in expressions: what it exports, and which object it is. It is the same value each time.
func (l *loader) objectValue(a addr, kind reconcile.Kind) cty.Value {
	if v, ok := l.values[a]; ok {
		return v
	}
	attrs := map[string]cty.Value{self: cty.StringVal(l.tokens.of(reconcile.Ref{Addr: a}))}
	for _, e := range kind.Exports {
		attrs[e.Name] = cty.StringVal(l.tokens.of(reconcile.Ref{Addr: a, Attr: e.Name}))
	}
	l.values[a] = cty.ObjectVal(attrs)
	return l.values[a]
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
		l.frame.needOne(r.Addr)
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
