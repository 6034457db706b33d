// Package okta is Okta as a [reconcile.System], as a language for specs, and as a prover of logins.
//
// It holds API Services apps (OAuth clients for machines), authorization servers, and what belongs to those: scopes, claims, access policies and
// their rules. It speaks Okta's management API, and the token endpoint when it proves something.
//
// The files, in reading order:
//
//	language.go, kinds.go          what a spec may say about Okta, as tables
//	declare.go, declare_app.go, declare_access.go  a block → the objects that it wants; check.go has Okta's rules for names and numbers
//	wire.go                        where each attribute stands in Okta's JSON
//	connection.go, system.go       the org to talk to; the front door
//	read.go, page.go, live.go, match.go  live → objects
//	step.go, step_order.go, step_deliver.go, hazard.go  changes → ops, their order, what is delivered, what they may harm
//	op.go, do.go, find.go          the ops, how they print, how they are made, how a lost create is found again
//	secret.go, key.go              where client secrets and private keys are made and delivered
//	rights.go                      whether the login may do what a plan needs
//	client.go, retry.go, ratelimit.go, refusal.go  HTTP: the one file that knows Okta's SDK and opens secrets, and what is done when a call does not go through
//	access.go                      which account gets which group
//	prove.go, token.go             the proof: a real token
//
// Objects are read and written as raw JSON. The SDK's typed structs drop fields that Okta has (dpop_bound_access_tokens, a scope's optional, a
// policy's empty list of clients), so an update through them would reset what the spec does not manage. The SDK builds and signs requests; everything
// it would do on its own (a cache that survives writes, endless retries) is off.
package okta
