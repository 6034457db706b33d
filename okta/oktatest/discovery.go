package oktatest

import "net/http"

// metadata is a discovery document (RFC 8414 and OpenID Connect Discovery; reference page "OIDC & OAuth 2.0 API").
type metadata struct {
	Issuer                string   `json:"issuer"`
	Authorization         string   `json:"authorization_endpoint"`
	Token                 string   `json:"token_endpoint"`
	UserInfo              string   `json:"userinfo_endpoint,omitempty"`
	Registration          string   `json:"registration_endpoint"`
	JWKS                  string   `json:"jwks_uri"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgs           []string `json:"id_token_signing_alg_values_supported,omitempty"`
	Scopes                []string `json:"scopes_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	Claims                []string `json:"claims_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	Introspection         string   `json:"introspection_endpoint"`
	IntrospectionMethods  []string `json:"introspection_endpoint_auth_methods_supported"`
	Revocation            string   `json:"revocation_endpoint"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
	EndSession            string   `json:"end_session_endpoint"`
	RequestParameter      bool     `json:"request_parameter_supported"`
	DPoPAlgs              []string `json:"dpop_signing_alg_values_supported"`
}

func newMetadata(issuer, endpoints, registration string, openID bool) metadata {
	methods := []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"}
	m := metadata{
		Issuer: issuer, Authorization: endpoints + "/v1/authorize", Token: endpoints + "/v1/token", Registration: registration,
		JWKS:          endpoints + "/v1/keys",
		ResponseTypes: []string{"code", "token", "id_token", "code id_token", "code token", "id_token token", "code id_token token"},
		ResponseModes: []string{"query", "fragment", "form_post", "okta_post_message"},
		GrantTypes: []string{"authorization_code", "implicit", "refresh_token", "password", "client_credentials",
			"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"},
		SubjectTypes: []string{"public"}, TokenAuthMethods: methods, ChallengeMethods: []string{"S256"},
		Introspection: endpoints + "/v1/introspect", IntrospectionMethods: methods,
		Revocation: endpoints + "/v1/revoke", RevocationAuthMethods: methods,
		EndSession: endpoints + "/v1/logout", RequestParameter: true, DPoPAlgs: dpopAlgs(),
		// The list is fixed: custom claims never appear.
		Claims: []string{"ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"},
	}
	if openID {
		m.UserInfo, m.IDTokenAlgs = endpoints+"/v1/userinfo", []string{"RS256"}
	}
	return m
}

func isOpenID(c *call) bool { return c.route.pattern[len(c.route.pattern)-1] == "openid-configuration" }

func discovery(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	m := newMetadata(s.issuer(a), s.issuer(a), s.base()+"/oauth2/v1/clients", isOpenID(c))
	m.Scopes = []string{}
	for _, x := range a.Scopes {
		if x.MetadataPublish == "ALL_CLIENTS" {
			m.Scopes = append(m.Scopes, x.Name)
		}
	}
	return cacheable(m)
}

func orgDiscovery(s *Server, c *call) (reply, error) {
	m := newMetadata(s.base(), s.base()+"/oauth2", s.base()+"/oauth2/v1/clients", isOpenID(c))
	m.Scopes = append([]string{"openid", "email", "profile", "address", "phone", "offline_access", "groups"}, managementScopes()...)
	return cacheable(m)
}

type publicKeySet struct {
	Keys []signingKeyView `json:"keys"`
}

func publicKeys(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	return cacheable(viewKeys(a.Keys))
}

func orgKeys(s *Server, _ *call) (reply, error) { return cacheable(viewKeys(s.org.Keys)) }

func viewKeys(keys []*signingKey) publicKeySet {
	set := publicKeySet{Keys: []signingKeyView{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.view())
	}
	return set
}

// cacheable answers may be kept by clients: how long Okta says is not recorded, an hour is short enough to see a rotation.
func cacheable(body any) (reply, error) {
	return reply{status: http.StatusOK, header: http.Header{"Cache-Control": {"max-age=3600, must-revalidate"}}, body: body}, nil
}
