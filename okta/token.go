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
	"regexp"
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

// maxDocument bounds a discovery document and a key set.
const maxDocument = 1 << 20

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

// document reads a discovery document wherever it is. No credentials go there.
func (c *client) document(ctx context.Context, address string) (discovery, error) {
	var d discovery
	if err := c.publish(ctx, address, &d); err != nil {
		return d, err
	}
	if d.Issuer == "" {
		return d, fmt.Errorf("GET %s answered 200 without an issuer", address)
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

// claimsIn gives what a token says, before anybody checked its signature. Errors never quote the token.
func claimsIn(token string) (map[string]reconcile.Value, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the token is no JWT: Neo4j takes no opaque one")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, errors.New("the token is no JWT: its payload is not in base64url")
	}
	var decoded map[string]any
	if err := decodeJSON(payload, &decoded); err != nil {
		return nil, errors.New("the token's payload is no JSON object")
	}
	claims := make(map[string]reconcile.Value, len(decoded))
	for name, v := range decoded {
		claims[tokenWithin.ReplaceAllString(name, aToken)] = valueOf(withoutTokens(v))
	}
	return claims, nil
}

// tokenWithin is a token inside of a claim, as some products put the one that they exchanged, or a client's.
var tokenWithin = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*`)

// aToken stands in the place of one.
const aToken = "(a token)"

// withoutTokens takes the tokens out of a claim: what a token says may be shown, and no token ever is.
func withoutTokens(v any) any {
	switch v := v.(type) {
	case string:
		return tokenWithin.ReplaceAllString(v, aToken)
	case []any:
		for i := range v {
			v[i] = withoutTokens(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[tokenWithin.ReplaceAllString(name, aToken)] = withoutTokens(inner)
		}
		return out
	}
	return v
}

// unsigned says why a token's signature is not the server's. Errors never quote the token.
type unsigned struct {
	kid    string
	reason string
	lacks  bool // the key set does not have the key
}

// Error is the reason.
func (e *unsigned) Error() string { return e.reason }

// checkSignature checks a token against a server's keys, and gives the id of the one that signed it.
func checkSignature(token string, keys jose.JSONWebKeySet) (kid string, err error) {
	return checkSignatureBy(token, keys, jose.RS256)
}

func checkSignatureBy(token string, keys jose.JSONWebKeySet, algorithm jose.SignatureAlgorithm) (kid string, err error) {
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		return "", &unsigned{reason: "the token is no JWT signed with " + string(algorithm)}
	}
	kid = parsed.Signatures[0].Header.KeyID
	known := keys.Key(kid)
	if len(known) == 0 {
		return kid, &unsigned{kid: kid, lacks: true, reason: fmt.Sprintf("the token is signed with the key %q, which the server's key set does not have", clean(kid))}
	}
	if _, err := parsed.Verify(known[0]); err != nil {
		return kid, &unsigned{kid: kid, reason: "the token's signature does not fit the server's key " + clean(kid)}
	}
	return kid, nil
}

// clockSkew is how far two clocks may be apart.
const clockSkew = 2 * time.Minute

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
