package neo4jtest

import (
	"context"
	"strings"
	"testing"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// documentedRows are rows of SHOW PRIVILEGES AS COMMANDS in the Operations Manual, and the spellings that it leaves open.
var documentedRows = []string{
	"GRANT MATCH {*} ON GRAPH * NODE * TO `r`",
	"GRANT MATCH {*} ON GRAPH `healthcare` NODE Patient TO `r`",
	"GRANT READ {*} ON GRAPH `healthcare` RELATIONSHIP * TO `r`",
	"DENY READ {ssn} ON GRAPH `healthcare` NODE Patient TO `r`",
	"GRANT TRAVERSE ON GRAPH `healthcare` RELATIONSHIP HAS TO `r`",
	"GRANT CREATE ON GRAPH `healthcare` NODE Patient TO `r`",
	"GRANT DELETE ON GRAPH `healthcare` RELATIONSHIP DIAGNOSIS TO `r`",
	"GRANT SET PROPERTY {*} ON GRAPH `healthcare` NODE Patient TO `r`",
	"DENY SET PROPERTY {address} ON GRAPH `healthcare` NODE Patient TO `r`",
	"GRANT WRITE ON GRAPH `healthcare` TO `r`",
	"GRANT ACCESS ON HOME DATABASE TO `r`",
	"DENY ACCESS ON DATABASE `remote-db` TO `r`",
	"GRANT START ON DATABASE * TO `r`",
	"DENY STOP ON DATABASE `system` TO `r`",
	"GRANT ALL DATABASE PRIVILEGES ON DATABASE `neo4j` TO `r`",
	"GRANT TRANSACTION MANAGEMENT (*) ON DATABASE * TO `r`",
	"GRANT SET DATABASE ACCESS ON DBMS TO `r`",
	"GRANT ALL DBMS PRIVILEGES ON DBMS TO `r`",
	"GRANT ROLE MANAGEMENT ON DBMS TO `r`",
	"GRANT SET USER HOME DATABASE ON DBMS TO `r`",
	"GRANT SET PASSWORD ON DBMS TO `r`",
	"GRANT EXECUTE BOOSTED PROCEDURE db.labels ON DBMS TO `r`",
	"DENY EXECUTE FUNCTION apoc.any.prop* ON DBMS TO `r`",
	"GRANT IMPERSONATE (alice) ON DBMS TO `r`",
	"GRANT IMPERSONATE (*) ON DBMS TO `r`",
	"GRANT SHOW SETTING server.bolt.* ON DBMS TO `r`",
	"GRANT SHOW SERVERS ON DBMS TO `r`",
	`DENY LOAD ON CIDR "127.0.0.1/32" TO ` + "`r`",
	"GRANT LOAD ON ALL DATA TO `r`",
	"GRANT READ {*} ON GRAPH * FOR (n) WHERE n.createdAt > date('2024-10-25') TO `r`",
	"GRANT READ {*} ON GRAPH * FOR (n:A|B) WHERE NOT n.p IN [1, 'a', NULL] TO `r`",
	"GRANT TRAVERSE ON GRAPH * FOR (n:A) WHERE n.p IS NOT NULL TO `r`",
	"GRANT SET LABEL L ON GRAPH * TO `r`",
	"GRANT REMOVE LABEL * ON GRAPH * TO `r`",
	"GRANT MERGE {p} ON GRAPH * NODE `A B` TO `r`",
	"GRANT CREATE NEW NODE LABEL ON DATABASE * TO `r`",
	"GRANT SHOW TRANSACTION (`a-b`) ON DATABASE * TO `r`",
	"GRANT ALL GRAPH PRIVILEGES ON HOME GRAPH TO `r`",
	"GRANT EXECUTE ADMIN PROCEDURES ON DBMS TO `r`",
	"DENY MATCH {`p q`} ON GRAPH `neo4j` NODE `a\\u005cu0060b` TO `r`",
}

var calendarRows = []string{
	"CYPHER 25 GRANT SET DATABASE ACCESS ON DATABASE `neo4j` TO `r`",
	"CYPHER 25 GRANT ALTER COMPOSITE DATABASE ON HOME DATABASE TO `r`",
	"CYPHER 25 GRANT USER METADATA MANAGEMENT ON DBMS TO `r`",
	"GRANT READ {*} ON GRAPH * FOR ()-[r]-() WHERE r.createdAt > date('2024-10-25') TO `r`",
	"CYPHER 25 GRANT READ {*} ON GRAPH * FOR (n) WHERE 'x' IN n.p TO `r`",
}

func TestDocumentedRowsRoundTrip(t *testing.T) {
	for version, rows := range map[string][]string{"5.26.30": documentedRows, "2026.08.1": append(append([]string{}, documentedRows...), calendarRows...)} {
		t.Run(version, func(t *testing.T) {
			drv := admin(t, start(t, &Server{Version: version}))
			do(t, drv, "system", "CREATE DATABASE healthcare", "CREATE DATABASE `remote-db`")
			for _, row := range rows {
				want := strings.TrimPrefix(row, "CYPHER 25 ")
				do(t, drv, "system", "CREATE OR REPLACE ROLE r", row)
				wantRows(t, row, column(t, drv, "system", "SHOW ROLE r PRIVILEGES AS COMMANDS"), []any{want})
				revoke := column(t, drv, "system", "SHOW ROLE r PRIVILEGES AS REVOKE COMMANDS")[0].(string)
				if strings.HasPrefix(row, "CYPHER 25 ") {
					revoke = "CYPHER 25 " + revoke
				}
				do(t, drv, "system", revoke)
				wantRows(t, revoke, column(t, drv, "system", "SHOW ROLE r PRIVILEGES AS COMMANDS"), []any{})
			}
		})
	}
}

// TestRowsParseBack holds what a state file rests on: a row read again is the same row.
func TestRowsParseBack(t *testing.T) {
	for _, row := range append(append([]string{}, documentedRows...), calendarRows...) {
		want := strings.TrimPrefix(row, "CYPHER 25 ")
		atoms, err := parseRow(strings.TrimSuffix(want, " TO `r`"))
		if err != nil || len(atoms) != 1 {
			t.Errorf("%s: got %d atoms, %v", row, len(atoms), err)
			continue
		}
		if got := atoms[0].command("`r`", false); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDefaultLanguage(t *testing.T) {
	drv := admin(t, start(t, &Server{Version: "2026.08.1", ConfFile: confFile(t, "db.query.default_language=CYPHER_25")}))
	wantRows(t, "Cypher 25", column(t, drv, "system", "SHOW AUTH RULES"), []any{})
	refused(t, drv, "system", "CYPHER 5 SHOW AUTH RULES", codeSyntaxError, "Invalid input 'AUTH'")
}

func TestExpansion(t *testing.T) {
	drv := admin(t, start(t, &Server{}))
	do(t, drv, "system", "CREATE DATABASE healthcare", "CREATE DATABASE a", "CREATE DATABASE b", "CREATE ROLE s")
	for _, tc := range []struct {
		statements []string
		want       []any
	}{
		{[]string{"GRANT MATCH {*} ON GRAPH healthcare TO r"}, []any{"GRANT MATCH {*} ON GRAPH `healthcare` NODE * TO `r`", "GRANT MATCH {*} ON GRAPH `healthcare` RELATIONSHIP * TO `r`"}},
		{[]string{"DENY READ {name, address, ssn} ON GRAPH HealthCare NODES Patient TO r"}, []any{"DENY READ {address} ON GRAPH `healthcare` NODE Patient TO `r`",
			"DENY READ {name} ON GRAPH `healthcare` NODE Patient TO `r`", "DENY READ {ssn} ON GRAPH `healthcare` NODE Patient TO `r`"}},
		{[]string{"GRANT TRAVERSE ON GRAPH healthcare ELEMENTS A TO r, s"}, []any{"GRANT TRAVERSE ON GRAPH `healthcare` NODE A TO `r`", "GRANT TRAVERSE ON GRAPH `healthcare` RELATIONSHIP A TO `r`"}},
		{[]string{"GRANT ACCESS ON DATABASES a, b, a TO r"}, []any{"GRANT ACCESS ON DATABASE `a` TO `r`", "GRANT ACCESS ON DATABASE `b` TO `r`"}},
		{[]string{"GRANT IMPERSONATE (x, y) ON DBMS TO r", "GRANT TRANSACTION ON HOME DATABASE TO r"}, []any{"GRANT IMPERSONATE (x) ON DBMS TO `r`", "GRANT IMPERSONATE (y) ON DBMS TO `r`",
			"GRANT TRANSACTION MANAGEMENT (*) ON HOME DATABASE TO `r`"}},
		{[]string{"GRANT EXECUTE USER DEFINED FUNCTIONS `apoc`.`x`, b* ON DBMS TO r"}, []any{"GRANT EXECUTE FUNCTION apoc.x ON DBMS TO `r`", "GRANT EXECUTE FUNCTION b* ON DBMS TO `r`"}},
		{[]string{"GRANT READ {*} ON GRAPH a FOR (:B {p: 'it\\'s'}) TO r"}, []any{"GRANT READ {*} ON GRAPH `a` FOR (n:B) WHERE n.p = 'it\\'s' TO `r`"}},
		{[]string{"GRANT INDEX ON DATABASE a TO r", "GRANT NAME ON DATABASE a TO r", "GRANT ALL ON DATABASE a TO r", "GRANT ALL PRIVILEGES ON DBMS TO r"},
			[]any{"GRANT ALL DATABASE PRIVILEGES ON DATABASE `a` TO `r`", "GRANT ALL DBMS PRIVILEGES ON DBMS TO `r`", "GRANT INDEX MANAGEMENT ON DATABASE `a` TO `r`", "GRANT NAME MANAGEMENT ON DATABASE `a` TO `r`"}},
	} {
		do(t, drv, "system", "CREATE OR REPLACE ROLE r")
		do(t, drv, "system", tc.statements...)
		wantRows(t, tc.statements[0], column(t, drv, "system", "SHOW ROLE r PRIVILEGES AS COMMANDS"), tc.want)
	}
	do(t, drv, "system", "CREATE OR REPLACE ROLE r", "GRANT TRAVERSE ON GRAPH a TO r", "GRANT READ {*} ON GRAPH a TO r", "GRANT WRITE ON GRAPH a TO r")
	if got := column(t, drv, "system", "SHOW ROLE r PRIVILEGES AS COMMANDS"); len(got) != 5 {
		t.Errorf("traverse, read and write: got %d rows, want 5: %v", len(got), got)
	}
	wantRows(t, "raw", column(t, drv, "system", "SHOW ROLE r PRIVILEGES YIELD * WHERE action = 'write' RETURN access + graph + resource + segment"),
		[]any{"GRANTEDagraphNODE(*)", "GRANTEDagraphRELATIONSHIP(*)"})
}

func TestBuiltInRoles(t *testing.T) {
	drv := admin(t, start(t, &Server{}))
	wantRows(t, "PUBLIC", column(t, drv, "system", "SHOW ROLE PUBLIC PRIVILEGES AS COMMANDS"), []any{
		"GRANT ACCESS ON HOME DATABASE TO `PUBLIC`", "GRANT EXECUTE FUNCTION * ON DBMS TO `PUBLIC`", "GRANT EXECUTE PROCEDURE * ON DBMS TO `PUBLIC`", "GRANT LOAD ON ALL DATA TO `PUBLIC`"})
	for role, want := range map[string]int64{"reader": 5, "editor": 6, "publisher": 7, "architect": 9, "admin": 14} {
		wantRows(t, role, column(t, drv, "system", "SHOW ROLE "+role+" PRIVILEGES AS COMMANDS YIELD command RETURN count(*)"), []any{want})
	}
	wantRows(t, "raw", column(t, drv, "system", "SHOW ROLE PUBLIC PRIVILEGES YIELD * WHERE action = 'access' RETURN access + graph + resource + segment"), []any{"GRANTEDDEFAULTdatabasedatabase"})
	wantRows(t, "members", column(t, drv, "system", "SHOW ROLES WITH USERS YIELD role, member WHERE member IS NOT NULL RETURN role + ':' + member AS m ORDER BY m"), []any{"PUBLIC:neo4j", "admin:neo4j"})
	wantRows(t, "missing role", column(t, drv, "system", "SHOW ROLE nobody PRIVILEGES"), []any{})
}

func TestErrors(t *testing.T) {
	drv := admin(t, start(t, &Server{}))
	do(t, drv, "system", "CREATE ROLE x", "CREATE ROLE y", "CREATE USER u SET PASSWORD 'long enough'", "CREATE USER v SET AUTH 'oidc-p' { SET ID 'i' }")
	const arg = codeArgumentError
	for _, tc := range []struct{ text, code, words string }{
		{"CREATE ROLE x", arg, "Failed to create the specified role 'x': Role already exists."},
		{"DROP ROLE z", arg, "Failed to delete the specified role 'z': Role does not exist."},
		{"RENAME ROLE a TO b", arg, "Failed to rename the specified role 'a' to 'b': The role 'a' does not exist."},
		{"RENAME ROLE x TO y", arg, "Failed to rename the specified role 'x' to 'y': Role 'y' already exists."},
		{"CREATE ROLE z AS COPY OF w", arg, "Failed to create a role as copy of 'w': Role does not exist."},
		{"GRANT ROLE x TO w", arg, "Failed to grant role 'x' to user 'w': User does not exist."},
		{"CREATE USER u SET PASSWORD 'long enough'", arg, "Failed to create the specified user 'u': User already exists."},
		{"DROP USER w", arg, "Failed to delete the specified user 'w': User does not exist."},
		{"ALTER USER w SET STATUS ACTIVE", arg, "Failed to alter the specified user 'w': User does not exist."},
		{"RENAME USER w TO z", arg, "Failed to rename the specified user 'w' to 'z': The user 'w' does not exist."},
		{"RENAME USER u TO neo4j", arg, "User 'neo4j' already exists."},
		{"CREATE USER w SET PASSWORD ''", arg, "A password cannot be empty."},
		{"CREATE USER w SET PASSWORD 'short'", arg, "A password must be at least 8 characters."},
		{"CREATE USER w SET ENCRYPTED PASSWORD 'x'", arg, "Incorrect format of encrypted password."},
		{"ALTER USER u SET PASSWORD 'long enough'", arg, "Failed to alter the specified user 'u': Old password and new password cannot be the same."},
		{"ALTER CURRENT USER SET PASSWORD FROM 'wrong one' TO 'another one'", arg, "User 'neo4j' failed to alter their own password: Invalid principal or credentials."},
		{"CREATE USER `` SET PASSWORD 'long enough'", arg, "The provided username is empty."},
		{"CREATE USER `a b` SET PASSWORD 'long enough'", arg, "Username 'a b' contains illegal characters.\nUse ascii characters that are not ',', ':' or whitespaces."},
		{"CREATE ROLE `role%`", arg, "Role name 'role%' contains illegal characters.\nUse simple ascii characters, numbers and underscores."},
		{"CREATE ROLE ``", arg, "The provided role name is empty."},
		{"CREATE ROLE PUBLIC", arg, "'PUBLIC' is a reserved role."},
		{"DROP ROLE PUBLIC", arg, "'PUBLIC' is a reserved role."},
		{"CREATE OR REPLACE ROLE x IF NOT EXISTS", codeSyntaxError, "Failed to create the specified role 'x': cannot have both `OR REPLACE` and `IF NOT EXISTS`."},
		{"CREATE USER w SET AUTH 'oidc-p' { SET ID 'i' }", arg, "The combination of provider and id is already in use."},
		{"ALTER USER v REMOVE ALL AUTH", arg, "User has no auth provider."},
		{"ALTER USER neo4j SET STATUS SUSPENDED", arg, "Changing your own activation status is not allowed."},
		{"DROP USER neo4j", arg, "Failed to delete the specified user 'neo4j': Deleting yourself is not allowed."},
		{"GRANT ACCESS ON DATABASE nowhere TO x", codeDatabaseNotFound, "Database 'nowhere' does not exist."},
		{"GRANT ACCESS ON DATABASE neo4j TO nobody", arg, "Role does not exist."},
		{"GRANT IMMUTABLE ACCESS ON DATABASE neo4j TO x", codeForbidden, "Immutable privileges cannot be granted. Try granting the privilege without the IMMUTABLE keyword."},
		{"CREATE IMMUTABLE ROLE z", codeForbidden, "Immutable roles cannot be created."},
		{"CREATE ROLE $p", "Neo.ClientError.Statement.ParameterMissing", "Expected parameter(s): p"},
		{"USE system SHOW USERS", codeSyntaxError, "The `USE` clause is not required for Administration Commands."},
		{"CYPHER 25 SHOW USERS", arg, "25 is not a valid option for cypher version. Valid options are: 5"},
		{"SHOW ROLES; SHOW ROLES", codeSyntaxError, "Expected exactly one statement per query but got: 2"},
		{"// nothing", codeSyntaxError, "Unexpected end of input: expected CYPHER, EXPLAIN, PROFILE or Query"},
		{"DENY MERGE {*} ON GRAPH * TO x", codeSyntaxError, "`DENY MERGE` is not supported. Use `DENY SET PROPERTY` and `DENY CREATE` instead."},
	} {
		refused(t, drv, "system", tc.text, tc.code, tc.words)
	}
	_, err := query(drv, "system", "CREATE ROLE $r", map[string]any{"r": 1})
	if err == nil || !strings.Contains(err.Error(), "Expected parameter $r to have type String but was Long(1)") {
		t.Errorf("parameter of a wrong type: got %v", err)
	}
}

// TestStatusChains looks at the causes of one failure on both lines: 5.26 tells most of them without any.
func TestStatusChains(t *testing.T) {
	for _, tc := range []struct{ version, text, want string }{
		{"5.26.30", "DROP USER w", "50N42"},
		{"2026.08.1", "DROP USER w", "42001 42N09"},
		{"5.26.30", "CREATE USER w SET PASSWORD 'short'", "22N05 22N85"},
		{"5.26.30", "ALTER USER w SET STATUS ACTIVE", "42002 42N09"},
		{"2026.08.1", "GRANT WRITE ON GRAPH * TO reader, role2", "42001 42NA8 42N10"},
		{"2026.08.1", "SHOW AUTH RULES", "42001 42I06 42I67"},
		{"5.26.30", "SHOW AUTH RULES", "50N42"},
	} {
		drv := admin(t, start(t, &Server{Version: tc.version}))
		_, err := query(drv, "system", tc.text, nil)
		failure, ok := err.(*neo4j.Neo4jError)
		if !ok {
			t.Errorf("%s: got %v", tc.text, err)
			continue
		}
		got := []string{}
		for f := failure; f != nil; f = f.GqlCause {
			got = append(got, f.GqlStatus)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s on %s: got %v, want %s (%s)", tc.text, tc.version, got, tc.want, failure.Msg)
		}
	}
}

func TestNotifications(t *testing.T) {
	s := start(t, &Server{})
	drv, ctx := admin(t, s), context.Background()
	do(t, drv, "system", "CREATE ROLE r", "GRANT TRAVERSE ON GRAPH * TO r")
	for _, tc := range []struct {
		text    string
		codes   []string
		updates int
	}{
		{"GRANT TRAVERSE ON GRAPH * TO r", []string{"CommandHasNoEffect", "CommandHasNoEffect"}, 0},
		{"REVOKE WRITE ON GRAPH * FROM r", []string{"CommandHasNoEffect"}, 0},
		{"REVOKE WRITE ON GRAPH * FROM nobody", []string{"ImpossibleRevokeCommand"}, 0},
		{"REVOKE ROLE r FROM nobody", []string{"ImpossibleRevokeCommand"}, 0},
		{"CREATE ROLE r IF NOT EXISTS", nil, 0},
		{"GRANT WRITE ON GRAPH * TO r", nil, 1},
		{"CREATE USER u SET AUTH 'oidc-p' { SET ID 'x' }", []string{"ExternalAuthNotEnabled", "AuthProviderNotDefined"}, 1},
	} {
		sess := drv.NewSession(ctx, neo4j.SessionConfig{DatabaseName: "system"})
		res, err := sess.Run(ctx, tc.text, nil)
		if err != nil {
			t.Fatalf("%s: %v", tc.text, err)
		}
		summary, err := res.Consume(ctx)
		if err != nil {
			t.Fatalf("%s: %v", tc.text, err)
		}
		var codes []string
		for _, n := range summary.Notifications() {
			codes = append(codes, strings.TrimPrefix(n.Code(), "Neo.ClientNotification.Security."))
		}
		if strings.Join(codes, " ") != strings.Join(tc.codes, " ") || summary.Counters().SystemUpdates() != tc.updates {
			t.Errorf("%s: got %v and %d updates, want %v and %d", tc.text, codes, summary.Counters().SystemUpdates(), tc.codes, tc.updates)
		}
		_ = sess.Close(ctx)
	}
	cypher25 := admin(t, start(t, &Server{Version: "2026.08.1"}))
	refused(t, cypher25, "system", "CYPHER 25 REVOKE ROLE reader FROM nobody", codeArgumentError, "User does not exist.")
}

func TestImmutable(t *testing.T) {
	s := start(t, &Server{})
	drv := admin(t, s)
	if err := s.Seed([]byte(`{"databases":[{"name":"neo4j"}],"roles":[{"name":"PUBLIC","privileges":[]},{"name":"admin","privileges":["GRANT ALL DBMS PRIVILEGES ON DBMS"]},
		{"name":"fixed","immutable":true,"privileges":["DENY IMMUTABLE DATABASE MANAGEMENT ON DBMS"]}],"users":[{"name":"neo4j","roles":["admin"],"password":"` + testPassword + `"}]}`)); err != nil {
		t.Fatal(err)
	}
	wantRows(t, "row", column(t, drv, "system", "SHOW ROLE fixed PRIVILEGES AS COMMANDS"), []any{"DENY IMMUTABLE DATABASE MANAGEMENT ON DBMS TO `fixed`"})
	refused(t, drv, "system", "DROP ROLE fixed", codeForbidden, "Immutable roles cannot be dropped.")
	refused(t, drv, "system", "RENAME ROLE fixed TO other", codeForbidden, "Immutable roles cannot be renamed.")
	refused(t, drv, "system", "REVOKE DATABASE MANAGEMENT ON DBMS FROM fixed", codeForbidden, "Immutable privileges cannot be revoked.")
	refused(t, drv, "system", "GRANT SHOW ROLE ON DBMS TO fixed", codeForbidden, "Only immutable privileges can be assigned to an immutable role.")
	do(t, drv, "system", "GRANT ROLE fixed TO neo4j")
}

func TestUsers(t *testing.T) {
	s := start(t, &Server{Version: "2026.08.1"})
	drv := admin(t, s)
	do(t, drv, "system",
		"CREATE USER a SET PASSWORD 'long enough' SET HOME DATABASE neo4j",
		"CREATE USER b SET AUTH 'oidc-p' { SET ID 'i' } SET AUTH 'native' { SET PASSWORD 'long enough' SET PASSWORD CHANGE NOT REQUIRED } SET STATUS SUSPENDED",
		"GRANT ROLES reader, editor TO a", "ALTER USER b REMOVE AUTH 'native'")
	rows, err := query(drv, "system", "SHOW USERS WITH AUTH YIELD * WHERE user <> 'neo4j' RETURN user, roles, passwordChangeRequired, suspended, home, collect({p: provider, a: auth}) AS auth", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, "users", rows, [][]any{
		{"a", []any{"editor", "reader", "PUBLIC"}, true, false, "neo4j", []any{map[string]any{"p": "native", "a": map[string]any{"password": "***", "changeRequired": true}}}},
		{"b", []any{"PUBLIC"}, nil, true, nil, []any{map[string]any{"p": "oidc-p", "a": map[string]any{"id": "i"}}}},
	})
	do(t, drv, "system", "ALTER USER b SET STATUS ACTIVE", "RENAME USER b TO c", "DROP USER a", "CYPHER 25 GRANT ROLE reader TO USER c")
	wantRows(t, "current", column(t, drv, "neo4j", "SHOW CURRENT USER"), []any{"neo4j"})
	wantRows(t, "commands", column(t, drv, "system", "CYPHER 25 SHOW USERS AS COMMANDS YIELD command, user WHERE user = 'c' RETURN command"), []any{"CREATE USER c SET AUTH PROVIDER 'oidc-p' { SET ID 'i' }"})
	refused(t, drv, "system", "ALTER USER c SET TAGS ['x']", codeSyntaxError, "Invalid input 'TAGS'")
}

func TestLockout(t *testing.T) {
	clock := newClock()
	s := start(t, &Server{Clock: clock.now})
	admin(t, s)
	for i := range 5 {
		_, failure := s.members[0].member.login(map[string]any{"scheme": "basic", "principal": "neo4j", "credentials": "wrong"})
		want := codeUnauthorized
		if i >= 3 {
			want = codeRateLimit
		}
		if failure == nil || failure.Code != want {
			t.Errorf("attempt %d: got %v, want %s", i+1, failure, want)
		}
	}
	right := map[string]any{"scheme": "basic", "principal": "neo4j", "credentials": testPassword}
	if _, failure := s.members[0].member.login(right); failure == nil || failure.Code != codeRateLimit {
		t.Errorf("the right password while locked: got %v", failure)
	}
	clock.advance(6)
	if _, failure := s.members[0].member.login(right); failure != nil {
		t.Errorf("after the lock time: %v", failure)
	}
	if log := strings.Join(s.DebugLog(), "\n"); !strings.Contains(log, "too many failed attempts") || strings.Contains(log, testPassword) {
		t.Errorf("security log: %s", log)
	}
}

func TestCommunity(t *testing.T) {
	drv := admin(t, start(t, &Server{Edition: EditionCommunity}))
	refused(t, drv, "system", "GRANT ACCESS ON DATABASE neo4j TO reader", codeUnsupportedAdmin, "Unsupported administration command: GRANT ACCESS ON DATABASE neo4j TO reader")
	refused(t, drv, "system", "SHOW ROLES", codeUnsupportedAdmin, "Unsupported administration command: SHOW ROLES")
	refused(t, drv, "system", "ALTER USER u SET STATUS SUSPENDED", codeExecutionFailed, "Failed to alter the specified user 'u': 'SET STATUS' is not available in community edition.")
	refused(t, drv, "neo4j", "CALL dbms.setConfigValue('a', 'b')", codeProcedureNotFound, "There is no procedure with the name `dbms.setConfigValue`")
	rows, err := query(drv, "system", "SHOW USERS", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, "users", rows, [][]any{{"neo4j", nil, false, nil, nil}})
}
