package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"keymaker/reconcile"
	"keymaker/specs"
)

// checked is a spec in which everything works, for cases to break.
const checked = `
okta "app" "etl" {
  client_id = "etl-client"
  profile   = { neo4j_groups = ["writer"] }
  secret { file = "etl.env" }
}
okta "scope" "neo4j_groups" {}
okta "claim" "groups" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.neo4j_groups]
}
okta "policy" "services" {
  clients = [okta.app.etl]
  rule "machines" {
    scopes                = [okta.scope.neo4j_groups]
    access_token_lifetime = "1h"
  }
}
neo4j "role" "etl_writer" {
  grant = ["ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH neo4j"]
}
neo4j "oidc_provider" "backend" {
  authorization_server = okta.authorization_server.default
  groups_claim         = okta.claim.groups
  token_type           = "access_token"
  visible              = false
  group_to_role        = { writer = [neo4j.role.etl_writer] }
}
`

// checkCase is a spec and a live state, and the checks that it trips, in order of name.
type checkCase struct {
	name    string
	edit    []string // pairs: what is replaced in checked, and by what
	org     []string // pairs: where an object is made behind keymaker's back, and its JSON
	db      []string // statements run behind its back
	conf    string   // neo4j.conf, for a restart before all
	swap    []string // a pair: what is replaced in neo4j.conf, after the spec was applied, for a restart
	want    []string // with the live servers
	offline []string // by the spec alone; nil where that is want
	broken  bool     // a login is broken for certain
}

