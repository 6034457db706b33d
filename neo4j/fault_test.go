package neo4j

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

// A connection that drops at any call of an apply, before or after its effect, changes nothing about where it ends.
func TestDroppedAnywhere(t *testing.T) {
	t.Parallel()
	clean := newRig(t, withConf)
	plan := clean.plan(faultWants(clean)...)
	clean.server.ResetCalls()
	clean.applied(plan)
	calls := len(clean.server.Calls())
	if calls < 5 {
		t.Fatalf("%d calls", calls)
	}
	for n := 1; n <= calls; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d after %t", n, after), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, withConf)
				plan := r.plan(faultWants(r)...)
				r.server.Fault(neo4jtest.Fault{Nth: n, After: after, Drop: true})
				r.applied(plan)
				r.server.ResetFaults()
				r.insync(faultWants(r)...)
			})
		}
	}
}

func faultWants(r *rig) []reconcile.Object {
	return []reconcile.Object{
		etlWriter(r), provider(r, nil),
		r.declare(kindRole, "denied", fields{"grant": setOf("WRITE ON GRAPH *"), "deny": setOf("DELETE ON GRAPH neo4j")}),
	}
}

// The answer to COMMIT is lost and nobody can be asked: the outcome is unknown, and the next run finds it done.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plan := r.plan(etlWriter(r))
	r.server.Fault(neo4jtest.Fault{Match: "CREATE ROLE", Nth: 1, After: true, Drop: true})
	r.server.Fault(neo4jtest.Fault{Match: "CREATE ROLE", Nth: 2, Drop: true})
	r.server.Fault(neo4jtest.Fault{Match: "CREATE ROLE", Nth: 2, Drop: true})
	res := r.apply(plan).Results[0]
	if res.Status != reconcile.StatusUnknown || !errors.Is(res.Err, reconcile.ErrUnknownOutcome) {
		t.Errorf("%s: %v", res.Status, res.Err)
	}
	r.server.ResetFaults()
	r.insync(etlWriter(r))
}

// A transaction that never got to COMMIT has a known outcome: none.
func TestNothingHappened(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plan := r.plan(etlWriter(r))
	r.server.Fault(neo4jtest.Fault{Match: "GRANT WRITE", Drop: true})
	res := r.apply(plan).Results[0]
	if res.Status != reconcile.StatusFailed {
		t.Errorf("%s: %v", res.Status, res.Err)
	}
	r.server.ResetFaults()
	if rows := r.admin("SHOW ROLES WHERE role = 'etl_writer'"); len(rows) != 0 {
		t.Error("the role is there without its privileges")
	}
	r.converge(etlWriter(r))
}

func TestBusyServerIsAskedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plan := r.plan(etlWriter(r))
	var waits []reconcile.Waiting
	r.sys.client.onWait = func(w reconcile.Waiting) { waits = append(waits, w) }
	r.server.Fault(neo4jtest.Fault{Match: "GRANT WRITE", Nth: 1, Failure: &neo4jtest.Failure{Code: "Neo.TransientError.Security.ModifiedConcurrently", Message: "changed"}})
	r.applied(plan)
	if len(waits) != 1 || !strings.Contains(waits[0].Reason, "ModifiedConcurrently") {
		t.Errorf("waits %v", waits)
	}
}

// A role that came to be after the plan is not taken over.
func TestRoleMadeMeanwhile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plan := r.plan(etlWriter(r))
	r.admin("CREATE ROLE etl_writer")
	res := r.apply(plan).Results[0]
	var no *reconcile.Refusal
	if res.Status != reconcile.StatusFailed || !errors.As(res.Err, &no) {
		t.Fatalf("%s: %v", res.Status, res.Err)
	}
	if no.Call != "CREATE ROLE `etl_writer`" || !strings.Contains(no.Answer, "Role already exists") {
		t.Errorf("%+v", no)
	}
}

