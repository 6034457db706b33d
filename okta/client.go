package okta

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	sdk "github.com/okta/okta-sdk-golang/v2/okta"

	"keymaker/reconcile"
)

// client makes calls. It is safe for concurrent use.
type client struct {
	settings settings
	self     string      // the client id that it is logged in as, "" for an administrator's API token
	sdk      *sdk.Client // asks for what reading takes
	writer   *sdk.Client // asks for what writing takes
	auditor  *sdk.Client // asks for what reading the System Log takes, and nothing else: an app that lacks that right can still read
	http     *http.Client
	limits   *limiter
	made     reconcile.Meter
	log      *slog.Logger
	onWait   func(reconcile.Waiting)
	pause    time.Duration
	timeout  time.Duration
	stop     <-chan struct{}
	agent    string     // what is added to the user agent of each request
	signing  sync.Mutex // the SDK fetches a management token inside NewRequest; one at a time
}

// call is one request, as it goes out.
type call struct {
	method, path, query string
	body                []byte
	// repeat says that the call may be made twice: nothing changes by the second.
	repeat bool
	// renew, when not nil, makes the body of each try from what is live by then. No body says that there is nothing to send; an error of it ends the call.
	renew func(context.Context) ([]byte, error)
	// public calls carry no management credentials; login, when set, is how a client authenticates for a token.
	public bool
	login  *login
}

// login authenticates a client at a token endpoint.
type login struct {
	method, clientID string
	secret           reconcile.Secret // the client secret, or for private_key_jwt the private key
	algorithm, keyID string           // for private_key_jwt
	form             url.Values
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// String gives the call as a person would say it.
func (k call) String() string { return k.method + " " + k.path }

// maxAnswer bounds a body: a page of 200 apps with large profiles stays below it.
const maxAnswer = 256 << 20

// mostAhead is how much of an answer is made room for on the word of its header.
const mostAhead = 8 << 20

func newClient(ctx context.Context, s settings, opts Options) (*client, error) {
	transport, err := newTransport(opts.CAFile)
	if err != nil {
		return nil, err
	}
	c := &client{settings: s, limits: newLimiter(opts.Reserve, opts.OnWait), stop: opts.Stop, log: opts.Log, onWait: opts.OnWait, pause: opts.Backoff, timeout: opts.Timeout}
	c.limits.stop = opts.Stop
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.onWait == nil {
		c.onWait = func(reconcile.Waiting) {}
	}
	if c.pause <= 0 {
		c.pause = 500 * time.Millisecond
	}
	if c.timeout <= 0 {
		c.timeout = 15 * time.Second
	}
	c.http = &http.Client{Transport: transport, Timeout: c.timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if c.sdk, err = newSDK(ctx, s, s.readScopes(), opts, c.http); err != nil {
		return nil, err
	}
	c.self = selfOf(s)
	if c.writer, err = newSDK(ctx, s, s.writeScopes(), opts, c.http); err != nil {
		return nil, err
	}
	c.auditor, err = newSDK(ctx, s, s.logScopes(), opts, c.http)
	c.agent = opts.UserAgent
	return c, err
}

// signer is the SDK's client for a call: a token that can write is asked for only when something is written.
func (c *client) signer(k call) *sdk.Client {
	switch {
	case k.path == logPath:
		return c.auditor
	case k.method == http.MethodGet:
		return c.sdk
	}
	return c.writer
}

// newSDK sets everything that the SDK would otherwise take from home files and the environment.
func newSDK(ctx context.Context, s settings, scopes []string, opts Options, h *http.Client) (*sdk.Client, error) {
	token, key := "unused", ""
	var err error
	if s.mode == modeKey {
		key, err = rsaKey(s.key)
	} else {
		token, err = s.token.Open()
	}
	if err != nil {
		return nil, fmt.Errorf("okta: credentials: %w", err)
	}
	if !fitsHeader(strings.TrimSpace(token)) {
		return nil, fmt.Errorf("okta: the token has a line break or another character that no token has: check %s", s.variable("OKTA_CLIENT_TOKEN"))
	}
	_, client, err := sdk.NewClient(ctx,
		sdk.WithOrgUrl(s.org.String()), sdk.WithAuthorizationMode(s.mode), sdk.WithToken(strings.TrimSpace(token)),
		sdk.WithClientId(s.clientID), sdk.WithClientAssertion(""), sdk.WithScopes(scopes), sdk.WithPrivateKey(key), sdk.WithPrivateKeyId(s.keyID),
		sdk.WithCache(false), sdk.WithRequestTimeout(0), sdk.WithRateLimitMaxRetries(0), sdk.WithRateLimitMaxBackOff(0),
		sdk.WithUserAgentExtra(opts.UserAgent), sdk.WithHttpClientPtr(h), sdk.WithTestingDisableHttpsCheck(s.org.Scheme == "http"),
	)
	if err != nil {
		return nil, fmt.Errorf("okta: connection: %w", err)
	}
	return client, nil
}

// fitsHeader says whether a text can stand in an HTTP header as it is: visible ASCII (RFC 6750, the syntax of bearer tokens, is narrower still).
func fitsHeader(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// selfOf is the client id that a session is logged in as: that of its key, or the one that its token was given to. An API token belongs to an administrator, not to an app.
func selfOf(s settings) string {
	if s.mode != modeBearer {
		return s.clientID
	}
	token, err := s.token.Open()
	if err != nil {
		return s.clientID
	}
	if said := readToken(token); said.Client != "" {
		return said.Client
	}
	return s.clientID
}

// rsaKey gives a private key as the PKCS #1 PEM that the SDK wants; people have PKCS #8 too.
func rsaKey(s reconcile.Secret) (string, error) {
	key, err := privateKey(s)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})), nil
}

