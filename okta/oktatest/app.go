package oktatest

import (
	"encoding/json"
	"time"
)

const (
	active   = "ACTIVE"
	inactive = "INACTIVE"
)

// app is an application. What a client may send is in appBody, the rest belongs to the server.
type app struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	Created     string `json:"created"`
	LastUpdated string `json:"lastUpdated"`
	appBody
	Secrets []*secret `json:"secrets,omitempty"`
	Keys    []*appKey `json:"keys,omitempty"`
	// CutOff, in Unix seconds, ends all access tokens issued before it: deactivation does that for good.
	CutOff int64 `json:"cutOff,omitempty"`
}

// appBody is the part of an app that requests carry; members are in Okta's order.
type appBody struct {
	Name          string          `json:"name"`
	Label         string          `json:"label"`
	Accessibility accessibility   `json:"accessibility"`
	Visibility    visibility      `json:"visibility"`
	SignOnMode    *string         `json:"signOnMode"`
	Credentials   appCredentials  `json:"credentials"`
	Settings      appSettings     `json:"settings"`
	Profile       json.RawMessage `json:"profile,omitempty"`
}

type accessibility struct {
	SelfService      bool    `json:"selfService"`
	ErrorRedirectURL *string `json:"errorRedirectUrl"`
	LoginRedirectURL *string `json:"loginRedirectUrl"`
}

type visibility struct {
	AutoLaunch        bool            `json:"autoLaunch"`
	AutoSubmitToolbar bool            `json:"autoSubmitToolbar"`
	Hide              hide            `json:"hide"`
	AppLinks          map[string]bool `json:"appLinks"`
}

type hide struct {
	IOS bool `json:"iOS"`
	Web bool `json:"web"`
}

type appCredentials struct {
	UserNameTemplate userNameTemplate `json:"userNameTemplate"`
	Signing          signing          `json:"signing"`
	OAuthClient      *oauthClient     `json:"oauthClient,omitempty"`
}

type userNameTemplate struct {
	Template   string `json:"template"`
	Type       string `json:"type"`
	PushStatus string `json:"pushStatus,omitempty"`
	Suffix     string `json:"userSuffix,omitempty"`
}

type signing struct {
	Kid string `json:"kid,omitempty"`
}

type oauthClient struct {
	AutoKeyRotation bool    `json:"autoKeyRotation"`
	ClientID        string  `json:"client_id"`
	ClientSecret    *string `json:"client_secret,omitempty"` // in requests and in POST and PUT answers only
	AuthMethod      string  `json:"token_endpoint_auth_method"`
	PKCERequired    bool    `json:"pkce_required"`
}

type appSettings struct {
	App                map[string]any  `json:"app"`
	Notifications      json.RawMessage `json:"notifications"`
	ManualProvisioning bool            `json:"manualProvisioning"`
	ImplicitAssignment bool            `json:"implicitAssignment"`
	EmOptInStatus      string          `json:"emOptInStatus"`
	Notes              notes           `json:"notes"`
	OAuthClient        *oauthSettings  `json:"oauthClient,omitempty"`
}

type notes struct {
	Admin   *string `json:"admin"`
	EndUser *string `json:"enduser"`
}

