package neo4jtest

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// adminAt opens a driver of the administrator at another address than the server's first.
func adminAt(t *testing.T, uri string) neo4j.DriverWithContext {
	t.Helper()
	return driverFor(t, uri, neo4j.BasicAuth("neo4j", testPassword, ""))
}

// routes asks a member who writes, reads and routes.
func routes(t *testing.T, drv neo4j.DriverWithContext, db string) map[string][]string {
	t.Helper()
	rows, err := query(drv, "system", "CALL dbms.routing.getRoutingTable({}, '"+db+"') YIELD servers", nil)
	if err != nil {
		t.Fatal(err)
	}
	table := map[string][]string{}
	for _, s := range rows[0][0].([]any) {
		m := s.(map[string]any)
		for _, address := range m["addresses"].([]any) {
			table[m["role"].(string)] = append(table[m["role"].(string)], "bolt://"+address.(string))
		}
	}
	return table
}

func TestRoutingTables(t *testing.T) {
	s := start(t, &Server{Members: 3})
	for leader := range 3 {
		if err := s.Lead(leader); err != nil {
			t.Fatal(err)
		}
		followers := slices.Concat(s.URLs[:leader], s.URLs[leader+1:])
		for _, url := range s.URLs {
			for _, db := range []string{"system", "neo4j"} {
				wantRows(t, "routes of "+db, routes(t, adminAt(t, url), db), map[string][]string{"WRITE": {s.URLs[leader]}, "READ": followers, "ROUTE": s.URLs})
			}
		}
		rows, err := query(adminAt(t, s.URLs[0]), "system", "SHOW DATABASES YIELD name, address, writer, currentPrimariesCount WHERE name = 'system' AND writer", nil)
		if err != nil {
			t.Fatal(err)
		}
		wantRows(t, "writer of system", rows, [][]any{{"system", s.URLs[leader][len("bolt://"):], true, int64(3)}})
	}
	if s.Lead(3) == nil {
		t.Error("a member that is not there leads")
	}
	alone := start(t, &Server{})
	wantRows(t, "routes of one", routes(t, adminAt(t, alone.URL), "neo4j"), map[string][]string{"WRITE": alone.URLs, "READ": alone.URLs, "ROUTE": alone.URLs})
}

func TestOnlyTheLeaderWrites(t *testing.T) {
	s := start(t, &Server{Members: 2, Version: "2026.08.1"})
	first, second := adminAt(t, s.URLs[0]), adminAt(t, s.URLs[1])
	for _, text := range []string{"CREATE ROLE r", "ALTER USER neo4j SET STATUS ACTIVE", "DROP ROLE reader"} {
		refused(t, second, "system", text, codeNotALeader, "The role of this server is: FOLLOWER")
	}
	refused(t, second, "neo4j", "CREATE (:A)", codeNotALeader, "Writes must pass through the leader")
	wantRows(t, "a follower reads", column(t, second, "neo4j", "RETURN 1"), []any{int64(1)})
	do(t, first, "system", "CREATE ROLE r")
	routed := adminAt(t, "neo4j"+s.URLs[1][len("bolt"):])
	do(t, routed, "system", "CREATE ROLE routed")

	ctx := context.Background()
	session := first.NewSession(ctx, neo4j.SessionConfig{DatabaseName: "system"})
	defer session.Close(ctx)
	tx, err := session.BeginTransaction(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Run(ctx, "CREATE ROLE half", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Lead(1); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); !neo4j.IsRetryable(err) {
		t.Errorf("the old leader commits: %v", err)
	}
	do(t, second, "system", "CREATE ROLE r2")
	// The driver hears no from the old leader, asks for the routes again, and repeats the transaction.
	if _, err := neo4j.ExecuteQuery(ctx, routed, "CREATE ROLE rerouted", nil, neo4j.EagerResultTransformer, neo4j.ExecuteQueryWithDatabase("system")); err != nil {
		t.Error(err)
	}
	wantRows(t, "roles", column(t, second, "system", "SHOW ROLES YIELD role WHERE role STARTS WITH 'r' OR role = 'half'"), []any{"r", "r2", "reader", "rerouted", "routed"})
}

func TestFollowersLag(t *testing.T) {
	var moved atomic.Int64
	s := start(t, &Server{Members: 2, Lag: time.Minute, Clock: func() time.Time { return time.Unix(1_700_000_000+moved.Load(), 0) }})
	first, second := adminAt(t, s.URLs[0]), adminAt(t, s.URLs[1])
	ctx := context.Background()
	create := func(role string) neo4j.Bookmarks {
		t.Helper()
		session := first.NewSession(ctx, neo4j.SessionConfig{DatabaseName: "system"})
		defer session.Close(ctx)
		res, err := session.Run(ctx, "CREATE ROLE "+role, nil)
		if err == nil {
			_, err = res.Consume(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		return session.LastBookmarks()
	}
	seen := func(marks neo4j.Bookmarks) []any {
		t.Helper()
		session := second.NewSession(ctx, neo4j.SessionConfig{DatabaseName: "system", Bookmarks: marks})
		defer session.Close(ctx)
		res, err := session.Run(ctx, "SHOW ROLES YIELD role WHERE role STARTS WITH 'x'", nil)
		if err != nil {
			t.Fatal(err)
		}
		out := []any{}
		records, err := res.Collect(ctx)
		for _, r := range records {
			out = append(out, r.Values[0])
		}
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	x1 := create("x1")
	moved.Add(30)
	x2 := create("x2")
	wantRows(t, "without a bookmark", seen(nil), []any{})
	wantRows(t, "what is no bookmark", seen(neo4j.Bookmarks{"zzz"}), []any{})
	wantRows(t, "up to the first", seen(x1), []any{"x1"})
	moved.Add(30)
	wantRows(t, "a minute later", seen(nil), []any{"x1"})
	wantRows(t, "up to the second", seen(x2), []any{"x1", "x2"})
	moved.Add(60)
	create("x3")
	wantRows(t, "the third is new", seen(nil), []any{"x1", "x2"})

	session := second.NewSession(ctx, neo4j.SessionConfig{DatabaseName: "system", Bookmarks: neo4j.Bookmarks{bookmark("system", 4000)}})
	defer session.Close(ctx)
	_, err := session.BeginTransaction(ctx)
	if failure, ok := err.(*neo4j.Neo4jError); !ok || failure.Code != codeBookmarkTimeout || failure.Msg != "Database 'system' not up to the requested version: 4000. Latest database version is 3" {
		t.Errorf("a bookmark of the future: %v", err)
	}
}
