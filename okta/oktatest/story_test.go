package oktatest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"keymaker/okta/oktatest"
)

func TestStories(t *testing.T) {
	org := &oktatest.Server{}
	g := startGraph(t, org, serviceApp)
	for _, row := range []struct {
		name  string
		run   func() error
		path  string
		field string
		want  string
		event string
	}{
		{"app profile", func() error {
			return org.EditApp("etl", func(a map[string]any) { a["profile"] = map[string]any{"neo4j_groups": []string{"admin"}} })
		}, "/api/v1/apps/" + g.app, "profile", `{"neo4j_groups":["admin"]}`, "application.lifecycle.update"},
		{"app status", func() error { return org.EditApp(g.app, func(a map[string]any) { a["status"] = "INACTIVE" }) },
			"/api/v1/apps/" + g.app, "status", `"INACTIVE"`, "application.lifecycle.deactivate"},
		{"scope", func() error {
			return org.EditScope("default", "neo4j_groups", func(s map[string]any) { s["description"] = "changed" })
		}, deflt + "/scopes/" + g.scope, "description", `"changed"`, "oauth2.scope.updated"},
		{"claim", func() error {
			return org.EditClaim("default", "groups", func(c map[string]any) { c["value"] = "app.profile.other" })
		}, deflt + "/claims/" + g.claim, "value", `"app.profile.other"`, "oauth2.claim.updated"},
		{"policy status", func() error {
			return org.EditPolicy("default", "p", func(p map[string]any) { p["status"] = "INACTIVE" })
		},
			deflt + "/policies/" + g.policy, "status", `"INACTIVE"`, "policy.lifecycle.deactivate"},
		{"rule", func() error {
			return org.EditRule("default", "p", "r", func(r map[string]any) {
				r["actions"] = map[string]any{"token": map[string]any{"accessTokenLifetimeMinutes": 5}}
			})
		}, deflt + "/policies/" + g.policy + "/rules/" + g.rule, "actions.token.accessTokenLifetimeMinutes", "5", "policy.rule.update"},
		{"server", func() error {
			return org.EditServer("default", func(s map[string]any) { s["audiences"] = []string{"api://changed"} })
		}, deflt, "audiences", `["api://changed"]`, "oauth2.as.updated"},
	} {
		if err := row.run(); err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if got := asJSON(t, g.must(200, "GET", row.path, "").at(row.field)); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
		q := url.Values{"filter": {`eventType eq "` + row.event + `" and actor.alternateId eq "console@sandbox.example"`}}
		if l := g.must(200, "GET", "/api/v1/logs?"+q.Encode(), ""); len(l.json.([]any)) == 0 {
			t.Errorf("%s: no %s by the console in the log", row.name, row.event)
		}
	}
	secret, err := org.AddSecret("etl")
	if err != nil || !strings.Contains(g.must(200, "GET", "/api/v1/apps/"+g.app+"/credentials/secrets", "").raw, secret) {
		t.Errorf("add secret: %v", err)
	}
	for name, err := range map[string]error{
		"third secret":       func() error { _, err := org.AddSecret("etl"); return err }(),
		"unknown app":        org.EditApp("nobody", func(map[string]any) {}),
		"unknown rule":       org.DeleteRule("default", "p", "nope"),
		"scope in use":       org.DeleteScope("default", "neo4j_groups"),
		"invalid edit":       org.EditClaim("default", "groups", func(c map[string]any) { c["value"] = "" }),
		"unknown server":     org.DeletePolicy("nope", "p"),
		"status no one has":  org.EditApp("etl", func(a map[string]any) { a["status"] = "ODD" }),
		"create of no route": func() error { _, err := org.Create("/api/v1/nothing", nil); return err }(),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if id, err := org.Create("/api/v1/apps", map[string]any{"name": "oidc_client", "label": "by hand", "signOnMode": "OPENID_CONNECT",
		"settings": map[string]any{"oauthClient": map[string]any{"application_type": "service", "grant_types": []string{"client_credentials"},
			"dpop_bound_access_tokens": true}}}); err != nil || g.must(200, "GET", "/api/v1/apps/"+id, "").text("label") != "by hand" {
		t.Errorf("create: %q, %v", id, err)
	}
	for _, err := range []error{org.DeleteRule("default", "p", "r"), org.DeletePolicy("default", "p"), org.DeleteClaim("default", "groups"),
		org.DeleteScope("default", "neo4j_groups"), org.DeleteApp("etl")} {
		if err != nil {
			t.Error(err)
		}
	}
	g.must(404, "GET", "/api/v1/apps/"+g.app, "")
}

func TestSystemLog(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := startGraph(t, &oktatest.Server{Clock: func() time.Time { return now }}, serviceApp)
	logs := func(query ...string) answer {
		t.Helper()
		v := url.Values{}
		for i := 0; i < len(query); i += 2 {
			v.Set(query[i], query[i+1])
		}
		return g.must(200, "GET", "/api/v1/logs?"+v.Encode(), "")
	}
	created := logs("filter", `eventType eq "application.lifecycle.create"`)
	if created.text("0.target.0.id") != g.app || created.text("0.outcome.result") != "SUCCESS" || created.text("0.transaction.detail.requestApiTokenId") == "" {
		t.Errorf("create: %s", created.raw)
	}
	now = now.Add(time.Minute)
	put := g.must(200, "PUT", "/api/v1/apps/"+g.app, edited(t, serviceApp, "label", "renamed"))
	update := logs("since", now.Format(time.RFC3339), "filter", `target.id eq "`+g.app+`" and (eventType sw "application." or eventType eq "x")`)
	if update.text("0.transaction.id") != put.header.Get("X-Okta-Request-Id") || len(update.json.([]any)) != 1 {
		t.Errorf("transaction id: %s", update.raw)
	}
	if got := asJSON(t, update.at("0.target.0.changeDetails")); got != `{"from":{"label":"etl"},"to":{"label":"renamed"}}` {
		t.Errorf("changeDetails: got %s", got)
	}
	if strings.Contains(update.raw, g.secret) {
		t.Error("the log shows a secret")
	}
	g.must(200, "GET", "/api/v1/apps/"+g.app+"/credentials/secrets", "")
	if got := len(logs("filter", `eventType eq "app.oauth2.client.read_client_secret"`).json.([]any)); got != 1 {
		t.Errorf("reading secrets leaves %d lines, want 1", got)
	}
	g.ask("neo4j_groups")
	grant := logs("filter", `eventType eq "app.oauth2.as.token.grant.access_token"`)
	if grant.text("0.actor.id") != g.clientID || grant.text("0.actor.type") != "PublicClientApp" {
		t.Errorf("grant: %s", grant.raw)
	}

	poll := logs("limit", "3")
	var n int
	for range 50 {
		n += len(poll.json.([]any))
		next := linkOf(poll.header, "next")
		if next == "" {
			t.Fatal("a polling answer always has a next link")
		}
		if poll = g.must(200, "GET", next, ""); len(poll.json.([]any)) == 0 {
			break
		}
	}
	if all := len(logs("limit", "1000").json.([]any)); n != all || n == 0 {
		t.Errorf("polled %d events, want %d", n, all)
	}
	cursor := linkOf(poll.header, "next")
	now = now.Add(time.Minute)
	g.must(200, "PUT", "/api/v1/apps/"+g.app, serviceApp)
	if more := g.must(200, "GET", cursor, ""); more.text("0.eventType") != "application.lifecycle.update" {
		t.Errorf("events since the cursor: %s", more.raw)
	}
	bounded := logs("since", "2026-03-01T00:00:00Z", "until", "2026-03-01T12:00:30Z", "limit", "1000")
	if len(bounded.json.([]any)) == 0 || linkOf(bounded.header, "next") != "" || strings.Contains(bounded.raw, "lifecycle.update") {
		t.Errorf("bounded: %v %s", bounded.header, bounded.raw)
	}
	if last := logs("sortOrder", "DESCENDING", "limit", "1"); last.text("0.published") != "2026-03-01T12:02:00.000Z" {
		t.Errorf("descending: %s", last.raw)
	}
	for _, row := range []struct{ name, query, code string }{
		{"broken filter", "filter=eventType+eq", "E0000053"},
		{"unknown field", `filter=nothing+eq+"x"`, "E0000053"},
		{"published in filter", `filter=published+eq+"x"`, "E0000053"},
		{"operator without meaning", `filter=eventType+gt+"x"`, "E0000031"},
		{"since and after", "since=2026-03-01T00:00:00Z&after=1_0", "E0000001"},
		{"old since", "since=2020-01-01T00:00:00Z", "E0000053"},
		{"long keyword", "q=" + strings.Repeat("x", 41), "E0000001"},
		{"limit", "limit=1001", "E0000001"},
		{"cursor", "after=nonsense", "E0000029"},
	} {
		if a := g.api("GET", "/api/v1/logs?"+row.query, ""); a.status != 400 || a.text("errorCode") != row.code {
			t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
		}
	}
}
