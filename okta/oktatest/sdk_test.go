package oktatest_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"

	"keymaker/okta/oktatest"
)

func sdk(t *testing.T, org *oktatest.Server) (context.Context, *okta.Client) {
	t.Helper()
	ctx, c, err := okta.NewClient(context.Background(), okta.WithOrgUrl(org.URL), okta.WithToken(org.Token),
		okta.WithAuthorizationMode("SSWS"), okta.WithCache(false), okta.WithTestingDisableHttpsCheck(true),
		okta.WithHttpClientPtr(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	if err != nil {
		t.Fatal(err)
	}
	return ctx, c
}

// TestSDK runs the typed methods of Okta's own Go SDK, unmodified.
func TestSDK(t *testing.T) {
	org := &oktatest.Server{Token: "sandbox"}
	start(t, org)
	ctx, c := sdk(t, org)
	yes := true

	app := okta.NewOpenIdConnectApplication()
	app.Label = "typed"
	app.Name = "oidc_client"
	app.Credentials = &okta.OAuthApplicationCredentials{OauthClient: &okta.ApplicationCredentialsOAuthClient{TokenEndpointAuthMethod: "client_secret_post"}}
	grant, response := okta.OAuthGrantType("client_credentials"), okta.OAuthResponseType("token")
	app.Settings = &okta.OpenIdConnectApplicationSettings{OauthClient: &okta.OpenIdConnectApplicationSettingsClient{
		ApplicationType: "service", GrantTypes: []*okta.OAuthGrantType{&grant}, ResponseTypes: []*okta.OAuthResponseType{&response}}}
	app.Profile = map[string]interface{}{"neo4j_groups": []string{"reader"}}
	if _, _, err := c.Application.CreateApplication(ctx, app, &query.Params{Activate: &yes}); err != nil {
		t.Fatal(err)
	}
	if app.Credentials.OauthClient.ClientId != app.Id || len(app.Credentials.OauthClient.ClientSecret) != 64 {
		t.Errorf("client: got %+v", app.Credentials.OauthClient)
	}

	list, resp, err := c.Application.ListApplications(ctx, &query.Params{Q: "typed", Limit: 200})
	if err != nil || len(list) != 1 || resp.HasNextPage() {
		t.Fatalf("list: %d apps, %v", len(list), err)
	}
	two, _, err := c.Application.CreateNewClientSecretForApplication(ctx, app.Id, okta.ClientSecretMetadata{ClientSecret: "abcdefghijklmnopqrst"})
	if err != nil || two.Status != "ACTIVE" || two.SecretHash == "" {
		t.Fatalf("secret: %+v, %v", two, err)
	}
	if two, _, err = c.Application.DeactivateClientSecretForApplication(ctx, app.Id, two.Id); err != nil || two.Status != "INACTIVE" {
		t.Fatalf("deactivate secret: %+v, %v", two, err)
	}
	if _, err = c.Application.DeleteClientSecretForApplication(ctx, app.Id, two.Id); err != nil {
		t.Fatal(err)
	}
	secrets, _, err := c.Application.ListClientSecretsForApplication(ctx, app.Id)
	if err != nil || len(secrets) != 1 || secrets[0].ClientSecret != app.Credentials.OauthClient.ClientSecret {
		t.Fatalf("secrets: %+v, %v", secrets, err)
	}

	as, _, err := c.AuthorizationServer.CreateAuthorizationServer(ctx, okta.AuthorizationServer{Name: "graph", Description: "d", Audiences: []string{"api://graph"}})
	if err != nil || as.Issuer != org.URL+"/oauth2/"+as.Id {
		t.Fatalf("server: %+v, %v", as, err)
	}
	scope, _, err := c.AuthorizationServer.CreateOAuth2Scope(ctx, as.Id, okta.OAuth2Scope{Name: "neo4j_groups"})
	if err != nil || scope.Consent != "IMPLICIT" || scope.MetadataPublish != "NO_CLIENTS" {
		t.Fatalf("scope: %+v, %v", scope, err)
	}
	claim, _, err := c.AuthorizationServer.CreateOAuth2Claim(ctx, as.Id, okta.OAuth2Claim{Name: "groups", ClaimType: "RESOURCE", ValueType: "EXPRESSION",
		Value: "app.profile.neo4j_groups", Status: "ACTIVE", Conditions: &okta.OAuth2ClaimConditions{Scopes: []string{"neo4j_groups"}}})
	if err != nil || claim.AlwaysIncludeInToken == nil || !*claim.AlwaysIncludeInToken {
		t.Fatalf("claim: %+v, %v", claim, err)
	}
	first, sixty, zero, week := int64(1), int64(60), int64(0), int64(10080)
	policy, _, err := c.AuthorizationServer.CreateAuthorizationServerPolicy(ctx, as.Id, okta.AuthorizationServerPolicy{Name: "graph", Description: "d",
		Type: "OAUTH_AUTHORIZATION_POLICY", PriorityPtr: &first,
		Conditions: &okta.PolicyRuleConditions{Clients: &okta.ClientPolicyCondition{Include: []string{app.Id}}}})
	if err != nil || policy.Priority != 1 && (policy.PriorityPtr == nil || *policy.PriorityPtr != 1) {
		t.Fatalf("policy: %+v, %v", policy, err)
	}
	rule, _, err := c.AuthorizationServer.CreateAuthorizationServerPolicyRule(ctx, as.Id, policy.Id, okta.AuthorizationServerPolicyRule{Name: "cc",
		Type: "RESOURCE_ACCESS", PriorityPtr: &first,
		Conditions: &okta.AuthorizationServerPolicyRuleConditions{
			GrantTypes: &okta.GrantTypePolicyRuleCondition{Include: []string{"client_credentials"}},
			Scopes:     &okta.OAuth2ScopesMediationPolicyRuleCondition{Include: []string{"neo4j_groups"}}},
		Actions: &okta.AuthorizationServerPolicyRuleActions{Token: &okta.TokenAuthorizationServerPolicyRuleAction{
			AccessTokenLifetimeMinutesPtr: &sixty, RefreshTokenLifetimeMinutesPtr: &zero, RefreshTokenWindowMinutesPtr: &week}}})
	if err != nil || rule.Status != "ACTIVE" {
		t.Fatalf("rule: %+v, %v", rule, err)
	}
	logs, _, err := c.LogEvent.GetLogs(ctx, &query.Params{Filter: `eventType eq "policy.rule.add" and target.id eq "` + rule.Id + `"`})
	if err != nil || len(logs) != 1 || logs[0].Actor.AlternateId != "admin@sandbox.example" {
		t.Fatalf("logs: %+v, %v", logs, err)
	}
	_, resp, err = c.Application.GetApplication(ctx, "0oaNOSUCHAPP00000000", okta.NewOpenIdConnectApplication(), nil)
	oe, is := err.(*okta.Error)
	if !is || oe.ErrorCode != "E0000007" || resp.StatusCode != 404 {
		t.Errorf("unknown app: got %v", err)
	}
}

// TestSDKPrivateKey runs the SDK in its OAuth mode, in which the token request's parameters are in the URL.
func TestSDKPrivateKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	app := edited(t, edited(t, serviceApp, "credentials.oauthClient.token_endpoint_auth_method", "private_key_jwt"),
		"settings.oauthClient.jwks", map[string]any{"keys": []any{jose.JSONWebKey{Key: &key.PublicKey, KeyID: "k1"}}})
	g := startGraph(t, &oktatest.Server{}, app)
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	ctx, c, err := okta.NewClient(context.Background(), okta.WithOrgUrl(g.org.URL), okta.WithAuthorizationMode("PrivateKey"), okta.WithClientId(g.clientID),
		okta.WithPrivateKey(string(block)), okta.WithPrivateKeyId("k1"), okta.WithScopes([]string{"okta.apps.read"}),
		okta.WithCache(false), okta.WithTestingDisableHttpsCheck(true))
	if err != nil {
		t.Fatal(err)
	}
	if list, _, err := c.Application.ListApplications(ctx, nil); err != nil || len(list) != 5 {
		t.Errorf("list: %d apps, %v", len(list), err)
	}
	if _, err := c.Application.DeactivateApplication(ctx, g.app); err == nil || !strings.Contains(err.Error(), "required scopes") {
		t.Errorf("write with a read scope: got %v", err)
	}
}
