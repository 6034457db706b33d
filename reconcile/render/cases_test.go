package render

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	rec "keymaker/reconcile"
)

// canary is a secret's value: no output may ever contain it.
const canary = "s3cr3t-canary-4711"

// hostile is a live name that tries to colour the terminal, turn the line around, ring, and use a C1 control.
const hostile = "a\x1b[31mred\u202eevil\a\u009b2Jend\xff"

// call is an op of the tests.
type call struct {
	text string
	cost []rec.Tally
}

func (c call) String() string     { return c.text }
func (c call) Calls() []rec.Tally { return c.cost }

func write(text string) call { return call{text, []rec.Tally{{What: "write", N: 1}}} }
func query(text string) call { return call{text, []rec.Tally{{What: "query", N: 1}}} }

func at(file string, line int) hcl.Range {
	return hcl.Range{Filename: file, Start: hcl.Pos{Line: line, Column: 1}, End: hcl.Pos{Line: line, Column: 2}}
}

func addr(system, kind, name string) rec.Addr {
	return rec.Addr{System: system, Kind: kind, Name: name}
}

func object(a rec.Addr, r hcl.Range, attrs ...rec.Attr) rec.Object {
	o := rec.Object{Addr: a, Range: r}
	for _, attr := range attrs {
		o.Set(attr)
	}
	return o
}

func attr(name string, v rec.Value) rec.Attr { return rec.Attr{Name: name, Value: v} }

func secret() rec.Secret {
	return rec.NewSecret("env CANARY", func() (string, error) { return canary, nil })
}

var (
	appAddr      = addr("okta", "app", "neo4j-etl")
	scopeAddr    = addr("okta", "scope", "neo4j_groups")
	roleAddr     = addr("neo4j", "role", "etl_writer")
	providerAddr = addr("neo4j", "oidc_provider", "okta-backend")
)

func kinds() []rec.Kind {
	return []rec.Kind{
		{System: "okta", Name: "app", Fields: []rec.Field{
			{Name: "label"}, {Name: "dpop_bound_access_tokens", Type: rec.Bool}, {Name: "profile", Compare: rec.OwnedKeys}, {Name: "client_secret"},
			{Name: "passphrase", Sensitive: true}, {Name: "settings", Type: rec.JSON},
		}},
		{System: "okta", Name: "scope", Fields: []rec.Field{{Name: "description"}}},
		{System: "neo4j", Name: "role", Fields: []rec.Field{{Name: "grant", Compare: rec.AsSet}, {Name: "deny", Compare: rec.AsSet}}},
		{System: "neo4j", Name: "oidc_provider", Fields: []rec.Field{
			{Name: "group_to_role", Compare: rec.OwnedKeys}, {Name: "audience"}, {Name: "conf_line", Echo: true}, {Name: "params"}, {Name: "order", Compare: rec.Relative},
		}},
	}
}

func targets() []rec.Target {
	return []rec.Target{
		{System: "okta", Title: "Okta", URL: "https://example.okta.com", Calls: []rec.Tally{{What: "request", N: 12}}},
		{System: "neo4j", Title: "Neo4j", URL: "neo4j+s://graph.example.com", Product: "Enterprise 5.26.4, 3 members", Calls: []rec.Tally{{What: "query", N: 5}}},
	}
}

// planOf compares, polices and makes a step of each change, decorated by the case.
func planOf(t *testing.T, want []rec.Object, live []rec.Object, p rec.Policy, decorate func(*rec.Step)) rec.Plan {
	t.Helper()
	d := rec.Compare(kinds(), want, rec.Live{Objects: live})
	changes, kept, diags := rec.Police(d, p)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	plan := rec.Plan{Drift: d, Kept: kept, Targets: targets(), Destroy: p.Destroy}
	for _, c := range changes {
		s := rec.Step{Change: c, Stage: rec.Converge}
		if decorate != nil {
			decorate(&s)
		}
		plan.Steps = append(plan.Steps, s)
	}
	ordered, err := rec.Order(plan.Steps)
	if err != nil {
		t.Fatal(err)
	}
	plan.Steps = ordered
	return plan
}

