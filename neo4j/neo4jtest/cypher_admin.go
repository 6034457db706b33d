package neo4jtest

import "strings"

// The administration commands. name fields may be parameters; they are resolved when the command runs.
type (
	createRoleCmd struct {
		role        name
		copyOf      *name
		replace     bool
		ifNotExists bool
		immutable   bool
	}
	dropRoleCmd struct {
		role     name
		ifExists bool
	}
	renameCmd struct {
		what     string // ROLE or USER
		from, to name
		ifExists bool
	}
	assignRolesCmd struct {
		revoke    bool
		roles, to []name
		authRules bool
	}
	dropUserCmd struct {
		user     name
		ifExists bool
	}
	alterCurrentUserCmd struct{ from, to name }
	databaseCmd         struct {
		verb     string // CREATE or DROP
		database name
		ifExists bool // IF EXISTS or IF NOT EXISTS
		replace  bool
	}
	authRuleCmd struct{ verb string } // parsed, not emulated
)

func (createRoleCmd) isCommand()       {}
func (dropRoleCmd) isCommand()         {}
func (renameCmd) isCommand()           {}
func (assignRolesCmd) isCommand()      {}
func (dropUserCmd) isCommand()         {}
func (alterCurrentUserCmd) isCommand() {}
func (databaseCmd) isCommand()         {}
func (authRuleCmd) isCommand()         {}

// body reads the statement behind its prefix.
func (p *parser) body() command {
	switch {
	case p.word("GRANT", "DENY", "REVOKE"):
		return p.grantDenyRevoke()
	case p.word("SHOW"):
		return p.show()
	case p.word("USE"):
		return p.use()
	case p.isAdminCreate():
		return p.adminCreate()
	case p.words("ALTER"):
		return p.alter()
	case p.words("RENAME"):
		return p.rename()
	case p.words("DROP"):
		return p.drop()
	case p.words("START|STOP|ENABLE|DEALLOCATE|REALLOCATE|DRYRUN|TERMINATE"):
		panic(notEmulated(strings.ToUpper(p.cur().text)))
	case p.words("CALL"):
		return p.callProcedure()
	}
	return p.query()
}

// use refuses USE before an administration command; before a query it is not emulated.
func (p *parser) use() command {
	at := p.next().start
	p.databaseName()
	if p.word("GRANT", "DENY", "REVOKE", "SHOW", "ALTER", "RENAME", "DROP") || p.isAdminCreate() {
		message := "The `USE` clause is not required for Administration Commands. Retry your query omitting the `USE` clause and it will be routed automatically."
		if p.dialect.calendar {
			message = "The `USE` clause is not required for administration commands. Retry your query without the `USE` clause, and it will be routed automatically."
		}
		p.refuse(&syntaxError{offset: at, message: message, gql: "42N79", outer: "42N79",
			sentence: "The USE clause is not required for administration commands. Retry the query without the USE clause, and it will be routed automatically."})
	}
	panic(notEmulated("USE"))
}

func (p *parser) isAdminCreate() bool {
	i := 1
	if !p.word("CREATE") {
		return false
	}
	if isWord(p.ahead(1), "OR") && isWord(p.ahead(2), "REPLACE") {
		i = 3
	}
	return p.ahead(i).kind == tokenWord
}

func (p *parser) adminCreate() command {
	p.expect("CREATE")
	replace := p.accept("OR", "REPLACE")
	switch {
	case p.words("IMMUTABLE", "ROLE"), p.words("ROLE"):
		return p.createRole(replace)
	case p.accept("USER"):
		return p.createUser(replace)
	case p.accept("DATABASE"):
		return p.createDatabase(replace)
	case p.words("AUTH", "RULE") && p.isCypher25():
		return p.authRule("CREATE")
	case p.words("COMPOSITE|ALIAS|INDEX|CONSTRAINT|RANGE|TEXT|POINT|FULLTEXT|VECTOR|LOOKUP"):
		panic(notEmulated("CREATE " + strings.ToUpper(p.cur().text)))
	}
	p.unexpected("'ROLE', 'USER', 'DATABASE' or a pattern")
	return nil
}

