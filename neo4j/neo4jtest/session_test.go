package neo4jtest

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

var (
	v44 = version{4, 4}
	v54 = version{5, 4}
	v56 = version{5, 6}
	v57 = version{5, 7}
	v58 = version{5, 8}
)

// dict shortens what these tests say most.
type dict = map[string]any

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %#v\nwant %#v", what, got, want)
	}
}

// timeless removes the measured times after checking that they are there.
func timeless(t *testing.T, meta dict, keys ...string) dict {
	t.Helper()
	for _, k := range keys {
		if n, ok := meta[k].(int64); !ok || n < 0 {
			t.Errorf("%s: got %v, want milliseconds", k, meta[k])
		}
		delete(meta, k)
	}
	return meta
}

func TestSessionHello(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	basic := dict{"scheme": "basic", "principal": "neo4j", "credentials": "secret", "realm": "any"}
	timeout := dict{"connection.recv_timeout_seconds": int64(120)}
	tests := []struct {
		version      version
		hello, logon dict
	}{
		{v44, dict{"hints": timeout}, nil},
		{version{4, 1}, dict{"hints": timeout}, nil},
		{version{5, 0}, dict{"hints": timeout}, nil},
		{version{5, 1}, dict{"hints": timeout}, dict{}},
		{v57, dict{"hints": timeout}, dict{}},
		{v58, dict{"hints": dict{"connection.recv_timeout_seconds": int64(120), "ssr.enabled": true}}, dict{"advertised_address": "localhost:7687"}},
	}
	for _, tt := range tests {
		t.Run(tt.version.String(), func(t *testing.T) {
			c := connect(t, address, tt.version)
			extra := helloExtra()
			if tt.logon == nil {
				maps.Copy(extra, basic)
			}
			hello := c.success(tagHello, extra)
			if id, _ := hello["connection_id"].(string); !strings.HasPrefix(id, "bolt-") {
				t.Errorf("connection_id: got %q", id)
			}
			delete(hello, "connection_id")
			tt.hello["server"] = "Neo4j/5.26.30"
			same(t, "HELLO", hello, tt.hello)
			if tt.logon != nil {
				same(t, "LOGON", c.success(tagLogon, basic), tt.logon)
			}
			same(t, "RESET", c.success(tagReset), dict{})
		})
	}
}

func TestSessionHelloUTCPatch(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	c := connect(t, address, v44)
	meta := c.success(tagHello, dict{"user_agent": "x", "scheme": "basic", "principal": "a", "credentials": "secret", "patch_bolt": []any{"utc"}})
	same(t, "patch_bolt", meta["patch_bolt"], []any{"utc"})
	at := structure{'I', []any{int64(10), int64(0), int64(3600)}}
	c.success(tagRun, "ECHO", dict{"v": at}, dict{})
	rows, _ := c.pull(-1, -1)
	same(t, "echo", rows, []any{at})
}

