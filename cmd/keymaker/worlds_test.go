package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/okta/oktatest"
	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

// worldSpec is a spec in which every place that a world changes stands by a name of its own.
const worldSpec = `okta "app" "etl" {
  profile                    = { neo4j_groups = ["gw"] }
  token_endpoint_auth_method = "client_secret_basic"
  secret {
    file = "etl.env"
  }
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
neo4j "role" "w" {
  grant = ["ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH neo4j"]
}
neo4j "oidc_provider" "backend" {
  authorization_server = okta.authorization_server.default
  username_claim       = "sub"
  groups_claim         = okta.claim.groups
  token_type           = "access_token"
  group_to_role        = { gw = [neo4j.role.w] }
}
`

// ground is a bench on which worlds are broken: no policy of the org itself answers instead of the spec's.
type ground struct{ *bench }

func newGround(t *testing.T, members int) ground {
	t.Helper()
	g := ground{newBench(t)}
	g.must(g.box.okta.EditPolicy("default", "Default Policy", func(p map[string]any) { p["status"] = "INACTIVE" }))
	if members > 1 {
		g.restartNeo4j(func(s *neo4jtest.Server) { s.Members = members })
		var list reconcile.List
		for _, u := range g.box.neo4j.URLs {
			list = append(list, reconcile.Text(u))
		}
		g.neo = map[string]reconcile.Argument{"members": {Value: list}}
	}
	return g
}

func (g ground) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// restartNeo4j starts the same server anew, in another way, at another address: the old one may be somebody else's by then.
func (g ground) restartNeo4j(change func(*neo4jtest.Server)) {
	g.t.Helper()
	g.must(g.box.neo4j.Close())
	g.box.neo4j = neo4jtest.Server{Password: g.box.kept.Neo4jPassword, StateFile: g.box.path("neo4j.json"), ConfFile: g.box.path("neo4j.conf")}
	change(&g.box.neo4j)
	g.must(g.box.neo4j.Start())
}

// restartOkta does so for Okta, whose issuer keeps its name.
func (g ground) restartOkta(change func(*oktatest.Server)) {
	g.t.Helper()
	g.must(g.box.okta.Close())
	g.box.okta = oktatest.Server{PublicURL: g.box.okta.URL, Token: g.box.kept.OktaToken, StateFile: g.box.path("okta.json")}
	change(&g.box.okta)
	g.must(g.box.okta.Start())
}

// admin runs statements on one member, behind keymaker's back.
func (g ground) admin(member int, statements ...string) {
	g.t.Helper()
	g.must(runCypher(context.Background(), g.box.neo4j.URLs[member], g.box.kept.Neo4jPassword, statements...))
}

// set changes a provider's setting in one member's memory.
func (g ground) set(member int, suffix, value string) {
	g.t.Helper()
	g.admin(member, fmt.Sprintf("CALL dbms.setConfigValue('dbms.security.oidc.backend.%s', '%s')", suffix, value))
}

// conf rewrites neo4j.conf; members see it when they are restarted.
func (g ground) conf(change func(string) string) {
	g.t.Helper()
	file := g.box.path("neo4j.conf")
	data, err := os.ReadFile(file)
	g.must(err)
	g.must(os.WriteFile(file, []byte(change(string(data))), 0o600))
}

// verify proves the accounts of a spec, as the command does.
func (g ground) verify(text string, o reconcile.VerifyOptions) reconcile.Verification {
	g.t.Helper()
	s := g.session(text)
	seen, err := s.lookWhereItCan(context.Background())
	g.must(err)
	return reconcile.Verify(context.Background(), s.provers(), reconcile.Desired(seen.drift), o, nil)
}

// broken is a world in which one thing is broken, the hop that shows it first, and a part of the cause that is told.
type broken struct {
	name, hop, cause string
	members          int                   // 1 when 0
	spec             func(g ground) string // worldSpec when nil
	breaks           func(g ground)        // after the spec was applied
}

