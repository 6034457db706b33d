package render

import (
	_ "embed" // the schema
	"slices"
)

//go:embed schema/drift.schema.json
var driftSchema []byte

// DriftSchema is the JSON Schema (draft 2020-12) of what [DriftJSON] gives.
func DriftSchema() []byte { return slices.Clone(driftSchema) }
