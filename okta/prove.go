package okta

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

// The hops from an account to its claims.
const (
	hopOrg       = "org"
	hopDiscovery = "discovery"
	hopClient    = "client"
	hopPolicy    = "policy"
	hopToken     = "token"
	hopClaims    = "claims"
)

// Hops names the hops that Prove walks.
func (*System) Hops() []string {
	return []string{hopOrg, hopDiscovery, hopClient, hopPolicy, hopToken, hopClaims}
}

// Accounts lists the apps that get tokens with their own credentials, without those of removed blocks. It looks for each one's credentials, in files and the environment.
func (s *System) Accounts(state []reconcile.Object) []reconcile.Account {
	state = reconcile.ObjectsOf(s.Name(), state)
	var accounts []reconcile.Account
	for _, app := range ofKind(state, kindApp) {
		if hasGrant(app.Get(attrGrants)) {
			account := reconcile.Account{Addr: app.Addr, Name: nameOf(app), Range: app.Range}
			if _, missing := (&proof{system: s, app: s.completeApp(app)}).login(); missing != nil && len(missing.Likely) > 0 {
				account.Lacks = missing.Likely[0]
			}
			accounts = append(accounts, account)
		}
	}
	slices.SortFunc(accounts, func(a, b reconcile.Account) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	return accounts
}

// Prove asks for a real token as the account and checks what it says. The token stays in the evidence.
func (s *System) Prove(ctx context.Context, account reconcile.Account, state []reconcile.Object, e *reconcile.Evidence, hop func(reconcile.Hop)) bool {
	state = reconcile.ObjectsOf(s.Name(), state)
	p := &proof{system: s, state: state, evidence: e, now: time.Now()}
	i := slices.IndexFunc(state, func(o reconcile.Object) bool { return o.Addr == account.Addr })
	if i < 0 {
		hop(reconcile.Hop{Name: hopOrg, Status: reconcile.HopFail, Text: "the app is not in the state that is to be proven", Range: account.Range})
		return false
	}
	p.app = s.completeApp(state[i])
	p.ways = waysOf(p.app, state)
	for _, walk := range []func(context.Context) reconcile.Hop{p.org, p.discovery, p.client, p.policy, p.token, p.claims} {
		h := walk(ctx)
		if h.Range.Empty() && h.Status == reconcile.HopFail {
			h.Range = p.app.Range
		}
		hop(h)
		if h.Status == reconcile.HopFail {
			return false
		}
	}
	return true
}

// completeApp adds to an app of the spec what the last Read saw of it, where the spec does not say.
func (s *System) completeApp(app reconcile.Object) reconcile.Object {
	live, wanted := s.recall().live[app.Addr], s.recall().want[app.Addr]
	if app.Facts == nil {
		app.Facts = live.Facts
	}
	app.Attrs = slices.Clone(app.Attrs)
	for _, from := range []reconcile.Object{wanted, live} {
		for _, a := range from.Attrs {
			if app.Get(a.Name) == nil {
				app.Set(a)
			}
		}
	}
	if app.Range.Empty() {
		app.Range = wanted.Range
	}
	return app
}

// proof is one account's walk.
type proof struct {
	system   *System
	state    []reconcile.Object
	evidence *reconcile.Evidence
	now      time.Time
	app      reconcile.Object
	keys     []reconcile.Value // the app's public keys
	ways     []way
	found    discovery
	got      granted
}

func good(name, format string, args ...any) reconcile.Hop {
	return reconcile.Hop{Name: name, Status: reconcile.HopOK, Text: fmt.Sprintf(format, args...)}
}

func bad(name, format string, args ...any) reconcile.Hop {
	return reconcile.Hop{Name: name, Status: reconcile.HopFail, Text: fmt.Sprintf(format, args...)}
}

// refused makes a failed hop of an error.
func refused(name string, err error) reconcile.Hop {
	h := bad(name, "%v", err)
	var r *reconcile.Refusal
	if errors.As(err, &r) {
		h.Came = r.Answer
		if r.Remedy != "" {
			h.Likely = append(h.Likely, r.Remedy)
		}
	}
	return h
}

// server is the id or alias of the authorization server that issues the account's tokens.
func (p *proof) server() string {
	var v reconcile.Value
	if len(p.ways) > 0 {
		v = p.ways[0].policy.Get(attrServer)
	}
	if t, ok := reconcile.Resolve(v, p.system.recall().resolver()).(reconcile.Text); ok {
		return string(t)
	}
	return defaultServer
}

func (p *proof) org(ctx context.Context) reconcile.Hop {
	org := p.system.client.settings.org.String()
	if _, err := p.system.client.get(ctx, "/api/v1/authorizationServers/"+defaultServer); err != nil && isFatal(err) {
		h := refused(hopOrg, err)
		h.Expected = "an Okta org at " + org
		return h
	}
	return good(hopOrg, "%s answers", org)
}

func (p *proof) discovery(ctx context.Context) reconcile.Hop {
	d, err := p.system.client.discover(ctx, p.server())
	if err != nil {
		h := refused(hopDiscovery, err)
		h.Likely = append(h.Likely, "the authorization server "+p.server()+" is not there, or is inactive")
		return h
	}
	p.found, p.evidence.Issuer = d, d.Issuer
	return good(hopDiscovery, "issuer %s", d.Issuer)
}

func (p *proof) client(ctx context.Context) reconcile.Hop {
	id, _ := p.app.Facts["id"].(reconcile.Text)
	if id == "" {
		h := bad(hopClient, "the app is not in Okta")
		h.See = "keymaker plan --target " + p.app.Addr.String()
		return h
	}
	one, err := p.system.client.get(ctx, "/api/v1/apps/"+string(id))
	if err != nil {
		return refused(hopClient, err)
	}
	status, method := one.text("status"), one.text("credentials", "oauthClient", "token_endpoint_auth_method")
	p.app.Set(reconcile.Attr{Name: attrMethod, Value: reconcile.Text(method)})
	clientID := one.text("credentials", "oauthClient", "client_id")
	p.app.Facts, p.keys = factsOf(kindApp, one), knownKeys(one)
	h := bad(hopClient, "%s is not fit for a login", clientID)
	h.See = "keymaker plan --target " + p.app.Addr.String()
	switch {
	case status != active:
		h.Expected, h.Came = "status "+active, "status "+status
	case one.flag("settings", "oauthClient", "dpop_bound_access_tokens"):
		h.Expected, h.Came = "no DPoP", "dpop_bound_access_tokens is true"
		h.Likely = []string{"the app was made in Okta's console, which switches DPoP on; Neo4j takes no DPoP-bound token"}
	case !contains(one.at("settings", "oauthClient", "grant_types"), reconcile.Text(grantMachine)):
		h.Expected, h.Came = "the grant client_credentials", "grant_types "+shown(one.at("settings", "oauthClient", "grant_types"))
	default:
		return good(hopClient, "%s active, %s, no DPoP", clientID, method)
	}
	return h
}

func (p *proof) policy(context.Context) reconcile.Hop {
	if len(p.ways) > 0 {
		w := p.ways[0]
		return good(hopPolicy, "%s, rule %s", nameOf(w.policy), w.rule.Addr.Name)
	}
	if len(ofKind(p.state, kindPolicy)) == 0 {
		return good(hopPolicy, "none in the spec; the org's own decide")
	}
	h := bad(hopPolicy, "no policy of the spec gives this app a token")
	h.Expected = "an active policy for this client, with an active rule for client_credentials"
	h.Likely = []string{"the app is missing in clients of the policy", "the policy or its rule is inactive", "grant_types of the rule lacks client_credentials"}
	return h
}

func (p *proof) token(ctx context.Context) reconcile.Hop {
	l, h := p.login()
	if h != nil {
		return *h
	}
	scopes := p.scopes()
	got, err := p.system.client.token(ctx, p.server(), l, scopes)
	if err != nil {
		h := refused(hopToken, err)
		h.Expected = "a token with scope " + strings.Join(scopes, " ")
		h.Likely = append(h.Likely, likelyRefused(err)...)
		return h
	}
	if !strings.EqualFold(got.typ, "Bearer") {
		h := bad(hopToken, "the token is of type %s", clean(got.typ))
		h.Expected = "a Bearer token, the only kind that Neo4j takes"
		return h
	}
	p.got, p.evidence.Token = got, got.token
	return good(hopToken, "%s, scope %s", lifeText(got.life), clean(got.scope))
}

// login finds the account's credentials: the delivered file, else the environment variable that the spec names.
func (p *proof) login() (login, *reconcile.Hop) {
	l := login{method: p.app.TextAttr(attrMethod)}
	id, _ := p.app.Facts[attrClientID].(reconcile.Text)
	l.clientID = string(id)
	h := bad(hopToken, "no credentials of this account are at hand")
	h.Expected = "the client secret of " + l.clientID
	if l.method == methodKey {
		return p.keyLogin(l, h)
	}
	where, ok := p.app.Get(attrSecret).(reconcile.Map)
	if !ok {
		h.Likely = []string{"the app has no secret block: nobody received its secret. Add secret { file = \"...\" } or secret { env } to say where it is"}
		return l, &h
	}
	file, _ := where["file"].(reconcile.Text)
	format, _ := where["format"].(reconcile.Text)
	env, _ := where["env"].(reconcile.Text)
	if secret, ok := deliveredSecret(string(file), string(format)); ok {
		l.secret = secret
		return l, nil
	}
	if v, ok := p.system.env(string(env)); ok && env != "" && v != "" {
		l.secret = reconcile.NewSecret("env "+string(env), func() (string, error) { return v, nil })
		return l, nil
	}
	h.Came = "no file " + string(file)
	if env != "" {
		h.Came += ", and no environment variable " + string(env)
	}
	h.Likely = []string{"the secret lives elsewhere: name an environment variable that holds it, with env in the app's secret block"}
	return l, &h
}

// keyLogin finds the account's private key: the file, else the environment variable that the spec names. It signs under the id that Okta knows the key by.
func (p *proof) keyLogin(l login, h reconcile.Hop) (login, *reconcile.Hop) {
	h.Expected = "the private key of " + l.clientID
	where, ok := p.app.Get(attrKey).(reconcile.Map)
	if !ok {
		h.Likely = []string{"the app authenticates with private_key_jwt, and the spec names no key file: add key { file = \"...\" }"}
		return l, &h
	}
	file, env := textOf(where["file"]), textOf(where["env"])
	l.secret = pemSecret(file)
	if there, _ := isThere(file); !there {
		v, ok := p.system.env(env)
		if !ok || env == "" || v == "" {
			h.Came = "no file " + file
			h.Likely = []string{"the key lives elsewhere: name an environment variable that holds it, with env in the app's key block"}
			return l, &h
		}
		l.secret = reconcile.NewSecret("env "+env, func() (string, error) { return strings.ReplaceAll(v, `\n`, "\n"), nil })
	}
	l.algorithm = textOf(where["algorithm"])
	public, err := publicHalf(l.secret, l.algorithm)
	if err != nil {
		h.Came = err.Error()
		return l, &h
	}
	l.keyID = textOf(public["kid"])
	if i := sameModulus(p.keys, public); i >= 0 {
		l.keyID = textOf(p.keys[i].(reconcile.Map)["kid"])
	} else if len(p.keys) > 0 {
		h.Came = "a key that is none of the app's in Okta"
		h.See = "keymaker plan --target " + p.app.Addr.String()
		return l, &h
	}
	return l, nil
}

// scopes are what the account asks for: the scopes of its rules, or those with which the claims come.
func (p *proof) scopes() []string {
	if len(p.ways) == 0 {
		return askable(scopeNames(ofKind(p.state, kindScope)))
	}
	server := p.ways[0].policy.Get(attrServer)
	var scopes []string
	for _, w := range p.ways {
		if reconcile.Equal(w.policy.Get(attrServer), server) {
			scopes = append(scopes, reconcile.Texts(w.rule.Get(attrScopes))...)
			break // Okta decides by the first rule that fits, for the whole request
		}
	}
	if slices.Contains(scopes, "*") {
		scopes = append(scopes, scopeNames(slices.DeleteFunc(ofKind(p.state, kindScope), func(o reconcile.Object) bool {
			return !reconcile.Equal(o.Get(attrServer), server)
		}))...)
	}
	return askable(scopes)
}

func scopeNames(scopes []reconcile.Object) []string {
	var ns []string
	for _, o := range scopes {
		ns = append(ns, o.TextAttr(attrName))
	}
	return ns
}

// likelyRefused says what is behind an OAuth error (Okta's catalogue of OAuth 2.0 errors).
func likelyRefused(err error) []string {
	var e *apiError
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case "access_denied":
		return []string{"another policy, before this one, is for this client too", "the rule does not give a scope that was asked for"}
	case "invalid_scope":
		return []string{"a scope of the rule is not on this authorization server"}
	case "consent_required":
		return []string{"a scope has consent REQUIRED, which no machine can give: set consent = \"IMPLICIT\""}
	case "invalid_request":
		return []string{"the authorization server is inactive"}
	case "server_error":
		return []string{"the value of a claim is no expression that Okta can evaluate for this app"}
	}
	return nil
}

