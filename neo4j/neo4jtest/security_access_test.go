package neo4jtest

import (
	"sync"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// advance moves the clock by seconds.
func (c *clock) advance(seconds int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Duration(seconds) * time.Second)
}

// user makes a user with the one role r.
func user(t *testing.T, s *Server, drv neo4j.DriverWithContext, privileges ...string) neo4j.DriverWithContext {
	t.Helper()
	do(t, drv, "system", "CREATE OR REPLACE ROLE r", "CREATE OR REPLACE USER u SET PASSWORD 'long enough' CHANGE NOT REQUIRED", "GRANT ROLE r TO u")
	for _, p := range privileges {
		do(t, drv, "system", p+" TO r")
	}
	return driverFor(t, s.URL, neo4j.BasicAuth("u", "long enough", ""))
}

func TestAdminNeedsPrivileges(t *testing.T) {
	s := start(t, &Server{})
	drv := admin(t, s)
	u := user(t, s, drv)
	refused(t, u, "system", "CREATE ROLE x", codeForbidden, "Permission has not been granted for CREATE ROLE. Try executing SHOW USER PRIVILEGES")
	refused(t, u, "system", "SHOW ROLES WITH USERS", codeForbidden, "Permission has not been granted for SHOW ROLE and/or SHOW USER.")
	refused(t, u, "system", "GRANT ACCESS ON DATABASE neo4j TO r", codeForbidden, "ASSIGN PRIVILEGE")
	refused(t, u, "neo4j", "CALL dbms.setConfigValue('dbms.shutdown_transaction_end_timeout', '1s')", codeForbidden, "Executing admin procedure")
	wantRows(t, "own privileges", column(t, u, "system", "SHOW USER PRIVILEGES AS COMMANDS"), []any{
		"GRANT ACCESS ON HOME DATABASE TO $role", "GRANT EXECUTE FUNCTION * ON DBMS TO $role", "GRANT EXECUTE PROCEDURE * ON DBMS TO $role", "GRANT LOAD ON ALL DATA TO $role"})
	wantRows(t, "settings", column(t, u, "neo4j", "SHOW SETTINGS"), []any{})
	do(t, drv, "system", "GRANT ROLE MANAGEMENT ON DBMS TO r", "DENY DROP ROLE ON DBMS TO r", "GRANT SHOW SETTING server.bolt.en* ON DBMS TO r")
	do(t, u, "system", "CREATE ROLE x", "RENAME ROLE x TO y")
	refused(t, u, "system", "DROP ROLE y", codeForbidden, "Permission denied for DROP ROLE.")
	wantRows(t, "settings", column(t, u, "neo4j", "SHOW SETTINGS"), []any{"server.bolt.enabled"})
	do(t, drv, "system", "REVOKE DENY DROP ROLE ON DBMS FROM r")
	do(t, u, "system", "DROP ROLE y") // an open session sees changes of its privileges
}

