package neo4jtest

import (
	"math"
	"sort"
	"strconv"
	"strings"
)

// aggregates are the functions that work over a group of rows.
var aggregates = map[string]bool{"count": true, "collect": true, "min": true, "max": true, "sum": true, "avg": true}

// isAggregate says that e contains an aggregate function.
func isAggregate(e expr) bool {
	found := false
	walkExpr(e, func(e expr) {
		if c, ok := e.(callExpr); ok {
			found = found || aggregates[c.name]
		}
	})
	return found
}

func evalCall(e callExpr, s *scope) (any, *Failure) {
	if aggregates[e.name] {
		return evalAggregate(e, s)
	}
	if arity, ok := scalarArity[e.name]; ok {
		if arity >= 0 && len(e.args) != arity {
			return nil, &Failure{Code: codeSyntaxError, Message: "Insufficient or too many parameters for function '" + e.name + "'"}
		}
		args, failure := evalList(e.args, s)
		if failure != nil {
			return nil, failure
		}
		return scalar(e.name, args, s)
	}
	return nil, &Failure{Code: CodeNotEmulated, Message: "not emulated: function " + e.name + "()"}
}

// scalarArity lists the emulated functions with their number of arguments, -1 for any.
var scalarArity = map[string]int{
	"coalesce": -1, "size": 1, "length": 1, "toupper": 1, "tolower": 1, "trim": 1, "tostring": 1, "tointeger": 1, "tofloat": 1, "head": 1, "last": 1,
	"keys": 1, "labels": 1, "type": 1, "id": 1, "elementid": 1, "properties": 1, "range": -1, "abs": 1, "split": 2, "replace": 3, "substring": -1,
	"reverse": 1, "exists": 1, "isempty": 1,
}

func scalar(function string, args []any, s *scope) (any, *Failure) {
	if function == "coalesce" {
		for _, a := range args {
			if a != nil {
				return a, nil
			}
		}
		return nil, nil
	}
	for _, a := range args {
		if a == nil {
			if function == "exists" {
				return false, nil
			}
			return nil, nil
		}
	}
	if len(args) == 0 {
		return nil, &Failure{Code: codeSyntaxError, Message: "Insufficient parameters for function '" + function + "'"}
	}
	if v, ok := textFunction(function, args); ok {
		return v, nil
	}
	if v, ok := listFunction(function, args); ok {
		return v, nil
	}
	if v, ok := graphFunction(function, args[0], s); ok {
		return v, nil
	}
	return nil, typeError("Invalid input for function '%s()': got %s", function, cypherText(args[0]))
}

func textFunction(function string, args []any) (any, bool) {
	text, isText := args[0].(string)
	switch function {
	case "toupper":
		return strings.ToUpper(text), isText
	case "tolower":
		return strings.ToLower(text), isText
	case "trim":
		return strings.TrimSpace(text), isText
	case "tostring":
		return cypherText(args[0]), true
	case "tointeger":
		return toInteger(args[0]), true
	case "tofloat":
		if f, ok := toFloat(args[0]); ok {
			return f, true
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f, true
		}
		return nil, isText
	case "split":
		parts := []any{}
		for _, part := range strings.Split(text, cypherText(args[1])) {
			parts = append(parts, part)
		}
		return parts, isText
	case "replace":
		return strings.ReplaceAll(text, cypherText(args[1]), cypherText(args[2])), isText
	case "substring":
		return substring(text, args[1:]), isText
	case "exists":
		return true, true
	case "abs":
		if n, ok := args[0].(int64); ok {
			return max(n, -n), true
		}
		f, ok := toFloat(args[0])
		return math.Abs(f), ok
	}
	return nil, false
}

func toInteger(v any) any {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return int64(f)
		}
	}
	return nil
}

func substring(text string, bounds []any) any {
	runes := []rune(text)
	start, length := int64(0), int64(len(runes))
	if len(bounds) > 0 {
		start, _ = bounds[0].(int64)
	}
	if len(bounds) > 1 {
		length, _ = bounds[1].(int64)
	}
	start = min(max(start, 0), int64(len(runes)))
	return string(runes[start:min(start+max(length, 0), int64(len(runes)))])
}

