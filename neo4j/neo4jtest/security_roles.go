package neo4jtest

import (
	"regexp"
	"strings"
)

var roleNamePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// authOff says that authentication is switched off, the only time at which immutable things may be touched.
func (r *runner) authOff() bool { return r.t.who.all }

// resolve is a name's text; failures name the parameter.
func (r *runner) resolve(n name) (string, *Failure) {
	text, failure := resolveName(n, r.params)
	if failure != nil && failure.Code == codeTypeError {
		return text, r.wrongType(n.param, failure.Message, orNull(r.params[n.param]))
	}
	return text, failure
}

// wrongType refuses a parameter that is no text.
func (r *runner) wrongType(param, message, value string) *Failure {
	return r.dialect.chained(codeTypeError, message, true, cause{"42N51", "Invalid parameter $`" + param + "`."}, cause{"22G03", ""},
		cause{"22N27", "Invalid input '" + value + "' for $`" + param + "`. Expected to be STRING."})
}

// chain puts the parameter that a missing name came from between the statuses.
func (n name) chain(c cause) []cause {
	if n.param == "" {
		return []cause{invalidSyntax, c}
	}
	return []cause{invalidSyntax, {"42N51", "Invalid parameter $`" + n.param + "`."}, c}
}

func (r *runner) checkRoleName(role string) *Failure {
	if role == "" {
		return r.dialect.argument("The provided role name is empty.", false, cause{"22NB6", "Invalid input. Role name is not allowed to be an empty string."})
	}
	if !roleNamePattern.MatchString(role) {
		return r.dialect.argument("Role name '"+role+"' contains illegal characters.\nUse simple ascii characters, numbers and underscores.", true,
			cause{"22N05", "Invalid input '" + role + "' for role name."}, cause{"22N82", "Input '" + role + "' contains invalid characters for role name."})
	}
	return nil
}

func (r *runner) reserved(verb string) *Failure {
	return r.dialect.argument("Failed to "+verb+": '"+publicRole+"' is a reserved role.", false, invalidSyntax, cause{"42N15", "`" + publicRole + "` is a reserved role."})
}

func (r *runner) immutableRole(verb string) *Failure {
	return r.dialect.forbidden("Immutable roles cannot be " + verb + ". Use `SHOW ROLES YIELD *` to see which roles are immutable.")
}

func (r *runner) createRole(cmd createRoleCmd) *Failure {
	role, failure := r.resolve(cmd.role)
	if failure != nil {
		return failure
	}
	if failure := r.checkRoleName(role); failure != nil {
		return failure
	}
	have := r.store.roles[role]
	switch {
	case role == publicRole:
		return r.reserved("create the specified role '" + role + "'")
	case have != nil && cmd.ifNotExists:
		return nil
	case have != nil && !cmd.replace:
		return r.dialect.argument("Failed to create the specified role '"+role+"': Role already exists.", false, invalidSyntax, roleExists(role))
	case have != nil && have.immutable && !r.authOff():
		return r.immutableRole("replaced")
	case cmd.immutable && !r.authOff():
		return r.immutableRole("created")
	}
	record := &roleRecord{name: role, immutable: cmd.immutable, atoms: map[string]atom{}}
	if failure := r.copyPrivileges(cmd, record); failure != nil {
		return failure
	}
	if have != nil {
		r.detach(role)
		r.updates++
	}
	r.store.roles[role] = record
	r.updates++
	return nil
}

// copyPrivileges is AS COPY OF: privileges, not members. Immutable ones stay where they are while authentication is on.
func (r *runner) copyPrivileges(cmd createRoleCmd, into *roleRecord) *Failure {
	if cmd.copyOf == nil {
		return nil
	}
	from, failure := r.resolve(*cmd.copyOf)
	if failure != nil {
		return failure
	}
	source := r.store.roles[from]
	if source == nil {
		return r.dialect.argument("Failed to create a role as copy of '"+from+"': Role does not exist.", false, cmd.copyOf.chain(roleMissing(from))...)
	}
	for key, a := range source.atoms {
		if !a.immutable || r.authOff() {
			into.atoms[key] = a
			r.updates++
		}
	}
	return nil
}