func TestSessionHelloRefused(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	agent := dict{"product": "x"}
	const (
		noAgent = `Illegal value for field "user_agent": Expected value to be non-null`
		notMap  = `Illegal value for field "bolt_agent": Must be a map with string keys and string values.`
	)
	tests := []struct {
		name          string
		version       version
		extra         any
		code, message string
	}{
		{"no user_agent", v58, dict{"bolt_agent": agent}, codeInvalid, noAgent},
		{"null user_agent", v58, dict{"user_agent": nil, "bolt_agent": agent}, codeInvalid, noAgent},
		{"no bolt_agent", v54, dict{"user_agent": "x"}, codeInvalid, notMap},
		{"bolt_agent is text", v54, dict{"user_agent": "x", "bolt_agent": "x"}, codeInvalid, notMap},
		{"bolt_agent holds a number", v54, dict{"user_agent": "x", "bolt_agent": dict{"product": 1}}, codeInvalid, notMap},
		{"no map", v54, "x", codeInvalid, `Illegal value for field "extra": Unexpected type: Expected MAP but got STRING`},
		{"4.4 without auth", v44, dict{"user_agent": "x"}, "Neo.ClientError.Security.Unauthorized", "Unsupported authentication token, missing key `scheme`"},
		{"5.0 with a wrong password", version{5, 0}, dict{"user_agent": "x", "scheme": "basic", "principal": "a", "credentials": "no"},
			"Neo.ClientError.Security.Unauthorized", "The client is unauthorized due to authentication failure."},
		{"unknown severity", v54, dict{"user_agent": "x", "bolt_agent": agent, "notifications_minimum_severity": "LOUD"}, codeInvalid,
			`Illegal value for field "Could not parse a NotificationConfig's minimum severity."`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, address, tt.version)
			f := c.failure(tagHello, tt.extra)
			code := "code"
			if tt.version.atLeast(5, 7) {
				code = "neo4j_code"
			}
			same(t, "failure", []any{f[code], f["message"]}, []any{tt.code, tt.message})
			if tt.code == codeInvalid { // HELLO is still awaited
				same(t, "RESET", c.failure(tagReset)["message"], "Message of type ResetMessage cannot be handled by a session in the NEGOTIATION state.")
			}
			c.closed()
		})
	}
	c := connect(t, address, version{5, 2}) // bolt_agent came with 5.3
	c.success(tagHello, dict{"user_agent": "x"})
}

func TestSessionLogonRefused(t *testing.T) {
	m, _, address := serveMemory(t, wireConfig{})
	wrong := dict{"scheme": "basic", "principal": "neo4j", "credentials": "no"}

	c := connect(t, address, v58)
	c.success(tagHello, helloExtra())
	c.send(tagLogon, wrong)
	c.send(tagRun, "LIST", dict{}, dict{}) // pipelined: never answered
	f := c.answer(tagFailure)
	same(t, "code", f["neo4j_code"], "Neo.ClientError.Security.Unauthorized")
	c.closed()

	c = logOn(t, address, v54)
	same(t, "LOGOFF", c.success(tagLogoff), dict{})
	c.success(tagLogon, dict{"scheme": "bearer", "credentials": "good.jwt"})
	c.success(tagLogoff)
	c.failure(tagLogon, wrong)
	c.closed()

	c = connect(t, address, v58)
	c.success(tagHello, helloExtra())
	c.send(tagLogon, dict{"scheme": nil})
	c.closed()

	c = connect(t, address, v58)
	c.success(tagHello, helloExtra())
	same(t, "expired", c.success(tagLogon, dict{"scheme": "basic", "principal": "new", "credentials": "new"})["credentials_expired"], true)
	if len(m.logins) == 0 {
		t.Error("the backend saw no login")
	}
}

