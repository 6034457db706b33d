// Benchmark runs the real keymaker against an emulated Okta and Neo4j that are as far away and as strict as real ones, and writes a table: for each size and condition
// the requests, the seconds and the peak memory of a plan that creates everything, of its apply, and of the plan after it, which is empty.
//
//	go run ./cmd/keymaker/benchmark                 # about four minutes; the long cases wait for rate limits
//	go run ./cmd/keymaker/benchmark -cases quick    # those without waiting
//	go run ./cmd/keymaker/benchmark -live -sizes 10 # the servers that the official environment variables name; everything is destroyed at the end
//
// Where terraform or tofu is on the PATH, and a mirror or a registry has Okta's provider, -terraform adds what the same accounts cost there.
//
// It measures the program as people use it, from the outside, and imports nothing of it.
package main
