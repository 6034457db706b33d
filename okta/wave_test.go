package okta

import (
	"sync"
	"testing"

	"keymaker/okta/oktatest"
)

// A server's scopes, claims and policies, and a policy's rules behind them, are read while the first page of the apps is on its way: this hangs where one waits for the other.
func TestReadAsksForAppsAndServersAtTheSameTime(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("neo4j_writer")
	l.apply(want)
	var asked sync.WaitGroup
	paths := []string{"/api/v1/apps", "/api/v1/authorizationServers/*/policies/*/rules"}
	asked.Add(len(paths))
	for _, path := range paths {
		l.org.Fault(oktatest.Fault{Method: "GET", Path: path, Notify: func() {
			asked.Done()
			asked.Wait()
		}})
	}
	_, drift := l.drift(want)
	if len(drift.Items) == 0 {
		t.Error("nothing was read")
	}
}
