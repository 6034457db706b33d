package neo4jtest

import (
	"path"
	"strings"
	"time"
)

// identity is a logged-in session's: who it is, and where its roles come from.
type identity struct {
	user       string
	provider   string    // "" for native logins, oidc-<provider> else
	mapped     []string  // roles from the token
	native     bool      // natively granted roles of the user count too
	local      bool      // an external login that runs under a user of the store
	expires    time.Time // of the token; zero for native logins
	authorised time.Time // until when the mapping is taken as fresh; zero for ever
	generation int64     // of the member's OIDC settings
	all        bool      // authentication is switched off
	acting     string    // who impersonates, "" for nobody
}

// access is what a session may do, worked out against a store: grants minus denies of its roles.
type access struct {
	dialect dialect
	user    string
	roles   []string // with PUBLIC last
	atoms   []atom
	all     bool
	home    string
}

// roles are the session's own roles, sorted: those that exist only.
func (who *identity) roles(s *store) []string {
	list := append([]string{}, who.mapped...)
	if u := s.users[who.user]; u != nil && (who.provider == "" || who.native) {
		list = append(list, u.roles...)
	}
	var existing []string
	for _, r := range sortedUnique(list) {
		if s.roles[r] != nil && r != publicRole {
			existing = append(existing, r)
		}
	}
	return existing
}

// homeOf is a session's home database.
func (who *identity) homeOf(s *store, fallback string) string {
	if u := s.users[who.user]; u != nil && u.home != "" && (who.provider == "" || who.local) {
		return u.home
	}
	return fallback
}

// accessOf gathers the atoms of all roles.
func accessOf(d dialect, who *identity, s *store, fallback string) *access {
	a := &access{dialect: d, user: who.user, all: who.all, home: who.homeOf(s, fallback)}
	a.roles = append(who.roles(s), publicRole)
	for _, name := range a.roles {
		if r := s.roles[name]; r != nil {
			a.atoms = append(a.atoms, r.sortedAtoms()...)
		}
	}
	return a
}

// covers says that a privilege is the needed action or a compound of it.
func (a atom) covers(needed *action) bool {
	if a.action.on != needed.on {
		return false
	}
	if a.action.name == needed.name {
		return true
	}
	return hasString(needed.parents, a.action.name)
}

// onDatabaseNamed says that a privilege stands on a graph or database.
func (a atom) onDatabaseNamed(db, home string) bool {
	if a.home {
		return db == home
	}
	return a.graph.covers(db)
}

// verdict is the outcome of asking for one action.
type verdict int

const (
	notGranted verdict = iota
	granted
	denied
)

// ask weighs the atoms that pick selects.
func (ac *access) ask(pick func(atom) bool) verdict {
	if ac.all {
		return granted
	}
	out := notGranted
	for _, a := range ac.atoms {
		if !pick(a) {
			continue
		}
		if a.deny {
			return denied
		}
		out = granted
	}
	return out
}

// mayDBMS asks for a DBMS privilege without qualifier.
func (ac *access) mayDBMS(name string) verdict {
	needed := actionNamed(name, onDBMS)
	if needed == nil {
		return denied
	}
	return ac.ask(func(a atom) bool { return a.covers(needed) })
}

// mayDatabase asks for a privilege on a database.
func (ac *access) mayDatabase(name, db string) verdict {
	needed := actionNamed(name, onDatabase)
	return ac.ask(func(a atom) bool { return a.covers(needed) && a.onDatabaseNamed(db, ac.home) })
}

// mayImpersonate asks for IMPERSONATE of one user.
func (ac *access) mayImpersonate(user string) verdict {
	needed := actionNamed("IMPERSONATE", onDBMS)
	return ac.ask(func(a atom) bool { return a.covers(needed) && (a.user == nil || a.user.covers(user)) })
}

// maySee asks for SHOW SETTING of one setting.
func (ac *access) maySee(setting string) bool {
	needed := actionNamed("SHOW SETTING", onDBMS)
	return ac.ask(func(a atom) bool { return a.covers(needed) && (a.glob == "" || globMatches(a.glob, setting)) }) == granted
}

// mayExecute asks for a procedure. An admin procedure needs EXECUTE ADMIN PROCEDURES, or boosted execution of it.
func (ac *access) mayExecute(procedure string, admin bool) verdict {
	plain, boosted := actionNamed("EXECUTE PROCEDURE", onDBMS), actionNamed("EXECUTE BOOSTED PROCEDURE", onDBMS)
	fits := func(a atom) bool { return a.glob == "" || globMatches(a.glob, procedure) }
	base := ac.ask(func(a atom) bool { return a.covers(plain) && fits(a) })
	if !admin || base == denied {
		return base
	}
	adminAction := actionNamed("EXECUTE ADMIN PROCEDURES", onDBMS)
	return ac.ask(func(a atom) bool { return a.covers(adminAction) || a.covers(boosted) && fits(a) })
}

