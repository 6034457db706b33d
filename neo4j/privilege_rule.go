package neo4j

import (
	"strings"
)

// condition is the WHERE of a property-based privilege (Operations Manual, "Property-based access control"), normalised: the variable is not kept, the
// map form and the form inside the pattern equal this one, values are in one spelling.
type condition struct {
	negated  bool
	property string
	operator string
	value    string // a literal in canonical spelling, "" for IS NULL and IS NOT NULL
}

const (
	opIsNull    = "IS NULL"
	opIsNotNull = "IS NOT NULL"
	opIn        = "IN"
	opMember    = "MEMBER" // value IN n.property, Cypher 25 only
)

// comparisons maps each operator to what it becomes when the sides are swapped.
var comparisons = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (c condition) print(variable string) string {
	var b strings.Builder
	if c.negated {
		b.WriteString("NOT ")
	}
	left := variable + "." + bareName(c.property)
	switch c.operator {
	case opMember:
		b.WriteString(c.value + " IN " + left)
	case opIsNull, opIsNotNull:
		b.WriteString(left + " " + c.operator)
	default:
		b.WriteString(left + " " + c.operator + " " + c.value)
	}
	return b.String()
}

// ruleParser is what a FOR part has said so far.
type ruleParser struct {
	*privilegeParser
	variable string // "" when the pattern names none
	rules    []condition
}

// ruleQualifier reads FOR and a node or relationship pattern with exactly one condition. The labels of a pattern become one atom each: a pattern with
// several means any of them. How a server prints such a row is not documented; split like this, both possible answers are equal.
func (p *privilegeParser) ruleQualifier(a action, parts *product) *PrivilegeError {
	t := p.next()
	if !a.rules {
		return errorToken(t, summaryRefused, a.name+" is not supported for property value access rules: only TRAVERSE, READ and MATCH are.")
	}
	r := &ruleParser{privilegeParser: p}
	labels, relationship, err := r.pattern()
	if err != nil {
		return err
	}
	if p.acceptWord("WHERE") {
		if err := r.where(); err != nil {
			return err
		}
	}
	switch {
	case len(r.rules) == 0:
		return syntaxToken(p.peek(), "A property rule needs its condition: WHERE n.property = value.")
	case len(r.rules) > 1:
		return errorToken(t, summaryRefused, "A property rule is about one property.")
	}
	parts.base.rule = r.rules[0]
	parts.entities, parts.labels = []Entity{EntityNode}, labels
	if relationship {
		parts.entities = []Entity{EntityRelationship}
	}
	return nil
}

const patternRemedy = "A property rule looks like FOR (n:Label) WHERE n.property = 1 or FOR ()-[r:TYPE]-() WHERE r.property = 1."

// pattern reads (n:A|B {p: 1}) or ()-[r:T]-(), in which the arrow says nothing.
func (r *ruleParser) pattern() (labels []Pick, relationship bool, err *PrivilegeError) {
	if err := r.expectSign("(", patternRemedy); err != nil {
		return nil, false, err
	}
	if r.peek().sign(")") && (r.ahead(1).sign("-") || r.ahead(1).sign("<")) {
		labels, err := r.relationshipPattern()
		return labels, true, err
	}
	labels, err = r.inside(")")
	if err == nil && (r.peek().sign("-") || r.peek().sign("<")) {
		err = syntaxToken(r.peek(), "The nodes of a relationship pattern are empty: FOR ()-[r:TYPE]-() WHERE r.property = 1.")
	}
	return labels, false, err
}

func (r *ruleParser) relationshipPattern() ([]Pick, *PrivilegeError) {
	r.next() // )
	left := r.acceptSign("<")
	for _, sign := range []string{"-", "["} {
		if err := r.expectSign(sign, patternRemedy); err != nil {
			return nil, err
		}
	}
	labels, err := r.inside("]")
	if err != nil {
		return nil, err
	}
	if err := r.expectSign("-", patternRemedy); err != nil {
		return nil, err
	}
	if !left {
		r.acceptSign(">")
	}
	for _, sign := range []string{"(", ")"} {
		if err := r.expectSign(sign, patternRemedy); err != nil {
			return nil, err
		}
	}
	return labels, nil
}

// inside reads a variable, labels, and a map or WHERE, up to and with the closing sign.
func (r *ruleParser) inside(closing string) ([]Pick, *PrivilegeError) {
	if t := r.peek(); t.kind == tokenQuoted || t.kind == tokenWord && !t.is("WHERE") {
		r.variable = r.next().text
	}
	labels := []Pick{everything}
	if r.acceptSign(":") {
		labels = nil
		for {
			name, err := r.name("a label or type")
			if err != nil {
				return nil, err
			}
			labels = append(labels, named(name))
			if !r.acceptSign("|") {
				break
			}
		}
	}
	var err *PrivilegeError
	if r.peek().sign("{") {
		err = r.mapForm()
	} else if r.acceptWord("WHERE") {
		err = r.where()
	}
	if err != nil {
		return nil, err
	}
	return labels, r.expectSign(closing, "Here "+closing+" must follow. Several labels are written A|B.")
}

