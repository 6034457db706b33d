package specs

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// abort ends an evaluation from inside HCL's loops, which go on after errors.
type abort struct{ diag *hcl.Diagnostic }

// evaluate gives an expression's value, with tokens where other objects' attributes stand. After a mistake, which is then reported, it gives an unknown
// value and false.
func (l *loader) evaluate(expr hclsyntax.Expression) (cty.Value, bool) {
	if l.spent {
		return cty.DynamicVal, false
	}
	outer := l.frame
	f := new(frame)
	l.frame = f
	defer func() {
		l.frame = outer
		if outer != nil {
			outer.adopt(f.needs)
			l.taint(f.sensitive)
		}
	}()
	ctx, ok := l.context(expr)
	if !ok {
		return cty.DynamicVal, false
	}
	val, diags := l.run(expr, ctx)
	if len(f.refused) > 0 {
		l.add(f.refused)
		return cty.DynamicVal, false
	}
	if diags.HasErrors() {
		l.add(withhold(l.explain(diags, f), f.sensitive))
		return cty.DynamicVal, false
	}
	if _, err := size(val); err != nil {
		l.fail(expr.Range(), "Value too large", "This makes a value of more than %d bytes or %d members. A spec needs far less: build it from smaller parts.", maxText, maxMembers)
		return cty.DynamicVal, false
	}
	return val, true
}

// run evaluates, and turns an abort or a panic inside HCL into a diagnostic.
func (l *loader) run(expr hclsyntax.Expression, ctx *hcl.EvalContext) (val cty.Value, diags hcl.Diagnostics) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case abort:
			val, diags = cty.DynamicVal, hcl.Diagnostics{r.diag}
		default:
			val = cty.DynamicVal
			diags = hcl.Diagnostics{problem(expr.Range(), "Expression cannot be evaluated", "HCL fails on this expression. Write it in a simpler way.")}
		}
	}()
	return expr.Value(ctx)
}

// withhold replaces the messages of an expression that depends on a sensitive variable: a function's error may quote its argument.
func withhold(diags hcl.Diagnostics, name string) hcl.Diagnostics {
	if name == "" {
		return diags
	}
	out := make(hcl.Diagnostics, len(diags))
	for i, d := range diags {
		c := *d
		c.Summary = "Expression cannot be evaluated"
		c.Detail = fmt.Sprintf("The reason is not shown, because it may contain the value of the sensitive %s.", name)
		out[i] = &c
	}
	return out
}

// context gathers what an expression refers to, and reports what does not exist.
func (l *loader) context(expr hclsyntax.Expression) (*hcl.EvalContext, bool) {
	traversals := l.traversals(expr)
	if len(traversals) == 0 {
		return l.nothing, true
	}
	scope := new(scope)
	all := true
	for _, t := range traversals {
		all = l.bring(t, scope) && all
	}
	if !all {
		return nil, false
	}
	e := l.site.each
	if e == nil || !scope.onlyEach() {
		return &hcl.EvalContext{Variables: scope.variables(), Functions: l.functions}, true
	}
	if e.context == nil {
		e.context = &hcl.EvalContext{Variables: scope.variables(), Functions: l.functions}
	}
	return e.context, true
}

// bring puts one reference's value into scope.
func (l *loader) bring(t hcl.Traversal, s *scope) bool {
	switch root := t.RootName(); {
	case root == "var":
		return l.bringVariable(t, s)
	case root == "local":
		return l.bringLocal(t, s)
	case root == "each":
		return l.bringEach(t, s)
	case root == "module":
		return l.bringModule(t, s)
	case root == connectionWord:
		l.fail(t.SourceRange(), "Connection in an expression", "A connection is no value. It says where an object is, alone: connection = %s.", traversalText(t))
		return false
	case l.language(root) != nil:
		return l.bringObject(t, s)
	default:
		roots := l.roots()
		if l.masked(t.SourceRange()) {
			l.fail(t.SourceRange(), "Unknown reference", "This is no reference, and it is not shown since it may be a secret. Give the secret by env(\"NAME\"), secret_file(\"PATH\") or a sensitive variable, "+
				"var.NAME. References start with %s.", list(roots))
			return false
		}
		if len(t) == 1 {
			l.fail(t.SourceRange(), "Unknown reference", "There is nothing called %s.%s For a text, write it in quotes: %q. References start with %s.", root, suggest(root, roots), root, list(roots))
			return false
		}
		l.fail(t[0].SourceRange(), "Unknown reference", "There is nothing called %s.%s References start with %s.", root, suggest(root, roots), list(roots))
		return false
	}
}

