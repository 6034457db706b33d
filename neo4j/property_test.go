package neo4j

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
)

// privilegeDice makes privileges of all shapes over few names, so that they overlap often.
type privilegeDice struct{ *rand.Rand }

func (d privilegeDice) of(list ...string) string { return list[d.IntN(len(list))] }

// rule is a property rule, over several labels at times.
func (d privilegeDice) rule() string {
	return d.of("READ {p}", "MATCH {*}", "TRAVERSE") + " ON " + d.of("GRAPH *", "GRAPH neo4j", "HOME GRAPH") + " FOR " +
		d.of("(n)", "(n:A)", "(n:A|B)", "(n:B|C|`a b`)", "()-[n:A]-()", "()-[n:A|B]-()") + " WHERE " + d.of("n.p = 1", "n.p > 2", "NOT n.p IN ['x', 2]", "n.p IS NULL", "'x' IN n.p")
}

func (d privilegeDice) privilege(access Access) string {
	graph := d.of("GRAPH *", "GRAPH neo4j", "GRAPHS neo4j, system", "HOME GRAPH")
	entity := d.of("", "NODES *", "NODES A", "NODES A, B", "RELATIONSHIPS A", "ELEMENTS B", "RELATIONSHIPS *", "NODES `a b`")
	props := d.of("{*}", "{p}", "{p, q}", "{q}", "{`x-y`}")
	switch d.IntN(12) {
	case 0:
		return "TRAVERSE ON " + graph + " " + entity
	case 1:
		return "READ " + props + " ON " + graph + " " + entity
	case 2:
		return "MATCH " + props + " ON " + graph + " " + entity
	case 3:
		return d.of("CREATE", "DELETE") + " ON " + graph + " " + entity
	case 4:
		return "SET PROPERTY " + props + " ON " + graph + " " + entity
	case 5:
		return d.of("SET LABEL *", "SET LABEL A, B", "REMOVE LABEL A") + " ON " + graph
	case 6:
		return d.of("WRITE", "ALL GRAPH PRIVILEGES") + " ON " + graph
	case 7:
		return d.of("ACCESS", "CREATE INDEX", "INDEX MANAGEMENT", "SHOW TRANSACTION (*)", "TERMINATE TRANSACTION (u, v)", "NAME") + " ON " + d.of("DATABASE *", "DATABASE neo4j", "HOME DATABASE", "DATABASES neo4j, system")
	case 8:
		return "EXECUTE " + d.of("", "BOOSTED ") + d.of("PROCEDURE ", "FUNCTION ") + d.of("*", "apoc.*", "apoc.load, db.?abels", "db.labels") + " ON DBMS"
	case 9:
		return d.of("ROLE MANAGEMENT", "SHOW ROLE", "CREATE USER", "IMPERSONATE (*)", "IMPERSONATE (u)", "SHOW SETTING dbms.*, server.*") + " ON DBMS"
	case 10:
		if access == AccessDeny {
			return "LOAD ON ALL DATA"
		}
		return d.of("LOAD ON ALL DATA", `LOAD ON CIDR "10.0.0.0/8"`, "MERGE "+props+" ON "+graph+" "+entity)
	}
	return d.rule()
}

// set is up to most privileges. Of PUBLIC none is denied on the DBMS: that may be what the session lives on, and then is left to people.
func (d privilegeDice) set(access Access, most int, role string) []string {
	var texts []string
	for range d.IntN(most + 1) {
		if text := d.privilege(access); role != publicRole || access == AccessGrant || !strings.HasSuffix(text, "ON DBMS") {
			texts = append(texts, text)
		}
	}
	return texts
}

// holding is the privileges of a role at one moment; those that are immutable are true.
type holding struct{ grants, denies map[Atom]bool }

func (r *rig) holding(role string) holding {
	r.t.Helper()
	seen := snapshot{roles: map[string]liveRole{role: {}}}
	for _, row := range r.admin("SHOW ROLE " + quoteName(role) + " PRIVILEGES AS COMMANDS YIELD command, immutable") {
		seen.takePrivilege(row.text("command"), row.flag("immutable"))
	}
	live := seen.roles[role]
	if len(live.foreign) > 0 {
		r.t.Fatalf("not understood: %v", live.foreign)
	}
	return holding{plain(live.grants), plain(live.denies)}
}

