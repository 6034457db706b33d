package neo4jtest

import (
	"math"
	"strconv"
	"strings"
)

// expr is an expression of Cypher.
type expr interface{ isExpr() }

type (
	literalExpr  struct{ value any }
	paramExpr    struct{ name string }
	variableExpr struct {
		name   string
		offset int
	}
	propertyExpr struct {
		of   expr
		name string
	}
	indexExpr struct{ of, index expr }
	callExpr  struct {
		name     string // lower case
		args     []expr
		distinct bool
		star     bool // count(*)
	}
	unaryExpr struct {
		op string // NOT, -, +
		of expr
	}
	binaryExpr struct {
		op          string
		left, right expr
	}
	chainExpr struct { // a < b < c
		operands []expr
		ops      []string
	}
	nullExpr struct {
		of  expr
		not bool
	}
	labelExpr struct {
		of     expr
		labels []string
	}
	listExpr struct{ items []expr }
	mapExpr  struct {
		keys   []string
		values []expr
	}
	caseExpr struct {
		subject   expr // nil for the searched form
		when      []expr
		then      []expr
		otherwise expr
	}
	comprehensionExpr struct {
		kind     string // "" for a list, any, all, none, single for a predicate
		variable string
		list     expr
		where    expr // nil when absent
		yield    expr // nil when absent
	}
	subqueryExpr struct{ kind string } // EXISTS {…} and COUNT {…}: recognised to be refused
)

func (literalExpr) isExpr()       {}
func (paramExpr) isExpr()         {}
func (variableExpr) isExpr()      {}
func (propertyExpr) isExpr()      {}
func (indexExpr) isExpr()         {}
func (callExpr) isExpr()          {}
func (unaryExpr) isExpr()         {}
func (binaryExpr) isExpr()        {}
func (chainExpr) isExpr()         {}
func (nullExpr) isExpr()          {}
func (labelExpr) isExpr()         {}
func (listExpr) isExpr()          {}
func (mapExpr) isExpr()           {}
func (caseExpr) isExpr()          {}
func (comprehensionExpr) isExpr() {}
func (subqueryExpr) isExpr()      {}

// maxNesting bounds recursion: a text of brackets must not exhaust the stack.
const maxNesting = 200

// expression reads OR, the loosest operator.
func (p *parser) expression() expr {
	p.depth++
	if p.depth > maxNesting {
		panic(notEmulated("an expression nested this deep"))
	}
	defer func() { p.depth-- }()
	return p.leftAssociative(0)
}

// keywordLevels are the operators that are words, from loosest to tightest.
var keywordLevels = []string{"OR", "XOR", "AND"}

func (p *parser) leftAssociative(level int) expr {
	if level == len(keywordLevels) {
		return p.negation()
	}
	left := p.leftAssociative(level + 1)
	for p.accept(keywordLevels[level]) {
		left = binaryExpr{keywordLevels[level], left, p.leftAssociative(level + 1)}
	}
	return left
}

func (p *parser) negation() expr {
	nots := 0
	for p.accept("NOT") {
		nots++
	}
	e := p.comparison()
	for ; nots > 0; nots-- {
		e = unaryExpr{"NOT", e}
	}
	return e
}

func (p *parser) comparison() expr {
	operands := []expr{p.predicate()}
	var ops []string
	for {
		t := p.cur()
		if t.kind == tokenSign && (t.text == "!=" || t.text == "==") {
			p.refuse(&syntaxError{offset: t.start, message: "Unknown operation '" + t.text + "' (you probably meant to use '<>' or '=', which are the operators of inequality and equality)", gql: "42I49"})
		}
		if t.kind != tokenSign || !strings.Contains(" = <> < <= > >= ", " "+t.text+" ") {
			break
		}
		p.next()
		ops = append(ops, t.text)
		operands = append(operands, p.predicate())
	}
	switch len(ops) {
	case 0:
		return operands[0]
	case 1:
		return binaryExpr{ops[0], operands[0], operands[1]}
	}
	return chainExpr{operands, ops}
}

// predicate reads the word operators that stand behind an operand.
func (p *parser) predicate() expr {
	left := p.sum()
	for {
		switch {
		case p.accept("STARTS", "WITH"):
			left = binaryExpr{"STARTS WITH", left, p.sum()}
		case p.accept("ENDS", "WITH"):
			left = binaryExpr{"ENDS WITH", left, p.sum()}
		case p.accept("CONTAINS"):
			left = binaryExpr{"CONTAINS", left, p.sum()}
		case p.acceptSign("=~"):
			left = binaryExpr{"=~", left, p.sum()}
		case p.accept("IN"):
			left = binaryExpr{"IN", left, p.sum()}
		case p.accept("IS", "NOT", "NULL"):
			left = nullExpr{left, true}
		case p.accept("IS", "NULL"):
			left = nullExpr{left, false}
		case p.sign(":") && p.labelsAllowed:
			left = labelExpr{left, p.labels()}
		default:
			return left
		}
	}
}

