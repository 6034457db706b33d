package neo4j

import (
	"errors"
	"strings"
	"testing"

	"keymaker/reconcile"
)

// moveOf is why a report's object was left alone; nil when it was not.
func moveOf(report reconcile.Report, name string) *reconcile.Move {
	for _, res := range report.Results {
		var move *reconcile.Move
		if res.Addr.Name == name && errors.As(res.Err, &move) {
			return move
		}
	}
	return nil
}

// A role or a user that somebody changed since the plan is left alone and named, also where it shares a transaction with others, which are made.
func TestRoleThatMovedIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	want := []reconcile.Object{
		r.declare(kindRole, "a", fields{"grant": setOf("ACCESS ON DATABASE neo4j")}),
		r.declare(kindRole, "b", fields{"grant": setOf("ACCESS ON DATABASE neo4j")}),
		r.user("u", fields{"roles": setOf("a")}, nativeBlock(canary, true)),
	}
	r.converge(want...)
	for _, name := range []string{"a", "b"} {
		o := r.declare(kindRole, name, fields{"grant": setOf("ACCESS ON DATABASE neo4j", "WRITE ON GRAPH neo4j")})
		want[map[string]int{"a": 0, "b": 1}[name]] = o
	}
	plan := r.plan(want...)
	r.admin("GRANT TRAVERSE ON GRAPH * TO a")
	report := r.apply(plan)
	if move := moveOf(report, "a"); move == nil || move.Attr != "grant" || !strings.Contains(move.Error(), "TRAVERSE") {
		t.Errorf("role a: %v, want it to have moved", move)
	}
	for _, res := range report.Results {
		if res.Addr.Name == "b" && res.Status != reconcile.StatusDone {
			t.Errorf("role b, which nobody touched: %s %v", res.Status, res.Err)
		}
	}
	r.converge(want...)

	want[2] = r.user("u", fields{"roles": setOf("a", "b")}, nativeBlock(canary, true))
	plan = r.plan(want...)
	r.admin("ALTER USER u SET STATUS SUSPENDED")
	if move := moveOf(r.apply(plan), "u"); move == nil || move.Attr != attrStatus {
		t.Errorf("user u: %v, want its status to have moved", move)
	}
	plan = r.plan(want...)
	r.admin("GRANT ROLE b TO u") // at its goal already
	if move := moveOf(r.apply(plan), "u"); move != nil {
		t.Errorf("user u: %v, though it is as the plan wants it", move)
	}

	destroy, err := r.tryPlan(reconcile.Policy{Destroy: true}, want...)
	r.must(err)
	r.admin("GRANT DELETE ON GRAPH neo4j TO b")
	report = r.apply(destroy)
	if move := moveOf(report, "b"); move == nil {
		t.Errorf("role b was dropped, though it is not what the plan saw: %+v", report.Results)
	}
}

// A setting that somebody set since the plan is not overwritten, and one that does not stay as it was set is told.
func TestSettingThatMovedIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	r.converge(etlWriter(r), provider(r, nil))
	changed := []reconcile.Object{etlWriter(r), provider(r, fields{"group_to_role": reconcile.Map{"neo4j_writer": setOf("etl_writer"), "more": setOf("etl_writer")}})}
	plan := r.plan(changed...)
	key := "dbms.security.oidc.okta-backend.authorization.group_to_role_mapping"
	r.admin("CALL dbms.setConfigValue('" + key + "', 'theirs=etl_writer')")
	report := r.apply(plan)
	move := moveOf(report, "okta-backend")
	if move == nil || !strings.Contains(move.Attr, "group_to_role") || !strings.Contains(move.Error(), "theirs") {
		t.Errorf("got %v in %+v, want the setting to have moved", move, report.Results)
	}
	r.converge(changed...)
}

// A setting that moved is told with its connection.
func TestMovedSettingNamesItsConnection(t *testing.T) {
	t.Parallel()
	was, is := "a", "b"
	m := Configure{Member: "127.0.0.1:7687", Setting: oidcPrefix + "okta.audience"}.move("eu", &was, &is)
	if want := "neo4j.eu.oidc_provider.okta"; m.Addr.String() != want {
		t.Errorf("got %s, want %s", m.Addr, want)
	}
}
