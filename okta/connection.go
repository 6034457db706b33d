package okta

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"keymaker/reconcile"
)

// Options are what Open needs beside the connection block. Every field may be left out.
type Options struct {
	// Env looks up an environment variable. nil means that there are none.
	Env func(string) (string, bool)
	// CAFile is a PEM file with certificates to trust beside the system's.
	CAFile string
	// UserAgent is added to the user agent of each request, "keymaker/1.2".
	UserAgent string
	// OnWait is told of each wait for a rate limit or before another try. It may be called from several goroutines at once.
	OnWait func(reconcile.Waiting)
	// Stop, when closed, ends waits: for a rate limit, and before another try. A call that is on its way still ends. nil means that nobody stops.
	Stop <-chan struct{}
	// Log gets each call with its status and time, at debug level; never a body.
	Log *slog.Logger
	// Connection is the name of the connection block, "" for the unnamed one. A named connection reads the variables of its name ([reconcile.Variable]) and no other.
	Connection string
	// NeoURI is written as NEO4J_URI into delivered secret files.
	NeoURI string
	// NeoURIs are written beside it, as NEO4J_URI_EU for the connection named eu: where an account logs in to several servers.
	NeoURIs map[string]string
	// Reserve is the share of every rate limit that is left to others, 0 to 0.99. One call in a window is always made.
	Reserve float64
	// Backoff is the pause before the second try of a call; it doubles from there. 0 is half a second.
	Backoff time.Duration
	// Timeout bounds one try of a call. 0 is 15 seconds.
	Timeout time.Duration
}

// The authorization modes, as OKTA_CLIENT_AUTHORIZATIONMODE spells them.
const (
	modeSSWS   = "SSWS"
	modeBearer = "Bearer"
	modeKey    = "PrivateKey"
)

// readScopes are what Keymaker asks for to read when it authorizes with a private key: the least, unless the settings name scopes.
func (s settings) readScopes() []string {
	if len(s.scopes) > 0 {
		return s.scopes
	}
	return []string{rightApps + ".read", rightServers + ".read"}
}

// writeScopes are what Keymaker asks for to write.
func (s settings) writeScopes() []string {
	if len(s.scopes) > 0 {
		return s.scopes
	}
	return []string{rightApps + ".manage", rightApps + ".read", rightServers + ".manage", rightServers + ".read"}
}

// logScopes are what Keymaker asks for to read the System Log (Okta's reference "System Log", "OAuth 2.0 scopes": okta.logs.read).
func (s settings) logScopes() []string {
	if len(s.scopes) > 0 {
		return s.scopes
	}
	return []string{rightLogs}
}

// settings are a connection, complete and checked.
type settings struct {
	org      *url.URL // without path
	mode     string
	token    reconcile.Secret
	clientID string
	key      reconcile.Secret
	keyID    string
	scopes   []string // nil leaves them to each command
	name     string   // of the connection, "" for the unnamed one
}

// variable is an official variable's name, as this connection reads it.
func (s settings) variable(official string) string { return reconcile.Variable(official, s.name) }

// settingsOf completes a connection block from the environment.
func settingsOf(conn reconcile.Block, name string, env func(string) (string, bool)) (settings, error) {
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	c := connection{conn, name, env}
	s := settings{name: name}
	var err error
	org := c.text("org_url", "OKTA_CLIENT_ORGURL")
	if org == "" {
		return s, fmt.Errorf("okta: no org URL: set %s, or org_url in %s, to the address of your org, https://example.okta.com", s.variable("OKTA_CLIENT_ORGURL"), c.label())
	}
	if s.org, err = parseOrg(org); err != nil {
		return s, err
	}
	s.mode = c.text("authorization_mode", "OKTA_CLIENT_AUTHORIZATIONMODE")
	if s.mode == "" {
		s.mode = modeSSWS
	}
	s.clientID = c.text("client_id", "OKTA_CLIENT_CLIENTID")
	switch s.mode {
	case modeSSWS, modeBearer:
		if s.token = c.secret("token", "OKTA_CLIENT_TOKEN"); s.token.IsZero() {
			return s, fmt.Errorf("okta: no API token: set %s, or token = env(\"NAME\") in %s (Okta's console: Security, API, Tokens)", s.variable("OKTA_CLIENT_TOKEN"), c.label())
		}
	case modeKey:
		s.key, s.keyID = c.key(), c.text("private_key_id", "OKTA_CLIENT_PRIVATEKEYID")
		s.scopes = c.scopes()
		if s.clientID == "" || s.key.IsZero() {
			return s, fmt.Errorf("okta: authorization_mode PrivateKey needs a client id and a key: set %s and %s", s.variable("OKTA_CLIENT_CLIENTID"), s.variable("OKTA_CLIENT_PRIVATEKEY"))
		}
	default:
		return s, fmt.Errorf("okta: unknown authorization mode %q: use SSWS, Bearer or PrivateKey", s.mode)
	}
	return s, nil
}

