package neo4jtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

func basic() neo4j.AuthToken { return neo4j.BasicAuth("neo4j", testPassword, "") }

// issuer is an identity provider over HTTP.
type issuer struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	key      any
	alg      jose.SignatureAlgorithm
	id       string
	down     bool
	fetches  int
	userInfo map[string]any
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{t: t}
	i.rotate("k1")
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.reply(w, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "userinfo_endpoint": i.URL + "/userinfo"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		i.fetches++
		jwk := jose.JSONWebKey{Key: publicOf(i.key), KeyID: i.id, Use: "sig", Algorithm: string(i.alg)}
		i.mu.Unlock()
		i.reply(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk}})
	})
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, _ *http.Request) { i.reply(w, i.userInfo) })
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func publicOf(key any) any {
	if k, ok := key.(*rsa.PrivateKey); ok {
		return &k.PublicKey
	}
	return &key.(*ecdsa.PrivateKey).PublicKey
}

func (i *issuer) reply(w http.ResponseWriter, v any) {
	i.mu.Lock()
	down := i.down
	i.mu.Unlock()
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

// rotate makes a new RSA key the only one.
func (i *issuer) rotate(id string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.id, i.alg = key, id, jose.RS256
}

// token signs good claims, changed by more.
func (i *issuer) token(c *clock, more map[string]any) string {
	i.t.Helper()
	i.mu.Lock()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: i.alg, Key: jose.JSONWebKey{Key: i.key, KeyID: i.id}}, nil)
	i.mu.Unlock()
	if err != nil {
		i.t.Fatal(err)
	}
	claims := map[string]any{"iss": i.URL, "aud": "api://default", "sub": "client-1", "iat": c.now().Unix(), "exp": c.now().Unix() + 3600, "groups": []string{"neo4j_writer"}}
	for k, v := range more {
		claims[k] = v
		if v == nil {
			delete(claims, k)
		}
	}
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return raw
}

// oidcServer is a server that trusts an issuer.
func oidcServer(t *testing.T, i *issuer, c *clock, more ...string) *Server {
	t.Helper()
	lines := append([]string{
		"dbms.security.authentication_providers=oidc-okta,native", "dbms.security.authorization_providers=oidc-okta,native",
		"dbms.security.oidc.okta.well_known_discovery_uri=" + i.URL + "/.well-known/openid-configuration",
		"dbms.security.oidc.okta.audience=other, api://default", "dbms.security.oidc.okta.claims.groups=groups",
	}, more...)
	return start(t, &Server{ConfFile: confFile(t, lines...), Clock: c.now})
}

const mappingLine = `dbms.security.oidc.okta.authorization.group_to_role_mapping="neo4j_writer"=editor, missing;"x"=admin`

func TestOIDCLogin(t *testing.T) {
	i, c := newIssuer(t), newClock()
	s := oidcServer(t, i, c, mappingLine)
	rows := func(claims map[string]any) []any {
		t.Helper()
		got, err := query(driverFor(t, s.URL, neo4j.BearerAuth(i.token(c, claims))), "neo4j", "SHOW CURRENT USER", nil)
		if err != nil || len(got) != 1 {
			t.Fatalf("%v: got %v, %v", claims, got, err)
		}
		return got[0]
	}
	wantRows(t, "list", rows(nil), []any{"client-1", []any{"editor", "PUBLIC"}, false, false, nil})
	wantRows(t, "string", rows(map[string]any{"groups": "x"})[1], []any{"admin", "PUBLIC"})
	wantRows(t, "several", rows(map[string]any{"groups": []string{"x", "neo4j_writer", "zzz"}})[1], []any{"admin", "editor", "PUBLIC"})
	wantRows(t, "audience list", rows(map[string]any{"aud": []string{"q", "other"}})[1], []any{"editor", "PUBLIC"})
	wantRows(t, "no groups", rows(map[string]any{"groups": nil})[1], []any{"PUBLIC"})
	wantRows(t, "mapping switches names off", rows(map[string]any{"groups": []string{"reader"}})[1], []any{"PUBLIC"})
	wantRows(t, "merged with a native user", rows(map[string]any{"sub": "neo4j"})[1], []any{"admin", "editor", "PUBLIC"})
	wantRows(t, "not among users", column(t, admin(t, s), "system", "SHOW USERS"), []any{"neo4j"})

	empty := driverFor(t, s.URL, neo4j.BearerAuth(i.token(c, map[string]any{"groups": nil})))
	wantRows(t, "PUBLIC reads nothing", column(t, empty, "neo4j", "MATCH (n) RETURN n"), []any{})
	for name, claims := range map[string]map[string]any{
		"wrong audience": {"aud": "api://other"}, "wrong issuer": {"iss": i.URL + "/"}, "expired": {"exp": c.now().Unix() - 60}, "no exp": {"exp": nil},
		"not yet": {"nbf": c.now().Unix() + 60}, "no sub": {"sub": nil}, "sub is no text": {"sub": 1},
	} {
		_, err := query(driverFor(t, s.URL, neo4j.BearerAuth(i.token(c, claims))), "neo4j", "RETURN 1", nil)
		if err == nil || !strings.Contains(err.Error(), codeUnauthorized) {
			t.Errorf("%s: got %v, want %s", name, err, codeUnauthorized)
		}
	}
	if log := strings.Join(s.DebugLog(), "\n"); !strings.Contains(log, "audience [api://other] holds none of [other api://default]") || !strings.Contains(log, "expired at") {
		t.Errorf("the security log does not say why: %s", log)
	}
}