func wantRole() rec.Object {
	o := object(roleAddr, at("specs/roles.hcl", 11), rec.Attr{Name: "grant", Value: rec.TextSet(
		"ACCESS ON DATABASE `neo4j`", "MATCH {*} ON GRAPH `neo4j` NODE *", "WRITE ON GRAPH `neo4j`")})
	return o
}

func wantApp() rec.Object {
	o := object(appAddr, at("specs/etl.hcl", 12),
		attr("label", rec.Text("Neo4j ETL")),
		attr("client_secret", secret()),
		attr("passphrase", rec.Text(canary)),
		attr("dpop_bound_access_tokens", rec.Flag(false)),
		attr("profile", rec.Map{"neo4j_groups": rec.List{rec.Text("neo4j_writer"), rec.Text("neo4j_reader")}, "odd key": rec.Int(12)}),
		attr("settings", rec.Map{"empty": rec.Map{}, "none": rec.Null{}, "number like": rec.Text("12"), "ratio": rec.NumberOf("0.50")}),
	)
	o.Need(scopeAddr)
	o.Notes = []rec.Note{{Label: "secret", Text: "delivered to secrets/neo4j-etl.env"}}
	return o
}

func wantProvider() rec.Object {
	o := object(providerAddr, at("specs/neo4j.hcl", 3),
		attr("group_to_role", rec.Map{"neo4j_writer": rec.List{rec.Text("etl_writer")}}),
		attr("audience", rec.Text("api://default")),
		attr("conf_line", rec.Text("an echo that must not be shown")),
		attr("params", rec.Map{"client_id": rec.Ref{Addr: appAddr, Attr: "client_id"},
			"scope": rec.Join{rec.Text("openid "), rec.Ref{Addr: scopeAddr, Attr: "name"}}}),
		attr("order", rec.List{rec.Text("username"), rec.Text("email")}),
	)
	o.Need(roleAddr, appAddr)
	return o
}

func createAll(t *testing.T) rec.Plan {
	want := []rec.Object{wantApp(), object(scopeAddr, at("specs/etl.hcl", 20), attr("description", rec.Text(""))), wantRole(), wantProvider()}
	p := planOf(t, want, nil, rec.Policy{}, func(s *rec.Step) {
		switch s.Change.Addr() {
		case roleAddr:
			s.Ops = []rec.Op{query("CREATE ROLE `etl_writer`"), query("GRANT WRITE ON GRAPH `neo4j` TO `etl_writer`")}
			s.Hazards = []rec.Hazard{{Kind: rec.HazardWidens, Text: "neo4j-etl may write to neo4j"}}
		case providerAddr:
			s.Ops = []rec.Op{call{"CALL dbms.setConfigValue($setting, $value)", []rec.Tally{{What: "procedure call", N: 3}}}}
		default:
			s.Ops = []rec.Op{write("POST /api/v1/apps {\"client_secret\":\"" + secret().String() + "\"}")}
		}
	})
	p.Access = []rec.AccessChange{{Account: "neo4j-etl", Gains: []rec.Node{
		{Kind: rec.NodeRole, Name: "etl_writer"}, {Kind: rec.NodePrivilege, Name: "ACCESS ON DATABASE `neo4j`"},
		{Kind: rec.NodePrivilege, Name: "MATCH {*} ON GRAPH `neo4j` NODE *"}, {Kind: rec.NodePrivilege, Name: "WRITE ON GRAPH `neo4j`"},
	}}}
	return p
}

