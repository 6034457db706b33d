package neo4jtest

import "strings"

// showKind says what a SHOW command lists.
type showKind int

const (
	showRoles showKind = iota
	showPrivileges
	showRolePrivileges
	showUserPrivileges
	showSupported
	showUsers
	showCurrentUser
	showSettings
	showDatabases
	showServers
	showAuthRules
	showAliases
)

// showCmd is a SHOW command. columns are all it can yield; the first defaults of them stand without YIELD.
type showCmd struct {
	kind      showKind
	names     []name
	populated bool
	with      string // "", USERS, AUTH RULES; AUTH for users
	commands  string // "", COMMANDS, REVOKE
	settings  []expr
	scope     string // databases: "", DEFAULT, HOME
	columns   []string
	all       []string // the columns in the order of YIELD *, where the first columns are not the default ones
	defaults  int
	tail      tail
}

func (showCmd) isCommand() {}

var (
	privilegeColumns = []string{"access", "action", "resource", "graph", "segment", "role", "immutable"}
	supportedColumns = []string{"action", "qualifier", "target", "scope", "description"}
	settingColumns   = []string{"name", "value", "isDynamic", "defaultValue", "description", "startupValue", "isExplicitlySet", "validValues", "isDeprecated"}
	databaseColumns  = []string{"name", "type", "aliases", "access", "address", "role", "writer", "requestedStatus", "currentStatus", "statusMessage",
		"default", "home", "constituents"}
	databaseAllColumns = []string{"name", "type", "aliases", "access", "databaseID", "serverID", "address", "role", "writer", "requestedStatus", "currentStatus",
		"statusMessage", "default", "home", "currentPrimariesCount", "currentSecondariesCount", "requestedPrimariesCount", "requestedSecondariesCount",
		"creationTime", "lastStartTime", "lastStopTime", "store", "lastCommittedTxn", "replicationLag", "constituents", "options"}
	serverColumns    = []string{"name", "address", "state", "health", "hosting"}
	serverAllColumns = []string{"serverId", "name", "address", "httpAddress", "httpsAddress", "state", "health", "hosting", "requestedHosting", "tags",
		"allowedDatabases", "deniedDatabases", "modeConstraint", "version"}
	aliasColumns = []string{"name", "composite", "database", "location", "url", "user"}
)

// show reads every SHOW command.
func (p *parser) show() command {
	p.expect("SHOW")
	switch {
	case p.word("ROLE", "ROLES", "POPULATED"), p.words("ALL", "ROLE|ROLES"):
		return p.showRoles()
	case p.words("PRIVILEGE|PRIVILEGES"), p.words("ALL", "PRIVILEGE|PRIVILEGES"):
		p.accept("ALL")
		p.next()
		return p.showPrivileges(showCmd{kind: showPrivileges})
	case p.accept("SUPPORTED", "PRIVILEGE|PRIVILEGES"):
		return p.finish(showCmd{kind: showSupported, columns: supportedColumns, defaults: len(supportedColumns)})
	case p.accept("CURRENT", "USER"):
		return p.finish(p.userColumns(showCmd{kind: showCurrentUser}))
	case p.accept("USER|USERS"):
		return p.showUsers()
	case p.accept("SETTING|SETTINGS"):
		return p.showSettings()
	case p.words("DEFAULT|HOME", "DATABASE"), p.words("DATABASE|DATABASES"):
		return p.showDatabases()
	case p.accept("SERVER|SERVERS"):
		return p.finish(listing(showCmd{kind: showServers}, serverColumns, serverAllColumns))
	case p.accept("ALIAS|ALIASES", "FOR", "DATABASE|DATABASES"):
		return p.finish(showCmd{kind: showAliases, columns: append(append([]string{}, aliasColumns...), "driver", "properties"), defaults: len(aliasColumns)})
	case p.isCypher25() && p.accept("AUTH", "RULE|RULES"):
		return p.showAuthRules()
	case p.words("INDEX|INDEXES|CONSTRAINT|CONSTRAINTS|FUNCTION|FUNCTIONS|PROCEDURE|PROCEDURES|TRANSACTION|TRANSACTIONS"):
		panic(notEmulated("SHOW " + strings.ToUpper(p.cur().text)))
	}
	p.unexpected("'CURRENT USER', 'DATABASE', 'PRIVILEGE', 'ROLE', 'SERVER', 'SETTING', 'SUPPORTED PRIVILEGE' or 'USER'")
	return nil
}

// listing has default columns that are not the head of all its columns: those are told apart by order.
func listing(c showCmd, defaults, all []string) showCmd {
	c.columns = append([]string{}, defaults...)
	for _, column := range all {
		if !hasString(defaults, column) {
			c.columns = append(c.columns, column)
		}
	}
	c.defaults, c.all = len(defaults), all
	return c
}

// finish reads the tail.
func (p *parser) finish(c showCmd) command {
	c.tail = p.showTail(c.columns, c.defaults)
	if c.all != nil && c.tail.yield != nil {
		c.columns = c.all
	}
	if p.word("WITH", "UNION") {
		p.unexpected("<EOF>")
	}
	return c
}

