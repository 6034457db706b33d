package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	driver "github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"keymaker/reconcile"
)

// drawnStates is what of the second opinion is run: states by their numbers, each drawn from the seed and its number alone.
type drawnStates struct {
	seed        uint64
	first, last int // of the states, with the last
}

// drawnFrom reads KEYMAKER_ACCESS, how many states; KEYMAKER_ACCESS_SEED; and KEYMAKER_ACCESS_STATE, the number of one, or of the first and last with a hyphen between: for
// looking closer at what failed.
func drawnFrom(lookup func(string) string) (drawnStates, error) {
	d := drawnStates{seed: 20261122, last: 7}
	var err error
	if v := lookup("KEYMAKER_ACCESS_SEED"); v != "" {
		if d.seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			return d, err
		}
	}
	if v := lookup("KEYMAKER_ACCESS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return d, fmt.Errorf("KEYMAKER_ACCESS = %q is no number of states", v)
		}
		d.last = n - 1
	}
	if v := lookup("KEYMAKER_ACCESS_STATE"); v != "" {
		from, to, both := strings.Cut(v, "-")
		if !both {
			to = from
		}
		if d.first, err = strconv.Atoi(from); err == nil {
			d.last, err = strconv.Atoi(to)
		}
		if err != nil || d.first < 0 || d.last < d.first {
			return d, fmt.Errorf("KEYMAKER_ACCESS_STATE = %q is neither a number nor two with a hyphen between", v)
		}
	}
	return d, nil
}

