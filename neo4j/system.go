package neo4j

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"keymaker/reconcile"
)

// Options are what Open takes beside the connection block. The zero value is fine.
type Options struct {
	// Connection is the name of the connection block, "" for the unnamed one. A named connection reads the variables of its name ([reconcile.Variable]) and no other.
	Connection string
	// Env answers for environment variables; os.LookupEnv when nil.
	Env func(name string) (string, bool)
	// TokensOnly makes a System that has no user of its own: only Examine works on it.
	TokensOnly bool
	// CAFile is a file of PEM certificates that is trusted beside the system's, for +s URIs.
	CAFile string
	// UserAgent names the program to the server.
	UserAgent string
	// OnWait is told when a call waits. It may be called from several goroutines.
	OnWait func(reconcile.Waiting)
	// Log takes debug messages.
	Log *slog.Logger
	// SecurityLog is Neo4j's security log, a file; it goes before that of the connection block.
	SecurityLog string
	// Restart, when set, restarts a member (host:port) instead of the connection block's command, and returns when it was told to stop and start.
	Restart func(ctx context.Context, member string) error
	// Stop is closed when no further member shall be restarted; nil is never.
	Stop <-chan struct{}
}

// System is one Neo4j DBMS. It is safe for concurrent use.
type System struct {
	name     string // of the connection, "" for the unnamed one
	client   *client
	stop     <-chan struct{}
	uri      *url.URL
	members  []string // as the spec lists them; nil when they have to be found out
	confFile string
	// securityLog is the file of Neo4j's security log, "" when it is not at hand.
	securityLog string
	restart     restarter
	warnings    []string
	aura        atomic.Bool  // Neo4j's own cloud, where settings are out of reach
	watched     atomic.Int64 // queries of members that were restarting

	mu   sync.Mutex
	seen snapshot
	// owned are the roles that [System.Owned] gave: one of them that a state leaves out is gone in it, and not merely of no concern to the spec.
	owned sync.Map
}

// restarter is how a member is restarted.
type restarter struct {
	command []string
	timeout time.Duration
	direct  func(ctx context.Context, member string) error
	settle  time.Duration // how long a member that answers again may still say other settings
}

func (r restarter) can() bool { return r.direct != nil || len(r.command) > 0 }

// The defaults of a restart.
const (
	restartTimeout = 2 * time.Minute
	restartSettle  = 10 * time.Second
)

// Open takes a connection "neo4j" block, and what the environment says where the block says nothing: NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD or NEO4J_TOKEN,
// KEYMAKER_NEO4J_CONF_FILE, and KEYMAKER_NEO4J_RESTART (a JSON list of strings), for a named connection with its name behind them. The zero Block is a connection that the spec does not have. Open connects
// nowhere: a server that is not there is an error of Read. Mistakes are *ConnectError.
func Open(_ context.Context, conn reconcile.Block, opts Options) (*System, error) {
	if opts.Env == nil {
		opts.Env = os.LookupEnv
	}
	setting := func(field, variable string) string {
		if text := conn.Text(field, ""); text != "" || variable == "" {
			return text
		}
		text, _ := opts.Env(opts.variable(variable))
		return text
	}
	s := &System{name: opts.Connection, stop: opts.Stop}
	var err error
	uri := setting("uri", "NEO4J_URI")
	if uri == "" {
		return nil, &ConnectError{Reason: "no Neo4j URI", Remedy: "Set " + opts.variable("NEO4J_URI") + ", or uri in the " + opts.label() + " block, e.g. neo4j+s://graph.example.com."}
	}
	if s.uri, err = checkURI(uri); err != nil {
		return nil, err
	}
	if s.client, err = newClient(conn, opts, setting("username", "NEO4J_USERNAME")); err != nil {
		return nil, err
	}
	if s.restart, err = newRestarter(conn, opts); err != nil {
		return nil, err
	}
	if s.members, err = s.listed(conn); err != nil {
		return nil, err
	}
	s.confFile = setting("conf_file", "KEYMAKER_NEO4J_CONF_FILE")
	if s.confFile != "" && !filepath.IsAbs(s.confFile) {
		s.confFile = filepath.Join(conn.Dir, s.confFile)
	}
	s.securityLog = conn.Text("security_log", "")
	if s.securityLog != "" && !filepath.IsAbs(s.securityLog) {
		s.securityLog = filepath.Join(conn.Dir, s.securityLog)
	}
	if opts.SecurityLog != "" {
		s.securityLog = opts.SecurityLog
	}
	s.aura.Store(onAura(s.uri.String()))
	s.warnPlain()
	return s, nil
}

