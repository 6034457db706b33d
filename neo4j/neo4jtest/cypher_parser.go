package neo4jtest

import (
	"fmt"
	"strings"
)

// dialect is what a parser must know of the server and of the database's language.
type dialect struct {
	calendar bool // 2025.01 and later, else 5.26
	language int  // 5 or 25
}

// statement is a parsed text.
type statement struct {
	text    string // without CYPHER and EXPLAIN
	explain bool
	dialect dialect
	params  []string
	cmd     command
}

// command is one of the things a statement can ask for.
type command interface{ isCommand() }

// name is a role's, user's, database's or other name as written: literal, or the parameter that holds it.
type name struct{ text, param string }

// parser walks over the tokens of one statement. Its methods panic with *syntaxError; parseStatement recovers it.
type parser struct {
	src      source
	tokens   []token
	at       int
	dialect  dialect
	params   []string
	furthest *syntaxError // the deepest refusal among alternatives

	depth         int  // of the expression being read
	labelsAllowed bool // n:Label is a test here, not a map's key
}

// parseStatement reads one statement. language is what applies when the text does not begin with CYPHER 5 or CYPHER 25.
func parseStatement(text string, d dialect) (stmt *statement, src source, failure *syntaxError) {
	src, failure = decodeUnicode(text)
	if failure != nil {
		return nil, source{[]rune(text)}, failure
	}
	tokens, failure := lex(src)
	if failure != nil {
		return nil, src, failure
	}
	p := &parser{src: src, tokens: tokens, dialect: d}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *syntaxError:
			stmt, failure = nil, r
		default:
			panic(r)
		}
	}()
	return p.statement(), src, nil
}

func (p *parser) statement() *statement {
	stmt := &statement{}
	p.prefix(stmt)
	if p.cur().kind == tokenEnd {
		p.refuse(&syntaxError{offset: p.cur().start, message: "Unexpected end of input: expected CYPHER, EXPLAIN, PROFILE or Query", gql: "42N45", on5: true})
	}
	p.checkLexicalRules()
	start := p.cur().start
	stmt.dialect = p.dialect
	stmt.cmd = p.body()
	end := p.tokens[max(p.at-1, 0)].end
	if p.sign(";") && p.ahead(1).text == ";" {
		p.next()
		p.unexpected("<EOF>")
	}
	p.acceptSign(";")
	if p.cur().kind != tokenEnd {
		if p.at > 0 && p.tokens[p.at-1].text == ";" && !p.sign(";") {
			p.refuse(&syntaxError{offset: p.cur().start, message: "Expected exactly one statement per query but got: 2", sentence: "Expected exactly one statement per query but got: 2.", gql: "42I15", noPlace: true})
		}
		p.unexpected("<EOF>")
	}
	stmt.text, stmt.params = p.src.slice(start, end), p.params
	return stmt
}

// prefix reads CYPHER [5|25] [option=value …], EXPLAIN and PROFILE in any order.
func (p *parser) prefix(stmt *statement) {
	for {
		switch {
		case p.accept("EXPLAIN"):
			stmt.explain = true
		case p.word("PROFILE"):
			p.next()
			panic(notEmulated("PROFILE"))
		case p.accept("CYPHER"):
			if p.cur().kind == tokenInt {
				p.languageVersion()
			}
			for p.cur().kind == tokenWord && p.ahead(1).text == "=" && p.ahead(1).kind == tokenSign {
				p.at += 3
			}
		default:
			return
		}
	}
}

func (p *parser) languageVersion() {
	version := p.next()
	valid := map[string]int{"5": 5}
	if p.dialect.calendar {
		valid["25"] = 25
	}
	language, ok := valid[version.text]
	if !ok {
		options, quoted := "5", "'5'"
		if p.dialect.calendar {
			options, quoted = "25, 5", "'25' and '5'"
		}
		panic(&syntaxError{code: codeArgumentError, noPlace: true, gql: "22N10", on5: true, outer: "22000",
			message:  fmt.Sprintf("%s is not a valid option for cypher version. Valid options are: %s", version.text, options),
			sentence: fmt.Sprintf("Invalid pre-parser option, specified '%s' is not valid for option 'cypher version'. Valid options are: %s.", version.text, quoted)})
	}
	p.dialect.language = language
}

// checkLexicalRules refuses what only one language's lexer refuses.
func (p *parser) checkLexicalRules() {
	if p.dialect.language != 25 {
		return
	}
	for i, t := range p.tokens {
		if t.kind == tokenWord && strings.Contains(t.text, "$") {
			p.at = i
			p.refuse(&syntaxError{offset: t.start, message: fmt.Sprintf("Invalid input '$': a name with a dollar needs backticks in Cypher 25: %s", t.text)})
		}
	}
}

func (p *parser) cur() token { return p.ahead(0) }

func (p *parser) ahead(n int) token {
	if p.at+n < len(p.tokens) {
		return p.tokens[p.at+n]
	}
	return p.tokens[len(p.tokens)-1]
}

func (p *parser) next() token {
	t := p.cur()
	if p.at < len(p.tokens)-1 {
		p.at++
	}
	return t
}

