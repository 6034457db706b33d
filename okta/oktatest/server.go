package oktatest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Server is an emulated Okta org. The zero value is usable: set fields, then Start. Fields other than URL are read only after
// Start; all methods are safe for concurrent use.
type Server struct {
	// Addr is the listen address, "127.0.0.1:0" when empty.
	Addr string
	// TLS makes the server speak HTTPS (HTTP/2 too) when set; it must hold a certificate.
	TLS *tls.Config
	// StateFile keeps the org as JSON when set: loaded by Start, written atomically with mode 0600 after each change, never by a read. Changes
	// of an org so large that this takes more than a few milliseconds are gathered for a moment; Close writes the last of them.
	StateFile string
	// Token is the SSWS token accepted. When empty the one of the state is used, or a random one is made; Start sets the field.
	Token string
	// PublicURL overrides URL as the base of issuers and links when set, without trailing slash.
	PublicURL string
	// NoDefaultPolicy makes a fresh org's default authorization server come without an access policy, as newer Integrator Free orgs may.
	NoDefaultPolicy bool
	// DPoPOmittedKeeps makes an app PUT without dpop_bound_access_tokens keep the live value. What Okta does was never recorded with a
	// live value of true; the default, a reset to false, is the stricter case for clients.
	DPoPOmittedKeeps bool
	// DropProfileNulls makes apps forget members of their profile that are null, at every depth. What Okta does with them was never recorded.
	DropProfileNulls bool
	// RateLimits are the limits a minute of each bucket; a zero field means the headers are there and the limit is very high.
	RateLimits RateLimits
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
	// Latency delays each answer.
	Latency time.Duration
	// URL is set by Start: "http://127.0.0.1:PORT" (https with TLS), without trailing slash.
	URL string

	mu       sync.Mutex // guards all below
	org      *org
	dirty    bool
	saved    time.Time     // when the state file was last written
	saveTook time.Duration // how long that took
	saveSize int           // bytes of the state as it was last written
	later    *time.Timer   // writes what had to wait, nil when nothing has
	calls    []Call
	faults   []*fault
	windows  map[string]*window
	nonces   map[string]time.Time // DPoP nonces handed out, and the jti of proofs and assertions seen
	routes   []route
	http     *http.Server
	done     chan struct{}
}

// Start loads or makes the org, listens, and serves until Close. The error names what could not be done: a state file that is not
// ours, or an address that is taken.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		return errors.New("oktatest: start: already started")
	}
	if err := s.prepare(); err != nil {
		return err
	}
	addr := s.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("oktatest: listen: %w", err)
	}
	s.routes = routes()
	s.windows = map[string]*window{}
	s.nonces = map[string]time.Time{}
	s.URL = listenURL(ln.Addr(), s.TLS != nil)
	s.PublicURL = strings.TrimRight(s.PublicURL, "/")
	s.done = make(chan struct{})
	s.http = &http.Server{Handler: s, TLSConfig: s.TLS, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	go serve(s.http, ln, s.done)
	return nil
}

func serve(h *http.Server, ln net.Listener, done chan<- struct{}) {
	defer close(done)
	if h.TLSConfig != nil {
		h.TLSConfig = h.TLSConfig.Clone()
		_ = h.ServeTLS(ln, "", "")
		return
	}
	_ = h.Serve(ln)
}

func listenURL(addr net.Addr, secure bool) string {
	u := url.URL{Scheme: "http", Host: addr.String()}
	if secure {
		u.Scheme = "https"
	}
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		u.Host = fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return u.String()
}

// Close stops serving: it waits a moment for calls under way, then cuts them. Closing twice, or before Start, is harmless.
func (s *Server) Close() error {
	s.mu.Lock()
	h, done := s.http, s.done
	s.http = nil
	s.mu.Unlock()
	if h == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := h.Shutdown(ctx)
	if err != nil {
		err = h.Close()
	}
	<-done
	return errors.Join(err, s.flush())
}

// base is what issuers and links begin with. Nothing stored contains it, as a sandbox listens on a new port at every start.
func (s *Server) base() string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	return s.URL
}

func (s *Server) now() time.Time {
	if s.Clock != nil {
		return s.Clock()
	}
	return time.Now()
}

// stamp renders a time as Okta does: UTC, with a millisecond field that is always .000.
func stamp(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000Z")
}
