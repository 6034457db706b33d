package oktatest

import (
	"net/http"
	"path"
	"strings"
	"time"
)

// Fault is one thing that shall go wrong. The first fault whose Method and path match a call, and whose turn it is, decides.
type Fault struct {
	Method     string        // "" matches every method
	PathPrefix string        // matches paths that begin so; "" with Path "" matches every path
	Path       string        // glob as in path.Match: * stands for one segment or a part of it
	Query      string        // a part of the query, such as "after=" for all pages but the first
	Nth        int           // the first matching call to fail, 1 (or 0) being the next
	Repeat     int           // how many matching calls fail from then on: 0 or 1 once, negative for ever
	After      bool          // the call takes effect, then fails
	Status     int           // status to answer; 0 leaves the answer as it is (for Delay, Header, Truncate)
	Body       string        // body to answer; "" is Okta's envelope for Status
	Header     http.Header   // headers to set on the answer; a key without values removes one
	Drop       bool          // cut the connection instead of answering; without After the call has no effect
	Truncate   bool          // cut the connection in the middle of the body
	Delay      time.Duration // wait before the call is looked at
	Notify     func()        // called when the fault's moment has come: before the effect, with After behind it; the call goes on when it returns
}

type fault struct {
	Fault
	seen int
}

// Fault adds a fault. Faults are looked at in the order they were added. It panics when Path is no glob.
func (s *Server) Fault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := path.Match(f.Path, ""); err != nil {
		panic("oktatest: fault: path " + f.Path + ": " + err.Error())
	}
	if f.Drop && f.Status == 0 {
		f.Status = http.StatusInternalServerError // never sent: it only keeps a call without After from running
	}
	s.faults = append(s.faults, &fault{Fault: f})
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault counts the call in every fault that matches and returns the one whose turn it is, or nil.
func (s *Server) nextFault(method, p, query string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hit *Fault
	for _, f := range s.faults {
		if !f.matches(method, p) || !strings.Contains(query, f.Query) {
			continue
		}
		f.seen++
		if hit == nil && f.due() {
			found := f.Fault
			hit = &found
		}
	}
	return hit
}

// notify tells of the fault, if this is its moment.
func (f *Fault) notify(after bool) {
	if f != nil && f.Notify != nil && f.After == after {
		f.Notify()
	}
}

func (f *Fault) matches(method, p string) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, method) {
		return false
	}
	if !strings.HasPrefix(p, f.PathPrefix) {
		return false
	}
	if f.Path == "" {
		return true
	}
	matched, err := path.Match(f.Path, p)
	return err == nil && matched
}

func (f *fault) due() bool {
	first := max(f.Nth, 1)
	if f.Repeat < 0 {
		return f.seen >= first
	}
	return f.seen >= first && f.seen < first+max(f.Repeat, 1)
}

func (f *Fault) reply() reply {
	if f.Body != "" {
		return reply{status: f.Status, body: []byte(f.Body)}
	}
	return standardError(f.Status).reply()
}
