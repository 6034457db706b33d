package oktatest_test

import "strings"

const (
	newServer = `{"name":"g","description":"d","audiences":["api://g"]}`
	invalid   = `errorCode="E0000001"`
)

// badServer, badScope and the like are bodies that Okta's reference rules out.
func badServer(body string) vector {
	return vector{ref, "POST", servers, body, 400, []string{invalid}, ""}
}

func badScope(name string) vector {
	return vector{ref, "POST", servers + "/default/scopes", `{"name":"` + name + `"}`, 400, []string{invalid}, ""}
}

func claimBody(name, kind, more string) string {
	return `{"name":"` + name + `","claimType":"` + kind + `","valueType":"EXPRESSION","value":"app.clientId"` + comma(more) + `}`
}

var serverSections = []chapter{
	{"authorization servers: create, answer", []vector{
		{recorded, "POST", servers, newServer, 201, []string{"id~^aus[A-Za-z0-9]{17}$", `name="g"`, `description="d"`, `audiences=["api://g"]`, "issuer~/oauth2/aus", `status="ACTIVE"`, "created" + instant,
			"credentials.signing.kid~.", "credentials.signing.lastRotated" + instant, "credentials.signing.nextRotation" + instant, `default=false`, "_links.rotateKey.href~.", "_links.metadata.0.name~oauth-authorization-server",
			"_links.metadata.1.name~openid-configuration", "_links.keys.href~.", "_links.claims.href~.", "_links.policies.href~.", "_links.scopes.href~.", "_links.self.href~.", "_links.deactivate.href~.",
			`_links.activate=absent`, "order=id,name,description,audiences,issuer,issuerMode,status,created,lastUpdated,credentials,default,_links"}, "as=id"},
		{recorded, "POST", servers, `{"name":"h","audiences":["api://default"]}`, 201, []string{`description=null`, `audiences=["api://default"]`}, ""}, // audiences are not unique
		{recorded, "POST", servers, `{"name":"w","audiences":["whatever.example.test"]}`, 201, nil, ""},
		badServer(`{"name":"x","audiences":["a","b"]}`), badServer(`{"name":"x","audiences":[]}`), badServer(`{"name":"x"}`), badServer(`{"audiences":["a"]}`), badServer(`{"name":"x","audiences":["http://[x"]}`),
		badServer(`{"name":"x","audiences":["a"],"issuerMode":"MINE"}`),
		{recorded, "GET", servers + "/{as}/scopes", "", 200, []string{`#=7`}, ""}, {recorded, "GET", servers + "/{as}/claims", "", 200, []string{`#=19`}, ""},
		{recorded, "GET", servers + "/{as}/policies", "", 200, []string{`=[]`}, ""}, {recorded, "GET", servers + "/{as}/clients", "", 200, []string{`=[]`}, ""},
	}},
	{"authorization servers: replace", []vector{
		{recorded, "POST", servers, newServer, 201, nil, "as=id"},
		{recorded, "PUT", servers + "/{as}", `{"name":"g2","audiences":["other"],"id":"ausOTHER","issuer":"x","default":true,"status":"INACTIVE","credentials":{"signing":{"kid":"mine","rotationMode":"MANUAL"}}}`, 200,
			[]string{`id="{as}"`, `name="g2"`, `audiences=["other"]`, `default=false`, `status="ACTIVE"`, `description=null`, `credentials.signing.rotationMode="MANUAL"`, `credentials.signing.nextRotation=absent`}, ""},
		{recorded, "PUT", servers + "/{as}", `{"name":"g2","audiences":["other"],"credentials":{"signing":{"rotationMode":"AUTO"}}}`, 200, []string{"credentials.signing.nextRotation" + instant}, ""},
		{recorded, "PUT", servers + "/ausNOPE", newServer, 404, []string{`errorSummary="Not found: Resource not found: ausNOPE (AuthorizationServer)"`}, ""},
	}},
	{"authorization servers: lifecycle and delete", []vector{
		{recorded, "POST", servers, newServer, 201, nil, "as=id"},
		{recorded, "POST", servers + "/{as}/lifecycle/deactivate", "", 204, nil, ""}, {strict, "POST", servers + "/{as}/lifecycle/deactivate", "", 204, nil, ""},
		{recorded, "GET", servers + "/{as}", "", 200, []string{`status="INACTIVE"`, "_links.activate.href~.", `_links.deactivate=absent`}, ""},
		{recorded, "POST", servers + "/{as}/lifecycle/activate", "", 204, nil, ""}, {recorded, "POST", servers + "/{as}/lifecycle/activate", "", 204, nil, ""},
		{recorded, "DELETE", servers + "/{as}", "", 204, nil, ""}, {recorded, "GET", servers + "/{as}", "", 404, []string{`errorCode="E0000007"`}, ""},
		{recorded, "GET", servers + "/{as}/scopes", "", 404, []string{"errorSummary~AuthorizationServer"}, ""}, {recorded, "DELETE", servers + "/{as}", "", 404, nil, ""},
	}},
	{"authorization servers: default, and its alias", []vector{
		{recorded, "GET", servers + "/default", "", 200, []string{"id~^aus", `name="default"`, `default=true`, "issuer~/oauth2/default$", "_links.self.href~/authorizationServers/default$"}, "as=id"},
		{recorded, "GET", servers + "/{as}", "", 200, []string{"issuer~/oauth2/default$", "_links.self.href~/authorizationServers/aus"}, ""},
		{recorded, "GET", servers + "?q=default&limit=200", "", 200, []string{`#=1`, `0.id="{as}"`}, ""},
		{ref, "GET", servers + "?q=api://def", "", 200, []string{`#=1`}, ""}, {recorded, "GET", servers + "?q=nobody", "", 200, []string{`=[]`}, ""},
		{ref, "GET", servers + "/default/policies", "", 200, []string{`#=1`, `0.name="Default Policy"`, `0.conditions.clients.include=["ALL_CLIENTS"]`, `0.priority=1`}, "policy=0.id"},
		{ref, "GET", servers + "/default/policies/{policy}/rules", "", 200, []string{`#=1`, `0.name="Default Policy Rule"`, `0.conditions.scopes.include=["*"]`, `0.conditions.people.groups.include=["EVERYONE"]`,
			`0.actions.token.accessTokenLifetimeMinutes=60`, `0.actions.token.refreshTokenLifetimeMinutes=0`, `0.actions.token.refreshTokenWindowMinutes=10080`}, ""},
		{strict, "DELETE", servers + "/default", "", 403, []string{`errorCode="E0000006"`}, ""},
	}},
	{"authorization servers: keys", []vector{
		{recorded, "POST", servers, newServer, 201, []string{"credentials.signing.kid~."}, "as=id"},
		{recorded, "GET", servers + "/{as}/credentials/keys", "", 200, []string{`0.status="ACTIVE"`, `0.kty="RSA"`, `0.alg="RS256"`, `0.use="sig"`, `0.e="AQAB"`, "0.n~.", "0.kid~.", "0._links.self.href~."}, "kid=0.kid"},
		{recorded, "POST", servers + "/{as}/credentials/lifecycle/keyRotate", `{"use":"sig"}`, 200, []string{`0.status="ACTIVE"`, `1.status="NEXT"`, `2.status="EXPIRED"`, `2.kid="{kid}"`, `#=3`}, "now=0.kid"},
		{recorded, "GET", servers + "/{as}", "", 200, []string{`credentials.signing.kid="{now}"`}, ""},
		{recorded, "GET", "/oauth2/{as}/v1/keys", "", 200, nil, ""},
	}},
	{"scopes: create, answer", []vector{
		{recorded, "POST", servers + "/default/scopes", `{"name":"neo4j_groups","displayName":"Neo4j groups","description":"d"}`, 201, []string{"id~^scp", `displayName="Neo4j groups"`, `system=false`,
			`metadataPublish="NO_CLIENTS"`, `consent="IMPLICIT"`, `optional=false`, `apiResourceId=null`, `default=false`, `_links.self.hints.allow=["GET","PUT","DELETE"]`,
			"order=id,name,displayName,description,system,metadataPublish,consent,optional,apiResourceId,default,_links"}, "s=id"},
		{recorded, "PUT", servers + "/default/scopes/{s}", `{"name":"neo4j_groups","consent":"REQUIRED","metadataPublish":"ALL_CLIENTS","default":true,"system":true,"id":"x"}`, 200,
			[]string{`id="{s}"`, `consent="REQUIRED"`, `default=true`, `system=false`, `displayName=null`, `description=""`}, ""}, // what is left out is reset
		{recorded, "POST", servers + "/default/scopes", `{"name":"flexible","consent":"FLEXIBLE","optional":true}`, 201, []string{`consent="FLEXIBLE"`, `optional=true`}, ""},
		{ref, "POST", servers + "/default/scopes", `{"name":"implicit","consent":"IMPLICIT","optional":true}`, 400, []string{invalid}, ""},
		{strict, "POST", servers + "/default/scopes", `{"name":"neo4j_groups"}`, 400, []string{`errorSummary="Api validation failed: name"`}, ""},
		badScope("okta.x"), badScope("okta:x"), badScope("okta"), badScope("*"), badScope("<a>"), badScope("a b"), badScope(`a\"b`), badScope(`a\\b`), badScope("ü"), badScope(""),
		{ref, "POST", servers + "/default/scopes", `{"name":"a<b"}`, 201, nil, ""},
		{ref, "POST", servers + "/default/scopes", `{"name":"bad","consent":"SOMETIMES"}`, 400, []string{invalid}, ""}, {ref, "POST", servers + "/default/scopes", `{"name":"bad","metadataPublish":"SOME"}`, 400, []string{invalid}, ""},
		{recorded, "DELETE", servers + "/default/scopes/{s}", "", 204, nil, ""}, {recorded, "GET", servers + "/default/scopes/{s}", "", 404, []string{`errorSummary="Not found: Resource not found: {s} (OAuth2Scope)"`}, ""},
	}},
	{"scopes: built in", []vector{
		{recorded, "GET", servers + "/default/scopes?q=openid", "", 200, []string{`#=1`, `0.system=true`, `0.metadataPublish="ALL_CLIENTS"`, `0.consent="IMPLICIT"`, `0.optional=false`, `0.default=false`,
			"0.displayName~.", `0._links.self.hints.allow=["GET","PUT","DELETE"]`}, "openid=0.id"},
		{recorded, "GET", servers + "/default/scopes", "", 200, []string{`#=27`}, ""}, // seven, and twenty okta.myAccount.*
		{recorded, "GET", servers + "/default/scopes?q=okta.myAccount.read", "", 200, []string{`0.system=false`, `0.metadataPublish="ALL_CLIENTS"`}, ""},
	}},
	{"claims: create, answer", []vector{
		{recorded, "POST", servers + "/default/claims", claimBody("groups", "RESOURCE", `"conditions":{"scopes":["openid"]},"alwaysIncludeInToken":false`), 201, []string{"id~^ocl", `status="ACTIVE"`, `alwaysIncludeInToken=true`,
			`conditions={"scopes":["openid"]}`, `system=false`, `apiResourceId=null`, "_links.self.href~.", `group_filter_type=absent`,
			"order=id,name,status,claimType,valueType,value,conditions,system,alwaysIncludeInToken,apiResourceId,_links"}, "c=id"},
		{recorded, "POST", servers + "/default/claims", claimBody("off", "IDENTITY", `"status":"INACTIVE","alwaysIncludeInToken":false,"conditions":{}`), 201, []string{`status="INACTIVE"`, `alwaysIncludeInToken=false`, `conditions={"scopes":[]}`}, ""},
		{recorded, "PUT", servers + "/default/claims/{c}", claimBody("renamed", "RESOURCE", `"status":"INACTIVE"`), 200, []string{`name="renamed"`, `status="INACTIVE"`}, ""},
		{recorded, "PUT", servers + "/default/claims/{c}", claimBody("renamed", "RESOURCE", `"status":"ACTIVE","conditions":{"scopes":[]}`), 200, []string{`status="ACTIVE"`, `conditions={"scopes":[]}`}, ""},
		{ref, "POST", servers + "/default/claims", `{"name":"g","claimType":"RESOURCE","valueType":"GROUPS","value":"x"}`, 400, []string{invalid}, ""},
		{recorded, "POST", servers + "/default/claims", `{"name":"g","claimType":"RESOURCE","valueType":"GROUPS","group_filter_type":"REGEX","value":".*"}`, 201, []string{`valueType="GROUPS"`, `group_filter_type="REGEX"`, `value=".*"`}, ""},
		{ref, "POST", servers + "/default/claims", `{"name":"h","claimType":"RESOURCE","valueType":"GROUPS","group_filter_type":"LIKE","value":"x"}`, 400, []string{invalid}, ""},
		{ref, "POST", servers + "/default/claims", claimBody("x", "OTHER", ""), 400, []string{invalid}, ""}, {ref, "POST", servers + "/default/claims", strings.Replace(claimBody("x", "RESOURCE", ""), "EXPRESSION", "MAGIC", 1), 400, []string{invalid}, ""},
		{ref, "POST", servers + "/default/claims", claimBody("cid", "RESOURCE", ""), 400, []string{invalid}, ""}, {ref, "POST", servers + "/default/claims", claimBody("scp", "RESOURCE", ""), 400, []string{invalid}, ""},
		{ref, "POST", servers + "/default/claims", claimBody("scope", "RESOURCE", ""), 201, nil, ""},
		{recorded, "DELETE", servers + "/default/claims/{c}", "", 204, nil, ""}, {recorded, "DELETE", servers + "/default/claims/{c}", "", 404, []string{`errorSummary="Not found: Resource not found: {c} (OAuth2Claim)"`}, ""},
	}},
}
