package neo4jtest

import (
	"errors"
	"strings"
	"time"
)

// state is where a session stands, by the names that servers use in their failures.
type state string

const (
	stateNegotiation    state = "NEGOTIATION"
	stateAuthentication state = "AUTHENTICATION"
	stateReady          state = "READY"
	stateAutoCommit     state = "AUTO_COMMIT"
	stateInTransaction  state = "IN_TRANSACTION"
	stateFailed         state = "FAILED"
)

// outcome is what becomes of the connection after a message.
type outcome int

const (
	keepOpen outcome = iota
	hangUp           // send what was answered, then close
	cutOff           // close at once, as a broken network would
)

// Limits of what one session may hold. A token with many groups is the largest thing that a login needs.
const (
	maxLoginMessage = 256 << 10
	maxMessage      = 16 << 20
	maxOpenResults  = 1024
)

// session is the server's side of one connection. One goroutine owns it.
type session struct {
	listener *listener
	wire     *wire
	codec    codec
	id       string
	loginBy  time.Time

	state  state
	user   *principal
	filter noteFilter
	tx     *openTx
	call   call // the message at hand
}

// openTx is a transaction with the results it still holds.
type openTx struct {
	transaction
	options    txOptions
	filter     noteFilter
	results    map[int64]*cursor
	next       int64    // qid of the next result
	statements []string // kept for faults only
}

// cursor is a result on its way to the client.
type cursor struct {
	*result
	sent    int
	read    bool // some rows were pulled, not discarded
	started time.Time
}

func newSession(l *listener, w *wire, v version, id string, loginBy time.Time) *session {
	return &session{
		listener: l, wire: w, codec: codec{version: v, utc: v.major >= 5}, id: id, loginBy: loginBy, state: stateNegotiation,
	}
}

// serve answers messages until either side ends the connection. An open transaction is undone.
func (s *session) serve() {
	defer s.undo()
	for {
		turn := s.user != nil && s.wire.r.Buffered() == 0
		data, err := s.read()
		if err != nil {
			return
		}
		if turn && s.listener.cfg.onTurn != nil {
			s.listener.cfg.onTurn()
		}
		if turn {
			time.Sleep(s.listener.cfg.latency)
		}
		switch s.answer(data) {
		case hangUp:
			s.undo() // now, not after the peer has taken its leave
			s.wire.linger()
			return
		case cutOff:
			return
		}
		if s.wire.w.Flush() != nil {
			return
		}
	}
}

// read waits for the next message, within the time the connection has.
func (s *session) read() ([]byte, error) {
	limit, deadline := maxMessage, time.Time{}
	switch {
	case s.user == nil:
		limit, deadline = maxLoginMessage, s.loginBy
	case s.listener.cfg.idleTime > 0:
		deadline = time.Now().Add(s.listener.cfg.idleTime)
	}
	if err := s.wire.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	return s.wire.readMessage(limit)
}

// answer handles one message and tells the observer of it.
func (s *session) answer(data []byte) outcome {
	req, kind, err := s.codec.decodeRequest(data)
	if errors.Is(err, errUnknownMessage) {
		return hangUp
	}
	s.call = call{connection: s.id, version: s.codec.version, message: kind.name}
	result := s.dispatch(req, kind, err)
	s.call.dropped = result == cutOff
	if s.user != nil {
		s.call.user = s.user.name
	}
	if s.listener.cfg.onCall != nil {
		s.listener.cfg.onCall(s.call)
	}
	return result
}

// dispatch puts the state machine's rules before the message's own.
func (s *session) dispatch(req request, kind messageKind, err error) outcome {
	_, leaving := req.(goodbyeMessage)
	_, reset := req.(resetMessage)
	var malformed *Failure
	switch {
	case leaving:
		return hangUp
	case errors.As(err, &malformed):
		return s.malformed(malformed)
	case err != nil:
		return hangUp
	case s.state == stateFailed && kind.name == "LOGOFF":
		s.tell(wrongState(protocolError("Message 'LogoffMessage{}' cannot be handled by session in the READY state"), "LogoffMessage{}", stateReady))
		return hangUp
	case s.state == stateFailed && (!reset || s.user == nil):
		s.call.ignored = true
		return s.send(tagIgnored)
	case !s.state.allows(req):
		s.tell(stateError(s.listener.backend.agent(), kind.class, s.state))
		return hangUp
	default:
		return s.handle(req)
	}
}

// malformed refuses a message whose fields are wrong. On 5.26 no state sees it and the session stays as it is; later servers' sessions fail, before a login for
// good (seen on Neo4j 5.26 and 2026.08 Community).
func (s *session) malformed(f *Failure) outcome {
	if !strings.HasPrefix(s.listener.backend.agent(), "Neo4j/5.") {
		s.undo()
		s.state = stateFailed
	}
	return s.tell(f)
}

// allows is the table of the state machine; FAILED is dealt with before.
func (st state) allows(req request) bool {
	switch req.(type) {
	case helloMessage:
		return st == stateNegotiation
	case logonMessage:
		return st == stateAuthentication
	case logoffMessage, telemetryMessage, beginMessage, routeMessage:
		return st == stateReady
	case runMessage:
		return st == stateReady || st == stateInTransaction
	case pullMessage, discardMessage:
		return st == stateAutoCommit || st == stateInTransaction
	case commitMessage, rollbackMessage:
		return st == stateInTransaction
	case resetMessage:
		return st != stateNegotiation && st != stateAuthentication
	default:
		return false
	}
}

