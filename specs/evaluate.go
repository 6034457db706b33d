package specs

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
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
	f := &frame{needs: make(map[reconcile.Addr]bool)}
	l.frame = f
	defer func() {
		l.frame = outer
		if outer != nil {
			maps.Copy(outer.needs, f.needs)
			if outer.sensitive == "" {
				outer.sensitive = f.sensitive
			}
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
		l.add(withhold(diags, f.sensitive))
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
		c.Detail = fmt.Sprintf("The reason is not shown, because it may contain the value of the sensitive variable %s.", name)
		out[i] = &c
	}
	return out
}

// context gathers what an expression refers to, and reports what does not exist.
func (l *loader) context(expr hclsyntax.Expression) (*hcl.EvalContext, bool) {
	scope := scope{vars: make(map[string]cty.Value), locals: make(map[string]cty.Value), objects: make(map[string]map[string]map[string]cty.Value)}
	all := true
	for _, t := range l.traversals(expr) {
		all = l.bring(t, &scope) && all
	}
	if !all {
		return nil, false
	}
	return &hcl.EvalContext{Variables: scope.variables(), Functions: l.functions}, true
}

// scope is what an expression's references stand for.
type scope struct {
	vars, locals map[string]cty.Value
	objects      map[string]map[string]map[string]cty.Value // by system, kind and name
}

func (s *scope) variables() map[string]cty.Value {
	out := map[string]cty.Value{"var": cty.ObjectVal(s.vars), "local": cty.ObjectVal(s.locals)}
	for system, kinds := range s.objects {
		byKind := make(map[string]cty.Value)
		for kind, names := range kinds {
			byKind[kind] = cty.ObjectVal(names)
		}
		out[system] = cty.ObjectVal(byKind)
	}
	return out
}

func (s *scope) put(a reconcile.Addr, v cty.Value) {
	if s.objects[a.System] == nil {
		s.objects[a.System] = make(map[string]map[string]cty.Value)
	}
	if s.objects[a.System][a.Kind] == nil {
		s.objects[a.System][a.Kind] = make(map[string]cty.Value)
	}
	s.objects[a.System][a.Kind][a.Name] = v
}

// bring puts one reference's value into scope.
func (l *loader) bring(t hcl.Traversal, s *scope) bool {
	switch root := t.RootName(); {
	case root == "var":
		return l.bringVariable(t, s)
	case root == "local":
		return l.bringLocal(t, s)
	case l.language(root) != nil:
		return l.bringObject(t, s)
	default:
		roots := append([]string{"var", "local"}, l.systems()...)
		if len(t) == 1 {
			l.fail(t.SourceRange(), "Unknown reference", "There is nothing called %s.%s For a text, write it in quotes: %q. References start with %s.", root, suggest(root, roots), root, list(roots))
			return false
		}
		l.fail(t[0].SourceRange(), "Unknown reference", "There is nothing called %s.%s References start with %s.", root, suggest(root, roots), list(roots))
		return false
	}
}

func (l *loader) bringVariable(t hcl.Traversal, s *scope) bool {
	name, at, ok := l.step(t, 1)
	if !ok {
		names := slices.Collect(maps.Keys(l.variables))
		l.fail(t.SourceRange(), "Incomplete reference", "A variable is written var.NAME. The spec declares %s.", list(names))
		return false
	}
	v, ok := l.variables[name]
	if !ok {
		names := slices.Collect(maps.Keys(l.variables))
		l.fail(at, "Unknown variable", "The spec declares no variable %s.%s It declares %s.", name, suggest(name, names), list(names))
		return false
	}
	if v.Sensitive && l.frame.sensitive == "" {
		l.frame.sensitive = name
	}
	s.vars[name] = v.value
	return true
}

func (l *loader) bringLocal(t hcl.Traversal, s *scope) bool {
	name, at, ok := l.step(t, 1)
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A local is written local.NAME. The spec has %s.", list(l.localNames))
		return false
	}
	loc, ok := l.locals[name]
	if !ok {
		l.fail(at, "Unknown local", "There is no local %s.%s The spec has %s.", name, suggest(name, l.localNames), list(l.localNames))
		return false
	}
	if loc.state == underway {
		l.cycle("local."+name, at)
		return false
	}
	s.locals[name] = l.local(name)
	maps.Copy(l.frame.needs, loc.needs)
	if l.frame.sensitive == "" {
		l.frame.sensitive = loc.sensitive
	}
	return true
}

// local gives a local's value, evaluating it the first time.
func (l *loader) local(name string) cty.Value {
	loc := l.locals[name]
	if loc.state != untouched {
		return loc.value
	}
	loc.state, loc.value = underway, cty.DynamicVal
	if l.enter("local."+name, loc.place) {
		outer := l.frame
		l.frame = &frame{needs: make(map[reconcile.Addr]bool)}
		loc.value, _ = l.evaluate(loc.expr)
		loc.needs, loc.sensitive = l.frame.needs, l.frame.sensitive
		l.frame = outer
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
