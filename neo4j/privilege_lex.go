package neo4j

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // an unquoted name or keyword
	tokenQuoted           // a name in backticks; text is the name
	tokenString           // text is the value
	tokenNumber           // text as written
	tokenParam            // $name; text is the name
	tokenSign             // one punctuation character, or <>, <=, >=
)

// token is one piece of a statement. start and end are bytes of the text as it was given, escapes and all.
type token struct {
	kind       tokenKind
	text       string
	start, end int
}

// is reports an unquoted word, whatever its case.
func (t token) is(words ...string) bool {
	if t.kind != tokenWord {
		return false
	}
	upper := asciiUpper(t.text)
	for _, w := range words {
		if upper == w {
			return true
		}
	}
	return false
}

func (t token) sign(s string) bool { return t.kind == tokenSign && t.text == s }

// asciiUpper maps ASCII letters only: Cypher's keywords know no other case folding.
func asciiUpper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// char is a character after the decoding of \uXXXX, with the bytes it came from.
type char struct {
	r          rune
	start, end int
}

type lexer struct {
	chars []char
	at    int
	size  int
}

// lex cuts a statement into tokens, the way Neo4j does: first \uXXXX is decoded everywhere, then tokens are cut. The last token is always tokenEnd.
func lex(text string) ([]token, *PrivilegeError) {
	chars, err := decode(text)
	if err != nil {
		return nil, err
	}
	l := &lexer{chars: chars, size: len(text)}
	out := make([]token, 0, 1+len(text)/4)
	for {
		if err := l.skipBlank(); err != nil {
			return nil, err
		}
		if l.at == len(l.chars) {
			return append(out, token{kind: tokenEnd, start: l.size, end: l.size}), nil
		}
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
}

// decode replaces \uXXXX by its character, surrogate pairs included. A doubled backslash begins no escape.
func decode(text string) ([]char, *PrivilegeError) {
	out := make([]char, 0, len(text))
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n <= 1 {
			return nil, syntaxAt(i, 1, "The text is not valid UTF-8.")
		}
		if r != '\\' || i+1 >= len(text) || text[i+1] != 'u' {
			out = append(out, char{r, i, i + n})
			i += n
			if r == '\\' && i < len(text) && text[i] == '\\' {
				out = append(out, char{'\\', i, i + 1})
				i++
			}
			continue
		}
		r, n = unicodeEscape(text[i:])
		if n == 0 {
			return nil, syntaxAt(i, 2, `\u must be followed by the four hexadecimal digits of a character.`)
		}
		out = append(out, char{r, i, i + n})
		i += n
	}
	return out, nil
}

// unicodeEscape reads the escape that s begins with, two for a surrogate pair; n is 0 when it is none.
func unicodeEscape(s string) (r rune, n int) {
	unit := func(s string) (rune, bool) {
		if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
			return 0, false
		}
		v, err := strconv.ParseUint(s[2:6], 16, 16)
		return rune(v), err == nil
	}
	first, ok := unit(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	second, ok := unit(s[6:])
	pair := utf16.DecodeRune(first, second)
	if !ok || pair == utf8.RuneError {
		return 0, 0
	}
	return pair, 12
}

func (l *lexer) peek(ahead int) rune {
	if l.at+ahead >= len(l.chars) {
		return -1
	}
	return l.chars[l.at+ahead].r
}

