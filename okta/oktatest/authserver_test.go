package oktatest_test

import (
	"strings"
	"testing"
	"time"

	"keymaker/okta/oktatest"
)

const (
	servers = "/api/v1/authorizationServers"
	deflt   = servers + "/default"
)

func TestDefaultServer(t *testing.T) {
	c := start(t, &oktatest.Server{})
	a := c.must(200, "GET", deflt, "")
	id := a.text("id")
	if !strings.HasPrefix(id, "aus") || a.text("issuer") != c.org.URL+"/oauth2/default" || a.at("default") != true || a.text("name") != "default" {
		t.Errorf("default server: %s", a.raw)
	}
	if got := a.text("_links.self.href"); got != c.org.URL+deflt {
		t.Errorf("by alias the links say default: got %s", got)
	}
	byID := c.must(200, "GET", servers+"/"+id, "")
	if byID.text("issuer") != c.org.URL+"/oauth2/default" || byID.text("_links.self.href") != c.org.URL+servers+"/"+id {
		t.Errorf("by id: %s", byID.raw)
	}
	policies := c.must(200, "GET", deflt+"/policies", "")
	if policies.text("0.name") != "Default Policy" || asJSON(t, policies.at("0.conditions.clients.include")) != `["ALL_CLIENTS"]` {
		t.Errorf("default policy: %s", policies.raw)
	}
	counts := map[string]int{}
	for _, x := range c.must(200, "GET", deflt+"/scopes", "").json.([]any) {
		m := x.(map[string]any)
		if m["system"] == true {
			counts["system"]++
		} else if strings.HasPrefix(m["name"].(string), "okta.myAccount.") {
			counts["myAccount"]++
		}
	}
	if counts["system"] != 7 || counts["myAccount"] != 20 {
		t.Errorf("scopes: got %v, want 7 system and 20 myAccount", counts)
	}
	bare := start(t, &oktatest.Server{NoDefaultPolicy: true})
	if got := bare.must(200, "GET", deflt+"/policies", "").raw; got != "[]" {
		t.Errorf("NoDefaultPolicy: got %s", got)
	}
}

func TestServerLifecycle(t *testing.T) {
	now := time.Date(2026, 1, 6, 19, 8, 16, 0, time.UTC)
	c := start(t, &oktatest.Server{Clock: func() time.Time { return now }})
	a := c.must(201, "POST", servers, `{"name":"graph","description":"d","audiences":["api://graph"],"credentials":{"signing":{"rotationMode":"MANUAL"}}}`)
	self := servers + "/" + a.text("id")
	if a.text("credentials.signing.rotationMode") != "AUTO" || a.text("credentials.signing.nextRotation") != "2026-04-06T19:08:16.000Z" {
		t.Errorf("POST ignores MANUAL: %s", a.raw)
	}
	if a.text("issuer") != c.org.URL+"/oauth2/"+a.text("id") || a.at("default") != false {
		t.Errorf("server: %s", a.raw)
	}
	for path, want := range map[string]int{"/scopes": 7, "/claims": 19, "/policies": 0, "/clients": 0, "/credentials/keys": 2} {
		if got := len(c.must(200, "GET", self+path, "").json.([]any)); got != want {
			t.Errorf("%s of a new server: got %d, want %d", path, got, want)
		}
	}
	now = now.Add(time.Hour)
	c.must(201, "POST", self+"/scopes", `{"name":"s"}`)
	if got := c.must(200, "GET", self, "").text("lastUpdated"); got != "2026-01-06T19:08:16.000Z" {
		t.Errorf("a new scope bumps its server: got %s", got)
	}
	body := strings.Replace(c.must(200, "GET", self, "").raw, `"rotationMode":"AUTO"`, `"rotationMode":"MANUAL"`, 1)
	put := c.must(200, "PUT", self, body) // the whole GET body, read-only members and all
	if put.text("credentials.signing.rotationMode") != "MANUAL" || put.at("credentials.signing.nextRotation") != nil || put.text("lastUpdated") != "2026-01-06T19:08:16.000Z" {
		t.Errorf("PUT: %s", put.raw)
	}
	if got := c.must(200, "GET", self, "").text("lastUpdated"); got != "2026-01-06T20:08:16.000Z" {
		t.Errorf("after PUT: got %s", got)
	}
	c.must(204, "POST", self+"/lifecycle/activate", "") // already ACTIVE
	c.must(204, "POST", self+"/lifecycle/deactivate", "")
	c.must(204, "POST", self+"/lifecycle/activate", "")
	keys := c.must(200, "POST", self+"/credentials/lifecycle/keyRotate", `{"use":"sig"}`)
	if keys.text("0.status") != "ACTIVE" || keys.text("1.status") != "NEXT" || keys.text("2.status") != "EXPIRED" {
		t.Errorf("keys: %s", keys.raw)
	}
	if e := c.must(400, "POST", self+"/credentials/lifecycle/keyRotate", `{"use":"enc"}`); e.text("errorSummary") != "Api validation failed: rotateKeys" {
		t.Errorf("bad use: %s", e.raw)
	}
	c.must(204, "DELETE", self, "") // ACTIVE
	if e := c.must(404, "GET", self, ""); e.text("errorSummary") != "Not found: Resource not found: "+a.text("id")+" (AuthorizationServer)" {
		t.Errorf("gone server: %s", e.raw)
	}
}

