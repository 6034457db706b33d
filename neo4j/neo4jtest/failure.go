package neo4jtest

import (
	"cmp"
	"slices"
	"strings"
)

// Codes of the wire's own failures (docs: Status codes for errors and notifications).
const (
	codeInvalid       = "Neo.ClientError.Request.Invalid"
	codeInvalidFormat = "Neo.ClientError.Request.InvalidFormat"
	codeUnknownError  = "Neo.DatabaseError.General.UnknownError"
)

// What 5.26 says of every error that it has no GQL status for.
const (
	defaultStatus      = "50N42"
	defaultDescription = "error: general processing exception - unexpected error. Unexpected error has occurred. See debug log for details."
)

// Completion statuses.
const (
	statusSuccess = "00000"
	statusOmitted = "00001"
	statusNoData  = "02000"
	statusUnread  = "02N42"
)

// failureMetadata tells a failure in the shape of version v: a code and a message up to 5.6, with GQL status and causes from 5.7.
func failureMetadata(v version, f *Failure) map[string]any {
	if !v.atLeast(5, 7) {
		return map[string]any{"code": f.Code, "message": f.Message}
	}
	m := statusMetadata(f, classification(f.Code))
	m["neo4j_code"] = f.Code
	m["message"] = f.Message
	return m
}

// statusMetadata is what a failure and its causes share. The diagnostic record holds only what differs from the protocol's defaults, and is left out with the
// statuses that stand for "unknown" (seen on Neo4j 5.26 Community).
func statusMetadata(f *Failure, class string) map[string]any {
	if f.GQLStatus == "" {
		return map[string]any{"gql_status": defaultStatus, "description": defaultDescription}
	}
	m := map[string]any{"gql_status": f.GQLStatus, "description": f.Description}
	if f.GQLStatus != defaultStatus && f.GQLStatus != "50N00" && !f.bare {
		record := map[string]any{"_classification": class}
		if f.GQLStatus == "51N27" { // whatever the code is
			record["_classification"] = "CLIENT_ERROR"
		}
		if f.Position != nil {
			record["_position"] = positionMetadata(f.Position)
		}
		m["diagnostic_record"] = record
	}
	if f.Cause != nil {
		cause := statusMetadata(f.Cause, class)
		cause["message"] = causeMessage(f.Cause)
		m["cause"] = cause
	}
	return m
}

// causeMessage is "<status>: <sentence>", or the bare status. The sentence may come with the status before it already.
func causeMessage(f *Failure) string {
	status := cmp.Or(f.GQLStatus, defaultStatus)
	if f.Message == "" || strings.HasPrefix(f.Message, status) {
		return cmp.Or(f.Message, status)
	}
	return status + ": " + f.Message
}

// classification is the class in a code's second part, in GQL's words.
func classification(code string) string {
	switch {
	case strings.HasPrefix(code, "Neo.TransientError."):
		return "TRANSIENT_ERROR"
	case strings.HasPrefix(code, "Neo.DatabaseError."):
		return "DATABASE_ERROR"
	default:
		return "CLIENT_ERROR"
	}
}

func positionMetadata(p *position) map[string]any {
	return map[string]any{"offset": p.offset, "line": p.line, "column": p.column}
}

// notificationMetadata is a notification as told up to 5.5.
func notificationMetadata(n notification) map[string]any {
	m := map[string]any{"code": n.code, "title": n.title, "description": n.description, "severity": n.severity, "category": n.category}
	if n.position != nil {
		m["position"] = positionMetadata(n.position)
	}
	return m
}

// statusObject is a notification as told from 5.6.
func statusObject(n notification) map[string]any {
	record := map[string]any{"_classification": n.category, "_severity": n.severity}
	if n.position != nil {
		record["_position"] = positionMetadata(n.position)
	}
	m := map[string]any{
		"gql_status": n.gqlStatus, "neo4j_code": n.code, "title": n.title, "status_description": n.statusDescription, "diagnostic_record": record,
	}
	if n.description != "" {
		m["description"] = n.description
	}
	return m
}

// completion says how a result ended. read says that the client pulled at least once.
func completion(r *result, read bool) map[string]any {
	status, text := statusSuccess, "note: successful completion"
	switch {
	case len(r.fields) == 0 || r.explained:
		status, text = statusOmitted, "note: successful completion - omitted result"
	case !read:
		status, text = statusUnread, "note: no data - unknown subcondition. Unknown GQLSTATUS from old server."
	case len(r.rows) == 0 && !r.show:
		status, text = statusNoData, "note: no data"
	}
	return map[string]any{"gql_status": status, "status_description": text}
}

// statuses lists completion and notifications: no data first, then warnings, then successes.
func statuses(r *result, read bool, notes []notification) []any {
	list := []map[string]any{completion(r, read)}
	for _, n := range notes {
		list = append(list, statusObject(n))
	}
	slices.SortStableFunc(list, func(a, b map[string]any) int { return cmp.Compare(statusRank(a), statusRank(b)) })
	out := make([]any, len(list))
	for i, m := range list {
		out[i] = m
	}
	return out
}

func statusRank(m map[string]any) int {
	status, _ := m["gql_status"].(string)
	switch {
	case strings.HasPrefix(status, "02"):
		return 0
	case strings.HasPrefix(status, "01"):
		return 1
	case strings.HasPrefix(status, "00"):
		return 2
	default:
		return 3
	}
}

// noteFilter leaves notifications out, as HELLO asks for a connection and RUN and BEGIN for a result (Bolt manual: from 5.2).
type noteFilter struct {
	minimum  string // OFF, WARNING or INFORMATION; "" for the server's default, all
	disabled []string
}

// over is f where it says something, else the connection's filter.
func (f noteFilter) over(connection noteFilter) noteFilter {
	out := noteFilter{minimum: cmp.Or(f.minimum, connection.minimum), disabled: connection.disabled}
	if f.disabled != nil {
		out.disabled = f.disabled
	}
	return out
}

func (f noteFilter) apply(notes []notification) []notification {
	var kept []notification
	for _, n := range notes {
		quiet := f.minimum == "OFF" || f.minimum == "WARNING" && n.severity != "WARNING"
		if !quiet && !slices.Contains(f.disabled, n.category) {
			kept = append(kept, n)
		}
	}
	return kept
}

// protocolError is a failure of the wire's own checks. 5.26 tells those about a session's state without a GQL status, later servers with one.
func protocolError(message string) *Failure {
	return &Failure{Code: codeInvalid, Message: message, GQLStatus: "08N06",
		Description: "error: connection exception - protocol error. General network protocol error."}
}

func formatError(message string) *Failure {
	return &Failure{Code: codeInvalidFormat, Message: message, GQLStatus: "08N06",
		Description: "error: connection exception - protocol error. General network protocol error."}
}

// wrongState adds the cause of a message that a state does not take.
func wrongState(f *Failure, message string, in state) *Failure {
	sentence := "Message " + message + " cannot be handled by session in the '" + string(in) + "' state."
	f.Cause = &Failure{GQLStatus: "08N10", Message: sentence, Description: "error: connection exception - invalid server state. " + sentence}
	return f
}

// stateError refuses a message of type kind ("PullMessage") in a state.
func stateError(agent, kind string, in state) *Failure {
	f := protocolError("Message of type " + kind + " cannot be handled by a session in the " + string(in) + " state.")
	if strings.HasPrefix(agent, "Neo4j/5.") {
		f.GQLStatus, f.Description = "", ""
		return f
	}
	return wrongState(f, kind, in)
}
