// Benchmark runs the real keymaker against an emulated Okta and Neo4j that are as far away and as strict as real ones, and writes a table: for each size and condition
// the requests, the seconds and the peak memory of a plan that creates everything, of its apply, and of the plan after it, which is empty.
//
//	go run ./cmd/keymaker/benchmark                                    # all of it: about ten minutes, most of it waiting for rate limits
//	go run ./cmd/keymaker/benchmark -cases quick                       # a minute
//	go run ./cmd/keymaker/benchmark -readme cmd/keymaker/README.md     # all of it, into the table there
//	go run ./cmd/keymaker/benchmark -sizes 10,100 -latency 50ms        # these sizes, under these conditions
//	go run ./cmd/keymaker/benchmark -live -sizes 10                    # the servers that the official environment variables name
//
// With -live it says what it will make and where, and asks. All that it makes has names of this run alone, it goes on only where every one of them is new, and it takes
// them away again at the end, also after a failure and after Ctrl-C. It makes no provider in Neo4j, which would take a restart.
//
// Where terraform or tofu is on the PATH, and Okta's provider can be had (from a mirror or a registry, or as a file with -terraform-provider), -terraform adds what the same
// accounts cost there, with the requests that a gateway in between counts. Where they are not, it says so and goes on.
//
// It measures the program as people use it, from the outside, and imports nothing of it.
package main