func TestServerValidation(t *testing.T) {
	c := start(t, &oktatest.Server{})
	for _, row := range []struct {
		name, body string
		status     int
	}{
		{"bare audience", `{"name":"a","audiences":["whatever.example.test"]}`, 201},
		{"shared audience", `{"name":"b","audiences":["api://default"]}`, 201},
		{"no audience", `{"name":"c"}`, 400},
		{"two audiences", `{"name":"c","audiences":["a","b"]}`, 400},
		{"broken audience", `{"name":"c","audiences":["a b:/%zz"]}`, 400},
		{"no name", `{"audiences":["x"]}`, 400},
		{"taken name", `{"name":"a","audiences":["x"]}`, 400},
	} {
		if a := c.api("POST", servers, row.body); a.status != row.status {
			t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
		}
	}
}

func TestScopes(t *testing.T) {
	c := start(t, &oktatest.Server{})
	all := deflt + "/scopes"
	a := c.must(201, "POST", all, `{"name":"neo4j_groups"}`)
	want := `{"id":"` + a.text("id") + `","name":"neo4j_groups","displayName":null,"description":"","system":false,"metadataPublish":"NO_CLIENTS",` +
		`"consent":"IMPLICIT","optional":false,"apiResourceId":null,"default":false,"_links":{"self":{"href":"` + c.org.URL + all + "/" + a.text("id") +
		`","hints":{"allow":["GET","PUT","DELETE"]}}}}`
	if a.raw != want {
		t.Errorf("scope: got %s\nwant %s", a.raw, want)
	}
	for _, row := range []struct {
		name, body string
		status     int
	}{
		{"duplicate", `{"name":"neo4j_groups"}`, 400},
		{"no name", `{}`, 400},
		{"space", `{"name":"a b"}`, 400},
		{"quote", `{"name":"a\"b"}`, 400},
		{"backslash", `{"name":"a\\b"}`, 400},
		{"angle brackets", `{"name":"<a>"}`, 400},
		{"one bracket", `{"name":"<a"}`, 201},
		{"okta prefix", `{"name":"okta.mine"}`, 400},
		{"okta", `{"name":"okta"}`, 400},
		{"star", `{"name":"*"}`, 400},
		{"odd consent", `{"name":"x","consent":"MAYBE"}`, 400},
		{"optional and implicit", `{"name":"x","optional":true}`, 400},
		{"optional and required", `{"name":"x","optional":true,"consent":"REQUIRED"}`, 201},
	} {
		e := c.api("POST", all, row.body)
		if e.status != row.status {
			t.Errorf("%s: got %d %s", row.name, e.status, e.raw)
		}
		if row.name == "duplicate" && e.text("errorSummary") != "Api validation failed: name" {
			t.Errorf("duplicate: %s", e.raw)
		}
	}
	self := all + "/" + a.text("id")
	if got := c.must(200, "PUT", self, `{"name":"renamed","displayName":"D","consent":"FLEXIBLE","metadataPublish":"ALL_CLIENTS"}`); got.text("name") != "renamed" {
		t.Errorf("rename: %s", got.raw)
	}
	if l := c.must(200, "GET", all, ""); len(l.header.Values("Link")) != 0 {
		t.Error("a scope list without limit has no Link header")
	}
	if l := c.must(200, "GET", all+"?limit=3", ""); len(l.json.([]any)) != 3 || linkOf(l.header, "next") == "" {
		t.Errorf("a page of scopes: %v", l.header)
	}
	c.must(204, "DELETE", self, "")
	if e := c.must(404, "GET", self, ""); !strings.HasSuffix(e.text("errorSummary"), "(OAuth2Scope)") {
		t.Errorf("gone scope: %s", e.raw)
	}
	c.must(403, "DELETE", all+"/"+c.must(200, "GET", all, "").text("0.id"), "")
}

