package okta

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// The conformance suite is what Keymaker relies on of an Okta org. It runs against the emulator always, and against a real org when OKTA_CLIENT_ORGURL and
// the credentials for it are set: there it makes an app and an authorization server under names of its own, and takes them away.
func TestConformance(t *testing.T) {
	t.Run("emulator", func(t *testing.T) { conforms(t, newLab(t, &oktatest.Server{}).sys) })
	t.Run("org", func(t *testing.T) {
		if os.Getenv("OKTA_CLIENT_ORGURL") == "" || os.Getenv("OKTA_CLIENT_TOKEN")+os.Getenv("OKTA_CLIENT_PRIVATEKEY") == "" {
			t.Skip("set OKTA_CLIENT_ORGURL and OKTA_CLIENT_TOKEN to run this against a real org: it makes an app and an authorization server of its own, and deletes them")
		}
		sys, err := Open(context.Background(), reconcile.Block{}, Options{Env: os.LookupEnv, UserAgent: "keymaker-conformance", Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		conforms(t, sys)
	})
}

// bench is one run of the suite.
type bench struct {
	*testing.T
	sys  *System
	name string // of everything it makes
}

func conforms(t *testing.T, sys *System) {
	b := &bench{t, sys, "keymaker-conformance-" + strings.ToLower(rand.Text()[:8])}
	b.Run("app", func(t *testing.T) { b.on(t).app() })
	b.Run("authorization server", func(t *testing.T) { b.on(t).server() })
	b.Run("refusals", func(t *testing.T) { b.on(t).refusals() })
	b.Run("secret", func(t *testing.T) { b.on(t).secret() })
	b.Run("rules", func(t *testing.T) { b.on(t).rules() })
	b.Run("spec", func(t *testing.T) { b.on(t).spec() })
}

func (b *bench) on(t *testing.T) *bench { return &bench{t, b.sys, b.name} }

// call makes one call and demands a status; 0 leaves it open.
func (b *bench) call(status int, method, path string, body any) raw {
	b.Helper()
	k := call{method: method, path: path, repeat: true}
	if i := strings.IndexByte(path, '?'); i >= 0 {
		k.path, k.query = path[:i], path[i+1:]
	}
	if body != nil {
		k.body, _ = json.Marshal(body)
	}
	a, err := b.sys.client.do(context.Background(), k)
	if status != 0 && a.status != status {
		b.Fatalf("%s %s answered %d, want %d: %v", method, path, a.status, status, err)
	}
	one, _ := decodeRaw(a.body)
	return one
}

// expect compares what stands at a path of an object.
func (b *bench) expect(one raw, want reconcile.Value, path ...string) {
	b.Helper()
	if got := one.at(path...); !reconcile.Equal(got, want) {
		b.Errorf("%s is %v, want %v", strings.Join(path, "."), got, want)
	}
}

func (b *bench) appBody(label string) map[string]any {
	return map[string]any{"name": "oidc_client", "label": label, "signOnMode": "OPENID_CONNECT", "profile": map[string]any{"neo4j_groups": []any{"a", "b"}, "other": "kept"},
		"credentials": map[string]any{"oauthClient": map[string]any{"client_id": label, "client_secret": makeSecret(), "token_endpoint_auth_method": methodBasic}},
		"settings": map[string]any{"oauthClient": map[string]any{"application_type": "service", "grant_types": []any{grantMachine}, "response_types": []any{"token"},
			"dpop_bound_access_tokens": false}}}
}

// app: what is chosen at create is taken, reads show no secret, a PUT replaces, and an app goes only when it is off.
func (b *bench) app() {
	body := b.appBody(b.name + "-a")
	secret := body["credentials"].(map[string]any)["oauthClient"].(map[string]any)["client_secret"].(string)
	made := b.call(200, http.MethodPost, "/api/v1/apps?activate=true", body)
	path := "/api/v1/apps/" + made.text("id")
	b.Cleanup(func() {
		b.call(0, http.MethodPost, path+"/lifecycle/deactivate", nil)
		b.call(0, http.MethodDelete, path, nil)
	})
	b.expect(made, txt(b.name+"-a"), "credentials", "oauthClient", "client_id")
	b.expect(made, txt(active), "status")
	one := b.call(200, http.MethodGet, path, nil)
	if text, _ := encodePlain(one); strings.Contains(string(text), secret) {
		b.Error("a read shows the client secret")
	}
	b.expect(one, reconcile.List(texts("a", "b")), "profile", "neo4j_groups")
	b.expect(one, reconcile.Flag(false), "settings", "oauthClient", "dpop_bound_access_tokens")
	all, _, err := b.sys.client.list(context.Background(), "/api/v1/apps", "limit=200")
	i := -1
	for n, r := range all {
		if r.text("id") == made.text("id") {
			i = n
		}
	}
	if err != nil || i < 0 {
		b.Fatalf("the list of %d apps lacks it: %v", len(all), err)
	}
	b.expect(all[i], one.at("profile"), "profile")

	delete(one, "_links")
	one.put([]any{"c"}, "profile", "neo4j_groups")
	b.call(200, http.MethodPut, path, one)
	one = b.call(200, http.MethodGet, path, nil)
	b.expect(one, reconcile.Map{"neo4j_groups": reconcile.List(texts("c")), "other": txt("kept")}, "profile")
	b.call(200, http.MethodPost, path+"/lifecycle/activate", nil) // it is active
	b.call(403, http.MethodDelete, path, nil)
	b.call(200, http.MethodPost, path+"/lifecycle/deactivate", nil)
	b.call(200, http.MethodPost, path+"/lifecycle/deactivate", nil)
	b.call(204, http.MethodDelete, path, nil)
	b.call(404, http.MethodGet, path, nil)
}

// server: rotationMode is set by a PUT only, lifecycle calls may be repeated, rules have dense priorities and move when they are given another's.
func (b *bench) server() {
	const servers = "/api/v1/authorizationServers"
	made := b.call(201, http.MethodPost, servers, map[string]any{"name": b.name + "-s", "description": "d", "audiences": []any{"api://" + b.name}})
	path := servers + "/" + made.text("id")
	b.Cleanup(func() { b.call(0, http.MethodDelete, path, nil) })
	b.expect(made, txt("AUTO"), "credentials", "signing", "rotationMode")
	made.put("MANUAL", "credentials", "signing", "rotationMode")
	b.call(200, http.MethodPut, path, made)
	b.expect(b.call(200, http.MethodGet, path, nil), txt("MANUAL"), "credentials", "signing", "rotationMode")
	b.call(204, http.MethodPost, path+"/lifecycle/activate", nil)

	scope := b.call(201, http.MethodPost, path+"/scopes", map[string]any{"name": "conformance", "consent": consentImplied, "metadataPublish": "NO_CLIENTS"})
	b.expect(scope, reconcile.Flag(false), "system")
	claim := b.call(201, http.MethodPost, path+"/claims", map[string]any{"name": "groups", "claimType": claimResource, "valueType": valueExpr, "value": "app.profile.neo4j_groups",
		"status": inactive, "conditions": map[string]any{"scopes": []any{"conformance"}}})
	b.expect(claim, txt(inactive), "status")
	b.expect(claim, reconcile.Flag(true), "alwaysIncludeInToken")
	claim["status"] = active
	b.expect(b.call(200, http.MethodPut, path+"/claims/"+claim.text("id"), claim), txt(active), "status")

	policy := b.call(201, http.MethodPost, path+"/policies", map[string]any{"type": "OAUTH_AUTHORIZATION_POLICY", "name": "p", "description": "d", "priority": 1, "status": active,
		"conditions": map[string]any{"clients": map[string]any{"include": []any{}}}})
	rules := path + "/policies/" + policy.text("id") + "/rules"
	for i, name := range []string{"one", "two", "three"} {
		rule := b.call(201, http.MethodPost, rules, map[string]any{"type": "RESOURCE_ACCESS", "name": name, "priority": i + 1, "status": active,
			"conditions": map[string]any{"grantTypes": map[string]any{"include": []any{grantMachine}}, "scopes": map[string]any{"include": []any{"conformance"}}},
			"actions":    map[string]any{"token": map[string]any{"accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 0, "refreshTokenWindowMinutes": 10080}}})
		b.expect(rule, reconcile.Int(int64(i+1)), "priority")
	}
	if _, err := b.sys.reorder(context.Background(), Reorder{List: textPath(rules), Order: []string{"three", "one", "two"}}, nil); err != nil {
		b.Error(err)
	}
	all, _, err := b.sys.client.list(context.Background(), rules, "")
	if got := strings.Join(orderedNames(all), " "); err != nil || got != "three one two" {
		b.Errorf("the order is %s, %v", got, err)
	}
	first := rules + "/" + named(all, "three").text("id")
	for _, verb := range []string{"deactivate", "deactivate", "activate"} {
		b.call(204, http.MethodPost, first+"/lifecycle/"+verb, nil)
	}
	b.call(204, http.MethodDelete, first, nil)
	b.call(404, http.MethodDelete, first, nil)
	b.call(204, http.MethodDelete, path+"/policies/"+policy.text("id"), nil)
}

// refusals: what is not there, not valid or not allowed is told by the codes that Keymaker tells cases apart by, with a request id.
func (b *bench) refusals() {
	const servers = "/api/v1/authorizationServers"
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		{http.MethodGet, "/api/v1/apps/0oaNOPE", nil, 404, "E0000007"},
		{http.MethodGet, servers + "/ausNOPE", nil, 404, "E0000007"},
		{http.MethodGet, servers + "/ausNOPE/scopes", nil, 404, "E0000007"},
		{http.MethodGet, servers + "/default/claims/oclNOPE", nil, 404, "E0000007"},
		{http.MethodDelete, servers + "/default/policies/00pNOPE", nil, 404, "E0000007"},
		{http.MethodPost, "/api/v1/apps", map[string]any{"name": "oidc_client", "signOnMode": "OPENID_CONNECT"}, 400, "E0000001"},
		{http.MethodPost, servers, map[string]any{"name": b.name, "audiences": []any{}}, 400, "E0000001"},
	} {
		k := call{method: c.method, path: c.path, repeat: true}
		if c.body != nil {
			k.body, _ = json.Marshal(c.body)
		}
		_, err := b.sys.client.do(context.Background(), k)
		var refusal *reconcile.Refusal
		if !errors.As(err, &refusal) || !isStatus(err, c.status) || !isCode(err, c.code) || refusal.ID == "" {
			b.Errorf("%s %s: got %v, want %d %s", c.method, c.path, err, c.status, c.code)
		}
	}
}

// secret: a secret that a PUT sets is live at once, others are refused before scopes and policies are looked at, and an app that is off gets nothing.
func (b *bench) secret() {
	body := b.appBody(b.name + "-t")
	made := b.call(200, http.MethodPost, "/api/v1/apps?activate=true", body)
	path := "/api/v1/apps/" + made.text("id")
	b.Cleanup(func() {
		b.call(0, http.MethodPost, path+"/lifecycle/deactivate", nil)
		b.call(0, http.MethodDelete, path, nil)
	})
	live := func(secret string, want bool) {
		b.Helper()
		l := login{method: methodBasic, clientID: b.name + "-t", secret: reconcile.NewSecret("test", func() (string, error) { return secret, nil })}
		if got, err := b.sys.authenticates(context.Background(), defaultServer, l); err != nil || got != want {
			b.Errorf("authenticates: %v, %v; want %v", got, err, want)
		}
	}
	first := body["credentials"].(map[string]any)["oauthClient"].(map[string]any)["client_secret"].(string)
	second := makeSecret()
	live(first, true)
	live(second, false)
	one := b.call(200, http.MethodGet, path, nil)
	delete(one, "_links")
	one.put(second, "credentials", "oauthClient", "client_secret")
	b.call(200, http.MethodPut, path, one)
	live(second, true)
	b.call(200, http.MethodPost, path+"/lifecycle/deactivate", nil)
	live(second, false)
}

// rules: a rule is made active whatever it is sent, for a grant of no use too; a PUT renames it and keeps its id; it needs no people; a policy goes with its rules, and a
// server with all that it holds.
func (b *bench) rules() {
	const servers = "/api/v1/authorizationServers"
	server := servers + "/" + b.call(201, http.MethodPost, servers, map[string]any{"name": b.name + "-r", "description": "d", "audiences": []any{"api://" + b.name}}).text("id")
	b.Cleanup(func() { b.call(0, http.MethodDelete, server, nil) })
	policy := server + "/policies/" + b.call(201, http.MethodPost, server+"/policies", map[string]any{"type": "OAUTH_AUTHORIZATION_POLICY", "name": "p", "description": "d", "priority": 1,
		"conditions": map[string]any{"clients": map[string]any{"include": []any{allClients}}}}).text("id")
	rule := b.call(201, http.MethodPost, policy+"/rules", map[string]any{"type": "RESOURCE_ACCESS", "name": "one", "priority": 1, "status": inactive,
		"conditions": map[string]any{"grantTypes": map[string]any{"include": []any{idleGrant}}, "scopes": map[string]any{"include": []any{"*"}}},
		"actions":    map[string]any{"token": map[string]any{"accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 0, "refreshTokenWindowMinutes": 10080}}})
	b.expect(rule, txt(active), "status")
	path := policy + "/rules/" + rule.text("id")
	rule = b.call(200, http.MethodGet, path, nil)
	delete(rule, "_links")
	rule["name"] = "two"
	rule.put([]any{"implicit", grantMachine}, "conditions", "grantTypes", "include")
	rule.put([]any{everyone}, "conditions", "people", "groups", "include") // a grant of users needs it
	now := b.call(200, http.MethodPut, path, rule)
	b.expect(now, txt(rule.text("id")), "id")
	b.expect(now, txt("two"), "name")
	if grants := reconcile.Texts(now.at("conditions", "grantTypes", "include")); len(grants) != 2 {
		b.Errorf("the grants are %v", grants)
	}
	one := b.call(200, http.MethodGet, policy, nil)
	delete(one, "_links")
	one.put([]any{}, "conditions", "clients", "include")
	b.expect(b.call(200, http.MethodPut, policy, one), reconcile.List{}, "conditions", "clients", "include")
	b.call(204, http.MethodDelete, policy, nil)
	b.call(404, http.MethodGet, path, nil)
	b.call(204, http.MethodDelete, server, nil)
	b.call(404, http.MethodGet, server+"/scopes", nil)
}

func textPath(path string) []reconcile.Value {
	return textValues(strings.Split(strings.Trim(path, "/"), "/"))
}

// spec: a spec is applied, planned empty, proven by a token, and taken away.
func (b *bench) spec() {
	server := at(kindServer, b.name)
	ref := reconcile.Ref{Addr: server, Attr: "id"}
	dir := b.TempDir()
	app := func(name string, inner reconcile.Block) reconcile.Block {
		return block("app", b.name+name, args{attrProfile: reconcile.Map{"neo4j_groups": reconcile.List(texts("reader", "writer"))}}, inner)
	}
	clients := reconcile.SetOf(reconcile.Ref{Addr: at("app", b.name+"-secret"), Attr: attrClientID}, reconcile.Ref{Addr: at("app", b.name+"-key"), Attr: attrClientID})
	want := declare(b.T,
		app("-secret", block(attrSecret, "", args{"file": txt(filepath.Join(dir, "a.env"))})),
		app("-key", block(attrKey, "", args{"file": txt(filepath.Join(dir, "a.pem"))})),
		block(kindServer, b.name, args{"audiences": set("api://" + b.name)}),
		needs(block("scope", "neo4j_groups", args{attrServer: ref}), server),
		needs(block("claim", "groups", args{attrServer: ref, "value": txt("app.profile.neo4j_groups"), attrScopes: set("neo4j_groups")}), server, at("scope", "neo4j_groups")),
		needs(block("policy", "services", args{attrServer: ref, attrClients: clients}, block("rule", "cc", args{attrScopes: set("neo4j_groups")})),
			server, at("app", b.name+"-secret"), at("app", b.name+"-key"), at("scope", "neo4j_groups")))
	l := &lab{t: b.T, sys: b.sys, dir: dir}
	b.Cleanup(func() {
		plan, index := l.plan(want, reconcile.Policy{Destroy: true})
		l.done(l.run(plan, index))
	})
	l.apply(want)
	l.settled(want)
	live, _ := l.drift(want)
	for _, account := range b.sys.Accounts(live.Objects) {
		var e reconcile.Evidence
		p := reconcile.Proof{Account: account}
		b.sys.Prove(context.Background(), account, live.Objects, &e, func(h reconcile.Hop) { p.Hops = append(p.Hops, h) })
		if p.Passed() != len(b.sys.Hops()) || !same(e.Claims["groups"], set("reader", "writer")) {
			b.Errorf("%s:\n%s", account.Name, proofText(p))
		}
	}
}
