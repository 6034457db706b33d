package progress

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

// view is what a screen knows, and the lines that it makes of that. It is used from one goroutine at a time.
type view struct {
	board    Board
	ahead    *Ahead
	began    map[reconcile.Addr]time.Time // of the steps that run
	waits    []reconcile.Waiting          // that belong to no step
	stopping bool
}

// mostLines is how many lines running steps may take: more would not fit on a screen, and a batch may have hundreds.
const mostLines = 6

func newView(ahead *Ahead) *view {
	return &view{ahead: ahead, began: make(map[reconcile.Addr]time.Time)}
}

// fold adds an event.
func (v *view) fold(e reconcile.Event, now time.Time) {
	v.board.Fold(e)
	v.ahead.Fold(e, now)
	switch e := e.(type) {
	case reconcile.Started:
		v.began[e.Addr] = now
	case reconcile.Waiting:
		if e.Addr == (reconcile.Addr{}) {
			v.waits = slices.DeleteFunc(v.waits, func(w reconcile.Waiting) bool { return w.Reason == e.Reason || !w.Until.After(now) })
			if e.Until.After(now) {
				v.waits = append(v.waits, e)
			}
		}
	case reconcile.Finished:
		delete(v.began, e.Result.Addr)
	}
}

// lines are what is shown at a time, none longer than width: what runs, the first of it where that is much, what is waited for, and how far the run is.
func (v *view) lines(now time.Time, width int) []string {
	var all []string
	running := v.board.Running()
	shown := running
	if len(running) > mostLines {
		shown = running[:mostLines-1]
	}
	for _, r := range shown {
		text := head(r.Nth, v.board.N, r.Addr)
		took := "  " + doing(r.Action) + "  " + elapsed(now.Sub(v.began[r.Addr]))
		all = append(all, fit(width, text+took, text, render.Escape(r.Addr.String())))
		if r.Wait != nil && r.Wait.Until.After(now) {
			all = append(all, v.wait(*r.Wait, now, width))
		}
	}
	if n := len(running) - len(shown); n > 0 {
		all = append(all, fit(width, fmt.Sprintf("      and %d more", n)))
	}
	for _, w := range v.waits {
		if w.Until.After(now) {
			all = append(all, v.wait(w, now, width))
		}
	}
	if texts := v.ahead.texts(now, v.stopping); len(texts) > 0 {
		all = append(all, fit(width, texts...))
	}
	if v.stopping {
		all = append(all, fit(width, stoppingText+" Ctrl-C again cuts them off.", stoppingText, "Stopping."))
	}
	return all
}

// stoppingText says what becomes of a run that is told to stop.
const stoppingText = "Stopping: calls in flight end, no other begins."

func (v *view) wait(w reconcile.Waiting, now time.Time, width int) string {
	const in = "      "
	texts := []string{in + WaitText(w, now), in + waitingShort(w, now), strings.TrimSpace(waitingShort(w, now))}
	if !v.stopping {
		texts = slices.Insert(texts, 0, in+WaitText(w, now)+". Ctrl-C stops safely.")
	}
	return fit(width, texts...)
}

// fit is the first of some texts that is no wider than width. Where none is, the last one loses its end.
func fit(width int, texts ...string) string {
	for _, text := range texts {
		if lipgloss.Width(text) <= width {
			return text
		}
	}
	last := []rune(texts[len(texts)-1])
	for len(last) > 0 && lipgloss.Width(string(last))+1 > width {
		last = last[:len(last)-1]
	}
	if width < 1 {
		return ""
	}
	return string(last) + "…"
}
