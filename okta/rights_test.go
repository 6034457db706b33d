package okta

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// with is an environment with one more variable.
func with(env map[string]string, name, value string) map[string]string {
	env = maps.Clone(env)
	env[name] = value
	return env
}

// A plan asks for no right to write, an apply does; and a login that lacks one is told once, for all addresses, before anything is written.
func TestRights(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	_, env := l.manager()
	want := l.service("neo4j_writer")
	scopes := func() []string {
		var asked []string
		for _, c := range l.org.Calls() {
			if _, query, ok := strings.Cut(c.Query, "scope="); ok {
				asked = append(asked, query)
			}
		}
		return asked
	}
	l.org.ResetCalls()
	l.sys = l.open(Options{Env: envOf(env)})
	l.plan(want, reconcile.Policy{})
	if asked := scopes(); len(asked) != 1 || strings.Contains(asked[0], "manage") {
		t.Errorf("a plan asked for %v", asked)
	}

	tests := map[string]struct {
		env   map[string]string
		fault *oktatest.Fault
		says  []string
	}{
		"scopes named": {env: with(env, "OKTA_CLIENT_SCOPES", "okta.apps.read okta.apps.manage okta.authorizationServers.read"),
			says: []string{"nothing was written", "okta.authorizationServers.manage for okta.claim.groups, okta.policy.neo4j-service-accounts", "okta.scope.neo4j_groups"}},
		"not granted": {env: env, fault: &oktatest.Fault{Method: "POST", Path: "/oauth2/v1/token", Nth: 2, Status: 400,
			Body: `{"error":"invalid_scope","error_description":"One or more scopes are not configured."}`},
			says: []string{"nothing was written", "okta.apps.manage for okta.app.neo4j-etl", "invalid_scope"}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			l.sys = l.open(Options{Env: envOf(c.env)})
			if c.fault != nil {
				l.org.Fault(*c.fault)
			}
			plan, index := l.plan(want, reconcile.Policy{})
			l.org.ResetCalls()
			report := l.run(plan, index)
			l.org.ClearFaults()
			for _, call := range l.org.Calls() {
				if call.Method != "GET" && !strings.HasPrefix(call.Path, "/oauth2/") {
					t.Errorf("made %s %s", call.Method, call.Path)
				}
			}
			var errs []error
			for _, res := range report.Results {
				if res.Err != nil {
					errs = append(errs, res.Err)
				}
			}
			if len(errs) != 1 || report.With(reconcile.StatusNotDone) != len(plan.Steps)-1 {
				t.Fatalf("errors %v, report %+v", errs, report)
			}
			for _, says := range c.says {
				if !strings.Contains(errs[0].Error(), says) {
					t.Errorf("got %v, want %s", errs[0], says)
				}
			}
		})
	}
	l.sys = l.open(Options{Env: envOf(env)})
	l.apply(want)
	l.settled(want)
}

// A refused list is one refusal for all that it was read for, in Okta's words and with the right that it takes.
func TestRightToRead(t *testing.T) {
	tests := map[string]struct {
		path, body string
		status     int
		says       []string
		remedy     string
	}{
		"apps": {"/api/v1/apps", `{"errorCode":"E0000006","errorSummary":"You do not have permission to perform the requested action"}`, 403,
			[]string{"okta.app.a, okta.app.b: read:", "403 E0000006"}, "okta.apps.read"},
		"no API Access Management": {"/api/v1/authorizationServers/*/claims", `{"errorCode":"E0000015","errorSummary":"You do not have permission to access the feature you are requesting"}`, 401,
			[]string{"okta.claim.c: read:", "401 E0000015"}, "API Access Management"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, &oktatest.Server{})
			l.org.Fault(oktatest.Fault{Method: "GET", Path: c.path, Status: c.status, Body: c.body, Repeat: -1})
			want := declare(t, block("app", "a", nil), block("app", "b", nil), block("claim", "c", args{"value": txt("app.profile.x")}))
			_, _, err := l.tryPlan(want, reconcile.Policy{})
			if err == nil {
				t.Fatal("planned on ground that nobody saw")
			}
			for _, says := range c.says {
				if strings.Count(err.Error(), says) != 1 {
					t.Errorf("got %v, want %s once", err, says)
				}
			}
			var refusal *reconcile.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(refusal.Remedy, c.remedy) {
				t.Errorf("got the remedy of %+v, want %s", refusal, c.remedy)
			}
		})
	}
}

