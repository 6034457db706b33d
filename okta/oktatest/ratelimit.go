package oktatest

import (
	"net/http"
	"strconv"
	"time"
)

// RateLimits are calls a minute for each bucket; 0 stands for a limit nobody reaches. That one API token may use half a bucket only, as
// Okta has it by default, is not emulated: give half the numbers instead.
type RateLimits struct {
	Apps  int // /api/v1/apps: list, create and every sub-resource of an app (secrets, keys, lifecycle)
	App   int // /api/v1/apps/{id}: GET, PUT and DELETE of one app
	API   int // /api/v1: everything else, all of authorizationServers shares it
	Logs  int // /api/v1/logs
	Token int // each token endpoint: the org's, and one for every authorization server
}

// Presets: Apps and App as seen on real orgs (App is always five times Apps), and of Integrator all but Logs; the other numbers are the
// lowest that the documentation page "Rate limits" gives.
var (
	Integrator = RateLimits{Apps: 10, App: 50, API: 50, Logs: 50, Token: 150}       // Integrator Free org, 2025-26
	Preview    = RateLimits{Apps: 50, App: 250, API: 600, Logs: 50, Token: 150}     // preview org, 2025
	Developer  = RateLimits{Apps: 20, App: 100, API: 600, Logs: 50, Token: 150}     // developer org, 2022
	Enterprise = RateLimits{Apps: 100, App: 500, API: 1000, Logs: 120, Token: 1200} // documented defaults of a paid org; Token is a guess
)

const unlimited = 1_000_000

// windowLength is how long a window lasts. It is fixed, and starts with the first call to its bucket.
const windowLength = time.Minute

type window struct {
	reset time.Time
	used  int
}

type bucket int

const (
	bucketNone bucket = iota // discovery and keys are documented as not limited
	bucketApps
	bucketApp
	bucketAPI
	bucketLogs
	bucketToken
)

// limit names the call's bucket as Okta's dashboard does, and gives its size.
func (s *Server) limit(c *call) (string, int) {
	var n int
	var name string
	switch c.route.bucket {
	case bucketApps:
		name, n = "/api/v1/apps", s.RateLimits.Apps
	case bucketApp:
		name, n = "/api/v1/apps/{id}", s.RateLimits.App
	case bucketAPI:
		name, n = "/api/v1", s.RateLimits.API
	case bucketLogs:
		name, n = "/api/v1/logs", s.RateLimits.Logs
	case bucketToken:
		name, n = "/oauth2/v1/token", s.RateLimits.Token
		if len(c.vars) > 0 {
			name = "/oauth2/" + s.serverID(c.vars[0]) + "/v1/token"
		}
	default:
		return "", 0
	}
	if n <= 0 {
		n = unlimited
	}
	return name, n
}

// take counts the call in its bucket, sets the rate limit headers, and says whether the call is within the limit.
func (s *Server) take(c *call, h http.Header) (string, bool) {
	name, limit := s.limit(c)
	if name == "" {
		return "", true
	}
	w := s.windows[name]
	if w == nil || !c.now.Before(w.reset) {
		w = &window{reset: c.now.Truncate(time.Second).Add(windowLength)}
		s.windows[name] = w
	}
	within := w.used < limit
	if within {
		w.used++
	}
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(limit-w.used))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(w.reset.Unix(), 10))
	return name, within
}
