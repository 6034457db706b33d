// Package neo4j is Keymaker's Neo4j: the roles, privileges, users and OpenID Connect providers of a Neo4j Enterprise DBMS, as the spec declares them and as the
// DBMS holds them. It satisfies reconcile's System and Prover, and the language interface of the spec.
//
// The flow, in reading order:
//
//	language.go, declare*.go       the kinds, and a block made into wanted objects
//	privilege*.go, quote.go        privileges as atoms that can be compared, and names that cannot inject
//	mapping.go, setting.go, uri.go the formats of Neo4j's settings
//	settings.go                    which setting an attribute of a provider is
//	conf.go                        neo4j.conf, read and rewritten
//	system.go, client.go           the front door, and the only file that knows the driver
//	read*.go                       live roles, privileges, users and settings
//	setting_secret.go              secrets in settings, and what stands for them
//	step*.go, statements.go        changes made into ops, hazards and notes
//	op*.go, batch.go, confstep.go  the ops, and doing them
//	render.go, discovery*.go       settings for other ways of deploying them
//	access.go, prove*.go           who reaches what, and the proof by a bearer login
//
// A provider's settings are three truths: each member's memory, neo4j.conf, and the spec. A want therefore has every setting twice, as an attribute that is
// compared with memory and as a member of conf that is compared with what outlives a restart.
package neo4j
