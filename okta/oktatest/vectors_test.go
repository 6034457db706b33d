package oktatest_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
)

// vector is one recorded or documented fact: a call, what it answers, and where that is from. In paths, bodies and wants {name} stands for what an earlier
// vector of the table kept under that name.
type vector struct {
	// source is a section of Okta's API reference or of its API description, or "recorded" from real orgs by the tests of Okta's SDKs and of its Terraform
	// provider; "strict" marks what neither knows, where the emulator takes the reading that is harder on clients.
	source       string
	method, path string
	body         string
	status       int
	want         []string // path=JSON; path absent when the value is "absent"
	keep         string   // name=path
}

const (
	ref      = "reference"
	recorded = "recorded"
	strict   = "strict"
	rfcRule  = `{"type":"RESOURCE_ACCESS","name":"%s","conditions":{"grantTypes":{"include":[%s]},"scopes":{"include":["*"]}}}`
)

func ruleBody(name string, grants ...string) string {
	return fmt.Sprintf(rfcRule, name, `"`+strings.Join(grants, `","`)+`"`)
}

// chapter is the vectors of one section of Okta's reference, in the order in which they are tried.
type chapter struct {
	section string
	vectors []vector
}

// service is the life of a service account's objects, told on one org.
var service = []chapter{
	{"applications", []vector{
		{recorded, "POST", "/api/v1/apps", serviceApp, 200, []string{`status="ACTIVE"`, `name="oidc_client"`, `signOnMode="OPENID_CONNECT"`, `features=[]`,
			`credentials.userNameTemplate={"template":"${source.login}","type":"BUILT_IN"}`, `credentials.oauthClient.autoKeyRotation=true`, `credentials.oauthClient.pkce_required=false`,
			`settings.oauthClient.dpop_bound_access_tokens=false`, `settings.oauthClient.consent_method="TRUSTED"`, `settings.oauthClient.issuer_mode="ORG_URL"`,
			`settings.oauthClient.redirect_uris=[]`, `settings.oauthClient.client_uri=null`, `settings.oauthClient.wildcard_redirect="DISABLED"`,
			`settings.oauthClient.idp_initiated_login={"default_scope":[],"mode":"DISABLED"}`, `settings.oauthClient.participate_slo=false`,
			`settings.notes={"admin":null,"enduser":null}`, `settings.emOptInStatus="NONE"`, `settings.implicitAssignment=false`, `profile.neo4j_groups=["reader","writer"]`}, "app=id"},
		{recorded, "GET", "/api/v1/apps/{app}", "", 200, []string{`credentials.oauthClient.client_secret=absent`, `credentials.oauthClient.client_id="{app}"`, `_links.clientCredentials.0.name="secrets"`}, ""},
		{recorded, "POST", "/api/v1/apps", serviceApp, 200, []string{`label="etl"`}, "twin=id"}, // labels are not unique
		{recorded, "POST", "/api/v1/apps?activate=false", serviceApp, 200, []string{`status="INACTIVE"`, `_links.deactivate=absent`}, "off=id"},
		{recorded, "DELETE", "/api/v1/apps/{off}", "", 204, nil, ""},
		{recorded, "DELETE", "/api/v1/apps/{twin}", "", 403, []string{`errorCode="E0000056"`, `errorSummary="Delete application forbidden."`, `errorCauses.0.errorSummary="The application must be deactivated before deletion."`}, ""},
		{recorded, "POST", "/api/v1/apps/{twin}/lifecycle/deactivate", "", 200, []string{`={}`}, ""},
		{recorded, "PUT", "/api/v1/apps/{twin}", serviceApp, 200, []string{`status="INACTIVE"`}, ""},
		{recorded, "DELETE", "/api/v1/apps/{twin}", "", 204, nil, ""},
		{recorded, "GET", "/api/v1/apps/{twin}", "", 404, []string{`errorCode="E0000007"`, `errorSummary="Not found: Resource not found: {twin} (AppInstance)"`, `errorCauses=[]`}, ""},
		{recorded, "PUT", "/api/v1/apps/{app}", strings.Replace(serviceApp, `"token_endpoint_auth_method"`, `"client_secret":"","token_endpoint_auth_method"`, 1), 200, nil, ""}, // an empty secret keeps it
		{recorded, "GET", "/api/v1/apps?after=nonsense", "", 400, []string{`errorCode="E0000029"`, `errorCauses.0.errorSummary="Invalid cursor."`}, ""},
		{recorded, "GET", "/api/v1/apps?expand=all", "", 400, []string{`errorSummary="Api validation failed: RequestParams"`, `errorCauses.0.errorSummary="Expand query is malformed."`}, ""},
		{ref, "GET", "/api/v1/apps?filter=label+eq+%22etl%22", "", 400, []string{`errorCode="E0000031"`}, ""},
		{recorded, "GET", "/api/v1/apps?filter=name+eq+%22saasure%22", "", 200, []string{`0.settings.oauthClient=absent`, `0.credentials.oauthClient=absent`, `1=absent`}, ""},
	}},
	{"client secrets", []vector{
		{recorded, "GET", "/api/v1/apps/{app}/credentials/secrets", "", 200, []string{`0.status="ACTIVE"`, `0._links.activate=absent`, `1=absent`}, "first=0.id"},
		{ref, "POST", "/api/v1/apps/{app}/credentials/secrets/{first}/lifecycle/deactivate", "", 400, []string{`errorSummary="Api validation failed: OAuth2ClientSecretMediated"`,
			`errorCauses.0.errorSummary="You can't deactivate the only active client secret."`}, ""},
		{recorded, "POST", "/api/v1/apps/{app}/credentials/secrets", `{"client_secret":"abcdefghijklmnop"}`, 201, []string{`status="ACTIVE"`, `client_secret="abcdefghijklmnop"`, `secret_hash="852sbLq6U14sIHzQzY8VSQ"`}, "second=id"},
		{ref, "POST", "/api/v1/apps/{app}/credentials/secrets", "", 400, []string{`errorCauses.0.errorSummary="You have reached the maximum number of client secrets per client."`}, ""},
		{ref, "DELETE", "/api/v1/apps/{app}/credentials/secrets/{second}", "", 400, []string{`errorCauses.0.errorSummary="You can't delete an active client secret. Deactivate the secret before deleting it."`}, ""},
		{recorded, "POST", "/api/v1/apps/{app}/credentials/secrets/{second}/lifecycle/deactivate", "", 200, []string{`status="INACTIVE"`, `_links.deactivate=absent`}, ""},
		{recorded, "DELETE", "/api/v1/apps/{app}/credentials/secrets/{second}", "", 204, nil, ""},
		{ref, "GET", "/api/v1/apps/{app}/credentials/secrets/{second}", "", 404, []string{`errorSummary="Not found: Resource not found: {second} (OAuth2ClientSecretMediated)"`}, ""},
		{recorded, "POST", "/api/v1/apps/{app}/credentials/jwks", `{"kty":"RSA","kid":"a"}`, 400, []string{`errorSummary="Api validation failed: JsonWebKey"`,
			`errorCauses.0.errorSummary="RSA key length in the 'jwks' is less than '2,048' bits for the given key."`}, ""},
	}},
	{"authorization servers", []vector{
		{recorded, "POST", servers, `{"name":"g","description":"d","audiences":["api://default"],"credentials":{"signing":{"rotationMode":"MANUAL"}}}`, 201,
			[]string{`status="ACTIVE"`, `default=false`, `credentials.signing.rotationMode="AUTO"`, `issuerMode="ORG_URL"`}, "as=id"},
		{recorded, "PUT", servers + "/{as}", `{"name":"g","audiences":["whatever.example.test"],"credentials":{"signing":{"rotationMode":"MANUAL"}}}`, 200,
			[]string{`credentials.signing.rotationMode="MANUAL"`, `credentials.signing.nextRotation=absent`, `description=null`, `audiences=["whatever.example.test"]`}, ""},
		{recorded, "POST", servers + "/{as}/lifecycle/activate", "", 204, nil, ""},
		{recorded, "GET", servers + "/{as}/policies", "", 200, []string{`=[]`}, ""},
		{recorded, "GET", servers + "/default", "", 200, []string{`name="default"`, `default=true`, `audiences=["api://default"]`}, ""},
		{recorded, "GET", servers + "/{as}/clients", "", 200, []string{`=[]`}, ""},
		{ref, "POST", servers + "/{as}/credentials/lifecycle/keyRotate", `{"use":"enc"}`, 400, []string{`errorSummary="Api validation failed: rotateKeys"`,
			`errorCauses.0.errorSummary="Invalid value specified for key 'use' parameter."`}, ""},
		{recorded, "POST", servers + "/{as}/credentials/lifecycle/keyRotate", `{"use":"sig"}`, 200, []string{`0.status="ACTIVE"`}, ""},
		{recorded, "GET", servers + "/ausNOPE", "", 404, []string{`errorSummary="Not found: Resource not found: ausNOPE (AuthorizationServer)"`}, ""},
	}},
	{"scopes", []vector{
		{recorded, "POST", servers + "/{as}/scopes", `{"name":"s"}`, 201, []string{`consent="IMPLICIT"`, `metadataPublish="NO_CLIENTS"`, `default=false`, `optional=false`, `system=false`,
			`displayName=null`, `description=""`, `apiResourceId=null`}, "scope=id"},
		{recorded, "PUT", servers + "/{as}/scopes/{scope}", `{"name":"renamed","consent":"FLEXIBLE","metadataPublish":"ALL_CLIENTS"}`, 200, []string{`name="renamed"`, `consent="FLEXIBLE"`}, ""},
		{strict, "POST", servers + "/{as}/scopes", `{"name":"renamed"}`, 400, []string{`errorSummary="Api validation failed: name"`}, ""},
		{ref, "POST", servers + "/{as}/scopes", `{"name":"okta.mine"}`, 400, nil, ""},
		{ref, "POST", servers + "/{as}/scopes", `{"name":"with space"}`, 400, nil, ""},
		{recorded, "GET", servers + "/{as}/scopes/scpNOPE", "", 404, []string{`errorSummary="Not found: Resource not found: scpNOPE (OAuth2Scope)"`}, ""},
	}},
	{"claims", []vector{
		{recorded, "POST", servers + "/{as}/claims", `{"name":"c","claimType":"RESOURCE","valueType":"EXPRESSION","value":"cool","conditions":{},"alwaysIncludeInToken":false}`, 201,
			[]string{`status="ACTIVE"`, `conditions={"scopes":[]}`, `alwaysIncludeInToken=true`, `system=false`, `apiResourceId=null`, `group_filter_type=absent`}, "claim=id"}, // no expression is looked at
		{recorded, "POST", servers + "/{as}/claims", `{"name":"c","claimType":"RESOURCE","valueType":"EXPRESSION","value":"x"}`, 400, []string{`errorSummary="Api validation failed: name"`}, ""},
		{recorded, "PUT", servers + "/{as}/claims/{claim}", `{"name":"c","claimType":"RESOURCE","valueType":"GROUPS","group_filter_type":"STARTS_WITH","value":"x","status":"INACTIVE"}`, 200,
			[]string{`status="INACTIVE"`, `group_filter_type="STARTS_WITH"`}, ""},
		{ref, "POST", servers + "/{as}/claims", `{"name":"iss","claimType":"RESOURCE","valueType":"EXPRESSION","value":"x"}`, 400, nil, ""},
		{recorded, "GET", servers + "/{as}/claims/oclNOPE", "", 404, []string{`errorSummary="Not found: Resource not found: oclNOPE (OAuth2Claim)"`}, ""},
	}},
	{"policies and rules", []vector{
		{recorded, "POST", servers + "/{as}/policies", `{"type":"OAUTH_AUTHORIZATION_POLICY","name":"p","description":"d","status":"INACTIVE"}`, 201,
			[]string{`conditions={"clients":{"include":[]}}`, `status="ACTIVE"`, `priority=1`, `type="OAUTH_AUTHORIZATION_POLICY"`}, "policy=id"},
		{recorded, "POST", servers + "/{as}/policies/{policy}/rules", ruleBody("one", "authorization_code", "client_credentials"), 201,
			[]string{`conditions.grantTypes.include=["client_credentials","authorization_code"]`, `conditions.people={"users":{"exclude":[]}}`, `priority=1`, `status="ACTIVE"`, `system=false`}, "rule=id"},
		{recorded, "POST", servers + "/{as}/policies/{policy}/rules", ruleBody("two", "password", "implicit"), 201, []string{`conditions.grantTypes.include=["implicit","password"]`, `priority=2`}, "two=id"},
		{recorded, "PUT", servers + "/{as}/policies/{policy}/rules/{two}", strings.Replace(ruleBody("two", "client_credentials"), `{"type"`, `{"priority":999,"type"`, 1), 200, []string{`priority=2`}, ""}, // clamped
		{ref, "PUT", servers + "/{as}/policies/{policy}/rules/{two}", strings.Replace(ruleBody("two", "client_credentials"), `{"type"`, `{"priority":1,"type"`, 1), 200, []string{`priority=1`}, ""},
		{ref, "GET", servers + "/{as}/policies/{policy}/rules/{rule}", "", 200, []string{`priority=2`}, ""},
		{recorded, "PUT", servers + "/{as}/policies/{policy}/rules/{rule}", `{"type":"RESOURCE_ACCESS","name":"one","conditions":{"people":{"users":{}},"grantTypes":{"include":["client_credentials"]},"scopes":{}}}`, 200,
			[]string{`conditions.people={"users":{"exclude":[]}}`, `conditions.scopes={"include":[]}`, `actions.token.inlineHook=absent`}, ""},
		{recorded, "PUT", servers + "/{as}/policies/{policy}/rules/{rule}", `{"type":"RESOURCE_ACCESS","name":"one","conditions":{"people":{"groups":{"include":["EVERYONE"]}},"grantTypes":{"include":["client_credentials"]},"scopes":{"include":["*"]}}}`, 200,
			[]string{`conditions.people={"groups":{"include":["EVERYONE"]},"users":{"exclude":[]}}`}, ""},
		{ref, "POST", servers + "/{as}/policies/{policy}/rules", `{"type":"RESOURCE_ACCESS","name":"x","conditions":{"grantTypes":{"include":["client_credentials"]}},"actions":{"scopes":[]}}`, 400,
			[]string{`errorCauses.0.errorSummary="actions.scopes: Cannot add scopes to 'action.scopes', add to 'conditions.scopes.include' instead."`}, ""},
		{recorded, "POST", servers + "/{as}/policies/{policy}/rules/{rule}/lifecycle/deactivate", "", 204, nil, ""},
		{recorded, "POST", servers + "/{as}/policies/{policy}/rules/{rule}/lifecycle/activate", "", 204, nil, ""},
		{recorded, "DELETE", servers + "/{as}/policies/{policy}/rules/{rule}", "", 204, nil, ""},
		{recorded, "POST", servers + "/{as}/policies/{policy}/rules/{rule}/lifecycle/deactivate", "", 404, []string{`errorSummary="Not found: Resource not found: {rule} (PolicyRule)"`}, ""},
		{recorded, "DELETE", servers + "/{as}/policies/{policy}", "", 204, nil, ""},
		{recorded, "GET", servers + "/{as}/policies/{policy}", "", 404, []string{`errorSummary="Not found: Resource not found: {policy} (Policy)"`}, ""},
		{recorded, "DELETE", servers + "/{as}", "", 204, nil, ""}, // while ACTIVE

	}},
	{"error envelope", []vector{
		{recorded, "PATCH", "/api/v1/apps", "", 405, []string{`errorCode="E0000022"`}, ""},
		{recorded, "POST", "/api/v1/apps", `{`, 400, []string{`errorCode="E0000003"`, `errorSummary="The request body was not well-formed."`, `errorCauses=[]`}, ""},
		{ref, "GET", "/api/v1/logs?filter=published+eq+%22x%22", "", 400, []string{`errorCode="E0000053"`}, ""},
	}},
}

