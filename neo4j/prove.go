package neo4j

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"keymaker/reconcile"
)

// The hops of a proof.
const (
	hopServer   = "server"
	hopProvider = "provider"
	hopLogin    = "login"
	hopUser     = "user"
	hopRoles    = "roles"
)

// Accounts is empty: Neo4j gives nobody a token.
func (s *System) Accounts([]reconcile.Object) []reconcile.Account { return nil }

// Hops are server, provider, login, user and roles.
func (s *System) Hops() []string {
	return []string{hopServer, hopProvider, hopLogin, hopUser, hopRoles}
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

// Prove logs in to every member with the token of the evidence, and compares the session with what the spec's mapping says. It writes nothing.
func (s *System) Prove(ctx context.Context, _ reconcile.Account, state []reconcile.Object, e *reconcile.Evidence, hop func(reconcile.Hop)) bool {
	p := &proof{system: s, state: reconcile.ObjectsOf(s.Name(), state), evidence: e}
	for _, walk := range []func(context.Context) reconcile.Hop{p.server, p.provider, p.login, p.user, p.roles} {
		h := walk(ctx)
		hop(h)
		if h.Status != reconcile.HopOK {
			return false
		}
	}
	return true
}

// proof is what the hops of one account hand on.
type proof struct {
	system   *System
	state    []reconcile.Object
	evidence *reconcile.Evidence
	seen     snapshot
	name     string           // the provider
	object   reconcile.Object // as the spec has it, zero when it has not
	rows     []row            // of SHOW CURRENT USER, one for each member
}

func passed(name, text string) reconcile.Hop {
	return reconcile.Hop{Name: name, Status: reconcile.HopOK, Text: text}
}

func failed(name string, h reconcile.Hop) reconcile.Hop {
	h.Name, h.Status = name, reconcile.HopFail
	return h
}

// server looks at every member.
func (p *proof) server(ctx context.Context) reconcile.Hop {
	s := p.system
	p.seen = snapshot{roles: make(map[string]liveRole)}
	err := s.readServer(ctx, &p.seen)
	if err == nil && s.aura {
		p.seen.members = []memberState{{address: withPort(s.uri.Host)}}
	} else if err == nil {
		err = s.readSettings(ctx, &p.seen)
	}
	if err == nil {
		err = s.readRoles(ctx, &p.seen)
	}
	if err == nil {
		err = s.readUsers(ctx, &p.seen)
	}
	for _, m := range p.seen.members {
		if err == nil && m.err != nil {
			err = fmt.Errorf("member %s: %w", m.address, m.err)
		}
	}
	if err != nil {
		return failed(hopServer, reconcile.Hop{
			Text: s.uri.Redacted() + " does not answer as it should", Expected: "Neo4j Enterprise, and a login of user " + s.client.username, Came: err.Error(),
			See: "keymaker plan",
		})
	}
	return passed(hopServer, s.target(p.seen).Product)
}

// provider finds who takes tokens of the evidence's issuer, on every member.
func (p *proof) provider(context.Context) reconcile.Hop {
	if p.system.aura {
		return passed(hopProvider, "kept in Aura's console, which cannot be read from here")
	}
	var names, known []string
	for _, name := range p.seen.providerNames() {
		known = append(known, name+" ("+p.seen.issuerOf(name)+")")
		if p.seen.issues(name, p.evidence.Issuer) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		if len(known) == 0 {
			known = []string{"no provider"}
		}
		return failed(hopProvider, reconcile.Hop{
			Text: "no provider takes tokens of " + p.evidence.Issuer, Expected: "a provider with that issuer, or its discovery URI", Came: strings.Join(known, ", "),
			Likely: []string{"the provider is not applied yet, or its member was not restarted since", "well_known_discovery_uri belongs to another authorization server"},
			See:    "keymaker plan", Range: p.declared().Range,
		})
	}
	p.name = names[0]
	for _, o := range p.state {
		if o.Addr.Kind == kindProvider && slices.Contains(names, liveName(o)) {
			p.name, p.object = liveName(o), o
		}
	}
	for _, m := range p.seen.members {
		for _, list := range []string{authenticationProviders, authorizationProviders} {
			if !m.lists(list, p.name) {
				return failed(hopProvider, reconcile.Hop{
					Text: m.address + " does not ask provider " + p.name, Expected: list + " with " + providerEntry(p.name), Came: list + " = " + quoted(m.settings[list].value),
					Likely: []string{"the member was not restarted since the provider was added", "its neo4j.conf is not the one that Keymaker writes"},
					See:    "keymaker plan", Range: p.object.Range,
				})
			}
		}
	}
	return passed(hopProvider, p.name+", "+countMembers(len(p.seen.members)))
}

// declared is the first provider of the spec, for a place to point at.
func (p *proof) declared() reconcile.Object {
	for _, o := range p.state {
		if o.Addr.Kind == kindProvider {
			return o
		}
	}
	return reconcile.Object{}
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
		if v := m.settings[oidcPrefix+name+"."+suffix].value; v != nil && *v != "" {
			return *v
		}
	}
	return ""
}

func (s snapshot) issuerOf(name string) string {
	if issuer := s.setting(name, "issuer"); issuer != "" {
		return issuer
	}
	return strings.TrimSuffix(s.setting(name, "well_known_discovery_uri"), discoveryPath)
}

// issues says whether a provider takes an issuer's tokens, as far as its settings say: discovery may be at another address than the issuer.
func (s snapshot) issues(name, issuer string) bool { return issuer != "" && s.issuerOf(name) == issuer }

