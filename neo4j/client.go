package neo4j

import (
	"cmp"
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	driver "github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j/config"

	"keymaker/neo4j/bolt"
	"keymaker/reconcile"
)

// systemDatabase is where administration commands run.
const systemDatabase = "system"

// How often a call is made at most. A lost connection is tried again a few times only: a server that is not there should be told soon.
const (
	triesWhenBusy = 6
	triesWhenLost = 3
)

// client speaks Bolt with the members. It keeps one driver for each URI, and is safe for concurrent use.
type client struct {
	connection string // its name, "" for the unnamed one
	username   string
	password   reconcile.Secret
	token      reconcile.Secret // of an OpenID Connect provider, instead of user and password
	agent      string
	roots      *x509.CertPool
	patience   time.Duration // how long a connection may take, handshake and login included
	log        *slog.Logger
	onWait     func(reconcile.Waiting)
	// bookmarks make every later call, on whichever member, see what an earlier one committed.
	bookmarks driver.BookmarkManager

	pipe pipeline

	mu      sync.Mutex
	drivers map[string]driverHandle
	leaders map[string]string // by URI, the server that took the last session which writes
	made    reconcile.Meter
	calls   int
	spoke   map[string]bool // URIs that have answered in Bolt
	edition string          // as the server names it; "" before it was asked
}

// driverHandle is the driver's own type, named for the files that do not know it.
type driverHandle = driver.DriverWithContext

// row is one record of a result, with its columns in the server's order.
type row struct {
	keys   []string
	values []any
}

func (r row) get(name string) any {
	for i, k := range r.keys {
		if k == name {
			return r.values[i]
		}
	}
	return nil
}

func (r row) text(name string) string {
	s, _ := r.get(name).(string)
	return s
}

func (r row) flag(name string) bool {
	b, _ := r.get(name).(bool)
	return b
}

func (r row) texts(name string) []string {
	list, _ := r.get(name).([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// loadRoots adds a CA file to the system's certificate authorities.
func loadRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read CA file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA file %s: no certificate in PEM form", file)
	}
	return pool, nil
}

func (c *client) configure(cfg *config.Config) {
	if c.roots != nil { // used with +s URIs only
		cfg.TlsConfig = &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12}
	}
	cfg.UserAgent = c.agent
	cfg.TelemetryDisabled = true
	cfg.ConnectionAcquisitionTimeout = c.patience
}

// at is the driver for a URI, made when it is first asked for. Making one connects nowhere.
func (c *client) at(uri string) (driver.DriverWithContext, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d, ok := c.drivers[uri]; ok {
		return d, nil
	}
	login, err := c.login()
	if err != nil {
		return nil, err
	}
	d, err := driver.NewDriverWithContext(uri, login, c.configure)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", uri, err)
	}
	c.drivers[uri] = d
	return d, nil
}

// login is how this client logs in.
func (c *client) login() (driver.AuthToken, error) {
	if c.byToken() {
		jwt, err := c.token.Open()
		if err != nil {
			return driver.AuthToken{}, fmt.Errorf("the token, %s: %w", c.token, err)
		}
		return driver.BearerAuth(jwt), nil
	}
	password, err := c.password.Open()
	if err != nil {
		return driver.AuthToken{}, fmt.Errorf("the password of %s, %s: %w", c.username, c.password, err)
	}
	return driver.BasicAuth(c.username, password, ""), nil
}

// byToken says whether this client logs in with a token.
func (c *client) byToken() bool { return !c.token.IsZero() }

// who names the login in errors.
func (c *client) who() string {
	if c.byToken() {
		return "the owner of the token from " + c.token.Origin()
	}
	return "user " + c.username
}

// close ends all connections.
func (c *client) close(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pipe.close()
	var errs []error
	for uri, d := range c.drivers {
		errs = append(errs, d.Close(ctx))
		delete(c.drivers, uri)
	}
	return errors.Join(errs...)
}

// query runs one statement that may be repeated, and reads all of its rows.
func (c *client) query(ctx context.Context, uri, statement string, params map[string]any) ([]row, error) {
	d, err := c.at(uri)
	if err != nil {
		return nil, err
	}
	c.log.Debug("neo4j: run", "server", uri, "statement", firstLine(statement))
	var rows []row
	err = c.retry(ctx, uri, func() error {
		rows = nil
		var at string
		at, err = c.stream(ctx, d, statement, params, func(r row) { rows = append(rows, r) })
		c.met(uri, at)
		return err
	})
	if err != nil {
		return nil, c.explain(uri, statement, err)
	}
	return rows, nil
}

