package specs

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// converter makes the values of one attribute. Its methods give nil after a mistake, which is reported, and Null for null.
type converter struct {
	l      *loader
	field  reconcile.Field
	output bool // it is an output's value, no attribute
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
	if _, null := v.(reconcile.Null); null && t.Base != reconcile.TypeJSON && elem(t).Base != reconcile.TypeJSON {
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
	if isCollection(v) && (t.Base == reconcile.TypeString || t.Base == reconcile.TypeJSON) {
		return c.several(v, at)
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
	if s, ok := firstMark(marks); ok && !c.field.Sensitive {
		if t.Base == reconcile.TypeSecret && isText(v) {
			return cty.CapsuleVal(secretType, sensitiveSecret(s.name, v.AsString())), true
		}
		c.l.fail(at, "Sensitive value would be shown", "%s is shown in plans and reports, and the %s is sensitive. %s", c.field.Name, s.name, c.remedy())
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

// firstMark gives the first of several marks by name, so that every run says the same.
func firstMark(marks cty.ValueMarks) (first sensitive, found bool) {
	for m := range marks {
		if s, ok := m.(sensitive); ok && (!found || s.name < first.name) {
			first, found = s, true
		}
	}
	return first, found
}

// remedy says what to do about a sensitive value in a place that is shown.
func (c converter) remedy() string {
	if c.output {
		return "Set sensitive = true in the output, or use nonsensitive(…) when this value may be seen."
	}
	return "Use a variable that is not, or nonsensitive(…) when this value may be seen."
}

// isText says whether a value is a known text.
func isText(v cty.Value) bool {
	return v.Type() == cty.String && !v.IsMarked() && v.IsKnown() && !v.IsNull()
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
	if isCollection(v) { // every object of a block with for_each
		v = members(v)
	}
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
