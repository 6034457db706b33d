package okta

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"keymaker/reconcile"
)

// The buckets in which Okta counts calls (Okta's reference "Rate limits", and headers recorded from real orgs): everything below /api/v1/apps shares one
// counter, but reads and writes of one app itself, which have their own.
const (
	bucketApps = "/api/v1/apps"
	bucketApp  = "/api/v1/apps/{id}"
	bucketLogs = "/api/v1/logs"
	bucketAPI  = "/api/v1"
)

// bucketOf says in which bucket a call is counted, "" for calls that are documented as not limited (discovery and keys).
func bucketOf(method, path string) string {
	return bucketOfParts(method, strings.Split(strings.Trim(path, "/"), "/"))
}

// bucketAt is bucketOf for a path in which ids may not be known yet.
func bucketAt(method string, path []reconcile.Value) string {
	parts := make([]string, len(path))
	for i, v := range path {
		t, known := v.(reconcile.Text)
		if parts[i] = url.PathEscape(string(t)); !known {
			parts[i] = "{id}"
		}
	}
	return bucketOfParts(method, parts)
}

func bucketOfParts(method string, parts []string) string {
	switch {
	case len(parts) >= 3 && parts[0] == "api" && parts[2] == "apps":
		if len(parts) == 4 && method != http.MethodPost {
			return bucketApp
		}
		return bucketApps
	case len(parts) >= 3 && parts[0] == "api" && parts[2] == "logs":
		return bucketLogs
	case parts[0] == "api":
		return bucketAPI
	case parts[0] == "oauth2" && parts[len(parts)-1] == "token":
		return "/" + strings.Join(parts, "/")
	}
	return ""
}

// windowLength is how long each bucket's window is: it begins with the first call (recorded from real orgs: the reset is always 60 seconds after it).
const windowLength = time.Minute

// limiter keeps what Okta's headers said of each bucket, and holds calls back before a bucket is empty. Windows are fixed: they end all at once at the
// time that the reset header gives.
type limiter struct {
	reserve float64
	onWait  func(reconcile.Waiting)
	now     func() time.Time
	stop    <-chan struct{} // ends waits; nil for nobody

	mu      sync.Mutex
	buckets map[string]*window
	flying  map[string]int // calls that were let through and not answered, by bucket
}

type window struct {
	limit, seen int // seen: the lowest count of calls left that an answer told, less those that ended without one
	reset       time.Time
	told        bool // a wait for its end was announced
}

// remaining is how many calls a bucket has left at least: of those in flight nobody knows whether the server has counted them.
func (l *limiter) remaining(bucket string, w *window) int { return w.seen - l.flying[bucket] }

func newLimiter(reserve float64, onWait func(reconcile.Waiting)) *limiter {
	if onWait == nil {
		onWait = func(reconcile.Waiting) {}
	}
	return &limiter{reserve: min(max(reserve, 0), 0.99), onWait: onWait, now: time.Now, buckets: map[string]*window{}, flying: map[string]int{}}
}

// take waits until the bucket has a call left, and takes it: landed has to be called once it has ended, or will not be made. It ends early with ctx.
func (l *limiter) take(ctx context.Context, bucket string) error {
	for {
		until, ok := l.tryTake(bucket)
		if ok && ctx.Err() != nil {
			l.landed(bucket, true)
			return ctx.Err()
		}
		if ok {
			return nil
		}
		l.announce(bucket, until)
		if err := sleep(ctx, l.stop, until.Sub(l.now())); err != nil {
			return err
		}
	}
}

// announce tells of a wait, once for a window: calls that wait for the same one are one wait.
func (l *limiter) announce(bucket string, until time.Time) {
	l.mu.Lock()
	w := l.buckets[bucket]
	told := w != nil && w.told
	if w != nil {
		w.told = true
	}
	l.mu.Unlock()
	if !told {
		l.onWait(reconcile.Waiting{Reason: "Okta's rate limit (" + bucket + ")", Until: until})
	}
}

