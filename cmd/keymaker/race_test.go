package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"keymaker/reconcile"
)

// racer is one of two runs on the same target, each with a spec, a folder and connections of its own.
type racer struct {
	*bench
	text string
	s    *session
	plan reconcile.Plan
	told bool // that not everything is as its spec says
	why  string
}

func newRacer(b *bench, text string) *racer {
	b.t.Helper()
	own := &bench{t: b.t, box: b.box, dir: b.t.TempDir()}
	own.prog = &program{out: newOutput(bytes.NewReader(nil), &own.said, &own.said), stop: make(chan struct{}), log: slog.New(slog.DiscardHandler)}
	return &racer{bench: own, text: text, s: own.session(text)}
}

// run is a whole apply, as the command makes it: plan, apply, and a last look at both systems. The look waits until both have written: Okta's PUTs have no condition, so
// one that was read for before another's write and sent after it takes that back, and no call of Okta's would tell; only who looks later can know.
func (r *racer) run(written *sync.WaitGroup) {
	ended := sync.OnceFunc(written.Done)
	defer ended()
	tell := func(format string, args ...any) { r.told, r.why = true, fmt.Sprintf(format, args...) }
	ctx := context.Background()
	plan, lives, err := r.prog.plan(ctx, r.s, choice{})
	if err != nil {
		tell("plan: %v", err)
		return
	}
	r.plan = plan
	report := reconcile.Apply(ctx, r.prog.stop, plan, r.s.byName(), reconcile.NewIndex(merge(lives).Objects), nil)
	for _, res := range report.Results {
		if res.Status != reconcile.StatusDone {
			tell("%s %s: %v", res.Status, res.Addr, res.Err)
		}
	}
	ended()
	written.Wait()
	seen, err := r.s.look(ctx)
	if err != nil {
		tell("look: %v", err)
	} else if !converged(seen.drift) {
		tell("the last look differs")
	}
}

// knew says whether a run's plan saw what the other wanted, and changed it all the same.
func (r *racer) knew(a reconcile.Addr, d reconcile.Diff) bool {
	for _, s := range r.plan.Steps {
		u, ok := s.Change.(reconcile.Update)
		if !ok || u.Addr() != a {
			continue
		}
		own, ok := u.Diff(d.Name)
		return ok && reconcile.Equal(own.Live, d.Want)
	}
	return false
}

// lost lists what a run was not told of: values of its spec that are not live in the end, and that the other run did not change knowingly.
func (r *racer) lost(other *racer) []string {
	if r.told {
		return nil
	}
	seen, err := r.s.look(context.Background())
	if err != nil {
		return []string{err.Error()}
	}
	var lost []string
	for _, it := range seen.drift.Items {
		if it.State != reconcile.InSync && it.State != reconcile.Drifted && !it.Want.Reference {
			lost = append(lost, it.Addr.String()+" is "+string(it.State))
		}
		for _, d := range it.Diffs {
			if !other.knew(it.Addr, d) {
				lost = append(lost, fmt.Sprintf("%s: %s is %v, want %v", it.Addr, d.Name, d.Live, d.Want))
			}
		}
	}
	return lost
}

// races are pairs of specs, and what is there before.
func races() []struct {
	name         string
	before, a, b string
} {
	both := map[string]string{"gr": "r", "gw": "w"}
	base := setup{groups: []string{"gr"}, writer: []string{access, match}, reader: []string{access}, mapping: both}
	other := setup{groups: []string{"gw"}, writer: []string{access, match, writing}, reader: []string{access, match}, mapping: map[string]string{"gr": "r", "gx": "w"}}
	profile := func(text, with string) string {
		return strings.Replace(text, "profile = { ", "profile = { "+with+", ", 1)
	}
	narrow := base
	narrow.groups, narrow.mapping = []string{"gr", "gw"}, map[string]string{"gr": "r"}
	return []struct {
		name         string
		before, a, b string
	}{
		{name: "both make everything", a: base.text(), b: other.text()},
		{name: "both change everything", before: base.text(), a: other.text(), b: narrow.text()},
		{name: "each adds its own key to a profile", before: base.text(), a: profile(base.text(), `team = "a"`), b: profile(base.text(), `place = "b"`)},
	}
}

// Two applies of different specs on one target at the same time: nothing is there twice, nobody's secret is lost, and whoever did not get all that its spec says is told. One
// more apply of each then converges. A run races a few times; KEYMAKER_RACES=all fifty.
func TestRace(t *testing.T) {
	times := 6
	if os.Getenv("KEYMAKER_RACES") == "all" {
		times = 50
	}
	told := 0
	var mu sync.Mutex
	t.Run("races", func(t *testing.T) {
		for n := range times {
			c := races()[n%len(races())]
			t.Run(fmt.Sprint(n+1, " ", c.name), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				if c.before != "" {
					b.converge(c.before, choice{})
				}
				one, two := newRacer(b, c.a), newRacer(b, c.b)
				var both, written sync.WaitGroup
				written.Add(2)
				both.Go(func() { one.run(&written) })
				both.Go(func() { two.run(&written) })
				both.Wait()
				mu.Lock()
				if one.told || two.told {
					told++
				}
				mu.Unlock()
				checkRace(t, b, one, two)
			})
		}
	})
	t.Logf("%d races, in %d of them one was told", times, told)
}

func checkRace(t *testing.T, b *bench, one, two *racer) {
	t.Helper()
	if n := b.named("/api/v1/apps", "label", "etl"); n > 1 {
		t.Errorf("there are %d apps", n)
	}
	if n := b.named("/api/v1/authorizationServers/default/policies", "name", "services"); n > 1 {
		t.Errorf("there are %d policies", n)
	}
	for _, lost := range append(one.lost(two), two.lost(one)...) {
		t.Errorf("nobody was told: %s\n%s\n%s", lost, one.why, two.why)
	}
	if id := b.clientOf("etl"); id != "" && !b.delivered(id) && !one.delivered(id) && !two.delivered(id) {
		t.Errorf("nobody has the secret of %s\n%s\n%s", id, one.why, two.why)
	}
	for _, r := range []*racer{one, two} {
		r.converge(r.text, choice{})
		if plan, _ := r.bench.plan(r.session(r.text), choice{}); len(plan.Steps) > 0 {
			t.Errorf("the next plan is not empty: %v", plan.Touched())
		}
		if id := b.clientOf("etl"); !b.delivered(id) && !one.delivered(id) && !two.delivered(id) {
			t.Errorf("nobody has the secret of %s after one more apply", id)
		}
	}
}

// delivered says whether this folder has the credentials of a client.
func (b *bench) delivered(clientID string) bool {
	text, err := os.ReadFile(filepath.Join(b.dir, "etl.env"))
	return err == nil && strings.Contains(string(text), clientID)
}

// clientOf is the client id of the app with a label, "" when there is none.
func (b *bench) clientOf(label string) string {
	b.t.Helper()
	for _, one := range b.list("/api/v1/apps") {
		if one["label"] == label {
			credentials, _ := one["credentials"].(map[string]any)
			client, _ := credentials["oauthClient"].(map[string]any)
			id, _ := client["client_id"].(string)
			return id
		}
	}
	return ""
}
