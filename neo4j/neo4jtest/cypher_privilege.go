package neo4jtest

import (
	"sort"
	"strings"
)

// starOr is * or a name; a name may be a parameter where the grammar takes one.
type starOr struct {
	star bool
	name name
}

// privilegeSpec is a privilege as written, before it is expanded into atoms.
type privilegeSpec struct {
	action     *action
	properties []starOr
	labels     []starOr
	users      []starOr
	globs      []string
	source     *name // LOAD ON CIDR; nil for ALL DATA
	home       bool
	targets    []starOr // graphs or databases; empty on DBMS and LOAD
	kind       string   // ELEMENT, NODE, RELATIONSHIP
	entities   []starOr
	rule       *ruleSpec
}

// privilegeCmd is GRANT, DENY and REVOKE of a privilege.
type privilegeCmd struct {
	verb      string // GRANT, DENY, REVOKE
	only      string // REVOKE GRANT, REVOKE DENY, "" for both
	immutable bool
	privilege privilegeSpec
	roles     []name
}

func (privilegeCmd) isCommand() {}

// grantDenyRevoke reads everything that begins with these words.
func (p *parser) grantDenyRevoke() command {
	verb := strings.ToUpper(p.next().text)
	isPrivilege := p.words("ROLE", "MANAGEMENT", "ON")
	if verb != "DENY" && p.word("ROLE", "ROLES") && !isPrivilege {
		return p.roleAssignment(verb == "REVOKE")
	}
	cmd := privilegeCmd{verb: verb}
	if verb == "REVOKE" {
		switch {
		case p.accept("GRANT"):
			cmd.only = "GRANT"
		case p.accept("DENY"):
			cmd.only = "DENY"
		}
	}
	cmd.immutable = p.accept("IMMUTABLE")
	start := p.cur().start
	cmd.privilege = p.privilege()
	if cmd.privilege.action.name == "MERGE" && (verb == "DENY" || cmd.only == "DENY") {
		p.refuse(&syntaxError{offset: start, message: "`DENY MERGE` is not supported. Use `DENY SET PROPERTY` and `DENY CREATE` instead.", gql: "42N14", on5: true})
	}
	if verb == "REVOKE" {
		p.expect("FROM")
	} else {
		p.expect("TO")
	}
	cmd.roles = p.names()
	return cmd
}

// privilege tries every action that may stand here, longest spelling first: CREATE is a prefix of CREATE INDEX, and ALL means three things.
func (p *parser) privilege() privilegeSpec {
	type candidate struct {
		action *action
		length int
	}
	var candidates []candidate
	for i := range actions {
		if n := actions[i].match(p); n > 0 && actions[i].knownTo(p.dialect) {
			candidates = append(candidates, candidate{&actions[i], n})
		}
	}
	sort.SliceStable(candidates, func(a, b int) bool { return candidates[a].length > candidates[b].length })
	p.refuseSecrets()
	for _, c := range candidates {
		var spec privilegeSpec
		if p.attempt(func() { p.at += c.length; spec = p.privilegeBody(c.action) }) {
			return spec
		}
	}
	p.unexpected("a privilege")
	return privilegeSpec{}
}

// refuseSecrets recognises privileges that exist in the grammar and are switched off in released servers.
func (p *parser) refuseSecrets() {
	if p.dialect.calendar && p.dialect.language == 25 && p.words("READ|SHOW", "SECRET|SECRETS") {
		p.refuse(&syntaxError{offset: p.cur().start, message: "SECRET privileges are not supported.", gql: "51N26", outer: "51N26"})
	}
}

func (p *parser) privilegeBody(a *action) privilegeSpec {
	spec := privilegeSpec{action: a}
	switch a.qual {
	case propertiesAndEntity:
		spec.properties = p.properties()
	case labelList:
		spec.labels = p.starOrNames()
	case userList:
		spec.users = p.userQualifier()
	case globList, settingGlobs:
		spec.globs = p.globs()
	case loadSource:
		spec.source = p.loadSource()
		return spec
	}
	p.expect("ON")
	p.target(&spec)
	if a.qual == entityOnly || a.qual == propertiesAndEntity {
		p.entity(&spec)
	}
	if !p.word("TO", "FROM") {
		p.unexpected("'TO' or 'FROM'")
	}
	return p.cypher25Target(spec)
}

// cypher25Target moves the database privileges that Cypher 25 reads on DBMS to all databases, as its syntax tree prints them.
func (p *parser) cypher25Target(spec privilegeSpec) privilegeSpec {
	if spec.action.on != onDBMS || p.dialect.language != 25 {
		return spec
	}
	if moved := actionNamed(spec.action.name, onDatabase); moved != nil && moved.since == cypher25 {
		spec.action, spec.targets = moved, []starOr{{star: true}}
	}
	return spec
}

