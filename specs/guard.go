package specs

import (
	"iter"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// guard stands around an operand whose value is looked at: there a token has to give way to the value that it stands for.
type guard struct {
	hclsyntax.Expression
	l    *anchor
	role role
	what string // of an argument: the function's name
}

// anchor holds a load while it goes on. The syntax of the files, with the guards in it, is kept for snippets longer than that.
type anchor struct{ loader *loader }

// role is what a guarded operand is used for.
type role int

const (
	argument role = iota
	operand
	condition
	key
	collection
	splat
	part // of a template: tokens may stay
	body // of a loop: tokens may stay
)

// structural functions only move their arguments' members around, so that tokens pass through them. try and can evaluate their arguments themselves.
var structural = map[string]bool{
	"concat": true, "flatten": true, "merge": true, "tolist": true, "toset": true, "tomap": true, "tostring": true, "tuple": true, "values": true,
	"try": true, "can": true, "nonsensitive": true, "coalescelist": true, "reverse": true, "slice": true, "compact": true, "zipmap": true, "one": true, "transpose": true,
	"templatefile": true,
}

// byKeys are the functions that take all objects of a block with for_each and look only at their keys.
var byKeys = map[string]bool{"keys": true, "length": true, "lookup": true}

// traversals lists the references of an expression. They are listed once, before guards hide them from HCL's walk.
func (l *loader) traversals(expr hclsyntax.Expression) []hcl.Traversal {
	ts, ok := l.guarded[expr]
	if !ok {
		ts = expr.Variables()
		l.guarded[expr] = ts
		l.guard(expr)
	}
	return ts
}

// guard puts guards into an expression.
func (l *loader) guard(expr hclsyntax.Expression) {
	hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcl.Diagnostics {
		if g, ok := node.(*guard); ok {
			node = g.Expression
		}
		l.guardChildren(node)
		return nil
	})
}

func (l *loader) guardChildren(node hclsyntax.Node) {
	wrap := func(e hclsyntax.Expression, r role, what string) hclsyntax.Expression {
		if _, ok := e.(*guard); ok || e == nil {
			return e
		}
		return &guard{Expression: e, l: l.anchor, role: r, what: what}
	}
	switch e := node.(type) {
	case *hclsyntax.BinaryOpExpr:
		e.LHS, e.RHS = wrap(e.LHS, operand, ""), wrap(e.RHS, operand, "")
	case *hclsyntax.UnaryOpExpr:
		e.Val = wrap(e.Val, operand, "")
	case *hclsyntax.ConditionalExpr:
		e.Condition = wrap(e.Condition, condition, "")
	case *hclsyntax.IndexExpr:
		e.Key = wrap(e.Key, key, "")
	case *hclsyntax.FunctionCallExpr:
		if !structural[e.Name] {
			for i := range e.Args {
				e.Args[i] = wrap(e.Args[i], argument, e.Name)
			}
		}
	case *hclsyntax.ForExpr:
		e.CollExpr = wrap(e.CollExpr, collection, "")
		e.KeyExpr, e.CondExpr = wrap(e.KeyExpr, key, ""), wrap(e.CondExpr, condition, "")
		e.ValExpr = wrap(e.ValExpr, body, "")
	case *hclsyntax.SplatExpr:
		e.Source = wrap(e.Source, splat, "")
	case *hclsyntax.TemplateExpr:
		for i, p := range e.Parts {
			if _, literal := p.(*hclsyntax.LiteralValueExpr); !literal {
				e.Parts[i] = wrap(p, part, "")
			}
		}
	}
}

// Value evaluates the operand and puts values in for tokens, as far as its role asks for it. What cannot be is noted in the frame and gives an unknown
// value, so that try and can do not hide it.
func (g *guard) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := g.Expression.Value(ctx)
	if diags.HasErrors() {
		return v, diags
	}
	g.l.loader.spend(v, g.Range())
	switch g.role {
	case body:
		return v, diags
	case splat:
		if isCollection(v) {
			return members(v), diags
		}
		return v, diags
	case collection:
		if d := g.bare(v); d != nil {
			return g.refuse(d), diags
		}
		return v, diags
	case part:
		if d := g.bare(v); d != nil {
			return g.refuse(d), diags
		}
		if d := g.secret(v); d != nil {
			return g.refuse(d), diags
		}
		return v, diags
	}
	if g.role == argument && isCollection(v) && byKeys[g.what] {
		return v, diags
	}
	if g.role == argument {
		v = listed(v)
	}
	return g.force(v), diags
}

