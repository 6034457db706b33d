package reconcile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Value is what an attribute holds. The sum is closed: [Null], [Text], [Number], [Flag], [List], [Set], [Map], [Ref], [Join] and [Secret].
// Compare values with [Equal], never with ==.
//
// Ref and Join are values that are not known yet (see resolve.go); everything else is known, if what it contains is.
type Value interface {
	fmt.Stringer
	value()
}

type (
	// Null is an explicit nothing, as JSON's null. An attribute that is left out is absent, not Null.
	Null struct{}
	// Text is a string.
	Text string
	// Number is a decimal number in its shortest spelling; make one with [NumberOf], so that equal numbers are equal strings.
	Number string
	// Flag is a boolean.
	Flag bool
	// List is an ordered sequence.
	List []Value
	// Set is a sequence whose order and repetitions mean nothing; make one with [SetOf], which sorts and removes doubles.
	Set []Value
	// Map has named members. In comparison only the members that the want names count: siblings stay as they are.
	Map map[string]Value
	// Ref stands for an attribute of another object that may exist only after that object was created ("known after apply").
	Ref struct {
		Addr Addr
		Attr string
	}
	// Join is a text with unknown parts: its members (Text or Ref) written one after the other.
	Join []Value
)

func (Null) value()   {}
func (Text) value()   {}
func (Number) value() {}
func (Flag) value()   {}
func (List) value()   {}
func (Set) value()    {}
func (Map) value()    {}
func (Ref) value()    {}
func (Join) value()   {}

// NumberOf makes a Number of a decimal text, normalising its spelling: 1.50 is 1.5, 1e3 is 1000. A text that is no number is kept as it is.
func NumberOf(s string) Number {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Number(strconv.FormatInt(i, 10))
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return Number(strconv.FormatFloat(f, 'f', -1, 64))
	}
	return Number(s)
}

// Int makes a Number of an integer.
func Int(i int64) Number { return Number(strconv.FormatInt(i, 10)) }

// SetOf makes a Set: sorted by canonical text, without doubles. The argument is not kept.
func SetOf(vs ...Value) Set {
	if plainTexts(vs) { // most sets are of names, and need no canonical text
		s := append(make(Set, 0, len(vs)), vs...)
		slices.SortFunc(s, func(a, b Value) int { return compareQuoted(string(a.(Text)), string(b.(Text))) })
		return slices.Compact(s)
	}
	keyed := make(map[string]Value, len(vs))
	for _, v := range vs {
		keyed[canonical(v)] = v
	}
	s := make(Set, 0, len(keyed))
	for _, k := range slices.Sorted(maps.Keys(keyed)) {
		s = append(s, keyed[k])
	}
	return s
}

func plainTexts(vs []Value) bool {
	return !slices.ContainsFunc(vs, func(v Value) bool {
		t, ok := v.(Text)
		return !ok || !isPlain(string(t))
	})
}

// compareQuoted compares two plain texts as their canonical texts compare: the quote that ends these is greater than a space.
func compareQuoted(a, b string) int {
	shared := min(len(a), len(b))
	if c := strings.Compare(a[:shared], b[:shared]); c != 0 || len(a) == len(b) {
		return c
	}
	if len(a) < len(b) {
		return strings.Compare(`"`, b[shared:])
	}
	return strings.Compare(a[shared:], `"`)
}

// TextSet makes a Set of texts.
func TextSet[S ~string](ss ...S) Set {
	vs := make([]Value, len(ss))
	for i, s := range ss {
		vs[i] = Text(s)
	}
	return SetOf(vs...)
}

// Texts lists the texts in a List or Set, leaving out members of other types; nil for any other value.
func Texts(v Value) []string {
	var ss []string
	for _, m := range Members(v) {
		if t, ok := m.(Text); ok {
			ss = append(ss, string(t))
		}
	}
	return ss
}

// Members lists the members of a List or Set; nil for any other value.
func Members(v Value) []Value {
	switch v := v.(type) {
	case List:
		return v
	case Set:
		return v
	}
	return nil
}

