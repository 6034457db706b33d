package render

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"keymaker/reconcile"
)

func itoa(n int) string { return strconv.Itoa(n) }

// tallies counts calls in words: 1 read, 3 procedure calls.
func tallies(ts []reconcile.Tally) string {
	parts := make([]string, len(ts))
	for i, t := range ts {
		parts[i] = Count(t.N, Escape(t.What))
	}
	return strings.Join(parts, ", ")
}

// forecast says what calls a plan takes, and of which rate limits: 1 read, 1 write of 600 a minute left 571. Where it takes them of several, each is named.
func forecast(ts []reconcile.Tally, target reconcile.Target) string {
	buckets := reconcile.Spend(ts)
	limited, told := 0, 0
	for _, b := range buckets {
		if b[0].Bucket != "" {
			limited++
		}
		if _, ok := target.Budget(b[0].Bucket); ok {
			told++
		}
	}
	if told == 0 {
		return tallies(sorts(ts))
	}
	var parts []string
	for _, b := range buckets {
		slices.SortStableFunc(b, func(x, y reconcile.Tally) int { return readsFirst(x) - readsFirst(y) })
		part := tallies(b)
		if limited > 1 && b[0].Bucket != "" {
			part += " to " + Escape(b[0].Bucket)
		}
		if budget, ok := target.Budget(b[0].Bucket); ok {
			part += " of " + itoa(budget.Limit) + " a " + unit(budget.Per) + " left " + itoa(budget.Remaining)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// readsFirst puts what reads before what writes.
func readsFirst(t reconcile.Tally) int {
	if t.What == "read" {
		return 0
	}
	return 1
}

// sorts sums calls by sort only.
func sorts(ts []reconcile.Tally) []reconcile.Tally {
	var sum []reconcile.Tally
	for _, t := range ts {
		sum = reconcile.AddTallies(sum, reconcile.Tally{What: t.What, N: t.N})
	}
	return sum
}

// unit is a window's length as rates are said: minute, 10s.
func unit(d time.Duration) string {
	switch d {
	case time.Second:
		return "second"
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	}
	return short(d)
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
	return Count(total, "request") + " (" + tallies(ts) + ")"
}

// Count puts a number before a noun, in the plural where English wants it. What does not end in a letter (a path) stays as it is.
func Count(n int, noun string) string {
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
	system, connection := reconcile.SplitInstance(system)
	name := Escape(system)
	if first, size := utf8.DecodeRuneInString(system); first != utf8.RuneError {
		name = Escape(string(unicode.ToUpper(first)) + system[size:])
	}
	if connection != "" {
		name += " " + Escape(connection)
	}
	return name
}
