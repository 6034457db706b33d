package okta

import (
	"fmt"
	"net/http"
	"testing"

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

// Making N objects is N writes and nothing else; changing N is a fresh read and a write for each; and a plan without changes writes nothing.
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
	step("the first apply", "a", map[string]int{http.MethodPost + " /api/v1/apps": n, http.MethodPost + " /api/v1": 4})
	step("nothing to do", "a", map[string]int{})
	step("a change of each", "b", map[string]int{http.MethodGet + " /api/v1/apps/{id}": n, http.MethodPut + " /api/v1/apps/{id}": n})
}
