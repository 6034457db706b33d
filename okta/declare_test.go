package okta

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

func TestDeclareMistakes(t *testing.T) {
	rule := func(a args) reconcile.Block { return block("rule", "r", a) }
	ref := reconcile.Ref{Addr: at("app", "x"), Attr: "id"}
	tests := []struct {
		name  string
		block reconcile.Block
		want  string // part of the summary or the detail; "" when the block is right
	}{
		{"plain app", block("app", "etl", nil), ""},
		{"label too long", block("app", "etl", args{"label": txt(strings.Repeat("x", 101))}), "1 to 100 characters"},
		{"label of 100", block("app", "etl", args{"label": txt(strings.Repeat("ü", 100))}), ""},
		{"label unknown", block("app", "etl", args{"label": ref}), "known when the plan is made"},
		{"label with space", block("app", "etl", args{"label": txt("etl ")}), "begins or ends with a space"},
		{"client id short", block("app", "etl", args{"client_id": txt("short")}), "6 to 100"},
		{"client id of all", block("app", "etl", args{"client_id": txt("ALL_CLIENTS")}), "every client"},
		{"client id with slash", block("app", "etl", args{"client_id": txt("neo4j/etl")}), "does not fit"},
		{"client id", block("app", "etl", args{"client_id": txt("neo4j-etl_1.$+!*'(),")}), ""},
		{"dpop", block("app", "etl", args{"dpop_bound_access_tokens": reconcile.Flag(true)}), "DPoP"},
		{"grants", block("app", "etl", args{"grant_types": set("password")}), "without client_credentials"},
		{"profile is text", block("app", "etl", args{"profile": txt("x")}), "map of attributes"},
		{"profile is large", block("app", "etl", args{"profile": reconcile.Map{"a": txt(strings.Repeat("x", 1<<20))}}), "about 1 MB"},
		{"no authentication", block("app", "etl", args{"token_endpoint_auth_method": txt("none")}), "does not authenticate"},
		{"key method without keys", block("app", "etl", args{"token_endpoint_auth_method": txt("private_key_jwt")}), "Add a key block, or set jwks"},
		{"two key sources", block("app", "etl", args{"jwks": keySet("n"), "jwks_uri": txt("https://x")}), "not both"},
		{"private key", block("app", "etl", args{"jwks": keySet("d")}), "public half only"},
		{"key without kid", block("app", "etl", args{"jwks": reconcile.Map{"keys": reconcile.List{reconcile.Map{"kty": txt("RSA"), "n": txt("x"), "e": txt("AQAB")}}}}), "has a kid"},
		{"kid twice", block("app", "etl", args{"jwks": reconcile.Map{"keys": reconcile.List{reconcile.Map{"kid": txt("a")}, reconcile.Map{"kid": txt("a")}}}}), "Rename one"},
		{"no key set", block("app", "etl", args{"jwks": txt("x")}), "JWK set"},
		{"secret without file", block("app", "etl", nil, block("secret", "", args{"file": txt("")})), "file names the file"},
		{"secret with bad env", block("app", "etl", nil, block("secret", "", args{"file": txt("a"), "env": txt("1A")})), "environment variable"},
		{"secret of key app", block("app", "etl", args{"token_endpoint_auth_method": txt("private_key_jwt"), "jwks_uri": txt("https://x")}, block("secret", "", args{"file": txt("a")})), "no client secret"},
		{"server", block(kindServer, "graph", args{"audiences": set("api://graph")}), ""},
		{"two audiences", block(kindServer, "graph", args{"audiences": set("a", "b")}), "exactly one audience"},
		{"bad audience", block(kindServer, "graph", args{"audiences": set("graph:x")}), "must be a URL"},
		{"scope", block("scope", "neo4j_groups", nil), ""},
		{"reserved scope", block("scope", "openid", nil), "of its own"},
		{"Okta's scope", block("scope", "okta.users.read", nil), "Okta's own"},
		{"scope with space", block("scope", "a b", nil), "printable ASCII"},
		{"scope with quote", block("scope", "x", args{"name": txt(`a"b`)}), "printable ASCII"},
		{"scope with umlaut", block("scope", "ü", nil), "printable ASCII"},
		{"scope with brackets", block("scope", "<a>", nil), "both < and >"},
		{"star", block("scope", "*", nil), "no name of a scope"},
		{"scope for users", block("scope", "a", args{"consent": txt("REQUIRED")}), "consent_required"},
		{"optional scope", block("scope", "a", args{"optional": reconcile.Flag(true)}), "Optional scope"},
		{"scope in a path", block("scope", "a", args{"authorization_server": txt("../apps")}), "no id"},
		{"claim", block("claim", "groups", args{"value": txt("app.profile.x")}), ""},
		{"reserved claim", block("claim", "sub", args{"value": txt("app.id")}), "of its own"},
		{"empty claim", block("claim", "groups", args{"value": txt(" ")}), "Empty claim"},
		{"groups claim", block("claim", "groups", args{"value": txt("x"), "value_type": txt("GROUPS")}), "needs group_filter_type"},
		{"filter without groups", block("claim", "groups", args{"value": txt("x"), "group_filter_type": txt("EQUALS")}), "belongs to value_type"},
		{"user claim", block("claim", "groups", args{"value": txt("user.email")}), "has no user"},
		{"resource claim", block("claim", "groups", args{"value": txt("x"), "always_include_in_token": reconcile.Flag(false)}), "Always in access tokens"},
		{"policy", block("policy", "p", nil, rule(args{"scopes": set("openid")})), ""},
		{"policy for all and one", block("policy", "p", args{"clients": set("ALL_CLIENTS", "0oa1")}), "stands alone"},
		{"long description", block("policy", "p", args{"description": txt(strings.Repeat("x", 256))}), "1 to 255"},
		{"rule order", block("policy", "p", args{"rule_order": reconcile.List{txt("r")}}), "order of the rule blocks"},
		{"rule twice", block("policy", "p", nil, rule(nil), rule(nil)), "two rules"},
		{"lifetime", block("policy", "p", nil, rule(args{"access_token_lifetime": txt("5m")})), ""},
		{"short lifetime", block("policy", "p", nil, rule(args{"access_token_lifetime": txt("4m")})), "5m to 24h"},
		{"long lifetime", block("policy", "p", nil, rule(args{"access_token_lifetime": txt("24h1m")})), "5m to 24h"},
		{"seconds", block("policy", "p", nil, rule(args{"access_token_lifetime": txt("90s")})), "whole number of minutes"},
		{"no duration", block("policy", "p", nil, rule(args{"access_token_lifetime": txt("1 hour")})), "whole number of minutes"},
		{"refresh", block("policy", "p", nil, rule(args{"access_token_lifetime": txt("1h"), "refresh_token_lifetime": txt("30m")})), "at least as long"},
		{"endless refresh", block("policy", "p", nil, rule(args{"access_token_lifetime": txt("1h"), "refresh_token_lifetime": txt("0s")})), ""},
		{"window", block("policy", "p", nil, rule(args{"refresh_token_window": txt("5m")})), "10m to 43800h"},
		{"unknown kind", block("group", "p", nil), "Okta has no"},
		{"derived attribute", block("app", "etl", args{attrKeyDelivery: txt(delivered)}), "inner blocks say"},
		{"unknown note", block("app", "etl", args{attrNotes: reconcile.Map{"user": txt("x")}}), "admin and enduser"},
		{"empty note", block("app", "etl", args{attrNotes: reconcile.Map{"admin": txt("")}}), "Write null"},
		{"notes", block("app", "etl", args{attrNotes: reconcile.Map{"admin": reconcile.Null{}, "enduser": txt("x")}}), ""},
		{"network is text", block("app", "etl", args{attrNetwork: txt("ZONE")}), "network is a map"},
		{"network connection", block("app", "etl", args{attrNetwork: reconcile.Map{"connection": txt("HOME")}}), "ANYWHERE or ZONE"},
		{"network member", block("app", "etl", args{attrNetwork: reconcile.Map{"zone": txt("nzo1")}}), "include and exclude"},
		{"network zones", block("app", "etl", args{attrNetwork: reconcile.Map{"include": txt("nzo1")}}), "list of ids"},
		{"anywhere in a zone", block("app", "etl", args{attrNetwork: reconcile.Map{"connection": txt("ANYWHERE"), "include": reconcile.List(texts("nzo1"))}}), "has no zones"},
		{"zone", block("app", "etl", args{attrNetwork: reconcile.Map{"connection": txt("ZONE"), "include": reconcile.List(texts("nzo1"))}}), ""},
		{"key", block("app", "etl", nil, block(attrKey, "", args{"file": txt("a.pem")})), ""},
		{"key without file", block("app", "etl", nil, block(attrKey, "", args{"file": txt("")})), "PEM file"},
		{"key and secret method", block("app", "etl", args{attrMethod: txt(methodPost)}, block(attrKey, "", args{"file": txt("a.pem")})), "private_key_jwt"},
		{"key and keys", block("app", "etl", args{attrKeysURI: txt("https://x")}, block(attrKey, "", args{"file": txt("a.pem")})), "adds its public half"},
		{"key and secret", block("app", "etl", nil, block(attrKey, "", args{"file": txt("a.pem")}), block(attrSecret, "", args{"file": txt("a.env")})), "has no client secret"},
		{"key over env file", block("app", "etl", nil, block(attrKey, "", args{"file": txt("a.pem"), "env_file": txt("a.pem")})), "written over the key"},
		{"policy order twice", block(kindServer, "g", args{attrPolicyOrder: reconcile.List(texts("a", "a"))}), "has \"a\" twice"},
		{"policy order unknown", block(kindServer, "g", args{attrPolicyOrder: reconcile.List{ref}}), "must be known"},
		{"inactive rule", block("policy", "p", nil, rule(args{"status": txt(inactive)})), "Write grant_types out"},
		{"everyone and some", block("policy", "p", nil, rule(args{attrGroups: set(everyone, "00g1")})), "EVERYONE stands alone"},
		{"machines in groups", block("policy", "p", nil, rule(args{attrGroups: set("00g1")})), "has no user"},
		{"machines as users", block("policy", "p", nil, rule(args{attrUsers: set("00u1")})), "has no user"},
		{"people", block("policy", "p", nil, rule(args{attrGroups: set("00g1"), attrGrants: set("password")})), ""},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			objects, diags := Language{}.Declare(c.block)
			if c.want == "" {
				if len(diags) > 0 || len(objects) == 0 {
					t.Errorf("got %v", diags)
				}
				return
			}
			if len(diags) == 0 || !strings.Contains(diags.Error()+diags[0].Detail, c.want) {
				t.Fatalf("got %v, want one that says %q", diags, c.want)
			}
			for _, d := range diags {
				if d.Subject == nil || d.Subject.Filename == "" || !strings.HasSuffix(d.Detail, ".") {
					t.Errorf("diagnostic without a place or a sentence: %+v", d)
				}
				if d.Severity == hcl.DiagError && objects != nil {
					t.Error("a wrong block gave objects")
				}
			}
		})
	}
}

