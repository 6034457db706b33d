package neo4j

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"keymaker/reconcile"
)

// ConnectError says that nothing can be done with a server at all: it is not there, is not Neo4j Enterprise, or does not let the user in.
type ConnectError struct {
	Server string // its URI, without credentials
	Reason string // what is wrong
	Remedy string // what to do, one or more sentences
	Err    error  // the cause, when there is one
}

// Error is "server: reason. Remedy".
func (e *ConnectError) Error() string {
	s := e.Reason
	if e.Server != "" {
		s = e.Server + ": " + s
	}
	if e.Remedy != "" {
		s += ". " + e.Remedy
	}
	return s
}

// Unwrap gives the cause.
func (e *ConnectError) Unwrap() error { return e.Err }

// The codes that Keymaker tells apart (Status Codes, "Neo4j errors"). Messages differ between versions, and 5.26 gives most errors one GQL status.
const (
	codeUnauthorized = "Neo.ClientError.Security.Unauthorized"
	codeRateLimit    = "Neo.ClientError.Security.AuthenticationRateLimit"
	codeExpired      = "Neo.ClientError.Security.CredentialsExpired"
	codeTokenExpired = "Neo.ClientError.Security.TokenExpired"
	codeForbidden    = "Neo.ClientError.Security.Forbidden"
	codeNotALeader   = "Neo.ClientError.Cluster.NotALeader"
	codeUnsupported  = "Neo.ClientError.Statement.UnsupportedAdministrationCommand"
	codeArgument     = "Neo.ClientError.Statement.ArgumentError"
	codeNoDatabase   = "Neo.ClientError.Database.DatabaseNotFound"
	codeNoProcedure  = "Neo.ClientError.Procedure.ProcedureNotFound"
)

// serverError is a server's answer that is no.
type serverError struct {
	code, message string
	causes        []string // "42N13: error: ...", outermost first; none before Bolt 5.7
	passing       bool     // another try may go through
}

// Error gives code and message as the server sent them.
func (e *serverError) Error() string { return e.code + ": " + e.message }

// lostError is no answer at all.
type lostError struct {
	text  string
	final bool // another try will not help
	err   error
}

// Error says how the connection ended.
func (e *lostError) Error() string { return e.text }

// Unwrap gives the driver's error.
func (e *lostError) Unwrap() error { return e.err }

// refused says whether a server said no, as opposed to nothing.
func refused(err error) bool {
	var no *serverError
	return errors.As(err, &no)
}

// codeOf is the Neo4j code of an error, "" when no server sent it.
func codeOf(err error) string {
	var no *serverError
	if errors.As(err, &no) {
		return no.code
	}
	return ""
}

// messageOf is the server's message, "" when no server sent one.
func messageOf(err error) string {
	var no *serverError
	if errors.As(err, &no) {
		return no.message
	}
	return ""
}

// explain makes the driver's error one that says what happened where, and what to do.
func (c *client) explain(uri, statement string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %s: %w", uri, statement, err)
	}
	var answer *serverError
	if !errors.As(err, &answer) {
		return c.unreachable(uri, statement, err)
	}
	no := &ConnectError{Server: uri, Err: err}
	switch {
	case c.byToken() && answer.code == codeUnauthorized:
		no.Reason = "Neo4j refuses the token from " + c.token.Origin()
		no.Remedy = "It is from another issuer or for another audience than the provider's, has expired, or no provider is configured; the server's security.log says which."
		return no
	case answer.code == codeTokenExpired:
		no.Reason = "the token from " + c.token.Origin() + " has expired"
		no.Remedy = "Get a new one and run the same command again: it looks first, and goes on."
		return no
	}
	switch answer.code {
	case codeUnauthorized:
		no.Reason = fmt.Sprintf("Neo4j refuses the login of user %q", c.username)
		no.Remedy = fmt.Sprintf("The password came from %s. Correct it, or the user name (%s, or username in the connection block).", c.password.Origin(), reconcile.Variable("NEO4J_USERNAME", c.connection))
	case codeRateLimit:
		no.Reason = fmt.Sprintf("too many failed logins of user %q: Neo4j takes none for a few seconds, also with the right password", c.username)
		no.Remedy = "Wait for the time of dbms.security.auth_lock_time (5 s unless set), and look for who else logs in with a wrong password."
	case codeExpired:
		no.Reason = fmt.Sprintf("the password of user %q has to be changed before it can be used", c.username)
		no.Remedy = "Log in with cypher-shell or Browser and run ALTER CURRENT USER SET PASSWORD FROM 'old' TO 'new' on the system database, then give Keymaker the new one."
	case codeUnsupported:
		if !c.isEnterprise() && !onAura(uri) {
			return communityEdition(uri, err)
		}
		no.Reason = "this server, which is not Community Edition, does not have the command: " + answer.message // as Aura, under whatever name it is reached
		no.Remedy = "Aura Free and Professional have no roles and privileges of one's own: that takes Business Critical or a Virtual Dedicated Cloud."
	default:
		return refusal(statement, answer)
	}
	return no
}