// variable is an official variable's name, as this connection reads it.
func (o Options) variable(official string) string { return reconcile.Variable(official, o.Connection) }

// label is the connection block's header, for messages.
func (o Options) label() string {
	if o.Connection == "" {
		return `connection "neo4j"`
	}
	return fmt.Sprintf("connection \"neo4j\" %q", o.Connection)
}

// Offline is a System of no server. It knows what a state says and nothing else: only Doors, Findings, Judge and Access may be called.
func Offline(connection string) *System { return &System{name: connection} }

// checkURI refuses what the driver would not take, and what should not be in a URI.
func checkURI(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, &ConnectError{Reason: "the Neo4j URI does not parse", Remedy: "It looks like neo4j+s://graph.example.com or bolt://localhost:7687."}
	}
	clean := *u
	clean.User, clean.RawQuery, clean.Fragment = nil, "", ""
	schemes := []string{"neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"}
	switch {
	case !slices.Contains(schemes, u.Scheme):
		return nil, &ConnectError{Server: clean.String(), Reason: fmt.Sprintf("unknown scheme %q", u.Scheme), Remedy: "Neo4j is spoken to by " + strings.Join(schemes, ", ") + "; http(s) is for browsers."}
	case u.User != nil:
		return nil, &ConnectError{Server: clean.String(), Reason: "the URI holds credentials", Remedy: "Take them out: the user is NEO4J_USERNAME, the password NEO4J_PASSWORD."}
	case u.Hostname() == "":
		return nil, &ConnectError{Server: clean.String(), Reason: "the URI names no host", Remedy: "It looks like neo4j+s://graph.example.com or bolt://localhost:7687."}
	case u.RawQuery != "" && strings.HasPrefix(u.Scheme, "bolt"):
		return nil, &ConnectError{Server: clean.String(), Reason: "a bolt URI takes no query", Remedy: "Remove what follows the question mark; routing policies go with neo4j:// only."}
	}
	return u, nil
}

func newClient(conn reconcile.Block, opts Options, username string) (*client, error) {
	c := &client{connection: opts.Connection, username: username, agent: opts.UserAgent, log: opts.Log, onWait: opts.OnWait, patience: 15 * time.Second, drivers: make(map[string]driverHandle), leaders: make(map[string]string), spoke: make(map[string]bool), bookmarks: newBookmarks()}
	if c.username == "" {
		c.username = "neo4j"
	}
	if c.agent == "" {
		c.agent = "keymaker"
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.onWait == nil {
		c.onWait = func(reconcile.Waiting) {}
	}
	err := c.credentials(conn, opts)
	if err != nil {
		return nil, err
	}
	if c.roots, err = loadRoots(opts.CAFile); err != nil {
		return nil, &ConnectError{Reason: err.Error(), Remedy: "Check --ca-file or SSL_CERT_FILE.", Err: err}
	}
	return c, nil
}

// credentials are those of the block, or else those of the environment: a token, or a user's password. Both at one place are a mistake, since one of them would do nothing.
func (c *client) credentials(conn reconcile.Block, opts Options) error {
	inBlock := func(field string) reconcile.Secret {
		secret, _ := conn.Value(field).(reconcile.Secret)
		return secret
	}
	inEnv := func(name string) reconcile.Secret {
		if value, _ := opts.Env(name); value == "" {
			return reconcile.Secret{}
		}
		return reconcile.NewSecret("env "+name, func() (string, error) {
			value, _ := opts.Env(name)
			return value, nil
		})
	}
	c.token, c.password = inBlock("token"), inBlock("password")
	if c.token.IsZero() && c.password.IsZero() {
		c.token, c.password = inEnv(opts.variable("NEO4J_TOKEN")), inEnv(opts.variable("NEO4J_PASSWORD"))
	}
	switch {
	case c.token.IsZero() && c.password.IsZero() && opts.TokensOnly:
		return nil
	case c.token.IsZero() && c.password.IsZero():
		return &ConnectError{Reason: "no Neo4j password", Remedy: "Set " + opts.variable("NEO4J_PASSWORD") + " to the password of user " + c.username + ", or password in the " + opts.label() + " block; or " +
			opts.variable("NEO4J_TOKEN") + " to the token of an OpenID Connect provider."}
	case !c.token.IsZero() && !c.password.IsZero():
		return &ConnectError{Reason: "a token and a password to log in to Neo4j", Remedy: "Keep one: " + c.token.Origin() + " or " + c.password.Origin() + "."}
	}
	return nil
}

func newRestarter(conn reconcile.Block, opts Options) (restarter, error) {
	r := restarter{timeout: restartTimeout, direct: opts.Restart, settle: restartSettle}
	blocks := conn.Inner("restart")
	if len(blocks) > 0 {
		r.command = reconcile.Texts(blocks[0].Value("command"))
		if timeout := blocks[0].Text("timeout", ""); timeout != "" {
			d, err := time.ParseDuration(timeout)
			if err != nil || d <= 0 {
				return r, &ConnectError{Reason: fmt.Sprintf("restart timeout %q is no duration", timeout), Remedy: "Write it as 90s or 2m."}
			}
			r.timeout = d
		}
	} else if text, ok := opts.Env(opts.variable("KEYMAKER_NEO4J_RESTART")); ok && text != "" {
		if err := json.Unmarshal([]byte(text), &r.command); err != nil {
			return r, &ConnectError{Reason: opts.variable("KEYMAKER_NEO4J_RESTART") + " is no JSON list of strings", Remedy: `It looks like ["systemctl","restart","neo4j"].`, Err: err}
		}
	} else {
		return r, nil
	}
	if len(r.command) == 0 || r.command[0] == "" {
		return r, &ConnectError{Reason: "the restart command is empty", Remedy: `It looks like ["systemctl", "restart", "neo4j"].`}
	}
	return r, nil
}

// listed are the members that the connection block names, as host:port.
func (s *System) listed(conn reconcile.Block) ([]string, error) {
	var members []string
	for _, m := range reconcile.Texts(conn.Value("members")) {
		address := m
		if _, rest, ok := strings.Cut(m, "://"); ok {
			u, err := checkURI(m)
			if err != nil {
				return nil, err
			}
			if u.Scheme != s.direct() {
				return nil, &ConnectError{Server: rest, Reason: "this member's scheme is not that of the URI", Remedy: "Members are spoken to by " + s.direct() + "://: write " + s.direct() + "://" + u.Host + ", or just host and port."}
			}
			address = u.Host
		}
		address = withPort(address)
		if !slices.Contains(members, address) {
			members = append(members, address)
		}
	}
	return members, nil
}

func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), "7687")
}

