package render

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes a text that came from outside harmless on a terminal, on one line: control characters, line breaks, bidirectional and other invisible format
// characters, and bytes that are no UTF-8, are spelled as in Go source (\x1b, \n, \u202e, \xff). Everything else, quotes and backslashes among it, stays.
func Escape(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if shown(r, size) {
			b.WriteRune(r)
		} else {
			q := strconv.Quote(s[i : i+size])
			b.WriteString(q[1 : len(q)-1])
		}
		i += size
	}
	return b.String()
}

// shown says whether a decoded character may stand on a page as it is: what unicode.IsPrint allows, which is letters, marks, numbers, punctuation, symbols
// and the plain blank.
func shown(r rune, size int) bool {
	return unicode.IsPrint(r) && (r != utf8.RuneError || size > 1)
}

func clean(s string) bool {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !shown(r, size) {
			return false
		}
		i += size
	}
	return true
}

// lines splits a text that may have several lines, and escapes each.
func lines(s string) []string {
	ls := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i := range ls {
		ls[i] = Escape(strings.TrimRight(ls[i], "\r"))
	}
	return ls
}

// word is a text inside a line of values: plain when nobody could take it for something else, quoted otherwise.
func word(s string) string {
	if plainWord(s) {
		return s
	}
	return strconv.Quote(s)
}

func plainWord(s string) bool {
	switch s {
	case "", "true", "false", "null":
		return false
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return false // the text 12 is not the number 12
	}
	for i, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '/' || i > 0 && strings.ContainsRune(".:@-", r) {
			continue
		}
		return false
	}
	return utf8.ValidString(s)
}

// phrase is a text that has a line's rest to itself, so that blanks and punctuation cannot mislead: quoted only where its ends or its signs would not show.
func phrase(s string) string {
	if s == "" || !clean(s) || strings.TrimSpace(s) != s || strings.ContainsAny(s[:1], `"([{`) {
		return strconv.Quote(s)
	}
	if !strings.ContainsRune(s, ' ') {
		return word(s)
	}
	return s
}
