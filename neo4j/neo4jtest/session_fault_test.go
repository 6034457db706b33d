package neo4jtest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// faultScript answers one event with one fault and remembers all events.
type faultScript struct {
	mu    sync.Mutex
	at    event // message, auto, after and statement are compared
	fault wireFault
	seen  []event
}

func (s *faultScript) ask(ev event) wireFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, ev)
	if ev.message == s.at.message && ev.auto == s.at.auto && ev.after == s.at.after && ev.statement == s.at.statement {
		return s.fault
	}
	return wireFault{}
}

func (s *faultScript) events() []event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// TestSessionFaults drops or fails at each moment and looks at what took effect.
func TestSessionFaults(t *testing.T) {
	refusal := &Failure{Code: "Neo.TransientError.General.DatabaseUnavailable", Message: "not now"}
	tests := []struct {
		name  string
		at    event
		fault wireFault
		want  int // names that are there afterwards
	}{
		{"drop before RUN", event{message: "RUN", auto: true, statement: "ADD a"}, wireFault{drop: true}, 0},
		{"drop after RUN", event{message: "RUN", auto: true, after: true, statement: "ADD a"}, wireFault{drop: true}, 0},
		{"drop before the effect", event{message: "COMMIT", auto: true, statement: "ADD a"}, wireFault{drop: true}, 0},
		{"drop after the effect", event{message: "COMMIT", auto: true, after: true, statement: "ADD a"}, wireFault{drop: true}, 1},
		{"fail before RUN", event{message: "RUN", auto: true, statement: "ADD a"}, wireFault{failure: refusal}, 0},
		{"fail after RUN", event{message: "RUN", auto: true, after: true, statement: "ADD a"}, wireFault{failure: refusal}, 0},
		{"fail before the effect", event{message: "COMMIT", auto: true, statement: "ADD a"}, wireFault{failure: refusal}, 0},
		{"fail after the effect", event{message: "COMMIT", auto: true, after: true, statement: "ADD a"}, wireFault{failure: refusal}, 1},
		{"drop before COMMIT", event{message: "COMMIT", statement: "ADD a;\nADD b"}, wireFault{drop: true}, 0},
		{"drop after COMMIT", event{message: "COMMIT", after: true, statement: "ADD a;\nADD b"}, wireFault{drop: true}, 2},
		{"fail the second RUN", event{message: "RUN", statement: "ADD b"}, wireFault{failure: refusal}, 0},
		{"fail before COMMIT", event{message: "COMMIT", statement: "ADD a;\nADD b"}, wireFault{failure: refusal}, 0},
		{"fail after COMMIT", event{message: "COMMIT", after: true, statement: "ADD a;\nADD b"}, wireFault{failure: refusal}, 2},
		{"delay", event{message: "COMMIT", after: true, statement: "ADD a;\nADD b"}, wireFault{delay: time.Millisecond, drop: true}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &faultScript{at: tt.at, fault: tt.fault}
			var dropped atomic.Int32
			m, _, address := serveMemory(t, wireConfig{fault: s.ask, onCall: func(c call) {
				if c.dropped {
					dropped.Add(1)
				}
			}})
			c := logOn(t, address, v54)
			sendChanges(c, tt.at.auto)
			failed, ended := drain(c, 5, tt.fault.drop)
			if failed == tt.fault.drop || ended != tt.fault.drop {
				t.Errorf("got failed %t, ended %t", failed, ended)
			}
			eventually(t, "end of the transaction", func() bool { _, open := m.list(); return open == 0 })
			if names, _ := m.list(); len(names) != tt.want {
				t.Errorf("got %v, want %d names", names, tt.want)
			}
			if got := dropped.Load() == 1; got != tt.fault.drop {
				t.Errorf("told of a drop: got %t, want %t", got, tt.fault.drop)
			}
		})
	}
}

// sendChanges pipelines an auto-commit statement or a transaction with two.
func sendChanges(c *rawClient, auto bool) {
	if auto {
		c.send(tagRun, "ADD a", dict{}, dict{})
		c.send(tagPull, dict{"n": -1})
		return
	}
	c.send(tagBegin, dict{})
	for _, name := range []string{"a", "b"} {
		c.send(tagRun, "ADD "+name, dict{}, dict{})
		c.send(tagPull, dict{"n": -1})
	}
	c.send(tagCommit)
}

// drain reads until a failure or, when a drop is due, the end.
func drain(c *rawClient, most int, drop bool) (failed, ended bool) {
	for range most + 2 {
		data, err := c.wire.readMessage(maxMessage)
		if err != nil {
			return false, true
		}
		if data[1] == tagFailure {
			return true, false
		}
	}
	return false, false
}

// TestSessionFaultDelay ends with the listener, however long the delay is.
func TestSessionFaultDelay(t *testing.T) {
	s := &faultScript{at: event{message: "RUN", auto: true, statement: "ADD a"}, fault: wireFault{delay: time.Hour}}
	_, l, address := serveMemory(t, wireConfig{fault: s.ask})
	c := logOn(t, address, v58)
	c.send(tagRun, "ADD a", dict{}, dict{})
	eventually(t, "the delay", func() bool { return len(s.events()) == 1 })
	l.close()
	if _, err := c.wire.readMessage(maxMessage); err == nil {
		t.Error("a delayed statement was answered")
	}
	ev := s.events()[0]
	if ev.user != "neo4j" || ev.connection == "" {
		t.Errorf("got %+v, want a user and a connection", ev)
	}
}

