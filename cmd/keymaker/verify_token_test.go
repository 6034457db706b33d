package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/joho/godotenv"

	"keymaker/okta"
	"keymaker/reconcile"
)

// tokenOf asks Okta for a token as the spec's account.
func (g ground) tokenOf(server, scope string) string {
	g.t.Helper()
	values, err := godotenv.Read(filepath.Join(g.dir, "etl.env"))
	g.must(err)
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	req, err := http.NewRequest(http.MethodPost, g.box.okta.URL+"/oauth2/"+server+"/v1/token", strings.NewReader(form.Encode()))
	g.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(values["OKTA_CLIENT_ID"], values["OKTA_CLIENT_SECRET"])
	answer, err := http.DefaultClient.Do(req)
	g.must(err)
	defer answer.Body.Close()
	var said struct {
		Token string `json:"access_token"`
	}
	g.must(json.NewDecoder(answer.Body).Decode(&said))
	if said.Token == "" {
		g.t.Fatalf("no token: %s", answer.Status)
	}
	return said.Token
}

// forged is a token with other claims or another header, under the old signature.
func forged(t testing.TB, token string, header, claims map[string]any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	for i, change := range []map[string]any{header, claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		m := make(map[string]any)
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		for k, v := range change {
			if m[k] = v; v == nil {
				delete(m, k)
			}
		}
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = base64.RawURLEncoding.EncodeToString(out)
	}
	return strings.Join(parts, ".")
}

// examine checks a token with nothing but the two addresses in the environment.
func (g ground) examine(text, token string) (reconcile.Proof, string) {
	g.t.Helper()
	read, err := okta.ReadToken("token.jwt", []byte(token+"\n"))
	g.must(err)
	s := g.session(text)
	addresses := map[string]string{"OKTA_CLIENT_ORGURL": g.box.okta.URL, "NEO4J_URI": g.box.neo4j.URL}
	env := environment{lookup: func(name string) (string, bool) { v, ok := addresses[name]; return v, ok }}
	w := &tokenWalk{program: g.prog, spec: s.spec, env: env, token: read}
	v, err := w.walk(g.t.Context(), true)
	g.must(err)
	g.said.Reset()
	g.must(g.prog.showProofs(v, w.target, false))
	g.must(g.prog.showProofs(v, w.target, true))
	return v.Proofs[0], g.said.String()
}

