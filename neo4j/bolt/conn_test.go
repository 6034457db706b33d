package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
)

const testPassword = "correct-horse"

// narrow stands before a server and makes one version of every proposal.
func narrow(t *testing.T, address string, minor byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer from.Close()
				var proposals [20]byte
				if _, err := io.ReadFull(from, proposals[:]); err != nil {
					return
				}
				to, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				defer to.Close()
				_, _ = to.Write([]byte{0x60, 0x60, 0xB0, 0x17, 0, 0, minor, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
				go func() { _, _ = io.Copy(to, from); _ = to.(*net.TCPConn).CloseWrite() }()
				_, _ = io.Copy(from, to)
			}()
		}
	}()
	return l.Addr().String()
}

func basic(user, password string) Auth {
	return Auth{"scheme": "basic", "principal": user, "credentials": password}
}

// stage is a server of which users are made: the emulated one, or the real one that the environment names.
type stage struct {
	t       *testing.T
	address string
	auth    Auth
	server  *neo4jtest.Server // nil for the real one
}

func stages(t *testing.T) map[string]stage {
	t.Helper()
	server := &neo4jtest.Server{Password: testPassword, Version: os.Getenv("NEO4J_REAL_VERSION")}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	all := map[string]stage{"emulated": {t, strings.TrimPrefix(server.URL, "bolt://"), basic("neo4j", testPassword), server}}
	if real := os.Getenv("NEO4J_REAL_URI"); real != "" {
		all["real"] = stage{t, strings.TrimPrefix(real, "bolt://"), basic(os.Getenv("NEO4J_REAL_USERNAME"), os.Getenv("NEO4J_REAL_PASSWORD")), nil}
	}
	return all
}

