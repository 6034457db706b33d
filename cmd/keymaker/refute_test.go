package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keymaker/neo4j/neo4jtest"
	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// otherServer makes an authorization server whose policy is for everybody, and gives its issuer.
func otherServer(g ground) string {
	create := func(path string, object map[string]any) string {
		id, err := g.box.okta.Create(path, object)
		g.must(err)
		return id
	}
	id := create("/api/v1/authorizationServers", map[string]any{"name": "other", "description": "another", "audiences": []any{"api://other"}})
	at := "/api/v1/authorizationServers/" + id
	create(at+"/scopes", map[string]any{"name": "read"})
	policy := create(at+"/policies", map[string]any{"type": "OAUTH_AUTHORIZATION_POLICY", "name": "all", "description": "x", "priority": 1,
		"conditions": map[string]any{"clients": map[string]any{"include": []any{"ALL_CLIENTS"}}}})
	create(at+"/policies/"+policy+"/rules", map[string]any{"type": "RESOURCE_ACCESS", "name": "r", "conditions": map[string]any{
		"grantTypes": map[string]any{"include": []any{"client_credentials"}}, "scopes": map[string]any{"include": []any{"*"}}}})
	return g.box.okta.URL + "/oauth2/" + id
}

// Refusals are proven, and what is not refused is found.
func TestRefutations(t *testing.T) {
	withExtra := strings.Replace(strings.Replace(worldSpec, "okta \"claim\"", "okta \"scope\" \"extra\" {}\nokta \"claim\"", 1),
		"scopes                = [okta.scope.neo4j_groups]", "scopes                = [okta.scope.neo4j_groups, okta.scope.extra]", 1)
	switchedOff := strings.Replace(worldSpec, "profile  ", "status = \"INACTIVE\"\n  profile  ", 1)
	suspended := strings.Replace(worldSpec, "okta \"app\" \"etl\" {", "okta \"app\" \"etl\" {\n  client_id = \"etl-client\"", 1) +
		"neo4j \"user\" \"etl\" {\n  status = \"suspended\"\n  auth \"oidc-backend\" {\n    id = \"etl-client\"\n  }\n}\n"
	other := func(g ground) { otherServer(g) }
	local := func(g ground) {
		g.conf(func(s string) string { return "dbms.security.require_local_user=true\n" + s })
		g.must(g.box.neo4j.Restart())
	}
	tests := []struct {
		name, spec string
		breaks     func(g ground)
		unasked    bool // without --negative
		want       string
	}{
		{"all refused", worldSpec, other, false, "no-scope ok, bad-secret ok, audience ok"},
		{"with another scope", withExtra, other, false, "no-scope ok, bad-secret ok, audience ok"},
		{"no other server", worldSpec, nil, false, "no-scope ok, bad-secret ok, audience skip no other authorization server"},
		{"unasked", worldSpec, other, true, ""},
		{"the claim comes with every token", withExtra, func(g ground) {
			g.must(g.box.okta.EditClaim("default", "groups", func(c map[string]any) { c["conditions"] = map[string]any{"scopes": []any{}} }))
		}, false, `no-scope FAIL the token has groups all the same, bad-secret ok, audience skip`},
		{"any secret will do", worldSpec, func(g ground) {
			g.box.okta.Fault(oktatest.Fault{Method: http.MethodPost, Path: "/oauth2/default/v1/token", Nth: 3, Status: 200, Body: `{"token_type":"Bearer","expires_in":3600,"access_token":"a.b.c","scope":"x"}`})
		}, false, "no-scope ok, bad-secret FAIL gets a token, audience skip"},
		{"an inactive app", switchedOff, nil, false, "client ok as the spec means it, token skip the spec keeps the app INACTIVE, disabled ok gets no token"},
		{"an inactive app, unasked", switchedOff, nil, true, "client ok as the spec means it, token skip the spec keeps the app INACTIVE"},
		{"an inactive app that was switched on", switchedOff, func(g ground) {
			g.must(g.box.okta.EditApp("etl", func(a map[string]any) { a["status"] = "ACTIVE" }))
		}, false, "client FAIL the spec means that it is not, disabled skip needs client"},
		{"a suspended user", suspended, local, false, "login ok refused by 1 member, roles skip the spec suspends user etl, bad-secret ok"},
		{"a suspended user, unasked", suspended, local, true, "login skip not tried, roles skip the spec suspends user etl"},
		{"a suspended user who was let in", suspended, func(g ground) {
			local(g)
			g.admin(0, "ALTER USER etl SET STATUS ACTIVE")
		}, false, "login FAIL whom the spec suspends"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, 1)
			g.converge(c.spec, choice{})
			if c.breaks != nil {
				c.breaks(g)
			}
			proofs := g.verify(c.spec, reconcile.VerifyOptions{Negative: !c.unasked}).Proofs
			if len(proofs) != 1 {
				t.Fatalf("%d proofs", len(proofs))
			}
			got := hopsText(proofs[0])
			for _, part := range strings.Split(c.want, ", ") {
				if part == "" {
					continue
				}
				words := strings.SplitN(part, " ", 3)
				line := lineOf(got, words[0])
				if !strings.HasPrefix(line, words[1]) || len(words) > 2 && !strings.Contains(line, words[2]) {
					t.Errorf("%s is %q, want %q\n%s", words[0], line, part, got)
				}
			}
			if c.unasked && strings.Contains(got, "bad-secret") {
				t.Errorf("it was tried unasked:\n%s", got)
			}
			if wantBroken := strings.Contains(c.want, "FAIL"); wantBroken != strings.Contains(got, "FAIL") {
				t.Errorf("broken:\n%s", got)
			}
		})
	}
}

