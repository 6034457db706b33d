package okta

import (
	"fmt"
	"testing"

	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

// What one account's proof costs here does not depend on how many others the state has: with thousands, anything else is minutes.
func TestProofOfOneAccountCostsTheSameAmongMany(t *testing.T) {
	few, many := bytesOfProof(t, 20), bytesOfProof(t, 2000)
	if many > few+few/2 {
		t.Errorf("an account's proof allocates %d bytes among 20, and %d among 2,000", few, many)
	}
}

// bytesOfProof is what finding an account, and preparing its walk behind the first one, with what it asks its state, allocates among count accounts that share a policy.
func bytesOfProof(t *testing.T, count int) uint64 {
	t.Helper()
	l := &lab{t: t, dir: t.TempDir()}
	blocks := l.serviceBlocks("g")
	var clients []reconcile.Value
	var apps []reconcile.Block
	for i := range count {
		name := fmt.Sprint("app-", i)
		apps = append(apps, block("app", name, args{"profile": reconcile.Map{"neo4j_groups": set("g")}}))
		clients = append(clients, reconcile.Ref{Addr: at("app", name), Attr: attrClientID})
	}
	blocks[3].Fields["clients"] = reconcile.Argument{Value: reconcile.SetOf(clients...)}
	state := declare(t, append(apps, blocks[1:]...)...)
	s := &System{env: func(string) (string, bool) { return "", false }}
	e := &reconcile.Evidence{Run: reconcile.NewRun()}
	one := func() {
		p, ok := s.proofOf(reconcile.Account{Addr: state[0].Addr}, state, e)
		if !ok || len(p.ways) == 0 {
			t.Fatalf("account %s has no way", state[0].Addr)
		}
		if asked, claims, _ := p.wantedScopes(), p.meantClaims(), p.differing(); len(asked) == 0 {
			t.Fatalf("asks for %v, with claims %v", asked, claims)
		}
	}
	one()
	return reconciletest.Allocated(50, one) + reconciletest.Allocated(1, func() { s.Accounts(state) })/uint64(count)
}
