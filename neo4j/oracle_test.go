package neo4j

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	driver "github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"keymaker/reconcile"
)

// oracle is a real Neo4j server as judge of the grammar: every statement is sent with EXPLAIN, which runs nothing. Community Edition parses Enterprise's
// administration commands whole before it refuses them.
type oracle struct {
	t        *testing.T
	drv      driver.DriverWithContext
	session  driver.SessionWithContext // one for all statements of a test: a refusal resets it
	calendar bool
	judged   int
}

func openOracle(t *testing.T) *oracle {
	t.Helper()
	if os.Getenv("NEO4J_REAL_URI") == "" {
		t.Skip("needs a real server: .ci/neo4j-community 5.26.30 go test ./neo4j/...")
	}
	drv, session, err := realSession()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	t.Cleanup(func() { _ = session.Close(ctx); _ = drv.Close(ctx) })
	return &oracle{t: t, drv: drv, session: session, calendar: realIsCalendar()}
}

func realSession() (driver.DriverWithContext, driver.SessionWithContext, error) {
	drv, err := driver.NewDriverWithContext(os.Getenv("NEO4J_REAL_URI"), driver.BasicAuth(os.Getenv("NEO4J_REAL_USERNAME"), os.Getenv("NEO4J_REAL_PASSWORD"), ""))
	if err != nil {
		return nil, nil, err
	}
	return drv, drv.NewSession(context.Background(), driver.SessionConfig{DatabaseName: "neo4j"}), nil
}

func realIsCalendar() bool { return majorOf(os.Getenv("NEO4J_REAL_VERSION")) >= 2025 }

// verdict is what the server says about a statement.
type verdict struct {
	taken       bool // it parsed, and the edition is all that was in the way, if anything
	syntax      bool // it did not parse
	code, words string
}

func (o *oracle) ask(statement string) verdict {
	o.t.Helper()
	v, err := explain(o.session, statement)
	if err != nil {
		o.t.Fatalf("%s: %v", statement, err)
	}
	return v
}

// explain asks about a statement. An error is no answer.
func explain(session driver.SessionWithContext, statement string) (verdict, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	result, err := session.Run(ctx, "EXPLAIN "+statement, map[string]any{})
	if err == nil {
		_, err = result.Consume(ctx)
	}
	if err == nil {
		return verdict{taken: true}, nil
	}
	var ne *driver.Neo4jError
	if !errors.As(err, &ne) {
		return verdict{}, err
	}
	return verdict{
		taken:  strings.HasPrefix(ne.Msg, "Unsupported administration command: "),
		syntax: ne.Code == "Neo.ClientError.Statement.SyntaxError" || strings.HasPrefix(ne.Msg, "Unsupported options: "), // behind a CYPHER prefix, an option
		code:   ne.Code, words: ne.Msg,
	}, nil
}

// takes fails the test unless the server would run the statement on Enterprise.
func (o *oracle) takes(statement string) {
	o.t.Helper()
	if v := o.ask(statement); !v.taken {
		o.t.Errorf("%s\nthe server says %s: %s", statement, v.code, v.words)
	}
}

// refuses fails the test unless the statement does not parse there, in any language that the server speaks.
func (o *oracle) refuses(statement, why string) {
	o.t.Helper()
	for _, text := range o.languages(statement) {
		if v := o.ask(text); !v.syntax {
			o.t.Errorf("%s\ntaken by the server (%s %s), although %s", text, v.code, v.words, why)
		}
	}
}

func (o *oracle) languages(statement string) []string {
	if o.calendar {
		return []string{statement, "CYPHER 25 " + statement}
	}
	return []string{statement}
}