// A token for another audience is refused, unless Neo4j's settings take it: by a provider that nobody declared, or by one of the spec that takes more than the spec says.
func TestRefuteAnotherAudience(t *testing.T) {
	second := func(issuer, audience string) string {
		return worldSpec + "neo4j \"oidc_provider\" \"second\" {\n  authorization_server = \"" + issuer + "\"\n  audience = [\"" + audience + "\"]\n  username_claim = \"sub\"\n  group_to_role = {}\n}\n"
	}
	for _, c := range []struct {
		name   string
		spec   func(issuer string) string
		breaks func(g ground, issuer string)
		want   string // of the hop audience
		cause  string
		see    string
	}{
		{"nobody takes it", func(string) string { return worldSpec }, nil, "ok", "", ""},
		{"a provider that nobody declared takes it", func(string) string { return worldSpec }, func(g ground, issuer string) {
			g.conf(func(s string) string {
				s = strings.ReplaceAll(s, "native,oidc-backend", "native,oidc-backend,oidc-legacy")
				for _, setting := range []string{"issuer=" + issuer, "jwks_uri=" + issuer + "/v1/keys", "auth_endpoint=" + issuer + "/v1/authorize", "token_endpoint=" + issuer + "/v1/token", "audience=api://other"} {
					s += "dbms.security.oidc.legacy." + setting + "\n"
				}
				return s
			})
			g.must(g.box.neo4j.Restart())
		}, "FAIL", "provider legacy, which no block of the spec declares, takes that issuer's tokens for api://other", "cypher-shell -a bolt://"},
		{"a provider of the spec takes another audience", func(issuer string) string { return second(issuer, "api://meant") }, func(g ground, _ string) {
			g.admin(0, "CALL dbms.setConfigValue('dbms.security.oidc.second.audience', 'api://meant,api://other')")
		}, "FAIL", "provider second takes that issuer's tokens for api://meant,api://other there, and not as the spec has it", "keymaker plan --target neo4j.oidc_provider.second"},
		{"a provider of the spec is for another audience", func(issuer string) string { return second(issuer, "api://meant") }, nil, "ok", "", ""},
		{"a provider of the spec is to take it", func(issuer string) string { return second(issuer, "api://other") }, nil, "skip", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, 1)
			issuer := otherServer(g)
			spec := c.spec(issuer)
			g.converge(spec, choice{})
			if c.breaks != nil {
				c.breaks(g, issuer)
			}
			p := g.verify(spec, reconcile.VerifyOptions{Negative: true}).Proofs[0]
			i := slices.IndexFunc(p.Hops, func(h reconcile.Hop) bool { return h.Name == "audience" })
			if i < 0 || string(p.Hops[i].Status) != c.want {
				t.Fatalf("want %s at audience\n%s", c.want, hopsText(p))
			}
			h, is := p.Broken()
			if is != (c.want == "FAIL") || is && (h.Name != "audience" || h.Expected == "" || !strings.Contains(h.Came, "api://other") || len(h.Likely) == 0 || h.Likely[0] != c.cause || !strings.HasPrefix(h.See, c.see) || h.Range.Empty()) {
				t.Errorf("broken at %+v\n%s", h, hopsText(p))
			}
		})
	}
}

