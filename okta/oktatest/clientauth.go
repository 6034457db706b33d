package oktatest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxAssertion is how far ahead a client assertion may expire.
const maxAssertion = time.Hour

func invalidClient(description string) *oauthError {
	return &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: description}
}

func invalidRequest(description string) *oauthError {
	return &oauthError{status: http.StatusBadRequest, code: "invalid_request", description: description}
}

const badCredentials = "Client authentication failed. Either the client or the client credentials are invalid."

// credentials are what a request to an OAuth endpoint authenticates its client by.
type credentials struct {
	method    string // as in token_endpoint_auth_method, but "assertion" for both kinds of JWT
	clientID  string
	secret    string
	decoded   string // secret without form encoding, "" when it has none
	assertion string
}

// form reads the parameters: the body, and with queryToo those of the URL, which Okta's Go SDK uses for the org's token endpoint.
func (c *call) form(queryToo bool) (url.Values, error) {
	query := c.URL.Query()
	for _, name := range []string{"client_secret", "client_assertion", "client_id"} {
		if query.Has(name) && (!queryToo || name == "client_secret") {
			return nil, invalidRequest("Client credentials cannot be supplied via query parameters.")
		}
	}
	kind, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if len(c.body) > 0 && kind != "application/x-www-form-urlencoded" {
		return nil, invalidRequest("The request must have Content-Type 'application/x-www-form-urlencoded'.")
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return nil, invalidRequest("The request body is not well-formed.")
	}
	if queryToo {
		for k, v := range query {
			form[k] = append(form[k], v...)
		}
	}
	return form, nil
}

// readCredentials finds the one method a request uses.
func readCredentials(c *call, form url.Values) (credentials, error) {
	var found []credentials
	if head := c.Header.Get("Authorization"); head != "" {
		cr, err := basicCredentials(head)
		if err != nil {
			return credentials{}, err
		}
		found = append(found, cr)
	}
	if form.Has("client_secret") {
		found = append(found, credentials{method: "client_secret_post", clientID: form.Get("client_id"), secret: form.Get("client_secret")})
	}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		if form.Get("client_assertion_type") != assertionType {
			return credentials{}, invalidClient("The client_assertion_type is invalid.")
		}
		found = append(found, credentials{method: "assertion", clientID: form.Get("client_id"), assertion: form.Get("client_assertion")})
	}
	switch {
	case len(found) > 1:
		return credentials{}, &oauthError{status: http.StatusUnauthorized, code: "invalid_request",
			description: "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body."}
	case len(found) == 1:
		return found[0], nil
	case form.Get("client_id") != "":
		return credentials{method: "none", clientID: form.Get("client_id")}, nil
	}
	return credentials{}, invalidClient("No client credentials found.")
}

func basicCredentials(head string) (credentials, error) {
	bad := invalidClient("Found Authentication header but was not valid client credentials.")
	kind, text, _ := strings.Cut(head, " ")
	raw, err := base64.StdEncoding.DecodeString(text)
	id, secret, colon := strings.Cut(string(raw), ":")
	if !strings.EqualFold(kind, "Basic") || err != nil || !colon || id == "" {
		return credentials{}, bad
	}
	// RFC 6749 section 2.3.1 wants both halves form-encoded, many clients do not do it: either reading of the secret may be the right one.
	if u, err := url.QueryUnescape(id); err == nil {
		id = u
	}
	decoded, err := url.QueryUnescape(secret)
	if err != nil {
		decoded = ""
	}
	return credentials{method: "client_secret_basic", clientID: id, secret: secret, decoded: decoded}, nil
}

// authenticate finds the client of a request: app ACTIVE, its own method, a secret or key that is ACTIVE.
func (s *Server) authenticate(c *call, form url.Values, audiences []string) (*app, error) {
	cr, err := readCredentials(c, form)
	if err != nil {
		return nil, err
	}
	if cr.method == "assertion" && cr.clientID == "" {
		cr.clientID = assertionSubject(cr.assertion)
	}
	a := s.org.byClient[cr.clientID]
	if a == nil {
		return nil, invalidClient("Invalid value for 'client_id' parameter.")
	}
	c.actor = a.actor()
	if err := s.prove(c, a, cr, audiences); err != nil {
		s.event(c, "app.oauth2.invalid_client_credentials", "FAILURE", "invalid_client", a.clientTarget())
		return nil, err
	}
	return a, nil
}

func (s *Server) prove(c *call, a *app, cr credentials, audiences []string) error {
	want := a.Credentials.OAuthClient.AuthMethod
	switch {
	case a.Status != active: // the catalogue has no error of its own for a deactivated client
		return invalidClient(badCredentials)
	case cr.method == "assertion" && (want == "private_key_jwt" || want == "client_secret_jwt"):
		return s.proveAssertion(c, a, cr, audiences)
	case cr.method != want:
		return invalidClient(badCredentials)
	case cr.method == "none":
		return nil
	}
	for _, x := range a.Secrets {
		if x.Status == active && (x.is(cr.secret) || cr.decoded != "" && x.is(cr.decoded)) {
			return nil
		}
	}
	return invalidClient("The client secret supplied for a confidential client is invalid.")
}