// judge asks about statements that this package made from atoms, and checks that what Needs says is neither too little nor too much.
func (o *oracle) judge(verb Verb, atoms []Atom) {
	o.t.Helper()
	byNeeds := map[Needs][]Atom{}
	for _, a := range atoms {
		byNeeds[a.Needs()] = append(byNeeds[a.Needs()], a)
	}
	for needs, some := range byNeeds {
		for _, statement := range GroupStatements(verb, "a role", some) {
			plain, prefixed := strings.CutPrefix(statement, "CYPHER 25 ")
			if prefixed != (needs == NeedsCypher25) {
				o.t.Errorf("%s: a prefix and needs %d", statement, needs)
			}
			switch {
			case needs == NeedsNothing || needs == NeedsCalendar && o.calendar:
				o.takes(statement)
				if o.judged++; o.calendar && o.judged%4 == 0 { // the system database may have either language for its own; what tests send is all asked so too
					o.takes("CYPHER 25 " + statement)
				}
			case !o.calendar:
				if v := o.ask(plain); v.taken {
					o.t.Errorf("%s: taken, but said to need a calendar version", plain)
				}
			default:
				o.takes(statement)
				if v := o.ask(plain); !v.syntax {
					o.t.Errorf("%s: taken without its prefix as well", statement)
				}
			}
		}
	}
}

// everyEntry is a privilege of each name in each spelling, on each kind of place, with each kind of part.
func everyEntry() []string {
	places := map[Scope][]string{
		ScopeGraph:    {"HOME GRAPH", "GRAPH *", "GRAPH neo4j", "GRAPHS a, `b-c`, D.e"},
		ScopeDatabase: {"HOME DATABASE", "DATABASE *", "DATABASE neo4j", "DATABASES a, `b-c`, D.e"},
		ScopeDBMS:     {"DBMS"},
		ScopeLoad:     {"ALL DATA", `CIDR "10.0.0.0/8"`, "CIDR '2001:db8::/32'"},
	}
	arguments := map[argument][]string{
		argNone: {""}, argProperties: {" {*}", " {a}", " {a, `b c`, ``` ```}"}, argLabels: {" *", " A", " A, `B C`"},
		argUsers: {"", " (*)", " (alice)", " (alice, `a-b@c.d`)"},
		argGlobs: {" *", " a.b", " a.*", " ?x.`y z`*", " apoc.any.prop*, *.b, `*`"},
	}
	elements := []string{"", " NODE *", " NODES A, `B C`", " RELATIONSHIP *", " RELATIONSHIPS T", " ELEMENT X", " ELEMENTS *"}
	rules := everyRule()
	var out []string
	for _, a := range actions {
		tails := []string{""}
		if a.elements {
			tails = elements
		}
		if a.rules {
			tails = append(slices.Clone(tails), rules...)
		}
		if len(a.spellings()) == 0 {
			continue
		}
		for i, spelling := range a.spellings() {
			for j, argument := range arguments[a.arg] {
				for k, place := range places[a.scope] {
					for n, tail := range tails {
						// All parts once with the first spelling, and each spelling once.
						if i > 0 && j+k+n > 0 || n > len(elements) && (j > 0 || k != n%len(places[a.scope])) {
							continue
						}
						out = append(out, spelling+argument+" ON "+place+tail)
					}
				}
			}
		}
	}
	return out
}

func everyRule() []string {
	var out []string
	patterns := []string{"(n)", "(n:A)", "(n:A|`B C`)", "()-[n]-()", "()-[n:T]->()", "()<-[n:T|`U V`]-()"}
	values := []string{"1", "-1", "0x1F", "1.5", "1e300", "Infinity", "9223372036854775807", "true", `'a\'b"c\\d\n'`, `"x"`, "date('2024-10-25')",
		"datetime('2024-10-25T10:00:00.5+02:00')", "datetime('2024-10-25T10:00Z')", "localdatetime('2024-10-25T10:00:00')", "localtime('10:00:00')",
		"time('10:00:00Z')", "duration('P1Y2M3DT4H5M6.7S')"}
	conditions := []string{"n.p IS NULL", "n.p IS NOT NULL", "NOT n.p IS NULL", "NOT (n.`p q` = 1)", "n.p IN []", "n.p IN [1, 'a', null, 2.5, date('2024-10-25')]", "NOT 'x' IN n.p", "1 IN n.p", "3 > n.p"}
	for _, operator := range []string{"=", "<>", "<", "<=", ">", ">="} {
		conditions = append(conditions, "n.p "+operator+" 1", "NOT n.p "+operator+" 1")
	}
	for _, v := range values {
		conditions = append(conditions, "n.p = "+v, "n.p IN ["+v+"]")
	}
	for i, c := range conditions {
		out = append(out, " FOR "+patterns[i%len(patterns)]+" WHERE "+c, " FOR "+patterns[0]+" WHERE "+c)
	}
	return append(out, " FOR (n:A {p: 1})", " FOR (:A {p: 'x'})", " FOR (n WHERE n.p = 1)", " FOR ()-[:T {p: 1}]-()")
}