func checkCases() []checkCase {
	none := []string{}
	policies := "/api/v1/authorizationServers/default/policies"
	policy := func(clients string) []string {
		return []string{policies, `{"type":"OAUTH_AUTHORIZATION_POLICY","name":"theirs","description":"x","priority":1,"conditions":{"clients":{"include":[` + clients + `]}}}`,
			policies + "/ID/rules", `{"type":"RESOURCE_ACCESS","name":"any","priority":1,"conditions":{"grantTypes":{"include":["client_credentials"]},"scopes":{"include":["*"]}},"actions":{"token":{"accessTokenLifetimeMinutes":60,"refreshTokenLifetimeMinutes":0,"refreshTokenWindowMinutes":10080}}}`}
	}
	own := func(more ...string) []string { // on an authorization server of the spec's
		const in = "authorization_server = okta.authorization_server.own"
		return append([]string{`okta "scope" "neo4j_groups" {}`, "okta \"authorization_server\" \"own\" { audiences = [\"api://own\"] }\nokta \"scope\" \"neo4j_groups\" { " + in + " }",
			`  value  = "app.profile.neo4j_groups"`, "  value = \"app.profile.neo4j_groups\"\n  " + in, `okta "policy" "services" {`, "okta \"policy\" \"services\" {\n  " + in,
			"okta.authorization_server.default", "okta.authorization_server.own"}, more...)
	}
	local := "dbms.security.require_local_user=true\n"
	user := func(more string) string { // behind all else
		return "group_to_role        = { writer = [neo4j.role.etl_writer] }\n}\nneo4j \"user\" \"etl\" {\n" + more + "\n  auth \"oidc-backend\" { id = okta.app.etl.client_id }\n"
	}
	mapping := "group_to_role        = { writer = [neo4j.role.etl_writer] }\n"
	server := "authorization_server = okta.authorization_server.default"
	return []checkCase{
		{name: "all is well", want: none},

		{name: "a group that is not mapped", edit: []string{`["writer"]`, `["writer", "reader2"]`}, want: []string{reconcile.CheckUnmappedGroup}},
		{name: "a group that is mapped to two", edit: []string{"[neo4j.role.etl_writer] }", "[neo4j.role.etl_writer, \"reader\"] }"}, want: none},
		{name: "a mapping that nobody uses yet", edit: []string{"{ writer =", "{ others = [\"reader\"], writer ="}, want: none},

		{name: "a role that does not exist", edit: []string{"[neo4j.role.etl_writer] }", `["etl_writre"] }`}, want: []string{reconcile.CheckMissingRole}, offline: none, broken: true},
		{name: "a role that only lives", edit: []string{"[neo4j.role.etl_writer] }", `["theirs"] }`}, db: []string{"CREATE ROLE theirs"}, want: none},

		{name: "another groups claim", edit: []string{"groups_claim         = okta.claim.groups", `groups_claim = "roles"`}, want: []string{reconcile.CheckClaimName}, broken: true},
		{name: "no groups claim", edit: []string{"groups_claim         = okta.claim.groups", ""}, want: []string{reconcile.CheckClaimName}, broken: true},
		{name: "the claim's name as text", edit: []string{"groups_claim         = okta.claim.groups", `groups_claim = "groups"`}, want: none},

		{name: "another audience", edit: []string{server, server + "\n  audience = [\"api://other\"]"}, want: []string{reconcile.CheckAudience}, offline: none, broken: true},
		{name: "an audience among others", edit: []string{server, server + "\n  audience = [\"api://other\", \"api://default\"]"}, want: none},
		{name: "an issuer with a slash", edit: []string{server, server + "\n  issuer = \"${okta.authorization_server.default.issuer}/\""}, want: []string{reconcile.CheckIssuer}, broken: true},
		{name: "the issuer itself", edit: []string{server, server + "\n  issuer = okta.authorization_server.default.issuer"}, want: none},
		{name: "a custom domain", edit: []string{server, "well_known_discovery_uri = \"https://login.example.com/oauth2/default/.well-known/openid-configuration\"\n  audience = [okta.authorization_server.default.audience]"},
			want: []string{reconcile.CheckIssuer}, offline: none},
		{name: "somebody else's tokens", edit: []string{server, "well_known_discovery_uri = \"https://sso.example.com/realms/x/.well-known/openid-configuration\"\n  audience = [okta.authorization_server.default.audience]"},
			want: []string{reconcile.CheckIssuer}, offline: none, broken: true},

		{name: "a scope that the rule does not give", edit: []string{"    scopes                = [okta.scope.neo4j_groups]", `    scopes = ["other"]`, `okta "scope" "neo4j_groups" {}`, "okta \"scope\" \"neo4j_groups\" {}\nokta \"scope\" \"other\" {}"},
			want: []string{reconcile.CheckScope}, broken: true},
		{name: "a rule for every scope", edit: []string{"    scopes                = [okta.scope.neo4j_groups]", `    scopes = ["*"]`}, want: none},
		{name: "a scope for which a user must consent", edit: []string{`okta "scope" "neo4j_groups" {}`, "okta \"scope\" \"neo4j_groups\" { consent = \"REQUIRED\" }"}, want: []string{reconcile.CheckNoToken}, broken: true},
		{name: "a client of no policy of the spec", edit: []string{"[okta.app.etl]", `["another"]`}, want: none}, // the org has one for all
		{name: "a client of no policy", edit: own("[okta.app.etl]", `["another"]`), want: []string{reconcile.CheckNoToken}, broken: true},
		{name: "a client of a policy of its own server", edit: own(), want: none},
		{name: "a policy for all clients", edit: []string{"[okta.app.etl]", `["ALL_CLIENTS"]`}, want: none},
		{name: "a rule for people", edit: []string{`access_token_lifetime = "1h"`, `grant_types = ["password"]`}, want: []string{reconcile.CheckNoToken}, broken: true},
		{name: "an app that is switched off", edit: []string{`client_id = "etl-client"`, "client_id = \"etl-client\"\n  status = \"INACTIVE\""}, want: none},

		// The policies are made before the spec's own, which is put in front where nothing says otherwise; so the spec's is made first.
		{name: "another client's policy first", org: policy(`"etl-client"`), want: []string{reconcile.CheckPolicyOrder}, offline: none},
		{name: "a policy for all first", org: policy(`"ALL_CLIENTS"`), want: []string{reconcile.CheckPolicyOrder}, offline: none},
		{name: "a policy of nobody first", org: policy(""), want: none},

		{name: "a claim of a scope that nobody gets", edit: own(`okta "policy" "services" {`, "okta \"scope\" \"other\" { authorization_server = okta.authorization_server.own }\nokta \"claim\" \"extra\" {\n  authorization_server = okta.authorization_server.own\n  value = \"app.label\"\n  scopes = [okta.scope.other]\n}\nokta \"policy\" \"services\" {"),
			want: []string{reconcile.CheckIdleClaim, reconcile.CheckScope}},
		{name: "a claim of the scope that it gets", edit: []string{`okta "scope" "neo4j_groups" {}`, "okta \"scope\" \"neo4j_groups\" {}\nokta \"claim\" \"extra\" {\n  value = \"app.label\"\n  scopes = [okta.scope.neo4j_groups]\n}"}, want: none},

		{name: "DPoP", edit: []string{`client_id = "etl-client"`, "client_id = \"etl-client\"\n  dpop_bound_access_tokens = true"}, want: []string{reconcile.CheckDPoP}, broken: true},
		{name: "DPoP for an app that nobody here takes", edit: []string{`okta "scope" "neo4j_groups" {}`, "okta \"scope\" \"neo4j_groups\" {}\nokta \"app\" \"web\" {\n  grant_types = [\"authorization_code\"]\n  dpop_bound_access_tokens = true\n}"}, want: none},
		{name: "a claim of ID tokens", edit: []string{`value  = "app.profile.neo4j_groups"`, "value = \"app.profile.neo4j_groups\"\n  claim_type = \"IDENTITY\""}, want: []string{reconcile.CheckTokenType}, broken: true},
		{name: "ID tokens asked for", edit: []string{`"access_token"`, `"id_token"`}, want: []string{reconcile.CheckTokenType}},

		{name: "a mapping switches names off", edit: []string{`["writer"]`, `["writer", "reader"]`}, want: []string{reconcile.CheckSameName}, offline: []string{reconcile.CheckUnmappedGroup}},
		{name: "mapping by name", edit: []string{mapping, "", `["writer"]`, `["etl_writer"]`}, want: none},
		{name: "mapping by a name that is none", edit: []string{mapping, ""}, want: []string{reconcile.CheckUnmappedGroup}, offline: none},

		{name: "a local user is missing", conf: local, want: []string{reconcile.CheckNoLocalUser}, offline: none, broken: true},
		{name: "a local user is there", conf: local, edit: []string{mapping + "}", user("") + "}"}, want: none},
		{name: "the local user is suspended", conf: local, edit: []string{mapping + "}", user(`status = "suspended"`) + "}"}, want: []string{reconcile.CheckSuspended}, offline: none, broken: true},
		{name: "a suspended user that counts for nothing", edit: []string{mapping + "}", user(`status = "suspended"`) + "}"}, want: []string{reconcile.CheckSuspended}, offline: none},
		{name: "a user of another client", conf: local, edit: []string{mapping + "}", strings.Replace(user(""), "okta.app.etl.client_id", `"somebody"`, 1) + "}"}, want: []string{reconcile.CheckNoLocalUser}, offline: none, broken: true},

		{name: "in one list only", swap: []string{"authorization_providers=native,oidc-backend", "authorization_providers=native"}, want: []string{reconcile.CheckProviderLists}, offline: none, broken: true,
			edit: []string{"visible              = false", "visible = false\n  lifecycle { ignore_changes = [\"authorization\", \"conf\"] }"}},
		{name: "in one list until apply", swap: []string{"authorization_providers=native,oidc-backend", "authorization_providers=native"}, want: none},

		{name: "tokens shorter than the cache", edit: []string{`"1h"`, `"5m"`}, want: []string{reconcile.CheckLifetime}, offline: none},
		{name: "tokens as long as the cache", edit: []string{`"1h"`, `"10m"`}, want: none},
		{name: "a shorter cache", conf: "dbms.security.auth_cache_ttl=1m\n", edit: []string{`"1h"`, `"5m"`}, want: none},

		{name: "no access anywhere", edit: []string{`"ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH neo4j"`, `"MATCH {*} ON GRAPH sales"`}, want: []string{reconcile.CheckNoAccess}},
		{name: "access by PUBLIC", edit: []string{`"ACCESS ON DATABASE neo4j", `, ""}, want: none},
		{name: "PUBLIC has none", edit: []string{`"ACCESS ON DATABASE neo4j", `, ""}, db: []string{"REVOKE ACCESS ON HOME DATABASE FROM PUBLIC"}, want: []string{reconcile.CheckNoAccess}, offline: none},
		{name: "access by a role that comes with it", edit: []string{`"ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH neo4j"`, `"MATCH {*} ON GRAPH sales"`,
			"[neo4j.role.etl_writer] }", "[neo4j.role.etl_writer, \"door\"] }"}, db: []string{"CREATE ROLE door", "GRANT ACCESS ON DATABASE * TO door"}, want: none, offline: []string{reconcile.CheckNoAccess}},

		{name: "a denial beats a grant", edit: []string{"WRITE ON GRAPH neo4j\"]", "WRITE ON GRAPH neo4j\"]\n  deny = [\"WRITE ON GRAPH *\"]"}, want: []string{reconcile.CheckDeniedGrant}},
		{name: "a denial takes a part", edit: []string{"WRITE ON GRAPH neo4j\"]", "WRITE ON GRAPH neo4j\"]\n  deny = [\"CREATE ON GRAPH neo4j NODES Secret\"]"}, want: none},
		{name: "a denial of another role", edit: []string{"[neo4j.role.etl_writer] }", "[neo4j.role.etl_writer, \"frozen\"] }"}, db: []string{"CREATE ROLE frozen", "DENY WRITE ON GRAPH neo4j TO frozen"},
			want: []string{reconcile.CheckDeniedGrant}, offline: none},
		{name: "a denial of a role that nobody has with it", db: []string{"CREATE ROLE frozen", "DENY WRITE ON GRAPH neo4j TO frozen"}, want: none},
	}
}

