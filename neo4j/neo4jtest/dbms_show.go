package neo4jtest

import (
	"fmt"
	"slices"
	"strings"
)

// show runs a SHOW command.
func (r *runner) show(cmd showCmd) (*result, *Failure) {
	res := &result{kind: "s", show: true}
	if cmd.kind == showSettings && r.t.db != systemDatabase {
		res.kind, res.show = "r", false
	}
	if failure := r.unsupported(); failure != nil {
		return nil, failure
	}
	if r.stmt.explain {
		res.explained = true
		res.fields = cmd.fields()
		return res, nil
	}
	kind := kindAdmin
	if cmd.kind == showSettings {
		kind = kindRead
	}
	if failure := r.t.enter(kind, r.stmt.text); failure != nil {
		return nil, failure
	}
	if failure := r.prepare(); failure != nil {
		return nil, failure
	}
	if failure := r.permitShow(cmd); failure != nil {
		return nil, failure
	}
	rows, failure := r.showRows(cmd)
	if failure != nil && failure.Code == codeTypeError && cmd.kind == showSettings {
		res.fields, res.rows, res.late = cmd.fields(), [][]any{}, failure
		return res, nil
	}
	if failure != nil {
		return nil, failure
	}
	out, failure := cmd.tail.apply(table{columns: append([]string{}, cmd.columns...), rows: rows}, cmd.defaults, r.params)
	if failure != nil {
		return nil, failure
	}
	res.fields, res.rows = tableResult(out)
	return res, nil
}

// fields are the columns that a SHOW command returns.
func (c showCmd) fields() []string {
	pr := c.tail.ret
	if pr == nil {
		pr = c.tail.yield
	}
	if pr == nil {
		return c.columns[:c.defaults]
	}
	if pr.star {
		return c.columns
	}
	var out []string
	for _, it := range pr.items {
		out = append(out, it.alias)
	}
	return out
}

func (r *runner) permitShow(cmd showCmd) *Failure {
	if r.d.edition == EditionCommunity {
		return nil
	}
	var needs []need
	add := func(names ...string) {
		for _, n := range names {
			needs = append(needs, need{name: n, on: onDBMS})
		}
	}
	switch cmd.kind {
	case showRoles:
		add("SHOW ROLE")
		switch cmd.with {
		case "USERS":
			add("SHOW USER")
		case "AUTH RULES":
			add("SHOW AUTH RULE")
		}
	case showPrivileges, showRolePrivileges:
		add("SHOW PRIVILEGE")
	case showUserPrivileges:
		for _, n := range cmd.names {
			if user, failure := r.resolve(n); failure != nil {
				return failure
			} else if user != r.t.who.user {
				add("SHOW PRIVILEGE", "SHOW USER")
				break
			}
		}
	case showUsers:
		add("SHOW USER")
	case showServers:
		add("SHOW SERVERS")
	case showAliases:
		add("SHOW ALIAS")
	case showAuthRules:
		add("SHOW AUTH RULE")
	}
	return r.ac.require(needs...)
}

func (r *runner) showRows(cmd showCmd) ([]map[string]any, *Failure) {
	switch cmd.kind {
	case showRoles:
		return r.roleRows(cmd), nil
	case showPrivileges:
		return privilegeRows(cmd, r.store, sortedNames(r.store.roles), ""), nil
	case showRolePrivileges:
		names, failure := r.resolveAll(cmd.names)
		return privilegeRows(cmd, r.store, sortedUnique(names), ""), failure
	case showUserPrivileges:
		return r.userPrivilegeRows(cmd)
	case showSupported:
		return supportedRows(r.dialect), nil
	case showUsers:
		return r.userRows(cmd), nil
	case showCurrentUser:
		return r.currentUserRows(), nil
	case showSettings:
		return r.settingRows(cmd)
	case showDatabases:
		return r.databaseRows(cmd)
	case showServers:
		return r.serverRows(), nil
	}
	return nil, nil // aliases and auth rules: there are none
}

