package render

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"keymaker/reconcile"
)

func itoa(n int) string { return strconv.Itoa(n) }

// tallies counts calls in words: 1 read, 3 procedure calls.
func tallies(ts []reconcile.Tally) string {
	parts := make([]string, len(ts))
	for i, t := range ts {
		parts[i] = count(t.N, Escape(t.What))
	}
	return strings.Join(parts, ", ")
}

// reading says what a read cost: so many requests, and where there are rate-limit buckets (their names are paths) how many of each.
func reading(ts []reconcile.Tally) string {
	total := 0
	for _, t := range ts {
		if !strings.HasPrefix(t.What, "/") {
			return tallies(ts)
		}
		total += t.N
	}
	if total == 0 {
		return ""
	}
	return count(total, "request") + " (" + tallies(ts) + ")"
}

// count puts a number before a noun, in the plural where English wants it. What does not end in a letter (a path) stays as it is.
func count(n int, noun string) string {
	return itoa(n) + " " + plural(n, noun)
}

func plural(n int, noun string) string {
	if n == 1 || noun == "" || strings.HasPrefix(noun, "/") || !unicode.IsLetter(rune(noun[len(noun)-1])) {
		return noun
	}
	switch {
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ey") && !strings.HasSuffix(noun, "ay"):
		return strings.TrimSuffix(noun, "y") + "ies"
	case strings.HasSuffix(noun, "s"), strings.HasSuffix(noun, "x"), strings.HasSuffix(noun, "ch"), strings.HasSuffix(noun, "sh"):
		return noun + "es"
	}
	return noun + "s"
}

// Took is a duration as people read it: whole milliseconds below a second, tenths of seconds above.
func Took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "0 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return short(d.Round(time.Second))
}

// title is a system's name as a sentence starts with it.
func title(system string) string {
	if system == "" {
		return ""
	}
	return strings.ToUpper(system[:1]) + Escape(system[1:])
}
