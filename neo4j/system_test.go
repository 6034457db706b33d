package neo4j

import (
	"os"
	"slices"
	"strings"
	"testing"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

func etlWriter(r *rig) reconcile.Object {
	return r.declare(kindRole, "etl_writer", fields{"grant": setOf("ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH neo4j")})
}

// provider declares okta-backend; a nil field takes an attribute out.
func provider(r *rig, f fields) reconcile.Object { return providerNamed(r, "okta-backend", f) }

func providerNamed(r *rig, name string, f fields) reconcile.Object {
	r.t.Helper()
	all := fields{
		"well_known_discovery_uri": reconcile.Text("https://example.okta.com/oauth2/default/.well-known/openid-configuration"),
		"audience":                 setOf("api://default"),
		"username_claim":           reconcile.Text("sub"),
		"groups_claim":             reconcile.Text("groups"),
		"token_type":               reconcile.Text("access_token"),
		"visible":                  reconcile.Flag(false),
		"group_to_role":            reconcile.Map{"neo4j_writer": setOf("etl_writer")},
	}
	for k, v := range f {
		all[k] = v
		if v == nil {
			delete(all, k)
		}
	}
	o := r.declare(kindProvider, name, all)
	o.Need(etlWriter(r).Addr)
	return o
}

func TestRoleLife(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plan := r.converge(etlWriter(r))
	r.golden("role-create", describePlan(plan))

	changed := r.declare(kindRole, "etl_writer", fields{
		"grant": setOf("ACCESS ON DATABASE neo4j", "READ {*} ON GRAPH neo4j"),
		"deny":  setOf("READ {ssn} ON GRAPH neo4j NODES Patient"),
	})
	r.golden("role-update", describePlan(r.converge(changed)))

	onlyDeny := r.declare(kindRole, "etl_writer", fields{"deny": setOf()})
	r.golden("role-deny-out", describePlan(r.converge(onlyDeny)))

	plan, err := r.tryPlan(reconcile.Policy{Destroy: true}, changed)
	r.must(err)
	r.golden("role-drop", describePlan(plan))
	r.applied(plan)
	if rows := r.admin("SHOW ROLES WHERE role = 'etl_writer'"); len(rows) != 0 {
		t.Errorf("the role is still there: %v", rows)
	}
}

// What the spec leaves out is not managed: a role without grant keeps what it has.
func TestRoleLeftOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.admin("CREATE ROLE svc", "GRANT WRITE ON GRAPH neo4j TO svc")
	r.insync(r.declare(kindRole, "svc", fields{}))
	other := r.declare(kindRole, "by_name", fields{"name": reconcile.Text("svc"), "grant": setOf("WRITE ON GRAPH `neo4j`")})
	r.insync(other)
}

func TestBuiltInRoleIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	reader := r.declare(kindRole, "reader", fields{})
	public := r.declare(kindRole, "PUBLIC", fields{"grant": setOf("ACCESS ON HOME DATABASE", "EXECUTE FUNCTION * ON DBMS")})
	if plan := r.plan(reader, public); len(plan.Steps) != 1 || plan.Count(reconcile.ActionUpdate) != 1 {
		t.Errorf("PUBLIC is changed and nothing else: %s", describePlan(plan))
	}
	r.converge(reader, public)
	plan, err := r.tryPlan(reconcile.Policy{Destroy: true}, reader, public)
	r.must(err)
	if len(plan.Steps) != 0 {
		t.Errorf("destroy would delete: %s", describePlan(plan))
	}
}

// Keymaker never takes from a role what lets itself in.
func TestOwnRoleIsNotNarrowed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	admin := r.declare(kindRole, "admin", fields{"grant": setOf("ACCESS ON DATABASE *", "ALL DBMS PRIVILEGES ON DBMS", "SET LABEL * ON GRAPH *")})
	plan := r.plan(admin)
	r.golden("role-own", describePlan(plan))
	if !plan.Pending() {
		t.Error("what is left to people is not pending")
	}
	r.applied(plan)
	again := r.plan(admin)
	if len(again.Steps) != 1 || len(again.Steps[0].Ops) != 0 || !again.Pending() {
		t.Errorf("the second plan: %s", describePlan(again))
	}
}

func TestRightsAreCheckedFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.admin("CREATE ROLE auditor", "GRANT SHOW ROLE ON DBMS TO auditor", "GRANT SHOW PRIVILEGE ON DBMS TO auditor", "GRANT CREATE ROLE ON DBMS TO auditor",
		"CREATE USER alice SET PASSWORD 'alice-password' CHANGE NOT REQUIRED", "GRANT ROLE auditor TO alice")
	r.env["NEO4J_USERNAME"], r.env["NEO4J_PASSWORD"] = "alice", "alice-password"
	sys := reopen(r, reconcile.Block{})
	r.sys = sys
	_, err := r.tryPlan(reconcile.Policy{}, etlWriter(r))
	wantError(t, err, "user alice", "ASSIGN PRIVILEGE ON DBMS", "nothing was changed")
	if strings.Contains(err.Error(), "CREATE ROLE") {
		t.Errorf("CREATE ROLE is held: %v", err)
	}
}

// Who may not look at roles can still not be told that they are missing.
func TestForbiddenIsUnread(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.admin("CREATE ROLE nobody", "CREATE USER bob SET PASSWORD 'bob-password' CHANGE NOT REQUIRED", "GRANT ROLE nobody TO bob")
	r.env["NEO4J_USERNAME"], r.env["NEO4J_PASSWORD"] = "bob", "bob-password"
	r.sys = reopen(r, reconcile.Block{})
	role := etlWriter(r)
	live, err := r.sys.Read(t.Context(), []reconcile.Object{role})
	r.must(err)
	wantError(t, live.Unread[role.Addr], "SHOW ROLES", "Forbidden")
	_, err = r.tryPlan(reconcile.Policy{}, role)
	wantError(t, err, "neo4j.role.etl_writer")
}

func TestProviderWithConfAndRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	mine := "# mine\r\nserver.bolt.enabled=true\n\n"
	r.writeConf(mine)
	first := provider(r, nil)
	r.golden("provider-create", describePlan(r.converge(etlWriter(r), first)))
	conf := r.readConf()
	if !strings.HasPrefix(conf, mine) {
		t.Errorf("the bytes outside the block changed: %q", conf)
	}
	if info, err := os.Stat(r.conf); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if backup, err := os.ReadFile(r.conf + backupSuffix); err != nil || string(backup) != mine {
		t.Errorf("backup %q, %v", backup, err)
	}

	changed := provider(r, fields{"group_to_role": reconcile.Map{"neo4j_writer": setOf("etl_writer"), "neo4j_admin": setOf("admin")}})
	plan := r.plan(etlWriter(r), changed)
	r.golden("provider-dynamic", describePlan(plan))
	r.server.ResetCalls()
	r.applied(plan)
	r.insync(etlWriter(r), changed)

	r.golden("provider-restrict", describePlan(r.converge(etlWriter(r), first)))
	named := provider(r, fields{"display_name": reconcile.Text("Okta Backend")})
	r.golden("provider-static", describePlan(r.converge(etlWriter(r), named)))

	plan, err := r.tryPlan(reconcile.Policy{Destroy: true}, named)
	r.must(err)
	r.golden("provider-remove", describePlan(plan))
	r.applied(plan)
	if got := r.readConf(); !strings.HasPrefix(got, mine) || strings.TrimPrefix(got, mine) != "" {
		t.Errorf("after removal: %q", got)
	}
}

// Two providers of one plan restart the server once, and the lists have both.
func TestTwoProvidersRestartOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	plan := r.plan(etlWriter(r), provider(r, nil), providerNamed(r, "another", nil))
	r.golden("provider-two", describePlan(plan))
	r.applied(plan)
	r.insync(etlWriter(r), provider(r, nil), providerNamed(r, "another", nil))
	if conf := r.readConf(); !strings.Contains(conf, "authentication_providers=native,oidc-another,oidc-okta-backend\n") {
		t.Errorf("lists: %s", conf)
	}
}

func TestMembersAreAllSet(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf, withMembers(3))
	r.golden("provider-members", describePlan(r.converge(etlWriter(r), provider(r, nil))))
	changed := provider(r, fields{"audience": setOf("api://default", "api://other")})
	r.golden("provider-members-dynamic", describePlan(r.converge(etlWriter(r), changed)))

	// One member that has something else is drift, told with who has what.
	r.must(r.sys.setOn(r.server.URLs[1], "dbms.security.oidc.okta-backend.claims.username", "email"))
	plan := r.plan(etlWriter(r), changed)
	r.golden("provider-members-differ", describePlan(plan))
	live := plan.Drift.Items[0].Live
	if len(live.Notes) != 1 || !strings.Contains(live.Notes[0].Text, `has "email"`) {
		t.Errorf("notes %v", live.Notes)
	}
	r.converge(etlWriter(r), changed)

	// One that does not answer keeps all of it from being planned.
	r.sys.members[2] = "127.0.0.1:1"
	_, err := r.tryPlan(reconcile.Policy{}, etlWriter(r), changed)
	wantError(t, err, "neo4j.oidc_provider.okta-backend", "member 127.0.0.1:1", "cannot be reached")
}