// with is the world's spec with one part replaced.
func with(old, new string) func(ground) string {
	return func(g ground) string {
		if !strings.Contains(worldSpec, old) {
			g.t.Fatalf("the spec has no %q", old)
		}
		return strings.Replace(worldSpec, old, strings.ReplaceAll(new, "ORG", g.box.okta.URL), 1)
	}
}

func brokenWorlds() []broken {
	return append(append(orgWorlds(), tokenWorlds()...), neo4jWorlds()...)
}

func orgWorlds() []broken {
	app := func(edit func(app, client map[string]any)) func(ground) {
		return func(g ground) {
			g.must(g.box.okta.EditApp("etl", func(a map[string]any) {
				edit(a, a["settings"].(map[string]any)["oauthClient"].(map[string]any))
			}))
		}
	}
	policy := func(edit func(map[string]any)) func(ground) {
		return func(g ground) { g.must(g.box.okta.EditPolicy("default", "services", edit)) }
	}
	rule := func(edit func(rule, conditions map[string]any)) func(ground) {
		return func(g ground) {
			g.must(g.box.okta.EditRule("default", "services", "machines", func(r map[string]any) { edit(r, r["conditions"].(map[string]any)) }))
		}
	}
	return []broken{
		{name: "the org is gone", hop: "org", cause: "no way to it", breaks: func(g ground) { g.must(g.box.okta.Close()) }},
		{name: "the API token is revoked", hop: "org", cause: "wrong, expired or revoked", breaks: func(g ground) { g.box.kept.OktaToken = "another" }},
		{name: "the org is something else", hop: "org", cause: "address of something else", breaks: func(g ground) {
			other := httptest.NewServer(http.NotFoundHandler())
			g.t.Cleanup(other.Close)
			g.box.okta.URL = other.URL
		}},
		{name: "the authorization server is inactive", hop: "discovery", cause: "switched off", breaks: func(g ground) {
			g.must(g.box.okta.EditServer("default", func(s map[string]any) { s["status"] = "INACTIVE" }))
		}},
		{name: "no discovery document", hop: "discovery", cause: "is not there, or is inactive", breaks: func(g ground) {
			g.box.okta.Fault(oktatest.Fault{Path: "/oauth2/default/.well-known/openid-configuration", Status: 404, Repeat: -1})
		}},
		{name: "a slash behind the issuer", hop: "issuer", cause: "slash at the end", spec: with(`token_type `, "issuer = \"ORG/oauth2/default/\"\n  token_type ")},
		{name: "the provider names another server", hop: "issuer", cause: "another authorization server", spec: func(g ground) string {
			id, err := g.box.okta.Create("/api/v1/authorizationServers", map[string]any{"name": "other", "description": "another", "audiences": []any{"api://default"}})
			g.must(err)
			return with(`authorization_server = okta.authorization_server.default`, "authorization_server = \"ORG/oauth2/"+id+"\"\n  audience = [\"api://default\"]")(g)
		}},
		{name: "the app is inactive", hop: "client", cause: "deactivated in Okta", breaks: app(func(a, _ map[string]any) { a["status"] = "INACTIVE" })},
		{name: "the app is deleted", hop: "client", cause: "deleted or renamed", breaks: func(g ground) { g.must(g.box.okta.DeleteApp("etl")) }},
		{name: "DPoP is on", hop: "client", cause: "DPoP", breaks: app(func(_, c map[string]any) { c["dpop_bound_access_tokens"] = true })},
		{name: "another authentication method", hop: "client", cause: "by client_secret_basic is refused", breaks: app(func(a, _ map[string]any) {
			a["credentials"].(map[string]any)["oauthClient"].(map[string]any)["token_endpoint_auth_method"] = "client_secret_post"
		})},
		{name: "the policy is inactive", hop: "policy", cause: "policy services is inactive", breaks: policy(func(p map[string]any) { p["status"] = "INACTIVE" })},
		{name: "the policy is deleted", hop: "policy", cause: "services is not in Okta", breaks: func(g ground) { g.must(g.box.okta.DeletePolicy("default", "services")) }},
		{name: "the app is taken out of the policy", hop: "policy", cause: "missing in clients of policy services", breaks: policy(func(p map[string]any) {
			p["conditions"] = map[string]any{"clients": map[string]any{"include": []any{}}}
		})},
		{name: "a policy of others comes first", hop: "policy", cause: "policy everybody comes first", breaks: func(g ground) {
			id, err := g.box.okta.Create("/api/v1/authorizationServers/default/policies", map[string]any{"type": "OAUTH_AUTHORIZATION_POLICY", "name": "everybody", "description": "x",
				"priority": 1, "conditions": map[string]any{"clients": map[string]any{"include": []any{"ALL_CLIENTS"}}}})
			g.must(err)
			_, err = g.box.okta.Create("/api/v1/authorizationServers/default/policies/"+id+"/rules", map[string]any{"type": "RESOURCE_ACCESS", "name": "r", "conditions": map[string]any{
				"grantTypes": map[string]any{"include": []any{"client_credentials"}}, "scopes": map[string]any{"include": []any{"openid"}}}})
			g.must(err)
		}},
		{name: "the rule is inactive", hop: "policy", cause: "rule machines is inactive", breaks: rule(func(r, _ map[string]any) { r["status"] = "INACTIVE" })},
		{name: "the rule is deleted", hop: "policy", cause: "has no rule", breaks: func(g ground) { g.must(g.box.okta.DeleteRule("default", "services", "machines")) }},
		{name: "the rule lost the scope", hop: "policy", cause: "does not give scope neo4j_groups", breaks: rule(func(_, c map[string]any) { c["scopes"] = map[string]any{"include": []any{"openid"}} })},
		{name: "the rule is for another grant", hop: "policy", cause: "no client_credentials", breaks: rule(func(_, c map[string]any) {
			c["grantTypes"] = map[string]any{"include": []any{"authorization_code"}}
		})},
	}
}