func TestClaims(t *testing.T) {
	c := start(t, &oktatest.Server{})
	c.must(201, "POST", deflt+"/scopes", `{"name":"neo4j_groups"}`)
	all := deflt + "/claims"
	claim := `{"name":"groups","claimType":"RESOURCE","valueType":"EXPRESSION","value":"cool","conditions":{"scopes":["neo4j_groups"]},"alwaysIncludeInToken":false}`
	a := c.must(201, "POST", all, claim)
	if a.at("alwaysIncludeInToken") != true || a.text("status") != "ACTIVE" || a.text("value") != "cool" {
		t.Errorf("claim: %s", a.raw)
	}
	for _, row := range []struct{ name, path, value, want string }{
		{"empty conditions", "conditions", `{}`, `{"scopes":[]}`},
		{"no conditions", "conditions", `null`, `{"scopes":[]}`},
		{"inactive is accepted", "status", `"INACTIVE"`, `"INACTIVE"`},
		{"status left out", "status", `null`, `"ACTIVE"`},
	} {
		body := `{"name":"groups","claimType":"RESOURCE","valueType":"EXPRESSION","value":"cool","` + row.path + `":` + row.value + `}`
		got := c.must(200, "PUT", all+"/"+a.text("id"), body)
		if text := asJSON(t, got.at(row.path)); text != row.want {
			t.Errorf("%s: got %s, want %s", row.name, text, row.want)
		}
	}
	dup := c.must(400, "POST", all, claim)
	if dup.text("errorSummary") != "Api validation failed: name" {
		t.Errorf("duplicate: %s", dup.raw)
	}
	for _, row := range []struct{ name, body string }{
		{"reserved", `{"name":"scp","claimType":"RESOURCE","valueType":"EXPRESSION","value":"'x'"}`},
		{"unknown scope", `{"name":"x","claimType":"RESOURCE","valueType":"EXPRESSION","value":"'x'","conditions":{"scopes":["nope"]}}`},
		{"no value", `{"name":"x","claimType":"RESOURCE","valueType":"EXPRESSION"}`},
		{"no claim type", `{"name":"x","valueType":"EXPRESSION","value":"'x'"}`},
		{"groups without filter", `{"name":"x","claimType":"RESOURCE","valueType":"GROUPS","value":"x"}`},
	} {
		if e := c.api("POST", all, row.body); e.status != 400 {
			t.Errorf("%s: got %d %s", row.name, e.status, e.raw)
		}
	}
	system := 0
	for _, x := range c.must(200, "GET", all, "").json.([]any) {
		m := x.(map[string]any)
		if m["system"] == true {
			system++
		}
		if _, has := m["value"]; has && m["valueType"] == "SYSTEM" {
			t.Errorf("a SYSTEM claim has no value: %v", m)
		}
	}
	if system != 19 {
		t.Errorf("system claims: got %d, want 19", system)
	}
	c.must(204, "DELETE", all+"/"+a.text("id"), "")
	if e := c.must(404, "DELETE", all+"/"+a.text("id"), ""); !strings.HasSuffix(e.text("errorSummary"), "(OAuth2Claim)") {
		t.Errorf("gone claim: %s", e.raw)
	}
}

