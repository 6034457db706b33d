package neo4j

import "testing"

func TestCheckURI(t *testing.T) {
	const setting = "dbms.security.oidc.okta.jwks_uri"
	const scheme = " does not have required scheme 'https'"
	for value, want := range map[string]string{
		"https://example.okta.com/oauth2/default": "",
		"http://localhost:8080/keys":              "",
		"http://127.0.0.1/keys":                   "",
		"http://[::1]:8080/keys":                  "",
		"http://[0:0:0:0:0:0:0:1]/keys":           "",
		"http://keycloak:8080/keys":               scheme,
		"http://localhost.example.com/":           scheme,
		"http://127.0.0.2/":                       scheme,
		"http://localhost@example.com/":           scheme,
		"HTTPS://example.com/":                    scheme,
		"ftp://localhost/":                        scheme,
		"example.com/keys":                        scheme,
		"":                                        scheme,
		"https:example.com":                       " is not a valid URI",
		"https://exa mple.com/":                   " is not a valid URI",
		"https:///keys":                           " is missing a host",
	} {
		if want != "" {
			want = "Error evaluating value for setting '" + setting + "'. '" + value + "'" + want
		}
		checkMessage(t, value, CheckURI(setting, value), want)
	}
}
