package okta

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// serviceApp is what somebody makes by hand under a label.
func serviceApp(label, clientID string) map[string]any {
	return map[string]any{"name": "oidc_client", "label": label, "signOnMode": "OPENID_CONNECT",
		"credentials": map[string]any{"oauthClient": map[string]any{"client_id": clientID, "token_endpoint_auth_method": methodBasic}},
		"settings":    map[string]any{"oauthClient": map[string]any{"application_type": "service", "grant_types": []any{grantMachine}, "response_types": []any{"token"}}}}
}

// What was made since the plan is not made again: the collection is read once more before the first create in it, and no pending secret stays.
func TestNoTwinOfWhatCameSince(t *testing.T) {
	t.Parallel()
	l := newLab(t, &oktatest.Server{})
	plan, index := l.plan(l.service("a"), reconcile.Policy{})
	if _, err := l.org.Create("/api/v1/apps", serviceApp("neo4j-etl", "theirs")); err != nil {
		t.Fatal(err)
	}
	report := l.run(plan, index)
	var move *reconcile.Move
	if report.Results[0].Addr != at("app", "neo4j-etl") || !errors.As(report.Results[0].Err, &move) || !strings.Contains(move.Error(), "was not there when the plan was made") {
		t.Errorf("got %+v, want the app to be refused by name", report.Results[0])
	}
	if apps := l.mine("neo4j-etl"); len(apps) != 1 {
		t.Errorf("there are %d apps", len(apps))
	}
	if left, _ := filepath.Glob(filepath.Join(l.dir, "*.pending")); len(left) > 0 {
		t.Errorf("%v stayed: the next run would set a secret that nobody was told", left)
	}
}

// Of two apps that two runs made at the same time the later goes, by the run that made it, with the file that speaks of it; the run says so.
func TestLaterTwinIsTakenBack(t *testing.T) {
	t.Parallel()
	l := newLab(t, &oktatest.Server{})
	first, second := l.sys, l.open(Options{})
	want := l.service("a")[:1]
	plan, index := l.plan(want, reconcile.Policy{})
	if _, err := l.org.Create("/api/v1/apps", serviceApp("somebody", "else-1")); err != nil { // so that lists are not empty
		t.Fatal(err)
	}
	op := plan.Steps[0].Ops[1].(Request)
	if err := first.look(t, op, index); err != nil { // the look of the one, before the other makes its own
		t.Fatal(err)
	}
	l.sys = second
	theirs, theirIndex := l.plan(want, reconcile.Policy{})
	second.client.pause = time.Millisecond
	report := l.run(theirs, theirIndex)
	l.done(report)
	kept := l.mine("neo4j-etl")[0].text("id")

	l.sys = first
	file := l.file()
	if err := os.Rename(file, file+".theirs"); err != nil { // the other runs elsewhere
		t.Fatal(err)
	}
	report = l.run(plan, index)
	var move *reconcile.Move
	if !errors.As(report.Results[0].Err, &move) || !strings.Contains(move.Error(), kept) || report.Results[0].Status != reconcile.StatusFailed {
		t.Errorf("got %+v, want it to be told of %s", report.Results[0], kept)
	}
	if apps := l.mine("neo4j-etl"); len(apps) != 1 || apps[0].text("id") != kept {
		t.Errorf("left are %v", apps)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file with the credentials of an app that is gone stayed")
	}
}

// look is what a create does first.
func (s *System) look(t *testing.T, r Request, index *reconcile.Index) error {
	t.Helper()
	body, _ := reconcile.Resolve(r.Body, index.Lookup).(reconcile.Map)
	return s.stillNew(t.Context(), r, "/api/v1/apps", body)
}

