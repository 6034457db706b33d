package specs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// envPrefix starts the names of environment variables that give variables.
const envPrefix = "KEYMAKER_VAR_"

// VarSource is one --var or one --var-file of the command line.
type VarSource struct {
	Name, Value string // --var Name=Value
	File        string // --var-file File; Name and Value are "" then
}

// ParseVar reads the argument of --var, NAME=VALUE.
func ParseVar(arg string) (VarSource, error) {
	name, value, ok := strings.Cut(arg, "=")
	if !ok || !hclsyntax.ValidIdentifier(name) {
		return VarSource{}, errors.New("--var: want NAME=VALUE, where NAME is a variable of the spec") // the argument may be a secret, so it is not repeated
	}
	return VarSource{Name: name, Value: value}, nil
}

// given is a value for a variable and where it comes from.
type given struct {
	value cty.Value // converted to the variable's type
	err   error
	from  string
	at    hcl.Range // in a variable file; zero otherwise
}

// place is where a mistake in the value is told.
func (g given) place(v *variable) hcl.Range {
	if g.at.Filename == "" {
		return v.Range
	}
	return g.at
}

// setVariables gives the variables their values. Later sources win: the environment, keymaker.vars.hcl, *.auto.vars.hcl by name, then --var and
// --var-file in the order given (the order of Terraform).
func (l *loader) setVariables() {
	values := make(map[string]given)
	for _, name := range slices.Sorted(maps.Keys(l.root().variables)) {
		if text, ok := l.opts.Env(envPrefix + name); ok {
			values[name] = l.root().variables[name].parse(text, envPrefix+name)
		}
	}
	for _, file := range variableFiles(l.root().dir) {
		l.readVariables(file, values)
	}
	for _, s := range l.opts.Vars {
		if s.File != "" {
			l.readVariables(s.File, values)
			continue
		}
		v, ok := l.root().variables[s.Name]
		if !ok {
			names := slices.Collect(maps.Keys(l.root().variables))
			l.add(hcl.Diagnostics{placeless("Unknown variable", "--var gives %s, but the spec declares no such variable.%s It declares %s.", s.Name, suggest(s.Name, names), list(names))})
			continue
		}
		values[s.Name] = v.parse(s.Value, "--var")
	}
	l.finishVariables(values)
}

// readVariables reads a variable file: attributes only, constants only.
func (l *loader) readVariables(file string, values map[string]given) {
	before := len(l.src.diags)
	body := l.src.parse(file, true)
	for _, d := range l.src.diags[before:] {
		if d.Severity == hcl.DiagError {
			l.errors++
		}
	}
	if body == nil {
		return
	}
	for _, b := range body.Blocks {
		l.fail(b.DefRange(), "Block in a variable file", "A variable file has only lines of the form NAME = VALUE.")
	}
	for _, a := range attributes(body) {
		v, ok := l.root().variables[a.Name]
		if !ok {
			names := slices.Collect(maps.Keys(l.root().variables))
			l.mask(a.Expr.Range()) // nobody says whether it is sensitive
			w := problem(a.NameRange, "Unknown variable", "The spec declares no variable %s, so its value is not used.%s", a.Name, suggest(a.Name, names))
			w.Severity = hcl.DiagWarning
			l.add(hcl.Diagnostics{w})
			continue
		}
		values[a.Name] = l.fileValue(v, a)
	}
}

func (l *loader) fileValue(v *variable, a *hclsyntax.Attribute) given {
	g := given{from: a.SrcRange.Filename, at: a.Expr.Range()}
	if v.Sensitive {
		l.mask(a.Expr.Range())
	}
	val, diags := a.Expr.Value(nil)
	if diags.HasErrors() {
		g.err = errors.New("it is not a constant; references and functions are not allowed here")
		return g
	}
	g.value, g.err = v.convert(val)
	return g
}

// parse reads a variable's value from the command line or the environment: a text as it is, anything else as an HCL expression.
func (v *variable) parse(text, from string) given {
	g := given{from: from, value: cty.StringVal(text)}
	if len(text) > maxText {
		g.err = errTooBig
		return g
	}
	if !v.typ.IsPrimitiveType() && v.typ != cty.DynamicPseudoType {
		g.value, g.err = parseConstant(text)
		if g.err != nil {
			return g
		}
	}
	g.value, g.err = v.convert(g.value)
	return g
}

func parseConstant(text string) (cty.Value, error) {
	tokens, _ := hclsyntax.LexExpression([]byte(text), "", hcl.InitialPos)
	if d := tooDeep(tokens); d != nil {
		return cty.DynamicVal, errors.New("it is nested too deeply")
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, fmt.Errorf("it is not written as HCL (for example [\"a\", \"b\"]): %s", diags[0].Summary)
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() {
		return cty.DynamicVal, errors.New("it is not a constant; quote texts inside it")
	}
	return v, nil
}

func trimPeriod(s string) string { return strings.TrimRight(s, ".") }
