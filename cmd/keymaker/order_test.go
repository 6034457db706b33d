package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
)

// held is a system that holds the calls of one object until it is let go, and tells of each step's last call.
type held struct {
	reconcile.System
	holds func(op reconcile.Op) bool
	leave chan struct{}
}

func (h held) Do(ctx context.Context, op reconcile.Op, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	if h.holds(op) {
		<-h.leave
	}
	return h.System.Do(ctx, op, resolve)
}

// lane is an account with a role of its own.
type lane struct {
	name   string
	groups []string
	role   []string // what is granted to the role
}

func lanesText(lanes []lane) string {
	var b, clients, mapping strings.Builder
	for _, l := range lanes {
		fmt.Fprintf(&b, "okta \"app\" %q {\n  profile = { neo4j_groups = [%s] }\n}\n", l.name, quotedList(l.groups))
		fmt.Fprintf(&b, "neo4j \"role\" \"role_%s\" {\n  grant = [%s]\n}\n", l.name, quotedList(l.role))
		fmt.Fprintf(&clients, "okta.app.%s, ", l.name)
		fmt.Fprintf(&mapping, "    g_%s = [neo4j.role.role_%s]\n", l.name, l.name)
	}
	b.WriteString("okta \"scope\" \"neo4j_groups\" {}\nokta \"claim\" \"groups\" {\n  value  = \"app.profile.neo4j_groups\"\n  scopes = [okta.scope.neo4j_groups]\n}\n")
	fmt.Fprintf(&b, "okta \"policy\" \"services\" {\n  clients = [%s]\n  rule \"machines\" {\n    scopes = [okta.scope.neo4j_groups]\n  }\n}\n", strings.TrimSuffix(clients.String(), ", "))
	b.WriteString("neo4j \"oidc_provider\" \"backend\" {\n  authorization_server = okta.authorization_server.default\n  username_claim = \"sub\"\n  groups_claim = okta.claim.groups\n" +
		"  token_type = \"access_token\"\n  group_to_role = {\n" + mapping.String() + "  }\n}\n")
	return b.String()
}

func quotedList(list []string) string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(all, ", ")
}

// While Okta does not answer for one app, which is to lose a group, all of another account is done in both systems; the role of the first is widened when the app has
// lost its group, and not before.
func TestAccountsDoNotWaitForEachOther(t *testing.T) {
	b := newBench(t)
	b.converge(lanesText([]lane{{"a", []string{"g_a", "g_b"}, []string{access}}, {"b", []string{"g_b", "g_a"}, []string{access}}, {"c", []string{"g_c", "x"}, []string{access}}}), choice{})
	s := b.session(lanesText([]lane{{"a", []string{"g_a"}, []string{access, match}}, {"b", []string{"g_b", "g_a"}, []string{access}}, {"c", []string{"g_c"}, []string{access, match}}}))
	plan, lives := b.plan(s, choice{})
	systems := s.byName()
	leave := make(chan struct{})
	systems["okta"] = held{systems["okta"], func(op reconcile.Op) bool {
		return strings.Contains(op.String(), "PUT /api/v1/apps") && strings.Contains(op.String(), `["g_a"]`)
	}, leave}
	var order []string
	report := reconcile.Apply(t.Context(), nil, plan, systems, reconcile.NewIndex(merge(lives).Objects), func(e reconcile.Event) {
		if f, ok := e.(reconcile.Finished); ok {
			if order = append(order, f.Result.Addr.String()); f.Result.Addr.String() == "neo4j.role.role_c" {
				close(leave) // this hangs where the second account waits for the first
			}
		}
	})
	want := []string{"okta.app.c", "neo4j.role.role_c", "okta.app.a", "neo4j.role.role_a"}
	if !report.Complete() || !slices.Equal(order, want) {
		t.Errorf("done in order %q, want %q\n%+v", order, want, report.Results)
	}
}

