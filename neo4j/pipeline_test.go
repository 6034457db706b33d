package neo4j

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"keymaker/neo4j/bolt"
	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

// withBolt has a server speak some versions of Bolt only.
func withBolt(versions ...string) rigOption {
	return func(server *neo4jtest.Server, _ *reconcile.Block, _ *Options) { server.Bolt = versions }
}

// sayAll is statements without parameters.
func sayAll(list ...string) []statement {
	var out []statement
	for _, s := range list {
		out = append(out, statement{text: s})
	}
	return out
}

func createRoles(prefix string, count int) []statement {
	var out []statement
	for n := range count {
		out = append(out, statement{text: fmt.Sprintf("CREATE ROLE %s%d", prefix, n)})
	}
	return out
}

func (r *rig) transact(statements ...statement) error {
	return r.sys.client.transact(r.t.Context(), r.sys.uri.String(), statements, nil, nil)
}

// pipes says whether a connection is kept on which transactions are sent whole.
func (c *client) pipes() bool { return c.pipe.idle != nil }

// oneByOne has the driver make all transactions.
func (c *client) oneByOne() {
	c.pipe.close()
	u, _ := url.Parse(c.onlyURI())
	for range maxVain {
		c.pipe.tell(c.writerOf(u), errors.New("not here"))
	}
}

func (c *client) onlyURI() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for uri := range c.drivers {
		return uri
	}
	return ""
}

// ownPrivileges are ten privileges, none of which any other role has, of four sorts.
func ownPrivileges(n int) reconcile.Value {
	return setOf(fmt.Sprintf("MATCH {*} ON GRAPH neo4j NODES A%d, B%d, C%d", n, n, n), fmt.Sprintf("TRAVERSE ON GRAPH neo4j RELATIONSHIPS T%d, U%d, V%d", n, n, n),
		fmt.Sprintf("SET PROPERTY {p%d, q%d} ON GRAPH neo4j NODES *", n, n), fmt.Sprintf("EXECUTE PROCEDURE a%d.*, b%d.* ON DBMS", n, n))
}

// R new roles of ten privileges of their own take five statements each at most, and a tenth of a round trip. The server counts both.
func TestRoundTripsOfNewRoles(t *testing.T) {
	t.Parallel()
	const count = 200
	for name, versions := range map[string][]string{"5.8": nil, "5.0": {"5.0"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, withBolt(versions...))
			var want []reconcile.Object
			for n := range count {
				want = append(want, r.declare(kindRole, fmt.Sprintf("r%03d", n), fields{"grant": ownPrivileges(n)}))
			}
			plan := r.plan(want...)
			before := r.server.Turns()
			r.server.ResetCalls()
			r.applied(plan)
			turns, made := int(r.server.Turns()-before), r.made()
			t.Logf("%d roles: %d statements in %d transactions, %d round trips", count, made["statement"], made["transaction"], turns)
			if made["statement"] > 5*count || made["statement"] < 4*count {
				t.Errorf("%d statements for %d roles", made["statement"], count)
			}
			if most := count/10 + 4; turns > most {
				t.Errorf("%d round trips for %d roles, more than %d", turns, count, most)
			}
			r.insync(want...)
		})
	}
}

// Where a server speaks another Bolt, the driver makes the transactions, as many as else, with a round trip for each statement.
func TestAnotherBolt(t *testing.T) {
	t.Parallel()
	r := newRig(t, withBolt("4.4"))
	before := r.server.Turns()
	r.must(r.transact(createRoles("first", 20)...))
	if turns := r.server.Turns() - before; turns < 20 {
		t.Errorf("%d round trips for 20 statements, without Bolt 5", turns)
	}
	if u, _ := url.Parse(r.sys.uri.String()); !r.sys.client.pipe.hopeless(hostPort(u)) || r.sys.client.pipes() {
		t.Error("it will be tried again")
	}
	for _, fault := range []neo4jtest.Fault{{Match: "b3", Nth: 1, Drop: true}, {Match: "b3", Nth: 1, Commit: true, Drop: true}} {
		r.server.Fault(fault)
	}
	r.must(r.transact(createRoles("b", 5)...))
	r.wantRoles("first", 20)
	r.wantRoles("b", 5)
}

// wantRoles counts the roles that begin so.
func (r *rig) wantRoles(prefix string, want int) {
	r.t.Helper()
	if got := len(r.admin("SHOW ROLES WHERE role STARTS WITH '" + prefix + "'")); got != want {
		r.t.Errorf("%d roles %s…, want %d", got, prefix, want)
	}
}

