package okta

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// prove walks the hops of the service account over what the spec wants.
func (l *lab) prove(want []reconcile.Object) (reconcile.Proof, reconcile.Evidence) {
	l.t.Helper()
	live, _ := l.drift(want)
	return l.proveState(live.Objects)
}

func (l *lab) proveState(state []reconcile.Object) (reconcile.Proof, reconcile.Evidence) {
	l.t.Helper()
	accounts := l.sys.Accounts(state)
	if len(accounts) != 1 {
		l.t.Fatalf("accounts are %v", accounts)
	}
	var e reconcile.Evidence
	p := reconcile.Proof{Account: accounts[0]}
	l.sys.Prove(context.Background(), accounts[0], state, &e, func(h reconcile.Hop) { p.Hops = append(p.Hops, h) })
	return p, e
}

func proofText(p reconcile.Proof) string {
	var b strings.Builder
	for _, h := range p.Hops {
		fmt.Fprintf(&b, "%-4s %-9s %s\n", h.Status, h.Name, h.Text)
		for _, more := range [][2]string{{"expected", h.Expected}, {"came", h.Came}, {"likely", strings.Join(h.Likely, "; ")}, {"see", h.See}} {
			if more[1] != "" {
				fmt.Fprintf(&b, "       %s %s\n", more[0], more[1])
			}
		}
	}
	return b.String()
}

func TestProve(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("neo4j_writer", "neo4j_reader")
	l.apply(want)
	p, e := l.prove(want)
	if _, broken := p.Broken(); broken || p.Passed() != len(l.sys.Hops()) {
		t.Fatalf("broken:\n%s", proofText(p))
	}
	if e.Token.IsZero() || e.Issuer != l.org.URL+"/oauth2/default" || !same(e.Claims["groups"], set("neo4j_reader", "neo4j_writer")) {
		t.Errorf("evidence is %+v", e)
	}
}

func TestProveFindsTheBrokenHop(t *testing.T) {
	tests := []struct {
		name, hop, says string
		breaks          func(*lab) error
	}{
		{"app inactive", "client", "INACTIVE", func(l *lab) error {
			return l.org.EditApp("neo4j-etl", func(app map[string]any) { app["status"] = "INACTIVE" })
		}},
		{"dpop", "client", "DPoP", func(l *lab) error {
			return l.org.EditApp("neo4j-etl", func(app map[string]any) {
				app["settings"].(map[string]any)["oauthClient"].(map[string]any)["dpop_bound_access_tokens"] = true
			})
		}},
		{"no file", "token", "lives elsewhere", func(l *lab) error { return os.Remove(l.file()) }},
		{"wrong secret", "token", "invalid_client", func(l *lab) error {
			return os.WriteFile(l.file(), []byte("OKTA_CLIENT_SECRET=wrong-wrong-wrong-wrong\n"), 0o600)
		}},
		{"scope lost", "policy", "does not give scope", func(l *lab) error {
			if err := l.org.EditRule("default", "neo4j-service-accounts", "client-credentials", func(r map[string]any) {
				r["conditions"].(map[string]any)["scopes"] = map[string]any{"include": []any{"openid"}}
			}); err != nil {
				return err
			}
			if err := l.org.EditClaim("default", "groups", func(c map[string]any) { c["conditions"] = map[string]any{"scopes": []any{}} }); err != nil {
				return err
			}
			return l.org.DeleteScope("default", "neo4j_groups")
		}},
		{"claim elsewhere", "claims", "tied to scopes", func(l *lab) error {
			return l.org.EditClaim("default", "groups", func(c map[string]any) { c["conditions"] = map[string]any{"scopes": []any{"profile"}} })
		}},
		{"group added", "claims", "neo4j_admin", func(l *lab) error {
			return l.org.EditApp("neo4j-etl", func(app map[string]any) {
				app["profile"] = map[string]any{"neo4j_groups": []any{"neo4j_writer", "neo4j_admin"}}
			})
		}},
		{"server inactive", "discovery", "switched off", func(l *lab) error {
			return l.org.EditServer("default", func(s map[string]any) { s["status"] = "INACTIVE" })
		}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, &oktatest.Server{})
			want := l.service("neo4j_writer")
			l.apply(want)
			live, _ := l.drift(want)
			if err := c.breaks(l); err != nil {
				t.Fatal(err)
			}
			p, _ := l.proveState(live.Objects)
			h, broken := p.Broken()
			if !broken || h.Name != c.hop || !strings.Contains(proofText(p), c.says) {
				t.Errorf("want FAIL at %s that says %q, got:\n%s", c.hop, c.says, proofText(p))
			}
		})
	}
}

