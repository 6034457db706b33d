package neo4jtest

import (
	"fmt"
	"sort"
	"strings"
)

// expander makes a written privilege the atoms it stands for.
type expander struct {
	dialect dialect
	params  map[string]any
	today   func() string // date() is evaluated once, when the command runs
}

// resolve is a name's text.
func (x expander) resolve(n name) (string, *Failure) {
	return resolveName(n, x.params)
}

// resolveName takes a name from the statement or from its parameter.
func resolveName(n name, params map[string]any) (string, *Failure) {
	if n.param == "" {
		return n.text, nil
	}
	value, ok := params[n.param].(string)
	if !ok {
		return "", wrongParameter(n.param, "String", params[n.param])
	}
	return value, nil
}

func wrongParameter(param, want string, got any) *Failure {
	return typeError("Expected parameter $%s to have type %s but was %s", param, want, javaText(got))
}

// javaText names a value as the server's own messages do.
func javaText(v any) string {
	switch v := normalise(v).(type) {
	case nil:
		return "NO_VALUE"
	case int64:
		return fmt.Sprintf("Long(%d)", v)
	case float64:
		return "Double(" + floatText(v) + ")"
	case bool:
		return "Boolean('" + cypherText(v) + "')"
	case string:
		return fmt.Sprintf("String(%q)", v)
	case []any:
		return "List{" + strings.TrimSuffix(strings.TrimPrefix(cypherText(v), "["), "]") + "}"
	}
	return cypherText(v)
}

// expand is the cross product of everything that one statement lists.
func (x expander) expand(cmd privilegeSpec, deny, immutable bool) ([]atom, *Failure) {
	atoms := []atom{{action: cmd.action, deny: deny, immutable: immutable, home: cmd.home}}
	names := func(list []starOr, lower bool) ([]starName, *Failure) {
		var out []starName
		for _, s := range list {
			text, failure := x.resolve(s.name)
			if failure != nil {
				return nil, failure
			}
			if lower {
				text = strings.ToLower(text)
			}
			out = append(out, starName{s.star, text})
		}
		return out, nil
	}
	var failure *Failure
	times := func(list []starOr, lower bool, set func(*atom, starName)) {
		if len(list) == 0 || failure != nil {
			return
		}
		var resolved []starName
		if resolved, failure = names(list, lower); failure == nil {
			atoms = multiply(atoms, resolved, set)
		}
	}
	times(cmd.targets, true, func(a *atom, s starName) { a.graph = s })
	times(cmd.properties, false, func(a *atom, s starName) { a.property = &s })
	times(cmd.labels, false, func(a *atom, s starName) { a.label = &s })
	times(cmd.users, false, func(a *atom, s starName) { a.user = &s })
	if failure != nil {
		return nil, failure
	}
	if len(cmd.globs) > 0 {
		var globs []starName
		for _, g := range cmd.globs {
			globs = append(globs, starName{name: g})
		}
		atoms = multiply(atoms, globs, func(a *atom, s starName) { a.glob = s.name })
	}
	if cmd.source != nil {
		cidr, failure := x.resolve(*cmd.source)
		if failure != nil {
			return nil, failure
		}
		atoms[0].cidr = &cidr
	}
	return x.entities(atoms, cmd)
}

func multiply(atoms []atom, values []starName, set func(*atom, starName)) []atom {
	var out []atom
	for _, a := range atoms {
		for _, v := range values {
			b := a
			set(&b, v)
			out = append(out, b)
		}
	}
	return out
}

// entities adds labels and types: ELEMENTS stands for both.
func (x expander) entities(atoms []atom, cmd privilegeSpec) ([]atom, *Failure) {
	if cmd.rule != nil {
		rule, failure := x.rule(cmd.rule)
		for i := range atoms {
			atoms[i].rule, atoms[i].kind, atoms[i].entity = rule, cmd.rule.kind, starName{star: true}
		}
		return atoms, failure
	}
	if cmd.kind == "" {
		return atoms, nil
	}
	kinds := []string{cmd.kind}
	if cmd.kind == "ELEMENT" {
		kinds = []string{"NODE", "RELATIONSHIP"}
	}
	var out []atom
	for _, kind := range kinds {
		for _, e := range cmd.entities {
			for _, a := range atoms {
				a.kind, a.entity = kind, starName{e.star, e.name.text}
				out = append(out, a)
			}
		}
	}
	return out, nil
}

func (x expander) rule(spec *ruleSpec) (*propertyRule, *Failure) {
	if spec.is5Crash(x.dialect) {
		return nil, &Failure{Code: codeUnknownError, Message: "Failed to administer property rule: unexpected NOT on an inequality"}
	}
	labels := append([]string{}, spec.labels...)
	sort.Strings(labels)
	r := &propertyRule{kind: spec.kind, labels: labels, negated: spec.negated, property: spec.property, op: spec.op}
	if spec.value == nil {
		return r, nil
	}
	value, text, failure := x.ruleValue(spec.value)
	if failure != nil {
		return nil, failure
	}
	if value == nil && text == "NULL" {
		return nil, x.dialect.chained(codeSyntaxError, "Failed to administer property rule. The property value access rule pattern always evaluates to `NULL`. Use `IS NULL` instead.",
			false, cause{"22NA0", ""}, cause{"22NA5", "Use `IS NULL`."})
	}
	if _, isList := value.([]any); isList != (spec.op == "IN") {
		return nil, x.dialect.chained(codeSyntaxError, "Failed to administer property rule. The value does not fit the operator "+spec.op+".", false,
			cause{"22NA0", ""}, cause{"22NA7", "The value does not fit the operator."})
	}
	r.value, r.valueText = value, text
	return r, nil
}

// ruleValue evaluates what a property is compared with, and prints it.
func (x expander) ruleValue(e expr) (any, string, *Failure) {
	if c, ok := e.(callExpr); ok {
		return x.ruleCall(c)
	}
	if l, ok := e.(listExpr); ok {
		values, texts := []any{}, []string{}
		for _, item := range l.items {
			v, text, failure := x.ruleValue(item)
			if failure != nil {
				return nil, "", failure
			}
			values, texts = append(values, v), append(texts, text)
		}
		return values, "[" + strings.Join(texts, ", ") + "]", nil
	}
	v, failure := eval(e, &scope{params: x.params})
	if failure != nil {
		return nil, "", failure
	}
	return v, literalText(v), nil
}

// ruleCall keeps a temporal or spatial value as the call that makes it; date() becomes the day it is.
func (x expander) ruleCall(c callExpr) (any, string, *Failure) {
	if len(c.args) == 0 {
		if c.name != "date" {
			return nil, "", &Failure{Code: CodeNotEmulated, Message: "not emulated: " + c.name + "() without an argument in a property rule"}
		}
		return nil, "date('" + x.today() + "')", nil
	}
	var args []string
	for _, a := range c.args {
		v, failure := eval(a, &scope{params: x.params})
		if failure != nil {
			return nil, "", failure
		}
		args = append(args, literalText(v))
	}
	return nil, c.name + "(" + strings.Join(args, ", ") + ")", nil
}

// literalText prints a value as a literal.
func literalText(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return "'" + escapeString(v, '\'') + "'"
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = literalText(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range sortedKeys(v) {
			parts = append(parts, plainOrQuoted(k.(string))+": "+literalText(v[k.(string)]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return cypherText(v)
}
