package neo4j

import (
	"fmt"
	"testing"

	"keymaker/reconcile"
)

// Roles of one block that are granted the same share what that comes to, and each mistake is told all the same.
func TestPrivilegesAreReadOnce(t *testing.T) {
	t.Parallel()
	l := NewLanguage()
	declare := func(name string, grant ...string) (reconcile.Object, int) {
		objects, diags := l.Declare(blockOf(kindRole, name, fields{"grant": reconcile.TextSet(grant...)}))
		if len(objects) == 0 {
			return reconcile.Object{}, len(diags)
		}
		return objects[0], len(diags)
	}
	var before reconcile.Attr
	for n := range 3 {
		o, mistakes := declare(fmt.Sprintf("r%d", n), "ACCESS ON DATABASE a", "READ {x, y} ON GRAPH a")
		grant, _ := o.Attr("grant")
		if mistakes > 0 || len(grant.Items) != 5 || len(reconcile.Texts(grant.Value)) != 5 {
			t.Fatalf("role %d: %d mistakes, %v", n, mistakes, grant)
		}
		if n > 0 && &grant.Items[0] != &before.Items[0] {
			t.Errorf("role %d has items of its own", n)
		}
		before = grant
	}
	if o, _ := declare("other", "ACCESS ON DATABASE b"); !reconcile.Equal(o.Get("grant"), reconcile.TextSet("ACCESS ON DATABASE `b`")) {
		t.Errorf("another list: %s", o.Get("grant"))
	}
	for range 2 {
		if _, mistakes := declare("wrong", "ACCESS ON DATABASE a", "FLY"); mistakes != 1 {
			t.Errorf("%d mistakes are told, want 1", mistakes)
		}
	}
}

// What roles hold alike takes no memory of its own.
func TestRowsAreShared(t *testing.T) {
	t.Parallel()
	seen := snapshot{roles: map[string]liveRole{"a": {}, "b": {}}}
	for _, role := range []string{"a", "b"} {
		seen.takePrivilege("GRANT ACCESS ON DATABASE `x` TO `"+role+"`", false)
		seen.takePrivilege("DENY WRITE ON GRAPH `x` TO `"+role+"`", true)
	}
	for a := range seen.roles["a"].grants {
		if _, same := seen.roles["b"].grants[a]; !same {
			t.Error("b has another atom")
		}
	}
	if got := seen.roles["b"].grants.texts(); len(got) != 1 || got[0] != "ACCESS ON DATABASE `x`" || len(seen.roles["b"].denies) != 1 {
		t.Errorf("b has %v", got)
	}
	for a, immutable := range seen.roles["b"].denies {
		if !immutable || !seen.roles["b"].denies.has(a.Value()) || seen.roles["b"].grants.has(a.Value()) {
			t.Errorf("%v: immutable %v", a.Value(), immutable)
		}
	}
}