// A few statements go by the driver where no connection is open: opening one would take longer. Afterwards all use it, and one that the server closed is opened again.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var waits []reconcile.Waiting
	r.sys.client.onWait = func(w reconcile.Waiting) { waits = append(waits, w) }
	turns := func(name string, most int64, statements ...statement) {
		t.Helper()
		before := r.server.Turns()
		r.must(r.transact(statements...))
		if got := r.server.Turns() - before; got > most {
			t.Errorf("%s: %d round trips, want at most %d", name, got, most)
		}
	}
	turns("three statements", 5, createRoles("a", 3)...)
	if r.sys.client.pipes() {
		t.Error("a connection was opened for three statements")
	}
	turns("four statements", 3, createRoles("b", 4)...)
	if !r.sys.client.pipes() {
		t.Error("no connection is kept")
	}
	kept := r.sys.client.pipe.idle
	turns("one statement, on the open connection", 2, createRoles("c", 1)...)
	if r.sys.client.pipe.idle != kept {
		t.Error("another connection was opened")
	}
	r.must(r.server.Restart())
	turns("behind a restart", 3, createRoles("d", 2)...)
	if r.sys.client.pipe.idle == kept || !r.sys.client.pipes() {
		t.Error("the connection that had ended is kept, or none was opened")
	}
	kept = r.sys.client.pipe.idle
	r.sys.client.pipe.last = time.Now().Add(-2 * maxIdle)
	turns("behind a long pause", 3, createRoles("e", 4)...)
	if r.sys.client.pipe.idle == kept || !r.sys.client.pipes() {
		t.Error("a connection that lay unused is kept, or none was opened")
	}
	if len(waits) > 0 {
		t.Errorf("waited: %v", waits)
	}
	r.must(r.sys.Close(t.Context()))
	if r.sys.client.pipes() {
		t.Error("the connection is open behind the end")
	}
}

// A refusal says the same whichever way the transaction was sent: of what, in which words, and what may be done.
func TestRefusalsAreTheDrivers(t *testing.T) {
	t.Parallel()
	for _, versions := range [][]string{{"5.4"}, {"5.8"}} {
		for name, c := range map[string]struct {
			statements []statement
			fault      *neo4jtest.Failure
		}{
			"there already":   {statements: sayAll("CREATE ROLE new1", "CREATE ROLE new2", "CREATE ROLE there", "CREATE ROLE new3", "CREATE ROLE new4")},
			"the first":       {statements: sayAll("CREATE ROLE there", "CREATE ROLE new3", "CREATE ROLE new4", "CREATE ROLE new5")},
			"the last":        {statements: sayAll("CREATE ROLE new3", "CREATE ROLE new4", "CREATE ROLE new5", "DROP ROLE missing")},
			"syntax":          {statements: sayAll("CREATE ROLE new1", "CREATE ROL new2", "CREATE ROLE new3", "CREATE ROLE new4")},
			"with a brief":    {statements: append([]statement{{text: "CREATE ROLE there", brief: "CREATE ROLE …"}}, createRoles("new", 4)...)},
			"forbidden":       {createRoles("new", 5), &neo4jtest.Failure{Code: codeForbidden, Message: "no"}},
			"not a leader":    {createRoles("new", 5), &neo4jtest.Failure{Code: codeNotALeader, Message: "no"}},
			"expired":         {createRoles("new", 5), &neo4jtest.Failure{Code: codeExpired, Message: "no"}},
			"passing, always": {createRoles("new", 5), &neo4jtest.Failure{Code: "Neo.ClientError.Transaction.Terminated", Message: "no"}},
		} {
			t.Run(versions[0]+" "+name, func(t *testing.T) {
				t.Parallel()
				ask := func(oneByOne bool) error {
					r := newRig(t, withBolt(versions...), withVersion("2026.08.1"))
					r.admin("CREATE ROLE there")
					if oneByOne {
						r.sys.client.oneByOne()
					}
					if c.fault != nil {
						r.server.Fault(neo4jtest.Fault{Match: "new3", Failure: c.fault})
					}
					before := r.server.Turns()
					err := r.transact(c.statements...)
					if turns := r.server.Turns() - before; !oneByOne && c.fault == nil && turns > 2 { // and RESET
						t.Errorf("%d round trips: it was not sent whole", turns)
					}
					r.server.ResetFaults()
					r.wantRoles("new", 0)
					r.must(r.transact(createRoles("new", 5)...))
					return err
				}
				whole, driven := ask(false), ask(true)
				if whole == nil || driven == nil {
					t.Fatalf("no error: %v, %v", whole, driven)
				}
				a, b := strip(whole), strip(driven)
				if a != b || codeOf(whole) != codeOf(driven) || messageOf(whole) != messageOf(driven) {
					t.Errorf("sent whole:\n%s\nby the driver:\n%s", a, b)
				}
				var one, other *serverError
				if !errors.As(whole, &one) || !errors.As(driven, &other) || one.passing != other.passing || !slices.Equal(one.causes, other.causes) {
					t.Errorf("sent whole %+v, by the driver %+v", one, other)
				}
			})
		}
	}
}

