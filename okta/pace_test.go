package okta

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// memory is a listener in memory. Inside of a synctest bubble time goes on only when everybody waits, so that hours of pacing take no time and no timing decides anything.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { m.once.Do(func() { close(m.closed) }); return nil }
func (m *memory) Addr() net.Addr { return &net.TCPAddr{} }

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case m.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// spent is what was answered in the apps' bucket, by window.
type spent struct {
	mu      sync.Mutex
	windows map[string]int // by the time at which it ends
	order   []string
	refused int
	last    time.Time
}

func (s *spent) note(h http.Header, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reset := h.Get("X-Rate-Limit-Reset")
	if !slices.Contains(s.order, reset) {
		s.order = append(s.order, reset)
	}
	s.windows[reset]++
	s.last = time.Now()
	if status == http.StatusTooManyRequests {
		s.refused++
	}
}

// status notes what was answered.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// TestPace makes 200 new accounts at an org's limits, in a time that is not ours: every window is used up but the last, as far as the share goes and not further, and no call is turned
// away. It takes as long as the plan said.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits oktatest.RateLimits
		share  float64
		others int // calls of somebody else at the beginning of the first window
	}{
		{"enterprise", oktatest.Enterprise, 1, 0},
		{"half of enterprise", oktatest.Enterprise, 0.5, 0},
		{"enterprise, half used up by others", oktatest.Enterprise, 1, 50},
		{"half of enterprise, more than that used up by others", oktatest.Enterprise, 0.5, 60},
		{"developer", oktatest.Developer, 1, 0},
		{"a fifth of the smallest", oktatest.Integrator, 0.2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			org := &oktatest.Server{Token: canaryToken, RateLimits: c.limits, Latency: 50 * time.Millisecond}
			if err := org.Start(); err != nil { // for its state; the bubble comes to it by memory alone
				t.Fatal(err)
			}
			defer org.Close()
			sys, err := Open(t.Context(), reconcile.Block{}, Options{Reserve: 1 - c.share, Env: envOf(map[string]string{"OKTA_CLIENT_ORGURL": org.URL, "OKTA_CLIENT_TOKEN": canaryToken})})
			if err != nil { // the SDK has goroutines that never end, which no bubble may have
				t.Fatal(err)
			}
			usable := int(float64(c.limits.Apps)*c.share + 0.5)
			synctest.Test(t, func(t *testing.T) {
				wire, seen := newMemory(), &spent{windows: make(map[string]int)}
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					noted := &status{w, http.StatusOK}
					org.ServeHTTP(noted, r)
					if r.URL.Path == "/api/v1/apps" {
						seen.note(w.Header(), noted.code)
					}
				})}
				go func() { _ = server.Serve(wire) }()
				defer server.Close()
				transport := sys.client.http.Transport.(*http.Transport)
				transport.DialContext = wire.dial
				defer transport.CloseIdleConnections()
				for range c.others {
					req, err := http.NewRequest(http.MethodGet, org.URL+"/api/v1/apps", nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Authorization", "SSWS "+canaryToken)
					resp, err := sys.client.http.Do(req)
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
				}

				l := &lab{t: t, org: org, sys: sys}
				var want []reconcile.Object
				for i := range 200 {
					want = append(want, declare(t, block("app", fmt.Sprintf("svc-%03d", i), args{}))...)
				}
				plan, index := l.plan(want, reconcile.Policy{})
				foretold := plan.Targets[0].Forecast(plan.Calls(systemName), time.Now())
				began := time.Now()
				l.done(l.run(plan, index))
				synctest.Wait() // an answer may be here before it is noted there
				took := seen.last.Sub(began)

				if seen.refused > 0 {
					t.Errorf("%d calls were turned away", seen.refused)
				}
				for i, reset := range seen.order {
					n := seen.windows[reset]
					most := usable
					if i == 0 {
						most = max(usable, c.others+1) // others leave nothing of it to us, which the first call finds out
					}
					if n > most {
						t.Errorf("window %d of %d took %d calls, and should %d at most", i+1, len(seen.order), n, most)
					}
					if i < len(seen.order)-1 && float64(n) < 0.95*float64(usable) {
						t.Errorf("window %d of %d took %d calls, less than 95 %% of %d", i+1, len(seen.order), n, usable)
					}
				}
				if took > foretold.Time*21/20+5*time.Second || took < foretold.Time*19/20-5*time.Second {
					t.Errorf("it took %s, and the plan said %s", took, foretold.Time)
				}
				t.Logf("%d windows, %s; the plan said %s", len(seen.order), took, foretold.Time)
			})
		})
	}
}