func TestPendingWithoutMeans(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plan := r.plan(etlWriter(r), provider(r, nil))
	r.golden("provider-pending", describePlan(plan))
	if !plan.Pending() {
		t.Error("not pending")
	}
	r.applied(plan)

	// Somebody does what it says.
	var lines []string
	for _, s := range plan.Steps {
		for _, line := range s.Pending {
			if strings.HasPrefix(line, "dbms.") {
				lines = append(lines, line)
			}
		}
	}
	r.writeConf(strings.Join(lines, "\n"))
	r.must(r.server.Restart())
	r.insync(etlWriter(r), provider(r, nil))

	// A dynamic change is made now, and its line stays pending.
	changed := provider(r, fields{"groups_claim": reconcile.Text("neo4j_groups")})
	plan = r.plan(etlWriter(r), changed)
	r.golden("provider-pending-dynamic", describePlan(plan))
	r.applied(plan)
	r.golden("provider-pending-line", describePlan(r.plan(etlWriter(r), changed)))

	plan, err := r.tryPlan(reconcile.Policy{Destroy: true}, changed)
	r.must(err)
	r.golden("provider-pending-removal", describePlan(plan))
}

// With the file and no restart command, the file is written and the restart is left.
func TestPendingRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	r.sys.restart.direct = nil
	plan := r.plan(etlWriter(r), provider(r, nil))
	r.golden("provider-pending-restart", describePlan(plan))
	r.applied(plan)
	again := r.plan(etlWriter(r), provider(r, nil))
	r.golden("provider-pending-restart-2", describePlan(again))
	r.must(r.server.Restart())
	r.insync(etlWriter(r), provider(r, nil))
}

// Values that another system makes up are resolved when the call is made.
func TestUnknownValues(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	app := reconcile.Addr{System: "okta", Kind: "app", Name: "etl"}
	server := reconcile.Addr{System: "okta", Kind: "authorization_server", Name: "default"}
	o := provider(r, fields{
		"well_known_discovery_uri": nil, "audience": nil,
		"authorization_server": reconcile.Ref{Addr: server, Attr: "issuer"},
		"params":               reconcile.Map{"client_id": reconcile.Ref{Addr: app, Attr: "client_id"}, "response_type": reconcile.Text("code"), "scope": reconcile.Text("openid")},
	})
	plan := r.plan(etlWriter(r), o)
	r.golden("provider-unknown", describePlan(plan))
	index := reconcile.NewIndex(nil)
	report := reconcile.Apply(t.Context(), nil, plan, map[string]reconcile.System{systemName: r.sys}, index, nil)
	if report.Complete() || !strings.Contains(report.Results[1].Err.Error(), "not known") {
		t.Fatalf("without the values: %+v", report.Results)
	}
	index.Learn(app, map[string]reconcile.Value{"client_id": reconcile.Text("0oa1")})
	index.Learn(server, map[string]reconcile.Value{"issuer": reconcile.Text("https://example.okta.com/oauth2/default"), "audience": reconcile.Text("api://default")})
	report = reconcile.Apply(t.Context(), nil, r.plan(etlWriter(r), o), map[string]reconcile.System{systemName: r.sys}, index, nil)
	if !report.Complete() {
		t.Fatalf("%+v", report.Results)
	}
	r.insync(etlWriter(r), reconcile.ResolveObject(o, index.Lookup))
}

func TestAccess(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	role := etlWriter(r)
	mapped := provider(r, fields{"group_to_role": reconcile.Map{"neo4j_writer": setOf("etl_writer"), "neo4j_admin": setOf("admin")}})
	r.plan(role, mapped)
	got := edgeTexts(r.sys.Access([]reconcile.Object{role, mapped}))
	for _, want := range []string{
		"group:neo4j_writer → role:etl_writer", "group:neo4j_admin → role:admin", "role:etl_writer → privilege:WRITE ON GRAPH `neo4j`",
		"role:admin → privilege:ALL DBMS PRIVILEGES ON DBMS",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in:\n%s", want, strings.Join(got, "\n"))
		}
	}
	auto := provider(r, fields{"group_to_role": nil})
	got = edgeTexts(r.sys.Access([]reconcile.Object{role, auto}))
	for _, want := range []string{"group:etl_writer → role:etl_writer", "group:admin → role:admin", "role:admin → privilege:ALL DBMS PRIVILEGES ON DBMS"} {
		if !slices.Contains(got, want) {
			t.Errorf("automatic mapping: no %s in:\n%s", want, strings.Join(got, "\n"))
		}
	}
	if slices.Contains(got, "group:PUBLIC → role:PUBLIC") || slices.Contains(got, "group:neo4j_writer → role:etl_writer") {
		t.Errorf("automatic mapping: %s", strings.Join(got, "\n"))
	}
}

