package specs

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// Output is a value that is shown after apply.
type Output struct {
	Name, Description string
	// Sensitive outputs are shown as (sensitive): neither printed nor written anywhere.
	Sensitive bool
	// Value may be or contain a Ref or Join, which are known after apply.
	Value reconcile.Value
	Range hcl.Range // the block's header
}

// output is an output block; of a module, it is what the block's user refers to.
type output struct {
	Output
	value *local // nil after a mistake
}

var outputAttributes = []string{"value", "description", "sensitive"}

func (l *loader) collectOutput(b *hclsyntax.Block) {
	if !l.labels(b, 1, `output "NAME" {}`) {
		return
	}
	name, mod := b.Labels[0], l.site.mod
	if !hclsyntax.ValidIdentifier(name) {
		l.fail(b.LabelRanges[0], "Bad output name", "%q cannot be an output's name: it has to start with a letter and have only letters, digits, _ and - in it.", name)
		return
	}
	if first, ok := mod.outputs[name]; ok {
		l.fail(b.DefRange(), "Duplicate output", "The output %s is already declared at %s. Rename one of them.", name, place(first.Range))
		return
	}
	o := &output{Output: Output{Name: name, Range: b.DefRange()}}
	mod.outputs[name] = o
	for _, inner := range b.Body.Blocks {
		l.fail(inner.TypeRange, "Unknown block", "An output has no blocks. It has the attributes %s.", list(outputAttributes))
	}
	for _, a := range attributes(b.Body) {
		switch a.Name {
		case "value":
			o.value = &local{name: mod.child("output." + name), mod: mod, expr: a.Expr, place: a.NameRange}
		case "description":
			o.Description = l.constant(a, cty.String, cty.StringVal("")).AsString()
		case "sensitive":
			o.Sensitive = l.constant(a, cty.Bool, cty.False).True()
		default:
			l.fail(a.NameRange, "Unknown attribute", "An output has no attribute %s.%s It has %s.", a.Name, suggest(a.Name, outputAttributes), list(outputAttributes))
		}
	}
	if o.value == nil {
		l.fail(b.DefRange(), "Missing attribute", "An output needs the attribute value.")
	}
}

// listOutputs gives the outputs of the spec itself. Those of modules are evaluated too, so that their mistakes are told.
func (l *loader) listOutputs() []Output {
	var out []Output
	for _, m := range l.modules {
		for _, name := range slices.Sorted(maps.Keys(m.outputs)) {
			o := m.outputs[name]
			if o.value == nil {
				continue
			}
			v := l.local(o.value)
			if m != l.root() || !v.IsKnown() {
				continue
			}
			leave := l.visit(site{mod: m})
			c := converter{l: l, field: reconcile.Field{Name: "The output " + name, Sensitive: o.Sensitive}, output: true}
			o.Value = c.value(v, reconcile.JSON, o.value.expr.Range())
			leave()
			if o.Value != nil {
				out = append(out, o.Output)
			}
		}
	}
	return out
}
