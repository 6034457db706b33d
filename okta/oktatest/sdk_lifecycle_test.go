package oktatest_test

import (
	"context"
	"testing"

	"github.com/okta/okta-sdk-golang/v2/okta"

	"keymaker/okta/oktatest"
)

// TestSDKLifecycle runs the rest of the SDK's typed methods for what the emulator has: reads, replacements, lifecycle calls, keys, deletions.
func TestSDKLifecycle(t *testing.T) {
	org := &oktatest.Server{}
	g := startGraph(t, org, serviceApp)
	ctx, c := sdk(t, org)
	as := c.AuthorizationServer
	try := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	status := func(what, want string, get func() (string, error)) {
		t.Helper()
		if got, err := get(); got != want || err != nil {
			t.Errorf("%s: status is %q, %v, want %s", what, got, err, want)
		}
	}
	app := okta.NewOpenIdConnectApplication()
	read := func() (string, error) {
		_, _, err := c.Application.GetApplication(ctx, g.app, app, nil)
		return app.Status, err
	}
	status("app", "ACTIVE", read)
	app.Label = "renamed by the SDK"
	_, _, err := c.Application.UpdateApplication(ctx, g.app, app)
	try("update app", err)
	_, err = c.Application.DeactivateApplication(ctx, g.app)
	try("deactivate app", err)
	status("app", "INACTIVE", read)
	_, err = c.Application.ActivateApplication(ctx, g.app)
	try("activate app", err)
	status("app", "ACTIVE", read)

	server, _, err := as.GetAuthorizationServer(ctx, "default")
	try("get server", err)
	server.Description = "changed"
	_, _, err = as.UpdateAuthorizationServer(ctx, "default", *server)
	try("update server", err)
	_, err = as.DeactivateAuthorizationServer(ctx, "default")
	try("deactivate server", err)
	_, err = as.ActivateAuthorizationServer(ctx, "default")
	try("activate server", err)
	keys, _, err := as.ListAuthorizationServerKeys(ctx, "default")
	if try("keys", err); len(keys) != 2 {
		t.Errorf("keys: %d", len(keys))
	}
	rotated, _, err := as.RotateAuthorizationServerKeys(ctx, "default", okta.JwkUse{Use: "sig"})
	if try("rotate", err); len(rotated) == 0 || rotated[0].Kid == keys[0].Kid {
		t.Errorf("rotated: %d", len(rotated))
	}

	scopes, _, err := as.ListOAuth2Scopes(ctx, "default", nil)
	try("scopes", err)
	found := false
	for _, s := range scopes {
		found = found || s.Id == g.scope
	}
	if !found {
		t.Errorf("the list of %d scopes lacks it", len(scopes))
	}
	scope, _, err := as.GetOAuth2Scope(ctx, "default", g.scope)
	try("get scope", err)
	scope.Description = "changed"
	_, _, err = as.UpdateOAuth2Scope(ctx, "default", g.scope, *scope)
	try("update scope", err)
	claim, _, err := as.GetOAuth2Claim(ctx, "default", g.claim)
	try("get claim", err)
	claim.Value = "app.clientId"
	_, _, err = as.UpdateOAuth2Claim(ctx, "default", g.claim, *claim)
	try("update claim", err)
	sdkPolicies(ctx, t, c, g, try)
	_, err = as.DeleteOAuth2Claim(ctx, "default", g.claim)
	try("delete claim", err)
	_, err = as.DeleteOAuth2Scope(ctx, "default", g.scope)
	try("delete scope", err)
	_, err = c.Application.DeactivateApplication(ctx, g.app)
	try("deactivate app", err)
	_, err = c.Application.DeleteApplication(ctx, g.app)
	try("delete app", err)
}

func sdkPolicies(ctx context.Context, t *testing.T, c *okta.Client, g *graph, try func(string, error)) {
	t.Helper()
	as := c.AuthorizationServer
	policies, _, err := as.ListAuthorizationServerPolicies(ctx, "default")
	if try("policies", err); len(policies) != 1 {
		t.Errorf("policies: %d", len(policies))
	}
	policy, _, err := as.GetAuthorizationServerPolicy(ctx, "default", g.policy)
	try("get policy", err)
	policy.Description = "changed"
	_, _, err = as.UpdateAuthorizationServerPolicy(ctx, "default", g.policy, *policy)
	try("update policy", err)
	_, err = as.DeactivateAuthorizationServerPolicy(ctx, "default", g.policy)
	try("deactivate policy", err)
	_, err = as.ActivateAuthorizationServerPolicy(ctx, "default", g.policy)
	try("activate policy", err)
	rule, _, err := as.GetAuthorizationServerPolicyRule(ctx, "default", g.policy, g.rule)
	try("get rule", err)
	rule.Name = "renamed"
	_, _, err = as.UpdateAuthorizationServerPolicyRule(ctx, "default", g.policy, g.rule, *rule)
	try("update rule", err)
	_, err = as.DeactivateAuthorizationServerPolicyRule(ctx, "default", g.policy, g.rule)
	try("deactivate rule", err)
	if rule, _, err = as.GetAuthorizationServerPolicyRule(ctx, "default", g.policy, g.rule); err != nil || rule.Status != "INACTIVE" || rule.Name != "renamed" {
		t.Errorf("rule: %+v, %v", rule, err)
	}
	_, err = as.ActivateAuthorizationServerPolicyRule(ctx, "default", g.policy, g.rule)
	try("activate rule", err)
	_, err = as.DeleteAuthorizationServerPolicyRule(ctx, "default", g.policy, g.rule)
	try("delete rule", err)
	_, err = as.DeleteAuthorizationServerPolicy(ctx, "default", g.policy)
	try("delete policy", err)
}
