package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"keymaker/reconcile"
)

// fleet is a spec of as many accounts that share a policy, and as many roles with ten privileges each.
func fleet(accounts, roles int) string {
	return fmt.Sprintf(`locals {
  accounts = toset(slice([for p in setproduct(range(100), range(100)) : format("svc_%%02d_%%02d", p[0], p[1])], 0, %d))
  roles    = toset(slice([for p in setproduct(range(100), range(100)) : format("role_%%02d_%%02d", p[0], p[1])], 0, %d))
}

okta "app" "svc" {
  for_each  = local.accounts
  label     = each.key
  client_id = each.key
  profile   = { neo4j_groups = ["writer"] }
}

okta "scope" "neo4j_groups" {}

okta "claim" "groups" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.neo4j_groups]
}

okta "policy" "services" {
  clients = values(okta.app.svc)

  rule "credentials" {
    scopes = [okta.scope.neo4j_groups]
  }
}

neo4j "role" "writer" {
  for_each = local.roles
  name     = each.key
  grant = [
    "ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j NODES A, B, C, D, E", "TRAVERSE ON GRAPH neo4j RELATIONSHIPS R, S, T", "WRITE ON GRAPH neo4j",
  ]
}

neo4j "oidc_provider" "backend" {
  authorization_server = okta.authorization_server.default
  username_claim       = "sub"
  groups_claim         = okta.claim.groups
  token_type           = "access_token"
  visible              = false
  group_to_role        = { writer = [neo4j.role.writer["role_00_00"]] }
}
`, accounts, roles)
}

// seen counts what both servers were asked since it was last asked: reads and writes of Okta, statements of Neo4j that change something, and all others.
func (b *bench) seen() (reads, writes, changes, queries int) {
	for _, c := range b.box.okta.Calls() {
		switch {
		case strings.HasPrefix(c.Path, "/oauth2/"):
		case c.Method == http.MethodGet:
			reads++
		default:
			writes++
		}
	}
	for _, c := range b.box.neo4j.Calls() {
		if word, _, _ := strings.Cut(c.Statement, " "); word == "CREATE" || word == "GRANT" || word == "DENY" || word == "REVOKE" {
			changes++
		} else {
			queries++
		}
	}
	b.box.okta.ResetCalls()
	b.box.neo4j.ResetCalls()
	return reads, writes, changes, queries
}

// TestCostOfAFleet holds the program to what a plan and an apply may cost at any size: Okta's list of apps in pages of 200, four calls more and one for each policy with
// rules; six queries of Neo4j and one for each member; one write for each account; five statements for each role, and a tenth of a round trip.
func TestCostOfAFleet(t *testing.T) {
	t.Parallel()
	const accounts, roles = 230, 40
	b := newBench(t)
	text := fleet(accounts, roles)
	b.seen()

	b.plan(b.session(text), choice{})
	reads, writes, changes, queries := b.seen()
	if reads > 1+4+1 || writes+changes > 0 || queries > 6+1 {
		t.Errorf("a plan of all new took %d reads and %d queries, want at most 6 and 7; it wrote %d and %d times", reads, queries, writes, changes)
	}

	turns := b.box.neo4j.Turns()
	b.converge(text, choice{})
	turns = b.box.neo4j.Turns() - turns
	reads, writes, changes, queries = b.seen()
	if most := int64(queries + roles/10 + 4); turns > most { // a query is one by itself
		t.Errorf("the apply took %d round trips to Neo4j, %d of them to look, want at most %d", turns, queries, most)
	}
	if writes != accounts+4 {
		t.Errorf("the apply wrote %d times to Okta, want %d: one for each account, a scope, a claim, a policy and a rule", writes, accounts+4)
	}
	if changes > 5*roles {
		t.Errorf("the apply made %d statements for %d roles", changes, roles)
	}
	if most := 3 * (1 + 4 + 1 + 1); reads > most { // what the plan reads, and each collection before the first create and behind the last
		t.Errorf("the apply read Okta %d times, want at most %d", reads, most)
	}
	if queries > 40 {
		t.Errorf("the apply made %d queries of Neo4j besides its changes", queries)
	}

	plan, _ := b.plan(b.session(text), choice{})
	if len(plan.Steps) > 0 {
		t.Fatalf("the second plan has %d steps", len(plan.Steps))
	}
	reads, writes, changes, queries = b.seen()
	pages := (accounts + 2 + 199) / 200 // the seeded app of others, and Okta's own
	if most := pages + 4 + 1; reads > most || queries > 6+1 || writes+changes > 0 {
		t.Errorf("a plan of no change took %d reads and %d queries, want at most %d and 7; it wrote %d and %d times", reads, queries, most, writes, changes)
	}
}

// BenchmarkPlan plans a fleet that is as the spec says, and reports what it asks of both servers. The emulators run in the same process: their memory and time are in
// B/op and ns/op. What the program alone takes is measured from the outside, by the benchmark program.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bench := newBench(b)
			text := fleet(n, n)
			s := bench.session(text)
			plan, lives, err := bench.prog.plan(context.Background(), s, choice{})
			if err != nil {
				b.Fatal(err)
			}
			report := reconcile.Apply(context.Background(), bench.prog.stop, plan, s.byName(), reconcile.NewIndex(merge(lives).Objects), nil)
			if !report.Complete() {
				b.Fatal("the fleet was not made")
			}
			bench.seen()
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				plan, _ := bench.plan(bench.session(text), choice{})
				if len(plan.Steps) > 0 {
					b.Fatalf("%d steps", len(plan.Steps))
				}
			}
			b.StopTimer()
			reads, _, _, queries := bench.seen()
			b.ReportMetric(float64(reads)/float64(b.N), "requests/op")
			b.ReportMetric(float64(queries)/float64(b.N), "queries/op")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(2*n), "µs/object")
		})
	}
}
