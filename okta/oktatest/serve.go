package oktatest

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// maxBody bounds a request: a profile may be about 1 MB, the rest of an object is small.
const maxBody = 4 << 20

// call is one request on its way through a handler.
type call struct {
	*http.Request
	route *route
	vars  []string // what the pattern's {} stood for
	body  []byte
	id    string // x-okta-request-id, also the transaction id of the events
	now   time.Time
	actor eventActor
	keys  *jose.JSONWebKeySet // fetched from the client's jwks_uri
}

// ServeHTTP answers one request; it lets a Server stand behind any http.Server too, once started.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "request body: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	c := &call{Request: r, body: body, id: randomText(27)}
	rt, vars, found := s.match(r.Method, r.URL.Path)
	c.route, c.vars = rt, vars
	f := s.nextFault(r.Method, r.URL.Path, r.URL.RawQuery)
	wait(r, s.Latency)
	if f != nil {
		wait(r, f.Delay)
	}
	f.notify(false)
	c.keys = s.fetchClientKeys(c)
	status, header, out := s.answer(c, found, f)
	f.notify(true)
	send(w, f, status, header, out)
}

func wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// answer runs the call with the org locked and renders what comes out.
func (s *Server) answer(c *call, found error, f *Fault) (int, http.Header, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.now()
	header := http.Header{}
	bucket, within := s.take(c, header)
	var rep reply
	token := false
	if f != nil && f.Status != 0 && !f.After {
		rep = f.reply()
	} else {
		rep, token = s.run(c, found, within)
		if f != nil && f.After && f.Status != 0 {
			rep = f.reply()
		}
	}
	out := s.render(&rep)
	setHeaders(header, rep.header)
	s.commonHeaders(c, header, rep.status, len(out))
	if f != nil {
		setHeaders(header, f.Header)
	}
	s.record(c, rep.status, bucket, token)
	return rep.status, header, out
}

// run does what the call asks for, unless the limit, the credentials or the path forbid it, and saves what changed.
func (s *Server) run(c *call, found error, within bool) (reply, bool) {
	if !within {
		s.event(c, eventRateLimit, "FAILURE", "")
		return standardError(http.StatusTooManyRequests).reply(), false
	}
	if found != nil {
		return errorReply(found), false
	}
	token, err := s.authorize(c)
	if err != nil {
		return errorReply(err), token
	}
	rep, err := c.route.handle(s, c)
	if err != nil {
		rep = errorReply(err)
	}
	if err := s.saveChanges(); err != nil {
		rep = errorReply(err)
	}
	return rep, token
}

func errorReply(err error) reply {
	var api *apiError
	var oauth *oauthError
	switch {
	case errors.As(err, &api):
		return api.reply()
	case errors.As(err, &oauth):
		return oauth.reply()
	}
	broken := standardError(http.StatusInternalServerError)
	broken.causes = []string{err.Error()}
	return broken.reply()
}

func (s *Server) render(rep *reply) []byte {
	switch b := rep.body.(type) {
	case nil:
		return nil
	case []byte:
		return b
	}
	out, err := encode(rep.body)
	if err != nil {
		*rep = standardError(http.StatusInternalServerError).reply()
		out, _ = encode(rep.body)
	}
	return out
}

func (s *Server) commonHeaders(c *call, h http.Header, status, size int) {
	h.Set("Date", c.now.UTC().Format(http.TimeFormat))
	h.Set("X-Okta-Request-Id", c.id)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache, no-store")
	}
	if size > 0 && h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	if status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(size))
	}
}

// setHeaders replaces headers; a key with no value removes one, so that a fault can take the rate limit headers away.
func setHeaders(h, from http.Header) {
	for k, v := range from {
		k = http.CanonicalHeaderKey(k)
		if len(v) == 0 {
			h.Del(k)
			continue
		}
		h[k] = v
	}
}

func send(w http.ResponseWriter, f *Fault, status int, header http.Header, out []byte) {
	if f != nil && f.Drop {
		panic(http.ErrAbortHandler)
	}
	for k, v := range header {
		w.Header()[k] = v
	}
	w.WriteHeader(status)
	if f != nil && f.Truncate {
		_, _ = w.Write(out[:len(out)/2])
		if fl, can := w.(http.Flusher); can {
			fl.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(out)
}

// Call is one request the server answered. Secrets are dropped already: no headers, no bodies, and no credential in Query.
type Call struct {
	Method string
	Path   string
	Query  string // encoded, sorted by key
	Status int    // 0 never happens: a dropped connection shows the status that was not sent
	Bucket string // the rate limit bucket it drew from, "" when it is not limited
	Token  bool   // a valid management credential came with it
}

// maxCalls bounds the list of calls of a long-running sandbox.
const maxCalls = 100_000

// Calls lists the calls answered since Start or ResetCalls, in the order of their answers.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// ResetCalls forgets the calls listed so far.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

func (s *Server) record(c *call, status int, bucket string, token bool) {
	if len(s.calls) >= maxCalls {
		s.calls = append([]Call(nil), s.calls[maxCalls/2:]...)
	}
	s.calls = append(s.calls, Call{
		Method: c.Method, Path: c.URL.Path, Query: safeQuery(c.URL), Status: status, Bucket: bucket, Token: token,
	})
}

func safeQuery(u *url.URL) string {
	q := u.Query()
	for k := range q {
		switch strings.ToLower(k) {
		case "client_secret", "client_assertion", "token", "access_token", "password", "code":
			q.Del(k)
		}
	}
	return q.Encode()
}
