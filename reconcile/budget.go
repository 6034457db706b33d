package reconcile

import (
	"slices"
	"time"
)

// Budget is a bound that a server sets on calls in a time, as its last answer told it. It is a moment's state: it is shown with a plan that was just made, and no
// part of what is saved or compared.
type Budget struct {
	// Bucket names the calls that are counted together, as [Tally.Bucket] does.
	Bucket string
	// Limit is how many calls a window takes.
	Limit int
	// Remaining is how many the running window still takes, those that are left to others included.
	Remaining int
	// Keep is how many calls of every window are left to others, because the operator asked for that. It is below Limit.
	Keep int
	// Per is how long a window is.
	Per time.Duration
	// Reset is when the running window ends and Remaining is Limit again, by this machine's clock. A time in the past says that nothing is known of the window that runs now.
	Reset time.Time
}

// Budget finds the target's budget of a bucket, false when its server told none.
func (t Target) Budget(bucket string) (Budget, bool) {
	i := slices.IndexFunc(t.Budgets, func(b Budget) bool { return b.Bucket == bucket })
	if i < 0 || bucket == "" {
		return Budget{}, false
	}
	return t.Budgets[i], true
}

// Spend divides calls by bucket: a list for each, in order of first mention, in which each sort of call stands once.
func Spend(calls []Tally) [][]Tally {
	var buckets [][]Tally
	for _, t := range calls {
		i := slices.IndexFunc(buckets, func(b []Tally) bool { return b[0].Bucket == t.Bucket })
		if i < 0 {
			buckets = append(buckets, nil)
			i = len(buckets) - 1
		}
		buckets[i] = AddTallies(buckets[i], t)
	}
	return buckets
}
