package neo4jtest

import (
	"fmt"
	"strings"
)

// Codes of the DBMS (docs: Status codes for errors and notifications).
const (
	codeSyntaxError       = "Neo.ClientError.Statement.SyntaxError"
	codeSemanticError     = "Neo.ClientError.Statement.SemanticError"
	codeArgumentError     = "Neo.ClientError.Statement.ArgumentError"
	codeTypeError         = "Neo.ClientError.Statement.TypeError"
	codeParameterMissing  = "Neo.ClientError.Statement.ParameterMissing"
	codeAccessMode        = "Neo.ClientError.Statement.AccessMode"
	codeNotALeader        = "Neo.ClientError.Cluster.NotALeader"
	codeBookmarkTimeout   = "Neo.TransientError.Transaction.BookmarkTimeout"
	codeUnsupportedAdmin  = "Neo.ClientError.Statement.UnsupportedAdministrationCommand"
	codeConstraint        = "Neo.ClientError.Schema.ConstraintValidationFailed"
	codeForbidden         = "Neo.ClientError.Security.Forbidden"
	codeUnauthorized      = "Neo.ClientError.Security.Unauthorized"
	codeRateLimit         = "Neo.ClientError.Security.AuthenticationRateLimit"
	codeCredentialsExpire = "Neo.ClientError.Security.CredentialsExpired"
	codeAuthorizationOld  = "Neo.ClientError.Security.AuthorizationExpired"
	codeTokenExpired      = "Neo.ClientError.Security.TokenExpired"
	codeDatabaseNotFound  = "Neo.ClientError.Database.DatabaseNotFound"
	codeDatabaseExists    = "Neo.ClientError.Database.ExistingDatabaseFound"
	codeTransactionType   = "Neo.ClientError.Transaction.ForbiddenDueToTransactionType"
	codeProcedureNotFound = "Neo.ClientError.Procedure.ProcedureNotFound"
	codeProcedureFailed   = "Neo.ClientError.Procedure.ProcedureCallFailed"
	codeProviderFailed    = "Neo.TransientError.Security.AuthProviderFailed"
	codeProviderTimeout   = "Neo.TransientError.Security.AuthProviderTimeout"
	codeTxTimedOut        = "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration"
	codeDeadlock          = "Neo.TransientError.Transaction.DeadlockDetected"
	codeExecutionFailed   = "Neo.DatabaseError.Statement.ExecutionFailed"
)

// conditions are the words between "error: " and the sentence of a GQL status description.
var conditions = map[string]string{
	"22000": "data exception", "22N04": "data exception - invalid input value", "22N05": "data exception - input failed validation",
	"22N06": "data exception - required input missing", "22N10": "data exception - invalid pre-parser option value", "22N27": "data exception - invalid entity type",
	"22G03": "data exception - invalid value type", "22N51": "data exception - graph reference not found",
	"22N82": "data exception - input contains invalid characters", "22N85": "data exception - string too short",
	"22N89": "data exception - new password cannot be the same as the old password", "22NB6": "data exception - input empty",
	"22NA0": "data exception - invalid property based access control rule", "22NA7": "data exception - property rule expression not supported",
	"22ND1": "data exception - role is granted to an auth rule", "22ND2": "data exception - role has a denied privilege",
	"25N01": "invalid transaction state - invalid combination of statement types", "08N03": "connection exception - failed to write to graph",
	"42001": "syntax error or access rule violation - invalid syntax", "42002": "syntax error or access rule violation - invalid reference",
	"42I06": "syntax error or access rule violation - invalid input", "42I15": "syntax error or access rule violation - invalid number of statements", "42N79": "syntax error or access rule violation - invalid USE clause",
	"42N00": "syntax error or access rule violation - graph reference not found", "42N02": "syntax error or access rule violation - writing in read access mode",
	"42N08": "syntax error or access rule violation - no such procedure", "42N09": "syntax error or access rule violation - no such user",
	"42N10": "syntax error or access rule violation - no such role", "42N11": "syntax error or access rule violation - database or alias already exists",
	"42N12": "syntax error or access rule violation - user already exists", "42N13": "syntax error or access rule violation - role already exists",
	"42N14": "syntax error or access rule violation - invalid use of command", "42N15": "syntax error or access rule violation - invalid reference to a reserved name",
	"42N62": "syntax error or access rule violation - variable not defined", "42N17": "syntax error or access rule violation - unsupported request", "42N19": "syntax error or access rule violation - duplicate clause",
	"42N45": "syntax error or access rule violation - unexpected end of input", "42N51": "syntax error or access rule violation - invalid parameter",
	"42N81": "syntax error or access rule violation - missing request parameter", "42N92": "syntax error or access rule violation - cannot combine old and new auth provider syntax", "42N94": "syntax error or access rule violation - incomplete ALTER USER command",
	"42N95": "syntax error or access rule violation - provider and id already in use", "42N96": "syntax error or access rule violation - user has no auth provider",
	"42N97": "syntax error or access rule violation - missing mandatory auth clause", "42N98": "syntax error or access rule violation - cannot modify own user",
	"42N99": "syntax error or access rule violation - cannot delete own user", "42NA8": "syntax error or access rule violation - failed administration command",
	"42NA9": "syntax error or access rule violation - system database rules",
	"42NFD": "syntax error or access rule violation - credentials expired", "42NFE": "syntax error or access rule violation - authorization info expired",
	"42NFF": "syntax error or access rule violation - permission/access denied", "42I67": "syntax error or access rule violation - unsupported language feature",
	"08N07": "connection exception - not the leader", "08N13": "connection exception - request timeout",
	"51N27": "system configuration or operation exception - not supported in this edition",
	"51N26": "system configuration or operation exception - not supported", "50N42": "general processing exception - unexpected error", "51N31": "system configuration or operation exception - not supported",
}

