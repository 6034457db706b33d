package okta

import (
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// remove is a removed block for each of some blocks, with what locates them only.
func remove(t *testing.T, blocks ...reconcile.Block) []reconcile.Object {
	t.Helper()
	for i, b := range blocks {
		blocks[i].Removed, blocks[i].Needs = true, nil
		blocks[i].Fields = map[string]reconcile.Argument{}
		for _, name := range append([]string{attrServer}, locators[b.Addr.Kind]...) {
			if a, ok := b.Fields[name]; ok {
				blocks[i].Fields[name] = a
			}
		}
		blocks[i].Blocks = nil
	}
	return declare(t, blocks...)
}

func TestRemovedBlocksDelete(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.apply(l.service("neo4j_writer"))
	want := remove(t, l.serviceBlocks("neo4j_writer")...)
	if len(want) != 4 {
		t.Fatalf("%d objects, want 4: no rules", len(want))
	}
	for _, o := range want {
		for _, a := range o.Attrs {
			if a.Name != attrLabel && a.Name != attrName && a.Name != attrServer && a.Name != attrClaimType {
				t.Errorf("%s has %s, which locates nothing", o.Addr, a.Name)
			}
		}
		if len(o.Notes) > 0 {
			t.Errorf("%s has notes: %v", o.Addr, o.Notes)
		}
	}
	if accounts := l.sys.Accounts(want); len(accounts) > 0 {
		t.Errorf("accounts that must not exist: %v", accounts)
	}
	plan := l.apply(want)
	got := text(plan)
	for _, call := range []string{"/lifecycle/deactivate", `{"conditions": {"clients": {"include": without`, "DELETE /api/v1/apps/", "- okta.scope.neo4j_groups after okta.claim.groups after okta.policy.neo4j-service-accounts"} {
		if !strings.Contains(got, call) {
			t.Errorf("the plan lacks %s:\n%s", call, got)
		}
	}
	if left := l.mine("neo4j-etl"); len(left) > 0 {
		t.Error("the app is still there")
	}
	l.settled(want)
}

func TestRemovedKeepsWhatOktaMade(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	var system string
	for _, r := range l.raws("/api/v1/authorizationServers/default/claims") {
		if name := r.text("name"); r.flag("system") && r.text("claimType") == claimIdentity && checkClaim(name) == nil {
			system = name
		}
	}
	want := remove(t, block(kindServer, "default", nil), block(kindClaim, system, args{attrClaimType: txt(claimIdentity)}), block(kindApp, "nobody", args{attrClientID: txt("chosen-nobody")}))
	_, drift := l.drift(want)
	changes, kept, diags := reconcile.Police(drift, reconcile.Policy{})
	if len(changes) > 0 || len(kept) != 2 || diags.HasErrors() {
		t.Errorf("changes %v, kept %v, %v; want the server and its claim kept", changes, kept, diags)
	}
	for _, name := range []string{"openid", "okta.apps.read"} {
		b := block(kindScope, name, nil)
		b.Removed = true
		if _, diags := (Language{}).Declare(b); !diags.HasErrors() {
			t.Errorf("scope %s can be removed", name)
		}
	}
}
