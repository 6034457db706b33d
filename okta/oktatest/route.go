package oktatest

import (
	"net/http"
	"strings"
)

// route is one operation: what it is called, the bucket it draws from, the scope family a Bearer token needs ("" when the endpoint
// asks for no management credential).
type route struct {
	method  string
	pattern []string
	bucket  bucket
	scope   string
	handle  handler
}

// handler runs one operation with the org locked.
type handler func(*Server, *call) (reply, error)

const (
	scopeApps    = "okta.apps"
	scopeServers = "okta.authorizationServers"
	scopeLogs    = "okta.logs"
)

func routes() []route {
	var out []route
	add := func(b bucket, scope, method, pattern string, h handler) {
		out = append(out, route{method, strings.Split(pattern, "/"), b, scope, h})
	}
	addAppRoutes(add)
	addServerRoutes(add)
	add(bucketLogs, scopeLogs, "GET", "/api/v1/logs", listEvents)
	addOAuthRoutes(add)
	return out
}

type adder func(b bucket, scope, method, pattern string, h handler)

func addAppRoutes(add adder) {
	const list, one = "/api/v1/apps", "/api/v1/apps/{}"
	add(bucketApps, scopeApps, "GET", list, listApps)
	add(bucketApps, scopeApps, "POST", list, createApp)
	add(bucketApp, scopeApps, "GET", one, getApp)
	add(bucketApp, scopeApps, "PUT", one, replaceApp)
	add(bucketApp, scopeApps, "DELETE", one, deleteApp)
	add(bucketApps, scopeApps, "POST", one+"/lifecycle/activate", activateApp)
	add(bucketApps, scopeApps, "POST", one+"/lifecycle/deactivate", deactivateApp)
	add(bucketApps, scopeApps, "GET", one+"/groups", emptyAppList)
	add(bucketApps, scopeApps, "GET", one+"/users", emptyAppList)
	add(bucketApps, scopeApps, "PUT", one+"/policies/{}", assignPolicy)
	sub := func(name string, list, create, get, del, activate, deactivate handler) {
		path := one + "/credentials/" + name
		add(bucketApps, scopeApps, "GET", path, list)
		add(bucketApps, scopeApps, "POST", path, create)
		add(bucketApps, scopeApps, "GET", path+"/{}", get)
		add(bucketApps, scopeApps, "DELETE", path+"/{}", del)
		add(bucketApps, scopeApps, "POST", path+"/{}/lifecycle/activate", activate)
		add(bucketApps, scopeApps, "POST", path+"/{}/lifecycle/deactivate", deactivate)
	}
	sub("secrets", listSecrets, createSecret, getSecret, deleteSecret, activateSecret, deactivateSecret)
	sub("jwks", listKeys, createKey, getKey, deleteKey, activateKey, deactivateKey)
}

func addServerRoutes(add adder) {
	const list, one = "/api/v1/authorizationServers", "/api/v1/authorizationServers/{}"
	api := func(method, pattern string, h handler) {
		add(bucketAPI, scopeServers, method, pattern, h)
	}
	crud := func(path string, list, create, get, put, del handler) {
		api("GET", path, list)
		api("POST", path, create)
		api("GET", path+"/{}", get)
		api("PUT", path+"/{}", put)
		api("DELETE", path+"/{}", del)
	}
	crud(list, listServers, createServer, getServer, replaceServer, deleteServer)
	api("POST", one+"/lifecycle/activate", activateServer)
	api("POST", one+"/lifecycle/deactivate", deactivateServer)
	api("GET", one+"/credentials/keys", listServerKeys)
	api("POST", one+"/credentials/lifecycle/keyRotate", rotateKeys)
	api("GET", one+"/clients", listServerClients)
	crud(one+"/scopes", listScopes, createScope, getScope, replaceScope, deleteScope)
	crud(one+"/claims", listClaims, createClaim, getClaim, replaceClaim, deleteClaim)
	crud(one+"/policies", listPolicies, createPolicy, getPolicy, replacePolicy, deletePolicy)
	api("POST", one+"/policies/{}/lifecycle/activate", activatePolicy)
	api("POST", one+"/policies/{}/lifecycle/deactivate", deactivatePolicy)
	crud(one+"/policies/{}/rules", listRules, createRule, getRule, replaceRule, deleteRule)
	api("POST", one+"/policies/{}/rules/{}/lifecycle/activate", activateRule)
	api("POST", one+"/policies/{}/rules/{}/lifecycle/deactivate", deactivateRule)
}

func addOAuthRoutes(add adder) {
	add(bucketToken, "", "POST", "/oauth2/v1/token", orgToken)
	add(bucketToken, "", "POST", "/oauth2/{}/v1/token", serverToken)
	add(bucketToken, "", "POST", "/oauth2/{}/v1/introspect", introspect)
	add(bucketToken, "", "POST", "/oauth2/{}/v1/revoke", revoke)
	add(bucketNone, "", "GET", "/oauth2/v1/keys", orgKeys)
	add(bucketNone, "", "GET", "/oauth2/{}/v1/keys", publicKeys)
	for _, document := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		add(bucketNone, "", "GET", document, orgDiscovery)
		add(bucketNone, "", "GET", "/oauth2/{}"+document, discovery)
	}
}

// match finds the route of a call. Without one it answers a route to draw from the right bucket, and the error: 405 where another
// method would do, else 501.
func (s *Server) match(method, path string) (*route, []string, error) {
	segments := strings.Split(path, "/")
	other := false
	for i := range s.routes {
		rt := &s.routes[i]
		vars, hit := rt.match(segments)
		if !hit {
			continue
		}
		if rt.method == method {
			return rt, vars, nil
		}
		other = true
	}
	none := &route{}
	if strings.HasPrefix(path, "/api/v1/") {
		none.bucket = bucketAPI
	}
	if strings.HasPrefix(path, "/api/v1/apps") {
		none.bucket = bucketApps
	}
	if other {
		return none, nil, standardError(http.StatusMethodNotAllowed)
	}
	return none, nil, notEmulated(method + " " + path)
}

func (rt *route) match(segments []string) ([]string, bool) {
	if len(segments) != len(rt.pattern) {
		return nil, false
	}
	var vars []string
	for i, want := range rt.pattern {
		switch {
		case want == "{}" && segments[i] != "":
			vars = append(vars, segments[i])
		case want != segments[i]:
			return nil, false
		}
	}
	return vars, true
}