// strip is an error as people see it, without the port, which is another one each time.
func strip(err error) string {
	text := err.Error()
	var no *reconcile.Refusal
	if errors.As(err, &no) {
		text += fmt.Sprintf("\ncall %s\nremedy %s\ncauses %q", no.Call, no.Remedy, no.Causes)
	}
	if i := strings.Index(text, "127.0.0.1:"); i >= 0 {
		_, rest, _ := strings.Cut(text[i+10:], ":")
		text = text[:i] + rest
	}
	return text
}

// Lost at any place, the transaction is made once: before COMMIT nothing was written, and it is tried again; behind it, only the server's word that it is there settles it.
func TestWholeTransactionLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults  []neo4jtest.Fault
		settles bool
		unknown bool
	}{
		"at the first":  {faults: []neo4jtest.Fault{{Match: "x0", Nth: 1, Drop: true}}},
		"in the middle": {faults: []neo4jtest.Fault{{Match: "x3", Nth: 1, Drop: true}}},
		"at COMMIT":     {faults: []neo4jtest.Fault{{Match: "x3", Nth: 1, Commit: true, Drop: true}}},
		"behind COMMIT": {faults: []neo4jtest.Fault{{Match: "x3", Nth: 1, After: true, Drop: true}}, settles: true},
		"and for good":  {faults: []neo4jtest.Fault{{Match: "x3", Nth: 1, After: true, Drop: true}, {Match: "x0", Nth: 2, Drop: true}, {Match: "x0", Nth: 2, Drop: true}}, unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for _, f := range c.faults {
				r.server.Fault(f)
			}
			settled := false
			err := r.sys.client.transact(t.Context(), r.sys.uri.String(), createRoles("x", 6), nil, func(err error) bool {
				settled = strings.Contains(err.Error(), "already exists")
				return settled
			})
			if errors.Is(err, reconcile.ErrUnknownOutcome) != c.unknown || err != nil != c.unknown || settled != c.settles {
				t.Errorf("settled %t: %v", settled, err)
			}
			r.server.ResetFaults()
			r.wantRoles("x", 6)
		})
	}
}

// A context that ends before COMMIT leaves nothing, and says that it ended; at COMMIT nobody knows.
func TestWholeTransactionCanceled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   neo4jtest.Fault
		unknown bool
	}{
		"at a statement": {neo4jtest.Fault{Match: "x3", Nth: 1, Delay: 100 * time.Millisecond}, false},
		"at COMMIT":      {neo4jtest.Fault{Match: "x3", Nth: 1, Commit: true, Delay: 100 * time.Millisecond}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c.fault.Notify = cancel
			r.server.Fault(c.fault)
			err := r.sys.client.transact(ctx, r.sys.uri.String(), createRoles("x", 6), nil, nil)
			if !errors.Is(err, context.Canceled) || errors.Is(err, reconcile.ErrUnknownOutcome) != c.unknown {
				t.Errorf("got %v", err)
			}
			if !c.unknown {
				r.wantRoles("x", 0)
			}
		})
	}
}

