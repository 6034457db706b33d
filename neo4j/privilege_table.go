package neo4j

import "strings"

// argument is what stands between a privilege's name and its ON.
type argument uint8

const (
	argNone       argument = iota
	argProperties          // {*} or {a, b}
	argLabels              // * or A, B without braces
	argUsers               // (*) or (a, b), which may be left out and then means everybody
	argGlobs               // a.*, b
)

// action is one privilege: how it is named in AS COMMANDS, what it may be on, and what parts it has.
type action struct {
	name     string
	words    []string // one a word; "A|B" for spellings
	scope    Scope
	arg      argument
	elements bool // takes NODES, RELATIONSHIPS, ELEMENTS
	rules    bool // takes FOR
}

// eitherScope are the privileges that are parsed into ON DATABASE * when Cypher 25 sees them ON DBMS. Both spellings are one row there, and only the
// DBMS one exists in Cypher 5 and on 5.26, so that one is the canonical.
var eitherScope = map[string]bool{
	"ALTER DATABASE": true, "ALTER COMPOSITE DATABASE": true, "SET DATABASE ACCESS": true, "SET DATABASE DEFAULT LANGUAGE": true,
}

// actions is the grammar of privilege names (Operations Manual, "Role-based access control"), each spelling seen to parse on Neo4j 5.26 or 2026.08 Community.
var actions = buildActions()

func buildActions() []action {
	var out []action
	add := func(scope Scope, arg argument, name string, spellings ...string) *action {
		if len(spellings) == 0 {
			spellings = []string{name}
		}
		at := len(out)
		for _, spelling := range spellings {
			out = append(out, action{name: name, words: strings.Fields(spelling), scope: scope, arg: arg})
		}
		return &out[at]
	}
	graphActions(add)
	databaseActions(add)
	dbmsActions(add)
	add(ScopeLoad, argNone, "LOAD")
	return out
}

type addAction func(scope Scope, arg argument, name string, spellings ...string) *action

func graphActions(add addAction) {
	for _, name := range []string{"TRAVERSE", "CREATE", "DELETE"} {
		a := add(ScopeGraph, argNone, name)
		a.elements, a.rules = true, name == "TRAVERSE"
	}
	for _, name := range []string{"READ", "MATCH", "MERGE", "SET PROPERTY"} {
		a := add(ScopeGraph, argProperties, name)
		a.elements, a.rules = true, name == "READ" || name == "MATCH"
	}
	add(ScopeGraph, argLabels, "SET LABEL")
	add(ScopeGraph, argLabels, "REMOVE LABEL")
	add(ScopeGraph, argNone, "WRITE")
	add(ScopeGraph, argNone, "ALL GRAPH PRIVILEGES", "ALL GRAPH PRIVILEGES", "ALL PRIVILEGES", "ALL")
}

func databaseActions(add addAction) {
	for _, name := range []string{"ACCESS", "START", "STOP"} {
		add(ScopeDatabase, argNone, name)
	}
	for _, verb := range []string{"CREATE", "DROP", "SHOW"} {
		add(ScopeDatabase, argNone, verb+" INDEX", verb+" INDEX|INDEXES")
		add(ScopeDatabase, argNone, verb+" CONSTRAINT", verb+" CONSTRAINT|CONSTRAINTS")
	}
	add(ScopeDatabase, argNone, "INDEX MANAGEMENT", "INDEX|INDEXES MANAGEMENT", "INDEX|INDEXES")
	add(ScopeDatabase, argNone, "CONSTRAINT MANAGEMENT", "CONSTRAINT|CONSTRAINTS MANAGEMENT", "CONSTRAINT|CONSTRAINTS")
	add(ScopeDatabase, argNone, "CREATE NEW NODE LABEL", "CREATE NEW NODE LABEL|LABELS", "CREATE NEW LABEL|LABELS")
	add(ScopeDatabase, argNone, "CREATE NEW RELATIONSHIP TYPE", "CREATE NEW RELATIONSHIP TYPE|TYPES", "CREATE NEW TYPE|TYPES")
	add(ScopeDatabase, argNone, "CREATE NEW PROPERTY NAME", "CREATE NEW PROPERTY NAME|NAMES", "CREATE NEW NAME|NAMES")
	add(ScopeDatabase, argNone, "NAME MANAGEMENT", "NAME MANAGEMENT", "NAME")
	add(ScopeDatabase, argUsers, "SHOW TRANSACTION", "SHOW TRANSACTION|TRANSACTIONS")
	add(ScopeDatabase, argUsers, "TERMINATE TRANSACTION", "TERMINATE TRANSACTION|TRANSACTIONS")
	add(ScopeDatabase, argUsers, "TRANSACTION MANAGEMENT", "TRANSACTION MANAGEMENT", "TRANSACTION")
	add(ScopeDatabase, argNone, "ALL DATABASE PRIVILEGES", "ALL DATABASE PRIVILEGES", "ALL PRIVILEGES", "ALL")
	for _, name := range []string{"ALTER DATABASE", "ALTER COMPOSITE DATABASE", "SET DATABASE ACCESS", "SET DATABASE DEFAULT LANGUAGE"} {
		add(ScopeDatabase, argNone, name)
	}
}