func updateSome(t *testing.T) rec.Plan {
	app := object(appAddr, hcl.Range{},
		attr("label", rec.Text("Neo4j ETL")), attr("passphrase", rec.Text(canary+"-old")), attr("dpop_bound_access_tokens", rec.Flag(true)),
		attr("profile", rec.Map{"neo4j_groups": rec.List{rec.Text("neo4j_reader"), rec.Text("neo4j_admin")}, "odd key": rec.Text("12"), "sibling": rec.Text("stays")}),
		attr("settings", rec.Map{"empty": rec.Map{}, "none": rec.Text("x"), "number like": rec.Text("12"), "gone": rec.Flag(true)}),
		attr("client_secret", rec.Null{}))
	role := object(roleAddr, hcl.Range{}, attr("grant", rec.TextSet("ACCESS ON DATABASE `neo4j`", "READ {secret} ON GRAPH `neo4j` NODE *", "WRITE ON GRAPH `neo4j`")))
	want := []rec.Object{wantApp(), wantRole()}
	want[1].Lifecycle.IgnoreChanges = nil
	ignoring := object(scopeAddr, at("specs/etl.hcl", 20), rec.Attr{Name: "description", Value: rec.Text("ours"), Range: at("specs/etl.hcl", 21)})
	ignoring.Lifecycle.IgnoreChanges = []string{"description"}
	p := planOf(t, append(want, ignoring), []rec.Object{app, role, object(scopeAddr, hcl.Range{}, attr("description", rec.Text("theirs")))}, rec.Policy{},
		func(s *rec.Step) {
			s.Notes = []rec.Note{{Text: "Neo4j takes no DPoP-bound token:\nthis account cannot log in until this is applied."}, {Label: "now", Text: "3 of 3 members"}, {Label: "to keep", Text: "1 line"}}
			s.Ops = []rec.Op{call{"PUT /api/v1/apps/0oa1", []rec.Tally{{What: "read", N: 1}, {What: "write", N: 1}}}}
		})
	p.Access = []rec.AccessChange{{Account: "neo4j-etl", Gains: []rec.Node{{Kind: rec.NodeRole, Name: "etl_writer"}, {Kind: rec.NodePrivilege, Name: "MATCH {*} ON GRAPH `neo4j` NODE *"}},
		Loses: []rec.Node{{Kind: rec.NodeRole, Name: "admin"}, {Kind: rec.NodeRole, Name: "owner"}, {Kind: rec.NodePrivilege, Name: "ALL ON DBMS"}, {Kind: rec.NodeDenial, Name: "READ {secret} ON GRAPH `neo4j`"}}}}
	return p
}

func deleteAll(t *testing.T) rec.Plan {
	live := []rec.Object{
		object(appAddr, hcl.Range{}, attr("label", rec.Text("Neo4j ETL")), attr("passphrase", rec.Text(canary))),
		object(roleAddr, hcl.Range{}, attr("grant", rec.TextSet("WRITE ON GRAPH `neo4j`"))),
		{Addr: scopeAddr, Protected: "it is a system scope"},
	}
	want := []rec.Object{wantApp(), wantRole(), object(scopeAddr, at("specs/etl.hcl", 20))}
	return planOf(t, want, live, rec.Policy{Destroy: true}, func(s *rec.Step) {
		s.Stage = rec.Retire
		s.Hazards = []rec.Hazard{{Kind: rec.HazardDeletes, Text: s.Change.Addr().String() + " and its history"}}
		s.Ops = []rec.Op{write("DELETE /api/v1/apps/0oa1")}
	})
}

func pendingPlan(t *testing.T) rec.Plan {
	writer, reader := rec.Node{Kind: rec.NodeRole, Name: "etl_writer"}, rec.Node{Kind: rec.NodeRole, Name: "etl_reader"}
	p := planOf(t, []rec.Object{wantProvider()}, nil, rec.Policy{}, func(s *rec.Step) {
		s.Notes = []rec.Note{{Label: "restart", Text: "needed on 3 members"}}
		s.Pending = []string{"dbms.security.authentication_providers=oidc-okta-backend", "restart each member"}
		s.Later = []string{rec.WholeChange}
		s.Hazards = []rec.Hazard{{Kind: rec.HazardRestart, Text: "each member, one after the other"}}
	})
	p.Access = []rec.AccessChange{
		{Account: "neo4j-bi", Gains: []rec.Node{writer}, Loses: []rec.Node{reader}, LaterLoses: []rec.Node{reader}},
		{Account: "neo4j-etl", Gains: []rec.Node{writer}, LaterGains: []rec.Node{writer}},
	}
	return p
}

