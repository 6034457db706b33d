package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"keymaker/reconcile"
)

// claims compares what the token says with what every token must say, and with what the spec means this account's to say.
func (p *proof) claims(context.Context) reconcile.Hop {
	claims, err := claimsIn(p.got.raw)
	if err != nil {
		h := bad(hopClaims, "%v", err)
		h.Expected, h.Came = "a JWT", "a token that is none"
		h.Likely = []string{"something between here and Okta answers in its place", "it is the token endpoint of another product: Okta's custom authorization servers issue JWTs only"}
		h.See = "curl -sS " + p.found.Issuer + discoveryPath
		return h
	}
	p.evidence.Claims = claims
	for _, check := range []func(map[string]reconcile.Value) *reconcile.Hop{p.checkIssued, p.checkAudience, p.checkSubject, p.checkTimes} {
		if h := check(claims); h != nil {
			h.Name, h.Status = hopClaims, reconcile.HopFail
			return *h
		}
	}
	var said, open []string
	for _, claim := range p.meantClaims() {
		name := nameOf(claim)
		want, known := p.meantValue(claim)
		if !known {
			open = append(open, name)
			continue
		}
		if !same(claims[name], want) {
			return p.wrongClaim(claim, name, want, claims)
		}
		said = append(said, name+" = "+printJSON(claims[name]))
	}
	if len(said) == 0 {
		said = []string{names(claims)}
	}
	text := strings.Join(said, ", ")
	if len(open) > 0 {
		text += "; not compared, since Okta alone can compute them: " + strings.Join(open, ", ")
	}
	return good(hopClaims, "%s", text)
}

// meantValue is what a claim should say in this account's token, as far as that can be known here: see [scene].
func (p *proof) meantValue(claim reconcile.Object) (reconcile.Value, bool) {
	meant := readValue(claim).about(p.app)
	if meant.err != nil || meant.value == nil {
		return nil, false
	}
	return valueOf(meant.value), true
}

// meantClaims are those that the spec means to come, also when somebody switched one off.
func (p *proof) meantClaims() []reconcile.Object {
	var claims []reconcile.Object
	for _, c := range p.meant.claims {
		claim := c.object
		if p.system.means(claim, inactive) || claim.TextAttr(attrClaimType) == claimIdentity || claim.Reference {
			continue
		}
		if want, ok := p.system.recall().want[claim.Addr]; ok && want.Get("value_type") == nil { // an expression, which is what Okta makes of a claim
			claim.Attrs = slices.Clone(claim.Attrs)
			claim.Set(reconcile.Attr{Name: "value_type"})
		}
		if len(p.ways) > 0 && c.server == p.ways[0].of.key && broughtBy(claim, p.asked) {
			claims = append(claims, claim)
		}
	}
	return claims
}

func (p *proof) checkIssued(claims map[string]reconcile.Value) *reconcile.Hop {
	if claims["iss"] == reconcile.Text(p.found.Issuer) {
		return nil
	}
	return &reconcile.Hop{Text: "iss is not the authorization server", Expected: "iss = " + p.found.Issuer, Came: "iss = " + shown(claims["iss"]),
		Likely: []string{"the authorization server's issuer_mode was changed: its discovery document and its tokens name different addresses for a while"}, See: "curl -sS " + p.found.Issuer + discoveryPath}
}

// checkAudience holds aud against the authorization server, where that is read, and against whoever is to take the token.
func (p *proof) checkAudience(claims map[string]reconcile.Value) *reconcile.Hop {
	aud := claims["aud"]
	has := func(want string) bool { return aud == reconcile.Text(want) || contains(aud, reconcile.Text(want)) }
	for _, x := range p.evidence.Expected {
		if len(x.Audience) == 0 || x.Issuer != "" && x.Issuer != p.found.Issuer || x.Issuer == "" && x.Discovery != "" && x.Discovery != p.found.Issuer+discoveryPath {
			continue
		}
		if !slices.ContainsFunc(x.Audience, has) {
			return &reconcile.Hop{Text: "aud is not what " + x.By.String() + " takes", Expected: "aud = " + strings.Join(x.Audience, " or "), Came: "aud = " + shown(aud), Range: x.Range,
				Likely: []string{"audiences of the authorization server were changed in Okta", "audience of the provider is that of another authorization server"}, See: p.ask(p.serverPath())}
		}
	}
	if want := p.audience(); want != "" && !has(want) {
		return &reconcile.Hop{Text: "aud is not the authorization server's", Expected: "aud = " + want, Came: "aud = " + shown(aud), Likely: []string{"audiences of the authorization server were changed a moment ago"}, See: p.ask(p.serverPath())}
	}
	return nil
}