func (p *parser) labels() []string {
	var labels []string
	for p.acceptSign(":") {
		labels = append(labels, p.symbolicName())
	}
	return labels
}

func (p *parser) sum() expr {
	left := p.product()
	for p.sign("+") || p.sign("-") || p.sign("||") {
		op := p.next().text
		left = binaryExpr{op, left, p.product()}
	}
	return left
}

func (p *parser) product() expr {
	left := p.power()
	for p.sign("*") || p.sign("/") || p.sign("%") {
		op := p.next().text
		left = binaryExpr{op, left, p.power()}
	}
	return left
}

func (p *parser) power() expr {
	left := p.signed()
	for p.acceptSign("^") {
		left = binaryExpr{"^", left, p.signed()}
	}
	return left
}

func (p *parser) signed() expr {
	if p.sign("-") || p.sign("+") {
		op := p.next().text
		if p.cur().kind == tokenInt || p.cur().kind == tokenFloat {
			return p.number(op == "-")
		}
		p.depth++
		defer func() { p.depth-- }()
		if p.depth > maxNesting {
			panic(notEmulated("an expression nested this deep"))
		}
		return unaryExpr{op, p.signed()}
	}
	return p.postfix()
}

func (p *parser) postfix() expr {
	e := p.atom()
	for {
		switch {
		case p.sign(".") && p.ahead(1).kind != tokenSign:
			p.next()
			e = propertyExpr{e, p.symbolicName()}
		case p.acceptSign("["):
			index := p.expression()
			if p.sign("..") {
				panic(notEmulated("list slices"))
			}
			e = indexExpr{e, index}
			p.expectSign("]")
		default:
			return e
		}
	}
}

// number reads an integer or floating point literal. An integer that does not fit is a SyntaxError.
func (p *parser) number(negative bool) expr {
	t := p.next()
	text := t.text
	if negative {
		text = "-" + text
	}
	if t.kind == tokenFloat {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			p.refuse(&syntaxError{offset: t.start, message: "floating point number is too large", gql: "22003"})
		}
		return literalExpr{f}
	}
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil && len(t.text) > 1 && t.text[0] == '0' {
		n, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil {
		p.refuse(&syntaxError{offset: t.start, message: "integer is too large", gql: "22003"})
	}
	return literalExpr{n}
}

func (p *parser) atom() expr {
	t := p.cur()
	switch {
	case t.kind == tokenInt || t.kind == tokenFloat:
		return p.number(false)
	case t.kind == tokenString:
		p.next()
		return literalExpr{t.text}
	case p.sign("$"):
		return paramExpr{p.param()}
	case p.acceptSign("("):
		e := p.parenthesised()
		p.expectSign(")")
		return e
	case p.sign("["):
		return p.list()
	case p.sign("{"):
		return p.mapLiteral()
	case t.kind == tokenWord || t.kind == tokenQuoted:
		return p.named()
	}
	p.unexpected("an expression")
	return nil
}

// parenthesised reads inside round brackets, where a label test cannot be mistaken for a map's colon.
func (p *parser) parenthesised() expr {
	before := p.labelsAllowed
	p.labelsAllowed = true
	defer func() { p.labelsAllowed = before }()
	return p.expression()
}

// named reads keywords that are values, function calls and variables.
func (p *parser) named() expr {
	t := p.cur()
	if t.kind == tokenWord && !isCallAhead(p) {
		switch strings.ToUpper(t.text) {
		case "TRUE", "FALSE":
			p.next()
			return literalExpr{strings.EqualFold(t.text, "true")}
		case "NULL":
			p.next()
			return literalExpr{nil}
		case "INF", "INFINITY":
			p.next()
			return literalExpr{math.Inf(1)}
		case "NAN":
			p.next()
			return literalExpr{math.NaN()}
		case "CASE":
			p.next()
			return p.caseOf()
		}
		if isWord(t, "EXISTS", "COUNT", "COLLECT") && p.ahead(1).text == "{" && p.ahead(1).kind == tokenSign {
			p.next()
			p.skipBraces()
			return subqueryExpr{strings.ToUpper(t.text)}
		}
	}
	if isCallAhead(p) {
		return p.call()
	}
	p.next()
	return variableExpr{t.text, t.start}
}

// isCallAhead says that a dotted name followed by "(" stands here.
func isCallAhead(p *parser) bool {
	i := 1
	for p.ahead(i).kind == tokenSign && p.ahead(i).text == "." && (p.ahead(i+1).kind == tokenWord || p.ahead(i+1).kind == tokenQuoted) {
		i += 2
	}
	return p.ahead(i).kind == tokenSign && p.ahead(i).text == "("
}

