package okta

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// tally counts the calls since the last reset, by method and bucket.
func (l *lab) tally() map[string]int {
	n := map[string]int{}
	for _, c := range l.org.Calls() {
		n[c.Method+" "+c.Bucket]++
	}
	l.org.ResetCalls()
	return n
}

// A plan costs ceil(apps/200) of the apps bucket and 3 + P of the general one, P being the policies of the spec: how many objects the org has beside
// makes no difference but for the pages. No object is read by itself.
func TestPlanCost(t *testing.T) {
	for _, c := range []struct{ others, policies, pages int }{{0, 1, 1}, {190, 3, 1}, {400, 7, 3}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			for i := range c.others {
				l.other(i)
			}
			want := l.service("neo4j_writer")
			for i := range c.policies - 1 {
				want = append(want, declare(t, block("policy", fmt.Sprint("p", i), args{"clients": set(allClients)},
					block("rule", "r1", args{"scopes": set("*")}), block("rule", "r2", args{"scopes": set("*")})))...)
			}
			l.apply(want)
			l.org.ResetCalls()
			live, _ := l.drift(want)
			got := l.tally()
			if len(got) != 2 || got["GET /api/v1/apps"] != c.pages || got["GET /api/v1"] != 3+c.policies {
				t.Errorf("a plan made %v, want %d pages of apps and %d other lists", got, c.pages, 3+c.policies)
			}
			for _, said := range live.Target.Calls {
				if said.N != got["GET "+said.What] {
					t.Errorf("it says %v of %s, and made %d", said.N, said.What, got["GET "+said.What])
				}
			}
		})
	}
}

func (l *lab) other(i int) {
	l.t.Helper()
	_, err := l.org.Create("/api/v1/apps", map[string]any{"name": "oidc_client", "label": fmt.Sprint("other ", i), "signOnMode": "OPENID_CONNECT",
		"settings": map[string]any{"oauthClient": map[string]any{"application_type": "service", "grant_types": []any{grantMachine}, "response_types": []any{"token"}}}})
	if err != nil {
		l.t.Fatal(err)
	}
}

// Making N objects is N writes, and two looks at each collection for somebody else's of the same names; changing N is a fresh read and a write for each; and a plan without changes writes nothing.
func TestWriteCost(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	const n = 12
	spec := func(group string) []reconcile.Object {
		var blocks []reconcile.Block
		var clients []reconcile.Value
		var above []reconcile.Addr
		for i := range n {
			name := fmt.Sprint("etl-", i)
			blocks = append(blocks, block("app", name, args{"profile": reconcile.Map{"neo4j_groups": reconcile.List(texts(group))}},
				block("secret", "", args{"file": txt(fmt.Sprint(l.dir, "/", name, ".env"))})))
			clients = append(clients, reconcile.Ref{Addr: at("app", name), Attr: attrClientID})
			above = append(above, at("app", name))
		}
		shared := l.serviceBlocks(group)[1:3]
		policy := needs(block("policy", "services", args{"clients": reconcile.SetOf(clients...)}, block("rule", "cc", args{"scopes": set("neo4j_groups")})), above...)
		return declare(t, append(append(blocks, shared...), needs(policy, at("scope", "neo4j_groups")))...)
	}
	l.plan(spec("a"), reconcile.Policy{})
	l.org.ResetCalls()
	step := func(what string, group string, want map[string]int) {
		t.Helper()
		plan, index := l.plan(spec(group), reconcile.Policy{})
		l.org.ResetCalls() // what the plan cost is told above
		l.done(l.run(plan, index))
		got := l.tally()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s made %v, want %v", what, got, want)
		}
	}
	step("the first apply", "a", map[string]int{http.MethodPost + " /api/v1/apps": n, http.MethodPost + " /api/v1": 4,
		http.MethodGet + " /api/v1/apps": 2, http.MethodGet + " /api/v1": 2}) // the apps and the policies, before the first is made and after the last
	step("nothing to do", "a", map[string]int{})
	step("a change of each", "b", map[string]int{http.MethodGet + " /api/v1/apps/{id}": n, http.MethodPut + " /api/v1/apps/{id}": n})
}