// detach takes a role from all its members.
func (r *runner) detach(role string) {
	for _, user := range sortedNames(r.store.users) {
		if hasString(r.store.users[user].roles, role) {
			u := r.store.editUser(user)
			u.roles = without(u.roles, role)
		}
	}
}

func without(list []string, drop string) []string {
	var out []string
	for _, s := range list {
		if s != drop {
			out = append(out, s)
		}
	}
	return out
}

func (r *runner) dropRole(cmd dropRoleCmd) *Failure {
	role, failure := r.resolve(cmd.role)
	if failure != nil {
		return failure
	}
	have := r.store.roles[role]
	switch {
	case role == publicRole:
		return r.reserved("delete the specified role '" + role + "'")
	case have == nil && cmd.ifExists:
		return nil
	case have == nil:
		return r.dialect.argument("Failed to delete the specified role '"+role+"': Role does not exist.", false, cmd.role.chain(roleMissing(role))...)
	case have.immutable && !r.authOff():
		return r.immutableRole("dropped")
	}
	r.detach(role)
	delete(r.store.roles, role)
	r.updates++
	return nil
}

func (r *runner) renameRole(cmd renameCmd) *Failure {
	from, failure := r.resolve(cmd.from)
	if failure != nil {
		return failure
	}
	to, failure := r.resolve(cmd.to)
	if failure != nil {
		return failure
	}
	if failure := r.checkRoleName(to); failure != nil {
		return failure
	}
	prefix := "rename the specified role '" + from + "' to '" + to + "'"
	have := r.store.roles[from]
	switch {
	case from == publicRole || to == publicRole:
		return r.reserved(prefix)
	case have == nil && cmd.ifExists:
		return nil
	case have == nil:
		return r.dialect.argument("Failed to "+prefix+": The role '"+from+"' does not exist.", true, cmd.from.chain(roleMissing(from))...)
	case r.store.roles[to] != nil:
		return r.dialect.argument("Failed to "+prefix+": Role '"+to+"' already exists.", true, invalidSyntax, roleExists(to))
	case have.immutable && !r.authOff():
		return r.immutableRole("renamed")
	}
	record := *have
	record.name = to
	delete(r.store.roles, from)
	r.store.roles[to] = &record
	for _, user := range sortedNames(r.store.users) {
		if hasString(r.store.users[user].roles, from) {
			u := r.store.editUser(user)
			u.roles = append(without(u.roles, from), to)
		}
	}
	r.updates++
	return nil
}

// assignRoles is GRANT ROLE and REVOKE ROLE.
func (r *runner) assignRoles(cmd assignRolesCmd) *Failure {
	if cmd.authRules {
		return &Failure{Code: CodeNotEmulated, Message: "not emulated: roles of auth rules"}
	}
	for _, rn := range cmd.roles {
		for _, un := range cmd.to {
			role, failure := r.resolve(rn)
			if failure != nil {
				return failure
			}
			user, failure := r.resolve(un)
			if failure != nil {
				return failure
			}
			if cmd.revoke {
				failure = r.revokeRole(role, user)
			} else {
				failure = r.grantRole(role, user, rn, un)
			}
			if failure != nil {
				return failure
			}
		}
	}
	return nil
}

func (r *runner) grantRole(role, user string, rn, un name) *Failure {
	command := "GRANT ROLE " + plainOrQuoted(role) + " TO " + plainOrQuoted(user)
	quoted := cause{"42NA8", "The command `" + command + "` failed."}
	prefix := "Failed to grant role '" + role + "' to user '" + user + "': "
	switch {
	case role == publicRole:
		return r.reserved("grant the specified role '" + role + "'")
	case r.store.roles[role] == nil:
		return r.dialect.argument(prefix+"Role does not exist.", false, invalidSyntax, quoted, roleMissing(role))
	case r.store.users[user] == nil:
		return r.dialect.argument(prefix+"User does not exist.", false, invalidSyntax, quoted, userMissing(user))
	case hasString(r.store.users[user].roles, role):
		r.note("00N70", "CommandHasNoEffect", "INFORMATION", command, "The user already has the role.")
		return nil
	}
	u := r.store.editUser(user)
	u.roles = append(u.roles, role)
	r.updates++
	return nil
}

