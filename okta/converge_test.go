package okta

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// dice draws specs and live states. The same seed draws the same.
type dice struct{ *rand.Rand }

func (d dice) maybe(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

// some draws a part of a list, in a drawn order.
func some[T any](d dice, from ...T) []T {
	from = slices.Clone(from)
	d.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
	return from[:d.IntN(len(from)+1)]
}

// spec draws blocks. On names that a spec may own: a, b, c; the bystanders have others.
func (d dice) spec(dir string) []reconcile.Block {
	var blocks []reconcile.Block
	server := args{}
	var graph []reconcile.Addr
	if d.maybe(40) { // everything on a server of its own
		addr := at(kindServer, "graph")
		graph, server = []reconcile.Addr{addr}, args{attrServer: reconcile.Ref{Addr: addr, Attr: "id"}}
		blocks = append(blocks, block(kindServer, "graph", d.fill(args{}, args{
			"description": txt(pick(d, "one", "two")), "audiences": set(pick(d, "api://one", "two")), attrRotation: txt(pick(d, "AUTO", "MANUAL")), attrStatus: d.status()})))
	}
	apps, scopes := some(d, "a", "b", "c"), some(d, "s.a", "s.b", "s.c")
	for _, name := range apps {
		blocks = append(blocks, d.app(name, dir))
	}
	for _, name := range scopes {
		b := needs(block(kindScope, name, d.fill(maps.Clone(server), args{
			"display_name": txt(pick(d, "", "Shown")), "description": txt(pick(d, "", "said")), "consent": txt(pick(d, consentImplied, "FLEXIBLE")),
			"metadata_publish": txt(pick(d, allClients, "NO_CLIENTS")), "default": reconcile.Flag(d.maybe(50))})), graph...)
		if b.Text("consent", "") == consentImplied { // it does not go with optional, which somebody may have set
			b.Fields["optional"] = reconcile.Argument{Value: reconcile.Flag(false)}
		}
		blocks = append(blocks, b)
	}
	var held []reconcile.Addr
	for _, name := range scopes {
		held = append(held, at(kindScope, name))
	}
	for _, name := range some(d, "a", "b", "c") {
		a := d.fill(maps.Clone(server), args{attrScopes: set(some(d, scopes...)...), attrStatus: d.status()})
		a["value"] = txt(pick(d, "app.profile.g", "app.clientId", `"fixed"`))
		if d.maybe(30) {
			a[attrClaimType], a["always_include_in_token"] = txt(claimIdentity), reconcile.Flag(d.maybe(50))
		}
		if d.maybe(30) {
			a["value_type"], a["group_filter_type"], a["value"] = txt(valueGroups), txt(pick(d, "STARTS_WITH", "REGEX")), txt(pick(d, "neo4j_", ".*"))
		} else if d.maybe(60) {
			a["value_type"] = txt(valueExpr)
		} else {
			a["value_type"], a["group_filter_type"], a["value"] = txt(valueGroups), txt("EQUALS"), txt("x")
		}
		blocks = append(blocks, needs(block(kindClaim, name, a), append(held, graph...)...))
	}
	var policies []string
	for _, name := range some(d, "a", "b", "c") {
		policies = append(policies, name)
		blocks = append(blocks, d.policy(name, server, apps, scopes, append(held, graph...)))
	}
	if len(graph) > 0 && len(policies) > 1 && d.maybe(60) {
		blocks[0].Fields[attrPolicyOrder] = reconcile.Argument{Value: reconcile.List(texts(policies...))}
	}
	return blocks
}

func (d dice) status() reconcile.Value { return txt(pick(d, active, active, inactive)) }

// fill sets some of the optional attributes.
func (d dice) fill(a, optional args) args {
	for _, name := range slices.Sorted(maps.Keys(optional)) {
		if d.maybe(50) {
			a[name] = optional[name]
		}
	}
	return a
}

func (d dice) app(name, dir string) reconcile.Block {
	a := d.fill(args{}, args{
		attrProfile: reconcile.Map{"g": reconcile.List(texts(some(d, "x", "y", "z")...)), pick(d, "k", "l"): pick[reconcile.Value](d, txt("v"), reconcile.Int(7), reconcile.Null{})},
		attrMethod:  txt(pick(d, methodBasic, methodPost, methodJWT)), attrStatus: d.status(), attrDPoP: reconcile.Flag(false), "consent_method": txt(pick(d, "TRUSTED", consentNeeded)),
		attrGrants: set(append(some(d, "implicit", "password"), grantMachine)...), attrNotes: reconcile.Map{"admin": txt(pick(d, "n1", "n2"))},
		attrNetwork: reconcile.Map{"connection": txt("ANYWHERE")}, attrClientID: txt("chosen-" + name),
	})
	keyed := d.maybe(20)
	if keyed {
		a[attrMethod], a[attrKeysURI] = txt(methodKey), txt(pick(d, "https://e.example/one", "https://e.example/two"))
	}
	b := block(kindApp, name, a)
	if d.maybe(30) && !keyed {
		b.Blocks = append(b.Blocks, block(attrSecret, "", args{"file": txt(dir + "/" + name + ".env")}))
	}
	return b
}

func (d dice) policy(name string, server args, apps, scopes []string, above []reconcile.Addr) reconcile.Block {
	clients := []reconcile.Value{}
	for _, app := range some(d, apps...) {
		clients = append(clients, reconcile.Ref{Addr: at(kindApp, app), Attr: attrClientID})
		above = append(slices.Clone(above), at(kindApp, app))
	}
	if d.maybe(15) {
		clients = []reconcile.Value{txt(allClients)}
	}
	a := d.fill(maps.Clone(server), args{"description": txt(pick(d, "one", "two")), attrStatus: d.status(), attrClients: reconcile.SetOf(clients...)})
	var rules []reconcile.Block
	for _, rule := range some(d, "r1", "r2", "r3") {
		r := d.fill(args{attrScopes: set(append(some(d, scopes...), "openid")...)}, args{
			attrLifetime: txt(pick(d, "5m0s", "1h0m0s")), attrGroups: set(everyone), attrExcludedUsers: set(some(d, "00u1", "00u2")...)})
		if d.maybe(40) {
			r[attrLifetime], r[attrRefresh], r[attrWindow] = txt(pick(d, "5m0s", "1h0m0s")), txt(pick(d, "0s", "240h0m0s")), txt(pick(d, "1h0m0s", "24h0m0s"))
		}
		if d.maybe(50) {
			r[attrGrants] = set(append(some(d, "password", "implicit"), grantMachine)...)
			r[attrStatus] = d.status()
		}
		rules = append(rules, block(kindRule, rule, r))
	}
	return needs(block(kindPolicy, name, a, rules...), above...)
}

// everything is the org's state, by kind, server, policy and name.
func (l *lab) everything() map[string]raw {
	all := map[string]raw{}
	put := func(prefix string, rs []raw) {
		for _, r := range rs {
			delete(r, "_links")
			delete(r, "lastUpdated")
			if r.text("label") != "" {
				all[prefix+r.text("label")] = r
				continue
			}
			delete(r, "priority")
			all[prefix+r.text("name")+r.text("claimType")] = r
		}
	}
	put("app ", l.raws("/api/v1/apps"))
	servers := l.raws("/api/v1/authorizationServers")
	put("authorization_server ", servers)
	for _, server := range servers {
		path := "/api/v1/authorizationServers/" + server.text("id")
		name := server.text("name") + " "
		put("scope "+name, l.raws(path+"/scopes"))
		put("claim "+name, l.raws(path+"/claims"))
		policies := l.raws(path + "/policies")
		put("policy "+name, policies)
		for _, p := range policies {
			put("rule "+name+p.text("name")+" ", l.raws(path+"/policies/"+p.text("id")+"/rules"))
		}
	}
	return all
}

// place is an object's key in everything.
func place(o reconcile.Object) string {
	server := defaultServer
	if _, ref := o.Get(attrServer).(reconcile.Ref); ref {
		server = "graph"
	}
	switch o.Addr.Kind {
	case kindApp, kindServer:
		return o.Addr.Kind + " " + o.Addr.Name
	case kindRule:
		policy := strings.TrimPrefix(o.Addr.Parent, "policy.")
		return "rule SERVER " + policy + " " + o.Addr.Name
	}
	return o.Addr.Kind + " " + server + " " + o.Addr.Name + o.TextAttr("claim_type")
}

// bystanders are objects of others, made of what Okta knows and Keymaker does not manage too.
func (l *lab) bystanders() {
	l.t.Helper()
	make := func(path string, object map[string]any) string {
		id, err := l.org.Create(path, object)
		if err != nil {
			l.t.Fatal(err)
		}
		return id
	}
	app := make("/api/v1/apps", map[string]any{"name": "oidc_client", "label": "bystander", "signOnMode": "OPENID_CONNECT", "profile": map[string]any{"g": []any{"x"}},
		"credentials": map[string]any{"oauthClient": map[string]any{"token_endpoint_auth_method": methodPost}},
		"settings":    map[string]any{"oauthClient": map[string]any{"application_type": "service", "grant_types": []any{grantMachine}, "response_types": []any{"token"}}}})
	const server = "/api/v1/authorizationServers/default"
	make(server+"/scopes", map[string]any{"name": "bystander", "consent": "FLEXIBLE", "optional": true})
	make(server+"/claims", map[string]any{"name": "bystander", "claimType": "RESOURCE", "valueType": valueExpr, "value": "app.profile.g", "conditions": map[string]any{"scopes": []any{"bystander"}}})
	policy := make(server+"/policies", map[string]any{"type": "OAUTH_AUTHORIZATION_POLICY", "name": "bystander", "description": "d", "conditions": map[string]any{"clients": map[string]any{"include": []any{app}}}})
	make(server+"/policies/"+policy+"/rules", map[string]any{"type": "RESOURCE_ACCESS", "name": "bystander",
		"conditions": map[string]any{"grantTypes": map[string]any{"include": []any{grantMachine}}, "scopes": map[string]any{"include": []any{"bystander"}}}})
}

// converges applies a drawn spec to an org in a drawn state, and looks that the plan is empty afterwards and that only what the spec says has changed.
func converges(t *testing.T, seed uint64) {
	d := dice{rand.New(rand.NewPCG(seed, 1))}
	l := newLab(t, &oktatest.Server{NoDefaultPolicy: d.maybe(30), DPoPOmittedKeeps: d.maybe(50), DropProfileNulls: d.maybe(50)})
	l.bystanders()
	first := declare(t, d.spec(l.dir)...)
	l.apply(first)
	l.settled(first)
	l.meddle(d, first)
	before := l.everything()
	want := declare(t, d.spec(l.dir)...)
	plan, index, err := l.tryPlan(want, reconcile.Policy{})
	if err != nil {
		if strings.Contains(err.Error(), "a client id cannot be changed") { // the two specs chose differently; there is nothing to converge
			return
		}
		t.Fatal(err)
	}
	l.done(l.run(plan, index))
	l.settled(want)
	if t.Failed() {
		t.Log(text(plan))
		return
	}
	l.unchanged(before, l.everything(), want)
}

// meddle changes what a spec made behind its back.
func (l *lab) meddle(d dice, made []reconcile.Object) {
	l.t.Helper()
	for _, o := range made {
		if !d.maybe(40) {
			continue
		}
		server := defaultServer
		if _, ref := o.Get(attrServer).(reconcile.Ref); ref {
			server = "graph"
		}
		var err error
		switch o.Addr.Kind {
		case kindApp:
			err = l.org.EditApp(o.Addr.Name, func(app map[string]any) {
				app["profile"] = map[string]any{"g": []any{"z"}, "foreign": map[string]any{"deep": []any{1, nil}}}
				client := app["settings"].(map[string]any)["oauthClient"].(map[string]any)
				client["dpop_bound_access_tokens"], client["client_uri"] = d.maybe(50), "https://example.com/"
				app["status"] = pick(d, active, inactive)
			})
		case kindRule:
			policy := strings.TrimPrefix(o.Addr.Parent, "policy.")
			if _, ref := index(made)[policyOf(o)].Get(attrServer).(reconcile.Ref); ref {
				server = "graph"
			}
			err = l.org.EditRule(server, policy, o.Addr.Name, func(r map[string]any) {
				r["status"], r["priority"] = pick(d, active, inactive), 1
				r["conditions"].(map[string]any)["scopes"] = map[string]any{"include": []any{"*"}}
				r["actions"] = map[string]any{"token": map[string]any{"accessTokenLifetimeMinutes": 7, "refreshTokenLifetimeMinutes": 0, "refreshTokenWindowMinutes": 20000, "inlineHook": map[string]any{"id": "cal1"}}}
			})
		case kindScope:
			err = l.org.EditScope(server, o.Addr.Name, func(s map[string]any) { s["consent"], s["optional"] = "FLEXIBLE", true })
		case kindClaim:
			err = l.org.EditClaim(server, o.Addr.Name, func(c map[string]any) {
				c["value"], c["status"], c["conditions"] = "app.id", inactive, map[string]any{"scopes": []any{}}
			})
		case kindPolicy:
			err = l.org.EditPolicy(server, o.Addr.Name, func(p map[string]any) {
				p["conditions"] = map[string]any{"clients": map[string]any{"include": []any{allClients}}}
				p["status"], p["priority"] = pick(d, active, inactive), 1
			})
			if err == nil && d.maybe(50) {
				l.foreignRule(server, o.Addr.Name)
			}
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

// foreignRule is one that others put among the rules of a policy that the spec declares.
func (l *lab) foreignRule(server, policy string) {
	l.t.Helper()
	for _, s := range l.raws("/api/v1/authorizationServers") {
		path := "/api/v1/authorizationServers/" + s.text("id") + "/policies"
		if one := named(l.raws(path), policy); s.text("name") == server && one != nil {
			if _, err := l.org.Create(path+"/"+one.text("id")+"/rules", map[string]any{"type": "RESOURCE_ACCESS", "name": "foreign", "priority": 1,
				"conditions": map[string]any{"grantTypes": map[string]any{"include": []any{grantMachine}}, "scopes": map[string]any{"include": []any{"openid"}}}}); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

// unchanged demands that what was there is as it was, but for the attributes that the wants set.
func (l *lab) unchanged(before, after map[string]raw, want []reconcile.Object) {
	l.t.Helper()
	managed := map[string]reconcile.Object{}
	for _, o := range want {
		server := defaultServer
		if _, ref := index(want)[policyOf(o)].Get(attrServer).(reconcile.Ref); ref {
			server = "graph"
		}
		managed[strings.Replace(place(o), "SERVER", server, 1)] = o
	}
	for key, was := range before {
		is, ok := after[key]
		if !ok {
			l.t.Errorf("%s is gone", key)
			continue
		}
		if o, ok := managed[key]; ok {
			hide(o, was)
			hide(o, is)
		}
		a, _ := encodePlain(was)
		b, _ := encodePlain(is)
		if string(a) != string(b) {
			l.t.Errorf("%s was changed:\n%s\n%s", key, a, b)
		}
	}
}

// hide takes out what a want manages.
func hide(o reconcile.Object, r raw) {
	delete(r, "status") // a drawn spec that sets it is checked by the empty plan
	delete(r, "credentials.signing.lastRotated")
	for _, a := range o.Attrs {
		w, ok := wireOf(o.Addr.Kind, a.Name)
		if !ok {
			continue
		}
		if m, ok := a.Value.(reconcile.Map); ok && w.form == formJSON {
			for k := range m {
				forget(r, append(slices.Clone(w.path), k)...)
			}
			if owned, ok := r.plain(w.path...).(map[string]any); ok && len(owned) == 0 {
				forget(r, w.path...)
			}
			continue
		}
		forget(r, w.path...)
		if a.Name == attrRotation {
			forget(r, "credentials", "signing", "nextRotation")
		}
		if a.Name == "value_type" { // only groups have a filter
			forget(r, "group_filter_type")
		}
		if a.Name == attrGroups { // people.groups is there or not with its only member
			forget(r, "conditions", "people", "groups")
		}
	}
}

func forget(r raw, path ...string) {
	if m, ok := r.plain(path[:len(path)-1]...).(map[string]any); ok {
		delete(m, path[len(path)-1])
	}
	if len(path) == 1 {
		delete(r, path[0])
	}
}

func TestConverges(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			converges(t, seed)
		})
	}
}

func FuzzConverges(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) { converges(t, seed) })
}
