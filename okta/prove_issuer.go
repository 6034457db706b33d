package okta

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"keymaker/reconcile"
)

// discoveryPath is where a discovery document is, behind its issuer (OpenID Connect Discovery 1.0, section 4).
const discoveryPath = "/.well-known/openid-configuration"

// issuer compares who issues the tokens with whose tokens are taken, as the spec means it: to the character, as Neo4j does.
func (p *proof) issuer(ctx context.Context) reconcile.Hop {
	if len(p.evidence.Expected) == 0 {
		return good(hopIssuer, "no Neo4j provider in the spec that expects one")
	}
	var expected, open []string
	for _, x := range p.evidence.Expected {
		issuer, err := p.issuerFor(ctx, x)
		switch {
		case err != nil:
			open = append(open, fmt.Sprintf("%s: %v", x.By, err))
		case issuer == "":
			open = append(open, fmt.Sprintf("%s: its issuer is not known yet", x.By))
		case issuer == p.found.Issuer:
			return good(hopIssuer, "as %s expects it", x.By)
		default:
			expected = append(expected, fmt.Sprintf("%s, by %s", issuer, x.By))
		}
	}
	h := bad(hopIssuer, "no Neo4j provider of the spec expects this issuer")
	h.Expected, h.Came = strings.Join(append(expected, open...), "; "), p.found.Issuer
	x := p.evidence.Expected[0]
	issuer, _ := p.issuerFor(ctx, x)
	h.Likely = p.likelyIssuer(issuer, open)
	h.See, h.Range = "curl -sS "+p.found.Issuer+discoveryPath, x.Range
	return h
}

// issuerFor is the issuer that a provider takes: the one it names, else the one that its discovery document names.
func (p *proof) issuerFor(ctx context.Context, x reconcile.Expectation) (string, error) {
	if x.Issuer != "" || x.Discovery == "" {
		return x.Issuer, nil
	}
	if x.Discovery == p.found.Issuer+discoveryPath {
		return p.found.Issuer, nil
	}
	d, err := reconcile.Once(p.evidence.Run, asking{p.system, x.Discovery}, func() (discovery, error) {
		p.evidence.Run.Count(costRequest, 1)
		return p.system.client.document(ctx, x.Discovery)
	})
	return d.Issuer, err
}

// likelyIssuer explains two issuers that differ.
func (p *proof) likelyIssuer(expected string, open []string) []string {
	want, errWant := url.Parse(expected)
	came, errCame := url.Parse(p.found.Issuer)
	switch {
	case expected == "" && len(open) > 0:
		return []string{"the discovery document that the provider names cannot be read from here: " + open[0]}
	case strings.TrimSuffix(expected, "/") == strings.TrimSuffix(p.found.Issuer, "/"):
		return []string{"they differ by a slash at the end, and Neo4j compares every character: correct issuer"}
	case errWant == nil && errCame == nil && want.Host != came.Host && want.Path == came.Path:
		return []string{"the org has a custom domain: issuer_mode of the authorization server decides which address tokens name", "the provider names another org"}
	}
	return []string{"the provider names another authorization server than the one whose policy serves this account"}
}