// login uses the token on every member.
func (p *proof) login(ctx context.Context) reconcile.Hop {
	for _, m := range p.seen.members {
		uri := p.system.memberURI(m.address)
		if p.system.aura {
			uri = p.system.uri.String()
		}
		rows, err := p.system.client.bearer(ctx, uri, p.evidence.Token, "SHOW CURRENT USER")
		if err == nil && len(rows) == 0 {
			err = fmt.Errorf("SHOW CURRENT USER gave no row")
		}
		if err != nil {
			return p.refusedLogin(m, err)
		}
		p.rows = append(p.rows, rows[0])
	}
	p.evidence.Row = pythonRow(p.rows[0])
	return passed(hopLogin, "the token is taken by "+countMembers(len(p.rows)))
}

// refusedLogin says what Neo4j does not: it answers every bad token alike, so the token is held against the provider's settings here.
func (p *proof) refusedLogin(m memberState, err error) reconcile.Hop {
	h := reconcile.Hop{
		Text: m.address + " does not take the token", Expected: "a session", Came: err.Error(),
		See: "security.log of " + m.address, Range: p.object.Range,
	}
	if refused(err) {
		h.Likely = p.suspects()
	}
	return failed(hopLogin, h)
}

// suspects lists what is wrong with the token for sure, then what may be.
func (p *proof) suspects() []string {
	claims := p.evidence.Claims
	var sure []string
	if iss, want := textOf(claims["iss"]), p.seen.issuerOf(p.name); p.name != "" && iss != want {
		sure = append(sure, fmt.Sprintf("iss is %q, and the provider takes %q, to the character", iss, want))
	}
	audience := ParseSettingList(p.seen.setting(p.name, "audience"))
	if aud := textsOf(claims["aud"]); p.name != "" && !slices.ContainsFunc(aud, func(a string) bool { return slices.Contains(audience, a) }) {
		sure = append(sure, fmt.Sprintf("aud is %s, and the provider takes %s", reconcile.TextSet(aud...), reconcile.TextSet(audience...)))
	}
	for _, claim := range uniqueSorted([]string{"sub", p.claim("claims.username", "sub")}) {
		if textOf(claims[claim]) == "" && !p.fromUserInfo("get_username_from_user_info", claim) {
			sure = append(sure, "the token has no text claim "+claim)
		}
	}
	if claims["cnf"] != nil {
		sure = append(sure, "the token is bound to a key (DPoP), which Neo4j does not support")
	}
	now := time.Now().Unix()
	if exp, known := unixTime(claims["exp"]); known && exp <= now {
		sure = append(sure, "the token has expired by this machine's clock")
	}
	if nbf, known := unixTime(claims["nbf"]); known && nbf > now {
		sure = append(sure, "the token is not valid yet by this machine's clock")
	}
	sure = append(sure, p.userSuspects()...)
	may := []string{"the server cannot fetch the issuer's keys (jwks_uri), or has old ones", "the server's clock is off"}
	if p.seen.localUser() && p.seen.usersErr != nil {
		may = append([]string{"dbms.security.require_local_user is true and no user has auth provider " + providerEntry(p.name) + " with this token's id, or that user is suspended"}, may...)
	}
	return append(sure, may...)
}

func (p *proof) fromUserInfo(suffix, claim string) bool {
	return claim != "sub" && strings.EqualFold(p.seen.setting(p.name, suffix), "true")
}

// claim is the name of a claim as the members have it.
func (p *proof) claim(suffix, fallback string) string {
	if name := p.seen.setting(p.name, suffix); name != "" {
		return name
	}
	return fallback
}

// localUser says whether sessions run under the name of a user that Neo4j keeps.
func (s snapshot) localUser() bool {
	return slices.ContainsFunc(s.members, func(m memberState) bool {
		v := m.settings[requireLocalUser].value
		return v != nil && strings.EqualFold(*v, "true")
	})
}

func textOf(v reconcile.Value) string {
	t, _ := v.(reconcile.Text)
	return string(t)
}

// textsOf reads a claim that is a text or a list of texts.
func textsOf(v reconcile.Value) []string {
	if t, one := v.(reconcile.Text); one {
		return []string{string(t)}
	}
	return reconcile.Texts(v)
}

func unixTime(v reconcile.Value) (int64, bool) {
	n, isNumber := v.(reconcile.Number)
	if !isNumber {
		return 0, false
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

// user compares the session's name with the token's.
func (p *proof) user(context.Context) reconcile.Hop {
	user := p.rows[0].text("user")
	for i, r := range p.rows {
		if r.text("user") != user {
			return failed(hopUser, reconcile.Hop{Text: "members disagree", Expected: user + ", as on " + p.seen.members[0].address, Came: r.text("user") + " on " + p.seen.members[i].address})
		}
	}
	claim := p.claim("claims.username", "sub")
	want := textOf(p.evidence.Claims[claim])
	switch {
	case p.seen.localUser():
		return p.localUserHop(user)
	case p.name == "" || p.fromUserInfo("get_username_from_user_info", claim):
		return passed(hopUser, user)
	case user != want:
		return failed(hopUser, reconcile.Hop{
			Text: "the session is not the account's", Expected: fmt.Sprintf("%s = %q", claim, want), Came: fmt.Sprintf("user %q", user),
			Likely: []string{"another provider took the token"}, Range: attrRange(p.object, "username_claim"),
		})
	}
	return passed(hopUser, user+", from "+claim)
}

func attrRange(o reconcile.Object, name string) rangeOf {
	if a, found := o.Attr(name); found {
		return a.Range
	}
	return o.Range
}
