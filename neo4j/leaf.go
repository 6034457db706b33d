package neo4j

import (
	"maps"
	"slices"
	"strings"
)

// compounds says which privileges another one consists of (Operations Manual, "Role-based access control": the pages on read, write, database and DBMS privileges). The names
// of graph, database and DBMS privileges are kept apart by the scope.
var compounds = map[Scope]map[string][]string{
	ScopeGraph: {
		"MATCH":                {"TRAVERSE", "READ"},
		"MERGE":                {"CREATE", "SET PROPERTY"},
		"WRITE":                {"CREATE", "DELETE", "SET PROPERTY", "SET LABEL", "REMOVE LABEL"},
		"ALL GRAPH PRIVILEGES": {"MATCH", "WRITE"},
	},
	ScopeDatabase: {
		"INDEX MANAGEMENT":       {"CREATE INDEX", "DROP INDEX", "SHOW INDEX"},
		"CONSTRAINT MANAGEMENT":  {"CREATE CONSTRAINT", "DROP CONSTRAINT", "SHOW CONSTRAINT"},
		"NAME MANAGEMENT":        {"CREATE NEW NODE LABEL", "CREATE NEW RELATIONSHIP TYPE", "CREATE NEW PROPERTY NAME"},
		"TRANSACTION MANAGEMENT": {"SHOW TRANSACTION", "TERMINATE TRANSACTION"},
		// Not START, STOP and those about transactions.
		"ALL DATABASE PRIVILEGES": {"ACCESS", "INDEX MANAGEMENT", "CONSTRAINT MANAGEMENT", "NAME MANAGEMENT",
			"ALTER DATABASE", "SET DATABASE ACCESS", "SET DATABASE DEFAULT LANGUAGE", "ALTER COMPOSITE DATABASE"},
	},
	ScopeDBMS: {
		"ROLE MANAGEMENT":          {"CREATE ROLE", "RENAME ROLE", "DROP ROLE", "ASSIGN ROLE", "REMOVE ROLE", "SHOW ROLE"},
		"ALTER USER":               {"SET PASSWORD", "SET AUTH", "SET USER STATUS", "SET USER HOME DATABASE"},
		"USER MANAGEMENT":          {"CREATE USER", "RENAME USER", "ALTER USER", "DROP USER", "SHOW USER"},
		"USER METADATA MANAGEMENT": {"SET USER METADATA", "SHOW USER METADATA"},
		"AUTH RULE MANAGEMENT":     {"CREATE AUTH RULE", "ALTER AUTH RULE", "RENAME AUTH RULE", "DROP AUTH RULE", "SHOW AUTH RULE"},
		"PRIVILEGE MANAGEMENT":     {"SHOW PRIVILEGE", "ASSIGN PRIVILEGE", "REMOVE PRIVILEGE"},
		"ALTER DATABASE":           {"ALTER DATABASE", "SET DATABASE ACCESS", "SET DATABASE DEFAULT LANGUAGE"},
		"COMPOSITE DATABASE MANAGEMENT": {
			"CREATE COMPOSITE DATABASE", "DROP COMPOSITE DATABASE", "ALTER COMPOSITE DATABASE"},
		"DATABASE MANAGEMENT": {"CREATE DATABASE", "DROP DATABASE", "ALTER DATABASE", "COMPOSITE DATABASE MANAGEMENT"},
		"ALIAS MANAGEMENT":    {"CREATE ALIAS", "DROP ALIAS", "ALTER ALIAS", "SHOW ALIAS"},
		"SERVER MANAGEMENT":   {"SHOW SERVERS", "SERVER MANAGEMENT"},
		"ALL DBMS PRIVILEGES": {"ROLE MANAGEMENT", "USER MANAGEMENT", "USER METADATA MANAGEMENT", "AUTH RULE MANAGEMENT", "PRIVILEGE MANAGEMENT",
			"DATABASE MANAGEMENT", "ALIAS MANAGEMENT", "SERVER MANAGEMENT", "EXECUTE PROCEDURE", "EXECUTE BOOSTED PROCEDURE", "EXECUTE FUNCTION",
			"EXECUTE BOOSTED FUNCTION", "EXECUTE ADMIN PROCEDURES", "IMPERSONATE", "SHOW SETTING"},
	},
}

// leaf is one thing that can be done, on as much as a privilege says: an atom whose action consists of no others, with nothing left out. Home stands for the name of the
// home database.
type leaf struct {
	action   string
	scope    Scope
	place    Pick
	property Pick
	entity   Entity
	label    Pick // of an element; of SET LABEL and REMOVE LABEL the label itself
	user     Pick
	glob     string
	cidr     string
	rule     condition
}

