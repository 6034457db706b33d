package neo4j

import (
	"slices"
	"strings"
)

// action reads the privilege's name and returns all privileges of that name: ALL PRIVILEGES and a few others exist in several scopes.
func (p *privilegeParser) action() ([]action, *PrivilegeError) {
	typed := p.leadingWords()
	var found []action
	best, deepest := 0, 0
	for _, a := range actions {
		n := matchedWords(a, typed)
		deepest = max(deepest, n)
		if n < len(a.words) || n < best {
			continue
		}
		if n > best {
			best, found = n, nil
		}
		found = append(found, a)
	}
	if best == 0 {
		return nil, p.unknownAction(typed, deepest)
	}
	p.at += best
	next := p.peek()
	open := found[0].arg == argGlobs || found[0].arg == argLabels
	if !open && next.kind == tokenWord && !next.is("ON") {
		p.at -= best
		return nil, p.unknownAction(typed, deepest)
	}
	return found, nil
}

// leadingWords are the words up to ON, or up to what is no word.
func (p *privilegeParser) leadingWords() []token {
	end := p.at
	for p.tokens[end].kind == tokenWord && (end == p.at || !p.tokens[end].is("ON")) {
		end++
	}
	return p.tokens[p.at:end]
}

// matchedWords counts how many words of a's spelling typed begins with.
func matchedWords(a action, typed []token) int {
	n := 0
	for n < len(a.words) && n < len(typed) && isSpelling(a.words[n], typed[n].text) {
		n++
	}
	return n
}

// isSpelling says whether a word is one of "A|B", in any case. It is asked for each of a hundred names of each of many rows, and allocates nothing.
func isSpelling(of, word string) bool {
	for of != "" {
		var one string
		if one, of, _ = strings.Cut(of, "|"); len(one) == len(word) && equalASCII(one, word) {
			return true
		}
	}
	return false
}