// cause is one inner status of a failure.
type cause struct{ gql, sentence string }

// statusText is a description, as "error: <condition>. <sentence>".
func statusText(gql, sentence string) string {
	text := "error: " + conditions[gql]
	if conditions[gql] == "" {
		text = "error: syntax error or access rule violation - " + gql
	}
	if sentence != "" {
		text += ". " + sentence
	}
	return text
}

// chained is a failure with GQL statuses, outermost first. 5.26 sends most failures without any: on5 says that it sends this one's.
func (d dialect) chained(code, message string, on5 bool, chain ...cause) *Failure {
	f := &Failure{Code: code, Message: message}
	if !d.calendar && !on5 {
		return f
	}
	at := f
	for i, c := range chain {
		if i > 0 {
			at.Cause = &Failure{Message: c.sentence}
			at = at.Cause
		}
		at.GQLStatus, at.Description = c.gql, statusText(c.gql, c.sentence)
		at.bare = !d.calendar && c.gql == "22G03"
	}
	return f
}

// failure makes a parser's refusal a Failure, with the place in the text as real servers write it.
func (e *syntaxError) failure(d dialect, src source) *Failure {
	code := e.code
	if code == "" {
		code = codeSyntaxError
	}
	if code == CodeNotEmulated {
		return &Failure{Code: code, Message: e.message}
	}
	message, place := e.message, placeOf(src, e.offset)
	if !e.noPlace {
		message += fmt.Sprintf(" (line %d, column %d (offset: %d))\n\"%s\"\n%s^", place.line, place.column, place.offset,
			lineAt(src, e.offset), strings.Repeat(" ", int(place.column)))
	}
	outer, inner := e.outer, e.gql
	if outer == "" {
		outer = "42001"
	}
	if inner == "" {
		inner = "42I06"
	}
	sentence := e.sentence
	if sentence == "" {
		sentence = e.message
	}
	chain := []cause{{inner, sentence}}
	if inner != outer {
		chain = []cause{{outer, ""}, {inner, sentence}}
	}
	f := d.chained(code, message, e.on5, chain...)
	if !e.noPlace && !(inner == outer && e.on5) { // which real servers leave out there
		f.Position = place
		if f.Cause != nil {
			f.Cause.Position = place
		}
	}
	return f
}

func placeOf(src source, offset int) *position {
	p := &position{offset: int64(offset), line: 1, column: 1}
	for _, r := range src.runes[:min(offset, len(src.runes))] {
		p.column++
		if r == '\n' {
			p.line, p.column = p.line+1, 1
		}
	}
	return p
}

// lineAt is the line of the text that holds offset.
func lineAt(src source, offset int) string {
	offset = min(offset, len(src.runes))
	start, end := offset, offset
	for start > 0 && src.runes[start-1] != '\n' {
		start--
	}
	for end < len(src.runes) && src.runes[end] != '\n' {
		end++
	}
	return src.slice(start, end)
}

func (d dialect) argument(message string, on5 bool, chain ...cause) *Failure {
	return d.chained(codeArgumentError, message, on5, chain...)
}

func (d dialect) forbidden(message string) *Failure {
	return d.chained(codeForbidden, message, true, cause{"42NFF", "Access denied, see the security logs for details."})
}

func userMissing(user string) cause {
	return cause{"42N09", "A user with the name `" + user + "` was not found. Verify that the spelling is correct."}
}

func userExists(user string) cause {
	return cause{"42N12", "A user with the name `" + user + "` already exists."}
}

func roleMissing(role string) cause {
	return cause{"42N10", "A role with the name `" + role + "` was not found. Verify that the spelling is correct."}
}

func roleExists(role string) cause {
	return cause{"42N13", "A role with the name `" + role + "` already exists."}
}

func databaseMissing(db string) cause {
	return cause{"42N00", "A graph reference with the name `" + db + "` was not found. Verify that the spelling is correct."}
}

var invalidSyntax = cause{gql: "42001"}
