package neo4jtest

import (
	"math"
	"strings"
)

// ruleSpec is the FOR part of a privilege as written: which nodes or relationships it speaks of, by the value of one property.
type ruleSpec struct {
	kind     string // NODE or RELATIONSHIP
	labels   []string
	negated  bool
	property string
	op       string // =, <>, <, <=, >, >=, IN, IS NULL, IS NOT NULL, HAS ('x' IN n.p)
	value    expr   // nil for IS [NOT] NULL
}

// temporalFunctions make the values a property rule may compare with, beside literals.
var ruleFunctions = map[string]bool{
	"date": true, "datetime": true, "localdatetime": true, "time": true, "localtime": true, "duration": true, "point": true,
}

func (p *parser) rule() *ruleSpec {
	start := p.cur().start
	if p.sign("(") && p.ahead(1).text == ")" && (p.ahead(2).text == "-" || p.ahead(2).text == "<") {
		return p.relationshipRule(start)
	}
	p.expectSign("(")
	spec := p.rulePattern("NODE", ")", start)
	return spec
}

func (p *parser) relationshipRule(start int) *ruleSpec {
	if !p.dialect.calendar {
		p.at += 2
		p.unexpected("'WHERE'")
	}
	p.at += 2
	p.acceptSign("<")
	p.expectSign("-")
	p.expectSign("[")
	spec := p.ruleBody("RELATIONSHIP", start)
	p.expectSign("]")
	p.expectSign("-")
	p.acceptSign(">")
	p.expectSign("(")
	p.expectSign(")")
	return p.ruleWhere(spec, start)
}

func (p *parser) rulePattern(kind, end string, start int) *ruleSpec {
	body := p.ruleBody(kind, start)
	p.expectSign(end)
	return p.ruleWhere(body, start)
}

// rulePart is a rule half read: its pattern may or may not have held the condition.
type rulePart struct {
	spec     *ruleSpec
	variable string
	done     bool
}

// ruleBody reads [variable] [:A|B] [{p: v} | WHERE …] inside the brackets.
func (p *parser) ruleBody(kind string, start int) *rulePart {
	part := &rulePart{spec: &ruleSpec{kind: kind}}
	if (p.cur().kind == tokenWord || p.cur().kind == tokenQuoted) && !p.word("WHERE") {
		part.variable = p.symbolicName()
	}
	if p.acceptSign(":") {
		part.spec.labels = append(part.spec.labels, p.symbolicName())
		for p.acceptSign("|") {
			part.spec.labels = append(part.spec.labels, p.symbolicName())
		}
	}
	switch {
	case p.sign("{"):
		m := p.mapLiteral().(mapExpr)
		p.ruleMap(part.spec, m, start)
		part.done = true
	case p.accept("WHERE"):
		p.ruleCondition(part, p.expression(), start)
	}
	return part
}

func (p *parser) ruleWhere(part *rulePart, start int) *ruleSpec {
	if !part.done {
		p.expect("WHERE")
		p.ruleCondition(part, p.expression(), start)
	}
	return part.spec
}

func (p *parser) ruleMap(spec *ruleSpec, m mapExpr, start int) {
	if len(m.keys) != 1 {
		p.refuseRuleFor(start, "Failed to administer property rule. The expression: is not supported. Property rules can only contain one property.", "22NA2")
	}
	if l, ok := m.values[0].(literalExpr); ok && l.value == nil {
		p.refuseRuleFor(start, "Failed to administer property rule. The property value access rule pattern `{"+m.keys[0]+": NULL}` always evaluates to `NULL`. Use `WHERE` syntax in combination with `IS NULL` instead.", "22NB0")
	}
	p.ruleValue(m.values[0], false, start)
	spec.property, spec.op, spec.value = m.keys[0], "=", m.values[0]
}

// refuseRuleFor refuses with the cause gql, under 22NA0.
func (p *parser) refuseRuleFor(start int, message, gql string) {
	p.refuse(&syntaxError{offset: start, message: message, gql: gql, outer: "22NA0"})
}