// connection reads a setting from the block, else from the environment.
type connection struct {
	block    reconcile.Block
	name     string // "" for the unnamed one
	variable func(string) (string, bool)
}

// label is the block's header, for messages.
func (c connection) label() string {
	if c.name == "" {
		return `connection "okta"`
	}
	return fmt.Sprintf("connection \"okta\" %q", c.name)
}

// env looks up an official variable, as this connection reads it.
func (c connection) env(official string) (string, bool) {
	return c.variable(reconcile.Variable(official, c.name))
}

func (c connection) text(field, variable string) string {
	if t := c.block.Text(field, ""); t != "" {
		return t
	}
	v, _ := c.env(variable)
	return strings.TrimSpace(v)
}

func (c connection) secret(field, variable string) reconcile.Secret {
	if s, ok := c.block.Value(field).(reconcile.Secret); ok && !s.IsZero() {
		return s
	}
	if v, ok := c.env(variable); ok && strings.TrimSpace(v) != "" {
		return reconcile.NewSecret("env "+reconcile.Variable(variable, c.name), func() (string, error) { return strings.TrimSpace(v), nil })
	}
	return reconcile.Secret{}
}

// key gives the private key: OKTA_CLIENT_PRIVATEKEY holds a PEM text, with \n for line ends where a shell needs it, or the path of a PEM file.
func (c connection) key() reconcile.Secret {
	s, fromBlock := c.block.Value("private_key").(reconcile.Secret)
	if fromBlock && !s.IsZero() {
		return s
	}
	v, ok := c.env("OKTA_CLIENT_PRIVATEKEY")
	if !ok || strings.TrimSpace(v) == "" {
		return reconcile.Secret{}
	}
	if strings.Contains(v, "-----BEGIN") {
		return reconcile.NewSecret("env "+reconcile.Variable("OKTA_CLIENT_PRIVATEKEY", c.name), func() (string, error) { return strings.ReplaceAll(v, `\n`, "\n"), nil })
	}
	return reconcile.NewSecret("the file of "+reconcile.Variable("OKTA_CLIENT_PRIVATEKEY", c.name), func() (string, error) {
		b, err := os.ReadFile(strings.TrimSpace(v))
		return string(b), err
	})
}

func (c connection) scopes() []string {
	if s := reconcile.Texts(c.block.Value("scopes")); len(s) > 0 {
		return s
	}
	if v, ok := c.env("OKTA_CLIENT_SCOPES"); ok {
		if s := strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' }); len(s) > 0 {
			return s
		}
	}
	return nil
}

// parseOrg checks the address of an org and takes off what people leave on it.
func parseOrg(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		return nil, fmt.Errorf("okta: org URL %q has no scheme: write https://%s", s, s)
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return nil, fmt.Errorf("okta: org URL %q is no address: write it as https://example.okta.com", redactURL(s))
	}
	u.Scheme = strings.ToLower(u.Scheme)
	host := strings.ToLower(u.Hostname())
	name, domain, _ := strings.Cut(host, ".")
	switch {
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("okta: org URL %q has a path: write the org's own address only, %s://%s", s, u.Scheme, u.Host)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("okta: org URL %q has the scheme %s: write https://%s", s, u.Scheme, u.Host)
	case strings.HasSuffix(name, "-admin"):
		return nil, fmt.Errorf("okta: org URL %q is the admin console: write https://%s.%s", s, strings.TrimSuffix(name, "-admin"), domain)
	case strings.ContainsAny(s, "{}"):
		return nil, fmt.Errorf("okta: org URL %q is a placeholder: put your org's name in it", s)
	case u.Scheme == "http" && !loopback(host):
		return nil, fmt.Errorf("okta: org URL %q would send the token unencrypted: write https://%s (plain http is for loopback only)", s, u.Host)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// redactURL hides credentials that somebody wrote into a URL.
func redactURL(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if i := strings.LastIndex(rest, "@"); ok && i >= 0 {
		return scheme + "://…@" + rest[i+1:]
	}
	return s
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