func (p *parser) isCypher25() bool { return p.dialect.calendar && p.dialect.language == 25 }

// ifNotExists reads IF NOT EXISTS and refuses it beside OR REPLACE.
func (p *parser) ifNotExists(what string, n name, replace bool) bool {
	if !p.accept("IF") {
		return false
	}
	p.expect("NOT", "EXISTS")
	if replace {
		p.refuse(&syntaxError{offset: p.tokens[0].start, gql: "42N14", on5: true, sentence: "OR REPLACE cannot be used together with 'IF NOT EXISTS'.",
			message: "Failed to create the specified " + what + " '" + n.quoted() + "': cannot have both `OR REPLACE` and `IF NOT EXISTS`."})
	}
	return true
}

// quoted is the name with backticks where it needs them.
func (n name) quoted() string {
	if n.param != "" {
		return n.written()
	}
	return plainOrQuoted(n.text)
}

// written is the name as people wrote it.
func (n name) written() string {
	if n.param != "" {
		return "$" + n.param
	}
	return n.text
}

func (p *parser) createRole(replace bool) command {
	cmd := createRoleCmd{replace: replace, immutable: p.accept("IMMUTABLE")}
	p.expect("ROLE")
	cmd.role = p.name()
	cmd.ifNotExists = p.ifNotExists("role", cmd.role, replace)
	if p.accept("AS") {
		p.expect("COPY", "OF")
		source := p.name()
		cmd.copyOf = &source
	}
	return cmd
}

func (p *parser) createDatabase(replace bool) command {
	cmd := databaseCmd{verb: "CREATE", replace: replace, database: p.databaseName()}
	cmd.ifExists = p.ifNotExists("database", cmd.database, replace)
	p.waitClause()
	if p.word("OPTIONS", "TOPOLOGY", "DEFAULT", "SET") {
		panic(notEmulated("CREATE DATABASE with " + strings.ToUpper(p.cur().text)))
	}
	return cmd
}

// waitClause reads [WAIT [n [SEC|SECOND|SECONDS]] | NOWAIT]; nothing here takes long enough to wait for.
func (p *parser) waitClause() {
	if p.accept("NOWAIT") || !p.accept("WAIT") {
		return
	}
	if p.cur().kind == tokenInt {
		p.next()
		p.accept("SEC|SECOND|SECONDS")
	}
}

func (p *parser) alter() command {
	p.expect("ALTER")
	switch {
	case p.accept("CURRENT"):
		p.expect("USER", "SET", "PASSWORD", "FROM")
		from := p.stringOrParam()
		p.expect("TO")
		return alterCurrentUserCmd{from, p.stringOrParam()}
	case p.accept("USER"):
		return p.alterUser()
	case p.words("AUTH", "RULE") && p.isCypher25():
		return p.authRule("ALTER")
	case p.words("DATABASE|ALIAS|SERVER|COMPOSITE"):
		panic(notEmulated("ALTER " + strings.ToUpper(p.cur().text)))
	}
	p.unexpected("'CURRENT' or 'USER'")
	return nil
}

func (p *parser) rename() command {
	p.expect("RENAME")
	if p.words("AUTH", "RULE") && p.isCypher25() {
		return p.authRule("RENAME")
	}
	if p.word("SERVER") {
		panic(notEmulated("RENAME SERVER"))
	}
	cmd := renameCmd{what: strings.ToUpper(p.cur().text)}
	p.expect("ROLE|USER")
	cmd.from = p.name()
	if p.accept("IF") {
		p.expect("EXISTS")
		cmd.ifExists = true
	}
	p.expect("TO")
	cmd.to = p.name()
	return cmd
}

func (p *parser) ifExists() bool {
	if !p.accept("IF") {
		return false
	}
	p.expect("EXISTS")
	return true
}

