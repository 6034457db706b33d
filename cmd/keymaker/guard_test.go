package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
)

// crowd is a setup of many apps, each with a group, all in one policy; group gives the role.
func crowd(apps int, group string, narrow bool) string {
	var b strings.Builder
	var clients []string
	for i := range apps {
		fmt.Fprintf(&b, "okta \"app\" \"a%d\" {\n  profile = { neo4j_groups = [%q] }\n}\n", i, group)
		clients = append(clients, fmt.Sprintf("okta.app.a%d", i))
	}
	grants := `"ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH neo4j"`
	if narrow {
		grants = `"ACCESS ON DATABASE neo4j"`
	}
	fmt.Fprintf(&b, `
okta "scope" "neo4j_groups" {}
okta "claim" "groups" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.neo4j_groups]
}
okta "policy" "services" {
  clients = [%s]
  rule "machines" {
    scopes = [okta.scope.neo4j_groups]
  }
}
neo4j "role" "w" {
  grant = [%s]
}
neo4j "oidc_provider" "backend" {
  authorization_server = okta.authorization_server.default
  username_claim       = "sub"
  groups_claim         = okta.claim.groups
  token_type           = "access_token"
  group_to_role        = { gw = [neo4j.role.w] }
}
`, strings.Join(clients, ", "), grants)
	return b.String()
}

// counted is a system that counts how often it is asked who gets to what.
type counted struct {
	reconcile.System
	asked *int
}

// Access counts.
func (c counted) Access(state []reconcile.Object) []reconcile.Edge {
	*c.asked++
	return c.System.Access(state)
}

// A plan in which every one of many apps gains a group while the role behind it is narrowed, so that all have to wait for that, takes no more looks at who gets to what than one
// of a few.
func TestGuardLooksAFewTimes(t *testing.T) {
	t.Parallel()
	var asked []int
	for _, apps := range []int{3, 30} {
		b := newBench(t)
		b.converge(crowd(apps, "none", false), choice{})
		s := b.session(crowd(apps, "gw", true))
		seen, err := s.look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		changes, _, diags := reconcile.Police(seen.drift, reconcile.Policy{})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		n := 0
		systems := s.systems()
		for i := range systems {
			systems[i] = counted{systems[i], &n}
		}
		plan, err := reconcile.BuildPlan(systems, seen.lives, seen.drift, changes)
		if err != nil {
			t.Fatal(err)
		}
		waits := 0
		for _, step := range plan.Steps {
			if slices.Contains(step.After, reconcile.Addr{System: "neo4j", Kind: "role", Name: "w"}) {
				waits++
			}
		}
		if waits != apps {
			t.Errorf("%d of %d apps wait for the role", waits, apps)
		}
		asked = append(asked, n)
	}
	if asked[0] != asked[1] {
		t.Errorf("a plan of few apps asked %d times, one of many %d times", asked[0], asked[1])
	}
}