func edgeTexts(edges []reconcile.Edge) []string {
	var out []string
	for _, e := range edges {
		out = append(out, string(e.From.Kind)+":"+e.From.Name+" → "+string(e.To.Kind)+":"+e.To.Name)
	}
	return out
}

// Aura has no settings to read: what to click is pending, and roles are managed as everywhere.
func TestAura(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) { s.Edition = neo4jtest.EditionAura })
	plan := r.plan(etlWriter(r), provider(r, nil)) // the address does not say that it is Aura: its refusals do
	r.golden("aura", describePlan(plan))
	r.applied(plan)
	r.insync(etlWriter(r))
}

// Aura Free and Professional have no roles: that is said before anything is written, with what to do instead.
func TestAuraFree(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"5.26.30", "2026.08.1"} {
		r := newRig(t, withVersion(version), func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) { s.Edition = neo4jtest.EditionAuraFree })
		_, err := r.tryPlan(reconcile.Policy{}, etlWriter(r), provider(r, nil))
		if err == nil || !strings.Contains(err.Error(), "Business Critical") {
			t.Errorf("%s: got %v", version, err)
		}
		if n := r.made()["statement"]; n != 0 {
			t.Errorf("%d statements were sent", n)
		}
	}
}

func TestMappingToMissingRole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := provider(r, fields{"group_to_role": reconcile.Map{"g": setOf("etl_writer", "reader", "not_there")}})
	plan := r.plan(etlWriter(r), o)
	notes := plan.Steps[1].Notes
	if len(notes) == 0 || notes[0].Label != "roles" || !strings.HasPrefix(notes[0].Text, "role not_there does not exist") || strings.Contains(describePlan(plan), "role reader does not exist") {
		t.Errorf("notes %v", notes)
	}
}

// A server that does not list visible at all is not asked for it: neo4j.conf says what it was started with.
func TestHiddenSetting(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	o := provider(r, nil)
	r.converge(etlWriter(r), o)
	r.plan(etlWriter(r), o)
	seen := r.sys.last()
	key := "dbms.security.oidc.okta-backend.visible"
	delete(seen.members[0].settings, key)
	if live, _ := r.sys.liveProvider(seen, o, "okta-backend"); live.Get("visible") != reconcile.Flag(false) {
		t.Errorf("visible is %v", live.Get("visible"))
	}
	if wrong := r.sys.client.off(seen.members[0].settings, []Expectation{{Setting: key, Value: reconcile.Flag(false)}}); len(wrong) > 0 {
		t.Error(wrong)
	}
}

// Rows that Keymaker does not understand are told, and never touched.
func TestRowsNotUnderstood(t *testing.T) {
	t.Parallel()
	seen := snapshot{roles: map[string]liveRole{"r": {}}}
	seen.takePrivilege("GRANT FLY ON GRAPH `moon` TO `r`", false)
	seen.takePrivilege("GRANT WRITE ON GRAPH `a` TO `r`", true)
	seen.takePrivilege("GRANT WRITE ON GRAPH `b` TO `r`", false)
	want := reconcile.Object{Addr: reconcile.Addr{System: systemName, Kind: kindRole, Name: "r"}}
	want.Set(reconcile.Attr{Name: "grant", Value: reconcile.SetOf()})
	o := liveRoleObject(want, "r", seen.roles["r"], make(printer))
	if got := o.Get("grant"); !reconcile.Equal(got, setOf("WRITE ON GRAPH `b`")) {
		t.Errorf("grant %s", got)
	}
	if len(o.Notes) != 2 || !reconcile.Equal(o.Facts["immutable_grant"], setOf("WRITE ON GRAPH `a`")) || !reconcile.Equal(o.Facts["not_understood"], setOf("GRANT FLY ON GRAPH `moon` TO `r`")) {
		t.Errorf("facts %v, notes %v", o.Facts, o.Notes)
	}
}
