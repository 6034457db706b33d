package neo4j

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ParseSettingMap reads a map setting such as dbms.security.oidc.<provider>.params. It takes the form in which it is written, k=v;k2=v2 (Neo4j splits at
// every semicolon, then at the first =, and trims nothing), and {k=v, k2=v2}, the form in which Java prints a map and SHOW SETTINGS may give one back.
func ParseSettingMap(text string) (map[string]string, error) {
	pieces := strings.Split(text, ";")
	if inner, ok := strings.CutPrefix(text, "{"); ok && strings.HasSuffix(inner, "}") {
		pieces = printedPieces(strings.TrimSuffix(inner, "}"))
	}
	out := map[string]string{}
	for _, piece := range pieces {
		if piece == "" {
			continue
		}
		key, value, ok := strings.Cut(piece, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("'%s' map element does not follow k1=v1 format.", piece) //lint:ignore ST1005 Neo4j's own words
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("map element with key %s stands twice", key)
		}
		out[key] = value
	}
	return out, nil
}

// printedPieces splits "k=v, k2=v2". A piece without = belongs to the value before it, which had a comma of its own.
func printedPieces(text string) []string {
	var out []string
	for _, piece := range strings.Split(text, ", ") {
		if len(out) > 0 && !strings.Contains(piece, "=") {
			out[len(out)-1] += ", " + piece
			continue
		}
		out = append(out, piece)
	}
	return out
}

// PrintSettingMap writes k=v;k2=v2 in the order of the keys. It refuses what would be read back as something else.
func PrintSettingMap(m map[string]string) (string, error) {
	pieces := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		value := m[key]
		switch {
		case key == "" || key != strings.TrimSpace(key) || strings.ContainsAny(key, "=;{}") || hasControl(key):
			return "", fmt.Errorf("key %q cannot stand in a map setting: no =, ;, braces or blanks at its ends", key)
		case value != strings.TrimSpace(value) || strings.Contains(value, ";") || hasControl(value):
			return "", fmt.Errorf("value of %s cannot stand in a map setting: no ;, line breaks or blanks at its ends", key)
		}
		pieces = append(pieces, key+"="+value)
	}
	return strings.Join(pieces, ";"), nil
}

// ParseSettingList reads a list setting such as dbms.security.authentication_providers: split at commas, trimmed, empty elements dropped. It takes the
// brackets in which Java prints a list too.
func ParseSettingList(text string) []string {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = strings.TrimSuffix(inner, "]")
	}
	var out []string
	for _, piece := range strings.Split(text, ",") {
		if piece = strings.TrimSpace(piece); piece != "" {
			out = append(out, piece)
		}
	}
	return out
}

// PrintSettingList writes a list in the order given, which counts for providers. It refuses elements that would be read back as something else.
func PrintSettingList(list []string) (string, error) {
	for _, element := range list {
		if element == "" || element != strings.TrimSpace(element) || strings.ContainsAny(element, ",[]") || hasControl(element) {
			return "", fmt.Errorf("%q cannot stand in a list setting: no commas, brackets or blanks at its ends", element)
		}
	}
	return strings.Join(list, ","), nil
}