func (p *parser) call() expr {
	function := p.symbolicName()
	for p.acceptSign(".") {
		function += "." + p.symbolicName()
	}
	c := callExpr{name: strings.ToLower(function)}
	p.expectSign("(")
	if isQuantifier(c.name) && isWord(p.ahead(1), "IN") {
		return p.quantified(c.name)
	}
	if p.acceptSign("*") {
		c.star = true
		p.expectSign(")")
		return c
	}
	c.distinct = p.accept("DISTINCT")
	for !p.sign(")") {
		c.args = append(c.args, p.expression())
		if !p.acceptSign(",") {
			break
		}
	}
	p.expectSign(")")
	return c
}

func isQuantifier(function string) bool {
	return function == "any" || function == "all" || function == "none" || function == "single"
}

func (p *parser) quantified(kind string) expr {
	c := comprehensionExpr{kind: kind, variable: p.symbolicName()}
	p.expect("IN")
	c.list = p.expression()
	p.expect("WHERE")
	c.where = p.expression()
	p.expectSign(")")
	return c
}

func (p *parser) caseOf() expr {
	var c caseExpr
	if !p.word("WHEN") {
		c.subject = p.expression()
	}
	for p.accept("WHEN") {
		c.when = append(c.when, p.expression())
		p.expect("THEN")
		c.then = append(c.then, p.expression())
	}
	if len(c.when) == 0 {
		p.unexpected("'WHEN'")
	}
	if p.accept("ELSE") {
		c.otherwise = p.expression()
	}
	p.expect("END")
	return c
}

func (p *parser) list() expr {
	p.expectSign("[")
	if p.cur().kind == tokenWord && isWord(p.ahead(1), "IN") {
		if !p.commaBeforeBracket() {
			return p.comprehension()
		}
	}
	var l listExpr
	for !p.sign("]") {
		l.items = append(l.items, p.expression())
		if !p.acceptSign(",") {
			break
		}
	}
	p.expectSign("]")
	return l
}

// commaBeforeBracket says that the list which is open here has several items: [x IN list, y] holds a test, [x IN list] and [x IN list WHERE …] are
// comprehensions. Looking ahead keeps nested lists from being read twice at every level.
func (p *parser) commaBeforeBracket() bool {
	depth := 0
	for i := 0; p.ahead(i).kind != tokenEnd; i++ {
		t := p.ahead(i)
		if t.kind != tokenSign {
			continue
		}
		switch t.text {
		case "[", "(", "{":
			depth++
		case "]", ")", "}":
			if depth--; depth < 0 {
				return false
			}
		case ",":
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

// comprehension reads x IN list [WHERE …] [| …] ].
func (p *parser) comprehension() expr {
	var c comprehensionExpr
	c.variable = p.symbolicName()
	p.expect("IN")
	c.list = p.expression()
	if p.accept("WHERE") {
		c.where = p.expression()
	}
	if p.acceptSign("|") {
		c.yield = p.expression()
	}
	p.expectSign("]")
	return c
}

func (p *parser) mapLiteral() expr {
	p.expectSign("{")
	before := p.labelsAllowed
	p.labelsAllowed = false
	defer func() { p.labelsAllowed = before }()
	var m mapExpr
	for !p.sign("}") {
		m.keys = append(m.keys, p.symbolicName())
		p.expectSign(":")
		m.values = append(m.values, p.expression())
		if !p.acceptSign(",") {
			break
		}
	}
	p.expectSign("}")
	return m
}

// skipBraces passes a balanced {…}.
func (p *parser) skipBraces() {
	depth := 0
	for p.cur().kind != tokenEnd {
		t := p.next()
		if t.kind == tokenSign && t.text == "{" {
			depth++
		}
		if t.kind == tokenSign && t.text == "}" {
			if depth--; depth == 0 {
				return
			}
		}
	}
	p.unexpected("'}'")
}

// walkExpr calls visit for e and every expression inside it, outermost first.
func walkExpr(e expr, visit func(expr)) {
	if e == nil {
		return
	}
	visit(e)
	for _, child := range children(e) {
		walkExpr(child, visit)
	}
}

// children are the expressions directly inside e. The body of a comprehension is left out where it speaks of its own variable only.
func children(e expr) []expr {
	switch e := e.(type) {
	case propertyExpr:
		return []expr{e.of}
	case indexExpr:
		return []expr{e.of, e.index}
	case callExpr:
		return e.args
	case unaryExpr:
		return []expr{e.of}
	case binaryExpr:
		return []expr{e.left, e.right}
	case chainExpr:
		return e.operands
	case nullExpr:
		return []expr{e.of}
	case labelExpr:
		return []expr{e.of}
	case listExpr:
		return e.items
	case mapExpr:
		return e.values
	case caseExpr:
		return append(append([]expr{e.subject, e.otherwise}, e.when...), e.then...)
	case comprehensionExpr:
		return []expr{e.list, e.where, e.yield}
	}
	return nil
}
