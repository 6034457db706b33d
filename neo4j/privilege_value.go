package neo4j

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// value reads a literal and returns its canonical spelling: equal values of one type get equal texts, and every text parses to itself.
func (p *privilegeParser) value() (string, *PrivilegeError) {
	t := p.next()
	switch {
	case t.kind == tokenParam:
		return "", parameter(t)
	case t.kind == tokenString:
		return quoteString(t.text), nil
	case t.kind == tokenNumber:
		return number(t, false)
	case t.sign("-") && p.peek().kind == tokenNumber:
		return number(p.next(), true)
	case t.sign("-") && p.peek().is("INF", "INFINITY"):
		return "", errorToken(p.next(), summaryRefused, "Neo4j takes no negative infinity in a property rule.") // seen on Neo4j 5.26 and 2026.08 Community
	case t.is("INF", "INFINITY"):
		return "Infinity", nil
	case t.is("TRUE", "FALSE"):
		return strings.ToLower(t.text), nil
	case t.is("NULL"):
		return "", errorToken(t, summaryRefused, "Nothing equals null. Write IS NULL or IS NOT NULL.")
	case t.is("NAN"):
		return "", errorToken(t, summaryRefused, "Nothing equals NaN.")
	case t.kind == tokenWord && p.peek().sign("("):
		return p.call(t)
	case t.sign("["):
		return "", errorToken(t, summaryRefused, "A property rule compares with one value. Write IN [...] for several.")
	}
	return "", syntaxToken(t, "Here a value must follow: a number, a string in quotes, true, false, or date('2024-10-25').")
}

// number spells integers in decimal and floats the way Java does, so that the type stays visible.
func number(t token, negative bool) (string, *PrivilegeError) {
	bad := func() (string, *PrivilegeError) {
		return "", syntaxToken(t, "This is no number that fits into 64 bits.")
	}
	sign := ""
	if negative {
		sign = "-"
	}
	upper := asciiUpper(t.text)
	hex := strings.HasPrefix(upper, "0X") || strings.HasPrefix(upper, "0O")
	if !hex && strings.ContainsAny(upper, ".E") {
		if strings.ContainsAny(upper, "_IN") {
			return bad()
		}
		f, err := strconv.ParseFloat(sign+t.text, 64)
		if err != nil || math.IsInf(f, 0) {
			return bad()
		}
		return float(f), nil
	}
	if strings.HasPrefix(upper, "0B") || !hex && len(upper) > 1 && upper[0] == '0' {
		return bad() // Cypher has no binary numbers, and took a leading zero for octal once
	}
	i, err := strconv.ParseInt(sign+t.text, 0, 64)
	if err != nil {
		return bad()
	}
	return strconv.FormatInt(i, 10), nil
}

func float(f float64) string {
	if f == 0 {
		return "0.0" // -0.0 equals it in every comparison
	}
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	e, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(e)
}

// call reads a temporal function with one string. Neo4j evaluates it once, when the command runs, and stores the value.
func (p *privilegeParser) call(name token) (string, *PrivilegeError) {
	function := strings.ToLower(name.text)
	if function == "point" || p.ahead(1).kind != tokenString || !p.ahead(2).sign(")") {
		return p.otherCall(name, function)
	}
	canonical, ok := temporals[function]
	if !ok {
		return p.otherCall(name, function)
	}
	p.next() // (
	t := p.next()
	p.next() // )
	if text := canonical(t.text); text != "" {
		return function + "(" + quoteString(text) + ")", nil
	}
	if p.lenient {
		return function + "(" + quoteString(t.text) + ")", nil
	}
	return "", errorToken(t, summaryDrifts, "Write the value in full ISO 8601, so that it can be compared with what Neo4j gives back: "+temporalExamples[function]+".")
}

