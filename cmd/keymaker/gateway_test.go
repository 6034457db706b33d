package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	claimset "github.com/go-jose/go-jose/v4/jwt"
	"github.com/joho/godotenv"

	"keymaker/reconcile"
)

// gateway stands before the org and asks for tokens with credentials of its own, whatever came: as a proxy does that is meant to keep secrets away from clients, and so gives
// a token to everybody who reaches it.
func (g ground) gateway(put func(form url.Values, header http.Header)) {
	g.t.Helper()
	org, err := url.Parse(g.box.okta.URL)
	g.must(err)
	proxy := httputil.NewSingleHostReverseProxy(org)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/v1/token") {
			body, _ := io.ReadAll(r.Body)
			form, _ := url.ParseQuery(string(body))
			r.Header.Del("Authorization")
			for _, name := range []string{"client_id", "client_secret", "client_assertion", "client_assertion_type"} {
				form.Del(name)
			}
			put(form, r.Header)
			text := form.Encode()
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			r.Header.Set("Content-Length", strconv.Itoa(len(text)))
		}
		r.Host = org.Host
		proxy.ServeHTTP(w, r)
	}))
	g.t.Cleanup(s.Close)
	g.box.okta.URL = s.URL
}

// With something in between that answers for Okta, a secret or a key that nobody has gets a token, and that is found.
func TestRefuteBadSecretBehindAGateway(t *testing.T) {
	keyed := strings.Replace(strings.Replace(worldSpec, `"client_secret_basic"`, `"private_key_jwt"`, 1), "secret {\n    file = \"etl.env\"", "key {\n    file = \"etl.pem\"", 1)
	posted := strings.Replace(worldSpec, `"client_secret_basic"`, `"client_secret_post"`, 1)
	for _, c := range []struct {
		name, spec string
		open       bool // the gateway is there
		want       string
	}{
		{"a secret", worldSpec, true, "a secret that nobody has gets a token"},
		{"a posted secret", posted, true, "a secret that nobody has gets a token"},
		{"a key", keyed, true, "a key that nobody has gets a token"},
		{"a secret, nothing in between", worldSpec, false, "a secret that nobody has gets no token (invalid_client)"},
		{"a key, nothing in between", keyed, false, "a key that nobody has gets no token (invalid_client)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, 1)
			g.converge(c.spec, choice{})
			if c.open {
				g.gateway(g.trueCredentials(c.spec))
			}
			p := g.verify(c.spec, reconcile.VerifyOptions{Negative: true}).Proofs[0]
			h, is := p.Broken()
			if line := lineOf(hopsText(p), "bad-secret"); !strings.HasSuffix(line, c.want) {
				t.Errorf("want %q\n%s", c.want, hopsText(p))
			}
			if is != c.open || is && (h.Name != "bad-secret" || h.Expected != "invalid_client" || h.Came != "a token" || !strings.Contains(h.Likely[0], "in between") && !strings.Contains(h.Likely[0], "between here and Okta")) {
				t.Errorf("broken at %+v\n%s", h, hopsText(p))
			}
		})
	}
}

// trueCredentials puts the account's own into a request.
func (g ground) trueCredentials(spec string) func(url.Values, http.Header) {
	g.t.Helper()
	id := g.clientOf("etl")
	if !strings.Contains(spec, "private_key_jwt") {
		values, err := godotenv.Read(filepath.Join(g.dir, "etl.env"))
		g.must(err)
		return func(form url.Values, header http.Header) {
			if strings.Contains(spec, "client_secret_post") {
				form.Set("client_id", id)
				form.Set("client_secret", values["OKTA_CLIENT_SECRET"])
				return
			}
			r := http.Request{Header: header}
			r.SetBasicAuth(id, values["OKTA_CLIENT_SECRET"])
		}
	}
	text, err := os.ReadFile(filepath.Join(g.dir, "etl.pem"))
	g.must(err)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	g.must(err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: parsed.(*rsa.PrivateKey)}, nil)
	g.must(err)
	return func(form url.Values, _ http.Header) {
		endpoint := g.box.okta.URL + "/oauth2/default/v1/token" // as the gateway is called: it is what the org has for its own address
		assertion, err := claimset.Signed(signer).Claims(claimset.Claims{Issuer: id, Subject: id, Audience: claimset.Audience{endpoint}, Expiry: claimset.NewNumericDate(time.Now().Add(time.Minute))}).Serialize()
		if err != nil {
			g.t.Error(err)
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
}