// The access that keymaker works out is what the servers do: each account asks for tokens with every choice of scopes, logs in with each, and tries things.
func TestAccessIsWhatTheServersDo(t *testing.T) {
	drawn, err := drawnFrom(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	if drawn.last-drawn.first > 100 { // what a state needs is thrown away after it: half as many sweeps save a fifth of the time
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	var states, logins atomic.Int64
	t.Run("drawn", func(t *testing.T) {
		for kind, conf := range []string{"", "dbms.security.require_local_user=true\n"} { // states of even numbers and of odd ones
			t.Run([]string{"any user", "local users"}[kind], func(t *testing.T) {
				t.Parallel()
				var o *opinion
				for i := drawn.first; i <= drawn.last && !t.Failed(); i++ {
					if i%2 != kind {
						continue
					}
					if o == nil {
						o = newOpinion(t, conf)
					}
					logins.Add(int64(o.state(t, drawn, i)))
					states.Add(1)
				}
			})
		}
	})
	if logins.Load() == 0 {
		t.Error("no state let anybody in: nothing was compared")
	}
	t.Logf("%d states, %d logins", states.Load(), logins.Load())
}

// opinion is a bench, and somebody who asks its servers.
type opinion struct {
	*bench
	ask *asker
}

// newOpinion starts servers; conf are lines for neo4j.conf.
func newOpinion(t *testing.T, conf string) *opinion {
	t.Helper()
	b := newBench(t)
	b.box.okta.StateFile = "" // nobody starts it again: writing the org to disk with each token is half of all work
	if conf != "" {
		data, err := os.ReadFile(b.box.path("neo4j.conf"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(b.box.path("neo4j.conf"), append(data, conf...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.box.neo4j.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	b.readyForDrawn()
	o := &opinion{bench: b, ask: b.asker()}
	_, err := driver.ExecuteQuery(context.Background(), o.ask.drv, "CREATE (:Person {name: 'a', ssn: '1'}), (:Secret {name: 's'})", nil, driver.EagerResultTransformer, driver.ExecuteQueryWithDatabase("neo4j"))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// state brings a drawn state about and compares it, and counts the logins.
func (o *opinion) state(t *testing.T, drawn drawnStates, i int) int {
	text := dice{rand.New(rand.NewPCG(drawn.seed, uint64(i)))}.spec()
	defer func() {
		if t.Failed() {
			t.Errorf("this was state %d: KEYMAKER_ACCESS_SEED=%d KEYMAKER_ACCESS_STATE=%d runs it again, and KEYMAKER_ACCESS_STATE=%d-%d with those before it. The spec is\n%s", i, drawn.seed, i, drawn.first, i, text)
		}
	}()
	o.converge(text, choice{})
	return o.compare(t, text)
}

// readyForDrawn makes what drawn specs speak of and do not declare.
func (b *bench) readyForDrawn() {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, "user.pw"), []byte(userPassword), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := runCypher(context.Background(), b.box.neo4j.URL, b.box.kept.Neo4jPassword, "CREATE DATABASE other WAIT"); err != nil {
		b.t.Fatal(err)
	}
}

// compare holds what keymaker says of each account to what its logins do, and counts the logins.
func (o *opinion) compare(t *testing.T, text string) int {
	ctx := t.Context()
	s := o.open(text)
	defer s.world.Close(context.Background())
	lives, err := s.read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	state := reconcile.Placed(merge(lives).Objects, s.spec.Objects)
	said := rolesSaid(reconcile.EdgesOf(s.systems(), state))
	issuers := make(map[string]string)
	for _, o := range state {
		if o.Addr.Kind == "authorization_server" {
			issuers[o.Addr.Name] = string(o.Facts["issuer"].(reconcile.Text))
		}
	}
	explain := reconcile.Explaining(s.systems(), state)
	logins := 0
	for i := range apps {
		app := fmt.Sprintf("app-%d", i)
		var auths []driver.AuthToken
		for _, ask := range [][2]string{{"own", "s1"}, {"own", "s2"}, {"own", "s1 s2"}, {"two", "t1"}} {
			raw, err := o.ask.token(app, fmt.Sprintf("client-%d", i), issuers[ask[0]], ask[1])
			if err != nil {
				t.Fatal(err)
			}
			if raw != "" {
				auths = append(auths, driver.BearerAuth(raw))
			}
		}
		logins += o.account(ctx, t, explain, app, auths, said[app])
	}
	for _, user := range []string{"native", "client-2"} {
		logins += o.account(ctx, t, explain, "user "+user, []driver.AuthToken{driver.BasicAuth(user, userPassword, "")}, said["user "+user])
	}
	return logins
}

// account compares one account, of whom these are all logins that it can have.
func (o *opinion) account(ctx context.Context, t *testing.T, explain *reconcile.Explainer, account string, auths []driver.AuthToken, said []string) int {
	var all []string
	distinct := make(map[string]driver.AuthToken) // by the roles, which are all that a login may be told from another by
	logins := 0
	for _, auth := range auths {
		roles, in, err := o.ask.roles(ctx, auth)
		if err != nil {
			t.Fatal(err)
		}
		if in {
			logins++
			distinct[strings.Join(roles, " ")] = auth
			all = append(all, roles...)
		}
	}
	slices.Sort(all)
	if all = slices.Compact(all); !slices.Equal(all, said) {
		t.Errorf("%s: the servers give %q, keymaker says %q", account, all, said)
		return logins
	}
	for _, deed := range deeds() {
		got, may := false, len(all) > 0
		for _, auth := range distinct {
			done, err := o.ask.does(ctx, auth, deed)
			if err != nil {
				t.Fatal(err)
			}
			got = got || done
		}
		for _, q := range deed.questions {
			why, err := explain.Why(account, q)
			if err != nil {
				t.Fatal(err)
			}
			if !why.Yes && why.Missing.Verb == "" || why.Yes && why.Missing != (reconcile.WhyHop{}) {
				t.Errorf("%s: %s: the answer lacks its hop: %+v", account, q, why)
			}
			may = may && why.Yes
		}
		if got != may {
			t.Errorf("%s with roles %q: %q: the servers say %t, keymaker %t", account, slices.Sorted(maps.Keys(distinct)), deed.questions, got, may)
		}
	}
	return logins
}

// rolesSaid are the roles that the graph gives each account, sorted.
func rolesSaid(edges []reconcile.Edge) map[string][]string {
	next := make(map[reconcile.Node][]reconcile.Node)
	for _, e := range edges {
		next[e.From] = append(next[e.From], e.To)
	}
	said := make(map[string][]string)
	for from, to := range next {
		if from.Kind != reconcile.NodeAccount {
			continue
		}
		for _, n := range to {
			found := []reconcile.Node{n}
			if n.Kind == reconcile.NodeGroup {
				found = next[n]
			}
			for _, r := range found {
				if !slices.Contains(said[from.Name], r.Name) {
					said[from.Name] = append(said[from.Name], r.Name)
				}
			}
		}
		slices.Sort(said[from.Name])
	}
	return said
}
