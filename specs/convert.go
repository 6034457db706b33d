package specs

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"keymaker/reconcile"
)

// converter makes the values of one attribute. Its methods give nil after a mistake, which is reported, and Null for null.
type converter struct {
	l     *loader
	field reconcile.Field
}

// literal decodes an expression. Collections that are written out are decoded member by member, so that each mistake is told at its own place.
func (c converter) literal(expr hclsyntax.Expression, t reconcile.Type) (reconcile.Value, []reconcile.Item) {
	if p, ok := expr.(*hclsyntax.ParenthesesExpr); ok {
		return c.literal(p.Expression, t)
	}
	switch e := expr.(type) {
	case *hclsyntax.TupleConsExpr:
		if t.Base == reconcile.TypeList || t.Base == reconcile.TypeSet || t.Base == reconcile.TypeJSON {
			return c.tuple(e, t)
		}
	case *hclsyntax.ObjectConsExpr:
		if t.Base == reconcile.TypeMap || t.Base == reconcile.TypeJSON {
			return c.object(e, t)
		}
	}
	v, ok := c.l.evaluate(expr)
	if !ok {
		return nil, nil
	}
	return c.value(v, t, expr.Range()), nil
}

func elem(t reconcile.Type) reconcile.Type {
	if t.Base == reconcile.TypeJSON || t.Elem == nil {
		return reconcile.JSON
	}
	return *t.Elem
}

func (c converter) tuple(e *hclsyntax.TupleConsExpr, t reconcile.Type) (reconcile.Value, []reconcile.Item) {
	items := make([]reconcile.Item, 0, len(e.Exprs))
	values := make([]reconcile.Value, 0, len(e.Exprs))
	ok := true
	for _, m := range e.Exprs {
		v, _ := c.literal(m, elem(t))
		if v = c.member(v, t, m.Range()); v == nil {
			ok = false
			continue
		}
		values = append(values, v)
		items = append(items, reconcile.Item{Value: v, Range: m.Range(), Literal: c.l.isLiteral(m.Range(), v)})
	}
	if !ok {
		return nil, nil
	}
	return sequence(t, values), items
}

// member refuses a null inside a typed list.
func (c converter) member(v reconcile.Value, t reconcile.Type, at hcl.Range) reconcile.Value {
	if _, null := v.(reconcile.Null); null && t.Base != reconcile.TypeJSON {
		c.l.fail(at, "Null in a list", "%s is a %s, and a member of it cannot be null. Leave the member out.", c.field.Name, t)
		return nil
	}
	return v
}

func sequence(t reconcile.Type, values []reconcile.Value) reconcile.Value {
	if t.Base == reconcile.TypeSet {
		return reconcile.SetOf(values...)
	}
	return reconcile.List(values)
}

func (c converter) object(e *hclsyntax.ObjectConsExpr, t reconcile.Type) (reconcile.Value, []reconcile.Item) {
	m := make(reconcile.Map, len(e.Items))
	items := make([]reconcile.Item, 0, len(e.Items))
	first := make(map[string]hcl.Range)
	ok := true
	for _, item := range e.Items {
		name, found := c.key(item.KeyExpr)
		v, _ := c.literal(item.ValueExpr, elem(t))
		if !found || v == nil {
			ok = false
			continue
		}
		if f, twice := first[name]; twice {
			c.l.fail(item.KeyExpr.Range(), "Duplicate key", "The key %q is already given at %s. Remove one of them.", name, place(f))
			ok = false
			continue
		}
		first[name] = item.KeyExpr.Range()
		if _, null := v.(reconcile.Null); null && t.Base != reconcile.TypeJSON {
			continue // as if it were left out
		}
		m[name] = v
		at := item.ValueExpr.Range()
		items = append(items, reconcile.Item{Key: name, Value: v, Range: at, Literal: c.l.isLiteral(at, v)})
	}
	if !ok {
		return nil, nil
	}
	return m, items
}

func (c converter) key(expr hclsyntax.Expression) (string, bool) {
	v, ok := c.l.evaluate(expr)
	if !ok {
		return "", false
	}
	return c.name(v, expr.Range())
}

// name converts a key, which has to be a known text.
func (c converter) name(v cty.Value, at hcl.Range) (string, bool) {
	c.field.Enum = nil // that is for the values
	text := c.text(v, reconcile.String, at)
	name, ok := text.(reconcile.Text)
	if !ok && text != nil {
		c.l.fail(at, "Value not known yet", "A key of %s is only known after apply. Write the key out.", c.field.Name)
	}
	return string(name), ok
}

// isLiteral says whether a place holds nothing but the text in quotes.
func (l *loader) isLiteral(at hcl.Range, v reconcile.Value) bool {
	text, ok := v.(reconcile.Text)
	file := l.src.files[at.Filename]
	return ok && file != nil && string(at.SliceBytes(file.Bytes)) == `"`+string(text)+`"`
}

