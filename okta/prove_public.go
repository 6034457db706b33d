package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"keymaker/reconcile"
)

// Public reads what an identity provider publishes: discovery documents and key sets. It has no credentials.
type Public struct{ client *client }

// OpenPublic prepares it. caFile names further certificate authorities, "" none.
func OpenPublic(caFile string) (*Public, error) {
	transport, err := newTransport(caFile)
	if err != nil {
		return nil, err
	}
	return &Public{&client{http: &http.Client{Transport: transport, Timeout: 15 * time.Second}}}, nil
}

// Facts are what is known of a spec's authorization server without any right: the issuer that the default server's document names, and the audience where the spec sets it.
// conn is the connection block. An error says why the issuer is not known.
func (p *Public) Facts(ctx context.Context, server reconcile.Object, conn reconcile.Block, env func(string) (string, bool)) (map[string]reconcile.Value, error) {
	facts := make(map[string]reconcile.Value)
	if audiences := reconcile.Texts(server.Get("audiences")); len(audiences) > 0 {
		facts["audience"] = reconcile.Text(audiences[0])
	}
	if !isDefault(server) {
		return facts, fmt.Errorf("%s: its id, which its issuer holds, takes a right to find out", server.Addr)
	}
	org, err := parseOrg(connection{conn, server.Addr.Connection, env}.text("org_url", "OKTA_CLIENT_ORGURL"))
	if err != nil {
		return facts, err
	}
	d, err := p.client.document(ctx, org.String()+"/oauth2/"+defaultServer+discoveryPath)
	if err == nil {
		facts["issuer"] = reconcile.Text(d.Issuer)
	}
	return facts, err
}

// The further hops of a token's examination.
const (
	hopAudience = "audience"
	hopLifetime = "lifetime"
)

// examining is one token's examination.
type examining struct {
	public  *Public
	token   FileToken
	expects reconcile.Expectation
	object  reconcile.Object
	jwks    string
	found   discovery
}

// Examine holds a token against what a provider expects, and against the identity provider's own documents: the hops token, discovery, issuer, signature, audience and
// lifetime. Each is looked at, whatever came of the others. provider is the block of the spec, x what it expects; now is this machine's time.
func (p *Public) Examine(ctx context.Context, t FileToken, provider reconcile.Object, x reconcile.Expectation, now time.Time) []reconcile.Hop {
	e := &examining{public: p, token: t, expects: x, object: provider}
	hops := []reconcile.Hop{e.kind(), e.discovery(ctx), e.issuer(), e.signature(ctx), e.audience(), e.lifetime(now)}
	for i, h := range hops {
		if h.Status == reconcile.HopFail && h.Range.Empty() {
			hops[i].Range = x.Range
		}
	}
	return hops
}

// kind says what sort of token it is. Okta's ID tokens are about a user for one client, and have neither scp nor cid (Okta's reference "OpenID Connect & OAuth 2.0 API"). Which
// kind clients send is a setting of the provider, and nothing that Neo4j checks.
func (e *examining) kind() reconcile.Hop {
	claims := e.token.Claims
	if cnf, bound := claims["cnf"]; bound {
		h := bad(hopToken, "the token is bound to a key (DPoP)")
		h.Expected, h.Came, h.Likely = "a bearer token", "cnf = "+shown(cnf), []string{"DPoP is on for the app, and Neo4j does not support it: switch it off, and get another token"}
		return h
	}
	identity := claims["scp"] == nil && claims["scope"] == nil && (claims["nonce"] != nil || claims["at_hash"] != nil || claims["auth_time"] != nil || claims["amr"] != nil)
	config, _ := e.object.Get("config").(reconcile.Map)
	takes := textOf(config["token_type_authentication"])
	switch {
	case identity && takes == "access_token":
		h := bad(hopToken, "this is an ID token, and the provider takes access tokens")
		h.Expected, h.Came = "an access token, with scp", "claims "+names(claims)
		h.Likely = []string{"the client sent id_token of the token endpoint's answer: send access_token"}
		return h
	case takes == "id_token" && (claims["scp"] != nil || claims["scope"] != nil || claims["cid"] != nil):
		h := bad(hopToken, "this is an access token, and the provider takes ID tokens")
		h.Expected, h.Came = "an ID token, without scp", "claims "+names(claims)
		h.Likely = []string{"the client sent access_token of the token endpoint's answer: send id_token", "token_type of the provider should be access_token: machines get no ID token with client_credentials"}
		return h
	case identity:
		return good(hopToken, "an ID token, %s", e.token.Algorithm)
	}
	return good(hopToken, "an access token, %s, scope %s", e.token.Algorithm, orNone(strings.Join(reconcile.Texts(claims["scp"]), " ")))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return clean(s)
}

