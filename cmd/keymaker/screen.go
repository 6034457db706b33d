package main

import (
	"io"
	"sync"
	"time"

	"keymaker/reconcile"
	"keymaker/reconcile/progress"
)

// screen is what shows events while a plan is applied. The engine's events come from one goroutine, but a system announces a wait from whichever goroutine waits:
// here they become one line of events again.
type screen struct {
	mu   sync.Mutex
	show progress.Printer
}

// use shows events from now on; nil ends it.
func (s *screen) use(show progress.Printer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show = show
}

// stopping shows that the run was told to stop, if something is shown that can say so.
func (s *screen) stopping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if show, ok := s.show.(progress.Stopper); ok {
		show.Stopping()
	}
}

// Observe shows one event.
func (s *screen) Observe(e reconcile.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.show != nil {
		s.show.Observe(e)
	}
}

// onWait is what the systems call when a call has to wait. While nothing is being applied, a wait is told in one line.
func (p *program) onWait() func(reconcile.Waiting) {
	return func(w reconcile.Waiting) {
		p.screen.mu.Lock()
		defer p.screen.mu.Unlock()
		if p.screen.show != nil {
			p.screen.show.Observe(w)
			return
		}
		if w.Over() {
			return
		}
		_, _ = io.WriteString(p.out.err, progress.WaitText(w, time.Now())+"\n")
	}
}