// mapForm reads {property: value}.
func (r *ruleParser) mapForm() *PrivilegeError {
	r.next() // {
	property, err := r.name("a property")
	if err != nil {
		return err
	}
	if err := r.expectSign(":", "A map is written {property: value}."); err != nil {
		return err
	}
	value, err := r.value()
	if err != nil {
		return err
	}
	if r.peek().sign(",") {
		return errorToken(r.peek(), summaryRefused, "A property rule is about one property.")
	}
	r.rules = append(r.rules, condition{property: property, operator: "=", value: value})
	return r.expectSign("}", "The map is not closed: } is missing.")
}

// where reads the condition after WHERE.
func (r *ruleParser) where() *PrivilegeError {
	c, err := r.condition(0)
	r.rules = append(r.rules, c)
	return err
}

// maxParentheses keeps a hostile text from using up the stack; one pair is what people write.
const maxParentheses = 32

func (r *ruleParser) condition(depth int) (condition, *PrivilegeError) {
	t := r.peek()
	if depth > maxParentheses {
		return condition{}, syntaxToken(t, "There are too many parentheses.")
	}
	switch {
	case t.is("NOT"):
		r.next()
		c, err := r.condition(depth + 1)
		if err == nil && c.negated {
			return c, errorToken(t, summaryRefused, "A property rule takes one NOT.")
		}
		c.negated = true
		return c, err
	case t.sign("("):
		r.next()
		c, err := r.condition(depth + 1)
		if err != nil {
			return c, err
		}
		if r.peek().is("AND", "OR", "XOR") {
			return c, r.end()
		}
		return c, r.expectSign(")", "The condition is not closed: ) is missing.")
	case (t.kind == tokenWord || t.kind == tokenQuoted) && r.ahead(1).sign("."):
		return r.propertyFirst()
	}
	return r.valueFirst()
}

// property reads n.p, where n is the pattern's variable. The server of 5.26 refuses another one, newer ones do not look.
func (r *ruleParser) property() (string, *PrivilegeError) {
	t := r.next()
	if r.variable != "" && t.text != r.variable && !r.lenient {
		return "", errorToken(t, summaryRefused, "The pattern calls it "+r.variable+", so write "+r.variable+".property.")
	}
	r.next() // .
	return r.name("a property")
}

// propertyFirst reads n.p = value and its like.
func (r *ruleParser) propertyFirst() (condition, *PrivilegeError) {
	property, err := r.property()
	if err != nil {
		return condition{}, err
	}
	c := condition{property: property}
	t := r.next()
	switch {
	case t.is("IS") && r.acceptWord("NULL"):
		c.operator = opIsNull
		return c, nil
	case t.is("IS") && r.acceptWord("NOT"):
		c.operator = opIsNotNull
		if !r.acceptWord("NULL") {
			return c, syntaxToken(r.peek(), "Here NULL must follow.")
		}
		return c, nil
	case t.is("IN"):
		c.operator = opIn
		c.value, err = r.list()
		return c, err
	case t.kind == tokenSign && comparisons[t.text] != "":
		c.operator = t.text
		c.value, err = r.value()
		return c, err
	}
	return c, operatorError(t)
}

// valueFirst reads 1 < n.p, which equals n.p > 1, and 'x' IN n.p. Both are Cypher 25; the first needs it no more once the sides are swapped.
func (r *ruleParser) valueFirst() (condition, *PrivilegeError) {
	value, err := r.value()
	if err != nil {
		return condition{}, err
	}
	t := r.next()
	c := condition{operator: comparisons[t.text], value: value}
	switch {
	case t.is("IN"):
		c.operator = opMember
	case t.kind != tokenSign || c.operator == "":
		return c, operatorError(t)
	}
	if next := r.peek(); next.kind != tokenWord && next.kind != tokenQuoted || !r.ahead(1).sign(".") {
		return c, syntaxToken(next, "Here the property must follow, such as n.property.")
	}
	c.property, err = r.property()
	return c, err
}

func operatorError(t token) *PrivilegeError {
	return syntaxToken(t, "Failed to administer property rule. It compares one property with =, <>, <, <=, >, >=, IN [...], IS NULL or IS NOT NULL.")
}

// list reads [1, 2].
func (r *ruleParser) list() (string, *PrivilegeError) {
	if t := r.peek(); t.kind == tokenParam {
		return "", parameter(t)
	}
	if err := r.expectSign("[", "After IN comes a list, such as [1, 2]."); err != nil {
		return "", err
	}
	var values []string
	for !r.peek().sign("]") {
		value := "null"
		if !r.acceptWord("NULL") {
			var err *PrivilegeError
			if value, err = r.value(); err != nil {
				return "", err
			}
		}
		values = append(values, value)
		if !r.peek().sign(",") {
			break
		}
		r.next()
		if r.peek().sign("]") {
			return "", syntaxToken(r.peek(), "Another value must follow the comma.")
		}
	}
	return "[" + strings.Join(values, ", ") + "]", r.expectSign("]", "The list is not closed: ] is missing.")
}
