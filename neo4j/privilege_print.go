package neo4j

import "strings"

// String is the privilege as SHOW PRIVILEGES AS COMMANDS prints it, without verb and role: MATCH {*} ON GRAPH `neo4j` NODE *. The documented form is
// kept where there is one (Operations Manual, "Manage privileges"). Different atoms have different texts.
func (a Atom) String() string {
	var b strings.Builder
	b.WriteString(a.action)
	switch {
	case !a.property.IsNone():
		b.WriteString(" {" + a.property.String() + "}")
	case !a.user.IsNone():
		b.WriteString(" (" + a.user.String() + ")")
	case a.glob != "":
		b.WriteString(" " + printGlob(a.glob))
	case a.entity == EntityNone && !a.label.IsNone():
		b.WriteString(" " + a.label.String())
	}
	b.WriteString(" ON " + a.placeText())
	switch {
	case a.hasRule():
		b.WriteString(" FOR " + rulePattern(a, patternLabels([]Pick{a.label}, bareName)))
	case a.entity != EntityNone:
		b.WriteString(" " + a.entity.String() + " " + a.label.String())
	}
	return b.String()
}

func (a Atom) placeText() string {
	switch {
	case a.scope == ScopeLoad && a.cidr != "":
		return "CIDR " + quoteWith('"', a.cidr)
	case a.scope == ScopeLoad:
		return "ALL DATA"
	case a.scope == ScopeDBMS:
		return "DBMS"
	case a.home:
		return "HOME " + a.scope.String()
	}
	return a.scope.String() + " " + a.place.print(quoteName)
}

// patternLabels is what stands between the variable and the end of a pattern: "", or ":A|B".
func patternLabels(labels []Pick, quote func(string) string) string {
	names := make([]string, 0, len(labels))
	for _, l := range labels {
		if !l.IsAll() {
			names = append(names, l.print(quote))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ":" + strings.Join(names, "|")
}

func rulePattern(a Atom, labels string) string {
	v := a.variable()
	if a.entity == EntityRelationship {
		return "()-[" + v + labels + "]-() WHERE " + a.Rule()
	}
	return "(" + v + labels + ") WHERE " + a.Rule()
}
