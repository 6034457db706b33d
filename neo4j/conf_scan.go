package neo4j

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// confScanner walks through the logical lines of a Java properties file: continued lines are one, blank lines are none, a comment is never continued.
type confScanner struct {
	data    []byte
	at      int // where the next line begins
	natural int // how many line ends were passed

	start, end int    // bytes of the logical line, its line end included
	line       int    // its first line, from 1
	text       string // without line ends and leading blanks, escapes still in it
	comment    bool
}

func (s *confScanner) next() bool {
	for s.at < len(s.data) {
		s.start, s.line = s.at, s.natural+1
		text := trimBlank(s.naturalLine())
		s.comment = strings.HasPrefix(text, "#") || strings.HasPrefix(text, "!")
		for !s.comment && continued(text) {
			text = text[:len(text)-1]
			if s.at == len(s.data) {
				break
			}
			text += trimBlank(s.naturalLine())
		}
		s.text, s.end = text, s.at
		if text != "" {
			return true
		}
	}
	return false
}

// naturalLine returns the bytes up to the next line end and steps over that.
func (s *confScanner) naturalLine() string {
	rest := s.data[s.at:]
	s.natural++
	i := bytes.IndexAny(rest, "\r\n")
	if i < 0 {
		s.at = len(s.data)
		return string(rest)
	}
	s.at += i + 1
	if rest[i] == '\r' && i+1 < len(rest) && rest[i+1] == '\n' {
		s.at++
	}
	return string(rest[:i])
}

// isMark reports a comment that begins, at the very start of its line, with mark as whole words.
func (s *confScanner) isMark(mark string) bool {
	if !s.comment || !bytes.HasPrefix(s.data[s.start:], []byte(mark)) {
		return false
	}
	rest := s.text[len(mark):]
	return rest == "" || !plainName.MatchString(rest[:1]) && rest[0] != '-'
}

func trimBlank(s string) string { return strings.TrimLeft(s, " \t\f") }

// continued reports an odd number of backslashes at the end.
func continued(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// splitProperty cuts a logical line into key and value and resolves the escapes of Java properties.
func splitProperty(text string) (key, value string) {
	i := 0
	for i < len(text) && !strings.ContainsRune("=: \t\f", rune(text[i])) {
		if text[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(text))
	rest := trimBlank(text[i:])
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = trimBlank(rest[1:])
	}
	return unescapeProperty(text[:i]), unescapeProperty(rest)
}

func unescapeProperty(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if code, err := strconv.ParseUint(s[min(i+1, len(s)):min(i+5, len(s))], 16, 16); err == nil && i+5 <= len(s) {
				b.Write(utf8.AppendRune(nil, rune(code)))
				i += 4
				continue
			}
			b.WriteByte('u')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// lineEnding is the line end of the file's first line.
func lineEnding(data []byte) string {
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

func endsLine(data []byte) bool {
	return len(data) > 0 && (data[len(data)-1] == '\n' || data[len(data)-1] == '\r')
}

func trimLineEnd(data []byte) []byte {
	if bytes.HasSuffix(data, []byte("\r\n")) {
		return data[:len(data)-2]
	}
	if endsLine(data) {
		return data[:len(data)-1]
	}
	return data
}

// endsContinued reports that anything appended to the file would belong to its last line.
func endsContinued(data []byte) bool {
	s, open := confScanner{data: append(bytes.Clone(data), []byte("\n"+confBeginLine)...)}, true
	if endsLine(data) {
		s.data = append(bytes.Clone(data), []byte(confBeginLine)...)
	}
	for s.next() {
		open = !s.isMark(confBegin)
	}
	return open
}
