package reconcile

import (
	"testing"
	"time"
)

func TestBudgetNeed(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	running := Budget{Limit: 100, Remaining: 40, Per: time.Minute, Reset: now.Add(20 * time.Second)}
	shared := running
	shared.Keep = 50
	unknown := Budget{Limit: 100, Remaining: 3, Per: time.Minute, Reset: now.Add(-time.Second)}
	for _, c := range []struct {
		name   string
		budget Budget
		calls  int
		want   time.Duration
	}{
		{"room for all", running, 40, 0},
		{"one too many waits for the reset", running, 41, 20 * time.Second},
		{"a whole window more", running, 140, 20 * time.Second},
		{"and one", running, 141, 80 * time.Second},
		{"a share: nothing of what is left is ours", shared, 1, 20 * time.Second},
		{"a share: two windows", shared, 100, 80 * time.Second},
		{"a window that ended says nothing of the one that runs", unknown, 100, 0},
		{"nor of when it ends", unknown, 101, time.Minute},
		{"no limit", Budget{}, 1e6, 0},
	} {
		if got := c.budget.Need(c.calls, now); got != c.want {
			t.Errorf("%s: %d calls need %s, want %s", c.name, c.calls, got, c.want)
		}
	}
}

func TestBudgetSpent(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	b := Budget{Limit: 10, Remaining: 4, Per: time.Minute, Reset: now.Add(time.Second)}
	if got := b.Spent(3, now); got.Remaining != 1 || !got.Reset.Equal(b.Reset) {
		t.Errorf("in the running window: got %+v", got)
	}
	if got := b.Spent(5, now); got.Remaining != 0 {
		t.Errorf("more than there was: got %+v", got)
	}
	later := now.Add(time.Hour)
	if got := b.Spent(3, later); got.Remaining != 7 || !got.Reset.Equal(later.Add(time.Minute)) {
		t.Errorf("in a new window: got %+v", got)
	}
}

func TestTargetForecast(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	target := Target{
		Pace: Pace{Call: 100 * time.Millisecond, Parallel: 4},
		Budgets: []Budget{
			{Bucket: "apps", Limit: 100, Remaining: 99, Per: time.Minute, Reset: now.Add(30 * time.Second)},
			{Bucket: "api", Limit: 1000, Remaining: 990, Per: time.Minute, Reset: now.Add(30 * time.Second)},
		},
	}
	got := target.Forecast([]Tally{{What: "write", N: 80, Bucket: "apps"}, {What: "read", N: 40, Bucket: "api"}}, now)
	if len(got.Bottlenecks) != 0 || got.Time != 3*time.Second {
		t.Errorf("120 calls in 4 lanes of 100 ms: got %+v, want 3 s and no bottleneck", got)
	}
	got = target.Forecast([]Tally{{What: "write", N: 200, Bucket: "apps"}, {What: "read", N: 40, Bucket: "api"}, {What: "file write", N: 1}}, now)
	if len(got.Bottlenecks) != 1 || got.Bottlenecks[0].Calls != 200 || got.Bottlenecks[0].Budget.Bucket != "apps" || got.Time != 90*time.Second {
		t.Errorf("200 calls at 100 a minute, of which 99 are left for 30 s: got %+v, want one bottleneck and 1 min 30 s", got)
	}
}

// What goes along with others costs the server's time, and no way there and back.
func TestForecastOfWhatGoesAlong(t *testing.T) {
	target := Target{Pace: Pace{Call: 50 * time.Millisecond, Along: time.Millisecond, Parallel: 1}}
	calls := AddTallies(nil, Tally{What: "transaction", N: 1}, Tally{What: "statement", N: 100, Along: 99}, Tally{What: "statement", N: 101, Along: 101}, Tally{What: "query", N: 1})
	if got, want := target.Forecast(calls, time.Now()).Time, 350*time.Millisecond; got != want { // a query, the statements, COMMIT, and 200 statements' own time
		t.Errorf("a transaction of 201 statements behind a query: got %s, want %s", got, want)
	}
}

// A plan that allows fewer calls at once than a server takes is slower, and one that allows more is no faster.
func TestPlanPaced(t *testing.T) {
	target := Target{Pace: Pace{Call: time.Second, Parallel: 4}}
	for parallel, want := range map[int]time.Duration{0: 2 * time.Second, 1: 8 * time.Second, 2: 4 * time.Second, 9: 2 * time.Second} {
		if got := (Plan{Parallel: parallel}).Paced(target).Forecast([]Tally{{What: "write", N: 8}}, time.Now()).Time; got != want {
			t.Errorf("8 calls of a second, %d at once: got %s, want %s", parallel, got, want)
		}
	}
}
