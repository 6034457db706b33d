// Package oktatest is an Okta org for people who have none at hand: what net/http/httptest is to net/http.
//
// A Server listens on a real socket and answers the part of Okta's management API that an OAuth client for machines needs
// (API Services apps with their secrets and keys, authorization servers with scopes, claims, access policies and rules, the
// System Log), and the OAuth endpoints that put it to use (token, introspect, revoke, keys, discovery). Any client works
// unmodified: curl, Okta's SDKs, Terraform's provider.
//
// What the server answers is grounded in traffic recorded from real orgs and in Okta's documentation: the API reference
// pages "Apps", "Authorization Servers", "OIDC & OAuth 2.0 API" and "System Log", the error code catalogues, and the OpenAPI
// description. Where none of them knows, the server takes the reading that is stricter for its client, and a comment beside the
// code says so. What it does not emulate it refuses: status 501, code E0000060, "not emulated: METHOD path".
//
//	org := &oktatest.Server{Token: "sandbox"}
//	if err := org.Start(); err != nil {
//		return err
//	}
//	defer org.Close()
//	resp, err := http.Get(org.URL + "/oauth2/default/.well-known/oauth-authorization-server")
//
// Faults, rate limits, latency and the clock are fields and values; stories (EditApp, DeleteClaim, ...) change the org as an
// administrator in the console would, behind the client's back.
package oktatest
