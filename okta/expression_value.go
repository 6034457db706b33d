package okta

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"keymaker/reconcile"
)

// What an expression comes to is a nil, text (string), number (float64), bool, array ([]any) or map (map[string]any).

// unsure is the error of an expression of which nobody here can say what Okta makes of it. Other errors are Okta's own: it answers a request for a token with server_error
// when a claim cannot be evaluated (Okta's catalogue of OAuth 2.0 errors).
type unsure struct{ why string }

// Error says why.
func (u unsure) Error() string { return u.why }

// scene is what an expression can name when there is no user (Okta's guide "Customize tokens returned from Okta"): the app. What the scopes of a request are differs from
// one to the next.
type scene struct {
	id, clientID reconcile.Value
	profile      reconcile.Map
	used         []string // the attributes of the profile that were looked at
}

func (s *scene) eval(n node) (any, error) {
	switch n.op {
	case "text":
		if strings.Contains(n.text, `\`) {
			return nil, unsure{"what Okta makes of a backslash in a text is not documented"}
		}
		return n.text, nil
	case "number":
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is no number", n.text)
		}
		return f, nil
	case "name":
		return s.name(n.text)
	case "array":
		return s.all(n.kids)
	case "call":
		return s.call(n)
	case "?:":
		return s.choice(n)
	case "&&", "||":
		return s.logic(n)
	}
	parts, err := s.all(n.kids)
	if err != nil {
		return nil, err
	}
	return operate(n.op, parts.([]any))
}

func (s *scene) all(nodes []node) (any, error) {
	out := make([]any, len(nodes))
	for i, n := range nodes {
		v, err := s.eval(n)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (s *scene) name(text string) (any, error) {
	parts := strings.Split(text, ".")
	switch {
	case slices.Contains(parts, ""):
		return nil, fmt.Errorf("%s has a dot and no name beside it", text)
	case text == "null":
		return nil, nil
	case text == "true" || text == "false":
		return text == "true", nil
	case text == "app.clientId":
		return goValue(s.clientID)
	case text == "app.id":
		return goValue(s.id)
	case text == "user" || text == "appuser":
		return nil, nil // of client_credentials, by the same guide
	case parts[0] == "user" || parts[0] == "appuser":
		return nil, fmt.Errorf("%s is of a user, and a machine has none", text)
	case parts[0] == "access":
		return nil, unsure{text + " depends on the scopes that a client asks for"}
	case parts[0] == "app" && len(parts) > 2 && parts[1] == "profile":
		return s.member(parts[2:])
	case parts[0] == "app" || parts[0] == "org" || parts[0] == "session" || parts[0] == "security":
		return nil, unsure{"what " + text + " is for a machine is not documented"}
	}
	return nil, fmt.Errorf("%s is no name that Okta knows; a text needs quotes", text)
}

// member looks into the profile. An attribute that is missing is null.
func (s *scene) member(path []string) (any, error) {
	if !slices.Contains(s.used, path[0]) {
		s.used = append(s.used, path[0])
	}
	v, err := goValue(s.profile[path[0]])
	for _, name := range path[1:] {
		object, is := v.(map[string]any)
		if err == nil && !is {
			err = fmt.Errorf("app.profile.%s has no %s", path[0], name)
		}
		v = object[name]
	}
	return v, err
}

func (s *scene) choice(n node) (any, error) {
	test, err := s.eval(n.kids[0])
	if err != nil {
		return nil, err
	}
	if len(n.kids) == 2 {
		if test != nil && test != "" {
			return test, nil
		}
		return s.eval(n.kids[1])
	}
	yes, is := test.(bool)
	switch {
	case !is:
		return nil, fmt.Errorf("what stands before ? is neither true nor false")
	case yes:
		return s.eval(n.kids[1])
	}
	return s.eval(n.kids[2])
}

func (s *scene) logic(n node) (any, error) {
	for i, kid := range n.kids {
		v, err := s.eval(kid)
		if err != nil {
			return nil, err
		}
		b, is := v.(bool)
		if !is {
			return nil, fmt.Errorf("a side of %s is neither true nor false", n.op)
		}
		if b == (n.op == "||") || i == len(n.kids)-1 {
			return b, nil
		}
	}
	return nil, nil
}

// operate works out an operator.
func operate(op string, v []any) (any, error) {
	numbers := make([]float64, len(v))
	numeric := true
	for i := range v {
		f, is := v[i].(float64)
		numbers[i], numeric = f, numeric && is
	}
	switch op {
	case "prefix!":
		b, is := v[0].(bool)
		if !is {
			return nil, fmt.Errorf("what stands behind ! is neither true nor false")
		}
		return !b, nil
	case "==", "!=":
		return sameValue(v[0], v[1]) == (op == "=="), nil
	}
	if !numeric && op == "+" {
		return joinTwo(v[0], v[1])
	}
	if !numeric {
		return nil, fmt.Errorf("%s is for numbers", strings.TrimPrefix(op, "prefix"))
	}
	switch op {
	case "prefix-":
		return -numbers[0], nil
	case "+":
		return numbers[0] + numbers[1], nil
	case "-":
		return numbers[0] - numbers[1], nil
	case "<":
		return numbers[0] < numbers[1], nil
	case "<=":
		return numbers[0] <= numbers[1], nil
	case ">":
		return numbers[0] > numbers[1], nil
	}
	return numbers[0] >= numbers[1], nil
}

// joinTwo is + where a text is on one side.
func joinTwo(a, b any) (any, error) {
	_, left := a.(string)
	_, right := b.(string)
	x, okX := asText(a)
	y, okY := asText(b)
	if !left && !right || !okX || !okY {
		return nil, fmt.Errorf("+ is for numbers and texts")
	}
	return x + y, nil
}

// asText prints what has one obvious text.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

func sameValue(a, b any) bool {
	switch x := a.(type) {
	case []any:
		y, is := b.([]any)
		return is && slices.EqualFunc(x, y, sameValue)
	case map[string]any:
		y, is := b.(map[string]any)
		if !is || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if w, has := y[k]; !has || !sameValue(v, w) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// goValue is a value of ours as expressions see it.
func goValue(v reconcile.Value) (any, error) {
	return treeOf(v, func(v reconcile.Value) (any, error) {
		if n, is := v.(reconcile.Number); is {
			return strconv.ParseFloat(string(n), 64)
		}
		return nil, unsure{"it is known after apply"}
	})
}