func (c checkCase) spec(t *testing.T) string {
	text := checked
	for i := 0; i < len(c.edit); i += 2 {
		if !strings.Contains(text, c.edit[i]) {
			t.Fatalf("nothing to replace: %s", c.edit[i])
		}
		text = strings.Replace(text, c.edit[i], c.edit[i+1], 1)
	}
	return text
}

func checkNames(found []reconcile.Finding) []string {
	out := []string{}
	for _, f := range found {
		if !slices.Contains(out, f.Check) {
			out = append(out, f.Check)
		}
	}
	slices.Sort(out)
	return out
}

// Each check is tripped by some spec or live state, and not by one that is just right.
func TestChecks(t *testing.T) {
	var mu sync.Mutex
	tripped := make(map[string]bool)
	t.Run("cases", func(t *testing.T) {
		for _, c := range checkCases() {
			t.Run(c.name, func(t *testing.T) {
				if c.conf == "" && len(c.swap) == 0 { // a restart wants its ports back
					t.Parallel()
				}
				for _, check := range c.run(t) {
					mu.Lock()
					tripped[check] = true
					mu.Unlock()
				}
			})
		}
	})
	for _, check := range reconcile.Checks() {
		if !tripped[check] {
			t.Errorf("no case trips %s", check)
		}
	}
}