func TestOraclePrivileges(t *testing.T) {
	o := openOracle(t)
	judged := 0
	for _, entry := range everyEntry() {
		for _, access := range []Access{AccessGrant, AccessDeny} {
			atoms, err := ParsePrivilege(access, entry)
			if err != nil {
				if access == AccessDeny && strings.HasPrefix(entry, "MERGE") {
					o.refuses("DENY "+entry+" TO r", "Neo4j documents that it does not")
					continue
				}
				t.Errorf("%s %s: %v", access, entry, err)
				continue
			}
			judged++
			o.judge(access.Assign(), atoms)
			if judged%7 == 0 { // both halves share all but two words
				o.judge(access.Revoke(), atoms)
			}
		}
	}
	t.Logf("%d privileges", judged)
}

// TestOracleGroups asks about statements that carry as much as they can.
func TestOracleGroups(t *testing.T) {
	o := openOracle(t)
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 2))
		var atoms []Atom
		for range 1 + r.IntN(8) {
			more, err := ParsePrivilege(AccessGrant, randomEntry(r))
			if err != nil {
				t.Fatal(err)
			}
			atoms = append(atoms, more...)
		}
		verb := []Verb{VerbGrant, VerbRevokeGrant, VerbRevokeDeny}[r.IntN(3)]
		if verb == VerbRevokeDeny { // there is no DENY MERGE that could be live
			atoms = slices.DeleteFunc(atoms, func(a Atom) bool { return a.action == "MERGE" })
		}
		o.judge(verb, atoms)
	}
}

// TestOracleVectors proves the recorded verdicts to be the server's, so that everything else that rests on them does.
func TestOracleVectors(t *testing.T) {
	o := openOracle(t)
	file, err := os.Open("testdata/neo4j-grammar.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		column := strings.SplitN(lines.Text(), "\t", 4)
		if len(column) < 4 || strings.HasPrefix(column[0], "#") {
			continue
		}
		columns := column[:1]
		if o.calendar {
			columns = column[1:3]
		}
		for i, text := range o.languages(column[3]) {
			v, want := o.ask(text), columns[i]
			if got := map[bool]string{true: "no", false: "yes"}[v.syntax]; got != strings.Replace(want, "sem", "yes", 1) {
				t.Errorf("%s: recorded %s, now %+v", text, want, v)
			}
		}
		if access, body, ok := withoutRole(column[3]); ok {
			if atoms, err := ParsePrivilege(access, body); err == nil {
				o.judge(access.Assign(), atoms)
			}
		}
	}
}