// roots are the words that references start with here.
func (l *loader) roots() []string {
	roots := append([]string{"var", "local"}, l.systems()...)
	if l.site.each != nil {
		roots = append(roots, "each")
	}
	if len(l.site.mod.calls) > 0 {
		roots = append(roots, "module")
	}
	return roots
}

func (l *loader) bringVariable(t hcl.Traversal, s *scope) bool {
	mod := l.site.mod
	name, at, ok := l.step(t, 1)
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A variable is written var.NAME. The spec declares %s.", list(slices.Collect(maps.Keys(mod.variables))))
		return false
	}
	v, ok := mod.variables[name]
	if !ok {
		names := slices.Collect(maps.Keys(mod.variables))
		l.fail(at, "Unknown variable", "The spec declares no variable %s.%s It declares %s.", name, suggest(name, names), list(names))
		return false
	}
	if v.state == underway {
		l.cycle(mod.child("var."+name), at)
		return false
	}
	l.bind(mod, v)
	l.frame.need(v.needs)
	if v.Sensitive {
		l.taint("variable " + name)
	}
	l.taint(v.tainted)
	set(&s.vars, name, v.value)
	return true
}

// taint notes that what is being evaluated depends on something sensitive.
func (l *loader) taint(name string) {
	if l.frame.sensitive == "" {
		l.frame.sensitive = name
	}
}

func (l *loader) bringLocal(t hcl.Traversal, s *scope) bool {
	mod := l.site.mod
	name, at, ok := l.step(t, 1)
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A local is written local.NAME. The spec has %s.", list(mod.localNames))
		return false
	}
	loc, ok := mod.locals[name]
	if !ok {
		l.fail(at, "Unknown local", "There is no local %s.%s The spec has %s.", name, suggest(name, mod.localNames), list(mod.localNames))
		return false
	}
	v, ok := l.use(loc, at)
	set(&s.locals, name, v)
	return ok
}

// use gives a local's or output's value to the expression being evaluated.
func (l *loader) use(loc *local, at hcl.Range) (cty.Value, bool) {
	if loc.state == underway {
		l.cycle(loc.name, at)
		return cty.DynamicVal, false
	}
	v := l.local(loc)
	l.frame.need(loc.needs)
	l.taint(loc.sensitive)
	return v, true
}

// local gives a local's value, evaluating it the first time.
func (l *loader) local(loc *local) cty.Value {
	if loc.state != untouched {
		return loc.value
	}
	loc.state, loc.value = underway, cty.DynamicVal
	if l.enter(loc.name, loc.place) {
		defer l.visit(site{mod: loc.mod})()
		f := l.apart(func() { loc.value, _ = l.evaluate(loc.expr) })
		loc.needs, loc.sensitive = f.needs, f.sensitive
		l.leave()
	}
	loc.state = finished
	return loc.value
}

// enter notes that something is being evaluated. It refuses chains that are so long that the stack would not hold them.
func (l *loader) enter(name string, at hcl.Range) bool {
	if len(l.chain) >= maxChain {
		l.fail(at, "Chain too long", "More than %d values are defined through each other. Define them more directly.", maxChain)
		return false
	}
	l.chain = append(l.chain, name)
	return true
}

func (l *loader) leave() { l.chain = l.chain[:len(l.chain)-1] }

// cycle reports that name, which is being evaluated, is needed for its own value.
func (l *loader) cycle(name string, at hcl.Range) {
	l.cyclic = true
	from := max(0, slices.Index(l.chain, name))
	l.fail(at, "Value defined through itself", "%s: this value depends on itself. Write one of them out.", arrows(append(slices.Clone(l.chain[from:]), name)))
}

// step reads step i of a traversal as a name: .name or ["name"]. The range is the name's.
func (l *loader) step(t hcl.Traversal, i int) (string, hcl.Range, bool) {
	if i >= len(t) {
		return "", hcl.Range{}, false
	}
	switch s := t[i].(type) {
	case hcl.TraverseAttr:
		at := s.SrcRange
		if at.End.Byte-at.Start.Byte > len(s.Name) { // the range starts at the dot
			shift := at.End.Byte - at.Start.Byte - len(s.Name)
			if at.Start.Line == at.End.Line {
				at.Start.Byte += shift
				at.Start.Column += shift
			}
		}
		return s.Name, at, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() {
			return s.Key.AsString(), s.SrcRange, true
		}
	}
	return "", hcl.Range{}, false
}
