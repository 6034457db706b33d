package specs

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"keymaker/reconcile"
)

// decodeConnection decodes a system's connection block.
func (l *loader) decodeConnection(lang Language, b *hclsyntax.Block, instance string) reconcile.Block {
	block, needs := l.decodeBody(lang.Connection(), b, "connection "+instance, nil)
	if len(needs) > 0 {
		a := slices.SortedFunc(maps.Keys(needs), reconcile.CompareAddr)[0]
		l.fail(block.Range, "Connection refers to an object", "A connection is needed before %s can be read. Give the value as text or through a variable.", a)
	}
	return block
}

// decodeObject decodes an object block.
func (l *loader) decodeObject(o *instance) reconcile.Block {
	defer l.visit(o.site())()
	what := o.addr.System + " " + o.kind.Name
	if o.removed {
		what = "removed " + what
	}
	l.owner = o.addr
	block, needs := l.decodeBody(o.kind, o.block, what, o)
	l.owner = reconcile.Addr{}
	block.Addr, block.Name = o.addr, o.addr.Name
	if needs[o.addr] {
		l.fail(block.Range, "Object refers to itself", "%s cannot need itself. Write the value out, or give it a name with locals.", o.addr)
	}
	if !o.owner.IsZero() {
		needs = maps.Clone(needs)
		set(&needs, o.owner, true)
	}
	block.Needs = slices.SortedFunc(maps.Keys(needs), reconcile.CompareAddr)
	return block
}

// decodeBody decodes attributes and inner blocks by a kind. what names the block in messages; o is the object it is, nil for any other block.
func (l *loader) decodeBody(kind reconcile.Kind, b *hclsyntax.Block, what string, o *instance) (reconcile.Block, map[addr]bool) {
	out := reconcile.Block{Fields: make(map[string]reconcile.Argument, len(b.Body.Attributes)), Range: b.DefRange(), Dir: l.root().dir}
	var needs gathered
	for _, a := range attributes(b.Body) {
		if o != nil && (a == o.forEach || a.Name == connectionWord) || kind.Name == ownKind.Name && a.Name == connectionWord {
			continue // read before
		}
		if o != nil && o.removed && a.Name == fromAttribute && len(b.Labels) == 0 {
			continue // it too
		}
		def, ok := kind.Field(a.Name)
		if !ok && o != nil && o.removed && a.Name != forEach {
			l.notForRemoved(o, a.Name, a.NameRange)
			continue
		}
		if !ok {
			l.unknownAttribute(kind, a, what)
			continue
		}
		f := l.fieldFor(o, def, a)
		needs.add(f.needs)
		l.checkOneServer(f.needs, a)
		if f.has {
			out.Fields[a.Name] = f.arg
		}
	}
	l.checkRequired(kind, b, out, what)
	if o != nil && o.removed {
		for _, inner := range b.Body.Blocks {
			l.notForRemoved(o, inner.Type, inner.TypeRange)
		}
		return out, needs.addrs
	}
	l.decodeInner(kind, b, &out, &needs, what, o != nil)
	return out, needs.addrs
}

// gathered is a set of objects out of several; one that is alone is not copied.
type gathered struct {
	addrs map[addr]bool // not to be written to
	own   bool
}

func (g *gathered) add(addrs map[addr]bool) {
	switch {
	case len(addrs) == 0:
		return
	case g.addrs == nil:
		g.addrs = addrs
		return
	case !g.own:
		g.addrs, g.own = maps.Clone(g.addrs), true
	}
	maps.Copy(g.addrs, addrs)
}

func (l *loader) unknownAttribute(kind reconcile.Kind, a *hclsyntax.Attribute, what string) {
	if slices.ContainsFunc(kind.Blocks, func(k reconcile.BlockKind) bool { return k.Name == a.Name }) {
		l.fail(a.NameRange, "Block written as attribute", "%s is a block: write %s {…} without an equals sign.", a.Name, a.Name)
		return
	}
	if a.Name == forEach {
		l.fail(a.NameRange, "for_each not possible here", "for_each stands in object blocks and in module blocks; %s cannot have it.", what)
		return
	}
	names := fieldNames(kind)
	l.fail(a.NameRange, "Unknown attribute", "%s has no attribute %s.%s It has %s.", what, a.Name, suggest(a.Name, names), list(names))
}

func fieldNames(kind reconcile.Kind) []string {
	var names []string
	for _, f := range kind.Fields {
		names = append(names, f.Name)
	}
	return names
}