// Any token is explained without a right, and never shown.
func TestExamineToken(t *testing.T) {
	plain := func(g ground) string { return g.tokenOf("default", "neo4j_groups") }
	withExtra := strings.Replace(strings.Replace(worldSpec, "okta \"claim\"", "okta \"scope\" \"extra\" {}\nokta \"claim\"", 1),
		"scopes                = [okta.scope.neo4j_groups]", "scopes                = [okta.scope.neo4j_groups, okta.scope.extra]", 1)
	explicit := strings.Replace(worldSpec, "token_type ", "audience = [\"api://default\"]\n  token_type ", 1)
	tests := []struct {
		name, spec string
		token      func(g ground) string
		hop, cause string // "" when nothing is broken
		login      string // the status of its hop
	}{
		{"as it should be", worldSpec, plain, "", "", "ok"},
		{"with the audience in the spec", explicit, plain, "", "", "ok"},
		{"without the scope", withExtra, func(g ground) string { return g.tokenOf("default", "extra") }, "groups", "without the scope that the claim is tied to", "ok"},
		{"a group that is not mapped", worldSpec, func(g ground) string {
			g.must(g.box.okta.EditApp("etl", func(a map[string]any) { a["profile"] = map[string]any{"neo4j_groups": []any{"w"}} }))
			return plain(g)
		}, "roles", "a mapping switches roles of the same name off", "ok"},
		{"of another server", explicit, func(g ground) string {
			otherServer(g)
			servers, err := http.NewRequest(http.MethodGet, g.box.okta.URL+"/api/v1/authorizationServers", nil)
			g.must(err)
			servers.Header.Set("Authorization", "SSWS "+g.box.kept.OktaToken)
			answer, err := http.DefaultClient.Do(servers)
			g.must(err)
			defer answer.Body.Close()
			var list []map[string]any
			g.must(json.NewDecoder(answer.Body).Decode(&list))
			for _, one := range list {
				if one["name"] == "other" {
					return g.tokenOf(one["id"].(string), "read")
				}
			}
			g.t.Fatal("no other server")
			return ""
		}, "issuer", "another authorization server", "FAIL"},
		{"changed on the way", worldSpec, func(g ground) string { return forged(g.t, plain(g), nil, map[string]any{"groups": []any{"gw", "x"}}) }, "signature", "changed", "FAIL"},
		{"of an unknown key", worldSpec, func(g ground) string { return forged(g.t, plain(g), map[string]any{"kid": "k9"}, nil) }, "signature", "another authorization server or org", "FAIL"},
		{"signed with a secret", worldSpec, func(g ground) string { return forged(g.t, plain(g), map[string]any{"alg": "HS256"}, nil) }, "signature", "assertion", "FAIL"},
		{"unsigned", worldSpec, func(g ground) string { return forged(g.t, plain(g), map[string]any{"alg": "none"}, nil) }, "signature", "nobody signed it", "FAIL"},
		{"an ID token", worldSpec, func(g ground) string {
			return forged(g.t, plain(g), nil, map[string]any{"scp": nil, "cid": nil, "nonce": "n", "aud": "0oa1"})
		}, "token", "send access_token", "FAIL"},
		{"bound to a key", worldSpec, func(g ground) string {
			return forged(g.t, plain(g), nil, map[string]any{"cnf": map[string]any{"jkt": "x"}})
		}, "token", "switch it off", "FAIL"},
		{"for another audience", explicit, func(g ground) string { return forged(g.t, plain(g), nil, map[string]any{"aud": "api://x"}) }, "signature", "", "FAIL"},
		{"expired", worldSpec, func(g ground) string {
			return forged(g.t, plain(g), nil, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})
		}, "signature", "", "FAIL"},
		{"without a name", strings.Replace(worldSpec, `"sub"`, `"email"`, 1), plain, "user", "use sub", "FAIL"},
		{"a server with other settings", worldSpec, func(g ground) string {
			g.set(0, "audience", "api://x")
			return plain(g)
		}, "login", "not applied on that server", "FAIL"},
		{"a server with another mapping", worldSpec, func(g ground) string {
			g.set(0, "authorization.group_to_role_mapping", `"gw"=reader`)
			return plain(g)
		}, "session", "role w does not exist there", "ok"},
		{"no server to be reached", worldSpec, func(g ground) string {
			token := plain(g)
			g.must(g.box.neo4j.Close())
			return token
		}, "", "", "skip"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, 1)
			g.converge(c.spec, choice{})
			token := c.token(g)
			proof, said := g.examine(c.spec, token)
			h, is := proof.Broken()
			if is != (c.hop != "") || is && (h.Name != c.hop || h.Text == "" || h.Expected == "" || h.Came == "") || !strings.Contains(strings.Join(h.Likely, "\n"), c.cause) {
				t.Errorf("want %q because of %q, got %+v\n%s", c.hop, c.cause, h, hopsText(proof))
			}
			if line := lineOf(hopsText(proof), "login"); !strings.HasPrefix(line, c.login) {
				t.Errorf("login is %q, want %s", line, c.login)
			}
			for i, part := range strings.Split(token, ".") {
				if len(part) > 10 && strings.Contains(said, part) {
					t.Errorf("part %d of the token is shown", i)
				}
			}
			if !strings.Contains(said, `"iss"`) || c.login == "ok" != strings.Contains(said, "'passwordChangeRequired'") {
				t.Errorf("claims or the row are missing, or are there and should not be:\n%s", said)
			}
		})
	}
}
