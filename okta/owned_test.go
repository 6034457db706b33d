package okta

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

func owning(kind, match string) reconcile.Own {
	return reconcile.Own{System: systemName, Kind: kind, Match: match}
}

// extra is what an own block matches.
func (l *lab) extra(own reconcile.Own, want []reconcile.Object) []reconcile.Object {
	l.t.Helper()
	extra, err := l.sys.Owned(own, want)
	if err != nil {
		l.t.Fatal(err)
	}
	return extra
}

func addrsOf(objects []reconcile.Object) []string {
	var addrs []string
	for _, o := range objects {
		addrs = append(addrs, o.Addr.String())
	}
	return addrs
}

// strays are objects of earlier specs, beside one declared one of each kind.
func (l *lab) strays() (want []reconcile.Object) {
	l.t.Helper()
	blocks := func(name string) []reconcile.Block {
		return []reconcile.Block{
			block(kindApp, name, nil), block(kindScope, name, nil), block(kindClaim, name, args{"value": txt("app.clientId"), attrScopes: set(name)}),
			block(kindPolicy, name, args{attrClients: reconcile.SetOf(reconcile.Ref{Addr: at(kindApp, name), Attr: attrClientID})}, block(kindRule, "r", args{attrScopes: set(name)})),
		}
	}
	for _, name := range []string{"svc_old", "svc_kept", "other"} {
		l.apply(declare(l.t, blocks(name)...))
	}
	return declare(l.t, blocks("svc_kept")...)
}

func TestOwned(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.strays()
	l.drift(want)
	for _, kind := range []string{kindApp, kindScope, kindClaim, kindPolicy} {
		if got, want := addrsOf(l.extra(owning(kind, "svc_*"), want)), []string{"okta." + kind + ".svc_old"}; !slices.Equal(got, want) {
			t.Errorf("own %s svc_*: got %v, want %v", kind, got, want)
		}
		if got, want := addrsOf(l.extra(owning(kind, "*"), want)), []string{"okta." + kind + ".other", "okta." + kind + ".svc_old"}; !slices.Equal(got, want) {
			t.Errorf("own %s *: got %v, want %v: what Okta made is nobody's", kind, got, want)
		}
		if got := l.extra(owning(kind, "SVC_*"), want); len(got) > 0 {
			t.Errorf("own %s SVC_*: got %v, case does not matter", kind, addrsOf(got))
		}
	}
	for _, kind := range []string{kindServer, kindRule, "user"} {
		if got := l.extra(owning(kind, "*"), want); got != nil {
			t.Errorf("own %s: got %v", kind, addrsOf(got))
		}
	}
	only := declare(t, block(kindScope, "svc_kept", nil))
	l.drift(only)
	for _, kind := range []string{kindApp, kindClaim, kindPolicy} {
		if got := l.extra(owning(kind, "*"), only); len(got) > 0 {
			t.Errorf("own %s: got %v of a collection that was not read", kind, addrsOf(got))
		}
	}
}

