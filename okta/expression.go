package okta

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file reads Okta's expression language as far as claims of machines need it (Okta's reference "Okta Expression Language overview"): names with dots, texts, numbers,
// arrays in braces, calls of functions, + and -, comparisons, and, or, not, and the ternary. It is made of Spring's expression language, from which come the doubled quote
// in a text and the Elvis operator.

// node is a part of an expression that was read.
type node struct {
	op   string // "text", "number", "name", "call", "array", "?:" with two or three parts, or an operator
	text string // of a text, number, name or call
	kids []node
}

// mostNested bounds how deep an expression may be nested.
const mostNested = 100

// lexeme is a word of an expression: a text, a number, a name with its dots, or a sign.
type lexeme struct{ kind, text string }

// signs, those first that others begin with.
var signs = []string{"==", "!=", "<=", ">=", "&&", "||", "?:", "(", ")", "{", "}", ",", "?", ":", "+", "-", "!", "<", ">"}

// spelled are other spellings of operators.
var spelled = map[string]string{"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}

func lexemes(text string) ([]lexeme, error) {
	var out []lexeme
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		l, rest, err := firstLexeme(text)
		if err != nil {
			return nil, err
		}
		out, text = append(out, l), rest
	}
	return out, nil
}

func firstLexeme(text string) (lexeme, string, error) {
	switch r, _ := utf8.DecodeRuneInString(text); {
	case r == '"' || r == '\'':
		return quoted(text, text[:1])
	case unicode.IsDigit(r):
		end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsDigit(r) && r != '.' })
		if end < 0 {
			end = len(text)
		}
		return lexeme{"number", text[:end]}, text[end:], nil
	case r == '_' || unicode.IsLetter(r):
		end := strings.IndexFunc(text, func(r rune) bool { return r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if end < 0 {
			end = len(text)
		}
		if op, ok := spelled[strings.ToLower(text[:end])]; ok {
			return lexeme{"sign", op}, text[end:], nil
		}
		return lexeme{"name", text[:end]}, text[end:], nil
	}
	for _, s := range signs {
		if rest, ok := strings.CutPrefix(text, s); ok {
			return lexeme{"sign", s}, rest, nil
		}
	}
	return lexeme{}, "", fmt.Errorf("%.1q does not belong there", text)
}

// quoted reads a text. A doubled quote in it is one.
func quoted(text, quote string) (lexeme, string, error) {
	var b strings.Builder
	for rest := text[1:]; ; {
		part, after, closed := strings.Cut(rest, quote)
		if !closed {
			return lexeme{}, "", fmt.Errorf("a quote is not closed")
		}
		b.WriteString(part)
		if !strings.HasPrefix(after, quote) {
			return lexeme{"text", b.String()}, after, nil
		}
		b.WriteString(quote)
		rest = after[1:]
	}
}

// parseExpression reads an expression.
func parseExpression(text string) (node, error) {
	words, err := lexemes(text)
	if err != nil {
		return node{}, err
	}
	p := &expressionParser{words: words}
	n, err := p.choice()
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("%q does not belong there", p.words[0].text)
	}
	return n, err
}

type expressionParser struct {
	words []lexeme
	depth int
}

// next takes the next word when it is one of the signs.
func (p *expressionParser) next(signs ...string) (string, bool) {
	for _, s := range signs {
		if len(p.words) > 0 && p.words[0] == (lexeme{"sign", s}) {
			p.words = p.words[1:]
			return s, true
		}
	}
	return "", false
}

func (p *expressionParser) want(sign string) error {
	if _, ok := p.next(sign); !ok {
		return fmt.Errorf("%s is missing", sign)
	}
	return nil
}

func (p *expressionParser) choice() (node, error) {
	if p.depth++; p.depth > mostNested {
		return node{}, fmt.Errorf("it is nested too deep")
	}
	defer func() { p.depth-- }()
	test, err := p.operators(0)
	if err != nil {
		return node{}, err
	}
	sign, ok := p.next("?:", "?")
	if !ok {
		return test, nil
	}
	out := node{op: "?:", kids: []node{test}}
	if sign == "?" {
		then, err := p.choice()
		if err != nil {
			return node{}, err
		}
		if err := p.want(":"); err != nil {
			return node{}, err
		}
		out.kids = append(out.kids, then)
	}
	otherwise, err := p.choice()
	out.kids = append(out.kids, otherwise)
	return out, err
}

// binding are the operators between two parts, those first that bind least.
var binding = [][]string{{"||"}, {"&&"}, {"==", "!="}, {"<=", ">=", "<", ">"}, {"+", "-"}}

func (p *expressionParser) operators(level int) (node, error) {
	if level == len(binding) {
		return p.prefixed()
	}
	left, err := p.operators(level + 1)
	for err == nil {
		sign, ok := p.next(binding[level]...)
		if !ok {
			break
		}
		var right node
		right, err = p.operators(level + 1)
		left = node{op: sign, kids: []node{left, right}}
	}
	return left, err
}

func (p *expressionParser) prefixed() (node, error) {
	sign, ok := p.next("!", "-")
	if !ok {
		return p.plain()
	}
	if p.depth++; p.depth > mostNested {
		return node{}, fmt.Errorf("it is nested too deep")
	}
	defer func() { p.depth-- }()
	n, err := p.prefixed()
	return node{op: "prefix" + sign, kids: []node{n}}, err
}

func (p *expressionParser) plain() (node, error) {
	if _, ok := p.next("("); ok {
		n, err := p.choice()
		if err == nil {
			err = p.want(")")
		}
		return n, err
	}
	if _, ok := p.next("{"); ok {
		items, err := p.list("}")
		return node{op: "array", kids: items}, err
	}
	if len(p.words) == 0 {
		return node{}, fmt.Errorf("it ends too early")
	}
	w := p.words[0]
	p.words = p.words[1:]
	switch w.kind {
	case "sign":
		return node{}, fmt.Errorf("%q does not belong there", w.text)
	case "name":
		if _, ok := p.next("("); ok {
			args, err := p.list(")")
			return node{op: "call", text: w.text, kids: args}, err
		}
	}
	return node{op: w.kind, text: w.text}, nil
}

func (p *expressionParser) list(end string) ([]node, error) {
	if _, ok := p.next(end); ok {
		return nil, nil
	}
	var out []node
	for {
		n, err := p.choice()
		if err != nil {
			return nil, err
		}
		out = append(out, n)
		if _, ok := p.next(end); ok {
			return out, nil
		}
		if err := p.want(","); err != nil {
			return nil, fmt.Errorf("%s is missing", end)
		}
	}
}
