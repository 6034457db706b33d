package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
		"429 with reset":  {Status: 429, Header: http.Header{"X-Rate-Limit-Reset": {fmt.Sprint(time.Now().Unix())}, "Date": {time.Now().UTC().Format(http.TimeFormat)}, "X-Rate-Limit-Remaining": {"0"}}},
		"500 with a page": {Status: 500, Body: "<html>Bad day</html>", Header: http.Header{"Content-Type": {"text/html"}}},
		"500 after":       {Status: 500, After: true},
		"503":             {Status: 503},
		"423":             {Status: 423},
		"409":             {Status: 409},
		"refused":         {Status: 400},
		"refused after":   {Status: 400, After: true},
		"truncated":       {Truncate: true},
		"slow":            {Delay: 20 * time.Millisecond},
		"killed before":   {Drop: true},
		"killed after":    {Drop: true, After: true},
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
		"restart before": {Drop: true},
		"restart after":  {Drop: true, After: true},
		"killed before":  {Drop: true},
		"killed after":   {Drop: true, After: true},
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
			for _, kind := range slices.Sorted(maps.Keys(oktaFaults())) {
				cases = append(cases, faultCase{st, "okta", kind, n + 1})
			}
		}
		for n := range len(b.box.neo4j.Calls()) {
			for _, kind := range slices.Sorted(maps.Keys(neo4jFaults())) {
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
	foreign := b.foreign()
	text, ch := c.story.target()
	switch {
	case strings.HasPrefix(c.kind, "killed"):
		c.kill(b, text)
	case strings.HasPrefix(c.kind, "restart"):
		c.fault(b, func() {
			if err := b.box.neo4j.Restart(); err != nil {
				t.Error(err)
			}
		})
		_, _ = b.apply(text, ch)
	default:
		c.fault(b, nil)
		_, _ = b.apply(text, ch) // may end anyhow
	}
	b.box.okta.ClearFaults()
	b.box.neo4j.ResetFaults()
	b.converge(text, ch)
	if plan, _ := b.plan(b.session(text), ch); len(plan.Steps) > 0 {
		t.Errorf("the next plan is not empty: %v", plan.Touched())
	}
	b.noTwin(c.story)
	if now := b.foreign(); now != foreign {
		t.Errorf("what belongs to others changed:\n%s\n%s", foreign, now)
	}
}

// fault lets the accident happen at its call, and something else with it.
func (c faultCase) fault(b *bench, notify func()) {
	if c.system == "okta" {
		f := oktaFaults()[c.kind]
		f.Nth, f.Notify = c.nth, notify
		b.box.okta.Fault(f)
		return
	}
	f := neo4jFaults()[c.kind]
	f.Nth, f.Notify = c.nth, notify
	if c.kind == "restart before" || c.kind == "restart after" { // it waits for the connections to end, this one too
		f.Notify = func() { go notify() }
	}
	b.box.neo4j.Fault(f)
}

// kill runs the program itself, in a process of its own, and kills it when the call has come: before it takes effect, or behind that and before its answer.
func (c faultCase) kill(b *bench, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, "main.hcl"), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	words := []string{"apply", "--auto-approve", "--prune", "--max-change", "100%", "--max-delete", "1000"}
	if !c.story.prune {
		words = words[:2]
	}
	if c.story.after == nil && !c.story.prune {
		words[0] = "destroy"
	}
	cmd := exec.Command("keymaker", append(words, ".")...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "KEYMAKER_NEO4J_RESTART="+b.restarts())
	for _, v := range b.box.variables() {
		cmd.Env = append(cmd.Env, v[0]+"="+v[1])
	}
	come, dead, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	c.fault(b, sync.OnceFunc(func() {
		close(come)
		<-dead
	}))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	select {
	case <-come:
		_ = cmd.Process.Kill()
		<-ended
	case err := <-ended: // it never made so many calls
		if err != nil {
			b.t.Errorf("it ended by itself: %v\n%s", err, said.String())
		}
	}
	close(dead)
}

// restarts is the command that restarts the emulated Neo4j from another process.
func (b *bench) restarts() string {
	b.t.Helper()
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := b.box.neo4j.Restart(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	b.t.Cleanup(door.Close)
	words, err := restartWords(b.t.TempDir(), door)
	if err != nil {
		b.t.Fatal(err)
	}
	return words
}

// noTwin demands that there is one app and one policy, or none when all was destroyed, and that the app's secret was delivered.
func (b *bench) noTwin(st story) {
	b.t.Helper()
	want := 1
	if st.after == nil { // destroyed, or pruned
		want = 0
	}
	if n := b.named("/api/v1/apps", "label", "etl"); n != want {
		b.t.Errorf("there are %d apps, want %d", n, want)
	}
	for _, app := range b.list("/api/v1/apps") {
		if notes := app["settings"].(map[string]any)["notes"]; app["label"] == "etl" && (app["status"] != "ACTIVE" || fmt.Sprint(notes) != "map[admin:<nil> enduser:<nil>]") {
			b.t.Errorf("app etl is %v, its notes are %v", app["status"], notes)
		}
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
