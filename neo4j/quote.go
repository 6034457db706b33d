package neo4j

import (
	"fmt"
	"regexp"
	"strings"
)

// Neo4j decodes \uXXXX over the whole statement before it cuts tokens (seen on Neo4j 5.26 and 2026.08 Community): in `a\u0060` the escape closes the
// name. Every function here therefore writes a backslash as the escape \u005c, which is decoded once and not looked at again.
const backslashEscape = `\u005c`

var (
	roleName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	nameEsc   = strings.NewReplacer("`", "``", `\`, backslashEscape)
)

// quoteName returns name in backticks, safe to stand in a Cypher statement wherever a name may.
func quoteName(name string) string {
	return "`" + nameEsc.Replace(strings.ToValidUTF8(name, "\uFFFD")) + "`"
}

// bareName returns name without backticks when it is a plain ASCII identifier and quoted otherwise, as SHOW PRIVILEGES AS COMMANDS prints labels,
// properties and users.
func bareName(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return quoteName(name)
}

// quoteString returns text as a single-quoted Cypher string literal, for the few places that take no parameter.
func quoteString(text string) string { return quoteWith('\'', text) }

func quoteWith(quote byte, text string) string {
	q := string(quote)
	// A literal backslash is two backslashes for the string and an escape each for the decoding before it.
	esc := strings.NewReplacer(`\`, backslashEscape+backslashEscape, q, `\`+q, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\b", `\b`, "\f", `\f`)
	return q + esc.Replace(strings.ToValidUTF8(text, "\uFFFD")) + q
}

// nameError is what Neo4j says about a name, word for word.
type nameError string

// Error gives Neo4j's own words.
func (e nameError) Error() string { return string(e) }

// checkRoleName refuses what Neo4j refuses when a role is created (Operations Manual, "Manage roles"), in Neo4j's words. Backticks do not widen the rule.
func checkRoleName(name string) error {
	if name == "" {
		return nameError("The provided role name is empty.")
	}
	if !roleName.MatchString(name) {
		return nameError(fmt.Sprintf("Role name '%s' contains illegal characters.\nUse simple ascii characters, numbers and underscores.", name))
	}
	return nil
}

// checkUserName refuses what Neo4j refuses when a user is created (Operations Manual, "Manage users"), in Neo4j's words.
func checkUserName(name string) error {
	if name == "" {
		return nameError("The provided username is empty.")
	}
	for _, r := range name {
		if r <= ' ' || r > '~' || r == ',' || r == ':' {
			return nameError(fmt.Sprintf("Username '%s' contains illegal characters.\nUse ascii characters that are not ',', ':' or whitespaces.", name))
		}
	}
	return nil
}

// normalizeDatabase returns a database or graph name as Neo4j stores it: names are case-insensitive and kept in lower case.
func normalizeDatabase(name string) string { return strings.ToLower(name) }
