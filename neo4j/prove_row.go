package neo4j

import (
	"fmt"
	"strconv"
	"strings"
)

// pythonRow writes a row as the Python driver's users see it printed: a dict, in the server's order of columns.
func pythonRow(r row) string {
	parts := make([]string, len(r.keys))
	for i, k := range r.keys {
		parts[i] = pythonText(k) + ": " + pythonValue(r.values[i])
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func pythonValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return pythonText(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case []any:
		parts := make([]string, len(v))
		for i, m := range v {
			parts[i] = pythonValue(m)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return pythonText(fmt.Sprint(v))
}

// pythonText is Python's repr of a str: single quotes, or double ones where the text holds single ones only.
func pythonText(s string) string {
	quote := '\''
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7F || r >= 0x80 && r < 0x100 && !strconv.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case !strconv.IsPrint(r) && r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04x`, r)
		case !strconv.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteRune(quote)
	return b.String()
}