// skipBlank steps over white space and comments.
func (l *lexer) skipBlank() *PrivilegeError {
	for l.at < len(l.chars) {
		switch {
		case isBlank(l.peek(0)):
			l.at++
		case l.peek(0) == '/' && l.peek(1) == '/':
			for l.at < len(l.chars) && l.peek(0) != '\n' && l.peek(0) != '\r' {
				l.at++
			}
		case l.peek(0) == '/' && l.peek(1) == '*':
			start := l.at
			l.at += 2
			for l.peek(0) != '*' || l.peek(1) != '/' {
				if l.at >= len(l.chars) {
					return syntaxAt(l.chars[start].start, 2, "The comment is not closed: */ is missing.")
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

func isBlank(r rune) bool { return unicode.IsSpace(r) || 0x1C <= r && r <= 0x1F }

func isNameStart(r rune) bool {
	return unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Pc, r)
}

func isNamePart(r rune) bool {
	return isNameStart(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r)
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func (l *lexer) next() (token, *PrivilegeError) {
	start := l.at
	switch r := l.peek(0); {
	case isNameStart(r):
		return l.word(start)
	case r == '`':
		return l.quotedName(start)
	case r == '\'' || r == '"':
		return l.string(start, r)
	case isDigit(r), r == '.' && isDigit(l.peek(1)):
		return l.number(start), nil
	case r == '$':
		return l.param(start)
	case r == '.' && l.peek(1) == '.':
		return token{}, l.fail(start, 2, "Two dots in a row are not allowed.")
	case r == '<' && (l.peek(1) == '>' || l.peek(1) == '='), r == '>' && l.peek(1) == '=':
		l.at += 2
		return l.token(tokenSign, start, string([]rune{r, l.chars[start+1].r})), nil
	case strings.ContainsRune("*{}()[],.:;|=<>-?", r):
		l.at++
		return l.token(tokenSign, start, string(r)), nil
	default:
		return token{}, l.fail(start, 1, strconv.QuoteRune(r)+" cannot stand here. A name with such a character goes in backticks.")
	}
}

func (l *lexer) token(kind tokenKind, start int, text string) token {
	return token{kind: kind, text: text, start: l.chars[start].start, end: l.chars[l.at-1].end}
}

func (l *lexer) fail(start, count int, remedy string) *PrivilegeError {
	from, to := l.chars[start].start, l.chars[start+count-1].end
	return syntaxAt(from, to-from, remedy)
}

func (l *lexer) take(part func(rune) bool) string {
	var b strings.Builder
	for l.at < len(l.chars) && part(l.peek(0)) {
		b.WriteRune(l.peek(0))
		l.at++
	}
	return b.String()
}

func (l *lexer) word(start int) (token, *PrivilegeError) {
	text := l.take(isNamePart)
	if l.peek(0) == '$' {
		return token{}, l.fail(l.at, 1, "Put a name with $ in backticks: Cypher 25 takes it no other way.")
	}
	return l.token(tokenWord, start, text), nil
}

func (l *lexer) param(start int) (token, *PrivilegeError) {
	l.at++
	if l.peek(0) == '`' {
		t, err := l.quotedName(l.at)
		t.kind, t.start = tokenParam, l.chars[start].start
		return t, err
	}
	text := l.take(isNamePart)
	if text == "" {
		return token{}, l.fail(start, 1, "$ cannot stand here. A name with such a character goes in backticks.")
	}
	return l.token(tokenParam, start, text), nil
}

func (l *lexer) quotedName(start int) (token, *PrivilegeError) {
	var b strings.Builder
	for l.at = start + 1; l.at < len(l.chars); l.at++ {
		r := l.peek(0)
		if r == '`' && l.peek(1) != '`' {
			l.at++
			return l.token(tokenQuoted, start, b.String()), nil
		}
		if r == '`' {
			l.at++
		}
		b.WriteRune(r)
	}
	return token{}, l.fail(start, 1, "The name is not closed: a backtick is missing.")
}

// stringEscapes are the escapes of Cypher's string literals; \uXXXX is gone before strings are read.
var stringEscapes = map[rune]rune{'\\': '\\', '\'': '\'', '"': '"', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (l *lexer) string(start int, quote rune) (token, *PrivilegeError) {
	var b strings.Builder
	for l.at = start + 1; l.at < len(l.chars); l.at++ {
		r := l.peek(0)
		switch r {
		case quote:
			l.at++
			return l.token(tokenString, start, b.String()), nil
		case '\\':
			escaped, ok := stringEscapes[l.peek(1)]
			if !ok {
				return token{}, l.fail(l.at, 1, `A backslash in a string must be followed by \, ', ", b, f, n, r, t or u.`)
			}
			b.WriteRune(escaped)
			l.at++
		default:
			b.WriteRune(r)
		}
	}
	return token{}, l.fail(start, 1, "The string is not closed: "+string(quote)+" is missing.")
}

// number takes everything that can belong to a number; whether it is one is checked where it is used.
func (l *lexer) number(start int) token {
	var b strings.Builder
	hex := l.peek(0) == '0' && (l.peek(1) == 'x' || l.peek(1) == 'X')
	for l.at < len(l.chars) {
		r := l.peek(0)
		point := r == '.' && isDigit(l.peek(1))
		exponent := r == '-' && !hex && strings.HasSuffix(asciiUpper(b.String()), "E")
		if !isNamePart(r) && !point && !exponent {
			break
		}
		b.WriteRune(r)
		l.at++
	}
	return l.token(tokenNumber, start, b.String())
}

func syntaxAt(offset, length int, remedy string) *PrivilegeError {
	return &PrivilegeError{Offset: offset, Length: length, Summary: summarySyntax, Remedy: remedy}
}