func (l *loader) checkRequired(kind reconcile.Kind, b *hclsyntax.Block, out reconcile.Block, what string) {
	for _, f := range kind.Fields {
		if !f.Required || out.Has(f.Name) {
			continue
		}
		a := b.Body.Attributes[f.Name]
		switch {
		case a == nil:
			l.fail(b.DefRange(), "Missing attribute", "%s needs the attribute %s, a %s.%s", what, f.Name, f.Type, sentence(f.Doc))
		case isNull(a.Expr):
			l.fail(a.Expr.Range(), "Missing attribute", "%s needs the attribute %s, and null is as if it were left out.", what, f.Name)
		default:
			l.mustKnow(a.Expr.Range(), what, f.Name)
		}
	}
}

// mustKnow reports a required attribute whose expression came out as null; when it had a mistake, that was reported already.
func (l *loader) mustKnow(at hcl.Range, what, name string) {
	if l.nulls[at] {
		l.fail(at, "Missing attribute", "%s needs the attribute %s, and this is null, which is as if it were left out.", what, name)
	}
}

func isNull(expr hclsyntax.Expression) bool {
	lit, ok := expr.(*hclsyntax.LiteralValueExpr)
	return ok && lit.Val.IsNull()
}

func sentence(doc string) string {
	if doc == "" {
		return ""
	}
	return " " + strings.ToUpper(doc[:1]) + strings.TrimRight(doc[1:], ".") + "."
}

// decodeInner decodes the blocks inside a block, and counts them.
func (l *loader) decodeInner(kind reconcile.Kind, b *hclsyntax.Block, out *reconcile.Block, needs *gathered, what string, object bool) {
	first := make(map[string]*hclsyntax.Block)
	named := make(map[[2]string]*hclsyntax.Block)
	seen := make(map[string]int)
	for _, inner := range b.Body.Blocks {
		if object && inner.Type == "lifecycle" {
			if l.onlyOne(inner, first) {
				out.Lifecycle = l.decodeLifecycle(kind, inner)
			}
			continue
		}
		i := slices.IndexFunc(kind.Blocks, func(k reconcile.BlockKind) bool { return k.Name == inner.Type })
		if i < 0 {
			l.unknownInner(kind, inner, what, object)
			continue
		}
		bk := kind.Blocks[i]
		seen[bk.Name]++
		if !bk.Many && !l.onlyOne(inner, first) || !l.checkLabel(bk, inner, named) {
			continue
		}
		block, more := l.decodeBody(bk.Kind, inner, bk.Name, nil)
		block.Type = bk.Name
		if bk.Labeled {
			block.Name = inner.Labels[0]
		}
		needs.add(more)
		out.Blocks = append(out.Blocks, block)
	}
	for _, bk := range kind.Blocks {
		if seen[bk.Name] < bk.Min {
			l.fail(b.DefRange(), "Missing block", "%s needs at least %s; here it has %d.%s", what, count(bk.Min, bk.Name+" block"), seen[bk.Name], sentence(bk.Doc))
		}
	}
}

func (l *loader) unknownInner(kind reconcile.Kind, inner *hclsyntax.Block, what string, object bool) {
	if _, ok := kind.Field(inner.Type); ok {
		l.fail(inner.TypeRange, "Attribute written as block", "%s is an attribute: write %s = {…} with an equals sign.", inner.Type, inner.Type)
		return
	}
	var names []string
	for _, k := range kind.Blocks {
		names = append(names, k.Name)
	}
	if object {
		names = append(names, "lifecycle")
	}
	l.fail(inner.TypeRange, "Unknown block", "%s has no block %s.%s It has %s.", what, inner.Type, suggest(inner.Type, names), list(names))
}

func (l *loader) onlyOne(b *hclsyntax.Block, first map[string]*hclsyntax.Block) bool {
	if f, ok := first[b.Type]; ok {
		l.fail(b.DefRange(), "Duplicate block", "There may be only one %s here, and one stands at %s. Remove one of them.", b.Type, place(f.DefRange()))
		return false
	}
	first[b.Type] = b
	return true
}

// checkLabel checks an inner block's label: there or not, usable, not given twice.
func (l *loader) checkLabel(bk reconcile.BlockKind, b *hclsyntax.Block, named map[[2]string]*hclsyntax.Block) bool {
	if !bk.Labeled {
		return l.labels(b, 0, bk.Name+" {}")
	}
	if !l.labels(b, 1, bk.Name+` "NAME" {}`) || !l.checkName(b.Labels[0], b.LabelRanges[0], bk.Kind) {
		return false
	}
	key := [2]string{bk.Name, b.Labels[0]}
	if f, ok := named[key]; ok {
		l.fail(b.LabelRanges[0], "Duplicate name", "There is already a %s %q at %s. Give one of them another name.", bk.Name, b.Labels[0], place(f.DefRange()))
		return false
	}
	named[key] = b
	return true
}

