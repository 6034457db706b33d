package neo4jtest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// testTime is how long anything in these tests may take before it counts as hanging.
const testTime = 10 * time.Second

// memory is a backend without Cypher: "ADD x" adds a name, "LIST" gives all, "ROWS n" counts to n, "ECHO" returns $v, "FAIL" fails.
type memory struct {
	product string

	mu     sync.Mutex
	names  map[string]bool
	open   int
	logins []map[string]any
	begun  []txOptions
}

func newMemory() *memory { return &memory{product: "Neo4j/5.26.30", names: map[string]bool{}} }

func (m *memory) agent() string   { return m.product }
func (m *memory) address() string { return "localhost:7687" }

func (m *memory) login(auth map[string]any) (*principal, *Failure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logins = append(m.logins, auth)
	switch {
	case auth["scheme"] == nil:
		return nil, unauthorized("Unsupported authentication token, missing key `scheme`")
	case auth["scheme"] == "bearer" && auth["credentials"] == "good.jwt":
		return &principal{name: "jane"}, nil
	case auth["principal"] == "new":
		return &principal{name: "new", credentialsExpired: true}, nil
	case auth["credentials"] == "secret":
		return &principal{name: fmt.Sprint(auth["principal"])}, nil
	}
	return nil, unauthorized("The client is unauthorized due to authentication failure.")
}

func unauthorized(message string) *Failure {
	return &Failure{Code: "Neo.ClientError.Security.Unauthorized", Message: message}
}

func (m *memory) begin(p *principal, options txOptions) (transaction, *Failure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun = append(m.begun, options)
	if options.db == "nosuch" {
		return nil, &Failure{Code: "Neo.ClientError.Database.DatabaseNotFound", Message: "Graph not found: nosuch"}
	}
	m.open++
	return &memoryTx{backend: m, home: options.db == "", added: map[string]bool{}}, nil
}

func (m *memory) route(p *principal, db, address string) (map[string]any, *Failure) {
	if db == "nosuch" {
		return nil, &Failure{Code: "Neo.ClientError.Database.DatabaseNotFound", Message: "Unable to get a routing table for database 'nosuch' because this database does not exist"}
	}
	if db == "" {
		db = "neo4j"
	}
	var servers []any
	for _, role := range []string{"WRITE", "READ", "ROUTE"} {
		servers = append(servers, map[string]any{"addresses": []any{address}, "role": role})
	}
	return map[string]any{"ttl": int64(300), "db": db, "servers": servers}, nil
}

// list is what others see, and how many transactions are open.
func (m *memory) list() (names []string, open int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.names)), m.open
}

type memoryTx struct {
	backend *memory
	home    bool
	added   map[string]bool
	ended   bool
}

func (tx *memoryTx) run(query string, params map[string]any) (*result, *Failure) {
	verb, operand, _ := strings.Cut(query, " ")
	r := &result{kind: "r", db: "neo4j", homeDB: tx.home}
	switch verb {
	case "ADD":
		tx.added[operand] = true
		r.kind, r.db, r.stats = "s", "system", map[string]any{"contains-system-updates": true, "system-updates": 1}
	case "LIST":
		names, _ := tx.backend.list()
		r.fields, r.show = []string{"name"}, true
		for _, n := range names {
			r.rows = append(r.rows, []any{n})
		}
	case "ROWS":
		n, err := strconv.Atoi(operand)
		if err != nil {
			return nil, &Failure{Code: "Neo.ClientError.Statement.SyntaxError", Message: err.Error()}
		}
		r.fields = []string{"n"}
		for i := range n {
			r.rows = append(r.rows, []any{int64(i)})
		}
	case "ECHO":
		r.fields, r.rows = []string{"v"}, [][]any{{params["v"]}}
	case "NOTE":
		r.notifications = []notification{someNote("00N70", "INFORMATION"), someNote("01N70", "WARNING")}
	case "BROKEN":
		r.fields, r.rows = []string{"v"}, [][]any{{int64(1)}, {struct{}{}}}
	default:
		return nil, syntaxFailure(query)
	}
	return r, nil
}

func someNote(status, severity string) notification {
	return notification{gqlStatus: status, code: "Neo.ClientNotification.Security.X", title: "t", description: "d", statusDescription: "note: " + status,
		severity: severity, category: "SECURITY", position: &position{offset: 6, line: 1, column: 7}}
}

func syntaxFailure(query string) *Failure {
	return &Failure{
		Code: "Neo.ClientError.Statement.SyntaxError", Message: "Invalid input '" + query + "'", GQLStatus: "42001",
		Description: "error: syntax error or access rule violation - invalid syntax", Position: &position{offset: 0, line: 1, column: 1},
		Cause: &Failure{GQLStatus: "42I06", Message: "Invalid input.", Description: "error: ... Invalid input."},
	}
}

func (tx *memoryTx) commit() (string, *Failure) {
	tx.end()
	tx.backend.mu.Lock()
	defer tx.backend.mu.Unlock()
	if tx.added["clash"] {
		return "", &Failure{Code: "Neo.TransientError.Transaction.Outdated", Message: "clash"}
	}
	maps.Copy(tx.backend.names, tx.added)
	return fmt.Sprintf("FB:%d", len(tx.backend.names)), nil
}