func dbmsActions(add addAction) {
	for _, name := range []string{
		"ROLE MANAGEMENT", "CREATE ROLE", "RENAME ROLE", "DROP ROLE", "ASSIGN ROLE", "REMOVE ROLE", "SHOW ROLE",
		"USER MANAGEMENT", "CREATE USER", "RENAME USER", "ALTER USER", "DROP USER", "SHOW USER", "SET AUTH", "SET USER STATUS", "SET USER HOME DATABASE",
		"USER METADATA MANAGEMENT", "SET USER METADATA", "SHOW USER METADATA",
		"AUTH RULE MANAGEMENT", "CREATE AUTH RULE", "ALTER AUTH RULE", "RENAME AUTH RULE", "DROP AUTH RULE", "SHOW AUTH RULE",
		"PRIVILEGE MANAGEMENT", "SHOW PRIVILEGE", "ASSIGN PRIVILEGE", "REMOVE PRIVILEGE",
		"DATABASE MANAGEMENT", "CREATE DATABASE", "DROP DATABASE", "ALTER DATABASE", "SET DATABASE ACCESS", "SET DATABASE DEFAULT LANGUAGE",
		"COMPOSITE DATABASE MANAGEMENT", "CREATE COMPOSITE DATABASE", "DROP COMPOSITE DATABASE", "ALTER COMPOSITE DATABASE",
		"ALIAS MANAGEMENT", "CREATE ALIAS", "DROP ALIAS", "ALTER ALIAS", "SHOW ALIAS", "SERVER MANAGEMENT",
	} {
		add(ScopeDBMS, argNone, name)
	}
	add(ScopeDBMS, argNone, "SET PASSWORD", "SET PASSWORD|PASSWORDS")
	add(ScopeDBMS, argNone, "SHOW SERVERS", "SHOW SERVER|SERVERS")
	add(ScopeDBMS, argNone, "EXECUTE ADMIN PROCEDURES", "EXECUTE ADMIN|ADMINISTRATOR PROCEDURES")
	add(ScopeDBMS, argNone, "ALL DBMS PRIVILEGES", "ALL DBMS PRIVILEGES", "ALL PRIVILEGES", "ALL")
	for _, how := range []string{"EXECUTE", "EXECUTE BOOSTED"} {
		add(ScopeDBMS, argGlobs, how+" PROCEDURE", how+" PROCEDURE|PROCEDURES")
		add(ScopeDBMS, argGlobs, how+" FUNCTION", how+" FUNCTION|FUNCTIONS", how+" USER FUNCTION|FUNCTIONS", how+" USER DEFINED FUNCTION|FUNCTIONS")
	}
	add(ScopeDBMS, argUsers, "IMPERSONATE")
	add(ScopeDBMS, argGlobs, "SHOW SETTING", "SHOW SETTING|SETTINGS")
}
