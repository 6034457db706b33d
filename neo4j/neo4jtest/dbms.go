package neo4jtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	systemDatabase  = "system"
	defaultDatabase = "neo4j"

	messageUnauthorized = "The client is unauthorized due to authentication failure."
	messageRateLimit    = "The client has provided incorrect authentication details too many times in a row."
)

// dbms is what all members share: the store, locks, the log and the list of statements.
type dbms struct {
	version   string
	edition   string
	dialect   dialect // language is the default of the databases
	now       func() time.Time
	keeper    *keeper            // of the state file; nil for memory only
	persist   func(*store) error // nil for memory only; called with mu held
	addresses []string           // of the members

	mu       sync.Mutex
	live     *store
	commits  int64
	leader   int           // index of the member that takes writes
	lag      time.Duration // of the other members
	past     []commitPoint // newest last; nil when nobody lags
	failures map[string]*loginFailures
	calls    []Call
	faults   []*Fault
	logLines []string
	logFile  *os.File // nil for none
	logJSON  bool
	locks    lockTable

	turns        atomic.Int64
	transactions atomic.Int64
}

// turned counts a round trip.
func (d *dbms) turned() { d.turns.Add(1) }

// loginFailures counts a user's wrong passwords.
type loginFailures struct {
	count int
	last  time.Time
}

// member is one server of the DBMS: its own settings, address and caches. It is the wire's backend.
type member struct {
	dbms       *dbms
	advertised string
	index      int
	settings   *settings
	conf       map[string]string // what neo4j.conf said at start
	generation int64             // counts changes of OIDC settings
	keys       *keyCache
	home       string
	caughtUp   int64 // the newest transaction that a bookmark asked for
}

var _ backend = (*member)(nil)

// newMember starts a member on a configuration that was read.
func newMember(d *dbms, s *settings, address string, client *http.Client) *member {
	return &member{dbms: d, advertised: address, settings: s, conf: s.confValues(), keys: newKeyCache(client, d.now), home: defaultDatabase}
}

func (m *member) agent() string   { return "Neo4j/" + m.dbms.version }
func (m *member) address() string { return m.advertised }

func (d *dbms) unauthorized(message string) *Failure {
	return d.dialect.chained(codeUnauthorized, message, false, cause{"42NFF", "Access denied, see the security logs for details."})
}

// setting reads one setting under the lock.
func (m *member) setting(read func(*settings) bool) bool {
	m.dbms.mu.Lock()
	defer m.dbms.mu.Unlock()
	return read(m.settings)
}

// login checks an auth map.
func (m *member) login(auth map[string]any) (*principal, *Failure) {
	if !m.setting(func(s *settings) bool { return s.enabled(settingAuthEnabled) }) {
		return &principal{state: &identity{all: true}}, nil
	}
	scheme, failure := m.authText(auth, "scheme")
	if failure != nil {
		return nil, failure
	}
	switch scheme {
	case "basic":
		return m.basicLogin(auth)
	case "bearer":
		token, failure := m.authText(auth, "credentials")
		if failure != nil {
			return nil, failure
		}
		who, failure := m.logIn(token)
		if failure != nil {
			return nil, failure
		}
		return &principal{name: who.user, state: who}, nil
	case "none":
		return nil, m.dbms.unauthorized("Unsupported authentication token, scheme 'none' is only allowed when auth is disabled.")
	}
	return nil, m.dbms.unauthorized("Unsupported authentication token, scheme '" + scheme + "' is not supported.")
}

func (m *member) authText(auth map[string]any, key string) (string, *Failure) {
	value, ok := auth[key]
	if !ok || value == nil {
		return "", m.dbms.unauthorized("Unsupported authentication token, missing key `" + key + "`")
	}
	if s, ok := value.(string); ok {
		return s, nil
	}
	kind, _, _ := strings.Cut(javaText(value), "(")
	switch value.(type) {
	case []any:
		kind = "ArrayList"
	case map[string]any:
		kind = "HashMap"
	}
	what := "String"
	if key == "credentials" {
		what = "UTF-8 encoded string"
	}
	return "", m.dbms.unauthorized("Unsupported authentication token, the value associated with the key `" + key + "` must be a " + what + " but was: " + kind)
}

