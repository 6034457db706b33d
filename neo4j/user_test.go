package neo4j

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

const canary = "correct-battery-canary"

func password(value string) reconcile.Secret {
	return reconcile.NewSecret("env ETL_PASSWORD", func() (string, error) { return value, nil })
}

// auth makes an auth block.
func auth(provider string, f fields) reconcile.Block {
	b := reconcile.Block{Type: attrAuth, Name: provider, Fields: map[string]reconcile.Argument{}}
	for k, v := range f {
		b.Fields[k] = reconcile.Argument{Value: v}
	}
	return b
}

func (r *rig) user(name string, f fields, blocks ...reconcile.Block) reconcile.Object {
	r.t.Helper()
	b := blockOf(kindUser, name, f)
	b.Blocks = blocks
	objects, diags := Language{}.Declare(b)
	if diags.HasErrors() {
		r.t.Fatal(diags)
	}
	return objects[0]
}

func nativeBlock(value string, change bool) reconcile.Block {
	return auth("native", fields{"password": password(value), "change_required": reconcile.Flag(change)})
}

func TestUserLife(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	role := etlWriter(r)
	okta := auth("oidc-okta", fields{"id": reconcile.Text("0oa1")})
	u := r.user("etl", fields{"roles": setOf("etl_writer", "reader"), "home_database": reconcile.Text("Neo4j")}, nativeBlock(canary, false), okta)
	plan := r.plan(role, u)
	r.golden("user-create", describePlan(plan))
	r.applied(plan)
	r.insync(role, u)
	r.login("etl", canary)

	// Another password in the environment is no drift, and is not set.
	other := r.user("etl", fields{}, nativeBlock("another-password", true), okta)
	r.insync(role, other)
	r.login("etl", canary)

	changed := r.user("etl", fields{"roles": setOf("reader", "editor"), "home_database": reconcile.Text(""), "status": reconcile.Text("suspended")},
		auth("oidc-okta", fields{"id": reconcile.Text("0oa2")}))
	r.golden("user-update", describePlan(r.converge(role, changed)))

	// Back to a password, which is now set.
	back := r.user("etl", fields{"roles": setOf(), "status": reconcile.Text("active")}, nativeBlock(canary, false))
	r.golden("user-native-again", describePlan(r.converge(role, back)))
	r.login("etl", canary)

	// What only takes away comes before everything else.
	suspended := r.user("etl", fields{"status": reconcile.Text("suspended")})
	r.golden("user-suspend", describePlan(r.converge(role, suspended)))

	plan, err := r.tryPlan(reconcile.Policy{Destroy: true}, role, suspended)
	r.must(err)
	r.golden("user-drop", describePlan(plan))
	r.applied(plan)
	if rows := r.admin("SHOW USERS WHERE user = 'etl'"); len(rows) != 0 {
		t.Errorf("the user is still there: %v", rows)
	}
}

// login logs in as a user who was made.
func (r *rig) login(name, pass string) {
	r.t.Helper()
	env := map[string]string{"NEO4J_URI": r.server.URL, "NEO4J_USERNAME": name, "NEO4J_PASSWORD": pass}
	sys, err := Open(r.t.Context(), reconcile.Block{}, Options{Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }})
	r.must(err)
	defer sys.Close(r.t.Context())
	if _, err := sys.client.query(r.t.Context(), r.server.URL, "SHOW CURRENT USER", nil); err != nil {
		r.t.Errorf("login of %s: %v", name, err)
	}
}

// No plan, call or error has the password in it.
func TestPasswordIsNowhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u := r.user("etl", fields{"roles": setOf("reader")}, nativeBlock(canary, true))
	plan := r.plan(u)
	r.applied(plan)
	doc, err := json.Marshal(plan.Drift)
	r.must(err)
	texts := []string{describePlan(plan), string(doc)}
	for _, c := range r.server.Calls() {
		texts = append(texts, c.Statement)
	}
	short := r.user("short", fields{}, nativeBlock("canary7", true))
	for _, res := range r.apply(r.plan(short)).Results {
		if res.Err == nil || !strings.Contains(res.Err.Error(), "at least 8 characters") {
			t.Errorf("a short password: %v", res.Err)
		}
		texts = append(texts, res.Call, res.Err.Error())
	}
	for _, text := range texts {
		if strings.Contains(text, canary) || strings.Contains(text, "canary7") {
			t.Errorf("a password in: %s", text)
		}
	}
}

// Keymaker does not change the user it is logged in as.
func TestOwnUserIsNotChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	me := r.user("neo4j", fields{"status": reconcile.Text("suspended"), "roles": setOf("reader")})
	plan := r.plan(me)
	r.golden("user-own", describePlan(plan))
	if len(plan.Steps[0].Ops) != 0 || !plan.Pending() {
		t.Error("something is planned, or nothing is pending")
	}
	plan, err := r.tryPlan(reconcile.Policy{Destroy: true}, me)
	r.must(err)
	if len(plan.Steps) != 0 {
		t.Errorf("destroy would delete: %s", describePlan(plan))
	}
}