// leavesOf takes an atom apart. home is the name of the home database. A denial of MATCH of single properties leaves what is found alone; a grant of it always finds too
// (Operations Manual, "The MATCH privilege").
func leavesOf(a Atom, access Access, home string) []leaf {
	base := leaf{scope: a.scope, place: a.place, property: a.property, entity: a.entity, label: a.label, user: a.user, glob: a.glob, cidr: a.cidr, rule: a.rule}
	if a.home {
		base.place = named(home)
	}
	if base.user.IsNone() {
		base.user = everything
	}
	var out []leaf
	for _, action := range partsOf(a.scope, a.action) {
		if access == AccessDeny && a.action == "MATCH" && action == "TRAVERSE" && !a.property.IsAll() {
			continue
		}
		l := base
		l.action = action
		out = append(out, l.shaped()...)
	}
	return out
}

// partsOf lists the actions that an action comes down to; one that consists of no others is its own.
func partsOf(scope Scope, action string) []string {
	parts, compound := compounds[scope][action]
	if !compound {
		return []string{action}
	}
	all := make(map[string]bool)
	for _, p := range parts {
		if p == action { // itself counts too
			all[p] = true
			continue
		}
		for _, q := range partsOf(scope, p) {
			all[q] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// shaped gives a leaf the parts that its action has, and all where the privilege that it comes from does not speak of them: WRITE is about every node and relationship.
func (l leaf) shaped() []leaf {
	switch l.action {
	case "EXECUTE PROCEDURE", "EXECUTE BOOSTED PROCEDURE", "EXECUTE FUNCTION", "EXECUTE BOOSTED FUNCTION", "SHOW SETTING":
		if l.glob == "" {
			l.glob = "*"
		}
		return []leaf{l}
	}
	if l.scope != ScopeGraph {
		return []leaf{l}
	}
	if l.label.IsNone() {
		l.label = everything
	}
	switch l.action {
	case "SET LABEL", "REMOVE LABEL":
		l.entity, l.property = EntityNone, Pick{}
		return []leaf{l}
	case "READ", "SET PROPERTY":
		if l.property.IsNone() {
			l.property = everything
		}
	default:
		l.property = Pick{}
	}
	if l.entity != EntityNone {
		return []leaf{l}
	}
	node, relationship := l, l
	node.entity, relationship.entity = EntityNode, EntityRelationship
	return []leaf{node, relationship}
}

// wider lists what contains a leaf, itself among it. Globs are another matter.
func (l leaf) wider() []leaf {
	out := []leaf{l}
	widen := func(set func(*leaf)) {
		for _, w := range out {
			set(&w)
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	if !l.place.IsNone() {
		widen(func(w *leaf) { w.place = everything })
	}
	if !l.property.IsNone() {
		widen(func(w *leaf) { w.property = everything })
	}
	if !l.label.IsNone() {
		widen(func(w *leaf) { w.label = everything })
	}
	widen(func(w *leaf) { w.user = everything })
	widen(func(w *leaf) { w.rule = condition{} })
	widen(func(w *leaf) { w.cidr = "" })
	return out
}

// meets says whether two leaves of one action have something in common. Two labels are taken as two sorts of nodes, although a node may have both; two rules as if they met; a
// home database that is kept apart as if it were any.
func (l leaf) meets(m leaf) bool {
	pick := func(a, b Pick) bool { return a == b || a.IsAll() || b.IsAll() || a.IsNone() || b.IsNone() }
	return l.action == m.action && l.scope == m.scope && (pick(l.place, m.place) || l.place == named("") || m.place == named("")) && pick(l.property, m.property) && l.entity == m.entity &&
		pick(l.label, m.label) && pick(l.user, m.user) && globsMeet(l.glob, m.glob)
}

// globsMeet says whether two patterns may match one name; two with wildcards are taken as if they did.
func globsMeet(a, b string) bool {
	switch {
	case a == b:
		return true
	case !isGlob(a):
		return matches(b, a)
	case !isGlob(b):
		return matches(a, b)
	}
	return true
}

// globHolds says whether all that the narrower pattern matches is matched by the wider one; where both have wildcards only for certain ones.
func globHolds(wider, narrower string) bool {
	return wider == narrower || wider == "*" || !isGlob(narrower) && matches(wider, narrower)
}

func isGlob(text string) bool { return strings.ContainsAny(text, "*?") }
