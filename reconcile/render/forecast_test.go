package render

import (
	"bytes"
	"strings"
	"testing"
	"time"

	rec "keymaker/reconcile"
)

// A limit that will not do is said: what may be used of it, that others have used up what there was, and until when the last call waits.
func TestWaitText(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	budget := rec.Budget{Bucket: "/api/v1/apps", Limit: 100, Remaining: 99, Per: time.Minute, Reset: now.Add(40 * time.Second)}
	for _, c := range []struct {
		name            string
		remaining, keep int
		reset           time.Duration
		want            string
	}{
		{"room for some", 99, 0, 40 * time.Second, "Okta takes 100 a minute to /api/v1/apps, and 203 are needed: the last waits about 1 min 40 s."},
		{"used up by others", 0, 0, 40 * time.Second, "Okta takes 100 a minute to /api/v1/apps, none for the next 40 s, and 203 are needed: the last waits about 2 min 40 s."},
		{"a share", 99, 50, 40 * time.Second, "Okta takes 50 of 100 a minute (the rest is left to others) to /api/v1/apps, and 203 are needed: the last waits about 3 min 40 s."},
		{"others have more than we left them", 40, 50, 40 * time.Second, "Okta takes 50 of 100 a minute (the rest is left to others) to /api/v1/apps, none for the next 40 s, and 203 are needed: the last waits about 4 min 40 s."},
		{"a window that has ended", 0, 0, -time.Second, "Okta takes 100 a minute to /api/v1/apps, and 203 are needed: the last waits about 2 min."},
	} {
		b := budget
		b.Remaining, b.Keep, b.Reset = c.remaining, c.keep, now.Add(c.reset)
		if got := waitText("Okta", rec.Bottleneck{Budget: b, Calls: 203, Wait: b.Need(203, now)}, now); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// The report says what was forecast only where it is another number, and what nobody could forecast beside it.
func TestCostsOfAReport(t *testing.T) {
	calls := func(n int, more ...rec.Tally) []rec.Tally { return append([]rec.Tally{{What: "query", N: n}}, more...) }
	watched := rec.Tally{What: rec.Watching, N: 3}
	report := rec.Report{Results: []rec.Result{{Addr: appAddr, Status: rec.StatusDone}}, Costs: []rec.Cost{
		{System: "okta", Forecast: calls(4, rec.Tally{What: "file", N: 2}), Made: calls(4)},
		{System: "neo4j", Forecast: calls(4, rec.Tally{What: "restart", N: 1}), Made: calls(4, watched)},
		{System: "neo4j.eu", Forecast: calls(4), Made: calls(6, watched)},
		{System: "neo4j.us", Forecast: calls(4), Made: calls(3)},
	}}
	var b bytes.Buffer
	if err := Report(&b, report, Apply, Style{Width: 60}); err != nil {
		t.Fatal(err)
	}
	want := `Calls made: Okta 4, Neo4j 4 (3 more while it restarted),
            Neo4j eu 6 (forecast 4,
            3 more while it restarted),
            Neo4j us 3 (forecast 4).
`
	if !strings.Contains(b.String(), want) {
		t.Errorf("got\n%s\nwant in it\n%s", b.String(), want)
	}
}
