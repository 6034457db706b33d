package specs

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"keymaker/reconcile"
)

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
