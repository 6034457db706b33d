package neo4jtest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// tokenKind says what a token is.
type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // unquoted name or keyword
	tokenQuoted           // name in backticks, text without them
	tokenString           // string literal, text with its escapes resolved
	tokenInt
	tokenFloat
	tokenSign // operator or punctuation
)

// token is a piece of a statement; start and end count runes of the decoded text.
type token struct {
	kind       tokenKind
	text       string
	start, end int
}

// source is a statement's text after unicode escapes were decoded: that happens over the whole text before tokens are cut (seen on Neo4j 5.26 and 2026.08
// Community), so an escape can close a name or a string.
type source struct{ runes []rune }

// slice is the text from start up to end.
func (s source) slice(start, end int) string { return string(s.runes[start:end]) }

// syntaxError is a refusal of a text, with the place that caused it.
type syntaxError struct {
	offset  int
	message string
	gql     string // the cause under 42001, "42I06" unless said
	on5     bool   // 5.26 sends the chain too, not only 50N42
	noPlace bool   // the message is told without position
	code    string // "" for Neo.ClientError.Statement.SyntaxError
	outer   string // the status above the cause, "42001" unless said

	sentence string // of the cause, the message unless said
}

// final says that no alternative reading can do better: the text was understood and is not allowed.
func (e *syntaxError) final() bool { return e.gql != "" || e.code != "" }

// Error is the message alone.
func (e *syntaxError) Error() string { return e.message }

// decodeUnicode resolves \uXXXX. Two backslashes stay as they are and keep a following u from being an escape.
func decodeUnicode(text string) (source, *syntaxError) {
	in := []rune(text)
	out := make([]rune, 0, len(in))
	for i := 0; i < len(in); i++ {
		if in[i] != '\\' || i+1 == len(in) {
			out = append(out, in[i])
			continue
		}
		if in[i+1] != 'u' {
			out = append(out, in[i], in[i+1])
			i++
			continue
		}
		if i+6 > len(in) {
			return source{}, &syntaxError{offset: len(out), message: "Invalid unicode escape: expected four hexadecimal digits after '\\u'", gql: "42I47"}
		}
		code, err := strconv.ParseUint(string(in[i+2:i+6]), 16, 16)
		if err != nil {
			return source{}, &syntaxError{offset: len(out), message: fmt.Sprintf("Invalid unicode escape: '\\u%s'", string(in[i+2:i+6])), gql: "42I47"}
		}
		out = append(out, rune(code))
		i += 5
	}
	return source{out}, nil
}

// signs are the operators of more than one character, longest first.
var signs = []string{"<>", "<=", ">=", "=~", "!=", "==", "+=", "..", "||", "::"}

// lexer cuts a source into tokens.
type lexer struct {
	src    source
	at     int
	tokens []token
}

