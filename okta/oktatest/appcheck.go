package oktatest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var (
	clientIDForm  = regexp.MustCompile(`^[A-Za-z0-9$\-_.+!*'(),]{6,100}$`)
	printableText = regexp.MustCompile(`^[\x20-\x7E]+$`)

	authMethods = []string{"none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"}
	// grantTypes is also the order in which rules list their grants. Recorded: client_credentials before authorization_code, and
	// implicit before password, whatever the request's order.
	grantTypes = []string{
		"implicit", "client_credentials", "authorization_code", "password", "refresh_token", "interaction_code",
		"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
		"urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:ietf:params:oauth:grant-type:jwt-bearer",
		"urn:openid:params:grant-type:ciba", "urn:okta:params:oauth:grant-type:otp", "urn:okta:params:oauth:grant-type:oob",
		"http://auth0.com/oauth/grant-type/mfa-otp", "http://auth0.com/oauth/grant-type/mfa-oob",
	}
)

// maxProfile is the documented size of a profile, about 1 MB.
const maxProfile = 1 << 20

func usesSecret(method string) bool { return strings.HasPrefix(method, "client_secret_") }

// checkApp validates what a POST (old is nil) or PUT would make of an app, and returns the keys of its jwks.
func (s *Server) checkApp(old *app, b *appBody) ([]*appKey, error) {
	if string(b.Profile) == "null" {
		b.Profile = nil
	}
	if b.Credentials.OAuthClient == nil {
		b.Credentials.OAuthClient = newOAuthClient()
	}
	if b.Settings.OAuthClient == nil {
		b.Settings.OAuthClient = newOAuthSettings()
	}
	for _, check := range []func(*app, *appBody) error{checkAppFrame, s.checkClient, checkClientSettings} {
		if err := check(old, b); err != nil {
			return nil, err
		}
	}
	if s.DropProfileNulls && b.Profile != nil {
		if err := dropNulls(&b.Profile); err != nil {
			return nil, err
		}
	}
	keys, err := readKeys(b.Settings.OAuthClient.JWKS)
	if err != nil {
		return nil, err
	}
	if b.Credentials.OAuthClient.AuthMethod == "private_key_jwt" && len(keys) == 0 && b.Settings.OAuthClient.JWKSURI == "" {
		// Not recorded; a client of this method without a key can never authenticate. A PUT without jwks removes the keys.
		return nil, invalid("jwks", "jwks: 'jwks' or 'jwks_uri' must be specified when 'token_endpoint_auth_method' is 'private_key_jwt'.")
	}
	return keys, nil
}

// dropNulls takes the members of objects that are null out of a JSON text, at every depth.
func dropNulls(text *json.RawMessage) error {
	var v any
	if err := decode(*text, &v); err != nil {
		return err
	}
	out, err := encode(withoutNulls(v))
	*text = out
	return err
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if member == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(member)
		}
	case []any:
		for i, member := range v {
			v[i] = withoutNulls(member)
		}
	}
	return v
}

func checkAppFrame(_ *app, b *appBody) error {
	switch {
	case b.Label == "":
		return invalid("label", "label: Label must be specified")
	case len([]rune(b.Label)) > 100: // from the older reference; today's maximum is unknown
		return invalidField("label", "The field is too long")
	case b.Name != "oidc_client":
		return invalidField("name", "The field has an invalid value")
	case len(b.Profile) > maxProfile:
		return invalidField("profile", "The field is too long")
	}
	if b.Profile != nil {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(b.Profile, &object); err != nil {
			return invalidField("profile", "The field has an invalid value")
		}
	}
	return nil
}

func (s *Server) checkClient(old *app, b *appBody) error {
	cl := b.Credentials.OAuthClient
	if !slices.Contains(authMethods, cl.AuthMethod) {
		return invalidField("token_endpoint_auth_method", "The field has an invalid value")
	}
	if old != nil && cl.ClientID != old.clientID() {
		// Documented as immutable; whether a different one is ignored or refused is unknown.
		return invalidField("client_id", "'client_id' cannot be modified.")
	}
	if old == nil && cl.ClientID != "" {
		if !clientIDForm.MatchString(cl.ClientID) || cl.ClientID == "ALL_CLIENTS" {
			return invalidField("client_id", "The field has an invalid value")
		}
		if s.org.byClient[cl.ClientID] != nil {
			return invalidField("client_id", "A client with this 'client_id' already exists.")
		}
	}
	if cl.ClientSecret != nil && *cl.ClientSecret != "" {
		return checkSecret(cl.AuthMethod, *cl.ClientSecret)
	}
	if old != nil && usesSecret(cl.AuthMethod) && len(old.Secrets) > 0 {
		return checkSecret(cl.AuthMethod, old.Secrets[len(old.Secrets)-1].Text)
	}
	return nil
}

// checkSecret words its refusals as the API reference does.
func checkSecret(method, text string) error {
	const field = "client_secret"
	switch {
	case !usesSecret(method):
		return invalid("OAuth2ClientSecretMediated", "'client_secret' cannot be used when 'token_endpoint_auth_method' is '"+method+"'.")
	case len(text) > 100:
		return invalidField(field, "'client_secret' cannot be more than '100' characters long.")
	case len(text) < 14:
		return invalidField(field, "'client_secret' must be at least '14' characters long.")
	case method == "client_secret_jwt" && len(text) < 32:
		return invalidField(field, "'client_secret' must be at least '32' characters long when 'token_endpoint_auth_method' is 'client_secret_jwt'.")
	case !printableText.MatchString(text):
		return invalidField(field, "'client_secret' must match the regular expression '[x20-x7E]+'.")
	}
	return nil
}

func checkClientSettings(_ *app, b *appBody) error {
	oc := b.Settings.OAuthClient
	for _, e := range []struct {
		field   string
		values  []string
		allowed []string
		needed  bool
	}{
		{"grant_types", oc.GrantTypes, grantTypes, true},
		{"response_types", oc.ResponseTypes, []string{"code", "token", "id_token"}, false},
		{"application_type", one(oc.ApplicationType), []string{"web", "native", "browser", "service"}, true},
		{"consent_method", one(oc.ConsentMethod), []string{"TRUSTED", "REQUIRED"}, false},
		{"issuer_mode", one(oc.IssuerMode), []string{"ORG_URL", "CUSTOM_URL", "DYNAMIC"}, false},
	} {
		if e.needed && len(e.values) == 0 {
			return invalidField(e.field, "The field cannot be left blank")
		}
		for _, v := range e.values {
			if !slices.Contains(e.allowed, v) {
				return invalidField(e.field, "The field has an invalid value")
			}
		}
	}
	for field, uri := range map[string]*string{"client_uri": oc.ClientURI, "logo_uri": oc.LogoURI} {
		if uri != nil && len(*uri) > 1024 {
			return invalidField(field, "The field is too long")
		}
	}
	method := b.Credentials.OAuthClient.AuthMethod
	if method == "none" && slices.Contains(oc.GrantTypes, "client_credentials") {
		// Not recorded; a public client has no credentials to grant for.
		return invalidField("token_endpoint_auth_method", "The field has an invalid value")
	}
	if oc.JWKS != nil && oc.JWKSURI != "" {
		return invalidField("jwks_uri", "'jwks' and 'jwks_uri' cannot both be specified.")
	}
	return nil
}

// one is a list of the text, empty when the text is.
func one(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}