// equalASCII compares without the case of ASCII letters only: Cypher's keywords have no others.
func equalASCII(upper, word string) bool {
	for i := range len(upper) {
		c := word[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if upper[i] != c {
			return false
		}
	}
	return true
}

func (p *privilegeParser) unknownAction(typed []token, deepest int) *PrivilegeError {
	if len(typed) == 0 {
		return syntaxToken(p.peek(), "A privilege begins with its name, such as MATCH, WRITE or ACCESS.")
	}
	var spellings, longer []string
	said := asciiUpper(spanOf(typed))
	for _, a := range actions {
		for _, s := range a.spellings() {
			spellings = append(spellings, s)
			if strings.HasPrefix(s, said+" ") {
				longer = append(longer, s)
			}
		}
	}
	bad := typed[min(deepest, len(typed)-1)]
	remedy := "There is no privilege " + spanOf(typed[:min(deepest+1, len(typed))]) + "."
	switch {
	case len(longer) == 1:
		remedy += " Did you mean " + longer[0] + "?"
	case len(longer) > 1:
		last := len(longer) - 1
		remedy += " Did you mean " + strings.Join(longer[:last], ", ") + " or " + longer[last] + "?"
	default:
		remedy += meant("", said, spellings)
	}
	return errorToken(bad, summaryUnknown, remedy)
}

// spellings are the ways to write the whole name.
func (a action) spellings() []string {
	out := []string{""}
	for i, word := range a.words {
		var longer []string
		for _, head := range out {
			for _, alternative := range strings.Split(word, "|") {
				if i > 0 {
					alternative = head + " " + alternative
				}
				longer = append(longer, alternative)
			}
		}
		out = longer
	}
	return out
}

// argument reads what stands between the name and ON.
func (p *privilegeParser) argument(a action, parts *product) (err *PrivilegeError) {
	switch a.arg {
	case argProperties:
		if err := p.expectSign("{", a.name+" needs properties: "+a.name+" {*} or "+a.name+" {name}."); err != nil {
			return err
		}
		if parts.properties, err = p.picks("a property", p.name); err != nil {
			return err
		}
		return p.expectSign("}", "The properties are not closed: } is missing.")
	case argLabels:
		parts.labels, err = p.picks("a label", p.name)
		return err
	case argUsers:
		parts.users = []Pick{everything}
		if !p.acceptSign("(") {
			return nil
		}
		if parts.users, err = p.picks("a user", p.userName); err != nil {
			return err
		}
		return p.expectSign(")", "The users are not closed: ) is missing.")
	case argGlobs:
		parts.globs, err = p.globs(a)
		return err
	}
	return nil
}

// missingOn explains what stands where ON should.
func (p *privilegeParser) missingOn(a action) *PrivilegeError {
	t := p.peek()
	switch {
	case t.sign(","):
		return syntaxToken(t, "An entry holds one privilege. Write the next one as an entry of its own.")
	case t.sign("{") && a.arg != argProperties:
		return syntaxToken(t, a.name+" takes no properties: leave out the braces.")
	case t.kind == tokenEnd:
		return syntaxToken(t, "Here ON and what the privilege is on must follow, such as ON "+onExample(a.scope)+".")
	}
	return syntaxToken(t, "Here ON must follow.")
}

func onExample(s Scope) string {
	if s == ScopeGraph || s == ScopeDatabase {
		return s.String() + " neo4j"
	}
	return s.String()
}

// place reads what follows ON, and picks the privilege of that scope.
func (p *privilegeParser) place(found []action, parts *product) (action, *PrivilegeError) {
	t := p.next()
	if t.is("DEFAULT") {
		return action{}, errorToken(t, summaryRefused, "Neo4j does not support ON DEFAULT. Use ON HOME "+found[0].scope.String()+" instead.")
	}
	parts.base.home = t.is("HOME")
	if parts.base.home {
		t = p.next()
	}
	scope, plural := scopeOf(t)
	if scope == ScopeLoad || parts.base.home && (plural || scope == ScopeDBMS) {
		if parts.base.home {
			return action{}, syntaxToken(t, "After HOME comes GRAPH or DATABASE.")
		}
		return action{}, syntaxToken(t, "After ON comes GRAPH, DATABASE, HOME or DBMS. Write ON "+onExample(found[0].scope)+".")
	}
	i := slices.IndexFunc(found, func(a action) bool { return a.scope == scope })
	if i < 0 {
		return action{}, syntaxToken(t, found[0].name+" is a "+found[0].scope.String()+" privilege: write ON "+onExample(found[0].scope)+".")
	}
	chosen := found[i]
	parts.base.action, parts.base.scope = chosen.name, scope
	if parts.base.home || scope == ScopeDBMS {
		return chosen, nil
	}
	var err *PrivilegeError
	parts.places, err = p.picks("a "+strings.ToLower(scope.String()), p.databaseName)
	return chosen, err
}

// scopeOf tells the scope that a word names; ScopeLoad, which no word names, for none.
func scopeOf(t token) (scope Scope, plural bool) {
	switch {
	case t.is("GRAPH", "GRAPHS"):
		return ScopeGraph, t.is("GRAPHS")
	case t.is("DATABASE", "DATABASES"):
		return ScopeDatabase, t.is("DATABASES")
	case t.is("DBMS"):
		return ScopeDBMS, false
	}
	return ScopeLoad, false
}

// qualifier reads NODES, RELATIONSHIPS, ELEMENTS or FOR, if there is one.
func (p *privilegeParser) qualifier(a action, parts *product) *PrivilegeError {
	t := p.peek()
	var entities []Entity
	switch {
	case t.is("ELEMENT", "ELEMENTS"):
		entities = []Entity{EntityNode, EntityRelationship}
	case t.is("NODE", "NODES"):
		entities = []Entity{EntityNode}
	case t.is("RELATIONSHIP", "RELATIONSHIPS"):
		entities = []Entity{EntityRelationship}
	case t.is("FOR"):
		return p.ruleQualifier(a, parts)
	}
	if entities == nil && a.elements {
		parts.entities, parts.labels = []Entity{EntityNode, EntityRelationship}, []Pick{everything}
		return nil
	}
	if entities == nil {
		return nil
	}
	if !a.elements {
		return syntaxToken(t, a.name+" counts for the whole graph: leave out "+asciiUpper(t.text)+" and what follows.")
	}
	p.next()
	labels, err := p.picks("a label or type", p.name)
	if err != nil {
		return err
	}
	parts.entities, parts.labels = entities, labels
	// Cypher 5 takes a meaningless (*) after the names of the three reading privileges.
	if a.rules && p.peek().sign("(") && p.ahead(1).sign("*") && p.ahead(2).sign(")") {
		p.at += 3
	}
	return nil
}

// picks reads a bare *, or names with commas between.
func (p *privilegeParser) picks(what string, name func(what string) (string, *PrivilegeError)) ([]Pick, *PrivilegeError) {
	if p.acceptSign("*") {
		if p.peek().sign(",") {
			return nil, syntaxToken(p.peek(), "* cannot be mixed with names: it already means all of them.")
		}
		return []Pick{everything}, nil
	}
	var out []Pick
	for {
		if p.peek().sign("*") {
			return nil, syntaxToken(p.peek(), "* cannot be mixed with names: it already means all of them.")
		}
		text, err := name(what)
		if err != nil {
			return nil, err
		}
		out = append(out, named(text))
		if !p.acceptSign(",") {
			return out, nil
		}
	}
}

// name reads one name.
func (p *privilegeParser) name(what string) (string, *PrivilegeError) {
	t := p.next()
	switch t.kind {
	case tokenWord:
		return t.text, nil
	case tokenQuoted:
		if t.text == "" && !p.lenient {
			return "", errorToken(t, summaryRefused, "An empty name is no name of "+what+".")
		}
		return t.text, nil
	case tokenParam:
		return "", parameter(t)
	case tokenString:
		return "", syntaxToken(t, "Names go in backticks, not in quotes.")
	case tokenNumber:
		return "", syntaxToken(t, "A name that begins with a digit goes in backticks.")
	}
	return "", syntaxToken(t, "Here the name of "+what+" must follow, or * for all.")
}

// databaseName reads a name that may have dots in it.
func (p *privilegeParser) databaseName(what string) (string, *PrivilegeError) {
	text, err := p.name(what)
	for err == nil && p.acceptSign(".") {
		var part string
		part, err = p.name(what)
		text += "." + part
	}
	return normalizeDatabase(text), err
}

func (p *privilegeParser) userName(what string) (string, *PrivilegeError) {
	t := p.peek()
	text, err := p.name(what)
	if err != nil || p.lenient {
		return text, err
	}
	if bad := checkUserName(text); bad != nil {
		return "", errorToken(t, summaryRefused, strings.ReplaceAll(bad.Error(), "\n", " "))
	}
	return text, nil
}