// each is query for many rows, which are given one by one as they come and not kept. begin is called before each try: what was given before it does not count.
func (c *client) each(ctx context.Context, uri, statement string, begin func(), take func(row)) error {
	d, err := c.at(uri)
	if err != nil {
		return err
	}
	c.log.Debug("neo4j: run", "server", uri, "statement", firstLine(statement))
	err = c.retry(ctx, uri, func() error {
		begin()
		at, err := c.stream(ctx, d, statement, nil, take)
		c.met(uri, at)
		return err
	})
	if err != nil {
		return c.explain(uri, statement, err)
	}
	return nil
}

// once is query without a second try and without an explanation, for a member that may not be there yet.
func (c *client) once(ctx context.Context, uri, statement string, params map[string]any) ([]row, error) {
	d, err := c.at(uri)
	if err != nil {
		return nil, err
	}
	return c.run(ctx, d, statement, params)
}

func newBookmarks() driver.BookmarkManager {
	return driver.NewBookmarkManager(driver.BookmarkManagerConfig{})
}

// session is how every session is: on the system database, and no earlier than what this client has seen committed.
func (c *client) session() driver.SessionConfig {
	return driver.SessionConfig{DatabaseName: systemDatabase, BookmarkManager: c.bookmarks}
}

// sortOf says how a statement that runs by itself is counted.
func sortOf(statement string) string {
	if strings.HasPrefix(statement, "CALL dbms.checkConfigValue") || strings.HasPrefix(statement, "CALL dbms.setConfigValue") {
		return "procedure call"
	}
	return "query"
}

func (c *client) run(ctx context.Context, d driver.DriverWithContext, statement string, params map[string]any) ([]row, error) {
	var rows []row
	_, err := c.stream(ctx, d, statement, params, func(r row) { rows = append(rows, r) })
	return rows, err
}

// stream runs one statement and gives its rows as they come, all in answer to one PULL: a page at a time would be a round trip each. at is the server that answered.
func (c *client) stream(ctx context.Context, d driver.DriverWithContext, statement string, params map[string]any, take func(row)) (at string, err error) {
	cfg := c.session()
	cfg.FetchSize = driver.FetchAll
	session := d.NewSession(ctx, cfg)
	defer session.Close(ctx)
	c.made.Count(reconcile.Tally{What: sortOf(statement), N: 1})
	result, err := session.Run(ctx, statement, params)
	if err != nil {
		return "", translate(err)
	}
	for result.Next(ctx) {
		rec := result.Record()
		take(row{keys: rec.Keys, values: rec.Values})
	}
	summary, err := result.Consume(ctx) // which is there already
	if err != nil {
		return "", translate(err)
	}
	return summary.Server().Address(), nil
}

// bearer makes connections that log in with a token. Nothing is sent yet; the caller closes them.
func (c *client) bearer(uri string, token reconcile.Secret) (driverHandle, error) {
	jwt, err := token.Open()
	if err != nil {
		return nil, fmt.Errorf("the token, %s: %w", token, err)
	}
	return driver.NewDriverWithContext(uri, driver.BearerAuth(jwt), c.configure)
}

// basic makes connections that log in with a user's name and password. Nothing is sent yet; the caller closes them.
func (c *client) basic(uri, name string, password reconcile.Secret) (driverHandle, error) {
	text, err := password.Open()
	if err != nil {
		return nil, fmt.Errorf("the password of %s, %s: %w", name, password, err)
	}
	return driver.NewDriverWithContext(uri, driver.BasicAuth(name, text, ""), c.configure)
}

// asBearer runs one statement on the system database, on connections that bearer or basic made.
func (c *client) asBearer(ctx context.Context, d driverHandle, uri, statement string) (rows []row, err error) {
	err = c.retry(ctx, uri, func() error {
		rows, err = c.run(ctx, d, statement, nil)
		return err
	})
	return rows, err
}

// probePatience bounds a statement that is only tried out.
const probePatience = 10 * time.Second