func (p *parser) showRoles() command {
	c := showCmd{kind: showRoles, populated: p.accept("POPULATED")}
	if !c.populated {
		p.accept("ALL")
	}
	p.expect("ROLE|ROLES")
	if !c.populated && p.isPrivilegesOf() {
		c.names = p.names()
		p.expect("PRIVILEGE|PRIVILEGES")
		c.kind = showRolePrivileges
		return p.showPrivileges(c)
	}
	columns := []string{"role"}
	switch {
	case p.accept("WITH", "USER|USERS"):
		c.with, columns = "USERS", []string{"role", "member"}
	case p.isCypher25() && p.accept("WITH", "AUTH", "RULE|RULES"):
		c.with, columns = "AUTH RULES", []string{"role", "authRule"}
	}
	c.columns, c.defaults = append(columns, "immutable"), len(columns)
	if p.isCypher25() && p.accept("AS", "COMMAND|COMMANDS") {
		c.commands, c.columns, c.defaults = "COMMANDS", append([]string{"command"}, c.columns...), 1
	}
	return p.finish(c)
}

// isPrivilegesOf says that names and then PRIVILEGES follow.
func (p *parser) isPrivilegesOf() bool {
	i := 0
	for {
		if t := p.ahead(i); t.kind == tokenSign && t.text == "$" {
			i++
		}
		if k := p.ahead(i).kind; k != tokenWord && k != tokenQuoted && k != tokenInt {
			return false
		}
		i++
		if t := p.ahead(i); t.kind != tokenSign || t.text != "," {
			return isWord(t, "PRIVILEGE", "PRIVILEGES")
		}
		i++
	}
}

func (p *parser) showPrivileges(c showCmd) command {
	c.columns = privilegeColumns
	if c.kind == showUserPrivileges {
		c.columns = append(append([]string{}, privilegeColumns...), "user")
	}
	c.defaults = len(c.columns)
	if p.accept("AS") {
		c.commands = "COMMANDS"
		if p.accept("REVOKE") {
			c.commands = "REVOKE"
		}
		p.expect("COMMAND|COMMANDS")
		c.columns, c.defaults = []string{"command", "immutable"}, 1
	}
	return p.finish(c)
}

func (p *parser) showUsers() command {
	c := showCmd{kind: showUsers}
	if p.isPrivilegesOf() {
		c.names = p.names()
	}
	if p.accept("PRIVILEGE|PRIVILEGES") {
		c.kind = showUserPrivileges
		return p.showPrivileges(c)
	}
	if p.accept("WITH", "AUTH") {
		c.with = "AUTH"
	}
	c = p.userColumns(c)
	if p.isCypher25() && p.accept("AS", "COMMAND|COMMANDS") {
		c.commands, c.columns, c.defaults = "COMMANDS", append([]string{"command"}, leaveOut(c.columns, "passwordChangeRequired", "suspended", "home")...), 1
	}
	return p.finish(c)
}

func (p *parser) userColumns(c showCmd) showCmd {
	c.columns = []string{"user", "roles", "passwordChangeRequired", "suspended", "home"}
	if c.with == "AUTH" {
		c.columns = append(c.columns, "provider", "auth")
	}
	c.defaults = len(c.columns)
	if p.dialect.calendar {
		c.columns = append(c.columns, "tags")
	}
	return c
}

// showSettings reads SHOW SETTINGS ['a', 'b' | expression]. A list with only a parenthesis less than an expression reads like names.
func (p *parser) showSettings() command {
	c := showCmd{kind: showSettings, columns: settingColumns, defaults: 5}
	for !p.word("YIELD", "WHERE", "RETURN") && p.cur().kind != tokenEnd && !p.sign(";") {
		c.settings = append(c.settings, p.expression())
		if !p.acceptSign(",") {
			break
		}
	}
	return p.finish(c)
}

func (p *parser) showDatabases() command {
	all := databaseAllColumns
	if p.dialect.calendar {
		all = append(append([]string{}, all[:len(all)-1]...), "defaultLanguage", "options")
	}
	c := listing(showCmd{kind: showDatabases}, databaseColumns, all)
	if p.word("DEFAULT", "HOME") {
		c.scope = strings.ToUpper(p.next().text)
		p.expect("DATABASE")
		c.columns, c.all = leaveOut(c.columns, "default", "home"), leaveOut(c.all, "default", "home")
		c.defaults -= 2
		return p.finish(c)
	}
	p.next()
	if !p.word("YIELD", "WHERE") && (p.cur().kind == tokenWord || p.cur().kind == tokenQuoted || p.sign("$")) {
		c.names = []name{p.databaseName()}
	}
	return p.finish(c)
}

// leaveOut is columns but for some.
func leaveOut(columns []string, names ...string) []string {
	var out []string
	for _, c := range columns {
		if !hasString(names, c) {
			out = append(out, c)
		}
	}
	return out
}

func (p *parser) showAuthRules() command {
	c := showCmd{kind: showAuthRules, columns: []string{"name", "condition", "enabled", "roles"}, defaults: 4}
	if p.accept("AS", "COMMAND|COMMANDS") {
		c.commands, c.columns, c.defaults = "COMMANDS", []string{"command", "roles"}, 1
	}
	return p.finish(c)
}