func tokenWorlds() []broken {
	answer := func(body string) func(ground) {
		return func(g ground) {
			g.box.okta.Fault(oktatest.Fault{Path: "/oauth2/default/v1/token", Status: 200, Body: body, Repeat: -1})
		}
	}
	claim := func(edit func(map[string]any)) func(ground) {
		return func(g ground) { g.must(g.box.okta.EditClaim("default", "groups", edit)) }
	}
	keys := func(f oktatest.Fault) func(ground) {
		return func(g ground) {
			f.Path, f.Repeat = "/oauth2/default/v1/keys", -1
			g.box.okta.Fault(f)
		}
	}
	claims := func(value string) func(ground) string {
		return func(ground) string {
			return worldSpec + "okta \"claim\" \"stage\" {\n  value  = " + value + "\n  scopes = [okta.scope.neo4j_groups]\n}\n"
		}
	}
	stage := func(edit func(map[string]any)) func(ground) {
		return func(g ground) { g.must(g.box.okta.EditClaim("default", "stage", edit)) }
	}
	open := strings.Replace(strings.Replace(worldSpec, "scopes                = [okta.scope.neo4j_groups]", `scopes                = ["*"]`, 1), "\n  scopes = [okta.scope.neo4j_groups]", "", 1)
	return []broken{
		{name: "the secret is another", hop: "token", cause: "it was rotated", breaks: func(g ground) {
			g.must(os.WriteFile(filepath.Join(g.dir, "etl.env"), []byte("OKTA_CLIENT_SECRET=wrong-wrong-wrong-wrong\n"), 0o600))
		}},
		{name: "the secret is elsewhere", hop: "token", cause: "lives elsewhere", breaks: func(g ground) { g.must(os.Remove(filepath.Join(g.dir, "etl.env"))) }},
		{name: "the scope is deleted", hop: "token", cause: "deleted or renamed", spec: func(ground) string { return open }, breaks: func(g ground) {
			g.must(g.box.okta.DeleteScope("default", "neo4j_groups"))
		}},
		{name: "the scope takes consent", hop: "token", cause: "no machine can give", breaks: func(g ground) {
			g.must(g.box.okta.EditScope("default", "neo4j_groups", func(s map[string]any) { s["consent"] = "REQUIRED" }))
		}},
		{name: "a claim that cannot be evaluated", hop: "token", cause: "no expression that Okta can evaluate", breaks: claim(func(c map[string]any) { c["value"] = "user.login" })},
		{name: "a token of another type", hop: "token", cause: "bound to a key", breaks: answer(`{"token_type":"DPoP","expires_in":3600,"access_token":"a.b.c","scope":"neo4j_groups"}`)},
		{name: "fewer scopes than asked for", hop: "scopes", cause: "left out scope neo4j_groups", breaks: answer(`{"token_type":"Bearer","expires_in":3600,"access_token":"a.b.c","scope":"other"}`)},
		{name: "an opaque token", hop: "claims", cause: "", breaks: answer(`{"token_type":"Bearer","expires_in":3600,"access_token":"opaque","scope":"neo4j_groups"}`)},
		{name: "the claim is deleted", hop: "claims", cause: "claim groups is not in Okta", breaks: func(g ground) { g.must(g.box.okta.DeleteClaim("default", "groups")) }},
		{name: "the claim is inactive", hop: "claims", cause: "inactive in Okta", breaks: claim(func(c map[string]any) { c["status"] = "INACTIVE" })},
		{name: "the claim is tied elsewhere", hop: "claims", cause: "tied to scope profile", breaks: claim(func(c map[string]any) { c["conditions"] = map[string]any{"scopes": []any{"profile"}} })},
		{name: "the claim says something else", hop: "claims", cause: `in Okta is "app.label"`, breaks: claim(func(c map[string]any) { c["value"] = "app.label" })},
		{name: "the claim filters a user's groups", hop: "claims", cause: "filters a user's groups by REGEX", breaks: claim(func(c map[string]any) {
			c["valueType"], c["value"], c["group_filter_type"] = "GROUPS", "neo4j_.*", "REGEX"
		})},
		{name: "the profile has another group", hop: "claims", cause: `profile in Okta has neo4j_groups = ["gx"]`, breaks: func(g ground) {
			g.must(g.box.okta.EditApp("etl", func(a map[string]any) { a["profile"] = map[string]any{"neo4j_groups": []any{"gx"}} }))
		}},
		{name: "a claim that is one text says another", hop: "claims", cause: `claim stage in Okta is "\"dev\""`, spec: claims(`"\"prod\""`), breaks: stage(func(c map[string]any) { c["value"] = `"dev"` })},
		{name: "a claim that is one text is tied elsewhere", hop: "claims", cause: "tied to scope profile", spec: claims(`"'prod'"`), breaks: stage(func(c map[string]any) {
			c["conditions"] = map[string]any{"scopes": []any{"profile"}}
		})},
		{name: "a claim of the client's id says the label", hop: "claims", cause: `claim stage in Okta is "app.label"`, spec: claims(`"app.clientId"`), breaks: stage(func(c map[string]any) { c["value"] = "app.label" })},
		{name: "another claim of the profile", hop: "claims", cause: `profile in Okta has tier = "silver"`, spec: func(g ground) string {
			return strings.Replace(claims(`"app.profile.tier"`)(g), `["gw"] }`, `["gw"], tier = "gold" }`, 1)
		}, breaks: func(g ground) {
			g.must(g.box.okta.EditApp("etl", func(a map[string]any) { a["profile"].(map[string]any)["tier"] = "silver" }))
		}},
		{name: "the audience is not the spec's", hop: "claims", cause: "audiences of the authorization server were changed", spec: with(`token_type `, "audience = [\"api://default\"]\n  token_type "), breaks: func(g ground) {
			g.must(g.box.okta.EditServer("default", func(s map[string]any) { s["audiences"] = []any{"api://other"} }))
		}},
		{name: "tokens live shorter", hop: "claims", cause: "access_token_lifetime of the rule was changed", breaks: func(g ground) {
			g.must(g.box.okta.EditRule("default", "services", "machines", func(r map[string]any) {
				r["actions"].(map[string]any)["token"].(map[string]any)["accessTokenLifetimeMinutes"] = 30
			}))
		}},
		{name: "Okta's clock is behind", hop: "claims", cause: "clock", breaks: func(g ground) {
			g.restartOkta(func(s *oktatest.Server) { s.Clock = func() time.Time { return time.Now().Add(-2 * time.Hour) } })
		}},
		{name: "the key set lacks the key", hop: "signature", cause: "rotated a moment ago", breaks: keys(oktatest.Fault{Status: 200, Body: `{"keys":[]}`})},
		{name: "no key set", hop: "signature", cause: "cannot fetch it either", breaks: keys(oktatest.Fault{Status: 404})},
	}
}

