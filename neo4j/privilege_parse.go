package neo4j

import (
	"net/netip"
	"strings"
)

// ParsePrivilege parses one entry of a role's grant or deny list, such as "MATCH {*} ON GRAPH neo4j" or "WRITE ON GRAPH neo4j": a privilege of the
// Operations Manual ("Role-based access control") without its verb and without its TO part. It returns the rows that the statement makes in the
// catalogue, sorted and without duplicates. An error is always a *PrivilegeError. What a server takes but can never give back equal (parameters,
// functions of the moment it runs) or would refuse (DENY MERGE, an address range that is none) is refused here.
func ParsePrivilege(access Access, text string) ([]Atom, error) {
	p := &privilegeParser{access: access}
	var err *PrivilegeError
	if p.tokens, err = lex(text); err != nil {
		return nil, err
	}
	atoms, err := p.entry()
	if err != nil {
		return nil, err
	}
	return SortAtoms(atoms), nil
}

// Command is one statement that gives a role privileges or takes them away.
type Command struct {
	Verb      Verb
	Immutable bool   // the word IMMUTABLE stands in the text; the column immutable of the row may say more
	Role      string // unquoted; "$role" in the rows of SHOW USER PRIVILEGES AS COMMANDS, which name none
	Atoms     []Atom // sorted, without duplicates
}

// ParseCommand parses a row of SHOW PRIVILEGES AS [REVOKE] COMMANDS, or a statement made by GroupStatements. It takes every spelling of the grammar,
// and some that ParsePrivilege refuses because a spec should not hold them: what is live has to be read. An error is always a *PrivilegeError.
func ParseCommand(text string) (Command, error) {
	p := &privilegeParser{lenient: true}
	var err *PrivilegeError
	if p.tokens, err = lex(text); err != nil {
		return Command{}, err
	}
	c, err := p.command()
	if err != nil {
		return Command{}, err
	}
	return c, nil
}

// privilegeParser reads tokens. Its methods return *PrivilegeError, never the error interface, so that nil stays nil.
type privilegeParser struct {
	tokens  []token
	at      int
	access  Access
	lenient bool // a live row, not a spec
}

func (p *privilegeParser) peek() token { return p.tokens[p.at] }

// ahead is the token n places further on, or the last one.
func (p *privilegeParser) ahead(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *privilegeParser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *privilegeParser) acceptWord(words ...string) bool {
	if !p.peek().is(words...) {
		return false
	}
	p.at++
	return true
}

func (p *privilegeParser) acceptSign(sign string) bool {
	if !p.peek().sign(sign) {
		return false
	}
	p.at++
	return true
}

func (p *privilegeParser) expectSign(sign, remedy string) *PrivilegeError {
	if p.acceptSign(sign) {
		return nil
	}
	return syntaxToken(p.peek(), remedy)
}

func errorToken(t token, summary, remedy string) *PrivilegeError {
	return &PrivilegeError{Offset: t.start, Length: t.end - t.start, Summary: summary, Remedy: remedy}
}

func syntaxToken(t token, remedy string) *PrivilegeError {
	return errorToken(t, summarySyntax, remedy)
}

// entry is a privilege alone: what a spec holds.
func (p *privilegeParser) entry() ([]Atom, *PrivilegeError) {
	switch t := p.peek(); {
	case t.kind == tokenEnd:
		return nil, syntaxToken(t, "A privilege is missing, such as \"MATCH {*} ON GRAPH neo4j\".")
	case t.is("GRANT", "DENY", "REVOKE"):
		return nil, syntaxToken(t, "Leave out "+asciiUpper(t.text)+": the list that holds the privilege says whether it is granted or denied.")
	case t.is("IMMUTABLE"):
		return nil, errorToken(t, summaryRefused, "Immutable privileges cannot be managed: they only change on a server with authentication switched off.")
	}
	atoms, err := p.body()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.is("TO", "FROM") {
		return nil, syntaxToken(t, "Leave out "+asciiUpper(t.text)+" and what follows: the block says which role it is.")
	}
	return atoms, p.end()
}

// command is a whole statement.
func (p *privilegeParser) command() (Command, *PrivilegeError) {
	var c Command
	if p.acceptWord("CYPHER") {
		if t := p.next(); t.text != "5" && t.text != "25" {
			return c, syntaxToken(t, "CYPHER is followed by 5 or 25.")
		}
	}
	switch t := p.next(); {
	case t.is("GRANT"):
		c.Verb = VerbGrant
	case t.is("DENY"):
		c.Verb = VerbDeny
	case t.is("REVOKE") && p.acceptWord("GRANT"):
		c.Verb = VerbRevokeGrant
	case t.is("REVOKE") && p.acceptWord("DENY"):
		c.Verb = VerbRevokeDeny
	default:
		return c, syntaxToken(t, "A privilege command begins with GRANT, DENY, REVOKE GRANT or REVOKE DENY.")
	}
	p.access = c.Verb.Access()
	c.Immutable = p.acceptWord("IMMUTABLE")
	atoms, err := p.body()
	if err != nil {
		return c, err
	}
	c.Atoms = SortAtoms(atoms)
	if !p.acceptWord(c.Verb.preposition()) {
		return c, syntaxToken(p.peek(), "Here "+c.Verb.preposition()+" and the role must follow.")
	}
	switch t := p.next(); t.kind {
	case tokenWord, tokenQuoted:
		c.Role = t.text
	case tokenParam:
		c.Role = "$" + t.text
	default:
		return c, syntaxToken(t, "A role name must follow.")
	}
	return c, p.end()
}