// isWord says that t is one of the keywords, in any case.
func isWord(t token, words ...string) bool {
	if t.kind != tokenWord {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(t.text, w) {
			return true
		}
	}
	return false
}

// word says that the current token is one of the keywords.
func (p *parser) word(words ...string) bool { return isWord(p.cur(), words...) }

// words says that the next tokens are these keywords.
func (p *parser) words(sequence ...string) bool {
	for i, w := range sequence {
		if !isWord(p.ahead(i), strings.Split(w, "|")...) {
			return false
		}
	}
	return true
}

// accept passes a sequence of keywords when all of them stand here; a keyword may be written "A|B".
func (p *parser) accept(sequence ...string) bool {
	if !p.words(sequence...) {
		return false
	}
	p.at += len(sequence)
	return true
}

// expect passes a sequence of keywords or refuses.
func (p *parser) expect(sequence ...string) {
	for _, w := range sequence {
		if !p.accept(w) {
			p.unexpected(expectedWords(w))
		}
	}
}

func expectedWords(w string) string {
	parts := strings.Split(w, "|")
	for i, part := range parts {
		parts[i] = "'" + part + "'"
	}
	return strings.Join(parts, " or ")
}

func (p *parser) sign(text string) bool { return p.cur().kind == tokenSign && p.cur().text == text }

func (p *parser) acceptSign(text string) bool {
	if !p.sign(text) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expectSign(text string) {
	if !p.acceptSign(text) {
		p.unexpected("'" + text + "'")
	}
}

// unexpected refuses the current token.
func (p *parser) unexpected(expected string) {
	t := p.cur()
	seen := "''"
	if t.kind != tokenEnd {
		seen = "'" + p.src.slice(t.start, t.end) + "'"
	}
	p.refuse(&syntaxError{offset: t.start, message: fmt.Sprintf("Invalid input %s: expected %s", seen, expected)})
}

// refuse ends parsing. Of several alternatives the refusal furthest in the text is told.
func (p *parser) refuse(err *syntaxError) {
	if p.furthest == nil || err.offset >= p.furthest.offset || err.final() {
		p.furthest = err
	}
	panic(p.furthest)
}

// attempt runs read and says whether it came through; if not, the parser stands where it stood.
func (p *parser) attempt(read func()) (ok bool) {
	at, params := p.at, len(p.params)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *syntaxError:
			if r.final() {
				panic(r)
			}
			p.at, p.params, ok = at, p.params[:params], false
		default:
			panic(r)
		}
	}()
	read()
	return true
}

// param reads $name, $`name` or $1 and returns its name.
func (p *parser) param() string {
	p.expectSign("$")
	t := p.cur()
	if t.kind != tokenWord && t.kind != tokenQuoted && t.kind != tokenInt {
		p.unexpected("a parameter name")
	}
	p.next()
	p.params = append(p.params, t.text)
	return t.text
}

// symbolicName reads an identifier; every keyword may be one.
func (p *parser) symbolicName() string {
	t := p.cur()
	if t.kind != tokenWord && t.kind != tokenQuoted {
		p.unexpected("an identifier")
	}
	p.next()
	return t.text
}

// name reads an identifier or a parameter.
func (p *parser) name() name {
	if p.sign("$") {
		return name{param: p.param()}
	}
	return name{text: p.symbolicName()}
}

// names reads a comma-separated list of names.
func (p *parser) names() []name {
	list := []name{p.name()}
	for p.acceptSign(",") {
		list = append(list, p.name())
	}
	return list
}

// databaseName reads a database or graph name: unquoted a.b is one name. Names are case-insensitive and kept in lower case.
func (p *parser) databaseName() name {
	if p.sign("$") {
		return name{param: p.param()}
	}
	quoted := p.cur().kind == tokenQuoted
	text := p.symbolicName()
	for p.sign(".") {
		at := p.cur().start
		p.next()
		quoted = quoted || p.cur().kind == tokenQuoted
		if quoted && p.dialect.language == 25 {
			p.refuse(&syntaxError{offset: at, message: "Incorrectly formatted graph reference. Expected a single quoted or unquoted identifier. Separate name parts should not be quoted individually.", gql: "42NAA"})
		}
		text += "." + p.symbolicName()
	}
	return name{text: strings.ToLower(text)}
}

// stringOrParam reads a string literal or a parameter.
func (p *parser) stringOrParam() name {
	if p.sign("$") {
		return name{param: p.param()}
	}
	return name{text: p.stringLiteral()}
}

func (p *parser) stringLiteral() string {
	if p.cur().kind != tokenString {
		p.unexpected("a string")
	}
	return p.next().text
}

// CodeNotEmulated is the code of every failure that says that a real server can do what this emulator cannot. Real servers never send it.
const CodeNotEmulated = "Neo.ClientError.Statement.FeatureNotEmulated"

// notEmulated is the refusal of what a real server would run.
func notEmulated(what string) *syntaxError {
	return &syntaxError{code: CodeNotEmulated, message: "not emulated: " + what, noPlace: true}
}
