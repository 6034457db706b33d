package neo4j

import (
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
)

// sessionOf is what a server shows of a session with the roles own and PUBLIC, by the rows of SHOW PRIVILEGES AS COMMANDS.
func sessionOf(rows ...string) snapshot {
	s := snapshot{user: "keymaker", ownRoles: []string{"own", "PUBLIC"}, roles: map[string]liveRole{}}
	for _, name := range s.ownRoles {
		s.roles[name] = liveRole{}
	}
	for _, row := range rows {
		s.takePrivilege(row, false)
	}
	return s
}

// What the session lacks is told; what it may have by a row that is not understood is not, and no more than that.
func TestRightsThatAreMissing(t *testing.T) {
	t.Parallel()
	const foreign = "GRANT FROBNICATE ROLES ON DBMS TO `own`"
	for name, tt := range map[string]struct {
		rows  []string
		need  []string
		lacks []string
	}{
		"nothing":              {nil, []string{"CREATE ROLE", "SET AUTH"}, []string{"CREATE ROLE", "SET AUTH"}},
		"itself":               {[]string{"GRANT CREATE ROLE ON DBMS TO `own`"}, []string{"CREATE ROLE", "DROP ROLE"}, []string{"DROP ROLE"}},
		"what covers it":       {[]string{"GRANT ROLE MANAGEMENT ON DBMS TO `PUBLIC`"}, []string{"CREATE ROLE", "DROP ROLE", "CREATE USER"}, []string{"CREATE USER"}},
		"everything":           {[]string{"GRANT ALL DBMS PRIVILEGES ON DBMS TO `own`"}, []string{"CREATE ROLE", executeAdmin, "SET AUTH"}, nil},
		"denied":               {[]string{"GRANT ALL DBMS PRIVILEGES ON DBMS TO `own`", "DENY ROLE MANAGEMENT ON DBMS TO `PUBLIC`"}, []string{"CREATE ROLE", "SET AUTH"}, []string{"CREATE ROLE"}},
		"alter user":           {[]string{"GRANT ALTER USER ON DBMS TO `own`"}, []string{"SET AUTH", "CREATE USER"}, []string{"CREATE USER"}},
		"boosted":              {[]string{"GRANT EXECUTE BOOSTED PROCEDURE dbms.set* ON DBMS TO `own`"}, []string{executeAdmin}, nil},
		"another one boosted":  {[]string{"GRANT EXECUTE BOOSTED PROCEDURE apoc.* ON DBMS TO `own`"}, []string{executeAdmin}, []string{executeAdmin}},
		"a procedure denied":   {[]string{"GRANT ALL DBMS PRIVILEGES ON DBMS TO `own`", "DENY EXECUTE PROCEDURE dbms.*Value ON DBMS TO `own`"}, []string{executeAdmin, "CREATE ROLE"}, []string{executeAdmin}},
		"not understood":       {[]string{foreign}, []string{"CREATE ROLE"}, nil},
		"not, and denied":      {[]string{foreign, "DENY CREATE ROLE ON DBMS TO `own`"}, []string{"CREATE ROLE", "DROP ROLE"}, []string{"CREATE ROLE"}},
		"not, of a graph":      {[]string{"GRANT FROBNICATE {x} ON GRAPH `neo4j` NODE * TO `own`", "GRANT FROB ON HOME DATABASE TO `own`", "GRANT FROB ON DATABASES `a`, `b` TO `own`"}, []string{"CREATE ROLE"}, []string{"CREATE ROLE"}},
		"not, and a denial":    {[]string{"DENY FROBNICATE ROLES ON DBMS TO `own`"}, []string{"CREATE ROLE"}, []string{"CREATE ROLE"}},
		"not, of another role": {[]string{"GRANT FROBNICATE ROLES ON DBMS TO `reader`"}, []string{"CREATE ROLE"}, []string{"CREATE ROLE"}},
	} {
		t.Run(name, func(t *testing.T) {
			seen := sessionOf(tt.rows...)
			needed := make(rights)
			for _, right := range tt.need {
				needed.add(right)
			}
			err := needed.check(seen)
			if len(tt.lacks) == 0 {
				if err != nil {
					t.Errorf("told to lack something: %v", err)
				}
				return
			}
			if want := ": " + strings.Join(slices.Sorted(slices.Values(tt.lacks)), ", ") + " ON DBMS"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
	seen := sessionOf()
	seen.ownRoles = append(seen.ownRoles, "hidden")
	if err := (rights{"CREATE ROLE": true}).check(seen); err != nil {
		t.Errorf("a role that is not shown may give anything: %v", err)
	}
}

// A plan that needs rights which the user lacks is one error before any write, whatever else the user's roles hold.
func TestPlanWithoutRights(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.admin("CREATE ROLE watcher", "GRANT SHOW ROLE ON DBMS TO watcher", "GRANT SHOW PRIVILEGE ON DBMS TO watcher", "GRANT SHOW USER ON DBMS TO watcher",
		"CREATE USER watcher SET PASSWORD '"+testPassword+"' CHANGE NOT REQUIRED", "GRANT ROLE watcher TO watcher")
	sys, err := Open(t.Context(), reconcile.Block{Fields: map[string]reconcile.Argument{"username": {Value: reconcile.Text("watcher")}}},
		Options{Env: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok }})
	r.must(err)
	defer sys.Close(t.Context())
	r.sys = sys
	r.server.ResetCalls()
	_, err = r.tryPlan(reconcile.Policy{}, etlWriter(r), r.user("u", fields{"roles": setOf("etl_writer")}, nativeBlock(canary, true)))
	if err == nil || !strings.Contains(err.Error(), "ASSIGN PRIVILEGE, ASSIGN ROLE, CREATE ROLE, CREATE USER ON DBMS") {
		t.Errorf("got %v", err)
	}
	if n := r.made()["statement"]; n != 0 {
		t.Errorf("%d statements were sent", n)
	}
}

// No plan takes from PUBLIC what the session needs; what it does not need goes.
func TestPublicKeepsTheSession(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		grant, deny []string
		lost        string // "" when all of it may be done
	}{
		"management is denied":      {deny: []string{"ROLE MANAGEMENT ON DBMS"}, lost: "ASSIGN ROLE, CREATE ROLE, DROP ROLE, REMOVE ROLE, SHOW ROLE"},
		"everything is denied":      {deny: []string{"ALL DBMS PRIVILEGES ON DBMS"}, lost: "ASSIGN PRIVILEGE, ASSIGN ROLE"},
		"procedures are denied":     {deny: []string{"EXECUTE PROCEDURE dbms.* ON DBMS"}, lost: "EXECUTE ADMIN PROCEDURES, EXECUTE PROCEDURE dbms.components"},
		"settings are denied":       {deny: []string{"SHOW SETTING dbms.security.* ON DBMS"}, lost: "SHOW SETTING *"},
		"other procedures":          {deny: []string{"EXECUTE PROCEDURE apoc.* ON DBMS"}},
		"graphs":                    {deny: []string{"WRITE ON GRAPH neo4j"}},
		"execute goes, admin stays": {grant: []string{"ACCESS ON HOME DATABASE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			f := fields{"deny": setOf(tt.deny...)}
			if tt.grant != nil {
				f["grant"] = setOf(tt.grant...)
			}
			public := r.declare(kindRole, "PUBLIC", f)
			plan := r.plan(public)
			if len(plan.Steps) != 1 {
				t.Fatalf("steps: %s", describePlan(plan))
			}
			pending := strings.Join(plan.Steps[0].Pending, "\n")
			if tt.lost == "" {
				if pending != "" {
					t.Errorf("left to others: %s", pending)
				}
				r.applied(plan)
				r.insync(public)
				return
			}
			if !strings.Contains(pending, "would lose "+tt.lost) || !strings.Contains(pending, "DENY ") || len(plan.Steps[0].Ops) != 0 {
				t.Errorf("ops %v, pending %s", plan.Steps[0].Ops, pending)
			}
		})
	}
}

// A session whose rights rest on PUBLIC alone does not take them away.
func TestPublicAloneGives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.admin("GRANT ALL DBMS PRIVILEGES ON DBMS TO PUBLIC", "CREATE USER plain SET PASSWORD '"+testPassword+"' CHANGE NOT REQUIRED")
	sys, err := Open(t.Context(), reconcile.Block{Fields: map[string]reconcile.Argument{"username": {Value: reconcile.Text("plain")}}},
		Options{Env: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok }})
	r.must(err)
	defer sys.Close(t.Context())
	r.sys = sys
	plan := r.plan(r.declare(kindRole, "PUBLIC", fields{"grant": setOf("ACCESS ON HOME DATABASE")}))
	if pending := strings.Join(plan.Steps[0].Pending, "\n"); !strings.Contains(pending, "would lose") || !strings.Contains(pending, "REVOKE GRANT ALL DBMS PRIVILEGES") {
		t.Errorf("pending %s", pending)
	}
}
