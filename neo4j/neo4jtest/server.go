package neo4jtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Editions of a Server.
const (
	EditionEnterprise = "enterprise"
	EditionCommunity  = "community" // no roles, no privileges, no OIDC: such commands are answered as Community does
	EditionAura       = "aura"      // Aura Business Critical: no settings, nothing immutable
	EditionAuraFree   = "aura-free" // Aura Free and Professional: besides no roles or privileges of one's own, and users with passwords only
)

// defaultVersion is the version of a Server that names none.
const defaultVersion = "5.26.30"

// Server is an emulated Neo4j DBMS. The zero value is usable: set fields, then Start. Fields must not change between Start and Close.
type Server struct {
	Addr       string       // Bolt listen address; "127.0.0.1:0" when empty. Members beyond the first listen on free ports of the same host.
	Advertised string       // address told in routing tables and by Bolt 5.8; each member's own when empty
	TLS        *tls.Config  // nil for plain Bolt
	Version    string       // "5.26.30" when empty; "2026.08.1" and other calendar versions behave as those
	Bolt       []string     // the versions of Bolt that it speaks, as "5.4"; when empty, those of Neo4j 5.26
	Edition    string       // EditionEnterprise when empty
	StateFile  string       // security store and data as JSON, read at Start when it exists and written (0600, atomically) with every commit; those of a store that takes more than milliseconds to write are gathered for a moment
	ConfFile   string       // neo4j.conf, read at Start and at Restart; a missing file is an empty one
	Password   string       // initial password of user neo4j, of no effect on a StateFile that exists; when empty it is "neo4j" and must be changed
	Members    int          // servers of the DBMS; 1 when 0. They share the store and have each their own memory of settings. The first leads until Lead.
	HTTPClient *http.Client // fetches discovery documents, keys and user info; a client with a time limit when nil
	Clock      func() time.Time
	Lag        time.Duration // how far members that do not lead are behind, for whoever comes without a bookmark of what he waits for
	Latency    time.Duration // delays each turn of a client that is logged on: a message, or several sent together

	// SecurityLog is a file that the security log is added to, "" for none; it is made with mode 0600. Its layout is LayoutPlain unless SecurityLogLayout is LayoutJSON.
	SecurityLog, SecurityLogLayout string

	URL  string   // of the first member, set by Start: "bolt://127.0.0.1:PORT" (with TLS "bolt+s://…")
	URLs []string // of all members, set by Start

	mu      sync.Mutex
	dbms    *dbms
	members []*running
}

// running is a member with its port.
type running struct {
	member   *member
	listener *listener
	port     *port // kept over restarts
	served   chan error
}

// Call is a statement that the server was sent, in order of arrival. Parameters are never kept, and literals that hold passwords are masked.
type Call struct {
	User      string
	Database  string // as the session named it; "" for the home database
	Member    int    // index of the member that ran it
	Statement string
	Rows      int    // records of the result
	Failure   string // code of the refusal, "" for success
	// Transaction counts transactions from 1, over all members: calls with one number ran in one. An auto-commit statement is one by itself.
	Transaction int64
}

// Fault is an accident to be had by statements whose text contains Match, or by their commit.
type Fault struct {
	Match   string        // case-sensitive; "" matches every statement
	Nth     int           // only the nth match from now (1 is the first); 0 for every one
	After   bool          // when the effect is there: the answer of the commit (of an auto-commit statement: of its result's end) is lost
	Commit  bool          // before the commit, and not before the statement; of an auto-commit statement too
	Delay   time.Duration // wait first
	Drop    bool          // close the connection without an answer
	Failure *Failure      // answer with this instead
	Notify  func()        // called when the fault's moment has come; the call goes on when it returns

	seen int
}

// Start opens the store, reads ConfFile and listens. It fails with the server's own words for unknown or doubled keys, bad values and providers that lack what
// they need.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dbms != nil {
		return errors.New("neo4jtest: start: already started")
	}
	d, err := s.newDBMS()
	if err != nil {
		return fmt.Errorf("neo4jtest: start: %w", err)
	}
	s.dbms = d
	for i := range max(s.Members, 1) {
		if err := s.startMember(i, s.firstAddress(i)); err != nil {
			s.stopAll()
			s.dbms, s.members = nil, nil
			return fmt.Errorf("neo4jtest: start: %w", err)
		}
	}
	s.publish()
	return nil
}

