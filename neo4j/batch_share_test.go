package neo4j

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

func transactions(parts ...[]string) []Transaction {
	var all []Transaction
	for _, statements := range parts {
		all = append(all, Transaction{Statements: statements})
	}
	return all
}

func TestShare(t *testing.T) {
	for name, test := range map[string]struct {
		parts [][]string
		want  []string // each with the parts that it speaks for
	}{
		"the same of two roles": {
			[][]string{{"CREATE ROLE `a`", "GRANT A ON DBMS TO `a`", "GRANT B ON DBMS TO `a`"}, {"CREATE ROLE `b`", "GRANT A ON DBMS TO `b`", "GRANT C ON DBMS TO `b`"}},
			[]string{"CREATE ROLE `a` [0]", "CREATE ROLE `b` [1]", "GRANT A ON DBMS TO `a`, `b` [0 1]", "GRANT B ON DBMS TO `a` [0]", "GRANT C ON DBMS TO `b` [1]"},
		},
		"a grant replaces another, and a denial comes first": {
			[][]string{{"DENY C ON DBMS TO `a`", "GRANT A ON DBMS TO `a`", "REVOKE GRANT B ON DBMS FROM `a`"}, {"GRANT A ON DBMS TO `b`", "REVOKE GRANT B ON DBMS FROM `b`", "REVOKE DENY C ON DBMS FROM `b`"}},
			[]string{"DENY C ON DBMS TO `a` [0]", "GRANT A ON DBMS TO `a`, `b` [0 1]", "REVOKE GRANT B ON DBMS FROM `a`, `b` [0 1]", "REVOKE DENY C ON DBMS FROM `b` [1]"},
		},
		"an order that is not ours": {
			[][]string{{"REVOKE GRANT A ON DBMS FROM `a`", "GRANT A ON DBMS TO `a`"}, {"GRANT A ON DBMS TO `b`"}},
			[]string{"GRANT A ON DBMS TO `b` [1]", "REVOKE GRANT A ON DBMS FROM `a` [0]", "GRANT A ON DBMS TO `a` [0]"},
		},
		"a copy takes what its source has by then": {
			[][]string{{"CREATE ROLE `a`", "GRANT A ON DBMS TO `a`"}, {"CREATE ROLE `b` AS COPY OF `a`"}, {"CREATE ROLE `c`", "GRANT A ON DBMS TO `c`"}, {"CREATE ROLE `d` AS COPY OF `x`"}},
			[]string{"CREATE ROLE `a` [0]", "CREATE ROLE `c` [2]", "CREATE ROLE `d` AS COPY OF `x` [3]", "GRANT A ON DBMS TO `a`, `c` [0 2]", "CREATE ROLE `b` AS COPY OF `a` [1]"},
		},
		"who is granted a role": {
			[][]string{{"CREATE USER `u` SET AUTH 'x`y' { SET ID $id1 }", "GRANT ROLE `a`, `b` TO `u`"}, {"CREATE USER `v` SET AUTH 'native' { SET PASSWORD $credentials }", "GRANT ROLE `a`, `b` TO `v`"},
				{"REVOKE ROLE `a` FROM `u`", "DROP ROLE `a`"}},
			[]string{"CREATE USER `u` SET AUTH 'x`y' { SET ID $id1 } [0]", "CREATE USER `v` SET AUTH 'native' { SET PASSWORD $credentials } [1]", "GRANT ROLE `a`, `b` TO `u`, `v` [0 1]",
				"REVOKE ROLE `a` FROM `u` [2]", "DROP ROLE `a` [2]"},
		},
		"a parameter may be any role": {
			[][]string{{"GRANT A ON DBMS TO `a`"}, {"GRANT ROLE $role1 TO `u`"}, {"GRANT ROLE $role1 TO `v`"}, {"GRANT A ON DBMS TO `b`"}},
			[]string{"GRANT A ON DBMS TO `a` [0]", "GRANT ROLE $role1 TO `u` [1]", "GRANT ROLE $role1 TO `v` [2]", "GRANT A ON DBMS TO `b` [3]"},
		},
		"a new name, and the old one again": {
			[][]string{{"RENAME ROLE `a` TO `b`", "GRANT A ON DBMS TO `b`"}, {"CREATE ROLE `a`", "GRANT A ON DBMS TO `a`"}},
			[]string{"RENAME ROLE `a` TO `b` [0]", "CREATE ROLE `a` [1]", "GRANT A ON DBMS TO `b`, `a` [0 1]"},
		},
		"ROLE is no role": {
			[][]string{{"CREATE ROLE `a`", "GRANT ROLE MANAGEMENT ON DBMS TO `a`"}, {"CREATE ROLE `b`", "GRANT ROLE MANAGEMENT ON DBMS TO `b`"}},
			[]string{"CREATE ROLE `a` [0]", "CREATE ROLE `b` [1]", "GRANT ROLE MANAGEMENT ON DBMS TO `a`, `b` [0 1]"},
		},
		"names that look like more": {
			[][]string{{"GRANT SET LABEL ` TO ``x` ON GRAPH * TO `a`"}, {"GRANT SET LABEL ` TO ``x` ON GRAPH * TO `b TO ``c`"}, {"GRANT SET LABEL ` TO ``x` ON GRAPH * TO `d`"}},
			[]string{"GRANT SET LABEL ` TO ``x` ON GRAPH * TO `a`, `d` [0 2]", "GRANT SET LABEL ` TO ``x` ON GRAPH * TO `b TO ``c` [1]"},
		},
		"another language": {
			[][]string{{"CYPHER 25 GRANT A ON DBMS TO `a`"}, {"GRANT A ON DBMS TO `b`"}, {"CYPHER 25 GRANT A ON DBMS TO `c`"}},
			[]string{"CYPHER 25 GRANT A ON DBMS TO `a`, `c` [0 2]", "GRANT A ON DBMS TO `b` [1]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range share(transactions(test.parts...)) {
				got = append(got, fmt.Sprint(s.text, " ", s.owners))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(test.want, "\n     "))
			}
		})
	}
}