// discovery reads the document that the provider names.
func (e *examining) discovery(ctx context.Context) reconcile.Hop {
	e.jwks = e.object.TextAttr("jwks_uri")
	address := e.object.TextAttr("well_known_discovery_uri")
	if address == "" {
		address = e.expects.Discovery
	}
	if address == "" && e.expects.Issuer != "" {
		address = strings.TrimSuffix(e.expects.Issuer, "/") + discoveryPath
	}
	if address == "" {
		return skipped(hopDiscovery, "the spec does not say, without any right, where the document is")
	}
	d, err := e.public.client.document(ctx, address)
	if err != nil {
		h := bad(hopDiscovery, "the discovery document cannot be read from here")
		h.Expected, h.Came = "a document at "+address, err.Error()
		h.Likely = []string{"well_known_discovery_uri or authorization_server is wrong", "this machine has no way there; Neo4j may have one"}
		return h
	}
	e.found = d
	if e.jwks == "" {
		e.jwks = d.JWKSURI
	}
	return good(hopDiscovery, "issuer %s", d.Issuer)
}

// issuer compares as Neo4j does, to the character.
func (e *examining) issuer() reconcile.Hop {
	want, came := e.expects.Issuer, textOf(e.token.Claims["iss"])
	if want == "" {
		want = e.found.Issuer
	}
	switch want {
	case "":
		return skipped(hopIssuer, "not decided: the provider's issuer is not known; the token's is %s", clean(came))
	case came:
		return good(hopIssuer, "%s", clean(came))
	}
	h := bad(hopIssuer, "the token is of another issuer than %s takes", e.expects.By)
	h.Expected, h.Came = want, "iss = "+shown(e.token.Claims["iss"])
	h.Likely = likelyStranger(want, came)
	return h
}

// likelyStranger explains a token of another issuer.
func likelyStranger(want, came string) []string {
	w, errWant := url.Parse(want)
	c, errCame := url.Parse(came)
	switch {
	case came == "":
		return []string{"it is no token of an authorization server"}
	case strings.TrimSuffix(want, "/") == strings.TrimSuffix(came, "/"):
		return []string{"they differ by a slash at the end, and Neo4j compares every character: correct issuer of the provider"}
	case errWant != nil || errCame != nil:
		return []string{"the token comes from another identity provider"}
	case w.Host == c.Host && strings.TrimSuffix(c.Path, "/") == "":
		return []string{"it is a token of Okta's own API (the org authorization server): ask a custom one, such as default"}
	case w.Host == c.Host:
		return []string{"the token comes from another authorization server of the org: ask the one that the provider takes"}
	case w.Path == c.Path:
		return []string{"the org has a custom domain: issuer_mode of the authorization server decides which address tokens name", "the token comes from another org"}
	}
	return []string{"the token comes from another identity provider or org"}
}

