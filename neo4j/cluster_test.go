package neo4j

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

// routedRig is a DBMS of three members, which Keymaker reaches through the last one's address: it has to ask for the leader.
func routedRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, withMembers(3))
	r.env["NEO4J_URI"] = strings.Replace(r.server.URLs[2], "bolt", "neo4j", 1)
	r.sys = reopen(r, reconcile.Block{})
	return r
}

// The leader changes before any statement, before the commit, or as the answer to it is lost: the transaction is made again at the new one, and nothing is done twice.
func TestLeaderChangesAnywhere(t *testing.T) {
	t.Parallel()
	wants := func(r *rig) []reconcile.Object {
		return append(manyRoles(r, 2), r.user("u", fields{"roles": setOf("r000")}, nativeBlock(canary, true)))
	}
	clean := routedRig(t)
	plan := clean.plan(wants(clean)...)
	clean.server.ResetCalls()
	clean.applied(plan)
	statements := len(clean.server.Calls())
	if statements < 10 {
		t.Fatalf("%d statements", statements)
	}
	var faults []neo4jtest.Fault
	for n := 1; n <= statements; n++ {
		faults = append(faults, neo4jtest.Fault{Nth: n}, neo4jtest.Fault{Nth: n, Drop: true})
	}
	faults = append(faults, neo4jtest.Fault{Match: "`r001`", Nth: 1, Commit: true}, neo4jtest.Fault{Match: "`r001`", Nth: 1, Commit: true, Drop: true}, neo4jtest.Fault{Match: "`r001`", Nth: 1, After: true, Drop: true})
	for _, fault := range faults {
		t.Run(fmt.Sprintf("statement %d commit %t after %t drop %t", fault.Nth, fault.Commit, fault.After, fault.Drop), func(t *testing.T) {
			t.Parallel()
			r := routedRig(t)
			plan := r.plan(wants(r)...)
			changed := false
			fault.Notify = func() {
				if err := r.server.Lead(1); err != nil {
					t.Error(err)
				}
				changed = true
			}
			r.server.Fault(fault)
			r.server.ResetCalls()
			r.applied(plan)
			if !changed {
				t.Error("the leader never changed")
			}
			r.server.ResetFaults()
			r.insync(wants(r)...)
			written := false
			for _, c := range r.server.Calls() {
				written = written || c.Member == 1 && c.Failure == "" && strings.HasPrefix(c.Statement, "CREATE ROLE")
			}
			if !written && !fault.After {
				t.Error("nothing was written at the new leader")
			}
		})
	}
}

// Without routing, a member that does not lead is asked to write: the refusal says what to do.
func TestWritesToAFollower(t *testing.T) {
	t.Parallel()
	r := newRig(t, withMembers(2))
	plan := r.plan(etlWriter(r))
	r.must(r.server.Lead(1))
	res := r.apply(plan).Results[0]
	var no *reconcile.Refusal
	if res.Status != reconcile.StatusFailed || !errors.As(res.Err, &no) || !strings.Contains(no.Remedy, "neo4j:// URI") {
		t.Errorf("%s: %v", res.Status, res.Err)
	}
	r.must(r.server.Lead(0))
	r.converge(etlWriter(r))
}

// What was applied is proved at a member that is behind: the proof brings the bookmarks of the apply, and of its own look at the leader.
func TestBookmarksReachTheProof(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	behind := func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) { s.Lag = time.Hour }
	r, state := provenRig(t, is, withMembers(2), behind)
	r.admin("DROP ROLE etl_writer")
	r.applied(r.plan(state...)) // looking at all members, then making the role: the second member has not seen that
	applied := r.sys.client.bookmarks
	r.sys.client.bookmarks = nil // each session for itself: it waits for nothing
	if hops, good := prove(t, r, state, is.token(t, nil)); good {
		t.Errorf("a member that is an hour behind has the role: %+v", hops)
	}
	r.sys.client.bookmarks = applied
	if hops, good := prove(t, r, state, is.token(t, nil)); !good {
		t.Errorf("hops %+v", hops)
	}
}

// A bolt URI names one server. Its others are found by SHOW SERVERS, looked at and set one by one; what is not to be had is said.
func TestBoltLooksAtEachServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, withMembers(3))
	unlisted := func(name string) {
		if name != "" {
			r.env["NEO4J_USERNAME"], r.env["NEO4J_PASSWORD"] = name, "long enough"
		}
		r.sys = reopen(r, reconcile.Block{Fields: map[string]reconcile.Argument{"conf_file": {Value: reconcile.Text(r.conf)}}})
		r.sys.restart.direct, r.sys.restart.settle = r.restart, 0
	}
	unlisted("")
	want := []reconcile.Object{etlWriter(r), provider(r, nil)}
	r.converge(want...)
	if n := len(r.sys.last().members); n != 3 {
		t.Errorf("%d members were looked at", n)
	}
	r.must(r.sys.setOn(r.server.URLs[2], "dbms.security.oidc.okta-backend.claims.username", "email"))
	if plan := r.plan(want...); len(plan.Steps) != 1 {
		t.Errorf("another member's memory is no drift: %d steps", len(plan.Steps))
	}
	r.converge(want...)

	// Who may not list the servers is told what to do, and can do it.
	r.admin("CREATE ROLE keymaker", "GRANT SHOW SETTING * ON DBMS TO keymaker", "GRANT SHOW ROLE ON DBMS TO keymaker", "GRANT SHOW PRIVILEGE ON DBMS TO keymaker",
		"CREATE USER limited SET PASSWORD 'long enough' CHANGE NOT REQUIRED", "GRANT ROLE keymaker TO limited")
	first := strings.TrimPrefix(r.server.URLs[0], "bolt://")
	unlisted("limited")
	_, err := r.tryPlan(reconcile.Policy{}, want...)
	wantError(t, err, "the members cannot be listed", "GRANT SHOW SERVERS ON DBMS", `members = ["`+first+`"]`)
	r.sys.members = []string{first}
	if plan := r.plan(want...); len(plan.Steps) > 0 {
		t.Errorf("left to do: %s", describePlan(plan))
	}

	// A server that is down is named, with how to leave it out, and nothing is called converged.
	r.env["NEO4J_USERNAME"], r.env["NEO4J_PASSWORD"] = "neo4j", testPassword
	unlisted("")
	good := r.readConf()
	r.writeConf(good + "no.such.setting=1\n")
	if err := r.server.RestartMember(1); err == nil {
		t.Fatal("a member started with an unknown setting")
	}
	r.writeConf(good)
	_, err = r.tryPlan(reconcile.Policy{}, want...)
	wantError(t, err, "neo4j.oidc_provider.okta-backend", "member "+strings.TrimPrefix(r.server.URLs[1], "bolt://"), "cannot be reached", "members = [")
}
