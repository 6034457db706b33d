package neo4jtest

import "strings"

// userCmd is CREATE USER and ALTER USER. Absent clauses are nil.
type userCmd struct {
	create      bool
	user        name
	replace     bool
	ifExists    bool // IF EXISTS of ALTER, IF NOT EXISTS of CREATE
	removeHome  bool
	removeAll   bool // REMOVE ALL AUTH
	removeAuth  []authNames
	native      *nativeSpec
	nativeAuth  bool // written as SET AUTH 'native'
	external    []externalSpec
	suspended   *bool
	home        *name
	tagsTouched bool
	oldSyntax   bool
}

// authNames is the operand of REMOVE AUTH: literals, or one parameter.
type authNames struct {
	names []string
	param string
}

// nativeSpec is what is set of a password.
type nativeSpec struct {
	password  *name
	encrypted bool
	change    *bool // CHANGE [NOT] REQUIRED
}

// externalSpec is SET AUTH 'provider' { SET ID id }.
type externalSpec struct {
	provider string
	id       name
}

func (userCmd) isCommand() {}

func (p *parser) createUser(replace bool) command {
	cmd := &userCmd{create: true, replace: replace, user: p.name()}
	cmd.ifExists = p.ifNotExists("user", cmd.user, replace)
	start, at := p.tokens[0].start, p.ahead(1).start
	p.setUserClauses(cmd)
	if cmd.native == nil && len(cmd.external) == 0 {
		if cmd.suspended == nil && cmd.home == nil && !cmd.tagsTouched {
			p.unexpected("'SET'")
		}
		p.refuse(&syntaxError{offset: start, message: "No auth given for user.", gql: "22N06", outer: "22N06", sentence: "Invalid input. 'Auth provider' needs to be specified."})
	}
	if cmd.native != nil && cmd.native.password == nil {
		p.refuse(&syntaxError{offset: at, message: "Clause `SET PASSWORD` is mandatory for auth provider `native`.", sentence: "Clause SET PASSWORD is mandatory for auth provider `native`.", gql: "42N97", outer: "42N97", on5: true})
	}
	return *cmd
}

func (p *parser) alterUser() command {
	cmd := &userCmd{user: p.name()}
	cmd.ifExists = p.ifExists()
	start := p.at
	for p.accept("REMOVE") {
		p.removeClause(cmd)
	}
	if p.isCypher25() && p.accept("ADD") {
		p.tags(cmd)
	}
	p.setUserClauses(cmd)
	if p.at == start {
		p.refuse(&syntaxError{offset: p.tokens[0].start, message: "`ALTER USER` requires at least one clause.", gql: "42N94", outer: "42N94", sentence: "'ALTER USER' requires at least one clause."})
	}
	return *cmd
}

func (p *parser) removeClause(cmd *userCmd) {
	switch {
	case p.accept("HOME", "DATABASE"):
		cmd.removeHome = true
	case p.accept("ALL", "AUTH"):
		p.accept("PROVIDER|PROVIDERS")
		cmd.removeAll = true
	case p.accept("AUTH"):
		p.accept("PROVIDER|PROVIDERS")
		cmd.removeAuth = append(cmd.removeAuth, p.removedProviders())
	case p.isCypher25() && p.words("ALL", "TAG|TAGS"):
		p.at += 2
		cmd.tagsTouched = true
	case p.isCypher25() && p.word("TAG", "TAGS"):
		p.tags(cmd)
	default:
		p.unexpected("'HOME DATABASE', 'ALL AUTH' or 'AUTH'")
	}
}

func (p *parser) removedProviders() authNames {
	start := p.cur().start
	if p.sign("$") {
		return authNames{param: p.param()}
	}
	var list []string
	if p.acceptSign("[") {
		for !p.sign("]") {
			list = append(list, p.stringLiteral())
			if !p.acceptSign(",") {
				break
			}
		}
		p.expectSign("]")
	} else {
		list = []string{p.stringLiteral()}
	}
	for _, n := range list {
		if n == "" {
			list = nil
			break
		}
	}
	if len(list) == 0 {
		p.refuse(&syntaxError{offset: start, message: "Expected a non-empty String, non-empty List of non-empty Strings, or Parameter.", gql: "22N04", outer: "22N04"})
	}
	return authNames{names: list}
}

// tags reads TAG 'x' or TAGS ['x', …].
func (p *parser) tags(cmd *userCmd) {
	p.expect("TAG|TAGS")
	p.expression()
	cmd.tagsTouched = true
}