func hostilePlan(t *testing.T) rec.Plan {
	a := rec.Addr{System: "okta", Kind: "app", Name: "app", Key: hostile}
	want := object(a, at("specs/"+hostile+".hcl", 1), attr("label", rec.Text("fine")), attr("profile", rec.Map{hostile: rec.TextSet(hostile)}))
	want.Notes = []rec.Note{{Label: hostile, Text: hostile}}
	live := object(a, hcl.Range{}, attr("label", rec.Text(hostile)), attr("profile", rec.Map{hostile: rec.Text(hostile)}))
	p := planOf(t, []rec.Object{want}, []rec.Object{live}, rec.Policy{}, func(s *rec.Step) {
		s.Ops, s.Pending = []rec.Op{write(hostile)}, []string{hostile}
		s.Hazards = []rec.Hazard{{Kind: rec.HazardWidens, Text: hostile}}
	})
	p.Targets[0].Title, p.Targets[0].URL, p.Targets[1].Product = hostile, "https://"+hostile, hostile
	p.Access = []rec.AccessChange{{Account: hostile, Gains: []rec.Node{{Kind: rec.NodeRole, Name: hostile}}, Loses: []rec.Node{{Kind: rec.NodeDenial, Name: hostile}}}}
	p.Kept = []rec.Kept{{Addr: a, Why: hostile}}
	return p
}

func plans(t *testing.T) map[string]rec.Plan {
	same := object(scopeAddr, at("specs/etl.hcl", 20), attr("description", rec.Text("same")))
	nothing := planOf(t, []rec.Object{same}, []rec.Object{same}, rec.Policy{}, nil)
	return map[string]rec.Plan{
		"create": createAll(t), "update": updateSome(t), "delete": deleteAll(t), "pending": pendingPlan(t), "hostile": hostilePlan(t),
		"nothing": nothing, "nothing-to-delete": planOf(t, []rec.Object{wantRole()}, nil, rec.Policy{Destroy: true}, nil),
	}
}

func refusal() error {
	return &rec.Refusal{
		Call: "POST /api/v1/authorizationServers/default/claims", Answer: "400 E0000001: Api validation failed: value",
		Causes: []string{"value: Invalid expression syntax near 'groups'"}, ID: "ZxY1", Remedy: "Correct the expression.", Field: "value",
	}
}

func reports() map[string]rec.Report {
	done := func(a rec.Addr, act rec.Action, calls int, said string) rec.Result {
		return rec.Result{Addr: a, Action: act, Status: rec.StatusDone, Calls: calls, Said: said, Took: 41 * time.Millisecond}
	}
	role := done(roleAddr, rec.ActionCreate, 5, "")
	provider := done(providerAddr, rec.ActionUpdate, 3, "3 members")
	app := done(appAddr, rec.ActionUpdate, 1, "")
	app.Took = 2180 * time.Millisecond
	left := provider
	left.Pending = []string{"dbms.security.authentication_providers=oidc-okta-backend", "restart each member"}
	failed := rec.Result{Addr: appAddr, Action: rec.ActionCreate, Status: rec.StatusFailed, Err: refusal(), Call: "POST /api/v1/apps"}
	unknown := rec.Result{Addr: appAddr, Action: rec.ActionUpdate, Status: rec.StatusUnknown, Err: rec.ErrUnknownOutcome, Call: "PUT /api/v1/apps/0oa1"}
	waits := rec.Result{Addr: providerAddr, Action: rec.ActionUpdate, Status: rec.StatusNotDone, After: appAddr.String()}
	stopped := rec.Result{Addr: providerAddr, Action: rec.ActionUpdate, Status: rec.StatusNotDone}
	evil := rec.Result{Addr: rec.Addr{System: "okta", Kind: "app", Name: hostile}, Action: rec.ActionDelete, Status: rec.StatusFailed, Err: errors.New(hostile + "\n" + hostile), Said: hostile}
	gone := done(roleAddr, rec.ActionDelete, 1, "")
	return map[string]rec.Report{
		"complete": {Results: []rec.Result{role, provider, app}}, "destroyed": {Results: []rec.Result{gone}},
		"pending": {Results: []rec.Result{role, left}}, "failed": {Results: []rec.Result{role, failed, waits}},
		"interrupted": {Results: []rec.Result{role, unknown, stopped}, Interrupted: true}, "hostile": {Results: []rec.Result{evil}}, "nothing": {},
	}
}