func lifeText(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return d.String()
}

func (p *proof) claims(ctx context.Context) reconcile.Hop {
	keys, err := p.system.client.keys(ctx, p.server())
	if err != nil {
		return refused(hopClaims, err)
	}
	claims, err := claimsOf(p.got.raw, keys)
	if err != nil {
		return bad(hopClaims, "%v", err)
	}
	p.evidence.Claims = claims
	id, _ := p.app.Facts[attrClientID].(reconcile.Text)
	if err := checkClaims(claims, p.found.Issuer, p.audience(), string(id), p.now); err != nil {
		return bad(hopClaims, "%v", err)
	}
	var said []string
	for _, claim := range claimsFor(p.app, p.state) {
		attribute, ok := profileAttribute(claim)
		profile, _ := p.app.Get(attrProfile).(reconcile.Map)
		if !ok || profile[attribute] == nil {
			continue
		}
		name, want := nameOf(claim), profile[attribute]
		if !same(claims[name], want) {
			return p.wrongClaim(claim, name, want, claims)
		}
		said = append(said, name+" = "+printJSON(claims[name]))
	}
	if len(said) == 0 {
		said = []string{names(claims)}
	}
	return good(hopClaims, "%s", strings.Join(said, ", "))
}

// audience is that of the account's server, "" when the spec does not refer to it and so it was not read.
func (p *proof) audience() string {
	for _, o := range p.system.recall().live {
		if o.Addr.Kind != kindServer {
			continue
		}
		if o.Addr.Name == p.server() || o.Facts["id"] == reconcile.Text(p.server()) {
			t, _ := o.Facts["audience"].(reconcile.Text)
			return string(t)
		}
	}
	return ""
}

func (p *proof) wrongClaim(claim reconcile.Object, name string, want reconcile.Value, claims map[string]reconcile.Value) reconcile.Hop {
	h := bad(hopClaims, "%s is not what the spec says", name)
	h.Expected, h.Came = name+" = "+printJSON(want), name+" = "+shown(claims[name])
	h.See, h.Range = "keymaker plan --target "+claim.Addr.String(), claim.Range
	if claims[name] == nil {
		h.Text, h.Came = name+" is missing", names(claims)
		h.Likely = append(h.Likely, fmt.Sprintf("the claim %s is tied to scopes that the token does not have", claim.Addr))
	}
	h.Likely = append(h.Likely, "the profile or the claim was changed in Okta after the spec was applied", "Okta has not spread the change yet: try again in a minute")
	return h
}