// With routing, transactions go to the leader as the driver found it; where it has moved, the driver finds the new one, which has the next.
func TestWholeTransactionAtTheLeader(t *testing.T) {
	t.Parallel()
	r := routedRig(t)
	uri := r.sys.uri.String()
	r.must(r.transact(createRoles("first", 4)...)) // nobody has looked yet
	if r.sys.client.pipes() {
		t.Error("sent whole before the leader was known")
	}
	at := func(n int) string { return strings.TrimPrefix(r.server.URLs[n], "bolt://") }
	r.must(r.transact(createRoles("b", 4)...))
	if !r.sys.client.pipes() || r.sys.client.pipe.at != at(0) {
		t.Errorf("sent to %s, want the leader", r.sys.client.pipe.at)
	}
	r.must(r.server.Lead(1))
	r.must(r.transact(createRoles("c", 4)...))
	if got := r.sys.client.leaders[uri]; got != at(1) {
		t.Errorf("the leader is %s, remembered %q", at(1), got)
	}
	before := r.server.Turns()
	r.must(r.transact(createRoles("d", 40)...))
	if turns := r.server.Turns() - before; turns > 4 || r.sys.client.pipe.at != at(1) {
		t.Errorf("%d round trips, at %s", turns, r.sys.client.pipe.at)
	}
	for _, prefix := range []string{"first", "b", "c"} {
		r.wantRoles(prefix, 4)
	}
}

// What one way commits the other way sees at once, at a member that is behind: both share their bookmarks.
func TestBookmarksOfWholeTransactions(t *testing.T) {
	t.Parallel()
	r := newRig(t, withMembers(2), func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) { s.Lag = time.Hour })
	for n := range 3 {
		r.must(r.transact(createRoles(fmt.Sprintf("b%d_", n), 4)...))
		rows, err := r.sys.client.query(t.Context(), r.server.URLs[1], "SHOW ROLES WHERE role STARTS WITH 'b'", nil)
		if r.must(err); len(rows) != 4*(n+1) {
			t.Errorf("%d roles at the member that is behind, want %d", len(rows), 4*(n+1))
		}
	}
	if !r.sys.client.pipes() {
		t.Error("it was not sent whole")
	}
}

// A token logs in as a password does, and one that has ended meanwhile costs no more than the driver's way.
func TestWholeTransactionByToken(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r, _ := provenRig(t, is)
	r.byToken(is, map[string]any{"groups": []any{"neo4j_writer"}})
	err := r.transact(createRoles("t", 4)...) // which it may not make
	if !r.sys.client.pipes() || codeOf(err) != codeForbidden {
		t.Errorf("it was not sent whole, or not refused: %v", err)
	}
	uri := r.sys.uri.String()
	r.byToken(is, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})
	err = r.sys.client.transact(t.Context(), uri, createRoles("u", 4), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "refuses the token from env NEO4J_TOKEN") || strings.Contains(err.Error(), r.env["NEO4J_TOKEN"]) {
		t.Errorf("got %v", err)
	}
}

// An IPv6 address is written in brackets.
func TestWholeTransactionByIPv6(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here")
	}
	_ = l.Close()
	r := newRig(t, func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) { s.Addr = "[::1]:0" })
	if r.must(r.transact(createRoles("six", 4)...)); !r.sys.client.pipes() {
		t.Errorf("not sent whole to %s", r.server.URL)
	}
}