// A shared statement is bounded, and every name is in one.
func TestShareIsBounded(t *testing.T) {
	for _, width := range []int{1, 400} {
		var parts []Transaction
		want := make(map[string]bool)
		for n := range 450 {
			name := fmt.Sprintf("`r%0*d`", width, n)
			want[name] = true
			parts = append(parts, Transaction{Statements: []string{"GRANT ACCESS ON DATABASE * TO " + name}})
		}
		shared := share(parts)
		for _, s := range shared {
			_, names, _ := cutNames(s.text)
			if len(names) > sharedNames || len(s.text) > sharedBytes || len(names) != len(s.owners) {
				t.Errorf("%d names of %d steps in %d bytes", len(names), len(s.owners), len(s.text))
			}
			for _, name := range names {
				delete(want, name)
			}
		}
		if len(want) > 0 || len(shared) > 450*(width+10)/sharedBytes+6 {
			t.Errorf("%d statements, and %d roles are in none", len(shared), len(want))
		}
	}
}

// roleDice makes statements about few roles and users: many of them fail.
type roleDice struct{ privilegeDice }

func (d roleDice) statement() string {
	role, other, user := d.of("`a`", "`b`", "`c`", "`d`"), d.of("`a`", "`b`", "`c`", "`d`"), d.of("`u`", "`v`", "`w`")
	privilege := d.of("ACCESS ON DATABASE *", "ROLE MANAGEMENT ON DBMS", "WRITE ON GRAPH neo4j", "SET LABEL ` TO ` ON GRAPH *", "IMPERSONATE (`u`) ON DBMS")
	switch d.IntN(12) {
	case 0, 1:
		return "CREATE ROLE " + role
	case 2:
		return "CREATE ROLE " + role + " AS COPY OF " + other
	case 3:
		return "DROP ROLE " + role
	case 4:
		return "RENAME ROLE " + role + " TO " + other
	case 5:
		return "GRANT ROLE " + role + " TO " + user
	case 6:
		return "REVOKE ROLE " + role + " FROM " + user
	case 7:
		return "REVOKE " + d.of("GRANT ", "DENY ") + privilege + " FROM " + role
	case 8:
		return "DENY " + privilege + " TO " + role
	case 9:
		return "GRANT ROLE " + role + ", " + other + " TO " + user
	}
	return "GRANT " + privilege + " TO " + role
}