func (s *Server) firstAddress(i int) string {
	addr := s.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	if i == 0 {
		return addr
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr // Listen tells what is wrong
	}
	return net.JoinHostPort(host, "0")
}

func (s *Server) newDBMS() (*dbms, error) {
	d := &dbms{version: s.Version, edition: s.Edition, now: s.Clock, lag: s.Lag, failures: map[string]*loginFailures{}}
	if d.version == "" {
		d.version = defaultVersion
	}
	if d.edition == "" {
		d.edition = EditionEnterprise
	}
	if d.now == nil {
		d.now = time.Now
	}
	if !slices.Contains([]string{EditionEnterprise, EditionCommunity, EditionAura, EditionAuraFree}, d.edition) {
		return nil, fmt.Errorf("edition %q is none of enterprise, community, aura, aura-free", d.edition)
	}
	major, _, _ := strings.Cut(d.version, ".")
	switch {
	case major == "5":
		d.dialect = dialect{language: 5}
	case len(major) == 4 && major >= "2025" && atLeast(major) >= 2025:
		d.dialect = dialect{calendar: true, language: 5}
	default:
		return nil, fmt.Errorf("version %q is neither 5.x nor a calendar version", d.version)
	}
	if err := s.chooseLanguage(d); err != nil {
		return nil, err
	}
	password, change := s.Password, false
	if password == "" {
		password, change = "neo4j", true
	}
	live, err := openState(s.StateFile, password, change)
	if err != nil {
		return nil, err
	}
	d.live = live
	if err := d.openSecurityLog(s.SecurityLog, s.SecurityLogLayout); err != nil {
		return nil, err
	}
	if s.StateFile != "" {
		d.keeper = &keeper{file: s.StateFile}
		d.persist = d.keeper.keep
	}
	return d, nil
}

// chooseLanguage gives the databases their default language, which db.query.default_language decides when they are made and no restart changes.
func (s *Server) chooseLanguage(d *dbms) error {
	conf, err := readConf(s.ConfFile)
	if err != nil {
		return err
	}
	for _, e := range conf {
		if d.dialect.calendar && e.key == settingLanguage && strings.EqualFold(strings.TrimSpace(e.value), "CYPHER_25") {
			d.dialect.language = 25
		}
	}
	return nil
}

// startMember reads the configuration and listens: on address at a member's first start, on the port that it has afterwards.
func (s *Server) startMember(i int, address string) error {
	conf, err := readConf(s.ConfFile)
	if err != nil {
		return err
	}
	settings, err := openSettings(s.dbms.dialect, conf)
	if err != nil {
		return err
	}
	versions, err := boltVersions(s.Bolt)
	if err != nil {
		return err
	}
	at, err := s.portOf(i, address)
	if err != nil {
		return err
	}
	advertised := s.Advertised
	if advertised == "" {
		advertised = at.address()
	}
	m := newMember(s.dbms, settings, advertised, s.HTTPClient)
	m.index = i
	l := newListener(wireConfig{versions: versions, tls: s.TLS, fault: s.dbms.wireFault, onTurn: s.dbms.turned, latency: s.Latency}, m)
	run := &running{member: m, listener: l, port: at, served: make(chan error, 1)}
	socket := at.listen()
	go func() { run.served <- l.serve(socket) }()
	if i < len(s.members) {
		s.members[i] = run
	} else {
		s.members = append(s.members, run)
	}
	return nil
}

// portOf is the port that a member has had since its last start, or a new one at address when there was none or it was given back.
func (s *Server) portOf(i int, address string) (*port, error) {
	if i < len(s.members) && s.members[i].port.open() {
		return s.members[i].port, nil
	}
	return openPort(address)
}

// publish sets the URLs. After a restart they are what they were, and are left alone: whoever knows the server may read them meanwhile.
func (s *Server) publish() {
	scheme := "bolt://"
	if s.TLS != nil {
		scheme = "bolt+s://"
	}
	s.dbms.mu.Lock()
	defer s.dbms.mu.Unlock()
	var urls []string
	s.dbms.addresses = nil
	for _, m := range s.members {
		urls = append(urls, scheme+m.port.address())
		s.dbms.addresses = append(s.dbms.addresses, m.member.advertised)
	}
	if !slices.Equal(urls, s.URLs) {
		s.URL, s.URLs = urls[0], urls
	}
}

