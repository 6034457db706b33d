package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
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
	d := drawnStates{seed: 20261122, last: 11}
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
	const halves = 2
	var states, logins atomic.Int64
	t.Run("drawn", func(t *testing.T) {
		n := drawn.last - drawn.first + 1
		for h := range halves {
			first, last := drawn.first+n*h/halves, drawn.first+n*(h+1)/halves-1
			if last < first {
				continue
			}
			t.Run(fmt.Sprintf("%d-%d", first, last), func(t *testing.T) {
				t.Parallel()
				o := newOpinion(t)
				for i := first; i <= last && !t.Failed(); i++ {
					text := dice{rand.New(rand.NewPCG(drawn.seed, uint64(i)))}.spec()
					o.converge(text, choice{})
					logins.Add(int64(o.compare(t, text)))
					states.Add(1)
					if t.Failed() {
						t.Errorf("this was state %d: KEYMAKER_ACCESS_SEED=%d KEYMAKER_ACCESS_STATE=%d runs it again, and KEYMAKER_ACCESS_STATE=%d-%d with those before it. The spec is\n%s", i, drawn.seed, i, first, i, text)
					}
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

func newOpinion(t *testing.T) *opinion {
	t.Helper()
	b := newBench(t)
	b.box.okta.StateFile = "" // nobody starts it again: writing the org to disk with each token is half of all work
	if err := runCypher(context.Background(), b.box.neo4j.URL, b.box.kept.Neo4jPassword, "CREATE DATABASE other WAIT"); err != nil {
		t.Fatal(err)
	}
	o := &opinion{bench: b, ask: b.asker()}
	_, err := driver.ExecuteQuery(context.Background(), o.ask.drv, "CREATE (:Person {name: 'a', ssn: '1'}), (:Secret {name: 's'})", nil, driver.EagerResultTransformer, driver.ExecuteQueryWithDatabase("neo4j"))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// compare holds what keymaker says of each app to what a login does, and counts the logins.
func (o *opinion) compare(t *testing.T, text string) int {
	ctx := context.Background()
	s := o.open(text)
	defer s.world.Close(ctx)
	lives, err := s.read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	state := reconcile.Placed(merge(lives).Objects, s.spec.Objects)
	said := rolesSaid(reconcile.EdgesOf(s.systems(), state))
	issuer := ""
	for _, o := range state {
		if o.Addr.Kind == "authorization_server" {
			issuer = string(o.Facts["issuer"].(reconcile.Text))
		}
	}
	logins := 0
	for i := range apps {
		app := fmt.Sprintf("app-%d", i)
		var best []string
		token := ""
		for _, scopes := range []string{"s1", "s2", "s1 s2"} {
			raw, err := o.ask.token(app, fmt.Sprintf("client-%d", i), issuer, scopes)
			if err != nil {
				t.Fatal(err)
			}
			if raw == "" {
				continue
			}
			roles, in, err := o.ask.roles(ctx, raw)
			if err != nil {
				t.Fatal(err)
			}
			if !in {
				continue
			}
			logins++
			if token == "" || len(roles) > len(best) {
				best, token = roles, raw
			}
		}
		if !slices.Equal(best, said[app]) {
			t.Errorf("%s: the servers give %q, keymaker says %q", app, best, said[app])
			continue
		}
		for _, deed := range deeds() {
			want := token != ""
			for _, q := range deed.questions {
				why, err := reconcile.Explain(s.systems(), state, app, q)
				if err != nil {
					t.Fatal(err)
				}
				if !why.Yes && why.Missing.Verb == "" || why.Yes && why.Missing != (reconcile.WhyHop{}) {
					t.Errorf("%s: %s: the answer lacks its hop: %+v", app, q, why)
				}
				want = want && why.Yes
			}
			got := false
			if token != "" {
				if got, err = o.ask.does(ctx, token, deed); err != nil {
					t.Fatal(err)
				}
			}
			if got != want {
				t.Errorf("%s with roles %q: %q: the servers say %t, keymaker %t", app, best, deed.questions, got, want)
			}
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