func listFunction(function string, args []any) (any, bool) {
	list, isList := args[0].([]any)
	text, isText := args[0].(string)
	switch function {
	case "size", "length":
		if isText {
			return int64(len([]rune(text))), true
		}
		return int64(len(list)), isList
	case "isempty":
		return len(list) == 0 && text == "", isList || isText
	case "head":
		if len(list) == 0 {
			return nil, isList
		}
		return list[0], true
	case "last":
		if len(list) == 0 {
			return nil, isList
		}
		return list[len(list)-1], true
	case "reverse":
		out := []any{}
		for i := len(list) - 1; i >= 0; i-- {
			out = append(out, list[i])
		}
		return out, isList
	case "range":
		return intRange(args)
	case "keys":
		m, ok := args[0].(map[string]any)
		return sortedKeys(m), ok
	case "properties":
		m, ok := args[0].(map[string]any)
		return m, ok
	}
	return nil, false
}

// maxRange bounds range(): results are held in memory.
const maxRange = 100_000

func intRange(args []any) (any, bool) {
	bounds := []int64{0, 0, 1}
	for i, a := range args {
		n, ok := a.(int64)
		if !ok || i > 2 {
			return nil, false
		}
		bounds[i] = n
	}
	step := bounds[2]
	out := []any{}
	for n := bounds[0]; len(args) > 1 && step != 0 && (step > 0 && n <= bounds[1] || step < 0 && n >= bounds[1]) && len(out) < maxRange; n += step {
		out = append(out, n)
	}
	return out, len(args) > 1 && step != 0 && len(out) < maxRange
}

func sortedKeys(m map[string]any) []any {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	out := make([]any, len(keys))
	for i, k := range keys {
		out[i] = k
	}
	return out
}

// graphFunction answers labels(), type(), id(), elementId(), keys() and properties() of nodes and relationships.
func graphFunction(function string, of any, s *scope) (any, bool) {
	if function == "labels" && s.labels != nil {
		if _, isNode := of.(*storedNode); !isNode {
			return nil, false
		}
		labels, _ := s.labels(of)
		out := make([]any, len(labels))
		for i, l := range labels {
			out[i] = l
		}
		return out, true
	}
	switch e := of.(type) {
	case *storedNode:
		return entityFunction(function, e.ID, e.Properties, of, s)
	case *storedRelationship:
		if function == "type" {
			return e.Type, true
		}
		return entityFunction(function, e.ID, e.Properties, of, s)
	}
	return nil, false
}

func entityFunction(function string, id int64, properties map[string]any, of any, s *scope) (any, bool) {
	switch function {
	case "id":
		return id, true
	case "elementid":
		return elementID(id), true
	case "keys", "properties":
		visible := map[string]any{}
		for k := range properties {
			if v, _ := s.property(of, k); v != nil {
				visible[k] = v
			}
		}
		if function == "keys" {
			return sortedKeys(visible), true
		}
		return visible, true
	}
	return nil, false
}

// evalAggregate folds a function's argument over the group's rows.
func evalAggregate(e callExpr, s *scope) (any, *Failure) {
	if s.group == nil {
		return nil, &Failure{Code: codeSyntaxError, Message: "Invalid use of aggregating function " + e.name + "(...) in this context"}
	}
	if e.star {
		return int64(len(s.group)), nil
	}
	if len(e.args) != 1 {
		return nil, &Failure{Code: codeSyntaxError, Message: "Insufficient parameters for function '" + e.name + "'"}
	}
	values := []any{}
	for _, row := range s.group {
		v, failure := eval(e.args[0], row)
		if failure != nil {
			return nil, failure
		}
		if v == nil || e.distinct && hasValue(values, v) {
			continue
		}
		values = append(values, v)
	}
	return fold(e.name, values)
}

func hasValue(values []any, v any) bool {
	for _, have := range values {
		if orderability(have, v) == 0 && equal(have, v) == true {
			return true
		}
	}
	return false
}

func fold(function string, values []any) (any, *Failure) {
	switch function {
	case "count":
		return int64(len(values)), nil
	case "collect":
		return values, nil
	case "min", "max":
		var best any
		for _, v := range values {
			if best == nil || (orderability(v, best) < 0) == (function == "min") {
				best = v
			}
		}
		return best, nil
	}
	var sum any = int64(0)
	for _, v := range values {
		var failure *Failure
		if sum, failure = arithmetic("+", sum, v); failure != nil {
			return nil, failure
		}
	}
	if function == "sum" {
		return sum, nil
	}
	if len(values) == 0 {
		return nil, nil
	}
	f, _ := toFloat(sum)
	return f / float64(len(values)), nil
}