// checkSubject wants a subject, without which Neo4j takes no token, and the client that asked.
func (p *proof) checkSubject(claims map[string]reconcile.Value) *reconcile.Hop {
	if id := p.clientID(); claims["cid"] != id {
		return &reconcile.Hop{Text: "the token is for another client", Expected: "cid = " + string(id), Came: "cid = " + shown(claims["cid"]),
			Likely: []string{"something between here and Okta asks for tokens with credentials of its own"}, See: p.seeApp()}
	}
	if textOf(claims["sub"]) != "" {
		return nil
	}
	return &reconcile.Hop{Text: "sub is missing", Expected: "sub, a text", Came: names(claims), Likely: []string{"the value of the built-in claim sub was changed, and comes to nothing for a machine"}, See: p.ask(p.serverPath() + "/claims")}
}

// checkTimes wants a token that is valid now, for as long as the spec's rule says.
func (p *proof) checkTimes(claims map[string]reconcile.Value) *reconcile.Hop {
	exp, knownExp := unixTime(claims["exp"])
	iat, knownIat := unixTime(claims["iat"])
	if !knownExp || exp.Before(p.now.Add(-clockSkew)) {
		return &reconcile.Hop{Text: "the token has expired already", Expected: "exp after " + p.now.UTC().Format(time.RFC3339), Came: "exp = " + timeText(exp, knownExp),
			Likely: []string{"the clock of this machine, or of the identity provider, is off"}, See: "date -u; curl -sSI " + p.found.Issuer + discoveryPath}
	}
	if len(p.ways) == 0 || !knownIat {
		return nil
	}
	rule := p.ways[0].rule
	a, _ := rule.Attr(attrLifetime)
	meant, err := time.ParseDuration(textOf(a.Value))
	if err != nil || exp.Sub(iat) == meant {
		return nil
	}
	h := &reconcile.Hop{Text: "the token does not live as long as the spec says", Expected: lifeText(meant), Came: lifeText(exp.Sub(iat)), Range: a.Range, See: p.see(p.ways[0].policy.Addr, p.policiesPath())}
	if first, other := p.other(p.answers); p.answers.policy != nil && other && first != "" {
		h.Likely = append(h.Likely, "policy "+clean(p.answers.policy.text("name"))+", before "+first+", answered with its own lifetime")
	}
	h.Likely = append(h.Likely, "access_token_lifetime of the rule was changed in Okta")
	return h
}

func unixTime(v reconcile.Value) (time.Time, bool) {
	n, _ := v.(reconcile.Number)
	seconds, err := json.Number(n).Float64() // of which there may be parts (RFC 7519, section 2)
	return time.Unix(int64(seconds), 0), err == nil && math.Abs(seconds) < 1<<53
}

func timeText(t time.Time, known bool) string {
	if !known {
		return "missing"
	}
	return t.UTC().Format(time.RFC3339)
}