// wrongPrivileges are slips that people make.
var wrongPrivileges = strings.Split(`REED {*} ON GRAPH neo4j
READ ON GRAPH neo4j
READ * ON GRAPH neo4j
READ {} ON GRAPH neo4j
READ {a b} ON GRAPH neo4j
READ {*, a} ON GRAPH neo4j
READ {*} ON GRAPH
READ {*} ON GRAPH *, a
READ {*} ON GRAPH neo*
READ {*} ON GRAPHS
READ {*} GRAPH neo4j
READ {*} ON neo4j
READ {*} ON DATABASE neo4j
READ {*} ON GRAPH neo4j NODES
READ {*} ON GRAPH neo4j NODES A B
READ {*} ON GRAPH neo4j NODES A,
READ {*} ON GRAPH neo4j NODES :A
READ {*} ON GRAPH neo4j NODES A RELATIONSHIPS B
READ {*} ON GRAPH neo4j LABELS A
READ {'a'} ON GRAPH neo4j
WRITE {*} ON GRAPH neo4j
WRITE ON GRAPH neo4j NODES *
WRITE ON DATABASE neo4j
WRITES ON GRAPH neo4j
SET LABEL {A} ON GRAPH neo4j
SET LABEL A ON GRAPH neo4j NODES B
SET PROPERTIES {a} ON GRAPH neo4j
ALL GRAPH ON GRAPH neo4j
ALL DATABASE PRIVILEGES ON GRAPH neo4j
ACCESS ON GRAPH neo4j
ACCESS ON DATABASE 'neo4j'
ACCESS ON DATABASE a-b
ACCESS ON DATABASE 1a
ACCESS ON DATABASE
ACCESS ON HOME
ACCESS ON HOME DATABASE neo4j
ACCESS ON HOME DATABASES
ACCESS ON DBMS
ACCESS, START ON DATABASE neo4j
CREATE INDEXES ON DBMS
INDEX MANAGEMENTS ON DATABASE *
SHOW TRANSACTION {a} ON DATABASE *
SHOW TRANSACTION () ON DATABASE *
SHOW TRANSACTION (a, *) ON DATABASE *
TRANSACTIONS ON DATABASE *
SHOW ROLES ON DBMS
SHOW PRIVILEGES ON DBMS
ROLE MANAGEMENT ON DATABASE *
ROLE MANAGEMENT ON HOME DBMS
ROLE MANAGEMENTS ON DBMS
EXECUTE PROCEDURE ON DBMS
EXECUTE PROCEDURE 'a.b' ON DBMS
EXECUTE PROCEDURE a.b
EXECUTE PROCEDURE a,, b ON DBMS
EXECUTE PROCEDURE a b ON DBMS
EXECUTE PROCEDURE (a) ON DBMS
EXECUTE USER PROCEDURE a ON DBMS
EXECUTE BOOSTED ADMIN PROCEDURES ON DBMS
IMPERSONATE alice ON DBMS
IMPERSONATE (alice ON DBMS
SHOW SETTING (a) ON DBMS
LOAD ON CIDR 10.0.0.0/8
LOAD ON CIDR '10.0.0.0/8', '11.0.0.0/8'
LOAD ON URL 'https://x'
LOAD ON ALL
LOAD ON DATABASE neo4j
LOAD
READ {*} ON GRAPH * FOR (n)
READ {*} ON GRAPH * FOR (n:A:B) WHERE n.p = 1
READ {*} ON GRAPH * FOR (n) WHERE n.p = 1 AND n.q = 2
READ {*} ON GRAPH * FOR (n) WHERE n.p = n.q
READ {*} ON GRAPH * FOR (n) WHERE n.p + 1 = 2
READ {*} ON GRAPH * FOR (n) WHERE n.p STARTS WITH 'a'
READ {*} ON GRAPH * FOR (n {p: 1, q: 2})
READ {*} ON GRAPH * FOR (n {p: 1}) WHERE n.p = 1
READ {*} ON GRAPH * FOR (n) WHERE n.p = [1]
READ {*} ON GRAPH * FOR (n) WHERE n.p = null
READ {*} ON GRAPH * FOR (n) WHERE n.p = NaN
READ {*} ON GRAPH * FOR (n) WHERE NOT NOT n.p = 1
READ {*} ON GRAPH * FOR (n) WHERE n.p = toLower('A')
READ {*} ON GRAPH * FOR (a)-[r]-(b) WHERE r.p = 1
READ {*} ON GRAPH * FOR ()-[r*2]-() WHERE r.p = 1
READ {*} ON GRAPH * NODES A FOR (n) WHERE n.p = 1
WRITE ON GRAPH * FOR (n) WHERE n.p = 1
CREATE ON GRAPH * FOR (n) WHERE n.p = 1
SET PROPERTY {*} ON GRAPH * FOR (n) WHERE n.p = 1
TRAVERSE ON GRAPH * FOR (n) WHERE 5
FROBNICATE ON DBMS
IMMUTABLE
GRANT ACCESS ON DATABASE neo4j
ACCESS ON DEFAULT DATABASE
TRAVERSE ON DEFAULT GRAPH
`+"TRAVERSE ON GRAPH `a", "\n")

