package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	driver "github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"keymaker/reconcile"
)

// dice make specs of the same objects, with other values each time: whatever can decide about access is drawn anew.
type dice struct{ *rand.Rand }

func (d dice) some(from ...string) []string {
	var out []string
	for _, s := range from {
		if d.IntN(2) == 0 {
			out = append(out, s)
		}
	}
	return out
}

func (d dice) one(from ...string) string { return from[d.IntN(len(from))] }

// rarely gives the text in one case of n.
func (d dice) rarely(n int, text string) string {
	if d.IntN(n) == 0 {
		return text
	}
	return ""
}

func listOf(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = strconv.Quote(s)
	}
	return "[" + strings.Join(q, ", ") + "]"
}

func shuffled(d dice, list ...string) []string {
	d.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

const apps, scopesOfDice = 3, "s1 s2"

func (d dice) spec() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	status := func(n int) string {
		if d.IntN(n) == 0 {
			return "INACTIVE"
		}
		return "ACTIVE"
	}
	say("okta \"authorization_server\" \"own\" {\n  audiences = [\"api://own\"]")
	say("  policy_order = %s\n}", listOf(shuffled(d, "p1", "p2", "p3")))
	for i := range apps {
		say("okta \"app\" \"app-%d\" {\n  client_id = \"client-%d\"\n  status = %q\n  dpop_bound_access_tokens = %t", i, i, status(8), d.IntN(10) == 0)
		say("  profile = { grp = %s, other = %s }\n  secret { file = \"app-%d.env\" }\n}", listOf(d.some("g1", "g2", "g3", "r1", "nobody")), listOf(d.some("g1", "r2")), i)
	}
	in := "authorization_server = okta.authorization_server.own"
	for _, s := range strings.Fields(scopesOfDice) {
		say("okta \"scope\" %q {\n  %s\n  consent = %q\n}", s, in, d.one("IMPLICIT", "IMPLICIT", "IMPLICIT", "REQUIRED"))
	}
	for _, c := range []string{"groups", "roles"} {
		say("okta \"claim\" %q {\n  %s\n  value = %q\n  scopes = %s\n  status = %q\n}", c, in, d.one("app.profile.grp", "app.profile.grp", "app.profile.other"), listOf(d.some("s1", "s2")), status(6))
	}
	for _, p := range []string{"p1", "p2", "p3"} {
		clients := d.some("client-0", "client-1", "client-2")
		if d.IntN(4) == 0 {
			clients = []string{"ALL_CLIENTS"}
		}
		say("okta \"policy\" %q {\n  %s\n  clients = %s\n  status = %q", p, in, listOf(clients), status(4))
		for _, r := range shuffled(d, "a", "b") {
			given := append(d.some("s1", "s2"), d.rarely(4, "*"))
			given = slices.DeleteFunc(given, func(s string) bool { return s == "" })
			if slices.Contains(given, "*") {
				given = []string{"*"}
			}
			if len(given) == 0 {
				given = []string{"s1"}
			}
			say("  rule %q {\n    scopes = %s\n    grant_types = [%q]\n    status = %q\n  }", r, listOf(given), d.one("client_credentials", "client_credentials", "client_credentials", "password"), status(5))
		}
		say("}")
	}
	grants := []string{"ACCESS ON DATABASE neo4j", "ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j", "MATCH {name} ON GRAPH * NODES Person", "READ {*} ON GRAPH neo4j", "TRAVERSE ON GRAPH neo4j",
		"TRAVERSE ON HOME GRAPH NODES Person", "WRITE ON GRAPH neo4j", "CREATE ON GRAPH neo4j NODES Person", "SET PROPERTY {name} ON GRAPH neo4j NODES Person", "MERGE {*} ON GRAPH neo4j",
		"ALL GRAPH PRIVILEGES ON GRAPH *", "ALL DATABASE PRIVILEGES ON DATABASE neo4j", "ALL DBMS PRIVILEGES ON DBMS", "SHOW ROLE ON DBMS", "ROLE MANAGEMENT ON DBMS", "READ {name} ON GRAPH other"}
	denies := []string{"READ {ssn} ON GRAPH neo4j NODES Person", "TRAVERSE ON GRAPH neo4j NODES Secret", "WRITE ON GRAPH neo4j", "MATCH {*} ON GRAPH neo4j NODES Person", "MATCH {ssn} ON GRAPH neo4j",
		"ACCESS ON DATABASE neo4j", "SET PROPERTY {name} ON GRAPH neo4j", "CREATE ON GRAPH * NODES Person", "SHOW ROLE ON DBMS", "ALL GRAPH PRIVILEGES ON GRAPH other"}
	for _, r := range []string{"r1", "r2", "r3"} {
		var deny []string
		if d.IntN(3) == 0 {
			deny = []string{denies[d.IntN(len(denies))]}
		}
		say("neo4j \"role\" %q {\n  grant = %s\n  deny = %s\n}", r, listOf(shuffled(d, grants...)[:d.IntN(5)]), listOf(deny))
	}
	say("neo4j \"oidc_provider\" \"backend\" {\n  well_known_discovery_uri = \"${okta.authorization_server.own.issuer}/.well-known/openid-configuration\"")
	say("  audience = %s\n  groups_claim = %q\n  visible = false", d.one(`["api://own"]`, `["api://own"]`, `["api://else", "api://own"]`, `["api://else"]`), d.one("groups", "groups", "roles", "none"))
	var mapping []string
	if d.IntN(4) > 0 {
		for _, g := range []string{"g1", "g2", "g3"} {
			if roles := d.some("r1", "r2", "r3", "gone"); len(roles) > 0 {
				mapping = append(mapping, g+" = "+listOf(roles))
			}
		}
	}
	say("  group_to_role = { %s }\n}", strings.Join(mapping, ", "))
	return b.String()
}