// tryOut runs one statement in a transaction that is always rolled back: whatever it writes is gone afterwards, also when the connection is lost before. database "" is
// the session's home database. One that does not write says so: a member with server-side routing would pass it on to the leader else (Operations Manual, "Clustering").
func (c *client) tryOut(ctx context.Context, d driverHandle, uri, database, statement string, writes bool) (rows []row, err error) {
	mode := driver.AccessModeRead
	if writes {
		mode = driver.AccessModeWrite
	}
	err = c.retry(ctx, uri, func() error {
		session := d.NewSession(ctx, driver.SessionConfig{DatabaseName: database, BookmarkManager: c.bookmarks, AccessMode: mode})
		defer session.Close(ctx)
		tx, err := session.BeginTransaction(ctx, driver.WithTxTimeout(probePatience))
		if err != nil {
			return translate(err)
		}
		defer tx.Close(ctx) // rolls back what is still open
		result, err := tx.Run(ctx, statement, nil)
		if err != nil {
			return translate(err)
		}
		rows = nil
		for result.Next(ctx) {
			rec := result.Record()
			rows = append(rows, row{keys: rec.Keys, values: rec.Values})
		}
		if err := result.Err(); err != nil {
			return translate(err)
		}
		return translate(tx.Rollback(ctx))
	})
	return rows, err
}

// transact runs statements in one transaction on the system database, and repeats them when that is safe. Before each try unmoved, when not nil, is asked, and its error ends
// the call; not behind a try that may have taken effect. settled, when not nil, says whether a server's
// refusal proves that an earlier try, whose answer to COMMIT did not arrive, took effect.
func (c *client) transact(ctx context.Context, uri string, statements []statement, unmoved func() error, settled func(error) bool) error {
	d, err := c.at(uri)
	if err != nil {
		return err
	}
	opened := make([]map[string]any, len(statements))
	for i, s := range statements {
		if opened[i], err = open(s.params); err != nil {
			return err
		}
	}
	lost, failing, first := false, "", true
	var stopped error
	err = c.retry(ctx, uri, func() error {
		if unmoved != nil && !lost {
			if stopped = unmoved(); stopped != nil {
				return nil
			}
		}
		statement, unanswered, err := c.attempt(ctx, d, uri, statements, opened, first)
		first = false
		if err != nil && lost && settled != nil && settled(err) {
			return nil
		}
		lost = lost || unanswered
		failing = statement
		return err
	})
	if err == nil {
		return stopped
	}
	explained := c.explain(uri, failing, err)
	if lost && !refused(err) {
		return fmt.Errorf("%w: %w", explained, reconcile.ErrUnknownOutcome)
	}
	return explained
}

// statement is one statement of a transaction, with its parameters.
type statement struct {
	text   string
	params map[string]reconcile.Value
	brief  string // for errors, where the text says too much
}

// name is what errors call the statement.
func (s statement) name() string { return cmp.Or(s.brief, s.text) }

// open makes parameters what the driver takes. Secrets are opened here and nowhere else.
func open(params map[string]reconcile.Value) (map[string]any, error) {
	if len(params) == 0 {
		return nil, nil
	}
	out := make(map[string]any, len(params))
	for name, v := range params {
		switch v := v.(type) {
		case reconcile.Text:
			out[name] = string(v)
		case reconcile.Secret:
			value, err := v.Open()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v, err)
			}
			out[name] = value
		default:
			return nil, fmt.Errorf("parameter $%s is %s, which is no text", name, v)
		}
	}
	return out, nil
}

// reveal opens a secret that stands in a setting.
func (c *client) reveal(secret reconcile.Secret) (string, error) {
	value, err := secret.Open()
	if err != nil {
		return "", fmt.Errorf("%s: %w", secret, err)
	}
	return value, nil
}

// canOpen says whether all secrets are at hand here and now.
func (c *client) canOpen(secrets map[string]reconcile.Secret) bool {
	for _, secret := range secrets {
		if _, err := secret.Open(); err != nil {
			return false
		}
	}
	return true
}

// holds says whether a live value is the secret. One that the server shows as asterisks only cannot be compared, and is taken to be.
func (c *client) holds(secret reconcile.Secret, live reconcile.Value) bool {
	text, _ := live.(reconcile.Text)
	if text != "" && strings.Trim(string(text), "*") == "" {
		return true
	}
	value, err := secret.Open()
	return err == nil && subtle.ConstantTimeCompare([]byte(value), []byte(text)) == 1
}

