package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// noted collects what is announced.
type noted struct {
	sync.Mutex
	waits []reconcile.Waiting
}

func (n *noted) add(w reconcile.Waiting) {
	n.Lock()
	defer n.Unlock()
	n.waits = append(n.waits, w)
}

// without takes the rate limit's headers off an answer, and puts others on.
func without(more ...string) http.Header {
	h := http.Header{"X-Rate-Limit-Limit": {}, "X-Rate-Limit-Remaining": {}, "X-Rate-Limit-Reset": {}}
	for i := 0; i < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

// Each form in which Okta, or a proxy before it, says to wait: it is waited for as it asks, announced with its reason and end, and the call is made again once.
func TestBusy(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	epoch, date := fmt.Sprint(now.Add(2*time.Second).Unix()), now.Format(http.TimeFormat)
	const rules, apps = "/api/v1/authorizationServers/*/policies/*/rules", "/api/v1/apps"
	const reconciling = `{"errorCode":"E0000239","errorSummary":"Policy priorities are being reconciled. Please try again later.","errorLink":"E0000239","errorId":"oae1","errorCauses":[]}`
	tests := []struct {
		name   string
		fault  oktatest.Fault
		least  time.Duration // that is waited
		reason string
	}{
		{"429 without headers", oktatest.Fault{Method: "GET", Path: apps, Status: 429, Header: without()}, 0, "Okta's rate limit (/api/v1/apps)"},
		{"429 with an epoch", oktatest.Fault{Method: "GET", Path: apps, Status: 429, Header: http.Header{"X-Rate-Limit-Limit": {"10"}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Reset": {epoch}, "Date": {date}}},
			time.Second, "Okta's rate limit (/api/v1/apps)"},
		{"429 with seconds", oktatest.Fault{Method: "GET", Path: apps, Status: 429, Header: without("Retry-After", "1")}, time.Second, "Okta's rate limit (/api/v1/apps)"},
		{"429 with a date", oktatest.Fault{Method: "GET", Path: apps, Status: 429, Header: without("Retry-After", now.Add(time.Second).Format(http.TimeFormat), "Date", date)}, time.Second, "Okta's rate limit (/api/v1/apps)"},
		{"429 of simultaneous calls", oktatest.Fault{Method: "GET", Path: apps, Status: 429, Header: http.Header{"X-Rate-Limit-Limit": {"0"}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Reset": {fmt.Sprint(now.Add(time.Hour).Unix())}}},
			0, "Okta's rate limit (/api/v1/apps)"},
		{"429 of a create", oktatest.Fault{Method: "POST", Path: apps, Status: 429, Header: without()}, 0, "Okta's rate limit (/api/v1/apps)"},
		{"423 of a create", oktatest.Fault{Method: "POST", Path: rules, Status: 423, Body: reconciling}, 0, "Okta is busy with the same objects"},
		{"503 of a read", oktatest.Fault{Method: "GET", Path: apps, Status: 503, Body: "<html>busy</html>"}, 0, "trying again, as no good answer came to GET /api/v1/apps"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // it waits
			l := newLab(t, &oktatest.Server{})
			l.org.Fault(c.fault)
			var n noted
			l.sys = l.open(Options{OnWait: n.add})
			began := time.Now()
			want := l.service("a")
			l.apply(want)
			took := time.Since(began)
			if len(n.waits) != 1 || n.waits[0].Reason != c.reason {
				t.Fatalf("announced %+v, want once %q", n.waits, c.reason)
			}
			if took < c.least || n.waits[0].Until.Sub(began) < c.least {
				t.Errorf("waited %s, announced the end %s on, want %s", took, n.waits[0].Until.Sub(began), c.least)
			}
			if len(l.mine("neo4j-etl")) != 1 {
				t.Errorf("%d apps", len(l.mine("neo4j-etl")))
			}
			l.settled(want)
		})
	}
}

// A 409 that no lifecycle call got is an answer: it is told, not tried again.
func TestConflictIsTold(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.org.Fault(oktatest.Fault{Method: "POST", Path: "/api/v1/apps", Status: 409, Body: `{"errorCode":"E0000001","errorSummary":"Api validation failed: label","errorCauses":[]}`})
	plan, index := l.plan(l.service("a")[:1], reconcile.Policy{})
	report := l.run(plan, index)
	if report.With(reconcile.StatusFailed) != 1 || !strings.Contains(report.Results[0].Err.Error(), "409 E0000001") {
		t.Errorf("got %+v", report.Results)
	}
}

// A wait, however long, ends with its context, before a call and between two tries.
func TestLongWaitEnds(t *testing.T) {
	long := fmt.Sprint(time.Now().Add(9 * time.Minute).Unix()) // what lasts longer than ten is told as an error
	for name, f := range map[string]oktatest.Fault{
		"epoch":         {Method: "GET", Path: "/api/v1/apps", Status: 429, Header: http.Header{"X-Rate-Limit-Limit": {"10"}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Reset": {long}}},
		"retry after":   {Method: "GET", Path: "/api/v1/apps", Status: 429, Header: without("Retry-After", "500")},
		"before a call": {Method: "GET", Path: "/api/v1/authorizationServers/default", Header: http.Header{"X-Rate-Limit-Limit": {"10"}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Reset": {long}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			l.org.Fault(f)
			ctx, cancel := context.WithCancelCause(t.Context())
			stopped := errors.New("stopped by its user")
			l.sys = l.open(Options{OnWait: func(w reconcile.Waiting) {
				if time.Until(w.Until) < 5*time.Minute || w.Reason == "" {
					t.Errorf("announced %+v", w)
				}
				cancel(stopped)
			}})
			if name == "before a call" {
				if _, err := l.sys.client.get(t.Context(), "/api/v1/authorizationServers/default"); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := l.sys.Read(ctx, l.service("a")); !errors.Is(err, stopped) {
				t.Errorf("got %v, want %v", err, stopped)
			}
		})
	}
}

// TestStopEndsWaits stops a run while a write waits: for a limit that an answer told, for one that a refusal told, and before another try. The write is not made, and
// that is what the run says.
func TestStopEndsWaits(t *testing.T) {
	long := fmt.Sprint(time.Now().Add(9 * time.Minute).Unix())
	empty := http.Header{"X-Rate-Limit-Limit": {"10"}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Reset": {long}}
	for name, f := range map[string]oktatest.Fault{
		"refused":       {Method: "POST", Path: "/api/v1/authorizationServers/default/scopes", Status: 429, Header: empty},
		"before a call": {Method: "GET", Path: "/api/v1/authorizationServers/default", Header: empty},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			stop := make(chan struct{})
			l.sys = l.open(Options{Stop: stop, OnWait: func(reconcile.Waiting) { close(stop) }})
			l.org.Fault(f)
			if name == "before a call" {
				if _, err := l.sys.client.get(t.Context(), "/api/v1/authorizationServers/default"); err != nil {
					t.Fatal(err)
				}
			}
			_, err := l.sys.client.do(t.Context(), call{method: "POST", path: "/api/v1/authorizationServers/default/scopes", body: []byte(`{"name":"late","consent":"IMPLICIT"}`)})
			if !errors.Is(err, reconcile.ErrStopped) {
				t.Errorf("got %v, want %v", err, reconcile.ErrStopped)
			}
			l.sys = l.open(Options{}) // which knows of no limit
			for _, one := range l.raws("/api/v1/authorizationServers/default/scopes") {
				if one.text("name") == "late" {
					t.Error("the scope was made")
				}
			}
		})
	}
}
