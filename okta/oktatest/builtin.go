package oktatest

import "time"

// systemScopes are the seven every authorization server has.
func (o *org) systemScopes() []*scope {
	var out []*scope
	for _, d := range []struct{ name, title, text string }{
		{"openid", "openid", "Signals that a request is an OpenID request."},
		{"profile", "View your profile information.", "The exact data varies based on what profile information you have provided, such as: name, time zone, picture, or birthday."},
		{"email", "View your email address.", "This allows the app to view your email address."},
		{"address", "View your address.", "This allows you to view your address, for example: street address, city, state, and zip code."},
		{"phone", "View your phone number.", "This allows the app to view your phone number."},
		{"offline_access", "Keep you signed in to the app.", "This keeps you signed in to the app, even when you are not using it."},
		{"device_sso", "Use the app after signing in to another app on this device.", "This allows single sign-on between apps of one device."},
	} {
		b := newScopeBody()
		b.Name, b.DisplayName, b.Description, b.MetadataPublish = d.name, &d.title, d.text, "ALL_CLIENTS"
		out = append(out, &scope{ID: o.newID("scp"), System: true, scopeBody: b})
	}
	return out
}

// myAccountScopes are those the default server of an Identity Engine org has besides, with system false although nobody made them.
// A reconciler that deletes what its spec does not name must spare them.
func (o *org) myAccountScopes() []*scope {
	var out []*scope
	for _, area := range []string{
		"appAuthenticator.maintenance.manage", "appAuthenticator.maintenance.read", "appAuthenticator.manage", "appAuthenticator.read",
		"authenticators.manage", "authenticators.read", "email.manage", "email.read", "manage", "oktaApplications.read",
		"organization.read", "password.manage", "password.read", "phone.manage", "phone.read", "profile.manage", "profile.read",
		"read", "sessions.manage", "webauthn.manage",
	} {
		b := newScopeBody()
		title := "okta.myAccount." + area
		b.Name, b.DisplayName, b.MetadataPublish = title, &title, "ALL_CLIENTS"
		out = append(out, &scope{ID: o.newID("scp"), scopeBody: b})
	}
	return out
}

// systemClaims are the nineteen every authorization server has, sub being the only one of access tokens.
func (o *org) systemClaims() []*claim {
	sub := newClaimBody()
	sub.Name, sub.ClaimType, sub.ValueType, sub.Always = "sub", "RESOURCE", "EXPRESSION", true
	sub.Value = "(appuser != null) ? appuser.userName : app.clientId"
	out := []*claim{{ID: o.newID("ocl"), System: true, claimBody: sub}}
	for _, d := range []struct {
		scope  string
		always bool
		names  []string
	}{
		{"profile", true, []string{"name", "preferred_username"}},
		{"profile", false, []string{"nickname", "given_name", "middle_name", "family_name", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"}},
		{"email", true, []string{"email"}},
		{"email", false, []string{"email_verified"}},
		{"address", false, []string{"address"}},
		{"phone", false, []string{"phone_number"}},
	} {
		for _, name := range d.names {
			b := newClaimBody()
			b.Name, b.ClaimType, b.ValueType, b.Always = name, "IDENTITY", "SYSTEM", d.always
			b.Conditions.Scopes = []string{d.scope}
			out = append(out, &claim{ID: o.newID("ocl"), System: true, claimBody: b})
		}
	}
	return out
}

// addDefaultServer adds the pre-provisioned server, whose alias is default. Its policy gives any client any scope.
func (o *org) addDefaultServer(now time.Time, withPolicy bool) {
	text := "Default Authorization Server for your Applications"
	a := &authServer{
		ID: o.newID("aus"), Status: active, Created: stamp(now), LastUpdated: stamp(now), LastRotated: stamp(now), RotationMode: "AUTO",
		Default: true, Name: "default", Description: &text, Audiences: []string{"api://default"}, IssuerMode: "ORG_URL",
		Keys:   []*signingKey{newSigningKey(now, keyActive), newSigningKey(now, keyNext)},
		Scopes: append(o.systemScopes(), o.myAccountScopes()...), Claims: o.systemClaims(), Policies: []*policy{},
	}
	if withPolicy {
		// Whether the two carry system true is not recorded.
		p := &policy{ID: o.newID("00p"), Status: active, Created: stamp(now), LastUpdated: stamp(now), Rules: []*rule{}}
		p.Name, p.Description = "Default Policy", "Default policy description"
		p.Conditions.Clients.Include = []string{allClients}
		r := &rule{ID: o.newID("0pr"), Status: active, Created: stamp(now), LastUpdated: stamp(now)}
		r.Name = "Default Policy Rule"
		r.Conditions.People = people{Users: &members{Exclude: []string{}}, Groups: &members{Include: []string{everyone}}}
		r.Conditions.GrantTypes.Include = []string{"implicit", "client_credentials", "authorization_code", "password"}
		r.Conditions.Scopes.Include = []string{"*"}
		r.Actions.Token = tokenAction{AccessMinutes: 60, RefreshMinutes: 0, WindowMinutes: 10080}
		p.Rules = append(p.Rules, r)
		a.Policies = append(a.Policies, p)
	}
	o.Servers = append([]*authServer{a}, o.Servers...)
}