func plain(rows rowSet) map[Atom]bool {
	atoms := make(map[Atom]bool)
	for a, immutable := range rows {
		atoms[a.Value()] = immutable
	}
	return atoms
}

// allows says whether a probe, an atom taken as one thing to do, is allowed: something granted covers it, and nothing denied touches it.
func (h holding) allows(probe Atom) bool {
	return anyCovers(h.grants, probe) && !anyCovers(h.denies, probe)
}

func anyCovers(atoms map[Atom]bool, probe Atom) bool {
	for a := range atoms {
		if covered(a, probe) {
			return true
		}
	}
	return false
}

// covered says whether a privilege reaches all that the probe does, by the rules of the Operations Manual as far as they are written there: a star reaches every name,
// and a compound its parts.
func covered(a, probe Atom) bool {
	if a == probe {
		return true
	}
	parts := map[string][]string{
		"MATCH": {"READ", "TRAVERSE"}, "WRITE": {"CREATE", "DELETE", "SET PROPERTY", "SET LABEL", "REMOVE LABEL", "MERGE"}, "INDEX MANAGEMENT": {"CREATE INDEX"},
		"ALL GRAPH PRIVILEGES": {"MATCH", "READ", "TRAVERSE", "WRITE", "CREATE", "DELETE", "SET PROPERTY", "SET LABEL", "REMOVE LABEL", "MERGE"},
		"ROLE MANAGEMENT":      {"SHOW ROLE"},
	}
	if a.Action() != probe.Action() && !slices.Contains(parts[a.Action()], probe.Action()) {
		return false
	}
	pick := func(p, q Pick) bool { return p.IsAll() || p.IsNone() || p == q }
	globs := a.Glob() == probe.Glob()
	if ok, err := path.Match(a.Glob(), probe.Glob()); err == nil && ok {
		globs = true
	}
	return a.Scope() == probe.Scope() && (a.Place().IsAll() || a.Home() == probe.Home() && a.Place() == probe.Place()) && pick(a.Property(), probe.Property()) &&
		(a.Entity() == EntityNone || a.Entity() == probe.Entity()) && pick(a.Label(), probe.Label()) && pick(a.User(), probe.User()) && globs &&
		a.CIDR() == probe.CIDR() && (a.Rule() == "" || a.Rule() == probe.Rule())
}

// seedFixed gives every third role, and PUBLIC, privileges that are immutable.
func seedFixed(r *rig, roles int) {
	r.t.Helper()
	data, err := r.server.Snapshot()
	r.must(err)
	var store map[string]any
	r.must(json.Unmarshal(data, &store))
	all := store["roles"].([]any)
	for _, role := range all {
		if m := role.(map[string]any); m["name"] == publicRole {
			m["privileges"] = append(m["privileges"].([]any), "DENY IMMUTABLE READ {p} ON GRAPH * NODE A")
		}
	}
	for n := 0; n < roles; n += 3 {
		d := privilegeDice{rand.New(rand.NewPCG(uint64(n), 9))}
		var rows []string
		for _, access := range []Access{AccessGrant, AccessDeny} {
			atoms, err := ParsePrivilege(access, d.privilege(access))
			r.must(err)
			for _, a := range atoms {
				rows = append(rows, string(access)+" IMMUTABLE "+a.String())
			}
		}
		all = append(all, map[string]any{"name": fmt.Sprintf("role%d", n), "privileges": rows})
	}
	store["roles"] = all
	data, err = json.Marshal(store)
	r.must(err)
	r.must(r.server.Seed(data))
}

