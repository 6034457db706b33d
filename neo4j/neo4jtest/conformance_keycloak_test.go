package neo4jtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// keycloak is a real identity provider and its administrator.
type keycloak struct {
	t     *testing.T
	url   string
	token string
}

// do sends JSON to the admin REST API and returns the answer.
func (k *keycloak) do(method, path string, body any) (answer []any, location string) {
	k.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		k.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(k.t.Context(), method, k.url+"/admin/realms"+path, bytes.NewReader(data))
	if err != nil {
		k.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+k.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		k.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode/100 != 2 {
		k.t.Fatalf("%s %s: %s: %s", method, path, response.Status, text)
	}
	if len(text) > 0 && text[0] == '{' {
		text = []byte("[" + string(text) + "]")
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			k.t.Fatal(err)
		}
	}
	return answer, response.Header.Get("Location")
}

// grant asks a realm for a token.
func (k *keycloak) grant(realm string, form url.Values) string {
	k.t.Helper()
	response, err := http.PostForm(k.url+"/realms/"+realm+"/protocol/openid-connect/token", form)
	if err != nil {
		k.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token == "" {
		k.t.Fatalf("%s: no token: %v %s", realm, err, answer.Error)
	}
	return answer.Token
}

func (k *keycloak) client(realm string) string {
	k.t.Helper()
	return k.grant(realm, url.Values{"grant_type": {"client_credentials"}, "client_id": {"etl"}, "client_secret": {"etl-secret"}, "scope": {"openid"}})
}

// makeRealm makes a realm with a client whose tokens carry an audience, a group, and live for so many seconds.
func (k *keycloak) makeRealm(realm, audience string, lifespan int) {
	k.t.Helper()
	k.do("POST", "", dict{"realm": realm, "enabled": true, "accessTokenLifespan": lifespan})
	mapper := func(name, kind string, config dict) dict {
		return dict{"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config}
	}
	_, where := k.do("POST", "/"+realm+"/clients", dict{
		"clientId": "etl", "secret": "etl-secret", "serviceAccountsEnabled": true, "standardFlowEnabled": false, "publicClient": false, "clientAuthenticatorType": "client-secret",
		"protocolMappers": []any{
			mapper("groups", "oidc-group-membership-mapper", dict{"claim.name": "groups", "full.path": "false", "access.token.claim": "true", "userinfo.token.claim": "true"}),
			mapper("audience", "oidc-audience-mapper", dict{"included.custom.audience": audience, "access.token.claim": "true"}),
		},
	})
	account, _ := k.do("GET", "/"+realm+"/clients/"+where[strings.LastIndex(where, "/")+1:]+"/service-account-user", nil)
	_, group := k.do("POST", "/"+realm+"/groups", dict{"name": "neo4j_writer"})
	k.do("PUT", fmt.Sprintf("/%s/users/%s/groups/%s", realm, account[0].(dict)["id"], group[strings.LastIndex(group, "/")+1:]), dict{})
}

// TestKeycloak logs the real tokens of a real Keycloak in to the emulator.
func TestKeycloak(t *testing.T) {
	k := &keycloak{t: t, url: os.Getenv("KEYCLOAK_URL")}
	if k.url == "" {
		t.Skip("needs a real Keycloak: .ci/keycloak go test ./neo4j/neo4jtest -run TestKeycloak")
	}
	k.token = k.grant("master", url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {os.Getenv("KEYCLOAK_ADMIN")}, "password": {os.Getenv("KEYCLOAK_PASSWORD")}})
	realm := fmt.Sprintf("keymaker-%d", time.Now().UnixNano())
	k.makeRealm(realm, "neo4j", 300)
	k.makeRealm(realm+"-other", "neo4j", 300)
	k.makeRealm(realm+"-audience", "another", 300)
	k.makeRealm(realm+"-short", "neo4j", 60)
	var ahead atomic.Int64 // hours that the server's clock is ahead
	trust := func(realms []string, more ...string) *Server {
		var providers string
		var lines []string
		for i, of := range realms {
			provider := fmt.Sprintf("kc%d", i)
			providers += ",oidc-" + provider
			for _, line := range append([]string{"audience=neo4j", "well_known_discovery_uri=" + k.url + "/realms/" + of + "/.well-known/openid-configuration", "claims.groups=groups",
				`authorization.group_to_role_mapping="neo4j_writer"=editor`}, more...) {
				lines = append(lines, "dbms.security.oidc."+provider+"."+line)
			}
		}
		lines = append(lines, "dbms.security.authentication_providers=native"+providers, "dbms.security.authorization_providers=native"+providers)
		return start(t, &Server{ConfFile: confFile(t, lines...), Clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load()) * time.Hour) }})
	}
	server := trust([]string{realm, realm + "-audience", realm + "-short"})
	who := func(server *Server, token string) ([][]any, error) {
		return query(driverFor(t, server.URL, neo4j.BearerAuth(token)), "system", "SHOW CURRENT USER YIELD user, roles", nil)
	}
	accepted := func(what string, server *Server, token string) {
		t.Helper()
		rows, err := who(server, token)
		if err != nil || len(rows) != 1 {
			t.Errorf("%s: %v, %v\n%s", what, rows, err, strings.Join(server.DebugLog(), "\n"))
			return
		}
		same(t, what, rows[0][1], []any{"editor", "PUBLIC"})
	}
	refused := func(what, token string) {
		t.Helper()
		if rows, err := who(server, token); err == nil || !strings.Contains(err.Error(), codeUnauthorized) {
			t.Errorf("%s: %v, %v", what, rows, err)
		}
	}
	token := k.client(realm)
	accepted("token", server, token)
	refused("another realm's", k.client(realm+"-other"))
	refused("wrong audience", k.client(realm+"-audience"))
	head, signature, _ := strings.Cut(token[strings.Index(token, ".")+1:], ".")
	refused("tampered claims", token[:strings.Index(token, ".")]+"."+head[:len(head)-2]+"AA."+signature)
	refused("tampered signature", token[:len(token)-8]+"AAAAAAAA")
	short := k.client(realm + "-short")
	ahead.Store(1)
	refused("expired", short)
	ahead.Store(0)
	accepted("groups from user info", trust([]string{realm}, "get_groups_from_user_info=true"), token)

	k.do("POST", "/"+realm+"/components", dict{"name": "newer", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider", "config": dict{"priority": []any{"200"}}})
	rotated := k.client(realm)
	if rotated[:strings.Index(rotated, ".")] == token[:strings.Index(token, ".")] {
		t.Error("the key was not rotated")
	}
	accepted("the new key", server, rotated)
	accepted("the old key", server, token)
}
