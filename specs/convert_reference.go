package specs

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

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

// several reports all objects of a block with for_each where one value is needed.
func (c converter) several(v cty.Value, at hcl.Range) reconcile.Value {
	example := ""
	for it := v.ElementIterator(); it.Next() && example == ""; {
		_, o := it.Element()
		if a, ok := c.l.tokens.object(o); ok {
			example = " Name one, " + a.String() + ", or make a list of them: [for k, x in … : x.ATTRIBUTE]."
		}
	}
	c.l.fail(at, "Several objects", "%s needs one value, and this is every object of a block with for_each.%s", c.field.Name, example)
	return nil
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
		if d.mod == c.l.site.mod && d.kind.Name == to.Kind && (to.System == "" || d.addr.System == to.System) {
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