// stricter are the privileges of wrongPrivileges that a real parser takes and Keymaker does not, with the reason.
var stricter = map[string]string{
	"EXECUTE PROCEDURE a b ON DBMS": "the parser joins the words of a pattern; what that gives is not documented, and it is a slip of the pen",
}

func TestOracleWrongPrivileges(t *testing.T) {
	o := openOracle(t)
	for _, text := range wrongPrivileges {
		if atoms, err := ParsePrivilege(AccessGrant, text); err == nil {
			t.Errorf("%s: taken, as %q", text, texts(atoms))
			continue
		}
		if stricter[text] == "" {
			o.refuses("GRANT "+text+" TO `r`", "a spec may not say it, and no reason is listed")
		}
	}
}

// TestOracleMutations changes privileges at random: what the server cannot parse must not be taken here, and what does not parse here must not parse there.
func TestOracleMutations(t *testing.T) {
	o := openOracle(t)
	taken, refused := 0, 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 3))
		text := mutate(r, randomEntry(r))
		atoms, err := ParsePrivilege(AccessGrant, text)
		if err == nil {
			taken++
			o.judge(VerbGrant, atoms)
			continue
		}
		refused++
		var pe *PrivilegeError
		if !errors.As(err, &pe) {
			t.Fatalf("%s: %v", text, err)
		}
		if pe.Summary == summarySyntax || pe.Summary == summaryUnknown { // the other summaries are about what Neo4j takes and Keymaker does not
			if looseGlob.MatchString(text) {
				continue
			}
			o.refuses("GRANT "+text+" TO `r`", fmt.Sprintf("Keymaker says %v", pe))
		}
	}
	t.Logf("%d mutations taken, %d refused", taken, refused)
	if taken < 50 || refused < 300 {
		t.Error("the mutations do not try much")
	}
}

// looseGlob are the privileges with name patterns. Their words, ON among them, are joined by a real parser wherever they stand; Keymaker takes two words
// side by side for a slip of the pen.
var looseGlob = regexp.MustCompile(`^(?:EXECUTE|SHOW SETTING)\b.* ON DBMS$`)

// mutate takes words away, doubles, swaps and replaces them.
func mutate(r *rand.Rand, text string) string {
	words := strings.Fields(text)
	extra := []string{"*", "NODES", "A", "`x`", "ON", "DBMS", "GRAPH", "DATABASE", "{a}", "(a)", ",", "1", "'s'", "FOR (n) WHERE n.p = 1", "ALL", "PRIVILEGES", "SHOW", "HOME", "ROLE", "-", ".", "MANAGEMENT"}
	for range 1 + r.IntN(2) {
		i := r.IntN(len(words))
		switch r.IntN(5) {
		case 0:
			if len(words) > 1 {
				words = slices.Delete(words, i, i+1)
			}
		case 1:
			words = slices.Insert(words, i, words[i])
		case 2:
			words = slices.Insert(words, i, extra[r.IntN(len(extra))])
		case 3:
			words[i] = extra[r.IntN(len(extra))]
		case 4:
			j := r.IntN(len(words))
			words[i], words[j] = words[j], words[i]
		}
	}
	return strings.Join(words, " ")
}

// nastyNames would end their quotes, or the statement, were they not written with care.
var nastyNames = []string{
	"`", "``", "a`b", "`; DROP ROLE admin; //", "\\", "\\\\", "\\`", "\\u0060", "\\\\u0060", "\\U00000060", "a\\u0060 TO `x", "\u0060\\u005c", "'", "\"", "\\'", "\\\"",
	"*", "?", ".", "..", "a.b", "a.`b`", "$x", "{", "}", "(n)", "/* x", "*/", "// x", ";", ",", " ", "  a  ", "\t", "\n", "\r\n", "\b\f", "\u00a0", "\u2028", "é", "e\u0301",
	"日本", "😀", "\U0010FFFF", "\u200b", "\ufeff", "ROLE", "TO", "GRANT", "1", "-", "a-b@c.d:8", "=1 OR 1=1", "\x01", "\x7f", "\u0085", "ſ", "ı", "K", strings.Repeat("x`\\", 300),
}

