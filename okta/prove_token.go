package okta

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

func (p *proof) token(ctx context.Context) reconcile.Hop {
	l, h := p.login()
	if h != nil {
		return *h
	}
	p.evidence.Run.Count(costToken, 1)
	got, err := p.system.client.token(ctx, p.server(), l, p.asked)
	if err != nil {
		h := refused(hopToken, err)
		h.Expected = "a token with scope " + strings.Join(p.asked, " ")
		h.Likely = append(h.Likely, p.likelyRefused(err, l)...)
		h.See = p.ask("/api/v1/logs?sortOrder=DESCENDING&limit=5&q=" + url.QueryEscape(l.clientID))
		return h
	}
	if !strings.EqualFold(got.typ, "Bearer") {
		h := bad(hopToken, "the token is of type %s", clean(got.typ))
		h.Expected, h.Came = "a Bearer token, the only kind that Neo4j takes", "token_type "+clean(got.typ)
		h.Likely = []string{"DPoP is on for the app: the token is bound to a key, and Neo4j does not support that"}
		h.See = p.seeApp()
		return h
	}
	p.got, p.evidence.Token = got, got.token
	return good(hopToken, "%s", lifeText(got.life))
}

// scopes compares what was granted with what was asked for: a token with less may lack the claims.
func (p *proof) scopes(context.Context) reconcile.Hop {
	granted := strings.Fields(p.got.scope)
	var lacks []string
	for _, s := range p.asked {
		if !slices.Contains(granted, s) {
			lacks = append(lacks, s)
		}
	}
	if len(lacks) == 0 {
		return good(hopScopes, "%s", clean(p.got.scope))
	}
	h := bad(hopScopes, "the token has not all scopes that were asked for")
	h.Expected, h.Came = strings.Join(p.asked, " "), clean(p.got.scope)
	h.Likely = []string{"Okta left out scope " + strings.Join(lacks, " ") + ": it is optional, or another rule answered"}
	for _, o := range p.meant.scopes {
		if slices.Contains(lacks, o.TextAttr(attrName)) {
			h.Range, h.See = o.Range, p.see(o.Addr, p.serverPath()+"/scopes")
			break
		}
	}
	return h
}

// login finds the account's credentials, or says what is missing and where to look.
func (p *proof) login() (login, *reconcile.Hop) {
	l, h := p.credentials()
	if h != nil && h.See == "" {
		h.See = p.seeApp()
	}
	return l, h
}

// credentials are in the delivered file, else in the environment variable that the spec names. It asks nobody else.
func (p *proof) credentials() (login, *reconcile.Hop) {
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
		h.See = reconcile.SeePlan(p.app.Addr)
		return l, &h
	}
	return l, nil
}

// likelyRefused says what is behind an OAuth error (Okta's catalogue of OAuth 2.0 errors).
func (p *proof) likelyRefused(err error, l login) []string {
	var e *apiError
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case "invalid_client":
		if strings.Contains(e.Text, "secret") {
			return []string{"the secret from " + l.secret.Origin() + " is not one of the app's that is in use: it was rotated, deactivated, or the file is of another app"}
		}
		return []string{"the app authenticates by another method than " + l.method, "the secret or key from " + l.secret.Origin() + " is not the app's", "the app is inactive"}
	case "unauthorized_client":
		return []string{"grant_types of the app lacks client_credentials"}
	case "invalid_dpop_proof", "use_dpop_nonce":
		return []string{"DPoP is on for the app, and Neo4j takes no DPoP-bound token: set dpop_bound_access_tokens = false"}
	case "access_denied":
		if e.Status == 403 {
			return []string{"the app has a network zone, and this machine is outside"}
		}
		return []string{"another policy, before this one, is for this client too", "the rule does not give a scope that was asked for"}
	case "invalid_scope":
		return []string{"a scope of " + strings.Join(p.asked, " ") + " is not on this authorization server: it was deleted or renamed"}
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
