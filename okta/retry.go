package okta

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"keymaker/reconcile"
)

// How often a call is tried. A rate limit is waited for longer than a broken server; a server that is not there is told soon.
const (
	triesLimited = 12
	triesBroken  = 6
	triesUnsent  = 3
	longestPause = 10 * time.Second
	longestRetry = 10 * time.Minute
)

// do makes a call, and again as long as that is safe and may help. This is the one place that decides.
//
//	429            waited for by the headers; it had no effect
//	423, 409       Okta is busy with the same objects; it had no effect
//	not sent       no connection; it had no effect
//	5xx, no answer again only when the call may be made twice; a create is looked up first, by its caller
func (c *client) do(ctx context.Context, k call) (answer, error) {
	tries := 0
	var last error
	waiting, end := untilStopped(ctx, c.stop)
	defer end()
	a, err := backoff.Retry(waiting, func() (answer, error) {
		tries++
		if k.renew != nil { // what is read for a write is not kept while the write waits for its turn
			bucket := bucketOf(k.method, k.path)
			if last = c.limits.take(ctx, bucket); last != nil {
				return answer{}, backoff.Permanent(last)
			}
			if k.body, last = k.renew(ctx); last != nil || k.body == nil {
				c.limits.landed(bucket, true)
				return answer{}, backoff.Permanent(last)
			}
		}
		a, err := c.once(ctx, k)
		last = err
		if err == nil {
			return a, nil
		}
		wait, again := c.verdict(k, a, err, tries)
		switch {
		case !again || ctx.Err() != nil || errors.Is(err, reconcile.ErrStopped):
			return a, backoff.Permanent(err)
		case wait > 0:
			return a, &waitError{err: err, wait: wait}
		}
		return a, err
	}, backoff.WithBackOff(c.pauses()), backoff.WithMaxElapsedTime(longestRetry), backoff.WithNotify(func(err error, d time.Duration) {
		c.onWait(reconcile.Waiting{Reason: reasonOf(k, err), Until: time.Now().Add(d)})
	}))
	if err == nil {
		return a, nil
	}
	if ctx.Err() != nil && !isLost(last) {
		return a, context.Cause(ctx)
	}
	if errors.Is(context.Cause(waiting), reconcile.ErrStopped) && !isLost(last) && isStatus(last, http.StatusTooManyRequests) {
		return a, reconcile.ErrStopped // a call that was turned away had no effect
	}
	return a, last
}

func (c *client) pauses() backoff.BackOff {
	b := backoff.NewExponentialBackOff() // with jitter, half up and down
	b.InitialInterval = c.pause
	b.Multiplier = 2
	b.MaxInterval = max(longestPause, c.pause)
	return b
}

// verdict says whether to try again, and how long to wait when the server said so; 0 leaves it to the pauses.
func (c *client) verdict(k call, a answer, err error, tries int) (time.Duration, bool) {
	var lost *lostError
	switch {
	case errors.As(err, &lost) && !lost.sent:
		return 0, tries < triesUnsent && passing(lost.err)
	case errors.As(err, &lost):
		return 0, k.repeat && tries < triesBroken
	case a.status == http.StatusTooManyRequests:
		return waitFor(a.header), tries < triesLimited
	case a.status == http.StatusLocked, a.status == http.StatusConflict && strings.Contains(k.path, "/lifecycle/"):
		return 0, tries < triesBroken
	case a.status >= 500 && a.status != http.StatusNotImplemented:
		return 0, k.repeat && tries < triesBroken
	}
	return 0, false
}

// waitFor is how long a 429 says to wait; 0 when it does not say. An org's limit on simultaneous calls comes with limit 0 and a reset that is a guess
// (Okta's reference "Concurrent rate limits"), so the pauses serve better.
func waitFor(h http.Header) time.Duration {
	if h.Get("X-Rate-Limit-Limit") != "0" {
		if d, ok := untilReset(h); ok {
			return d
		}
	}
	return min(retryAfter(h), longestRetry)
}

// retryAfter is what a Retry-After header says, in seconds or as a date (RFC 9110, section 10.2.3); Okta sends none, proxies before it may.
func retryAfter(h http.Header) time.Duration {
	said := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.Atoi(said); err == nil && s >= 0 {
		return time.Duration(min(s, int(longestRetry/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(said); err == nil {
		return max(at.Sub(serverTime(h)), 0)
	}
	return 0
}

// passing says whether a connection that could not be made may be made a moment later.
func passing(err error) bool {
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	var address *url.Error
	switch {
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &host), errors.As(err, &record), errors.As(err, &address):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	}
	return true
}

// waitError is an error after which the server said how long to wait.
type waitError struct {
	err  error
	wait time.Duration
}

// Error is the error's own.
func (e *waitError) Error() string { return e.err.Error() }

// Unwrap gives the error, and the wait in the form that the backoff library looks for.
func (e *waitError) Unwrap() []error {
	return []error{e.err, &backoff.RetryAfterError{Duration: e.wait}}
}

func reasonOf(k call, err error) string {
	switch {
	case isStatus(err, http.StatusTooManyRequests):
		return "Okta's rate limit (" + bucketOf(k.method, k.path) + ")"
	case isStatus(err, http.StatusLocked), isStatus(err, http.StatusConflict):
		return "Okta is busy with the same objects"
	case isLost(err):
		return "trying again, as no good answer came to " + k.String()
	}
	return "trying again to reach Okta"
}
