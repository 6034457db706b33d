package okta

import (
	"fmt"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// seedApps makes an org with as many apps, and the blocks that declare them.
func seedApps(b *testing.B, l *lab, n int) []reconcile.Object {
	b.Helper()
	var want []reconcile.Object
	for i := range n {
		name := fmt.Sprintf("svc-%05d", i)
		if _, err := l.org.Create("/api/v1/apps", map[string]any{
			"name": "oidc_client", "label": name, "signOnMode": "OPENID_CONNECT", "profile": map[string]any{"neo4j_groups": []any{"writer"}},
			"credentials": map[string]any{"oauthClient": map[string]any{"client_id": name, "token_endpoint_auth_method": "client_secret_basic"}},
			"settings":    map[string]any{"oauthClient": map[string]any{"application_type": "service", "grant_types": []any{"client_credentials"}, "response_types": []any{"token"}}},
		}); err != nil {
			b.Fatal(err)
		}
		o := reconcile.Object{Addr: reconcile.Addr{System: systemName, Kind: kindApp, Name: name}}
		o.Set(reconcile.Attr{Name: attrLabel, Value: reconcile.Text(name)})
		o.Set(reconcile.Attr{Name: attrProfile, Value: reconcile.Map{"neo4j_groups": reconcile.TextSet("writer")}})
		want = append(want, o)
	}
	return want
}

// BenchmarkReadApps reads and compares as many apps as the spec has.
func BenchmarkReadApps(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := benchLab(b)
			want := seedApps(b, l, n)
			l.org.ResetCalls()
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				live, err := l.sys.Read(b.Context(), want)
				if err != nil {
					b.Fatal(err)
				}
				if d := reconcile.Compare(l.sys.Kinds(), want, live); d.Count(reconcile.InSync) != n {
					b.Fatalf("%d of %d in sync: %+v", d.Count(reconcile.InSync), n, d.Items[0])
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(len(l.org.Calls()))/float64(b.N), "requests/op")
		})
	}
}

func benchLab(b *testing.B) *lab {
	b.Helper()
	l := &lab{dir: b.TempDir(), org: &oktatest.Server{Token: canaryToken}}
	if err := l.org.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.org.Close() })
	env := map[string]string{"OKTA_CLIENT_ORGURL": l.org.URL, "OKTA_CLIENT_TOKEN": canaryToken}
	sys, err := Open(b.Context(), reconcile.Block{Dir: l.dir}, Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	if err != nil {
		b.Fatal(err)
	}
	l.sys = sys
	return l
}
