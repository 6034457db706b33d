package oktatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// exprFunctions are the functions known, as the page "Okta Expression Language overview" describes them.
var exprFunctions = map[string]func([]any) (any, error){
	"Arrays.contains":        arrayFunc(2, func(a []any, args []any) (any, error) { return contains(a, args[0]), nil }),
	"Arrays.isEmpty":         arrayFunc(1, func(a []any, _ []any) (any, error) { return len(a) == 0, nil }),
	"Arrays.size":            arrayFunc(1, func(a []any, _ []any) (any, error) { return count(len(a)), nil }),
	"Arrays.add":             arrayFunc(2, func(a []any, args []any) (any, error) { return append(slices.Clone(a), args[0]), nil }),
	"Arrays.remove":          arrayFunc(2, func(a []any, args []any) (any, error) { return without(a, args[0]), nil }),
	"Arrays.get":             arrayFunc(2, itemAt),
	"Arrays.toCsvString":     arrayFunc(1, func(a []any, _ []any) (any, error) { return joined(",", a) }),
	"Arrays.flatten":         flatten,
	"String.append":          textFunc(2, func(t []string) (any, error) { return t[0] + t[1], nil }),
	"String.len":             textFunc(1, func(t []string) (any, error) { return count(utf8.RuneCountInString(t[0])), nil }),
	"String.removeSpaces":    textFunc(1, func(t []string) (any, error) { return strings.ReplaceAll(t[0], " ", ""), nil }),
	"String.replace":         textFunc(3, func(t []string) (any, error) { return strings.ReplaceAll(t[0], t[1], t[2]), nil }),
	"String.replaceFirst":    textFunc(3, func(t []string) (any, error) { return strings.Replace(t[0], t[1], t[2], 1), nil }),
	"String.stringContains":  textFunc(2, func(t []string) (any, error) { return strings.Contains(t[0], t[1]), nil }),
	"String.substringAfter":  textFunc(2, func(t []string) (any, error) { _, after, _ := strings.Cut(t[0], t[1]); return after, nil }),
	"String.substringBefore": textFunc(2, func(t []string) (any, error) { before, _, _ := strings.Cut(t[0], t[1]); return before, nil }),
	"String.toLowerCase":     textFunc(1, func(t []string) (any, error) { return strings.ToLower(t[0]), nil }),
	"String.toUpperCase":     textFunc(1, func(t []string) (any, error) { return strings.ToUpper(t[0]), nil }),
	"String.join":            join,
	"String.substring":       substring,
}

var errArguments = errors.New("wrong arguments")

// arrayFunc is a function of an array and n-1 other values.
func arrayFunc(n int, f func(a, args []any) (any, error)) func([]any) (any, error) {
	return func(args []any) (any, error) {
		if len(args) != n {
			return nil, errArguments
		}
		a, is := args[0].([]any)
		if !is {
			return nil, fmt.Errorf("%T is no array", args[0])
		}
		return f(a, args[1:])
	}
}

// textFunc is a function of n strings.
func textFunc(n int, f func([]string) (any, error)) func([]any) (any, error) {
	return func(args []any) (any, error) {
		if len(args) != n {
			return nil, errArguments
		}
		texts := make([]string, n)
		for i, a := range args {
			t, is := a.(string)
			if !is {
				return nil, fmt.Errorf("%T is no string", a)
			}
			texts[i] = t
		}
		return f(texts)
	}
}

func count(n int) json.Number { return json.Number(strconv.Itoa(n)) }

func contains(a []any, v any) bool {
	return slices.ContainsFunc(a, func(x any) bool { return same(x, v) })
}

func without(a []any, v any) []any {
	return slices.DeleteFunc(slices.Clone(a), func(x any) bool { return same(x, v) })
}

func itemAt(a, args []any) (any, error) {
	n, err := number(args[0])
	if err != nil {
		return nil, err
	}
	if i := int(n); float64(i) == n && i >= 0 && i < len(a) {
		return a[i], nil
	}
	return nil, errors.New("index out of range")
}

func joined(separator string, values []any) (any, error) {
	texts := make([]string, len(values))
	for i, v := range values {
		t, err := scalarText(v)
		if err != nil {
			return nil, err
		}
		texts[i] = t
	}
	return strings.Join(texts, separator), nil
}

func join(args []any) (any, error) {
	if len(args) < 2 {
		return nil, errArguments
	}
	separator, is := args[0].(string)
	if !is {
		return nil, errArguments
	}
	return joined(separator, args[1:])
}

// flatten makes one array of values and arrays.
func flatten(args []any) (any, error) {
	out := []any{}
	for _, a := range args {
		if list, is := a.([]any); is {
			inner, err := flatten(list)
			if err != nil {
				return nil, err
			}
			out = append(out, inner.([]any)...)
			continue
		}
		out = append(out, a)
	}
	return out, nil
}

func substring(args []any) (any, error) {
	if len(args) != 3 {
		return nil, errArguments
	}
	text, is := args[0].(string)
	from, err1 := number(args[1])
	to, err2 := number(args[2])
	runes := []rune(text)
	if !is || err1 != nil || err2 != nil || from < 0 || to < from || int(to) > len(runes) {
		return nil, errArguments
	}
	return string(runes[int(from):int(to)]), nil
}
