package oktatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// evaluate computes an expression over the variables. Values are nil, string, bool, json.Number, []any and map[string]any.
//
// A member that an object lacks is null: what Okta makes of a missing profile attribute is unknown. A member of null, an unknown
// variable and an unknown function are errors.
func evaluate(text string, vars map[string]any) (any, error) {
	e, err := parseExpr(text)
	if err != nil {
		return nil, err
	}
	return eval(e, vars)
}

func eval(e expr, vars map[string]any) (any, error) {
	switch e := e.(type) {
	case literal:
		return e.value, nil
	case pathExpr:
		return evalPath(e, vars)
	case arrayExpr:
		return evalAll(e.items, vars)
	case callExpr:
		f, known := exprFunctions[e.name]
		if !known {
			return nil, fmt.Errorf("unknown function %s", e.name)
		}
		args, err := evalAll(e.args, vars)
		if err != nil {
			return nil, err
		}
		return f(args)
	case unaryExpr:
		return evalUnary(e, vars)
	case binaryExpr:
		return evalBinary(e, vars)
	case conditional:
		return evalConditional(e, vars)
	}
	return nil, errors.New("empty expression")
}

func evalAll(list []expr, vars map[string]any) ([]any, error) {
	out := []any{}
	for _, e := range list {
		v, err := eval(e, vars)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func evalPath(e pathExpr, vars map[string]any) (any, error) {
	v, known := vars[e.names[0]]
	if !known {
		return nil, fmt.Errorf("unknown variable %s", e.names[0])
	}
	for _, name := range e.names[1:] {
		object, is := v.(map[string]any)
		if !is {
			return nil, fmt.Errorf("%s of no object", name)
		}
		v = object[name]
	}
	return v, nil
}

func evalConditional(e conditional, vars map[string]any) (any, error) {
	test, err := eval(e.test, vars)
	if err != nil {
		return nil, err
	}
	if e.then == nil {
		if test != nil && test != "" {
			return test, nil
		}
		return eval(e.otherwise, vars)
	}
	yes, is := test.(bool)
	if !is {
		return nil, errors.New("condition is no boolean")
	}
	if yes {
		return eval(e.then, vars)
	}
	return eval(e.otherwise, vars)
}

func evalUnary(e unaryExpr, vars map[string]any) (any, error) {
	v, err := eval(e.operand, vars)
	if err != nil {
		return nil, err
	}
	if e.op == "!" {
		b, is := v.(bool)
		if !is {
			return nil, errors.New("! of no boolean")
		}
		return !b, nil
	}
	n, err := number(v)
	return formatNumber(-n), err
}

func evalBinary(e binaryExpr, vars map[string]any) (any, error) {
	left, err := eval(e.left, vars)
	if err != nil {
		return nil, err
	}
	if e.op == "&&" || e.op == "||" {
		l, is := left.(bool)
		if !is {
			return nil, errors.New(e.op + " of no boolean")
		}
		if l == (e.op == "||") {
			return l, nil
		}
	}
	right, err := eval(e.right, vars)
	if err != nil {
		return nil, err
	}
	switch e.op {
	case "&&", "||":
		r, is := right.(bool)
		if !is {
			return nil, errors.New(e.op + " of no boolean")
		}
		return r, nil
	case "==":
		return same(left, right), nil
	case "!=":
		return !same(left, right), nil
	case "+":
		return add(left, right)
	}
	return arithmetic(e.op, left, right)
}

// add concatenates when one side is a string; null has no text.
func add(left, right any) (any, error) {
	_, l := left.(string)
	_, r := right.(string)
	if !l && !r {
		return arithmetic("+", left, right)
	}
	a, err := scalarText(left)
	if err != nil {
		return nil, err
	}
	b, err := scalarText(right)
	return a + b, err
}

func arithmetic(op string, left, right any) (any, error) {
	a, err := number(left)
	if err != nil {
		return nil, err
	}
	b, err := number(right)
	if err != nil {
		return nil, err
	}
	switch op {
	case "+":
		return formatNumber(a + b), nil
	case "-":
		return formatNumber(a - b), nil
	case "<":
		return a < b, nil
	case "<=":
		return a <= b, nil
	case ">":
		return a > b, nil
	}
	return a >= b, nil
}

func number(v any) (float64, error) {
	n, is := v.(json.Number)
	if !is {
		return 0, fmt.Errorf("%T is no number", v)
	}
	return n.Float64()
}

func formatNumber(f float64) json.Number { return json.Number(strconv.FormatFloat(f, 'f', -1, 64)) }

func scalarText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", fmt.Errorf("%T has no text", v)
}

// same compares values; numbers by value, all else by content.
func same(a, b any) bool {
	x, errX := number(a)
	y, errY := number(b)
	if errX == nil && errY == nil {
		return x == y
	}
	return equalJSON(a, b)
}