// deeds are what is tried with a login, and the privileges that it takes by keymaker's reckoning.
func deeds() []deed {
	reads := func(statement string) func(context.Context, driver.SessionWithContext) bool {
		return func(ctx context.Context, s driver.SessionWithContext) bool {
			r, err := s.Run(ctx, statement, nil)
			if err != nil {
				return false
			}
			rows, err := r.Collect(ctx)
			return err == nil && slices.ContainsFunc(rows, func(row *driver.Record) bool { return row.Values[0] != nil && row.Values[0] != int64(0) })
		}
	}
	writes := func(statement string) func(context.Context, driver.SessionWithContext) bool {
		return func(ctx context.Context, s driver.SessionWithContext) bool {
			tx, err := s.BeginTransaction(ctx)
			if err != nil {
				return false
			}
			defer tx.Close(ctx)
			r, err := tx.Run(ctx, statement, nil)
			if err != nil {
				return false
			}
			sum, err := r.Consume(ctx)
			return err == nil && sum.Counters().ContainsUpdates()
		}
	}
	return []deed{
		{"neo4j", reads("MATCH (n:Person) RETURN n.name"), []string{"READ {name} ON GRAPH neo4j NODES Person"}},
		{"neo4j", reads("MATCH (n:Person) RETURN n.ssn"), []string{"READ {ssn} ON GRAPH neo4j NODES Person"}},
		{"neo4j", reads("MATCH (n:Secret) RETURN count(n)"), []string{"TRAVERSE ON GRAPH neo4j NODES Secret"}},
		{"neo4j", writes("CREATE (n:Person)"), []string{"CREATE ON GRAPH neo4j NODES Person"}},
		{"neo4j", writes("MATCH (n:Person) SET n.name = 'other'"), []string{"SET PROPERTY {name} ON GRAPH neo4j NODES Person", "TRAVERSE ON GRAPH neo4j NODES Person"}},
		{"system", reads("SHOW ROLES"), []string{"SHOW ROLE ON DBMS"}},
	}
}

type deed struct {
	database  string
	do        func(context.Context, driver.SessionWithContext) bool
	questions []string
}

// The access that keymaker works out is what the servers do: each account asks for tokens with every choice of scopes, logs in with each, and tries things. The states are drawn;
// KEYMAKER_ACCESS says how many instead of some.
func TestAccessIsWhatTheServersDo(t *testing.T) {
	states := 12
	if n, err := strconv.Atoi(os.Getenv("KEYMAKER_ACCESS")); err == nil {
		states = n
	}
	seed := uint64(20261122)
	if n, err := strconv.ParseUint(os.Getenv("KEYMAKER_ACCESS_SEED"), 10, 64); err == nil {
		seed = n
	}
	d := dice{rand.New(rand.NewPCG(seed, 1))}
	b := newBench(t)
	if err := runCypher(context.Background(), b.box.neo4j.URL, b.box.kept.Neo4jPassword, "CREATE DATABASE other WAIT"); err != nil {
		t.Fatal(err)
	}
	b.fill("CREATE (:Person {name: 'a', ssn: '1'}), (:Secret {name: 's'})")
	logins := 0
	for i := range states {
		text := d.spec()
		b.converge(text, choice{})
		logins += b.compareAccess(t, fmt.Sprintf("state %d of seed %d", i, seed), text)
		if t.Failed() {
			t.Fatalf("the spec is\n%s", text)
		}
	}
	if logins == 0 {
		t.Error("no state let anybody in: nothing was compared")
	}
	t.Logf("%d states, %d logins", states, logins)
}

func (b *bench) fill(statement string) {
	b.t.Helper()
	ctx := context.Background()
	drv, err := driver.NewDriverWithContext(b.box.neo4j.URL, driver.BasicAuth("neo4j", b.box.kept.Neo4jPassword, ""))
	if err != nil {
		b.t.Fatal(err)
	}
	defer drv.Close(ctx)
	if _, err := driver.ExecuteQuery(ctx, drv, statement, nil, driver.EagerResultTransformer, driver.ExecuteQueryWithDatabase("neo4j")); err != nil {
		b.t.Fatal(err)
	}
}

