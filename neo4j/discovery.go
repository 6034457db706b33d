package neo4j

import (
	"encoding/json"
	"fmt"
	"strings"

	"keymaker/reconcile"
)

// Endpoints are what a provider's discovery document says and its settings do not.
type Endpoints struct {
	Issuer string `json:"issuer"`
	Auth   string `json:"authorization_endpoint"`
	Token  string `json:"token_endpoint"`
	Keys   string `json:"jwks_uri"`
}

// discovery is the document that Browser and Bloom read from a server's HTTP port, as far as it is about logging in (seen in the single sign-on library that both use:
// a provider without id, name, auth_flow, auth_endpoint, or one of client_id, response_type and scope in params, is left out without a word).
type discovery struct {
	BoltRouting string `json:"bolt_routing,omitempty"`
	BoltDirect  string `json:"bolt_direct,omitempty"`
	AuthConfig  struct {
		Providers []discoveryProvider `json:"oidc_providers"`
	} `json:"auth_config"`
}

type discoveryProvider struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	AuthFlow    string            `json:"auth_flow"`
	Auth        string            `json:"auth_endpoint"`
	Token       string            `json:"token_endpoint,omitempty"`
	WellKnown   string            `json:"well_known_discovery_uri,omitempty"`
	Visible     bool              `json:"visible"`
	Params      map[string]string `json:"params"`
	AuthParams  map[string]string `json:"auth_params"`
	TokenParams map[string]string `json:"token_params"`
	Config      map[string]string `json:"config"`
}

// RenderDiscovery writes the discovery document that a server with the declared providers gives Browser and Bloom. uri is the server's Bolt address, "" when it is not
// known. endpoints answers for a discovery URI what the settings leave out; it may be nil. The second result lists what keeps a provider from being offered.
func RenderDiscovery(objects []reconcile.Object, uri string, endpoints func(wellKnown string) (Endpoints, error)) (string, []string, error) {
	var doc discovery
	doc.AuthConfig.Providers = []discoveryProvider{}
	if strings.HasPrefix(uri, "neo4j") {
		doc.BoltRouting = uri
	} else {
		doc.BoltDirect = uri
	}
	var lacks []string
	for _, o := range objects {
		if o.Addr.System != systemName || o.Addr.Kind != kindProvider || o.Absent {
			continue
		}
		if err := noSecrets(o); err != nil {
			return "", nil, err
		}
		p, err := discoveryOf(o)
		if err != nil {
			return "", nil, err
		}
		if (p.Auth == "" || p.Token == "") && p.WellKnown != "" && endpoints != nil {
			said, err := endpoints(p.WellKnown)
			if err != nil {
				lacks = append(lacks, fmt.Sprintf("%s: its endpoints are unknown: %v", o.Addr, err))
			}
			p.Auth, p.Token = orElse(p.Auth, said.Auth), orElse(p.Token, said.Token)
		}
		if missing := p.missing(); len(missing) > 0 && p.Visible {
			lacks = append(lacks, fmt.Sprintf("%s: Browser leaves it out, for want of %s", o.Addr, strings.Join(missing, ", ")))
		}
		doc.AuthConfig.Providers = append(doc.AuthConfig.Providers, p)
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	return string(text) + "\n", lacks, err
}

func orElse(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

func discoveryOf(o reconcile.Object) (discoveryProvider, error) {
	p := discoveryProvider{
		ID: liveName(o), Name: orElse(o.TextAttr("display_name"), liveName(o)), AuthFlow: orElse(o.TextAttr("auth_flow"), "pkce"),
		Visible: o.Get("visible") != reconcile.Flag(false),
	}
	texts := []struct {
		attr string
		into *string
	}{{"auth_endpoint", &p.Auth}, {"token_endpoint", &p.Token}, {"well_known_discovery_uri", &p.WellKnown}}
	for _, t := range texts {
		v := o.Get(t.attr)
		text, known := v.(reconcile.Text)
		if v != nil && !known {
			return p, fmt.Errorf("%s: %s: %s is not known", o.Addr, t.attr, v)
		}
		*t.into = string(text)
	}
	maps := []struct {
		attr string
		into *map[string]string
	}{{"params", &p.Params}, {"auth_params", &p.AuthParams}, {"token_params", &p.TokenParams}, {"config", &p.Config}}
	for _, m := range maps {
		*m.into = map[string]string{}
		members, _ := o.Get(m.attr).(reconcile.Map)
		for _, k := range sortedKeys(members) {
			text, known := members[k].(reconcile.Text)
			if !known {
				return p, fmt.Errorf("%s: %s.%s: %s is not known", o.Addr, m.attr, k, members[k])
			}
			(*m.into)[k] = string(text)
		}
	}
	return p, nil
}

// missing lists what Browser asks for and the provider has not.
func (p discoveryProvider) missing() []string {
	var missing []string
	if p.Auth == "" {
		missing = append(missing, "auth_endpoint")
	}
	for _, k := range paramsKeys {
		if p.Params[k] == "" {
			missing = append(missing, "params."+k)
		}
	}
	return missing
}

// noSecrets refuses to render what holds a secret: what is rendered is printed.
func noSecrets(o reconcile.Object) error {
	secrets, _ := o.Get(attrTokenSecrets).(reconcile.Map)
	if len(secrets) == 0 {
		return nil
	}
	var origins []string
	for _, k := range sortedKeys(secrets) {
		origins = append(origins, k+" "+secrets[k].String())
	}
	return fmt.Errorf("%s: token_secrets: a rendered setting is printed, and a secret never is: leave token_secrets out of what is rendered, and set %s by hand with %s",
		o.Addr, oidcPrefix+liveName(o)+".token_params", strings.Join(origins, ", "))
}
