package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"keymaker/reconcile"
)

// screen keeps a living line on a terminal for each running step and each wait. A line's text is a function of the clock and of what was known when the line was
// made: the goroutine that draws shares nothing but ahead with the one that observes. Steps that ended leave nothing behind, so that the report stands alone.
type screen struct {
	w     io.Writer
	now   func() time.Time
	board Board
	// progress is made for the first line, so that a run without steps touches nothing.
	progress *mpb.Progress
	steps    map[reconcile.Addr]*mpb.Bar
	waits    map[reconcile.Addr]wait // the zero address is for a wait of no step
	mu       sync.Mutex              // guards ahead, which the goroutine that draws reads too
	ahead    *Ahead
	total    *mpb.Bar
	closed   bool
}

type wait struct {
	bar   *mpb.Bar
	until time.Time
}

// aside is the priority of a wait that belongs to no step: under all steps. The line on the whole run is below that.
const (
	aside = 1 << 30
	last  = aside + 1
)

// mostLines is how many running steps have lines: more would not fit on a screen, and a batch may have hundreds.
const mostLines = 8

func newScreen(w io.Writer, now func() time.Time, ahead *Ahead) *screen {
	return &screen{w: w, now: now, ahead: ahead, steps: make(map[reconcile.Addr]*mpb.Bar), waits: make(map[reconcile.Addr]wait)}
}

// Observe adds and removes lines.
func (s *screen) Observe(e reconcile.Event) {
	if s.closed {
		return
	}
	s.board.Fold(e)
	s.endPassedWait()
	s.sum(e)
	switch e := e.(type) {
	case reconcile.Started:
		if len(s.steps) >= mostLines {
			break
		}
		began, text := s.now(), head(e.Nth, e.N, e.Addr)+"  "+doing(e.Action)+"  "
		s.steps[e.Addr] = s.add(2*e.Nth, func() string { return text + elapsed(s.now().Sub(began)) })
	case reconcile.Called:
		s.endWait(e.Addr)
	case reconcile.Waiting:
		s.endWait(e.Addr)
		s.waits[e.Addr] = wait{bar: s.add(s.under(e.Addr), func() string {
			return "      " + waiting(e, s.now()) + ". Ctrl-C stops safely."
		}), until: e.Until}
	case reconcile.Finished:
		s.endWait(e.Result.Addr)
		end(s.steps[e.Result.Addr])
		delete(s.steps, e.Result.Addr)
	}
}

// sum brings the line on the whole run up to date.
func (s *screen) sum(e reconcile.Event) {
	s.mu.Lock()
	s.ahead.Fold(e, s.now())
	s.mu.Unlock()
	if s.total == nil && s.summary() != "" {
		s.total = s.add(last, s.summary)
	}
}

func (s *screen) summary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ahead.text(s.now())
}

// Close takes all lines off the screen and returns when they are gone.
func (s *screen) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	if s.progress == nil {
		return nil
	}
	for _, b := range s.steps {
		end(b)
	}
	for _, w := range s.waits {
		end(w.bar)
	}
	end(s.total)
	s.progress.Wait()
	return nil
}

// under is the priority of a wait's line: right below its step's.
func (s *screen) under(a reconcile.Addr) int {
	if step, ok := s.board.Step(a); ok {
		return 2*step.Nth + 1
	}
	return aside
}

// add makes a line whose text is asked for at each drawing. A terminal that is gone gives no line, and nobody to miss it.
func (s *screen) add(priority int, text func() string) *mpb.Bar {
	if s.progress == nil {
		s.progress = mpb.New(mpb.WithOutput(s.w), mpb.WithAutoRefresh())
	}
	line := decor.Any(func(decor.Statistics) string { return text() })
	bar, err := s.progress.Add(0, nil, mpb.BarPriority(priority), mpb.BarFillerTrim(), mpb.PrependDecorators(line))
	if err != nil {
		return nil
	}
	return bar
}

// elapsed counts tenths of seconds, and no finer: a line that lives should not flicker.
func elapsed(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func end(b *mpb.Bar) {
	if b != nil {
		b.Abort(true)
	}
}

func (s *screen) endWait(a reconcile.Addr) {
	end(s.waits[a].bar)
	delete(s.waits, a)
}

// endPassedWait takes away the wait of no step once its time has passed: no event tells its end.
func (s *screen) endPassedWait() {
	if w, ok := s.waits[reconcile.Addr{}]; ok && s.now().After(w.until) {
		s.endWait(reconcile.Addr{})
	}
}
