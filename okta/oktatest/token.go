package oktatest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const clientCredentials = "client_credentials"

// tokenAnswer is what a client gets: no refresh token and no ID token with client_credentials.
type tokenAnswer struct {
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Token   string `json:"access_token"`
	Scope   string `json:"scope"`
}

// serverToken is the token endpoint of a custom authorization server. The steps come in the order that the pages "Authorization
// Servers" and "Configure an access policy" give.
func serverToken(s *Server, c *call) (reply, error) {
	server, err := s.server(c.vars[0])
	if err != nil || server.Status != active { // what an inactive server answers is not recorded
		return reply{}, invalidRequest("The authorization server id is invalid.")
	}
	form, err := c.form(false)
	if err != nil {
		return reply{}, err
	}
	endpoints := s.endpoints(c, s.issuer(server), "/v1/token")
	a, err := s.authenticate(c, form, endpoints)
	if err != nil {
		return reply{}, err
	}
	answer, err := s.grant(c, server, a, form, endpoints)
	if err != nil {
		s.tokenRefused(c, server, a, err)
		return reply{}, err
	}
	s.event(c, "app.oauth2.as.token.grant", "SUCCESS", "", server.target(), a.clientTarget())
	s.event(c, "app.oauth2.as.token.grant.access_token", "SUCCESS", "", server.target(), a.clientTarget())
	return ok(answer)
}

// endpoints are the addresses a JWT may name an endpoint by: under the public base, and as it was called.
func (s *Server) endpoints(c *call, issuer, suffix string) []string {
	return []string{issuer + suffix, s.base() + c.URL.Path, s.URL + c.URL.Path}
}

func (s *Server) grant(c *call, server *authServer, a *app, form url.Values, endpoints []string) (*tokenAnswer, error) {
	jkt, err := s.checkDPoP(c, a, endpoints)
	if err != nil {
		return nil, err
	}
	if err := checkGrantType(a, form); err != nil {
		return nil, err
	}
	if err := checkNetwork(c, a); err != nil {
		return nil, err
	}
	scopes, err := server.requestedScopes(form)
	if err != nil {
		return nil, err
	}
	r, err := server.decide(a.clientID(), scopes)
	if err != nil {
		return nil, err
	}
	if err := server.checkConsent(scopes); err != nil {
		return nil, err
	}
	claims, err := s.payload(c.now, s.issuer(server), server.Audiences[0], a, scopes, time.Duration(r.Actions.Token.AccessMinutes)*time.Minute, jkt)
	if err != nil {
		return nil, err
	}
	if err := server.addClaims(claims, a, scopes); err != nil {
		return nil, err
	}
	return s.sign(activeKey(server.Keys), claims, "")
}

func checkGrantType(a *app, form url.Values) error {
	configured := a.Settings.OAuthClient.GrantTypes
	list := "[" + strings.Join(configured, ", ") + "]"
	kind := form.Get("grant_type")
	switch {
	case kind == "":
		return invalidRequest("The token request must specify a 'grant_type'. Valid values: [" + strings.Join(grantTypes, ", ") + "]")
	case !slices.Contains(grantTypes, kind):
		return &oauthError{400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server. Configured grant types: [" + strings.Join(grantTypes, ", ") + "].", nil}
	case !slices.Contains(configured, kind):
		return &oauthError{400, "unauthorized_client", "The client is not authorized to use the provided grant type. Configured grant types: " + list + ".", nil}
	case kind != clientCredentials:
		return notEmulated("grant_type " + kind)
	}
	return nil
}

// checkNetwork refuses what an app's network zones would have to decide: zones are not emulated.
func checkNetwork(_ *call, a *app) error {
	n := a.Settings.OAuthClient.Network
	if n == nil || n.Connection == "" || n.Connection == "ANYWHERE" {
		return nil
	}
	return &oauthError{403, "access_denied", "The request is made from outside the client's permitted network zones.", nil}
}

func invalidScope(description string) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_scope", description, nil}
}

