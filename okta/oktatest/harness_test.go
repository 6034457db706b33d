package oktatest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
)

// client calls one server over its socket, as anybody would.
type client struct {
	t   *testing.T
	org *oktatest.Server
}

func start(t *testing.T, org *oktatest.Server) client {
	t.Helper()
	if err := org.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := org.Close(); err != nil {
			t.Error(err)
		}
	})
	return client{t, org}
}

type answer struct {
	status int
	header http.Header
	raw    string
	json   any
}

func (c client) request(method, path, auth, kind, body string) answer {
	c.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = c.org.URL + path
	}
	req, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return c.send(req)
}

func (c client) send(req *http.Request) answer {
	c.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.json); err != nil {
			c.t.Fatalf("%s %s: %v: %s", req.Method, req.URL.Path, err, text)
		}
	}
	return a
}

// api calls the management API with the token; body is JSON text.
func (c client) api(method, path, body string) answer {
	c.t.Helper()
	return c.request(method, path, "SSWS "+c.org.Token, "application/json", body)
}

// must is api with a status that is expected.
func (c client) must(status int, method, path, body string) answer {
	c.t.Helper()
	a := c.api(method, path, body)
	if a.status != status {
		c.t.Fatalf("%s %s: got %d, want %d: %s", method, path, a.status, status, a.raw)
	}
	return a
}

func (c client) form(path string, auth string, values ...string) answer {
	c.t.Helper()
	v := url.Values{}
	for i := 0; i < len(values); i += 2 {
		v.Add(values[i], values[i+1])
	}
	return c.request("POST", path, auth, "application/x-www-form-urlencoded", v.Encode())
}

// at walks a JSON answer: keys, and indexes as decimal digits.
func (a answer) at(path string) any {
	v := a.json
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i := int(key[0] - '0')
			if len(key) != 1 || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (a answer) text(path string) string {
	s, _ := a.at(path).(string)
	return s
}

// asJSON renders a value for comparison with a literal.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(buf.String())
}

const serviceApp = `{"name":"oidc_client","label":"etl","signOnMode":"OPENID_CONNECT",
 "credentials":{"oauthClient":{"token_endpoint_auth_method":"client_secret_basic"}},
 "settings":{"oauthClient":{"application_type":"service","grant_types":["client_credentials"],"response_types":["token"]}},
 "profile":{"neo4j_groups":["reader","writer"]}}`

// edited changes one member of serviceApp, by path; nil removes it.
func edited(t *testing.T, text, path string, value any) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	m := object
	keys := strings.Split(path, ".")
	for _, k := range keys[:len(keys)-1] {
		m = m[k].(map[string]any)
	}
	if value == nil {
		delete(m, keys[len(keys)-1])
	} else {
		m[keys[len(keys)-1]] = value
	}
	return asJSON(t, object)
}