func TestProveWithSecretFromEnvironment(t *testing.T) {
	for _, method := range []string{methodBasic, methodPost, methodJWT} {
		t.Run(method, func(t *testing.T) {
			l := newLab(t, &oktatest.Server{})
			blocks := l.serviceBlocks("neo4j_writer")
			blocks[0].Fields[attrMethod] = reconcile.Argument{Value: txt(method)}
			blocks[0].Blocks[0].Fields["env"] = reconcile.Argument{Value: txt("ETL_SECRET")}
			want := declare(t, blocks...)
			l.apply(want)
			secret, _ := deliveredSecret(l.file(), formatEnv)
			opened, err := reveal(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(l.file()); err != nil {
				t.Fatal(err)
			}
			l.sys = l.open(Options{Env: envOf(map[string]string{"OKTA_CLIENT_ORGURL": l.org.URL, "OKTA_CLIENT_TOKEN": canaryToken, "ETL_SECRET": opened})})
			if p, _ := l.prove(want); p.Passed() != len(l.sys.Hops()) {
				t.Errorf("broken:\n%s", proofText(p))
			}
		})
	}
}

func TestAccess(t *testing.T) {
	l := &lab{t: t, dir: t.TempDir()}
	s := &System{}
	change := func(edit func([]reconcile.Block)) []reconcile.Object {
		blocks := l.serviceBlocks("writer", "reader")
		edit(blocks)
		return declare(t, blocks...)
	}
	put := func(b reconcile.Block, name string, v reconcile.Value) { b.Fields[name] = reconcile.Argument{Value: v} }
	tests := []struct {
		name string
		edit func([]reconcile.Block)
		want string
	}{
		{"as it is", func([]reconcile.Block) {}, "reader writer"},
		{"app inactive", func(b []reconcile.Block) { put(b[0], "status", txt(inactive)) }, ""},
		{"other grant", func(b []reconcile.Block) { put(b[0], "grant_types", set("password")) }, ""},
		{"claim inactive", func(b []reconcile.Block) { put(b[2], "status", txt(inactive)) }, ""},
		{"claim in ID tokens", func(b []reconcile.Block) { put(b[2], "claim_type", txt(claimIdentity)) }, ""},
		{"claim tied elsewhere", func(b []reconcile.Block) { put(b[2], "scopes", set("other")) }, ""},
		{"claim tied to nothing", func(b []reconcile.Block) { delete(b[2].Fields, "scopes") }, "reader writer"},
		{"claim on another server", func(b []reconcile.Block) { put(b[2], "authorization_server", txt("aus1")) }, ""},
		{"claim of a longer expression", func(b []reconcile.Block) { put(b[2], "value", txt("app.profile.neo4j_groups + 'x'")) }, ""},
		{"policy inactive", func(b []reconcile.Block) { put(b[3], "status", txt(inactive)) }, ""},
		{"policy for others", func(b []reconcile.Block) { put(b[3], "clients", set("0oa1")) }, ""},
		{"policy for all", func(b []reconcile.Block) { put(b[3], "clients", set("ALL_CLIENTS")) }, "reader writer"},
		{"chosen id", func(b []reconcile.Block) {
			put(b[0], "client_id", txt("neo4j-etl"))
			put(b[3], "clients", set("neo4j-etl"))
		}, "reader writer"},
		{"rule inactive", func(b []reconcile.Block) {
			put(b[3].Blocks[0], "status", txt(inactive))
			put(b[3].Blocks[0], "grant_types", set(grantMachine))
		}, ""},
		{"rule for another grant", func(b []reconcile.Block) { put(b[3].Blocks[0], "grant_types", set("password")) }, ""},
		{"rule for all scopes", func(b []reconcile.Block) { put(b[3].Blocks[0], "scopes", set("*")) }, "reader writer"},
		{"claim of a text", func(b []reconcile.Block) { put(b[2], "value", txt(`"solo"`)) }, "solo"},
		{"claim of a text in single quotes", func(b []reconcile.Block) { put(b[2], "value", txt(`'so "lo'`)) }, `so "lo`},
		{"claim of an empty text", func(b []reconcile.Block) { put(b[2], "value", txt(`""`)) }, ""},
		{"claim of a text of two", func(b []reconcile.Block) { put(b[2], "value", txt(`"a" + "b"`)) }, "ab"},
		{"claim of a text with a doubled quote", func(b []reconcile.Block) { put(b[2], "value", txt(`"a""b"`)) }, `a"b`},
		{"claim of a text with a backslash", func(b []reconcile.Block) { put(b[2], "value", txt(`"a\tb"`)) }, ""},
		{"claim of groups named like a text", func(b []reconcile.Block) {
			put(b[2], "value", txt(`"solo"`))
			put(b[2], "value_type", txt(valueGroups))
			put(b[2], "group_filter_type", txt("EQUALS"))
		}, ""},
		{"one group as text", func(b []reconcile.Block) { put(b[0], "profile", reconcile.Map{"neo4j_groups": txt("solo")}) }, "solo"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			var groups []string
			for _, e := range s.Access(change(c.edit)) {
				if e.From != (reconcile.Node{Kind: reconcile.NodeAccount, Name: "neo4j-etl"}) || e.To.Kind != reconcile.NodeGroup || e.Via != at(kindApp, "neo4j-etl") && !(strings.HasPrefix(c.name, "claim of a text") && e.Via.Kind == kindClaim) {
					t.Errorf("edge is %+v", e)
				}
				groups = append(groups, e.To.Name)
			}
			if got := strings.Join(groups, " "); got != c.want {
				t.Errorf("groups are %q, want %q", got, c.want)
			}
		})
	}
}

