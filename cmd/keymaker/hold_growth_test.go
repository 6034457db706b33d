package main

import (
	"strings"
	"testing"

	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

// heldFleet is a spec of as many accounts under a policy that gives them less than the org's own policy for everybody does: each is held until that policy is there.
func heldFleet(accounts int) string {
	text := strings.Replace(fleet(accounts, 1), "scopes = [okta.scope.neo4j_groups]\n  }", "scopes = [okta.scope.plain]\n  }", 1)
	return text + "\nokta \"scope\" \"plain\" {}\n"
}

// What it takes to plan an account that is held does not depend on how many others are.
func TestHeldAccountsArePlannedInLinearTime(t *testing.T) {
	b := newBench(t)
	bytesOf := func(accounts int) uint64 {
		s := b.session(heldFleet(accounts))
		var plan reconcile.Plan
		took := reconciletest.Allocated(1, func() { plan, _ = b.plan(s, choice{}) })
		held := 0
		for _, step := range plan.Steps {
			for _, note := range step.Notes {
				if note.Label == "held" {
					held++
				}
			}
		}
		if held != accounts {
			t.Fatalf("%d of %d accounts are held", held, accounts)
		}
		return took / uint64(accounts)
	}
	few, many := bytesOf(100), bytesOf(500)
	if many > 2*few {
		t.Errorf("an account takes %d bytes among 100, and %d among 500", few, many)
	}
}
