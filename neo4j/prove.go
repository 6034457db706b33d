package neo4j

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// The hops of a proof.
const (
	hopServer   = "server"
	hopProvider = "provider"
	hopLogin    = "login"
	hopUser     = "user"
	hopRoles    = "roles"
	hopRights   = "rights"
)

// What a verification's calls are counted as.
const (
	costQuery = "Neo4j query"
	costLogin = "Neo4j login"
)

// Hops are server, provider, login, user, roles and rights.
func (s *System) Hops() []string {
	return []string{hopServer, hopProvider, hopLogin, hopUser, hopRoles, hopRights}
}

// Takes says whether a provider of the state takes the tokens of the connection that the account is on.
func (s *System) Takes(account reconcile.Account, state []reconcile.Object) bool {
	on := reconcile.NodeOn(account.Addr.System, account.Addr.Connection)
	for _, o := range reconcile.ObjectsOf(s.Name(), state) {
		if o.Addr.Kind != kindProvider || o.Absent || !active(o) {
			continue
		}
		if from := issuersOf(o); from == nil || slices.Contains(from, on) {
			return true
		}
	}
	return false
}

// Expects lists the providers of a state: whose tokens each takes, and for which audience.
func (s *System) Expects(state []reconcile.Object) []reconcile.Expectation {
	resolve := reconcile.NewIndex(state).Lookup
	var list []reconcile.Expectation
	for _, o := range reconcile.ObjectsOf(s.Name(), state) {
		if o.Addr.Kind != kindProvider || o.Absent {
			continue
		}
		o = reconcile.ResolveObject(o, resolve)
		list = append(list, ExpectationOf(o))
	}
	return list
}

// ExpectationOf is what a provider, its references resolved, expects of tokens. A reference that is not known yet leaves its place open.
func ExpectationOf(o reconcile.Object) reconcile.Expectation {
	x := reconcile.Expectation{By: o.Addr, Audience: reconcile.Texts(o.Get("audience")), Range: o.Range}
	issuer, uri := o.TextAttr("issuer"), o.TextAttr("well_known_discovery_uri")
	if written(o, "issuer") || !written(o, "well_known_discovery_uri") {
		x.Issuer = issuer
	}
	if x.Issuer == "" {
		x.Discovery = uri
	}
	for _, attr := range []string{"well_known_discovery_uri", "issuer"} {
		if a, ok := o.Attr(attr); ok && !a.Range.Empty() {
			x.Range = a.Range
		}
	}
	return x
}

// written says whether it is the spec that sets an attribute. The state that is proven has live values too, where the spec leaves them open.
func written(o reconcile.Object, attr string) bool {
	a, ok := o.Attr(attr)
	return ok && (!a.Range.Empty() || o.Facts == nil)
}

// Prove logs in to every member with the token of the evidence, compares the session with what the spec's mapping says, and tries what its privileges mean in
// transactions that are rolled back. It writes nothing that stays.
func (s *System) Prove(ctx context.Context, account reconcile.Account, state []reconcile.Object, e *reconcile.Evidence, hop func(reconcile.Hop)) bool {
	if account.Addr.System == systemName {
		return s.proveNative(ctx, account, state, e, hop)
	}
	p := s.proofOf(state, e)
	defer p.close(ctx)
	for _, walk := range []func(context.Context) reconcile.Hop{p.server, p.provider, p.login, p.user, p.roles, p.rights} {
		h := walk(ctx)
		if h.Status == reconcile.HopFail && h.See == "" {
			h.See = "keymaker plan"
		}
		hop(h)
		if h.Status == reconcile.HopFail || e.Stop != "" {
			return false
		}
	}
	return true
}

func (s *System) proofOf(state []reconcile.Object, e *reconcile.Evidence) *proof {
	m, _ := reconcile.Once(e.Run, looking{s, "at what the state means"}, func() (*intent, error) { return s.meantBy(state), nil })
	return &proof{system: s, meant: m, evidence: e, drivers: make(map[string]driverHandle)}
}

// proof is what the hops of one account hand on.
type proof struct {
	system   *System
	meant    *intent
	evidence *reconcile.Evidence
	seen     snapshot
	name     string           // the provider
	object   reconcile.Object // as the spec has it, zero when it has not
	rows     []row            // of SHOW CURRENT USER, one for each member
	drivers  map[string]driverHandle
}

func passed(name, text string) reconcile.Hop {
	return reconcile.Hop{Name: name, Status: reconcile.HopOK, Text: text}
}