// compareAccess holds what keymaker says of each app to what a login does, and counts the logins.
func (b *bench) compareAccess(t *testing.T, name, text string) int {
	s := b.session(text)
	lives, err := s.read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	state := reconcile.Placed(merge(lives).Objects, s.spec.Objects)
	said := rolesSaid(reconcile.EdgesOf(s.systems(), state))
	issuer := ""
	for _, o := range state {
		if o.Addr.Kind == "authorization_server" {
			issuer = string(o.Facts["issuer"].(reconcile.Text))
		}
	}
	logins := 0
	for i := range apps {
		app := fmt.Sprintf("app-%d", i)
		var best []string
		token := ""
		for _, scopes := range []string{"s1", "s2", "s1 s2"} {
			raw := b.tokenFor(app, fmt.Sprintf("client-%d", i), issuer, scopes)
			roles, in := b.rolesOf(raw)
			if !in {
				continue
			}
			logins++
			if token == "" || len(roles) > len(best) {
				best, token = roles, raw
			}
		}
		if !slices.Equal(best, said[app]) {
			t.Errorf("%s: %s: the servers give %q, keymaker says %q", name, app, best, said[app])
			continue
		}
		for _, deed := range deeds() {
			want := token != ""
			for _, q := range deed.questions {
				why, err := reconcile.Explain(s.systems(), state, app, q)
				if err != nil {
					t.Fatal(err)
				}
				if !why.Yes && why.Missing.Verb == "" || why.Yes && why.Missing != (reconcile.WhyHop{}) {
					t.Errorf("%s: %s: %s: the answer lacks its hop: %+v", name, app, q, why)
				}
				want = want && why.Yes
			}
			if got := token != "" && b.tries(token, deed); got != want {
				t.Errorf("%s: %s with roles %q: %q: the servers say %t, keymaker %t", name, app, best, deed.questions, got, want)
			}
		}
	}
	return logins
}

// rolesSaid are the roles that the graph gives each account, sorted.
func rolesSaid(edges []reconcile.Edge) map[string][]string {
	next := make(map[reconcile.Node][]reconcile.Node)
	for _, e := range edges {
		next[e.From] = append(next[e.From], e.To)
	}
	said := make(map[string][]string)
	for from, to := range next {
		if from.Kind != reconcile.NodeAccount {
			continue
		}
		for _, n := range to {
			found := []reconcile.Node{n}
			if n.Kind == reconcile.NodeGroup {
				found = next[n]
			}
			for _, r := range found {
				if !slices.Contains(said[from.Name], r.Name) {
					said[from.Name] = append(said[from.Name], r.Name)
				}
			}
		}
		slices.Sort(said[from.Name])
	}
	return said
}

// tokenFor asks for a token as a client does; "" when it is refused, or when it is no bearer token.
func (b *bench) tokenFor(app, client, issuer, scopes string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, app+".env"))
	if err != nil {
		b.t.Fatal(err)
	}
	secret := ""
	for _, line := range strings.Split(string(data), "\n") {
		if v, ok := strings.CutPrefix(line, "OKTA_CLIENT_SECRET="); ok {
			secret = strings.Trim(v, `"'`)
		}
	}
	req, err := http.NewRequest(http.MethodPost, issuer+"/v1/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "scope": {scopes}}.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.SetBasicAuth(client, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	var got struct {
		Token string `json:"access_token"`
		Type  string `json:"token_type"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || got.Type != "Bearer" {
		return ""
	}
	return got.Token
}

// as opens a session with a token.
func (b *bench) as(token, database string, use func(context.Context, driver.SessionWithContext)) {
	b.t.Helper()
	ctx := context.Background()
	drv, err := driver.NewDriverWithContext(b.box.neo4j.URL, driver.BearerAuth(token))
	if err != nil {
		b.t.Fatal(err)
	}
	defer drv.Close(ctx)
	s := drv.NewSession(ctx, driver.SessionConfig{DatabaseName: database})
	defer s.Close(ctx)
	use(ctx, s)
}

// rolesOf logs in; false when that is refused.
func (b *bench) rolesOf(token string) (roles []string, in bool) {
	if token == "" {
		return nil, false
	}
	b.as(token, "system", func(ctx context.Context, s driver.SessionWithContext) {
		r, err := s.Run(ctx, "SHOW CURRENT USER YIELD roles", nil)
		if err != nil {
			return
		}
		row, err := r.Single(ctx)
		if err != nil {
			return
		}
		in = true
		for _, v := range row.Values[0].([]any) {
			roles = append(roles, v.(string))
		}
	})
	slices.Sort(roles)
	return roles, in
}

func (b *bench) tries(token string, d deed) (done bool) {
	b.as(token, d.database, func(ctx context.Context, s driver.SessionWithContext) { done = d.do(ctx, s) })
	return done
}
