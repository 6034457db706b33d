package oktatest

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// filter is a SCIM filter (RFC 7644 section 3.4.2.2), as far as Okta's System Log and app list know it.
type filter interface{ isFilter() }

type (
	both       struct{ left, right filter }
	either     struct{ left, right filter }
	negation   struct{ inner filter }
	comparison struct{ path, op, value string } // op pr has no value
)

func (both) isFilter()       {}
func (either) isFilter()     {}
func (negation) isFilter()   {}
func (comparison) isFilter() {}

// filterOps are the operators with a value. Ordering ones exist in SCIM; nothing here can be ordered.
var filterOps = map[string]bool{"eq": true, "ne": true, "co": true, "sw": true, "ew": true, "gt": true, "ge": true, "lt": true, "le": true}

// maxFilterDepth bounds parentheses and nots.
const maxFilterDepth = 64

// parseFilter reads a filter: comparisons joined by and, or, not and parentheses; and binds tighter than or.
func parseFilter(text string) (filter, error) {
	tokens, err := filterTokens(text)
	if err != nil {
		return nil, err
	}
	p := &filterParser{tokens: tokens}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, fmt.Errorf("unexpected %q", p.tokens[0].text)
	}
	return f, nil
}

type filterToken struct {
	text   string
	quoted bool
}

func filterTokens(text string) ([]filterToken, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("not UTF-8")
	}
	var out []filterToken
	for i := 0; i < len(text); {
		switch ch := text[i]; {
		case ch == ' ' || ch == '\t' || ch == '\n':
			i++
		case ch == '(' || ch == ')':
			out = append(out, filterToken{text: text[i : i+1]})
			i++
		case ch == '"':
			value, n, err := quotedValue(text[i:])
			if err != nil {
				return nil, err
			}
			out = append(out, filterToken{value, true})
			i += n
		default:
			n := strings.IndexAny(text[i:], " \t\n()\"")
			if n < 0 {
				n = len(text) - i
			}
			out = append(out, filterToken{text: text[i : i+n]})
			i += n
		}
	}
	return out, nil
}

// quotedValue reads a string in double quotes, in which a backslash takes the next character as it is; n is its length in text.
func quotedValue(text string) (value string, n int, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), i + 1, nil
		case '\\':
			i++
			if i < len(text) {
				b.WriteByte(text[i])
			}
		default:
			b.WriteByte(text[i])
		}
	}
	return "", 0, errors.New("string without end")
}

type filterParser struct {
	tokens []filterToken
	depth  int
}

// word takes the next token when it is the word, in any case.
func (p *filterParser) word(word string) bool {
	if len(p.tokens) == 0 || p.tokens[0].quoted || !strings.EqualFold(p.tokens[0].text, word) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *filterParser) or() (filter, error) {
	left, err := p.and()
	for err == nil && p.word("or") {
		var right filter
		right, err = p.and()
		left = either{left, right}
	}
	return left, err
}

func (p *filterParser) and() (filter, error) {
	left, err := p.unary()
	for err == nil && p.word("and") {
		var right filter
		right, err = p.unary()
		left = both{left, right}
	}
	return left, err
}

func (p *filterParser) unary() (filter, error) {
	if p.depth++; p.depth > maxFilterDepth {
		return nil, errors.New("nested too deep")
	}
	defer func() { p.depth-- }()
	if p.word("not") {
		inner, err := p.unary()
		return negation{inner}, err
	}
	if p.word("(") {
		inner, err := p.or()
		if err == nil && !p.word(")") {
			err = errors.New("missing )")
		}
		return inner, err
	}
	return p.comparison()
}

func (p *filterParser) comparison() (filter, error) {
	if len(p.tokens) < 2 || p.tokens[0].quoted || p.tokens[1].quoted || p.tokens[0].text == ")" {
		return nil, errors.New("comparison expected")
	}
	path, op := p.tokens[0].text, strings.ToLower(p.tokens[1].text)
	p.tokens = p.tokens[2:]
	if op == "pr" {
		return comparison{path, op, ""}, nil
	}
	if !filterOps[op] || len(p.tokens) == 0 {
		return nil, fmt.Errorf("operator %q expected with a value", op)
	}
	v := p.tokens[0]
	bare := v.text == "true" || v.text == "false" || strings.Trim(v.text, "0123456789") == "" && v.text != ""
	if !v.quoted && !bare {
		return nil, fmt.Errorf("value %q needs quotes", v.text)
	}
	p.tokens = p.tokens[1:]
	return comparison{path, op, v.text}, nil
}

// walk calls f for each comparison.
func walk(e filter, f func(comparison) error) error {
	switch e := e.(type) {
	case both:
		return errors.Join(walk(e.left, f), walk(e.right, f))
	case either:
		return errors.Join(walk(e.left, f), walk(e.right, f))
	case negation:
		return walk(e.inner, f)
	case comparison:
		return f(e)
	}
	return nil
}

// holds evaluates a filter over a JSON object. A path through an array holds when it does for one element.
func holds(e filter, object map[string]any) bool {
	switch e := e.(type) {
	case both:
		return holds(e.left, object) && holds(e.right, object)
	case either:
		return holds(e.left, object) || holds(e.right, object)
	case negation:
		return !holds(e.inner, object)
	case comparison:
		return e.holds(object, strings.Split(e.path, "."))
	}
	return false
}

func (e comparison) holds(v any, path []string) bool {
	if list, is := v.([]any); is {
		for _, x := range list {
			if e.holds(x, path) {
				return true
			}
		}
		return false
	}
	if len(path) == 0 {
		return e.matches(v)
	}
	object, _ := v.(map[string]any)
	for k, x := range object {
		if strings.EqualFold(k, path[0]) {
			return e.holds(x, path[1:])
		}
	}
	return e.op == "ne"
}

func (e comparison) matches(v any) bool {
	if v == nil {
		return e.op == "ne"
	}
	text := fmt.Sprint(v)
	switch e.op {
	case "eq":
		return text == e.value
	case "ne":
		return text != e.value
	case "co":
		return strings.Contains(text, e.value)
	case "sw":
		return strings.HasPrefix(text, e.value)
	case "ew":
		return strings.HasSuffix(text, e.value)
	}
	return e.op == "pr"
}