func TestPolicies(t *testing.T) {
	c := start(t, &oktatest.Server{NoDefaultPolicy: true})
	app := c.must(200, "POST", "/api/v1/apps", serviceApp).text("id")
	all := deflt + "/policies"
	body := func(name, rest string) string {
		return `{"type":"OAUTH_AUTHORIZATION_POLICY","name":"` + name + `","description":"d"` + rest + `}`
	}
	a := c.must(201, "POST", all, body("a", `,"priority":1,"conditions":{"clients":{"include":["`+app+`"]}}`))
	if a.text("status") != "ACTIVE" || a.at("system") != false || a.at("priority") != 1.0 || a.text("type") != "OAUTH_AUTHORIZATION_POLICY" {
		t.Errorf("policy: %s", a.raw)
	}
	b := c.must(201, "POST", all, body("b", `,"status":"INACTIVE"`))
	if asJSON(t, b.at("conditions")) != `{"clients":{"include":[]}}` || b.at("priority") != 2.0 || b.text("status") != "ACTIVE" {
		t.Errorf("policy without conditions, priority, and with a status: %s", b.raw)
	}
	if d := c.must(201, "POST", all, body("c", `,"priority":99`)); d.at("priority") != 3.0 {
		t.Errorf("clamped: %s", d.raw)
	}
	c.must(201, "POST", all, body("d", `,"priority":1`))
	if got := names(c.must(200, "GET", all, "")); got != "d a b c" {
		t.Errorf("insert at 1 shifts the others: got %s", got)
	}
	c.must(200, "PUT", all+"/"+b.text("id"), body("b", `,"priority":1,"conditions":{"clients":{"include":["ALL_CLIENTS"]}}`))
	if got := names(c.must(200, "GET", all, "")); got != "b d a c" {
		t.Errorf("move: got %s", got)
	}
	for _, row := range []struct{ name, body string }{
		{"duplicate", body("a", "")},
		{"unknown client", body("x", `,"conditions":{"clients":{"include":["nope"]}}`)},
		{"no type", `{"name":"x","description":"d"}`},
		{"no description", `{"type":"OAUTH_AUTHORIZATION_POLICY","name":"x"}`},
		{"priority 0", body("x", `,"priority":0`)},
	} {
		if e := c.api("POST", all, row.body); e.status != 400 {
			t.Errorf("%s: got %d %s", row.name, e.status, e.raw)
		}
	}
	self := all + "/" + a.text("id")
	c.must(204, "POST", self+"/lifecycle/deactivate", "")
	if got := c.must(200, "GET", self, ""); got.text("status") != "INACTIVE" || got.at("_links.activate") == nil {
		t.Errorf("inactive policy: %s", got.raw)
	}
	c.must(204, "DELETE", all+"/"+b.text("id"), "") // ACTIVE
	if e := c.must(404, "GET", all+"/"+b.text("id"), ""); !strings.HasSuffix(e.text("errorSummary"), "(Policy)") {
		t.Errorf("gone policy: %s", e.raw)
	}
}

func names(a answer) string {
	var out []string
	for _, x := range a.json.([]any) {
		out = append(out, x.(map[string]any)["name"].(string))
	}
	return strings.Join(out, " ")
}

func TestRules(t *testing.T) {
	c := start(t, &oktatest.Server{})
	all := deflt + "/policies/" + c.must(200, "GET", deflt+"/policies", "").text("0.id") + "/rules"
	body := func(name, conditions, rest string) string {
		return `{"type":"RESOURCE_ACCESS","name":"` + name + `","conditions":{` + conditions + `}` + rest + `}`
	}
	const grant = `"grantTypes":{"include":["client_credentials"]}`
	for _, row := range []struct{ name, conditions, path, want string }{
		{"no people", grant, "conditions.people", `{"users":{"exclude":[]}}`},
		{"everyone", grant + `,"people":{"groups":{"include":["EVERYONE"]}}`, "conditions.people", `{"groups":{"include":["EVERYONE"]},"users":{"exclude":[]}}`},
		{"empty users", grant + `,"people":{"users":{}}`, "conditions.people", `{"users":{"exclude":[]}}`},
		{"empty scopes", grant + `,"scopes":{}`, "conditions.scopes", `{"include":[]}`},
		{"server order 1", `"grantTypes":{"include":["authorization_code","client_credentials"]}`, "conditions.grantTypes.include", `["client_credentials","authorization_code"]`},
		{"server order 2", `"grantTypes":{"include":["password","implicit"]}`, "conditions.grantTypes.include", `["implicit","password"]`},
		{"lifetimes", grant, "actions.token", `{"accessTokenLifetimeMinutes":60,"refreshTokenLifetimeMinutes":0,"refreshTokenWindowMinutes":10080}`},
	} {
		a := c.must(201, "POST", all, body(row.name, row.conditions, ""))
		if got := asJSON(t, a.at(row.path)); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
		c.must(204, "DELETE", all+"/"+a.text("id"), "") // ACTIVE
	}
	a := c.must(201, "POST", all, body("r", grant, `,"priority":7,"status":"INACTIVE"`))
	if a.at("priority") != 2.0 || a.text("status") != "ACTIVE" || a.at("system") != false {
		t.Errorf("rule: %s", a.raw)
	}
	token := func(text string) string { return `,"actions":{"token":{` + text + `}}` }
	for _, row := range []struct{ name, body string }{
		{"duplicate", body("r", grant, "")},
		{"no conditions", `{"type":"RESOURCE_ACCESS","name":"x"}`},
		{"no grant", body("x", "", "")},
		{"odd grant", body("x", `"grantTypes":{"include":["magic"]}`, "")},
		{"unknown scope", body("x", grant+`,"scopes":{"include":["nope"]}`, "")},
		{"access too short", body("x", grant, token(`"accessTokenLifetimeMinutes":4`))},
		{"access too long", body("x", grant, token(`"accessTokenLifetimeMinutes":1441`))},
		{"refresh shorter than access", body("x", grant, token(`"refreshTokenLifetimeMinutes":59`))},
		{"window too short", body("x", grant, token(`"accessTokenLifetimeMinutes":5,"refreshTokenWindowMinutes":9`))},
		{"window over refresh", body("x", grant, token(`"refreshTokenLifetimeMinutes":100,"refreshTokenWindowMinutes":101`))},
	} {
		if e := c.api("POST", all, row.body); e.status != 400 {
			t.Errorf("%s: got %d %s", row.name, e.status, e.raw)
		}
	}
	if e := c.must(400, "POST", all, body("x", grant, `,"actions":{"scopes":["a"]}`)); !strings.Contains(e.raw, "Cannot add scopes to 'action.scopes'") {
		t.Errorf("scopes in actions: %s", e.raw)
	}
	self := all + "/" + a.text("id")
	c.must(200, "PUT", self, body("r", grant, `,"actions":{"token":{"inlineHook":{"id":"cal1"}}}`))
	if got := c.must(200, "PUT", self, body("r", grant, "")); got.at("actions.token.inlineHook") != nil {
		t.Errorf("a PUT without the hook removes it: %s", got.raw)
	}
	for _, verb := range []string{"deactivate", "activate", "deactivate"} {
		c.must(204, "POST", self+"/lifecycle/"+verb, "")
	}
	c.must(204, "DELETE", self, "")
	if e := c.must(404, "POST", self+"/lifecycle/deactivate", ""); !strings.HasSuffix(e.text("errorSummary"), "(PolicyRule)") {
		t.Errorf("gone rule: %s", e.raw)
	}
}

