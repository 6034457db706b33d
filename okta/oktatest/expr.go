package oktatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file parses Okta Expression Language as far as claims of machine clients use it: paths (app.profile.x), literals, calls,
// + - comparison, and or not, the ternary and the Elvis operator. What it does not know makes the claim fail, as in Okta a failing
// claim makes the token request fail.

// expr is a parsed expression.
type expr interface{ isExpr() }

type (
	literal   struct{ value any } // nil, string, json.Number, bool
	pathExpr  struct{ names []string }
	arrayExpr struct{ items []expr }
	callExpr  struct {
		name string // "Arrays.contains"
		args []expr
	}
	unaryExpr struct {
		op      string // ! -
		operand expr
	}
	binaryExpr struct {
		op          string // || && == != < <= > >= + -
		left, right expr
	}
	conditional struct{ test, then, otherwise expr } // then nil: the Elvis operator
)

func (literal) isExpr()     {}
func (pathExpr) isExpr()    {}
func (arrayExpr) isExpr()   {}
func (callExpr) isExpr()    {}
func (unaryExpr) isExpr()   {}
func (binaryExpr) isExpr()  {}
func (conditional) isExpr() {}

// maxExprDepth bounds nesting.
const maxExprDepth = 100

type exprToken struct {
	kind rune // 'i' identifier, 's' string, 'n' number, 'o' operator
	text string
}

func parseExpr(text string) (expr, error) {
	tokens, err := exprTokens(text)
	if err != nil {
		return nil, err
	}
	p := &exprParser{tokens: tokens}
	e, err := p.ternary()
	if err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, fmt.Errorf("unexpected %q", p.tokens[0].text)
	}
	return e, nil
}

// exprOps, longest first.
var exprOps = []string{"==", "!=", "<=", ">=", "&&", "||", "?:", "(", ")", "{", "}", ",", ".", "?", ":", "+", "-", "!", "<", ">"}

func exprTokens(text string) ([]exprToken, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("not UTF-8")
	}
	var out []exprToken
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		t, n, err := exprTokenAt(text)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		text = text[n:]
	}
	return out, nil
}

func exprTokenAt(text string) (exprToken, int, error) {
	switch r, _ := utf8.DecodeRuneInString(text); {
	case r == '\'' || r == '"':
		return stringToken(text, byte(r))
	case r >= '0' && r <= '9':
		n := spanWhile(text, func(r rune) bool { return r >= '0' && r <= '9' || r == '.' })
		var number json.Number
		if err := json.Unmarshal([]byte(text[:n]), &number); err != nil {
			return exprToken{}, 0, fmt.Errorf("number %q", text[:n])
		}
		return exprToken{'n', text[:n]}, n, nil
	case r == '_' || r == '$' || unicode.IsLetter(r):
		n := spanWhile(text, func(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) })
		return exprToken{'i', text[:n]}, n, nil
	}
	for _, op := range exprOps {
		if strings.HasPrefix(text, op) {
			return exprToken{'o', op}, len(op), nil
		}
	}
	return exprToken{}, 0, fmt.Errorf("unexpected %.1q", text)
}

func spanWhile(text string, in func(rune) bool) int {
	for i, r := range text {
		if !in(r) {
			return i
		}
	}
	return len(text)
}

// stringToken reads a literal; a doubled quote stands for one, as in Spring's expressions which Okta's are made of.
func stringToken(text string, quote byte) (exprToken, int, error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		if text[i] != quote {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		return exprToken{'s', b.String()}, i + 1, nil
	}
	return exprToken{}, 0, errors.New("string without end")
}

type exprParser struct {
	tokens []exprToken
	depth  int
}

// take takes the next token when it is one of the operators or words.
func (p *exprParser) take(texts ...string) (string, bool) {
	if len(p.tokens) == 0 || p.tokens[0].kind == 's' || p.tokens[0].kind == 'n' {
		return "", false
	}
	for _, t := range texts {
		if p.tokens[0].text == t {
			p.tokens = p.tokens[1:]
			return t, true
		}
	}
	return "", false
}