func TestUserDeclarations(t *testing.T) {
	t.Parallel()
	id := fields{"id": reconcile.Text("x")}
	for name, c := range map[string]struct {
		fields fields
		blocks []reconcile.Block
		want   string
	}{
		"PUBLIC":                 {fields: fields{"roles": setOf("PUBLIC")}, want: "neither grants nor revokes it"},
		"bad role":               {fields: fields{"roles": setOf("a-b")}, want: "illegal characters"},
		"bad name":               {fields: fields{"name": reconcile.Text("a b")}, want: "illegal characters"},
		"no password":            {blocks: []reconcile.Block{auth("native", nil)}, want: "A native user has a password"},
		"native id":              {blocks: []reconcile.Block{auth("native", fields{"id": reconcile.Text("x"), "password": password("abcdefgh")})}, want: "Remove id"},
		"no id":                  {blocks: []reconcile.Block{auth("oidc-okta", nil)}, want: "value of its username claim"},
		"empty id":               {blocks: []reconcile.Block{auth("oidc-okta", fields{"id": reconcile.Text("")})}, want: "at least one character"},
		"password of a provider": {blocks: []reconcile.Block{auth("oidc-okta", fields{"id": reconcile.Text("x"), "password": password("abcdefgh")})}, want: "Remove password"},
		"provider name":          {blocks: []reconcile.Block{auth("oidc-'}", id)}, want: "named as in dbms.security.authentication_providers"},
		"password outside":       {fields: fields{"password": password("abcdefgh")}, want: "said in a block"},
		"home with a break":      {fields: fields{"home_database": reconcile.Text("a\nb")}, want: "no control characters"},
	} {
		b := blockOf(kindUser, "u", c.fields)
		b.Blocks = c.blocks
		_, diags := Language{}.Declare(b)
		if !diags.HasErrors() || !strings.Contains(diags.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, diags, c.want)
		}
	}
	r := newRig(t)
	_, err := r.tryPlan(reconcile.Policy{}, r.user("new", fields{"roles": setOf("reader")}))
	wantError(t, err, "neo4j.user.new", "makes none without a way in")
}

// An id that only exists after another system's create is put in when the call is made.
func TestUserOfAnApp(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	app := reconcile.Addr{System: "okta", Kind: "app", Name: "etl"}
	u := r.user("etl", fields{"roles": setOf("reader")}, auth("oidc-okta-backend", fields{"id": reconcile.Ref{Addr: app, Attr: "client_id"}}))
	plan := r.plan(u)
	r.golden("user-unknown-id", describePlan(plan))
	index := reconcile.NewIndex(nil)
	systems := map[string]reconcile.System{systemName: r.sys}
	if report := reconcile.Apply(t.Context(), nil, plan, systems, index, nil); report.Complete() {
		t.Error("applied without the id")
	}
	index.Learn(app, map[string]reconcile.Value{"client_id": reconcile.Text("0oa1")})
	if report := reconcile.Apply(t.Context(), nil, plan, systems, index, nil); !report.Complete() {
		t.Fatalf("%+v", report.Results)
	}
	r.insync(reconcile.ResolveObject(u, index.Lookup))
}

func TestUserWithoutRights(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.admin("CREATE ROLE auditor", "GRANT SHOW ROLE ON DBMS TO auditor", "GRANT SHOW PRIVILEGE ON DBMS TO auditor", "GRANT SHOW USER ON DBMS TO auditor",
		"CREATE USER alice SET PASSWORD 'alice-password' CHANGE NOT REQUIRED", "GRANT ROLE auditor TO alice")
	r.env["NEO4J_USERNAME"], r.env["NEO4J_PASSWORD"] = "alice", "alice-password"
	r.sys = reopen(r, reconcile.Block{})
	_, err := r.tryPlan(reconcile.Policy{}, r.user("etl", fields{"roles": setOf("reader")}, nativeBlock(canary, true)))
	wantError(t, err, "user alice", "ASSIGN ROLE, CREATE USER ON DBMS", "nothing was changed")

	r.sys = nil
	r.env["NEO4J_USERNAME"], r.env["NEO4J_PASSWORD"] = "neo4j", testPassword
	r.sys = reopen(r, reconcile.Block{})
	r.admin("REVOKE SHOW USER ON DBMS FROM auditor")
	r.env["NEO4J_USERNAME"], r.env["NEO4J_PASSWORD"] = "alice", "alice-password"
	r.sys = reopen(r, reconcile.Block{})
	u := r.user("etl", fields{})
	live, err := r.sys.Read(t.Context(), []reconcile.Object{u})
	r.must(err)
	wantError(t, live.Unread[u.Addr], "SHOW USERS", "Forbidden")
}