func proofs() map[string][]rec.Proof {
	account := rec.Account{Addr: appAddr, Name: "neo4j-etl"}
	ok := func(name, text string) rec.Hop { return rec.Hop{Name: name, Status: rec.HopOK, Text: text} }
	skip := func(name, needs string) rec.Hop {
		return rec.Hop{Name: name, Status: rec.HopSkip, Text: "needs " + needs}
	}
	fail := rec.Hop{
		Name: "claims", Status: rec.HopFail, Text: "groups is missing", Expected: "groups = [neo4j_writer]", Came: "iss, aud, sub",
		Likely: []string{"the claim okta.claim.groups is tied to scope other_scope", "the profile has no neo4j_groups"}, See: "keymaker plan specs --target okta.claim.groups",
		Range: at("specs/etl.hcl", 33),
	}
	evil := rec.Hop{Name: hostile, Status: rec.HopFail, Text: hostile, Expected: hostile, Came: hostile, See: hostile}
	first := ok("org", "https://example.okta.com answers")
	row := "{'user': '0oa1b2c3', 'roles': ['etl_writer', 'PUBLIC'], 'home': None}"
	return map[string][]rec.Proof{
		"verified": {{Account: account, Hops: []rec.Hop{first, ok("discovery", "issuer https://example.okta.com/oauth2/default"), ok("roles", "as wanted")}, Row: row}},
		"claims": {{Account: account, Hops: []rec.Hop{first}, Row: row, Claims: map[string]rec.Value{
			"sub": rec.Text("0oa1b2c3"), "exp": rec.Int(1700003600), "groups": rec.List{rec.Text("neo4j_writer")}, hostile: rec.Text(hostile)}}},
		"broken":  {{Account: account, Hops: []rec.Hop{first, ok("token", "1 h"), fail, skip("login", "claims"), skip("roles", "login")}}},
		"hostile": {{Account: rec.Account{Addr: rec.Addr{System: "okta", Kind: "app", Name: hostile}}, Hops: []rec.Hop{evil}, Row: hostile}},
		"nobody":  nil,
	}
}

// source is a spec with a tab, wide characters and a comment that tries to act.
const source = "neo4j \"role\" \"etl_writer\" {\n\tgrant = [\n\t\t\"日本 REED {*} ON GRAPH neo4j\", # \x1b[31m\n\t]\n}\n"

func specFiles(t *testing.T) map[string]*hcl.File {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(source), "specs/roles.hcl", hcl.InitialPos)
	if f == nil {
		t.Fatal(diags)
	}
	return map[string]*hcl.File{"specs/roles.hcl": f}
}

// rangeOf is where a part of the source stands.
func rangeOf(part string) *hcl.Range {
	i := strings.Index(source, part)
	line := strings.Count(source[:i], "\n") + 1
	column := i - strings.LastIndex(source[:i], "\n")
	return &hcl.Range{Filename: "specs/roles.hcl", Start: hcl.Pos{Line: line, Column: column, Byte: i}, End: hcl.Pos{Line: line, Column: column + len(part), Byte: i + len(part)}}
}

func mistakes() hcl.Diagnostics {
	span := rangeOf("[\n\t\t\"")
	span.End.Line++
	return hcl.Diagnostics{
		{Severity: hcl.DiagError, Summary: "Unknown privilege", Detail: "There is no privilege REED. Did you mean READ?", Subject: rangeOf("REED")},
		{Severity: hcl.DiagWarning, Summary: "Bolt without TLS", Detail: "The password is sent in the clear to graph.example.com. Use neo4j+s:// instead, or a loopback address, which nobody else can listen to.\n\n  uri = \"neo4j+s://graph.example.com\""},
		{Severity: hcl.DiagError, Summary: "Two lines", Detail: "Over the line's end.", Subject: span},
		{Severity: hcl.DiagError, Summary: "Unread " + hostile, Detail: hostile, Subject: &hcl.Range{Filename: "gone.hcl", Start: hcl.Pos{Line: 3, Column: 1, Byte: 900}, End: hcl.Pos{Line: 3, Column: 1, Byte: 900}}},
	}
}
