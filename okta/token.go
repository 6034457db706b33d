package okta

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"keymaker/reconcile"
)

// granted is the answer of a token endpoint. The token is behind a door at once.
type granted struct {
	token reconcile.Secret
	raw   string // for reading its claims here; it leaves this file as token only
	scope string
	life  time.Duration
	typ   string
}

// token asks for a token with client_credentials. No scopes leaves the choice to the server.
func (c *client) token(ctx context.Context, server string, l login, scopes []string) (granted, error) {
	l.form = url.Values{"grant_type": {grantMachine}}
	if len(scopes) > 0 {
		l.form.Set("scope", strings.Join(scopes, " "))
	}
	path := "/oauth2/" + url.PathEscape(server) + "/v1/token"
	a, err := c.do(ctx, call{method: http.MethodPost, path: path, public: true, login: &l, repeat: true})
	if err != nil {
		return granted{}, err
	}
	var said struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		Scope       string `json:"scope"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(a.body, &said); err != nil || said.AccessToken == "" {
		return granted{}, fmt.Errorf("POST %s answered 200 without an access token", path)
	}
	token := said.AccessToken
	return granted{
		token: reconcile.NewSecret("token endpoint of "+server, func() (string, error) { return token, nil }),
		raw:   token, scope: said.Scope, life: time.Duration(said.ExpiresIn) * time.Second, typ: said.TokenType,
	}, nil
}

// discovery is what an authorization server says of itself.
type discovery struct {
	Issuer  string `json:"issuer"`
	JWKSURI string `json:"jwks_uri"`
}

func (c *client) discover(ctx context.Context, server string) (discovery, error) {
	var d discovery
	path := "/oauth2/" + url.PathEscape(server) + "/.well-known/openid-configuration"
	a, err := c.do(ctx, call{method: http.MethodGet, path: path, public: true, repeat: true})
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(a.body, &d); err != nil || d.Issuer == "" {
		return d, fmt.Errorf("GET %s answered 200 without an issuer", path)
	}
	return d, nil
}

// keys fetches the public keys of an authorization server.
func (c *client) keys(ctx context.Context, server string) (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	path := "/oauth2/" + url.PathEscape(server) + "/v1/keys"
	a, err := c.do(ctx, call{method: http.MethodGet, path: path, public: true, repeat: true})
	if err != nil {
		return set, err
	}
	if err := json.Unmarshal(a.body, &set); err != nil {
		return set, fmt.Errorf("GET %s answered 200 with no key set", path)
	}
	return set, nil
}

// claimsOf checks a token's signature and gives what it says. Errors never quote the token.
func claimsOf(token string, keys jose.JSONWebKeySet) (map[string]reconcile.Value, error) {
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, errors.New("the token is no JWT signed with RS256")
	}
	kid := parsed.Signatures[0].Header.KeyID
	known := keys.Key(kid)
	if len(known) == 0 {
		return nil, fmt.Errorf("the token is signed with the key %q, which the server's key set does not have", clean(kid))
	}
	payload, err := parsed.Verify(known[0])
	if err != nil {
		return nil, errors.New("the token's signature does not fit the server's key")
	}
	var decoded map[string]any
	if err := decodeJSON(payload, &decoded); err != nil {
		return nil, errors.New("the token's payload is no JSON object")
	}
	claims := make(map[string]reconcile.Value, len(decoded))
	for name, v := range decoded {
		claims[name] = valueOf(v)
	}
	return claims, nil
}

// clockSkew is how far two clocks may be apart.
const clockSkew = 2 * time.Minute

// checkClaims compares what every token must say: who issued it, for whom, to whom, until when.
func checkClaims(claims map[string]reconcile.Value, issuer, audience, clientID string, now time.Time) error {
	if got := claims["iss"]; got != reconcile.Text(issuer) {
		return fmt.Errorf("iss is %s, and the server's issuer is %q", shown(got), issuer)
	}
	if audience != "" && claims["aud"] != reconcile.Text(audience) && !contains(claims["aud"], reconcile.Text(audience)) {
		return fmt.Errorf("aud is %s, and the server's audience is %q", shown(claims["aud"]), audience)
	}
	if got := claims["cid"]; got != reconcile.Text(clientID) {
		return fmt.Errorf("cid is %s, and the client is %q", shown(got), clientID)
	}
	exp, _ := claims["exp"].(reconcile.Number)
	seconds, err := json.Number(exp).Int64()
	if err != nil || time.Unix(seconds, 0).Before(now.Add(-clockSkew)) {
		return fmt.Errorf("exp is %s, which is past: compare this machine's clock with Okta's", shown(claims["exp"]))
	}
	return nil
}

func shown(v reconcile.Value) string {
	if v == nil {
		return "missing"
	}
	return printJSON(v)
}

// keyID is the thumbprint of a public key (RFC 7638).
func keyID(public *rsa.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("public key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// signedAssertion is how a client proves by client_secret_jwt or private_key_jwt that it knows its secret or has its key (RFC 7523).
func signedAssertion(clientID, endpoint string, key jose.SigningKey, now time.Time) (string, error) {
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		return "", fmt.Errorf("sign the client assertion: %w", err)
	}
	var id [16]byte
	_, _ = rand.Read(id[:])
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: clientID, Subject: clientID, Audience: jwt.Audience{endpoint}, ID: base64.RawURLEncoding.EncodeToString(id[:]),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).Serialize()
}

// names lists a token's claims, for saying what came.
func names(claims map[string]reconcile.Value) string {
	var ns []string
	for name := range claims {
		ns = append(ns, clean(name))
	}
	slices.Sort(ns)
	return strings.Join(ns, ", ")
}
