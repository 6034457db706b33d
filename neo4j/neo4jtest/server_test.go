package neo4jtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

const testPassword = "correct-horse"

// start runs a server for one test.
func start(t *testing.T, s *Server) *Server {
	t.Helper()
	if s.Password == "" {
		s.Password = testPassword
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// driverFor opens the unmodified driver.
func driverFor(t *testing.T, url string, auth neo4j.AuthToken) neo4j.DriverWithContext {
	t.Helper()
	drv, err := neo4j.NewDriverWithContext(url, auth)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = drv.Close(context.Background()) })
	return drv
}

func admin(t *testing.T, s *Server) neo4j.DriverWithContext {
	t.Helper()
	return driverFor(t, s.URL, neo4j.BasicAuth("neo4j", testPassword, ""))
}

// query runs one auto-commit statement.
func query(drv neo4j.DriverWithContext, db, text string, params map[string]any) ([][]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sess := drv.NewSession(ctx, neo4j.SessionConfig{DatabaseName: db})
	defer sess.Close(ctx)
	res, err := sess.Run(ctx, text, params)
	if err != nil {
		return nil, err
	}
	records, err := res.Collect(ctx)
	var rows [][]any
	for _, r := range records {
		rows = append(rows, r.Values)
	}
	return rows, err
}