func failed(name string, h reconcile.Hop) reconcile.Hop {
	h.Name, h.Status = name, reconcile.HopFail
	return h
}

func left(name, text string) reconcile.Hop {
	return reconcile.Hop{Name: name, Status: reconcile.HopSkip, Text: text}
}

// as gives the account's own connections to an address: they share one login.
func (p *proof) as(uri string) (driverHandle, error) {
	if d, ok := p.drivers[uri]; ok {
		return d, nil
	}
	d, err := p.system.client.bearer(uri, p.evidence.Token)
	if err == nil {
		p.drivers[uri] = d
		p.evidence.Run.Count(costLogin, 1)
	}
	return d, err
}

func (p *proof) close(ctx context.Context) {
	for _, d := range p.drivers {
		_ = d.Close(ctx) // nothing is left to lose
	}
}

// ask runs a statement as the account, on the system database.
func (p *proof) ask(ctx context.Context, uri, statement string) ([]row, error) {
	d, err := p.as(uri)
	if err != nil {
		return nil, err
	}
	p.evidence.Run.Count(costQuery, 1)
	return p.system.client.asBearer(ctx, d, uri, statement)
}

// server looks at every member.
func (p *proof) server(ctx context.Context) reconcile.Hop {
	s := p.system
	var err error
	p.seen, err = reconcile.Once(p.evidence.Run, looking{s, "around"}, func() (snapshot, error) {
		s.client.takeCalls()
		defer func() { p.evidence.Run.Count(costQuery, s.client.takeCalls()) }()
		return s.lookAround(ctx)
	})
	h := reconcile.Hop{Text: s.uri.Redacted() + " does not answer as it should", Expected: "Neo4j Enterprise, and a login of " + s.client.who(), See: "keymaker plan"}
	for _, m := range p.seen.members {
		if err == nil && m.err != nil {
			err = m.err
			h.Text, h.Expected = "member "+m.address+" does not answer as it should", "every member: "+p.seen.addresses()
		}
	}
	if err == nil {
		return passed(hopServer, s.target(p.seen).Product)
	}
	h.Came = err.Error()
	var no *ConnectError
	if errors.As(err, &no) {
		h.Came = no.Server + ": " + no.Reason
		if no.Remedy != "" {
			h.Likely = []string{no.Remedy}
		}
	}
	return failed(hopServer, h)
}

// lookAround reads what proofs compare with: the server, roles and users, and each member's settings.
func (s *System) lookAround(ctx context.Context) (snapshot, error) {
	seen := snapshot{roles: make(map[string]liveRole), aura: s.aura.Load()}
	err := s.readServer(ctx, &seen)
	if err == nil {
		err = s.readRest(ctx, &seen, true)
	}
	if seen.aura {
		seen.members = []memberState{{address: withPort(s.uri.Host)}}
	}
	if err == nil && len(seen.members) > 1 {
		seen.seats = s.readSeats(ctx)
	}
	return seen, err
}

func (s snapshot) addresses() string {
	var list []string
	for _, m := range s.members {
		list = append(list, m.address)
	}
	return strings.Join(list, ", ")
}

// provider finds who takes tokens of the evidence's issuer, on every member.
func (p *proof) provider(ctx context.Context) reconcile.Hop {
	if p.system.aura.Load() {
		return passed(hopProvider, "kept in Aura's console, which cannot be read from here")
	}
	var names, known []string
	for _, name := range p.seen.providerNames() {
		known = append(known, name+" ("+p.seen.issuerOf(name)+")")
		if slices.ContainsFunc(p.seen.members, func(m memberState) bool { return p.issues(ctx, m, name) }) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		see := cypherShell(p.system.uri.String(), seeSettings(""))
		if len(known) == 0 {
			known, see = []string{"no provider"}, "keymaker plan"
		}
		return failed(hopProvider, reconcile.Hop{
			Text: "no provider takes tokens of " + p.evidence.Issuer, Expected: "a provider with that issuer, or its discovery URI", Came: strings.Join(known, ", "),
			Likely: []string{"the provider is not applied yet, or its member was not restarted since", "issuer or well_known_discovery_uri in Neo4j is that of another authorization server"},
			See:    see, Range: p.declared().Range,
		})
	}
	p.name = names[0]
	for _, o := range p.meant.providers {
		if slices.Contains(names, liveName(o)) {
			p.name, p.object = liveName(o), o
		}
	}
	for _, m := range p.seen.members {
		if h, ok := p.onMember(ctx, m); !ok {
			return h
		}
	}
	return passed(hopProvider, p.name+", "+countMembers(len(p.seen.members)))
}

