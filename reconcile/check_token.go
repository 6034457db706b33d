package reconcile

import (
	"fmt"
	"slices"
	"strings"
)

// entrance is a token before the doors of a state.
type entrance struct {
	token Token
	doors []Door
}

// entrancesOf puts each token before the servers that it is meant for: those with a door that takes it, else the first one.
func entrancesOf(tokens []Token, servers [][]Door) []entrance {
	all := make([]entrance, 0, len(tokens)) // each is large
	for _, t := range tokens {
		before := len(all)
		for _, doors := range servers {
			if slices.ContainsFunc(doors, func(d Door) bool { return d.Fits(t) != FitNo }) {
				all = append(all, entrance{t, doors})
			}
		}
		if len(all) == before {
			e := entrance{token: t}
			if len(servers) > 0 {
				e.doors = servers[0]
			}
			all = append(all, e)
		}
	}
	return all
}

// nearest is the door that a token is meant for: one that takes it, else the only one that there is. false when nobody can tell.
func (e entrance) nearest() (Door, Fit, bool) {
	best, fit, found := Door{}, FitNo, false
	for _, d := range e.doors {
		if f := d.Fits(e.token); f > fit {
			best, fit, found = d, f, true
		}
	}
	if !found && len(e.doors) == 1 {
		return e.doors[0], FitNo, true
	}
	return best, fit, found
}

// in is the way in with the most claims, if there is any.
func (e entrance) in() (entry, bool) {
	for first := range admit(e.token, e.doors) {
		return first, true
	}
	return entry{}, false
}

// about starts a finding about an account.
func (e entrance) about(check, breaks, summary string, args ...any) Finding {
	return Finding{Check: check, Breaks: breaks, Summary: fmt.Sprintf(summary, args...), Accounts: []string{e.token.Account.Label()}, Addr: e.token.Addr, Range: e.token.Range}
}

// with puts a door on the other side.
func (f Finding) with(d Door, text string) Finding {
	f.Other, f.OtherRange, f.OtherText = d.Addr, d.Range, text
	return f
}

// checkTokens looks at accounts that get no token, lack a claim that a door reads, or get a token that no door takes because it is bound to a key.
func checkTokens(all []entrance) []Finding {
	var found []Finding
	for _, e := range all {
		t := e.token
		d, fit, near := e.nearest()
		switch {
		case !t.Gets() && !t.Refused.Meant:
			f := e.about(CheckNoToken, "policy", "%s gets no token", t.Account.Label())
			f.Detail, f.Remedy = "For "+t.Account.Label()+" "+t.Refused.Text+".", t.Refused.Remedy
			f.Other, f.OtherRange, f.OtherText = t.Refused.Other, t.Refused.OtherRange, "what it could be added to"
			if t.Refused.Addr != t.Addr {
				f.Other, f.OtherRange, f.OtherText = t.Refused.Addr, t.Refused.Range, "what decides"
			}
			found = append(found, f)
		case t.Gets() && t.Bound && near && fit != FitNo:
			f := e.about(CheckDPoP, "client", "Tokens of %s are bound to a key", t.Account.Label())
			f.Detail = fmt.Sprintf("%s demands DPoP, and %s, whose provider %s would take its tokens, takes none that is bound to a key of the client.", t.Addr, d.Words.Product, d.Name)
			f.Remedy, f.Range = t.BoundRemedy, t.BoundRange
			found = append(found, f.with(d, "the provider that would take them"))
		}
	}
	return found
}

// checkTokenTypes looks for clients that are told to send ID tokens, which an account without a person never gets.
func checkTokenTypes(all []entrance) []Finding {
	var found []Finding
	for _, e := range all {
		d, fit, near := e.nearest()
		if !near || fit == FitNo || !e.token.Gets() || !d.Identity {
			continue
		}
		f := e.about(CheckTokenType, "", "Provider %s asks for ID tokens", d.Name)
		f.Addr, f.Range = d.Addr, d.IdentityRange
		f.Detail = fmt.Sprintf("%s logs in by client credentials, which give an access token and no ID token. A client that goes by the provider's config may look for one.", e.token.Account.Label())
		f.Remedy = "Set " + d.Words.Identity + "."
		f.Other, f.OtherRange, f.OtherText = e.token.Addr, e.token.Range, "the account"
		f.Accounts = nil
		found = append(found, f)
	}
	return found
}