// attempt is one try of transact. It gives the statement at fault, and whether COMMIT was sent and not answered.
func (c *client) attempt(ctx context.Context, d driver.DriverWithContext, uri string, statements []statement, params []map[string]any, first bool) (failing string, unanswered bool, err error) {
	if first {
		if failing, unanswered, ok, err := c.commitWhole(ctx, uri, statements, params); ok {
			return failing, unanswered, err
		}
	}
	return c.commit(ctx, d, uri, statements, params)
}

// commit is an attempt by the driver, which waits for the answer to each statement.
func (c *client) commit(ctx context.Context, d driver.DriverWithContext, uri string, statements []statement, params []map[string]any) (failing string, unanswered bool, err error) {
	session := d.NewSession(ctx, c.session())
	defer session.Close(ctx)
	c.made.Count(reconcile.Tally{What: "transaction", N: 1})
	tx, err := session.BeginTransaction(ctx, driver.WithTxTimeout(transactionTime))
	if err != nil {
		return "BEGIN", false, translate(err)
	}
	defer tx.Close(ctx)
	for i, s := range statements {
		c.made.Count(reconcile.Tally{What: "statement", N: 1})
		c.log.Debug("neo4j: run", "server", uri, "statement", firstLine(s.text))
		result, err := tx.Run(ctx, s.text, params[i])
		if err == nil {
			var summary driver.ResultSummary
			if summary, err = result.Consume(ctx); err == nil {
				c.met(uri, summary.Server().Address())
			}
		}
		if err != nil {
			return s.name(), false, translate(err)
		}
	}
	err = translate(tx.Commit(ctx))
	return "COMMIT", err != nil && !refused(err), err
}

// driverError is a server's refusal as the driver gives it, which knows of each code whether another try may go through.
func driverError(no *bolt.Failure) *driver.Neo4jError {
	if no == nil {
		return nil
	}
	return &driver.Neo4jError{Code: no.Code, Msg: no.Message, GqlStatus: no.Status, GqlStatusDescription: no.Description, GqlCause: driverError(no.Cause)}
}

// translate makes the driver's errors the two that this package tells apart: a *serverError, or a *lostError.
func translate(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var ne *driver.Neo4jError
	if errors.As(err, &ne) {
		no := &serverError{code: ne.Code, message: ne.Msg, passing: driver.IsRetryable(ne)}
		for cause := ne.GqlCause; cause != nil; cause = cause.GqlCause {
			no.causes = append(no.causes, cause.GqlStatus+": "+cause.GqlStatusDescription)
		}
		return no
	}
	var usage *driver.UsageError
	if errors.As(err, &usage) {
		return &lostError{text: usage.Message, final: true, err: err}
	}
	var ce *driver.ConnectivityError
	if errors.As(err, &ce) && ce.Inner != nil { // the wrapper does not unwrap
		text := ce.Inner.Error()
		return &lostError{text: text, final: strings.HasPrefix(text, "Timeout while waiting for connection"), err: err}
	}
	return &lostError{text: err.Error(), err: err}
}

// retry makes a call again while the server is busy or the connection is lost. Every call in here has to be safe to repeat.
func (c *client) retry(ctx context.Context, uri string, call func() error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 5*time.Second
	for n := 1; ; n++ {
		c.mu.Lock()
		c.calls++
		c.mu.Unlock()
		err := call()
		if err == nil || refused(err) {
			c.heard(uri)
		}
		if err == nil {
			return nil
		}
		if n >= maxTries(err) {
			return err
		}
		wait := pause.NextBackOff()
		c.log.Debug("neo4j: trying again", "server", uri, "try", n, "wait", wait, "cause", err)
		c.onWait(reconcile.Waiting{Reason: uri + ": " + firstLine(err.Error()), Until: time.Now().Add(wait)})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// maxTries is how often a call that ended so is made at most.
func maxTries(err error) int {
	var no *serverError
	var gone *lostError
	switch {
	case errors.As(err, &no) && no.passing:
		return triesWhenBusy
	case errors.As(err, &gone) && !gone.final:
		return triesWhenLost
	}
	return 1
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (c *client) heard(uri string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoke[uri] = true
}

func (c *client) setEdition(edition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.edition = edition
}

// isEnterprise says whether the server has said so. Aura does.
func (c *client) isEnterprise() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.edition == "enterprise"
}

func (c *client) hasSpoken(uri string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spoke[uri]
}

// takeCalls gives the number of calls since it was last asked.
func (c *client) takeCalls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.calls
	c.calls = 0
	return n
}
