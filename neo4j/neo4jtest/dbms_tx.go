package neo4jtest

import "strings"

// The kinds of statement that a transaction keeps apart (docs: status code 25N01).
const (
	kindAdmin = "Administration command"
	kindRead  = "Read query"
	kindWrite = "Write query"
)

// op is a change, applied to the transaction's own view when it runs and to the live store when it commits.
type op func(*store) *Failure

// tx is one transaction on one member.
type tx struct {
	m      *member
	number int64
	p      *principal
	who    *identity
	opts   txOptions
	db     string // in lower case, the home database resolved

	kind  string
	ops   []op
	graph *graph // the working copy, once something was written
	ended bool

	seen, own *store // what was committed when this transaction last looked, and that with its own changes, as view gave it
}

var _ transaction = (*tx)(nil)

// begin opens a transaction.
func (m *member) begin(p *principal, opts txOptions) (transaction, *Failure) {
	who, failure := m.identityOf(p)
	if failure != nil {
		return nil, failure
	}
	if opts.impersonate != "" {
		if who, failure = m.impersonate(who, opts.impersonate); failure != nil {
			return nil, failure
		}
	}
	d := m.dbms
	d.mu.Lock()
	defer d.mu.Unlock()
	t := &tx{m: m, number: d.transactions.Add(1), p: p, who: who, opts: opts, db: strings.ToLower(opts.db)}
	if t.db == "" {
		t.db = who.homeOf(d.live, m.home)
	}
	if t.db != systemDatabase && d.live.databases[t.db] == nil {
		return nil, d.dialect.chained(codeDatabaseNotFound, "Graph not found: "+t.db, false, invalidSyntax, databaseMissing(t.db))
	}
	if failure := m.await(t.db, opts.bookmarks); failure != nil {
		return nil, failure
	}
	return t, nil
}

