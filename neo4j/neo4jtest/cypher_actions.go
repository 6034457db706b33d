package neo4jtest

import "strings"

// target says what a privilege stands on.
type target int

const (
	onGraph target = iota
	onDatabase
	onDBMS
	onLoad
)

// qualifier says what narrows a privilege, beside its target.
type qualifier int

const (
	noQualifier qualifier = iota
	entityOnly            // NODES a
	propertiesAndEntity
	labelList
	userList
	globList
	settingGlobs
	loadSource
)

// since says which servers and languages know a privilege.
type since int

const (
	always   since = iota
	calendar       // both languages of 2025.01 and later
	cypher25       // Cypher 25 only
)

// action is a privilege as the Operations Manual names it, canonical spelling first.
type action struct {
	name    string // canonical, as SHOW PRIVILEGES AS COMMANDS prints it
	pattern string // how it may be written: A|B alternatives, a trailing ? for optional
	on      target
	qual    qualifier
	raw     string // the action column of SHOW PRIVILEGES
	since   since
	pbac    bool     // takes FOR
	parents []string // the compound privileges that cover it
}

// actions is every privilege. Rows with the same name on different targets are different privileges.
var actions = []action{
	{name: "TRAVERSE", pattern: "TRAVERSE", on: onGraph, qual: entityOnly, raw: "traverse", pbac: true, parents: []string{"MATCH", allGraph}},
	{name: "READ", pattern: "READ", on: onGraph, qual: propertiesAndEntity, raw: "read", pbac: true, parents: []string{"MATCH", allGraph}},
	{name: "MATCH", pattern: "MATCH", on: onGraph, qual: propertiesAndEntity, raw: "match", pbac: true, parents: []string{allGraph}},
	{name: "MERGE", pattern: "MERGE", on: onGraph, qual: propertiesAndEntity, raw: "merge", parents: []string{allGraph}},
	{name: "CREATE", pattern: "CREATE", on: onGraph, qual: entityOnly, raw: "create_element", parents: []string{"MERGE", "WRITE", allGraph}},
	{name: "DELETE", pattern: "DELETE", on: onGraph, qual: entityOnly, raw: "delete_element", parents: []string{"WRITE", allGraph}},
	{name: "SET PROPERTY", pattern: "SET PROPERTY", on: onGraph, qual: propertiesAndEntity, raw: "set_property", parents: []string{"MERGE", "WRITE", allGraph}},
	{name: "SET LABEL", pattern: "SET LABEL", on: onGraph, qual: labelList, raw: "set_label", parents: []string{"WRITE", allGraph}},
	{name: "REMOVE LABEL", pattern: "REMOVE LABEL", on: onGraph, qual: labelList, raw: "remove_label", parents: []string{"WRITE", allGraph}},
	{name: "WRITE", pattern: "WRITE", on: onGraph, raw: "write", parents: []string{allGraph}},
	{name: allGraph, pattern: "ALL GRAPH PRIVILEGES", on: onGraph, raw: "graph_actions"},
	{name: allGraph, pattern: "ALL PRIVILEGES?", on: onGraph, raw: "graph_actions"},

	{name: "ACCESS", pattern: "ACCESS", on: onDatabase, raw: "access", parents: []string{allDatabase}},
	{name: "START", pattern: "START", on: onDatabase, raw: "start_database"},
	{name: "STOP", pattern: "STOP", on: onDatabase, raw: "stop_database"},
	{name: "CREATE INDEX", pattern: "CREATE INDEX|INDEXES", on: onDatabase, raw: "create_index", parents: []string{"INDEX MANAGEMENT", allDatabase}},
	{name: "DROP INDEX", pattern: "DROP INDEX|INDEXES", on: onDatabase, raw: "drop_index", parents: []string{"INDEX MANAGEMENT", allDatabase}},
	{name: "SHOW INDEX", pattern: "SHOW INDEX|INDEXES", on: onDatabase, raw: "show_index", parents: []string{"INDEX MANAGEMENT", allDatabase}},
	{name: "INDEX MANAGEMENT", pattern: "INDEX|INDEXES MANAGEMENT?", on: onDatabase, raw: "index", parents: []string{allDatabase}},
	{name: "CREATE CONSTRAINT", pattern: "CREATE CONSTRAINT|CONSTRAINTS", on: onDatabase, raw: "create_constraint", parents: []string{"CONSTRAINT MANAGEMENT", allDatabase}},
	{name: "DROP CONSTRAINT", pattern: "DROP CONSTRAINT|CONSTRAINTS", on: onDatabase, raw: "drop_constraint", parents: []string{"CONSTRAINT MANAGEMENT", allDatabase}},
	{name: "SHOW CONSTRAINT", pattern: "SHOW CONSTRAINT|CONSTRAINTS", on: onDatabase, raw: "show_constraint", parents: []string{"CONSTRAINT MANAGEMENT", allDatabase}},
	{name: "CONSTRAINT MANAGEMENT", pattern: "CONSTRAINT|CONSTRAINTS MANAGEMENT?", on: onDatabase, raw: "constraint", parents: []string{allDatabase}},
	{name: "CREATE NEW NODE LABEL", pattern: "CREATE NEW NODE? LABEL|LABELS", on: onDatabase, raw: "create_label", parents: []string{"NAME MANAGEMENT", allDatabase}},
	{name: "CREATE NEW RELATIONSHIP TYPE", pattern: "CREATE NEW RELATIONSHIP? TYPE|TYPES", on: onDatabase, raw: "create_reltype", parents: []string{"NAME MANAGEMENT", allDatabase}},
	{name: "CREATE NEW PROPERTY NAME", pattern: "CREATE NEW PROPERTY? NAME|NAMES", on: onDatabase, raw: "create_propertykey", parents: []string{"NAME MANAGEMENT", allDatabase}},
	{name: "NAME MANAGEMENT", pattern: "NAME MANAGEMENT?", on: onDatabase, raw: "token", parents: []string{allDatabase}},
	{name: "SHOW TRANSACTION", pattern: "SHOW TRANSACTION|TRANSACTIONS", on: onDatabase, qual: userList, raw: "show_transaction", parents: []string{"TRANSACTION MANAGEMENT"}},
	{name: "TERMINATE TRANSACTION", pattern: "TERMINATE TRANSACTION|TRANSACTIONS", on: onDatabase, qual: userList, raw: "terminate_transaction", parents: []string{"TRANSACTION MANAGEMENT"}},
	{name: "TRANSACTION MANAGEMENT", pattern: "TRANSACTION MANAGEMENT?", on: onDatabase, qual: userList, raw: "transaction_management"},
	{name: "ALTER DATABASE", pattern: "ALTER DATABASE", on: onDatabase, raw: "alter_database", since: cypher25, parents: []string{allDatabase}},
	{name: "SET DATABASE ACCESS", pattern: "SET DATABASE ACCESS", on: onDatabase, raw: "set_database_access", since: cypher25, parents: []string{allDatabase}},
	{name: "SET DATABASE DEFAULT LANGUAGE", pattern: "SET DATABASE DEFAULT LANGUAGE", on: onDatabase, raw: "set_database_default_language", since: cypher25, parents: []string{allDatabase}},
	{name: "ALTER COMPOSITE DATABASE", pattern: "ALTER COMPOSITE DATABASE", on: onDatabase, raw: "alter_composite_database", since: cypher25, parents: []string{allDatabase}},
	{name: allDatabase, pattern: "ALL DATABASE PRIVILEGES", on: onDatabase, raw: "database_actions"},
	{name: allDatabase, pattern: "ALL PRIVILEGES?", on: onDatabase, raw: "database_actions"},

	dbmsAction("ROLE MANAGEMENT", ""),
	dbmsAction("CREATE ROLE", "ROLE MANAGEMENT"), dbmsAction("RENAME ROLE", "ROLE MANAGEMENT"), dbmsAction("DROP ROLE", "ROLE MANAGEMENT"),
	dbmsAction("ASSIGN ROLE", "ROLE MANAGEMENT"), dbmsAction("REMOVE ROLE", "ROLE MANAGEMENT"), dbmsAction("SHOW ROLE", "ROLE MANAGEMENT"),
	dbmsAction("USER MANAGEMENT", ""),
	dbmsAction("CREATE USER", "USER MANAGEMENT"), dbmsAction("RENAME USER", "USER MANAGEMENT"), dbmsAction("ALTER USER", "USER MANAGEMENT"),
	dbmsAction("DROP USER", "USER MANAGEMENT"), dbmsAction("SHOW USER", "USER MANAGEMENT"),
	{name: "SET PASSWORD", pattern: "SET PASSWORD|PASSWORDS", on: onDBMS, raw: "set_passwords", parents: []string{"ALTER USER", "USER MANAGEMENT", allDBMS}},
	dbmsAction("SET AUTH", "ALTER USER", "USER MANAGEMENT"), dbmsAction("SET USER STATUS", "ALTER USER", "USER MANAGEMENT"),
	dbmsAction("SET USER HOME DATABASE", "ALTER USER", "USER MANAGEMENT"),
	dbmsAction25("USER METADATA MANAGEMENT"), dbmsAction25("SET USER METADATA", "USER METADATA MANAGEMENT"), dbmsAction25("SHOW USER METADATA", "USER METADATA MANAGEMENT"),
	dbmsAction25("AUTH RULE MANAGEMENT"), dbmsAction25("CREATE AUTH RULE", "AUTH RULE MANAGEMENT"), dbmsAction25("ALTER AUTH RULE", "AUTH RULE MANAGEMENT"),
	dbmsAction25("RENAME AUTH RULE", "AUTH RULE MANAGEMENT"), dbmsAction25("DROP AUTH RULE", "AUTH RULE MANAGEMENT"), dbmsAction25("SHOW AUTH RULE", "AUTH RULE MANAGEMENT"),
	dbmsAction("PRIVILEGE MANAGEMENT", ""), dbmsAction("SHOW PRIVILEGE", "PRIVILEGE MANAGEMENT"), dbmsAction("ASSIGN PRIVILEGE", "PRIVILEGE MANAGEMENT"),
	dbmsAction("REMOVE PRIVILEGE", "PRIVILEGE MANAGEMENT"),
	dbmsAction("DATABASE MANAGEMENT", ""), dbmsAction("CREATE DATABASE", "DATABASE MANAGEMENT"), dbmsAction("DROP DATABASE", "DATABASE MANAGEMENT"),
	dbmsAction("ALTER DATABASE", "DATABASE MANAGEMENT"), dbmsAction("SET DATABASE ACCESS", "ALTER DATABASE", "DATABASE MANAGEMENT"),
	{name: "SET DATABASE DEFAULT LANGUAGE", pattern: "SET DATABASE DEFAULT LANGUAGE", on: onDBMS, raw: "set_database_default_language", since: calendar, parents: []string{"ALTER DATABASE", "DATABASE MANAGEMENT", allDBMS}},
	dbmsAction("COMPOSITE DATABASE MANAGEMENT", "DATABASE MANAGEMENT"),
	dbmsAction("CREATE COMPOSITE DATABASE", "COMPOSITE DATABASE MANAGEMENT", "DATABASE MANAGEMENT"),
	dbmsAction("DROP COMPOSITE DATABASE", "COMPOSITE DATABASE MANAGEMENT", "DATABASE MANAGEMENT"),
	{name: "ALTER COMPOSITE DATABASE", pattern: "ALTER COMPOSITE DATABASE", on: onDBMS, raw: "alter_composite_database", since: calendar, parents: []string{"COMPOSITE DATABASE MANAGEMENT", "DATABASE MANAGEMENT", allDBMS}},
	dbmsAction("ALIAS MANAGEMENT", ""), dbmsAction("CREATE ALIAS", "ALIAS MANAGEMENT"), dbmsAction("DROP ALIAS", "ALIAS MANAGEMENT"),
	dbmsAction("ALTER ALIAS", "ALIAS MANAGEMENT"), dbmsAction("SHOW ALIAS", "ALIAS MANAGEMENT"),
	dbmsAction("SERVER MANAGEMENT", ""),
	{name: "SHOW SERVERS", pattern: "SHOW SERVER|SERVERS", on: onDBMS, raw: "show_server", parents: []string{"SERVER MANAGEMENT", allDBMS}},
	{name: "EXECUTE PROCEDURE", pattern: "EXECUTE PROCEDURE|PROCEDURES", on: onDBMS, qual: globList, raw: "execute", parents: []string{allDBMS}},
	{name: "EXECUTE BOOSTED PROCEDURE", pattern: "EXECUTE BOOSTED PROCEDURE|PROCEDURES", on: onDBMS, qual: globList, raw: "execute_boosted", parents: []string{allDBMS}},
	{name: "EXECUTE FUNCTION", pattern: "EXECUTE USER? DEFINED? FUNCTION|FUNCTIONS", on: onDBMS, qual: globList, raw: "execute", parents: []string{allDBMS}},
	{name: "EXECUTE BOOSTED FUNCTION", pattern: "EXECUTE BOOSTED USER? DEFINED? FUNCTION|FUNCTIONS", on: onDBMS, qual: globList, raw: "execute_boosted", parents: []string{allDBMS}},
	{name: "EXECUTE ADMIN PROCEDURES", pattern: "EXECUTE ADMIN|ADMINISTRATOR PROCEDURES", on: onDBMS, raw: "execute_admin", parents: []string{allDBMS}},
	{name: "IMPERSONATE", pattern: "IMPERSONATE", on: onDBMS, qual: userList, raw: "impersonate", parents: []string{allDBMS}},
	{name: "SHOW SETTING", pattern: "SHOW SETTING|SETTINGS", on: onDBMS, qual: settingGlobs, raw: "show_setting", parents: []string{allDBMS}},
	{name: allDBMS, pattern: "ALL DBMS PRIVILEGES", on: onDBMS, raw: "dbms_actions"},
	{name: allDBMS, pattern: "ALL PRIVILEGES?", on: onDBMS, raw: "dbms_actions"},

	{name: "LOAD", pattern: "LOAD", on: onLoad, qual: loadSource, raw: "load"},
}