// In whatever order the steps of a plan end, as far as they may, nobody has in between what neither the old state nor the new one gives. All orders are looked at: every set of
// steps that can be done while the others are not.
func TestNoAccessInBetweenInAnyOrder(t *testing.T) {
	for _, st := range stories() {
		if st.unsafe {
			continue
		}
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if st.before != nil {
				b.converge(st.before.text(), choice{})
			}
			text, ch := st.target()
			if n := b.anyOrder(text, ch); n < 2 {
				t.Errorf("%d states", n)
			}
		})
	}
	rng := rand.New(rand.NewPCG(5, 6))
	looked := 0
	b := newBench(t)
	for range 12 {
		b.converge(randomLanes(rng), choice{})
		looked += b.anyOrder(randomLanes(rng), choice{})
	}
	if looked < 100 {
		t.Errorf("only %d states in between", looked)
	}
}

// randomLanes are accounts with random groups, and roles with random privileges.
func randomLanes(rng *rand.Rand) string {
	grants := []string{access, match, writing, "TRAVERSE ON GRAPH neo4j"}
	var lanes []lane
	for _, name := range []string{"a", "b", "c"} {
		l := lane{name: name}
		for _, g := range []string{"a", "b", "c"} {
			if g == name || rng.IntN(3) == 0 {
				l.groups = append(l.groups, "g_"+g)
			}
		}
		if rng.IntN(2) == 0 {
			l.groups = append(l.groups, fmt.Sprint("other", rng.IntN(3)))
		}
		for _, g := range grants {
			if g == access || rng.IntN(2) == 0 {
				l.role = append(l.role, g)
			}
		}
		lanes = append(lanes, l)
	}
	return lanesText(lanes)
}

// anyOrder plans a spec and looks at every state that an apply may be in between two steps. It answers how many there are.
func (b *bench) anyOrder(text string, ch choice) int {
	b.t.Helper()
	s := b.session(text)
	plan, lives := b.plan(s, ch)
	for _, step := range plan.Steps {
		if strings.Contains(fmt.Sprint(step.Hazards), "between two calls") {
			return 0 // it says so itself
		}
	}
	before := reconcile.Everything(lives, plan.Drift)
	waits := plan.Waits()
	state := func(done []bool) []reconcile.Edge {
		var changes []reconcile.Change
		for i := range plan.Steps {
			if done[i] {
				changes = append(changes, untilLetGo(plan, i, done))
			}
		}
		return reconcile.EdgesOf(s.systems(), reconcile.After(before, changes))
	}
	none, all := make([]bool, len(plan.Steps)), make([]bool, len(plan.Steps))
	for i := range all {
		all[i] = true
	}
	old, new := state(none), state(all)
	seen := map[string]bool{fmt.Sprint(none): true}
	queue := [][]bool{none}
	for k := 0; k < len(queue); k++ {
		done := queue[k]
		for _, too := range reconcile.FindSurplus(old, new, state(done)) {
			b.t.Errorf("with %v of\n%s\ndone: %s", done, stepsText(plan), too)
		}
		for i := range done {
			if done[i] || slices.ContainsFunc(waits[i], func(d int) bool { return !done[d] }) {
				continue
			}
			next := slices.Clone(done)
			next[i] = true
			if key := fmt.Sprint(next); !seen[key] {
				seen[key] = true
				queue = append(queue, next)
			}
		}
	}
	return len(queue)
}

// untilLetGo is a step's change as it is while the step that lets its account go is not done: of an app that is switched off.
func untilLetGo(plan reconcile.Plan, i int, done []bool) reconcile.Change {
	made, is := plan.Steps[i].Change.(reconcile.Create)
	noted := func(s reconcile.Step, label, text string) bool {
		return slices.ContainsFunc(s.Notes, func(n reconcile.Note) bool { return n.Label == label && strings.Contains(n.Text, text) })
	}
	if !is || !noted(plan.Steps[i], "held", "") {
		return plan.Steps[i].Change
	}
	for j, s := range plan.Steps {
		if noted(s, "then", made.Addr().String()) && done[j] {
			return made
		}
	}
	made.Want.Attrs = slices.Clone(made.Want.Attrs)
	made.Want.Set(reconcile.Attr{Name: "status", Value: reconcile.Text("INACTIVE")})
	return made
}

func stepsText(plan reconcile.Plan) string {
	var b strings.Builder
	waits := plan.Waits()
	for i, s := range plan.Steps {
		fmt.Fprintf(&b, "  %d stage %d %c %s waits for %v\n", i, s.Stage, s.Change.Action(), s.Change.Addr(), waits[i])
	}
	return b.String()
}
