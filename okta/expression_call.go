package okta

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// function is one of the expression language. Its arguments are of these kinds: t text, n number, a array, * anything; the last kind holds for all further ones where dots
// follow it.
type function struct {
	takes string
	do    func(v []any) (any, error)
}

// functions are those of Okta's reference "Okta Expression Language overview" that work on texts and arrays. Others, which look up groups, users, countries or the time, are
// left to Okta.
var functions = map[string]function{
	"String.append":       {"tt", func(v []any) (any, error) { return v[0].(string) + v[1].(string), nil }},
	"String.join":         {"t*...", func(v []any) (any, error) { return joinAll(v[0].(string), v[1:]) }},
	"String.len":          {"t", func(v []any) (any, error) { return float64(utf8.RuneCountInString(v[0].(string))), nil }},
	"String.removeSpaces": {"t", func(v []any) (any, error) { return strings.ReplaceAll(v[0].(string), " ", ""), nil }},
	"String.replace": {"ttt", func(v []any) (any, error) {
		return strings.ReplaceAll(v[0].(string), v[1].(string), v[2].(string)), nil
	}},
	"String.replaceFirst": {"ttt", func(v []any) (any, error) {
		return strings.Replace(v[0].(string), v[1].(string), v[2].(string), 1), nil
	}},
	"String.stringContains":  {"tt", func(v []any) (any, error) { return strings.Contains(v[0].(string), v[1].(string)), nil }},
	"String.substring":       {"tnn", substring},
	"String.substringAfter":  {"tt", substringAfter},
	"String.substringBefore": {"tt", substringBefore},
	"String.toLowerCase":     {"t", func(v []any) (any, error) { return strings.ToLower(v[0].(string)), nil }},
	"String.toUpperCase":     {"t", func(v []any) (any, error) { return strings.ToUpper(v[0].(string)), nil }},
	"Arrays.add":             {"a*", func(v []any) (any, error) { return append(slices.Clone(v[0].([]any)), v[1]), nil }},
	"Arrays.remove":          {"a*", func(v []any) (any, error) { return deleteAll(v[0].([]any), v[1]), nil }},
	"Arrays.get":             {"an", itemOf},
	"Arrays.contains":        {"a*", func(v []any) (any, error) { return len(deleteAll(v[0].([]any), v[1])) < len(v[0].([]any)), nil }},
	"Arrays.size":            {"a", func(v []any) (any, error) { return float64(len(v[0].([]any))), nil }},
	"Arrays.isEmpty":         {"a", func(v []any) (any, error) { return len(v[0].([]any)) == 0, nil }},
	"Arrays.flatten":         {"*...", func(v []any) (any, error) { return flattened(v), nil }},
	"Arrays.toCsvString":     {"a", func(v []any) (any, error) { return joinAll(",", v[0].([]any)) }},
}

func (s *scene) call(n node) (any, error) {
	f, known := functions[n.text]
	if !known {
		return nil, unsure{"Keymaker does not know what " + n.text + " comes to"}
	}
	all, err := s.all(n.kids)
	if err != nil {
		return nil, err
	}
	args := all.([]any)
	kinds, more := strings.CutSuffix(f.takes, "...")
	if len(args) < len(kinds) || len(args) > len(kinds) && !more {
		return nil, fmt.Errorf("%s takes another number of arguments", n.text)
	}
	for i, arg := range args {
		if kind := kinds[min(i, len(kinds)-1)]; kind != '*' && kind != kindOf(arg) {
			return nil, fmt.Errorf("argument %d of %s is of another kind", i+1, n.text)
		}
	}
	return f.do(args)
}

func kindOf(v any) byte {
	switch v.(type) {
	case string:
		return 't'
	case float64:
		return 'n'
	case []any:
		return 'a'
	}
	return 0
}

func joinAll(between string, values []any) (any, error) {
	texts := make([]string, len(values))
	for i, v := range values {
		text, ok := asText(v)
		if !ok {
			return nil, fmt.Errorf("what is joined has a member that is no text")
		}
		texts[i] = text
	}
	return strings.Join(texts, between), nil
}

// substring is the text from one place, counted from 0, to before another.
func substring(v []any) (any, error) {
	runes := []rune(v[0].(string))
	from, to := v[1].(float64), v[2].(float64)
	if from != float64(int(from)) || to != float64(int(to)) || from < 0 || to < from || int(to) > len(runes) {
		return nil, fmt.Errorf("what String.substring asks for is more than the text")
	}
	return string(runes[int(from):int(to)]), nil
}

// errNotFound: what comes where a text does not hold the other is not documented.
var errNotFound = unsure{"what String.substringBefore and substringAfter give where nothing is found is not documented"}

func substringBefore(v []any) (any, error) {
	before, _, found := strings.Cut(v[0].(string), v[1].(string))
	if !found {
		return nil, errNotFound
	}
	return before, nil
}

func substringAfter(v []any) (any, error) {
	_, after, found := strings.Cut(v[0].(string), v[1].(string))
	if !found {
		return nil, errNotFound
	}
	return after, nil
}

func itemOf(v []any) (any, error) {
	list, at := v[0].([]any), v[1].(float64)
	if at != float64(int(at)) || at < 0 || int(at) >= len(list) {
		return nil, fmt.Errorf("a member that Arrays.get asks for is one that the array does not have")
	}
	return list[int(at)], nil
}

func deleteAll(list []any, v any) []any {
	return slices.DeleteFunc(slices.Clone(list), func(x any) bool { return sameValue(x, v) })
}

func flattened(values []any) []any {
	out := []any{}
	for _, v := range values {
		if list, is := v.([]any); is {
			out = append(out, flattened(list)...)
			continue
		}
		out = append(out, v)
	}
	return out
}
