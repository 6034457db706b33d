package okta

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// The order of policies that a spec gives is made and kept, whatever stands between, and the policy that Okta made is never written.
func TestPolicyOrder(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	spec := func(order []string, names ...string) []reconcile.Object {
		blocks := []reconcile.Block{block(kindServer, "default", args{attrPolicyOrder: reconcile.List(texts(order...))})}
		for _, n := range names {
			blocks = append(blocks, block("policy", n, args{"clients": set(allClients)}))
		}
		return declare(t, blocks...)
	}
	for _, c := range []struct{ order, names []string }{
		{[]string{"c", "a", "Default Policy"}, []string{"a", "b", "c"}},
		{[]string{"a", "b", "c"}, []string{"a", "b", "c"}},
		{[]string{"d", "c", "Default Policy", "b", "e", "a"}, []string{"a", "b", "c", "d", "e"}},
		{[]string{"a", "Default Policy"}, []string{"a"}},
	} {
		want := spec(c.order, c.names...)
		l.org.ResetCalls()
		l.apply(want)
		l.settled(want)
		live := orderedNames(l.raws("/api/v1/authorizationServers/default/policies"))
		at := -1
		for _, name := range c.order {
			i := slices.Index(live, name)
			if i <= at {
				t.Errorf("the order is %v, want %v", live, c.order)
			}
			at = i
		}
		system := named(l.raws("/api/v1/authorizationServers/default/policies"), "Default Policy")
		for _, call := range l.org.Calls() {
			if system.flag("system") && call.Method == "PUT" && strings.HasSuffix(call.Path, system.text("id")) {
				t.Errorf("the policy that Okta made was written")
			}
		}
	}
	_, _, err := l.tryPlan(spec([]string{"a", "nobody"}, "a"), reconcile.Policy{})
	if err == nil || !strings.Contains(err.Error(), `policy_order names "nobody"`) {
		t.Errorf("got %v", err)
	}
}

// A fixed one stays where it is, and the others go around it.
func TestReordered(t *testing.T) {
	for _, c := range []struct{ live, order, fixed, want string }{
		{"abc", "abc", "", "abc"}, {"abc", "cba", "", "cba"}, {"abS", "aSb", "S", "aSb"}, {"Sab", "abS", "S", "abS"},
		{"Sab", "baS", "S", "baS"}, {"aSb", "bSa", "S", "bSa"}, {"xSyab", "baS", "S", "xbaSy"}, {"ab", "aqb", "q", "ab"},
	} {
		got := strings.Join(reordered(strings.Split(c.live, ""), strings.Split(c.order, ""), c.fixed), "")
		if got != c.want {
			t.Errorf("%s in the order %s around %q is %s, want %s", c.live, c.order, c.fixed, got, c.want)
		}
		last := -1
		for _, name := range strings.Split(c.order, "") {
			if at := strings.Index(got, name); at >= 0 {
				if at < last {
					t.Errorf("%s is not in the order %s", got, c.order)
				}
				last = at
			}
		}
	}
}

// A rule that is to be inactive gives no token between two calls, wherever its making is cut off, and the next apply ends it.
func TestInactiveRuleGivesNothing(t *testing.T) {
	for cut := range 4 {
		t.Run(fmt.Sprint("cut at ", cut), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{NoDefaultPolicy: true})
			l.apply(l.service("neo4j_writer"))
			if err := l.org.DeleteRule("default", "neo4j-service-accounts", "client-credentials"); err != nil {
				t.Fatal(err)
			}
			blocks := l.serviceBlocks("neo4j_writer")
			put := func(name string, v reconcile.Value) { blocks[3].Blocks[0].Fields[name] = reconcile.Argument{Value: v} }
			put(attrStatus, txt(inactive))
			put(attrGrants, set(grantMachine))
			want := declare(t, blocks...)
			plan, index := l.plan(want, reconcile.Policy{})
			const rules = "/api/v1/authorizationServers/*/policies/*/rules"
			refused := oktatest.Fault{Status: 400, Body: `{"errorCode":"E0000003","errorSummary":"no"}`}
			switch cut {
			case 1:
				refused.Method, refused.Path = "POST", rules+"/*/lifecycle/deactivate"
			case 2:
				refused.Method, refused.Path = "PUT", rules+"/*"
			case 3:
				refused.Method, refused.Path, refused.After = "POST", rules, true
			}
			if cut > 0 {
				l.org.Fault(refused)
			}
			l.run(plan, index)
			l.org.ClearFaults()
			secret, _ := deliveredSecret(l.file(), formatEnv)
			app := l.mine("neo4j-etl")[0]
			as := login{method: methodBasic, clientID: app.text("credentials", "oauthClient", "client_id"), secret: secret}
			if _, err := l.sys.client.token(context.Background(), "default", as, []string{"neo4j_groups"}); !isCode(err, "access_denied") {
				t.Errorf("a token came, or %v", err)
			}
			l.apply(want)
			l.settled(want)
			policy := l.named("policies", "neo4j-service-accounts")
			rule := l.raws("/api/v1/authorizationServers/default/policies/" + policy.text("id") + "/rules")[0]
			if rule.text("status") != inactive || !same(rule.at("conditions", "grantTypes", "include"), set(grantMachine)) {
				t.Errorf("the rule is %v", rule)
			}
		})
	}
}

// An org behind a custom domain issues tokens under another name than the one that it is called by: what the server says of itself counts.
func TestCustomDomain(t *testing.T) {
	l := newLab(t, &oktatest.Server{PublicURL: "https://id.example.com"})
	want := append(l.service("neo4j_writer"), reconcile.Object{Addr: at(kindServer, "default"), Reference: true})
	for i := range 250 {
		l.other(i) // the next page's link is one of the other name
	}
	l.apply(want)
	l.settled(want)
	p, e := l.prove(want)
	if p.Passed() != len(l.sys.Hops()) || e.Issuer != "https://id.example.com/oauth2/default" {
		t.Errorf("issuer %s:\n%s", e.Issuer, proofText(p))
	}
}

// The default server is one object by its alias and by its id.
func TestDefaultByID(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	id := l.raws("/api/v1/authorizationServers")[0].text("id")
	l.apply(declare(t, block("scope", "s", args{attrServer: txt(defaultServer)})))
	l.settled(declare(t, block("scope", "s", args{attrServer: txt(id)})))
}
