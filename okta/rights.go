package okta

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"keymaker/reconcile"
)

var _ reconcile.Checker = (*System)(nil)

// Check says before the first write whether the login's OAuth token has the scopes that the steps take. What an API token may do follows from the role of
// the administrator who made it, and Okta's management API does not tell that: a missing right then shows at the call that needs it.
func (s *System) Check(ctx context.Context, steps []reconcile.Step) error {
	needs := rightsOf(steps)
	if len(needs) == 0 || s.client.settings.mode == modeSSWS {
		return nil
	}
	have, known, err := s.client.grantedScopes(ctx)
	if err != nil {
		return fmt.Errorf("nothing was written: no token that may write could be had, and the plan needs %s: %w", listNeeds(needs), err)
	}
	if !known {
		return nil
	}
	for right := range needs {
		if slices.Contains(have, right) {
			delete(needs, right)
		}
	}
	if len(needs) == 0 {
		return nil
	}
	return fmt.Errorf("nothing was written: the login lacks %s. Grant it to the app that keymaker logs in as (in Okta's console: the app, Okta API Scopes), and let %s name it or leave that out",
		listNeeds(needs), s.client.settings.variable("OKTA_CLIENT_SCOPES"))
}

// rightsOf lists the scopes that the calls of steps take, each with the addresses that need it.
func rightsOf(steps []reconcile.Step) map[string][]string {
	needs := map[string][]string{}
	add := func(right string, a reconcile.Addr) {
		if !slices.Contains(needs[right], a.String()) {
			needs[right] = append(needs[right], a.String())
		}
	}
	for _, step := range steps {
		for _, op := range step.Ops {
			switch op.(type) {
			case Reorder, Strip:
				add(rightServers+".manage", step.Change.Addr())
			case Request, SettleSecret:
				right := rightServers
				if step.Change.Addr().Kind == kindApp {
					right = rightApps
				}
				add(right+".manage", step.Change.Addr())
			}
		}
	}
	return needs
}

func listNeeds(needs map[string][]string) string {
	var parts []string
	for right, addrs := range needs {
		slices.Sort(addrs)
		parts = append(parts, right+" for "+strings.Join(addrs, ", "))
	}
	slices.Sort(parts)
	return strings.Join(parts, "; and ")
}

// grantedScopes are the scopes of the management token that writes would carry; false when it does not say.
func (c *client) grantedScopes(ctx context.Context) ([]string, bool, error) {
	req, err := c.request(ctx, call{method: http.MethodPut, path: "/api/v1/apps"}) // made, and not sent: it is signed by then
	if err != nil {
		return nil, false, err
	}
	_, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	said := readToken(token)
	return said.Scopes, said.Scopes != nil, nil
}

// tokenSays is what a management token says of itself (Okta's reference "OpenID Connect & OAuth 2.0 API", access token payload).
type tokenSays struct {
	Scopes []string `json:"scp"`
	Client string   `json:"cid"`
}

// readToken reads a token's payload; nothing when it has none that can be read. The signature is not checked: it is our own token, and what it says is used to be
// careful, never to trust.
func readToken(token string) tokenSays {
	var said tokenSays
	parts := strings.Split(strings.TrimSpace(token), ".")
	if len(parts) != 3 {
		return said
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &said) != nil {
		return tokenSays{}
	}
	return said
}

// ownApp is why the app of the session is never deleted.
const ownApp = "keymaker itself is logged in as this app"

// ownAppKept is why it is kept, and what to do.
const ownAppKept = ownApp + ": with an API token, or logged in as another app, it can be deleted"

// keepsRights refuses an update that would take the session its own rights half-way through: the app that it is logged in as stays on, and keeps its grant, its way of
// authenticating and its keys.
func keepsRights(c reconcile.Update) error {
	if c.Live.Protected != ownAppKept {
		return nil
	}
	for _, d := range c.Diffs {
		takes := false
		switch d.Name {
		case attrStatus:
			takes = d.Want != reconcile.Text(active)
		case attrMethod, attrKeysURI, attrNetwork + ".include", attrNetwork + ".exclude":
			takes = true
		case attrDPoP:
			takes = d.Want == reconcile.Flag(true)
		case attrNetwork + ".connection":
			takes = d.Want != reconcile.Text("ANYWHERE")
		case attrGrants:
			takes = !contains(d.Want, reconcile.Text(grantMachine))
		case attrKeys:
			takes = losesKey(d.Live, d.Want)
		case attrKeyDelivery: // keys in the app take the place of those at an address
			takes = c.Live.TextAttr(attrKeysURI) != ""
		}
		if takes {
			return fmt.Errorf("%s, and a change of its %s could end this session's own rights: make that change with an API token, or logged in as another app, or take it out of the spec",
				ownApp, words(d.Name))
		}
	}
	return nil
}

// losesKey says whether a key of one set is not in another.
func losesKey(live, want reconcile.Value) bool {
	was, _ := live.(reconcile.Map)
	will, _ := want.(reconcile.Map)
	kept := reconcile.Members(will["keys"])
	return slices.ContainsFunc(reconcile.Members(was["keys"]), func(v reconcile.Value) bool { return samePublicKey(kept, v) < 0 })
}