// fieldFor decodes an attribute; one of an object only once, since references may have needed it before.
func (l *loader) fieldFor(o *instance, def reconcile.Field, a *hclsyntax.Attribute) *field {
	if o != nil {
		return l.fieldOf(o, def.Name)
	}
	f := &field{}
	l.decodeField(f, def, a)
	return f
}

// fieldOf gives a top-level attribute of an object, which the block has to have.
func (l *loader) fieldOf(o *instance, name string) *field {
	f, ok := o.fields[name]
	if !ok {
		f = &field{}
		o.fields[name] = f
	}
	def, known := o.kind.Field(name)
	if f.state != untouched || !known {
		return f
	}
	f.state = underway
	a := o.block.Body.Attributes[name]
	if l.enter(fieldName(o, name), a.NameRange) {
		leave := l.visit(o.site())
		l.decodeField(f, def, a)
		leave()
		l.leave()
	} else {
		f.broken = true
	}
	f.state = finished
	return f
}

// decodeField decodes an attribute's expression.
func (l *loader) decodeField(f *field, def reconcile.Field, a *hclsyntax.Attribute) {
	before := l.errors
	c := converter{l: l, field: def}
	var value reconcile.Value
	var items []reconcile.Item
	f.needs = l.apart(func() { value, items = c.literal(a.Expr, def.Type) }).needs
	f.broken = value == nil || l.errors > before
	if _, null := value.(reconcile.Null); null {
		l.nulls[a.Expr.Range()] = true
		return
	}
	f.has = !f.broken
	f.arg = reconcile.Argument{Value: value, Range: a.Expr.Range(), Items: items}
}

// decodeLifecycle decodes the block that says what must not happen to an object.
func (l *loader) decodeLifecycle(kind reconcile.Kind, b *hclsyntax.Block) reconcile.Lifecycle {
	life := reconcile.Lifecycle{Range: b.DefRange()}
	names := []string{"prevent_destroy", "ignore_changes"}
	l.labels(b, 0, "lifecycle {}")
	for _, inner := range b.Body.Blocks {
		l.fail(inner.TypeRange, "Unknown block", "lifecycle has no blocks. It has the attributes %s.", list(names))
	}
	for _, a := range attributes(b.Body) {
		switch a.Name {
		case "prevent_destroy":
			c := converter{l: l, field: reconcile.Field{Name: a.Name, Type: reconcile.Bool}}
			v, _ := c.literal(a.Expr, reconcile.Bool)
			flag, _ := v.(reconcile.Flag)
			life.PreventDestroy = bool(flag)
		case "ignore_changes":
			life.IgnoreChanges = l.ignoreChanges(kind, a.Expr)
		default:
			l.fail(a.NameRange, "Unknown attribute", "lifecycle has no attribute %s.%s It has %s.", a.Name, suggest(a.Name, names), list(names))
		}
	}
	return life
}

func (l *loader) ignoreChanges(kind reconcile.Kind, expr hclsyntax.Expression) []string {
	exprs, diags := hcl.ExprList(expr)
	if diags.HasErrors() {
		l.fail(expr.Range(), "Wrong type", "ignore_changes needs a list of attribute names: [name, profile.key].")
		return nil
	}
	var out []string
	for _, e := range exprs {
		path, ok := attributePath(e)
		if !ok {
			l.fail(e.Range(), "Bad attribute name", "ignore_changes takes attribute names, and members of a map as profile.key.")
			continue
		}
		name, _, member := strings.Cut(path, ".")
		f, ok := kind.Field(name)
		switch {
		case !ok && !member && kind.Watched(name):
		case !ok:
			names := fieldNames(kind)
			l.fail(e.Range(), "Unknown attribute", "%s has no attribute %s.%s It has %s.", kind.Name, name, suggest(name, names), list(names))
			continue
		case member && f.Type.Base != reconcile.TypeMap && f.Type.Base != reconcile.TypeJSON:
			l.fail(e.Range(), "Bad attribute name", "%s is a %s and has no members. Write only %s.", name, f.Type, name)
			continue
		}
		out = append(out, path)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// attributePath reads name, name.key or "name.key".
func attributePath(expr hcl.Expression) (string, bool) {
	if t, diags := hcl.AbsTraversalForExpr(expr); !diags.HasErrors() {
		parts := []string{t.RootName()}
		for _, s := range t[1:] {
			a, ok := s.(hcl.TraverseAttr)
			if !ok {
				return "", false
			}
			parts = append(parts, a.Name)
		}
		return strings.Join(parts, "."), len(parts) <= 2
	}
	text, diags := expr.Value(nil)
	if diags.HasErrors() || !isText(text) {
		return "", false
	}
	name, member, cut := strings.Cut(text.AsString(), ".")
	return text.AsString(), name != "" && (!cut || member != "")
}