// globMatches applies * and ?, which both may stand for dots.
func globMatches(glob, text string) bool {
	ok, err := path.Match(strings.NewReplacer("[", `\[`, `\`, `\\`).Replace(glob), text)
	return err == nil && ok
}

// need is a privilege that a command asks for.
type need struct {
	name string
	on   target
	db   string
}

// require refuses a command whose needs are not all met, in the server's words.
func (ac *access) require(needs ...need) *Failure {
	var missing, refused []string
	for _, n := range needs {
		v := notGranted
		if n.on == onDBMS {
			v = ac.mayDBMS(n.name)
		} else {
			v = ac.mayDatabase(n.name, n.db)
		}
		switch v {
		case denied:
			refused = append(refused, n.name)
		case notGranted:
			missing = append(missing, n.name)
		}
	}
	return ac.refusal(missing, refused)
}

// refusal is nil when nothing is missing. Several privileges are sorted and joined.
func (ac *access) refusal(missing, refused []string) *Failure {
	switch {
	case len(refused) > 0:
		return ac.dialect.forbidden("Permission denied for " + strings.Join(sortedUnique(append(missing, refused...)), " and/or ") +
			". Try executing SHOW USER PRIVILEGES to determine the missing or denied privileges. In case of missing privileges, they need to be granted (See GRANT). In case of denied privileges, they need to be revoked (See REVOKE) and granted.")
	case len(missing) > 0:
		return ac.dialect.forbidden("Permission has not been granted for " + strings.Join(sortedUnique(missing), " and/or ") +
			". Try executing SHOW USER PRIVILEGES to determine the missing or denied privileges. In case of missing privileges, they need to be granted (See GRANT). In case of denied privileges, they need to be revoked (See REVOKE) and granted.")
	}
	return nil
}

// withRoles ends a message of the kind "… is not allowed for user 'u' with roles [a, PUBLIC].".
func (ac *access) withRoles(what string) *Failure {
	return ac.dialect.forbidden(what + " is not allowed for user '" + ac.user + "' with roles [" + strings.Join(ac.roles, ", ") + "].")
}

// element is what a graph privilege is asked about.
type element struct {
	db         string
	kind       string   // NODE or RELATIONSHIP
	names      []string // labels, or the one type
	properties map[string]any
}

// speaksOf says that a privilege covers the element's kind and one of its labels, or its type.
func (a atom) speaksOf(e element, home string) bool {
	if !a.onDatabaseNamed(e.db, home) {
		return false
	}
	if a.kind == "" {
		return true // WRITE and ALL GRAPH PRIVILEGES
	}
	if a.kind != e.kind {
		return false
	}
	if a.rule != nil {
		return a.rule.matches(e.names, e.properties)
	}
	if a.entity.star {
		return true
	}
	return hasString(e.names, a.entity.name)
}

// mayTraverse asks whether the element is visible. DENY MATCH of single properties hides nothing.
func (ac *access) mayTraverse(e element) bool {
	needed := actionNamed("TRAVERSE", onGraph)
	return ac.ask(func(a atom) bool {
		if a.deny && a.action.name == "MATCH" && !a.property.star {
			return false
		}
		return a.covers(needed) && a.speaksOf(e, ac.home)
	}) == granted
}

// mayRead asks for one property of a visible element.
func (ac *access) mayRead(e element, property string) bool {
	needed := actionNamed("READ", onGraph)
	return ac.ask(func(a atom) bool {
		return a.covers(needed) && a.speaksOf(e, ac.home) && (a.property == nil || a.property.covers(property))
	}) == granted
}

// mayWrite asks whether an element with these labels may be made, or removed (DELETE): every label must be allowed, none denied.
func (ac *access) mayWrite(actionName string, e element) bool {
	needed := actionNamed(actionName, onGraph)
	names := e.names
	if len(names) == 0 {
		names = []string{""}
	}
	for _, n := range names {
		one := e
		one.names = nil
		if n != "" {
			one.names = []string{n}
		}
		if ac.ask(func(a atom) bool { return a.covers(needed) && a.speaksOf(one, ac.home) }) != granted {
			return false
		}
	}
	return true
}

// maySetProperty asks for one property of an element.
func (ac *access) maySetProperty(e element, property string) bool {
	needed := actionNamed("SET PROPERTY", onGraph)
	return ac.ask(func(a atom) bool {
		return a.covers(needed) && a.speaksOf(e, ac.home) && (a.property == nil || a.property.covers(property))
	}) == granted
}

// mayLabel asks for SET LABEL or REMOVE LABEL of one label.
func (ac *access) mayLabel(actionName, db, label string) bool {
	needed := actionNamed(actionName, onGraph)
	return ac.ask(func(a atom) bool {
		return a.covers(needed) && a.onDatabaseNamed(db, ac.home) && (a.label == nil || a.label.covers(label))
	}) == granted
}