// What a plan forecasts of each bucket is what applying it takes, for every sort of change: creates, updates, moves, status, renames of rules, deletions.
func TestForecast(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	graph := at(kindServer, "graph")
	server := args{"authorization_server": reconcile.Ref{Addr: graph, Attr: "id"}}
	spec := func(life, appStatus string, rules ...string) []reconcile.Object {
		var inner []reconcile.Block
		for _, name := range rules {
			inner = append(inner, block("rule", name, args{"scopes": set("graph"), "access_token_lifetime": txt(life)}))
		}
		policy := args{"clients": reconcile.SetOf(reconcile.Ref{Addr: at("app", "neo4j-etl"), Attr: "client_id"})}
		maps.Copy(policy, server)
		return append(l.service("neo4j_writer"), declare(t,
			block("app", "off", args{"status": txt(appStatus)}),
			block(kindServer, "graph", args{"audiences": set("api://graph"), "rotation_mode": txt("MANUAL")}),
			needs(block("scope", "graph", server), graph),
			needs(block("policy", "graph", policy, inner...), graph, at("app", "neo4j-etl"), at("scope", "graph")))...)
	}
	run := func(what string, want []reconcile.Object, policy reconcile.Policy) {
		t.Helper()
		plan, index := l.plan(want, policy)
		l.org.ResetCalls()
		l.done(l.run(plan, index))
		took := map[string]int{}
		for _, c := range l.org.Calls() {
			took[c.Bucket]++
		}
		forecast := map[string]int{}
		for _, t := range plan.Calls(systemName) {
			if t.Bucket != "" {
				forecast[t.Bucket] += t.N
			}
		}
		if len(took) == 0 || fmt.Sprint(took) != fmt.Sprint(forecast) {
			t.Errorf("%s: forecast %v, took %v of\n%s", what, forecast, took, text(plan))
		}
	}
	run("create", spec("1h", "INACTIVE", "a", "b", "c"), reconcile.Policy{})
	run("update", spec("2h", "ACTIVE", "a", "b", "c"), reconcile.Policy{})
	run("move", spec("2h", "ACTIVE", "c", "b", "a"), reconcile.Policy{})
	run("move one of three", spec("2h", "ACTIVE", "b", "c", "a"), reconcile.Policy{})
	run("destroy", spec("2h", "ACTIVE", "c", "b", "a"), reconcile.Policy{Destroy: true})
}

// What the org's answers say of its limits is told with what was read; limits that nobody reaches are none.
func TestBudgets(t *testing.T) {
	l := newLab(t, &oktatest.Server{RateLimits: oktatest.RateLimits{Apps: 10, API: 50}})
	sys := l.open(Options{Reserve: 0.5})
	before := time.Now()
	live, err := sys.Read(context.Background(), l.service("a"))
	if err != nil {
		t.Fatal(err)
	}
	// The app is new, so the rules of the policy for all clients are read too: it is under that one until its own is there.
	want := []reconcile.Budget{{Bucket: bucketAPI, Limit: 50, Remaining: 46, Keep: 25, Per: time.Minute}, {Bucket: bucketApps, Limit: 10, Remaining: 9, Keep: 5, Per: time.Minute}}
	got := live.Target.Budgets
	for i := range got {
		if in := got[i].Reset.Sub(before); in < 55*time.Second || in > 65*time.Second {
			t.Errorf("%s is full again in %s", got[i].Bucket, in)
		}
		got[i].Reset = time.Time{}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, ok := live.Target.Budget(bucketApp); ok {
		t.Error("a budget of a bucket that no call was made of")
	}
	l = newLab(t, &oktatest.Server{})
	if live, _ := l.drift(l.service("a")); live.Target.Budgets != nil {
		t.Errorf("an org without limits has the budgets %v", live.Target.Budgets)
	}
}
