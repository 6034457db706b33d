package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"keymaker/neo4j"
	"keymaker/okta"
	"keymaker/reconcile"
	"keymaker/reconcile/render"
	"keymaker/specs"
)

// bench is both emulators on sockets of their own, and the program's parts put together over them.
type bench struct {
	t    testing.TB
	box  *sandbox
	dir  string // of the spec
	prog *program
	said bytes.Buffer
	neo  map[string]reconcile.Argument // of the connection to Neo4j
}

// freshSandbox is the state of a sandbox that nobody used: making an org's keys takes longer than all else.
var freshSandbox = sync.OnceValue(func() map[string][]byte {
	dir, err := os.MkdirTemp("", "keymaker-bench")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	box, err := startSandbox(dir, false, nil, conditions{}, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	if err := seedForeign(box); err != nil {
		panic(err)
	}
	box.close()
	const anyPort = "127.0.0.1:0" // no sandbox that keeps its port may find it taken
	box.kept.OktaAddr, box.kept.Neo4jAddr = anyPort, anyPort
	if err := box.save(); err != nil {
		panic(err)
	}
	files := make(map[string][]byte)
	for _, name := range []string{"sandbox.json", "okta.json", "neo4j.json"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			files[name] = data
		}
	}
	return files
})

// seedForeign makes what belongs to others: objects that no spec here declares, of every kind.
func seedForeign(box *sandbox) error {
	app, err := box.okta.Create("/api/v1/apps", map[string]any{"name": "oidc_client", "label": "foreign", "signOnMode": "OPENID_CONNECT", "profile": map[string]any{"neo4j_groups": []any{"gf"}},
		"settings": map[string]any{"oauthClient": map[string]any{"application_type": "service", "grant_types": []any{"client_credentials"}, "response_types": []any{"token"}}}})
	if err != nil {
		return err
	}
	server := "/api/v1/authorizationServers/default"
	for _, one := range []struct {
		path string
		body map[string]any
	}{
		{server + "/scopes", map[string]any{"name": "foreign", "consent": "IMPLICIT"}},
		{server + "/claims", map[string]any{"name": "foreign", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "EXPRESSION", "value": "app.profile.neo4j_groups", "conditions": map[string]any{"scopes": []any{"foreign"}}}},
		{server + "/policies", map[string]any{"name": "foreign", "description": "theirs", "type": "OAUTH_AUTHORIZATION_POLICY", "status": "ACTIVE", "conditions": map[string]any{"clients": map[string]any{"include": []any{app}}}}},
	} {
		if _, err := box.okta.Create(one.path, one.body); err != nil {
			return err
		}
	}
	return runCypher(context.Background(), box.neo4j.URL, box.kept.Neo4jPassword,
		"CREATE ROLE foreign_role", "GRANT MATCH {*} ON GRAPH neo4j TO foreign_role", "CREATE USER foreign_user SET PASSWORD 'foreign-password'", "GRANT ROLE foreign_role TO foreign_user")
}

