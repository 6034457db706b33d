package oktatest

import (
	"crypto/subtle"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// orgTokenType is the typ header of an access token of the org authorization server.
const orgTokenType = "application/okta-internal-at+jwt"

// orgTokenLife is fixed: the org authorization server has no policies.
const orgTokenLife = time.Hour

func managementScopes() []string {
	return []string{
		"okta.apps.read", "okta.apps.manage", "okta.authorizationServers.read", "okta.authorizationServers.manage", "okta.logs.read",
	}
}

// authorize checks the credential of a call to the management API and says whether it was valid.
func (s *Server) authorize(c *call) (bool, error) {
	if c.route.scope == "" {
		return false, nil
	}
	kind, text, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(kind, "SSWS") && subtle.ConstantTimeCompare([]byte(text), []byte(s.org.Token)) == 1:
		c.actor = tokenActor()
	case strings.EqualFold(kind, "Bearer"):
		if err := s.authorizeBearer(c, text); err != nil {
			return false, err
		}
	case strings.EqualFold(kind, "DPoP"):
		return false, notEmulated("DPoP-bound tokens on the management API")
	default:
		return false, standardError(http.StatusUnauthorized)
	}
	return true, checkContentType(c)
}

func checkContentType(c *call) error {
	kind, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if len(c.body) == 0 || kind == "application/json" {
		return nil
	}
	return &apiError{status: 400, code: "E0000021", summary: "Bad request. Accept and/or Content-Type headers likely do not match supported values."}
}

// authorizeBearer accepts a token of the org authorization server that has the scope: manage for a change, read or manage for a read.
func (s *Server) authorizeBearer(c *call, text string) error {
	claims, a, err := s.orgClaims(c, text)
	if err != nil {
		return bearerError(http.StatusUnauthorized, "invalid_token", "The token is invalid or expired.")
	}
	want := []string{c.route.scope + ".manage"}
	if c.route.method == http.MethodGet {
		want = append(want, c.route.scope+".read")
	}
	if !slices.ContainsFunc(want, func(w string) bool { return slices.Contains(claims.Scopes, w) }) {
		e := bearerError(http.StatusForbidden, "insufficient_scope", "The access token provided does not contain the required scopes.")
		return e
	}
	c.actor = a.actor()
	return nil
}

func bearerError(status int, code, description string) *apiError {
	e := standardError(status)
	e.header = http.Header{"Www-Authenticate": {
		`Bearer error="` + code + `", error_description="` + description + `"`,
	}}
	return e
}

type orgClaims struct {
	jwt.Claims
	Client string   `json:"cid"`
	Scopes []string `json:"scp"`
}

// orgClaims verifies a token of the org authorization server.
func (s *Server) orgClaims(c *call, text string) (*orgClaims, *app, error) {
	bad := standardError(http.StatusUnauthorized)
	tok, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, nil, bad
	}
	claims := &orgClaims{}
	if err := tok.Claims(&activeKey(s.org.Keys).private().PublicKey, claims); err != nil {
		return nil, nil, bad
	}
	a := s.org.byClient[claims.Client]
	if claims.Issuer != s.base() || a == nil || !s.alive(a, &claims.Claims, c.now) {
		return nil, nil, bad
	}
	return claims, a, nil
}

// alive says whether a token still counts: not expired, not revoked, its client active and never deactivated since.
func (s *Server) alive(a *app, claims *jwt.Claims, now time.Time) bool {
	if claims.Expiry == nil || claims.IssuedAt == nil || !now.Before(claims.Expiry.Time()) || a.Status != active {
		return false
	}
	if claims.IssuedAt.Time().Unix() < a.CutOff {
		return false
	}
	return !slices.ContainsFunc(s.org.Revoked, func(r revoked) bool { return r.ID == claims.ID })
}

// orgToken is the token endpoint of the org authorization server: service apps by private_key_jwt, scopes of the management API only.
// Okta wants the scopes granted to the app first; grants are not emulated, any service app may ask for any of the scopes.
func orgToken(s *Server, c *call) (reply, error) {
	form, err := c.form(true)
	if err != nil {
		return reply{}, err
	}
	endpoints := s.endpoints(c, s.base(), "/oauth2/v1/token")
	a, err := s.authenticate(c, form, endpoints)
	if err != nil {
		return reply{}, err
	}
	if m := a.Credentials.OAuthClient.AuthMethod; m != "private_key_jwt" || a.Settings.OAuthClient.ApplicationType != "service" {
		return reply{}, invalidClient("Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.")
	}
	jkt, err := s.checkDPoP(c, a, endpoints)
	if err != nil {
		return reply{}, err
	}
	if err := checkGrantType(a, form); err != nil {
		return reply{}, err
	}
	scopes := strings.Fields(form.Get("scope"))
	if len(scopes) == 0 {
		return reply{}, invalidScope("No scopes were requested.")
	}
	for _, name := range scopes {
		if !slices.Contains(managementScopes(), name) {
			return reply{}, invalidScope("One or more scopes are not configured for the authorization server resource.")
		}
	}
	claims, err := s.payload(c.now, s.base(), s.base(), a, scopes, orgTokenLife, jkt)
	if err != nil {
		return reply{}, err
	}
	answer, err := s.sign(activeKey(s.org.Keys), claims, orgTokenType)
	if err != nil {
		return reply{}, err
	}
	s.event(c, "app.oauth2.token.grant.access_token", "SUCCESS", "", a.clientTarget())
	return ok(answer)
}
