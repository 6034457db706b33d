package okta

import (
	"flag"
	"os"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file in testdata. What differs from run to run (ports, ids, folders) is replaced first.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want := readFile(t, path); got != want {
		t.Errorf("%s:\n--- got\n%s--- want\n%s", path, got, want)
	}
}

func TestApplyConverges(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("neo4j_writer")
	plan := l.apply(want)
	golden(t, "create.plan", strings.ReplaceAll(text(plan), l.dir, "DIR"))
	l.settled(want)

	delivered := readFile(t, l.file())
	for _, key := range []string{"OKTA_DOMAIN=", "OKTA_CLIENT_ID=", "OKTA_CLIENT_SECRET=", "OKTA_SCOPE=neo4j_groups\n", "NEO4J_URI="} {
		if !strings.Contains(delivered, key) {
			t.Errorf("delivered file lacks %s", key)
		}
	}
	info, err := os.Stat(l.file())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("delivered file has mode %v, %v; want 0600", info.Mode(), err)
	}
	if _, err := os.Stat(pendingOf(l.file())); !os.IsNotExist(err) {
		t.Error("the pending secret is still there")
	}
}

func TestReadCostsWhatItMust(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("neo4j_writer")
	l.apply(want)
	l.org.ResetCalls()
	live, drift := l.drift(want)
	if n := drift.Count(reconcile.InSync); n != len(want) {
		t.Errorf("%d of %d in sync", n, len(want))
	}
	var made []string
	for _, c := range l.org.Calls() {
		if c.Method != "GET" || strings.Contains(c.Path, "secrets") {
			t.Errorf("a read made %s %s", c.Method, c.Path)
		}
		made = append(made, c.Path)
	}
	if len(made) != 5 { // apps, scopes, claims, policies, rules of one policy
		t.Errorf("a read made %d calls: %v", len(made), made)
	}
	total := 0
	for _, tally := range live.Target.Calls {
		total += tally.N
	}
	if total != len(made) {
		t.Errorf("it says %v, and made %d", live.Target.Calls, len(made))
	}
}

func TestUpdate(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.apply(l.service("neo4j_writer"))
	blocks := l.serviceBlocks("neo4j_admin", "neo4j_writer")
	blocks[1].Fields["description"] = reconcile.Argument{Value: txt("Groups for Neo4j")}
	blocks[2].Fields["status"] = reconcile.Argument{Value: txt(inactive)}
	blocks[3].Blocks[0].Fields["access_token_lifetime"] = reconcile.Argument{Value: txt("30m")}
	blocks[3].Blocks[0].Fields["grant_types"] = reconcile.Argument{Value: set("client_credentials")}
	blocks[3].Fields["status"] = reconcile.Argument{Value: txt(inactive)}
	want := declare(t, blocks...)
	plan := l.apply(want)
	golden(t, "update.plan", l.plain(text(plan)))
	l.settled(want)
}

// plain replaces what differs from run to run.
func (l *lab) plain(s string) string {
	for _, r := range append(l.raws("/api/v1/apps"), append(l.raws("/api/v1/authorizationServers/default/policies"),
		append(l.raws("/api/v1/authorizationServers/default/scopes"), l.raws("/api/v1/authorizationServers/default/claims")...)...)...) {
		name := r.text("label") + r.text("name")
		s = strings.ReplaceAll(s, r.text("id"), "ID-"+name)
	}
	for _, p := range l.raws("/api/v1/authorizationServers/default/policies") {
		for _, r := range l.raws("/api/v1/authorizationServers/default/policies/" + p.text("id") + "/rules") {
			s = strings.ReplaceAll(s, r.text("id"), "ID-"+r.text("name"))
		}
	}
	return strings.ReplaceAll(s, l.dir, "DIR")
}

func TestDestroy(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("neo4j_writer")
	l.apply(want)
	plan, index := l.plan(want, reconcile.Policy{Destroy: true})
	golden(t, "destroy.plan", l.plain(text(plan)))
	l.done(l.run(plan, index))
	live, _ := l.drift(want)
	if len(live.Objects) != 0 {
		t.Errorf("still there: %v", live.Objects)
	}
	again, _ := l.plan(want, reconcile.Policy{Destroy: true})
	if len(again.Steps) != 0 {
		t.Errorf("a second destroy has work:\n%s", text(again))
	}
}

func TestAuthorizationServer(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	server := at(kindServer, "graph")
	ref := reconcile.Ref{Addr: server, Attr: "id"}
	want := declare(t,
		block(kindServer, "graph", args{"audiences": set("api://graph"), "rotation_mode": txt("MANUAL")}),
		needs(block("scope", "graph.read", args{"authorization_server": ref}), server),
		needs(block("policy", "graph", args{"authorization_server": ref, "clients": set("ALL_CLIENTS")},
			block("rule", "first", args{"scopes": set("graph.read")}), block("rule", "second", args{"scopes": set("graph.read"), "status": txt(inactive), "grant_types": set(grantMachine)})), server))
	golden(t, "server.plan", text(l.apply(want)))
	l.settled(want)
	plan, index := l.plan(want, reconcile.Policy{Destroy: true})
	l.done(l.run(plan, index))
	if live, _ := l.drift(want); len(live.Objects) > 0 {
		t.Errorf("still there: %v", live.Objects)
	}
}

func TestDefaultServerIsProtected(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := []reconcile.Object{{Addr: at(kindServer, "default"), Reference: true}}
	live, _ := l.drift(want)
	if len(live.Objects) != 1 || live.Objects[0].Protected == "" {
		t.Fatalf("got %+v", live.Objects)
	}
	facts := live.Objects[0].Facts
	if facts["audience"] != txt("api://default") || facts["issuer"] != txt(l.org.URL+"/oauth2/default") {
		t.Errorf("facts are %v", facts)
	}
}

func TestRuleOrder(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	policy := func(names ...string) []reconcile.Object {
		var rules []reconcile.Block
		for _, n := range names {
			rules = append(rules, block("rule", n, args{"scopes": set("openid")}))
		}
		return declare(t, block("policy", "p", args{"clients": set("ALL_CLIENTS")}, rules...))
	}
	l.apply(policy("b", "d"))
	for _, names := range [][]string{{"a", "b", "c", "d", "e"}, {"e", "d", "c", "b", "a"}, {"b", "a", "e", "c", "d"}, {"f", "d", "b", "g", "a", "e", "c"}} {
		want := policy(names...)
		l.apply(want)
		l.settled(want)
		live, _ := l.drift(want)
		for _, o := range live.Objects {
			if o.Addr.Kind == kindPolicy {
				if got := reconcile.Texts(o.Get(attrRuleOrder)); strings.Join(got, "") != strings.Join(names, "") {
					t.Errorf("order is %v, want %v", got, names)
				}
			}
		}
	}
}
