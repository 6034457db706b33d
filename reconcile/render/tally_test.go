package render

import (
	"testing"
	"time"

	rec "keymaker/reconcile"
)

func TestForecast(t *testing.T) {
	const apps, app, general = "/api/v1/apps", "/api/v1/apps/{id}", "/api/v1"
	budget := func(bucket string, limit, left int) rec.Budget {
		return rec.Budget{Bucket: bucket, Limit: limit, Remaining: left, Per: time.Minute}
	}
	calls := []rec.Tally{{What: "read", N: 1, Bucket: app}, {What: "write", N: 1, Bucket: app}, {What: "file", N: 2}}
	more := append([]rec.Tally{{What: "write", N: 2, Bucket: apps}}, append(calls, rec.Tally{What: "write", N: 1, Bucket: app})...)
	tests := []struct {
		name    string
		calls   []rec.Tally
		budgets []rec.Budget
		want    string
	}{
		{"no limits known", more, nil, "4 writes, 1 read, 2 files"},
		{"limits of others", calls, []rec.Budget{budget(general, 50, 3)}, "1 read, 1 write, 2 files"},
		{"one limit", calls, []rec.Budget{budget(app, 600, 571)}, "1 read, 1 write of 600 a minute left 571, 2 files"},
		{"several", more, []rec.Budget{budget(app, 600, 571), budget(apps, 100, 99)},
			"2 writes to /api/v1/apps of 100 a minute left 99, 1 read, 2 writes to /api/v1/apps/{id} of 600 a minute left 571, 2 files"},
		{"one of several", more, []rec.Budget{budget(apps, 100, 99)}, "2 writes to /api/v1/apps of 100 a minute left 99, 1 read, 2 writes to /api/v1/apps/{id}, 2 files"},
		{"another window", calls, []rec.Budget{{Bucket: app, Limit: 5, Remaining: 5, Per: 10 * time.Second}}, "1 read, 1 write of 5 a 10s left 5, 2 files"},
		{"nothing", nil, []rec.Budget{budget(app, 600, 571)}, ""},
	}
	for _, c := range tests {
		if got := forecast(c.calls, rec.Target{Budgets: c.budgets}); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