func keySet(member string) reconcile.Value {
	return reconcile.Map{"keys": reconcile.List{reconcile.Map{"kty": txt("RSA"), "kid": txt("k"), member: txt("AQAB"), "e": txt("AQAB")}}}
}

func TestDeclareDefaults(t *testing.T) {
	app := declare(t, block("app", "etl", nil))[0]
	if len(app.Attrs) != 2 || app.Get(attrDPoP) != reconcile.Flag(false) || app.Get(attrLabel) != txt("etl") {
		t.Errorf("an app manages %v", app.Attrs)
	}
	if len(app.Notes) != 1 || !strings.Contains(app.Notes[0].Text, "nobody receives it") {
		t.Errorf("notes are %v", app.Notes)
	}
	ref := reconcile.Ref{Addr: at(kindServer, "default"), Attr: "id"}
	scope := declare(t, block("scope", "a", args{"authorization_server": ref}))[0]
	if scope.Get(attrServer) != txt("default") {
		t.Errorf("the default server is %v", scope.Get(attrServer))
	}
	objects := declare(t, block("policy", "p", nil, block("rule", "b", args{"access_token_lifetime": txt("60m")}), block("rule", "a", nil)))
	if len(objects) != 3 || objects[1].Addr.String() != "okta.policy.p.rule.b" || objects[1].Get(attrLifetime) != txt("1h0m0s") {
		t.Fatalf("got %v", objects)
	}
	if got := objects[0].Get(attrRuleOrder).String(); got != `["b", "a"]` {
		t.Errorf("order is %s", got)
	}
	if policyOf(objects[2]) != objects[0].Addr {
		t.Errorf("the rule's policy is %s", policyOf(objects[2]))
	}
}

