package neo4jtest

import "strings"

// starName is * or a name, told apart: a database may be named "*" in backticks.
type starName struct {
	star bool
	name string
}

// covers says that s speaks of name.
func (s starName) covers(name string) bool { return s.star || s.name == name }

// String gives * or the name.
func (s starName) String() string {
	if s.star {
		return "*"
	}
	return plainOrQuoted(s.name)
}

// atom is one row of SHOW PRIVILEGES AS COMMANDS: one action on one graph or database, one property, one label or type, one user, glob or network.
type atom struct {
	deny      bool
	immutable bool
	action    *action
	home      bool
	graph     starName // on graphs and databases
	property  *starName
	kind      string // NODE or RELATIONSHIP, "" when the action takes no entity
	entity    starName
	label     *starName
	user      *starName
	glob      string
	cidr      *string
	rule      *propertyRule
}

// verb is GRANT or DENY.
func (a atom) verb() string {
	if a.deny {
		return "DENY"
	}
	return "GRANT"
}

// body is the privilege without verb and role, in canonical spelling.
func (a atom) body() string {
	var b strings.Builder
	b.WriteString(a.action.name)
	switch {
	case a.property != nil:
		b.WriteString(" {" + a.property.String() + "}")
	case a.label != nil:
		b.WriteString(" " + a.label.String())
	case a.user != nil:
		b.WriteString(" (" + a.user.String() + ")")
	case a.glob != "":
		b.WriteString(" " + a.glob)
	}
	b.WriteString(" ON " + a.targetText())
	if a.rule != nil {
		b.WriteString(" FOR " + a.rule.text())
	} else if a.kind != "" {
		b.WriteString(" " + a.kind + " " + a.entity.String())
	}
	return b.String()
}

func (a atom) targetText() string {
	switch a.action.on {
	case onDBMS:
		return "DBMS"
	case onLoad:
		if a.cidr == nil {
			return "ALL DATA"
		}
		return `CIDR "` + escapeString(*a.cidr, '"') + `"`
	}
	kind := "GRAPH"
	if a.action.on == onDatabase {
		kind = "DATABASE"
	}
	switch {
	case a.home:
		return "HOME " + kind
	case a.graph.star:
		return kind + " *"
	}
	return kind + " " + quoteName(a.graph.name)
}

// key tells atoms of one role apart.
func (a atom) key() string { return a.head("") + a.body() }

func (a atom) head(prefix string) string {
	head := prefix + a.verb() + " "
	if a.immutable {
		head += "IMMUTABLE "
	}
	return head
}

// command is the row of AS COMMANDS for a role, which is always in backticks; revoke is AS REVOKE COMMANDS. role is written as it stands.
func (a atom) command(role string, revoke bool) string {
	if revoke {
		return a.head("REVOKE ") + a.body() + " FROM " + role
	}
	return a.head("") + a.body() + " TO " + role
}

// pretty is the text of the privilege as notifications and error chains quote it, which is not that of AS COMMANDS: names bare where they can be,
// a star entity in the plural (seen on Neo4j Community).
func (a atom) pretty() string {
	b := a.body()
	if a.graph.name != "" {
		b = strings.Replace(b, " ON "+a.targetText(), " ON "+strings.Fields(a.targetText())[0]+" "+plainOrQuoted(a.graph.name), 1)
	}
	if a.action.name == "WRITE" {
		b += " NODES *"
	}
	b = strings.ReplaceAll(strings.ReplaceAll(b, " NODE *", " NODES *"), " RELATIONSHIP *", " RELATIONSHIPS *")
	b = strings.ReplaceAll(b, " FUNCTION ", " USER DEFINED FUNCTION ")
	return strings.Replace(b, "SET PASSWORD ON", "SET PASSWORDS ON", 1)
}