func TestSessionCalls(t *testing.T) {
	var mu sync.Mutex
	var calls []call
	_, l, address := serveMemory(t, wireConfig{onCall: func(c call) {
		mu.Lock()
		defer mu.Unlock()
		c.connection = ""
		calls = append(calls, c)
	}})
	c := logOn(t, address, v58)
	c.run("ADD a", dict{"db": "system"})
	c.pull(-1, -1)
	c.failure(tagRun, "FAIL", dict{}, dict{})
	c.exchange(tagIgnored, tagCommit)
	c.success(tagReset)
	c.send(tagGoodbye)
	c.closed()
	l.close()
	mu.Lock()
	defer mu.Unlock()
	same(t, "calls", calls, []call{
		{version: v58, message: "HELLO"},
		{version: v58, user: "neo4j", message: "LOGON"},
		{version: v58, user: "neo4j", message: "RUN", statement: "ADD a", db: "system", auto: true},
		{version: v58, user: "neo4j", message: "PULL"},
		{version: v58, user: "neo4j", message: "RUN", statement: "FAIL", auto: true, failure: "Neo.ClientError.Statement.SyntaxError"},
		{version: v58, user: "neo4j", message: "COMMIT", ignored: true},
		{version: v58, user: "neo4j", message: "RESET"},
		{version: v58, user: "neo4j", message: "GOODBYE"},
	})
}

// TestSessionListener closes once and for all, and drops connections without closing.
func TestSessionListener(t *testing.T) {
	m, l, address := serveMemory(t, wireConfig{})
	c := logOn(t, address, v58)
	c.success(tagBegin, dict{})
	l.dropConnections()
	if _, err := c.wire.readMessage(maxMessage); err == nil {
		t.Error("a dropped connection answered")
	}
	eventually(t, "rollback", func() bool { _, open := m.list(); return open == 0 })
	logOn(t, address, v58).success(tagBegin, dict{})
	l.close()
	l.close()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.serve(socket); err != nil {
		t.Errorf("serve after close: %v", err)
	}
	if _, err := socket.Accept(); err == nil {
		t.Error("serve after close left its socket open")
	}
	broken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	broken.Close()
	if err := newListener(wireConfig{}, m).serve(broken); err == nil {
		t.Error("serve on a closed socket: got no error")
	}
}

// TestSessionCrowd refuses connections beyond a number, and takes one again when another has left.
func TestSessionCrowd(t *testing.T) {
	l := newListener(wireConfig{}, newMemory())
	var last net.Conn
	for range maxConnections {
		last, _ = net.Pipe()
		if !l.addConn(last) {
			t.Fatal("a connection was refused early")
		}
		l.work.Done() // nobody serves it
	}
	if extra, _ := net.Pipe(); l.addConn(extra) {
		t.Error("one connection too many was taken")
	}
	l.removeConn(last)
	if next, _ := net.Pipe(); l.addConn(next) {
		l.work.Done()
	} else {
		t.Error("a place that was free again was not given")
	}
	l.close()
}

// FuzzSession feeds a session anything, before and after a login. It may answer or hang up; it must not panic, hang or leave a transaction.
func FuzzSession(f *testing.F) {
	f.Add(byte(0), []byte(magic+"\x00\x08\x08\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\xB1\x01\x00\x00"))
	f.Add(byte(0), []byte("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"))
	run := packed(f, codec58, structure{tagRun, []any{"ADD a", dict{}, dict{}}})
	pull := packed(f, codec58, structure{tagPull, []any{dict{"n": -1}}})
	begin := packed(f, codec58, structure{tagBegin, []any{dict{}}})
	seed := func(messages ...[]byte) (out []byte) {
		for _, m := range messages {
			out = appendChunks(out, m)
		}
		return out
	}
	f.Add(byte(4), seed(run, pull, begin, run, pull, []byte{0xB0, tagCommit}))
	f.Add(byte(2), seed([]byte{0xB0, tagLogoff}, run))
	f.Add(byte(3), seed(begin, run, []byte{0xB0, tagReset}, []byte{0xB0, tagGoodbye}))
	f.Fuzz(func(t *testing.T, start byte, data []byte) {
		m := newMemory()
		l := newListener(wireConfig{}, m)
		ours, theirs := net.Pipe()
		if !l.addConn(theirs) {
			t.Fatal("connection refused")
		}
		served := make(chan struct{})
		go func() { defer close(served); l.serveConn(theirs) }()
		go func() { _, _ = newWire(ours).r.WriteTo(nowhere{}) }()
		_, _ = ours.Write(append(opening(t, start), data...)) // the session may hang up at any byte
		ours.Close()
		select {
		case <-served:
		case <-time.After(testTime):
			t.Fatal("the session does not end")
		}
		if _, open := m.list(); open != 0 {
			t.Errorf("%d transactions were left open", open)
		}
	})
}

// nowhere takes what a peer that does not listen is told.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// opening is what a client says before the fuzzed bytes: nothing, or a handshake and a login in one of several versions.
func opening(t *testing.T, start byte) []byte {
	versions := supportedVersions()
	if start == 0 || int(start) > len(versions) {
		return nil
	}
	v := versions[int(start)-1]
	auth := dict{"scheme": "basic", "principal": "a", "credentials": "secret"}
	extra := helloExtra()
	for k, x := range auth {
		extra[k] = x
	}
	out := append([]byte(magic), 0, 0, v.minor, v.major)
	out = append(out, make([]byte, 12)...)
	out = appendChunks(out, packed(t, codec58, structure{tagHello, []any{extra}}))
	if v.atLeast(5, 1) {
		out = appendChunks(out, packed(t, codec58, structure{tagLogon, []any{auth}}))
	}
	return out
}
