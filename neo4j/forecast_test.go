package neo4j

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"keymaker/reconcile"
)

// forecast is what a plan says that it costs.
func forecast(p reconcile.Plan) map[string]int {
	sum := make(map[string]int)
	for _, t := range p.Calls(systemName) {
		sum[t.What] = t.N
	}
	return sum
}

// made is what the server was sent since ResetCalls, in the words of a forecast. Queries of the members' settings as a whole, which see a restart through, are not in it.
func (r *rig) made() map[string]int {
	sum := make(map[string]int)
	transactions := make(map[int64]bool)
	for _, c := range r.server.Calls() {
		switch {
		case strings.HasPrefix(c.Statement, "CALL dbms.setConfigValue"), strings.HasPrefix(c.Statement, "CALL dbms.checkConfigValue"):
			sum["procedure call"]++
		case c.Statement == settingsQuery:
		case strings.HasPrefix(c.Statement, "CALL "), strings.HasPrefix(c.Statement, "SHOW "):
			sum["query"]++
		default:
			sum["statement"]++
			transactions[c.Transaction] = true
		}
	}
	if n := len(transactions); n > 0 {
		sum["transaction"] = n
	}
	return sum
}

// A plan's forecast is what apply makes, call for call.
func TestForecastIsWhatApplyMakes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const count = 90
	check := func(name string, plan reconcile.Plan) reconcile.Plan {
		t.Helper()
		want := forecast(plan)
		r.server.ResetCalls()
		r.applied(plan)
		if got := r.made(); !maps.Equal(got, want) {
			t.Errorf("%s: forecast %v, made %v", name, want, got)
		}
		return plan
	}
	want := manyRoles(r, count)
	want = append(want, r.declare(kindRole, "copied", fields{"copy_of": reconcile.Text("r001")}))
	for n := range 5 {
		want = append(want, r.user(fmt.Sprintf("u%d", n), fields{"roles": setOf("r000", "copied")}, nativeBlock(canary, true)))
	}
	plan := check("create", r.plan(want...))
	if got := forecast(plan)["transaction"]; got != 2 {
		t.Errorf("%d transactions for %d roles, a copy of one, and 5 users who have it", got, count)
	}
	r.insync(want...)

	r.admin("GRANT ROLE r002 TO u0")
	for n := range count {
		want[n] = r.declare(kindRole, fmt.Sprintf("r%03d", n), fields{"grant": setOf("ACCESS ON DATABASE neo4j", "WRITE ON GRAPH neo4j"), "deny": setOf("TRAVERSE ON GRAPH neo4j NODES Z")})
	}
	want[count+1] = r.user("u0", fields{"roles": setOf("r000"), "status": reconcile.Text("suspended")}, nativeBlock(canary, true))
	check("change", r.plan(want...))
	r.insync(want...)
	plan, err := r.tryPlan(reconcile.Policy{Destroy: true}, want...)
	r.must(err)
	check("destroy", plan)
}

// A provider's calls, made one by one on each member, are forecast too.
func TestForecastOfAProvider(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf, withMembers(3))
	want := append(manyRoles(r, 7), etlWriter(r), provider(r, nil))
	for _, step := range []struct {
		name string
		plan func() reconcile.Plan
	}{
		{"new", func() reconcile.Plan { return r.plan(want...) }},
		{"dynamic", func() reconcile.Plan {
			return r.plan(append(manyRoles(r, 8), etlWriter(r), provider(r, fields{"audience": setOf("api://other"), "groups_claim": reconcile.Text("roles")}))...)
		}},
	} {
		plan := step.plan()
		cost := forecast(plan)
		r.server.ResetCalls()
		r.applied(plan)
		got := r.made()
		if cost["restart"] > 0 {
			got["restart"] = 3
		}
		got["file write"] = 1
		if !maps.Equal(got, cost) {
			t.Errorf("%s: forecast %v, made %v", step.name, cost, got)
		}
	}
}

// A transaction takes a round trip for all of its statements and one to commit, and there is one for ten roles at most. The server counts.
func TestRoundTripsOfManyRoles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const count = 200
	plan := r.plan(manyRoles(r, count)...)
	cost := forecast(plan)
	before := r.server.Turns()
	r.server.ResetCalls()
	r.applied(plan)
	turns := int(r.server.Turns() - before)
	t.Logf("%d roles of ten privileges: %d statements in %d transactions, %d round trips", count, cost["statement"], cost["transaction"], turns)
	if cost["statement"] > 5*count {
		t.Errorf("%d statements for %d roles", cost["statement"], count)
	}
	if cost["transaction"] > count/10 {
		t.Errorf("%d transactions for %d roles", cost["transaction"], count)
	}
	if most := 2*cost["transaction"] + 4; turns > most || turns > count/10+4 {
		t.Errorf("%d round trips, more than %d", turns, most)
	}
}
