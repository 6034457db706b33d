package okta

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

func TestConnectionSettings(t *testing.T) {
	const org, tok, mode = "OKTA_CLIENT_ORGURL", "OKTA_CLIENT_TOKEN", "OKTA_CLIENT_AUTHORIZATIONMODE"
	tests := []struct {
		name string
		env  map[string]string
		want string // part of the error, "" when there is none
	}{
		{"good", map[string]string{org: "https://example.okta.com/", tok: "t"}, ""},
		{"loopback", map[string]string{org: "http://127.0.0.1:8080", tok: "t"}, ""},
		{"loopback v6", map[string]string{org: "http://[::1]:8080", tok: "t"}, ""},
		{"nothing", nil, "set OKTA_CLIENT_ORGURL"},
		{"no token", map[string]string{org: "https://example.okta.com"}, "set OKTA_CLIENT_TOKEN"},
		{"admin", map[string]string{org: "https://example-admin.okta.com", tok: "t"}, "write https://example.okta.com"},
		{"no scheme", map[string]string{org: "example.okta.com", tok: "t"}, "write https://example.okta.com"},
		{"http", map[string]string{org: "http://example.okta.com", tok: "t"}, "unencrypted"},
		{"ftp", map[string]string{org: "ftp://example.okta.com", tok: "t"}, "scheme ftp"},
		{"path", map[string]string{org: "https://example.okta.com/oauth2/default", tok: "t"}, "has a path"},
		{"placeholder", map[string]string{org: "https://{yourOktaDomain}", tok: "t"}, "okta: org URL"},
		{"credentials", map[string]string{org: "https://me:hunter2@example.okta.com", tok: "t"}, "no address"},
		{"mode", map[string]string{org: "https://example.okta.com", mode: "JWT"}, "use SSWS, Bearer or PrivateKey"},
		{"key without id", map[string]string{org: "https://example.okta.com", mode: "PrivateKey"}, "OKTA_CLIENT_CLIENTID"},
		{"key that is none", map[string]string{org: "https://example.okta.com", mode: "PrivateKey", "OKTA_CLIENT_CLIENTID": "c", "OKTA_CLIENT_PRIVATEKEY": "-----BEGIN nothing"}, "no PEM"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(context.Background(), reconcile.Block{}, Options{Env: envOf(c.env)})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

// The block goes before the environment.
func TestConnectionBlock(t *testing.T) {
	b := block("", "", args{"org_url": txt("https://block.okta.com"), "token": reconcile.NewSecret("env X", func() (string, error) { return "x", nil })})
	s, err := settingsOf(b, "", envOf(map[string]string{"OKTA_CLIENT_ORGURL": "https://env.okta.com", "OKTA_CLIENT_TOKEN": "y"}))
	if err != nil || s.org.Host != "block.okta.com" || s.token.Origin() != "env X" {
		t.Errorf("got %+v, %v", s, err)
	}
}

// manager is an app that keymaker logs in as, and the environment that says so.
func (l *lab) manager() (id string, env map[string]string) {
	l.t.Helper()
	t := l.t
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(jose.JSONWebKey{Key: &key.PublicKey, KeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	var jwk map[string]any
	if err := json.Unmarshal(public, &jwk); err != nil {
		t.Fatal(err)
	}
	app := map[string]any{"name": "oidc_client", "label": "manager", "signOnMode": "OPENID_CONNECT",
		"credentials": map[string]any{"oauthClient": map[string]any{"client_id": "manager-client", "token_endpoint_auth_method": methodKey}},
		"settings": map[string]any{"oauthClient": map[string]any{"application_type": "service", "grant_types": []any{grantMachine}, "response_types": []any{"token"},
			"jwks": map[string]any{"keys": []any{jwk}}}}}
	id, err = l.org.Create("/api/v1/apps", app)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(l.dir, "key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600); err != nil {
		t.Fatal(err)
	}
	env = map[string]string{"OKTA_CLIENT_ORGURL": l.org.URL, "OKTA_CLIENT_AUTHORIZATIONMODE": "PrivateKey", "OKTA_CLIENT_CLIENTID": "manager-client",
		"OKTA_CLIENT_PRIVATEKEY": path, "OKTA_CLIENT_PRIVATEKEYID": "k1"}
	return id, env
}

func TestPrivateKeyMode(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	id, env := l.manager()
	l.sys = l.open(Options{Env: envOf(env)})
	want := l.service("neo4j_writer")
	l.apply(want)
	l.settled(want)

	own := declare(t, block("app", "manager", args{"client_id": txt("manager-client")}))
	if live, _ := l.drift(own); len(live.Objects) != 1 || live.Objects[0].Protected == "" {
		t.Errorf("keymaker's own app is not protected: %+v", live.Objects)
	}

	if err := l.org.EditApp(id, func(app map[string]any) {
		app["settings"].(map[string]any)["oauthClient"].(map[string]any)["dpop_bound_access_tokens"] = true
	}); err != nil {
		t.Fatal(err)
	}
	l.sys = l.open(Options{Env: envOf(env)})
	_, err := l.sys.Read(context.Background(), want)
	if err == nil || !strings.Contains(err.Error(), "invalid_dpop_proof") {
		t.Errorf("got %v, want invalid_dpop_proof", err)
	}
	var refusal *reconcile.Refusal
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Remedy, "Demonstrating Proof of Possession") || !strings.Contains(refusal.Remedy, "Turn it off") {
		t.Errorf("the remedy is of %+v", refusal)
	}
}

// A CA file is trusted; without it the org is refused at once, and the error says why.
func TestTLS(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	secure := httptest.NewUnstartedServer(l.org)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	ca := filepath.Join(l.dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	env := envOf(map[string]string{"OKTA_CLIENT_ORGURL": secure.URL, "OKTA_CLIENT_TOKEN": canaryToken})
	l.sys = l.open(Options{Env: env, CAFile: ca})
	l.apply(l.service("neo4j_writer"))
	l.sys = l.open(Options{Env: env})
	if _, err := l.sys.Read(context.Background(), l.service("a")); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want a certificate error", err)
	}
	if _, err := Open(context.Background(), reconcile.Block{}, Options{Env: env, CAFile: l.file()}); err == nil || !strings.Contains(err.Error(), "no PEM certificate") {
		t.Errorf("got %v, want an error about the CA file", err)
	}
}

// The process's own environment, which the SDK reads by itself, decides nothing.
func TestEnvironmentOfTheProcess(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	for name, v := range map[string]string{"ORGURL": "https://wrong.okta.com", "TOKEN": "wrong", "AUTHORIZATIONMODE": "PrivateKey", "CLIENTID": "wrong",
		"PRIVATEKEY": "wrong", "SCOPES": "wrong", "CACHE_ENABLED": "true", "REQUESTTIMEOUT": "1", "RATELIMIT_MAXRETRIES": "9", "PROXY_HOST": "wrong"} {
		t.Setenv("OKTA_CLIENT_"+name, v)
	}
	l.sys = l.open(Options{})
	want := l.service("neo4j_writer")
	l.apply(want)
	l.settled(want)
}

func TestBuckets(t *testing.T) {
	for _, c := range [][3]string{
		{"GET", "/api/v1/apps", bucketApps}, {"POST", "/api/v1/apps", bucketApps}, {"GET", "/api/v1/apps/0oa1", bucketApp}, {"DELETE", "/api/v1/apps/0oa1", bucketApp},
		{"POST", "/api/v1/apps/0oa1/lifecycle/activate", bucketApps}, {"GET", "/api/v1/apps/0oa1/credentials/secrets", bucketApps},
		{"GET", "/api/v1/authorizationServers/default/scopes", bucketAPI}, {"GET", "/api/v1/logs", bucketLogs},
		{"POST", "/oauth2/default/v1/token", "/oauth2/default/v1/token"}, {"GET", "/oauth2/default/v1/keys", ""}, {"GET", "/oauth2/default/.well-known/openid-configuration", ""},
	} {
		if got := bucketOf(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s is counted in %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestLimiter(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	l := newLimiter(0.2, nil)
	l.now = func() time.Time { return now }
	headers := func(limit, left string, reset int64) http.Header {
		h := http.Header{}
		h.Set("X-Rate-Limit-Limit", limit)
		h.Set("X-Rate-Limit-Remaining", left)
		h.Set("X-Rate-Limit-Reset", itoa(reset))
		h.Set("Date", time.Unix(1_600_000_000, 0).UTC().Format(http.TimeFormat)) // the server's clock is years behind
		return h
	}
	takes := func(want bool) {
		t.Helper()
		if _, ok := l.tryTake("b"); ok != want {
			t.Errorf("take is %v, want %v", ok, want)
		}
	}
	takes(true) // nothing is known
	l.landed("b", l.learn("b", headers("10", "4", 1_600_000_030)))
	takes(true)
	takes(true)
	takes(false) // two are left to others
	if until, _ := l.tryTake("b"); !until.Equal(now.Add(30 * time.Second)) {
		t.Errorf("waits until %s", until)
	}
	l.learn("b", headers("10", "9", 1_600_000_030)) // an answer that was overtaken
	takes(false)
	l.learn("b", headers("0", "0", 1_600_000_030)) // the org's limit on simultaneous calls
	takes(false)
	l.landed("b", true) // the overtaken one: the server had counted it before it said 4
	takes(true)
	takes(false)
	l.landed("b", false) // who knows whether it was counted
	takes(false)
	now = now.Add(30 * time.Second)
	takes(true)
	takes(true)
	l.landed("b", l.learn("b", headers("10", "8", 1_600_000_090)))
	l.landed("b", l.learn("b", headers("10", "7", 1_600_000_090)))
	l.landed("b", l.learn("b", headers("10", "6", 1_600_000_090)))
	if all := l.budgets(); all[0].Remaining != 6 {
		t.Errorf("with nothing in flight %d are left, want what the server says, 6", all[0].Remaining)
	}
}

func itoa(i int64) string { return string(reconcile.Int(i)) }

// A token that would end its header is refused before any call, without showing it.
func TestTokenCannotAddHeaders(t *testing.T) {
	for _, bad := range []string{"canary\r\nX-Evil: 1", "canary\nx", "can ary", "can\x00ary", "canäry"} {
		_, err := Open(context.Background(), reconcile.Block{}, Options{Env: envOf(map[string]string{"OKTA_CLIENT_ORGURL": "https://example.okta.com", "OKTA_CLIENT_TOKEN": bad})})
		if err == nil || !strings.Contains(err.Error(), "OKTA_CLIENT_TOKEN") || strings.Contains(err.Error(), "can") && strings.Contains(err.Error(), "ary") {
			t.Errorf("token %q: %v", bad, err)
		}
	}
}