// basicLogin checks a password. Failures of existing users are counted; the one after the third is refused unread until the lock time is over.
func (m *member) basicLogin(auth map[string]any) (*principal, *Failure) {
	name, failure := m.authText(auth, "principal")
	if failure != nil {
		return nil, failure
	}
	password, failure := m.authText(auth, "credentials")
	if failure != nil {
		return nil, failure
	}
	d := m.dbms
	d.mu.Lock()
	u := d.live.users[name]
	limit := atLeast(m.settings.value(settingMaxFailures))
	lockTime := m.settings.duration(settingLockTime)
	native := hasString(splitList(m.settings.value(settingAuthentication)), "native")
	failed := d.failures[name]
	d.mu.Unlock()

	why := ""
	switch {
	case !native:
		why = "native authentication is not enabled"
	case u == nil:
		why = "no such user"
	case limit > 0 && failed != nil && failed.count >= limit && d.now().Sub(failed.last) < lockTime:
		m.refusedLogin(name, "too many failed attempts")
		return nil, d.dialect.chained(codeRateLimit, messageRateLimit, false, cause{"42NFF", "Access denied, see the security logs for details."})
	case u.native == nil || !passwordMatches(u.native.credential, password):
		why = "invalid principal or credentials"
		d.countFailure(name)
	case u.suspended:
		why = "user is suspended"
	}
	if why != "" {
		m.refusedLogin(name, why)
		return nil, d.unauthorized(messageUnauthorized)
	}
	d.mu.Lock()
	delete(d.failures, name)
	d.mu.Unlock()
	m.loggedIn(name)
	return &principal{name: name, credentialsExpired: u.native.changeRequired, state: &identity{user: name, native: true}}, nil
}

func atLeast(text string) int {
	n := 0
	_, _ = fmt.Sscanf(strings.TrimSpace(text), "%d", &n) // checked when it was set
	return n
}

func (d *dbms) countFailure(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.failures[user]
	if f == nil {
		f = &loginFailures{}
		d.failures[user] = f
	}
	f.count++
	f.last = d.now()
}

// identityOf is the session's identity, refused when what it rests on is no longer fresh.
func (m *member) identityOf(p *principal) (*identity, *Failure) {
	who, _ := p.state.(*identity)
	d := m.dbms
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case who == nil:
		return nil, d.unauthorized(messageUnauthorized)
	case who.provider == "":
	case d.now().After(who.expires.Add(clockLeeway)):
		return nil, d.dialect.chained(codeTokenExpired, "Token expired, please provide a new token.", true, cause{"42NFF", "Access denied, see the security logs for details."})
	case who.generation != m.generation || !who.authorised.IsZero() && d.now().After(who.authorised):
		return nil, d.dialect.chained(codeAuthorizationOld, "OIDC authorization info expired.", true,
			cause{"42NFF", "Access denied, see the security logs for details."}, cause{"42NFE", "Authentication and/or authorization info expired."})
	}
	return who, nil
}

// route answers ROUTE.
func (m *member) route(p *principal, db, address string) (map[string]any, *Failure) {
	who, failure := m.identityOf(p)
	if failure != nil {
		return nil, failure
	}
	d := m.dbms
	d.mu.Lock()
	defer d.mu.Unlock()
	if db == "" {
		db = who.homeOf(d.live, m.home)
	}
	db = strings.ToLower(db)
	if db != systemDatabase && d.live.databases[db] == nil {
		return nil, d.dialect.chained(codeDatabaseNotFound, "Unable to get a routing table for database '"+db+"' because this database does not exist", false,
			cause{"22000", ""}, cause{"22N51", "A graph reference with the name `" + db + "` was not found. Verify that the spelling is correct."})
	}
	return m.routingTable(db, address), nil
}

// bookmark is the wire form of a transaction's number, opaque to clients.
func bookmark(db string, number int64) string {
	id := make([]byte, 16)
	id[15] = 1
	if db != systemDatabase {
		copy(id, "emulated-graph..")
	}
	data := append([]byte{0x93, 0xcc, 16}, id...)
	data = append(data, 0xcb)
	for shift := 56; shift >= 0; shift -= 8 {
		data = append(data, byte(number>>shift))
	}
	return "FB:" + base64.StdEncoding.EncodeToString(append(data, 0x90))
}
