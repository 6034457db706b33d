package okta

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"keymaker/reconcile"
)

// reservedScopes are the scopes of OpenID Connect, which every authorization server has and nobody declares.
var reservedScopes = []string{"openid", "profile", "email", "address", "phone", "offline_access", "device_sso"}

// reservedClaims are the members of a token that no claim can set (Okta's reference "OpenID Connect & OAuth 2.0 API", access token payload).
var reservedClaims = []string{"ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub", "acr", "auth_time"}

var (
	clientIDPattern = regexp.MustCompile(`^[A-Za-z0-9$\-_.+!*'(),]{6,100}$`)
	idPattern       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	envPattern      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func isEnvName(s string) bool { return envPattern.MatchString(s) }

// words spells an attribute for people.
func words(attr string) string { return strings.ReplaceAll(attr, "_", " ") }

func checkLength(what, s string, least, most int) error {
	if n := utf8.RuneCountInString(s); n < least || n > most {
		return fmt.Errorf("%s has %d to %d characters, this one has %d: shorten or fill it", what, least, most, n)
	}
	return nil
}

// checkLabel checks the name of an app, an authorization server, a policy or a rule. 100 characters is the bound that Okta's reference gives for apps
// and policies; it is taken for all of them.
func checkLabel(s string) error {
	if err := checkLength("a name", s, 1, 100); err != nil {
		return err
	}
	if strings.TrimSpace(s) != s {
		return fmt.Errorf("%q begins or ends with a space: remove it", s)
	}
	return nil
}

// checkClientID follows Okta's API description of client_id.
func checkClientID(s string) error {
	if s == allClients {
		return fmt.Errorf("%s is Okta's word for every client: choose another client id", allClients)
	}
	if !clientIDPattern.MatchString(s) {
		return fmt.Errorf("a client id has 6 to 100 letters, digits and characters of $-_.+!*'(), and %q does not fit: correct it, or leave it out and Okta chooses", s)
	}
	return nil
}

// checkID checks an id or alias that stands in a URL.
func checkID(s string) error {
	if !idPattern.MatchString(s) {
		return fmt.Errorf("%q is no id of an authorization server: write default, an id as aus1a2b3, or a reference to a block", s)
	}
	return nil
}

// checkScope follows Okta's reference "Authorization Servers", scope properties.
func checkScope(s string) error {
	switch {
	case slices.Contains(reservedScopes, s):
		return fmt.Errorf("every authorization server has the scope %s of its own: remove the block, and name the scope in rules as %q", s, s)
	case strings.HasPrefix(s, "okta.") || strings.HasPrefix(s, "okta:") || s == "okta":
		return fmt.Errorf("scopes that begin with okta are Okta's own: choose another name than %q", s)
	case s == "" || s == "*":
		return fmt.Errorf("%q is no name of a scope: choose one", s)
	case strings.Contains(s, "<") && strings.Contains(s, ">"):
		return fmt.Errorf("a scope cannot contain both < and >: rename %q", s)
	}
	for _, r := range s {
		if r <= ' ' || r > '~' || r == '"' || r == '\\' {
			return fmt.Errorf("a scope is printable ASCII without spaces, double quotes and backslashes: %q has %q, remove it", s, r)
		}
	}
	return nil
}

func checkClaim(s string) error {
	if slices.Contains(reservedClaims, s) {
		return fmt.Errorf("every token has %s of its own, and no claim can set it: choose another name, such as groups", s)
	}
	if err := checkLabel(s); err != nil {
		return err
	}
	if strings.ContainsAny(s, " \t\r\n") {
		return fmt.Errorf("a claim has no spaces: rename %q", s)
	}
	return nil
}

// checkAudience follows Okta's reference "Authorization Servers": an audience with a colon must be a URL.
func checkAudience(s string) error {
	if s == "" {
		return fmt.Errorf("the audience is empty: write one, such as api://graph")
	}
	if u, err := url.Parse(s); strings.Contains(s, ":") && (err != nil || u.Scheme == "" || u.Host == "") {
		return fmt.Errorf("an audience with a colon must be a URL, and %q is none: write api://graph, or a word without a colon", s)
	}
	return nil
}

// contains says whether a collection has a member.
func contains(collection, member reconcile.Value) bool {
	return slices.ContainsFunc(reconcile.Members(collection), func(v reconcile.Value) bool { return reconcile.Equal(v, member) })
}
