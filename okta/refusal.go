package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// apiError is what Okta's error envelope says, for code that has to tell cases apart; it travels inside a *reconcile.Refusal.
type apiError struct {
	Status int    // HTTP status
	Code   string // E0000007, or the error of an OAuth answer
	Text   string
}

// Error is the answer on one line.
func (e *apiError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Text))
}

// errNotOkta says that something answered which is no Okta org.
var errNotOkta = errors.New("this is no Okta org")

// lostError says that a call's answer did not arrive.
type lostError struct {
	call string
	sent bool // the request may have reached Okta
	err  error
}

// Error names the call and what happened to it.
func (e *lostError) Error() string {
	if e.sent {
		return fmt.Sprintf("the answer to %s did not arrive: %v", e.call, e.err)
	}
	return fmt.Sprintf("%s: %v", e.call, e.err)
}

// Unwrap gives the cause.
func (e *lostError) Unwrap() error { return e.err }

// envelope is Okta's error body (Okta's reference "Error codes"), and beside it the OAuth one.
type envelope struct {
	ErrorCode    string `json:"errorCode"`
	ErrorSummary string `json:"errorSummary"`
	ErrorID      string `json:"errorId"`
	ErrorCauses  []struct {
		ErrorSummary string `json:"errorSummary"`
	} `json:"errorCauses"`
	OAuthError       string `json:"error"`
	OAuthDescription string `json:"error_description"`
}

// refusalOf makes an error of an answer that is no success. variable names an environment variable as the connection reads it.
func refusalOf(kind, call string, a answer, variable func(string) string) error {
	var e envelope
	err := json.Unmarshal(a.body, &e)
	if e.OAuthError != "" {
		e.ErrorCode, e.ErrorSummary = e.OAuthError, e.OAuthDescription
	}
	if bearer := a.header.Get("Www-Authenticate"); e.ErrorCode == "" && strings.Contains(bearer, "Bearer") {
		e.ErrorCode, e.ErrorSummary = bearerPart(bearer, "error"), bearerPart(bearer, "error_description")
	}
	if e.ErrorCode == "" && a.status < 500 && (a.status < 400 || a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed || err == nil) {
		return fmt.Errorf("%s answered %d without Okta's error code: %w: correct org_url", call, a.status, errNotOkta)
	}
	api := &apiError{Status: a.status, Code: e.ErrorCode, Text: clean(e.ErrorSummary)}
	if api.Code == "" {
		api.Text = http.StatusText(a.status) // a proxy's page, not Okta's words
	}
	r := &reconcile.Refusal{Call: call, Answer: api.Error(), ID: a.header.Get("X-Okta-Request-Id"), Remedy: remedyFor(api, call, variable), Err: api}
	for _, c := range e.ErrorCauses {
		r.Causes = append(r.Causes, clean(c.ErrorSummary))
	}
	r.Field = fieldOf(kind, api, r.Causes)
	return r
}

var bearerPattern = regexp.MustCompile(`\b(error|error_description)="([^"]*)"`)

func bearerPart(header, name string) string {
	for _, m := range bearerPattern.FindAllStringSubmatch(header, -1) {
		if m[1] == name {
			return m[2]
		}
	}
	return ""
}

// clean takes control characters out of a server's words and bounds them.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
	if len(s) > 600 {
		s = s[:600] + "…"
	}
	return s
}

// remedyFor says what to do about Okta's codes that do not say it themselves.
func remedyFor(e *apiError, call string, variable func(string) string) string {
	switch e.Code {
	case "E0000011", "invalid_token":
		return "The token is wrong, expired or revoked. Make one in Okta's console under Security, API, Tokens, and set " + variable("OKTA_CLIENT_TOKEN") + "."
	case "E0000015":
		if rightOf(call) == rightApps {
			return "The token may not use this feature: " + needsRight(call)
		}
		return "The org has no API Access Management, the Okta product that custom authorization servers (the one called default too) belong to, or the token may not use it: " + needsRight(call)
	case "E0000006", "insufficient_scope":
		return "The login does not have the right: " + needsRight(call)
	case "E0000047":
		return "Okta's rate limit is used up. Wait a minute and run the command again."
	case "invalid_dpop_proof", "use_dpop_nonce":
		return "The app has DPoP on (\"Require Demonstrating Proof of Possession\"), which neither Neo4j nor Okta's Go SDK can use. Turn it off for this app."
	case "invalid_client":
		return "The client id, the key or secret, and the app's authentication method must belong together."
	}
	return ""
}

// The families of rights of Okta's management API; .read and .manage are its OAuth scopes (Okta's reference "OAuth 2.0 scopes").
const (
	rightApps    = "okta.apps"
	rightServers = "okta.authorizationServers"
)

// rightOf is the family that a call belongs to.
func rightOf(call string) string {
	if strings.Contains(call, "/api/v1/apps") {
		return rightApps
	}
	return rightServers
}

// needsRight says which right a call takes, as a scope and as an administrator's role.
func needsRight(call string) string {
	right, verb, role := rightOf(call), ".manage", map[string]string{rightApps: "app administrator", rightServers: "API access management administrator"}
	if strings.HasPrefix(call, http.MethodGet+" ") {
		verb = ".read"
		return "it needs " + right + verb + ", or for an API token the role of a read-only administrator."
	}
	return "it needs " + right + verb + ", or for an API token the role of an " + role[right] + "."
}

// fieldOf finds the attribute that a validation error is about: Okta's summary names it, and each cause begins with it.
func fieldOf(kind string, e *apiError, causes []string) string {
	if e.Code != "E0000001" {
		return ""
	}
	_, named, _ := strings.Cut(e.Text, "Api validation failed: ")
	names := []string{strings.TrimSpace(named)}
	for _, c := range causes {
		name, _, _ := strings.Cut(c, ":")
		names = append(names, strings.TrimSpace(name))
	}
	for _, name := range slices.Backward(names) {
		for _, w := range wires[kind] {
			last := w.path[len(w.path)-1]
			if name != "" && (name == last || name == strings.Join(w.path, ".")) {
				return w.attr
			}
		}
	}
	return ""
}

// isCode says whether an error is Okta's answer with one of these codes.
func isCode(err error, codes ...string) bool {
	var e *apiError
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

// isStatus says whether an error is Okta's answer with this HTTP status.
func isStatus(err error, status int) bool {
	var e *apiError
	return errors.As(err, &e) && e.Status == status
}

// isLost says whether an error leaves open what happened: no answer came, or one that says the server broke down.
func isLost(err error) bool {
	var lost *lostError
	if errors.As(err, &lost) {
		return lost.sent
	}
	var e *apiError
	return errors.As(err, &e) && e.Status >= 500
}

// isFatal says whether nothing can be read at all: no server, not Okta, no login.
func isFatal(err error) bool {
	var lost *lostError
	return errors.As(err, &lost) && !lost.sent || errors.Is(err, errNotOkta) || isCode(err, "E0000011", "invalid_token", "invalid_client", "invalid_dpop_proof", "use_dpop_nonce")
}
