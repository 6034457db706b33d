package neo4j

import (
	"regexp"
	"strings"
)

// globs reads name patterns with commas between. Unlike other names, * may stand beside others here.
func (p *privilegeParser) globs(a action) ([]string, *PrivilegeError) {
	var out []string
	for {
		g, err := p.glob(a)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
		if !p.acceptSign(",") {
			return out, nil
		}
	}
}

// glob reads one pattern: parts with dots between, a part being a name in backticks or made of letters, digits, * and ?. The wildcards and dots keep
// their meaning inside backticks, so the text without backticks says all.
func (p *privilegeParser) glob(a action) (string, *PrivilegeError) {
	var b strings.Builder
	last := token{} // nothing read yet
	for {
		t := p.peek()
		adjacent := last.kind != tokenEnd && t.start == last.end
		fresh := last.kind == tokenEnd || last.sign(".")
		switch {
		case t.sign(".") && (last.kind == tokenEnd || !last.sign(".")), t.sign("*"), t.sign("?"):
		case t.kind == tokenQuoted && fresh:
		case t.kind == tokenWord && fresh && !p.endsGlob(adjacent):
		case t.kind == tokenWord && adjacent && (last.sign("*") || last.sign("?")):
		default:
			return p.closeGlob(a, t, b.String())
		}
		b.WriteString(t.text)
		last = p.next()
	}
}

// endsGlob reports that the word ahead is the ON after the patterns, not a part of one: `a. ON DBMS` is the pattern `a.`.
func (p *privilegeParser) endsGlob(adjacent bool) bool {
	return !adjacent && p.peek().is("ON") && p.ahead(1).is("DBMS", "GRAPH", "GRAPHS", "DATABASE", "DATABASES", "HOME")
}

func (p *privilegeParser) closeGlob(a action, t token, text string) (string, *PrivilegeError) {
	if t.kind == tokenParam {
		return "", parameter(t)
	}
	if t.kind == tokenString {
		return "", syntaxToken(t, "Patterns go in backticks or bare, not in quotes.")
	}
	if text == "" {
		return "", syntaxToken(t, a.name+" needs the pattern of what it is about, such as "+a.name+" *.")
	}
	return text, nil
}

// barePart is a glob part that needs no backticks: no digit may begin a name, also not after a wildcard.
var barePart = regexp.MustCompile(`^(?:[*?]|[A-Za-z_][A-Za-z0-9_]*)+$`)

// printGlob writes a pattern so that it parses to the same text: bare where it can be, else part by part in backticks.
func printGlob(text string) string {
	parts := strings.Split(text, ".")
	for i, part := range parts {
		if part == "" && (len(parts) == 1 || i > 0 && i < len(parts)-1) {
			return quoteName(text)
		}
		if part != "" && !barePart.MatchString(part) {
			parts[i] = quoteName(part)
		}
	}
	if text == "." {
		return quoteName(text)
	}
	return strings.Join(parts, ".")
}