// revokeRole tells a role or user that does not exist by a warning in Cypher 5 and by an error in Cypher 25.
func (r *runner) revokeRole(role, user string) *Failure {
	command := "REVOKE ROLE " + plainOrQuoted(role) + " FROM " + plainOrQuoted(user)
	prefix := "Failed to revoke role '" + role + "' from user '" + user + "': "
	switch {
	case role == publicRole:
		return r.reserved("revoke the specified role '" + role + "'")
	case r.store.roles[role] == nil:
		return r.impossible(command, prefix+"Role does not exist.", "Role does not exist.", codeArgumentError, roleMissing(role))
	case r.store.users[user] == nil:
		return r.impossible(command, prefix+"User does not exist.", "User does not exist.", codeArgumentError, userMissing(user))
	case !hasString(r.store.users[user].roles, role):
		r.note("00N71", "CommandHasNoEffect", "INFORMATION", command, "The user does not have the role.")
		return nil
	}
	u := r.store.editUser(user)
	u.roles = without(u.roles, role)
	r.updates++
	return nil
}

func (r *runner) impossible(command, message, why, code string, c cause) *Failure {
	if r.dialect.language == 25 {
		return r.dialect.chained(code, message, false, invalidSyntax, cause{"42NA8", "The command `" + command + "` failed."}, c)
	}
	r.note("01N70", "ImpossibleRevokeCommand", "WARNING", command, why+" Make sure nothing is misspelled. This notification will become an error in a future major version.")
	return nil
}

// privilege is GRANT, DENY and REVOKE.
func (r *runner) privilege(cmd privilegeCmd) *Failure {
	x := expander{dialect: r.dialect, params: r.params, today: func() string { return r.d.now().UTC().Format("2006-01-02") }}
	for _, rn := range cmd.roles {
		role, failure := r.resolve(rn)
		if failure != nil {
			return failure
		}
		atoms, failure := x.expand(cmd.privilege, cmd.verb == "DENY", cmd.immutable)
		if failure != nil {
			return failure
		}
		for _, a := range dedupe(atoms) {
			if cmd.verb == "REVOKE" {
				failure = r.revoke(cmd, role, a)
			} else {
				failure = r.grant(role, a)
			}
			if failure != nil {
				return failure
			}
		}
	}
	return nil
}

func dedupe(atoms []atom) []atom {
	seen := map[string]bool{}
	var out []atom
	for _, a := range atoms {
		if !seen[a.key()] {
			seen[a.key()] = true
			out = append(out, a)
		}
	}
	return out
}

// missingDatabase names the graph or database of an atom when there is none.
func (r *runner) missingDatabase(a atom) string {
	if a.home || a.graph.star || a.action.on > onDatabase || a.graph.name == systemDatabase || r.store.databases[a.graph.name] != nil {
		return ""
	}
	return a.graph.name
}

func (r *runner) grant(role string, a atom) *Failure {
	verb := strings.ToLower(a.verb())
	command := a.head("") + a.pretty() + " TO " + plainOrQuoted(role)
	quoted := cause{"42NA8", "The command `" + command + "` failed."}
	prefix := "Failed to " + verb + " " + strings.ToLower(a.action.name) + " privilege to role '" + role + "': "
	record := r.store.roles[role]
	if record == nil {
		return r.dialect.argument(prefix+"Role does not exist.", false, invalidSyntax, quoted, roleMissing(role))
	}
	if db := r.missingDatabase(a); db != "" {
		return r.dialect.chained(codeDatabaseNotFound, prefix+"Database '"+db+"' does not exist.", false, invalidSyntax, quoted, databaseMissing(db))
	}
	if a.immutable && !r.authOff() {
		past, doing := "granted", "granting"
		if a.deny {
			past, doing = "denied", "denying"
		}
		return r.dialect.forbidden("Immutable privileges cannot be " + past + ". Try " + doing + " the privilege without the IMMUTABLE keyword.")
	}
	if record.immutable && !a.immutable {
		return r.dialect.forbidden("Only immutable privileges can be assigned to an immutable role. Try `GRANT/DENY IMMUTABLE` instead.")
	}
	immutable := a
	immutable.immutable = true
	if _, held := record.atoms[a.key()]; held || has(record.atoms, immutable.key()) {
		r.note("00N70", "CommandHasNoEffect", "INFORMATION", command, "The role already has the privilege.")
		return nil
	}
	r.store.editRole(role).atoms[a.key()] = a
	r.updates++
	return nil
}

