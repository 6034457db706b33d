package neo4jtest

import (
	"math"
	"reflect"
	"strings"
)

// compareBy is null where values cannot be compared.
func compareBy(op string, l, r any) any {
	if l == nil || r == nil {
		return nil
	}
	switch op {
	case "=":
		return equal(l, r)
	case "<>":
		same := equal(l, r)
		if b, ok := same.(bool); ok {
			return !b
		}
		return nil
	}
	order, ok := compare(l, r)
	if !ok {
		return nil
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// equal is Cypher's =: null inside lists and maps makes it null, numbers compare across types.
func equal(l, r any) any {
	if l == nil || r == nil {
		return nil
	}
	if lf, ok := toFloat(l); ok {
		rf, ok := toFloat(r)
		if li, lint := l.(int64); lint {
			if ri, rint := r.(int64); rint {
				return li == ri
			}
		}
		return ok && lf == rf
	}
	ll, lok := l.([]any)
	rl, rok := r.([]any)
	if lok && rok {
		if len(ll) != len(rl) {
			return false
		}
		var result any = true
		for i := range ll {
			switch equal(ll[i], rl[i]) {
			case false:
				return false
			case nil:
				result = nil
			}
		}
		return result
	}
	return reflect.DeepEqual(l, r)
}

// compare orders two values of one kind.
func compare(l, r any) (int, bool) {
	if li, ok := l.(int64); ok {
		if ri, ok := r.(int64); ok {
			return sign(li, ri), true
		}
	}
	if lf, ok := toFloat(l); ok {
		rf, ok := toFloat(r)
		return sign(lf, rf), ok && !math.IsNaN(lf) && !math.IsNaN(rf)
	}
	switch l := l.(type) {
	case string:
		r, ok := r.(string)
		return strings.Compare(l, r), ok
	case bool:
		r, ok := r.(bool)
		return sign(boolInt(l), boolInt(r)), ok
	}
	return 0, false
}

func sign[T int64 | float64 | int](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// orderRank sorts values of different kinds: maps, nodes, lists, strings, booleans, numbers, null last.
func orderRank(v any) int {
	switch v.(type) {
	case map[string]any:
		return 0
	case []any:
		return 3
	case string:
		return 5
	case bool:
		return 6
	case int64, float64:
		return 7
	case nil:
		return 9
	}
	return 1
}

// orderability is ORDER BY's total order.
func orderability(l, r any) int {
	if a, b := orderRank(l), orderRank(r); a != b {
		return sign(a, b)
	}
	if ll, ok := l.([]any); ok {
		rl := r.([]any)
		for i := 0; i < len(ll) && i < len(rl); i++ {
			if c := orderability(ll[i], rl[i]); c != 0 {
				return c
			}
		}
		return sign(len(ll), len(rl))
	}
	c, ok := compare(l, r)
	if !ok {
		return strings.Compare(cypherText(l), cypherText(r))
	}
	return c
}