func neo4jWorlds() []broken {
	withUser := func(id string) func(ground) string {
		return func(ground) string {
			return strings.Replace(worldSpec, "okta \"app\" \"etl\" {", "okta \"app\" \"etl\" {\n  client_id = \"etl-client\"", 1) +
				"neo4j \"user\" \"etl\" {\n  auth \"oidc-backend\" {\n    id = \"" + id + "\"\n  }\n}\n"
		}
	}
	local := func(g ground) {
		g.conf(func(s string) string { return "dbms.security.require_local_user=true\n" + s })
		g.must(g.box.neo4j.Restart())
	}
	lists := func(list string) func(ground) {
		return func(g ground) {
			g.conf(func(s string) string { return strings.Replace(s, list+"=native,oidc-backend", list+"=native", 1) })
			g.must(g.box.neo4j.Restart())
		}
	}
	return []broken{
		{name: "Neo4j is gone", hop: "server", cause: "that the server runs", breaks: func(g ground) { g.must(g.box.neo4j.Close()) }},
		{name: "the password is wrong", hop: "server", cause: "The password came from", breaks: func(g ground) { g.box.kept.Neo4jPassword = "wrong-wrong" }},
		{name: "a member is down", hop: "server", cause: "that the server runs and can be reached", members: 3, breaks: func(g ground) {
			g.conf(func(string) string { return "no.such.setting=1\n" })
			_ = g.box.neo4j.RestartMember(1) // it stays down, which is the point
		}},
		{name: "the certificate is of an unknown CA", hop: "server", cause: "--ca-file", breaks: func(g ground) {
			server, _, err := g.box.certificates()
			g.must(err)
			g.restartNeo4j(func(s *neo4jtest.Server) { s.TLS = server })
		}},
		{name: "no provider", hop: "provider", cause: "not applied yet", breaks: func(g ground) {
			g.conf(func(string) string { return "" })
			g.must(g.box.neo4j.Restart())
		}},
		{name: "no provider on one member", hop: "provider", cause: "was not restarted", members: 3, breaks: func(g ground) {
			g.conf(func(string) string { return "" })
			g.must(g.box.neo4j.RestartMember(2))
		}},
		{name: "the provider is not asked who somebody is", hop: "provider", cause: "not the one that Keymaker writes", breaks: lists("dbms.security.authentication_providers")},
		{name: "the provider is not asked for roles", hop: "provider", cause: "not the one that Keymaker writes", breaks: lists("dbms.security.authorization_providers")},
		{name: "Neo4j is on another issuer", hop: "provider", cause: "of another authorization server", breaks: func(g ground) { g.set(0, "issuer", "https://other.okta.com/oauth2/default") }},
		{name: "one member is on another issuer", hop: "provider", cause: "changed on this member alone", members: 2, breaks: func(g ground) {
			g.set(1, "issuer", "https://other.okta.com/oauth2/default")
		}},
		{name: "the audience changed in Okta", hop: "login", cause: `aud is ["api://other"], and the provider takes ["api://default"]`, breaks: func(g ground) {
			g.must(g.box.okta.EditServer("default", func(s map[string]any) { s["audiences"] = []any{"api://other"} }))
		}},
		{name: "one member takes another audience", hop: "login", cause: `aud is ["api://default"], and the provider takes ["api://x"]`, members: 2, breaks: func(g ground) { g.set(1, "audience", "api://x") }},
		{name: "Neo4j has old keys", hop: "login", cause: "takes its keys from", breaks: func(g ground) {
			old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) }))
			g.t.Cleanup(old.Close)
			g.set(0, "jwks_uri", old.URL)
		}},
		{name: "the token has no user name for Neo4j", hop: "login", cause: "the token has no text claim email", breaks: func(g ground) { g.set(0, "claims.username", "email") }},
		{name: "Neo4j's clock is ahead", hop: "login", cause: "the server's clock is off", breaks: func(g ground) {
			g.restartNeo4j(func(s *neo4jtest.Server) { s.Clock = func() time.Time { return time.Now().Add(2 * time.Hour) } })
		}},
		{name: "a local user is required and there is none", hop: "login", cause: "no user has id", breaks: local},
		{name: "the local user has another id", hop: "login", cause: `no user has id "etl-client" at oidc-backend`, spec: withUser("someone-else"), breaks: local},
		{name: "the local user is suspended", hop: "login", cause: `user "etl", who has this token's id, is suspended`, spec: withUser("etl-client"), breaks: func(g ground) {
			local(g)
			g.admin(0, "ALTER USER etl SET STATUS SUSPENDED")
		}},
		{name: "the session is named by another claim", hop: "user", cause: `from claim "jti", and the spec says "sub"`, breaks: func(g ground) { g.set(0, "claims.username", "jti") }},
		{name: "one member names the session by another claim", hop: "user", cause: "claims.username differs", members: 2, breaks: func(g ground) { g.set(1, "claims.username", "jti") }},
		{name: "groups are read from another claim", hop: "roles", cause: `from claim "scp", and the spec says "groups"`, breaks: func(g ground) { g.set(0, "claims.groups", "scp") }},
		{name: "the mapping lost the group", hop: "roles", cause: "does not know group gw", breaks: func(g ground) { g.set(0, "authorization.group_to_role_mapping", `"gx"=w`) }},
		{name: "one member maps otherwise", hop: "roles", cause: "authentication cache", members: 2, breaks: func(g ground) { g.set(1, "authorization.group_to_role_mapping", `"gw"=w,reader`) }},
		{name: "the role is dropped", hop: "roles", cause: "role w does not exist", breaks: func(g ground) { g.admin(0, "DROP ROLE w") }},
		{name: "a native user of that name has roles", hop: "roles", cause: "native is in authorization_providers", spec: with("profile  ", "client_id = \"etl-client\"\n  profile  "), breaks: func(g ground) {
			g.admin(0, "CREATE USER `etl-client` SET PASSWORD 'some-password' CHANGE NOT REQUIRED", "GRANT ROLE reader TO `etl-client`")
		}},
		{name: "the role lost its writing", hop: "rights", cause: "role w lacks GRANT WRITE ON GRAPH `neo4j`", breaks: func(g ground) { g.admin(0, "REVOKE GRANT WRITE ON GRAPH neo4j FROM w") }},
		{name: "the role lost its access", hop: "rights", cause: "role w lacks GRANT ACCESS ON DATABASE `neo4j`", breaks: func(g ground) {
			g.admin(0, "REVOKE GRANT ACCESS ON DATABASE neo4j FROM w", "REVOKE GRANT ACCESS ON HOME DATABASE FROM PUBLIC")
		}},
		{name: "a denial was added", hop: "rights", cause: "role w has DENY WRITE ON GRAPH `neo4j` in Neo4j, and not in the spec", breaks: func(g ground) { g.admin(0, "DENY WRITE ON GRAPH neo4j TO w") }},
		{name: "the database is dropped", hop: "rights", cause: "there is no database sales", spec: func(g ground) string {
			g.admin(0, "CREATE DATABASE sales")
			return with(`"MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH neo4j"`, `"ACCESS ON DATABASE sales", "MATCH {*} ON GRAPH sales"`)(g)
		}, breaks: func(g ground) { g.admin(0, "DROP DATABASE sales") }},
		{name: "a reader can write", hop: "rights", cause: "role w has GRANT WRITE ON GRAPH `neo4j` in Neo4j, and not in the spec", spec: with(`, "WRITE ON GRAPH neo4j"`, ""), breaks: func(g ground) {
			g.admin(0, "GRANT WRITE ON GRAPH neo4j TO w")
		}},
	}
}