// TestOracleQuoting has the server read quoted names and texts back: they are what was quoted, and no character of them is anything else.
func TestOracleQuoting(t *testing.T) {
	o := openOracle(t)
	ctx := context.Background()
	names := slices.Clone(nastyNames)
	r := rand.New(rand.NewPCG(5, 5))
	alphabet := []rune("`\\u0056c\"'abU{}$.*\n\t é😀/;")
	for range 300 {
		name := make([]rune, 1+r.IntN(12))
		for i := range name {
			name[i] = alphabet[r.IntN(len(alphabet))]
		}
		names = append(names, string(name))
	}
	for _, name := range names {
		for _, text := range o.languages(fmt.Sprintf("RETURN %s AS %s, {%s: 1} AS m", quoteString(name), quoteName(name), quoteName(name))) {
			if name == "m" {
				continue
			}
			result, err := o.session.Run(ctx, text, nil)
			if err != nil {
				t.Errorf("%q: %s: %v", name, text, err)
				continue
			}
			record, err := result.Single(ctx)
			if err != nil {
				t.Errorf("%q: %s: %v", name, text, err)
				continue
			}
			key := record.Values[1].(map[string]any)
			if record.Keys[0] != name || record.Values[0] != name || key[name] != int64(1) {
				t.Errorf("%q: %s gives column %q, value %q, key %q", name, text, record.Keys[0], record.Values[0], key)
			}
		}
	}
}

// TestOracleNames puts nasty names into every place of a statement where a name can stand.
func TestOracleNames(t *testing.T) {
	o := openOracle(t)
	for _, name := range nastyNames {
		q, s := quoteName(name), quoteString(name)
		for _, entry := range []string{
			"ACCESS ON DATABASE " + q, "READ {" + q + "} ON GRAPHS " + q + ", b NODES " + q + ", B", "SET LABEL " + q + " ON HOME GRAPH",
			"TRAVERSE ON GRAPH * FOR (n:" + q + "|B) WHERE n." + q + " = " + s, "EXECUTE PROCEDURE " + q + " ON DBMS", "SHOW SETTING a." + q + ".* ON DBMS",
			"IMPERSONATE (" + q + ") ON DBMS", "LOAD ON CIDR " + s,
		} {
			c, err := ParseCommand("GRANT " + entry + " TO r") // which takes the names that live rows may hold
			if err != nil {
				t.Errorf("%s: %v", entry, err)
				continue
			}
			o.judge(VerbGrant, c.Atoms)
			for _, statement := range GroupStatements(VerbRevokeDeny, name, c.Atoms) {
				o.takes(statement)
			}
		}
		o.takes("CREATE ROLE " + q)
		o.takes("DROP ROLE " + q)
	}
}

// everyUser is a user of each combination of what a spec can say.
func everyUser(r *rig) []reconcile.Object {
	native := nativeBlock(canary, true)
	okta, entra := auth("oidc-okta", fields{"id": reconcile.Text("0oa1")}), auth("oidc-entra-ID_2", fields{"id": reconcile.Text("x'}")})
	var all []reconcile.Object
	for _, ways := range [][]reconcile.Block{{native}, {okta}, {native, okta}, {okta, entra}, {nativeBlock(canary, false), entra}} {
		for _, f := range []fields{
			{}, {"status": reconcile.Text("suspended")}, {"status": reconcile.Text("active"), "home_database": reconcile.Text("neo4j")}, {"home_database": reconcile.Text("")},
			{"roles": setOf("reader", "editor"), "home_database": reconcile.Text("a`b-c.d")}, {"roles": setOf()}, {"name": reconcile.Text("x`\\u0060@y.z"), "roles": setOf("reader")},
		} {
			all = append(all, r.user("u", f, ways...))
		}
	}
	return all
}

