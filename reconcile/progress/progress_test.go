package progress

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	rec "keymaker/reconcile"
)

var (
	app  = rec.Addr{System: "okta", Kind: "app", Name: "neo4j-etl"}
	role = rec.Addr{System: "neo4j", Kind: "role", Name: "etl_writer"}
	evil = rec.Addr{System: "okta", Kind: "app", Name: "a\x1b[31m\u202eb"}
	noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

type op string

func (o op) String() string     { return string(o) }
func (o op) Calls() []rec.Tally { return nil }

func done(a rec.Addr, act rec.Action, calls int, said string) rec.Event {
	return rec.Finished{Result: rec.Result{Addr: a, Action: act, Status: rec.StatusDone, Calls: calls, Said: said, Took: 41 * time.Millisecond}}
}

func failed(a rec.Addr, err error) rec.Event {
	return rec.Finished{Result: rec.Result{Addr: a, Action: rec.ActionUpdate, Status: rec.StatusFailed, Err: err}}
}

// run is a plan of four steps: one goes well, one waits and fails, one is hostile, one never starts.
func run() []rec.Event {
	return []rec.Event{
		rec.Started{Addr: role, Action: rec.ActionCreate, Nth: 1, N: 4},
		rec.Started{Addr: app, Action: rec.ActionUpdate, Nth: 2, N: 4},
		rec.Called{Addr: role, Op: op("CREATE ROLE"), Took: time.Millisecond},
		done(role, rec.ActionCreate, 5, "3 members"),
		rec.Waiting{Addr: app, Reason: "Okta's rate limit (/api/v1/apps)", Until: noon.Add(18 * time.Second)},
		rec.Called{Addr: app, Op: op("PUT"), Took: time.Millisecond, Err: errors.New("no")},
		failed(app, errors.New("refused\nby \x1b[2J")),
		rec.Waiting{Reason: "the server's lock", Until: noon.Add(-time.Second)},
		rec.Started{Addr: evil, Action: rec.ActionDelete, Nth: 3, N: 4},
		done(evil, rec.ActionDelete, 1, "\u009b"),
		rec.Finished{Result: rec.Result{Addr: rec.Addr{System: "okta", Kind: "app", Name: "never"}, Status: rec.StatusNotDone, After: app.String()}},
		rec.Hopped{}, rec.Proven{},
	}
}

func TestBoard(t *testing.T) {
	var b Board
	var trace []string
	for _, e := range run() {
		b.Fold(e)
		var names []string
		for _, r := range b.Running() {
			name := fmt.Sprintf("%d:%d", r.Nth, r.Calls)
			if r.Wait != nil {
				name += "w"
			}
			names = append(names, name)
		}
		trace = append(trace, strings.Join(names, ","))
	}
	if got, want := strings.Join(trace, " "), "1:0 1:0,2:0 1:1,2:0 2:0 2:0w 2:1   3:0    "; got != want {
		t.Errorf("running after each event:\ngot  %q\nwant %q", got, want)
	}
	got := fmt.Sprint(b.N, b.Calls, b.Ended(rec.StatusDone), b.Ended(rec.StatusFailed), b.Ended(rec.StatusUnknown), b.Ended(rec.StatusNotDone))
	if want := "4 2 2 1 0 1"; got != want {
		t.Errorf("N, calls, done, failed, unknown, not done: got %s, want %s", got, want)
	}
}

func TestBoardRunningIsACopy(t *testing.T) {
	var b Board
	b.Fold(rec.Started{Addr: app, Nth: 1, N: 1})
	b.Running()[0].Addr = role
	if _, ok := b.Step(app); !ok {
		t.Error("writing to Running's result reached the board")
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	l := &log{w: &out, now: func() time.Time { return noon }, ahead: &Ahead{}}
	for _, e := range run() {
		l.Observe(e)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Observe(rec.Started{Addr: app, Nth: 1, N: 1}) // after Close: ignored
	want := strings.Join([]string{
		`[1/4] neo4j.role.etl_writer creating …`,
		`[2/4] okta.app.neo4j-etl updating …`,
		`[1/4] neo4j.role.etl_writer created, 5 calls, 41 ms, 3 members`,
		`      waiting: Okta's rate limit (/api/v1/apps), 18 s, until 12:00:18`,
		`[2/4] okta.app.neo4j-etl failed: refused\nby \x1b[2J`,
		`      waiting: the server's lock`,
		`[3/4] okta.app.a\x1b[31m\u202eb deleting …`,
		`[3/4] okta.app.a\x1b[31m\u202eb deleted, 1 call, 41 ms, \u009b`,
		``}, "\n")
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

type brokenPipe struct{ n int }

func (b *brokenPipe) Write([]byte) (int, error) { b.n++; return 0, io.ErrClosedPipe }

func TestLogWriteError(t *testing.T) {
	w := &brokenPipe{}
	p := New(w, false, nil)
	for _, e := range run() {
		p.Observe(e)
	}
	if err := p.Close(); !errors.Is(err, io.ErrClosedPipe) || w.n != 1 {
		t.Errorf("Close gave %v after %d writes, want the first one's error and no other", err, w.n)
	}
}

// terminal is as much of a terminal as the screen needs: lines, cursor up, erase to the end. It remembers each line that it ever showed.
type terminal struct {
	mu    sync.Mutex
	lines []string
	at    int
	seen  map[string]bool
	bad   []string // escape sequences that it does not know
	drawn chan struct{}
}

func newTerminal() *terminal {
	return &terminal{seen: make(map[string]bool), drawn: make(chan struct{}, 1)}
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := string(p); rest != ""; {
		switch {
		case strings.HasPrefix(rest, "\x1b["):
			end := strings.IndexFunc(rest[2:], func(r rune) bool { return r >= '@' && r <= '~' }) + 2
			t.escape(rest[2:end], rest[end])
			rest = rest[end+1:]
		default:
			line, after, _ := strings.Cut(rest, "\n")
			t.lines = append(t.lines[:t.at], line)
			t.seen[strings.TrimSpace(line)] = true
			t.at++
			rest = after
		}
	}
	select {
	case t.drawn <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (t *terminal) escape(arg string, verb byte) {
	switch verb {
	case 'A':
		n, _ := strconv.Atoi(arg)
		t.at = max(0, t.at-n)
	case 'J':
		t.lines = t.lines[:t.at]
	default:
		t.bad = append(t.bad, arg+string(verb))
	}
}

// until waits until a line was shown.
func (t *terminal) until(tt *testing.T, line string) {
	tt.Helper()
	for deadline := time.After(20 * time.Second); ; {
		t.mu.Lock()
		ok := t.seen[line]
		t.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-t.drawn:
		case <-deadline:
			t.mu.Lock()
			defer t.mu.Unlock()
			tt.Fatalf("%q was never shown; seen: %v", line, t.seen)
		}
	}
}

func (t *terminal) show() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}

func TestScreenShowsWhatRunsAndCleansUp(t *testing.T) {
	term := newTerminal()
	s := newScreen(term, func() time.Time { return noon }, &Ahead{})
	s.Observe(rec.Started{Addr: app, Action: rec.ActionUpdate, Nth: 3, N: 7})
	term.until(t, "[3/7] okta.app.neo4j-etl  updating  0.0 s")
	s.Observe(rec.Waiting{Addr: app, Reason: "rate limit", Until: noon.Add(18 * time.Second)})
	term.until(t, "waiting: rate limit, 18 s, until 12:00:18. Ctrl-C stops safely.")
	s.Observe(rec.Waiting{Reason: "lock", Until: noon.Add(time.Hour)})
	term.until(t, "waiting: lock, 1h0m0s, until 13:00:00. Ctrl-C stops safely.")
	s.Observe(rec.Started{Addr: evil, Action: rec.ActionDelete, Nth: 4, N: 7})
	term.until(t, `[4/7] okta.app.a\x1b[31m\u202eb  deleting  0.0 s`)
	s.Observe(done(app, rec.ActionUpdate, 1, ""))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := term.show(); len(got) != 0 {
		t.Errorf("lines are left behind: %q", got)
	}
	if len(term.bad) != 0 {
		t.Errorf("escape sequences beside cursor up and erase: %q", term.bad)
	}
	s.Observe(rec.Started{Addr: app, Nth: 1, N: 1}) // after Close: ignored
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestScreenWithoutSteps(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, true, nil)
	p.Observe(rec.Hopped{})
	p.Observe(rec.Finished{Result: rec.Result{Addr: app, Status: rec.StatusNotDone}})
	if err := p.Close(); err != nil || out.Len() != 0 {
		t.Errorf("wrote %q, error %v; want nothing", out.String(), err)
	}
}

// TestViewForgetsWaits ends waits: of a step with its next call, of no step when its time has passed or it is told to be over.
func TestViewForgetsWaits(t *testing.T) {
	v := newView(&Ahead{})
	waits := func(want int, why string) {
		t.Helper()
		n := 0
		for _, l := range v.lines(noon, 100) {
			if strings.Contains(l, "waiting") {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d waits are shown, want %d: %q", why, n, want, v.lines(noon, 100))
		}
	}
	later := noon.Add(time.Second)
	v.fold(rec.Started{Addr: app, Nth: 1, N: 1}, noon)
	v.fold(rec.Waiting{Addr: app, Reason: "x", Until: later}, noon)
	waits(1, "a step waits")
	v.fold(rec.Waiting{Reason: "y", Until: later}, noon)
	v.fold(rec.Waiting{Reason: "z", Until: later}, noon)
	waits(3, "two systems wait besides")
	v.fold(rec.Called{Addr: app, Op: op("GET")}, noon)
	waits(2, "a step's wait ends with its call, and no other does")
	v.fold(rec.Waiting{Reason: "y"}, noon)
	waits(1, "one is over before its time")
	if got := v.lines(later, 100); len(got) != 1 {
		t.Errorf("when its time has passed a wait is still shown: %q", got)
	}
}

// TestViewFits shows 200 steps and a wait on terminals of any width: no line is longer, what matters stays, and nothing is cut where a shorter way to say it fits.
func TestViewFits(t *testing.T) {
	v := newView(&Ahead{steps: 200, done: 17, began: noon.Add(-10 * time.Second)})
	for i := range 40 {
		v.fold(rec.Started{Addr: rec.Addr{System: "okta", Kind: "app", Name: "svc", Key: fmt.Sprintf("bench_%02d", i)}, Action: rec.ActionCreate, Nth: i + 1, N: 200}, noon)
	}
	v.fold(rec.Waiting{Reason: "Okta's rate limit (/api/v1/apps)", Until: noon.Add(18 * time.Second)}, noon)
	show := func(width int) string {
		for _, l := range v.lines(noon, width) {
			if n := len([]rune(l)); n > width {
				t.Errorf("width %d: a line of %d: %s", width, n, l)
			}
		}
		return strings.Join(v.lines(noon, width), "\n")
	}
	for _, c := range []struct {
		width int
		want  string
	}{
		{140, `[1/200] okta.app.svc["bench_00"]  creating  0.0 s
[2/200] okta.app.svc["bench_01"]  creating  0.0 s
[3/200] okta.app.svc["bench_02"]  creating  0.0 s
[4/200] okta.app.svc["bench_03"]  creating  0.0 s
[5/200] okta.app.svc["bench_04"]  creating  0.0 s
      and 35 more
      waiting: Okta's rate limit (/api/v1/apps), 18 s, until 12:00:18. Ctrl-C stops safely.
17 of 200 done, 1.7 a second`},
		{45, `[1/200] okta.app.svc["bench_00"]
[2/200] okta.app.svc["bench_01"]
[3/200] okta.app.svc["bench_02"]
[4/200] okta.app.svc["bench_03"]
[5/200] okta.app.svc["bench_04"]
      and 35 more
waiting: Okta's rate limit (/api/v1/apps), 1…
17 of 200 done, 1.7 a second`},
	} {
		if got := show(c.width); got != c.want {
			t.Errorf("width %d: got\n%s\nwant\n%s", c.width, got, c.want)
		}
	}
	for width := range 200 {
		show(width)
	}
	v.stopping = true
	if got := show(80); strings.Contains(got, "stops safely") || !strings.HasSuffix(got, "17 of 200 done\nStopping: calls in flight end, no other begins. Ctrl-C again cuts them off.") {
		t.Errorf("a run that is told to stop shows\n%s", got)
	}
}

// TestScreenSurvivesItsTerminal closes a screen whose terminal is gone: nothing may hang.
func TestScreenSurvivesItsTerminal(t *testing.T) {
	s := newScreen(&brokenPipe{}, time.Now, &Ahead{})
	for _, e := range run() {
		s.Observe(e)
	}
	s.Observe(rec.Started{Addr: app, Action: rec.ActionUpdate, Nth: 2, N: 4})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestAhead is a run of 200 calls at 100 a minute, of which the running window has 40 left.
func TestAhead(t *testing.T) {
	const bucket = "/api/v1/apps"
	plan := rec.Plan{Targets: []rec.Target{{
		System: "okta", Pace: rec.Pace{Call: 100 * time.Millisecond, Parallel: 1},
		Budgets: []rec.Budget{{Bucket: bucket, Limit: 100, Remaining: 40, Per: time.Minute, Reset: noon.Add(20 * time.Second)}},
	}}}
	for i := range 200 {
		a := rec.Addr{System: "okta", Kind: "app", Name: strconv.Itoa(i)}
		plan.Steps = append(plan.Steps, rec.Step{Change: rec.Create{Want: rec.Object{Addr: a}}, Ops: []rec.Op{write(bucket)}})
	}
	ahead := NewAhead(plan)
	var out bytes.Buffer
	l := &log{w: &out, now: func() time.Time { return noon.Add(10 * time.Second) }, ahead: ahead}
	ahead.Fold(rec.Started{}, noon)
	for _, s := range plan.Steps[:40] {
		a := s.Change.Addr()
		ahead.Fold(rec.Called{Addr: a, Op: s.Ops[0], Took: 50 * time.Millisecond}, noon.Add(10*time.Second))
		ahead.Fold(done(a, rec.ActionCreate, 1, ""), noon.Add(10*time.Second))
	}
	l.Observe(rec.Waiting{Reason: "Okta's rate limit", Until: noon.Add(20 * time.Second)})
	// 160 are left: 100 when the window resets in 10 s, 60 a minute later
	want := "      waiting: Okta's rate limit, 10 s, until 12:00:20\n      40 of 200 done, 4.0 a second, about 1 min 10 s left\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	if budget := plan.Targets[0].Budgets[0]; budget.Remaining != 40 {
		t.Errorf("the plan's own budget became %+v", budget)
	}
	for _, s := range plan.Steps[40:] {
		ahead.Fold(rec.Called{Addr: s.Change.Addr(), Op: s.Ops[0]}, noon.Add(2*time.Minute))
		ahead.Fold(done(s.Change.Addr(), rec.ActionCreate, 1, ""), noon.Add(2*time.Minute))
	}
	if left, ok := ahead.Left(noon.Add(2 * time.Minute)); ok {
		t.Errorf("at the end %s are left", left)
	}
	if got := ahead.text(noon.Add(2 * time.Minute)); got != "200 of 200 done, a last look" {
		t.Errorf("at the end it says %q", got)
	}
}

// write is an op of one call in a bucket.
type write string

func (w write) String() string     { return "POST " + string(w) }
func (w write) Calls() []rec.Tally { return []rec.Tally{{What: "write", N: 1, Bucket: string(w)}} }

// TestAheadLeavesOutWaits is a run whose first calls waited a minute, as others had used up the limit: that is no pace of the calls behind them.
func TestAheadLeavesOutWaits(t *testing.T) {
	const bucket = "/api/v1/apps"
	plan := rec.Plan{Targets: []rec.Target{{System: "okta", Pace: rec.Pace{Call: 200 * time.Millisecond, Parallel: 4},
		Budgets: []rec.Budget{{Bucket: bucket, Limit: 1000, Remaining: 0, Per: time.Minute, Reset: noon.Add(58 * time.Second)}}}}}
	for i := range 200 {
		a := rec.Addr{System: "okta", Kind: "app", Name: strconv.Itoa(i)}
		plan.Steps = append(plan.Steps, rec.Step{Change: rec.Create{Want: rec.Object{Addr: a}}, Ops: []rec.Op{write(bucket)}})
	}
	ahead := NewAhead(plan)
	now := noon
	left := func(want time.Duration, when string) {
		t.Helper()
		if got, ok := ahead.Left(now); !ok || got != want {
			t.Errorf("%s: %s are left (%v), want %s", when, got, ok, want)
		}
	}
	left(58*time.Second, "at first")
	now = noon.Add(59 * time.Second)
	for i, s := range plan.Steps[:40] {
		took := 58 * time.Second
		if i >= 4 {
			took = 80 * time.Millisecond
		}
		ahead.Fold(rec.Called{Addr: s.Change.Addr(), Op: s.Ops[0], Took: took}, now)
		switch i {
		case 3:
			left(196*200*time.Millisecond/4, "when the first have ended, which waited")
		case 39:
			left(160*80*time.Millisecond/4, "when others have, which did not")
		}
	}
}
