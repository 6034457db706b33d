package main

import (
	"fmt"
	"strings"
	"testing"

	"keymaker/reconcile"
)

// BenchmarkApply makes a fleet on servers that have nothing of it, planning included, and reports what that takes of both: requests of Okta, statements of Neo4j, and
// round trips on its connections, which statements of one transaction share. The emulators run in the same process.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := fleet(n, n)
			var requests, statements int
			var turns int64
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				bench := newBench(b)
				bench.seen()
				before := bench.box.neo4j.Turns()
				b.StartTimer()
				bench.converge(text, choice{})
				b.StopTimer()
				turns += bench.box.neo4j.Turns() - before
				reads, writes, changes, queries := bench.seen()
				requests, statements = requests+reads+writes, statements+changes+queries
				bench.box.close()
				b.StartTimer()
			}
			b.ReportMetric(float64(requests)/float64(b.N), "requests/op")
			b.ReportMetric(float64(statements)/float64(b.N), "queries/op")
			b.ReportMetric(float64(turns)/float64(b.N), "trips/op")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(2*n), "µs/object")
		})
	}
}

// BenchmarkVerify proves every account of a fleet, with a token and a login of each.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bench := newBench(b)
			text := strings.Replace(fleet(n, 1), "  client_id = each.key\n", "  client_id = each.key\n  secret {\n    file = \"secrets/${each.key}.env\"\n  }\n", 1)
			bench.converge(text, choice{})
			s := bench.session(text)
			seen, err := s.lookWhereItCan(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			state := reconcile.Desired(seen.drift)
			bench.seen()
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				v := reconcile.Verify(b.Context(), s.provers(), state, reconcile.VerifyOptions{}, nil)
				if len(v.Proofs) != n {
					b.Fatalf("%d proofs", len(v.Proofs))
				}
				for _, p := range v.Proofs {
					if hop, broken := p.Broken(); broken {
						b.Fatalf("%s: %+v", p.Account.Name, hop)
					}
				}
			}
			b.StopTimer()
			reads, _, _, queries := bench.seen()
			b.ReportMetric(float64(reads)/float64(b.N), "requests/op")
			b.ReportMetric(float64(queries)/float64(b.N), "queries/op")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/account")
		})
	}
}