// setUserClauses reads the SET clauses, each at most once.
func (p *parser) setUserClauses(cmd *userCmd) {
	seen := map[string]bool{}
	once := func(start int, clause string) {
		if seen[clause] {
			p.duplicate(start, clause)
		}
		seen[clause] = true
	}
	for p.word("SET") {
		p.next()
		start := p.cur().start // places are told without the SET
		switch {
		case p.word("PLAINTEXT", "ENCRYPTED", "PASSWORD"):
			cmd.oldSyntax = true
			p.passwordClause(cmd, start, once, true)
		case p.accept("STATUS"):
			once(start, "SET STATUS")
			suspended := p.word("SUSPENDED")
			p.expect("ACTIVE|SUSPENDED")
			cmd.suspended = &suspended
		case p.accept("HOME", "DATABASE"):
			once(start, "SET HOME DATABASE")
			home := p.databaseName()
			cmd.home = &home
		case p.accept("AUTH"):
			p.authClause(cmd, start, once)
		case p.isCypher25() && p.word("TAG", "TAGS"):
			p.tags(cmd)
		default:
			p.unexpected("'AUTH', 'HOME DATABASE', 'PASSWORD' or 'STATUS'")
		}
		if cmd.oldSyntax && cmd.nativeAuth {
			p.refuse(&syntaxError{offset: start, message: "Cannot combine old and new auth syntax for the same auth provider.", gql: "42N92", outer: "42N92"})
		}
	}
}

// passwordClause reads [PLAINTEXT|ENCRYPTED] PASSWORD 'x' [CHANGE …] or PASSWORD CHANGE …; the CHANGE behind a password is of the old syntax only.
func (p *parser) passwordClause(cmd *userCmd, start int, once func(int, string), old bool) {
	if cmd.native == nil {
		cmd.native = &nativeSpec{}
	}
	encrypted := p.accept("ENCRYPTED")
	plain := !encrypted && p.accept("PLAINTEXT")
	p.expect("PASSWORD")
	if !encrypted && !plain && p.word("CHANGE") {
		once(start, "SET PASSWORD CHANGE [NOT] REQUIRED")
		cmd.native.change = p.changeRequired()
		return
	}
	once(start, "SET PASSWORD")
	password := p.stringOrParam()
	cmd.native.password, cmd.native.encrypted = &password, encrypted
	if old && p.word("CHANGE") {
		once(start, "SET PASSWORD CHANGE [NOT] REQUIRED")
		cmd.native.change = p.changeRequired()
	}
}

func (p *parser) changeRequired() *bool {
	p.expect("CHANGE")
	required := !p.accept("NOT")
	p.expect("REQUIRED")
	return &required
}

// authClause reads [PROVIDER] 'p' { SET … }.
func (p *parser) authClause(cmd *userCmd, start int, once func(int, string)) {
	p.accept("PROVIDER")
	provider := p.stringLiteral()
	if provider == "" {
		p.refuse(&syntaxError{offset: start, message: "Invalid input. Auth provider is not allowed to be an empty string.", gql: "22NB6", outer: "22NB6"})
	}
	once(start, "SET AUTH '"+provider+"'")
	p.expectSign("{")
	var id *name
	native := &userCmd{}
	seen := map[string]bool{}
	inner := func(start int, clause string) {
		if seen[clause] {
			p.duplicate(start, clause)
		}
		seen[clause] = true
	}
	for first := true; first || p.word("SET"); first = false {
		begin := p.cur().start
		p.expect("SET")
		if p.accept("ID") {
			inner(begin, "SET ID")
			value := p.stringOrParam()
			id = &value
			continue
		}
		p.passwordClause(native, begin, inner, false)
	}
	p.expectSign("}")
	p.addAuth(cmd, start, provider, id, native.native)
}

func (p *parser) addAuth(cmd *userCmd, start int, provider string, id *name, native *nativeSpec) {
	wrong := func(clause string) {
		p.refuse(&syntaxError{offset: start, message: "Auth provider `" + provider + "` does not allow `" + clause + "` clause.", gql: "22N06"})
	}
	if strings.EqualFold(provider, "native") {
		if id != nil && native == nil {
			p.refuse(&syntaxError{offset: start, message: "Clause `SET PASSWORD` is mandatory for auth provider `native`.", sentence: "Clause SET PASSWORD is mandatory for auth provider `native`.", gql: "42N97", outer: "42N97", on5: true})
		}
		if id != nil {
			wrong("SET ID")
		}
		cmd.native, cmd.nativeAuth = native, true
		return
	}
	if native != nil && id != nil {
		wrong("SET PASSWORD")
	}
	if id == nil {
		p.refuse(&syntaxError{offset: start, message: "Clause `SET ID` is mandatory for auth provider `" + provider + "`.", sentence: "Clause SET ID is mandatory for auth provider `" + provider + "`.", gql: "42N97", outer: "42N97", on5: true})
		return
	}
	cmd.external = append(cmd.external, externalSpec{provider, *id})
}