func TestOIDCKeys(t *testing.T) {
	i, c := newIssuer(t), newClock()
	s := oidcServer(t, i, c, mappingLine)
	login := func(token string) *Failure {
		_, failure := s.members[0].member.login(map[string]any{"scheme": "bearer", "credentials": token})
		return failure
	}
	good := i.token(c, nil)
	if failure := login(good); failure != nil {
		t.Fatal(failure)
	}
	if failure := login(good[:len(good)-8] + "AAAAAAAA"); failure == nil || failure.Code != codeUnauthorized {
		t.Errorf("forged signature: got %v", failure)
	}
	i.rotate("k2")
	if failure := login(i.token(c, nil)); failure != nil {
		t.Errorf("rotated key: %v", failure)
	}
	before := i.fetches
	other := newIssuer(t)
	other.URL = i.URL
	other.id = "k3"
	for range 5 {
		if failure := login(other.token(c, nil)); failure == nil || failure.Code != codeUnauthorized {
			t.Errorf("unknown key: got %v", failure)
		}
	}
	if i.fetches-before > 1 {
		t.Errorf("keys were fetched %d times for one unknown id", i.fetches-before)
	}
	c.advance(10)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.key, i.id, i.alg = key, "ec", jose.ES256
	if failure := login(i.token(c, nil)); failure != nil {
		t.Errorf("ES256: %v", failure)
	}
	none := "eyJhbGciOiJub25lIiwia2lkIjoiZWMifQ.eyJzdWIiOiJ4In0."
	for _, bad := range []string{"", "x", "a.b.c", none} {
		if failure := login(bad); failure == nil || failure.Code != codeUnauthorized {
			t.Errorf("%q: got %v", bad, failure)
		}
	}
	i.down = true
	c.advance(10)
	i.id = "k9"
	if failure := login(i.token(c, nil)); failure == nil || failure.Code != codeProviderFailed {
		t.Errorf("provider down: got %v", failure)
	}
}

func TestOIDCSessionsAge(t *testing.T) {
	i, c := newIssuer(t), newClock()
	s := oidcServer(t, i, c, mappingLine)
	m := s.members[0].member
	run := func(p *principal) string {
		tx, failure := m.begin(p, txOptions{db: "neo4j", mode: "w", auto: true})
		if failure != nil {
			return failure.Code
		}
		defer tx.rollback()
		if _, failure := tx.run("RETURN 1", nil); failure != nil {
			return failure.Code
		}
		return ""
	}
	login := func() *principal {
		t.Helper()
		p, failure := m.login(map[string]any{"scheme": "bearer", "credentials": i.token(c, nil)})
		if failure != nil {
			t.Fatal(failure)
		}
		return p
	}
	p := login()
	wantRows(t, "fresh", run(p), "")
	do(t, admin(t, s), "neo4j", "CALL dbms.setConfigValue('dbms.security.oidc.okta.claims.groups', 'groups')")
	wantRows(t, "after a change of settings", run(p), codeAuthorizationOld)
	p = login()
	c.advance(11 * 60)
	wantRows(t, "after the cache time", run(p), codeAuthorizationOld)
	c.advance(3600)
	wantRows(t, "after exp", run(p), codeTokenExpired)
}

func TestOIDCVariants(t *testing.T) {
	i, c := newIssuer(t), newClock()
	current := func(s *Server, claims map[string]any) ([]any, error) {
		got, err := query(driverFor(t, s.URL, neo4j.BearerAuth(i.token(c, claims))), "neo4j", "SHOW CURRENT USER", nil)
		if err != nil {
			return nil, err
		}
		return got[0], nil
	}
	s := oidcServer(t, i, c)
	row, err := current(s, map[string]any{"groups": []string{"reader", "nothing"}})
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, "automatic mapping", row[1], []any{"reader", "PUBLIC"})

	s = oidcServer(t, i, c, mappingLine, "dbms.security.oidc.okta.claims.username=cid", "dbms.security.oidc.okta.get_groups_from_user_info=true", "dbms.security.logs.oidc.jwt_claims_at_debug_level_enabled=true")
	i.userInfo = map[string]any{"sub": "client-1", "groups": []string{"x"}}
	if row, err = current(s, map[string]any{"cid": "me"}); err != nil {
		t.Fatal(err)
	}
	wantRows(t, "user info", row[:2], []any{"me", []any{"admin", "PUBLIC"}})
	if log := strings.Join(s.DebugLog(), "\n"); !strings.Contains(log, `"cid":"me"`) {
		t.Errorf("claims are not in the log: %s", log)
	}

	s = oidcServer(t, i, c, mappingLine, "dbms.security.require_local_user=true")
	if _, err = current(s, nil); err == nil || !strings.Contains(err.Error(), codeUnauthorized) {
		t.Errorf("no local user: got %v", err)
	}
	drv := admin(t, s)
	do(t, drv, "system", "CREATE USER local SET AUTH 'oidc-okta' { SET ID 'client-1' }", "GRANT ROLE reader TO local")
	if row, err = current(s, nil); err != nil {
		t.Fatal(err)
	}
	wantRows(t, "local user", row[:2], []any{"local", []any{"editor", "reader", "PUBLIC"}})
	do(t, drv, "system", "ALTER USER local SET STATUS SUSPENDED")
	if _, err = current(s, nil); err == nil || !strings.Contains(err.Error(), codeUnauthorized) {
		t.Errorf("suspended: got %v", err)
	}

	plain := start(t, &Server{})
	_, failure := plain.members[0].member.login(map[string]any{"scheme": "bearer", "credentials": "x"})
	if failure == nil || failure.Message != "Unsupported authentication token, scheme 'bearer' is not supported." {
		t.Errorf("no provider: got %v", failure)
	}
}
