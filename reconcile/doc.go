// Package reconcile is Keymaker's domain: what a spec wants, what the live systems hold, how the two differ, and how the difference is turned into
// calls, made, and proven. It knows no system by name; everything it says about Okta or Neo4j came in through [System] and [Kind].
//
// The flow, in reading order:
//
//	addr.go, value.go, secret.go   names and values
//	kind.go, block.go, object.go   what can be declared, a declaration, a thing a system holds
//	system.go                      what the engine needs of a system
//	resolve.go                     references whose value only exists after a create
//	compare.go                     want, live → drift
//	change.go                      drift, policy → changes
//	plan.go, order.go              changes → steps of ops, in an order that never widens access in between
//	parts.go                       which steps have to do with the same accounts, and wait for each other's stages
//	select.go, limit.go            a part of a plan, and how much of it at most
//	surplus.go, hold.go            what nobody may have in between, and the steps that wait for it
//	recheck.go                     what a plan rests on, and what moved since
//	access.go                      who may do what, before and after
//	event.go, apply.go, agenda.go, batch.go, report.go  plan → events → report
//	verify.go                      the proof: a token, a login, hop by hop
//	shell.go                       commands that people copy
//
// Everything up to the plan is pure: no context, no clock, no logger. Only a System's Read, Do and the provers touch the world.
package reconcile
