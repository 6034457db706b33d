package okta

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// systemName is the first word of Okta's addresses.
const systemName = "okta"

// Language is Okta's part of the spec language. The zero value is ready; it does no I/O.
type Language struct{}

// System is "okta".
func (Language) System() string { return systemName }

// Connection describes the connection block.
func (Language) Connection() reconcile.Kind { return connectionKind() }

// Kinds describes the object blocks: app, authorization_server, scope, claim and policy.
func (Language) Kinds() []reconcile.Kind {
	return []reconcile.Kind{appKind(), serverKind(), scopeKind(), claimKind(), policyKind()}
}

// Declare makes the objects that a block wants: one, and for a policy its rules too. What Okta would refuse is a diagnostic at its place.
// Of a removed block it makes the one object that is looked for, with what locates it.
func (Language) Declare(b reconcile.Block) ([]reconcile.Object, hcl.Diagnostics) {
	d := declaration{block: b}
	var objects []reconcile.Object
	switch kind := b.Addr.Kind; {
	case b.Removed && (locators[kind] != nil || kind == kindRule): // a rule is found by its address
		objects = d.removed()
	case kind == kindApp:
		objects = d.app()
	case kind == kindServer:
		objects = d.server()
	case kind == kindScope:
		objects = d.scope()
	case kind == kindClaim:
		objects = d.claim()
	case kind == kindPolicy:
		objects = d.policy()
	default:
		d.fail(b.Range, "Unknown kind", fmt.Sprintf("Okta has no %q here. Kinds: app, authorization_server, scope, claim, policy.", b.Addr.Kind))
	}
	if d.diags.HasErrors() {
		return nil, d.diags
	}
	return objects, d.diags
}