func has(atoms map[string]atom, key string) bool {
	_, ok := atoms[key]
	return ok
}

// revoke removes exactly the named atoms. Without IMMUTABLE both kinds match, so an immutable one that may not be touched is refused.
func (r *runner) revoke(cmd privilegeCmd, role string, a atom) *Failure {
	verb := "REVOKE "
	if cmd.only != "" {
		verb += cmd.only + " "
	}
	if cmd.immutable {
		verb += "IMMUTABLE "
	}
	command := verb + a.pretty() + " FROM " + plainOrQuoted(role)
	prefix := "Failed to revoke " + strings.ToLower(a.action.name) + " privilege from role '" + role + "': "
	record := r.store.roles[role]
	if record == nil {
		return r.impossible(command, prefix+"Role does not exist.", "Role does not exist.", codeArgumentError, roleMissing(role))
	}
	if db := r.missingDatabase(a); db != "" {
		return r.impossible(command, prefix+"Database '"+db+"' does not exist.", "Database '"+db+"' does not exist.", codeDatabaseNotFound, databaseMissing(db))
	}
	var found []string
	for _, candidate := range revokeKeys(cmd, a) {
		if held, ok := record.atoms[candidate]; ok {
			if held.immutable && !r.authOff() {
				return r.dialect.forbidden("Immutable privileges cannot be revoked. Use `SHOW ROLE " + role + " PRIVILEGES AS COMMANDS YIELD *` to inspect " + role + "'s privileges.")
			}
			found = append(found, candidate)
		}
	}
	if len(found) == 0 {
		r.note("00N71", "CommandHasNoEffect", "INFORMATION", command, "The role does not have the privilege.")
		return nil
	}
	edited := r.store.editRole(role)
	for _, key := range found {
		delete(edited.atoms, key)
		r.updates++
	}
	return nil
}

// revokeKeys are the rows that a REVOKE of a names.
func revokeKeys(cmd privilegeCmd, a atom) []string {
	var keys []string
	for _, deny := range []bool{false, true} {
		if cmd.only == "GRANT" && deny || cmd.only == "DENY" && !deny {
			continue
		}
		for _, immutable := range []bool{false, true} {
			if cmd.immutable && !immutable {
				continue
			}
			b := a
			b.deny, b.immutable = deny, immutable
			keys = append(keys, b.key())
		}
	}
	return keys
}

// database is CREATE and DROP DATABASE. A dropped one takes its privileges along.
func (r *runner) database(cmd databaseCmd) *Failure {
	db, failure := r.resolve(cmd.database)
	if failure != nil {
		return failure
	}
	db = strings.ToLower(db)
	have := db == systemDatabase || r.store.databases[db] != nil
	if cmd.verb == "CREATE" {
		if have && cmd.ifExists {
			return nil
		}
		if have && !cmd.replace {
			return r.dialect.chained(codeDatabaseExists, "Failed to create the specified database '"+db+"': Database already exists.", false, invalidSyntax,
				cause{"42N11", "A database or alias with the name `" + db + "` already exists."})
		}
		r.store.databases[db] = &databaseRecord{name: db, graph: newGraph()}
		r.updates++
		return nil
	}
	switch {
	case !have && cmd.ifExists:
		return nil
	case !have:
		return r.dialect.chained(codeDatabaseNotFound, "Failed to delete the specified database '"+db+"': Database does not exist.", false, invalidSyntax, databaseMissing(db))
	case db == systemDatabase:
		return r.dialect.argument("Failed to delete the specified database '"+db+"': Not allowed to delete system database.", false, invalidSyntax)
	}
	delete(r.store.databases, db)
	for _, role := range sortedNames(r.store.roles) {
		for key, a := range r.store.roles[role].atoms {
			if a.action.on <= onDatabase && !a.graph.star && a.graph.name == db {
				delete(r.store.editRole(role).atoms, key)
			}
		}
	}
	r.updates++
	return nil
}
