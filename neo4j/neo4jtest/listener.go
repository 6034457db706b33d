package neo4jtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Limits that keep a hostile or forgotten peer from holding memory or goroutines.
const (
	defaultLoginTime = 30 * time.Second // real servers close a connection that has not logged on after this, silently
	writeTime        = 30 * time.Second // how long a peer may refuse to read an answer
	maxConnections   = 512              // well below the usual limit of open files
)

// wireConfig says how a listener behaves. The zero value serves every version, without TLS, without faults, with real servers' times.
type wireConfig struct {
	versions  []version             // nil for all of supportedVersions; others are ignored
	tls       *tls.Config           // nil for plain TCP; otherwise plain bytes are refused
	loginTime time.Duration         // how long a connection may live without a login; 0 for 30 s
	idleTime  time.Duration         // how long a logged-on connection may say nothing; 0 for ever
	onCall    func(call)            // told of every message answered; nil for nobody
	latency   time.Duration         // before the answer to such a turn
	onTurn    func()                // told when a logged-on peer, having all its answers, speaks again; nil for nobody
	fault     func(event) wireFault // asked before and after every effect; nil for no faults
}

// call is one message as it was answered. Parameters and credentials are left out on purpose; statement is the text as sent, literals included.
type call struct {
	connection string // "bolt-7"
	version    version
	user       string // "" before login
	message    string // HELLO, LOGON, RUN, PULL, ...
	statement  string // RUN only
	db         string // as sent with RUN, BEGIN and ROUTE
	auto       bool   // RUN of an auto-commit statement
	ignored    bool   // answered IGNORED, since the session had failed
	failure    string // code of the FAILURE that answered, or ""
	dropped    bool   // the connection was cut instead of an answer
}

// event is a moment at which a fault may be injected: before or after a statement runs, before or after a transaction's effects become visible.
type event struct {
	connection string
	user       string
	message    string // "RUN" or "COMMIT"; the commit of an auto-commit statement, when its result is consumed, is a COMMIT too
	auto       bool   // an auto-commit statement
	after      bool   // the effect is there, the answer is not sent yet
	statement  string // RUN: its text; COMMIT: the texts that ran in the transaction, joined by ";\n"
	db         string // as sent
}

// wireFault is what to do at an event; the zero value does nothing. delay comes first, then drop, then failure. A failure after the effect leaves a
// COMMIT committed and tells the client that it failed; one after RUN undoes the transaction, as every failure inside a transaction does.
type wireFault struct {
	notify  func() // called first; may be nil
	delay   time.Duration
	drop    bool // close the connection without an answer
	failure *Failure
}

// listener serves Bolt on any number of sockets for one backend.
type listener struct {
	cfg      wireConfig
	backend  backend
	versions []version
	next     atomic.Int64 // number of the last connection
	done     chan struct{}
	work     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	sockets map[net.Listener]bool
	conns   map[net.Conn]bool
}

// newListener makes a listener; it opens no socket. A version in cfg that the emulator does not speak is left out.
func newListener(cfg wireConfig, b backend) *listener {
	if cfg.loginTime == 0 {
		cfg.loginTime = defaultLoginTime
	}
	return &listener{
		cfg: cfg, backend: b, versions: offered(cfg.versions), done: make(chan struct{}),
		sockets: map[net.Listener]bool{}, conns: map[net.Conn]bool{},
	}
}

// serve accepts connections until close, which makes it return nil. It owns socket and closes it.
func (l *listener) serve(socket net.Listener) error {
	if !l.addSocket(socket) {
		return socket.Close()
	}
	for {
		conn, err := socket.Accept()
		if err != nil {
			return l.acceptFailed(socket, err)
		}
		if l.addConn(conn) {
			go l.serveConn(conn)
		}
	}
}

// acceptFailed ends serve: an error caused by close is none.
func (l *listener) acceptFailed(socket net.Listener, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sockets, socket)
	if l.closed {
		return nil
	}
	return errors.Join(fmt.Errorf("bolt: accept: %w", err), socket.Close())
}

// close closes sockets and connections, undoes open transactions, and returns when all is done. It may be called twice.
func (l *listener) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.done)
	}
	for socket := range l.sockets {
		_ = socket.Close() // nothing was promised to those who wait in its queue
	}
	for conn := range l.conns {
		_ = conn.Close()
	}
	l.mu.Unlock()
	l.work.Wait()
}

// dropConnections closes every open connection, as a network that fails would. The listener keeps accepting.
func (l *listener) dropConnections() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		_ = conn.Close()
	}
}

func (l *listener) addSocket(socket net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.sockets[socket] = true
	}
	return !l.closed
}

// addConn takes a connection in, or closes it when there are too many or the listener is closed.
func (l *listener) addConn(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.conns) >= maxConnections {
		_ = conn.Close()
		return false
	}
	l.conns[conn] = true
	l.work.Add(1)
	return true
}

func (l *listener) removeConn(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}

// serveConn lives as long as the connection.
func (l *listener) serveConn(raw net.Conn) {
	defer l.work.Done()
	defer l.removeConn(raw)
	defer raw.Close()
	loginBy := time.Now().Add(l.cfg.loginTime)
	if raw.SetDeadline(loginBy) != nil {
		return
	}
	conn := raw
	if l.cfg.tls != nil {
		secure := tls.Server(raw, l.cfg.tls)
		if secure.HandshakeContext(context.Background()) != nil { // bounded by the deadline
			return
		}
		conn = secure
	}
	w := newWire(conn)
	v, ok := shakeHands(w, l.versions)
	if !ok {
		w.linger()
		return
	}
	id := fmt.Sprintf("bolt-%d", l.next.Add(1))
	newSession(l, w, v, id, loginBy).serve()
}
