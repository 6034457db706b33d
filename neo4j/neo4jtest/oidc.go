package neo4jtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// clockLeeway is how far exp and nbf may be off. What a real server tolerates is not documented.
	clockLeeway = 5 * time.Second
	// keyRefreshInterval bounds how often an unknown key id makes the keys be fetched again: a forged token must not become load at the identity provider.
	keyRefreshInterval = 5 * time.Second
	providerTimeout    = 10 * time.Second
	maxDocument        = 1 << 20
)

// tokenAlgorithms are the signatures taken. Which ones a real server takes is not documented; none and HMAC are never among them.
var tokenAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512}

// errUnreachable says that an identity provider did not answer as it should; the login may be tried again.
var errUnreachable = errors.New("identity provider unreachable")

// errProviderTimeout is errUnreachable for want of time.
var errProviderTimeout = fmt.Errorf("%w in time", errUnreachable)

// providerConfig is what the settings say of one provider at the moment of a login.
type providerConfig struct {
	name                              string // without oidc-
	discovery, issuer, jwks, userInfo string
	audience                          []string
	usernameClaim, groupsClaim        string
	usernameFromInfo, groupsFromInfo  bool
	mapping                           map[string][]string
	mapped                            bool // a mapping is set: the automatic one by equal names is off
}

// provider reads one provider's settings.
func (s *settings) provider(name string) providerConfig {
	get := func(suffix string) string { return s.value(oidcPrefix + name + "." + suffix) }
	c := providerConfig{
		name: name, discovery: strings.TrimSpace(get("well_known_discovery_uri")), issuer: get("issuer"), jwks: strings.TrimSpace(get("jwks_uri")),
		userInfo: strings.TrimSpace(get("user_info_uri")), audience: splitList(get("audience")),
		usernameClaim: get("claims.username"), groupsClaim: get("claims.groups"),
		usernameFromInfo: s.enabled(oidcPrefix + name + ".get_username_from_user_info"), groupsFromInfo: s.enabled(oidcPrefix + name + ".get_groups_from_user_info"),
	}
	if raw := get("authorization.group_to_role_mapping"); strings.TrimSpace(raw) != "" {
		c.mapping, _ = parseMapping(raw) // checked when it was set
		c.mapped = true
	}
	return c
}

// discoveryDocument is the part of OpenID Provider Metadata that a login needs.
type discoveryDocument struct {
	Issuer   string `json:"issuer"`
	JWKS     string `json:"jwks_uri"`
	UserInfo string `json:"userinfo_endpoint"`
}

// keyCache remembers discovery documents and keys by the address they came from.
type keyCache struct {
	client *http.Client
	now    func() time.Time

	mu        sync.Mutex
	documents map[string]discoveryDocument
	keys      map[string]jose.JSONWebKeySet
	refreshed map[string]time.Time
}

func newKeyCache(client *http.Client, now func() time.Time) *keyCache {
	if client == nil {
		client = &http.Client{Timeout: providerTimeout}
	}
	return &keyCache{client: client, now: now, documents: map[string]discoveryDocument{}, keys: map[string]jose.JSONWebKeySet{}, refreshed: map[string]time.Time{}}
}

// forget drops everything: what a changed provider setting asks for.
func (c *keyCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.documents)
	clear(c.keys)
	clear(c.refreshed)
}

// fetch reads a JSON document. bearer, when not "", is sent as the token.
func (c *keyCache) fetch(url, bearer string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), providerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	req.Header.Set("Accept", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return fmt.Errorf("%w: %w", errProviderTimeout, err)
		}
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: GET %s: %s", errUnreachable, url, resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxDocument)).Decode(into); err != nil {
		return fmt.Errorf("%w: GET %s: %w", errUnreachable, url, err)
	}
	return nil
}

