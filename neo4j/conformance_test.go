package neo4j

import (
	"strings"
	"sync/atomic"
	"testing"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
	"keymaker/reconcile/reconciletest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	reconciletest.Run(t, func(t *testing.T) reconciletest.Harness {
		r := newRig(t, withConf)
		var fired atomic.Bool
		return reconciletest.Harness{
			Open: func(t *testing.T) reconcile.System {
				conn := reconcile.Block{Fields: map[string]reconcile.Argument{"conf_file": {Value: reconcile.Text(r.conf)}}}
				sys, err := Open(t.Context(), conn, Options{
					Env:     func(name string) (string, bool) { v, ok := r.env[name]; return v, ok },
					Restart: r.restart,
					OnWait: func(w reconcile.Waiting) {
						if !strings.HasPrefix(w.Reason, "restarting") { // the other wait is for a lost connection
							fired.Store(true)
						}
					},
				})
				r.must(err)
				t.Cleanup(func() { _ = sys.Close(t.Context()) })
				return sys
			},
			Want:    []reconcile.Object{etlWriter(r), provider(r, nil)},
			Changed: []reconcile.Object{etlReader(r), provider(r, fields{"audience": setOf("api://other"), "display_name": reconcile.Text("Okta")})},
			Fail: func(n int, after bool) {
				r.server.Fault(neo4jtest.Fault{Match: "`", Nth: n, After: after, Drop: true}) // only statements that write hold a quoted name
			},
			Fired: fired.Load,
		}
	})
}

func etlReader(r *rig) reconcile.Object {
	return r.declare(kindRole, "etl_writer", fields{"grant": setOf("ACCESS ON DATABASE neo4j", "READ {*} ON GRAPH neo4j"), "deny": setOf("WRITE ON GRAPH neo4j")})
}