// TestSessionState sends each message in a state that does not allow it: one failure that names both, then the end.
func TestSessionState(t *testing.T) {
	m, l, address := serveMemory(t, wireConfig{})
	none := dict{}
	begin := func(c *rawClient) { c.success(tagBegin, none) }
	openResult := func(c *rawClient) { c.run("ROWS 3", nil) }
	tests := []struct {
		name    string
		before  func(*rawClient) // nil: not even HELLO
		tag     byte
		fields  []any
		message string
	}{
		{"RUN before HELLO", nil, tagRun, []any{"LIST", none, none}, "Message of type RunMessage cannot be handled by a session in the NEGOTIATION state."},
		{"LOGON before HELLO", nil, tagLogon, []any{none}, "Message of type LogonMessage cannot be handled by a session in the NEGOTIATION state."},
		{"RESET before HELLO", nil, tagReset, nil, "Message of type ResetMessage cannot be handled by a session in the NEGOTIATION state."},
		{"second HELLO", func(*rawClient) {}, tagHello, []any{helloExtra()}, "Message of type HelloMessage cannot be handled by a session in the READY state."},
		{"LOGON in READY", func(*rawClient) {}, tagLogon, []any{none}, "Message of type LogonMessage cannot be handled by a session in the READY state."},
		{"PULL in READY", func(*rawClient) {}, tagPull, []any{dict{"n": 1}}, "Message of type PullMessage cannot be handled by a session in the READY state."},
		{"DISCARD in READY", func(*rawClient) {}, tagDiscard, []any{dict{"n": -1}}, "Message of type DiscardMessage cannot be handled by a session in the READY state."},
		{"COMMIT in READY", func(*rawClient) {}, tagCommit, nil, "Message of type CommitMessage cannot be handled by a session in the READY state."},
		{"ROLLBACK in READY", func(*rawClient) {}, tagRollback, nil, "Message of type RollbackMessage cannot be handled by a session in the READY state."},
		{"second BEGIN", begin, tagBegin, []any{none}, "Message of type BeginMessage cannot be handled by a session in the IN_TRANSACTION state."},
		{"ROUTE in a transaction", begin, tagRoute, []any{none, []any{}, none}, "Message of type RouteMessage cannot be handled by a session in the IN_TRANSACTION state."},
		{"LOGOFF in a transaction", begin, tagLogoff, nil, "Message of type LogoffMessage cannot be handled by a session in the IN_TRANSACTION state."},
		{"second RUN", openResult, tagRun, []any{"LIST", none, none}, "Message of type RunMessage cannot be handled by a session in the AUTO_COMMIT state."},
		{"BEGIN with an open result", openResult, tagBegin, []any{none}, "Message of type BeginMessage cannot be handled by a session in the AUTO_COMMIT state."},
		{"LOGOFF with an open result", openResult, tagLogoff, nil, "Message of type LogoffMessage cannot be handled by a session in the AUTO_COMMIT state."},
		{"COMMIT with an open result", openResult, tagCommit, nil, "Message of type CommitMessage cannot be handled by a session in the AUTO_COMMIT state."},
		{"RUN after LOGOFF", func(c *rawClient) { c.success(tagLogoff) }, tagRun, []any{"LIST", none, none}, "Message of type RunMessage cannot be handled by a session in the AUTHENTICATION state."},
		{"RESET after LOGOFF", func(c *rawClient) { c.success(tagLogoff) }, tagReset, nil, "Message of type ResetMessage cannot be handled by a session in the AUTHENTICATION state."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c *rawClient
			if tt.before == nil {
				c = connect(t, address, v58)
			} else {
				c = logOn(t, address, v58)
				tt.before(c)
			}
			f := c.failure(tt.tag, tt.fields...)
			want := dict{"neo4j_code": codeInvalid, "message": tt.message, "gql_status": "50N42", "description": defaultDescription}
			same(t, "failure", f, want)
			c.closed()
		})
	}
	l.close()
	if _, open := m.list(); open != 0 {
		t.Errorf("%d transactions outlived their connections", open)
	}
}

// TestSessionStateLater is the same failure from a server later than 5.26, which has a status for it.
func TestSessionStateLater(t *testing.T) {
	m, _, address := serveMemory(t, wireConfig{})
	m.product = "Neo4j/2026.08.1"
	f := logOn(t, address, v58).failure(tagCommit)
	const sentence = "Message CommitMessage cannot be handled by session in the 'READY' state."
	class := dict{"_classification": "CLIENT_ERROR"}
	same(t, "failure", f, dict{
		"neo4j_code": codeInvalid, "message": "Message of type CommitMessage cannot be handled by a session in the READY state.",
		"gql_status": "08N06", "description": "error: connection exception - protocol error. General network protocol error.", "diagnostic_record": class,
		"cause": dict{"gql_status": "08N10", "message": "08N10: " + sentence, "diagnostic_record": class,
			"description": "error: connection exception - invalid server state. " + sentence},
	})
}

func TestSessionUnknownMessage(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	for _, tt := range []struct {
		version version
		message string
	}{
		{v58, "\xB0\x99"}, {v58, "\xB1\x70\xA0"}, {v58, "\x01"}, {v58, "\xC0\xC0"}, {v58, "\xB0"},
		{version{5, 3}, "\xB1\x54\x01"}, {v44, "\xB1\x6A\xA0"}, {version{4, 2}, "\xB3\x66\xA0\x90\xC0"},
	} {
		c := logOn(t, address, tt.version)
		c.raw(appendChunks(nil, []byte(tt.message)))
		c.closed()
	}
}