// A role goes after its members lost it; a copy begins with what the other role has.
func TestRoleMembersAndCopies(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	copied := r.declare(kindRole, "reader2", fields{"copy_of": reconcile.Text("reader")})
	plan := r.converge(copied)
	r.golden("role-copy", describePlan(plan))
	r.admin("CREATE USER a SET PASSWORD 'abcdefgh'", "CREATE USER b SET PASSWORD 'abcdefgh'", "GRANT ROLE reader2 TO a, b")
	plan, err := r.tryPlan(reconcile.Policy{Destroy: true}, copied)
	r.must(err)
	r.golden("role-drop-members", describePlan(plan))
	r.applied(plan)

	_, err = r.tryPlan(reconcile.Policy{}, r.declare(kindRole, "x", fields{"copy_of": reconcile.Text("nobody")}))
	wantError(t, err, `role "nobody" does not exist`)
	_, diags := Language{}.Declare(blockOf(kindRole, "x", fields{"copy_of": reconcile.Text("reader"), "deny": setOf()}))
	wantError(t, diags, "copy_of brings")
}

// A moved block renames in place, and keeps privileges, members and password.
func TestRename(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u := r.user("old_user", fields{"roles": setOf("etl_writer")}, nativeBlock(canary, false))
	r.converge(etlWriter(r), u)
	role := r.declare(kindRole, "writer", fields{"grant": setOf("ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j")})
	role.Formerly = []string{"etl_reader", "etl_writer"}
	moved := r.user("new_user", fields{"roles": setOf("writer", "reader")}, nativeBlock(canary, false))
	moved.Formerly = []string{"old_user"}
	plan := r.plan(role, moved)
	r.golden("rename", describePlan(plan))
	if strings.Contains(describePlan(plan), "GRANT ROLE `reader`, `writer`") {
		t.Error("a role that is renamed is granted anew")
	}
	report := r.apply(plan)
	if !report.Complete() {
		t.Fatalf("%+v", report.Results)
	}
	r.insync(role, moved)
	r.login("new_user", canary)
	if rows := r.admin("SHOW USERS WHERE user = 'old_user'"); len(rows) != 0 {
		t.Errorf("the old user is still there: %v", rows)
	}
}

func TestUserAccess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u := r.user("etl", fields{"roles": setOf("etl_writer", "reader")}, nativeBlock(canary, true))
	role := etlWriter(r)
	plan := r.plan(role, u)
	if len(plan.Access) != 1 || plan.Access[0].Account != "user etl" || plan.Access[0].Effect() != "widens" {
		t.Errorf("access %+v", plan.Access)
	}
	got := edgeTexts(r.sys.Access([]reconcile.Object{role, u}))
	for _, want := range []string{"account:user etl → role:etl_writer", "account:user etl → role:reader", "role:reader → privilege:ACCESS ON DATABASE *"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in:\n%s", want, strings.Join(got, "\n"))
		}
	}
	suspended := r.user("etl", fields{"roles": setOf("reader"), "status": reconcile.Text("suspended")}, nativeBlock(canary, true))
	if edges := edgeTexts(r.sys.Access([]reconcile.Object{suspended})); len(edges) != 0 {
		t.Errorf("a suspended user reaches %v", edges)
	}
}

func TestOwned(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.admin("CREATE ROLE svc_a", "CREATE ROLE svc_b", "CREATE ROLE other", "CREATE USER svc_u SET PASSWORD 'abcdefgh'")
	a := r.declare(kindRole, "svc_a", fields{})
	r.plan(a)
	var got []string
	for _, kind := range []string{kindRole, kindUser, kindProvider} {
		extra, err := r.sys.Owned(reconcile.Own{System: systemName, Kind: kind, Match: "svc_*"}, []reconcile.Object{a})
		r.must(err)
		for _, o := range extra {
			got = append(got, o.Addr.String())
		}
	}
	if want := []string{"neo4j.role.svc_b", "neo4j.user.svc_u"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	extra, err := r.sys.Owned(reconcile.Own{System: systemName, Kind: kindRole, Match: "*"}, nil)
	r.must(err)
	for _, o := range extra {
		if o.Addr.Name == "admin" && o.Protected == "" {
			t.Error("admin is not protected")
		}
	}
	if !matches("a?c[*", "abc[/x") || matches("a*", "b") {
		t.Error("globs")
	}
}

// All of it takes six queries however many objects there are.
func TestReadBudget(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf, withMembers(3))
	var want []reconcile.Object
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		want = append(want, r.declare(kindRole, n, fields{"grant": setOf("WRITE ON GRAPH *")}), r.user("u"+n, fields{}, nativeBlock(canary, true)))
	}
	want = append(want, etlWriter(r), provider(r, nil))
	r.plan(want...)
	r.server.ResetCalls()
	r.plan(want...)
	if calls := r.server.Calls(); len(calls) > 6+3 {
		t.Errorf("%d queries", len(calls))
	}
}

// Where a local user is required its external ids count, and where not the plan says that they do not.
func TestRequireLocalUserIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) {})
	u := r.user("etl", fields{}, auth("oidc-okta", fields{"id": reconcile.Text("0oa1")}))
	if got := describePlan(r.plan(u)); !strings.Contains(got, "require_local_user is not true on") {
		t.Errorf("no note in:\n%s", got)
	}
	r.writeConf("dbms.security.require_local_user=true\n")
	r.must(r.server.Restart())
	if got := describePlan(r.plan(u)); strings.Contains(got, "require_local_user") {
		t.Errorf("a note in:\n%s", got)
	}
}