// A claim that is one text says it, and names its own block; one that only Okta can compute says nothing.
func TestClaimsKnown(t *testing.T) {
	l := &lab{t: t, dir: t.TempDir()}
	for value, want := range map[string]string{
		"app.profile.neo4j_groups": "true [reader] app", ` "writer" `: "true [writer] claim", `'writer'`: "true [writer] claim", `""`: "true [] ",
		`"a" + "b"`: "true [ab] claim", `"a""b"`: `true [a"b] claim`, "app.clientId": "false [] ", "Groups.startsWith('x', 1)": "false [] ", "access.scope": "false [] ",
		`Arrays.add(app.profile.neo4j_groups, "x")`: "true [reader x] app",
	} {
		blocks := l.serviceBlocks("reader")
		blocks[2].Fields["value"] = reconcile.Argument{Value: txt(value)}
		tokens := slices.Collect((&System{}).Tokens(declare(t, blocks...)))
		if len(tokens) != 1 || len(tokens[0].Claims) != 1 {
			t.Fatalf("%s: tokens are %+v", value, tokens)
		}
		c, by := tokens[0].Claims[0], ""
		if len(c.At) > 0 {
			by = c.At[0].Addr.Kind
		}
		if got := fmt.Sprintf("%t %v %s", c.Known, c.Values, by); got != want {
			t.Errorf("%s: known, values and who says them are %q, want %q", value, got, want)
		}
	}
}

// What was read gives the same access as what the spec says.
func TestAccessOfLive(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("reader", "writer")
	l.apply(want)
	live, _ := l.drift(want)
	if got, should := fmt.Sprint(l.sys.Access(live.Objects)), fmt.Sprint(l.sys.Access(want)); got != should {
		t.Errorf("live %s, want %s", got, should)
	}
}

// A claim's value is compared where it can be known, and one that Okta alone can compute is said not to be. A claim of a second rule's scope is not asked for.
func TestProveClaims(t *testing.T) {
	for _, c := range []struct{ name, value, says string }{
		{"a text", `"prod"`, `stage = "prod"`},
		{"a text in single quotes", `'so "lo'`, `stage = "so \"lo"`},
		{"the client's id", "app.clientId", `stage = "0oa`},
		{"the app's id", "app.id", `stage = "0oa`},
		{"an expression", `app.label + "x"`, "not compared, since Okta alone can compute them: stage"},
		{"a scope that is not asked for", `"prod"`, "claims    groups = [\"neo4j_writer\"]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, &oktatest.Server{})
			blocks := l.serviceBlocks("neo4j_writer")
			stage := block("claim", "stage", args{"value": txt(c.value)})
			if strings.HasPrefix(c.name, "a scope") {
				stage = needs(block("claim", "stage", args{"value": txt(c.value), "scopes": set("extra")}), at("scope", "extra"))
				second := block("rule", "second", args{"scopes": set("extra")})
				blocks[3].Blocks = append(blocks[3].Blocks, second)
				blocks = append(blocks, block("scope", "extra", nil))
			}
			want := declare(t, append(blocks, stage)...)
			l.apply(want)
			p, _ := l.prove(want)
			if h, broken := p.Broken(); broken || !strings.Contains(proofText(p), c.says) {
				t.Errorf("want %q, broken %+v\n%s", c.says, h, proofText(p))
			}
		})
	}
}