// Known says whether a value contains no Ref and no Join.
func Known(v Value) bool {
	switch v := v.(type) {
	case Ref, Join:
		return false
	case List:
		return !slices.ContainsFunc(v, func(m Value) bool { return !Known(m) })
	case Set:
		return !slices.ContainsFunc(v, func(m Value) bool { return !Known(m) })
	case Map:
		for _, m := range v {
			if !Known(m) {
				return false
			}
		}
	}
	return true
}

// Equal says whether two values are the same thing. Sets compare without order, a Set equals a List with the same members, maps compare all members,
// and an unknown equals only the same unknown. Two secrets are never equal: nobody looks inside to find out.
func Equal(a, b Value) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if _, ok := a.(Set); ok {
		b = asSet(b)
	} else if _, ok := b.(Set); ok {
		a = asSet(a)
	}
	return identical(a, b)
}

func asSet(v Value) Value {
	if l, ok := v.(List); ok {
		return SetOf(l...)
	}
	return v
}

// identical is [Equal] for what is inside of another value, where a set and a list are two things.
func identical(a, b Value) bool {
	switch a := a.(type) {
	case List:
		b, ok := b.(List)
		return ok && slices.EqualFunc(a, b, identical)
	case Set:
		b, ok := b.(Set)
		return ok && slices.EqualFunc(a, b, identical)
	case Join:
		b, ok := b.(Join)
		return ok && slices.EqualFunc(a, b, identical)
	case Map:
		b, ok := b.(Map)
		return ok && maps.EqualFunc(a, b, identical)
	case Secret:
		return false
	}
	return a == b
}

// String gives Null as null.
func (Null) String() string { return "null" }

// String quotes the text as HCL and JSON do, so that control and bidirectional characters of live names cannot act on a terminal.
func (t Text) String() string { return quoteText(string(t)) }

// String gives the number as it is spelled.
func (n Number) String() string { return string(n) }

// String gives true or false.
func (f Flag) String() string { return strconv.FormatBool(bool(f)) }

// String gives the members between brackets.
func (l List) String() string { return bracketed(l) }

// String gives the members between brackets, in canonical order.
func (s Set) String() string { return bracketed(s) }

// String gives the members between braces, sorted by name.
func (m Map) String() string {
	parts := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, quoteText(k)+" = "+m[k].String())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// String says where the value will come from.
func (r Ref) String() string { return "(known after apply: " + r.Addr.String() + "." + r.Attr + ")" }

// String gives the parts as one template.
func (j Join) String() string {
	var b strings.Builder
	b.WriteByte('"')
	for _, part := range j {
		if t, ok := part.(Text); ok {
			q := quoteText(string(t))
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteString("${" + strings.Trim(strings.TrimPrefix(part.String(), "(known after apply: "), "()") + "}")
	}
	b.WriteByte('"')
	return b.String()
}

func bracketed(vs []Value) string {
	parts := make([]string, len(vs))
	for i, v := range vs {
		parts[i] = v.String()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// canonical is a text that two values share exactly when they are equal; it is the key of sets and of fingerprints.
func canonical(v Value) string {
	switch v := v.(type) {
	case Text:
		if isPlain(string(v)) {
			return `"` + string(v) + `"`
		}
		b, _ := json.Marshal(string(v)) // a string always marshals
		return string(b)
	case List:
		return canonicalAll("[", v)
	case Set:
		return canonicalAll("{", v)
	case Join:
		return canonicalAll("+", v)
	case Map:
		var b strings.Builder
		b.WriteString("m{")
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(canonical(Text(k)) + ":" + canonical(v[k]) + ",")
		}
		return b.String() + "}"
	case Ref:
		return "ref:" + v.Addr.String() + "." + v.Attr
	case Secret:
		return "secret:" + v.Origin()
	case nil:
		return "absent"
	}
	return v.String()
}

// isPlain says whether JSON writes a text as it is: most are names.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

func canonicalAll(open string, vs []Value) string {
	var b strings.Builder
	b.WriteString(open)
	for _, v := range vs {
		b.WriteString(canonical(v) + ",")
	}
	return b.String() + "]"
}

// quoteText quotes as Go does for printable text, and escapes what could act on a terminal or reorder a line.
func quoteText(s string) string { return strconv.Quote(s) }
