package specs

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"keymaker/reconcile"
)

// Variable is a declared variable, as far as it may be shown: its value is not part of it.
type Variable struct {
	Name, Description string
	Type              string // as the spec language writes it: string, list(string)
	Sensitive         bool
	Nullable          bool
	Required          bool   // it has no default
	From              string // where its value came from: "default", "--var", a file's name, "KEYMAKER_VAR_x"; "" when it has none
	Range             hcl.Range
}

// variable is a variable block and its value.
type variable struct {
	Variable
	block       *hclsyntax.Block
	typ         cty.Type
	optional    *typeexpr.Defaults
	fallback    cty.Value // the default; NilVal for none
	value       cty.Value // converted, marked when sensitive; DynamicVal after a mistake
	validations []*hclsyntax.Block
	broken      bool // its block has a mistake

	state   state                   // of a module's variable
	arg     *hclsyntax.Attribute    // what the module block gives; nil for nothing
	needs   map[reconcile.Addr]bool // of arg
	tainted string                  // names something sensitive that arg depends on, "" for none
}

// sensitive marks the value of a sensitive variable or output and all that is made of it. name says which, as "variable token".
type sensitive struct{ name string }

var variableAttributes = []string{"type", "default", "description", "sensitive", "nullable"}

func (l *loader) collectVariable(b *hclsyntax.Block) {
	if !l.labels(b, 1, `variable "NAME" {}`) {
		return
	}
	name := b.Labels[0]
	if !hclsyntax.ValidIdentifier(name) {
		l.fail(b.LabelRanges[0], "Bad variable name", "%q cannot be a variable's name: it has to start with a letter and have only letters, digits, _ and - in it.", name)
		return
	}
	if first, ok := l.site.mod.variables[name]; ok {
		l.fail(b.DefRange(), "Duplicate variable", "var.%s is already declared at %s. Rename one of them.", name, place(first.Range))
		return
	}
	before := l.errors
	v := &variable{Variable: Variable{Name: name, Type: "any", Nullable: true, Required: true, Range: b.DefRange()}, block: b, typ: cty.DynamicPseudoType}
	l.site.mod.variables[name] = v
	l.variableAttrs(v)
	for _, inner := range b.Body.Blocks {
		if inner.Type != "validation" {
			l.fail(inner.TypeRange, "Unknown block", "A variable has no block %s.%s It has validation.", inner.Type, suggest(inner.Type, []string{"validation"}))
			continue
		}
		if l.labels(inner, 0, "validation {}") {
			v.validations = append(v.validations, inner)
		}
	}
	l.variableDefault(v)
	v.broken = l.errors > before
}

func (l *loader) variableAttrs(v *variable) {
	for _, a := range attributes(v.block.Body) {
		switch a.Name {
		case "type":
			typ, optional, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
			l.add(diags)
			if !diags.HasErrors() {
				v.typ, v.optional, v.Type = typ, optional, typeexpr.TypeString(typ)
			}
		case "description":
			v.Description = l.constant(a, cty.String, cty.StringVal("")).AsString()
		case "sensitive":
			v.Sensitive = l.constant(a, cty.Bool, cty.False).True()
		case "nullable":
			v.Nullable = l.constant(a, cty.Bool, cty.True).True()
		case "default":
			v.Required = false
		default:
			l.fail(a.NameRange, "Unknown attribute", "A variable has no attribute %s.%s It has %s.", a.Name, suggest(a.Name, variableAttributes), list(variableAttributes))
		}
	}
}

// constant evaluates an attribute that can depend on nothing.
func (l *loader) constant(a *hclsyntax.Attribute, typ cty.Type, fallback cty.Value) cty.Value {
	v, diags := a.Expr.Value(nil)
	l.add(diags)
	if diags.HasErrors() {
		return fallback
	}
	v, err := convert.Convert(v, typ)
	if err != nil || v.IsNull() || !v.IsKnown() {
		l.fail(a.Expr.Range(), "Wrong type", "%s needs a %s.", a.Name, typ.FriendlyName())
		return fallback
	}
	return v
}

// variableDefault evaluates the default. That of a sensitive variable is masked in the source that snippets are cut from.
func (l *loader) variableDefault(v *variable) {
	a := v.block.Body.Attributes["default"]
	if a == nil {
		return
	}
	if v.Sensitive {
		l.mask(a.Expr.Range())
	}
	val, diags := a.Expr.Value(nil)
	if diags.HasErrors() {
		v.fallback = cty.DynamicVal
		if v.Sensitive {
			l.fail(a.Expr.Range(), "Bad default", "The default of the sensitive variable %s is not a constant. Write a value without references and functions.", v.Name)
			return
		}
		l.add(diags)
		return
	}
	converted, err := v.convert(val)
	if err != nil {
		l.fail(a.Expr.Range(), "Bad default", "The default of var.%s does not fit its type %s: %s.", v.Name, v.Type, v.conversion(err))
		converted = cty.DynamicVal
	}
	v.fallback = converted
}

// convert makes a value of the variable's type.
func (v *variable) convert(val cty.Value) (cty.Value, error) {
	if _, err := size(val); err != nil {
		return cty.DynamicVal, err
	}
	if v.optional != nil && !val.IsNull() {
		val = v.optional.Apply(val)
	}
	if v.typ != cty.DynamicPseudoType {
		val = listed(val)
	}
	return convert.Convert(val, v.typ)
}

