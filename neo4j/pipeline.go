package neo4j

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"keymaker/neo4j/bolt"
	"keymaker/reconcile"
)

// A transaction is sent whole, in two round trips, where that can be had; see package bolt. Only its first try is: every other one is the driver's, which finds the leader
// again and gives up as it sees fit. So is everything where no connection can be made, which is slower and never wrong.

// transactionTime is after what time the server ends a transaction.
const transactionTime = 2 * time.Minute

// worthOpening is how many statements a transaction needs to be worth a connection of its own: to open one takes up to four round trips (TCP, TLS, handshake, login), to
// send on it two; the driver takes two and one for each statement.
const worthOpening = 4

// dialTime bounds opening a connection, which is in vain where the driver has to be used in the end.
const dialTime = 5 * time.Second

// maxIdle is how long a connection may lie unused. One that a firewall has forgotten meanwhile would swallow what is sent, and say so only after minutes.
const maxIdle = time.Minute

// pipeline keeps the one connection on which transactions are sent whole. Its zero value is usable.
type pipeline struct {
	mu   sync.Mutex
	idle *bolt.Conn // nil while it is in use, and when there is none
	at   string     // where that goes
	last time.Time  // when that was used
	// vain counts how often no connection could be made with a server, one after the other.
	vain map[string]int
}

// maxVain is how often in a row a server may not be reached in this way. One that speaks another Bolt, or does not let the user in, will not do so later.
const maxVain = 2

// take gives the connection with an address; nil when there is none at hand.
func (p *pipeline) take(address string) *bolt.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	conn := p.idle
	p.idle = nil
	if conn != nil && (p.at != address || time.Since(p.last) > maxIdle) {
		conn.Close()
		return nil
	}
	return conn
}

// give keeps a connection for the next transaction, or ends it.
func (p *pipeline) give(address string, conn *bolt.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if conn.Usable() && p.idle == nil {
		p.idle, p.at, p.last = conn, address, time.Now()
		return
	}
	conn.Close()
}

func (p *pipeline) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle != nil {
		p.idle.Close()
		p.idle = nil
	}
}

// hopeless says whether it is known that there is no such connection with a server.
func (p *pipeline) hopeless(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.vain[address] >= maxVain
}

// tell notes how an attempt to connect ended.
func (p *pipeline) tell(address string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.vain == nil {
		p.vain = make(map[string]int)
	}
	var no *bolt.Failure
	switch {
	case err == nil:
		p.vain[address] = 0
	case errors.Is(err, bolt.ErrVersion) || errors.As(err, &no):
		p.vain[address] = maxVain
	default:
		p.vain[address]++
	}
}

// writerOf is the server that takes the writes to the system database: the one that a bolt URI names; with routing the one that the driver met last.
func (c *client) writerOf(uri *url.URL) string {
	if strings.HasPrefix(uri.Scheme, "neo4j") {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.leaders[uri.String()]
	}
	return hostPort(uri)
}

// hostPort is a URI's address, with Bolt's port where it names none.
func hostPort(uri *url.URL) string {
	port := uri.Port()
	if port == "" {
		port = "7687"
	}
	return net.JoinHostPort(uri.Hostname(), port)
}

// met remembers a server that took a session which writes.
func (c *client) met(uri, address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if address != "" {
		c.leaders[uri] = address
	}
}

// deposed forgets the server that took the last session.
func (c *client) deposed(uri string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.leaders, uri)
}

// tlsOf is how a URI's scheme has connections secured, as the driver does it; nil for not at all.
func (c *client) tlsOf(uri *url.URL) *tls.Config {
	_, secured, _ := strings.Cut(uri.Scheme, "+")
	if secured == "" {
		return nil
	}
	return &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: secured == "ssc"} // "ssc" says so: any certificate, as with the driver
}

// routingOf is what a client that finds the leader by itself says of its URI, as the driver does; nil for one that leaves that to the server.
func routingOf(uri *url.URL) map[string]string {
	if !strings.HasPrefix(uri.Scheme, "neo4j") {
		return nil
	}
	context := map[string]string{"address": hostPort(uri)}
	for k, v := range uri.Query() {
		context[k] = v[0]
	}
	return context
}

// connect gives a connection on which a transaction of so many statements is best sent whole, and whether it has been used before; nil for none.
func (c *client) connect(ctx context.Context, uri string, statements int) (conn *bolt.Conn, address string, used bool) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, "", false
	}
	address = c.writerOf(u)
	if conn := c.pipe.take(address); conn != nil {
		return conn, address, true
	}
	if address == "" || statements < worthOpening || c.pipe.hopeless(address) {
		return nil, "", false
	}
	return c.dial(ctx, u, address), address, false
}

