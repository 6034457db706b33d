// Package neo4jtest is an emulated Neo4j DBMS with Enterprise's security administration: roles, privileges, users, settings and OpenID Connect logins, behind
// a real Bolt listener, so that any driver talks to it unmodified.
//
// A [Server] starts one DBMS, of one member or of several that share the security store and have each their own memory of settings. One of them leads: the others
// refuse writes, and may lag behind it. What is emulated follows
// the Operations Manual, the Status Codes page and what Neo4j 5.26 and 2026.08 Community servers were seen to do; what is not emulated is refused with
// [CodeNotEmulated] and the words "not emulated", never guessed.
//
//	server := &neo4jtest.Server{Password: "correct-horse"}
//	if err := server.Start(); err != nil { … }
//	defer server.Close()
//	driver, err := neo4j.NewDriverWithContext(server.URL, neo4j.BasicAuth("neo4j", "correct-horse", ""))
//
// How a statement travels: cypher_lexer.go cuts it into tokens, cypher_parser.go and its neighbours make it a command, dbms_tx.go runs that against the store
// (security_store.go) after security_access.go has said that the session may, and data.go keeps the tiny graph that shows what privileges are worth.
package neo4jtest