func TestRefusedValue(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	r.converge(etlWriter(r), provider(r, nil))
	before := r.readConf()
	_, err := r.sys.Do(t.Context(), Configure{Member: r.sys.last().members[0].address, Setting: "dbms.security.oidc.okta-backend.config", Value: reconcile.Text("nonsense"), Check: true}, nil)
	var no *reconcile.Refusal
	if !errors.As(err, &no) || no.Field != "config" || !strings.Contains(no.Call, "dbms.checkConfigValue") {
		t.Errorf("%v", err)
	}
	_, err = r.sys.Do(t.Context(), Configure{Member: r.sys.last().members[0].address, Setting: "dbms.security.auth_enabled", Value: reconcile.Text("false")}, nil)
	wantError(t, err, "dbms.setConfigValue", "not dynamic")
	if r.readConf() != before {
		t.Error("the file changed")
	}
}

// A server that comes back with other settings is an error that says which.
func TestRestartThatDoesNotHelp(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	r.sys.restart.direct = func(context.Context, string) error { return nil } // it says that it did
	plan := r.plan(etlWriter(r), provider(r, nil))
	res := r.apply(plan).Results[1]
	wantError(t, res.Err, "restart 127.0.0.1:", "the member is back, but", "authentication_providers is \"native\", without oidc-okta-backend")
	r.sys.restart.direct = r.restart
	r.converge(etlWriter(r), provider(r, nil))
}

// The command gets the member in its environment, and is not read by a shell.
func TestRestartCommand(t *testing.T) {
	t.Setenv("NEO4J_PASSWORD", "canary")
	file := filepath.Join(t.TempDir(), "a $(file)")
	withCommand := func(_ *neo4jtest.Server, conn *reconcile.Block, _ *Options) {
		conn.Blocks = []reconcile.Block{{Type: "restart", Fields: map[string]reconcile.Argument{
			"command": {Value: reconcile.List{reconcile.Text(os.Args[0]), reconcile.Text("-test.run=^TestRestartHelper$"), reconcile.Text("--"), reconcile.Text(file)}},
			"timeout": {Value: reconcile.Text("20s")},
		}}}
	}
	r := newRig(t, withConf, withCommand)
	plan := r.plan(etlWriter(r), provider(r, nil))
	r.sys.restart.settle = 10 * time.Second
	done := make(chan error, 1)
	go func() {
		for {
			if data, err := os.ReadFile(file); err == nil && len(data) > 0 {
				done <- r.restart(t.Context(), string(data))
				return
			}
			select {
			case <-t.Context().Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	r.applied(plan)
	r.must(<-done)
	r.insync(etlWriter(r), provider(r, nil))

	_, err := r.sys.Do(t.Context(), Restart{Members: []string{"a:1", "b:1"}, Command: []string{os.Args[0], "-test.run=^TestRestartHelper$", "--", "fail"}, Timeout: 20 * time.Second}, nil)
	wantError(t, err, "restart a:1", "exit status 3", "no such unit", "not restarted: b:1")
	_, err = r.sys.Do(t.Context(), Restart{Members: []string{"a:1"}, Command: []string{"/no/such/program"}, Timeout: time.Second}, nil)
	wantError(t, err, "/no/such/program")
}

// TestRestartHelper is the command of TestRestartCommand, in a process of its own.
func TestRestartHelper(t *testing.T) {
	member, called := os.LookupEnv("KEYMAKER_MEMBER")
	if !called {
		t.Skip("only as a command")
	}
	file := os.Args[len(os.Args)-1]
	if file == "fail" {
		fmt.Println("no such unit")
		os.Exit(3)
	}
	if _, leaked := os.LookupEnv("NEO4J_PASSWORD"); leaked {
		fmt.Println("the restart command was given the password")
		os.Exit(4)
	}
	if err := os.WriteFile(file, []byte(member), 0o600); err != nil {
		t.Fatal(err)
	}
}
