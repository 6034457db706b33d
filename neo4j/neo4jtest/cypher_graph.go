package neo4jtest

import "strings"

// queryCmd is a statement on a graph, or one that needs none (RETURN 1).
type queryCmd struct{ clauses []clause }

func (queryCmd) isCommand() {}

// clause is one step of a query.
type clause interface{ isClause() }

type (
	matchClause struct {
		patterns []pattern
		where    expr
	}
	createClause struct{ patterns []pattern }
	mergeClause  struct {
		node              nodePattern
		onCreate, onMatch []setItem
	}
	unwindClause struct {
		list expr
		as   string
	}
	setClause    struct{ items []setItem }
	removeClause struct{ items []setItem }
	deleteClause struct {
		detach bool
		what   []expr
	}
	returnClause struct{ projection projection }
)

func (matchClause) isClause()  {}
func (createClause) isClause() {}
func (mergeClause) isClause()  {}
func (unwindClause) isClause() {}
func (setClause) isClause()    {}
func (removeClause) isClause() {}
func (deleteClause) isClause() {}
func (returnClause) isClause() {}

// nodePattern is (n:A:B {k: v}).
type nodePattern struct {
	variable   string
	labels     []string
	properties mapExpr
}

// pattern is one node, or two and the relationship between them.
type pattern struct {
	left  nodePattern
	rel   *relPattern
	right nodePattern
}

// relPattern is -[r:T {k: v}]->. direction is 1 for left to right, -1 for right to left, 0 for either.
type relPattern struct {
	variable   string
	types      []string
	properties mapExpr
	direction  int
}

// setItem is n.p = v, n:Label, n = map, n += map; REMOVE uses the first two without a value.
type setItem struct {
	variable string
	property string
	labels   []string
	value    expr
	merge    bool // +=
	whole    bool // n = map
}

// query reads clauses up to the end.
func (p *parser) query() command {
	var q queryCmd
	if !p.isClauseStart() {
		p.unexpected("a statement")
	}
	for p.cur().kind != tokenEnd && !p.sign(";") {
		if len(q.clauses) > 0 {
			if _, done := q.clauses[len(q.clauses)-1].(returnClause); done {
				if p.word("UNION") {
					panic(notEmulated("UNION"))
				}
				p.unexpected("<EOF>")
			}
		}
		q.clauses = append(q.clauses, p.clause())
	}
	p.checkEnding(q)
	return q
}

func (p *parser) checkEnding(q queryCmd) {
	switch q.clauses[len(q.clauses)-1].(type) {
	case matchClause:
		p.refuse(&syntaxError{offset: p.cur().start, message: "Query cannot conclude with MATCH (must be a RETURN clause, a FINISH clause, an update clause, a unit subquery call, or a procedure call with no YIELD).", gql: "42N71"})
	case unwindClause:
		p.refuse(&syntaxError{offset: p.cur().start, message: "Query cannot conclude with UNWIND (must be a RETURN clause, a FINISH clause, an update clause, a unit subquery call, or a procedure call with no YIELD).", gql: "42N71"})
	}
}

// isClauseStart says that a Cypher clause begins here, emulated or not.
func (p *parser) isClauseStart() bool {
	return p.word("MATCH", "CREATE", "MERGE", "UNWIND", "SET", "REMOVE", "DELETE", "DETACH", "NODETACH", "RETURN", "OPTIONAL", "WITH", "FOREACH", "LOAD", "FINISH",
		"INSERT", "LET", "FILTER", "LIMIT", "ORDER", "SKIP", "OFFSET", "WHEN", "CALL")
}

func (p *parser) clause() clause {
	switch {
	case p.accept("MATCH"):
		c := matchClause{patterns: p.patterns()}
		if p.accept("WHERE") {
			c.where = p.parenthesised()
		}
		return c
	case p.accept("CREATE"):
		return createClause{p.patterns()}
	case p.accept("MERGE"):
		return p.merge()
	case p.accept("UNWIND"):
		list := p.parenthesised()
		p.expect("AS")
		return unwindClause{list, p.symbolicName()}
	case p.accept("SET"):
		return setClause{p.setItems(true)}
	case p.accept("REMOVE"):
		return removeClause{p.setItems(false)}
	case p.words("DETACH", "DELETE"), p.words("DELETE"):
		return p.delete()
	case p.accept("RETURN"):
		c := returnClause{projection{distinct: p.accept("DISTINCT")}}
		p.returnItems(&c.projection)
		p.orderSkipLimit(&c.projection, false)
		return c
	case p.isClauseStart():
		panic(notEmulated(strings.ToUpper(p.cur().text)))
	}
	p.unexpected("a clause")
	return nil
}

func (p *parser) delete() clause {
	c := deleteClause{detach: p.accept("DETACH")}
	p.expect("DELETE")
	c.what = []expr{p.expression()}
	for p.acceptSign(",") {
		c.what = append(c.what, p.expression())
	}
	return c
}

