package okta

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"keymaker/reconcile"
)

func TestClaimsOf(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(k *rsa.PrivateKey, kid, payload string) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: k, KeyID: kid}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		object, err := signer.Sign([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		token, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k1", Algorithm: "RS256"}}}
	good := sign(key, "k1", `{"groups":["a"]}`)
	head, rest, _ := strings.Cut(good, ".")
	_, signature, _ := strings.Cut(rest, ".")
	for _, c := range []struct{ name, token, want string }{
		{"good", good, ""},
		{"another's signature", sign(other, "k1", `{"groups":["a"]}`), "signature"},
		{"changed payload", head + ".eyJncm91cHMiOlsiYiJdfQ." + signature, "signature"},
		{"unknown key", sign(key, "k2", `{}`), `key "k2"`},
		{"no JWT", "canary", "no JWT"},
		{"no object", sign(key, "k1", `[]`), "no JSON object"},
	} {
		claims, err := claimsIn(c.token)
		if err == nil {
			_, err = checkSignature(c.token, keys)
		}
		if c.want == "" {
			if err != nil || !same(claims["groups"], set("a")) {
				t.Errorf("%s: %v, %v", c.name, claims, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.token) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestCheckClaims(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	rule := block("rule", "r", args{"access_token_lifetime": txt("1h0m0s")})
	sys := &System{client: &client{settings: settings{org: &url.URL{Scheme: "https", Host: "example.okta.com"}}}}
	tests := []struct {
		name, claim string
		value       reconcile.Value
		want        string
	}{
		{"good", "x", nil, ""},
		{"audience in a list", "aud", reconcile.List{txt("a"), txt("api://default")}, ""},
		{"just expired", "exp", reconcile.Int(now.Unix() - 60), ""}, // clocks differ
		{"issuer", "iss", txt("https://other"), "iss is not"},
		{"audience", "aud", txt("api://other"), "aud is not"},
		{"client", "cid", txt("other"), "another client"},
		{"no client", "cid", nil, "another client"},
		{"no subject", "sub", nil, "sub is missing"},
		{"expired", "exp", reconcile.Int(now.Unix() - 600), "expired"},
		{"no expiry", "exp", nil, "expired"},
		{"another lifetime", "iat", reconcile.Int(now.Unix()), "does not live as long"},
		{"its lifetime", "iat", reconcile.Int(now.Unix() - 3540), ""},
	}
	for _, c := range tests {
		claims := map[string]reconcile.Value{"iss": txt("https://i"), "aud": txt("api://default"), "cid": txt("c"), "sub": txt("c"), "exp": reconcile.Int(now.Unix() + 60)}
		claims[c.claim] = c.value
		p := &proof{system: sys, meant: &intent{}, evidence: &reconcile.Evidence{Expected: []reconcile.Expectation{{Issuer: "https://i", Audience: []string{"api://default"}}}}, now: now, found: discovery{Issuer: "https://i"}}
		p.app.Facts = map[string]reconcile.Value{attrClientID: txt("c")}
		p.ways = []way{{rule: declare(t, block("policy", "p", nil, rule))[1], of: &issuer{}}}
		p.got.raw = "e30." + base64.RawURLEncoding.EncodeToString([]byte(asJSON(t, claims))) + ".e30"
		h := p.claims(t.Context())
		if c.want == "" && h.Status != reconcile.HopOK || c.want != "" && (h.Status != reconcile.HopFail || !strings.Contains(h.Text, c.want) || h.Expected == "" || h.Came == "") {
			t.Errorf("%s: got %+v, want %q", c.name, h, c.want)
		}
	}
}

func asJSON(t *testing.T, claims map[string]reconcile.Value) string {
	t.Helper()
	m := reconcile.Map{}
	for k, v := range claims {
		if v != nil {
			m[k] = v
		}
	}
	return printJSON(m)
}