// value converts an evaluated value.
func (c converter) value(v cty.Value, t reconcile.Type, at hcl.Range) reconcile.Value {
	v, ok := c.open(v, t, at)
	if !ok {
		return nil
	}
	if v.IsNull() {
		return reconcile.Null{}
	}
	if a, ok := c.l.tokens.object(v); ok {
		return c.reference(a, t, at)
	}
	if isText(v) && c.l.tokens.in(v.AsString()) {
		return c.attribute(v.AsString(), t, at)
	}
	switch t.Base {
	case reconcile.TypeSecret:
		return c.secret(v, at)
	case reconcile.TypeList, reconcile.TypeSet:
		return c.sequence(v, t, at)
	case reconcile.TypeMap:
		return c.mapping(v, t, at)
	case reconcile.TypeJSON:
		return c.json(v, at)
	}
	return c.scalar(v, t, at)
}

// open takes marks off. A sensitive value may only go where it is not shown.
func (c converter) open(v cty.Value, t reconcile.Type, at hcl.Range) (cty.Value, bool) {
	v, marks := v.Unmark()
	for m := range marks {
		s, ok := m.(sensitive)
		if !ok || c.field.Sensitive {
			continue
		}
		if t.Base == reconcile.TypeSecret && isText(v) {
			return cty.CapsuleVal(secretType, sensitiveSecret(s.name, v.AsString())), true
		}
		c.l.fail(at, "Sensitive value would be shown", "%s is shown in plans and reports, and the variable %s is sensitive. Use a variable that is not, or nonsensitive(…) when this value may be seen.", c.field.Name, s.name)
		return v, false
	}
	if !v.IsKnown() {
		c.l.unresolved = &at
		return v, false
	}
	if v.Type() == secretType && t.Base != reconcile.TypeSecret {
		c.l.fail(at, "Secret in a shown attribute", "%s is shown in plans and reports; env(…) and secret_file(…) are only for attributes that are secrets.", c.field.Name)
		return v, false
	}
	return v, true
}

// isText says whether a value is a known text.
func isText(v cty.Value) bool {
	return v.Type() == cty.String && !v.IsMarked() && v.IsKnown() && !v.IsNull()
}

// reference converts a reference to an object, SYSTEM.KIND.NAME.
func (c converter) reference(a addr, t reconcile.Type, at hcl.Range) reconcile.Value {
	to := t.Ref
	switch {
	case to == nil && (t.Base == reconcile.TypeList || t.Base == reconcile.TypeSet):
		c.l.fail(at, "Wrong type", "%s is a %s: write [%s].", c.field.Name, t, a)
		return nil
	case to == nil:
		c.l.fail(at, "Object is not a "+noun(t), "%s needs a %s, and %s is an object; name the attribute that is meant, %s.", c.field.Name, noun(t), a, c.l.exportsOf(a))
		return nil
	case to.Kind != a.Kind || to.System != "" && to.System != a.System:
		c.l.fail(at, "Wrong kind of reference", "%s needs a reference to %s, %s is %s.%s", c.field.Name, article(wanted(to)), a, article(a.Kind), c.candidates(to))
		return nil
	}
	v, ok := c.l.resolve(reconcile.Ref{Addr: a, Attr: to.Export}, at)
	if !ok {
		return nil
	}
	return v
}