func (p *parser) merge() clause {
	one := p.pattern()
	if one.rel != nil {
		panic(notEmulated("MERGE of a relationship"))
	}
	c := mergeClause{node: one.left}
	for p.accept("ON") {
		on := &c.onMatch
		if p.word("CREATE") {
			on = &c.onCreate
		}
		p.expect("CREATE|MATCH")
		p.expect("SET")
		*on = append(*on, p.setItems(true)...)
	}
	return c
}

func (p *parser) setItems(withValue bool) []setItem {
	var items []setItem
	for {
		it := setItem{variable: p.symbolicName()}
		switch {
		case p.sign(":"):
			it.labels = p.labels()
		case p.acceptSign("."):
			it.property = p.symbolicName()
			if withValue {
				p.expectSign("=")
				it.value = p.parenthesised()
			}
		case withValue && (p.sign("=") || p.sign("+=")):
			it.merge, it.whole = p.next().text == "+=", true
			it.value = p.parenthesised()
		default:
			p.unexpected("'.' or ':'")
		}
		items = append(items, it)
		if !p.acceptSign(",") {
			return items
		}
	}
}

func (p *parser) patterns() []pattern {
	list := []pattern{p.pattern()}
	for p.acceptSign(",") {
		list = append(list, p.pattern())
	}
	return list
}

func (p *parser) pattern() pattern {
	if p.cur().kind == tokenWord && !p.sign("(") {
		panic(notEmulated("named paths and path functions"))
	}
	one := pattern{left: p.nodePattern()}
	if !p.sign("-") && !p.sign("<") {
		return one
	}
	one.rel = p.relPattern()
	one.right = p.nodePattern()
	if p.sign("-") || p.sign("<") {
		panic(notEmulated("patterns of more than one relationship"))
	}
	return one
}

func (p *parser) nodePattern() nodePattern {
	p.expectSign("(")
	var n nodePattern
	n.variable = p.optionalVariable()
	n.labels = p.labels()
	if p.sign("|") || p.sign("&") || p.sign("!") || p.word("IS", "WHERE") {
		panic(notEmulated("label expressions and WHERE inside a pattern"))
	}
	n.properties = p.optionalMap()
	p.expectSign(")")
	return n
}

func (p *parser) optionalVariable() string {
	if k := p.cur().kind; (k == tokenWord || k == tokenQuoted) && !p.words("WHERE") {
		return p.symbolicName()
	}
	return ""
}

func (p *parser) optionalMap() mapExpr {
	if p.sign("$") {
		panic(notEmulated("a parameter as property map of a pattern"))
	}
	if p.sign("{") {
		return p.mapLiteral().(mapExpr)
	}
	return mapExpr{}
}

func (p *parser) relPattern() *relPattern {
	r := &relPattern{}
	if p.acceptSign("<") {
		r.direction = -1
	}
	p.expectSign("-")
	if p.acceptSign("[") {
		r.variable = p.optionalVariable()
		if p.acceptSign(":") {
			r.types = append(r.types, p.symbolicName())
			for p.acceptSign("|") {
				p.acceptSign(":")
				r.types = append(r.types, p.symbolicName())
			}
		}
		if p.sign("*") {
			panic(notEmulated("patterns of variable length"))
		}
		r.properties = p.optionalMap()
		p.expectSign("]")
	}
	p.expectSign("-")
	if p.acceptSign(">") {
		if r.direction < 0 {
			r.direction = 0
		} else {
			r.direction = 1
		}
	}
	return r
}

// callCmd is a standalone CALL of a procedure.
type callCmd struct {
	procedure string
	args      []expr
	implicit  bool // written without parentheses: arguments are parameters
	yield     *projection
	ret       *projection
}

func (callCmd) isCommand() {}

// callProcedure reads CALL name(args) [YIELD …] [WHERE …] [RETURN …].
func (p *parser) callProcedure() command {
	p.expect("CALL")
	if p.sign("{") || p.sign("(") {
		panic(notEmulated("CALL subqueries"))
	}
	c := callCmd{procedure: p.symbolicName()}
	for p.acceptSign(".") {
		c.procedure += "." + p.symbolicName()
	}
	if p.acceptSign("(") {
		for !p.sign(")") {
			c.args = append(c.args, p.expression())
			if !p.acceptSign(",") {
				break
			}
		}
		p.expectSign(")")
	} else {
		c.implicit = true
	}
	if !p.accept("YIELD") {
		return c
	}
	c.yield = &projection{}
	p.callYield(&c)
	if p.accept("WHERE") {
		c.yield.where = p.parenthesised()
	}
	if p.accept("RETURN") {
		c.ret = &projection{distinct: p.accept("DISTINCT")}
		p.returnItems(c.ret)
		p.orderSkipLimit(c.ret, false)
	} else if p.isClauseStart() {
		panic(notEmulated("clauses between CALL and RETURN"))
	}
	return c
}

func (p *parser) callYield(c *callCmd) {
	if p.acceptSign("*") {
		c.yield.star = true
		return
	}
	for {
		t := p.cur()
		it := item{alias: p.symbolicName()}
		it.e = variableExpr{it.alias, t.start}
		if p.accept("AS") {
			it.alias = p.symbolicName()
		}
		c.yield.items = append(c.yield.items, it)
		if !p.acceptSign(",") {
			return
		}
	}
}
