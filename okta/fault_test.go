package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	pathpkg "path"
	"slices"
	"strings"
	"testing"
	"time"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// creates are the calls that make each object of the service spec.
var creates = map[string]string{
	"app":    "/api/v1/apps",
	"scope":  "/api/v1/authorizationServers/default/scopes",
	"claim":  "/api/v1/authorizationServers/default/claims",
	"policy": "/api/v1/authorizationServers/default/policies",
	"rule":   "/api/v1/authorizationServers/default/policies/*/rules",
}

func TestLostAnswerOfCreate(t *testing.T) {
	faults := map[string]oktatest.Fault{
		"dropped before":   {Drop: true},
		"dropped after":    {Drop: true, After: true},
		"twice before":     {Drop: true, Repeat: 2},
		"500 before":       {Status: 500},
		"503 after":        {Status: 503, After: true},
		"truncated":        {Truncate: true},
		"rate limit":       {Status: 429, Header: http.Header{"X-Rate-Limit-Reset": {}, "X-Rate-Limit-Remaining": {}}},
		"being reconciled": {Status: 423},
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			for _, path := range creates {
				f.Method, f.Path = "POST", path
				l.org.Fault(f)
			}
			want := l.service("neo4j_writer")
			l.apply(want)
			for kind, path := range creates {
				posts := slices.DeleteFunc(l.org.Calls(), func(c oktatest.Call) bool {
					match, _ := pathpkg.Match(path, c.Path)
					return c.Method != "POST" || !match
				})
				if again := len(posts) > 1; again == f.After && !f.Truncate {
					t.Errorf("%s was sent %d times", kind, len(posts))
				}
			}
			l.settled(want)
			if n := len(l.mine("neo4j-etl")); n != 1 {
				t.Errorf("there are %d apps", n)
			}
			l.provenSecret()
		})
	}
}

// provenSecret demands that the delivered secret gets a token.
func (l *lab) provenSecret() {
	l.t.Helper()
	secret, ok := deliveredSecret(l.file(), formatEnv)
	if !ok {
		l.t.Fatal("no secret was delivered")
	}
	app := l.mine("neo4j-etl")[0]
	_, err := l.sys.client.token(context.Background(), "default",
		login{method: methodBasic, clientID: app.text("credentials", "oauthClient", "client_id"), secret: secret}, []string{"neo4j_groups"})
	if err != nil {
		l.t.Errorf("the delivered secret gets no token: %v", err)
	}
}

func TestUnknownOutcome(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.org.Fault(oktatest.Fault{Method: "POST", Path: creates["scope"], Drop: true, Repeat: -1})
	want := l.service("neo4j_writer")
	plan, index := l.plan(want, reconcile.Policy{})
	r := l.run(plan, index)
	if n := r.With(reconcile.StatusUnknown); n != 1 {
		t.Errorf("%d unknown; want 1: %+v", n, r.Results)
	}
	l.org.ClearFaults()
	l.apply(want)
	l.settled(want)
}

// Stopped at any write, before or after its effect, the next apply converges.
func TestConvergesFromAnyFailure(t *testing.T) {
	for nth := 1; nth <= 5; nth++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(nth, after), func(t *testing.T) {
				t.Parallel()
				l := newLab(t, &oktatest.Server{})
				l.org.Fault(oktatest.Fault{Method: "POST", Nth: nth, Status: 400, Body: `{"errorCode":"E0000003","errorSummary":"The request body was not well-formed."}`, After: after})
				want := l.service("neo4j_writer")
				plan, index := l.plan(want, reconcile.Policy{})
				if r := l.run(plan, index); r.Complete() {
					t.Fatal("nothing failed")
				}
				l.org.ClearFaults()
				l.apply(want)
				l.settled(want)
				if n := len(l.mine("neo4j-etl")); n != 1 {
					t.Errorf("there are %d apps", n)
				}
				l.provenSecret()
			})
		}
	}
}

