package neo4jtest

import (
	"errors"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"
)

// port holds a member's address over its restarts: a socket that was closed and opened again would lose its number, now and then, to any other program's
// connection. Whoever connects while the member restarts is cut off without a byte.
type port struct {
	wire  net.Listener
	ended chan struct{} // closed when wire takes nobody any more
	err   error         // why; set before ended is closed

	mu sync.Mutex
	up *shift // nil between two lives of the member
}

// shift is the port as one life of the member listens on it.
type shift struct {
	port *port
	next chan net.Conn
	over chan struct{}
	once sync.Once
}

// openPort listens on address.
func openPort(address string) (*port, error) {
	wire, err := listenAgain(address)
	if err != nil {
		return nil, err
	}
	p := &port{wire: wire, ended: make(chan struct{})}
	go p.run()
	return p, nil
}

// listenAgain opens a socket. A number that was asked for may be another program's connection's for a moment.
func listenAgain(address string) (net.Listener, error) {
	for try := 1; ; try++ {
		socket, err := net.Listen("tcp", address)
		if err == nil || try == 20 || !errors.Is(err, syscall.EADDRINUSE) || strings.HasSuffix(address, ":0") {
			return socket, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// run hands each connection to the life that the member has at that moment.
func (p *port) run() {
	for {
		conn, err := p.wire.Accept()
		if err != nil {
			p.err = err
			close(p.ended)
			return
		}
		if s := p.current(); s == nil || !s.give(conn) {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // a reset, as from a machine on which nobody listens
			}
			_ = conn.Close()
		}
	}
}

func (p *port) current() *shift {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.up
}

// listen begins a life of the member. The one before must have been closed.
func (p *port) listen() net.Listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up = &shift{port: p, next: make(chan net.Conn), over: make(chan struct{})}
	return p.up
}

// open says whether the port was not given back.
func (p *port) open() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// address is where the port is, with the number that it was given.
func (p *port) address() string { return p.wire.Addr().String() }

// close gives the address back. It may be called twice.
func (p *port) close() error {
	err := p.wire.Close()
	<-p.ended
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// give waits until the member takes a connection; false when its life is over.
func (s *shift) give(conn net.Conn) bool {
	select {
	case s.next <- conn:
		return true
	case <-s.over:
		return false
	}
}

// Accept waits for a connection; it fails once the life is over or the port is closed.
func (s *shift) Accept() (net.Conn, error) {
	select {
	case conn := <-s.next:
		return conn, nil
	case <-s.over:
		return nil, net.ErrClosed
	case <-s.port.ended:
		return nil, s.port.err
	}
}

// Close ends the life and keeps the port.
func (s *shift) Close() error {
	s.once.Do(func() {
		s.port.mu.Lock()
		if s.port.up == s {
			s.port.up = nil
		}
		s.port.mu.Unlock()
		close(s.over)
	})
	return nil
}

// Addr is the port's.
func (s *shift) Addr() net.Addr { return s.port.wire.Addr() }
