package progress

import (
	"fmt"
	"slices"
	"time"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

// Ahead is what lies ahead of a run: how many steps, and how many calls of which server, with what is left of its limits. It is used from one goroutine.
type Ahead struct {
	servers []*server
	steps   int
	done    int
	began   time.Time // of the first step
}

// server is what a run still wants of one.
type server struct {
	target reconcile.Target
	left   []reconcile.Tally
	took   []time.Duration // by the ways there and back of the last ops that ended, one each
}

// NewAhead knows a plan: its calls, and what its targets told of their limits.
func NewAhead(plan reconcile.Plan) *Ahead {
	a := &Ahead{steps: len(plan.Steps)}
	for _, t := range plan.Targets {
		budgets := append([]reconcile.Budget(nil), t.Budgets...)
		t.Budgets = budgets
		a.servers = append(a.servers, &server{target: plan.Paced(t), left: plan.Calls(t.System)})
	}
	return a
}

// Fold takes account of an event.
func (a *Ahead) Fold(e reconcile.Event, now time.Time) {
	switch e := e.(type) {
	case reconcile.Started:
		if a.began.IsZero() {
			a.began = now
		}
	case reconcile.Called:
		for _, s := range a.servers {
			if s.target.System == e.Addr.Instance() {
				s.spend(e, now)
			}
		}
	case reconcile.Finished:
		a.done++
	}
}

// spend takes the calls of an op off what is left.
func (s *server) spend(e reconcile.Called, now time.Time) {
	trips := 0
	for _, t := range e.Op.Calls() {
		trips += t.N - t.Along
		for i := range s.left {
			if s.left[i].What == t.What && s.left[i].Bucket == t.Bucket {
				s.left[i].N = max(s.left[i].N-t.N, 0)
				s.left[i].Along = max(s.left[i].Along-t.Along, 0)
			}
		}
		for i, b := range s.target.Budgets {
			if b.Bucket == t.Bucket {
				s.target.Budgets[i] = b.Spent(t.N, now)
			}
		}
	}
	if trips > 0 {
		s.took = append(s.took, e.Took/time.Duration(trips))
		s.took = s.took[max(0, len(s.took)-mostSamples):]
	}
}

// How many ops tell the pace, and how few do not. What an op took has its wait for a limit in it, which is no pace: the op in the middle is none of the few that waited.
const (
	mostSamples  = 31
	fewerSamples = 8
)

// pace is how fast the server was lately; before enough is known, how fast servers usually are.
func (s *server) pace() reconcile.Pace {
	p := s.target.Pace
	if len(s.took) >= fewerSamples {
		sorted := slices.Sorted(slices.Values(s.took))
		p.Call, p.Along = sorted[len(sorted)/2], 0 // what went along is in what the others took
	}
	return p
}

// Left is about how long the run will go on: what the limits make of the calls that are left, at the pace of those that were made. It is false while nothing is known,
// and when nothing is left.
func (a *Ahead) Left(now time.Time) (time.Duration, bool) {
	var left time.Duration
	for _, s := range a.servers {
		t := s.target
		t.Pace = s.pace()
		left = max(left, t.Forecast(s.left, now).Time)
	}
	return left, left > 0 && a.done < a.steps
}

// Rate is how many steps end in a second, 0 while nothing is known.
func (a *Ahead) Rate(now time.Time) float64 {
	if took := now.Sub(a.began); !a.began.IsZero() && took >= time.Second {
		return float64(a.done) / took.Seconds()
	}
	return 0
}

// text is all of it in a line: 12 of 200 done, 3.2 a second, about 1 min 10 s left. It is empty for a run of which nothing is known, or that has one step only.
func (a *Ahead) text(now time.Time) string {
	if texts := a.texts(now, false); len(texts) > 0 {
		return texts[0]
	}
	return ""
}

// texts are ways to say how far the run is, each shorter than the one before. A run that is told to stop has no rest to tell of.
func (a *Ahead) texts(now time.Time, stopping bool) []string {
	if a.steps < 2 {
		return nil
	}
	done := fmt.Sprintf("%d of %d done", a.done, a.steps)
	if stopping {
		return []string{done}
	}
	if a.done >= a.steps { // what others made meanwhile is looked for
		return []string{done + ", a last look", done}
	}
	left, long := "", done
	if rest, ok := a.Left(now); ok {
		left = ", about " + render.About(rest) + " left"
	}
	if rate := a.Rate(now); rate > 0 {
		long += fmt.Sprintf(", %.1f a second", rate)
	}
	return []string{long + left, done + left, done}
}
