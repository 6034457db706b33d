package oktatest_test

var endpointSections = []chapter{
	{"error codes: envelope", []vector{
		{recorded, "GET", "/api/v1/apps/0oaNOPE", "", 404, []string{`errorCode="E0000007"`, `errorCauses=[]`, "order=errorCode,errorSummary,errorLink,errorId,errorCauses"}, ""},
		{recorded, "POST", servers, `{`, 400, []string{`errorCode="E0000003"`, `errorSummary="The request body was not well-formed."`}, ""},
		{recorded, "POST", servers, `[]`, 400, []string{`errorCode="E0000003"`}, ""},
		{recorded, "PATCH", servers + "/default", "", 405, []string{`errorCode="E0000022"`, `errorSummary="The endpoint does not support the provided HTTP method"`}, ""},
		{recorded, "DELETE", servers + "/default/scopes", "", 405, []string{`errorCode="E0000022"`}, ""},
		{ref, "GET", "/api/v1/policies", "", 501, []string{`errorCode="E0000060"`}, ""},
	}},
	{"pagination", []vector{
		{recorded, "GET", servers + "/default/claims", "", 200, nil, ""},
		{recorded, "GET", servers + "/default/scopes?limit=3", "", 200, []string{`#=3`}, ""},
		{recorded, "GET", apps + "?limit=2", "", 200, []string{`#=2`}, ""},
		{recorded, "GET", apps + "?limit=abc", "", 400, []string{invalid}, ""},
		{recorded, "GET", servers + "?limit=1&after=nonsense", "", 400, []string{`errorCode="E0000029"`, `errorCauses.0.errorSummary="Invalid cursor."`}, ""},
		{recorded, "GET", apps + "?q=nobody-at-all", "", 200, []string{`=[]`}, ""},
	}},
	{"system log", []vector{
		{ref, "GET", "/api/v1/logs", "", 200, nil, ""},
		{recorded, "POST", apps, serviceApp, 200, nil, "app=id"},
		{ref, "GET", "/api/v1/logs?filter=eventType+eq+%22application.lifecycle.create%22", "", 200, []string{`#=1`, `0.outcome.result="SUCCESS"`, "0.uuid~.", "0.published~Z$", "0.transaction.id~.", `0.transaction.type="WEB"`,
			`0.target.0.id="{app}"`, "0.actor.id~.", `0.version="0"`, "0.severity~INFO", "0.displayMessage~.", "0.client.userAgent.rawUserAgent~.", `0.legacyEventType~`}, ""},
		{ref, "GET", "/api/v1/logs?filter=eventType+eq+%22app.oauth2.client.lifecycle.create%22", "", 200, []string{`#=1`}, ""},
		{ref, "GET", "/api/v1/logs?filter=nothing+eq+%22x%22", "", 400, []string{`errorCode="E0000053"`}, ""}, {ref, "GET", "/api/v1/logs?filter=eventType+gt+%22x%22", "", 400, []string{`errorCode="E0000031"`}, ""},
		{ref, "GET", "/api/v1/logs?since=2000-01-01T00:00:00Z", "", 400, []string{`errorCode="E0000053"`}, ""}, {ref, "GET", "/api/v1/logs?limit=1001", "", 400, []string{invalid}, ""},
		{ref, "GET", "/api/v1/logs?sortOrder=SIDEWAYS", "", 400, []string{invalid}, ""}, {ref, "GET", "/api/v1/logs?limit=0", "", 200, []string{`=[]`}, ""},
	}},
	{"system log: an event for each write", eventVectors()},
}