const (
	allGraph    = "ALL GRAPH PRIVILEGES"
	allDatabase = "ALL DATABASE PRIVILEGES"
	allDBMS     = "ALL DBMS PRIVILEGES"
)

// dbmsAction is a DBMS privilege spelled one way, covered by these and by all DBMS privileges.
func dbmsAction(name string, parents ...string) action {
	covered := []string{}
	for _, p := range parents {
		if p != "" {
			covered = append(covered, p)
		}
	}
	return action{name: name, pattern: name, on: onDBMS, raw: strings.ToLower(strings.ReplaceAll(name, " ", "_")), parents: append(covered, allDBMS)}
}

// dbmsAction25 is a DBMS privilege of Cypher 25.
func dbmsAction25(name string, parents ...string) action {
	a := dbmsAction(name, parents...)
	a.since = cypher25
	return a
}

// actionNamed finds a privilege by canonical name and target.
func actionNamed(name string, on target) *action {
	for i := range actions {
		if actions[i].name == name && actions[i].on == on {
			return &actions[i]
		}
	}
	return nil
}

// knownTo says whether a dialect has the privilege.
func (a *action) knownTo(d dialect) bool {
	switch a.since {
	case calendar:
		return d.calendar
	case cypher25:
		return d.calendar && d.language == 25
	}
	return true
}

// match returns how many tokens spell the action here, or 0.
func (a *action) match(p *parser) int {
	return matchPattern(p, strings.Fields(a.pattern), 0)
}

func matchPattern(p *parser, pattern []string, at int) int {
	if len(pattern) == 0 {
		return at
	}
	word, optional := strings.CutSuffix(pattern[0], "?")
	if isWord(p.ahead(at), strings.Split(word, "|")...) {
		if n := matchPattern(p, pattern[1:], at+1); n > 0 {
			return n
		}
	}
	if optional {
		return matchPattern(p, pattern[1:], at)
	}
	return 0
}