func (r *runner) resolveAll(names []name) ([]string, *Failure) {
	var out []string
	for _, n := range names {
		text, failure := r.resolve(n)
		if failure != nil {
			return nil, failure
		}
		out = append(out, text)
	}
	return out, nil
}

func (r *runner) roleRows(cmd showCmd) []map[string]any {
	var rows []map[string]any
	for _, name := range sortedNames(r.store.roles) {
		members := r.store.members(name)
		if cmd.populated && len(members) == 0 {
			continue
		}
		base := map[string]any{"role": name, "immutable": r.store.roles[name].immutable}
		if cmd.commands != "" {
			immutable := ""
			if r.store.roles[name].immutable {
				immutable = "IMMUTABLE "
			}
			base["command"] = "CREATE " + immutable + "ROLE " + plainOrQuoted(name)
		}
		switch {
		case cmd.with == "USERS" && len(members) > 0:
			for _, m := range members {
				row := map[string]any{"member": m}
				for k, v := range base {
					row[k] = v
				}
				if cmd.commands != "" && name != publicRole {
					row["command"] = "GRANT ROLE " + plainOrQuoted(name) + " TO " + plainOrQuoted(m)
				}
				rows = append(rows, row)
			}
		default:
			rows = append(rows, base)
		}
	}
	return rows
}

// privilegeRows lists the atoms of roles, raw or as commands. roleText replaces the role in commands when given; equal rows are merged.
func privilegeRows(cmd showCmd, s *store, roles []string, roleText string) []map[string]any {
	var rows []map[string]any
	seen := map[string]bool{}
	for _, name := range roles {
		record := s.roles[name]
		if record == nil {
			continue // an unknown role has no rows
		}
		for _, a := range record.sortedAtoms() {
			if cmd.commands == "" {
				rows = append(rows, a.rawRows(name)...)
				continue
			}
			written := roleText
			if written == "" {
				written = quoteName(name)
			}
			command := a.command(written, cmd.commands == "REVOKE")
			if !seen[command] {
				seen[command] = true
				rows = append(rows, map[string]any{"command": command, "immutable": a.immutable})
			}
		}
	}
	if cmd.commands != "" {
		sortRowsBy(rows, "command")
	}
	return rows
}

func sortRowsBy(rows []map[string]any, column string) {
	slices.SortStableFunc(rows, func(a, b map[string]any) int { return strings.Compare(a[column].(string), b[column].(string)) })
}

