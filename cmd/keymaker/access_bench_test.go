package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keymaker/neo4j"
	"keymaker/okta"
	"keymaker/reconcile"
	"keymaker/specs"
)

// manyAccounts is a spec of n accounts, each with a group, a mapping and a role of its own.
func manyAccounts(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%q", fmt.Sprintf("a%05d", i))
	}
	return `locals { names = toset([` + strings.Join(names, ", ") + `]) }
okta "app" "etl" {
  for_each  = local.names
  label     = each.value
  client_id = "client-${each.value}"
  profile   = { neo4j_groups = ["g_${each.value}"] }
}
okta "scope" "neo4j_groups" {}
okta "claim" "groups" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.neo4j_groups]
}
okta "policy" "services" {
  clients = ["ALL_CLIENTS"]
  rule "machines" { scopes = [okta.scope.neo4j_groups] }
}
neo4j "role" "r" {
  for_each = local.names
  name     = "r_${each.value}"
  grant    = ["ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH neo4j"]
}
neo4j "oidc_provider" "backend" {
  authorization_server = okta.authorization_server.default
  groups_claim         = okta.claim.groups
  group_to_role        = { for n in local.names : "g_${n}" => ["r_${n}"] }
}
`
}

// BenchmarkAccess works out who may do what, compares it with nothing, and runs the checks, for 10 to 10,000 accounts and as many roles: ten times as many take about ten times
// as long.
func BenchmarkAccess(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "main.hcl")
			if err := os.WriteFile(file, []byte(manyAccounts(n)), 0o600); err != nil {
				b.Fatal(err)
			}
			loaded, diags := specs.Load(file, languages(), specs.Options{})
			if diags.HasErrors() {
				b.Fatal(diags)
			}
			spec := reconcile.Spoken(loaded.Objects)
			systems := []reconcile.System{okta.Offline(""), neo4j.Offline("")}
			b.ResetTimer()
			for range b.N {
				edges := reconcile.EdgesOf(systems, spec)
				if len(edges) < n {
					b.Fatalf("%d edges", len(edges))
				}
				reconcile.CompareAccess(nil, edges, neo4j.Offline("").Judge())
				reconcile.Check(systems, spec)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/account")
		})
	}
}