// lex cuts src into tokens, the last of which is tokenEnd.
func lex(src source) ([]token, *syntaxError) {
	l := &lexer{src: src}
	for {
		if err := l.skipBlank(); err != nil {
			return nil, err
		}
		if l.at >= len(src.runes) {
			l.tokens = append(l.tokens, token{tokenEnd, "", len(src.runes), len(src.runes)})
			return l.tokens, nil
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
}

func (l *lexer) peek(ahead int) rune {
	if l.at+ahead < len(l.src.runes) {
		return l.src.runes[l.at+ahead]
	}
	return 0
}

// skipBlank passes white space and comments.
func (l *lexer) skipBlank() *syntaxError {
	for l.at < len(l.src.runes) {
		switch r := l.peek(0); {
		case unicode.IsSpace(r) || (r >= 0x1c && r <= 0x1f):
			l.at++
		case r == '/' && l.peek(1) == '/':
			for l.at < len(l.src.runes) && l.peek(0) != '\n' && l.peek(0) != '\r' {
				l.at++
			}
		case r == '/' && l.peek(1) == '*':
			start := l.at
			l.at += 2
			for l.peek(0) != '*' || l.peek(1) != '/' {
				if l.at >= len(l.src.runes) {
					return &syntaxError{offset: start, message: "Failed to parse comment. A comment starting with '/*' must also have a closing '*/'.", gql: "42N45"}
				}
				l.at++
			}
			l.at += 2
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) add(kind tokenKind, text string, start int) {
	l.tokens = append(l.tokens, token{kind, text, start, l.at})
}

// next cuts one token.
func (l *lexer) next() *syntaxError {
	start, r := l.at, l.peek(0)
	switch {
	case r == '`':
		return l.quoted()
	case r == '\'' || r == '"':
		return l.stringLiteral()
	case isDigit(r) || r == '.' && isDigit(l.peek(1)):
		return l.number()
	case isNameStart(r):
		for isNamePart(l.peek(0)) && l.at < len(l.src.runes) {
			l.at++
		}
		l.add(tokenWord, l.src.slice(start, l.at), start)
		return nil
	}
	for _, sign := range signs {
		if l.at+2 <= len(l.src.runes) && l.src.slice(l.at, l.at+2) == sign {
			l.at += 2
			l.add(tokenSign, sign, start)
			return nil
		}
	}
	l.at++
	l.add(tokenSign, string(r), start)
	return nil
}

// quoted reads a name in backticks; two of them stand for one.
func (l *lexer) quoted() *syntaxError {
	start := l.at
	var name strings.Builder
	for l.at++; l.at < len(l.src.runes); l.at++ {
		if l.peek(0) != '`' {
			name.WriteRune(l.peek(0))
			continue
		}
		if l.peek(1) != '`' {
			l.at++
			l.add(tokenQuoted, name.String(), start)
			return nil
		}
		name.WriteByte('`')
		l.at++
	}
	return &syntaxError{offset: start, message: "Invalid input '`': the name that starts here has no closing backtick"}
}

// escapes are the letters that may follow a backslash in a string.
var escapes = map[rune]rune{'\\': '\\', '\'': '\'', '"': '"', '`': '`', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (l *lexer) stringLiteral() *syntaxError {
	start, quote := l.at, l.peek(0)
	var text strings.Builder
	for l.at++; l.at < len(l.src.runes); l.at++ {
		switch r := l.peek(0); r {
		case quote:
			l.at++
			l.add(tokenString, text.String(), start)
			return nil
		case '\\':
			l.at++
			escaped, ok := escapes[l.peek(0)]
			if !ok {
				return &syntaxError{offset: l.at - 1, message: fmt.Sprintf("Invalid input '\\%c': not an escape sequence of a string literal", l.peek(0))}
			}
			text.WriteRune(escaped)
		default:
			text.WriteRune(r)
		}
	}
	return &syntaxError{offset: start, message: "Failed to parse string literal. The query must contain an even number of non-escaped quotes."}
}

// number reads 1, 1_000, 0x1F, 0o17, 1.5, .5, 1e3. Letters glued to it make it invalid, as in 1abc.
func (l *lexer) number() *syntaxError {
	start, kind := l.at, tokenInt
	if l.peek(0) == '0' && strings.ContainsRune("xXoO", l.peek(1)) && l.peek(1) != 0 {
		l.at += 2
		for isHexDigit(l.peek(0)) || l.peek(0) == '_' {
			l.at++
		}
	} else {
		l.digits()
		if l.peek(0) == '.' && isDigit(l.peek(1)) {
			kind = tokenFloat
			l.at++
			l.digits()
		}
		if e := l.peek(0); (e == 'e' || e == 'E') && (isDigit(l.peek(1)) || strings.ContainsRune("+-", l.peek(1)) && isDigit(l.peek(2))) {
			kind = tokenFloat
			l.at += 2
			l.digits()
		}
	}
	if isNamePart(l.peek(0)) {
		return &syntaxError{offset: start, message: fmt.Sprintf("Invalid input '%s%c': not a number", l.src.slice(start, l.at), l.peek(0))}
	}
	l.add(kind, strings.ReplaceAll(l.src.slice(start, l.at), "_", ""), start)
	return nil
}

func (l *lexer) digits() {
	for isDigit(l.peek(0)) || l.peek(0) == '_' {
		l.at++
	}
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isHexDigit(r rune) bool { return isDigit(r) || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F' }

func isNameStart(r rune) bool {
	return unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Pc, r)
}

// isNamePart includes the dollar: Cypher 25 refuses it later, where the language is known.
func isNamePart(r rune) bool {
	return isNameStart(r) || unicode.IsDigit(r) || unicode.IsOneOf([]*unicode.RangeTable{unicode.Mn, unicode.Mc, unicode.Sc}, r)
}

// quoteName writes a name so that no parser reads anything but the name: backticks doubled, and backslashes as \u005c, which is decoded once and not again.
func quoteName(name string) string {
	return "`" + strings.ReplaceAll(strings.ReplaceAll(name, "`", "``"), `\`, `\u005c`) + "`"
}

// isPlainName says that a name needs no backticks.
func isPlainName(name string) bool {
	for i, r := range name {
		if i == 0 && !isNameStart(r) || i > 0 && (!isNamePart(r) || r == '$') {
			return false
		}
	}
	return name != ""
}

// plainOrQuoted writes a name bare where that is safe.
func plainOrQuoted(name string) string {
	if isPlainName(name) {
		return name
	}
	return quoteName(name)
}
