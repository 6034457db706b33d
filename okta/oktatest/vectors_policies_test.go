package oktatest_test

import (
	"fmt"
	"strings"
)

const policies = servers + "/default/policies"

func policyBody(name, more string) string {
	return `{"type":"OAUTH_AUTHORIZATION_POLICY","name":"` + name + `","description":"d"` + comma(more) + `}`
}

// lifetimes is a rule with other token lifetimes.
func lifetimes(status int, access, refresh, window int) vector {
	return vector{ref, "POST", policies + "/{p}/rules", fmt.Sprintf(`{"type":"RESOURCE_ACCESS","name":"l%d-%d-%d","conditions":{"grantTypes":{"include":["client_credentials"]},"scopes":{"include":["*"]}},
 "actions":{"token":{"accessTokenLifetimeMinutes":%d,"refreshTokenLifetimeMinutes":%d,"refreshTokenWindowMinutes":%d}}}`, access, refresh, window, access, refresh, window), status, nil, ""}
}

var policySections = []chapter{
	{"policies: create, answer", []vector{
		{recorded, "POST", apps, serviceApp, 200, nil, "app=id"},
		{recorded, "POST", policies, policyBody("p", `"priority":1,"conditions":{"clients":{"include":["ALL_CLIENTS"]}}`), 201, []string{"id~^00p", `status="ACTIVE"`, `priority=1`, `system=false`, `description="d"`,
			`conditions={"clients":{"include":["ALL_CLIENTS"]}}`, "created" + instant, "lastUpdated" + instant, `type="OAUTH_AUTHORIZATION_POLICY"`, "_links.self.href~.", "_links.rules.href~.", "_links.deactivate.href~.",
			"order=id,status,name,description,priority,system,conditions,created,lastUpdated,_links,type"}, "p=id"},
		{recorded, "PUT", policies + "/{p}", policyBody("p", `"priority":1,"conditions":{"clients":{"include":["{app}"]}}`), 200, []string{`conditions.clients.include=["{app}"]`}, ""},
		{strict, "PUT", policies + "/{p}", policyBody("p", `"conditions":{"clients":{"include":["0oaNOPE"]}}`), 400, []string{invalid}, ""},
		{ref, "PUT", policies + "/{p}", policyBody("p", `"priority":1,"status":"INACTIVE"`), 200, []string{`status="ACTIVE"`}, ""},
		{ref, "POST", policies, strings.Replace(policyBody("x", ""), "OAUTH_AUTHORIZATION_POLICY", "OKTA_SIGN_ON", 1), 400, []string{invalid}, ""},
		{ref, "POST", policies, policyBody("", ""), 400, []string{invalid}, ""}, {ref, "POST", policies, policyBody(strings.Repeat("x", 101), ""), 400, []string{invalid}, ""},
		{ref, "POST", policies, strings.Replace(policyBody("x", ""), `"d"`, `"`+strings.Repeat("x", 256)+`"`, 1), 400, []string{invalid}, ""},
		{recorded, "POST", policies + "/{p}/lifecycle/deactivate", "", 204, nil, ""}, {strict, "POST", policies + "/{p}/lifecycle/deactivate", "", 204, nil, ""},
		{recorded, "GET", policies + "/{p}", "", 200, []string{`status="INACTIVE"`, "_links.activate.href~.", `_links.deactivate=absent`}, ""},
		{recorded, "POST", policies + "/{p}/lifecycle/activate", "", 204, nil, ""}, {recorded, "DELETE", policies + "/{p}", "", 204, nil, ""},
		{recorded, "PUT", policies + "/{p}", policyBody("p", ""), 404, []string{`errorSummary="Not found: Resource not found: {p} (Policy)"`}, ""},
	}},
	{"policies: priority", []vector{
		{recorded, "POST", servers, newServer, 201, nil, "as=id"},
		{recorded, "POST", servers + "/{as}/policies", policyBody("a", `"priority":999`), 201, []string{`priority=1`}, "a=id"}, // dense
		{strict, "POST", servers + "/{as}/policies", policyBody("b", ""), 201, []string{`priority=2`}, "b=id"},                 // last
		{ref, "POST", servers + "/{as}/policies", policyBody("c", `"priority":1`), 201, []string{`priority=1`}, "c=id"},        // the others move down
		{ref, "GET", servers + "/{as}/policies/{a}", "", 200, []string{`priority=2`}, ""}, {ref, "GET", servers + "/{as}/policies/{b}", "", 200, []string{`priority=3`}, ""},
		{recorded, "DELETE", servers + "/{as}/policies/{c}", "", 204, nil, ""}, {ref, "GET", servers + "/{as}/policies/{b}", "", 200, []string{`priority=2`}, ""},
	}},
	{"rules: create, answer", []vector{
		{recorded, "POST", policies, policyBody("p", ""), 201, nil, "p=id"},
		{recorded, "POST", policies + "/{p}/rules", `{"type":"RESOURCE_ACCESS","name":"cc","priority":1,"status":"ACTIVE","conditions":{"grantTypes":{"include":["client_credentials"]},"scopes":{"include":["*"]}},
 "actions":{"token":{"accessTokenLifetimeMinutes":60,"refreshTokenLifetimeMinutes":0,"refreshTokenWindowMinutes":10080}}}`, 201, []string{"id~^0pr", `system=false`, "created" + instant, "lastUpdated" + instant,
			`conditions={"grantTypes":{"include":["client_credentials"]},"people":{"users":{"exclude":[]}},"scopes":{"include":["*"]}}`, "_links.self.href~.", "_links.deactivate.href~.", `type="RESOURCE_ACCESS"`,
			`actions={"token":{"accessTokenLifetimeMinutes":60,"refreshTokenLifetimeMinutes":0,"refreshTokenWindowMinutes":10080}}`}, "r=id"},
		{recorded, "PUT", policies + "/{p}/rules/{r}", `{"type":"RESOURCE_ACCESS","name":"cc","priority":2,"conditions":{"grantTypes":{"include":["client_credentials"]},"scopes":{"include":["*"]}},
 "actions":{"token":{"accessTokenLifetimeMinutes":60,"refreshTokenLifetimeMinutes":0,"refreshTokenWindowMinutes":10080,"inlineHook":{"id":"cal1"}}}}`, 200, []string{`priority=1`, `actions.token.inlineHook={"id":"cal1"}`}, ""},
		{recorded, "PUT", policies + "/{p}/rules/{r}", ruleBody("cc", "client_credentials"), 200, []string{`actions.token.inlineHook=absent`}, ""},
		{ref, "POST", policies + "/{p}/rules", strings.Replace(ruleBody("x", "client_credentials"), "RESOURCE_ACCESS", "SIGN_ON", 1), 400, []string{invalid}, ""},
		{ref, "POST", policies + "/{p}/rules", ruleBody("", "client_credentials"), 400, []string{invalid}, ""}, {ref, "POST", policies + "/{p}/rules", `{"type":"RESOURCE_ACCESS","name":"x"}`, 400, []string{invalid}, ""},
		{ref, "POST", policies + "/{p}/rules", ruleBody("x", "magic"), 400, []string{invalid}, ""},
		{recorded, "POST", policies + "/{p}/rules/{r}/lifecycle/deactivate", "", 204, nil, ""}, {recorded, "GET", policies + "/{p}/rules/{r}", "", 200, []string{`status="INACTIVE"`, "_links.activate.href~."}, ""},
		{recorded, "POST", policies + "/{p}/rules/{r}/lifecycle/activate", "", 204, nil, ""}, {recorded, "POST", policies + "/{p}/rules/{r}/lifecycle/deactivate", "", 204, nil, ""},
		{recorded, "GET", policies + "/{p}/rules", "", 200, []string{`#=1`}, ""},
		{recorded, "DELETE", policies + "/{p}/rules/{r}", "", 204, nil, ""}, {recorded, "DELETE", policies + "/{p}/rules/{r}", "", 404, []string{`errorSummary="Not found: Resource not found: {r} (PolicyRule)"`}, ""},
		{recorded, "GET", policies + "/{p}/rules", "", 200, []string{`=[]`}, ""},
	}},
	{"rules: lifetimes", []vector{
		{recorded, "POST", policies, policyBody("p", ""), 201, nil, "p=id"},
		lifetimes(400, 4, 0, 10080), lifetimes(201, 5, 0, 10080), lifetimes(201, 1440, 0, 10080), lifetimes(400, 1441, 0, 10080),
		lifetimes(400, 60, 59, 60), lifetimes(201, 60, 60, 60), lifetimes(400, 60, 90, 91), lifetimes(400, 60, 90, 59), lifetimes(201, 5, 0, 2_628_000), lifetimes(400, 5, 0, 2_628_001), lifetimes(400, -1, 0, 10080),
	}},
	{"rules: grant types in Okta's order", []vector{
		{recorded, "POST", policies, policyBody("p", ""), 201, nil, "p=id"},
		{recorded, "POST", policies + "/{p}/rules", strings.Replace(ruleBody("a", "password", "implicit", "client_credentials", "authorization_code"), `"scopes"`, `"people":{"groups":{"include":["EVERYONE"]}},"scopes"`, 1), 201, nil, "r=id"},
		{recorded, "GET", policies + "/{p}/rules/{r}", "", 200, []string{`conditions.people={"groups":{"include":["EVERYONE"]},"users":{"exclude":[]}}`}, ""},
		{ref, "POST", policies + "/{p}/rules", ruleBody("b", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:saml2-bearer",
			"urn:ietf:params:oauth:grant-type:jwt-bearer", "interaction_code"), 201, nil, ""},
	}},
	{"rules: priority", []vector{
		{recorded, "POST", policies, policyBody("p", ""), 201, nil, "p=id"},
		{recorded, "POST", policies + "/{p}/rules", ruleBody("a", "client_credentials"), 201, []string{`priority=1`}, "a=id"}, {recorded, "POST", policies + "/{p}/rules", ruleBody("b", "client_credentials"), 201, []string{`priority=2`}, "b=id"},
		{recorded, "POST", policies + "/{p}/rules", strings.Replace(ruleBody("c", "client_credentials"), `{"type"`, `{"priority":3,"type"`, 1), 201, []string{`priority=3`}, "c=id"},
		{ref, "PUT", policies + "/{p}/rules/{c}", strings.Replace(ruleBody("c", "client_credentials"), `{"type"`, `{"priority":2,"type"`, 1), 200, []string{`priority=2`}, ""},
		{ref, "GET", policies + "/{p}/rules/{b}", "", 200, []string{`priority=3`}, ""}, {ref, "GET", policies + "/{p}/rules/{a}", "", 200, []string{`priority=1`}, ""},
		{recorded, "DELETE", policies + "/{p}/rules/{a}", "", 204, nil, ""}, {ref, "GET", policies + "/{p}/rules/{b}", "", 200, []string{`priority=2`}, ""},
	}},
}
