// Package render turns plans, drifts, reports, proofs, events and diagnostics into text for people and JSON for programs. It decides nothing: what it
// shows was computed in package reconcile, and the same input gives the same output to the byte.
//
//	style.go, escape.go, value.go      the page, what may stand on it, values
//	plan*.go, attribute.go, access.go  a plan as text; plan_json.go in Terraform's plan representation
//	drift.go, drift_json.go            a comparison with what is live; schema/ has the JSON's schema
//	finding.go, drift_*.go, page/      the same as Markdown, CSV, JUnit, SARIF and one HTML page with a picture (picture.go)
//	markdown.go, plan_markdown.go      what goes into a pull request
//	access_graph.go, access_reports.go who may do what
//	report.go, proof.go, event.go      what was done and proven: text, JSON documents, JSON lines
//	diagnostic*.go, snippet.go         mistakes of a spec, with the line that they stand on
//	proof_reports.go, junit.go         proofs for pipelines
//	error.go                           an operator's errors and a server's refusals
//
// Nothing here prints by itself: every function writes to the writer that it is given, in one piece, and returns the writer's error. Whatever came from a
// live system or a spec goes through [Escape] or a quoting of the same strength, so that no name can move a cursor, change a colour or reorder a line.
// Values of secrets cannot be reached from here, and attributes that their kind marks as sensitive are shown as (sensitive).
package render