func (p *parser) refuseCondition(start int) {
	p.refuseRuleFor(start, "Failed to administer property rule. The expression is not supported. Only single, literal-based predicate expressions are allowed for property-based access control.", "22NA7")
}

// flipped is an operator seen from its other side.
var flipped = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (p *parser) ruleCondition(part *rulePart, e expr, start int) {
	part.done = true
	if u, ok := e.(unaryExpr); ok && u.op == "NOT" {
		part.spec.negated = true
		e = u.of
	}
	switch e := e.(type) {
	case nullExpr:
		part.spec.op = "IS NULL"
		if e.not {
			part.spec.op = "IS NOT NULL"
		}
		p.ruleProperty(part, e.of, start)
	case binaryExpr:
		p.ruleComparison(part, e, start)
	default:
		p.refuseCondition(start)
	}
}

func (p *parser) ruleComparison(part *rulePart, e binaryExpr, start int) {
	if flipped[e.op] == "" && e.op != "IN" {
		p.refuseCondition(start)
	}
	if _, ok := e.left.(propertyExpr); ok {
		p.ruleProperty(part, e.left, start)
		part.spec.op, part.spec.value = e.op, e.right
		p.ruleValue(e.right, e.op == "IN", start)
		return
	}
	if _, ok := e.right.(propertyExpr); !ok || p.dialect.language != 25 {
		p.refuseRuleFor(start, "Failed to administer property rule. The property must appear on the left hand side of the operator.", "22NA1")
	}
	p.ruleProperty(part, e.right, start)
	p.ruleValue(e.left, false, start)
	part.spec.op, part.spec.value = flipped[e.op], e.left
	if e.op == "IN" {
		part.spec.op = "HAS"
	}
}

// ruleProperty reads variable.property. 5.26 wants the pattern's own variable, calendar versions take any.
func (p *parser) ruleProperty(part *rulePart, e expr, start int) {
	prop, ok := e.(propertyExpr)
	if !ok {
		p.refuseCondition(start)
	}
	v, ok := prop.of.(variableExpr)
	if !ok {
		p.refuseCondition(start)
	}
	if !p.dialect.calendar && v.name != part.variable {
		p.refuse(&syntaxError{offset: v.offset, message: "Variable `" + v.name + "` not defined", sentence: "Variable `" + v.name + "` not defined.", gql: "42N62"})
	}
	part.spec.property = prop.name
}

// ruleValue refuses what a property cannot be compared with.
func (p *parser) ruleValue(e expr, list bool, start int) {
	switch e := e.(type) {
	case literalExpr:
		f, isFloat := e.value.(float64)
		switch {
		case list:
			p.refuseCondition(start)
		case e.value == nil:
			p.refuseRuleFor(start, "Failed to administer property rule. The property value access rule pattern always evaluates to `NULL`. Use `IS NULL` instead.", "22NA5")
		case isFloat && math.IsNaN(f):
			p.refuseRuleFor(start, "Failed to administer property rule. `NaN` is not supported for property-based access control.", "22NA3")
		}
	case paramExpr:
	case listExpr:
		if !list {
			p.refuseCondition(start)
		}
		for _, item := range e.items {
			if l, ok := item.(literalExpr); !ok || l.value != nil {
				p.ruleValue(item, false, start)
			}
		}
	case callExpr:
		if !ruleFunctions[e.name] || list {
			p.refuseCondition(start)
		}
	case unaryExpr:
		l, ok := e.of.(literalExpr)
		if f, isFloat := l.value.(float64); !ok || e.op == "NOT" || isFloat && math.IsInf(f, 0) {
			p.refuseCondition(start)
		}
	default:
		if prop, ok := e.(propertyExpr); ok {
			p.refuseRuleFor(start, "Failed to administer property rule. The expression compares two properties: "+prop.name, "22NA2")
		}
		p.refuseCondition(start)
	}
}

// is5Crash says that 5.26 fails inside on this rule instead of refusing it (seen on Neo4j 5.26 Community).
func (r *ruleSpec) is5Crash(d dialect) bool {
	return !d.calendar && r.negated && strings.TrimSpace(r.op) == "<>"
}