var (
	secretAlgs = []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512}
	keyAlgs    = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}
)

// assertionSubject is the client an assertion claims to be of; nothing is verified yet.
func assertionSubject(text string) string {
	tok, err := jwt.ParseSigned(text, append(append([]jose.SignatureAlgorithm{}, secretAlgs...), keyAlgs...))
	if err != nil {
		return ""
	}
	var claims jwt.Claims
	_ = tok.UnsafeClaimsWithoutVerification(&claims)
	return claims.Subject
}

// proveAssertion checks a JWT of the client (RFC 7523 section 3): signature, iss and sub, aud, a life of an hour at most, and that a jti
// is used once.
func (s *Server) proveAssertion(c *call, a *app, cr credentials, audiences []string) error {
	claims, err := verifyAssertion(a, c.keys, cr.assertion)
	if err != nil {
		return invalidClient("The client_assertion token is invalid: " + err.Error())
	}
	now := c.now
	switch {
	case claims.Issuer != cr.clientID || claims.Subject != cr.clientID:
		return invalidClient("The 'iss' and 'sub' claims of the client_assertion must be the client_id.")
	case !anyAudience(claims.Audience, audiences):
		return invalidClient("The audience claim for client_assertion must be the endpoint invoked for the request.")
	case claims.Expiry == nil:
		return invalidClient("The client_assertion token must have an 'exp' claim.")
	case !now.Before(claims.Expiry.Time()):
		return invalidClient("The client_assertion token is expired.")
	case claims.Expiry.Time().After(now.Add(maxAssertion + time.Minute)):
		return invalidClient("The client_assertion token has an expiration too far into the future.")
	case claims.NotBefore != nil && claims.NotBefore.Time().After(now.Add(time.Minute)):
		return invalidClient("The client_assertion token is not valid yet.")
	case claims.ID != "" && !s.firstUse("assertion "+cr.clientID+" "+claims.ID, claims.Expiry.Time(), now):
		return invalidClient("The client_assertion token has been used already.")
	}
	return nil
}

func verifyAssertion(a *app, fetched *jose.JSONWebKeySet, text string) (*jwt.Claims, error) {
	claims := &jwt.Claims{}
	if a.Credentials.OAuthClient.AuthMethod == "client_secret_jwt" {
		tok, err := jwt.ParseSigned(text, secretAlgs)
		if err != nil {
			return nil, err
		}
		for _, x := range a.Secrets {
			if x.Status == active && tok.Claims([]byte(x.Text), claims) == nil {
				return claims, nil
			}
		}
		return nil, errors.New("signature")
	}
	tok, err := jwt.ParseSigned(text, keyAlgs)
	if err != nil {
		return nil, err
	}
	kid := tok.Headers[0].KeyID
	keys := []jose.JSONWebKey{}
	for _, k := range a.Keys {
		if k.Status == active {
			keys = append(keys, k.Key)
		}
	}
	if fetched != nil {
		keys = append(keys, fetched.Keys...)
	}
	for _, k := range keys {
		if (kid == "" || kid == k.KeyID) && tok.Claims(k.Key, claims) == nil {
			return claims, nil
		}
	}
	return nil, errors.New("signature")
}

func anyAudience(have jwt.Audience, want []string) bool {
	for _, w := range want {
		if have.Contains(w) {
			return true
		}
	}
	return false
}

// firstUse remembers a one-time value until it expires and says whether it is new.
func (s *Server) firstUse(value string, until, now time.Time) bool {
	for v, t := range s.nonces {
		if now.After(t) {
			delete(s.nonces, v)
		}
	}
	if _, seen := s.nonces[value]; seen {
		return false
	}
	s.nonces[value] = until
	return true
}

// fetchClientKeys gets the key set of a client with a jwks_uri. It runs without the lock: the address may be anywhere, and slow.
func (s *Server) fetchClientKeys(c *call) *jose.JSONWebKeySet {
	if c.Method != http.MethodPost || !strings.HasPrefix(c.URL.Path, "/oauth2/") {
		return nil
	}
	form, err := c.form(true)
	if err != nil || !form.Has("client_assertion") {
		return nil
	}
	id := form.Get("client_id")
	if id == "" {
		id = assertionSubject(form.Get("client_assertion"))
	}
	s.mu.Lock()
	uri := ""
	if a := s.org.byClient[id]; a != nil {
		uri = a.Settings.OAuthClient.JWKSURI
	}
	s.mu.Unlock()
	if uri == "" {
		return nil
	}
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(uri)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	set := &jose.JSONWebKeySet{}
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(set) != nil {
		return nil
	}
	return set
}