// do runs statements that must succeed.
func do(t *testing.T, drv neo4j.DriverWithContext, db string, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if _, err := query(drv, db, text, nil); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// column runs a statement that must succeed and returns its first column.
func column(t *testing.T, drv neo4j.DriverWithContext, db, text string) []any {
	t.Helper()
	rows, err := query(drv, db, text, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out := []any{}
	for _, r := range rows {
		out = append(out, r[0])
	}
	return out
}

// refused runs a statement that must fail with this code and words.
func refused(t *testing.T, drv neo4j.DriverWithContext, db, text, code, words string) {
	t.Helper()
	_, err := query(drv, db, text, nil)
	var failure *neo4j.Neo4jError
	if !errors.As(err, &failure) {
		t.Errorf("%s: got %v, want a server failure", text, err)
		return
	}
	if failure.Code != code || !strings.Contains(failure.Msg, words) {
		t.Errorf("%s:\n\tgot  %s %q\n\twant %s %q", text, failure.Code, failure.Msg, code, words)
	}
}

func wantRows(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n\tgot  %v\n\twant %v", what, got, want)
	}
}

func TestServerSpeaksToDriver(t *testing.T) {
	s := start(t, &Server{})
	drv := admin(t, s)
	if err := drv.VerifyConnectivity(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantRows(t, "RETURN 1", column(t, drv, "neo4j", "RETURN 1 AS n"), []any{int64(1)})
	wantRows(t, "roles", column(t, drv, "system", "SHOW ROLES"), []any{"PUBLIC", "admin", "architect", "editor", "publisher", "reader"})
	rows, err := query(drv, "neo4j", "CALL dbms.components()", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, "components", rows, [][]any{{"Neo4j Kernel", []any{"5.26.30"}, "enterprise"}})
	refused(t, drv, "system", "RETURN 1", codeSemanticError, "Not a recognised system command or procedure.")
	refused(t, drv, "system", "MATCH (n) RETURN n", codeSemanticError, "The following unsupported clauses were used: MATCH. \n")
	refused(t, drv, "missing", "RETURN 1", codeDatabaseNotFound, "Graph not found: missing")
	refused(t, drv, "neo4j", "LOAD CSV FROM 'x' AS line RETURN line", CodeNotEmulated, "not emulated: LOAD")
}

func TestServerFirstPassword(t *testing.T) {
	s := &Server{}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	drv := driverFor(t, s.URL, neo4j.BasicAuth("neo4j", "neo4j", ""))
	refused(t, drv, "neo4j", "RETURN 1", codeCredentialsExpire, "ACCESS on database 'neo4j' is not allowed.")
	refused(t, drv, "system", "SHOW CURRENT USER", codeCredentialsExpire, "Permission denied.")
	do(t, drv, "system", "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO '"+testPassword+"'")
	do(t, admin(t, s), "neo4j", "RETURN 1")
	for _, c := range s.Calls() {
		if strings.Contains(c.Statement, testPassword) {
			t.Errorf("a call holds the password: %s", c.Statement)
		}
	}
}

func TestServerTransactions(t *testing.T) {
	s := start(t, &Server{})
	drv, ctx := admin(t, s), context.Background()
	sess := drv.NewSession(ctx, neo4j.SessionConfig{DatabaseName: "system"})
	defer sess.Close(ctx)
	begin := func() neo4j.ExplicitTransaction {
		t.Helper()
		tx, err := sess.BeginTransaction(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	run := func(tx neo4j.ExplicitTransaction, text string) ([]*neo4j.Record, error) {
		res, err := tx.Run(ctx, text, nil)
		if err != nil {
			return nil, err
		}
		return res.Collect(ctx)
	}
	tx := begin()
	for _, text := range []string{"CREATE ROLE a", "GRANT ACCESS ON DATABASE neo4j TO a", "CREATE ROLE b AS COPY OF a"} {
		if _, err := run(tx, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	own, err := run(tx, "SHOW ROLE b PRIVILEGES AS COMMANDS")
	if err != nil || len(own) != 1 {
		t.Errorf("own changes: got %v, %v, want one row", own, err)
	}
	if got := column(t, drv, "system", "SHOW ROLE b PRIVILEGES"); len(got) != 0 {
		t.Errorf("another session sees uncommitted rows: %v", got)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if got := column(t, drv, "system", "SHOW ROLE b PRIVILEGES"); len(got) != 1 {
		t.Errorf("after commit: got %v, want one row", got)
	}
	tx = begin()
	if _, err := run(tx, "DROP ROLE b"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if got := column(t, drv, "system", "SHOW ROLE b PRIVILEGES"); len(got) != 1 {
		t.Errorf("after rollback: got %v, want one row", got)
	}
	tx = begin()
	if _, err := run(tx, "CREATE ROLE c"); err != nil {
		t.Fatal(err)
	}
	_, err = run(tx, "SHOW SETTINGS")
	var failure *neo4j.Neo4jError
	if !errors.As(err, &failure) || failure.Code != codeTransactionType || failure.Msg != "Tried to execute Read query after executing Administration command" {
		t.Errorf("mixed kinds: got %v", err)
	}
	_ = tx.Close(ctx)
}

func TestServerStateFile(t *testing.T) {
	dir := t.TempDir()
	s := start(t, &Server{StateFile: filepath.Join(dir, "state.json")})
	drv := admin(t, s)
	do(t, drv, "system", "CREATE ROLE etl", "GRANT MATCH {name} ON GRAPH neo4j NODES A TO etl", "CREATE USER u SET PASSWORD 'long enough' CHANGE NOT REQUIRED", "GRANT ROLE etl TO u")
	do(t, drv, "neo4j", "CREATE (:A {name: 'x', f: 1.0, n: 1, l: [1, 2]})-[:T]->(:B)")
	before, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.StateFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("state file: %v, %v, want mode 0600", info, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	after, err := s.Snapshot()
	if err != nil || string(after) != string(before) {
		t.Errorf("snapshot changed over a restart (%v):\n%s\n%s", err, before, after)
	}
	if err := s.Seed(before); err != nil {
		t.Errorf("a snapshot does not seed: %v", err)
	}
	user := driverFor(t, s.URL, neo4j.BasicAuth("u", "long enough", ""))
	wantRows(t, "read", column(t, user, "neo4j", "MATCH (n) RETURN n.name"), []any{"x"})
}

func TestServerFaults(t *testing.T) {
	s := start(t, &Server{})
	drv := admin(t, s)
	s.Fault(Fault{Match: "CREATE ROLE a", Failure: &Failure{Code: "Neo.TransientError.General.DatabaseUnavailable", Message: "no"}, Nth: 1})
	refused(t, drv, "system", "CREATE ROLE a", "Neo.TransientError.General.DatabaseUnavailable", "no")
	do(t, drv, "system", "CREATE ROLE a")
	s.Fault(Fault{Match: "CREATE ROLE b", After: true, Drop: true, Nth: 1})
	if _, err := query(drv, "system", "CREATE ROLE b", nil); err == nil {
		t.Error("a dropped connection gave no error")
	}
	wantRows(t, "roles", column(t, drv, "system", "SHOW ROLES WHERE role IN ['a', 'b']"), []any{"a", "b"})
}