// audience is that of the account's server, "" when the spec does not refer to it and so it was not read.
func (p *proof) audience() string {
	for _, o := range p.servers() {
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
	h.See, h.Range = p.see(claim.Addr, p.serverPath()+"/claims"), claim.Range
	if claims[name] == nil {
		h.Text, h.Came = name+" is missing", names(claims)
	}
	h.Likely = p.likelyClaim(claim, name)
	if attribute, ok := profileAttribute(claim); ok && len(h.Likely) == 1 && p.profileDiffers(attribute) { // the app is wrong, and not the claim
		h.See, h.Range = p.seeApp(), p.system.recall().memberRange(p.app, attrProfile, attribute)
	}
	if len(h.Likely) == 0 {
		if claims[name] == nil {
			h.Likely = append(h.Likely, fmt.Sprintf("the claim %s is tied to scopes that the token does not have", claim.Addr))
		}
		if _, ok := profileAttribute(claim); ok {
			h.Likely = append(h.Likely, "the profile was changed in Okta after the spec was applied")
		}
		h.Likely = append(h.Likely, "Okta has not spread the change yet: try again in a minute")
	}
	return h
}

// likelyClaim says what is different for sure between the claim as the spec means it and as it is.
func (p *proof) likelyClaim(claim reconcile.Object, name string) []string {
	live, ok := p.system.recall().live[claim.Addr]
	if !ok {
		return []string{"the claim " + name + " is not in Okta"}
	}
	var likely []string
	if live.TextAttr(attrStatus) == inactive {
		likely = append(likely, "the claim "+name+" is inactive in Okta")
	}
	if live.TextAttr("value_type") == valueGroups {
		likely = append(likely, "the claim "+name+" has value_type GROUPS, which filters a user's groups by "+live.TextAttr("group_filter_type")+", and a machine has none: use an expression, app.profile.NAME")
	} else if is, meant := live.TextAttr("value"), claim.TextAttr("value"); is != meant {
		likely = append(likely, fmt.Sprintf("the value of claim %s in Okta is %q, and the spec says %q", name, clean(is), meant))
	}
	tied := reconcile.Texts(live.Get(attrScopes))
	if len(tied) > 0 && !slices.ContainsFunc(tied, func(s string) bool { return slices.Contains(p.asked, s) }) {
		likely = append(likely, fmt.Sprintf("the claim %s is tied to scope %s, which the token does not have", claim.Addr, strings.Join(tied, ", ")))
	}
	attribute, ok := profileAttribute(claim)
	if !ok {
		return likely
	}
	if p.profileDiffers(attribute) {
		live, _ := p.system.recall().live[p.app.Addr].Get(attrProfile).(reconcile.Map)
		likely = append(likely, fmt.Sprintf("the app's profile in Okta has %s = %s", attribute, shown(live[attribute])))
	}
	return likely
}

// profileDiffers says whether an attribute of the app's profile was not in Okta, when it was read, what the spec says.
func (p *proof) profileDiffers(attribute string) bool {
	live, _ := p.system.recall().live[p.app.Addr].Get(attrProfile).(reconcile.Map)
	want, _ := p.app.Get(attrProfile).(reconcile.Map)
	return !same(live[attribute], want[attribute])
}

// signature checks the token against the keys that the authorization server publishes, as Neo4j will.
func (p *proof) signature(ctx context.Context) reconcile.Hop {
	keys, err := p.publicKeys(ctx)
	if err != nil {
		h := refused(hopSignature, err)
		h.Expected = "the key set of the authorization server " + p.server()
		h.Likely = append(h.Likely, "Neo4j cannot fetch it either: a firewall or a proxy may answer instead of Okta")
		h.See = "curl -sS " + p.found.JWKSURI
		return h
	}
	kid, err := checkSignature(p.got.raw, keys)
	if err == nil {
		return good(hopSignature, "RS256, by one of the server's %d keys", len(keys.Keys))
	}
	h := bad(hopSignature, "%v", err)
	h.Expected, h.Came = "a signature by one of the server's keys: "+keyNames(keys), "key "+clean(kid)
	h.See = "curl -sS " + p.found.JWKSURI
	var u *unsigned
	if errors.As(err, &u) && u.lacks {
		h.Likely = []string{"the server's keys were rotated a moment ago, and a cache in between has the old set: try again in a minute", "the token comes from another authorization server"}
	}
	return h
}

// publicKeys reads the server's keys, once for all accounts of the run.
func (p *proof) publicKeys(ctx context.Context) (jose.JSONWebKeySet, error) {
	server := p.server()
	return reconcile.Once(p.evidence.Run, asking{p.system, "keys of " + server}, func() (jose.JSONWebKeySet, error) {
		p.evidence.Run.Count(costRequest, 1)
		return p.system.client.keys(ctx, server)
	})
}

func keyNames(set jose.JSONWebKeySet) string {
	var ids []string
	for _, k := range set.Keys {
		ids = append(ids, clean(k.KeyID))
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}
