package neo4j

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"keymaker/reconcile"
)

// login uses the token on every member.
func (p *proof) login(ctx context.Context) reconcile.Hop {
	suspended, name := p.suspendedInSpec()
	if name != "" && !p.evidence.Negative {
		p.evidence.Stop = "the spec suspends user " + name
		return left(hopLogin, "not tried: the spec suspends user "+name+", and --negative tries whether it is refused")
	}
	for _, m := range p.seen.members {
		rows, err := p.ask(ctx, p.loginURI(m), "SHOW CURRENT USER")
		if err == nil && len(rows) == 0 {
			err = errors.New("SHOW CURRENT USER gave no row")
		}
		switch {
		case name != "" && err == nil:
			return failed(hopLogin, reconcile.Hop{
				Text: m.address + " takes the token of a user whom the spec suspends", Expected: "a refusal", Came: "a session of user " + rows[0].text("user"),
				Likely: []string{"the user was activated in Neo4j, or the spec was not applied since", "the session comes from the authentication cache (dbms.security.auth_cache_ttl)"},
				See:    reconcile.SeePlan(suspended.Addr), Range: attrRange(suspended, attrStatus),
			})
		case name != "" && codeOf(err) == codeUnauthorized:
			continue
		case err != nil:
			return p.refusedLogin(m, err)
		}
		p.rows = append(p.rows, rows[0])
	}
	if name != "" {
		p.evidence.Stop = "the spec suspends user " + name
		return passed(hopLogin, "refused by "+countMembers(len(p.seen.members))+", as the spec means it: user "+name+" is suspended")
	}
	p.evidence.Row = pythonRow(p.rows[0])
	return passed(hopLogin, "the token is taken by "+countMembers(len(p.rows)))
}

// loginURI is where a token is tried on a member. Aura's members cannot be told apart from here.
func (p *proof) loginURI(m memberState) string {
	if p.system.aura.Load() {
		return p.system.uri.String()
	}
	return p.system.memberURI(m.address)
}

// suspendedInSpec finds the user of the spec as whom the token would log in, when the spec suspends it.
func (p *proof) suspendedInSpec() (o reconcile.Object, name string) {
	if p.name == "" || !p.seen.localUser() {
		return o, ""
	}
	if o, is := p.meant.suspended[login{providerEntry(p.name), p.id()}]; is && p.id() != "" {
		return o, liveName(o)
	}
	return o, ""
}

// refusedLogin says what Neo4j does not: it answers every bad token alike, so the token is held against the provider's settings here.
func (p *proof) refusedLogin(m memberState, err error) reconcile.Hop {
	h := reconcile.Hop{
		Text: m.address + " does not take the token", Expected: "a session", Came: err.Error(),
		See: "tail logs/security.log, on " + m.address, Range: p.object.Range,
	}
	if refused(err) {
		h.Likely = p.suspects(m)
	}
	return failed(hopLogin, h)
}

// suspects lists what is wrong with the token for sure, then what may be.
func (p *proof) suspects(m memberState) []string {
	claims := p.evidence.Claims
	var sure []string
	if iss, want := textOf(claims["iss"]), m.issuerOf(p.name); p.name != "" && m.setting(p.name, "issuer") != "" && iss != want {
		sure = append(sure, fmt.Sprintf("iss is %q, and the provider takes %q, to the character", iss, want))
	} else if p.name != "" && iss != p.evidence.Issuer && iss != want {
		sure = append(sure, fmt.Sprintf("iss is %q, and the provider takes %q, to the character", iss, want))
	}
	audience := ParseSettingList(m.setting(p.name, "audience"))
	if aud := textsOf(claims["aud"]); p.name != "" && !slices.ContainsFunc(aud, func(a string) bool { return slices.Contains(audience, a) }) {
		sure = append(sure, fmt.Sprintf("aud is %s, and the provider takes %s", reconcile.TextSet(aud...), reconcile.TextSet(audience...)))
	}
	for _, claim := range uniqueSorted([]string{"sub", orElse(m.setting(p.name, "claims.username"), "sub")}) {
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
	if own := m.setting(p.name, "jwks_uri"); own != "" {
		may[0] = "the provider takes its keys from " + own + ", which may not be the issuer's key set"
	}
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
	return orElse(p.seen.setting(p.name, suffix), fallback)
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
	seconds, err := strconv.ParseFloat(string(n), 64) // of which there may be parts (RFC 7519, section 2)
	return int64(seconds), err == nil && math.Abs(seconds) < 1<<53
}

// user compares the session's name with the token's.
func (p *proof) user(context.Context) reconcile.Hop {
	user := p.rows[0].text("user")
	for i, r := range p.rows {
		if r.text("user") != user {
			return failed(hopUser, reconcile.Hop{Text: "members disagree", Expected: user + ", as on " + p.seen.members[0].address, Came: r.text("user") + " on " + p.seen.members[i].address,
				Likely: []string{"claims.username differs between the members: it was changed on one of them alone"}, See: "keymaker plan", Range: attrRange(p.object, "username_claim")})
		}
	}
	claim := orElse(p.object.TextAttr("username_claim"), p.claim("claims.username", "sub"))
	want := textOf(p.evidence.Claims[claim])
	switch {
	case p.seen.localUser():
		return p.localUserHop(user)
	case p.name == "" || p.fromUserInfo("get_username_from_user_info", claim):
		return passed(hopUser, user)
	case user != want:
		likely := []string{"another provider took the token"}
		if set := p.claim("claims.username", "sub"); set != claim {
			likely = []string{fmt.Sprintf("the members read the user's name from claim %q, and the spec says %q", set, claim)}
		}
		return failed(hopUser, reconcile.Hop{
			Text: "the session is not the account's", Expected: fmt.Sprintf("%s = %q", claim, want), Came: fmt.Sprintf("user %q", user),
			Likely: likely, See: "keymaker plan", Range: attrRange(p.object, "username_claim"),
		})
	}
	return passed(hopUser, user+", from "+claim)
}