// An own block has its list read, also where no block declares anything of the kind, and costs no more than that; what it may match and could not be read is told.
func TestOwnedIsRead(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.strays()
	lists := map[string]string{kindApp: appsList, kindScope: "/api/v1/authorizationServers/default/scopes", kindClaim: "/api/v1/authorizationServers/default/claims",
		kindPolicy: "/api/v1/authorizationServers/default/policies"}
	for kind, list := range lists {
		own := owning(kind, "svc_*")
		l.sys.Own([]reconcile.Own{own})
		l.org.ResetCalls()
		if _, err := l.sys.Read(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if calls := l.org.Calls(); len(calls) != 1 || calls[0].Path != list {
			t.Errorf("own %s reads %v, want %s", kind, calls, list)
		}
		if got, want := addrsOf(l.extra(own, nil)), []string{"okta." + kind + ".svc_kept", "okta." + kind + ".svc_old"}; !slices.Equal(got, want) {
			t.Errorf("own %s: got %v, want %v", kind, got, want)
		}
		l.org.Fault(oktatest.Fault{Path: list, Status: 403, Repeat: -1})
		if _, err := l.sys.Read(t.Context(), nil); err != nil && kind != kindApp {
			t.Error(err)
		}
		if extra, err := l.sys.Owned(own, nil); err == nil || len(extra) > 0 {
			t.Errorf("own %s of what may not be read: %v, %v", kind, addrsOf(extra), err)
		}
		l.org.ClearFaults()
	}
	l.sys.Own(nil)
	l.org.ResetCalls()
	if _, err := l.sys.Read(t.Context(), nil); err != nil || len(l.org.Calls()) > 0 {
		t.Errorf("a spec that owns nothing reads %v, %v", l.org.Calls(), err)
	}
	if extra := l.extra(owning(kindApp, "*"), nil); len(extra) > 0 {
		t.Errorf("what an earlier Read saw: %v", addrsOf(extra))
	}
}

func TestOwnedIsPruned(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.strays()
	old := l.mine("svc_old")[0].text("credentials", "oauthClient", "client_id")
	want[3].Set(reconcile.Attr{Name: attrClients, Value: set(old)}) // it names the stray's client
	l.apply(want)
	prune := func() reconcile.Report {
		live, drift := l.drift(want)
		for _, kind := range []string{kindApp, kindScope, kindClaim, kindPolicy} {
			drift.AddExtra(owning(kind, "svc_*"), l.extra(owning(kind, "svc_*"), want))
		}
		changes, _, diags := reconcile.Police(drift, reconcile.Policy{Prune: true})
		plan, err := reconcile.BuildPlan([]reconcile.System{l.sys}, []reconcile.Live{live}, drift, changes)
		if err != nil || diags.HasErrors() {
			t.Fatal(err, diags)
		}
		if len(plan.Steps) > 0 && !strings.Contains(text(plan), `without "`+old+`"`) {
			t.Errorf("the client is not taken out of the policy that names it:\n%s", text(plan))
		}
		return l.run(plan, reconcile.NewIndex(live.Objects))
	}
	r := prune()
	if l.done(r); len(r.Results) != 4 {
		t.Errorf("%d steps, want 4", len(r.Results))
	}
	if len(l.mine("svc_old")) > 0 || len(l.mine("svc_kept")) != 1 || len(l.mine("other")) != 1 {
		t.Error("not exactly the stray is gone")
	}
	want[3].Set(reconcile.Attr{Name: attrClients, Value: reconcile.SetOf()})
	l.settled(want)
	if r := prune(); len(r.Results) > 0 {
		t.Errorf("a second prune does %v", r.Results)
	}
}

// Two objects at one address are told apart, and the session does not prune itself.
func TestOwnedAddresses(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	twin := block(kindClaim, "svc two", args{attrName: txt("svc_x"), "value": txt("app.clientId"), attrClaimType: txt(claimIdentity)})
	want := declare(t, block(kindApp, "self", args{attrClientID: txt("session-client")}), block(kindClaim, "svc_x", args{"value": txt("app.clientId")}), twin)
	l.apply(want)
	named := declare(t, block(kindClaim, "anything", args{"value": txt("app.clientId")}), block(kindApp, "a b", nil))
	l.drift(named)
	got := l.extra(owning(kindClaim, "svc_?"), named)
	keys := map[string]bool{}
	for _, o := range got {
		keys[o.Addr.Key] = true
	}
	if len(got) != 2 || len(keys) != 2 || keys[""] {
		t.Errorf("got %v, want two addresses with keys", slices.Sorted(maps.Keys(keys)))
	}
	l.sys.client.self = "session-client"
	l.drift(named)
	self := l.extra(owning(kindApp, "self"), named)
	if len(self) != 1 || self[0].Protected == "" {
		t.Errorf("the session's own app: %v", self)
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		glob, name string
		want       bool
	}{
		{"svc_*", "svc_", true}, {"svc_*", "Svc_a", false}, {"*", "a/b", true}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"a[b]", "ab", false}, {"a[b]*", "a[b]c", true},
		{`a\*`, `a\b`, true}, {"", "a", false}, {"a", "a", true}, {"*x*", "ä x ö", true},
	} {
		if got := globMatches(tt.glob, tt.name); got != tt.want {
			t.Errorf("globMatches(%q, %q) = %v, want %v", tt.glob, tt.name, got, tt.want)
		}
	}
}
