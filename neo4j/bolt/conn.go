package bolt

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"time"
)

// maxSilence is how long is waited for the next byte of an answer where the server does not say how long it is silent at most.
const maxSilence = 3 * time.Minute

// partingTime is how long saying goodbye may take.
const partingTime = time.Second

// ErrUnsent says that nothing of a transaction, or of its end, was sent: it holds what has no form in Bolt, or the context had ended.
var ErrUnsent = errors.New("not sent")

// ErrVersion says that a server speaks no Bolt that this package speaks.
var ErrVersion = errors.New("the server speaks none of Bolt 5.0 to 5.8")

// Server is where to connect, and as whom.
type Server struct {
	Address   string      // host:port, an IPv6 host in brackets
	TLS       *tls.Config // nil for none; ServerName is the host where it says none
	Auth      Auth
	UserAgent string
	// Routing is the context of a client that finds the leader by itself, nil for one that leaves that to the server.
	Routing map[string]string
}

// Auth is what logs in: scheme, principal and credentials, as the Bolt manual names them. It is never shown.
type Auth map[string]any

// String hides it.
func (Auth) String() string { return "(login)" }

// GoString hides it.
func (Auth) GoString() string { return "(login)" }

// LogValue hides it.
func (Auth) LogValue() slog.Value { return slog.StringValue("(login)") }

// Conn is a connection that is logged in, for one goroutine at a time.
type Conn struct {
	raw, sock net.Conn // the latter may be TLS
	in        *bufio.Reader
	minor     byte
	silence   time.Duration
	broken    bool
}

// Dial connects and logs in; ctx bounds all of it. The error is ErrVersion, a *Failure when the server refuses the login, or says that there is no such connection.
func Dial(ctx context.Context, server Server) (*Conn, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", server.Address)
	if err != nil {
		return nil, err
	}
	c := &Conn{raw: raw, sock: raw, silence: maxSilence}
	err = c.guard(ctx, func() error { return c.open(ctx, server) })
	if err != nil {
		c.broken = true
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) open(ctx context.Context, server Server) error {
	if server.TLS != nil {
		config := server.TLS.Clone()
		if config.ServerName == "" {
			host, _, err := net.SplitHostPort(server.Address)
			if err != nil {
				return err
			}
			config.ServerName = host
		}
		secure := tls.Client(c.raw, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return err
		}
		c.sock = secure
	}
	c.in = bufio.NewReader(c.sock)
	if err := c.agree(); err != nil {
		return err
	}
	return c.login(server)
}

// agree settles the version: one proposal, 5.8 and the eight minors below (Bolt manual, "Bolt Protocol handshake specification").
func (c *Conn) agree() error {
	proposals := [20]byte{0x60, 0x60, 0xB0, 0x17, 0, 8, 8, 5}
	if _, err := c.sock.Write(proposals[:]); err != nil {
		return err
	}
	var chosen [4]byte
	if err := c.alive(); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.in, chosen[:]); err != nil {
		return err
	}
	if chosen[0] != 0 || chosen[1] != 0 || chosen[2] > 8 || chosen[3] != 5 {
		return ErrVersion
	}
	c.minor = chosen[2]
	return nil
}

// login says who is there. Up to 5.0 the login is part of HELLO.
func (c *Conn) login(server Server) error {
	hello := map[string]any{"user_agent": server.UserAgent}
	if server.Routing != nil {
		hello["routing"] = server.Routing
	}
	if c.minor >= 3 {
		hello["bolt_agent"] = map[string]string{"product": server.UserAgent, "platform": runtime.GOOS + "; " + runtime.GOARCH, "language": "Go/" + runtime.Version()}
	}
	var q queue
	if c.minor == 0 {
		for k, v := range server.Auth {
			hello[k] = v
		}
		q.add(tagHello, hello)
	} else {
		q.add(tagHello, hello)
		q.add(tagLogon, map[string]any(server.Auth))
	}
	return c.exchange(&q, func(n int, a answer) {
		if n == 0 {
			c.silence = silenceOf(a.meta)
		}
	})
}

// Usable says whether the connection can take another transaction.
func (c *Conn) Usable() bool { return !c.broken }

// Close says goodbye and ends the connection. A transaction that is open is undone by the server.
func (c *Conn) Close() {
	if !c.broken {
		c.broken = true
		var q queue
		q.add(tagGoodbye)
		_ = c.raw.SetWriteDeadline(time.Now().Add(partingTime))
		_, _ = c.sock.Write(q.out) // nobody answers that
		_ = c.sock.Close()
	}
	_ = c.raw.Close()
}

// guard does something that ends when ctx does, and the connection with it. What was done all the same counts.
func (c *Conn) guard(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsent, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	err := do()
	if !stop() {
		c.broken = true
	}
	var no *Failure
	switch {
	case err == nil || errors.As(err, &no):
		return err
	case ctx.Err() != nil:
		c.broken = true
		return ctx.Err()
	}
	c.broken = true
	return err
}

// alive gives the server the time that it has for its next bytes.
func (c *Conn) alive() error { return c.raw.SetReadDeadline(time.Now().Add(c.silence)) }

// queue is messages that go out together.
type queue struct {
	out []byte
	n   int
	err error
}

func (q *queue) add(tag byte, fields ...any) {
	if q.err != nil {
		return
	}
	var message []byte
	if message, q.err = appendMessage(nil, tag, fields...); q.err == nil {
		q.out = frame(q.out, message)
		q.n++
	}
}

// exchange sends messages and reads the answer to each. well is called for each that is SUCCESS, up to the first that is not; a *Failure is the error then. Sending
// does not wait for reading: a server that is not listened to stops listening.
func (c *Conn) exchange(q *queue, well func(n int, a answer)) error {
	if q.err != nil {
		return q.err
	}
	_ = c.raw.SetWriteDeadline(time.Time{}) // the answers have one
	sent := make(chan error, 1)
	go func() {
		_, err := c.sock.Write(q.out)
		sent <- err
	}()
	err := c.answers(q.n, well)
	if c.broken {
		_ = c.raw.Close() // ends the sending too
	}
	_ = c.raw.SetWriteDeadline(time.Now().Add(partingTime)) // who has answered everything has read everything
	if sending := <-sent; err == nil {
		err = sending
	}
	return err
}

func (c *Conn) answers(count int, well func(n int, a answer)) error {
	var no *Failure
	for n := range count {
		a, err := c.answer()
		switch {
		case err != nil && no != nil: // some failures end the connection
			c.broken = true
			return no
		case err != nil:
			c.broken = true
			return err
		case no != nil: // whatever it says of what came behind, nothing is committed
		case a.tag == tagFailure:
			no = failureOf(a.meta)
		case a.tag == tagIgnored:
			c.broken = true
			return errors.New("the server ignores a message for no reason")
		default:
			well(n, a)
		}
	}
	if no != nil {
		return no
	}
	return nil
}

// answer reads up to the end of an answer.
func (c *Conn) answer() (answer, error) {
	for {
		message, err := readFrame(c.in, c.alive)
		if err != nil {
			return answer{}, err
		}
		a, record, err := answerOf(message)
		if err != nil {
			return answer{}, fmt.Errorf("read an answer: %w", err)
		}
		if !record {
			return a, nil
		}
	}
}