func refusal(statement string, no *serverError) *reconcile.Refusal {
	r := &reconcile.Refusal{Call: statement, Answer: no.Error(), Causes: no.causes, Err: no}
	switch no.code {
	case codeNotALeader:
		r.Remedy = "Use a neo4j:// URI, so that writes are routed to the leader of the system database."
	case codeForbidden:
		r.Remedy = "Run SHOW USER PRIVILEGES as this user, and have the missing privilege granted."
	}
	return r
}

// unreachable explains an error that no server sent.
func (c *client) unreachable(uri, statement string, err error) error {
	text := err.Error()
	no := &ConnectError{Server: uri, Err: err}
	switch {
	case strings.Contains(text, "server responded HTTP"):
		no.Reason = "that port speaks HTTP, not Bolt"
		no.Remedy = "Neo4j's Bolt port is 7687 unless configured otherwise; 7474 and 7473 are for browsers."
	case strings.Contains(text, "x509") || strings.Contains(text, "tls:") || strings.Contains(strings.ToLower(text), "tls"):
		no.Reason = "no TLS connection: " + text
		no.Remedy = "Give the CA of the server's certificate with --ca-file or SSL_CERT_FILE; for a server without TLS on this machine use bolt:// or neo4j://."
	case closed(text) && c.hasSpoken(uri):
		no.Reason = "the connection was lost at " + firstLine(statement) + ": " + text
		no.Remedy = "Run the same command again: it looks first, and goes on."
	case closed(text):
		no.Reason = "the server closed the connection without a word of Bolt"
		no.Remedy = "Is this Neo4j, and its Bolt port (7687)? A server that requires TLS closes plain connections: try neo4j+s:// or bolt+s://."
	case strings.HasPrefix(text, "Timeout while waiting for connection"):
		no.Reason = "something listens there and does not answer in Bolt"
		no.Remedy = "Is this Neo4j's Bolt port (7687)? 7474 and 7473 speak HTTP. A firewall that swallows packets looks the same."
	case strings.Contains(text, "server did not accept any of the requested Bolt versions") || strings.Contains(text, "unsupported version"):
		no.Reason = "this server speaks no Bolt version that Keymaker knows"
		no.Remedy = "Keymaker needs Neo4j 5.26 or newer."
	default:
		no.Reason = "cannot be reached: " + text
		no.Remedy = "Check the URI (" + reconcile.Variable("NEO4J_URI", c.connection) + ", or uri in the connection block), and that the server runs and can be reached from here."
	}
	return no
}

// closed says whether a connection ended from the other side.
func closed(text string) bool {
	return strings.Contains(text, "EOF") || strings.Contains(text, "connection reset") || strings.Contains(text, "broken pipe")
}

// onAura says whether a server is one of Neo4j's own cloud.
func onAura(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && strings.HasSuffix(strings.ToLower(u.Hostname()), ".databases.neo4j.io")
}

// communityEdition is the one error for a server without roles.
func communityEdition(uri string, err error) error {
	return &ConnectError{
		Server: uri,
		Reason: "this is Neo4j Community Edition, which has no roles, privileges or OpenID Connect providers",
		Remedy: "Keymaker needs Enterprise Edition, or an Aura tier with roles.",
		Err:    err,
	}
}