func (g *guard) refuse(d *hcl.Diagnostic) cty.Value {
	g.l.loader.frame.refused = append(g.l.loader.frame.refused, d)
	return cty.DynamicVal
}

// spend counts what a value costs; it ends an evaluation that costs too much.
func (l *loader) spend(v cty.Value, at hcl.Range) {
	cost, err := 1, error(nil)
	u, _ := v.Unmark()
	if u.IsKnown() && !u.IsNull() {
		switch {
		case u.Type() == cty.String:
			cost += len(u.AsString())
		case u.CanIterateElements():
			var n int
			n, err = size(u)
			cost += n
		}
	}
	l.effort += cost
	l.spent = l.effort > l.budget
	if l.spent || err != nil || cost > maxText {
		panic(abort{problem(at, "Value too large", "Evaluating this takes more than a spec may: loops or templates inside each other make too much of it. Build it from smaller parts.")})
	}
}

// force replaces all tokens in a value.
func (g *guard) force(v cty.Value) cty.Value {
	if !g.l.loader.tokens.within(v) && !hasSecret(v) {
		return v
	}
	if d := g.secret(v); d != nil {
		return g.refuse(d)
	}
	if d := g.anyBare(v); d != nil {
		return g.refuse(d)
	}
	out, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) { return g.known(v), nil })
	if err != nil {
		return g.refuse(problem(g.Range(), "Value not known yet", "This value cannot be used here: %s.", err))
	}
	return out
}

// known gives what a text with tokens stands for; any other value as it is.
func (g *guard) known(v cty.Value) cty.Value {
	text, marks := v.Unmark()
	if !text.IsKnown() || text.IsNull() || text.Type() != cty.String || !g.l.loader.tokens.in(text.AsString()) {
		return v
	}
	value, ok := g.l.loader.expand(text.AsString(), g.Range())
	if !ok {
		return cty.DynamicVal
	}
	if known, ok := toCty(value); ok {
		return known.WithMarks(marks)
	}
	return g.refuse(problem(g.Range(), "Value not known yet", "%s is only known after apply, so it cannot %s. Use it as a whole or inside a \"${…}\" template, or write the value out.",
		g.l.loader.tokens.name(text.AsString()), g.use()))
}

// use says what the operand was needed for.
func (g *guard) use() string {
	switch g.role {
	case argument:
		return "go through the function " + g.what
	case condition:
		return "decide a condition"
	case key:
		return "be a key"
	}
	return "be compared or calculated with"
}

// bare reports an object where a value should be.
func (g *guard) bare(v cty.Value) *hcl.Diagnostic {
	a, ok := g.l.loader.tokens.object(v)
	if !ok {
		return nil
	}
	return problem(g.Range(), "Object is not a text", "%s is an object; name the attribute that is meant, %s.", a, g.l.loader.exportsOf(a))
}

// anyBare reports the first object in a value or in its members.
func (g *guard) anyBare(v cty.Value) (found *hcl.Diagnostic) {
	anyWithin(v, func(v cty.Value) bool {
		found = g.bare(v)
		return found != nil
	})
	return found
}

func (g *guard) secret(v cty.Value) *hcl.Diagnostic {
	if !hasSecret(v) {
		return nil
	}
	return problem(g.Range(), "Secret in an expression", "A secret cannot be part of a text or go through a function. Give it alone: NAME = env(\"…\") or NAME = secret_file(\"…\").")
}

// hasSecret says whether a value contains what env or secret_file gave.
func hasSecret(v cty.Value) bool {
	return anyWithin(v, func(v cty.Value) bool { return v.Type() == secretType })
}

// anyWithin says whether a value, or one inside it, is what is looked for. Other than with cty's walk no paths are made, which would be most of a load's memory.
func anyWithin(v cty.Value, is func(cty.Value) bool) bool {
	if is(v) {
		return true
	}
	for m := range valuesIn(v) {
		if anyWithin(m, is) {
			return true
		}
	}
	return false
}

// valuesIn gives the members of a collection; nothing of anything else.
func valuesIn(v cty.Value) iter.Seq[cty.Value] {
	return func(yield func(cty.Value) bool) {
		v, _ := v.Unmark()
		if v.IsNull() || v.Type().IsPrimitiveType() || !v.CanIterateElements() {
			return
		}
		for it := v.ElementIterator(); it.Next(); {
			if _, m := it.Element(); !yield(m) {
				return
			}
		}
	}
}

func (l *loader) exportsOf(a addr) string {
	var names []string
	if kind, ok := l.kindOf(a); ok {
		for _, e := range kind.Exports {
			names = append(names, a.String()+"."+e.Name)
		}
	}
	return strings.Join(names, " or ")
}