// escapeString writes text inside a literal with this quote.
func escapeString(text string, quote rune) string {
	return strings.NewReplacer(`\`, `\\`, string(quote), `\`+string(quote), "\n", `\n`, "\r", `\r`, "\t", `\t`, "\b", `\b`, "\f", `\f`).Replace(text)
}

// rawRows is a's row of SHOW PRIVILEGES: resource, graph and segment as the manual's tables print them. Of property rules, LOAD and settings the manual shows
// no raw row; theirs follow the others' pattern.
func (a atom) rawRows(role string) []map[string]any {
	row := map[string]any{"access": "GRANTED", "action": a.action.raw, "resource": "database", "graph": "*", "segment": "database", "role": role, "immutable": a.immutable}
	if a.deny {
		row["access"] = "DENIED"
	}
	if a.home {
		row["graph"] = "DEFAULT"
	} else if a.graph.name != "" {
		row["graph"] = a.graph.name
	}
	if a.action.on == onGraph {
		row["resource"] = "graph"
	}
	switch {
	case a.property != nil && a.property.star:
		row["resource"] = "all_properties"
	case a.property != nil:
		row["resource"] = "property(" + a.property.name + ")"
	case a.label != nil && a.label.star:
		row["resource"] = "all_labels"
	case a.label != nil:
		row["resource"] = "label(" + a.label.name + ")"
	}
	row["segment"] = a.segment()
	if a.action.on == onLoad {
		row["resource"] = "load"
	}
	if a.action.on != onGraph || a.kind != "" || a.label != nil {
		return []map[string]any{row}
	}
	return bothKinds(row)
}

// bothKinds is the pair of rows that one WRITE or ALL GRAPH PRIVILEGES has.
func bothKinds(row map[string]any) []map[string]any {
	rows := make([]map[string]any, 2)
	for i, segment := range []string{"NODE(*)", "RELATIONSHIP(*)"} {
		rows[i] = map[string]any{}
		for k, v := range row {
			rows[i][k] = v
		}
		rows[i]["segment"] = segment
	}
	return rows
}

func (a atom) segment() string {
	bare := func(s starName) string {
		if s.star {
			return "*"
		}
		return s.name
	}
	switch {
	case a.rule != nil:
		return a.kind + "(" + a.rule.text() + ")"
	case a.kind != "":
		return a.kind + "(" + bare(a.entity) + ")"
	case a.label != nil:
		return "NODE(*)"
	case a.user != nil:
		return "USER(" + bare(*a.user) + ")"
	case strings.HasSuffix(a.action.name, "PROCEDURE"):
		return "PROCEDURE(" + a.glob + ")"
	case strings.HasSuffix(a.action.name, "FUNCTION"):
		return "FUNCTION(" + a.glob + ")"
	case a.glob != "":
		return "SETTING(" + a.glob + ")"
	case a.cidr != nil:
		return "CIDR(" + *a.cidr + ")"
	}
	return "database"
}

// propertyRule is a FOR part whose value is known.
type propertyRule struct {
	kind      string
	labels    []string
	negated   bool
	property  string
	op        string
	value     any    // int64, float64, string, bool, []any; nil where only valueText tells it
	valueText string // as printed
}

// text is the canonical form: WHERE form, variable n or r, no direction.
func (r *propertyRule) text() string {
	variable, labels := "n", ""
	if len(r.labels) > 0 {
		quoted := make([]string, len(r.labels))
		for i, l := range r.labels {
			quoted[i] = plainOrQuoted(l)
		}
		labels = ":" + strings.Join(quoted, "|")
	}
	open, closing := "(", ")"
	if r.kind == "RELATIONSHIP" {
		variable, open, closing = "r", "()-[", "]-()"
	}
	property := variable + "." + plainOrQuoted(r.property)
	condition := ""
	switch r.op {
	case "IS NULL", "IS NOT NULL":
		condition = property + " " + r.op
	case "HAS":
		condition = r.valueText + " IN " + property
	default:
		condition = property + " " + r.op + " " + r.valueText
	}
	if r.negated {
		condition = "NOT " + condition
	}
	return open + variable + labels + closing + " WHERE " + condition
}

// matches says whether an element with these labels (or this type) and properties falls under the rule.
func (r *propertyRule) matches(labels []string, properties map[string]any) bool {
	if len(r.labels) > 0 {
		hit := false
		for _, l := range r.labels {
			hit = hit || hasString(labels, l)
		}
		if !hit {
			return false
		}
	}
	have := properties[r.property]
	var outcome any
	switch r.op {
	case "IS NULL":
		outcome = have == nil
	case "IS NOT NULL":
		outcome = have != nil
	case "IN":
		outcome, _ = contains(have, r.value)
		if have == nil {
			outcome = nil
		}
	case "HAS":
		outcome, _ = contains(r.value, have)
	default:
		outcome = compareBy(r.op, have, r.value)
	}
	b, known := outcome.(bool)
	return known && b != r.negated
}
