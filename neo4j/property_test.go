package neo4j

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"keymaker/reconcile"
)

// privilegeDice makes privileges of all shapes over few names, so that they overlap often.
type privilegeDice struct{ *rand.Rand }

func (d privilegeDice) of(list ...string) string { return list[d.IntN(len(list))] }

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
	return d.of("READ", "MATCH") + " {*} ON " + graph + " FOR (n:A) WHERE n.p " + d.of("= 1", "> 2", "= 'x'")
}

func (d privilegeDice) set(access Access, most int) []string {
	texts := make([]string, d.IntN(most+1))
	for i := range texts {
		texts[i] = d.privilege(access)
	}
	return texts
}

// holding is the privileges of a role at one moment.
type holding struct{ grants, denies map[Atom]bool }

func (r *rig) holding(role string) holding {
	r.t.Helper()
	seen := snapshot{roles: map[string]liveRole{role: {rows: map[Access]map[Atom]bool{AccessGrant: {}, AccessDeny: {}}}}}
	for _, row := range r.admin("SHOW ROLE " + quoteName(role) + " PRIVILEGES AS COMMANDS YIELD command, immutable") {
		seen.takePrivilege(row.text("command"), row.flag("immutable"))
	}
	live := seen.roles[role]
	if len(live.foreign) > 0 {
		r.t.Fatalf("not understood: %v", live.foreign)
	}
	return holding{live.rows[AccessGrant], live.rows[AccessDeny]}
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

// From any privileges to any others: the statements give exactly those asked for, and at no moment between two of them an access that neither has, nor is there one
// missing that both have.
func TestAnyPrivilegesToAnyOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, withVersion("2026.08.1"))
	for seed := range uint64(25) {
		d := privilegeDice{rand.New(rand.NewPCG(seed, 7))}
		name := fmt.Sprintf("role%d", seed)
		a := r.declare(kindRole, name, fields{"grant": setOf(d.set(AccessGrant, 8)...), "deny": setOf(d.set(AccessDeny, 4)...)})
		b := r.declare(kindRole, name, fields{"grant": setOf(d.set(AccessGrant, 8)...), "deny": setOf(d.set(AccessDeny, 4)...)})
		r.converge(a)
		from := r.holding(name)
		var between []holding
		var statements []string
		for _, step := range r.plan(b).Steps {
			for _, op := range step.Ops {
				for _, s := range op.(Transaction).Statements {
					r.admin(s)
					statements, between = append(statements, s), append(between, r.holding(name))
				}
			}
		}
		r.insync(b)
		to := r.holding(name)
		exactly(t, seed, b, to)
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
}

// exactly compares what a role holds with what its declaration says, atom by atom.
func exactly(t *testing.T, seed uint64, want reconcile.Object, h holding) {
	t.Helper()
	for field, atoms := range map[string]map[Atom]bool{"grant": h.grants, "deny": h.denies} {
		var texts []string
		for a := range atoms {
			texts = append(texts, a.String())
		}
		if !EqualSets(texts, reconcile.Texts(want.Get(field))) {
			t.Errorf("seed %d: %s has %v, want %v", seed, field, texts, want.Get(field))
		}
	}
}
