package progress

import (
	"fmt"
	"io"
	"time"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

// Printer shows events as they come. Observe is called from one goroutine, in order; Close ends the showing, gives the first error of writing, and leaves the writer
// open. Events after Close are ignored, and closing again changes nothing.
type Printer interface {
	Observe(reconcile.Event)
	Close() error
}

// Stopper is a [Printer] that shows that a run was told to stop, so that nobody wonders why it still goes on. Stopping is called like
// Observe, one after the other.
type Stopper interface {
	Stopping()
}

// New gives the printer for a writer: living lines when it is a terminal, plain ones elsewhere. What lies ahead is told with each wait, and on a terminal all the time;
// nil is for a run of which nothing is known.
func New(w io.Writer, terminal bool, ahead *Ahead) Printer {
	if ahead == nil {
		ahead = &Ahead{}
	}
	if terminal {
		return newScreen(w, time.Now, ahead)
	}
	return &log{w: w, now: time.Now, ahead: ahead}
}

// log prints a line for each beginning, wait and end.
type log struct {
	w      io.Writer
	now    func() time.Time
	board  Board
	ahead  *Ahead
	err    error
	closed bool
}

// Observe writes the event's line.
func (l *log) Observe(e reconcile.Event) {
	if l.closed {
		return
	}
	step, running := l.board.Step(addrOf(e))
	l.board.Fold(e)
	l.ahead.Fold(e, l.now())
	switch e := e.(type) {
	case reconcile.Started:
		l.line(head(e.Nth, e.N, e.Addr) + " " + doing(e.Action) + " …")
	case reconcile.Waiting:
		if e.Over() {
			break
		}
		l.line("      " + WaitText(e, l.now()))
		if text := l.ahead.text(l.now()); text != "" {
			l.line("      " + text)
		}
	case reconcile.Finished:
		if running { // one that never started is for the report to tell
			l.line(head(step.Nth, l.board.N, step.Addr) + " " + ending(e.Result))
		}
	}
}

// Stopping writes a line.
func (l *log) Stopping() {
	if !l.closed {
		l.line(stoppingText)
	}
}

// Close gives the first error of writing.
func (l *log) Close() error {
	l.closed = true
	return l.err
}

func (l *log) line(s string) {
	if l.err == nil {
		_, l.err = fmt.Fprintln(l.w, s)
	}
}

// addrOf is the step that an event is about, zero for events of none.
func addrOf(e reconcile.Event) reconcile.Addr {
	switch e := e.(type) {
	case reconcile.Started:
		return e.Addr
	case reconcile.Called:
		return e.Addr
	case reconcile.Waiting:
		return e.Addr
	case reconcile.Finished:
		return e.Result.Addr
	}
	return reconcile.Addr{}
}

func head(nth, n int, a reconcile.Addr) string {
	return fmt.Sprintf("[%d/%d] %s", nth, n, render.Escape(a.String()))
}

// doing is an action while it happens.
func doing(a reconcile.Action) string {
	switch a {
	case reconcile.ActionCreate:
		return "creating"
	case reconcile.ActionDelete:
		return "deleting"
	}
	return "updating"
}

// ending tells how a step ended, in one line.
func ending(r reconcile.Result) string {
	switch {
	case r.LeftToPeople():
		return "left to people"
	case r.Status == reconcile.StatusDone:
		text := fmt.Sprintf("%s, %d calls, %s", render.Past(r.Action), r.Calls, render.Took(r.Took))
		if r.Calls == 1 {
			text = fmt.Sprintf("%s, 1 call, %s", render.Past(r.Action), render.Took(r.Took))
		}
		if r.Said != "" {
			text += ", " + render.Escape(r.Said)
		}
		return text
	case r.Err != nil:
		return string(r.Status) + ": " + render.Escape(r.Err.Error())
	}
	return string(r.Status)
}

// WaitText announces a wait: why, for how long at most, and until when.
func WaitText(e reconcile.Waiting, now time.Time) string {
	left := e.Until.Sub(now).Round(time.Second)
	if left <= 0 {
		return "waiting: " + render.Escape(e.Reason)
	}
	return fmt.Sprintf("waiting: %s, %s, until %s", render.Escape(e.Reason), seconds(left), e.Until.Format("15:04:05"))
}

// waitingShort is WaitText for where there is little room.
func waitingShort(e reconcile.Waiting, now time.Time) string {
	left := e.Until.Sub(now).Round(time.Second)
	if left <= 0 {
		return "waiting: " + render.Escape(e.Reason)
	}
	return fmt.Sprintf("waiting: %s, %s", render.Escape(e.Reason), seconds(left))
}

// seconds spells a short time in seconds and a longer one as Go does.
func seconds(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return d.String()
}