func TestServerList(t *testing.T) {
	c := start(t, &oktatest.Server{})
	for _, name := range []string{"alpha", "beta", "gamma"} {
		c.must(201, "POST", servers, `{"name":"`+name+`","audiences":["api://`+name+`"]}`)
	}
	var got []string
	for next := c.org.URL + servers + "?limit=3"; next != ""; {
		a := c.must(200, "GET", next, "")
		got = append(got, names(a))
		next = linkOf(a.header, "next")
	}
	if strings.Join(got, " | ") != "default alpha beta | gamma" {
		t.Errorf("pages: got %v", got)
	}
	if a := c.must(200, "GET", servers+"?q=api://BETA", ""); names(a) != "beta" {
		t.Errorf("q looks at audiences: got %s", a.raw)
	}
	if e := c.must(400, "GET", servers+"?after=ausNOPE", ""); e.text("errorCode") != "E0000029" {
		t.Errorf("cursor: %s", e.raw)
	}
	c.must(403, "DELETE", deflt, "")
}

func TestSystemClaims(t *testing.T) {
	c := start(t, &oktatest.Server{})
	byName := map[string]string{}
	for _, x := range c.must(200, "GET", deflt+"/claims", "").json.([]any) {
		m := x.(map[string]any)
		byName[m["name"].(string)] = m["id"].(string)
	}
	for _, row := range []struct {
		name, claim, body string
		status            int
		path, want        string
	}{
		{"value of sub", "sub", `{"name":"sub","claimType":"RESOURCE","valueType":"EXPRESSION","value":"app.id"}`, 200, "value", `"app.id"`},
		{"always of another", "nickname", `{"name":"nickname","claimType":"IDENTITY","valueType":"SYSTEM","alwaysIncludeInToken":true}`, 200, "alwaysIncludeInToken", "true"},
		{"scopes stay", "nickname", `{"name":"nickname","claimType":"IDENTITY","valueType":"SYSTEM","conditions":{"scopes":[]}}`, 200, "conditions.scopes", `["profile"]`},
		{"name", "nickname", `{"name":"nick","claimType":"IDENTITY","valueType":"SYSTEM"}`, 403, "errorCode", `"E0000006"`},
		{"sub without value", "sub", `{"name":"sub","claimType":"RESOURCE","valueType":"EXPRESSION"}`, 400, "errorCode", `"E0000001"`},
	} {
		a := c.must(row.status, "PUT", deflt+"/claims/"+byName[row.claim], row.body)
		if got := asJSON(t, a.at(row.path)); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	c.must(403, "DELETE", deflt+"/claims/"+byName["sub"], "")
	policy := c.must(200, "GET", deflt+"/policies", "").text("0.id")
	rules := c.must(200, "GET", deflt+"/policies/"+policy+"/rules", "")
	if rules.text("0.name") != "Default Policy Rule" || asJSON(t, rules.at("0.conditions.people")) != `{"groups":{"include":["EVERYONE"]},"users":{"exclude":[]}}` {
		t.Errorf("default rule: %s", rules.raw)
	}
}