// In each world one thing is broken, and the hop that shows it, and no other, is named first: those before it are ok, those after it are skipped, and the cause is told.
func TestBrokenWorlds(t *testing.T) {
	for _, w := range brokenWorlds() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, w.members)
			text := worldSpec
			if w.spec != nil {
				text = w.spec(g)
			}
			g.converge(text, choice{})
			if w.breaks != nil {
				g.mustVerify(text)
				w.breaks(g)
			}
			v := g.verify(text, reconcile.VerifyOptions{})
			if len(v.Proofs) != 1 {
				t.Fatalf("%d proofs", len(v.Proofs))
			}
			w.check(t, v.Proofs[0])
			g.shows(t, text, v.Proofs[0])
		})
	}
}

// shows holds a broken hop to its command: the plan that it names is not empty, or cannot be made for the very reason.
func (g ground) shows(t *testing.T, text string, p reconcile.Proof) {
	t.Helper()
	h, _ := p.Broken()
	rest, ok := strings.CutPrefix(h.See, "keymaker plan")
	if !ok {
		return
	}
	var ch choice
	if target, ok := strings.CutPrefix(rest, " --target "); ok {
		ch.selection.Targets = []string{target}
	}
	plan, _, err := g.prog.plan(context.Background(), g.session(text), ch)
	if err == nil && len(plan.Steps) == 0 {
		t.Errorf("%s shows nothing", h.See)
	}
}

