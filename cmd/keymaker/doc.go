// Command keymaker reconciles one spec with a live Okta org and a live Neo4j, and proves the result by a login.
//
//	main.go, command.go    the program and its commands' common flags
//	exit.go                every exit code
//	output.go              what goes to stdout, to stderr and to the terminal
//	session.go, systems.go from a path to live systems: load, declare, read, plan
//	plan.go apply.go …     one file a command
//	sandbox*.go            the embedded Okta and Neo4j
package main
