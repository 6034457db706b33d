package neo4jtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// driverConversations are held by the unmodified Go driver: what a program sees.
func driverConversations() []conversation {
	list := []conversation{{name: "driver, bolt", hold: func(s *stage) { s.drive("bolt") }}, {name: "driver, neo4j", hold: func(s *stage) { s.drive("neo4j") }}}
	return append(list, conversation{name: "driver, logins", hold: func(s *stage) {
		s.withUsers("conf-a", "conf-b")
		s.setUp("ALTER USER `conf-b` SET PASSWORD CHANGE REQUIRED")
		drv := driverFor(s.t, "bolt://"+s.address, neo4j.BasicAuth(s.user, s.password, ""))
		for _, auth := range []struct {
			name  string
			token neo4j.AuthToken
		}{
			{"right", neo4j.BasicAuth("conf-a", "first-password", "")}, {"unknown", neo4j.BasicAuth("nobody", "x", "")}, {"expired", neo4j.BasicAuth("conf-b", "first-password", "")},
			{"bearer", neo4j.BearerAuth("a.b.c")}, {"none", neo4j.NoAuth()},
		} {
			err := drv.VerifyAuthentication(context.Background(), &auth.token)
			var invalid *neo4j.InvalidAuthenticationError
			fmt.Fprintf(s.out, "verify %s\n  refused %v, invalid %v\n", auth.name, err != nil, errors.As(err, &invalid))
			other := driverFor(s.t, "bolt://"+s.address, auth.token)
			s.runDriver(other, auth.name+" ", neo4j.SessionConfig{DatabaseName: "system"}, "SHOW CURRENT USER YIELD user", nil)
		}
	}})
}

func (s *stage) drive(scheme string) {
	s.dropUsers("conf-a")
	drv := driverFor(s.t, scheme+"://"+s.address, neo4j.BasicAuth(s.user, s.password, ""))
	info, err := drv.GetServerInfo(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(s.out, "server\n  %s\n", info.Agent())
	system := neo4j.SessionConfig{DatabaseName: "system"}
	for _, statement := range []string{
		"CREATE USER `conf-a` SET PASSWORD 'some-password'", "CREATE USER `conf-a` SET PASSWORD 'some-password'", "SHOW USERS YIELD user, passwordChangeRequired", "SHOW USERS WITH AUTH",
		"ALTER USER `conf-a` SET PASSWORD 'short'", "ALTER USER `conf-a` SET STATUS SUSPENDED", "DROP USER `conf-a`", "DROP USER `conf-a`", "DROP USER `conf-a` IF EXISTS",
		"CREATE ROLE r", "SHOW ROLES", "GRANT ACCESS ON DATABASE neo4j TO r", "SHOW SETTINGS 'server.bolt.enabled'", "SHOW DATABASES YIELD name, currentStatus", "RETURN 1", "nonsense",
	} {
		s.runDriver(drv, "", system, statement, nil)
	}
	s.runDriver(drv, "", system, "SHOW USERS YIELD user WHERE user = $u", map[string]any{"u": s.user})
	s.runDriver(drv, "", system, "SHOW USERS YIELD user WHERE user = $u", nil)
	s.runDriver(drv, "home ", neo4j.SessionConfig{}, "RETURN $a AS a", map[string]any{"a": []any{1, "x", time.Duration(0) == 0}})
	s.runDriver(drv, "nosuch ", neo4j.SessionConfig{DatabaseName: "nosuch"}, "RETURN 1", nil)
	s.runDriver(drv, "read ", neo4j.SessionConfig{DatabaseName: "system", AccessMode: neo4j.AccessModeRead}, "DROP USER nobody IF EXISTS", nil)
	s.runDriver(drv, "impersonated ", neo4j.SessionConfig{DatabaseName: "system", ImpersonatedUser: "other"}, "SHOW CURRENT USER", nil)
	s.manage(drv)
}

// manage runs a transaction with a rollback, and one that is committed.
func (s *stage) manage(drv neo4j.DriverWithContext) {
	ctx := context.Background()
	session := drv.NewSession(ctx, neo4j.SessionConfig{DatabaseName: "system"})
	defer session.Close(ctx)
	for _, commit := range []bool{false, true} {
		tx, err := session.BeginTransaction(ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		result, err := tx.Run(ctx, "CREATE USER `conf-a` SET PASSWORD 'some-password'", nil)
		if err == nil {
			_, err = result.Consume(ctx)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		fmt.Fprintf(s.out, "commit %v\n  %v, bookmarks %v\n", commit, end(ctx), len(session.LastBookmarks()) > 0)
		s.runDriver(drv, "", neo4j.SessionConfig{DatabaseName: "system"}, "SHOW USERS YIELD user", nil)
	}
	s.dropUsers("conf-a")
}

// runDriver runs one statement and writes down everything that the driver tells of it.
func (s *stage) runDriver(drv neo4j.DriverWithContext, label string, config neo4j.SessionConfig, statement string, params map[string]any) {
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	defer cancel()
	session := drv.NewSession(ctx, config)
	defer session.Close(ctx)
	fmt.Fprintf(s.out, "%s%s %s\n", label, statement, s.show("", params))
	result, err := session.Run(ctx, statement, params)
	var records []*neo4j.Record
	if err == nil {
		records, err = result.Collect(ctx)
	}
	if err != nil {
		s.driverError(err)
		return
	}
	summary, err := result.Consume(ctx)
	if err != nil {
		s.driverError(err)
		return
	}
	keys, _ := result.Keys()
	fmt.Fprintf(s.out, "  keys %q\n", keys)
	for _, r := range records {
		fmt.Fprintf(s.out, "  %s\n", s.show("", r.Values))
	}
	fmt.Fprintf(s.out, "  type %v, database %s, system updates %v %d\n", summary.StatementType(), summary.Database().Name(), summary.Counters().ContainsSystemUpdates(), summary.Counters().SystemUpdates())
	for _, status := range summary.GqlStatusObjects() {
		fmt.Fprintf(s.out, "  status %s %s %v %v\n", status.GqlStatus(), status.StatusDescription(), status.IsNotification(), s.show("", status.DiagnosticRecord()))
	}
}

func (s *stage) driverError(err error) {
	var f *neo4j.Neo4jError
	if !errors.As(err, &f) {
		text := err.Error()
		fmt.Fprintf(s.out, "  %T %s\n", err, strings.ReplaceAll(text, s.address, "<address>"))
		return
	}
	fmt.Fprintf(s.out, "  error %s %s\n", f.Code, s.show("message", f.Msg))
	fmt.Fprintf(s.out, "  %s %s %s, retryable %v\n", f.GqlStatus, s.show("description", f.GqlStatusDescription), s.show("", f.GqlDiagnosticRecord), neo4j.IsRetryable(err))
	for cause := f.GqlCause; cause != nil; cause = cause.GqlCause {
		fmt.Fprintf(s.out, "  cause %s %s\n", cause.GqlStatus, s.show("description", cause.GqlStatusDescription))
	}
}