// A user whom the spec suspends does not get in by its own password, on any member.
func TestRefuteSuspendedUser(t *testing.T) {
	spec := func(more string) string {
		return "neo4j \"role\" \"w\" {\n  grant = [\"ACCESS ON DATABASE neo4j\"]\n}\nneo4j \"user\" \"bob\" {\n  status = \"suspended\"\n  roles  = [neo4j.role.w]\n  auth \"native\" {\n    password = secret_file(\"bob.txt\")\n" + more + "  }\n}\n"
	}
	kept := spec("    change_required = false\n")
	activated := func(g ground) { g.admin(0, "ALTER USER bob SET STATUS ACTIVE") }
	unseen := func(g ground) {
		activated(g)
		g.box.neo4j.Fault(neo4jtest.Fault{Match: "SHOW USERS", Failure: &neo4jtest.Failure{Code: "Neo.ClientError.Security.Forbidden", Message: "Permission denied."}})
	}
	for _, c := range []struct {
		name, spec string
		breaks     func(g ground)
		unasked    bool
		want       string
	}{
		{"refused", kept, nil, false, "provider ok native, 2 members; login ok refused by 2 members; roles skip the spec suspends user bob"},
		{"unasked", kept, nil, true, "login skip --negative tries; rights skip the spec suspends user bob"},
		{"activated", kept, activated, false, "login FAIL user bob may log in; roles skip needs login"},
		{"activated, unasked", kept, activated, true, "login FAIL user bob may log in"},
		{"let in", kept, unseen, false, "login FAIL takes the password of a user whom the spec suspends"},
		{"let in to change the password", spec(""), unseen, false, "login FAIL takes the password of a user whom the spec suspends"},
		{"not to be seen, unasked", kept, unseen, true, "login skip Keymaker may not see users"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, 2)
			g.must(os.WriteFile(filepath.Join(g.dir, "bob.txt"), []byte("bobs-canary-password\n"), 0o600))
			g.converge(c.spec, choice{})
			if c.breaks != nil {
				c.breaks(g)
			}
			proofs := g.verify(c.spec, reconcile.VerifyOptions{Negative: !c.unasked}).Proofs
			if len(proofs) != 1 || proofs[0].Account.Addr.String() != "neo4j.user.bob" {
				t.Fatalf("proofs are %+v", proofs)
			}
			got := hopsText(proofs[0])
			for _, part := range strings.Split(c.want, "; ") {
				words := strings.SplitN(part, " ", 3)
				if line := lineOf(got, words[0]); !strings.HasPrefix(line, words[1]) || len(words) > 2 && !strings.Contains(line, words[2]) {
					t.Errorf("%s is %q, want %q\n%s", words[0], line, part, got)
				}
			}
			if h, is := proofs[0].Broken(); is != strings.Contains(c.want, "FAIL") || is && (h.Expected == "" || h.Came == "" || len(h.Likely) == 0 || !strings.HasPrefix(h.See, "keymaker plan") || h.Range.Start.Line != 5) {
				t.Errorf("broken at %+v\n%s", h, got)
			}
		})
	}
}

func lineOf(text, name string) string {
	for _, l := range strings.Split(text, "\n") {
		if f := strings.Fields(l); len(f) > 1 && f[1] == name {
			return l
		}
	}
	return ""
}

// Several accounts are proven at once, told in order, and what they share is asked for once. Nothing stays in the graph.
func TestVerifyManyAccounts(t *testing.T) {
	t.Parallel()
	const accounts = 12
	g := newGround(t, 2)
	var apps strings.Builder
	var clients []string
	for i := range accounts {
		name := fmt.Sprintf("a%02d", i)
		fmt.Fprintf(&apps, "okta \"app\" %q {\n  profile = { neo4j_groups = [\"gw\"] }\n  secret {\n    file = %q\n  }\n}\n", name, name+".env")
		clients = append(clients, "okta.app."+name)
	}
	rest := worldSpec[strings.Index(worldSpec, "okta \"scope\""):]
	text := apps.String() + strings.Replace(rest, "[okta.app.etl]", "["+strings.Join(clients, ", ")+"]", 1)
	g.converge(text, choice{})
	before, err := g.box.neo4j.Snapshot()
	g.must(err)
	s := g.session(text)
	seen, err := s.lookWhereItCan(t.Context())
	g.must(err)
	g.box.okta.ResetCalls()
	g.box.neo4j.ResetCalls()
	var told []string
	v := reconcile.Verify(t.Context(), s.provers(), reconcile.Desired(seen.drift), reconcile.VerifyOptions{Parallel: 4}, func(e reconcile.Event) {
		if h, ok := e.(reconcile.Hopped); ok && (len(told) == 0 || told[len(told)-1] != h.Account.Addr.Name) {
			told = append(told, h.Account.Addr.Name)
		}
	})
	for i, p := range v.Proofs {
		if h, is := p.Broken(); is || p.Account.Addr.Name != fmt.Sprintf("a%02d", i) || p.Account.Addr.Name != told[i] {
			t.Errorf("%d %s: %+v", i, p.Account.Addr, h)
		}
	}
	if len(told) != accounts {
		t.Errorf("accounts are told as %v", told)
	}
	cost := make(map[string]int)
	for _, c := range v.Cost {
		cost[c.What] = c.N
	}
	// Shared: the server, its policies and one list of rules, its discovery and its keys (Neo4j reads those two too); then each app, and its token.
	managed, tokens := 0, 0
	for _, c := range g.box.okta.Calls() {
		if strings.HasPrefix(c.Path, "/api/v1/") {
			managed++
		}
		if strings.HasSuffix(c.Path, "/token") {
			tokens++
		}
	}
	if cost["Okta request"] != 5+accounts || managed != 3+accounts || cost["token"] != accounts || tokens != accounts {
		t.Errorf("Okta: %d calls of the management API, %d tokens, counted %v", managed, tokens, cost)
	}
	// Each account logs in to both members; the first of them is asked for its privileges too.
	if cost["Neo4j login"] != 2*accounts || cost["Neo4j query"] != len(g.box.neo4j.Calls()) {
		t.Errorf("Neo4j: %d statements, counted %v", len(g.box.neo4j.Calls()), cost)
	}
	after, err := g.box.neo4j.Snapshot()
	g.must(err)
	if string(before) != string(after) {
		t.Error("something stayed in Neo4j")
	}
}