// onMember says whether a member asks the provider, as both lists and its settings have it.
func (p *proof) onMember(ctx context.Context, m memberState) (reconcile.Hop, bool) {
	restart := []string{"the member was not restarted since the provider was added", "its neo4j.conf is not the one that Keymaker writes"}
	for _, list := range []string{authenticationProviders, authorizationProviders} {
		if m.lists(list, p.name) {
			continue
		}
		effect := "so it refuses the token"
		if list == authorizationProviders {
			effect = "so the login succeeds there, and gets no role of the mapping"
		}
		return failed(hopProvider, reconcile.Hop{
			Text: m.address + " does not ask provider " + p.name + ", " + effect, Expected: list + " with " + providerEntry(p.name), Came: list + " = " + quoted(m.settings[list].value),
			Likely: restart, See: "keymaker plan", Range: p.object.Range,
		}), false
	}
	if !p.issues(ctx, m, p.name) {
		return failed(hopProvider, reconcile.Hop{
			Text: m.address + " has provider " + p.name + " for another issuer", Expected: p.evidence.Issuer, Came: orElse(m.issuerOf(p.name), "no issuer and no discovery URI"),
			Likely: append([]string{"the setting was changed on this member alone, with dbms.setConfigValue"}, restart...), See: cypherShell(p.loginURI(m), seeSettings(p.name)), Range: p.object.Range,
		}), false
	}
	return reconcile.Hop{}, true
}

// declared is the first provider of the spec, for a place to point at.
func (p *proof) declared() reconcile.Object {
	if len(p.meant.providers) == 0 {
		return reconcile.Object{}
	}
	return p.meant.providers[0]
}

// providerNames lists the providers that any member has in memory.
func (s snapshot) providerNames() []string {
	var names []string
	for _, m := range s.members {
		for _, list := range []string{authenticationProviders, authorizationProviders} {
			for _, entry := range listOf(m.settings[list].value) {
				if name, oidc := strings.CutPrefix(entry, "oidc-"); oidc {
					names = append(names, name)
				}
			}
		}
		for key := range m.settings {
			if rest, oidc := strings.CutPrefix(key, oidcPrefix); oidc {
				name, _, _ := strings.Cut(rest, ".")
				names = append(names, name)
			}
		}
	}
	return uniqueSorted(names)
}

// setting is a provider's setting in the first member that has it.
func (s snapshot) setting(name, suffix string) string {
	for _, m := range s.members {
		if v := m.setting(name, suffix); v != "" {
			return v
		}
	}
	return ""
}

// setting is a provider's setting in a member's memory, "" when it is not set.
func (m memberState) setting(name, suffix string) string {
	if v := m.settings[oidcPrefix+name+"."+suffix].value; v != nil {
		return *v
	}
	return ""
}

// issuerOf is whose tokens a provider takes, as far as its settings say: discovery may be at another address than the issuer.
func (m memberState) issuerOf(name string) string {
	return orElse(m.setting(name, "issuer"), strings.TrimSuffix(m.setting(name, "well_known_discovery_uri"), discoveryPath))
}

func (s snapshot) issuerOf(name string) string {
	for _, m := range s.members {
		if issuer := m.issuerOf(name); issuer != "" {
			return issuer
		}
	}
	return ""
}

// issues says whether a member's provider takes tokens of the evidence's issuer. Where only a discovery URI says so, and it is not the issuer's own, the document is read
// from here as the member reads it.
func (p *proof) issues(ctx context.Context, m memberState, name string) bool {
	switch said := m.issuerOf(name); {
	case said == "" || p.evidence.Issuer == "":
		return false
	case said == p.evidence.Issuer:
		return true
	case m.setting(name, "issuer") != "":
		return false
	}
	uri := m.setting(name, "well_known_discovery_uri")
	doc, err := reconcile.Once(p.evidence.Run, uri, func() (Endpoints, error) { return fetchEndpoints(ctx, p.system.client.roots, uri) })
	return err == nil && doc.Issuer == p.evidence.Issuer
}

// localUser says whether sessions run under the name of a user that Neo4j keeps.
func (s snapshot) localUser() bool {
	return slices.ContainsFunc(s.members, func(m memberState) bool {
		v := m.settings[requireLocalUser].value
		return v != nil && strings.EqualFold(*v, "true")
	})
}

func attrRange(o reconcile.Object, name string) rangeOf {
	if a, found := o.Attr(name); found {
		return a.Range
	}
	return o.Range
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
