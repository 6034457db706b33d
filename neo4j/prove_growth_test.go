package neo4j

import (
	"fmt"
	"testing"

	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

// What one account's proof costs here does not depend on how many roles, users and groups the state has.
func TestProofOfOneAccountCostsTheSameAmongMany(t *testing.T) {
	few, many := bytesOfProof(t, 20), bytesOfProof(t, 2000)
	if many > few+few/2 {
		t.Errorf("an account's proof allocates %d bytes among 20 roles, and %d among 2,000", few, many)
	}
}

// bytesOfProof is what the walk of an account allocates behind the first one, with what it asks its state, among count roles, groups and users.
func bytesOfProof(t *testing.T, count int) uint64 {
	t.Helper()
	mapping := reconcile.Map{}
	seen := snapshot{roles: make(map[string]liveRole), users: make(map[string]liveUser)}
	var state []reconcile.Object
	declare := func(kind, name string, f fields) {
		objects, diags := Language{}.Declare(blockOf(kind, name, f))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		state = append(state, objects...)
	}
	for i := range count {
		name := fmt.Sprint("role_", i)
		mapping[fmt.Sprint("group_", i)] = setOf(name)
		declare(kindRole, name, fields{"grant": tenPrivileges(i)})
		seen.roles[name] = liveRole{}
		seen.users[fmt.Sprint("user_", i)] = liveUser{auth: map[string]string{"oidc-okta": fmt.Sprint("id_", i)}}
	}
	declare(kindProvider, "okta", fields{"well_known_discovery_uri": reconcile.Text("https://id.example" + discoveryPath), "audience": setOf("api://default"), "group_to_role": mapping})
	s := &System{}
	e := &reconcile.Evidence{Run: reconcile.NewRun(), Claims: map[string]reconcile.Value{"sub": reconcile.Text("id_7")}}
	one := func() {
		p := s.proofOf(state, e)
		p.name, p.seen = "okta", seen
		p.object, _ = p.meant.provider("okta")
		p.rows = []row{{keys: []string{"user", "roles"}, values: []any{"user_7", []any{"role_7"}}}}
		held, unclear := p.heldAsMeant()
		if roles := p.expectedRoles([]string{"group_7"}); fmt.Sprint(roles) != "[role_7]" || len(held) == 0 || unclear != "" || p.keptUser() != "user_7" {
			t.Fatalf("roles %v, %d privileges, %q, user %q", roles, len(held), unclear, p.keptUser())
		}
	}
	one()
	return reconciletest.Allocated(50, one)
}
