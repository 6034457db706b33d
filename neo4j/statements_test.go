package neo4j

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestGroupStatements(t *testing.T) {
	for name, test := range map[string]struct {
		verb    Verb
		entries []string
		want    []string
	}{
		"nothing":  {VerbGrant, nil, nil},
		"elements": {VerbGrant, []string{"MATCH {*} ON GRAPH neo4j"}, []string{"GRANT MATCH {*} ON GRAPH `neo4j` ELEMENTS * TO `r`"}},
		"product": {VerbDeny, []string{"READ {a, b} ON GRAPHS x, y NODES A, `B C`"},
			[]string{"DENY READ {`a`, `b`} ON GRAPHS `x`, `y` NODES `A`, `B C` TO `r`"}},
		"star apart": {VerbGrant, []string{"ACCESS ON DATABASES a, b", "ACCESS ON DATABASE *", "ACCESS ON HOME DATABASE"},
			[]string{"GRANT ACCESS ON DATABASE * TO `r`", "GRANT ACCESS ON DATABASES `a`, `b` TO `r`", "GRANT ACCESS ON HOME DATABASE TO `r`"}},
		"corner missing": {VerbRevokeGrant, []string{"TRAVERSE ON GRAPH x NODES A, B", "TRAVERSE ON GRAPH y NODES A"},
			[]string{"REVOKE GRANT TRAVERSE ON GRAPH `x` NODES `B` FROM `r`", "REVOKE GRANT TRAVERSE ON GRAPHS `x`, `y` NODES `A` FROM `r`"}},
		"globs":     {VerbRevokeDeny, []string{"EXECUTE PROCEDURE *, a.b*, `c-d`.e ON DBMS"}, []string{"REVOKE DENY EXECUTE PROCEDURE *, `c-d`.e, a.b* ON DBMS FROM `r`"}},
		"users":     {VerbGrant, []string{"IMPERSONATE (a, `b-c`) ON DBMS"}, []string{"GRANT IMPERSONATE (`a`, `b-c`) ON DBMS TO `r`"}},
		"load":      {VerbGrant, []string{"LOAD ON CIDR '10.0.0.0/8'", "LOAD ON CIDR '11.0.0.0/8'"}, []string{"GRANT LOAD ON CIDR \"10.0.0.0/8\" TO `r`", "GRANT LOAD ON CIDR \"11.0.0.0/8\" TO `r`"}},
		"set label": {VerbGrant, []string{"SET LABEL A ON GRAPH x", "SET LABEL B ON GRAPH x"}, []string{"GRANT SET LABEL `A`, `B` ON GRAPH `x` TO `r`"}},
		"rule":      {VerbGrant, []string{"READ {a} ON GRAPH x FOR (n:A|B) WHERE n.p = 'x'"}, []string{"GRANT READ {`a`} ON GRAPH `x` FOR (n:`A`) WHERE n.p = 'x' TO `r`", "GRANT READ {`a`} ON GRAPH `x` FOR (n:`B`) WHERE n.p = 'x' TO `r`"}},
		"language":  {VerbGrant, []string{"SHOW AUTH RULE ON DBMS"}, []string{"CYPHER 25 GRANT SHOW AUTH RULE ON DBMS TO `r`"}},
	} {
		t.Run(name, func(t *testing.T) {
			var atoms []Atom
			for _, e := range test.entries {
				a, err := ParsePrivilege(test.verb.Access(), e)
				if err != nil {
					t.Fatal(err)
				}
				atoms = append(atoms, a...)
			}
			if got := GroupStatements(test.verb, "r", atoms); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
	if got, want := GroupStatements(VerbGrant, "a`b\\u0060", []Atom{mustAtom(t, "START ON DATABASE *")}), "GRANT START ON DATABASE * TO `a``b\\u005cu0060`"; got[0] != want {
		t.Errorf("got %s, want %s", got[0], want)
	}
}

func mustAtom(t *testing.T, text string) Atom {
	t.Helper()
	atoms, err := ParsePrivilege(AccessGrant, text)
	if err != nil || len(atoms) != 1 {
		t.Fatalf("%s: %v, %v", text, atoms, err)
	}
	return atoms[0]
}

// randomEntry makes a privilege out of few names, so that many entries overlap.
func randomEntry(r *rand.Rand) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	some := func(from ...string) string {
		r.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
		return strings.Join(from[:1+r.IntN(len(from))], ", ")
	}
	graph := func() string { return pick("HOME GRAPH", "GRAPH *", "GRAPHS "+some("a", "b", "`c d`", "`*`")) }
	database := func() string { return pick("HOME DATABASE", "DATABASE *", "DATABASES "+some("a", "b.c", "`c-d`")) }
	names := func() string { return pick("*", some("A", "`B C`", "`\\`", "`*`", "`x``y`")) }
	entity := func() string { return pick("", " "+pick("NODES ", "RELATIONSHIPS ", "ELEMENTS ")+names()) }
	users := func() string { return pick("", " (*)", " ("+some("u", "U", "`a-b`", "`*`")+")") }
	globs := func() string { return some("*", "a.b", "`c d`.e*", "?.x", "`f``g`") }
	rule := func() string {
		pattern := pick("(n%)", "()-[n%]-()")
		label := pick("", ":A", ":A|`B C`")
		where := pick("n.p = 1", "NOT n.p IN ['a\\\\', 1.5]", "n.`q r` IS NULL", "'x' IN n.p", "n.p < date('2024-01-01')")
		return " FOR " + strings.Replace(pattern, "%", label, 1) + " WHERE " + where
	}
	switch r.IntN(8) {
	case 0:
		return pick("TRAVERSE", "READ {"+names()+"}", "MATCH {*}") + " ON " + graph() + rule()
	case 1, 2:
		return pick("TRAVERSE", "CREATE", "DELETE", "READ {"+names()+"}", "SET PROPERTY {"+names()+"}", "MERGE {*}") + " ON " + graph() + entity()
	case 3:
		return pick("SET LABEL "+names(), "REMOVE LABEL "+names(), "WRITE", "ALL") + " ON " + graph()
	case 4:
		return pick("ACCESS", "SHOW INDEX", "ALL", "SET DATABASE ACCESS", "ALTER COMPOSITE DATABASE") + " ON " + database()
	case 5:
		return pick("SHOW TRANSACTION", "TRANSACTION MANAGEMENT") + users() + " ON " + database()
	case 6:
		return pick("EXECUTE PROCEDURE ", "EXECUTE BOOSTED FUNCTION ", "SHOW SETTING ") + globs() + " ON DBMS"
	}
	return pick("IMPERSONATE"+users()+" ON DBMS", "USER MANAGEMENT ON DBMS", "SET DATABASE ACCESS ON DBMS", "SHOW USER METADATA ON DBMS", "LOAD ON ALL DATA", "LOAD ON CIDR '10.0.0.0/8'", "LOAD ON CIDR '::/0'")
}

// What the statements say is what was asked for: no row more, no row less, none twice; and each text is one atom's.
func TestStatementsSayTheAtoms(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var atoms []Atom
		for range 1 + r.IntN(8) {
			entry := randomEntry(r)
			more, err := ParsePrivilege(AccessGrant, entry)
			if err != nil {
				t.Fatalf("%s: %v", entry, err)
			}
			for _, a := range more {
				if r.IntN(4) > 0 {
					atoms = append(atoms, a)
				}
			}
		}
		want := SortAtoms(atoms)
		statements := GroupStatements(VerbRevokeGrant, "role "+strconv.FormatUint(seed, 10), atoms)
		r.Shuffle(len(atoms), func(i, j int) { atoms[i], atoms[j] = atoms[j], atoms[i] })
		if again := GroupStatements(VerbRevokeGrant, "role "+strconv.FormatUint(seed, 10), atoms); !slices.Equal(again, statements) {
			t.Fatalf("the order of the atoms changes the statements:\n%q\n%q", statements, again)
		}
		var got []Atom
		for _, s := range statements {
			c, err := ParseCommand(s)
			if err != nil || c.Verb != VerbRevokeGrant || c.Role != "role "+strconv.FormatUint(seed, 10) {
				t.Fatalf("%s: %+v, %v", s, c, err)
			}
			got = append(got, c.Atoms...)
		}
		if len(got) != len(want) || !slices.Equal(SortAtoms(got), want) {
			t.Fatalf("the statements %q say\n%q, want\n%q", statements, texts(SortAtoms(got)), texts(want))
		}
		checkTexts(t, want)
	}
}

// checkTexts proves that text and atom stand for each other.
func checkTexts(t *testing.T, atoms []Atom) {
	t.Helper()
	byText := map[string]Atom{}
	for _, a := range atoms {
		if other, ok := byText[a.String()]; ok && other != a {
			t.Fatalf("two atoms print as %s: %+v and %+v", a, a, other)
		}
		byText[a.String()] = a
		again, err := ParsePrivilege(AccessGrant, a.String())
		if err != nil || len(again) != 1 || again[0] != a {
			t.Fatalf("%s parses to %+v, %v, want %+v", a, again, err, a)
		}
	}
}

func FuzzParsePrivilege(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 40 {
		f.Add(randomEntry(r))
	}
	for _, s := range []string{"GRANT", "MATCH {*", "READ {*} ON GRAPH * FOR (n) WHERE n.p = point({x: 1, y: -2.0})", "LOAD ON CIDR \"", "ACCESS ON DATABASE \\ud83d\\ude00", "a /* b", "EXECUTE FUNCTION a. ON DBMS", "EXECUTE FUNCTION `..` ON DBMS"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, access := range []Access{AccessGrant, AccessDeny} {
			atoms, err := ParsePrivilege(access, text)
			if err == nil {
				checkTexts(t, atoms)
				continue
			}
			bad := err.(*PrivilegeError)
			if bad.Offset < 0 || bad.Length < 0 || bad.Offset+bad.Length > len(text) || bad.Remedy == "" {
				t.Fatalf("%q: error outside of the text: %+v", text, bad)
			}
		}
		c, err := ParseCommand("GRANT " + text + " TO `r`")
		if err != nil {
			return
		}
		for _, a := range c.Atoms {
			again, err := ParseCommand("GRANT " + a.String() + " TO `r`")
			if err != nil || len(again.Atoms) != 1 || again.Atoms[0] != a {
				t.Fatalf("%q: live atom %s parses to %q, %v", text, a, texts(again.Atoms), err)
			}
		}
	})
}