// direct is the scheme that reaches one member and no other, with the security of the URI.
func (s *System) direct() string {
	return "bolt" + strings.TrimPrefix(strings.TrimPrefix(s.uri.Scheme, "neo4j"), "bolt")
}

// memberURI is where a member's own settings can be asked for.
func (s *System) memberURI(member string) string {
	if member == withPort(s.uri.Host) && strings.HasPrefix(s.uri.Scheme, "bolt") {
		return s.uri.String()
	}
	return s.direct() + "://" + member
}

func (s *System) warnPlain() {
	if strings.Contains(s.uri.Scheme, "+") {
		return
	}
	if ip := net.ParseIP(s.uri.Hostname()); s.uri.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return
	}
	s.warnings = append(s.warnings, fmt.Sprintf("%s has no TLS: the password and every statement go over the network as they are. Use %s+s:// where the server has a certificate.", s.uri, s.uri.Scheme))
}

// Warnings are remarks about the connection that an operator should see once.
func (s *System) Warnings() []string { return slices.Clone(s.warnings) }

// URI is the address that the connection names, without credentials, for clients that are to log in there.
func (s *System) URI() string { return s.uri.String() }

// Name is neo4j, and neo4j.eu for the connection named eu.
func (s *System) Name() string { return reconcile.InstanceName(systemName, s.name) }

// Kinds lists role, user and oidc_provider.
func (s *System) Kinds() []reconcile.Kind { return Language{}.Kinds() }

// Parallel is 1: every step changes the one security store, and a restart must not meet a transaction.
func (s *System) Parallel() int { return 1 }

// Made counts every transaction with its statements, every procedure call that sets or checks a setting, and every other query; those that ask whether a member is back
// are a sort of their own.
func (s *System) Made() []reconcile.Tally {
	made, watched := s.client.made.Made(), int(s.watched.Load())
	for i := range made {
		if made[i].What == sortQuery {
			made[i].N -= watched
		}
	}
	if watched > 0 {
		made = append(made, reconcile.Tally{What: reconcile.Watching, N: watched})
	}
	return made
}

// Close ends the connections.
func (s *System) Close(ctx context.Context) error { return s.client.close(ctx) }

// last is what the last Read saw.
func (s *System) last() snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}