func (s *session) handle(req request) outcome {
	switch m := req.(type) {
	case helloMessage:
		return s.hello(m)
	case logonMessage:
		return s.logon(m.auth, map[string]any{})
	case logoffMessage:
		s.user, s.state, s.loginBy = nil, stateAuthentication, time.Now().Add(s.listener.cfg.loginTime)
		return s.succeed(nil)
	case runMessage:
		return s.run(m)
	case beginMessage:
		return s.begin(m)
	case pullMessage:
		return s.fetch(m.fetch, true)
	case discardMessage:
		return s.fetch(m.fetch, false)
	case commitMessage:
		return s.commit()
	case routeMessage:
		return s.route(m)
	case rollbackMessage, resetMessage:
		s.undo()
		s.state = stateReady
		return s.succeed(nil)
	default: // telemetry is accepted and forgotten
		return s.succeed(nil)
	}
}

// hello greets. Up to 5.0 it is the login too.
func (s *session) hello(m helloMessage) outcome {
	v := s.codec.version
	meta := map[string]any{"server": s.listener.backend.agent(), "connection_id": s.id}
	hints := map[string]any{"connection.recv_timeout_seconds": 120}
	if v.atLeast(5, 8) {
		hints["ssr.enabled"] = true
	}
	meta["hints"] = hints
	s.filter = m.filter
	if m.utc {
		s.codec.utc = true
		meta["patch_bolt"] = []string{"utc"}
	}
	if m.auth != nil {
		return s.logon(m.auth, meta)
	}
	s.state = stateAuthentication
	return s.succeed(meta)
}

// logon checks credentials; any refusal ends the connection.
func (s *session) logon(auth, meta map[string]any) outcome {
	for _, v := range auth {
		if v == nil {
			return hangUp // without a FAILURE (seen on Neo4j 5.26 Community)
		}
	}
	user, f := s.listener.backend.login(auth)
	if f != nil {
		return s.fail(f)
	}
	s.user, s.state = user, stateReady
	if user.credentialsExpired {
		meta["credentials_expired"] = true
	}
	if s.codec.version.atLeast(5, 8) {
		meta["advertised_address"] = s.listener.backend.address()
	}
	return s.succeed(meta)
}

func (s *session) route(m routeMessage) outcome {
	s.call.db = m.db
	if m.impersonate != "" { // whoever may be impersonated may be routed for
		tx, f := s.listener.backend.begin(s.user, txOptions{impersonate: m.impersonate, mode: "r"})
		if f != nil {
			return s.fail(f)
		}
		tx.rollback()
	}
	table, f := s.listener.backend.route(s.user, m.db, m.address)
	if f != nil {
		return s.fail(f)
	}
	switch {
	case !s.codec.version.atLeast(4, 4):
		delete(table, "db")
	case m.db != "":
		table["db"] = m.db // as it was asked for
	}
	return s.succeed(map[string]any{"rt": table})
}

// fail tells a failure and undoes the transaction: until RESET nothing else could become of it. Before a login it ends the connection.
func (s *session) fail(f *Failure) outcome {
	s.undo()
	result := s.tell(f)
	if s.user == nil {
		return hangUp
	}
	s.state = stateFailed
	return result
}

// undo rolls back what is open.
func (s *session) undo() {
	if s.tx != nil {
		s.tx.rollback()
		s.tx = nil
	}
}

func (s *session) tell(f *Failure) outcome {
	s.call.failure = f.Code
	return s.send(tagFailure, failureMetadata(s.codec.version, f))
}

func (s *session) succeed(meta map[string]any) outcome { return s.send(tagSuccess, orEmpty(meta)) }

// send buffers one message. A value without a form in PackStream is the backend's mistake and told as a failure; it leaves no half message behind.
func (s *session) send(tag byte, fields ...any) outcome {
	e := encoder{codec: s.codec}
	if err := e.structure(structure{tag, fields}); err != nil {
		if tag == tagFailure {
			return cutOff
		}
		return s.fail(&Failure{Code: codeUnknownError, Message: err.Error()})
	}
	if s.wire.writeMessage(e.buf) != nil {
		return cutOff
	}
	return keepOpen
}

// inject asks for a fault at ev. Not ok means that the message is answered, with the outcome.
func (s *session) inject(ev event) (result outcome, ok bool) {
	if s.listener.cfg.fault == nil {
		return keepOpen, true
	}
	ev.connection, ev.user = s.id, s.user.name
	fault := s.listener.cfg.fault(ev)
	if fault.notify != nil {
		fault.notify()
	}
	if fault.delay > 0 {
		timer := time.NewTimer(fault.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.listener.done:
			return cutOff, false
		}
	}
	switch {
	case fault.drop:
		return cutOff, false
	case fault.failure != nil:
		return s.fail(fault.failure), false
	default:
		return keepOpen, true
	}
}

// ranStatements is the text of a transaction for faults.
func (tx *openTx) ranStatements() string { return strings.Join(tx.statements, ";\n") }