// conversion is a conversion's error; of a sensitive variable it says nothing, since it may quote the value.
func (v *variable) conversion(err error) string {
	if v.Sensitive {
		return "the value is not shown, because the variable is sensitive"
	}
	return trimPeriod(err.Error())
}

// finish gives each variable its value, from what was given or the default, and validates it.
func (l *loader) finishVariables(given map[string]given) {
	variables := l.root().variables
	names := slices.Sorted(maps.Keys(variables))
	for _, name := range names {
		v := variables[name]
		g, ok := given[name]
		if !ok && v.Required && !v.broken {
			g, ok = l.ask(v)
		}
		v.value, v.state = l.valueOf(v, g, ok), finished
		if v.Sensitive {
			v.value = v.value.Mark(sensitive{"variable " + name})
		}
	}
	for _, name := range names {
		l.validate(variables[name])
	}
}

// ask asks for the value of a variable that nothing gives.
func (l *loader) ask(v *variable) (given, bool) {
	if l.opts.Ask == nil {
		return given{}, false
	}
	text, ok := l.opts.Ask(v.Variable)
	if !ok {
		return given{}, false
	}
	return v.parse(text, "the answer"), true
}

// valueOf gives a variable what was given, or its default.
func (l *loader) valueOf(v *variable, g given, ok bool) cty.Value {
	if !ok && v.broken {
		return cty.DynamicVal
	}
	if !ok && v.Required {
		l.fail(v.Range, "Variable without a value", "var.%s has no default and was not given. Give it with --var %s=VALUE, in a --var-file, or in the environment variable %s%s.", v.Name, v.Name, envPrefix, v.Name)
		return cty.DynamicVal
	}
	val := v.fallback
	if ok {
		v.From = g.from
		val = g.value
		if g.err != nil {
			l.fail(g.place(v), "Bad value for a variable", "The value that %s gives var.%s does not fit its type %s: %s.", g.from, v.Name, v.Type, v.conversion(g.err))
			return cty.DynamicVal
		}
	} else {
		v.From = "default"
	}
	if val.IsKnown() && val.IsNull() && !v.Nullable {
		if !v.Required && v.fallback.IsKnown() && !v.fallback.IsNull() {
			v.From = "default"
			return v.fallback
		}
		l.fail(v.place(), "Variable is null", "var.%s is not nullable, and its value is null. Give it a value with --var %s=VALUE.", v.Name, v.Name)
		return cty.DynamicVal
	}
	return val
}

// place is where a mistake in the variable's value is told.
func (v *variable) place() hcl.Range {
	if v.arg != nil {
		return v.arg.Expr.Range()
	}
	return v.Range
}

// validate checks a variable's value by its validation blocks.
func (l *loader) validate(v *variable) {
	for _, b := range v.validations {
		condition, message := b.Body.Attributes["condition"], b.Body.Attributes["error_message"]
		for _, a := range attributes(b.Body) {
			if a != condition && a != message {
				l.fail(a.NameRange, "Unknown attribute", "A validation has no attribute %s.%s It has condition and error_message.", a.Name, suggest(a.Name, []string{"condition", "error_message"}))
			}
		}
		if condition == nil || message == nil {
			l.fail(b.DefRange(), "Missing attribute", "A validation needs a condition and an error_message.")
			continue
		}
		l.validateOne(v, condition, message)
	}
}

func (l *loader) validateOne(v *variable, condition, message *hclsyntax.Attribute) {
	ok := l.variableExpr(condition.Expr)
	ok, err := convert.Convert(ok, cty.Bool)
	if err != nil || ok.IsKnown() && ok.IsNull() {
		l.fail(condition.Expr.Range(), "Wrong type", "A condition has to be true or false.")
		return
	}
	ok, _ = ok.Unmark()
	if !ok.IsKnown() || ok.True() {
		return
	}
	text := l.variableExpr(message.Expr)
	text, err = convert.Convert(text, cty.String)
	detail := "The value is refused by the variable's validation."
	switch {
	case err != nil || !text.IsKnown():
	case text.IsMarked():
		detail = "The value is refused by the variable's validation. The error message is not shown, because it contains a sensitive value."
	case !text.IsNull():
		detail = text.AsString()
	}
	at := v.place()
	l.add(hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Bad value for a variable", Subject: &at,
		Detail: "var." + v.Name + " (from " + v.From + "): " + detail + " The condition is at " + place(condition.SrcRange) + "."}})
}

// variableExpr evaluates an expression of a validation, which may refer to variables only.
func (l *loader) variableExpr(expr hclsyntax.Expression) cty.Value {
	for _, t := range l.traversals(expr) {
		if t.RootName() != "var" {
			l.fail(t.SourceRange(), "Reference not allowed", "A validation may only refer to variables.")
			return cty.DynamicVal
		}
	}
	v, _ := l.evaluate(expr)
	return v
}

func (l *loader) listVariables() []Variable {
	var out []Variable
	for _, name := range slices.Sorted(maps.Keys(l.root().variables)) {
		out = append(out, l.root().variables[name].Variable)
	}
	return out
}
