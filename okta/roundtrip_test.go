package okta

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"keymaker/reconcile"
)

// keeper is a server that keeps objects as they are put and knows nothing of what is in them: an Okta of any version, with fields that nobody has heard of.
type keeper struct {
	mu      sync.Mutex
	objects map[string]raw      // by path
	lists   map[string][]string // paths in a collection
	puts    map[string][]byte
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	path := r.URL.Path
	if paths, ok := k.lists[path]; ok && r.Method == http.MethodGet {
		all := make([]raw, 0, len(paths))
		for _, p := range paths {
			all = append(all, k.objects[p])
		}
		_ = json.NewEncoder(w).Encode(all)
		return
	}
	if k.objects[path] == nil {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"errorCode":"E0000007","errorSummary":"Not found: Resource not found: x (X)","errorCauses":[]}`))
		return
	}
	if r.Method == http.MethodPut {
		body, _ := io.ReadAll(r.Body)
		k.puts[path] = body
		one, err := decodeRaw(body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		k.objects[path] = one
	}
	_ = json.NewEncoder(w).Encode(k.objects[path])
}

// fullObjects have every field that Okta's documents and recorded answers have for the kind, those among them that its Go SDK drops, and one that is not
// Okta's at all.
var fullObjects = map[string]string{
	kindApp: `{"id":"0oa1","orn":"orn:okta:idp:00o1:apps:oidc_client:0oa1","name":"oidc_client","label":"x","status":"ACTIVE","lastUpdated":"2026-01-06T19:08:16.000Z",
 "created":"2026-01-06T19:08:16.000Z","accessibility":{"selfService":false,"errorRedirectUrl":null,"loginRedirectUrl":"https://e.example/?a=1&b=<2>"},
 "visibility":{"autoLaunch":false,"autoSubmitToolbar":false,"hide":{"iOS":true,"web":true},"appLinks":{"oidc_client_link":true}},"features":[],"signOnMode":"OPENID_CONNECT",
 "credentials":{"userNameTemplate":{"template":"${source.login}","type":"BUILT_IN"},"signing":{"kid":"k"},
  "oauthClient":{"autoKeyRotation":true,"client_id":"0oa1","token_endpoint_auth_method":"client_secret_basic","pkce_required":false}},
 "universalLogout":{"status":"DISABLED","supportType":"FULL","identityStack":"NOT_SHARED","protocol":"GLOBAL_TOKEN_REVOCATION"},
 "settings":{"app":{},"notifications":{"vpn":{"network":{"connection":"DISABLED"},"message":null,"helpUrl":null}},"manualProvisioning":false,"implicitAssignment":false,
  "emOptInStatus":"NONE","notes":{"admin":null,"enduser":"kept"},"oauthClient":{"client_uri":null,"logo_uri":null,"redirect_uris":[],"post_logout_redirect_uris":["https://e.example/out"],
  "response_types":["token"],"grant_types":["client_credentials"],"initiate_login_uri":"https://e.example/in","jwks":{"keys":[{"kty":"EC","id":"pks1","kid":"e1","use":null,"x":"AQ","y":"Ag","crv":null}]},
  "application_type":"service","consent_method":"TRUSTED","issuer_mode":"DYNAMIC","refresh_token":{"rotation_type":"STATIC","leeway":0},
  "idp_initiated_login":{"mode":"DISABLED","default_scope":[]},"network":{"connection":"ANYWHERE","include":[],"exclude":[]},"wildcard_redirect":"DISABLED","dpop_bound_access_tokens":true,
  "participate_slo":false,"frontchannel_logout_uri":"https://e.example/f","frontchannel_logout_session_required":true,"backchannel_token_delivery_mode":"poll",
  "backchannel_authentication_request_signing_alg":"RS256","backchannel_custom_authenticator_id":"aut1"}},
 "profile":{"neo4j_groups":["a"],"large":12345678901234567890,"small":1.50,"deep":{"empty":{},"none":null,"list":[[],{}]}},"fromTheFuture":{"a":[1,null,"é\u2028"]},"_links":{"self":{"href":"x"}}}`,
	kindServer: `{"id":"aus1","name":"x","description":null,"audiences":["api://x"],"issuer":"https://org.example/oauth2/aus1","issuerMode":"DYNAMIC","status":"ACTIVE",
 "created":"2026-01-06T19:08:16.000Z","lastUpdated":"2026-01-06T19:08:16.000Z","credentials":{"signing":{"kid":"k","rotationMode":"AUTO","lastRotated":"2026-01-06T19:08:16.000Z",
 "nextRotation":"2026-04-06T19:08:16.000Z"}},"default":false,"accessTokenEncryptedResponseAlgorithm":"RSA-OAEP-256","fromTheFuture":[],"_links":{}}`,
	kindScope: `{"id":"scp1","name":"x","displayName":null,"description":"","system":false,"metadataPublish":"NO_CLIENTS","consent":"FLEXIBLE","optional":true,"apiResourceId":null,
 "default":false,"fromTheFuture":0,"_links":{"self":{"href":"x","hints":{"allow":["GET","PUT","DELETE"]}}}}`,
	kindClaim: `{"id":"ocl1","name":"x","status":"ACTIVE","claimType":"RESOURCE","valueType":"GROUPS","value":"a","group_filter_type":"STARTS_WITH","conditions":{"scopes":[],"future":1},
 "system":false,"alwaysIncludeInToken":true,"apiResourceId":null,"fromTheFuture":"","_links":{}}`,
	kindPolicy: `{"id":"00p1","status":"ACTIVE","name":"x","description":"d","priority":3,"system":false,"conditions":{"clients":{"include":[]},"future":{}},
 "created":"2026-01-06T19:08:16.000Z","lastUpdated":"2026-01-06T19:08:16.000Z","fromTheFuture":false,"_links":{},"type":"OAUTH_AUTHORIZATION_POLICY"}`,
	kindRule: `{"id":"0pr1","status":"ACTIVE","name":"r","priority":2,"created":"2026-01-06T19:08:16.000Z","lastUpdated":"2026-01-06T19:08:16.000Z","system":false,
 "conditions":{"people":{"users":{"include":["00u1"],"exclude":[]},"groups":{"include":["EVERYONE"],"exclude":["00g1"]}},"grantTypes":{"include":["client_credentials"]},"scopes":{"include":["*"]}},
 "actions":{"token":{"accessTokenLifetimeMinutes":60,"refreshTokenLifetimeMinutes":0,"refreshTokenWindowMinutes":10080,"inlineHook":{"id":"cal1"}},"future":null},"fromTheFuture":[{}],"_links":{},"type":"RESOURCE_ACCESS"}`,
}

// For each kind an object with every field survives the change of one attribute with all else as it was, to the byte.
func TestRoundTrip(t *testing.T) {
	const servers = "/api/v1/authorizationServers"
	paths := map[string]string{kindApp: "/api/v1/apps/0oa1", kindServer: servers + "/aus1", kindScope: servers + "/aus1/scopes/scp1", kindClaim: servers + "/aus1/claims/ocl1",
		kindPolicy: servers + "/aus1/policies/00p1", kindRule: servers + "/aus1/policies/00p1/rules/0pr1"}
	ref := reconcile.Ref{Addr: at(kindServer, "x"), Attr: "id"}
	in := func(a args) args { a[attrServer] = ref; return a }
	rule := func(a args) reconcile.Block { return block("policy", "x", in(args{}), block("rule", "r", a)) }
	app := func(a args) reconcile.Block { a[attrDPoP] = reconcile.Flag(true); return block("app", "x", a) }
	key := reconcile.Map{"kty": txt("EC"), "kid": txt("e2"), "x": txt("Aw"), "y": txt("BA")}
	tests := []struct {
		kind, attr string
		block      reconcile.Block
		path       []string
		want       any
	}{
		{kindApp, "consent_method", block("app", "x", args{"consent_method": txt(consentNeeded), attrDPoP: reconcile.Flag(true)}), []string{"settings", "oauthClient", "consent_method"}, consentNeeded},
		{kindApp, attrDPoP, block("app", "x", args{}), []string{"settings", "oauthClient", attrDPoP}, false},
		{kindApp, attrProfile, block("app", "x", args{attrDPoP: reconcile.Flag(true), attrProfile: reconcile.Map{"neo4j_groups": reconcile.List(texts("b"))}}), []string{attrProfile, "neo4j_groups"}, []any{"b"}},
		{kindApp, attrNotes, block("app", "x", args{attrDPoP: reconcile.Flag(true), attrNotes: reconcile.Map{"admin": txt("a <b>")}}), []string{"settings", "notes", "admin"}, "a <b>"},
		{kindApp, attrNetwork, block("app", "x", args{attrDPoP: reconcile.Flag(true), attrNetwork: reconcile.Map{"connection": txt("ZONE")}}), []string{"settings", "oauthClient", "network", "connection"}, "ZONE"},
		{kindApp, attrMethod, app(args{attrMethod: txt(methodJWT)}), []string{"credentials", "oauthClient", attrMethod}, methodJWT},
		{kindApp, attrGrants, app(args{attrGrants: set("implicit", grantMachine)}), []string{"settings", "oauthClient", "grant_types"}, []any{grantMachine, "implicit"}},
		{kindApp, "issuer_mode", app(args{"issuer_mode": txt("ORG_URL")}), []string{"settings", "oauthClient", "issuer_mode"}, "ORG_URL"},
		{kindApp, attrKeys, app(args{attrKeys: reconcile.Map{"keys": reconcile.List{key}}}), []string{"settings", "oauthClient", "jwks"}, map[string]any{"keys": []any{map[string]any{"kty": "EC", "kid": "e2", "x": "Aw", "y": "BA"}}}},
		{kindApp, attrKeysURI, app(args{attrKeysURI: txt("https://e.example/keys")}), []string{"settings", "oauthClient", attrKeysURI}, "https://e.example/keys"},
		{kindServer, "audiences", block(kindServer, "x", args{"audiences": set("api://y")}), []string{"audiences"}, []any{"api://y"}},
		{kindServer, attrRotation, block(kindServer, "x", args{attrRotation: txt("MANUAL")}), []string{"credentials", "signing", "rotationMode"}, "MANUAL"},
		{kindServer, "description", block(kindServer, "x", args{"description": txt("d")}), []string{"description"}, "d"},
		{kindServer, "issuer_mode", block(kindServer, "x", args{"issuer_mode": txt("CUSTOM_URL")}), []string{"issuerMode"}, "CUSTOM_URL"},
		{kindScope, "description", block(kindScope, "x", in(args{"description": txt("d")})), []string{"description"}, "d"},
		{kindScope, "metadata_publish", block(kindScope, "x", in(args{"metadata_publish": txt(allClients)})), []string{"metadataPublish"}, allClients},
		{kindScope, "display_name", block(kindScope, "x", in(args{"display_name": txt("X")})), []string{"displayName"}, "X"},
		{kindScope, "consent", block(kindScope, "x", in(args{"consent": txt(consentNeeded)})), []string{"consent"}, consentNeeded},
		{kindScope, "default", block(kindScope, "x", in(args{"default": reconcile.Flag(true)})), []string{"default"}, true},
		{kindScope, "optional", block(kindScope, "x", in(args{"optional": reconcile.Flag(false)})), []string{"optional"}, false},
		{kindClaim, "value_type", block(kindClaim, "x", in(args{"value": txt("a"), "value_type": txt(valueExpr)})), []string{"valueType"}, valueExpr},
		{kindClaim, "group_filter_type", block(kindClaim, "x", in(args{"value": txt("a"), "value_type": txt(valueGroups), "group_filter_type": txt("REGEX")})), []string{"group_filter_type"}, "REGEX"},
		{kindClaim, attrScopes, block(kindClaim, "x", in(args{"value": txt("a"), attrScopes: set("x")})), []string{"conditions", "scopes"}, []any{"x"}},
		{kindPolicy, "description", block(kindPolicy, "x", in(args{"description": txt("e")})), []string{"description"}, "e"},
		{kindRule, attrScopes, rule(args{attrScopes: set("x")}), []string{"conditions", "scopes", "include"}, []any{"x"}},
		{kindRule, attrGrants, rule(args{attrScopes: set("*"), attrGrants: set("password")}), []string{"conditions", "grantTypes", "include"}, []any{"password"}},
		{kindRule, attrRefresh, rule(args{attrScopes: set("*"), attrRefresh: txt("240h")}), []string{"actions", "token", "refreshTokenLifetimeMinutes"}, json.Number("14400")},
		{kindRule, attrWindow, rule(args{attrScopes: set("*"), attrWindow: txt("24h")}), []string{"actions", "token", "refreshTokenWindowMinutes"}, json.Number("1440")},
		{kindRule, attrExcludedGroups, rule(args{attrScopes: set("*"), attrExcludedGroups: set("00g3")}), []string{"conditions", "people", "groups", "exclude"}, []any{"00g3"}},
		{kindRule, attrUsers, rule(args{attrScopes: set("*"), attrUsers: set("00u2")}), []string{"conditions", "people", "users", "include"}, []any{"00u2"}},
		{kindRule, attrExcludedUsers, rule(args{attrScopes: set("*"), attrExcludedUsers: set("00u3")}), []string{"conditions", "people", "users", "exclude"}, []any{"00u3"}},
		{kindClaim, "value", block(kindClaim, "x", in(args{"value": txt("b"), "value_type": txt(valueGroups), "group_filter_type": txt("STARTS_WITH")})), []string{"value"}, "b"},
		{kindClaim, attrStatus, block(kindClaim, "x", in(args{"value": txt("a"), attrStatus: txt(inactive)})), []string{"status"}, inactive},
		{kindPolicy, attrClients, block(kindPolicy, "x", in(args{attrClients: set("c1")})), []string{"conditions", "clients", "include"}, []any{"c1"}},
		{kindRule, attrLifetime, rule(args{"scopes": set("*"), attrLifetime: txt("5m")}), []string{"actions", "token", "accessTokenLifetimeMinutes"}, json.Number("5")},
		{kindRule, attrGroups, rule(args{"scopes": set("*"), attrGroups: set("00g2")}), []string{"conditions", "people", "groups", "include"}, []any{"00g2"}},
	}
	covered := map[string]bool{}
	for _, c := range tests {
		covered[c.kind+" "+c.attr] = true
		t.Run(c.kind+" "+c.attr, func(t *testing.T) {
			t.Parallel()
			k := &keeper{objects: map[string]raw{}, puts: map[string][]byte{}, lists: map[string][]string{}}
			for kind, text := range fullObjects {
				one, err := decodeRaw([]byte(text))
				if err != nil {
					t.Fatal(kind, err)
				}
				path := paths[kind]
				k.objects[path] = one
				k.lists[path[:strings.LastIndex(path, "/")]] = []string{path}
			}
			server := httptest.NewServer(k)
			defer server.Close()
			sys, err := Open(context.Background(), reconcile.Block{}, Options{Env: envOf(map[string]string{"OKTA_CLIENT_ORGURL": server.URL, "OKTA_CLIENT_TOKEN": canaryToken})})
			if err != nil {
				t.Fatal(err)
			}
			l := &lab{t: t, sys: sys, dir: t.TempDir()}
			want := append(declare(t, c.block), reconcile.Object{Addr: at(kindServer, "x"), Reference: true})
			if c.kind == kindServer {
				want = want[:1]
			}
			l.apply(want)
			l.settled(want)
			expected, _ := decodeRaw([]byte(fullObjects[c.kind]))
			delete(expected, "_links")
			expected.put(c.want, c.path...)
			if c.attr == attrKeysURI { // Okta takes keys or their address
				expected.put(nil, "settings", "oauthClient", attrKeys)
			}
			text, _ := encodePlain(expected)
			if got := k.puts[paths[c.kind]]; len(k.puts) != 1 || string(got) != string(text) {
				t.Errorf("%d PUTs; sent\n%s\nwant\n%s", len(k.puts), got, text)
			}
		})
	}
	// What an object is found by is another object when it changes, and always_include_in_token is of ID tokens only.
	const others = "app label, app client_id, authorization_server name, scope name, claim name, claim claim_type, claim always_include_in_token, policy name"
	for kind := range fullObjects {
		for _, w := range wires[kind] {
			if what := kind + " " + w.attr; !covered[what] && !strings.Contains(others, what) {
				t.Errorf("%s is not tried", what)
			}
		}
	}
}
