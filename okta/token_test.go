package okta

import (
	"crypto/rand"
	"crypto/rsa"
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
		claims, err := claimsOf(c.token, keys)
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
	tests := []struct {
		name, claim string
		value       reconcile.Value
		want        string
	}{
		{"good", "x", nil, ""},
		{"audience in a list", "aud", reconcile.List{txt("a"), txt("api://default")}, ""},
		{"just expired", "exp", reconcile.Int(now.Unix() - 60), ""}, // clocks differ
		{"issuer", "iss", txt("https://other"), "iss is"},
		{"audience", "aud", txt("api://other"), "aud is"},
		{"client", "cid", txt("other"), "cid is"},
		{"no client", "cid", nil, "cid is missing"},
		{"expired", "exp", reconcile.Int(now.Unix() - 600), "exp is"},
		{"no expiry", "exp", nil, "exp is missing"},
	}
	for _, c := range tests {
		claims := map[string]reconcile.Value{"iss": txt("https://i"), "aud": txt("api://default"), "cid": txt("c"), "exp": reconcile.Int(now.Unix() + 60)}
		claims[c.claim] = c.value
		err := checkClaims(claims, "https://i", "api://default", "c", now)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
