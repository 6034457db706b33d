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

// Checker is a [Language] that also finds mistakes which no object block has alone. It is optional, and does no I/O.
type Checker interface {
	Language
	// CheckConnection finds what is wrong with one of the system's connection blocks, whatever the environment says.
	CheckConnection(reconcile.Block) hcl.Diagnostics
	// CheckObjects finds what is wrong with objects together. It gets those of the whole spec; whole is false when some are missing because their blocks have mistakes.
	CheckObjects(objects []reconcile.Object, whole bool) hcl.Diagnostics
}
