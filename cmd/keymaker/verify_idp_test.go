package main

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

// mint is an identity provider that signs whatever it is asked to.
type mint struct {
	t    *testing.T
	url  string
	keys map[string]*rsa.PrivateKey // by kid; the published one is k1
}

func newMint(t *testing.T) mint {
	t.Helper()
	m := mint{t: t, keys: make(map[string]*rsa.PrivateKey)}
	for _, kid := range []string{"k1", "unpublished"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		m.keys[kid] = key
	}
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: m.keys["k1"].Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
			return
		}
		answer(w, map[string]any{"issuer": m.url, "jwks_uri": m.url + "/keys", "authorization_endpoint": m.url + "/authorize", "token_endpoint": m.url + "/token"})
	}))
	t.Cleanup(s.Close)
	m.url = s.URL
	return m
}

// sign makes a token of the usual claims with some changed, and nil taken away, and signs it as the header says.
func (m mint) sign(header map[string]any, claims map[string]any) string {
	m.t.Helper()
	now := time.Now()
	h := map[string]any{"alg": "RS256", "kid": "k1"}
	c := map[string]any{"iss": m.url, "aud": "api://graph", "sub": "canary-subject", "cid": "canary-subject", "scp": []any{"graph"}, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "groups": []any{"gw"}}
	merge := func(into, change map[string]any) string {
		for k, v := range change {
			if into[k] = v; v == nil {
				delete(into, k)
			}
		}
		text, err := json.Marshal(into)
		if err != nil {
			m.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := merge(h, header) + "." + merge(c, claims)
	switch h["alg"] {
	case "none":
		return signed + "."
	case "HS256": // under the public key, as the old attack has it
		mac := hmac.New(sha256.New, m.keys["k1"].N.Bytes())
		mac.Write([]byte(signed))
		return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	key := m.keys["k1"]
	if h["kid"] == "unpublished" {
		key = m.keys["unpublished"]
	}
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		m.t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// mintSpec is a spec whose provider takes the mint's tokens. Nothing of it is in Okta.
func mintSpec(m mint) string {
	return `neo4j "role" "w" {
  grant = ["ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j"]
}
neo4j "oidc_provider" "backend" {
  well_known_discovery_uri = "` + m.url + `/.well-known/openid-configuration"
  issuer                   = "` + m.url + `"
  audience                 = ["api://graph"]
  username_claim           = "sub"
  groups_claim             = "groups"
  token_type               = "access_token"
  group_to_role            = { gw = [neo4j.role.w] }
}
`
}

// Each sort of token is explained: which hop says what is wrong with it, why, and what Neo4j makes of it, which is tried too.
func TestTokensOfEverySort(t *testing.T) {
	t.Parallel()
	t0, m, grounds := t, newMint(t), make(map[string]ground)
	past, future := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	type fields = map[string]any
	identity := fields{"scp": nil, "cid": nil, "nonce": "n", "at_hash": "h"}
	for _, c := range []struct {
		name           string
		header, claims fields
		spec           func(string) string
		broken         string // the hops that fail, in order
		cause          string // of the first of them
		login          string // how the login ends, and a part of what it says
	}{
		{"as it should be", nil, nil, nil, "", "", "ok taken by 1 member"},
		{"expired", nil, fields{"exp": past}, nil, "lifetime login", "get another one", "FAIL does not take"},
		{"not valid yet", nil, fields{"nbf": future}, nil, "lifetime login", "clock", "FAIL does not take"},
		{"without an end", nil, fields{"exp": nil}, nil, "lifetime login", "no token of an authorization server", "FAIL does not take"},
		{"an end with a fraction", nil, fields{"exp": float64(future) + 0.5}, nil, "", "", "ok taken"},
		{"an end that is no number", nil, fields{"exp": "tomorrow"}, nil, "lifetime login", "no token of an authorization server", "FAIL does not take"},
		{"another audience", nil, fields{"aud": "api://other"}, nil, "audience login", "another authorization server", "FAIL does not take"},
		{"one of several audiences", nil, fields{"aud": []any{"api://other", "api://graph"}}, nil, "", "", "ok taken"},
		{"another issuer", nil, fields{"iss": "https://other.okta.com/oauth2/default"}, nil, "issuer login", "another identity provider or org", "FAIL does not take"},
		{"a slash behind the issuer", nil, fields{"iss": m.url + "/"}, nil, "issuer login", "slash at the end", "FAIL does not take"},
		{"an ID token", nil, identity, nil, "token", "send access_token", "ok looks neither at the kind"},
		{"an ID token for its client", nil, with2(identity, "aud", "0oa1"), nil, "token audience login", "send access_token", "FAIL does not take"},
		{"an access token where ID tokens are taken", nil, nil, func(s string) string { return strings.Replace(s, `"access_token"`, `"id_token"`, 1) }, "token", "client sent access_token", "ok looks neither at the kind"},
		{"an ID token where they are taken", nil, identity, func(s string) string { return strings.Replace(s, `"access_token"`, `"id_token"`, 1) }, "", "", "ok taken"},
		{"an unknown key", fields{"kid": "unpublished"}, nil, nil, "signature login", "another authorization server or org", "FAIL does not take"},
		{"no key named", fields{"kid": nil}, nil, nil, "signature login", "kid", "FAIL does not take"},
		{"unsigned", fields{"alg": "none"}, nil, nil, "signature login", "nobody signed it", "FAIL does not take"},
		{"signed with a shared secret", fields{"alg": "HS256"}, nil, nil, "signature login", "shared secret", "FAIL does not take"},
		{"groups as one text", nil, fields{"groups": "gw"}, nil, "", "", "ok taken"},
		{"groups in one text", nil, fields{"groups": "gw,gx"}, nil, "roles", "holds several names in one text", "ok taken"},
		{"no groups", nil, fields{"groups": nil}, nil, "groups", "without the scope", "ok taken"},
		{"empty groups", nil, fields{"groups": []any{}}, nil, "groups", "is empty", "ok taken"},
		{"groups that are no texts", nil, fields{"groups": []any{1, true}}, nil, "groups", "something else than texts", "ok taken"},
		{"an unmapped group", nil, fields{"groups": []any{"gx"}}, nil, "roles", "group_to_role lacks the group", "ok taken"},
		{"one group of two mapped", nil, fields{"groups": []any{"gx", "gw"}}, nil, "", "", "ok taken"},
		{"bound to a key", nil, fields{"cnf": fields{"jkt": "thumbprint"}}, nil, "token", "DPoP is on for the app", "ok looks neither at the kind"},
		{"of the org's own server", nil, fields{"aud": m.url}, func(s string) string { // the provider is for a custom server of the same org
			return strings.Replace(s, `issuer                   = "`+m.url+`"`, `issuer = "`+m.url+`/oauth2/default"`, 1)
		}, "issuer audience login", "Okta's own API", "FAIL does not take"},
		{"without a subject", nil, fields{"sub": nil}, nil, "user login", "use sub", "FAIL does not take"},
		{"too many groups for a token", nil, fields{"groups": nil, "_claim_names": fields{"groups": "src1"}}, nil, "groups", "overage", "ok taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := mintSpec(m)
			if c.spec != nil {
				spec = c.spec(spec)
			}
			g, ready := grounds[spec]
			if !ready {
				g = newGround(t0, 1)
				g.converge(spec, choice{})
				grounds[spec] = g
			}
			token := m.sign(c.header, c.claims)
			proof, said := g.examine(spec, token)
			var failed []string
			for _, h := range proof.Hops {
				if h.Status == reconcile.HopFail {
					failed = append(failed, h.Name)
					if h.Text == "" || h.Expected == "" || h.Came == "" || len(h.Likely) == 0 || h.Range.Empty() {
						t.Errorf("something is not told: %+v", h)
					}
				}
			}
			first, _ := proof.Broken()
			if strings.Join(failed, " ") != c.broken || !strings.Contains(strings.Join(first.Likely, "\n")+first.Came, c.cause) {
				t.Errorf("broken at %q because of %q, want %q because of %q\n%s", failed, first.Likely, c.broken, c.cause, said)
			}
			status, text, _ := strings.Cut(c.login, " ")
			if line := lineOf(hopsText(proof), "login"); !strings.HasPrefix(line, status) || !strings.Contains(line, text) {
				t.Errorf("login is %q, want %q\n%s", line, c.login, said)
			}
			validEvents(t, said)
			for i, part := range strings.Split(token, ".") {
				if len(part) > 10 && strings.Contains(said, part) {
					t.Errorf("part %d of the token is shown", i)
				}
			}
		})
	}
}

// with2 is a map with one more member.
func with2(m map[string]any, name string, value any) map[string]any {
	out := maps.Clone(m)
	out[name] = value
	return out
}

// Claims are shown whatever they hold, in every form, without a way to act: no control character, no signature, and no token, not even one inside of a claim.
func TestShownClaimsAreInert(t *testing.T) {
	t.Parallel()
	g, m := newGround(t, 1), newMint(t)
	spec := mintSpec(m)
	g.converge(spec, choice{})
	inner := m.sign(nil, nil)
	hostile := "\x1b]0;owned\a\x1b[2J\r\n\u202e</system-out>]]>```\u0007"
	token := m.sign(nil, map[string]any{
		"act": map[string]any{"sub": inner, hostile: hostile}, "list": []any{hostile, "Bearer " + inner}, inner: "name", hostile: hostile, "sub": "canary" + hostile, "groups": []any{"gw", hostile},
	})
	proof, said := g.examine(spec, token)
	junit, err := render.ProofsJUnit([]reconcile.Proof{proof})
	g.must(err)
	forms := said + string(junit) + string(render.ProofsMarkdown(reconcile.Verification{Proofs: []reconcile.Proof{proof}}, "bolt://x"))
	for i, r := range forms {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("%q stands in %q", r, forms[max(0, i-60):min(len(forms), i+20)])
		}
	}
	for _, secret := range []string{token, inner} {
		for _, part := range strings.Split(secret, ".") {
			if len(part) > 20 && strings.Contains(forms, part) {
				t.Errorf("a part of a token is shown: %.12s…", part)
			}
		}
	}
	if what := leak(forms); what != "" {
		t.Errorf("the claims show %s", what)
	}
	if !strings.Contains(said, `"(a token)"`) || !strings.Contains(said, `"Bearer (a token)"`) || !strings.Contains(said, `"(a token)": "name"`) {
		t.Errorf("what stood in the place of tokens is not told:\n%s", said)
	}
	if err := xml.Unmarshal(junit, new(struct{ XMLName xml.Name })); err != nil {
		t.Errorf("%v:\n%s", err, junit)
	}
}

// eventSchema is the published form of a line of verify --json.
var eventSchema = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(render.VerifySchema()))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("verify", doc); err != nil {
		panic(err)
	}
	return c.MustCompile("verify")
})

// validEvents holds the lines of a text that are JSON against the published form.
func validEvents(t *testing.T, text string) {
	t.Helper()
	lines := 0
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, `{"type":`) {
			continue
		}
		lines++
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err == nil {
			err = eventSchema().Validate(v)
		}
		if err != nil {
			t.Errorf("%v in %s", err, line)
		}
	}
	if lines < 3 {
		t.Errorf("%d events in %s", lines, text)
	}
}
