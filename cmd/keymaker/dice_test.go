package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// dice make specs of the same objects, with other values each time: whatever can decide about access is drawn anew.
type dice struct{ *rand.Rand }

func (d dice) some(from ...string) []string {
	var out []string
	for _, s := range from {
		if d.IntN(2) == 0 {
			out = append(out, s)
		}
	}
	return out
}

func (d dice) one(from ...string) string { return from[d.IntN(len(from))] }

// rarely gives the text in one case of n.
func (d dice) rarely(n int, text string) string {
	if d.IntN(n) == 0 {
		return text
	}
	return ""
}

func listOf(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = strconv.Quote(s)
	}
	return "[" + strings.Join(q, ", ") + "]"
}

func shuffled(d dice, list ...string) []string {
	d.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

const apps, scopesOfDice = 3, "s1 s2"

func (d dice) spec() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	status := func(n int) string {
		if d.IntN(n) == 0 {
			return "INACTIVE"
		}
		return "ACTIVE"
	}
	say("okta \"authorization_server\" \"own\" {\n  audiences = [\"api://own\"]")
	say("  policy_order = %s\n}", listOf(shuffled(d, "p1", "p2", "p3")))
	for i := range apps {
		say("okta \"app\" \"app-%d\" {\n  client_id = \"client-%d\"\n  status = %q\n  dpop_bound_access_tokens = %t", i, i, status(8), d.IntN(10) == 0)
		say("  profile = { grp = %s, other = %s }\n  secret { file = \"app-%d.env\" }\n}", listOf(d.some("g1", "g2", "g3", "r1", "nobody")), listOf(d.some("g1", "r2")), i)
	}
	in := "authorization_server = okta.authorization_server.own"
	for _, s := range strings.Fields(scopesOfDice) {
		say("okta \"scope\" %q {\n  %s\n  consent = %q\n}", s, in, d.one("IMPLICIT", "IMPLICIT", "IMPLICIT", "REQUIRED"))
	}
	for _, c := range []string{"groups", "roles"} {
		say("okta \"claim\" %q {\n  %s\n  value = %q\n  scopes = %s\n  status = %q\n}", c, in, d.one("app.profile.grp", "app.profile.grp", "app.profile.other"), listOf(d.some("s1", "s2")), status(6))
	}
	for _, p := range []string{"p1", "p2", "p3"} {
		clients := d.some("client-0", "client-1", "client-2")
		if d.IntN(4) == 0 {
			clients = []string{"ALL_CLIENTS"}
		}
		say("okta \"policy\" %q {\n  %s\n  clients = %s\n  status = %q", p, in, listOf(clients), status(4))
		for _, r := range shuffled(d, "a", "b") {
			given := append(d.some("s1", "s2"), d.rarely(4, "*"))
			given = slices.DeleteFunc(given, func(s string) bool { return s == "" })
			if slices.Contains(given, "*") {
				given = []string{"*"}
			}
			if len(given) == 0 {
				given = []string{"s1"}
			}
			say("  rule %q {\n    scopes = %s\n    grant_types = [%q]\n    status = %q\n  }", r, listOf(given), d.one("client_credentials", "client_credentials", "client_credentials", "password"), status(5))
		}
		say("}")
	}
	grants := []string{"ACCESS ON DATABASE neo4j", "ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j", "MATCH {name} ON GRAPH * NODES Person", "READ {*} ON GRAPH neo4j", "TRAVERSE ON GRAPH neo4j",
		"TRAVERSE ON HOME GRAPH NODES Person", "WRITE ON GRAPH neo4j", "CREATE ON GRAPH neo4j NODES Person", "SET PROPERTY {name} ON GRAPH neo4j NODES Person", "MERGE {*} ON GRAPH neo4j",
		"ALL GRAPH PRIVILEGES ON GRAPH *", "ALL DATABASE PRIVILEGES ON DATABASE neo4j", "ALL DBMS PRIVILEGES ON DBMS", "SHOW ROLE ON DBMS", "ROLE MANAGEMENT ON DBMS", "READ {name} ON GRAPH other"}
	denies := []string{"READ {ssn} ON GRAPH neo4j NODES Person", "TRAVERSE ON GRAPH neo4j NODES Secret", "WRITE ON GRAPH neo4j", "MATCH {*} ON GRAPH neo4j NODES Person", "MATCH {ssn} ON GRAPH neo4j",
		"ACCESS ON DATABASE neo4j", "SET PROPERTY {name} ON GRAPH neo4j", "CREATE ON GRAPH * NODES Person", "SHOW ROLE ON DBMS", "ALL GRAPH PRIVILEGES ON GRAPH other"}
	for _, r := range []string{"r1", "r2", "r3"} {
		var deny []string
		if d.IntN(3) == 0 {
			deny = []string{denies[d.IntN(len(denies))]}
		}
		say("neo4j \"role\" %q {\n  grant = %s\n  deny = %s\n}", r, listOf(shuffled(d, grants...)[:d.IntN(5)]), listOf(deny))
	}
	say("neo4j \"oidc_provider\" \"backend\" {\n  well_known_discovery_uri = \"${okta.authorization_server.own.issuer}/.well-known/openid-configuration\"")
	say("  audience = %s\n  groups_claim = %q\n  visible = false", d.one(`["api://own"]`, `["api://own"]`, `["api://else", "api://own"]`, `["api://else"]`), d.one("groups", "groups", "roles", "none"))
	var mapping []string
	if d.IntN(4) > 0 {
		for _, g := range []string{"g1", "g2", "g3"} {
			if roles := d.some("r1", "r2", "r3", "gone"); len(roles) > 0 {
				mapping = append(mapping, g+" = "+listOf(roles))
			}
		}
	}
	say("  group_to_role = { %s }\n}", strings.Join(mapping, ", "))
	return b.String()
}
