package oktatest

import (
	"slices"
)

const kindClaim = "OAuth2Claim"

// reservedClaims are names in a token's payload that a custom claim cannot override.
var reservedClaims = []string{"ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "acr", "auth_time"}

type claim struct {
	ID     string `json:"id"`
	System bool   `json:"system"`
	claimBody
}

type claimBody struct {
	Name            string          `json:"name"`
	Status          string          `json:"status"`
	ClaimType       string          `json:"claimType"`
	ValueType       string          `json:"valueType"`
	Value           string          `json:"value,omitempty"`
	GroupFilterType string          `json:"group_filter_type,omitempty"`
	Conditions      claimConditions `json:"conditions"`
	Always          bool            `json:"alwaysIncludeInToken"`
}

type claimConditions struct {
	Scopes []string `json:"scopes"`
}

type claimView struct {
	ID              string          `json:"id"`
	Name            string          `json:"name"`
	Status          string          `json:"status"`
	ClaimType       string          `json:"claimType"`
	ValueType       string          `json:"valueType"`
	Value           string          `json:"value,omitempty"`
	GroupFilterType string          `json:"group_filter_type,omitempty"`
	Conditions      claimConditions `json:"conditions"`
	System          bool            `json:"system"`
	Always          bool            `json:"alwaysIncludeInToken"`
	APIResourceID   *string         `json:"apiResourceId"`
	Links           map[string]link `json:"_links"`
}

// newClaimBody is what a POST and, as it is a full replacement, a PUT starts from: a claim whose PUT leaves status out is ACTIVE
// again (not recorded).
func newClaimBody() claimBody {
	return claimBody{Status: active, Conditions: claimConditions{Scopes: []string{}}}
}

func (s *Server) viewClaim(server string, x *claim) claimView {
	self := s.base() + "/api/v1/authorizationServers/" + server + "/claims/" + x.ID
	v := claimView{
		ID: x.ID, Name: x.Name, Status: x.Status, ClaimType: x.ClaimType, ValueType: x.ValueType, Value: x.Value,
		GroupFilterType: x.GroupFilterType, Conditions: x.Conditions, System: x.System, Always: x.Always,
		Links: map[string]link{"self": hinted(self, "GET", "PUT", "DELETE")},
	}
	return v
}

func (x *claim) target() target {
	return target{ID: x.ID, Type: "OAuth2Claim", AlternateID: "unknown", DisplayName: x.Name}
}

func (s *Server) claimOf(c *call) (*authServer, *claim, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return nil, nil, err
	}
	for _, x := range a.Claims {
		if x.ID == c.vars[1] {
			return a, x, nil
		}
	}
	return nil, nil, notFound(c.vars[1], kindClaim)
}

func listClaims(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	out := []claimView{}
	for _, x := range a.Claims {
		out = append(out, s.viewClaim(c.vars[0], x))
	}
	return ok(out)
}

func getClaim(s *Server, c *call) (reply, error) {
	_, x, err := s.claimOf(c)
	if err != nil {
		return reply{}, err
	}
	return ok(s.viewClaim(c.vars[0], x))
}

func createClaim(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	x := &claim{claimBody: newClaimBody()}
	if err := decode(c.body, &x.claimBody); err != nil {
		return reply{}, err
	}
	if err := a.checkClaim(nil, &x.claimBody); err != nil {
		return reply{}, err
	}
	x.ID = s.org.newID("ocl")
	a.Claims = append(a.Claims, x)
	s.dirty = true
	s.event(c, "oauth2.claim.created", "SUCCESS", "", a.target(), x.target())
	return created(s.viewClaim(c.vars[0], x))
}

func replaceClaim(s *Server, c *call) (reply, error) {
	a, x, err := s.claimOf(c)
	if err != nil {
		return reply{}, err
	}
	next := newClaimBody()
	if err := decode(c.body, &next); err != nil {
		return reply{}, err
	}
	if err := a.checkClaim(x, &next); err != nil {
		return reply{}, err
	}
	before := s.viewClaim(c.vars[0], x)
	x.claimBody = next
	s.dirty = true
	t := x.target()
	t.Change = changes(before, s.viewClaim(c.vars[0], x))
	s.event(c, "oauth2.claim.updated", "SUCCESS", "", a.target(), t)
	return ok(s.viewClaim(c.vars[0], x))
}

func deleteClaim(s *Server, c *call) (reply, error) {
	a, x, err := s.claimOf(c)
	if err != nil {
		return reply{}, err
	}
	if x.System {
		return reply{}, forbidden()
	}
	s.removeClaim(c, a, x)
	return noContent()
}

func (s *Server) removeClaim(c *call, a *authServer, x *claim) {
	a.Claims = slices.DeleteFunc(a.Claims, func(y *claim) bool { return y == x })
	s.dirty = true
	s.event(c, "oauth2.claim.deleted", "SUCCESS", "", a.target(), x.target())
}

// checkClaim validates and normalises. The value is not looked at: a bare word is accepted on write and fails when a token is asked for.
func (a *authServer) checkClaim(old *claim, b *claimBody) error {
	if b.Conditions.Scopes == nil {
		b.Conditions.Scopes = []string{}
	}
	if b.ClaimType == "RESOURCE" {
		b.Always = true // whatever is sent
	}
	switch {
	case b.Name == "":
		return invalidField("name", "The field cannot be left blank")
	case !slices.Contains([]string{"RESOURCE", "IDENTITY"}, b.ClaimType):
		return invalidField("claimType", "The field has an invalid value")
	case !slices.Contains([]string{active, inactive}, b.Status):
		return invalidField("status", "The field has an invalid value")
	}
	if old != nil && old.System {
		return checkSystemClaim(old, b)
	}
	switch {
	case slices.Contains(reservedClaims, b.Name):
		return invalidField("name", "The field has an invalid value")
	case !slices.Contains([]string{"EXPRESSION", "GROUPS"}, b.ValueType):
		return invalidField("valueType", "The field has an invalid value")
	case b.Value == "":
		return invalidField("value", "The field cannot be left blank")
	case b.ValueType == "GROUPS" && !slices.Contains([]string{"STARTS_WITH", "EQUALS", "CONTAINS", "REGEX"}, b.GroupFilterType):
		return invalidField("group_filter_type", "The field has an invalid value")
	}
	if b.ValueType == "EXPRESSION" {
		b.GroupFilterType = ""
	}
	for _, x := range a.Claims {
		// Names are unique per server, and the ID token's claim of a name is another one than the access token's.
		if x != old && x.Name == b.Name && x.ClaimType == b.ClaimType {
			return invalidField("name", "The field must be unique")
		}
	}
	return a.checkScopeNames("conditions.scopes", b.Conditions.Scopes)
}

// checkSystemClaim: only alwaysIncludeInToken can be changed, and of sub only the value.
func checkSystemClaim(old *claim, b *claimBody) error {
	next := old.claimBody
	if old.Name == "sub" {
		if b.Value == "" {
			return invalidField("value", "The field cannot be left blank")
		}
		next.Value = b.Value
	} else {
		next.Always = b.Always
	}
	if b.Name != old.Name || b.ClaimType != old.ClaimType || b.ValueType != old.ValueType {
		return forbidden()
	}
	*b = next
	return nil
}

// checkScopeNames refuses names of scopes that do not exist. Whether Okta does is unknown; a typo here makes a claim or rule
// that silently never applies.
func (a *authServer) checkScopeNames(field string, names []string) error {
	if name, unknown := a.unknownScope(names); unknown {
		return invalidField(field, "The scope '"+name+"' does not exist.")
	}
	return nil
}