func (s stage) dial() *Conn {
	s.t.Helper()
	conn, err := Dial(s.t.Context(), Server{Address: s.address, Auth: s.auth, UserAgent: "keymaker-test/1"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	return conn
}

// system is a transaction of statements on the system database.
func system(statements ...string) Transaction {
	tx := Transaction{Database: "system", Timeout: time.Minute}
	for _, text := range statements {
		tx.Statements = append(tx.Statements, Statement{Text: text, Params: map[string]any{"password": "long-enough"}})
	}
	return tx
}

func createUsers(prefix string, count int) []string {
	var statements []string
	for n := range count {
		statements = append(statements, fmt.Sprintf("CREATE USER %s%d SET PASSWORD $password", prefix, n))
	}
	return statements
}

func dropUsers(prefix string, count int) []string {
	var statements []string
	for n := range count {
		statements = append(statements, fmt.Sprintf("DROP USER %s%d", prefix, n))
	}
	return statements
}

func (s stage) write(conn *Conn, tx Transaction) {
	s.t.Helper()
	done, err := conn.Begin(s.t.Context(), tx)
	if err != nil || done != len(tx.Statements) {
		s.t.Fatalf("%d of %d statements: %v", done, len(tx.Statements), err)
	}
	if bookmark, err := conn.Commit(s.t.Context()); err != nil || bookmark == "" {
		s.t.Fatalf("bookmark %q: %v", bookmark, err)
	}
}

// wantFailure runs a transaction of which a statement is refused.
func (s stage) wantFailure(conn *Conn, tx Transaction, at int, code string) *Failure {
	s.t.Helper()
	done, err := conn.Begin(s.t.Context(), tx)
	var no *Failure
	if !errors.As(err, &no) || done != at || no.Code != code {
		s.t.Fatalf("ended at %d: %v, want %s at %d", done, err, code, at)
	}
	if !conn.Usable() {
		s.t.Error("a refusal costs the connection")
	}
	return no
}

const codeArgument = "Neo.ClientError.Statement.ArgumentError"

// Every version, on the emulated server and on the real one: a transaction takes effect as a whole or not at all, and the connection goes on after a refusal.
func TestEveryVersion(t *testing.T) {
	for name, s := range stages(t) {
		for _, minor := range []byte{0, 1, 2, 3, 4, 6, 7, 8} {
			t.Run(fmt.Sprintf("%s 5.%d", name, minor), func(t *testing.T) {
				s := s
				s.t, s.address = t, narrow(t, s.address, minor)
				conn, prefix := s.dial(), fmt.Sprintf("pipe%d_", minor)
				if conn.minor != minor {
					t.Fatalf("agreed on 5.%d", conn.minor)
				}
				s.write(conn, system(createUsers(prefix, 20)...))

				// The fourth is there already: the first three are undone, and the last two never done.
				no := s.wantFailure(conn, system(append(createUsers("undone", 3), append(createUsers(prefix, 1), createUsers("never", 2)...)...)...), 3, codeArgument)
				if !strings.Contains(no.Message, "already exists") || minor >= 7 && no.Status == "" {
					t.Errorf("got %+v", no)
				}
				s.wantFailure(conn, system("DROP USER undone0"), 0, codeArgument)
				s.wantFailure(conn, system("DROP USER never0"), 0, codeArgument)
				s.write(conn, system(dropUsers(prefix, 20)...))
			})
		}
	}
}

// Many statements, which are more than a server keeps waiting, and an answer for each.
func TestLongTransaction(t *testing.T) {
	for name, s := range stages(t) {
		t.Run(name, func(t *testing.T) {
			s.t = t
			conn := s.dial()
			// A user's hash takes time to make; that of a password that is hashed already takes none.
			const count = 400
			var statements []string
			for n := range count {
				statements = append(statements, fmt.Sprintf("CREATE USER long%d SET ENCRYPTED PASSWORD '1,aa,bb'", n))
			}
			s.write(conn, system(statements...))
			s.write(conn, system(dropUsers("long", count)...))
		})
	}
}

// A transaction is two round trips, whatever it holds, and nothing of it is seen before COMMIT.
func TestRoundTrips(t *testing.T) {
	s := stages(t)["emulated"]
	conn := s.dial()
	for _, count := range []int{1, 10, 200} {
		before := s.server.Turns()
		s.write(conn, system(createUsers(fmt.Sprintf("a%d_", count), count)...))
		// What is sent at once may reach the server in pieces, one of which may end just where a message does.
		if turns := s.server.Turns() - before; turns < 2 || turns > 2+int64(count/50) {
			t.Errorf("%d statements took %d round trips", count, turns)
		}
	}
	if _, err := conn.Begin(t.Context(), system("CREATE ROLE unseen")); err != nil {
		t.Fatal(err)
	}
	if data, err := s.server.Snapshot(); err != nil || strings.Contains(string(data), "unseen") {
		t.Errorf("there before COMMIT (%v)", err)
	}
	conn.Close()
	s.write(s.dial(), system("CREATE ROLE unseen")) // the other was undone with its connection
}

// A server that is cut off, or a context that ends, ends the connection; what was not committed is not there.
func TestLost(t *testing.T) {
	s := stages(t)["emulated"]
	for name, c := range map[string]struct {
		fault    neo4jtest.Fault
		atCommit bool
	}{
		"at a statement":   {neo4jtest.Fault{Match: "x0_1", Nth: 1, Drop: true}, false},
		"before COMMIT":    {neo4jtest.Fault{Match: "x1_1", Nth: 1, Commit: true, Drop: true}, true},
		"canceled":         {neo4jtest.Fault{Match: "x2_1", Nth: 1, Delay: 200 * time.Millisecond}, false},
		"canceled, COMMIT": {neo4jtest.Fault{Match: "x3_1", Nth: 1, Commit: true, Delay: 200 * time.Millisecond}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := s
			s.t = t
			conn := s.dial()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.fault.Delay > 0 {
				c.fault.Notify = cancel
			}
			s.server.Fault(c.fault)
			defer s.server.ResetFaults()
			done, err := conn.Begin(ctx, system(createUsers(strings.TrimSuffix(c.fault.Match, "1"), 3)...))
			if c.atCommit {
				if err != nil {
					t.Fatal(err)
				}
				_, err = conn.Commit(ctx)
			} else if done > 1 {
				t.Errorf("%d statements were done", done)
			}
			var no *Failure
			if err == nil || errors.As(err, &no) || errors.Is(err, ErrUnsent) || c.fault.Delay > 0 != errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if conn.Usable() {
				t.Error("the connection is taken for good")
			}
			sent := c.atCommit && c.fault.Delay > 0 // and the server goes on
			if data, err := s.server.Snapshot(); err != nil || !sent && strings.Contains(string(data), `"`+c.fault.Match+`"`) {
				t.Errorf("written all the same (%v)", err)
			}
			if _, err := conn.Commit(t.Context()); err == nil {
				t.Error("committed")
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	conn := s.dial()
	if _, err := conn.Begin(ended, system("CREATE ROLE r")); !errors.Is(err, ErrUnsent) || !errors.Is(err, context.Canceled) || !conn.Usable() {
		t.Errorf("begun after the end: %v", err)
	}
	if _, err := conn.Begin(t.Context(), system("CREATE ROLE \xFF")); !errors.Is(err, ErrUnsent) || !conn.Usable() {
		t.Errorf("no UTF-8: %v", err)
	}
	s.write(conn, system("CREATE ROLE r"))
}

func TestRefusedLogin(t *testing.T) {
	s := stages(t)["emulated"]
	for _, minor := range []byte{0, 8} {
		auth := basic("neo4j", "hunter2-hunter2")
		_, err := Dial(t.Context(), Server{Address: narrow(t, s.address, minor), Auth: auth, UserAgent: "keymaker-test/1"})
		var no *Failure
		if !errors.As(err, &no) || no.Code != "Neo.ClientError.Security.Unauthorized" {
			t.Errorf("5.%d: got %v", minor, err)
		}
		if shown := fmt.Sprintf("%v %+v %#v %v", err, Server{Auth: auth}, Server{Auth: auth}, auth.LogValue()); strings.Contains(shown, "hunter2") {
			t.Errorf("the password is shown: %s", shown)
		}
	}
}

// scripted answers the handshake, and then what the script says for each message it reads, on a socket of its own.
func scripted(t *testing.T, version string, script ...func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var proposals [20]byte
		if _, err := io.ReadFull(conn, proposals[:]); err != nil {
			return
		}
		_, _ = io.WriteString(conn, version)
		for _, act := range script {
			act(conn)
		}
		_, _ = io.Copy(io.Discard, conn)
	}()
	return l.Addr().String()
}

// skip reads so many messages, each of which is one chunk.
func skip(conn net.Conn, messages int) bool {
	for messages > 0 {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return false
		}
		n := int64(size[0])<<8 | int64(size[1])
		if n == 0 {
			messages--
		}
		if _, err := io.CopyN(io.Discard, conn, n); err != nil {
			return false
		}
	}
	return true
}

func says(answers ...string) func(net.Conn) {
	return func(conn net.Conn) {
		for _, a := range answers {
			if !skip(conn, 1) {
				return
			}
			_, _ = conn.Write(frame(nil, []byte(a)))
		}
	}
}

const (
	bolt58  = "\x00\x00\x08\x05"
	success = "\xB1\x70\xA0"
	ignored = "\xB0\x7E"
)

// What a server may say that is not Bolt, or not what was asked, is an error, soon.
func TestStrangeServers(t *testing.T) {
	for name, c := range map[string]struct {
		address string
		want    string
	}{
		"no version":          {scripted(t, "\x00\x00\x00\x00"), ErrVersion.Error()},
		"Bolt 4.4":            {scripted(t, "\x00\x00\x04\x04"), ErrVersion.Error()},
		"Bolt 5.9":            {scripted(t, "\x00\x00\x09\x05"), ErrVersion.Error()},
		"a manifest":          {scripted(t, "\x00\x00\x01\xFF"), ErrVersion.Error()},
		"HTTP":                {scripted(t, "HTTP/1.1 400 Bad Request"), ErrVersion.Error()},
		"nothing":             {scripted(t, "", func(c net.Conn) { _ = c.Close() }), "EOF"},
		"half a version":      {scripted(t, "\x00\x00", func(c net.Conn) { _ = c.Close() }), "EOF"},
		"ignored":             {scripted(t, bolt58, says(ignored, ignored)), "for no reason"},
		"a request":           {scripted(t, bolt58, says("\xB0\x0F")), "none of Bolt's"},
		"no PackStream":       {scripted(t, bolt58, says("\xC7")), "no marker"},
		"a SUCCESS of no map": {scripted(t, bolt58, says("\xB1\x70\x01")), "none of Bolt's"},
		"a chunk and no end": {scripted(t, bolt58, func(c net.Conn) {
			skip(c, 1)
			_, _ = io.WriteString(c, "\x00\x09abc")
			_ = c.(*net.TCPConn).CloseWrite()
		}), "EOF"},
		"an answer too long":  {scripted(t, bolt58, func(c net.Conn) { _, _ = c.Write([]byte(strings.Repeat("\xFF\xFF"+strings.Repeat("a", 65535), 65))) }), errTooLong.Error()},
		"a silence of a hint": {scripted(t, bolt58, says("\xB1\x70\xA1\x85hints\xA1\xD0\x1Fconnection.recv_timeout_seconds\x01")), "timeout"},
		"NOOP before an answer": {scripted(t, bolt58, func(c net.Conn) {
			skip(c, 1)
			_, _ = io.WriteString(c, "\x00\x00\x00\x00"+string(frame(nil, []byte(success))))
		}, says(success)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			conn, err := Dial(ctx, Server{Address: c.address, Auth: basic("a", "b"), UserAgent: "keymaker-test/1"})
			if err == nil {
				conn.Close()
			}
			if got := fmt.Sprint(err); c.want != "" && (err == nil || !strings.Contains(got, c.want)) || ctx.Err() != nil {
				t.Errorf("got %v, want %s", err, cmp.Or(c.want, "no error"))
			}
		})
	}
}

// A server that answers more than anybody has room for, and reads nothing while its answers are not taken, does not hold up who sends on.
func TestNoDeadlock(t *testing.T) {
	const count = 200
	long := strings.Repeat("x", 60000)
	full := "\xB1\x70\xA1\x81x\xD1\xEA\x60" + long // SUCCESS {x: "xxx…"}
	var answers []string
	for range 2*count + 1 {
		answers = append(answers, full)
	}
	address := scripted(t, bolt58, says(success, success), says(answers...))
	conn, err := Dial(t.Context(), Server{Address: address, Auth: basic("a", "b"), UserAgent: "keymaker-test/1"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tx := Transaction{Database: "system"}
	for range count {
		tx.Statements = append(tx.Statements, Statement{Text: long})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if done, err := conn.Begin(ctx, tx); err != nil || done != count {
		t.Errorf("%d done: %v", done, err)
	}
}

// A server that answers what it has not read is found out.
func TestAnswersWithoutReading(t *testing.T) {
	address := scripted(t, bolt58, says(success, success), func(c net.Conn) {
		for range 2*20 + 1 {
			_, _ = c.Write(frame(nil, []byte(success)))
		}
		var end [1]byte
		_, _ = c.Read(end[:])
		<-t.Context().Done()
	})
	conn, err := Dial(t.Context(), Server{Address: address, Auth: basic("a", "b"), UserAgent: "keymaker-test/1"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tx := Transaction{Database: "system"}
	for range 20 {
		tx.Statements = append(tx.Statements, Statement{Text: strings.Repeat("x", 1<<20)})
	}
	if _, err := conn.Begin(t.Context(), tx); err == nil || conn.Usable() {
		t.Errorf("got %v", err)
	}
}

// Some failures end the connection: what they say is told all the same.
func TestFailureThenEnd(t *testing.T) {
	failure := "\xB1\x7F\xA2\x84code\x81c\x87message\x81m"
	address := scripted(t, bolt58, says(success, success), says(success, failure), func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() })
	conn, err := Dial(t.Context(), Server{Address: address, Auth: basic("a", "b"), UserAgent: "keymaker-test/1"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	done, err := conn.Begin(t.Context(), system("A", "B"))
	var no *Failure
	if !errors.As(err, &no) || no.Code != "c" || no.Message != "m" || done != 0 || conn.Usable() {
		t.Errorf("%d done, usable %t: %v", done, conn.Usable(), err)
	}
}

func TestFailureOf(t *testing.T) {
	got := failureOf(map[string]any{
		"neo4j_code": "Neo.ClientError.Statement.SyntaxError", "message": "m", "gql_status": "42001", "description": "d", "diagnostic_record": map[string]any{},
		"cause": map[string]any{"message": "42N09: x", "gql_status": "42N09", "description": "e", "cause": map[string]any{"gql_status": "42I06"}},
	})
	if got.Error() != "Neo.ClientError.Statement.SyntaxError: m" || got.Status != "42001" || got.Description != "d" || got.Cause.Status != "42N09" || got.Cause.Description != "e" || got.Cause.Cause.Status != "42I06" || got.Cause.Cause.Cause != nil {
		t.Errorf("got %+v", got)
	}
	if got := failureOf(map[string]any{"code": "c", "message": int64(1)}); got.Code != "c" || got.Message != "" || got.Cause != nil {
		t.Errorf("got %+v", got)
	}
}