func (tx *memoryTx) rollback() { tx.end() }

func (tx *memoryTx) end() {
	if tx.ended {
		panic("transaction ended twice")
	}
	tx.ended = true
	tx.backend.mu.Lock()
	defer tx.backend.mu.Unlock()
	tx.backend.open--
}

// serveMemory starts a listener on a loopback port. When the test ends, no transaction may be left open.
func serveMemory(t testing.TB, cfg wireConfig) (*memory, *listener, string) {
	t.Helper()
	m := newMemory()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(cfg, m)
	done := make(chan error, 1)
	go func() { done <- l.serve(socket) }()
	t.Cleanup(func() {
		l.close()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if _, open := m.list(); open != 0 {
			t.Errorf("%d transactions were left open", open)
		}
	})
	return m, l, socket.Addr().String()
}

// rawClient is a Bolt client that sends what it is told to.
type rawClient struct {
	t    testing.TB
	conn net.Conn
	wire *wire
}

func dial(t testing.TB, address string) *rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(testTime)); err != nil {
		t.Fatal(err)
	}
	return &rawClient{t: t, conn: conn, wire: newWire(conn)}
}

// connect dials and agrees on one version.
func connect(t testing.TB, address string, v version) *rawClient {
	t.Helper()
	c := dial(t, address)
	c.raw([]byte(magic), []byte{0, 0, v.minor, v.major}, make([]byte, 12))
	if got, want := c.bytes(4), []byte{0, 0, v.minor, v.major}; !bytes.Equal(got, want) {
		t.Fatalf("handshake: got %x, want %x", got, want)
	}
	return c
}

// logOn connects and logs on as neo4j.
func logOn(t testing.TB, address string, v version) *rawClient {
	t.Helper()
	c := connect(t, address, v)
	auth := map[string]any{"scheme": "basic", "principal": "neo4j", "credentials": "secret"}
	extra := helloExtra()
	if !v.atLeast(5, 1) {
		maps.Copy(extra, auth)
	}
	c.success(tagHello, extra)
	if v.atLeast(5, 1) {
		c.success(tagLogon, auth)
	}
	return c
}

func helloExtra() map[string]any {
	return map[string]any{"user_agent": "test/1", "bolt_agent": map[string]any{"product": "test/1"}}
}

func (c *rawClient) raw(parts ...[]byte) {
	c.t.Helper()
	if _, err := c.conn.Write(bytes.Join(parts, nil)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawClient) bytes(n int) []byte {
	c.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c.wire.r, b); err != nil {
		c.t.Fatal(err)
	}
	return b
}

func (c *rawClient) send(tag byte, fields ...any) {
	c.t.Helper()
	c.raw(appendChunks(nil, packed(c.t, codec58, structure{tag, fields})))
}

func (c *rawClient) receive() structure {
	c.t.Helper()
	data, err := c.wire.readMessage(maxMessage)
	if err != nil {
		c.t.Fatalf("receive: %v", err)
	}
	v, err := decodeAll(data, nil)
	if err != nil {
		c.t.Fatalf("receive: %v", err)
	}
	return v.(structure)
}

// exchange sends a message and returns the metadata of its answer, which must have the tag want.
func (c *rawClient) exchange(want, tag byte, fields ...any) map[string]any {
	c.t.Helper()
	c.send(tag, fields...)
	return c.answer(want)
}

func (c *rawClient) answer(want byte) map[string]any {
	c.t.Helper()
	got := c.receive()
	if got.tag != want {
		c.t.Fatalf("got 0x%02X %v, want 0x%02X", got.tag, got.fields, want)
	}
	if len(got.fields) == 0 {
		return nil
	}
	return got.fields[0].(map[string]any)
}

func (c *rawClient) success(tag byte, fields ...any) map[string]any {
	c.t.Helper()
	return c.exchange(tagSuccess, tag, fields...)
}

func (c *rawClient) failure(tag byte, fields ...any) map[string]any {
	c.t.Helper()
	return c.exchange(tagFailure, tag, fields...)
}

// pull fetches and returns the rows' first columns and the metadata.
func (c *rawClient) pull(n, qid int64) (rows []any, meta map[string]any) {
	c.t.Helper()
	c.send(tagPull, map[string]any{"n": n, "qid": qid})
	for {
		got := c.receive()
		switch got.tag {
		case tagRecord:
			rows = append(rows, got.fields[0].([]any)[0])
		case tagSuccess:
			return rows, got.fields[0].(map[string]any)
		default:
			c.t.Fatalf("pull: got 0x%02X %v", got.tag, got.fields)
		}
	}
}

// closed checks that the server has said all and ended the connection.
func (c *rawClient) closed() {
	c.t.Helper()
	rest, err := io.ReadAll(c.wire.r)
	if err != nil || len(rest) > 0 {
		c.t.Fatalf("got %x, %v, want the end of the connection", rest, err)
	}
}

func (c *rawClient) run(query string, extra map[string]any) map[string]any {
	c.t.Helper()
	return c.success(tagRun, query, map[string]any{}, orEmpty(extra))
}

// eventually waits for a state that another goroutine brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(testTime); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, testTime)
		}
	}
}