func (p *parser) drop() command {
	p.expect("DROP")
	switch {
	case p.accept("ROLE"):
		role := p.name()
		return dropRoleCmd{role, p.ifExists()}
	case p.accept("USER"):
		user := p.name()
		return dropUserCmd{user, p.ifExists()}
	case p.accept("DATABASE"):
		cmd := databaseCmd{verb: "DROP", database: p.databaseName()}
		cmd.ifExists = p.ifExists()
		if p.accept("DUMP|DESTROY") {
			p.expect("DATA")
		}
		p.waitClause()
		return cmd
	case p.words("AUTH", "RULE") && p.isCypher25():
		return p.authRule("DROP")
	case p.words("COMPOSITE|ALIAS|INDEX|CONSTRAINT|SERVER"):
		panic(notEmulated("DROP " + strings.ToUpper(p.cur().text)))
	}
	p.unexpected("'DATABASE', 'ROLE' or 'USER'")
	return nil
}

// roleAssignment reads ROLE[S] r, … TO|FROM u, …
func (p *parser) roleAssignment(revoke bool) command {
	p.expect("ROLE|ROLES")
	cmd := assignRolesCmd{revoke: revoke, roles: p.names()}
	if revoke {
		p.expect("FROM")
	} else {
		p.expect("TO")
	}
	if p.isCypher25() && p.words("AUTH", "RULE|RULES") {
		p.at += 2
		cmd.authRules = true
	} else if p.isCypher25() && p.word("USER", "USERS") && p.ahead(1).kind != tokenEnd && !(p.ahead(1).kind == tokenSign && p.ahead(1).text != "$") {
		p.next()
	}
	cmd.to = p.names()
	return cmd
}

// authRule reads the attribute-based rules of 2026.03+, which are checked and not run.
func (p *parser) authRule(verb string) command {
	p.expect("AUTH", "RULE")
	rule := p.name()
	switch verb {
	case "CREATE":
		if p.accept("IF") {
			p.expect("NOT", "EXISTS")
		}
	default:
		p.ifExists()
	}
	if verb == "RENAME" {
		p.expect("TO")
		p.name()
	}
	condition, clauses := false, map[string]bool{}
	for verb == "CREATE" || verb == "ALTER" {
		start := p.cur().start
		if !p.accept("SET") {
			break
		}
		clause := strings.ToUpper(p.cur().text)
		p.expect("CONDITION|ENABLED")
		if clauses[clause] {
			p.duplicate(start, "SET "+clause)
		}
		clauses[clause] = true
		if clause == "ENABLED" {
			p.expect("TRUE|FALSE")
			continue
		}
		condition = true
		p.authCondition(start)
	}
	if verb == "CREATE" && !condition {
		p.refuse(&syntaxError{offset: p.cur().start, message: "No condition given for auth rule.", gql: "22N06"})
	}
	if verb == "ALTER" && len(clauses) == 0 {
		p.unexpected("'SET'")
	}
	_ = rule
	return authRuleCmd{verb}
}

// authCondition refuses what an auth rule's condition cannot hold.
func (p *parser) authCondition(start int) {
	walkExpr(p.parenthesised(), func(e expr) {
		switch e := e.(type) {
		case paramExpr:
			p.refuse(&syntaxError{offset: start, message: "Parameters are not allowed in the condition of an auth rule: $" + e.name, gql: "22N05"})
		case subqueryExpr:
			p.refuse(&syntaxError{offset: start, message: "42001", gql: "22N04"})
		case callExpr:
			if ruleFunctions[e.name] || e.name == "timestamp" || e.name == "rand" || e.name == "randomuuid" {
				p.refuse(&syntaxError{offset: start, message: "The function " + e.name + "() is not allowed in the condition of an auth rule.", gql: "22N05"})
			}
		}
	})
}

// duplicate refuses a clause that stands twice.
func (p *parser) duplicate(start int, clause string) {
	outer := "42N19"
	if p.dialect.calendar {
		outer = "42001"
	}
	p.refuse(&syntaxError{offset: start, message: "Duplicate `" + clause + "` clause.", gql: "42N19", outer: outer, on5: true})
}
