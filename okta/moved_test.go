package okta

import (
	"slices"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// graphSpec is a server with one of each kind, all named by the suffix, and a rule between two others.
func (l *lab) graphSpec(suffix string) []reconcile.Object {
	l.t.Helper()
	server := at(kindServer, "graph"+suffix)
	in := func(a args) args {
		a[attrServer] = reconcile.Ref{Addr: server, Attr: "id"}
		return a
	}
	rule := func(name string) reconcile.Block { return block(kindRule, name, args{attrScopes: set("openid")}) }
	policies := []string{"first" + suffix, "second"}
	return declare(l.t,
		block(kindServer, server.Name, args{"audiences": set("api://graph"), attrPolicyOrder: reconcile.List(texts(policies...))}),
		block(kindApp, "etl"+suffix, args{attrProfile: reconcile.Map{"g": reconcile.List(texts("x"))}}),
		needs(block(kindScope, "groups"+suffix, in(args{})), server),
		needs(block(kindClaim, "claim"+suffix, in(args{"value": txt("app.profile.g")})), server),
		needs(block(kindPolicy, policies[0], in(args{attrClients: reconcile.SetOf(reconcile.Ref{Addr: at(kindApp, "etl"+suffix), Attr: attrClientID})}),
			rule("a"), rule("b"+suffix), rule("c")), server, at(kindApp, "etl"+suffix)),
		needs(block(kindPolicy, policies[1], in(args{}), rule("r")), server),
	)
}

func (l *lab) ids(want []reconcile.Object) map[string]string {
	live, _ := l.drift(want)
	ids := map[string]string{}
	for _, o := range live.Objects {
		ids[strings.ReplaceAll(o.Addr.String(), "-new", "")] = textOf(o.Facts["id"])
	}
	return ids
}

// A moved block renames in place, everything at once, and the second plan is empty.
func TestMovedBlocksRename(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	old := l.graphSpec("")
	l.apply(old)
	before := l.ids(old)
	want := l.graphSpec("-new")
	for i, o := range want {
		if was, moved := strings.CutSuffix(o.Addr.Name, "-new"); moved {
			want[i].Formerly = []string{was}
		}
	}
	plan := l.apply(want)
	for _, s := range plan.Steps {
		if s.Change.Action() != reconcile.ActionUpdate {
			t.Errorf("%c %s, want only updates", s.Change.Action(), s.Change.Addr())
		}
	}
	if len(plan.Steps) != 5 { // a rule is renamed by its policy
		t.Errorf("%d steps, want 5:\n%s", len(plan.Steps), text(plan))
	}
	for _, c := range plan.Access {
		t.Errorf("a rename changes the access of %s", c.Account)
	}
	l.settled(want)
	after := l.ids(want)
	if len(after) != len(old) {
		t.Errorf("%d live, want %d", len(after), len(old))
	}
	for name, id := range after {
		if before[name] != id {
			t.Errorf("%s was %s and is %s: made anew", name, before[name], id)
		}
	}
	for i := range want {
		want[i].Formerly = nil
	}
	l.settled(want)
}

// A rename and a new order of rules and policies are one plan.
func TestMovedAndReordered(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.apply(l.graphSpec(""))
	want := l.graphSpec("-new")
	for i, o := range want {
		was, _ := strings.CutSuffix(o.Addr.Name, "-new")
		want[i].Formerly = []string{was}
		switch {
		case o.Addr.Name == "graph-new":
			want[i].Set(reconcile.Attr{Name: attrPolicyOrder, Value: reconcile.List(texts("second", "first-new"))})
		case o.Addr.Name == "first-new":
			want[i].Set(reconcile.Attr{Name: attrRuleOrder, Value: reconcile.List(texts("c", "b-new", "a"))})
		}
	}
	l.apply(want)
	l.settled(want)
}

func TestMovedErrors(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.apply(declare(t, block(kindScope, "a", nil), block(kindScope, "b", nil), block(kindScope, "used", nil),
		block(kindClaim, "user", args{"value": txt("app.clientId"), attrScopes: set("used")}), block(kindApp, "pinned", args{attrClientID: txt("chosen-one")})))
	moved := func(kind, name, formerly string, a args) reconcile.Object {
		o := declare(t, block(kind, name, a))[0]
		o.Formerly = strings.Fields(formerly)
		return o
	}
	ids := map[string]string{}
	for _, r := range l.raws("/api/v1/authorizationServers/default/scopes") {
		ids[r.text("name")] = r.text("id")
	}
	claim := declare(t, block(kindClaim, "user", args{"value": txt("app.clientId"), attrScopes: set("used")}))[0]
	for _, tt := range []struct {
		name string
		want []reconcile.Object
		says []string // of the first; nothing for none
	}{
		{"both live", []reconcile.Object{moved(kindScope, "b", "a", nil)}, []string{ids["a"], ids["b"], "both names"}},
		{"both live and declared", []reconcile.Object{moved(kindScope, "b", "a", nil), moved(kindScope, "a", "", nil)}, nil},
		{"declared too", []reconcile.Object{moved(kindScope, "c", "a", nil), moved(kindScope, "a", "", nil)}, []string{"okta.scope.a", `"a"`}},
		{"moved twice", []reconcile.Object{moved(kindScope, "c", "a", nil), moved(kindScope, "d", "a", nil)}, []string{"okta.scope.d"}},
		{"a chain of names", []reconcile.Object{moved(kindScope, "c", "between a", nil)}, nil},
		{"two names of a chain live", []reconcile.Object{moved(kindScope, "c", "b a", nil)}, []string{ids["a"], ids["b"], "two names"}},
		{"neither live", []reconcile.Object{moved(kindScope, "c", "nobody", nil)}, nil},
		{"a scope in use", []reconcile.Object{moved(kindScope, "c", "used", nil), claim}, []string{"claim user", "removed"}},
		{"another client id", []reconcile.Object{moved(kindApp, "new", "pinned", args{attrClientID: txt("chosen-two")})}, []string{"chosen-one"}},
		{"the default server", []reconcile.Object{moved(kindServer, "graph", "default", nil)}, []string{"default"}},
	} {
		live, err := l.sys.Read(t.Context(), tt.want)
		if err != nil {
			t.Fatal(err)
		}
		got := live.Unread[tt.want[0].Addr]
		if (got != nil) != (len(tt.says) > 0) {
			t.Errorf("%s: %v", tt.name, got)
			continue
		}
		for _, s := range tt.says {
			if !strings.Contains(got.Error(), s) {
				t.Errorf("%s: %v lacks %q", tt.name, got, s)
			}
		}
	}
	pinned := []reconcile.Object{moved(kindApp, "renamed", "somebody", args{attrClientID: txt("chosen-one")})}
	l.apply(pinned)
	if found := l.mine("renamed"); len(found) != 1 || !slices.Contains([]string{"chosen-one"}, found[0].text("credentials", "oauthClient", "client_id")) {
		t.Errorf("the chosen client id is not the app's identity: %v", found)
	}
	l.settled(pinned)
}
