package specs

import (
	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Language is what the spec language needs of a system: the kinds that it can declare, as data, and its own reading of a decoded block. It does no I/O.
type Language interface {
	// System is the first word of the system's blocks.
	System() string
	// Connection describes the system's connection block.
	Connection() reconcile.Kind
	// Kinds describes the object blocks.
	Kinds() []reconcile.Kind
	// Declare makes the objects that a block wants (a policy and its rules), and finds the mistakes that only the system knows: names that it refuses,
	// privileges that do not parse. Every diagnostic has a place and a remedy. Of a block with Removed set only the object that it names is kept, as one that must not exist.
	Declare(reconcile.Block) ([]reconcile.Object, hcl.Diagnostics)
}
