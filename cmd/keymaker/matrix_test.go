package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/okta/oktatest"
)

// oktaFaults are what may happen to a call of Okta. Rate limit answers come without the headers that would make the test wait.
func oktaFaults() map[string]oktatest.Fault {
	noReset := http.Header{"X-Rate-Limit-Reset": {}, "X-Rate-Limit-Remaining": {}}
	return map[string]oktatest.Fault{
		"dropped before":  {Drop: true},
		"dropped after":   {Drop: true, After: true},
		"429":             {Status: 429, Header: noReset},
		"500 with a page": {Status: 500, Body: "<html>Bad day</html>", Header: http.Header{"Content-Type": {"text/html"}}},
		"500 after":       {Status: 500, After: true},
		"503":             {Status: 503},
		"423":             {Status: 423},
		"409":             {Status: 409},
		"refused":         {Status: 400},
		"refused after":   {Status: 400, After: true},
		"truncated":       {Truncate: true},
		"slow":            {Delay: 20 * time.Millisecond},
	}
}

// neo4jFaults are what may happen to a statement.
func neo4jFaults() map[string]neo4jtest.Fault {
	failure := func(code, message string) *neo4jtest.Failure { return &neo4jtest.Failure{Code: code, Message: message} }
	return map[string]neo4jtest.Fault{
		"dropped before": {Drop: true},
		"dropped after":  {Drop: true, After: true},
		"transient":      {Failure: failure("Neo.TransientError.Security.ModifiedConcurrently", "changed")},
		"not the leader": {Failure: failure("Neo.ClientError.Cluster.NotALeader", "elsewhere")},
		"refused":        {Failure: failure("Neo.ClientError.Security.Forbidden", "no")},
		"slow":           {Delay: 20 * time.Millisecond},
	}
}

// faultCase is one accident at one call of one story.
type faultCase struct {
	story  story
	system string
	kind   string
	nth    int
}

func (c faultCase) name() string {
	return fmt.Sprintf("%s/%s %d %s", c.story.name, c.system, c.nth, c.kind)
}

// faultCases counts the calls of each story in a run without accidents, and lists every accident at every call.
func faultCases(t *testing.T) []faultCase {
	var cases []faultCase
	for _, st := range stories() {
		b := newBench(t)
		if st.before != nil {
			b.converge(st.before.text(), choice{})
		}
		b.box.okta.ResetCalls()
		b.box.neo4j.ResetCalls()
		text, ch := st.target()
		b.converge(text, ch)
		for n := range len(b.box.okta.Calls()) {
			for kind := range oktaFaults() {
				cases = append(cases, faultCase{st, "okta", kind, n + 1})
			}
		}
		for n := range len(b.box.neo4j.Calls()) {
			for kind := range neo4jFaults() {
				cases = append(cases, faultCase{st, "neo4j", kind, n + 1})
			}
		}
	}
	return cases
}

// Whatever happens to whichever call, running again ends in the same place: everything done, the next plan empty, no twin, the secret delivered. A run takes every
// 97th case; KEYMAKER_FAULTS=all takes all of them.
func TestFaultMatrix(t *testing.T) {
	every := 97
	if os.Getenv("KEYMAKER_FAULTS") == "all" {
		every = 1
	}
	all := faultCases(t)
	var ran atomic.Int64
	t.Run("cases", func(t *testing.T) {
		for i := 0; i < len(all); i += every {
			t.Run(all[i].name(), func(t *testing.T) {
				t.Parallel()
				all[i].run(t)
				ran.Add(1)
			})
		}
	})
	t.Logf("%d of %d accidents tried", ran.Load(), len(all))
}

func (c faultCase) run(t *testing.T) {
	b := newBench(t)
	if c.story.before != nil {
		b.converge(c.story.before.text(), choice{})
	}
	if c.system == "okta" {
		f := oktaFaults()[c.kind]
		f.Nth = c.nth
		b.box.okta.Fault(f)
	} else {
		f := neo4jFaults()[c.kind]
		f.Nth = c.nth
		b.box.neo4j.Fault(f)
	}
	text, ch := c.story.target()
	_, _ = b.apply(text, ch) // may end anyhow
	b.box.okta.ClearFaults()
	b.box.neo4j.ResetFaults()
	b.converge(text, ch)
	if plan, _ := b.plan(b.session(text), ch); len(plan.Steps) > 0 {
		t.Errorf("the next plan is not empty: %v", plan.Touched())
	}
	b.noTwin(c.story)
}

// noTwin demands that there is one app and one policy, or none when all was destroyed, and that the app's secret was delivered.
func (b *bench) noTwin(st story) {
	b.t.Helper()
	want := 1
	if st.after == nil {
		want = 0
	}
	if n := b.named("/api/v1/apps", "label", "etl"); n != want {
		b.t.Errorf("there are %d apps, want %d", n, want)
	}
	if st.after != nil && st.after.noPolicy {
		want = 0
	}
	if n := b.named("/api/v1/authorizationServers/default/policies", "name", "services"); n != want {
		b.t.Errorf("there are %d policies, want %d", n, want)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "etl.env")); err != nil {
		b.t.Errorf("the secret was not delivered: %v", err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "etl.env.pending")); err == nil && st.after != nil {
		b.t.Error("a delivery is still pending")
	}
}

// named counts the members of a list in the org by a field.
func (b *bench) named(path, field, name string) int {
	b.t.Helper()
	n := 0
	for _, one := range b.list(path) {
		if one[field] == name {
			n++
		}
	}
	return n
}

// list is a collection of the org, as somebody else reads it.
func (b *bench) list(path string) []map[string]any {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.box.okta.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "SSWS "+b.box.kept.OktaToken)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	var list []map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		b.t.Fatal(err)
	}
	return list
}