// Restart restarts every member, one after the other, as RestartMember does.
func (s *Server) Restart() error {
	for i := range max(s.Members, 1) {
		if err := s.RestartMember(i); err != nil {
			return err
		}
	}
	return nil
}

// RestartMember closes a member's connections and starts it again on the same port: ConfFile is read again, what dbms.setConfigValue changed is lost. When the
// configuration is refused the member stays down, as a real server would, and its port is closed; call it again once the file is mended.
func (s *Server) RestartMember(i int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dbms == nil || i < 0 || i >= len(s.members) {
		return fmt.Errorf("neo4jtest: restart: no member %d is running", i)
	}
	m := s.members[i]
	m.listener.close()
	if err := s.startMember(i, m.port.address()); err != nil {
		return errors.Join(fmt.Errorf("neo4jtest: restart: %w", err), m.port.close()) // nobody listens where no server runs
	}
	s.publish()
	return nil
}

// Close ends every connection, undoing open transactions. The state file, if any, stays. It may be called twice.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.stopAll()
	if s.dbms != nil && s.dbms.keeper != nil {
		err = errors.Join(err, s.dbms.keeper.flush())
	}
	s.dbms, s.members = nil, nil
	return err
}

func (s *Server) stopAll() error {
	var errs []error
	for _, m := range s.members {
		m.listener.close()
	}
	for _, m := range s.members {
		select {
		case err := <-m.served:
			errs = append(errs, err)
		default: // closed by a restart that failed
		}
		errs = append(errs, m.port.close())
	}
	if s.dbms != nil && s.dbms.logFile != nil {
		errs = append(errs, s.dbms.logFile.Close())
	}
	return errors.Join(errs...)
}

// current is the running DBMS, nil before Start and after Close.
func (s *Server) current() *dbms {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dbms
}

// Calls lists the statements since Start or ResetCalls.
func (s *Server) Calls() []Call {
	d := s.current()
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.calls)
}

// ResetCalls forgets the statements so far.
func (s *Server) ResetCalls() {
	if d := s.current(); d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.calls = nil
	}
}

// Turns counts how often, since Start, a logged-in client stopped to wait for answers and then spoke again: the round trips that its sessions took, whatever
// number of messages went with each. What went together may count as more than one where the network delivers it in pieces that end just where a message does.
func (s *Server) Turns() int64 {
	d := s.current()
	if d == nil {
		return 0
	}
	return d.turns.Load()
}

// Fault arranges an accident. Several may be waiting; the first that matches happens.
func (s *Server) Fault(f Fault) {
	if d := s.current(); d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.faults = append(d.faults, &f)
	}
}

// ResetFaults takes back every accident that was arranged.
func (s *Server) ResetFaults() {
	if d := s.current(); d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.faults = nil
	}
}

// DebugLog is the security log as lines of the plain layout: logins, administration commands, refusals for want of a privilege, failed logins with the reason that the
// client is not told, and a token's claims where
// dbms.security.logs.oidc.jwt_claims_at_debug_level_enabled is set.
func (s *Server) DebugLog() []string {
	d := s.current()
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.logLines)
}

// Snapshot is users, roles, privileges, databases and data as JSON: the same store always gives the same bytes. Passwords are in it as salted hashes.
func (s *Server) Snapshot() ([]byte, error) {
	d := s.current()
	if d == nil {
		return nil, errors.New("neo4jtest: snapshot: not started")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return encodeState(d.live)
}

// Seed replaces the whole store by a snapshot, or by JSON of the same shape written by hand. Open sessions go on with what is then there.
func (s *Server) Seed(data []byte) error {
	d := s.current()
	if d == nil {
		return errors.New("neo4jtest: seed: not started")
	}
	next, err := decodeState(data)
	if err != nil {
		return fmt.Errorf("neo4jtest: seed: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.persist != nil {
		if err := d.persist(next); err != nil {
			return fmt.Errorf("neo4jtest: seed: %w", err)
		}
	}
	d.committed(next)
	return nil
}