// mustVerify demands that nothing is broken yet.
func (g ground) mustVerify(text string) {
	g.t.Helper()
	for _, p := range g.verify(text, reconcile.VerifyOptions{}).Proofs {
		if h, is := p.Broken(); is {
			g.t.Fatalf("broken before: %+v", h)
		}
	}
}

func (w broken) check(t *testing.T, p reconcile.Proof) {
	t.Helper()
	h, is := p.Broken()
	if !is || h.Name != w.hop {
		t.Fatalf("want FAIL at %s, got %+v of\n%s", w.hop, h, hopsText(p))
	}
	if h.Text == "" || h.Expected == "" || h.Came == "" || len(h.Likely) == 0 || h.See == "" || h.Range.Filename == "" {
		t.Errorf("something is not told: %+v", h)
	}
	if !strings.Contains(strings.Join(h.Likely, "\n"), w.cause) {
		t.Errorf("likely is\n  %s\nwant %q", strings.Join(h.Likely, "\n  "), w.cause)
	}
	var lines strings.Builder
	events := render.NewEvents(&lines)
	for _, one := range p.Hops {
		events.Observe(reconcile.Hopped{Account: p.Account, Hop: one})
	}
	events.Observe(reconcile.Proven{Proof: p})
	events.Verdict(reconcile.Verification{Proofs: []reconcile.Proof{p}})
	validEvents(t, lines.String())
	after := false
	for _, one := range p.Hops {
		want := reconcile.HopOK
		if one.Name == w.hop {
			after = true
			continue
		}
		if after {
			want = reconcile.HopSkip
		}
		if one.Status != want {
			t.Errorf("%s is %s, want %s\n%s", one.Name, one.Status, want, hopsText(p))
		}
	}
}

func hopsText(p reconcile.Proof) string {
	var b strings.Builder
	for _, h := range p.Hops {
		fmt.Fprintf(&b, "%-4s %-9s %s\n", h.Status, h.Name, h.Text)
	}
	return b.String()
}

// There are enough worlds, and each hop has one.
func TestBrokenWorldsCoverTheHops(t *testing.T) {
	hops := make(map[string]int)
	for _, w := range brokenWorlds() {
		hops[w.hop]++
	}
	for _, name := range []string{"org", "discovery", "issuer", "client", "policy", "token", "scopes", "claims", "signature", "server", "provider", "login", "user", "roles", "rights"} {
		if hops[name] == 0 {
			t.Errorf("no world breaks %s", name)
		}
	}
	if n := len(brokenWorlds()); n < 30 {
		t.Errorf("%d worlds", n)
	}
}