func (r *runner) userPrivilegeRows(cmd showCmd) ([]map[string]any, *Failure) {
	users, failure := r.resolveAll(cmd.names)
	if failure != nil {
		return nil, failure
	}
	if len(users) == 0 {
		users = []string{r.t.who.user}
	}
	var rows []map[string]any
	for _, user := range users {
		var roles []string
		switch {
		case user == r.t.who.user:
			roles = r.ac.roles
		case r.store.users[user] != nil:
			roles = append(sortedUnique(r.store.users[user].roles), publicRole)
		}
		for _, row := range privilegeRows(cmd, r.store, roles, "$role") {
			row["user"] = user
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// supportedRows are SHOW SUPPORTED PRIVILEGES.
func supportedRows(d dialect) []map[string]any {
	var rows []map[string]any
	seen := map[string]bool{}
	for i := range actions {
		a := &actions[i]
		target := []string{"graph", "database", "dbms", "dbms"}[a.on]
		id := a.name + target
		if seen[id] || !a.knownTo(d) {
			continue
		}
		seen[id] = true
		row := map[string]any{"action": strings.ToLower(a.name), "target": target, "description": "allows " + strings.ToLower(a.name), "qualifier": nil, "scope": nil}
		switch a.qual {
		case propertiesAndEntity:
			row["qualifier"] = "property"
		case labelList:
			row["qualifier"] = "label"
		case userList:
			row["qualifier"] = "username"
		case settingGlobs:
			row["qualifier"] = "setting"
		case globList:
			row["qualifier"] = "procedure"
			if strings.HasSuffix(a.name, "FUNCTION") {
				row["qualifier"] = "function"
			}
		}
		if a.qual == entityOnly || a.qual == propertiesAndEntity {
			scope := []any{"elements", "nodes", "relationships"}
			if a.pbac {
				scope = []any{"elements", "nodes", "pattern", "relationships"}
			}
			row["scope"] = scope
		}
		rows = append(rows, row)
	}
	return rows
}

// userRow is one row of SHOW USERS without auth columns.
func (r *runner) userRow(u *userRecord) map[string]any {
	row := map[string]any{"user": u.name, "passwordChangeRequired": nil, "tags": []any{}}
	if u.native != nil {
		row["passwordChangeRequired"] = u.native.changeRequired
	}
	if r.d.edition == EditionCommunity {
		return row
	}
	roles := []any{}
	for _, role := range sortedUnique(u.roles) {
		roles = append(roles, role)
	}
	row["roles"], row["suspended"], row["home"] = append(roles, publicRole), u.suspended, nil
	if u.home != "" {
		row["home"] = u.home
	}
	return row
}

func (r *runner) userRows(cmd showCmd) []map[string]any {
	var rows []map[string]any
	for _, name := range sortedNames(r.store.users) {
		u := r.store.users[name]
		row := r.userRow(u)
		if cmd.commands != "" {
			row["command"] = userCommand(u)
		}
		if cmd.with == "" {
			rows = append(rows, row)
			continue
		}
		if u.native != nil {
			rows = append(rows, withAuth(row, "native", map[string]any{"password": "***", "changeRequired": u.native.changeRequired}))
		}
		for _, p := range sortedNames(u.external) {
			rows = append(rows, withAuth(row, p, map[string]any{"id": u.external[p]}))
		}
	}
	return rows
}

func withAuth(row map[string]any, provider string, auth map[string]any) map[string]any {
	out := map[string]any{"provider": provider, "auth": auth}
	for k, v := range row {
		out[k] = v
	}
	return out
}

// currentUserRows is the session's own row; roles from a token are shown here only. A session whose user is gone has none.
func (r *runner) currentUserRows() []map[string]any {
	who := r.t.who
	if who.all {
		return nil
	}
	u := r.store.users[who.user]
	if who.provider == "" && u == nil {
		return nil
	}
	row := map[string]any{"user": who.user, "passwordChangeRequired": false, "suspended": false, "home": nil, "tags": []any{}}
	if u != nil && (who.provider == "" || who.local) {
		row = r.userRow(u)
	}
	if r.d.edition == EditionCommunity {
		return []map[string]any{row}
	}
	var roles []any
	for _, role := range r.ac.roles {
		roles = append(roles, role)
	}
	row["roles"] = roles
	return []map[string]any{row}
}

func (r *runner) settingRows(cmd showCmd) ([]map[string]any, *Failure) {
	wanted, all, failure := r.settingNames(cmd.settings)
	if failure != nil {
		return nil, failure
	}
	r.d.mu.Lock()
	settings := r.t.m.settings
	rows := settings.rows(r.t.m.conf)
	r.d.mu.Unlock()
	if r.d.edition == EditionCommunity {
		rows = slices.DeleteFunc(rows, func(row map[string]any) bool { return settings.defs[row["name"].(string)].enterprise })
	}
	var out []map[string]any
	for _, row := range rows {
		name := row["name"].(string)
		if (all || wanted[name]) && (r.d.edition == EditionCommunity || r.ac.maySee(name)) {
			out = append(out, row)
		}
	}
	return out, nil
}

// settingNames evaluates what stands behind SHOW SETTINGS: strings, or one list of strings.
func (r *runner) settingNames(exprs []expr) (map[string]bool, bool, *Failure) {
	if len(exprs) == 0 {
		return nil, true, nil
	}
	values, failure := evalList(exprs, &scope{params: r.params})
	if failure != nil {
		return nil, false, failure
	}
	if len(values) == 1 {
		if list, ok := values[0].([]any); ok {
			values = list
		}
	}
	names := map[string]bool{}
	for _, v := range values {
		s, ok := v.(string)
		if v == nil && r.dialect.language == 25 {
			continue
		}
		if !ok {
			return nil, false, r.dialect.chained(codeTypeError, "Expected a string or a list of strings, but got: "+javaText(v), true, cause{"22G03", ""}, cause{"22N27", "Invalid input '" + orNull(v) + "' for the settings."})
		}
		names[s] = true
	}
	return names, false, nil
}

func (r *runner) databaseRows(cmd showCmd) ([]map[string]any, *Failure) {
	only, failure := r.resolveAll(cmd.names)
	if failure != nil {
		return nil, failure
	}
	var rows []map[string]any
	members, leader := r.d.cluster()
	for _, name := range append(sortedNames(r.store.databases), systemDatabase) {
		switch {
		case len(only) > 0 && strings.ToLower(only[0]) != name:
			continue
		case cmd.scope == "HOME" && name != r.ac.home:
			continue
		case cmd.scope == "DEFAULT" && name != r.t.m.home:
			continue
		case name != systemDatabase && !r.seesDatabase(name):
			continue
		}
		for i, address := range members {
			row := r.databaseRow(name)
			row["serverID"], row["address"], row["writer"], row["currentPrimariesCount"] = serverID(i), address, i == leader, int64(len(members))
			rows = append(rows, row)
		}
	}
	sortRowsBy(rows, "name")
	return rows, nil
}

// seesDatabase says that a session may see that a database exists: those it may access, and all with a privilege to manage them.
func (r *runner) seesDatabase(name string) bool {
	if r.d.edition == EditionCommunity || r.ac.mayDatabase("ACCESS", name) == granted {
		return true
	}
	return r.ac.mayDBMS("CREATE DATABASE") == granted || r.ac.mayDBMS("DROP DATABASE") == granted || r.ac.mayDBMS("ALTER DATABASE") == granted
}

// databaseRow is what the rows of all members have in common: each has a copy of every database.
func (r *runner) databaseRow(name string) map[string]any {
	kind, id, store := "standard", "DB-"+name, "block-block-1.1"
	if name == systemDatabase {
		kind = "system"
	}
	row := map[string]any{"name": name, "type": kind, "aliases": []any{}, "access": "read-write", "databaseID": id,
		"role": "primary", "requestedStatus": "online", "currentStatus": "online", "statusMessage": "", "default": name == r.t.m.home,
		"home": name == r.ac.home, "currentSecondariesCount": int64(0), "store": store, "constituents": []any{},
		"options": map[string]any{}, "replicationLag": int64(0)}
	if r.dialect.calendar {
		row["defaultLanguage"] = "CYPHER 5"
		if r.d.dialect.language == 25 {
			row["defaultLanguage"] = "CYPHER 25"
		}
	}
	return row
}

func serverID(member int) string { return fmt.Sprintf("SERVER-%d", member+1) }

func (r *runner) serverRows() []map[string]any {
	hosting := []any{}
	for _, name := range append(sortedNames(r.store.databases), systemDatabase) {
		hosting = append(hosting, name)
	}
	var rows []map[string]any
	members, _ := r.d.cluster()
	for i, address := range members {
		id := serverID(i)
		rows = append(rows, map[string]any{"serverId": id, "name": id, "address": address, "httpAddress": nil, "httpsAddress": nil, "state": "Enabled", "health": "Available",
			"hosting": hosting, "requestedHosting": hosting, "tags": []any{}, "allowedDatabases": []any{}, "deniedDatabases": []any{}, "modeConstraint": "NONE",
			"version": r.d.version})
	}
	return rows
}

// orNull is a value as statuses quote it.
func orNull(v any) string {
	if v == nil {
		return "<null>"
	}
	return cypherText(v)
}