// end checks that nothing follows but one semicolon.
func (p *privilegeParser) end() *PrivilegeError {
	p.acceptSign(";")
	t := p.peek()
	switch {
	case t.kind == tokenEnd:
		return nil
	case t.sign("*"):
		return syntaxToken(t, "* is no wildcard inside a name: list the names, or write * alone. A name that holds a * goes in backticks.")
	case t.sign("-"):
		return syntaxToken(t, "A name with a dash goes in backticks.")
	case t.is("ELEMENT", "ELEMENTS", "NODE", "NODES", "RELATIONSHIP", "RELATIONSHIPS"):
		return syntaxToken(t, "A privilege has one part that names nodes, relationships or elements. Write a second entry for the other.")
	case t.is("AND", "OR", "XOR"):
		return syntaxToken(t, "A property rule is one condition: "+asciiUpper(t.text)+" is not supported by Neo4j.")
	}
	return syntaxToken(t, "The privilege ends before this.")
}

// body is a privilege without verb and role.
func (p *privilegeParser) body() ([]Atom, *PrivilegeError) {
	start := p.peek()
	found, err := p.action()
	if err != nil {
		return nil, err
	}
	parts := product{base: Atom{action: found[0].name}}
	if found[0].name == "MERGE" && p.access == AccessDeny {
		return nil, errorToken(start, summaryRefused, "Neo4j does not support DENY MERGE. Deny SET PROPERTY and CREATE instead.")
	}
	if err := p.argument(found[0], &parts); err != nil {
		return nil, err
	}
	if !p.acceptWord("ON") {
		return nil, p.missingOn(found[0])
	}
	if found[0].scope == ScopeLoad {
		return p.load(parts)
	}
	chosen, err := p.place(found, &parts)
	if err != nil {
		return nil, err
	}
	if chosen.scope == ScopeGraph {
		if err := p.qualifier(chosen, &parts); err != nil {
			return nil, err
		}
	}
	return parts.atoms(), nil
}

// load is what follows LOAD ON.
func (p *privilegeParser) load(parts product) ([]Atom, *PrivilegeError) {
	parts.base.scope = ScopeLoad
	switch t := p.next(); {
	case t.is("ALL") && p.acceptWord("DATA"):
		return parts.atoms(), nil
	case t.is("URL"):
		return nil, errorToken(t, summaryRefused, "LOAD privileges with a URL pattern are not currently supported by Neo4j. Write LOAD ON ALL DATA or LOAD ON CIDR \"10.0.0.0/8\".")
	case t.is("CIDR"):
		return p.cidr(parts)
	default:
		return nil, syntaxToken(t, "Write LOAD ON ALL DATA or LOAD ON CIDR \"10.0.0.0/8\".")
	}
}

func (p *privilegeParser) cidr(parts product) ([]Atom, *PrivilegeError) {
	t := p.next()
	if t.kind == tokenParam {
		return nil, parameter(t)
	}
	if t.kind != tokenString {
		return nil, syntaxToken(t, "An address range in quotes must follow, such as \"10.0.0.0/8\".")
	}
	if _, err := netip.ParsePrefix(t.text); err != nil && !p.lenient {
		return nil, errorToken(t, summaryRefused, "This is no address range. Write one such as \"10.0.0.0/8\" or \"2001:db8::/32\".")
	}
	if p.peek().sign(",") {
		return nil, syntaxToken(p.peek(), "A LOAD privilege takes one address range. Write a second entry for the other.")
	}
	parts.base.cidr = t.text
	return parts.atoms(), nil
}

func parameter(t token) *PrivilegeError {
	return errorToken(t, summaryRefused, "A parameter has no value here. Write the value itself.")
}

// product is a privilege before its lists are multiplied out. An empty list means that the privilege has no such part.
type product struct {
	base       Atom
	places     []Pick
	properties []Pick
	entities   []Entity
	labels     []Pick
	users      []Pick
	globs      []string
}

func (x product) atoms() []Atom {
	out := []Atom{x.base}
	out = multiply(out, x.places, func(a *Atom, v Pick) { a.place = v })
	out = multiply(out, x.properties, func(a *Atom, v Pick) { a.property = v })
	out = multiply(out, x.entities, func(a *Atom, v Entity) { a.entity = v })
	out = multiply(out, x.labels, func(a *Atom, v Pick) { a.label = v })
	out = multiply(out, x.users, func(a *Atom, v Pick) { a.user = v })
	out = multiply(out, x.globs, func(a *Atom, v string) { a.glob = v })
	for i, a := range out {
		if a.scope == ScopeDatabase && eitherScope[a.action] && a.place.IsAll() {
			out[i].scope, out[i].place = ScopeDBMS, Pick{}
		}
	}
	return out
}

func multiply[T any](atoms []Atom, values []T, set func(*Atom, T)) []Atom {
	if len(values) == 0 {
		return atoms
	}
	out := make([]Atom, 0, len(atoms)*len(values))
	for _, a := range atoms {
		for _, v := range values {
			set(&a, v)
			out = append(out, a)
		}
	}
	return out
}

// spanOf joins tokens as a person would write them, for messages.
func spanOf(tokens []token) string {
	words := make([]string, len(tokens))
	for i, t := range tokens {
		words[i] = t.text
	}
	return strings.Join(words, " ")
}