// privateKey reads an RSA key from PEM. Errors never quote it.
func privateKey(s reconcile.Secret) (*rsa.PrivateKey, error) {
	text, err := s.Open()
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("private key from %s is no PEM", s.Origin())
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("private key from %s is no RSA key in PKCS #1 or PKCS #8", s.Origin())
	}
	return key, nil
}

// once makes a call one time, after waiting for its bucket.
func (c *client) once(ctx context.Context, k call) (answer, error) {
	bucket := bucketOf(k.method, k.path)
	if k.renew == nil { // else it was taken before
		if err := c.limits.take(ctx, bucket); err != nil {
			return answer{}, err
		}
	}
	answered := false
	defer func() {
		if !answered {
			c.limits.landed(bucket, false)
		}
	}()
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.request(ctx, k)
	if err != nil {
		return answer{}, err
	}
	c.made.Count(tallyOf(k, bucket))
	began := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, &lostError{call: k.String(), sent: wrote.Load(), err: bare(err)}
	}
	defer resp.Body.Close()
	c.limits.landed(bucket, c.limits.learn(bucket, resp.Header))
	answered = true
	var text bytes.Buffer
	if n := resp.ContentLength; n > 0 && n < mostAhead {
		text.Grow(int(n) + bytes.MinRead) // or it is copied each time that it grows
	}
	_, err = text.ReadFrom(io.LimitReader(resp.Body, maxAnswer))
	body := text.Bytes()
	c.log.Debug("okta call", "method", k.method, "path", k.path, "status", resp.StatusCode, "took", time.Since(began), "left", c.limits.left(bucket))
	if err != nil {
		return answer{}, &lostError{call: k.String(), sent: true, err: bare(err)}
	}
	a := answer{resp.StatusCode, resp.Header, body}
	if a.status < 200 || a.status > 299 {
		return a, refusalOf("", k.String(), a, c.settings.variable)
	}
	if len(body) > 0 && !json.Valid(body) {
		return a, fmt.Errorf("%s answered %d with something that is no JSON: %w: correct org_url", k, a.status, errNotOkta)
	}
	return a, nil
}

// tallyOf is a call as it is counted.
func tallyOf(k call, bucket string) reconcile.Tally {
	what := "write"
	switch {
	case k.login != nil:
		what = "token"
	case k.method == http.MethodGet:
		what = "read"
	}
	return reconcile.Tally{What: what, N: 1, Bucket: bucket}
}

// request builds a request. The SDK adds the management credentials; calls for tokens carry the client's own.
func (c *client) request(ctx context.Context, k call) (*http.Request, error) {
	target := k.path
	if k.query != "" {
		target += "?" + k.query
	}
	if k.public {
		return c.publicRequest(ctx, k, target)
	}
	if c.settings.mode == modeKey {
		c.signing.Lock()
		defer c.signing.Unlock()
	}
	var body any
	if k.body != nil {
		body = k.body
	}
	req, err := c.signer(k).CloneRequestExecutor().NewRequest(k.method, target, body)
	if err != nil {
		return nil, c.signFailure(err)
	}
	return req.WithContext(ctx), nil
}

