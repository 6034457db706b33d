package neo4j

import (
	"encoding/json"
	"fmt"
	"testing"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

// seedRoles puts count roles of ten privileges each into a server, and gives what a spec that wants exactly these declares.
func seedRoles(b *testing.B, server *neo4jtest.Server, count int) []reconcile.Object {
	b.Helper()
	data, err := server.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	var store map[string]any
	if err := json.Unmarshal(data, &store); err != nil {
		b.Fatal(err)
	}
	roles, _ := store["roles"].([]any)
	var want []reconcile.Object
	for n := range count {
		name := fmt.Sprintf("tenant_%05d", n)
		objects, diags := Language{}.Declare(blockOf(kindRole, name, fields{"grant": tenPrivileges(n)}))
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		want = append(want, objects[0])
		var rows []string
		for _, atom := range reconcile.Texts(objects[0].Get("grant")) {
			rows = append(rows, "GRANT "+atom)
		}
		roles = append(roles, map[string]any{"name": name, "privileges": rows})
	}
	store["roles"] = roles
	if data, err = json.Marshal(store); err == nil {
		err = server.Seed(data)
	}
	if err != nil {
		b.Fatal(err)
	}
	return want
}

// Reading and comparing many roles: the emulated server runs in the same process, and its share is in the numbers too.
func BenchmarkReadAndCompare(b *testing.B) {
	for _, count := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			server := &neo4jtest.Server{Password: testPassword}
			if err := server.Start(); err != nil {
				b.Fatal(err)
			}
			defer server.Close()
			want := seedRoles(b, server, count)
			env := map[string]string{"NEO4J_URI": server.URL, "NEO4J_PASSWORD": testPassword}
			sys, err := Open(b.Context(), reconcile.Block{}, Options{Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }})
			if err != nil {
				b.Fatal(err)
			}
			defer sys.Close(b.Context())
			server.ResetCalls()
			b.ReportAllocs()
			for b.Loop() {
				live, err := sys.Read(b.Context(), want)
				if err != nil {
					b.Fatal(err)
				}
				drift := reconcile.Compare(sys.Kinds(), want, live)
				if n := drift.Count(reconcile.InSync); n != count {
					b.Fatalf("%d of %d in sync", n, count)
				}
			}
			b.ReportMetric(float64(len(server.Calls()))/float64(b.N), "queries/op")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(count), "µs/role")
		})
	}
}

// The client's share alone: rows of SHOW PRIVILEGES AS COMMANDS made live objects, and compared.
func BenchmarkParseAndCompare(b *testing.B) {
	const count = 10000
	var want []reconcile.Object
	var names, rows []string
	for n := range count {
		name := fmt.Sprintf("tenant_%05d", n)
		objects, diags := Language{}.Declare(blockOf(kindRole, name, fields{"grant": tenPrivileges(n)}))
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		want, names = append(want, objects[0]), append(names, name)
		for _, atom := range reconcile.Texts(objects[0].Get("grant")) {
			rows = append(rows, "GRANT "+atom+" TO `"+name+"`")
		}
	}
	sys := &System{}
	b.ReportAllocs()
	for b.Loop() {
		seen := snapshot{roles: make(map[string]liveRole, count)}
		for _, name := range names {
			seen.roles[name] = liveRole{}
		}
		for _, r := range rows {
			seen.takePrivilege(r, false)
		}
		live := reconcile.Live{Unread: map[reconcile.Addr]error{}}
		sys.liveRoles(&live, seen, want)
		if n := reconcile.Compare(Language{}.Kinds(), want, live).Count(reconcile.InSync); n != count {
			b.Fatalf("%d of %d in sync", n, count)
		}
	}
}

// Planning the statements of many new roles.
func BenchmarkCreateRoles(b *testing.B) {
	const count = 4000
	var changes []reconcile.Change
	for n := range count {
		objects, diags := Language{}.Declare(blockOf(kindRole, fmt.Sprintf("tenant_%05d", n), fields{"grant": tenPrivileges(n), "deny": setOf("READ {ssn, name} ON GRAPHS neo4j, b NODES P, Q")}))
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		changes = append(changes, reconcile.Create{Want: objects[0]})
	}
	sys := &System{seen: snapshot{version: "5.26.30", user: "neo4j", ownRoles: []string{"admin"}, roles: map[string]liveRole{}}}
	b.ReportAllocs()
	for b.Loop() {
		steps, err := sys.Steps(changes)
		if err != nil || len(steps) != count {
			b.Fatalf("%d steps, %v", len(steps), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(count), "µs/role")
}