// TestSessionMalformed refuses messages with wrong fields; RESET makes the session usable again.
func TestSessionMalformed(t *testing.T) {
	m, _, address := serveMemory(t, wireConfig{})
	m.product = "Neo4j/2026.08.1" // whose sessions fail; those of 5.26 stay as they are
	begin := func(c *rawClient) { c.success(tagBegin, dict{}) }
	ready := func(c *rawClient) {}
	openResult := func(c *rawClient) { c.run("ROWS 3", nil) }
	pulled := func(c *rawClient) { begin(c); c.run("ROWS 1", nil); c.pull(-1, 0) }
	meta := func(why string) string { return `Illegal value for field "meta": Illegal value for field "n": ` + why }
	field := func(name, why string) string { return `Illegal value for field "` + name + `": ` + why }
	extra := func(name, why string) string { return field("metadata", field(name, why)) }
	const size = "Illegal struct size: Expected struct to be "
	tests := []struct {
		name   string
		before func(*rawClient)
		tag    byte
		fields []any
		code   string
		want   string
	}{
		{"RUN with one field", ready, tagRun, []any{"LIST"}, codeInvalidFormat, size + "3 fields but got 1"},
		{"COMMIT with a field", begin, tagCommit, []any{1}, codeInvalidFormat, size + "0 fields but got 1"},
		{"PULL n=0", openResult, tagPull, []any{dict{"n": 0}}, codeInvalid, meta("Expecting size to be at least 1, but got: 0")},
		{"PULL n=-2", openResult, tagPull, []any{dict{"n": -2}}, codeInvalid, meta("Expecting size to be at least 1, but got: -2")},
		{"PULL without n", openResult, tagPull, []any{dict{}}, codeInvalid, meta("Expected value to be non-null")},
		{"PULL n is text", openResult, tagPull, []any{dict{"n": "1"}}, codeInvalid, meta("Expected long")},
		{"PULL is no map", openResult, tagPull, []any{nil}, codeInvalid, field("meta", "Unexpected type: Expected MAP but got NONE")},
		{"unknown qid", begin, tagPull, []any{dict{"n": 1, "qid": 7}}, codeInvalidFormat, "No such statement: 7"},
		{"unknown qid, auto-commit", openResult, tagPull, []any{dict{"n": 1, "qid": 7}}, codeInvalidFormat, "No such statement: 7"},
		{"no result yet", begin, tagPull, []any{dict{"n": 1}}, codeInvalidFormat, "No such statement: 0"},
		{"result is consumed", pulled, tagDiscard, []any{dict{"n": 1, "qid": 0}}, codeInvalidFormat, "No such statement: 0"},
		{"qid is text", begin, tagPull, []any{dict{"n": 1, "qid": "a"}}, codeInvalid, `Illegal value for field "meta": Illegal value for field "qid": Expected long`},
		{"mode", ready, tagRun, []any{"LIST", dict{}, dict{"mode": "x"}}, codeInvalid, extra("mode", "Expecting access mode value to be 'r' or 'w'")},
		{"mode of BEGIN", ready, tagBegin, []any{dict{"mode": "rw"}}, codeInvalid, extra("mode", "Expecting access mode value to be 'r' or 'w'")},
		{"query", ready, tagRun, []any{1, dict{}, dict{}}, codeInvalid, field("statement", "Unexpected type: Expected STRING but got INT")},
		{"params", ready, tagRun, []any{"LIST", []any{}, dict{}}, codeInvalid, field("params", "Unexpected type: Expected MAP but got LIST")},
		{"db", ready, tagBegin, []any{dict{"db": 1}}, codeInvalid, extra("db", "Expected string")},
		{"imp_user", ready, tagBegin, []any{dict{"imp_user": 1}}, codeInvalid, extra("imp_user", "Expected string")},
		{"bookmarks", ready, tagBegin, []any{dict{"bookmarks": []any{1}}}, codeInvalid, field("bookmarks", "Expected list of strings")},
		{"tx_metadata", ready, tagBegin, []any{dict{"tx_metadata": "a"}}, codeInvalid, extra("tx_metadata", "Expected dictionary")},
		{"tx_timeout", ready, tagBegin, []any{dict{"tx_timeout": "a"}}, codeInvalid, extra("tx_timeout", "Expected long")},
		{"ROUTE", ready, tagRoute, []any{dict{}, []any{}, "neo4j"}, codeInvalid, "Unexpected type: Expected MAP but got STRING"},
		{"ROUTE bookmarks", ready, tagRoute, []any{dict{}, "a", dict{}}, codeInvalid, "Unexpected type: Expected LIST but got STRING"},
		{"TELEMETRY 99", ready, tagTelemetry, []any{99}, codeUnknownError, "org.neo4j.packstream.error.reader.PackstreamReaderException: Unknown driver interface type 99"},
		{"a node as parameter", ready, tagRun, []any{"ECHO", dict{"v": structure{'N', nil}}, dict{}}, codeInvalid, field("params", "Unexpected struct tag: 0x4E")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := logOn(t, address, v54)
			tt.before(c)
			same(t, "failure", c.failure(tt.tag, tt.fields...), dict{"code": tt.code, "message": tt.want})
			for _, ignored := range []byte{tagRollback, tagCommit} {
				c.exchange(tagIgnored, ignored)
			}
			c.exchange(tagIgnored, tagPull, dict{"n": 1})
			same(t, "RESET", c.success(tagReset), dict{})
			c.run("LIST", nil)
			c.pull(-1, -1)
		})
	}
}