// Two at once: one has the connection, the other another or the driver.
func TestWholeTransactionsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var wait sync.WaitGroup
	for n := range 4 {
		wait.Go(func() {
			for i := range 3 {
				if err := r.transact(createRoles(fmt.Sprintf("many%d%d_", n, i), 5)...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	r.wantRoles("many", 4*3*5)
}

// The log tells each statement, and never what its parameters are.
func TestWholeTransactionIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := newRig(t, func(_ *neo4jtest.Server, _ *reconcile.Block, o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	statements := createRoles("a", 4)
	statements = append(statements, statement{text: "CREATE USER u SET PASSWORD $secret", params: map[string]reconcile.Value{"secret": reconcile.NewSecret("env X", func() (string, error) { return canary, nil })}})
	r.must(r.transact(statements...))
	if !r.sys.client.pipes() {
		t.Error("it was not sent whole")
	}
	for _, s := range statements {
		if !strings.Contains(log.String(), s.text) {
			t.Errorf("not in the log: %s", s.text)
		}
	}
	if strings.Contains(log.String(), canary) || strings.Contains(log.String(), testPassword) {
		t.Error("the log holds a secret")
	}
}

func TestHostPort(t *testing.T) {
	for text, want := range map[string]string{
		"bolt://graph.example.com": "graph.example.com:7687", "bolt+s://10.0.0.1:7777": "10.0.0.1:7777", "bolt://[::1]": "[::1]:7687", "bolt+ssc://[fe80::1]:7": "[fe80::1]:7",
	} {
		u, err := url.Parse(text)
		if got := hostPort(u); err != nil || got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	u, _ := url.Parse("neo4j+s://graph.example.com?policy=eu&region=x")
	if got := fmt.Sprint(routingOf(u)); got != "map[address:graph.example.com:7687 policy:eu region:x]" {
		t.Errorf("routing %s", got)
	}
}

// A connection that cannot be had is not tried for ever, and one that was had makes good for those that failed before.
func TestPipelineGivesUp(t *testing.T) {
	var p pipeline
	down, gone := "a:1", errors.New("refused")
	p.tell(down, gone)
	p.tell(down, nil)
	p.tell(down, gone)
	if p.hopeless(down) {
		t.Error("given up after one failure")
	}
	p.tell(down, gone)
	if !p.hopeless(down) || p.hopeless("b:1") {
		t.Error("not given up after two, or all of them")
	}
	p.tell("b:1", fmt.Errorf("x: %w", bolt.ErrVersion))
	p.tell("c:1", &bolt.Failure{Code: codeUnauthorized})
	if !p.hopeless("b:1") || !p.hopeless("c:1") {
		t.Error("a server that speaks something else, or does not let the user in, is tried again")
	}
}

// A real server takes what is sent whole: users are made by the hundred, and of a transaction in which one statement is refused nothing is there.
func TestWholeTransactionOnARealServer(t *testing.T) {
	if os.Getenv("NEO4J_REAL_URI") == "" {
		t.Skip("needs a real server: .ci/neo4j-community 5.26.30 go test ./neo4j/...")
	}
	env := map[string]string{"NEO4J_PASSWORD": os.Getenv("NEO4J_REAL_PASSWORD")}
	c, err := newClient(reconcile.Block{}, Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}, os.Getenv("NEO4J_REAL_USERNAME"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	defer c.close(ctx)
	for _, scheme := range []string{"bolt", "neo4j"} {
		uri := scheme + strings.TrimPrefix(os.Getenv("NEO4J_REAL_URI"), "bolt")
		users := func(prefix string) int {
			t.Helper()
			rows, err := c.query(ctx, uri, "SHOW USERS YIELD user WHERE user STARTS WITH '"+prefix+"'", nil)
			if err != nil {
				t.Fatal(err)
			}
			return len(rows)
		}
		create := func(prefix string, count int) []statement {
			var out []statement
			for n := range count {
				out = append(out, statement{text: fmt.Sprintf("CREATE USER %s%d SET PASSWORD $secret", prefix, n), params: map[string]reconcile.Value{"secret": reconcile.Text("long-enough")}})
			}
			return out
		}
		if users("whole") != 0 {
			t.Fatal("the server is in use")
		}
		start := time.Now()
		if err := c.transact(ctx, uri, create("whole", 100), nil, nil); err != nil {
			t.Fatal(err)
		}
		if !c.pipes() {
			t.Error("it was not sent whole")
		}
		t.Logf("%s: 100 users in %s", scheme, time.Since(start))
		if n := users("whole"); n != 100 {
			t.Errorf("%d users", n)
		}

		var refusals []string
		for _, whole := range []bool{true, false} {
			bad := append(create("other", 5), append(create("whole", 1), create("never", 5)...)...)
			if !whole {
				c.oneByOne()
			}
			err := c.transact(ctx, uri, bad, nil, nil)
			var no *reconcile.Refusal
			if !errors.As(err, &no) || no.Call != bad[5].text || !strings.Contains(no.Answer, "already exists") {
				t.Errorf("refused: %v", err)
			} else {
				refusals = append(refusals, fmt.Sprintf("%s %q", no.Error(), no.Causes))
			}
			if n := users("other") + users("never"); n != 0 {
				t.Errorf("%d users of a transaction that was refused", n)
			}
		}
		if len(refusals) == 2 && refusals[0] != refusals[1] {
			t.Errorf("sent whole:\n%s\nby the driver:\n%s", refusals[0], refusals[1])
		}
		start = time.Now()
		var drop []statement
		for n := range 100 {
			drop = append(drop, statement{text: fmt.Sprintf("DROP USER whole%d", n)})
		}
		if err := c.transact(ctx, uri, drop, nil, nil); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: dropped one by one in %s", scheme, time.Since(start))
		if users("whole") != 0 {
			t.Error("users are left")
		}
		c.pipe = pipeline{}
	}
}