// The same for a destroy: each of its calls fails once, before or after its effect.
func TestDestroyConvergesFromAnyFailure(t *testing.T) {
	for nth := 1; nth <= 7; nth++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(nth, after), func(t *testing.T) {
				t.Parallel()
				l := newLab(t, &oktatest.Server{})
				want := l.service("neo4j_writer")
				l.apply(want)
				plan, index := l.plan(want, reconcile.Policy{Destroy: true})
				writes := 0
				for _, s := range plan.Steps {
					writes += len(s.Ops)
				}
				if writes != 7 {
					t.Fatalf("a destroy makes %d writes", writes)
				}
				fault := oktatest.Fault{Status: 400, Body: `{"errorCode":"E0000003","errorSummary":"The request body was not well-formed."}`, After: after}
				fault.Method, fault.Nth = "DELETE", nth-2
				if nth <= 2 {
					fault.Method, fault.Nth = []string{"POST", "PUT"}[nth-1], 1
				}
				l.org.Fault(fault)
				first := l.run(plan, index)
				if first.Complete() && (fault.Method != "POST" || !after) { // an app that is off already counts as switched off
					t.Fatal("nothing failed")
				}
				l.org.ClearFaults()
				plan, index = l.plan(want, reconcile.Policy{Destroy: true})
				l.done(l.run(plan, index))
				if live, _ := l.drift(want); len(live.Objects) > 0 {
					t.Errorf("still there: %v", live.Objects)
				}
			})
		}
	}
}

func TestLostAnswerOfUpdate(t *testing.T) {
	for _, f := range []oktatest.Fault{{Drop: true}, {Drop: true, After: true}, {Status: 502, After: true}, {Truncate: true}, {Status: 500, Repeat: 2}} {
		l := newLab(t, &oktatest.Server{})
		l.apply(l.service("neo4j_writer"))
		f.Method = "PUT"
		l.org.Fault(f)
		want := l.service("neo4j_reader")
		l.apply(want)
		l.settled(want)
	}
}

// A call that never gets an answer leaves what it would have read alone, and the rest is read.
func TestUnreadAfterLostAnswers(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("neo4j_writer")
	l.apply(want)
	l.org.Fault(oktatest.Fault{Method: "GET", Path: creates["claim"], Drop: true, Repeat: -1})
	live, drift := l.drift(want)
	if len(live.Unread) != 1 || live.Unread[at(kindClaim, "groups")] == nil || drift.Count(reconcile.InSync) != len(want)-1 {
		t.Errorf("unread: %v", live.Unread)
	}
}

func TestPendingSecret(t *testing.T) {
	for _, live := range []bool{true, false} {
		t.Run(fmt.Sprint("live ", live), func(t *testing.T) {
			l := newLab(t, &oktatest.Server{})
			want := l.service("neo4j_writer")
			l.apply(want)
			secret, _ := deliveredSecret(l.file(), formatEnv)
			opened, err := reveal(secret)
			if err != nil {
				t.Fatal(err)
			}
			if !live {
				opened = makeSecret()
			}
			if err := os.Rename(l.file(), l.file()+".old"); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(pendingOf(l.file()), []byte(opened+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			l.org.ResetCalls()
			plan := l.apply(want)
			golden(t, "pending.plan", l.plain(text(plan)))
			l.settled(want)
			l.provenSecret()
			puts := slices.DeleteFunc(l.org.Calls(), func(c oktatest.Call) bool { return c.Method != "PUT" })
			if set := len(puts) == 1; set == live {
				t.Errorf("made %d PUTs", len(puts))
			}
		})
	}
}

func TestRetries(t *testing.T) {
	for _, status := range []int{429, 423, 500, 502, 503, 409} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			want := l.service("neo4j_writer")
			l.apply(want)
			headers := http.Header{"X-Rate-Limit-Reset": {}, "X-Rate-Limit-Remaining": {}}
			if status != 409 {
				l.org.Fault(oktatest.Fault{Method: "GET", Path: "/api/v1/apps", Status: status, Repeat: 2, Header: headers})
				l.org.Fault(oktatest.Fault{Method: "DELETE", PathPrefix: "/api/v1/apps", Status: status, Repeat: 2, Header: headers})
			}
			l.org.Fault(oktatest.Fault{Method: "POST", Path: "/api/v1/apps/*/lifecycle/*", Status: status, Repeat: 2, Header: headers})
			plan, index := l.plan(want, reconcile.Policy{Destroy: true})
			l.done(l.run(plan, index))
		})
	}
}