// checkIssuers looks for tokens that no door takes.
func checkIssuers(all []entrance) []Finding {
	var found []Finding
	for _, e := range all {
		d, fit, near := e.nearest()
		if !near || !e.token.Gets() {
			continue
		}
		issuer, audience := d.fitsIssuer(e.token), d.fitsAudience(e.token)
		want, wantKnown := d.Issuer.(Text)
		have, haveKnown := e.token.Issuer.(Text)
		switch {
		case issuer == FitNo && !(sameButSlash(d.Issuer, e.token.Issuer) || len(e.doors) == 1 && onlyServer(all, e)):
		case issuer == FitNo:
			f := e.about(CheckIssuer, "login", "Provider %s expects another issuer", d.Name)
			f.Addr, f.Range = d.Addr, d.IssuerRange
			f.Detail = fmt.Sprintf("Its issuer is %s, and the tokens of %s say %s.%s", said(d.Issuer), e.token.Account.Label(), said(e.token.Issuer), slashes(string(want), string(have)))
			f.Remedy = "Set " + d.Words.Server + " instead, or write the issuer as the authorization server has it, to the character."
			found = append(found, e.server(f))
		case fit == FitMaybe && issuer == FitMaybe && wantKnown && haveKnown:
			f := e.about(CheckIssuer, "", "Provider %s may expect another issuer", d.Name)
			f.Addr, f.Range = d.Addr, d.IssuerRange
			f.Detail = fmt.Sprintf("Its discovery document is read under %s, and the tokens of %s say %s. The two agree only if that document names the second as its issuer.", want, e.token.Account.Label(), have)
			f.Remedy = "Set " + d.Words.Server + ", or look at what that document says."
			found = append(found, e.server(f))
		}
		if issuer != FitNo && d.fitsKeys(e.token) == FitNo {
			f := e.about(CheckIssuer, "login", "Provider %s has the keys of another authorization server", d.Name)
			f.Addr, f.Range = d.Addr, orRange(d.IssuerRange, d.Range)
			f.Detail = fmt.Sprintf("Its addresses lead to the keys of %s, and the tokens of %s are signed by %s: no signature holds.", said(d.Keys), e.token.Account.Label(), said(e.token.Issuer))
			f.Remedy = "Set " + d.Words.Server + " instead of the single addresses."
			found = append(found, e.server(f))
		}
		if audience == FitNo && issuer != FitNo {
			f := e.about(CheckAudience, "login", "Provider %s expects another audience", d.Name)
			f.Addr, f.Range = d.Addr, d.AudienceRange
			f.Detail = fmt.Sprintf("It takes tokens for %s, and those of %s are for %s.", saidAll(d.Audience), e.token.Account.Label(), said(e.token.Audience))
			f.Remedy = "Let it follow from " + d.Words.Server + ", or add that audience."
			found = append(found, e.server(f))
		}
	}
	return found
}

// server puts the authorization server on the other side of a finding that is about a provider.
func (e entrance) server(f Finding) Finding {
	f.Other, f.OtherRange, f.OtherText = e.token.Server.Addr, e.token.Server.Range, "the authorization server"
	if e.token.Server.Range.Empty() {
		f.Other, f.OtherRange, f.OtherText = e.token.Addr, e.token.Range, "the account"
	}
	return f
}

// onlyServer says whether all tokens of a state come from one server: then the one door is meant for them.
func onlyServer(all []entrance, e entrance) bool {
	return !slices.ContainsFunc(all, func(o entrance) bool { return !Equal(o.token.Issuer, e.token.Issuer) })
}

// sameButSlash says whether two issuers are one but for a slash at the end or the case of the letters.
func sameButSlash(a, b Value) bool {
	x, ok := a.(Text)
	y, ok2 := b.(Text)
	return ok && ok2 && strings.EqualFold(strings.TrimRight(string(x), "/"), strings.TrimRight(string(y), "/"))
}

func slashes(a, b string) string {
	if a != b && strings.TrimRight(a, "/") == strings.TrimRight(b, "/") {
		return " They differ by the slash at the end, which counts."
	}
	return ""
}

func said(v Value) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case Text:
		return string(v)
	case Ref:
		return v.Addr.String() + "." + v.Attr
	}
	return v.String()
}

func saidAll(vs []Value) string {
	texts := make([]string, len(vs))
	for i, v := range vs {
		texts[i] = said(v)
	}
	return strings.Join(texts, ", ")
}