// Every attribute that goes to Okta is a field of its kind, but for what Keymaker itself adds.
func TestWiresAreFields(t *testing.T) {
	kinds := Language{}.Kinds()
	kinds = append(kinds, ruleKind())
	for _, k := range kinds {
		for _, w := range wires[k.Name] {
			if _, ok := k.Field(w.attr); !ok {
				t.Errorf("%s.%s is no field", k.Name, w.attr)
			}
		}
		for _, f := range k.Fields {
			_, ok := wireOf(k.Name, f.Name)
			if !ok && !slices.Contains([]string{attrStatus, attrServer, attrRuleOrder, attrPolicyOrder, attrSecret, attrDelivery, attrKey, attrKeyDelivery}, f.Name) {
				t.Errorf("field %s.%s goes nowhere", k.Name, f.Name)
			}
			if f.Doc == "" {
				t.Errorf("field %s.%s has no doc", k.Name, f.Name)
			}
		}
	}
}

func FuzzCheckScope(f *testing.F) {
	for _, s := range []string{"neo4j_groups", "okta.x", "a b", "<>", "", "*", "ü", "a\x00b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if checkScope(s) == nil && strings.ContainsAny(s, " \"\\\n\x00") {
			t.Errorf("%q is taken", s)
		}
	})
}

func FuzzResolvePath(f *testing.F) {
	for _, s := range []string{"0oa1", "..", ".", "a/b", "a?b", "%2e%2e", "a b", "ü", "#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path, err := resolvePath([]reconcile.Value{reconcile.Text("api"), reconcile.Text(s), reconcile.Text("end")}, func(reconcile.Ref) (reconcile.Value, bool) { return nil, false })
		if err == nil && (strings.Count(path, "/") != 3 || strings.ContainsAny(path, "?# ") || !strings.HasSuffix(path, "/end")) {
			t.Errorf("%q makes the path %s", s, path)
		}
	})
}
