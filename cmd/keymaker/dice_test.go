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

// What every drawn spec has. The user that logs in by itself has the name of an account's subject: see [dice.users].
const (
	apps         = 3
	userPassword = "drawn-users-password"
)

// claimValues are what claims are drawn from, and each says something else of the same profile.
var claimValues = []string{"app.profile.grp", "app.profile.grp", "app.profile.grp", "app.profile.grp", "app.profile.other", "app.profile.one", `"g1"`, `{"g1", "r2"}`, `Arrays.add(app.profile.grp, "g2")`,
	`Arrays.contains(app.profile.grp, "g1") ? {"g2"} : app.profile.other`, `String.toLowerCase("G1")`, "app.profile.missing", `app.profile.missing ?: "g3"`, `String.append("g", app.profile.n)`,
	`Arrays.flatten(app.profile.grp, app.profile.one)`, "app.clientId"}

// brokenValues are what Okta cannot evaluate.
var brokenValues = []string{"String.len(app.profile.grp)", "user.email", "app.profile.missing.part", `Arrays.get(app.profile.other, 1)`}

// text is a spec being written.
type text struct{ strings.Builder }

func (t *text) say(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (d dice) status(n int) string {
	if d.IntN(n) == 0 {
		return "INACTIVE"
	}
	return "ACTIVE"
}

func (d dice) spec() string {
	var t text
	d.accounts(&t)
	d.own(&t)
	d.two(&t)
	d.roles(&t)
	d.users(&t)
	d.providers(&t)
	return t.String()
}

func (d dice) accounts(t *text) {
	for i := range apps {
		t.say("okta \"app\" \"app-%d\" {\n  client_id = \"client-%d\"\n  status = %q\n  dpop_bound_access_tokens = %t", i, i, d.status(8), d.IntN(10) == 0)
		t.say("  profile = { grp = %s, other = %s, one = %q, n = %q, login = %q }\n  secret { file = \"app-%d.env\" }\n}", listOf(d.some("g1", "g2", "g3", "r1", "nobody")), listOf(d.some("g1", "r2")),
			d.one("g2", "r1", "nobody"), d.one("1", "2", "9"), d.one("local-0", "native", "someone", "client-0"), i)
	}
}

// scope draws a scope, claim and policies the rest of a server.
func (d dice) scope(t *text, name, in string) {
	t.say("okta \"scope\" %q {\n  %s\n  consent = %q\n}", name, in, d.one("IMPLICIT", "IMPLICIT", "IMPLICIT", "IMPLICIT", "FLEXIBLE", "REQUIRED"))
}

func (d dice) claim(t *text, block, name, in, value, scopes string) {
	if d.IntN(25) == 0 {
		value = d.one(brokenValues...)
	}
	t.say("okta \"claim\" %q {\n  name = %q\n  %s\n  value = %q\n  scopes = %s\n  status = %q\n}", block, name, in, value, scopes, d.status(6))
}

// own is a server with three policies in a drawn order.
func (d dice) own(t *text) {
	t.say("okta \"authorization_server\" \"own\" {\n  audiences = [\"api://own\"]\n  policy_order = %s\n}", listOf(shuffled(d, "p1", "p2", "p3")))
	const in = "authorization_server = okta.authorization_server.own"
	d.scope(t, "s1", in)
	d.scope(t, "s2", in)
	d.claim(t, "groups", "groups", in, d.one(claimValues...), listOf(d.some("s1", "s2")))
	d.claim(t, "roles", "roles", in, d.one(claimValues...), listOf(d.some("s1", "s2")))
	d.claim(t, "login", "login", in, d.one("app.profile.login", "app.profile.login", "app.profile.grp", "app.profile.missing", "'native'"), listOf(d.some("s1", "s2")))
	for _, p := range []string{"p1", "p2", "p3"} {
		clients := d.some("client-0", "client-1", "client-2")
		if d.IntN(4) == 0 {
			clients = []string{"ALL_CLIENTS"}
		}
		t.say("okta \"policy\" %q {\n  %s\n  clients = %s\n  status = %q", p, in, listOf(clients), d.status(4))
		for _, r := range shuffled(d, "a", "b") {
			given := d.some("s1", "s2")
			switch {
			case d.IntN(4) == 0:
				given = []string{"*"}
			case len(given) == 0:
				given = []string{"s1"}
			}
			t.say("  rule %q {\n    scopes = %s\n    grant_types = [%q]\n    status = %q\n  }", r, listOf(given), d.one("client_credentials", "client_credentials", "client_credentials", "password"), d.status(5))
		}
		t.say("}")
	}
}

// two is a second server, whose audience may be that of the first.
func (d dice) two(t *text) {
	t.say("okta \"authorization_server\" \"two\" {\n  audiences = [%q]\n}", d.one("api://two", "api://two", "api://own"))
	const in = "authorization_server = okta.authorization_server.two"
	d.scope(t, "t1", in)
	d.claim(t, "groups-of-two", "groups", in, d.one(claimValues...), d.one(`["t1"]`, "[]"))
	t.say("okta \"policy\" \"q1\" {\n  %s\n  clients = %s\n  rule \"a\" {\n    scopes = [\"t1\"]\n    status = %q\n    grant_types = [\"client_credentials\"]\n  }\n}", in, listOf(d.some("client-0", "client-1")), d.status(4))
}

func (d dice) roles(t *text) {
	grants := []string{"ACCESS ON DATABASE neo4j", "ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j", "MATCH {name} ON GRAPH * NODES Person", "READ {*} ON GRAPH neo4j", "TRAVERSE ON GRAPH neo4j",
		"TRAVERSE ON HOME GRAPH NODES Person", "WRITE ON GRAPH neo4j", "CREATE ON GRAPH neo4j NODES Person", "SET PROPERTY {name} ON GRAPH neo4j NODES Person", "MERGE {*} ON GRAPH neo4j",
		"ALL GRAPH PRIVILEGES ON GRAPH *", "ALL DATABASE PRIVILEGES ON DATABASE neo4j", "ALL DBMS PRIVILEGES ON DBMS", "SHOW ROLE ON DBMS", "ROLE MANAGEMENT ON DBMS", "READ {name} ON GRAPH other"}
	denies := []string{"READ {ssn} ON GRAPH neo4j NODES Person", "TRAVERSE ON GRAPH neo4j NODES Secret", "WRITE ON GRAPH neo4j", "MATCH {*} ON GRAPH neo4j NODES Person", "MATCH {ssn} ON GRAPH neo4j",
		"ACCESS ON DATABASE neo4j", "SET PROPERTY {name} ON GRAPH neo4j", "CREATE ON GRAPH * NODES Person", "SHOW ROLE ON DBMS", "ALL GRAPH PRIVILEGES ON GRAPH other"}
	for _, r := range []string{"r1", "r2", "r3"} {
		var deny []string
		if d.IntN(3) == 0 {
			deny = []string{d.one(denies...)}
		}
		t.say("neo4j \"role\" %q {\n  grant = %s\n  deny = %s\n}", r, listOf(shuffled(d, grants...)[:d.IntN(5)]), listOf(deny))
	}
}

// users are those that Neo4j keeps: two whom a provider knows, and one that logs in by a password and has the name of what a token may say.
func (d dice) users(t *text) {
	user := func(name, auth string) {
		t.say("neo4j \"user\" %q {\n  roles = %s\n  status = %q\n  %s\n}", name, listOf(d.some("r1", "r2", "r3")), d.one("active", "active", "active", "suspended"), auth)
	}
	user("local-0", "auth \"oidc-backend\" {\n    id = \"client-0\"\n  }")
	user("local-1", "auth \"oidc-second\" {\n    id = \"someone\"\n  }")
	user("native", fmt.Sprintf("auth \"native\" {\n    password = secret_file(\"user.pw\")\n    change_required = false\n  }\n  auth \"oidc-backend\" {\n    id = %q\n  }", d.one("client-1", "native")))
	user("client-2", "auth \"native\" {\n    password = secret_file(\"user.pw\")\n    change_required = false\n  }")
}

// providers are two beside native, of which either may take the tokens of either server.
func (d dice) providers(t *text) {
	for i, name := range []string{"backend", "second"} {
		server, other := "own", "two"
		if d.IntN(3) == i*2 {
			server, other = other, server
		}
		t.say("neo4j \"oidc_provider\" %q {\n  well_known_discovery_uri = \"${okta.authorization_server.%s.issuer}/.well-known/openid-configuration\"", name, server)
		t.say("  issuer = \"%s\"", d.one(append(slices.Repeat([]string{fmt.Sprintf("${okta.authorization_server.%s.issuer}", server)}, 5), fmt.Sprintf("${okta.authorization_server.%s.issuer}", other), fmt.Sprintf("${okta.authorization_server.%s.issuer}/", server))...))
		t.say("  audience = %s\n  groups_claim = %q\n  username_claim = %q\n  visible = false", d.one(`["api://own"]`, `["api://own"]`, `["api://own", "api://two"]`, `["api://two"]`, `["api://else"]`),
			d.one("groups", "groups", "roles", "none"), d.one("sub", "sub", "login"))
		var mapping []string
		if d.IntN(4) > 0 {
			for _, g := range []string{"g1", "g2", "g3"} {
				if roles := d.some("r1", "r2", "r3", "gone"); len(roles) > 0 {
					mapping = append(mapping, g+" = "+listOf(roles))
				}
			}
		}
		t.say("  group_to_role = { %s }\n}", strings.Join(mapping, ", "))
	}
}
