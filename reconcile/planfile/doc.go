// Package planfile saves plans and loads them again: what a person approved is what runs, whatever happened in between.
//
//	file.go      File: what a saved plan holds; Encode, Decode, Write, Read
//	value.go     values as JSON that says their types
//	object.go    objects, blocks and places
//	plan.go      steps, differences, comparisons
//	mask.go      sensitive values as keyed hashes; fingerprints
//
// The file is canonical JSON (sorted keys, no blanks) of one version, with a digest over all of it: a file that is cut off, changed or of another version is refused as
// a whole, with one error. The digest finds accidents and edits; it is no signature. There is no secret in a file: wants hold where a secret comes from, live values that
// their kind marks as sensitive are keyed hashes, and ops are the texts that people approve.
package planfile
