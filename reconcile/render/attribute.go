package render

import (
	"maps"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"keymaker/reconcile"
)

// attrLine is one line of a step: a sign, an attribute, what is said of it.
type attrLine struct {
	action reconcile.Action // 0 for what stays
	name   string
	text   string
}

// attrLines writes the attributes of a step below each other, the texts aligned.
func (p *page) attrLines(ls []attrLine) {
	wide := 0
	for _, l := range ls {
		wide = max(wide, min(lipgloss.Width(l.name), 40))
	}
	for _, l := range ls {
		sign := " "
		if l.action != 0 {
			sign = p.glyph(l.action)
		}
		pad := strings.Repeat(" ", max(0, wide-lipgloss.Width(l.name))+3)
		p.line("  ", sign, " ", l.name, pad, l.text)
	}
}

// whole lists all attributes of an object under one sign.
func whole(o reconcile.Object, a reconcile.Action, f fields) []attrLine {
	var ls []attrLine
	for _, attr := range o.Attrs {
		field := f.of(o.Addr, attr.Name)
		switch {
		case field.Echo:
		case field.Sensitive:
			ls = append(ls, attrLine{a, attr.Name, sensitive})
		default:
			ls = append(ls, valueLines(attr.Name, asShown(attr.Value, field.Type), a)...)
		}
	}
	return ls
}

// valueLines gives a scalar or a list one line, a set one for each member, a map one for each key.
func valueLines(name string, v reconcile.Value, a reconcile.Action) []attrLine {
	var ls []attrLine
	switch v := v.(type) {
	case reconcile.Set:
		for _, m := range v {
			ls = append(ls, attrLine{a, name, alone(m)})
		}
	case reconcile.Map:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			ls = append(ls, valueLines(name+"."+word(k), v[k], a)...)
		}
	}
	if len(ls) == 0 {
		ls = append(ls, attrLine{a, name, alone(v)})
	}
	return ls
}

// diffLines shows one difference: what is live, and what it becomes.
func (p *page) diffLines(d reconcile.Diff) []attrLine {
	name, d := diffName(d), diffShown(d)
	switch {
	case d.Field.Echo:
		return nil
	case d.Field.Sensitive:
		return []attrLine{{reconcile.ActionUpdate, name, sensitive}}
	case len(d.Added)+len(d.Removed) > 0 && d.Live != nil && d.Want != nil:
		return p.setLines(name, d)
	}
	return p.changeLines(name, d.Live, d.Want)
}

// diffName is the attribute of a difference; the key of a map with owned keys is quoted where it is no plain word.
func diffName(d reconcile.Diff) string {
	if key, ok := strings.CutPrefix(d.Name, d.Field.Name+"."); ok && d.Field.Compare == reconcile.OwnedKeys {
		return Escape(d.Field.Name) + "." + word(key)
	}
	return Escape(d.Name)
}

// changeLines shows a change from one value to another. Maps are entered, so that only the keys that change are shown.
func (p *page) changeLines(name string, live, want reconcile.Value) []attrLine {
	lm, isMap := live.(reconcile.Map)
	wm, both := want.(reconcile.Map)
	switch {
	case live == nil:
		return valueLines(name, want, reconcile.ActionCreate)
	case want == nil:
		return valueLines(name, live, reconcile.ActionDelete)
	case isMap && both:
		return p.mapLines(name, lm, wm)
	}
	text := inline(live) + " → " + inline(want)
	if p.fits(name, text) {
		return []attrLine{{reconcile.ActionUpdate, name, text}}
	}
	return append(valueLines(name, live, reconcile.ActionDelete), valueLines(name, want, reconcile.ActionCreate)...)
}

func (p *page) mapLines(name string, live, want reconcile.Map) []attrLine {
	var ls []attrLine
	for _, k := range differingKeys(live, want) {
		ls = append(ls, p.changeLines(name+"."+word(k), live[k], want[k])...)
	}
	return ls
}

// differingKeys lists the keys under which two maps have different values, or only one has any, sorted.
func differingKeys(a, b reconcile.Map) []string {
	keys := make(map[string]bool)
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(keys)), func(k string) bool { return reconcile.Equal(a[k], b[k]) })
}

// setLines shows a set's additions and removals among what stays, on one line where that is short and plain, else a line for each member that comes or goes.
func (p *page) setLines(name string, d reconcile.Diff) []attrLine {
	text, plain := p.setText(d)
	if plain && p.fits(name, text) {
		return []attrLine{{reconcile.ActionUpdate, name, text}}
	}
	var ls []attrLine
	if p.verbose {
		for _, v := range stays(d) {
			ls = append(ls, attrLine{0, name, alone(v)})
		}
	}
	for _, v := range d.Added {
		ls = append(ls, attrLine{reconcile.ActionCreate, name, alone(v)})
	}
	for _, v := range d.Removed {
		ls = append(ls, attrLine{reconcile.ActionDelete, name, alone(v)})
	}
	return ls
}

// setText is a set's change between brackets; plain says that no member had to be quoted.
func (p *page) setText(d reconcile.Diff) (text string, plain bool) {
	plain = true
	text = "["
	member := func(sign string, v reconcile.Value) {
		if len(text) > 1 {
			text += ", "
		}
		if t, ok := v.(reconcile.Text); ok && !plainWord(string(t)) {
			plain = false
		}
		text += sign + inline(v)
	}
	for _, v := range stays(d) {
		member("", v)
	}
	for _, v := range d.Removed {
		member(p.glyph(reconcile.ActionDelete)+" ", v)
	}
	for _, v := range d.Added {
		member(p.glyph(reconcile.ActionCreate)+" ", v)
	}
	return text + "]", plain
}

// stays lists the live members that the want has too.
func stays(d reconcile.Diff) []reconcile.Value {
	return slices.DeleteFunc(slices.Clone(reconcile.Members(d.Live)), func(v reconcile.Value) bool {
		return slices.ContainsFunc(d.Removed, func(r reconcile.Value) bool { return reconcile.Equal(v, r) })
	})
}

// fits says whether an attribute line stays within the page.
func (p *page) fits(name, text string) bool {
	return len("  ~ ")+lipgloss.Width(name)+len("   ")+lipgloss.Width(text) <= p.width
}
