package oktatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// reply is what a handler answers: a status, extra headers, and a body to be encoded as JSON (none when nil).
type reply struct {
	status int
	header http.Header
	body   any
}

func ok(body any) (reply, error)      { return reply{status: http.StatusOK, body: body}, nil }
func created(body any) (reply, error) { return reply{status: http.StatusCreated, body: body}, nil }
func noContent() (reply, error)       { return reply{status: http.StatusNoContent}, nil }

// apiError is an answer in the envelope of the management API (documentation page "Okta error codes and descriptions").
type apiError struct {
	status  int
	code    string
	summary string
	causes  []string
	header  http.Header
}

// Error gives the code and summary.
func (e *apiError) Error() string { return e.code + ": " + e.summary }

type cause struct {
	Summary string `json:"errorSummary"`
}

type envelope struct {
	Code    string  `json:"errorCode"`
	Summary string  `json:"errorSummary"`
	Link    string  `json:"errorLink"`
	ID      string  `json:"errorId"`
	Causes  []cause `json:"errorCauses"`
}

func (e *apiError) reply() reply {
	env := envelope{Code: e.code, Summary: e.summary, Link: e.code, ID: "oae" + randomText(17), Causes: []cause{}}
	for _, c := range e.causes {
		env.Causes = append(env.Causes, cause{c})
	}
	return reply{status: e.status, header: e.header, body: env}
}

// oauthError is an answer of the OAuth endpoints (catalogue "OAuth 2.0 error codes").
type oauthError struct {
	status      int
	code        string
	description string
	header      http.Header
}

// Error gives the code and description.
func (e *oauthError) Error() string { return e.code + ": " + e.description }

func (e *oauthError) reply() reply {
	return reply{status: e.status, header: e.header, body: struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}{e.code, e.description}}
}

// invalid is E0000001: the summary names the failing field or DTO, each cause says why.
func invalid(what string, causes ...string) *apiError {
	return &apiError{status: 400, code: "E0000001", summary: "Api validation failed: " + what, causes: causes}
}

// invalidField is E0000001 with one cause in the form "field: message".
func invalidField(field, message string) *apiError {
	return invalid(field, field+": "+message)
}

func notFound(id, kind string) *apiError {
	return &apiError{status: 404, code: "E0000007", summary: fmt.Sprintf("Not found: Resource not found: %s (%s)", id, kind)}
}

func forbidden() *apiError {
	return &apiError{status: 403, code: "E0000006", summary: "You do not have permission to perform the requested action"}
}

func notEmulated(what string) *apiError {
	return &apiError{status: 501, code: "E0000060", summary: "not emulated: " + what}
}

// standardError is the envelope Okta sends with a status when nothing more is said, for faults that name a status only.
func standardError(status int) *apiError {
	table := map[int]apiError{
		400: {code: "E0000003", summary: "The request body was not well-formed."},
		401: {code: "E0000011", summary: "Invalid token provided"},
		403: {code: "E0000006", summary: "You do not have permission to perform the requested action"},
		404: {code: "E0000008", summary: "The requested path was not found"},
		405: {code: "E0000022", summary: "The endpoint does not support the provided HTTP method"},
		423: {code: "E0000239", summary: "Policy priorities are being reconciled. Please try again later."},
		429: {code: "E0000047", summary: "API call exceeded rate limit due to too many requests."},
		501: {code: "E0000060", summary: "Unsupported operation."},
		503: {code: "E0000010", summary: "Service is in read only mode"},
	}
	e, known := table[status]
	if !known {
		e = apiError{code: "E0000009", summary: "Internal Server Error"}
	}
	e.status = status
	return &e
}

// encode renders JSON as Okta does: no HTML escapes, no trailing newline.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// decode reads a request body into v; a body that is not JSON, or has a value of the wrong type, is E0000003.
func decode(body []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil || dec.More() {
		return standardError(http.StatusBadRequest)
	}
	return nil
}