// impersonate is who, acting as another user.
func (m *member) impersonate(who *identity, user string) (*identity, *Failure) {
	d := m.dbms
	if d.edition == EditionCommunity {
		return nil, d.dialect.argument("Impersonation is not supported in community edition.", false, cause{"51N27", "Impersonation is not supported in community edition."})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	ac := accessOf(d.dialect, who, d.live, m.home)
	if ac.mayImpersonate(user) != granted || d.live.users[user] == nil {
		return nil, d.dialect.forbidden("Cannot impersonate user '" + user + "'.")
	}
	return &identity{user: user, native: true, acting: who.user}, nil
}

// view is the store as this transaction sees it: what is committed, and its own changes. Statements change it as they go; while nobody else commits, the next one goes
// on with it.
func (t *tx) view() (*store, *Failure) {
	d := t.m.dbms
	d.mu.Lock()
	live, _ := t.m.standing()
	d.mu.Unlock()
	if t.own != nil && t.seen == live {
		return t.own, nil
	}
	s := live.clone()
	for _, change := range t.ops {
		if failure := change(s); failure != nil {
			return nil, failure
		}
	}
	t.seen, t.own = live, s
	return s, nil
}

// database is where the transaction runs.
func (t *tx) database() string { return t.db }

// commit applies the changes to the live store.
func (t *tx) commit() (string, *Failure) {
	d := t.m.dbms
	defer t.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	where := t.db
	if t.kind == kindAdmin {
		where = systemDatabase
	}
	if len(t.ops) == 0 && t.graph == nil {
		_, newest := t.m.standing()
		return bookmark(where, newest), nil
	}
	if failure := t.m.refuseWriteLocked(); failure != nil {
		return "", failure
	}
	next := d.live.clone()
	for _, change := range t.ops {
		if failure := change(next); failure != nil {
			return "", failure
		}
	}
	if t.graph != nil {
		record := next.databases[t.db]
		if record == nil {
			return "", d.dialect.chained(codeDatabaseNotFound, "Graph not found: "+t.db, false, invalidSyntax, databaseMissing(t.db))
		}
		next.databases[t.db] = &databaseRecord{name: t.db, graph: t.graph}
	}
	if d.persist != nil {
		if err := d.persist(next); err != nil {
			return "", &Failure{Code: "Neo.DatabaseError.Transaction.TransactionCommitFailed", Message: "Could not store the transaction: " + err.Error()}
		}
	}
	d.committed(next)
	return bookmark(where, d.commits), nil
}

func (t *tx) rollback() { t.end() }

func (t *tx) end() {
	if !t.ended {
		t.ended = true
		t.m.dbms.locks.release(t)
	}
}

// enter notes the kind of a statement and refuses to mix administration with anything else.
func (t *tx) enter(kind, query string) *Failure {
	if t.kind != "" && (t.kind == kindAdmin) != (kind == kindAdmin) {
		message := "Tried to execute " + kind + " after executing " + t.kind
		return t.m.dbms.dialect.chained(codeTransactionType, message, true, cause{"25N01", "Failed to execute the query '" + query + "' due to conflicting statement types (read query, write query, schema modification, or administration command). " +
			"To execute queries in the same transaction, they must be either of the same type, or be a combination of schema modifications and read commands."})
	}
	t.kind = kind
	return nil
}

// run executes one statement.
func (t *tx) run(query string, params map[string]any) (*result, *Failure) {
	res, failure := t.execute(query, params)
	t.m.dbms.record(t, query, res, failure)
	return res, failure
}

func (t *tx) execute(query string, params map[string]any) (*result, *Failure) {
	d := t.m.dbms
	stmt, failure := d.parse(query)
	if failure != nil {
		return nil, failure
	}
	if _, isChange := stmt.cmd.(alterCurrentUserCmd); t.p.credentialsExpired && !isChange {
		return nil, t.expired()
	}
	normal := map[string]any{}
	for k, v := range params {
		normal[k] = normalise(v)
	}
	r := &runner{t: t, d: d, stmt: stmt, dialect: stmt.dialect, params: normal}
	if failure := missingParameters(stmt, params); failure != nil {
		if refused := r.refusedAnyway(); refused != nil {
			return nil, refused
		}
		return nil, failure
	}
	res, failure := r.dispatch()
	t.audit(stmt, failure)
	if failure != nil {
		return nil, failure
	}
	if res.db == "" {
		res.db = t.db
	}
	res.homeDB = t.opts.db == ""
	return res, nil
}

// refusedAnyway is the refusal of a command that the edition does not have, which comes before a look at its parameters.
func (r *runner) refusedAnyway() *Failure {
	switch r.stmt.cmd.(type) {
	case queryCmd, callCmd:
		return nil
	}
	if refused := r.unsupported(); refused != nil && refused.Code == codeUnsupportedAdmin {
		return refused
	}
	return nil
}

// expired is the refusal of everything but a change of the own password.
func (t *tx) expired() *Failure {
	opener := "ACCESS on database '" + t.db + "' is not allowed."
	if t.db == systemDatabase {
		opener = "Permission denied."
	}
	return t.m.dbms.dialect.chained(codeCredentialsExpire, opener+"\n\nThe credentials you provided were valid, but must be changed before you can use this instance. "+
		"If this is the first time you are using Neo4j, this is to ensure you are not using the default credentials in production. "+
		"If you are not using default credentials, you are getting this message because an administrator requires a password change.\n"+
		"To change your password, issue an `ALTER CURRENT USER SET PASSWORD FROM 'current password' TO 'new password'` statement against the system database.", true,
		cause{"42NFF", "Access denied, see the security logs for details."},
		cause{"42NFD", "Permission denied. The credentials you provided were valid, but must be changed before you can use this instance."})
}

// parse reads a statement. What Cypher 25 would have taken gets the cause that says so.
func (d *dbms) parse(query string) (*statement, *Failure) {
	stmt, src, refused := parseStatement(query, d.dialect)
	if refused == nil {
		return stmt, nil
	}
	failure := refused.failure(d.dialect, src)
	if d.dialect.calendar && d.dialect.language == 5 && failure.Cause != nil && refused.gql == "" {
		if _, _, again := parseStatement(query, dialect{calendar: true, language: 25}); again == nil {
			sentence := "The query is parsable in `CYPHER 25`, but it is run in `CYPHER 5`. " +
				"Consider changing the database default Cypher version using `ALTER DATABASE SET DEFAULT LANGUAGE` or prefix the query with `CYPHER 25`."
			failure.Cause.Cause = &Failure{GQLStatus: "42I67", Message: sentence, Description: statusText("42I67", sentence)}
		}
	}
	return nil, failure
}

func missingParameters(stmt *statement, params map[string]any) *Failure {
	var missing []string
	for _, p := range stmt.params {
		if _, ok := params[p]; !ok && !stmt.explain && !hasString(missing, p) {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	got := "nothing"
	if len(params) > 0 {
		got = "$`" + strings.Join(sortedNames(params), "`, $`") + "`"
	}
	return stmt.dialect.chained(codeParameterMissing, "Expected parameter(s): "+strings.Join(missing, ", "), false, invalidSyntax,
		cause{"42N81", "Expected $`" + strings.Join(missing, "` and $`") + "`, but got " + got + "."})
}

// runner executes one statement of a transaction.
type runner struct {
	t       *tx
	d       *dbms
	stmt    *statement
	dialect dialect
	params  map[string]any

	ac      *access
	store   *store // the view, or a copy of it while a change is made
	updates int64
	notes   []notification

	committing bool // the change is made a second time, with the lock held
}

// dispatch runs the command.
func (r *runner) dispatch() (*result, *Failure) {
	switch cmd := r.stmt.cmd.(type) {
	case queryCmd:
		return r.query(cmd)
	case callCmd:
		return r.call(cmd)
	case showCmd:
		return r.show(cmd)
	case authRuleCmd:
		return nil, &Failure{Code: CodeNotEmulated, Message: "not emulated: " + cmd.verb + " AUTH RULE"}
	}
	return r.administer()
}

// prepare reads the store as the transaction sees it.
func (r *runner) prepare() *Failure {
	view, failure := r.t.view()
	if failure != nil {
		return failure
	}
	r.store = view
	r.ac = accessOf(r.dialect, r.t.who, view, r.t.m.home)
	return nil
}

// administer runs a command that changes the security store: its needs are checked, then it is applied to the view, and once more at commit.
func (r *runner) administer() (*result, *Failure) {
	res := &result{kind: "s", fields: []string{}, rows: [][]any{}}
	if failure := r.unsupported(); failure != nil {
		return nil, failure
	}
	if r.stmt.explain {
		res.explained = true
		return res, nil
	}
	if failure := r.t.enter(kindAdmin, r.stmt.text); failure != nil {
		return nil, failure
	}
	if r.t.opts.mode == "r" {
		return nil, r.dialect.chained(codeAccessMode, "Writing in read access mode not allowed. Attempted write to system", false,
			cause{"08N03", "Failed to write to graph `system`. Check the defined access mode in both driver and database."}, cause{"42N02", "Writing in read access mode not allowed."})
	}
	if failure := r.t.m.refuseWrite(); failure != nil {
		return nil, failure
	}
	if r.t.who.acting != "" {
		return nil, r.dialect.forbidden("Not allowed to run updating system commands when impersonating a user.")
	}
	if failure := r.lock(); failure != nil {
		return nil, failure
	}
	if failure := r.prepare(); failure != nil {
		return nil, failure
	}
	if failure := r.permit(); failure != nil {
		return nil, failure
	}
	if failure := r.change(); failure != nil {
		r.t.own = nil // half changed
		return nil, failure
	}
	r.t.ops = append(r.t.ops, func(s *store) *Failure {
		again := *r
		again.store, again.notes, again.updates, again.committing = s, nil, 0, true
		return again.change()
	})
	if r.updates > 0 {
		res.stats = map[string]any{"contains-system-updates": true, "system-updates": r.updates}
	}
	res.notifications = r.notes
	return res, nil
}

// change applies the command to r.store.
func (r *runner) change() *Failure {
	switch cmd := r.stmt.cmd.(type) {
	case createRoleCmd:
		return r.createRole(cmd)
	case dropRoleCmd:
		return r.dropRole(cmd)
	case renameCmd:
		if cmd.what == "ROLE" {
			return r.renameRole(cmd)
		}
		return r.renameUser(cmd)
	case assignRolesCmd:
		return r.assignRoles(cmd)
	case privilegeCmd:
		return r.privilege(cmd)
	case userCmd:
		if cmd.create {
			return r.createUser(cmd)
		}
		return r.alterUser(cmd)
	case dropUserCmd:
		return r.dropUser(cmd)
	case alterCurrentUserCmd:
		return r.alterCurrentUser(cmd)
	case databaseCmd:
		return r.database(cmd)
	}
	return &Failure{Code: CodeNotEmulated, Message: "not emulated: this administration command"}
}

// lock takes the names that the command touches, in order, so that a second transaction waits.
func (r *runner) lock() *Failure {
	keys := map[string]bool{}
	add := func(kind string, names ...name) {
		for _, n := range names {
			if text, failure := resolveName(n, r.params); failure == nil {
				keys[kind+" "+text] = true
			}
		}
	}
	switch cmd := r.stmt.cmd.(type) {
	case createRoleCmd:
		add("role", cmd.role)
	case dropRoleCmd:
		add("role", cmd.role)
	case renameCmd:
		add(strings.ToLower(cmd.what), cmd.from, cmd.to)
	case assignRolesCmd:
		add("user", cmd.to...)
	case privilegeCmd:
		add("role", cmd.roles...)
	case userCmd:
		add("user", cmd.user)
	case dropUserCmd:
		add("user", cmd.user)
	case alterCurrentUserCmd:
		add("user", name{text: r.t.who.user})
	case databaseCmd:
		add("database", cmd.database)
	}
	for _, key := range sortedNames(keys) {
		if failure := r.d.locks.acquire(r.t, key); failure != nil {
			return failure
		}
	}
	return nil
}

// permit checks the privileges that the command needs.
func (r *runner) permit() *Failure {
	var needs []need
	add := func(names ...string) {
		for _, n := range names {
			needs = append(needs, need{name: n, on: onDBMS})
		}
	}
	if r.d.edition == EditionCommunity {
		return nil // all users of Community are equal
	}
	switch cmd := r.stmt.cmd.(type) {
	case createRoleCmd:
		add("CREATE ROLE")
		if cmd.replace {
			add("DROP ROLE")
		}
		if cmd.copyOf != nil {
			add("SHOW PRIVILEGE", "ASSIGN PRIVILEGE")
		}
	case dropRoleCmd:
		add("DROP ROLE")
	case renameCmd:
		add("RENAME " + cmd.what)
	case assignRolesCmd:
		if cmd.revoke {
			add("REMOVE ROLE")
		} else {
			add("ASSIGN ROLE")
		}
	case privilegeCmd:
		if cmd.verb == "REVOKE" {
			add("REMOVE PRIVILEGE")
		} else {
			add("ASSIGN PRIVILEGE")
		}
	case userCmd:
		add(userNeeds(cmd)...)
	case dropUserCmd:
		add("DROP USER")
	case databaseCmd:
		add(cmd.verb + " DATABASE")
		if cmd.replace {
			add("DROP DATABASE")
		}
	}
	return r.ac.require(needs...)
}

func userNeeds(cmd userCmd) []string {
	if cmd.create {
		if cmd.replace {
			return []string{"CREATE USER", "DROP USER"}
		}
		return []string{"CREATE USER"}
	}
	var needs []string
	if cmd.native != nil && cmd.native.password != nil || cmd.native != nil && cmd.native.change != nil {
		needs = append(needs, "SET PASSWORD")
	}
	if cmd.suspended != nil {
		needs = append(needs, "SET USER STATUS")
	}
	if cmd.home != nil || cmd.removeHome {
		needs = append(needs, "SET USER HOME DATABASE")
	}
	if len(cmd.external) > 0 || cmd.removeAll || len(cmd.removeAuth) > 0 || cmd.nativeAuth {
		needs = append(needs, "SET AUTH")
	}
	return needs
}

// note adds a no-op notification (docs: status codes 00N70, 00N71, 01N70).
func (r *runner) note(gql, name, severity, command, why string) {
	prefix := "info: "
	if severity == "WARNING" {
		prefix = "warn: "
	}
	title := "`" + command + "` has no effect."
	r.notes = append(r.notes, notification{
		gqlStatus: gql, code: "Neo.ClientNotification.Security." + name, title: title, description: why + " See Status Codes documentation for more information.",
		statusDescription: prefix + noteConditions[gql] + ". The command `" + command + "` has no effect. " + why, severity: severity, category: "SECURITY",
	})
}

var noteConditions = map[string]string{
	"00N70": "role or privilege already assigned", "00N71": "role or privilege not assigned", "01N70": "inapplicable or impossible revoke command",
	"00N72": "undefined auth provider", "01N71": "use of external auth disabled",
}

// copyRow makes a row of values in column order.
func copyRow(columns []string, row map[string]any) []any {
	out := make([]any, len(columns))
	for i, c := range columns {
		out[i] = row[c]
	}
	return out
}

// tableResult is a table as the wire takes it: rows are never nil.
func tableResult(t table) ([]string, [][]any) {
	rows := make([][]any, 0, len(t.rows))
	for _, row := range t.rows {
		rows = append(rows, copyRow(t.columns, row))
	}
	return t.columns, rows
}