// signFailure makes an error of what the SDK says when it gets no management token. Its transport errors quote the request's URL, which has the signed
// assertion in it.
func (c *client) signFailure(err error) error {
	const call = "POST /oauth2/v1/token"
	var said *sdk.Error
	if errors.As(err, &said) {
		api := &apiError{Status: http.StatusUnauthorized, Code: said.ErrorMessage, Text: clean(said.ErrorDescription)}
		if api.Code == "" {
			api.Code, api.Text = said.ErrorCode, clean(said.ErrorSummary)
		}
		return &reconcile.Refusal{Call: call, Answer: strings.TrimSpace(api.Code + ": " + api.Text), Remedy: remedyFor(api, call, c.settings.variable), Err: api}
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return &lostError{call: call, err: wrapped.Err}
	}
	return fmt.Errorf("okta: authorize with the private key: %w", err)
}

func (c *client) publicRequest(ctx context.Context, k call, target string) (*http.Request, error) {
	var body io.Reader
	if k.login != nil {
		form, err := k.login.fill(c.settings.org.String() + k.path)
		if err != nil {
			return nil, err
		}
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, k.method, c.settings.org.String()+target, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	req.Header.Set("Accept", "application/json")
	if k.login == nil {
		return req, nil
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if k.login.method == methodBasic {
		secret, err := k.login.secret.Open()
		if err != nil {
			return nil, fmt.Errorf("client secret: %w", err)
		}
		req.SetBasicAuth(k.login.clientID, secret)
	}
	return req, nil
}

// fill gives the form of a token request, with the client's credentials where its method puts them there.
func (l *login) fill(endpoint string) (url.Values, error) {
	form := url.Values{}
	for name, values := range l.form {
		form[name] = values
	}
	signer := jose.SigningKey{Algorithm: jose.HS256}
	switch l.method {
	case methodBasic:
		return form, nil
	case methodKey:
		key, err := privateKey(l.secret)
		if err != nil {
			return nil, err
		}
		signer = jose.SigningKey{Algorithm: jose.SignatureAlgorithm(l.algorithm), Key: jose.JSONWebKey{Key: key, KeyID: l.keyID}}
	default:
		secret, err := l.secret.Open()
		if err != nil {
			return nil, fmt.Errorf("client secret: %w", err)
		}
		if l.method == methodPost {
			form.Set("client_id", l.clientID)
			form.Set("client_secret", secret)
			return form, nil
		}
		signer.Key = []byte(secret)
	}
	assertion, err := signedAssertion(l.clientID, endpoint, signer, time.Now())
	if err != nil {
		return nil, err
	}
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", assertion)
	return form, nil
}

// bare takes the method and URL off a transport error: the call is named already, and a URL may say more than it should.
func bare(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// encode writes a value as JSON, opening the secrets in it. Everything must be known by now.
func encode(v reconcile.Value) ([]byte, error) {
	plain, err := plainOf(v)
	if err != nil {
		return nil, err
	}
	return encodePlain(plain)
}

func encodePlain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// plainOf makes what encoding/json writes of a value.
func plainOf(v reconcile.Value) (any, error) {
	return treeOf(v, func(v reconcile.Value) (any, error) {
		switch v := v.(type) {
		case reconcile.Number:
			return json.Number(v), nil
		case reconcile.Secret:
			return v.Open()
		}
		return nil, fmt.Errorf("%s is not known yet", v)
	})
}

// treeOf makes Go's own types of a value and all in it: nil, string, bool, []any and map[string]any. leaf makes what they have no one type for.
func treeOf(v reconcile.Value, leaf func(reconcile.Value) (any, error)) (any, error) {
	switch v := v.(type) {
	case nil, reconcile.Null:
		return nil, nil
	case reconcile.Text:
		return string(v), nil
	case reconcile.Flag:
		return bool(v), nil
	case reconcile.List, reconcile.Set:
		out := make([]any, 0)
		for _, m := range reconcile.Members(v) {
			p, err := treeOf(m, leaf)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
		return out, nil
	case reconcile.Map:
		out := make(map[string]any, len(v))
		for k, m := range v {
			p, err := treeOf(m, leaf)
			if err != nil {
				return nil, err
			}
			out[k] = p
		}
		return out, nil
	}
	return leaf(v)
}

// reveal opens a secret for a file that is about to be written.
func reveal(s reconcile.Secret) (string, error) { return s.Open() }