// tryTake takes a call of a bucket, or says when there will be some again. When a window has ended the next is taken to be as large and to begin now; what is known of it only
// the next answer says.
func (l *limiter) tryTake(bucket string) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.buckets[bucket]
	if bucket != "" && w != nil {
		if !l.now().Before(w.reset) {
			w = &window{limit: w.limit, seen: w.limit, reset: l.now().Add(windowLength)}
			l.buckets[bucket] = w
		}
		if l.remaining(bucket, w) <= l.keep(w.limit) {
			return w.reset, false
		}
	}
	l.flying[bucket]++
	return time.Time{}, true
}

// landed ends a call that was taken. accounted says that an answer told what is left behind it, or that it was not made: what else became of it, the server may have counted it.
func (l *limiter) landed(bucket string, accounted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flying[bucket]--
	if w := l.buckets[bucket]; w != nil && !accounted {
		w.seen--
	}
}

// keep is how many calls of a window are left to others: all but one at most, or nothing would ever end.
func (l *limiter) keep(limit int) int {
	return min(int(math.Ceil(float64(limit)*l.reserve)), limit-1)
}

// noLimit is a limit that nobody reaches in a minute. An org that says so has none.
const noLimit = 1_000_000

// budgets are what the last answers said of each bucket, by name.
func (l *limiter) budgets() []reconcile.Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []reconcile.Budget
	for _, bucket := range slices.Sorted(maps.Keys(l.buckets)) {
		if w := l.buckets[bucket]; w.limit < noLimit {
			all = append(all, reconcile.Budget{Bucket: bucket, Limit: w.limit, Remaining: l.remaining(bucket, w), Keep: l.keep(w.limit), Per: windowLength, Reset: w.reset})
		}
	}
	return all
}

// learn notes what an answer's headers say, and whether they say it. Answers of calls in flight together arrive in any order: within a window the lowest count is the newest.
func (l *limiter) learn(bucket string, h http.Header) bool {
	limit, err1 := strconv.Atoi(h.Get("X-Rate-Limit-Limit"))
	left, err2 := strconv.Atoi(h.Get("X-Rate-Limit-Remaining"))
	wait, ok := untilReset(h)
	if bucket == "" || err1 != nil || err2 != nil || !ok || limit <= 0 { // limit 0 is the org's limit on simultaneous calls, which says nothing of the bucket
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	reset := l.now().Add(wait)
	if w := l.buckets[bucket]; w != nil && reset.Sub(w.reset).Abs() < 2*time.Second {
		w.seen = min(w.seen, left)
		return true
	}
	l.buckets[bucket] = &window{limit: limit, seen: left, reset: reset}
	return true
}

// untilReset is how long a window lasts, by the server's own clock: ours may be wrong. A server that tells no time is measured by ours.
func untilReset(h http.Header) (time.Duration, bool) {
	reset, err := strconv.ParseInt(strings.TrimSpace(h.Get("X-Rate-Limit-Reset")), 10, 64)
	if err != nil {
		return 0, false
	}
	return max(time.Unix(reset, 0).Sub(serverTime(h)), 0), true
}

// serverTime is when an answer was given.
func serverTime(h http.Header) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return time.Now()
}

// left says what is known to be left of a bucket, for the log.
func (l *limiter) left(bucket string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.buckets[bucket]; w != nil {
		return fmt.Sprintf("%d of %d", l.remaining(bucket, w), w.limit)
	}
	return ""
}

// untilStopped is a context for waiting: it ends with ctx, and with reconcile.ErrStopped when stop is closed. end has to be called.
func untilStopped(ctx context.Context, stop <-chan struct{}) (waiting context.Context, end func()) {
	waiting, cancel := context.WithCancelCause(ctx)
	if stop != nil {
		go func() {
			select {
			case <-stop:
				cancel(reconcile.ErrStopped)
			case <-waiting.Done():
			}
		}()
	}
	return waiting, func() { cancel(nil) }
}

// sleep waits, but no longer than ctx lasts, whose cause it gives, nor than until stop is closed: then it gives reconcile.ErrStopped.
func sleep(ctx context.Context, stop <-chan struct{}, d time.Duration) error {
	ctx, end := untilStopped(ctx, stop)
	defer end()
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