// Beside an app that somebody made later by hand the own one stays.
func TestElderTwinStays(t *testing.T) {
	t.Parallel()
	l := newLab(t, &oktatest.Server{})
	want := l.service("a")[:1]
	plan, index := l.plan(want, reconcile.Policy{})
	for _, op := range plan.Steps[0].Ops {
		if out, err := l.sys.Do(t.Context(), op, index.Lookup); err != nil {
			t.Fatal(err)
		} else if out.Facts != nil {
			index.Learn(at("app", "neo4j-etl"), out.Facts)
		}
	}
	time.Sleep(2 * time.Millisecond) // Okta's times are of milliseconds
	if _, err := l.org.Create("/api/v1/apps", serviceApp("neo4j-etl", "by-hand")); err != nil {
		t.Fatal(err)
	}
	l.org.ResetCalls()
	moves, err := l.sys.Settle(t.Context())
	if err != nil || len(moves) > 0 {
		t.Errorf("got %v, %v", moves, err)
	}
	for _, c := range l.org.Calls() {
		if c.Method != http.MethodGet {
			t.Errorf("it made %s %s", c.Method, c.Path)
		}
	}
}

// An object that was changed since is neither changed nor deleted nor switched off, whichever of its attributes moved; what the spec does not manage may move.
func TestEveryWriteLooksFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want func(l *lab) []reconcile.Object // nil: destroy
		edit func(app map[string]any)
		attr string // "" when it may be made
	}{
		"another attribute of an update": {
			want: func(l *lab) []reconcile.Object { return l.service("b") },
			edit: func(app map[string]any) { app["label"] = "neo4j-etl-2" }, attr: "label"},
		"an attribute that nobody manages": {
			want: func(l *lab) []reconcile.Object { return l.service("b") },
			edit: func(app map[string]any) {
				app["profile"] = map[string]any{"neo4j_groups": []any{"a"}, "team": "data"}
			}},
		"a deletion": {
			edit: func(app map[string]any) { app["profile"] = map[string]any{"neo4j_groups": []any{"other"}} }, attr: "profile"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			before := l.service("a")
			l.apply(before)
			want, policy := before, reconcile.Policy{Destroy: true}
			if c.want != nil {
				want, policy = c.want(l), reconcile.Policy{}
			}
			plan, index := l.plan(want, policy)
			if err := l.org.EditApp("neo4j-etl", c.edit); err != nil {
				t.Fatal(err)
			}
			l.org.ResetCalls()
			report := l.run(plan, index)
			i := 0
			for report.Results[i].Addr != at("app", "neo4j-etl") {
				i++
			}
			var move *reconcile.Move
			if errors.As(report.Results[i].Err, &move); c.attr == "" && move != nil || c.attr != "" && (move == nil || move.Attr != c.attr) {
				t.Errorf("got %v, want %q to have moved", report.Results[i].Err, c.attr)
			}
			for _, call := range l.org.Calls() {
				if c.attr != "" && call.Method != http.MethodGet && strings.HasPrefix(call.Path, "/api/v1/apps") {
					t.Errorf("it made %s %s", call.Method, call.Path)
				}
			}
		})
	}
}

// A PUT that is tried again reads again: in the wait for a rate limit somebody else may write.
func TestPutTriedAgainReadsAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, &oktatest.Server{})
	l.apply(l.service("a"))
	plan, index := l.plan(l.service("b"), reconcile.Policy{})
	l.org.Fault(oktatest.Fault{Method: http.MethodPut, Status: 429, Header: http.Header{"X-Rate-Limit-Reset": {}, "X-Rate-Limit-Remaining": {}}})
	once := false
	l.sys.client.onWait = func(reconcile.Waiting) {
		if !once {
			once = true
			if err := l.org.EditApp("neo4j-etl", func(app map[string]any) {
				app["profile"] = map[string]any{"neo4j_groups": []any{"a"}, "team": "data"}
			}); err != nil {
				t.Error(err)
			}
		}
	}
	l.done(l.run(plan, index))
	if got := l.mine("neo4j-etl")[0].text("profile", "team"); !once || got != "data" {
		t.Errorf("what somebody else wrote in the meantime is %q", got)
	}
}