// TestOracleUsers asks about every statement that makes a user, drops it, or makes any such user any other.
func TestOracleUsers(t *testing.T) {
	o := openOracle(t)
	r := newRig(t, withVersion(os.Getenv("NEO4J_REAL_VERSION")))
	users := everyUser(r)
	_, err := r.sys.Read(t.Context(), nil)
	r.must(err)
	asked := make(map[string]bool)
	ask := func(policy reconcile.Policy, live []reconcile.Object, want reconcile.Object) {
		t.Helper()
		drift := reconcile.Compare(r.sys.Kinds(), []reconcile.Object{want}, reconcile.Live{Objects: live})
		changes, _, diags := reconcile.Police(drift, policy)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		steps, err := r.sys.Steps(changes)
		r.must(err)
		for _, s := range steps {
			for _, op := range s.Ops {
				for _, statement := range op.(Transaction).Statements {
					if !asked[statement] {
						asked[statement] = true
						o.takes(statement)
					}
				}
			}
		}
	}
	for _, u := range users {
		ask(reconcile.Policy{}, nil, u)
		live := u
		live.Set(reconcile.Attr{Name: "name", Value: reconcile.Text(liveName(u))})
		ask(reconcile.Policy{Destroy: true}, []reconcile.Object{live}, u)
		for _, other := range users {
			ask(reconcile.Policy{}, []reconcile.Object{live}, other)
		}
	}
	t.Logf("%d statements", len(asked))
	if len(asked) < 40 {
		t.Error("the users do not try much")
	}
}

// sent are the statements that the tests of this package made Keymaker, or an administrator beside it, send to emulated servers of the real server's line, with the
// code of the refusal there.
var sent = struct {
	sync.Mutex
	statements map[string]string
}{statements: make(map[string]string)}

// keepSent keeps what a rig's server was sent, for the real server to judge when all tests are through.
func (r *rig) keepSent() {
	if os.Getenv("NEO4J_REAL_URI") == "" || (majorOf(r.server.Version) >= 2025) != realIsCalendar() {
		return
	}
	sent.Lock()
	defer sent.Unlock()
	for _, c := range r.server.Calls() {
		sent.statements[c.Statement] = c.Failure
	}
}

// TestMain lets a real server judge every statement that any test made Keymaker send.
func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		if err := serveSnapshot(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if code == 0 && os.Getenv("NEO4J_REAL_URI") != "" {
		if err := judgeSent(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// fewestSent is how many different statements all tests together send at least. With fewer there was not much to judge.
const fewestSent = 400

func judgeSent() error {
	if n := len(sent.statements); n < fewestSent && flag.Lookup("test.run").Value.String() == "" {
		return fmt.Errorf("the tests sent only %d statements for the real server to judge", n)
	}
	drv, session, err := realSession()
	if err != nil {
		return err
	}
	ctx := context.Background()
	defer drv.Close(ctx)
	defer session.Close(ctx)
	var errs []error
	for _, statement := range sortedKeys(sent.statements) {
		v, err := explain(session, statement)
		if err == nil && v.taken && realIsCalendar() && !strings.HasPrefix(statement, "CYPHER ") { // the system database may have either language for its own
			v, err = explain(session, "CYPHER 25 "+statement)
		}
		procedure := strings.HasPrefix(statement, "CALL dbms.checkConfigValue(") || strings.HasPrefix(statement, "CALL dbms.setConfigValue(")
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(statement, "CYPHER 25 ") && !realIsCalendar():
			if v.code != codeArgument || sent.statements[statement] != codeArgument {
				errs = append(errs, fmt.Errorf("%s\nis refused by the emulated server (%s) and the real one (%s %s) for different reasons", statement, sent.statements[statement], v.code, v.words))
			}
		case sent.statements[statement] == "Neo.ClientError.Statement.SyntaxError":
			if !v.syntax {
				errs = append(errs, fmt.Errorf("%s\nis a syntax error for the emulated server, and not for the real one (%s %s)", statement, v.code, v.words))
			}
		case v.taken:
		case procedure && v.code == "Neo.ClientError.Procedure.ProcedureNotFound": // Enterprise only
		case !realIsCalendar() && statement == "SHOW SERVERS YIELD address" && v.code == "Neo.ClientError.Statement.NotSystemDatabaseError":
		default:
			errs = append(errs, fmt.Errorf("%s\nthe server says %s: %s", statement, v.code, v.words))
		}
	}
	fmt.Printf("%d statements that tests sent were judged by a real server\n", len(sent.statements))
	return errors.Join(errs...)
}