func TestDataAccess(t *testing.T) {
	s := start(t, &Server{})
	drv := admin(t, s)
	do(t, drv, "neo4j", "CREATE (:Person {name: 'Ann', ssn: 1})-[:KNOWS {since: 2000}]->(:Person:Secret {name: 'Bob', ssn: 2})", "CREATE (:Thing {name: 'box'})")
	all := "MATCH (n) RETURN n.name ORDER BY n.name"
	for _, tc := range []struct {
		name       string
		privileges []string
		query      string
		want       []any
	}{
		{"nothing granted", nil, all, []any{}},
		{"match", []string{"GRANT MATCH {*} ON GRAPH neo4j"}, all, []any{"Ann", "Bob", "box"}},
		{"one label", []string{"GRANT MATCH {*} ON GRAPH neo4j NODES Thing"}, all, []any{"box"}},
		{"traverse only", []string{"GRANT TRAVERSE ON GRAPH neo4j"}, all, []any{nil, nil, nil}},
		{"deny a label", []string{"GRANT MATCH {*} ON GRAPH neo4j", "DENY TRAVERSE ON GRAPH neo4j NODES Secret"}, all, []any{"Ann", "box"}},
		{"deny match of all", []string{"GRANT MATCH {*} ON GRAPH neo4j", "DENY MATCH {*} ON GRAPH neo4j NODES Secret"}, all, []any{"Ann", "box"}},
		{"deny match of a property hides nothing", []string{"GRANT MATCH {*} ON GRAPH neo4j", "DENY MATCH {name} ON GRAPH neo4j NODES Secret"}, all, []any{"Ann", "box", nil}},
		{"a denied property is null", []string{"GRANT MATCH {*} ON GRAPH neo4j", "DENY READ {ssn} ON GRAPH neo4j NODES Person"}, "MATCH (p:Person) RETURN p.ssn", []any{nil, nil}},
		{"and matches nothing", []string{"GRANT MATCH {*} ON GRAPH neo4j", "DENY READ {ssn} ON GRAPH neo4j NODES Person"}, "MATCH (p:Person) WHERE p.ssn = 1 RETURN p.name", []any{}},
		{"rule", []string{"GRANT TRAVERSE ON GRAPH neo4j", "GRANT READ {name} ON GRAPH neo4j FOR (n:Person) WHERE n.ssn > 1"}, all, []any{"Bob", nil, nil}},
		{"negated rule", []string{"GRANT MATCH {*} ON GRAPH neo4j", "DENY TRAVERSE ON GRAPH neo4j FOR (n:Person) WHERE NOT n.ssn = 1"}, all, []any{"Ann", "box"}},
		{"relationships", []string{"GRANT MATCH {*} ON GRAPH neo4j"}, "MATCH (a)-[k:KNOWS]->(b) RETURN a.name + b.name + toString(k.since)", []any{"AnnBob2000"}},
		{"hidden relationships", []string{"GRANT MATCH {*} ON GRAPH neo4j NODES *"}, "MATCH (a)-[k]->(b) RETURN a", []any{}},
		{"count", []string{"GRANT MATCH {*} ON GRAPH neo4j"}, "MATCH (n:Person) RETURN count(n)", []any{int64(2)}},
		{"home graph", []string{"GRANT MATCH {*} ON HOME GRAPH NODES Thing"}, all, []any{"box"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantRows(t, tc.query, column(t, user(t, s, drv, tc.privileges...), "neo4j", tc.query), tc.want)
		})
	}
}

func TestDataWrites(t *testing.T) {
	s := start(t, &Server{})
	drv := admin(t, s)
	do(t, drv, "neo4j", "CREATE (:Person {name: 'Ann'}), (:Thing)")
	u := user(t, s, drv, "GRANT MATCH {*} ON GRAPH neo4j")
	refused(t, u, "neo4j", "CREATE (:Person)", codeForbidden, "Create node with labels 'Person' on database 'neo4j' is not allowed for user 'u' with roles [r, PUBLIC].")
	refused(t, u, "neo4j", "MATCH (n:Person) SET n.name = 'x'", codeForbidden, "Set property for property 'name' on database 'neo4j' is not allowed")
	refused(t, u, "neo4j", "MATCH (n) DETACH DELETE n", codeForbidden, "Delete node with labels 'Person'")
	refused(t, u, "neo4j", "MATCH (n) SET n:Thing", codeForbidden, "Set label for label 'Thing'")
	do(t, drv, "system", "GRANT WRITE ON GRAPH neo4j TO r")
	do(t, u, "neo4j", "CREATE (:Person {name: 'Bob'})", "MATCH (n:Person {name: 'Bob'}) SET n.name = 'Rob' SET n:Thing REMOVE n:Person", "MERGE (p:Person {name: 'Ann'}) ON MATCH SET p.name = 'Eve'")
	refused(t, u, "neo4j", "CREATE (:New)", codeForbidden, "Creating new node label on database 'neo4j' is not allowed for user 'u'")
	wantRows(t, "names", column(t, drv, "neo4j", "MATCH (n) WHERE n.name IS NOT NULL RETURN n.name ORDER BY n.name"), []any{"Eve", "Rob"})
	do(t, drv, "system", "DENY DELETE ON GRAPH neo4j NODES Thing TO r", "GRANT NAME MANAGEMENT ON DATABASE neo4j TO r", "DENY SET PROPERTY {name} ON GRAPH neo4j TO r")
	do(t, u, "neo4j", "CREATE (:New {other: 1})-[:REL]->(:New)", "MATCH (n:New) DETACH DELETE n")
	refused(t, u, "neo4j", "MATCH (n:Thing) DELETE n", codeForbidden, "Delete node with labels 'Thing'")
	refused(t, u, "neo4j", "MATCH (n:Person) SET n.name = 'x'", codeForbidden, "Set property")
	do(t, drv, "system", "DENY ACCESS ON DATABASE neo4j TO r")
	refused(t, u, "neo4j", "RETURN 1", codeForbidden, "ACCESS on database 'neo4j' is not allowed for user 'u' with roles [r, PUBLIC].")
}