// From any privileges to any others: the statements give exactly those asked for, leave what is immutable, and at no moment between two of them give an access that
// neither end gives, nor lack one that both give.
func TestAnyPrivilegesToAnyOthers(t *testing.T) {
	t.Parallel()
	const seeds = 40
	r := newRig(t, withVersion("2026.08.1"))
	seedFixed(r, seeds)
	tried := make(map[string]int)
	for seed := range uint64(seeds) {
		d := privilegeDice{rand.New(rand.NewPCG(seed, 7))}
		name := fmt.Sprintf("role%d", seed)
		if seed%5 == 4 {
			name = publicRole
		}
		declared := func() reconcile.Object {
			return r.declare(kindRole, name, fields{"grant": setOf(d.set(AccessGrant, 8, name)...), "deny": setOf(d.set(AccessDeny, 4, name)...)})
		}
		a, b := declared(), declared()
		r.converge(a)
		for range d.IntN(3) { // somebody else's, which A does not have
			r.admin("CYPHER 25 " + d.of("GRANT ", "DENY ") + d.rule() + " TO " + name)
		}
		from := r.holding(name)
		between, statements := r.stepwise(name, b, tried)
		r.insync(b)
		to := r.holding(name)
		exactly(t, seed, b, to)
		for h, fixed := range map[string]map[Atom]bool{"grant": from.grants, "deny": from.denies} {
			for atom, immutable := range fixed {
				now, there := map[string]map[Atom]bool{"grant": to.grants, "deny": to.denies}[h][atom]
				if immutable && (!there || !now) {
					t.Errorf("seed %d: the immutable %s of %s is gone", seed, h, atom)
				}
				if immutable {
					tried["immutable"]++
				}
			}
		}
		if name == publicRole {
			tried[publicRole] += len(statements)
		}
		nothingBetween(t, seed, from, to, between, statements)
	}
	for what, least := range map[string]int{"GRANT": 40, "DENY": 20, "REVOKE GRANT": 40, "REVOKE DENY": 20, "CYPHER 25": 5, "immutable": 20, publicRole: 20, "|": 5} {
		if tried[what] < least {
			t.Errorf("%s was tried %d times only, want %d: %v", what, tried[what], least, tried)
		}
	}
}

// stepwise runs the plan to b statement by statement, and looks after each.
func (r *rig) stepwise(role string, b reconcile.Object, tried map[string]int) (between []holding, statements []string) {
	r.t.Helper()
	for _, step := range r.plan(b).Steps {
		if len(step.Pending) > 0 {
			r.t.Errorf("left to people: %q", step.Pending)
		}
		for _, op := range step.Ops {
			for _, s := range op.(Transaction).Statements {
				r.admin(s)
				statements, between = append(statements, s), append(between, r.holding(role))
				c, err := ParseCommand(s)
				r.must(err)
				tried[string(c.Verb)]++
				for _, mark := range []string{"CYPHER 25", "|"} {
					if strings.Contains(s, mark) {
						tried[mark]++
					}
				}
			}
		}
	}
	return between, statements
}

// nothingBetween fails the test for what only a moment between two statements allows, or lacks.
func nothingBetween(t *testing.T, seed uint64, from, to holding, between []holding, statements []string) {
	t.Helper()
	probes := make(map[Atom]bool)
	for _, h := range append(slices.Clone(between), from, to) {
		for _, atoms := range []map[Atom]bool{h.grants, h.denies} {
			for p := range atoms {
				probes[p] = true
			}
		}
	}
	for i, h := range between {
		for p := range probes {
			was, is, now := from.allows(p), to.allows(p), h.allows(p)
			if now && !was && !is {
				t.Errorf("seed %d: after %s the role may %s, which neither end gives", seed, statements[i], p)
			}
			if !now && was && is {
				t.Errorf("seed %d: after %s the role may not %s, which both ends give", seed, statements[i], p)
			}
		}
	}
}

// exactly compares what a role holds with what its declaration says, atom by atom, and what is immutable beside.
func exactly(t *testing.T, seed uint64, want reconcile.Object, h holding) {
	t.Helper()
	for field, atoms := range map[string]map[Atom]bool{"grant": h.grants, "deny": h.denies} {
		wanted := reconcile.Texts(want.Get(field))
		var texts []string
		for a, immutable := range atoms {
			if text := a.String(); !immutable || slices.Contains(wanted, text) {
				texts = append(texts, text)
			}
		}
		if !EqualSets(texts, wanted) {
			t.Errorf("seed %d: %s has %v, want %v", seed, field, texts, wanted)
		}
	}
}