// otherCall refuses a function in a spec. In a live row it takes any call of the functions that Neo4j allows, as its tokens.
func (p *privilegeParser) otherCall(name token, function string) (string, *PrivilegeError) {
	_, temporal := temporals[function]
	if !temporal && function != "point" {
		return "", errorToken(name, summaryRefused, "Neo4j takes no function "+name.text+" in a property rule.")
	}
	if !p.lenient {
		remedy := "Neo4j evaluates " + function + "(...) once, when the privilege is granted, and gives the result back. Write the value: " + temporalExamples[function] + "."
		if function == "point" {
			remedy = "How Neo4j gives a point back is not known, so a spec with one could never be seen to match."
		}
		return "", errorToken(name, summaryDrifts, remedy)
	}
	var b strings.Builder
	b.WriteString(function)
	isName := func(t token) bool { return t.kind == tokenWord || t.kind == tokenQuoted }
	var before token
	for depth := 0; ; {
		last := before
		t := p.next()
		before = t
		switch {
		case t.kind == tokenEnd:
			return "", syntaxToken(t, "The call is not closed: ) is missing.")
		case t.sign(".") && (!isName(last) || !isName(p.peek())): // beside a number it would be part of that
			return "", syntaxToken(t, "This cannot stand in a value.")
		case t.kind == tokenString:
			b.WriteString(quoteString(t.text))
		case t.kind == tokenQuoted:
			b.WriteString(quoteName(t.text))
		case t.kind == tokenParam:
			return "", parameter(t)
		case t.sign(","):
			b.WriteString(", ")
		case t.sign(":"):
			b.WriteString(": ")
		case t.sign("("):
			depth++
			b.WriteString("(")
		case t.sign(")"):
			depth--
			b.WriteString(")")
			if depth == 0 {
				return b.String(), nil
			}
		case t.kind == tokenSign && !strings.Contains("{}[].-", t.text):
			return "", syntaxToken(t, "This cannot stand in a value.")
		default:
			if text := b.String(); t.kind != tokenSign && !strings.HasSuffix(text, " ") && !strings.ContainsAny(text[len(text)-1:], "({[.-") {
				return "", syntaxToken(t, "This cannot stand in a value.")
			}
			b.WriteString(t.text)
		}
	}
}

var temporalExamples = map[string]string{
	"date": "date('2024-10-25')", "time": "time('12:00:00Z')", "localtime": "localtime('12:00:00')",
	"datetime": "datetime('2024-10-25T12:00:00Z')", "localdatetime": "localdatetime('2024-10-25T12:00:00')", "duration": "duration('P1DT2H')",
}

// temporals returns, for each function, the canonical text of its argument, or "" for one that is not in the plain ISO form.
var temporals = map[string]func(string) string{
	"date":          func(s string) string { return canonicalTime(s, true, false, false) },
	"time":          func(s string) string { return canonicalTime(s, false, true, true) },
	"localtime":     func(s string) string { return canonicalTime(s, false, true, false) },
	"datetime":      func(s string) string { return canonicalTime(s, true, true, true) },
	"localdatetime": func(s string) string { return canonicalTime(s, true, true, false) },
	"duration":      canonicalDuration,
}

var (
	isoTime     = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})?(T)?(?:(\d{2}:\d{2})(:\d{2})?(?:\.(\d{1,9}))?)?(Z|[+-](?:0\d|1[0-7]):[0-5]\d)?$`)
	isoDuration = regexp.MustCompile(`^P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,9}))?S)?)?$`)
)

// canonicalTime fills in what may be left out: seconds are always there, zeros at the end of a fraction never, UTC is Z.
// A zone's name ([Europe/Berlin]) is not taken: Neo4j may work out another offset for it than the one written.
func canonicalTime(s string, date, clock, zone bool) string {
	m := isoTime.FindStringSubmatch(s)
	if m == nil || (m[1] != "") != date || (m[3] != "") != clock || (m[6] != "") != zone || (m[2] != "") != (date && clock) ||
		m[5] != "" && m[4] == "" {
		return ""
	}
	if date {
		if _, err := time.Parse(time.DateOnly, m[1]); err != nil {
			return ""
		}
	}
	if !clock {
		return m[1]
	}
	if m[4] == "" {
		m[4] = ":00"
	}
	if _, err := time.Parse(time.TimeOnly, m[3]+m[4]); err != nil {
		return ""
	}
	if fraction := strings.TrimRight(m[5], "0"); fraction != "" {
		m[4] += "." + fraction
	}
	if m[6] == "+00:00" || m[6] == "-00:00" {
		m[6] = "Z"
	}
	return m[1] + m[2] + m[3] + m[4] + m[6]
}

// canonicalDuration keeps what Neo4j keeps: months, days, and seconds.
func canonicalDuration(s string) string {
	m := isoDuration.FindStringSubmatch(s)
	if m == nil || s == "P" || strings.HasSuffix(s, "T") {
		return ""
	}
	n := func(i int) int64 { v, _ := strconv.ParseInt("0"+m[i], 10, 64); return v }
	months, days, seconds := n(1)*12+n(2), n(3)*7+n(4), n(5)*3600+n(6)*60+n(7)
	fraction := strings.TrimRight(m[8], "0")
	out := "P"
	add := func(v int64, unit string) {
		if v != 0 {
			out += strconv.FormatInt(v, 10) + unit
		}
	}
	add(months/12, "Y")
	add(months%12, "M")
	add(days, "D")
	if seconds != 0 || fraction != "" {
		out += "T"
		add(seconds/3600, "H")
		add(seconds%3600/60, "M")
		if fraction != "" {
			fraction = "." + fraction
		}
		if seconds%60 != 0 || fraction != "" {
			out += strconv.FormatInt(seconds%60, 10) + fraction + "S"
		}
	}
	if out == "P" {
		return "PT0S"
	}
	return out
}