// requestedScopes checks the scope parameter, or takes the default scopes when there is none.
func (a *authServer) requestedScopes(form url.Values) ([]string, error) {
	if !form.Has("scope") {
		var out []string
		for _, x := range a.Scopes {
			if x.Default {
				out = append(out, x.Name)
			}
		}
		if len(out) == 0 {
			return nil, invalidScope("The authorization server resource does not have any configured default scopes, 'scope' must be provided.")
		}
		return out, nil
	}
	var out []string
	for _, name := range strings.Fields(form.Get("scope")) {
		x := a.scope(name)
		switch {
		case x == nil:
			return nil, invalidScope("One or more scopes are not configured for the authorization server resource.")
		case x.System: // documented of openid, assumed of every OpenID Connect scope
			return nil, invalidScope("Cannot request 'openid' scopes using client credentials.")
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil, invalidScope("No scopes were requested.")
	}
	return out, nil
}

// checkConsent: nobody can consent in client_credentials. FLEXIBLE is granted silently.
func (a *authServer) checkConsent(scopes []string) error {
	var need []string
	for _, name := range scopes {
		if x := a.scope(name); x != nil && x.Consent == "REQUIRED" {
			need = append(need, name)
		}
	}
	if need == nil {
		return nil
	}
	return &oauthError{http.StatusBadRequest, "consent_required",
		"The following scopes require user consent and cannot be granted for the client credentials grant type: [" + strings.Join(need, ", ") + "].", nil}
}

// tokenRefused leaves the line in the log that fits the refusal.
func (s *Server) tokenRefused(c *call, server *authServer, a *app, err error) {
	kind, reason := "app.oauth2.as.token.grant", err.Error()
	if e, is := err.(*oauthError); is {
		reason = e.code
		switch {
		case e.code == "server_error":
			kind = "app.oauth2.as.evaluate.claim"
		case e.code == "access_denied" && e.status == http.StatusBadRequest:
			kind = "app.oauth2.as.authorize.scope_denied"
		}
	}
	s.event(c, kind, "FAILURE", reason, server.target(), a.clientTarget())
}

// payload is a token without custom claims.
func (s *Server) payload(now time.Time, issuer, audience string, a *app, scopes []string, life time.Duration, jkt string) (map[string]any, error) {
	claims := map[string]any{
		"ver": 1, "jti": "AT." + randomOf(idAlphabet+"_-", 43), "iss": issuer, "aud": audience,
		"iat": now.Unix(), "exp": now.Add(life).Unix(), "cid": a.clientID(), "scp": scopes, "sub": a.clientID(),
	}
	if jkt != "" {
		claims["cnf"] = map[string]any{"jkt": jkt}
	}
	return claims, nil
}

// addClaims evaluates the claims of access tokens whose scopes are empty or were granted. A claim that comes out as null is left
// out: what Okta does then is unknown, and a token without a claim grants less than one with an invented value.
func (a *authServer) addClaims(token map[string]any, client *app, scopes []string) error {
	vars, err := client.variables(scopes)
	if err != nil {
		return err
	}
	for _, x := range a.Claims {
		if x.Status != active || x.ClaimType != "RESOURCE" || x.ValueType != "EXPRESSION" || !x.appliesTo(scopes) {
			continue // a GROUPS claim has no user to look at
		}
		v, err := evaluate(x.Value, vars)
		if err != nil || x.Name == "sub" && v == nil {
			return &oauthError{http.StatusBadRequest, "server_error", "The '" + x.Name + "' user claim could not be evaluated.", nil}
		}
		if v != nil {
			token[x.Name] = v
		}
	}
	return nil
}

func (x *claim) appliesTo(scopes []string) bool {
	if len(x.Conditions.Scopes) == 0 {
		return true
	}
	return slices.ContainsFunc(scopes, func(n string) bool { return slices.Contains(x.Conditions.Scopes, n) })
}

// variables are what an expression can name when there is no user.
func (a *app) variables(scopes []string) (map[string]any, error) {
	profile := map[string]any{}
	if a.Profile != nil {
		if err := decode(a.Profile, &profile); err != nil {
			return nil, err
		}
	}
	granted := []any{}
	for _, n := range scopes {
		granted = append(granted, n)
	}
	return map[string]any{
		"app":     map[string]any{"id": a.ID, "clientId": a.clientID(), "name": a.Name, "label": a.Label, "profile": profile},
		"access":  map[string]any{"scope": granted},
		"appuser": nil,
		"user":    nil,
	}, nil
}

// sign makes the answer; typ is a header only the org's own tokens have.
func (s *Server) sign(key *signingKey, claims map[string]any, typ string) (*tokenAnswer, error) {
	opts := &jose.SignerOptions{}
	if typ != "" {
		opts = opts.WithType(jose.ContentType(typ))
	}
	jwk := jose.JSONWebKey{Key: key.private(), KeyID: key.Kid, Algorithm: "RS256"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jwk}, opts)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return nil, err
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		return nil, err
	}
	answer := &tokenAnswer{Type: "Bearer", Token: text, Scope: strings.Join(claims["scp"].([]string), " ")}
	answer.Expires = int(claims["exp"].(int64) - claims["iat"].(int64))
	if _, bound := claims["cnf"]; bound {
		answer.Type = "DPoP"
	}
	return answer, nil
}
