package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

// The hops from an account to its claims.
const (
	hopOrg       = "org"
	hopDiscovery = "discovery"
	hopIssuer    = "issuer"
	hopClient    = "client"
	hopPolicy    = "policy"
	hopToken     = "token"
	hopScopes    = "scopes"
	hopClaims    = "claims"
	hopSignature = "signature"
)

// What a verification's calls are counted as.
const (
	costRequest = "Okta request"
	costToken   = "token"
)

// Hops names the hops that Prove walks.
func (*System) Hops() []string {
	return []string{hopOrg, hopDiscovery, hopIssuer, hopClient, hopPolicy, hopToken, hopScopes, hopClaims, hopSignature}
}

// Accounts lists the apps that get tokens with their own credentials, without those of removed blocks. It looks for each one's credentials, in files and the environment.
func (s *System) Accounts(state []reconcile.Object) []reconcile.Account {
	state = reconcile.ObjectsOf(s.Name(), state)
	var accounts []reconcile.Account
	for _, app := range ofKind(state, kindApp) {
		if !hasGrant(app.Get(attrGrants)) {
			continue
		}
		account := reconcile.Account{Addr: app.Addr, Name: nameOf(app), Range: app.Range}
		if _, missing := (&proof{system: s, app: s.completeApp(app)}).credentials(); missing != nil && len(missing.Likely) > 0 {
			account.Lacks = missing.Likely[0]
		}
		if s.means(app, inactive) {
			account.Disabled = "the spec keeps the app INACTIVE"
		}
		accounts = append(accounts, account)
	}
	slices.SortFunc(accounts, func(a, b reconcile.Account) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	return accounts
}

// means says whether the spec itself gives an object a status. A state has the live status too, where the spec leaves it open.
func (s *System) means(o reconcile.Object, status string) bool {
	if want, ok := s.recall().want[o.Addr]; ok {
		o = want
	}
	return o.TextAttr(attrStatus) == status
}

// Prove asks for a real token as the account and checks what it says. The token stays in the evidence.
func (s *System) Prove(ctx context.Context, account reconcile.Account, state []reconcile.Object, e *reconcile.Evidence, hop func(reconcile.Hop)) bool {
	p, ok := s.proofOf(account, state, e)
	if !ok {
		hop(reconcile.Hop{Name: hopOrg, Status: reconcile.HopFail, Text: "the app is not in the state that is to be proven", Range: account.Range})
		return false
	}
	for _, walk := range []func(context.Context) reconcile.Hop{p.org, p.discovery, p.issuer, p.client, p.policy, p.token, p.scopes, p.claims, p.signature} {
		h := p.placed(walk(ctx))
		hop(h)
		if h.Status == reconcile.HopFail || e.Stop != "" {
			return false
		}
	}
	return true
}

// proofOf prepares the walk of an account; false when the state does not have it.
func (s *System) proofOf(account reconcile.Account, state []reconcile.Object, e *reconcile.Evidence) (*proof, bool) {
	m, _ := reconcile.Once(e.Run, asking{s, "what the state means"}, func() (*intent, error) { return s.meantBy(state), nil })
	app, ok := m.apps[account.Addr]
	if !ok {
		return nil, false
	}
	p := &proof{system: s, account: account, meant: m, evidence: e, now: time.Now(), app: s.completeApp(app)}
	v := s.recall()
	p.ways = v.preferred(v.waysOf(m.issuers, p.app, false))
	if len(p.ways) == 0 { // what is inactive answers nobody, and shows what was meant
		p.ways = v.waysOf(m.issuers, p.app, true)
	}
	return p, true
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
	account  reconcile.Account
	meant    *intent
	evidence *reconcile.Evidence
	now      time.Time
	app      reconcile.Object
	keys     []reconcile.Value // the app's public keys
	ways     []way
	found    discovery
	answers  answering
	asked    []string // scopes
	got      granted
}

func good(name, format string, args ...any) reconcile.Hop {
	return reconcile.Hop{Name: name, Status: reconcile.HopOK, Text: fmt.Sprintf(format, args...)}
}

func bad(name, format string, args ...any) reconcile.Hop {
	return reconcile.Hop{Name: name, Status: reconcile.HopFail, Text: fmt.Sprintf(format, args...)}
}

func skipped(name, format string, args ...any) reconcile.Hop {
	return reconcile.Hop{Name: name, Status: reconcile.HopSkip, Text: fmt.Sprintf(format, args...)}
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

// get reads one object, once for all accounts of the run.
func (p *proof) get(ctx context.Context, path string) (raw, error) {
	return reconcile.Once(p.evidence.Run, asking{p.system, path}, func() (raw, error) {
		p.evidence.Run.Count(costRequest, 1)
		return p.system.client.get(ctx, path)
	})
}

// list reads a collection, once for all accounts of the run.
func (p *proof) list(ctx context.Context, path string) ([]raw, error) {
	return reconcile.Once(p.evidence.Run, asking{p.system, path}, func() ([]raw, error) {
		all, calls, err := p.system.client.list(ctx, path, "")
		p.evidence.Run.Count(costRequest, calls)
		return all, err
	})
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
	if _, err := p.get(ctx, "/api/v1/authorizationServers/"+defaultServer); err != nil && isFatal(err) {
		h := refused(hopOrg, err)
		h.Expected = "an Okta org at " + org
		if h.Came == "" {
			h.Text, h.Came = org+" does not answer as an Okta org", err.Error()
		}
		h.Likely = append(h.Likely, likelyUnreachable(err)...)
		h.See = "curl -sS " + org + "/.well-known/okta-organization"
		return h
	}
	return good(hopOrg, "%s answers", org)
}

// likelyUnreachable says why nothing answers.
func likelyUnreachable(err error) []string {
	var lost *lostError
	switch {
	case errors.Is(err, errNotOkta):
		return []string{"org_url is the address of something else, or of Okta's console (-admin)"}
	case !errors.As(err, &lost):
		return nil
	case strings.Contains(err.Error(), "x509") || strings.Contains(err.Error(), "tls:"):
		return []string{"the certificate is of a CA that is unknown here, a proxy's perhaps: give it with --ca-file or SSL_CERT_FILE"}
	}
	return []string{"org_url (OKTA_CLIENT_ORGURL) is wrong, or this machine has no way to it"}
}

func (p *proof) discovery(ctx context.Context) reconcile.Hop {
	server := p.server()
	path := "/api/v1/authorizationServers/" + url.PathEscape(server)
	one, err := p.get(ctx, path) // who may not read it finds out by the token
	switch {
	case isStatus(err, http.StatusNotFound):
		h := refused(hopDiscovery, err)
		h.Text, h.Expected, h.Came = "there is no authorization server "+server, "an authorization server "+server, "404 for GET "+path
		h.Likely = []string{"it was deleted, or authorization_server names one of another org"}
		return h
	case err == nil && one.text("status") == inactive:
		h := bad(hopDiscovery, "the authorization server %s is inactive", server)
		h.Expected, h.Came = "status "+active, "status "+inactive
		h.Likely = []string{"it was switched off in Okta's console, under Security, API: it gives no token to anybody"}
		h.See = p.ask(path)
		return h
	}
	d, err := reconcile.Once(p.evidence.Run, asking{p.system, "discovery of " + server}, func() (discovery, error) {
		p.evidence.Run.Count(costRequest, 1)
		return p.system.client.discover(ctx, server)
	})
	if err != nil {
		h := refused(hopDiscovery, err)
		h.Expected = "the discovery document of the authorization server " + server
		h.Likely = append(h.Likely, "the authorization server "+server+" is not there, or is inactive")
		h.See = "curl -sS " + p.system.client.settings.org.String() + "/oauth2/" + url.PathEscape(server) + discoveryPath
		return h
	}
	p.found, p.evidence.Issuer = d, d.Issuer
	return good(hopDiscovery, "issuer %s", d.Issuer)
}