func (p *exprParser) ternary() (expr, error) {
	if p.depth++; p.depth > maxExprDepth {
		return nil, errors.New("nested too deep")
	}
	defer func() { p.depth-- }()
	test, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	if _, elvis := p.take("?:"); elvis {
		otherwise, err := p.ternary()
		return conditional{test, nil, otherwise}, err
	}
	if _, is := p.take("?"); !is {
		return test, nil
	}
	then, err := p.ternary()
	if err != nil {
		return nil, err
	}
	if _, is := p.take(":"); !is {
		return nil, errors.New("missing colon")
	}
	otherwise, err := p.ternary()
	return conditional{test, then, otherwise}, err
}

// levels of binary operators, weakest first; words are other spellings.
var (
	exprLevels = [][]string{{"||", "OR", "or"}, {"&&", "AND", "and"}, {"==", "!=", "eq", "ne"}, {"<=", ">=", "<", ">"}, {"+", "-"}}
	exprWords  = map[string]string{"OR": "||", "or": "||", "AND": "&&", "and": "&&", "eq": "==", "ne": "!="}
)

func (p *exprParser) binary(level int) (expr, error) {
	if level == len(exprLevels) {
		return p.unary()
	}
	left, err := p.binary(level + 1)
	for err == nil {
		op, is := p.take(exprLevels[level]...)
		if !is {
			break
		}
		if word, known := exprWords[op]; known {
			op = word
		}
		var right expr
		right, err = p.binary(level + 1)
		left = binaryExpr{op, left, right}
	}
	return left, err
}

func (p *exprParser) unary() (expr, error) {
	op, is := p.take("!", "-", "NOT", "not")
	if !is {
		return p.primary()
	}
	if p.depth++; p.depth > maxExprDepth {
		return nil, errors.New("nested too deep")
	}
	defer func() { p.depth-- }()
	operand, err := p.unary()
	if op != "-" {
		op = "!"
	}
	return unaryExpr{op, operand}, err
}

func (p *exprParser) primary() (expr, error) {
	if _, is := p.take("("); is {
		e, err := p.ternary()
		if err != nil {
			return nil, err
		}
		if _, is := p.take(")"); !is {
			return nil, errors.New("missing )")
		}
		return e, nil
	}
	if _, is := p.take("{"); is {
		items, err := p.list("}")
		return arrayExpr{items}, err
	}
	if len(p.tokens) == 0 {
		return nil, errors.New("unexpected end")
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	switch {
	case t.kind == 's':
		return literal{t.text}, nil
	case t.kind == 'n':
		return literal{json.Number(t.text)}, nil
	case t.kind == 'o':
		return nil, fmt.Errorf("unexpected %q", t.text)
	}
	switch t.text {
	case "null":
		return literal{nil}, nil
	case "true", "false":
		return literal{t.text == "true"}, nil
	}
	return p.name(t.text)
}

// name reads the rest of a path or a call.
func (p *exprParser) name(first string) (expr, error) {
	names := []string{first}
	for {
		if _, dot := p.take("."); !dot {
			break
		}
		if len(p.tokens) == 0 || p.tokens[0].kind != 'i' {
			return nil, errors.New("name expected after a dot")
		}
		names = append(names, p.tokens[0].text)
		p.tokens = p.tokens[1:]
	}
	if _, is := p.take("("); is {
		args, err := p.list(")")
		return callExpr{strings.Join(names, "."), args}, err
	}
	return pathExpr{names}, nil
}

func (p *exprParser) list(end string) ([]expr, error) {
	var out []expr
	if _, empty := p.take(end); empty {
		return out, nil
	}
	for {
		e, err := p.ternary()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		if _, done := p.take(end); done {
			return out, nil
		}
		if _, more := p.take(","); !more {
			return nil, fmt.Errorf("missing %s", end)
		}
	}
}