// catalogue is all that the statements of roleDice can change.
func (r *rig) catalogue() string {
	var lines []string
	for _, row := range r.admin("SHOW ROLES WITH USERS YIELD role, member") {
		lines = append(lines, fmt.Sprint(row.values...))
	}
	for _, row := range r.admin("SHOW PRIVILEGES AS COMMANDS YIELD command") {
		lines = append(lines, row.text("command"))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Whatever statements several steps have, together they do what they do one after the other.
func TestSharedStatementsDoTheSame(t *testing.T) {
	t.Parallel()
	fewer := 0
	for seed := range uint64(25) {
		d := roleDice{privilegeDice{rand.New(rand.NewPCG(seed, 7))}}
		one, all := newRig(t), newRig(t)
		for _, r := range []*rig{one, all} {
			r.admin("CREATE USER u SET PASSWORD 'long enough'", "CREATE USER v SET PASSWORD 'long enough'", "CREATE USER w SET PASSWORD 'long enough'", "CREATE ROLE a", "CREATE ROLE b")
		}
		var parts []Transaction
		for len(parts) < 70 {
			statement := d.statement()
			if _, err := one.sys.client.query(t.Context(), one.sys.uri.String(), statement, nil); err == nil {
				parts = append(parts, Transaction{Statements: []string{statement}})
			}
		}
		var together []statement
		for _, s := range share(parts) {
			together = append(together, statement{text: s.text})
		}
		fewer += len(parts) - len(together)
		all.must(all.sys.client.transact(t.Context(), all.sys.uri.String(), together, nil, nil))
		if got, want := all.catalogue(), one.catalogue(); got != want {
			t.Errorf("seed %d: %v: got\n%s\nwant\n%s", seed, parts, got, want)
		}
	}
	if fewer < 50 {
		t.Errorf("only %d statements were saved", fewer)
	}
}

// alikeRoles are roles that may all do the same ten things, in five statements.
func alikeRoles(r *rig, count int) []reconcile.Object {
	grants := setOf("ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j NODES A, B, C, D", "TRAVERSE ON GRAPH neo4j RELATIONSHIPS T, U, V", "WRITE ON GRAPH neo4j")
	var want []reconcile.Object
	for n := range count {
		want = append(want, r.declare(kindRole, fmt.Sprintf("r%03d", n), fields{"grant": grants, "deny": setOf("READ {ssn} ON GRAPH neo4j NODES A")}))
	}
	return want
}

// A fleet of roles that may do the same takes a statement for each role, and a handful for each transaction. The server counts.
func TestAlikeRolesShareStatements(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const count = 500
	want := alikeRoles(r, count)
	check := func(name string, statements, transactions int, want ...reconcile.Object) {
		t.Helper()
		plan := r.plan(want...)
		cost := forecast(plan)
		before := r.server.Turns()
		r.server.ResetCalls()
		r.applied(plan)
		turns, made := int(r.server.Turns()-before), r.made()
		t.Logf("%s %d roles of ten privileges: %d statements in %d transactions, %d round trips", name, count, made["statement"], made["transaction"], turns)
		if made["statement"] != cost["statement"] || made["transaction"] != cost["transaction"] {
			t.Errorf("%s: forecast %v, made %v", name, cost, made)
		}
		if made["statement"] > statements || made["transaction"] > transactions {
			t.Errorf("%s: %d statements in %d transactions, at most %d in %d are expected", name, made["statement"], made["transaction"], statements, transactions)
		}
		if most := 4*made["transaction"] + 4; turns > most { // two to send it, one or two to look before it
			t.Errorf("%s: %d round trips, more than %d", name, turns, most)
		}
		r.insync(want...)
	}
	check("make", count+count/10, count/100, want...)

	for n := range count { // nothing is said of one role alone
		want[n] = r.declare(kindRole, fmt.Sprintf("r%03d", n), fields{"grant": setOf("ACCESS ON DATABASE neo4j", "TRAVERSE ON GRAPH neo4j"), "deny": setOf()})
	}
	check("change", count/10, count/100, want...)
}

// What is refused of a statement that speaks for several roles fails the role at fault only, by its own address and in its own words.
func TestRefusalOfASharedStatement(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plan := r.plan(alikeRoles(r, 6)...)
	r.admin("CREATE ROLE r003") // meanwhile, by somebody else
	r.server.ResetCalls()
	for _, res := range r.apply(plan).Results {
		switch {
		case res.Addr.Name != "r003":
			if res.Status != reconcile.StatusDone {
				t.Errorf("%s: %s %v", res.Addr, res.Status, res.Err)
			}
		case res.Status != reconcile.StatusFailed || !strings.Contains(res.Err.Error(), "r003"):
			t.Errorf("%s: %s %v", res.Addr, res.Status, res.Err)
		}
	}
	r.converge(alikeRoles(r, 6)...)
	r.admin("DROP ROLE r003")
}

// A connection that is lost at a shared statement, and a server that is gone, fail every role for which it spoke.
func TestLostSharedStatement(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plan := r.plan(alikeRoles(r, 6)...)
	r.server.Fault(neo4jtest.Fault{Match: "GRANT WRITE", Drop: true})
	for _, res := range r.apply(plan).Results {
		if res.Status != reconcile.StatusFailed || res.Err == nil || !strings.Contains(res.Err.Error(), "lost at GRANT WRITE ON GRAPH `neo4j` TO `r000`, `r001` and 4 more: ") || !strings.Contains(res.Call, "TO `"+res.Addr.Name+"`") {
			t.Errorf("%s: %s %v: %s", res.Addr, res.Status, res.Err, res.Call)
		}
	}
	r.server.ResetFaults()
	if got := r.admin("SHOW ROLES YIELD role WHERE role STARTS WITH 'r0'"); len(got) > 0 {
		t.Errorf("%d roles were made", len(got))
	}
	r.converge(alikeRoles(r, 6)...)
}

// A plan shows each role's statements as if it were alone.
func TestPlanShowsStatementsByRole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, s := range r.plan(alikeRoles(r, 3)...).Steps {
		text := s.Ops[0].String()
		if name := "`" + s.Change.Addr().Name + "`"; strings.Count(text, name) != 6 || strings.Count(text, "\n") != 5 {
			t.Errorf("%s:\n%s", s.Change.Addr(), text)
		}
	}
}

// TestOracleShared asks about statements that speak for as many roles and users as they may.
func TestOracleShared(t *testing.T) {
	o := openOracle(t)
	long := func(n int) string { return fmt.Sprintf("r%0*d", n%200, n) }
	for _, entry := range everyEntry()[:200] {
		atoms, err := ParsePrivilege(AccessGrant, entry)
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range []Verb{VerbGrant, VerbRevokeGrant} {
			var parts []Transaction
			for n := range sharedNames {
				parts = append(parts, Transaction{Statements: GroupStatements(verb, long(n), atoms)})
			}
			for _, s := range share(parts) {
				if calendar := realIsCalendar(); calendar || !strings.HasPrefix(s.text, "CYPHER 25 ") && !slices.ContainsFunc(atoms, func(a Atom) bool { return a.Needs() != NeedsNothing }) {
					o.takes(s.text)
				}
			}
		}
	}
	var parts []Transaction
	for n := range sharedNames {
		parts = append(parts, Transaction{Statements: []string{"GRANT ROLE `a`, `b` TO " + quoteName("u."+long(n)), "REVOKE ROLE `c` FROM " + quoteName("u@"+long(n))}})
	}
	for _, s := range share(parts) {
		o.takes(s.text)
	}
}

// FuzzCutNames makes statements with any names in them: what is cut off is a name in its quotes, or nothing, and it is the role that the statement was made for.
func FuzzCutNames(f *testing.F) {
	for _, name := range nastyNames {
		f.Add("r", name)
		f.Add(name, "A")
		f.Add(name+"` TO `x", " TO `"+name)
		f.Add(name+"`, `x", " FROM `"+name)
	}
	f.Fuzz(func(t *testing.T, role, label string) {
		for _, verb := range []Verb{VerbGrant, VerbRevokeDeny} {
			text := string(verb) + " SET LABEL " + quoteName(label) + ", " + quoteName(role) + " ON GRAPH " + quoteName(label) + " " + verb.preposition() + " " + quoteName(role)
			head, names, ok := cutNames(text)
			if ok && (len(names) != 1 || names[0] != quoteName(role) || head+names[0] != text) {
				t.Errorf("%s: %q, then %q", text, head, names)
			}
			if about := namesOf(text, names); ok && !slices.Equal(about, []string{quoteName(role)}) || !ok && about != nil {
				t.Errorf("%s: about %q", text, about)
			}
		}
		text := "GRANT ROLE " + quoteName(label) + " TO " + quoteName(role)
		if about := namesOf(text, nil); !slices.Equal(about, []string{quoteName(label), quoteName(role)}) {
			t.Errorf("%s: about %q", text, about)
		}
	})
}
