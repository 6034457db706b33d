package neo4j

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

// tenPrivileges are ten single privileges of four sorts.
func tenPrivileges(n int) reconcile.Value {
	return setOf("ACCESS ON DATABASE neo4j", fmt.Sprintf("MATCH {*} ON GRAPH neo4j NODES A%d, B, C, D", n), "TRAVERSE ON GRAPH neo4j RELATIONSHIPS T, U, V",
		fmt.Sprintf("SET PROPERTY {p%d, q} ON GRAPH neo4j NODES *", n))
}

func manyRoles(r *rig, count int) []reconcile.Object {
	var want []reconcile.Object
	for n := range count {
		want = append(want, r.declare(kindRole, fmt.Sprintf("r%03d", n), fields{"grant": tenPrivileges(n)}))
	}
	return want
}

// Roles are made many to a transaction, and each has its own result.
func TestManyRolesTakeFewTransactions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const count = 60
	want := manyRoles(r, count)
	want = append(want, r.user("u", fields{"roles": setOf("r000", "r059")}, nativeBlock(canary, true)))
	plan := r.plan(want...)
	r.server.ResetCalls()
	r.sys.client.takeCalls()
	r.applied(plan)
	if statements := len(r.server.Calls()); statements > 5*count+2 {
		t.Errorf("%d statements for %d roles", statements, count)
	}
	if calls := r.sys.client.takeCalls(); calls > count/10+1 {
		t.Errorf("%d transactions for %d roles", calls, count)
	}
	r.insync(want...)

	// A small change of all of them.
	for n := range count {
		want[n] = r.declare(kindRole, fmt.Sprintf("r%03d", n), fields{"grant": setOf("ACCESS ON DATABASE neo4j", "WRITE ON GRAPH neo4j", "EXECUTE PROCEDURE apoc.* ON DBMS")})
	}
	plan = r.plan(want...)
	r.server.ResetCalls()
	r.applied(plan)
	if statements := len(r.server.Calls()); statements > 5*count+count/10+1 { // and a look before each transaction
		t.Errorf("%d statements to change %d roles", statements, count)
	}
	r.insync(want...)
	plan, err := r.tryPlan(reconcile.Policy{Destroy: true}, want...)
	r.must(err)
	r.applied(plan)
}

// What the server refuses of one role fails that role and who needs it; the others of its transaction are made.
func TestRefusalInABatchIsOneRole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	want := manyRoles(r, 8)
	want = append(want, r.user("u", fields{"roles": setOf("r003")}, nativeBlock(canary, true)))
	plan := r.plan(want...)
	r.server.Fault(neo4jtest.Fault{Match: "CREATE ROLE `r003`", Failure: &neo4jtest.Failure{Code: codeArgument, Message: "no such luck"}})
	status := make(map[string]reconcile.Result)
	for _, res := range r.apply(plan).Results {
		status[res.Addr.Name] = res
	}
	for name, res := range status {
		switch {
		case name == "r003":
			if res.Status != reconcile.StatusFailed || !strings.Contains(res.Err.Error(), "no such luck") {
				t.Errorf("%s: %s %v", name, res.Status, res.Err)
			}
		case name == "u":
			if res.Status != reconcile.StatusNotDone || res.After != "neo4j.role.r003" {
				t.Errorf("%s: %s after %s", name, res.Status, res.After)
			}
		case res.Status != reconcile.StatusDone:
			t.Errorf("%s: %s %v", name, res.Status, res.Err)
		}
	}
	r.server.ResetFaults()
	r.converge(want...)
}

// A leader that changes, an answer that is lost and a connection that ends in the middle of a batch lose nothing and do nothing twice.
func TestBatchSurvives(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]neo4jtest.Fault{
		"leader switch": {Match: "TO `r004`", Nth: 2, Failure: &neo4jtest.Failure{Code: codeNotALeader, Message: "No write operations are allowed directly on this database. Writes must pass through the leader. The role of this server is: FOLLOWER"}},
		"transient":     {Match: "`r002`", Nth: 1, Failure: &neo4jtest.Failure{Code: "Neo.TransientError.Security.ModifiedConcurrently", Message: "again"}},
		"dropped":       {Match: "TO `r004`", Nth: 1, Drop: true},
		"lost commit":   {Match: "CREATE ROLE `r000`", Nth: 1, After: true, Drop: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			want := manyRoles(r, 6)
			plan := r.plan(want...)
			r.server.Fault(fault)
			r.applied(plan)
			r.insync(want...)
		})
	}
}

// A server that is gone for good is told once for all of a batch, and soon.
func TestBatchWithoutServer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plan := r.plan(manyRoles(r, 20)...)
	r.must(r.server.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	report := reconcile.Apply(ctx, nil, plan, map[string]reconcile.System{systemName: r.sys}, reconcile.NewIndex(nil), nil)
	for _, res := range report.Results {
		if res.Status != reconcile.StatusFailed || res.Err == nil {
			t.Errorf("%s: %s %v", res.Addr, res.Status, res.Err)
		}
	}
	if ctx.Err() != nil {
		t.Error("every role was tried by itself")
	}
}
