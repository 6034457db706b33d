package oktatest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"keymaker/okta/oktatest"
)

func TestCreateAppAnswer(t *testing.T) {
	c := start(t, &oktatest.Server{})
	a := c.must(200, "POST", "/api/v1/apps", serviceApp)
	for _, row := range []struct{ name, path, want string }{
		{"active unless asked", "status", `"ACTIVE"`},
		{"accessibility defaults", "accessibility", `{"errorRedirectUrl":null,"loginRedirectUrl":null,"selfService":false}`},
		{"features", "features", `[]`},
		{"user name template", "credentials.userNameTemplate", `{"template":"${source.login}","type":"BUILT_IN"}`},
		{"universal logout", "universalLogout", `null`},
		{"settings.app", "settings.app", `{}`},
		{"notes", "settings.notes", `{"admin":null,"enduser":null}`},
		{"notifications", "settings.notifications", `{"vpn":{"helpUrl":null,"message":null,"network":{"connection":"DISABLED"}}}`},
		{"DPoP off through the API", "settings.oauthClient.dpop_bound_access_tokens", `false`},
		{"consent", "settings.oauthClient.consent_method", `"TRUSTED"`},
		{"issuer mode", "settings.oauthClient.issuer_mode", `"ORG_URL"`},
		{"idp login", "settings.oauthClient.idp_initiated_login", `{"default_scope":[],"mode":"DISABLED"}`},
		{"redirect uris", "settings.oauthClient.redirect_uris", `[]`},
		{"client uri", "settings.oauthClient.client_uri", `null`},
		{"profile as sent", "profile", `{"neo4j_groups":["reader","writer"]}`},
		{"credentials link", "_links.clientCredentials.0.name", `"secrets"`},
		{"activate link only when inactive", "_links.activate", `null`},
	} {
		if got := asJSON(t, a.at(row.path)); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	if a.text("credentials.oauthClient.client_id") != a.text("id") || !strings.HasPrefix(a.text("id"), "0oa") || len(a.text("id")) != 20 {
		t.Errorf("id %q, client id %q", a.text("id"), a.text("credentials.oauthClient.client_id"))
	}
	order := []string{`"id"`, `"orn"`, `"name"`, `"label"`, `"status"`, `"lastUpdated"`, `"created"`, `"accessibility"`, `"visibility"`, `"features"`,
		`"signOnMode"`, `"credentials"`, `"universalLogout"`, `"settings"`, `"profile"`, `"_links"`}
	last := -1
	for _, key := range order {
		at := strings.Index(a.raw, key+":")
		if at < last {
			t.Errorf("%s is not in Okta's order", key)
		}
		last = at
	}
}

func TestSecretShownOnlyByWrites(t *testing.T) {
	c := start(t, &oktatest.Server{})
	a := c.must(200, "POST", "/api/v1/apps", serviceApp)
	id, secret := a.text("id"), a.text("credentials.oauthClient.client_secret")
	if len(secret) != 64 {
		t.Fatalf("secret: got %d characters, want 64", len(secret))
	}
	if got := c.must(200, "GET", "/api/v1/apps/"+id, ""); strings.Contains(got.raw, "client_secret\"") || strings.Contains(got.raw, secret) {
		t.Errorf("GET shows the secret: %s", got.raw)
	}
	if got := c.must(200, "GET", "/api/v1/apps?limit=200", ""); strings.Contains(got.raw, secret) {
		t.Error("the list shows the secret")
	}
	for _, row := range []struct{ name, body, want string }{
		{"absent keeps", serviceApp, secret},
		{"empty keeps", edited(t, serviceApp, "credentials.oauthClient.client_secret", ""), secret},
		{"sent sets", edited(t, serviceApp, "credentials.oauthClient.client_secret", "a-chosen-secret-0001"), "a-chosen-secret-0001"},
	} {
		if got := c.must(200, "PUT", "/api/v1/apps/"+id, row.body).text("credentials.oauthClient.client_secret"); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

func TestChosenClient(t *testing.T) {
	c := start(t, &oktatest.Server{})
	body := edited(t, serviceApp, "credentials.oauthClient.client_id", "neo4j-etl")
	body = edited(t, body, "credentials.oauthClient.client_secret", "a-chosen-secret-0001")
	a := c.must(200, "POST", "/api/v1/apps", body)
	if a.text("credentials.oauthClient.client_id") != "neo4j-etl" || a.text("id") == "neo4j-etl" {
		t.Errorf("client id %q, id %q", a.text("credentials.oauthClient.client_id"), a.text("id"))
	}
	if got := a.text("credentials.oauthClient.client_secret"); got != "a-chosen-secret-0001" {
		t.Errorf("secret: got %q", got)
	}
	c.must(400, "POST", "/api/v1/apps", body)
}

func TestAppValidation(t *testing.T) {
	c := start(t, &oktatest.Server{})
	set := func(path string, v any) string { return edited(t, serviceApp, path, v) }
	for _, row := range []struct {
		name, body, summary, cause string
		status                     int
	}{
		{"no label", set("label", nil), "Api validation failed: label", "label: Label must be specified", 400},
		{"long label", set("label", strings.Repeat("x", 101)), "Api validation failed: label", "label: The field is too long", 400},
		{"no grant types", set("settings.oauthClient.grant_types", nil), "Api validation failed: grant_types", "grant_types: The field cannot be left blank", 400},
		{"odd grant type", set("settings.oauthClient.grant_types", []string{"magic"}), "Api validation failed: grant_types", "grant_types: The field has an invalid value", 400},
		{"odd auth method", set("credentials.oauthClient.token_endpoint_auth_method", "magic"), "Api validation failed: token_endpoint_auth_method", "token_endpoint_auth_method: The field has an invalid value", 400},
		{"reserved client id", set("credentials.oauthClient.client_id", "ALL_CLIENTS"), "Api validation failed: client_id", "client_id: The field has an invalid value", 400},
		{"short secret", set("credentials.oauthClient.client_secret", "short"), "Api validation failed: client_secret", "client_secret: 'client_secret' must be at least '14' characters long.", 400},
		{"long secret", set("credentials.oauthClient.client_secret", strings.Repeat("x", 101)), "Api validation failed: client_secret", "client_secret: 'client_secret' cannot be more than '100' characters long.", 400},
		{"profile no object", set("profile", "text"), "Api validation failed: profile", "profile: The field has an invalid value", 400},
		{"not JSON", "{", "The request body was not well-formed.", "", 400},
		{"wrong type", set("label", 5), "The request body was not well-formed.", "", 400},
		{"other sign-on modes", set("signOnMode", "BOOKMARK"), "not emulated: apps with signOnMode BOOKMARK", "", 501},
	} {
		a := c.api("POST", "/api/v1/apps", row.body)
		if a.status != row.status || a.text("errorSummary") != row.summary || a.text("errorCauses.0.errorSummary") != row.cause {
			t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
		}
		if a.text("errorLink") != a.text("errorCode") || !strings.HasPrefix(a.text("errorId"), "oae") {
			t.Errorf("%s: envelope %s", row.name, a.raw)
		}
	}
}

func TestAppReplace(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		c := start(t, &oktatest.Server{DPoPOmittedKeeps: keeps})
		body := edited(t, serviceApp, "settings.oauthClient.dpop_bound_access_tokens", true)
		body = edited(t, body, "settings.notes", map[string]any{"admin": "mine"})
		id := c.must(200, "POST", "/api/v1/apps", body).text("id")
		bare := edited(t, serviceApp, "profile", nil)
		c.must(200, "PUT", "/api/v1/apps/"+id, edited(t, bare, "status", "INACTIVE"))
		a := c.must(200, "GET", "/api/v1/apps/"+id, "")
		if _, has := a.json.(map[string]any)["profile"]; has {
			t.Error("a PUT without profile must delete it")
		}
		if got := a.at("settings.oauthClient.dpop_bound_access_tokens"); got != keeps {
			t.Errorf("DPoP left out, DPoPOmittedKeeps %v: got %v", keeps, got)
		}
		if a.text("settings.notes.admin") != "mine" || a.text("status") != "ACTIVE" {
			t.Errorf("notes and status must stay: %s", a.raw)
		}
		c.must(200, "PUT", "/api/v1/apps/"+id, edited(t, serviceApp, "profile", map[string]any{"other": 1}))
		if got := asJSON(t, c.must(200, "GET", "/api/v1/apps/"+id, "").at("profile")); got != `{"other":1}` {
			t.Errorf("profile: got %s, want it replaced, not merged", got)
		}
	}
}

func TestAppLifecycle(t *testing.T) {
	c := start(t, &oktatest.Server{})
	id := c.must(200, "POST", "/api/v1/apps", serviceApp).text("id")
	self := "/api/v1/apps/" + id
	a := c.must(403, "DELETE", self, "")
	if a.text("errorCode") != "E0000056" || a.text("errorCauses.0.errorSummary") != "The application must be deactivated before deletion." {
		t.Errorf("delete active: %s", a.raw)
	}
	if got := c.must(200, "POST", self+"/lifecycle/deactivate", ""); got.raw != "{}" {
		t.Errorf("deactivate: got %q, want {}", got.raw)
	}
	if got := c.must(200, "GET", self, ""); got.text("status") != "INACTIVE" || got.at("_links.activate") == nil {
		t.Errorf("inactive app: %s", got.raw)
	}
	if got := c.must(204, "DELETE", self, ""); got.raw != "" {
		t.Errorf("delete: got body %q", got.raw)
	}
	a = c.must(404, "GET", self, "")
	if a.text("errorSummary") != "Not found: Resource not found: "+id+" (AppInstance)" {
		t.Errorf("gone app: %s", a.raw)
	}
	id = c.must(200, "POST", "/api/v1/apps?activate=false", serviceApp).text("id")
	c.must(204, "DELETE", "/api/v1/apps/"+id, "")
}

func TestAppList(t *testing.T) {
	c := start(t, &oktatest.Server{})
	for i := range 45 {
		c.must(200, "POST", "/api/v1/apps", edited(t, serviceApp, "label", fmt.Sprintf("app %02d", i%40))) // labels need not be unique
	}
	var ids []string
	for next := c.org.URL + "/api/v1/apps?limit=10"; next != ""; {
		a := c.must(200, "GET", next, "")
		for _, x := range a.json.([]any) {
			ids = append(ids, x.(map[string]any)["id"].(string))
		}
		next = linkOf(a.header, "next")
		if linkOf(a.header, "self") == "" {
			t.Error("no self link")
		}
	}
	if len(ids) != 45+4 || !slices.IsSorted(ids) || len(slices.Compact(ids)) != 49 {
		t.Errorf("paging: %d ids, sorted %v", len(ids), slices.IsSorted(ids))
	}
	for _, row := range []struct {
		name, query string
		count       int
	}{
		{"20 without limit", "", 20},
		{"limit is capped", "?limit=500", 49},
		{"q is a prefix of the label", "?q=APP+0&limit=200", 15},
		{"q is a prefix of the name", "?q=saas", 1},
		{"filter by name", "?limit=200&filter=" + `name+eq+"oidc_client"`, 45},
		{"filter by status", "?filter=" + `status+eq+"INACTIVE"`, 0},
		{"built-in apps have no oauthClient", "?q=okta_", 2},
	} {
		a := c.must(200, "GET", "/api/v1/apps"+row.query, "")
		if got := len(a.json.([]any)); got != row.count {
			t.Errorf("%s: got %d, want %d", row.name, got, row.count)
		}
	}
	if a := c.must(200, "GET", "/api/v1/apps?q=okta_", ""); a.at("0.settings.oauthClient") != nil || a.at("0.credentials.oauthClient") != nil {
		t.Errorf("built-in app: %s", a.raw)
	}
	for _, row := range []struct{ name, query, code string }{
		{"bad cursor", "?after=nonsense", "E0000029"},
		{"bad expand", "?expand=everything", "E0000001"},
		{"bad filter", "?filter=label+sw+%22x%22", "E0000031"},
		{"bad limit", "?limit=0", "E0000001"},
	} {
		if a := c.api("GET", "/api/v1/apps"+row.query, ""); a.status != 400 || a.text("errorCode") != row.code {
			t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
		}
	}
}

func linkOf(h http.Header, rel string) string {
	for _, l := range h.Values("Link") {
		if address, found := strings.CutSuffix(l, `>; rel="`+rel+`"`); found {
			return strings.TrimPrefix(address, "<")
		}
	}
	return ""
}

func TestSecrets(t *testing.T) {
	c := start(t, &oktatest.Server{})
	app := "/api/v1/apps/" + c.must(200, "POST", "/api/v1/apps", serviceApp).text("id")
	all := app + "/credentials/secrets"
	first := c.must(200, "GET", all, "").text("0.id")
	two := c.must(201, "POST", all, `{"client_secret":"the-second-secret-of-this-app"}`)
	sum := sha256.Sum256([]byte("the-second-secret-of-this-app"))
	if want := base64.RawURLEncoding.EncodeToString(sum[:16]); two.text("secret_hash") != want || len(want) != 22 {
		t.Errorf("hash: got %q, want %q", two.text("secret_hash"), want)
	}
	if got := c.must(200, "PUT", app, serviceApp).text("credentials.oauthClient.client_secret"); got != "the-second-secret-of-this-app" {
		t.Errorf("an app's PUT shows the newest secret: got %q", got)
	}
	refuse := func(name, method, path, body, summary, cause string) {
		t.Helper()
		a := c.api(method, path, body)
		if a.status != 400 || a.text("errorSummary") != "Api validation failed: "+summary || a.text("errorCauses.0.errorSummary") != cause {
			t.Errorf("%s: got %d %s", name, a.status, a.raw)
		}
	}
	const dto = "OAuth2ClientSecretMediated"
	refuse("third secret", "POST", all, "", dto, "You have reached the maximum number of client secrets per client.")
	refuse("delete active", "DELETE", all+"/"+first, "", dto, "You can't delete an active client secret. Deactivate the secret before deleting it.")
	off := c.must(200, "POST", all+"/"+first+"/lifecycle/deactivate", "")
	if off.text("status") != "INACTIVE" || off.at("_links.delete") == nil || off.at("_links.activate") == nil || off.at("_links.deactivate") != nil {
		t.Errorf("inactive secret: %s", off.raw)
	}
	refuse("deactivate the only active one", "POST", all+"/"+two.text("id")+"/lifecycle/deactivate", "", dto, "You can't deactivate the only active client secret.")
	c.must(204, "DELETE", all+"/"+first, "")
	refuse("short", "POST", all, `{"client_secret":"short"}`, "client_secret", "client_secret: 'client_secret' must be at least '14' characters long.")
	if a := c.must(404, "GET", all+"/"+first, ""); a.text("errorSummary") != "Not found: Resource not found: "+first+" (OAuth2ClientSecretMediated)" {
		t.Errorf("gone secret: %s", a.raw)
	}
}

func TestAppSubResources(t *testing.T) {
	c := start(t, &oktatest.Server{})
	a := c.must(200, "POST", "/api/v1/apps", serviceApp)
	self := "/api/v1/apps/" + a.text("id")
	for _, path := range []string{"/groups", "/users"} {
		if got := c.must(200, "GET", self+path, ""); got.raw != "[]" {
			t.Errorf("%s of an app made through the API: got %s", path, got.raw)
		}
	}
	access := a.text("_links.accessPolicy.href")
	c.must(204, "PUT", self+"/policies/"+access[strings.LastIndex(access, "/")+1:], "")
	c.must(404, "PUT", self+"/policies/rstNOPE", "")
	c.must(501, "POST", self+"/logo", "")
	builtIn := "/api/v1/apps/" + c.must(200, "GET", "/api/v1/apps?q=saasure", "").text("0.id")
	c.must(404, "GET", builtIn+"/credentials/secrets", "")
	c.must(403, "PUT", builtIn, serviceApp)
}

func TestAppKeys(t *testing.T) {
	c := start(t, &oktatest.Server{Latency: time.Millisecond})
	self := "/api/v1/apps/" + c.must(200, "POST", "/api/v1/apps", serviceApp).text("id")
	all := self + "/credentials/jwks"
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	body := asJSON(t, jose.JSONWebKey{Key: &key.PublicKey, KeyID: "mine"})
	a := c.must(201, "POST", all, body)
	if a.text("kid") != "mine" || a.text("status") != "ACTIVE" || a.text("crv") != "P-384" || !strings.HasPrefix(a.text("id"), "pks") {
		t.Errorf("key: %s", a.raw)
	}
	c.must(400, "POST", all, body) // the kid is taken
	c.must(400, "POST", all, asJSON(t, jose.JSONWebKey{Key: key, KeyID: "private"}))
	c.must(400, "POST", all, `{"kty":"oct","k":"AAAA"}`)
	one := all + "/" + a.text("id")
	for _, row := range []struct{ verb, status string }{{"deactivate", "INACTIVE"}, {"activate", "ACTIVE"}, {"deactivate", "INACTIVE"}} {
		if got := c.must(200, "POST", one+"/lifecycle/"+row.verb, ""); got.text("status") != row.status {
			t.Errorf("%s: %s", row.verb, got.raw)
		}
	}
	if got := c.must(200, "GET", one, ""); got.at("_links.delete") == nil {
		t.Errorf("inactive key: %s", got.raw)
	}
	c.must(204, "DELETE", one, "")
	c.must(404, "GET", one, "")

	secrets := self + "/credentials/secrets"
	id := c.must(200, "GET", secrets, "").text("0.id")
	c.must(201, "POST", secrets, "")
	c.must(200, "POST", secrets+"/"+id+"/lifecycle/deactivate", "")
	if got := c.must(200, "POST", secrets+"/"+id+"/lifecycle/activate", ""); got.text("status") != "ACTIVE" || len(got.text("client_secret")) != 64 {
		t.Errorf("activate: %s", got.raw)
	}
	if got := c.must(200, "GET", secrets+"/"+id, ""); len(got.text("client_secret")) != 64 || got.at("_links.deactivate") == nil {
		t.Errorf("a secret can be read at any time: %s", got.raw)
	}
}
