package render

import (
	_ "embed" // the schemas
	"slices"
)

//go:embed schema/drift.schema.json
var driftSchema []byte

// DriftSchema is the JSON Schema (draft 2020-12) of what [DriftJSON] gives.
func DriftSchema() []byte { return slices.Clone(driftSchema) }

//go:embed schema/verify.schema.json
var verifySchema []byte

// VerifySchema is the JSON Schema (draft 2020-12) of a line that [Events] writes of a verification.
func VerifySchema() []byte { return slices.Clone(verifySchema) }
