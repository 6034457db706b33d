package neo4j

import (
	"fmt"
	"net/url"
)

// CheckURI checks a value of a URI-typed setting: well_known_discovery_uri, auth_endpoint, token_endpoint, jwks_uri and user_info_uri of an OIDC
// provider. Neo4j does not start with one that is not https (since 5.3), except that plain http is taken for the loopback hosts localhost, 127.0.0.1,
// [::1] and [0:0:0:0:0:0:0:1] (since 5.9; Neo4j's SettingValueParsers). Everything is compared as it is written: HTTPS and LOCALHOST in capitals are
// refused, because nothing says that Neo4j folds them. The issuer is a plain string and not checked so.
func CheckURI(setting, value string) error {
	fail := func(reason string) error {
		return fmt.Errorf("Error evaluating value for setting '%s'. %s", setting, reason)
	}
	u, err := url.Parse(value)
	if err != nil || u.Opaque != "" || hasControl(value) {
		return fail(fmt.Sprintf("'%s' is not a valid URI", value))
	}
	scheme := value[:min(len(u.Scheme), len(value))]
	switch {
	case u.Scheme == "" || scheme != "https" && scheme != "http":
		return fail(fmt.Sprintf("'%s' does not have required scheme 'https'", value))
	case u.Hostname() == "":
		return fail(fmt.Sprintf("'%s' is missing a host", value))
	case scheme == "http" && !loopback[u.Hostname()]:
		return fail(fmt.Sprintf("'%s' does not have required scheme 'https'", value))
	}
	return nil
}

var loopback = map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "0:0:0:0:0:0:0:1": true}

func hasControl(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7F {
			return true
		}
	}
	return false
}