func TestVectors(t *testing.T) {
	c, kept := start(t, &oktatest.Server{}), map[string]string{}
	for _, ch := range service {
		c.tell(ch, kept)
	}
}

// Each of these chapters is told on an org of its own.
func TestSections(t *testing.T) {
	all := slices.Concat(applicationSections, serverSections, policySections, endpointSections)
	for _, ch := range all {
		t.Run(ch.section, func(t *testing.T) {
			t.Parallel()
			start(t, &oktatest.Server{}).on(t).tell(ch, map[string]string{})
		})
	}
}

func (c client) on(t *testing.T) client { return client{t, c.org} }

// tell tries the vectors of a chapter, and keeps what they say to keep.
func (c client) tell(ch chapter, kept map[string]string) {
	c.t.Helper()
	fill := func(s string) string {
		for name, v := range kept {
			s = strings.ReplaceAll(s, "{"+name+"}", v)
		}
		return s
	}
	for i, v := range ch.vectors {
		name := fmt.Sprintf("%s %d: %s %s (%s)", ch.section, i, v.method, v.path, v.source)
		a := c.api(v.method, fill(v.path), fill(v.body))
		if a.status != v.status {
			c.t.Errorf("%s: got %d, want %d: %s", name, a.status, v.status, a.raw)
			continue
		}
		if v.status == 204 && a.raw != "" {
			c.t.Errorf("%s: 204 has a body: %s", name, a.raw)
		}
		for _, problem := range append(a.common(v.path), a.misses(c.t, v.want, fill)...) {
			c.t.Errorf("%s: %s", name, problem)
		}
		if name, path, ok := strings.Cut(v.keep, "="); ok {
			kept[name] = a.text(path)
		}
	}
}