type oauthSettings struct {
	ClientURI                *string         `json:"client_uri"`
	LogoURI                  *string         `json:"logo_uri"`
	RedirectURIs             []string        `json:"redirect_uris"`
	PostLogoutRedirectURIs   []string        `json:"post_logout_redirect_uris,omitempty"`
	ResponseTypes            []string        `json:"response_types"`
	GrantTypes               []string        `json:"grant_types"`
	InitiateLoginURI         string          `json:"initiate_login_uri,omitempty"`
	JWKS                     *keySet         `json:"jwks,omitempty"`
	JWKSURI                  string          `json:"jwks_uri,omitempty"`
	TOSURI                   string          `json:"tos_uri,omitempty"`
	PolicyURI                string          `json:"policy_uri,omitempty"`
	ApplicationType          string          `json:"application_type"`
	ConsentMethod            string          `json:"consent_method"`
	IssuerMode               string          `json:"issuer_mode"`
	RefreshToken             json.RawMessage `json:"refresh_token,omitempty"`
	IDPInitiatedLogin        idpLogin        `json:"idp_initiated_login"`
	Network                  *network        `json:"network,omitempty"`
	WildcardRedirect         string          `json:"wildcard_redirect"`
	DPoP                     bool            `json:"dpop_bound_access_tokens"`
	FrontchannelLogoutURI    string          `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelSession      *bool           `json:"frontchannel_logout_session_required,omitempty"`
	ParticipateSLO           bool            `json:"participate_slo"`
	BackchannelDeliveryMode  string          `json:"backchannel_token_delivery_mode,omitempty"`
	BackchannelAlg           string          `json:"backchannel_authentication_request_signing_alg,omitempty"`
	BackchannelAuthenticator string          `json:"backchannel_custom_authenticator_id,omitempty"`
}

type idpLogin struct {
	Mode         string   `json:"mode"`
	DefaultScope []string `json:"default_scope"`
}

type network struct {
	Connection string   `json:"connection"`
	Include    []string `json:"include,omitempty"`
	Exclude    []string `json:"exclude,omitempty"`
}

// keySet is the jwks of a request; answers are built from the app's keys.
type keySet struct {
	Keys []json.RawMessage `json:"keys"`
}

func (a *app) clientID() string {
	if a.Credentials.OAuthClient == nil {
		return ""
	}
	return a.Credentials.OAuthClient.ClientID
}

// newAppBody holds the values Okta gives to what a request leaves out.
func newAppBody() appBody {
	mode := "OPENID_CONNECT"
	return appBody{
		SignOnMode: &mode,
		Visibility: visibility{AppLinks: map[string]bool{"oidc_client_link": true}},
		Credentials: appCredentials{
			UserNameTemplate: userNameTemplate{Template: "${source.login}", Type: "BUILT_IN"},
			OAuthClient:      newOAuthClient(),
		},
		Settings: appSettings{
			App:           map[string]any{},
			Notifications: json.RawMessage(`{"vpn":{"network":{"connection":"DISABLED"},"message":null,"helpUrl":null}}`),
			EmOptInStatus: "NONE",
			OAuthClient:   newOAuthSettings(),
		},
	}
}

func newOAuthClient() *oauthClient {
	return &oauthClient{AutoKeyRotation: true, AuthMethod: "client_secret_basic"}
}

func newOAuthSettings() *oauthSettings {
	return &oauthSettings{
		RedirectURIs: []string{}, ResponseTypes: []string{}, GrantTypes: []string{},
		ConsentMethod: "TRUSTED", IssuerMode: "ORG_URL", WildcardRedirect: "DISABLED",
		IDPInitiatedLogin: idpLogin{Mode: "DISABLED", DefaultScope: []string{}},
	}
}

// replacement is what a PUT's body is decoded into: most members back at their defaults, as a PUT is a full replacement, but with
// those that 32 recorded PUTs left out and found unchanged.
func (a *app) replacement(keepDPoP bool) appBody {
	b := newAppBody()
	b.Name, b.SignOnMode = a.Name, a.SignOnMode
	b.Accessibility = a.Accessibility
	b.Visibility.AutoLaunch = a.Visibility.AutoLaunch
	b.Credentials.UserNameTemplate = a.Credentials.UserNameTemplate
	b.Credentials.OAuthClient.ClientID = a.clientID()
	b.Settings.Notifications = a.Settings.Notifications
	b.Settings.Notes = a.Settings.Notes
	if keepDPoP {
		b.Settings.OAuthClient.DPoP = a.Settings.OAuthClient.DPoP
	}
	return b
}

// addBuiltInApps puts the apps every org has into the list. They show as OPENID_CONNECT or with no mode at all, and have neither
// settings.oauthClient nor credentials.oauthClient: a client that does not check for that breaks on a real org.
func (o *org) addBuiltInApps(now time.Time) {
	for _, b := range []struct{ name, label string }{
		{"saasure", "Okta Admin Console"},
		{"okta_enduser", "Okta Dashboard"},
		{"okta_browser_plugin", "Okta Browser Plugin"},
		{"flow", "Okta Workflows"},
	} {
		body := newAppBody()
		body.Name, body.Label = b.name, b.label
		body.Visibility.AppLinks = map[string]bool{b.name + "_link": true}
		body.Credentials.OAuthClient, body.Settings.OAuthClient = nil, nil
		if b.name == "flow" {
			body.SignOnMode = nil
		}
		a := &app{ID: o.newID("0oa"), Status: active, Created: stamp(now), LastUpdated: stamp(now), appBody: body}
		o.Apps = append(o.Apps, a)
		o.addToIndex(a)
	}
}
