package oktatest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"keymaker/okta/oktatest"
)

// graph is an org with an app, a scope, a groups claim, and a policy with a rule for that app on a server without other policies.
type graph struct {
	client
	app, clientID, secret, claim, policy, rule, scope string
}

const tokenPath = "/oauth2/default/v1/token"

func startGraph(t *testing.T, org *oktatest.Server, app string) *graph {
	t.Helper()
	org.NoDefaultPolicy = true
	g := &graph{client: start(t, org)}
	a := g.must(200, "POST", "/api/v1/apps", app)
	g.app, g.clientID, g.secret = a.text("id"), a.text("credentials.oauthClient.client_id"), a.text("credentials.oauthClient.client_secret")
	g.scope = g.must(201, "POST", deflt+"/scopes", `{"name":"neo4j_groups"}`).text("id")
	g.must(201, "POST", deflt+"/scopes", `{"name":"other"}`)
	g.must(201, "POST", deflt+"/scopes", `{"name":"asks","consent":"REQUIRED"}`)
	g.claim = g.must(201, "POST", deflt+"/claims", groupsClaim("app.profile.neo4j_groups")).text("id")
	g.policy = g.must(201, "POST", deflt+"/policies", `{"type":"OAUTH_AUTHORIZATION_POLICY","name":"p","description":"d","conditions":{"clients":{"include":["`+g.clientID+`"]}}}`).text("id")
	g.rule = g.must(201, "POST", deflt+"/policies/"+g.policy+"/rules", `{"type":"RESOURCE_ACCESS","name":"r","conditions":{"grantTypes":{"include":["client_credentials"]},"scopes":{"include":["neo4j_groups","asks"]}},"actions":{"token":{"accessTokenLifetimeMinutes":30}}}`).text("id")
	return g
}

func groupsClaim(value string) string {
	return `{"name":"groups","claimType":"RESOURCE","valueType":"EXPRESSION","value":` + fmt.Sprintf("%q", value) + `,"conditions":{"scopes":["neo4j_groups"]}}`
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func (g *graph) ask(scope string) answer {
	g.t.Helper()
	return g.form(tokenPath, basic(g.clientID, g.secret), "grant_type", "client_credentials", "scope", scope)
}

// verified checks a token against the published keys and returns header and claims.
func (c client) verified(text, keys string) (jose.Header, map[string]any) {
	c.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(c.request("GET", keys, "", "", "").raw), &set); err != nil {
		c.t.Fatal(err)
	}
	tok, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		c.t.Fatal(err)
	}
	claims := map[string]any{}
	if err := tok.Claims(set, &claims); err != nil {
		c.t.Fatalf("verify: %v", err)
	}
	return tok.Headers[0], claims
}

func TestToken(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	g := startGraph(t, &oktatest.Server{Clock: func() time.Time { return now }}, serviceApp)
	a := g.ask("neo4j_groups")
	if a.status != 200 || a.text("token_type") != "Bearer" || a.at("expires_in") != 1800.0 || a.text("scope") != "neo4j_groups" || len(a.json.(map[string]any)) != 4 {
		t.Fatalf("token: got %d %s", a.status, a.raw)
	}
	head, claims := g.verified(a.text("access_token"), "/oauth2/default/v1/keys")
	if head.Algorithm != "RS256" || head.ExtraHeaders[jose.HeaderType] != nil {
		t.Errorf("header: %+v", head)
	}
	if jti, _ := claims["jti"].(string); !strings.HasPrefix(jti, "AT.") {
		t.Errorf("jti: %v", claims["jti"])
	}
	delete(claims, "jti")
	want := fmt.Sprintf(`{"aud":"api://default","cid":"%s","exp":1800001800,"groups":["reader","writer"],"iat":1800000000,"iss":"%s/oauth2/default","scp":["neo4j_groups"],"sub":"%s","ver":1}`, g.clientID, g.org.URL, g.clientID)
	if got := asJSON(t, claims); got != want {
		t.Errorf("claims: got %s\nwant %s", got, want)
	}
	d := g.request("GET", "/oauth2/default/.well-known/oauth-authorization-server", "", "", "")
	if d.text("issuer") != claims["iss"] || d.text("jwks_uri") != g.org.URL+"/oauth2/default/v1/keys" || d.text("token_endpoint") != g.org.URL+tokenPath {
		t.Errorf("discovery: %s", d.raw)
	}
	if strings.Contains(d.raw, "neo4j_groups") || !strings.Contains(d.raw, `"openid"`) {
		t.Error("scopes_supported lists what is published to ALL_CLIENTS, and no more")
	}
}

