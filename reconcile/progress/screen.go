package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"keymaker/reconcile"
)

// screen keeps living lines on a terminal: what runs, what is waited for, and how far the run is. They are drawn several times a second, whether something happens or not.
// Steps that ended leave nothing behind, so that the report stands alone.
type screen struct {
	w   io.Writer
	now func() time.Time

	// bar is made for the first line, so that a run without steps touches nothing: one bar with all lines, so that they come and go in one drawing.
	progress *mpb.Progress
	bar      *mpb.Bar
	closed   bool

	mu   sync.Mutex // guards what follows, which the goroutine that draws reads too
	view *view
	rest []string // of what is being drawn, behind the first line
}

func newScreen(w io.Writer, now func() time.Time, ahead *Ahead) *screen {
	return &screen{w: w, now: now, view: newView(ahead)}
}

// Observe takes account of an event.
func (s *screen) Observe(e reconcile.Event) {
	if s.closed {
		return
	}
	s.mu.Lock()
	s.view.fold(e, s.now())
	something := len(s.view.lines(s.now(), wide)) > 0
	s.mu.Unlock()
	if s.progress == nil && something {
		s.begin()
	}
}

// wide is as wide as no line is.
const wide = 1 << 20

// Stopping shows that the run was told to stop.
func (s *screen) Stopping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.stopping = true
}

// begin puts the lines on the screen. A terminal that is gone shows none, and there is nobody to miss them.
func (s *screen) begin() {
	s.progress = mpb.New(mpb.WithOutput(s.w), mpb.WithAutoRefresh())
	first := decor.Any(func(stat decor.Statistics) string { return s.draw(stat.AvailableWidth) })
	others := mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
		_, err := io.WriteString(w, s.drawRest())
		return err
	})
	bar, err := s.progress.Add(0, nil, mpb.BarFillerTrim(), mpb.PrependDecorators(first), mpb.BarExtender(others, false))
	if err == nil {
		s.bar = bar
	}
}

// draw makes the lines for a terminal of a width, and gives the first. The last column stays free: some terminals go on to the next line there.
func (s *screen) draw(width int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.view.lines(s.now(), width-1)
	if len(lines) == 0 {
		s.rest = nil
		return ""
	}
	s.rest = lines[1:]
	return lines[0]
}

// drawRest gives the lines behind the first.
func (s *screen) drawRest() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) == 0 {
		return ""
	}
	return strings.Join(s.rest, "\n") + "\n"
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
	if s.bar != nil {
		s.bar.Abort(true)
	}
	s.progress.Wait()
	return nil
}

// elapsed counts tenths of seconds, and no finer: a line that lives should not flicker.
func elapsed(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