// common is what every answer of the management API has (recorded): its headers, and in an error the envelope.
func (a answer) common(path string) []string {
	var problems []string
	headers := []string{"X-Okta-Request-Id", "Date", "Cache-Control"}
	if strings.HasPrefix(path, "/api/v1/") {
		headers = append(headers, "X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
	}
	for _, h := range headers {
		if a.header.Get(h) == "" {
			problems = append(problems, "no header "+h)
		}
	}
	if a.status >= 400 {
		_, causes := a.at("errorCauses").([]any)
		if code := a.text("errorCode"); !causes || code == "" || a.text("errorLink") != code || !strings.HasPrefix(a.text("errorId"), "oae") || a.text("errorSummary") == "" {
			problems = append(problems, "not Okta's error envelope: "+a.raw)
		}
	}
	return problems
}

// misses lists which wants an answer does not meet: path=JSON, path~regular expression, path=absent, #path=length, and order=path,path for members in this order.
func (a answer) misses(t *testing.T, wants []string, fill func(string) string) []string {
	t.Helper()
	var problems []string
	for _, want := range wants {
		path, value, _ := strings.Cut(want, "=")
		if p, pattern, ok := strings.Cut(want, "~"); ok && !strings.Contains(p, "=") {
			if !regexp.MustCompile(pattern).MatchString(a.text(p)) {
				problems = append(problems, fmt.Sprintf("%s is %q, want %s", p, a.text(p), pattern))
			}
			continue
		}
		if list, ok := strings.CutPrefix(path, "#"); ok {
			members, _ := a.json.([]any)
			if list != "" {
				members, _ = a.at(list).([]any)
			}
			if fmt.Sprint(len(members)) != value {
				problems = append(problems, fmt.Sprintf("%d members, want %s", len(members), value))
			}
			continue
		}
		if path == "order" {
			last := -1
			for _, key := range strings.Split(value, ",") {
				at := strings.Index(a.raw, `"`+key+`":`)
				if at <= last {
					problems = append(problems, key+" is not in Okta's order: "+a.raw)
				}
				last = at
			}
			continue
		}
		if p := a.holds(t, fill(path), fill(value)); p != "" {
			problems = append(problems, p)
		}
	}
	return problems
}

// holds compares what stands at a path with JSON, or says that it is not absent.
func (a answer) holds(t *testing.T, path, want string) string {
	t.Helper()
	whole := a
	if path != "" {
		whole.json = a.at(path)
	}
	got := asJSON(t, whole.json)
	if want == "absent" {
		if got != "null" || a.has(path) {
			return path + " is there: " + got
		}
		return ""
	}
	if got != want {
		return fmt.Sprintf("%s: got %s, want %s", path, got, want)
	}
	return ""
}

// has says whether the last member of a path is there, null or not.
func (a answer) has(path string) bool {
	at := strings.LastIndex(path, ".")
	owner, last := a.json, path
	if at >= 0 {
		owner, last = a.at(path[:at]), path[at+1:]
	}
	m, _ := owner.(map[string]any)
	_, there := m[last]
	return there
}
