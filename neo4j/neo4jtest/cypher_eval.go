package neo4jtest

import (
	"fmt"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// scope is what an expression is evaluated in.
type scope struct {
	params   map[string]any
	vars     map[string]any
	property func(of any, name string) (any, bool) // reads a property of a node or relationship as the session may see it; nil outside of graphs
	labels   func(of any) ([]string, bool)
	group    []*scope // the rows an aggregate function works over
}

// with is s with one more variable.
func (s *scope) with(variable string, value any) *scope {
	inner := *s
	inner.vars = map[string]any{}
	for k, v := range s.vars {
		inner.vars[k] = v
	}
	inner.vars[variable] = value
	return &inner
}

func typeError(format string, args ...any) *Failure {
	return &Failure{Code: codeTypeError, Message: fmt.Sprintf(format, args...)}
}

// eval computes e in s.
func eval(e expr, s *scope) (any, *Failure) {
	switch e := e.(type) {
	case literalExpr:
		return e.value, nil
	case paramExpr:
		return normalise(s.params[e.name]), nil
	case variableExpr:
		return s.vars[e.name], nil
	case propertyExpr:
		return evalProperty(e, s)
	case indexExpr:
		return evalIndex(e, s)
	case callExpr:
		return evalCall(e, s)
	case unaryExpr:
		return evalUnary(e, s)
	case binaryExpr:
		return evalBinary(e, s)
	case chainExpr:
		return evalChain(e, s)
	case nullExpr:
		v, failure := eval(e.of, s)
		return (v == nil) != e.not, failure
	case labelExpr:
		return evalLabels(e, s)
	case listExpr:
		return evalList(e.items, s)
	case mapExpr:
		values, failure := evalList(e.values, s)
		m := map[string]any{}
		for i, k := range e.keys {
			if failure == nil {
				m[k] = values[i]
			}
		}
		return m, failure
	case caseExpr:
		return evalCase(e, s)
	case comprehensionExpr:
		return evalComprehension(e, s)
	}
	return nil, &Failure{Code: CodeNotEmulated, Message: fmt.Sprintf("not emulated: this expression (%T)", e)}
}

func evalList(items []expr, s *scope) ([]any, *Failure) {
	list := make([]any, len(items))
	for i, item := range items {
		v, failure := eval(item, s)
		if failure != nil {
			return nil, failure
		}
		list[i] = v
	}
	return list, nil
}

func evalProperty(e propertyExpr, s *scope) (any, *Failure) {
	of, failure := eval(e.of, s)
	if failure != nil || of == nil {
		return nil, failure
	}
	if m, ok := of.(map[string]any); ok {
		return m[e.name], nil
	}
	if s.property != nil {
		if v, ok := s.property(of, e.name); ok {
			return v, nil
		}
	}
	return nil, typeError("Type mismatch: expected a map but was %s", cypherText(of))
}

func evalIndex(e indexExpr, s *scope) (any, *Failure) {
	pair, failure := evalList([]expr{e.of, e.index}, s)
	if failure != nil || pair[0] == nil || pair[1] == nil {
		return nil, failure
	}
	switch of := pair[0].(type) {
	case []any:
		i, ok := pair[1].(int64)
		if !ok {
			break
		}
		if i < 0 {
			i += int64(len(of))
		}
		if i < 0 || i >= int64(len(of)) {
			return nil, nil
		}
		return of[i], nil
	case map[string]any:
		if key, ok := pair[1].(string); ok {
			return of[key], nil
		}
	default:
		if key, ok := pair[1].(string); ok && s.property != nil {
			if v, ok := s.property(of, key); ok {
				return v, nil
			}
		}
	}
	return nil, typeError("Cannot index %s by %s", cypherText(pair[0]), cypherText(pair[1]))
}

func evalUnary(e unaryExpr, s *scope) (any, *Failure) {
	v, failure := eval(e.of, s)
	if failure != nil || v == nil {
		return nil, failure
	}
	switch n := v.(type) {
	case bool:
		if e.op == "NOT" {
			return !n, nil
		}
	case int64:
		if e.op == "-" {
			return -n, nil
		}
		if e.op == "+" {
			return n, nil
		}
	case float64:
		if e.op == "-" {
			return -n, nil
		}
		if e.op == "+" {
			return n, nil
		}
	}
	return nil, typeError("Type mismatch: `%s` does not apply to %s", e.op, cypherText(v))
}

func evalBinary(e binaryExpr, s *scope) (any, *Failure) {
	pair, failure := evalList([]expr{e.left, e.right}, s)
	if failure != nil {
		return nil, failure
	}
	l, r := pair[0], pair[1]
	switch e.op {
	case "AND", "OR", "XOR":
		return logic(e.op, l, r)
	case "=", "<>", "<", "<=", ">", ">=":
		return compareBy(e.op, l, r), nil
	case "IN":
		return contains(l, r)
	case "STARTS WITH", "ENDS WITH", "CONTAINS", "=~":
		return matchText(e.op, l, r)
	}
	return arithmetic(e.op, l, r)
}

// logic is three-valued.
func logic(op string, l, r any) (any, *Failure) {
	lb, lok := l.(bool)
	rb, rok := r.(bool)
	if l != nil && !lok || r != nil && !rok {
		return nil, typeError("Type mismatch: expected Boolean but was %s %s %s", cypherText(l), op, cypherText(r))
	}
	switch {
	case op == "AND" && (lok && !lb || rok && !rb):
		return false, nil
	case op == "OR" && (lok && lb || rok && rb):
		return true, nil
	case !lok || !rok:
		return nil, nil
	case op == "AND":
		return lb && rb, nil
	case op == "OR":
		return lb || rb, nil
	}
	return lb != rb, nil
}

func contains(item, list any) (any, *Failure) {
	if list == nil {
		return nil, nil
	}
	l, ok := list.([]any)
	if !ok {
		return nil, typeError("Type mismatch: expected List<T> but was %s", cypherText(list))
	}
	var result any = false
	for _, candidate := range l {
		switch equal(item, candidate) {
		case true:
			return true, nil
		case nil:
			result = nil
		}
	}
	return result, nil
}

func matchText(op string, l, r any) (any, *Failure) {
	ls, lok := l.(string)
	rs, rok := r.(string)
	if !lok || !rok {
		return nil, nil
	}
	switch op {
	case "STARTS WITH":
		return strings.HasPrefix(ls, rs), nil
	case "ENDS WITH":
		return strings.HasSuffix(ls, rs), nil
	case "CONTAINS":
		return strings.Contains(ls, rs), nil
	}
	re, err := regexp.Compile("^(?:" + rs + ")$")
	if err != nil {
		return nil, &Failure{Code: codeSyntaxError, Message: "Invalid Regex: " + rs}
	}
	return re.MatchString(ls), nil
}

func toFloat(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func arithmetic(op string, l, r any) (any, *Failure) {
	if l == nil || r == nil {
		return nil, nil
	}
	if op == "+" || op == "||" {
		if joined, ok := join(l, r); ok {
			return joined, nil
		}
	}
	li, lint := l.(int64)
	ri, rint := r.(int64)
	if lint && rint && op != "^" && op != "||" {
		return integerArithmetic(op, li, ri)
	}
	lf, lok := toFloat(l)
	rf, rok := toFloat(r)
	if lok && rok {
		switch op {
		case "+":
			return lf + rf, nil
		case "-":
			return lf - rf, nil
		case "*":
			return lf * rf, nil
		case "/":
			return lf / rf, nil
		case "%":
			return math.Mod(lf, rf), nil
		case "^":
			return math.Pow(lf, rf), nil
		}
	}
	return nil, typeError("Cannot compute %s %s %s", cypherText(l), op, cypherText(r))
}

func integerArithmetic(op string, l, r int64) (any, *Failure) {
	switch op {
	case "+":
		return l + r, nil
	case "-":
		return l - r, nil
	case "*":
		return l * r, nil
	}
	if r == 0 {
		return nil, &Failure{Code: "Neo.ClientError.Statement.ArithmeticError", Message: "/ by zero"}
	}
	if op == "/" {
		return l / r, nil
	}
	return l % r, nil
}

// join is + on strings and lists.
func join(l, r any) (any, bool) {
	ll, lok := l.([]any)
	rl, rok := r.([]any)
	switch {
	case lok && rok:
		return append(append([]any{}, ll...), rl...), true
	case lok:
		return append(append([]any{}, ll...), r), true
	case rok:
		return append([]any{l}, rl...), true
	}
	ls, lok := l.(string)
	rs, rok := r.(string)
	if !lok && !rok {
		return nil, false
	}
	if !lok {
		ls = cypherText(l)
	}
	if !rok {
		rs = cypherText(r)
	}
	return ls + rs, true
}

func evalChain(e chainExpr, s *scope) (any, *Failure) {
	values, failure := evalList(e.operands, s)
	if failure != nil {
		return nil, failure
	}
	var result any = true
	for i, op := range e.ops {
		var f *Failure
		if result, f = logic("AND", result, compareBy(op, values[i], values[i+1])); f != nil {
			return nil, f
		}
	}
	return result, nil
}

func evalLabels(e labelExpr, s *scope) (any, *Failure) {
	of, failure := eval(e.of, s)
	if failure != nil || of == nil {
		return nil, failure
	}
	if s.labels == nil {
		return nil, typeError("Type mismatch: expected Node or Relationship but was %s", cypherText(of))
	}
	have, ok := s.labels(of)
	if !ok {
		return nil, typeError("Type mismatch: expected Node or Relationship but was %s", cypherText(of))
	}
	return containsAll(have, e.labels), nil
}

func containsAll(have, want []string) bool {
	for _, w := range want {
		found := false
		for _, h := range have {
			found = found || h == w
		}
		if !found {
			return false
		}
	}
	return true
}

func evalCase(e caseExpr, s *scope) (any, *Failure) {
	var subject any
	if e.subject != nil {
		var failure *Failure
		if subject, failure = eval(e.subject, s); failure != nil {
			return nil, failure
		}
	}
	for i, when := range e.when {
		v, failure := eval(when, s)
		if failure != nil {
			return nil, failure
		}
		if e.subject == nil && v == true || e.subject != nil && equal(subject, v) == true {
			return eval(e.then[i], s)
		}
	}
	if e.otherwise == nil {
		return nil, nil
	}
	return eval(e.otherwise, s)
}

func evalComprehension(e comprehensionExpr, s *scope) (any, *Failure) {
	v, failure := eval(e.list, s)
	if failure != nil || v == nil {
		return nil, failure
	}
	list, ok := v.([]any)
	if !ok {
		return nil, typeError("Type mismatch: expected List<T> but was %s", cypherText(v))
	}
	out := []any{}
	for _, item := range list {
		inner := s.with(e.variable, item)
		if e.where != nil {
			keep, failure := eval(e.where, inner)
			if failure != nil {
				return nil, failure
			}
			if keep != true {
				continue
			}
		}
		if e.yield != nil {
			if item, failure = eval(e.yield, inner); failure != nil {
				return nil, failure
			}
		}
		out = append(out, item)
	}
	switch e.kind {
	case "any":
		return len(out) > 0, nil
	case "all":
		return len(out) == len(list), nil
	case "none":
		return len(out) == 0, nil
	case "single":
		return len(out) == 1, nil
	}
	return out, nil
}

// normalise makes parameters the types of literals.
func normalise(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = normalise(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, item := range v {
			out[k] = normalise(item)
		}
		return out
	}
	return v
}

// cypherText writes a value as toString and messages do.
func cypherText(v any) string {
	switch v := v.(type) {
	case nil:
		return "NO_VALUE"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return floatText(v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = cypherText(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for i, k := range keys {
			keys[i] = k + ": " + cypherText(v[k])
		}
		return "{" + strings.Join(keys, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// floatText writes a float so that it stays one: 1.0, 1.0E-5, Infinity.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-3 || a >= 1e7) {
		format = 'E'
	}
	text := strconv.FormatFloat(f, format, -1, 64)
	if format == 'E' {
		mantissa, exponent, _ := strings.Cut(text, "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, _ := strconv.Atoi(exponent) // FormatFloat writes a valid exponent
		return mantissa + "E" + strconv.Itoa(n)
	}
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