func noun(t reconcile.Type) string {
	if t.Base == reconcile.TypeString {
		return "text"
	}
	if t.Base == reconcile.TypeJSON {
		return "value"
	}
	return t.String()
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// wanted names the kind that a reference must have, as people say it.
func wanted(to *reconcile.RefTo) string { return strings.ReplaceAll(to.Kind, "_", " ") }

// candidates lists the objects that could be referred to instead.
func (c converter) candidates(to *reconcile.RefTo) string {
	var names []string
	for _, d := range c.l.order {
		if d.kind.Name == to.Kind && (to.System == "" || d.addr.System == to.System) {
			names = append(names, d.addr.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " The spec declares " + list(names) + "."
}

// attribute converts a text with references in it.
func (c converter) attribute(s string, t reconcile.Type, at hcl.Range) reconcile.Value {
	if t.Ref != nil && t.Ref.Only && !c.means(s, t.Ref) {
		c.l.fail(at, "Reference needed", "%s needs a reference to %s, written as %s.", c.field.Name, article(wanted(t.Ref)), c.form(t.Ref))
		return nil
	}
	if t.Base == reconcile.TypeSecret {
		return c.writtenOut(at)
	}
	v, ok := c.l.expand(s, at)
	if !ok {
		return nil
	}
	if reconcile.Known(v) {
		known, _ := toCty(v)
		if t.Ref != nil && t.Ref.Only {
			return v
		}
		return c.value(known, t, at)
	}
	if t.Base == reconcile.TypeString || t.Base == reconcile.TypeJSON {
		return v
	}
	c.l.fail(at, "Value not known yet", "%s is only known after apply, but %s needs a %s, and that has to be known from the spec. Write the value out.", c.l.tokens.name(s), c.field.Name, t)
	return nil
}

// means says whether a text is exactly the attribute that a bare reference would mean.
func (c converter) means(s string, to *reconcile.RefTo) bool {
	pieces, ok := c.l.tokens.split(s)
	if !ok || len(pieces) != 1 {
		return false
	}
	r := pieces[0].ref
	return r.Addr.Kind == to.Kind && (to.System == "" || to.System == r.Addr.System) && r.Attr == to.Export
}

// form says how a reference is written.
func (c converter) form(to *reconcile.RefTo) string {
	var forms []string
	for _, lang := range c.l.languages {
		if _, ok := c.l.findKind(lang, to.Kind); ok && (to.System == "" || to.System == lang.System()) {
			forms = append(forms, lang.System()+"."+to.Kind+".NAME")
		}
	}
	return strings.Join(forms, " or ")
}

func (c converter) secret(v cty.Value, at hcl.Range) reconcile.Value {
	if v.Type() != secretType {
		c.l.mask(at)
		return c.writtenOut(at)
	}
	return *(v.EncapsulatedValue().(*reconcile.Secret))
}

func (c converter) writtenOut(at hcl.Range) reconcile.Value {
	c.l.fail(at, "Secret written out", "%s is a secret, and a secret does not stand in a spec. Write env(\"NAME\") for an environment variable, or secret_file(\"PATH\").", c.field.Name)
	return nil
}

func (c converter) sequence(v cty.Value, t reconcile.Type, at hcl.Range) reconcile.Value {
	ty := v.Type()
	if !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
		hint := ""
		if ty.IsPrimitiveType() {
			hint = " Put it in brackets: [ ]."
		}
		c.l.fail(at, "Wrong type", "%s is a %s, and this is %s.%s", c.field.Name, t, typeName(ty), hint)
		return nil
	}
	values := make([]reconcile.Value, 0, v.LengthInt())
	ok := true
	for it := v.ElementIterator(); it.Next(); {
		_, m := it.Element()
		value := c.member(c.value(m, *t.Elem, at), t, at)
		ok = ok && value != nil
		values = append(values, value)
	}
	if !ok {
		return nil
	}
	return sequence(t, values)
}

func (c converter) mapping(v cty.Value, t reconcile.Type, at hcl.Range) reconcile.Value {
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		c.l.fail(at, "Wrong type", "%s is a %s, and this is %s. Write { KEY = VALUE }.", c.field.Name, t, typeName(v.Type()))
		return nil
	}
	return c.members(v, t, at)
}

func (c converter) members(v cty.Value, t reconcile.Type, at hcl.Range) reconcile.Value {
	m := make(reconcile.Map)
	ok := true
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		name, known := c.name(k, at)
		value := c.value(e, elem(t), at)
		if ok = ok && known && value != nil; !ok {
			continue
		}
		if _, null := value.(reconcile.Null); !null || t.Base == reconcile.TypeJSON {
			m[name] = value
		}
	}
	if !ok {
		return nil
	}
	return m
}

func (c converter) json(v cty.Value, at hcl.Range) reconcile.Value {
	ty := v.Type()
	switch {
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		return c.sequence(v, reconcile.ListOfType(reconcile.JSON), at)
	case ty.IsObjectType() || ty.IsMapType():
		return c.members(v, reconcile.JSON, at)
	case ty == cty.String:
		return c.clean(v.AsString(), at)
	case ty == cty.Bool:
		return reconcile.Flag(v.True())
	case ty == cty.Number:
		return c.number(v, at)
	}
	c.l.fail(at, "Wrong type", "%s cannot hold %s.", c.field.Name, typeName(ty))
	return nil
}

// number refuses what would lose digits on its way to a system.
func (c converter) number(v cty.Value, at hcl.Range) reconcile.Value {
	exact := v.AsBigFloat()
	n := reconcile.NumberOf(exact.Text('f', -1))
	if f, _ := exact.Float64(); exact.IsInt() && new(big.Float).SetFloat64(f).Cmp(exact) != 0 {
		if _, accuracy := exact.Int64(); accuracy != big.Exact {
			c.l.fail(at, "Number too large", "%s cannot hold this number without losing digits. Write it as a text, in quotes.", c.field.Name)
			return nil
		}
	}
	return n
}

// scalar converts to a text, a flag, a number or a duration.
func (c converter) scalar(v cty.Value, t reconcile.Type, at hcl.Range) reconcile.Value {
	if !v.Type().IsPrimitiveType() {
		c.l.fail(at, "Wrong type", "%s is a %s, and this is %s.", c.field.Name, t, typeName(v.Type()))
		return nil
	}
	switch t.Base {
	case reconcile.TypeBool:
		if b, err := convert.Convert(v, cty.Bool); err == nil {
			return reconcile.Flag(b.True())
		}
		c.l.fail(at, "Wrong type", "%s is a bool: write true or false.", c.field.Name)
		return nil
	case reconcile.TypeInt:
		return c.integer(v, at)
	case reconcile.TypeDuration:
		return c.duration(v, at)
	}
	if t.Ref != nil && t.Ref.Only {
		c.l.fail(at, "Reference needed", "%s needs a reference to %s, written as %s, not a text.%s", c.field.Name, article(wanted(t.Ref)), c.form(t.Ref), c.candidates(t.Ref))
		return nil
	}
	return c.text(v, t, at)
}

func (c converter) integer(v cty.Value, at hcl.Range) reconcile.Value {
	n, err := convert.Convert(v, cty.Number)
	if err != nil {
		c.l.fail(at, "Wrong type", "%s is a whole number.", c.field.Name)
		return nil
	}
	i, accuracy := n.AsBigFloat().Int64()
	if accuracy != big.Exact {
		c.l.fail(at, "Wrong type", "%s is a whole number; it has no fraction, and fits into 64 bits.", c.field.Name)
		return nil
	}
	return reconcile.Int(i)
}

func (c converter) duration(v cty.Value, at hcl.Range) reconcile.Value {
	if v.Type() == cty.String {
		d, err := time.ParseDuration(v.AsString())
		if err == nil && d >= 0 {
			return reconcile.Text(d.String())
		}
		if err == nil {
			c.l.fail(at, "Bad duration", "%s cannot be negative.", c.field.Name)
			return nil
		}
	}
	c.l.fail(at, "Bad duration", `%s is a duration: a text of numbers with units, as "1h", "90m" or "1h30m" (units h, m, s, ms).`, c.field.Name)
	return nil
}

// text converts to a text that the attribute allows. References in it are resolved.
func (c converter) text(v cty.Value, t reconcile.Type, at hcl.Range) reconcile.Value {
	v, ok := c.open(v, t, at)
	if !ok {
		return nil
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() {
		c.l.fail(at, "Wrong type", "%s is a %s.", c.field.Name, t)
		return nil
	}
	if c.l.tokens.in(s.AsString()) {
		return c.attribute(s.AsString(), t, at)
	}
	text := c.clean(s.AsString(), at)
	if text == nil || len(c.field.Enum) == 0 || slices.Contains(c.field.Enum, s.AsString()) {
		return text
	}
	if c.field.Sensitive {
		c.l.fail(at, "Unknown value", "%s has to be %s.", c.field.Name, oneOf(c.field.Enum))
		return nil
	}
	c.l.fail(at, "Unknown value", "%s cannot be %q.%s It has to be %s.", c.field.Name, s.AsString(), suggest(s.AsString(), c.field.Enum), oneOf(c.field.Enum))
	return nil
}

// clean refuses a zero byte, which no system takes in a name.
func (c converter) clean(s string, at hcl.Range) reconcile.Value {
	if strings.ContainsRune(s, 0) {
		c.l.fail(at, "Bad character", "This text contains the character U+0000, which cannot be part of a value.")
		return nil
	}
	return reconcile.Text(s)
}

func oneOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// typeName is a type as people read it.
func typeName(ty cty.Type) string {
	switch {
	case ty == cty.String:
		return "a text"
	case ty == cty.Number:
		return "a number"
	case ty == cty.Bool:
		return "a bool"
	case ty.IsObjectType() || ty.IsMapType():
		return "a map"
	case ty == secretType:
		return "a secret"
	}
	return "a list"
}

// toCty makes a value for use in expressions. It gives false for one that is not known.
func toCty(v reconcile.Value) (cty.Value, bool) {
	switch v := v.(type) {
	case reconcile.Null:
		return cty.NullVal(cty.DynamicPseudoType), true
	case reconcile.Text:
		return cty.StringVal(string(v)), true
	case reconcile.Flag:
		return cty.BoolVal(bool(v)), true
	case reconcile.Number:
		n, err := cty.ParseNumberVal(string(v))
		return n, err == nil
	case reconcile.Map:
		m := make(map[string]cty.Value, len(v))
		for k, e := range v {
			c, ok := toCty(e)
			if !ok {
				return cty.DynamicVal, false
			}
			m[k] = c
		}
		return cty.ObjectVal(m), true
	case reconcile.List, reconcile.Set:
		var all []cty.Value
		for _, e := range reconcile.Members(v) {
			c, ok := toCty(e)
			if !ok {
				return cty.DynamicVal, false
			}
			all = append(all, c)
		}
		return cty.TupleVal(all), true
	}
	return cty.DynamicVal, false
}