// dial opens a connection; nil when it cannot be had.
func (c *client) dial(ctx context.Context, uri *url.URL, address string) *bolt.Conn {
	login, err := c.login()
	if err != nil {
		return nil // the driver was made with what is not to be had any more
	}
	bounded, cancel := context.WithTimeout(ctx, min(dialTime, c.patience))
	defer cancel()
	conn, err := bolt.Dial(bounded, bolt.Server{Address: address, TLS: c.tlsOf(uri), Auth: login.Tokens, UserAgent: c.agent, Routing: routingOf(uri)})
	if ctx.Err() == nil {
		c.pipe.tell(address, err)
	}
	if err != nil {
		c.log.Debug("neo4j: statements are sent one by one", "server", address, "cause", err)
		return nil
	}
	return conn
}

// commitWhole is commit in two round trips. ok says whether it was tried; nothing was sent if not.
func (c *client) commitWhole(ctx context.Context, uri string, statements []statement, params []map[string]any) (failing string, unanswered, ok bool, err error) {
	conn, address, used := c.connect(ctx, uri, len(statements))
	if conn == nil {
		return "", false, false, nil
	}
	tx := bolt.Transaction{Database: systemDatabase, Timeout: transactionTime, Bookmarks: c.seen(ctx)}
	for i, s := range statements {
		c.log.Debug("neo4j: run", "server", uri, "statement", firstLine(s.text))
		tx.Statements = append(tx.Statements, bolt.Statement{Text: s.text, Params: params[i]})
	}
	done, err := conn.Begin(ctx, tx)
	if used && done < 0 && !conn.Usable() && ctx.Err() == nil { // the server has closed it meanwhile
		conn.Close()
		u, _ := url.Parse(uri) // connect did
		if conn = c.dial(ctx, u, address); conn == nil {
			return "", false, false, nil
		}
		done, err = conn.Begin(ctx, tx)
	}
	defer func() { c.pipe.give(address, conn) }()
	if errors.Is(err, bolt.ErrUnsent) {
		return "", false, false, nil
	}
	c.account(done, err)
	if err != nil {
		return faultOf(statements, done), false, true, c.lostOrRefused(uri, conn, err)
	}
	bookmark, err := conn.Commit(ctx)
	if errors.Is(err, bolt.ErrUnsent) {
		conn.Close() // which undoes it
		return "COMMIT", false, true, ctx.Err()
	}
	if err == nil {
		c.saw(ctx, tx.Bookmarks, bookmark)
		return "", false, true, nil
	}
	err = c.lostOrRefused(uri, conn, err)
	return "COMMIT", !refused(err), true, err
}

// account counts what the server was made to do: a transaction, and its statements up to the one at fault.
func (c *client) account(done int, err error) {
	if err != nil {
		done++
	}
	c.made.Count(reconcile.Tally{What: "transaction", N: 1})
	if done > 0 {
		c.made.Count(reconcile.Tally{What: "statement", N: done})
	}
}

// faultOf is the statement at which a transaction ended.
func faultOf(statements []statement, done int) string {
	if done < 0 || done >= len(statements) {
		return "BEGIN"
	}
	return statements[done].name()
}

// lostOrRefused makes an error of package bolt what translate makes of the driver's. A connection whose user, or whose leader, is not what it was is ended.
func (c *client) lostOrRefused(uri string, conn *bolt.Conn, err error) error {
	var no *bolt.Failure
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case !errors.As(err, &no):
		return &lostError{text: err.Error(), err: err}
	case no.Code == codeNotALeader:
		c.deposed(uri)
		conn.Close()
	case strings.HasPrefix(no.Code, "Neo.ClientError.Security.") && no.Code != codeForbidden:
		conn.Close()
	}
	return translate(driverError(no))
}

// seen is the bookmarks of what this client has seen committed.
func (c *client) seen(ctx context.Context) []string {
	if c.bookmarks == nil {
		return nil
	}
	bookmarks, err := c.bookmarks.GetBookmarks(ctx)
	if err != nil {
		return nil // that of the driver has none
	}
	return bookmarks
}

// saw remembers what was committed, in place of the bookmarks that it followed.
func (c *client) saw(ctx context.Context, before []string, bookmark string) {
	if c.bookmarks == nil || bookmark == "" {
		return
	}
	if err := c.bookmarks.UpdateBookmarks(ctx, before, []string{bookmark}); err != nil {
		c.log.Debug("neo4j: bookmark", "cause", err)
	}
}