// eventVectors makes each write, and looks for its line.
func eventVectors() []vector {
	seen := func(event string) vector {
		return vector{ref, "GET", "/api/v1/logs?filter=eventType+eq+%22" + event + "%22&sortOrder=DESCENDING&limit=1", "", 200, []string{`#=1`, `0.eventType="` + event + `"`, `0.outcome.result="SUCCESS"`, "0.target.0.id~."}, ""}
	}
	type write struct {
		v     vector
		event string
	}
	w := func(status int, method, path, body, keep string, event string) write {
		return write{vector{recorded, method, path, body, status, nil, keep}, event}
	}
	var vs []vector
	for _, x := range []write{
		w(200, "POST", apps, serviceApp, "app=id", "application.lifecycle.create"), w(200, "PUT", apps+"/{app}", appWith("", "", ""), "", "application.lifecycle.update"),
		w(200, "POST", apps+"/{app}/lifecycle/deactivate", "", "", "application.lifecycle.deactivate"), w(200, "POST", apps+"/{app}/lifecycle/activate", "", "", "application.lifecycle.activate"),
		w(201, "POST", apps+"/{app}/credentials/secrets", "", "secret=id", "app.oauth2.credentials.lifecycle.create"),
		w(200, "POST", apps+"/{app}/credentials/secrets/{secret}/lifecycle/deactivate", "", "", "app.oauth2.credentials.lifecycle.deactivate"),
		w(200, "POST", apps+"/{app}/credentials/secrets/{secret}/lifecycle/activate", "", "", "app.oauth2.credentials.lifecycle.activate"),
		w(200, "GET", apps+"/{app}/credentials/secrets", "", "", "app.oauth2.client.read_client_secret"),
		w(201, "POST", servers, newServer, "as=id", "oauth2.as.created"), w(200, "PUT", servers+"/{as}", `{"name":"g2","audiences":["api://g"]}`, "", "oauth2.as.updated"),
		w(204, "POST", servers+"/{as}/lifecycle/deactivate", "", "", "oauth2.as.deactivated"), w(204, "POST", servers+"/{as}/lifecycle/activate", "", "", "oauth2.as.activated"),
		w(200, "POST", servers+"/{as}/credentials/lifecycle/keyRotate", `{"use":"sig"}`, "", "app.oauth2.as.key.rollover"),
		w(201, "POST", servers+"/{as}/scopes", `{"name":"s"}`, "s=id", "oauth2.scope.created"), w(200, "PUT", servers+"/{as}/scopes/{s}", `{"name":"t","consent":"IMPLICIT","metadataPublish":"NO_CLIENTS"}`, "", "oauth2.scope.updated"),
		w(201, "POST", servers+"/{as}/claims", claimBody("c", "RESOURCE", ""), "c=id", "oauth2.claim.created"), w(200, "PUT", servers+"/{as}/claims/{c}", claimBody("d", "RESOURCE", ""), "", "oauth2.claim.updated"),
		w(201, "POST", servers+"/{as}/policies", policyBody("p", ""), "p=id", "policy.lifecycle.create"), w(200, "PUT", servers+"/{as}/policies/{p}", policyBody("q", ""), "", "policy.lifecycle.update"),
		w(204, "POST", servers+"/{as}/policies/{p}/lifecycle/deactivate", "", "", "policy.lifecycle.deactivate"), w(204, "POST", servers+"/{as}/policies/{p}/lifecycle/activate", "", "", "policy.lifecycle.activate"),
		w(201, "POST", servers+"/{as}/policies/{p}/rules", ruleBody("r", "client_credentials"), "r=id", "policy.rule.add"),
		w(200, "PUT", servers+"/{as}/policies/{p}/rules/{r}", ruleBody("u", "client_credentials"), "", "policy.rule.update"),
		w(204, "POST", servers+"/{as}/policies/{p}/rules/{r}/lifecycle/deactivate", "", "", "policy.rule.deactivate"), w(204, "POST", servers+"/{as}/policies/{p}/rules/{r}/lifecycle/activate", "", "", "policy.rule.activate"),
		w(204, "DELETE", servers+"/{as}/policies/{p}/rules/{r}", "", "", "policy.rule.delete"), w(204, "DELETE", servers+"/{as}/policies/{p}", "", "", "policy.lifecycle.delete"),
		w(204, "DELETE", servers+"/{as}/claims/{c}", "", "", "oauth2.claim.deleted"), w(204, "DELETE", servers+"/{as}/scopes/{s}", "", "", "oauth2.scope.deleted"), w(204, "DELETE", servers+"/{as}", "", "", "oauth2.as.deleted"),
		w(200, "POST", apps+"/{app}/lifecycle/deactivate", "", "", "app.oauth2.client.lifecycle.deactivate"), w(204, "DELETE", apps+"/{app}", "", "", "application.lifecycle.delete"),
	} {
		vs = append(vs, x.v, seen(x.event))
	}
	return vs
}