func TestPublicURL(t *testing.T) {
	g := startGraph(t, &oktatest.Server{PublicURL: "https://okta.example/"}, serviceApp)
	_, claims := g.verified(g.ask("neo4j_groups").text("access_token"), "/oauth2/default/v1/keys")
	if claims["iss"] != "https://okta.example/oauth2/default" {
		t.Errorf("iss: got %v", claims["iss"])
	}
}

func TestTokenErrors(t *testing.T) {
	g := startGraph(t, &oktatest.Server{}, serviceApp)
	good := basic(g.clientID, g.secret)
	const cc = "client_credentials"
	for _, row := range []struct {
		name, path, auth string
		form             []string
		status           int
		code, text       string
	}{
		{"no credentials", tokenPath, "", []string{"grant_type", cc}, 401, "invalid_client", "No client credentials found."},
		{"unknown client", tokenPath, basic("nobody", "x"), []string{"grant_type", cc}, 401, "invalid_client", "Invalid value for 'client_id' parameter."},
		{"wrong secret", tokenPath, basic(g.clientID, "x"), []string{"grant_type", cc}, 401, "invalid_client", "The client secret supplied for a confidential client is invalid."},
		{"wrong method", tokenPath, "", []string{"grant_type", cc, "client_id", g.clientID, "client_secret", g.secret}, 401, "invalid_client", "Client authentication failed. Either the client or the client credentials are invalid."},
		{"malformed Basic", tokenPath, "Basic ???", []string{"grant_type", cc}, 401, "invalid_client", "Found Authentication header but was not valid client credentials."},
		{"two methods", tokenPath, good, []string{"grant_type", cc, "client_id", g.clientID, "client_secret", g.secret}, 401, "invalid_request", "Cannot supply multiple client credentials. "},
		{"in the query", tokenPath + "?client_secret=x", good, []string{"grant_type", cc}, 400, "invalid_request", "Client credentials cannot be supplied via query parameters."},
		{"no grant type", tokenPath, good, []string{"scope", "neo4j_groups"}, 400, "invalid_request", "The token request must specify a 'grant_type'. Valid values: ["},
		{"unknown server", "/oauth2/ausNOPE/v1/token", good, []string{"grant_type", cc}, 400, "invalid_request", "The authorization server id is invalid."},
		{"unknown grant type", tokenPath, good, []string{"grant_type", "magic"}, 400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server. Configured grant types: ["},
		{"grant type of other apps", tokenPath, good, []string{"grant_type", "password"}, 400, "unauthorized_client", "The client is not authorized to use the provided grant type. Configured grant types: [client_credentials]."},
		{"unknown scope", tokenPath, good, []string{"grant_type", cc, "scope", "nope"}, 400, "invalid_scope", "One or more scopes are not configured for the authorization server resource."},
		{"openid", tokenPath, good, []string{"grant_type", cc, "scope", "openid"}, 400, "invalid_scope", "Cannot request 'openid' scopes using client credentials."},
		{"no scope", tokenPath, good, []string{"grant_type", cc}, 400, "invalid_scope", "The authorization server resource does not have any configured default scopes, 'scope' must be provided."},
		{"empty scope", tokenPath, good, []string{"grant_type", cc, "scope", ""}, 400, "invalid_scope", "No scopes were requested."},
		{"all scopes rejected", tokenPath, good, []string{"grant_type", cc, "scope", "other"}, 400, "access_denied", "Policy evaluation succeeded, but all the requested scopes were rejected."},
		{"one scope rejected", tokenPath, good, []string{"grant_type", cc, "scope", "neo4j_groups other"}, 400, "access_denied", "Some of the requested scopes were denied by the policy. Denied scopes: [other]."},
		{"consent", tokenPath, good, []string{"grant_type", cc, "scope", "asks"}, 400, "consent_required", "The following scopes require user consent and cannot be granted for the client credentials grant type: [asks]."},
	} {
		a := g.form(row.path, row.auth, row.form...)
		if a.status != row.status || a.text("error") != row.code || !strings.HasPrefix(a.text("error_description"), row.text) || a.at("errorCode") != nil {
			t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
		}
	}
}

// TestInactive switches off what a token needs, one at a time.
func TestInactive(t *testing.T) {
	g := startGraph(t, &oktatest.Server{}, serviceApp)
	rule := deflt + "/policies/" + g.policy + "/rules/" + g.rule
	for _, row := range []struct {
		name, off, on string
		on200         bool
		status        int
		code          string
	}{
		{"app", "/api/v1/apps/" + g.app, "", true, 401, "invalid_client"},
		{"policy", deflt + "/policies/" + g.policy, "", false, 401, "access_denied"},
		{"rule", rule, "", false, 401, "access_denied"},
		{"server", deflt, "", false, 400, "invalid_request"},
	} {
		want := 204
		if row.on200 {
			want = 200
		}
		g.must(want, "POST", row.off+"/lifecycle/deactivate", "")
		if a := g.ask("neo4j_groups"); a.status != row.status || a.text("error") != row.code {
			t.Errorf("inactive %s: got %d %s", row.name, a.status, a.raw)
		}
		g.must(want, "POST", row.off+"/lifecycle/activate", "")
		if a := g.ask("neo4j_groups"); a.status != 200 {
			t.Errorf("active %s again: got %d %s", row.name, a.status, a.raw)
		}
	}
	secrets := "/api/v1/apps/" + g.app + "/credentials/secrets"
	old := g.must(200, "GET", secrets, "").text("0.id")
	fresh := g.must(201, "POST", secrets, "").text("client_secret")
	if a := g.ask("neo4j_groups"); a.status != 200 {
		t.Errorf("old secret while both are active: %s", a.raw)
	}
	g.must(200, "POST", secrets+"/"+old+"/lifecycle/deactivate", "")
	if a := g.ask("neo4j_groups"); a.text("error") != "invalid_client" {
		t.Errorf("inactive secret: %s", a.raw)
	}
	g.secret = fresh
	if a := g.ask("neo4j_groups"); a.status != 200 {
		t.Errorf("new secret: %s", a.raw)
	}
}

func TestClaimsInToken(t *testing.T) {
	g := startGraph(t, &oktatest.Server{}, serviceApp)
	for _, row := range []struct{ name, value, want string }{
		{"array stays an array", "app.profile.neo4j_groups", `["reader","writer"]`},
		{"client id", "app.clientId", `"` + g.clientID + `"`},
		{"app id", "app.id", `"` + g.app + `"`},
		{"text", "'a' + \"b\"", `"ab"`},
		{"default sub", "(appuser != null) ? appuser.userName : app.clientId", `"` + g.clientID + `"`},
		{"contains", "Arrays.contains(app.profile.neo4j_groups, 'reader') ? 'yes' : 'no'", `"yes"`},
		{"missing attribute is left out", "app.profile.nothing", `null`},
		{"bare word", "cool", ""},
		{"unknown function", "Magic.wand()", ""},
		{"user without a user", "user.email", ""},
		{"broken", "a +", ""},
	} {
		g.must(200, "PUT", deflt+"/claims/"+g.claim, groupsClaim(row.value))
		a := g.ask("neo4j_groups")
		if row.want == "" {
			if a.status != 400 || a.text("error") != "server_error" || a.text("error_description") != "The 'groups' user claim could not be evaluated." {
				t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
			}
			continue
		}
		if a.status != 200 {
			t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
			continue
		}
		_, claims := g.verified(a.text("access_token"), "/oauth2/default/v1/keys")
		if got := asJSON(t, claims["groups"]); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	off := strings.Replace(groupsClaim("cool"), `"conditions"`, `"status":"INACTIVE","conditions"`, 1)
	g.must(200, "PUT", deflt+"/claims/"+g.claim, off)
	if a := g.ask("neo4j_groups"); a.status != 200 {
		t.Errorf("an inactive claim is not evaluated: %s", a.raw)
	}
}

func TestPolicyOrder(t *testing.T) {
	g := startGraph(t, &oktatest.Server{}, serviceApp)
	narrow := g.must(201, "POST", deflt+"/policies", `{"type":"OAUTH_AUTHORIZATION_POLICY","name":"first","description":"d","priority":1,"conditions":{"clients":{"include":["ALL_CLIENTS"]}}}`)
	if a := g.ask("neo4j_groups"); a.status != 401 || a.text("error_description") != "Policy evaluation failed for this request, please check the policy configurations." {
		t.Errorf("the first policy of the client decides: got %d %s", a.status, a.raw)
	}
	rules := deflt + "/policies/" + narrow.text("id") + "/rules"
	for _, row := range []struct {
		name, people string
		status       int
	}{
		{"named group", `{"groups":{"include":["00gGROUP000000000000"]}}`, 401},
		{"named user", `{"users":{"include":["00uUSER0000000000000"]}}`, 401},
		{"everyone", `{"groups":{"include":["EVERYONE"]}}`, 200},
	} {
		r := g.must(201, "POST", rules, `{"type":"RESOURCE_ACCESS","name":"r","conditions":{"people":`+row.people+`,"grantTypes":{"include":["client_credentials"]},"scopes":{"include":["*"]}}}`)
		if a := g.ask("neo4j_groups"); a.status != row.status {
			t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
		}
		g.must(204, "DELETE", rules+"/"+r.text("id"), "")
	}
	g.must(204, "DELETE", deflt+"/policies/"+narrow.text("id"), "")
	g.must(200, "PUT", deflt+"/scopes/"+g.scope, `{"name":"neo4j_groups","default":true}`)
	if a := g.form(tokenPath, basic(g.clientID, g.secret), "grant_type", "client_credentials"); a.text("scope") != "neo4j_groups" {
		t.Errorf("default scope: %s", a.raw)
	}
}

func signer(t *testing.T, alg jose.SignatureAlgorithm, key any, opts *jose.SignerOptions) jose.Signer {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func assertion(t *testing.T, s jose.Signer, client, audience string, life time.Duration, id string) string {
	t.Helper()
	text, err := jwt.Signed(s).Claims(jwt.Claims{Issuer: client, Subject: client, Audience: jwt.Audience{audience}, ID: id,
		Expiry: jwt.NewNumericDate(time.Now().Add(life))}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const bearerJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func TestPrivateKeyJWT(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwks := map[string]any{"keys": []any{jose.JSONWebKey{Key: &key.PublicKey, KeyID: "k1"}, jose.JSONWebKey{Key: &ec.PublicKey, KeyID: "k2"}}}
	app := edited(t, edited(t, serviceApp, "credentials.oauthClient.token_endpoint_auth_method", "private_key_jwt"), "settings.oauthClient.jwks", jwks)
	g := startGraph(t, &oktatest.Server{}, app)
	a := g.must(200, "GET", "/api/v1/apps/"+g.app, "")
	if !strings.HasPrefix(a.text("settings.oauthClient.jwks.keys.0.id"), "pks") || a.text("_links.clientCredentials.0.name") != "jwks" || g.secret != "" {
		t.Errorf("app with keys: %s", a.raw)
	}
	if m := a.at("settings.oauthClient.jwks.keys.1").(map[string]any); m["crv"] != nil || m["x"] == nil {
		t.Errorf("EC key: %v", m)
	}
	g.must(200, "PUT", "/api/v1/apps/"+g.app, a.raw) // the GET body goes back, crv null and all
	if b := g.must(200, "GET", "/api/v1/apps/"+g.app, ""); b.text("settings.oauthClient.jwks.keys.1.id") != a.text("settings.oauthClient.jwks.keys.1.id") {
		t.Error("a PUT of the same keys must keep their ids")
	}
	if e := g.must(400, "POST", "/api/v1/apps/"+g.app+"/credentials/secrets", ""); !strings.Contains(e.raw, "'client_secret' cannot be used when 'token_endpoint_auth_method' is 'private_key_jwt'.") {
		t.Errorf("secret of a key app: %s", e.raw)
	}
	url := g.org.URL + tokenPath
	s := signer(t, jose.RS256, jose.JSONWebKey{Key: key, KeyID: "k1"}, nil)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, jwt string
		status    int
	}{
		{"RSA", assertion(t, s, g.clientID, url, time.Minute, "once"), 200},
		{"jti again", assertion(t, s, g.clientID, url, time.Minute, "once"), 401},
		{"no jti", assertion(t, s, g.clientID, url, time.Minute, ""), 200},
		{"EC", assertion(t, signer(t, jose.ES256, jose.JSONWebKey{Key: ec, KeyID: "k2"}, nil), g.clientID, url, time.Minute, ""), 200},
		{"other key", assertion(t, signer(t, jose.RS256, jose.JSONWebKey{Key: other, KeyID: "k1"}, nil), g.clientID, url, time.Minute, ""), 401},
		{"wrong audience", assertion(t, s, g.clientID, "https://elsewhere.example", time.Minute, ""), 401},
		{"expired", assertion(t, s, g.clientID, url, -time.Minute, ""), 401},
		{"too long", assertion(t, s, g.clientID, url, 3*time.Hour, ""), 401},
	} {
		a := g.form(tokenPath, "", "grant_type", "client_credentials", "scope", "neo4j_groups", "client_assertion_type", bearerJWT, "client_assertion", row.jwt)
		if a.status != row.status {
			t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
		}
	}
	keys := "/api/v1/apps/" + g.app + "/credentials/jwks"
	id := g.must(200, "GET", keys, "").text("keys.0.id")
	g.must(400, "DELETE", keys+"/"+id, "")
	g.must(200, "POST", keys+"/"+id+"/lifecycle/deactivate", "")
	if a := g.form(tokenPath, "", "grant_type", "client_credentials", "scope", "neo4j_groups", "client_assertion_type", bearerJWT, "client_assertion", assertion(t, s, g.clientID, url, time.Minute, "")); a.status != 401 {
		t.Errorf("inactive key: got %d %s", a.status, a.raw)
	}
	g.must(204, "DELETE", keys+"/"+id, "")
	if e := g.must(400, "POST", keys, `{"kty":"RSA"}`); e.text("errorSummary") != "Api validation failed: JsonWebKey" {
		t.Errorf("key without n: %s", e.raw)
	}
}

func TestClientSecretJWT(t *testing.T) {
	g := startGraph(t, &oktatest.Server{}, edited(t, serviceApp, "credentials.oauthClient.token_endpoint_auth_method", "client_secret_jwt"))
	for secret, want := range map[string]int{g.secret: 200, strings.Repeat("x", 64): 401} {
		j := assertion(t, signer(t, jose.HS256, []byte(secret), nil), g.clientID, g.org.URL+tokenPath, time.Minute, "")
		if a := g.form(tokenPath, "", "grant_type", "client_credentials", "scope", "neo4j_groups", "client_assertion_type", bearerJWT, "client_assertion", j); a.status != want {
			t.Errorf("got %d, want %d: %s", a.status, want, a.raw)
		}
	}
}

func TestDPoP(t *testing.T) {
	g := startGraph(t, &oktatest.Server{}, edited(t, serviceApp, "settings.oauthClient.dpop_bound_access_tokens", true))
	if a := g.ask("neo4j_groups"); a.status != 400 || a.text("error") != "invalid_dpop_proof" || a.text("error_description") != "The DPoP proof JWT header is missing." {
		t.Fatalf("plain request: got %d %s", a.status, a.raw)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := signer(t, jose.ES256, key, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	try := func(nonce, id string) answer {
		t.Helper()
		text, err := jwt.Signed(s).Claims(map[string]any{"htm": "POST", "htu": g.org.URL + tokenPath, "iat": time.Now().Unix(), "jti": id, "nonce": nonce}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest("POST", g.org.URL+tokenPath, strings.NewReader("grant_type=client_credentials&scope=neo4j_groups"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", basic(g.clientID, g.secret))
		req.Header.Set("DPoP", text)
		return g.send(req)
	}
	first := try("", "1")
	if first.status != 400 || first.text("error") != "use_dpop_nonce" || first.header.Get("dpop-nonce") == "" {
		t.Fatalf("without nonce: got %d %s", first.status, first.raw)
	}
	second := try(first.header.Get("dpop-nonce"), "2")
	if second.status != 200 || second.text("token_type") != "DPoP" {
		t.Fatalf("with nonce: got %d %s", second.status, second.raw)
	}
	if _, claims := g.verified(second.text("access_token"), "/oauth2/default/v1/keys"); claims["cnf"] == nil {
		t.Error("the token is not bound to the key")
	}
	if again := try(first.header.Get("dpop-nonce"), "2"); again.text("error") != "invalid_dpop_proof" {
		t.Errorf("proof used twice: %s", again.raw)
	}
}

func TestIntrospectAndRevoke(t *testing.T) {
	now := time.Now()
	g := startGraph(t, &oktatest.Server{Clock: func() time.Time { return now }}, serviceApp)
	auth := basic(g.clientID, g.secret)
	check := func(name, token string, want bool) {
		t.Helper()
		if a := g.form("/oauth2/default/v1/introspect", auth, "token", token); a.status != 200 || a.at("active") != want {
			t.Errorf("%s: got %d %s", name, a.status, a.raw)
		}
	}
	one, two := g.ask("neo4j_groups").text("access_token"), g.ask("neo4j_groups").text("access_token")
	check("fresh", one, true)
	check("nonsense", "nonsense", false)
	if a := g.form("/oauth2/default/v1/revoke", auth, "token", one); a.status != 200 {
		t.Errorf("revoke: got %d %s", a.status, a.raw)
	}
	check("revoked", one, false)
	check("the other", two, true)
	now = now.Add(31 * time.Minute)
	check("expired", two, false)
	three := g.ask("neo4j_groups").text("access_token")
	now = now.Add(time.Minute)
	g.must(200, "POST", "/api/v1/apps/"+g.app+"/lifecycle/deactivate", "")
	now = now.Add(time.Minute)
	g.must(200, "POST", "/api/v1/apps/"+g.app+"/lifecycle/activate", "")
	check("a token from before its app was deactivated", three, false)
}

func TestManagementByOAuth(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	app := edited(t, edited(t, serviceApp, "credentials.oauthClient.token_endpoint_auth_method", "private_key_jwt"),
		"settings.oauthClient.jwks", map[string]any{"keys": []any{jose.JSONWebKey{Key: &key.PublicKey, KeyID: "k1"}}})
	g := startGraph(t, &oktatest.Server{}, app)
	s := signer(t, jose.RS256, jose.JSONWebKey{Key: key, KeyID: "k1"}, nil)
	get := func(scope string) answer {
		return g.form("/oauth2/v1/token", "", "grant_type", "client_credentials", "scope", scope, "client_assertion_type", bearerJWT,
			"client_assertion", assertion(t, s, g.clientID, g.org.URL+"/oauth2/v1/token", time.Minute, ""))
	}
	if a := get("neo4j_groups"); a.text("error") != "invalid_scope" {
		t.Errorf("custom scope at the org server: %s", a.raw)
	}
	a := get("okta.apps.read")
	head, claims := g.verified(a.text("access_token"), "/oauth2/v1/keys")
	if head.ExtraHeaders[jose.HeaderType] != "application/okta-internal-at+jwt" || claims["iss"] != g.org.URL || claims["cid"] != g.clientID {
		t.Errorf("org token: %v %v", head, claims)
	}
	bearer := "Bearer " + a.text("access_token")
	for _, row := range []struct {
		name, method, path, auth string
		status                   int
		challenge                string
	}{
		{"read with read", "GET", "/api/v1/apps", bearer, 200, ""},
		{"write with read", "DELETE", "/api/v1/apps/" + g.app, bearer, 403, `error="insufficient_scope"`},
		{"another family", "GET", deflt, bearer, 403, `error="insufficient_scope"`},
		{"nonsense", "GET", "/api/v1/apps", "Bearer nonsense", 401, `error="invalid_token"`},
		{"token of a custom server is none", "GET", "/api/v1/apps", "Bearer " + bearer, 401, `error="invalid_token"`},
	} {
		got := g.request(row.method, row.path, row.auth, "", "")
		if got.status != row.status || !strings.Contains(got.header.Get("WWW-Authenticate"), row.challenge) {
			t.Errorf("%s: got %d %q %s", row.name, got.status, got.header.Get("WWW-Authenticate"), got.raw)
		}
	}
	g.must(200, "POST", "/api/v1/apps/"+g.app+"/lifecycle/deactivate", "")
	if got := g.request("GET", "/api/v1/apps", bearer, "", ""); got.status != 401 {
		t.Errorf("deactivated client: got %d", got.status)
	}
}

// TestKeySetByAddress lets the client publish its key itself.
func TestKeySetByAddress(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	published := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k1"}}}); err != nil {
			t.Error(err)
		}
	}))
	defer published.Close()
	app := edited(t, edited(t, serviceApp, "credentials.oauthClient.token_endpoint_auth_method", "private_key_jwt"),
		"settings.oauthClient.jwks_uri", published.URL)
	g := startGraph(t, &oktatest.Server{}, app)
	for kid, want := range map[string]int{"k1": 200, "k2": 401} {
		s := signer(t, jose.RS256, jose.JSONWebKey{Key: key, KeyID: kid}, nil)
		a := g.form(tokenPath, "", "grant_type", "client_credentials", "scope", "neo4j_groups", "client_assertion_type", bearerJWT,
			"client_assertion", assertion(t, s, g.clientID, g.org.URL+tokenPath, time.Minute, ""))
		if a.status != want {
			t.Errorf("%s: got %d %s", kid, a.status, a.raw)
		}
	}
	c := start(t, &oktatest.Server{})
	c.must(400, "POST", "/api/v1/apps", edited(t, serviceApp, "credentials.oauthClient.token_endpoint_auth_method", "private_key_jwt"))
}
