package specs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// maxListed is how many names a diagnostic lists before it only counts the rest.
const maxListed = 40

// suggest gives the name closest to what was written as a sentence, " Did you mean app?", or "" when none is close.
func suggest(given string, names []string) string {
	given = strings.ToLower(given)
	best, least := "", max(min(1, len(given)-1), len(given)/3)+1
	for _, name := range names {
		lower := strings.ToLower(name)
		distance := levenshtein.Distance(given, lower, nil)
		if distance > 1 && letters(given) == letters(lower) { // taem for team is one slip
			distance = 1
		}
		if distance < least {
			best, least = name, distance
		}
	}
	if best == "" {
		return ""
	}
	return " Did you mean " + best + "?"
}

// Suggest gives the name closest to what somebody wrote outside of a spec, as messages about specs do: " Did you mean app?", or "" when none is close.
func Suggest(given string, names []string) string { return suggest(given, names) }

func letters(s string) string {
	rs := []rune(s)
	slices.Sort(rs)
	return string(rs)
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// list writes names sorted and separated by commas, nothing for no names.
func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	sorted := slices.Sorted(slices.Values(names))
	if rest := len(sorted) - maxListed; rest > 0 {
		return strings.Join(sorted[:maxListed], ", ") + fmt.Sprintf(" and %d more", rest)
	}
	return strings.Join(sorted, ", ")
}