// complete fills in what the settings leave to discovery: they override what it says.
func (c *keyCache) complete(p *providerConfig) error {
	if p.discovery != "" && (p.issuer == "" || p.jwks == "" || p.userInfo == "") {
		doc, err := c.document(p.discovery)
		if err != nil {
			return err
		}
		fill(&p.issuer, doc.Issuer)
		fill(&p.jwks, doc.JWKS)
		fill(&p.userInfo, doc.UserInfo)
	}
	if p.issuer == "" || p.jwks == "" {
		return fmt.Errorf("%w: provider %s has no issuer or no jwks_uri", errUnreachable, p.name)
	}
	return nil
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func (c *keyCache) document(url string) (discoveryDocument, error) {
	c.mu.Lock()
	doc, ok := c.documents[url]
	c.mu.Unlock()
	if ok {
		return doc, nil
	}
	if err := c.fetch(url, "", &doc); err != nil {
		return doc, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.documents[url] = doc
	return doc, nil
}

// key finds a signing key by id. An unknown id makes the keys be fetched again, unless that was done a moment ago.
func (c *keyCache) key(url, id string) (jose.JSONWebKey, error) {
	c.mu.Lock()
	set, cached := c.keys[url]
	last, tried := c.refreshed[url]
	c.mu.Unlock()
	if found := set.Key(id); len(found) > 0 {
		return found[0], nil
	}
	now := c.now()
	if cached && tried && now.Sub(last) < keyRefreshInterval {
		return jose.JSONWebKey{}, fmt.Errorf("no key with id %q", id)
	}
	set = jose.JSONWebKeySet{}
	if err := c.fetch(url, "", &set); err != nil {
		return jose.JSONWebKey{}, err
	}
	c.mu.Lock()
	c.keys[url] = set
	if cached {
		c.refreshed[url] = now
	}
	c.mu.Unlock()
	if found := set.Key(id); len(found) > 0 {
		return found[0], nil
	}
	return jose.JSONWebKey{}, fmt.Errorf("no key with id %q", id)
}

// tokenIdentity is what a valid token says.
type tokenIdentity struct {
	username string
	groups   []string
	expires  time.Time
	claims   map[string]any
}

// validate checks a token against one provider: signature, issuer, audience, times, subject; then reads user name and groups.
func (c *keyCache) validate(p providerConfig, raw string) (tokenIdentity, error) {
	token, err := jwt.ParseSigned(raw, tokenAlgorithms)
	if err != nil {
		return tokenIdentity{}, fmt.Errorf("malformed token: %w", err)
	}
	if len(token.Headers) != 1 || token.Headers[0].KeyID == "" {
		return tokenIdentity{}, errors.New("the token's header names no key")
	}
	if err := c.complete(&p); err != nil {
		return tokenIdentity{}, err
	}
	// The issuer is looked at before keys are fetched: with several providers, a token of another one is no reason to ask this one for new keys.
	if issuer := unverifiedIssuer(token); issuer != p.issuer {
		return tokenIdentity{}, fmt.Errorf("issuer %q is not %q", issuer, p.issuer)
	}
	key, err := c.key(p.jwks, token.Headers[0].KeyID)
	if err != nil {
		return tokenIdentity{}, err
	}
	var claims map[string]any
	var registered jwt.Claims
	if err := token.Claims(key, &registered, &claims); err != nil {
		return tokenIdentity{}, fmt.Errorf("bad signature: %w", err)
	}
	if key.Use != "" && key.Use != "sig" {
		return tokenIdentity{}, fmt.Errorf("key %q is not for signatures", key.KeyID)
	}
	if err := c.checkClaims(p, registered); err != nil {
		return tokenIdentity{}, err
	}
	return c.identify(p, raw, registered, claims)
}

func unverifiedIssuer(token *jwt.JSONWebToken) string {
	var claims jwt.Claims
	if token.UnsafeClaimsWithoutVerification(&claims) != nil {
		return ""
	}
	return claims.Issuer
}

func (c *keyCache) checkClaims(p providerConfig, claims jwt.Claims) error {
	if claims.Issuer != p.issuer {
		return fmt.Errorf("issuer %q is not %q", claims.Issuer, p.issuer)
	}
	audience := false
	for _, want := range p.audience {
		audience = audience || claims.Audience.Contains(want)
	}
	if !audience {
		return fmt.Errorf("audience %v holds none of %v", []string(claims.Audience), p.audience)
	}
	now := c.now()
	switch {
	case claims.Expiry == nil:
		return errors.New("the token has no exp")
	case now.After(claims.Expiry.Time().Add(clockLeeway)):
		return fmt.Errorf("the token expired at %s", claims.Expiry.Time().UTC().Format(time.RFC3339))
	case claims.NotBefore != nil && now.Add(clockLeeway).Before(claims.NotBefore.Time()):
		return fmt.Errorf("the token is not valid before %s", claims.NotBefore.Time().UTC().Format(time.RFC3339))
	case claims.Subject == "":
		return errors.New("the token has no sub")
	}
	return nil
}

// identify reads user name and groups, from the token or from the user info endpoint.
func (c *keyCache) identify(p providerConfig, raw string, registered jwt.Claims, claims map[string]any) (tokenIdentity, error) {
	var info map[string]any
	if p.usernameFromInfo || p.groupsFromInfo {
		if p.userInfo == "" {
			return tokenIdentity{}, fmt.Errorf("%w: provider %s has no user_info_uri", errUnreachable, p.name)
		}
		if err := c.fetch(p.userInfo, raw, &info); err != nil {
			return tokenIdentity{}, err
		}
		if sub, _ := info["sub"].(string); sub != registered.Subject {
			return tokenIdentity{}, fmt.Errorf("user info is about %q, the token about %q", sub, registered.Subject)
		}
	}
	from := func(useInfo bool) map[string]any {
		if useInfo {
			return info
		}
		return claims
	}
	username, _ := from(p.usernameFromInfo)[p.usernameClaim].(string)
	if username == "" {
		return tokenIdentity{}, fmt.Errorf("no user name in claim %q", p.usernameClaim)
	}
	id := tokenIdentity{username: username, expires: registered.Expiry.Time(), claims: claims}
	if p.groupsClaim != "" {
		id.groups = groupList(from(p.groupsFromInfo)[p.groupsClaim])
	}
	return id, nil
}

// groupList takes a string or a list of strings; anything else is no group.
func groupList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var groups []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				groups = append(groups, s)
			}
		}
		return groups
	}
	return nil
}