// target reads what follows ON.
func (p *parser) target(spec *privilegeSpec) {
	switch spec.action.on {
	case onDBMS:
		p.expect("DBMS")
		return
	case onGraph:
		p.namedTarget(spec, "GRAPH", "GRAPHS")
	case onDatabase:
		p.namedTarget(spec, "DATABASE", "DATABASES")
	}
}

func (p *parser) namedTarget(spec *privilegeSpec, singular, plural string) {
	if p.words("DEFAULT", singular) && p.dialect.language == 5 {
		p.refuse(&syntaxError{offset: p.cur().start, message: "`ON DEFAULT " + singular + "` is not supported. Use `ON HOME " + singular + "` instead.", gql: "42I52"})
	}
	if p.accept("HOME", singular) {
		spec.home = true
		return
	}
	p.expect(singular + "|" + plural)
	if p.acceptSign("*") {
		spec.targets = []starOr{{star: true}}
		return
	}
	for {
		spec.targets = append(spec.targets, starOr{name: p.databaseName()})
		if !p.acceptSign(",") {
			return
		}
	}
}

// properties reads {*} or {a, b}.
func (p *parser) properties() []starOr {
	p.expectSign("{")
	list := p.starOrNames()
	p.expectSign("}")
	return list
}

// starOrNames reads * or names; parameters are not taken.
func (p *parser) starOrNames() []starOr {
	if p.acceptSign("*") {
		return []starOr{{star: true}}
	}
	list := []starOr{{name: name{text: p.symbolicName()}}}
	for p.acceptSign(",") {
		list = append(list, starOr{name: name{text: p.symbolicName()}})
	}
	return list
}

// userQualifier reads [(*)] or (a, b); without it all users are meant.
func (p *parser) userQualifier() []starOr {
	if !p.acceptSign("(") {
		return []starOr{{star: true}}
	}
	defer p.expectSign(")")
	if p.acceptSign("*") {
		return []starOr{{star: true}}
	}
	var users []starOr
	for _, n := range p.names() {
		users = append(users, starOr{name: n})
	}
	return users
}

// entity reads [ELEMENTS|NODES|RELATIONSHIPS *|names] or FOR pattern.
func (p *parser) entity(spec *privilegeSpec) {
	spec.kind, spec.entities = "ELEMENT", []starOr{{star: true}}
	for _, kind := range []string{"ELEMENT", "NODE", "RELATIONSHIP"} {
		if p.accept(kind + "|" + kind + "S") {
			spec.kind, spec.entities = kind, p.starOrNames()
			p.oldStarSuffix(spec.action)
			return
		}
	}
	if !p.word("FOR") {
		return
	}
	if !spec.action.pbac {
		p.refuse(&syntaxError{offset: p.cur().start, message: spec.action.name + " is not supported for property value access rules.", gql: "22N04"})
	}
	p.next()
	spec.rule = p.rule()
	spec.kind, spec.entities = spec.rule.kind, nil
}

// oldStarSuffix passes the "(*)" that Cypher 5 still takes behind the entities of reading privileges.
func (p *parser) oldStarSuffix(a *action) {
	if p.dialect.language == 5 && a.pbac && p.sign("(") && p.ahead(1).text == "*" && p.ahead(2).text == ")" {
		p.at += 3
	}
}

// loadSource reads ON ALL DATA or ON CIDR.
func (p *parser) loadSource() *name {
	p.expect("ON")
	if p.accept("ALL", "DATA") {
		return nil
	}
	if p.word("URL") {
		p.refuse(&syntaxError{offset: p.cur().start, message: "LOAD privileges with a URL pattern are not currently supported.", gql: "51N31", outer: "51N31"})
	}
	p.expect("CIDR")
	cidr := p.stringOrParam()
	return &cidr
}

// globs reads a list of globs up to ON DBMS.
func (p *parser) globs() []string {
	list := []string{p.glob()}
	for p.acceptSign(",") {
		list = append(list, p.glob())
	}
	return list
}

// glob reads a dotted chain of names and wildcards. Two names need a dot between them, and two dots something.
func (p *parser) glob() string {
	var text strings.Builder
	last := ""
	for {
		t := p.cur()
		kind := ""
		switch {
		case p.words("ON", "DBMS"), p.sign(","):
		case t.kind == tokenWord || t.kind == tokenQuoted:
			kind = "name"
		case t.kind == tokenSign && (t.text == "*" || t.text == "?"):
			kind = "wild"
		case t.kind == tokenSign && t.text == ".":
			kind = "dot"
		}
		if kind == "" || kind == last && kind != "wild" {
			break
		}
		text.WriteString(t.text)
		last = kind
		p.next()
	}
	if text.Len() == 0 && last == "" {
		p.unexpected("a name or a glob pattern")
	}
	return text.String()
}