// signature checks the token against the published keys.
func (e *examining) signature(ctx context.Context) reconcile.Hop {
	if e.jwks == "" {
		return skipped(hopSignature, "not decided: where the keys are is not known")
	}
	var set jose.JSONWebKeySet
	if err := e.public.client.publish(ctx, e.jwks, &set); err != nil {
		h := bad(hopSignature, "the keys cannot be read from here")
		h.Expected, h.Came, h.Likely = "a key set at "+e.jwks, err.Error(), []string{"jwks_uri is wrong, or this machine has no way there"}
		return h
	}
	if !slices.Contains([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}, e.token.Algorithm) {
		h := bad(hopSignature, "the token is not signed with a published key")
		h.Expected, h.Came = "a signature by a key pair, such as RS256", "alg = "+orNone(e.token.Algorithm)
		h.Likely = []string{"it is a client's assertion, signed with a shared secret, and no token of an authorization server", "somebody forged it: whoever knows the published key can make such a signature"}
		if strings.EqualFold(e.token.Algorithm, "none") || e.token.Algorithm == "" {
			h.Likely = []string{"nobody signed it: somebody forged it, or a tool took the signature away"}
		}
		return h
	}
	_, err := checkSignatureBy(e.token.raw, set, jose.SignatureAlgorithm(e.token.Algorithm))
	if err == nil {
		return good(hopSignature, "%s, by one of the server's %d keys", e.token.Algorithm, len(set.Keys))
	}
	h := bad(hopSignature, "%v", err)
	h.Expected, h.Came = "a signature by one of the keys "+keyNames(set), "kid = "+orNone(e.token.KeyID)
	var u *unsigned
	if errors.As(err, &u) && u.lacks {
		h.Likely = []string{"the token comes from another authorization server or org", "it is old, and its key was rotated since"}
	} else {
		h.Likely = []string{"the token was changed, or copied in part"}
	}
	h.See = "curl -sS " + e.jwks
	return h
}

func (e *examining) audience() reconcile.Hop {
	aud := e.token.Claims["aud"]
	if len(e.expects.Audience) == 0 {
		return skipped(hopAudience, "not decided: the provider takes the authorization server's audience, which takes a right to read; the token's is %s", shown(aud))
	}
	if slices.ContainsFunc(e.expects.Audience, func(a string) bool { return aud == reconcile.Text(a) || contains(aud, reconcile.Text(a)) }) {
		return good(hopAudience, "%s", shown(aud))
	}
	h := bad(hopAudience, "the token is not for %s", e.expects.By)
	h.Expected, h.Came = "aud = "+strings.Join(e.expects.Audience, " or "), "aud = "+shown(aud)
	h.Likely = []string{"it was asked of another authorization server", "audience of the provider is not the authorization server's"}
	if id := e.token.Claims["cid"]; id == nil {
		h.Likely = append([]string{"it is an ID token, whose audience is its client"}, h.Likely...)
	}
	return h
}

func (e *examining) lifetime(now time.Time) reconcile.Hop {
	exp, known := unixTime(e.token.Claims["exp"])
	nbf, later := unixTime(e.token.Claims["nbf"])
	h := bad(hopLifetime, "")
	h.Expected = "exp after, and nbf before, " + now.UTC().Format(time.RFC3339)
	switch {
	case !known:
		h.Text, h.Came, h.Likely = "the token has no exp", names(e.token.Claims), []string{"it is no token of an authorization server"}
	case !exp.After(now):
		h.Text, h.Came = "the token expired "+lifeText(now.Sub(exp).Truncate(time.Second))+" ago", "exp = "+timeText(exp, true)
		h.Likely = []string{"get another one; Okta's live for access_token_lifetime of the rule", "this machine's clock is off"}
	case later && nbf.After(now.Add(clockSkew)):
		h.Text, h.Came, h.Likely = "the token is not valid yet", "nbf = "+timeText(nbf, true), []string{"this machine's clock, or the identity provider's, is off"}
	default:
		return good(hopLifetime, "%s left", lifeText(exp.Sub(now).Truncate(time.Second)))
	}
	return h
}

// publish reads a JSON document that everybody may read. No credentials go there.
func (c *client) publish(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("GET %s: %w", address, err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return err // it names the method and the address
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %s", address, resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxDocument)).Decode(into); err != nil {
		return fmt.Errorf("GET %s answered 200 with no JSON document", address)
	}
	return nil
}