func TestSessionGoodbye(t *testing.T) {
	m, _, address := serveMemory(t, wireConfig{})
	c := logOn(t, address, v58)
	c.success(tagBegin, dict{})
	c.run("ADD jane", nil)
	c.send(tagGoodbye)
	c.closed()
	eventually(t, "rollback", func() bool { names, open := m.list(); return len(names) == 0 && open == 0 })
}

// TestSessionNoop takes empty chunks before a message, and messages cut anywhere.
func TestSessionNoop(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	c := logOn(t, address, v58)
	c.raw([]byte{0, 0, 0, 0})
	c.success(tagReset)
	message := packed(t, codec58, structure{tagRun, []any{"ROWS 2", dict{}, dict{}}})
	for _, b := range message {
		c.raw([]byte{0, 1, b})
	}
	c.raw([]byte{0, 0})
	c.answer(tagSuccess)
	rows, _ := c.pull(-1, -1)
	same(t, "rows", rows, []any{int64(0), int64(1)})
}

func TestSessionLargeValues(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	c := logOn(t, address, v58)
	large := strings.Repeat("0123456789", 20000)
	c.success(tagRun, "ECHO", dict{"v": large}, dict{})
	rows, _ := c.pull(-1, -1)
	same(t, "length", len(rows[0].(string)), len(large))

	c = connect(t, address, v58) // before login much less is taken
	go func() { _, _ = c.conn.Write(appendChunks(nil, make([]byte, maxLoginMessage+1))) }()
	if _, err := c.wire.readMessage(10); err == nil {
		t.Error("a large message before login was answered")
	}
}

// TestSessionSilence closes connections that do not log on in time, whatever they said before, without a word.
func TestSessionSilence(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{loginTime: 50 * time.Millisecond})
	hello := append([]byte(magic), 0, 0, 8, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, said := range [][]byte{
		nil, hello[:3], hello, append(hello, 0, 0, 0, 0), []byte("GET / HTTP/1.1\r\n"),
		appendChunks(hello, packed(t, codec58, structure{tagHello, []any{helloExtra()}})),
	} {
		c := dial(t, address)
		c.raw(said)
		heard, err := io.ReadAll(c.wire.r)
		if errors.Is(err, os.ErrDeadlineExceeded) || bytes.Contains(heard, []byte("Neo.")) {
			t.Errorf("after %q: got %q, %v, want the end of the connection", said, heard, err)
		}
	}
}

func TestSessionIdle(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{idleTime: 50 * time.Millisecond})
	logOn(t, address, v58).closed()
}
