package neo4j

import (
	"strings"

	"github.com/agext/levenshtein"
)

// PrivilegeError is a privilege that Keymaker does not take. Offset and Length are bytes within the text that was given, and cover the token at fault;
// Length is 0 at the end of the text. Summary fits a heading, Remedy is one or more full sentences.
type PrivilegeError struct {
	Offset, Length  int
	Summary, Remedy string
}

// Error is "summary: remedy".
func (e *PrivilegeError) Error() string { return e.Summary + ": " + e.Remedy }

// The summaries.
const (
	summaryUnknown = "Unknown privilege"
	summarySyntax  = "Privilege does not parse"
	summaryRefused = "Privilege is refused"
	summaryDrifts  = "Privilege cannot be compared"
)

// nearest returns the candidate closest to word, or "" when none is close enough to be meant.
func nearest(word string, candidates []string) string {
	best, distance := "", len(word)/3+2
	if len(word) <= 3 {
		distance = 2
	}
	for _, c := range candidates {
		if d := levenshtein.Distance(strings.ToUpper(word), c, nil); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// meant is the sentence "Did you mean X?" with a blank before it, or nothing.
func meant(before, word string, candidates []string) string {
	if near := nearest(word, candidates); near != "" {
		return " Did you mean " + before + near + "?"
	}
	return ""
}
