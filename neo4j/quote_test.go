package neo4j

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// serverDecode is the server's first pass, written apart from the lexer: \uXXXX becomes its character anywhere. pairs says whether a doubled backslash
// keeps the second one from beginning an escape; text of ours must come out the same either way.
func serverDecode(s string, pairs bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if pairs && i+1 < len(s) && s[i+1] == '\\' {
			b.WriteString(`\\`)
			i++
			continue
		}
		if i+6 <= len(s) && s[i+1] == 'u' {
			if code, err := strconv.ParseUint(s[i+2:i+6], 16, 32); err == nil {
				b.WriteRune(rune(code))
				i += 5
				continue
			}
		}
		b.WriteByte('\\')
	}
	return b.String()
}

// scanQuoted reads one quoted name or string at the start of s, and returns what it means and what comes after it.
func scanQuoted(s string) (text, rest string, ok bool) {
	quote, escapes := s[0], map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f', '\\': '\\', '\'': '\'', '"': '"'}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case quote == '`' && s[i] == '`' && i+1 < len(s) && s[i+1] == '`':
			i++
			b.WriteByte('`')
		case quote != '`' && s[i] == '\\' && i+1 < len(s) && escapes[s[i+1]] != 0:
			i++
			b.WriteByte(escapes[s[i]])
		case quote != '`' && s[i] == '\\':
			return "", "", false
		case s[i] == quote:
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "`", "``", `\`, `\\`, `\u0060`, `\\u0060`, `a\u0060b`, "'", `\'`, `\u0027 OR 1`, `\u005c'`, "\n\r\t\b\f\x00", "Rôle", "a\\", `\u005`, "\\`", `"`, `\uu0060`} {
		f.Add(s)
	}
	const tail = " TO `admin`; x `` ' \" \\u0060 *"
	f.Fuzz(func(t *testing.T, s string) {
		want := strings.ToValidUTF8(s, "\uFFFD")
		for _, quoted := range []string{quoteName(s), quoteString(s), quoteWith('"', s)} {
			for _, pairs := range []bool{true, false} {
				text, rest, ok := scanQuoted(serverDecode(quoted+" "+tail, pairs))
				if !ok || text != want || rest != serverDecode(" "+tail, pairs) {
					t.Fatalf("%q is written %s: the server (pairs %v) reads %q and goes on with %q", s, quoted, pairs, text, rest)
				}
			}
			tokens, err := lex(quoted)
			if err != nil || len(tokens) != 2 || tokens[0].text != want {
				t.Fatalf("%q is written %s: our lexer reads %v, %v", s, quoted, tokens, err)
			}
		}
		if !utf8.ValidString(bareName(s)) {
			t.Fatalf("%q is written as invalid UTF-8", s)
		}
	})
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"r": "", "Role_1": "", "": "The provided role name is empty.",
		"role%": "Role name 'role%' contains illegal characters.\nUse simple ascii characters, numbers and underscores.",
		"_a":    "Role name '_a' contains illegal characters.\nUse simple ascii characters, numbers and underscores.",
		"a\n":   "Role name 'a\n' contains illegal characters.\nUse simple ascii characters, numbers and underscores.",
	} {
		checkMessage(t, "role "+name, checkRoleName(name), want)
	}
	for name, want := range map[string]string{
		"u": "", "a-b@c.d`": "", "": "The provided username is empty.",
		"a b": "Username 'a b' contains illegal characters.\nUse ascii characters that are not ',', ':' or whitespaces.",
		"é":   "Username 'é' contains illegal characters.\nUse ascii characters that are not ',', ':' or whitespaces.",
		"a:b": "Username 'a:b' contains illegal characters.\nUse ascii characters that are not ',', ':' or whitespaces.",
	} {
		checkMessage(t, "user "+name, checkUserName(name), want)
	}
	if got := normalizeDatabase("Neo4J"); got != "neo4j" {
		t.Errorf("got %s, want neo4j", got)
	}
}

func checkMessage(t *testing.T, what string, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}
