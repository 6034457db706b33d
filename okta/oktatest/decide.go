package oktatest

import (
	"net/http"
	"slices"
	"strings"
)

// decide finds the rule that grants the scopes to a client, or says why there is none.
//
// The first ACTIVE policy by priority that includes the client decides: whether Okta goes on to the next policy when none of its rules
// fits is not spelled out, and going no further is the stricter reading. Within it, the first ACTIVE rule whose grant types, people and
// scopes match. When rules match in all but the scopes, the first of those says which scopes it denies.
func (a *authServer) decide(clientID string, scopes []string) (*rule, error) {
	none := &oauthError{http.StatusUnauthorized, "access_denied", "Policy evaluation failed for this request, please check the policy configurations.", nil}
	i := slices.IndexFunc(a.Policies, func(p *policy) bool { return p.Status == active && p.includes(clientID) })
	if i < 0 {
		return nil, none
	}
	var denied []string
	for _, r := range a.Policies[i].Rules {
		if r.Status != active || !slices.Contains(r.Conditions.GrantTypes.Include, clientCredentials) || !r.Conditions.People.matchNobody() {
			continue
		}
		missing := r.missing(scopes)
		if len(missing) == 0 {
			return r, nil
		}
		if denied == nil {
			denied = missing
		}
	}
	switch {
	case denied == nil:
		return nil, none
	case len(denied) == len(scopes):
		return nil, &oauthError{http.StatusBadRequest, "access_denied", "Policy evaluation succeeded, but all the requested scopes were rejected.", nil}
	}
	return nil, &oauthError{http.StatusBadRequest, "access_denied",
		"Some of the requested scopes were denied by the policy. Denied scopes: [" + strings.Join(denied, ", ") + "].", nil}
}

func (p *policy) includes(clientID string) bool {
	list := p.Conditions.Clients.Include
	return slices.Contains(list, allClients) || slices.Contains(list, clientID)
}

// matchNobody says whether a request without a user matches: no restriction does, and so does EVERYONE; named users or groups do not.
func (p people) matchNobody() bool {
	if p.Users != nil && len(p.Users.Include) > 0 {
		return false
	}
	return p.Groups == nil || slices.Contains(p.Groups.Include, everyone)
}

// missing are the scopes a rule does not allow; one whose list is empty allows none.
func (r *rule) missing(scopes []string) []string {
	allowed := r.Conditions.Scopes.Include
	if slices.Contains(allowed, "*") {
		return nil
	}
	var out []string
	for _, name := range scopes {
		if !slices.Contains(allowed, name) {
			out = append(out, name)
		}
	}
	return out
}