// run makes the live state, plans the spec, and gives the checks that it trips.
func (c checkCase) run(t *testing.T) []string {
	b := newBench(t)
	if c.conf != "" {
		if err := os.WriteFile(b.box.path("neo4j.conf"), []byte(c.conf), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.box.neo4j.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.db) > 0 {
		if err := runCypher(context.Background(), b.box.neo4j.URL, b.box.kept.Neo4jPassword, c.db...); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.org) > 0 { // behind what is applied: the plan looks at both
		b.converge(checked, choice{})
		id, _ := b.post(c.org[0], c.org[1])["id"].(string)
		b.post(strings.Replace(c.org[2], "ID", id, 1), c.org[3])
	}
	if len(c.swap) > 0 {
		b.converge(checked, choice{})
		b.rewriteConf(c.swap[0], c.swap[1])
	}
	text := c.spec(t)
	plan, _ := b.plan(b.session(text), choice{})
	if got := checkNames(plan.Findings); !slices.Equal(got, c.want) {
		t.Errorf("with the servers: %q, want %q", got, c.want)
	}
	for _, f := range plan.Findings {
		if f.Range.Empty() || f.Summary == "" || f.Detail == "" || f.Remedy == "" {
			t.Errorf("a finding lacks something: %+v", f)
		}
	}
	if broken := plan.Deny([]string{"broken-login"}) != nil; broken != c.broken {
		t.Errorf("--deny broken-login refuses: %t, want %t", broken, c.broken)
	}
	spec, diags := specs.Load(b.dir, languages(), specs.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	want := c.want
	if c.offline != nil {
		want = c.offline
	}
	if got := checkNames(b.prog.offline(spec)); !slices.Equal(got, want) {
		t.Errorf("by the spec alone: %q, want %q", got, want)
	}
	return checkNames(plan.Findings)
}

// rewriteConf changes neo4j.conf behind keymaker's back, and restarts the server.
func (b *bench) rewriteConf(old, new string) {
	b.t.Helper()
	data, err := os.ReadFile(b.box.path("neo4j.conf"))
	if err != nil || !strings.Contains(string(data), old) {
		b.t.Fatalf("no %s in neo4j.conf: %v\n%s", old, err, data)
	}
	if err := os.WriteFile(b.box.path("neo4j.conf"), []byte(strings.Replace(string(data), old, new, 1)), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := b.box.neo4j.Restart(); err != nil {
		b.t.Fatal(err)
	}
}

// post makes an object in the org.
func (b *bench) post(path, body string) map[string]any {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.box.okta.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "SSWS "+b.box.kept.OktaToken)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, _ := io.ReadAll(answer.Body)
	var one map[string]any
	if answer.StatusCode >= 300 || len(data) > 0 && json.Unmarshal(data, &one) != nil {
		b.t.Fatalf("POST %s: %s: %s", path, answer.Status, data)
	}
	return one
}