// roles maps groups: by the mapping where one is set, else to the roles of the same name.
func (p providerConfig) roles(groups []string) []string {
	found := map[string]bool{}
	for _, g := range groups {
		if !p.mapped {
			found[g] = true
			continue
		}
		for _, r := range p.mapping[g] {
			found[r] = true
		}
	}
	return sortedNames(found)
}

// logIn is a bearer login on one member: providers in the order of authentication_providers.
func (m *member) logIn(raw string) (*identity, *Failure) {
	d := m.dbms
	var transient error
	providers := m.oidcProviders()
	if len(providers) == 0 {
		return nil, d.unauthorized("Unsupported authentication token, scheme 'bearer' is not supported.")
	}
	for _, p := range providers {
		id, err := m.keys.validate(p, raw)
		if err == nil {
			m.logClaims(p, id)
			who, refusal := m.authorise(p, id)
			if refusal == nil {
				m.loggedIn(who.user)
				return who, nil
			}
			err = refusal
		}
		m.refusedLogin(providerPrefix+p.name, err.Error())
		if errors.Is(err, errUnreachable) {
			transient = err
		}
	}
	switch {
	case errors.Is(transient, errProviderTimeout):
		return nil, &Failure{Code: codeProviderTimeout, Message: "An auth provider request timed out."}
	case transient != nil:
		return nil, &Failure{Code: codeProviderFailed, Message: "An auth provider request failed."}
	}
	return nil, d.unauthorized(messageUnauthorized)
}

func (m *member) oidcProviders() []providerConfig {
	m.dbms.mu.Lock()
	defer m.dbms.mu.Unlock()
	var list []providerConfig
	for _, p := range splitList(m.settings.value(settingAuthentication)) {
		if name, ok := strings.CutPrefix(p, providerPrefix); ok {
			list = append(list, m.settings.provider(name))
		}
	}
	return list
}

// logClaims writes a token's claims to the security log where that is switched on.
func (m *member) logClaims(p providerConfig, id tokenIdentity) {
	m.dbms.mu.Lock()
	enabled := m.settings.enabled(settingLogClaims)
	m.dbms.mu.Unlock()
	if !enabled {
		return
	}
	text, err := json.Marshal(id.claims)
	if err == nil {
		m.dbms.log(securityEvent{level: "DEBUG", source: m.source(), user: providerPrefix + p.name, message: "JWT claims: " + string(text)})
	}
}

// authorise makes a token's identity a session's.
func (m *member) authorise(p providerConfig, id tokenIdentity) (*identity, error) {
	d := m.dbms
	d.mu.Lock()
	defer d.mu.Unlock()
	provider := providerPrefix + p.name
	authorisers := splitList(m.settings.value(settingAuthorization))
	who := &identity{user: id.username, provider: provider, expires: id.expires, generation: m.generation, native: hasString(authorisers, "native")}
	if hasString(authorisers, provider) {
		who.mapped = p.roles(id.groups)
	}
	if m.settings.enabled(settingCacheUseTTL) {
		who.authorised = d.now().Add(m.settings.duration(settingCacheTTL))
	}
	if !m.settings.enabled(settingLocalUser) {
		return who, nil
	}
	for _, name := range sortedNames(d.live.users) {
		u := d.live.users[name]
		if u.external[provider] != id.username {
			continue
		}
		if u.suspended {
			return nil, fmt.Errorf("user %s is suspended", name)
		}
		who.user, who.local = name, true
		return who, nil
	}
	return nil, fmt.Errorf("no local user with provider %s and id %s", provider, id.username)
}

// sortedUnique sorts and drops repetitions.
func sortedUnique(list []string) []string {
	out := append([]string{}, list...)
	sort.Strings(out)
	n := 0
	for i, s := range out {
		if i == 0 || s != out[n-1] {
			out[n] = s
			n++
		}
	}
	return out[:n]
}