func TestRateLimitByHeaders(t *testing.T) {
	t.Parallel() // it waits
	l := newLab(t, &oktatest.Server{})
	now := time.Now().UTC().Truncate(time.Second)
	l.org.Fault(oktatest.Fault{Method: "GET", Path: "/api/v1/apps", Status: 429, Header: http.Header{
		"X-Rate-Limit-Limit": {"10"}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Reset": {fmt.Sprint(now.Add(time.Second).Unix())}, "Date": {now.Format(http.TimeFormat)}}})
	var waits []reconcile.Waiting
	l.sys = l.open(Options{OnWait: func(w reconcile.Waiting) { waits = append(waits, w) }})
	if _, err := l.sys.Read(context.Background(), l.service("a")[:1]); err != nil {
		t.Fatal(err)
	}
	if len(waits) == 0 || waits[0].Reason != "Okta's rate limit (/api/v1/apps)" {
		t.Errorf("waits are %+v", waits)
	}
}

func TestWaitEndsWithContext(t *testing.T) {
	l := newLab(t, &oktatest.Server{RateLimits: oktatest.RateLimits{Apps: 1}})
	want := l.service("a")[:1]
	if _, err := l.sys.Read(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.sys.client.limits.onWait = func(reconcile.Waiting) { cancel() }
	if _, err := l.sys.Read(ctx, want); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestUnreadIsNotTouched(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("neo4j_writer")
	l.apply(want)
	for _, path := range []string{"/api/v1/apps", creates["scope"], creates["claim"], creates["policy"], creates["rule"]} {
		l.org.Fault(oktatest.Fault{Method: "GET", Path: path, Status: 403, Body: `{"errorCode":"E0000006","errorSummary":"You do not have permission to perform the requested action"}`, Repeat: -1})
		_, _, err := l.tryPlan(want, reconcile.Policy{})
		if err == nil || !strings.Contains(err.Error(), "E0000006") {
			t.Errorf("%s: got %v, want Okta's refusal", path, err)
		}
		plan, _, _ := l.tryPlan(want, reconcile.Policy{Destroy: true})
		for _, s := range plan.Steps {
			t.Errorf("%s could not be read, and %s would be touched", path, s.Change.Addr())
		}
		l.org.ClearFaults()
	}
}

func TestMovedBehind(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.apply(l.service("neo4j_writer"))
	want := l.service("neo4j_reader", "neo4j_writer")
	plan, index := l.plan(want, reconcile.Policy{})
	edit := func(groups ...any) {
		err := l.org.EditApp("neo4j-etl", func(app map[string]any) { app["profile"] = map[string]any{"neo4j_groups": groups, "team": "data"} })
		if err != nil {
			t.Fatal(err)
		}
	}
	edit("neo4j_admin")
	r := l.run(plan, index)
	var moved *reconcile.Move
	if len(r.Results) != 1 || !errors.As(r.Results[0].Err, &moved) || moved.Attr != "profile.neo4j_groups" {
		t.Fatalf("got %+v, want the update to be refused", r.Results)
	}
	edit("neo4j_reader", "neo4j_writer") // at its goal already
	l.done(l.run(plan, index))
	if got := l.mine("neo4j-etl")[0].text("profile", "team"); got != "data" {
		t.Errorf("a key that the spec does not own is %q", got)
	}
}

func TestAmbiguous(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("a")[:1]
	l.apply(want)
	app := l.mine("neo4j-etl")[0]
	twin := map[string]any{"name": "oidc_client", "label": "neo4j-etl", "signOnMode": "OPENID_CONNECT", "credentials": map[string]any{"oauthClient": map[string]any{"client_id": "twin-client", "token_endpoint_auth_method": methodBasic}},
		"settings": map[string]any{"oauthClient": map[string]any{"application_type": "service", "grant_types": []any{grantMachine}, "response_types": []any{"token"}}}}
	if _, err := l.org.Create("/api/v1/apps", twin); err != nil {
		t.Fatal(err)
	}
	_, _, err := l.tryPlan(want, reconcile.Policy{})
	for _, part := range []string{app.text("id"), "twin-client", "pin one with client_id"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want it to name %s", err, part)
		}
	}
	pinned := declare(t, block("app", "neo4j-etl", args{"client_id": txt("twin-client")}))
	l.settled(pinned)
	other := declare(t, block("app", "neo4j-etl", args{"client_id": txt("chosen-later")}))
	if _, _, err := l.tryPlan(other, reconcile.Policy{}); err == nil || !strings.Contains(err.Error(), "cannot be changed") {
		t.Errorf("got %v, want a refusal to change a client id", err)
	}
}

func TestTwoWantsOneObject(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := declare(t, block("app", "a", args{"label": txt("same")}), block("app", "b", args{"label": txt("same")}))
	_, _, err := l.tryPlan(want, reconcile.Policy{})
	if err == nil || !strings.Contains(err.Error(), "okta.app.a and okta.app.b mean the same object") {
		t.Errorf("got %v", err)
	}
}

func TestTwoAppsOneFile(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	file := block("secret", "", args{"file": txt(l.file())})
	_, _, err := l.tryPlan(declare(t, block("app", "a", nil, file), block("app", "b", nil, file)), reconcile.Policy{})
	if err == nil || !strings.Contains(err.Error(), "give each its own file") {
		t.Errorf("got %v", err)
	}
}

// What the spec does not manage goes back as it came, to the byte.
func TestUpdateKeepsWhatItDoesNotManage(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("neo4j_writer")
	l.apply(want)
	err := l.org.EditApp("neo4j-etl", func(app map[string]any) {
		app["settings"].(map[string]any)["oauthClient"].(map[string]any)["participate_slo"] = false
		app["profile"].(map[string]any)["large"] = 12345678901234567
		app["profile"].(map[string]any)["nested"] = map[string]any{"html": "<a&b>", "empty": []any{}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.org.EditScope("default", "neo4j_groups", func(s map[string]any) { s["optional"] = true; s["consent"] = "FLEXIBLE" }); err != nil {
		t.Fatal(err)
	}
	before, scopeBefore := plainApp(l), l.named("scopes", "neo4j_groups")
	blocks := l.serviceBlocks("neo4j_reader")
	blocks[1].Fields["description"] = reconcile.Argument{Value: txt("changed")}
	l.apply(declare(t, blocks...))
	after, scopeAfter := plainApp(l), l.named("scopes", "neo4j_groups")
	before.put([]any{"neo4j_reader"}, "profile", "neo4j_groups")
	scopeBefore["description"] = "changed"
	for _, pair := range [][2]raw{{before, after}, {scopeBefore, scopeAfter}} {
		b, _ := encodePlain(pair[0])
		a, _ := encodePlain(pair[1])
		if string(a) != string(b) {
			t.Errorf("the update changed more than it should:\n%s\n%s", b, a)
		}
	}
}

func plainApp(l *lab) raw {
	app := l.mine("neo4j-etl")[0]
	delete(app, "lastUpdated")
	return app
}

func (l *lab) named(collection, name string) raw {
	return named(l.raws("/api/v1/authorizationServers/default/"+collection), name)
}

func TestNotOkta(t *testing.T) {
	page := oktatest.Fault{Method: "GET", Status: 200, Body: "<html>hello</html>", Repeat: -1}
	missing := oktatest.Fault{Method: "GET", Status: 404, Body: "<html>nginx</html>", Repeat: -1}
	denied := oktatest.Fault{Method: "GET", Status: 401, Body: `{"errorCode":"E0000011","errorSummary":"Invalid token provided"}`, Repeat: -1}
	for name, c := range map[string]struct {
		fault oktatest.Fault
		want  string
	}{"page": {page, "no Okta org"}, "other server": {missing, "no Okta org"}, "token": {denied, "E0000011"}} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, &oktatest.Server{})
			l.org.Fault(c.fault)
			_, err := l.sys.Read(context.Background(), l.service("a"))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	l := newLab(t, &oktatest.Server{})
	_ = l.org.Close()
	_, err := l.sys.Read(context.Background(), l.service("a"))
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v, want connection refused", err)
	}
}

func TestRefusalNamesField(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.org.Fault(oktatest.Fault{Method: "POST", Path: creates["claim"], Status: 400,
		Body: `{"errorCode":"E0000001","errorSummary":"Api validation failed: value","errorLink":"E0000001","errorId":"oae1","errorCauses":[{"errorSummary":"value: Invalid expression"}]}`})
	plan, index := l.plan(l.service("a"), reconcile.Policy{})
	for _, res := range l.run(plan, index).Results {
		if res.Addr.Kind != kindClaim {
			continue
		}
		var r *reconcile.Refusal
		if !errors.As(res.Err, &r) || r.Field != "value" || r.ID == "" || len(r.Causes) != 1 || !strings.Contains(r.Answer, "400 E0000001") {
			t.Errorf("got %+v", res.Err)
		}
	}
}