// foreign is all that belongs to others, as it is now. Only the numbers of policies move: Okta counts those of a server from 1 without gaps.
func (b *bench) foreign() string {
	b.t.Helper()
	var all []any
	server := "/api/v1/authorizationServers/default"
	for _, path := range []string{"/api/v1/apps", server + "/scopes", server + "/claims", server + "/policies"} {
		for _, one := range b.list(path) {
			if one["label"] == "foreign" || one["name"] == "foreign" {
				delete(one, "priority")
				all = append(all, one)
			}
		}
	}
	if len(all) != 4 {
		b.t.Errorf("%d objects of others are in the org, want 4", len(all))
	}
	for _, query := range []string{"SHOW ROLE foreign_role PRIVILEGES AS COMMANDS", "SHOW USERS YIELD user, roles, suspended WHERE user = 'foreign_user'"} {
		rows, err := askCypher(context.Background(), b.box.neo4j.URL, b.box.kept.Neo4jPassword, query)
		if err != nil || len(rows) == 0 {
			b.t.Errorf("%s: %v, %d rows", query, err, len(rows))
		}
		all = append(all, rows)
	}
	text, err := json.Marshal(all)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// newBench starts both emulators, and one for each further instance: neo4j.eu.
func newBench(t testing.TB, instances ...string) *bench {
	t.Helper()
	dir := t.TempDir()
	for name, data := range freshSandbox() {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	box, err := startSandbox(dir, false, instances, conditions{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.close)
	b := &bench{t: t, box: box, dir: t.TempDir()}
	b.prog = &program{out: newOutput(bytes.NewReader(nil), &b.said, &b.said), stop: make(chan struct{}), log: slog.New(slog.DiscardHandler)}
	return b
}

// session opens a spec as a new run of the program would, with shorter pauses, until the test is over.
func (b *bench) session(text string) *session {
	b.t.Helper()
	s := b.open(text)
	b.t.Cleanup(func() { s.world.Close(context.Background()) })
	return s
}

// open is session for who closes the session himself: a server takes so many connections, and no more.
func (b *bench) open(text string) *session {
	b.t.Helper()
	file := filepath.Join(b.dir, "main.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	spec, diags := specs.Load(file, languages(), specs.Options{})
	if diags.HasErrors() {
		b.t.Fatal(errors.Join(diags.Errs()...))
	}
	env := environment{lookup: b.box.lookup, sandbox: b.box}
	ctx := context.Background()
	if len(b.box.named) > 0 {
		w, err := b.prog.openWorld(ctx, spec, env)
		if err != nil {
			b.t.Fatal(err)
		}
		b.prog.spec = spec
		return &session{world: w, spec: spec, env: env, stop: b.prog.stop, owns: spec.Owns}
	}
	conn := reconcile.Block{Dir: spec.Dir}
	n, err := neo4j.Open(ctx, reconcile.Block{Dir: spec.Dir, Fields: b.neo}, neo4j.Options{Env: env.lookup, Log: b.prog.log, Restart: env.restart("")})
	if err != nil {
		b.t.Fatal(err)
	}
	o, err := okta.Open(ctx, conn, okta.Options{Env: env.lookup, Log: b.prog.log, NeoURI: n.URI(), Backoff: time.Millisecond, Timeout: 5 * time.Second})
	if err != nil {
		b.t.Fatal(err)
	}
	b.prog.spec = spec
	return &session{world: &world{okta: []*okta.System{o}, neo4j: []*neo4j.System{n}}, spec: spec, env: env, stop: b.prog.stop, owns: spec.Owns}
}

// plan plans a spec.
func (b *bench) plan(s *session, ch choice) (reconcile.Plan, []reconcile.Live) {
	b.t.Helper()
	plan, lives, err := b.prog.plan(context.Background(), s, ch)
	if err != nil {
		b.t.Fatalf("plan: %v\n%s", err, b.said.String())
	}
	return plan, lives
}

// apply brings a spec about, as far as it gets.
func (b *bench) apply(text string, ch choice) (reconcile.Report, error) {
	b.t.Helper()
	s := b.open(text)
	defer s.world.Close(context.Background())
	plan, lives, err := b.prog.plan(context.Background(), s, ch)
	if err != nil {
		return reconcile.Report{}, err
	}
	return reconcile.Apply(context.Background(), b.prog.stop, plan, s.byName(), reconcile.NewIndex(merge(lives).Objects), nil), nil
}

// converge applies a spec, and demands that everything is done.
func (b *bench) converge(text string, ch choice) {
	b.t.Helper()
	report, err := b.apply(text, ch)
	if err != nil {
		b.t.Fatal(err)
	}
	if !report.Complete() {
		var out bytes.Buffer
		_ = render.Report(&out, report, render.Apply, render.Style{})
		b.t.Fatalf("%s", out.String())
	}
}

// setup is a spec of a service account: its groups, two roles and what they are granted, and which group gives which role.
type setup struct {
	groups         []string
	writer, reader []string
	mapping        map[string]string
	noPolicy       bool
	noApp          bool // nor a policy
	status         string
	narrow         bool // the policy gives a scope that brings no groups, which is less than the org's policy for all clients gives
}

func (s setup) text() string {
	quote := func(list []string) string {
		var b bytes.Buffer
		for i, name := range list {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%q", name)
		}
		return "[" + b.String() + "]"
	}
	var b bytes.Buffer
	status := ""
	if s.status != "" {
		status = fmt.Sprintf("  status = %q\n", s.status)
	}
	if !s.noApp {
		fmt.Fprintf(&b, "okta \"app\" \"etl\" {\n%s  profile = { neo4j_groups = %s }\n  secret {\n    file = \"etl.env\"\n  }\n}\n", status, quote(s.groups))
	}
	b.WriteString("okta \"scope\" \"neo4j_groups\" {}\n")
	b.WriteString("okta \"claim\" \"groups\" {\n  value  = \"app.profile.neo4j_groups\"\n  scopes = [okta.scope.neo4j_groups]\n}\n")
	scope := "neo4j_groups"
	if s.narrow {
		scope = "other"
		b.WriteString("okta \"scope\" \"other\" {}\n")
	}
	if !s.noPolicy && !s.noApp {
		b.WriteString("okta \"policy\" \"services\" {\n  clients = [okta.app.etl]\n  rule \"machines\" {\n    scopes = [okta.scope." + scope + "]\n  }\n}\n")
	}
	fmt.Fprintf(&b, "neo4j \"role\" \"w\" {\n  grant = %s\n}\n", quote(s.writer))
	fmt.Fprintf(&b, "neo4j \"role\" \"r\" {\n  grant = %s\n}\n", quote(s.reader))
	b.WriteString("neo4j \"oidc_provider\" \"backend\" {\n  authorization_server = okta.authorization_server.default\n  username_claim = \"sub\"\n  groups_claim = okta.claim.groups\n  token_type = \"access_token\"\n  group_to_role = {\n")
	for _, group := range []string{"gr", "gw", "gx"} {
		if role := s.mapping[group]; role != "" {
			fmt.Fprintf(&b, "    %s = [neo4j.role.%s]\n", group, role)
		}
	}
	b.WriteString("  }\n}\n")
	return b.String()
}

// The parts that stories are made of.
const (
	access  = "ACCESS ON DATABASE neo4j"
	match   = "MATCH {*} ON GRAPH neo4j"
	writing = "WRITE ON GRAPH neo4j"
)

// story is a change of a spec.
type story struct {
	name          string
	before, after *setup // nil before: nothing is there; nil after: all is destroyed, or what text says
	start         string // the spec before, where it is none of a setup
	text          string // the spec, where it is none of a setup
	prune         bool   // all of the setup before goes by own blocks
	// unsafe says that no order of the two changes keeps everybody within the old and the new state, and that the plan warns of it.
	unsafe bool
}

func stories() []story {
	both := map[string]string{"gr": "r", "gw": "w"}
	base := setup{groups: []string{"gr"}, writer: []string{access, match}, reader: []string{access}, mapping: both}
	with := func(change func(*setup)) *setup {
		s := base
		change(&s)
		return &s
	}
	broad := []string{access, match, writing}
	return []story{
		{name: "create all", after: &base},
		{name: "add a group", before: &base, after: with(func(s *setup) { s.groups = []string{"gr", "gw"} })},
		{name: "widen a role while an app loses its group",
			before: with(func(s *setup) { s.groups = []string{"gw"} }), after: with(func(s *setup) { s.groups, s.writer = []string{"gr"}, broad })},
		{name: "narrow a role while an app gains its group",
			before: with(func(s *setup) { s.writer = broad }), after: with(func(s *setup) { s.groups = []string{"gr", "gw"} })},
		{name: "turn a role round while an app gains its group",
			before: with(func(s *setup) { s.writer = broad }), after: with(func(s *setup) { s.groups, s.writer = []string{"gw"}, []string{access, "TRAVERSE ON GRAPH neo4j"} })},
		{name: "rename a mapping",
			before: with(func(s *setup) { s.groups = []string{"gw"} }),
			after:  with(func(s *setup) { s.groups, s.mapping = []string{"gx"}, map[string]string{"gr": "r", "gx": "w"} })},
		{name: "move a group to another role while an app gains it",
			before: &base, after: with(func(s *setup) { s.groups, s.mapping = []string{"gw"}, map[string]string{"gr": "r", "gw": "r"} })},
		{name: "let an app in while its role is narrowed",
			before: with(func(s *setup) { s.groups, s.writer, s.noPolicy = []string{"gw"}, broad, true }), after: with(func(s *setup) { s.groups = []string{"gw"} })},
		{name: "swap two mappings and the app's group", unsafe: true,
			before: &base, after: with(func(s *setup) { s.groups, s.mapping = []string{"gw"}, map[string]string{"gr": "w", "gw": "r"} })},
		{name: "change all", before: &base,
			after: with(func(s *setup) {
				s.groups, s.writer, s.reader, s.mapping = []string{"gx"}, broad, []string{access, match}, map[string]string{"gr": "r", "gx": "w"}
			})},
		{name: "rename a role", before: with(func(s *setup) { s.groups = []string{"gw"} }), after: with(func(s *setup) { s.groups = []string{"gw"} }),
			text: "moved {\n  from = neo4j.role.w\n  to   = neo4j.role.w2\n}\n" +
				strings.NewReplacer(`"role" "w"`, `"role" "w2"`, "neo4j.role.w]", "neo4j.role.w2]").Replace(with(func(s *setup) { s.groups = []string{"gw"} }).text())},
		{name: "create an account that gets less than everybody", before: with(func(s *setup) { s.noApp = true }), after: with(func(s *setup) { s.narrow = true })},
		{name: "destroy an account that gets less than everybody", before: with(func(s *setup) { s.narrow = true })},
		{name: "prune all", before: with(func(s *setup) { s.groups = []string{"gr", "gw"} }), prune: true, text: pruning},
		{name: "destroy", before: with(func(s *setup) { s.groups = []string{"gr", "gw"} })},
	}
}

// moments are more changes, of which only the states in between are looked at.
func moments() []story {
	base := setup{groups: []string{"gr"}, writer: []string{access, match}, reader: []string{access}, mapping: map[string]string{"gr": "r", "gw": "w"}}
	narrow := base
	narrow.narrow = true
	wide, open := base, base
	wide.groups = []string{"gr", "gw"}
	open.noPolicy = true
	off := open
	off.status = "INACTIVE"
	two := "okta \"app\" \"b\" {}\nokta \"policy\" \"services\" {\n  clients = [okta.app.b]\n  rule \"machines\" {\n    scopes = [okta.scope.other]\n  }\n}\n"
	together := strings.Replace(narrow.text(), "clients = [okta.app.etl]", "clients = [okta.app.etl, okta.app.b]", 1) + "okta \"app\" \"b\" {}\n"
	elsewhere := strings.Replace(narrow.text(), `"policy" "services"`, `"policy" "others"`, 1) + two
	gains := narrow
	gains.groups = wide.groups
	pruned := strings.ReplaceAll(pruning, `"neo4j_groups"`, `"o*"`) + "own \"okta\" \"scope\" {\n  match = \"neo4j_groups\"\n}\n"
	nobody := base
	nobody.noApp = true
	on := narrow
	on.status = "ACTIVE"
	return []story{
		{name: "prune an account that gets less than everybody", before: &narrow, prune: true, text: pruned},
		{name: "move an account from one policy to another", before: &narrow, start: together, text: elsewhere},
		{name: "give an account a group while a policy shuts it out", before: &open, after: &gains},
		{name: "switch an account on while a policy shuts it out", before: &off, after: &on},
		{name: "make an account that has a status", before: &nobody, after: &on},
		{name: "let an account out of its policy", before: &narrow, text: open.text() + "removed \"okta\" \"policy\" \"services\" {}\n"},
	}
}

// pruning owns all of a setup but its provider, which nobody can own, and declares something of each kind, so that each is read.
const pruning = `okta "app" "keeper" {}

okta "scope" "keeper" {}

okta "claim" "keeper" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.keeper]
}

okta "policy" "keeper" {
  clients = [okta.app.keeper]

  rule "keeper" {
    scopes = [okta.scope.keeper]
  }
}

neo4j "role" "keeper" {
  grant = ["ACCESS ON DATABASE neo4j"]
}

own "okta" "app" {
  match = "etl"
}

own "okta" "scope" {
  match = "neo4j_groups"
}

own "okta" "claim" {
  match = "groups"
}

own "okta" "policy" {
  match = "services"
}

own "neo4j" "role" {
  match = "w"
}

own "neo4j" "role" {
  match = "r"
}
`

// first is the spec before.
func (s story) first() string {
	if s.start != "" {
		return s.start
	}
	return s.before.text()
}

func (s story) target() (text string, ch choice) {
	if s.prune {
		ch.policy.Prune = true
		ch.maxDelete, ch.maxChange = count{1000, true}, percent{count{100, true}}
	}
	switch {
	case s.text != "":
		return s.text, ch
	case s.after == nil:
		return s.before.text(), choice{policy: reconcile.Policy{Destroy: true}}
	}
	return s.after.text(), ch
}