// A share is counted from the first call of a window on.
func TestRateShare(t *testing.T) {
	for _, c := range []struct {
		reserve     float64
		limit, want int // calls in a window
	}{{0, 10, 10}, {0.5, 10, 5}, {0.75, 100, 25}, {0.9, 10, 1}, {0.99, 10, 1}, {0.5, 1, 1}} {
		l := newLimiter(c.reserve, nil)
		h := http.Header{}
		h.Set("X-Rate-Limit-Limit", strconv.Itoa(c.limit))
		h.Set("X-Rate-Limit-Remaining", strconv.Itoa(c.limit-1)) // one was made to learn this
		h.Set("X-Rate-Limit-Reset", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))
		l.learn("b", h)
		made := 1
		for ok := true; ok; {
			if _, ok = l.tryTake("b"); ok {
				made++
			}
		}
		if made != c.want {
			t.Errorf("with %v of %d left to others it made %d calls, want %d", c.reserve, c.limit, made, c.want)
		}
	}
}

// Calls that wait for one window are announced once, go on when it ends, and lose nothing.
func TestWaitIsAnnouncedOnce(t *testing.T) {
	t.Parallel() // it waits
	l := newLab(t, &oktatest.Server{})
	want := l.service("neo4j_writer")
	reset := time.Now().Add(2 * time.Second)
	l.org.Fault(oktatest.Fault{Method: "GET", PathPrefix: "/api/v1/authorizationServers", Header: http.Header{
		"X-Rate-Limit-Limit": {"100"}, "X-Rate-Limit-Remaining": {"50"}, "X-Rate-Limit-Reset": {strconv.FormatInt(reset.Unix(), 10)}}})
	var mu sync.Mutex
	var waits []string
	l.sys = l.open(Options{Reserve: 0.5, OnWait: func(w reconcile.Waiting) {
		mu.Lock()
		defer mu.Unlock()
		waits = append(waits, w.Reason)
	}})
	if _, err := l.sys.client.get(context.Background(), "/api/v1/authorizationServers/default"); err != nil {
		t.Fatal(err)
	}
	_, drift := l.drift(want)
	if drift.Count(reconcile.Missing) != len(want) {
		t.Errorf("drift is %+v", drift)
	}
	if len(waits) != 1 || !strings.Contains(waits[0], "/api/v1") {
		t.Errorf("announced %v", waits)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		name   string
		header map[string]string
		want   time.Duration
	}{
		{"nothing", nil, 0},
		{"epoch and date", map[string]string{"X-Rate-Limit-Limit": "10", "X-Rate-Limit-Reset": strconv.FormatInt(now.Add(20*time.Second).Unix(), 10), "Date": date(0)}, 20 * time.Second},
		{"epoch past", map[string]string{"X-Rate-Limit-Limit": "10", "X-Rate-Limit-Reset": "1", "Date": date(0)}, 0},
		{"seconds", map[string]string{"Retry-After": "7"}, 7 * time.Second},
		{"a date", map[string]string{"Retry-After": date(9 * time.Second), "Date": date(0)}, 9 * time.Second},
		{"a date past", map[string]string{"Retry-After": date(-9 * time.Second), "Date": date(0)}, 0},
		{"simultaneous calls", map[string]string{"X-Rate-Limit-Limit": "0", "X-Rate-Limit-Reset": strconv.FormatInt(now.Add(20*time.Second).Unix(), 10), "Date": date(0)}, 0},
		{"nonsense", map[string]string{"Retry-After": "soon", "X-Rate-Limit-Reset": "later"}, 0},
		{"for ever", map[string]string{"Retry-After": "99999999999"}, longestRetry},
		{"a year", map[string]string{"Retry-After": date(365 * 24 * time.Hour), "Date": date(0)}, longestRetry},
	} {
		h := http.Header{}
		for name, v := range c.header {
			h.Set(name, v)
		}
		if got := waitFor(h); got != c.want {
			t.Errorf("%s: waits %s, want %s", c.name, got, c.want)
		}
	}
}
