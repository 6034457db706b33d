package reconcile

import "time"

// Pace is how fast a server takes calls when no limit of it stands in the way. It is what calls usually take, not what they took: the same plan forecasts the same.
type Pace struct {
	// Call is how long a call usually takes, the way there and back included.
	Call time.Duration
	// Along is how long the server takes over one that is sent together with others ([Tally.Along]).
	Along time.Duration
	// Parallel is how many calls are in flight at once.
	Parallel int
}

// Need says how long a number of calls of a bucket take at its limit, from now on: 0 when the running window has room for all of them. Windows follow each other without
// a gap, and each is used up at once.
func (b Budget) Need(calls int, now time.Time) time.Duration {
	usable := b.Limit - b.Keep
	if b.Limit <= 0 || b.Per <= 0 || usable <= 0 {
		return 0
	}
	left := usable
	if b.Reset.After(now) {
		left = max(b.Remaining-b.Keep, 0)
	}
	if calls <= left {
		return 0
	}
	reset := b.Per // of a window that begins with the first call
	if b.Reset.After(now) {
		reset = b.Reset.Sub(now)
	}
	windows := (calls - left + usable - 1) / usable // after the running one
	return reset + time.Duration(windows-1)*b.Per
}

// Spent is a budget after calls were made at a time: a window that ended meanwhile is a new one.
func (b Budget) Spent(calls int, now time.Time) Budget {
	if b.Per > 0 && !b.Reset.After(now) {
		b.Remaining, b.Reset = b.Limit, now.Add(b.Per)
	}
	b.Remaining = max(b.Remaining-calls, 0)
	return b
}

// Bottleneck is a limit at which calls of a plan will have to wait.
type Bottleneck struct {
	Budget Budget
	Calls  int           // of the plan, in its bucket
	Wait   time.Duration // until the last of them is let through
}

// Forecast is how long calls take, as far as it can be told beforehand.
type Forecast struct {
	// Time is about how long all of it takes. It is not known of restarts, which take as long as the server does.
	Time time.Duration
	// Bottlenecks are the limits that will not do, in the order in which the plan meets them.
	Bottlenecks []Bottleneck
}

// Forecast says how long the calls of a system take on its target, from now on: every limit by itself, the calls in as many lanes as there are, whichever is longer.
func (t Target) Forecast(calls []Tally, now time.Time) Forecast {
	var f Forecast
	var busy time.Duration
	for _, bucket := range Spend(calls) {
		in := 0
		for _, c := range bucket {
			in += c.N
			busy += t.Pace.of(c)
		}
		if b, ok := t.Budget(bucket[0].Bucket); ok {
			if wait := b.Need(in, now); wait > 0 {
				f.Bottlenecks = append(f.Bottlenecks, Bottleneck{b, in, wait})
				f.Time = max(f.Time, wait)
			}
		}
	}
	f.Time = max(f.Time, busy/time.Duration(max(t.Pace.Parallel, 1)))
	return f
}

// Paced is a target as the plan uses it: with no more calls at once than the plan allows.
func (p Plan) Paced(t Target) Target {
	if p.Parallel > 0 && t.Pace.Parallel > 0 {
		t.Pace.Parallel = min(t.Pace.Parallel, p.Parallel)
	}
	return t
}

// of is how long calls take one after the other.
func (p Pace) of(t Tally) time.Duration {
	return time.Duration(t.N-t.Along)*p.Call + time.Duration(t.Along)*p.Along
}
