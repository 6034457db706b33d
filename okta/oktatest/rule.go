package oktatest

import (
	"slices"
)

const (
	kindRule = "PolicyRule"
	everyone = "EVERYONE"
)

type rule struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	System      bool   `json:"system"`
	Created     string `json:"created"`
	LastUpdated string `json:"lastUpdated"`
	ruleBody
}

type ruleBody struct {
	Name       string         `json:"name"`
	Conditions ruleConditions `json:"conditions"`
	Actions    ruleActions    `json:"actions"`
}

type ruleConditions struct {
	People     people  `json:"people"`
	GrantTypes include `json:"grantTypes"`
	Scopes     include `json:"scopes"`
}

type include struct {
	Include []string `json:"include"`
}

type people struct {
	Users  *members `json:"users,omitempty"`
	Groups *members `json:"groups,omitempty"`
}

type members struct {
	Include []string `json:"include,omitzero"`
	Exclude []string `json:"exclude,omitzero"`
}

type ruleActions struct {
	Token tokenAction `json:"token"`
}

type tokenAction struct {
	AccessMinutes  int         `json:"accessTokenLifetimeMinutes"`
	RefreshMinutes int         `json:"refreshTokenLifetimeMinutes"`
	WindowMinutes  int         `json:"refreshTokenWindowMinutes"`
	InlineHook     *inlineHook `json:"inlineHook,omitempty"`
}

type inlineHook struct {
	ID string `json:"id"`
}

type ruleInput struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Priority   *int            `json:"priority"`
	Conditions *ruleConditions `json:"conditions"`
	Actions    struct {
		Scopes any `json:"scopes"`
		Token  struct {
			AccessMinutes  *int        `json:"accessTokenLifetimeMinutes"`
			RefreshMinutes *int        `json:"refreshTokenLifetimeMinutes"`
			WindowMinutes  *int        `json:"refreshTokenWindowMinutes"`
			InlineHook     *inlineHook `json:"inlineHook"`
		} `json:"token"`
	} `json:"actions"`
}

type ruleView struct {
	ID          string          `json:"id"`
	Status      string          `json:"status"`
	Name        string          `json:"name"`
	Priority    int             `json:"priority"`
	Created     string          `json:"created"`
	LastUpdated string          `json:"lastUpdated"`
	System      bool            `json:"system"`
	Conditions  ruleConditions  `json:"conditions"`
	Actions     ruleActions     `json:"actions"`
	Links       map[string]link `json:"_links"`
	Type        string          `json:"type"`
}

func (s *Server) viewRule(server string, p *policy, r *rule) ruleView {
	self := s.base() + "/api/v1/authorizationServers/" + server + "/policies/" + p.ID + "/rules/" + r.ID
	verb := lifecycleVerb(r.Status)
	return ruleView{
		ID: r.ID, Status: r.Status, Name: r.Name, Priority: slices.Index(p.Rules, r) + 1, Created: r.Created, LastUpdated: r.LastUpdated,
		System: r.System, Conditions: r.Conditions, Actions: r.Actions, Type: "RESOURCE_ACCESS",
		Links: map[string]link{"self": hinted(self, "GET", "PUT", "DELETE"), verb: hinted(self+"/lifecycle/"+verb, "POST")},
	}
}

func (r *rule) target() target {
	return target{ID: r.ID, Type: "PolicyRule", AlternateID: "unknown", DisplayName: r.Name}
}

func (s *Server) ruleOf(c *call) (*authServer, *policy, *rule, error) {
	a, p, err := s.policyOf(c)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, r := range p.Rules {
		if r.ID == c.vars[2] {
			return a, p, r, nil
		}
	}
	return nil, nil, nil, notFound(c.vars[2], kindRule)
}

func listRules(s *Server, c *call) (reply, error) {
	_, p, err := s.policyOf(c)
	if err != nil {
		return reply{}, err
	}
	out := []ruleView{}
	for _, r := range p.Rules {
		out = append(out, s.viewRule(c.vars[0], p, r))
	}
	return ok(out)
}

func getRule(s *Server, c *call) (reply, error) {
	_, p, r, err := s.ruleOf(c)
	if err != nil {
		return reply{}, err
	}
	return ok(s.viewRule(c.vars[0], p, r))
}

func createRule(s *Server, c *call) (reply, error) {
	a, p, err := s.policyOf(c)
	if err != nil {
		return reply{}, err
	}
	body, priority, err := readRule(c, a, p, nil)
	if err != nil {
		return reply{}, err
	}
	r := &rule{ID: s.org.newID("0pr"), Status: active, Created: stamp(c.now), LastUpdated: stamp(c.now), ruleBody: body}
	p.Rules = place(p.Rules, r, priority)
	s.dirty = true
	s.event(c, "policy.rule.add", "SUCCESS", "", p.target(), r.target())
	return created(s.viewRule(c.vars[0], p, r))
}

func replaceRule(s *Server, c *call) (reply, error) {
	a, p, r, err := s.ruleOf(c)
	if err != nil {
		return reply{}, err
	}
	body, priority, err := readRule(c, a, p, r)
	if err != nil {
		return reply{}, err
	}
	before := s.viewRule(c.vars[0], p, r)
	r.ruleBody = body
	r.LastUpdated = stamp(c.now)
	if priority != nil {
		p.Rules = place(p.Rules, r, priority)
	}
	s.dirty = true
	t := r.target()
	t.Change = changes(before, s.viewRule(c.vars[0], p, r))
	s.event(c, "policy.rule.update", "SUCCESS", "", p.target(), t)
	return ok(s.viewRule(c.vars[0], p, r))
}

// readRule decodes, validates and normalises a rule. Status is the lifecycle's, in a body it is ignored.
func readRule(c *call, a *authServer, p *policy, old *rule) (ruleBody, *int, error) {
	var in ruleInput
	if err := decode(c.body, &in); err != nil {
		return ruleBody{}, nil, err
	}
	switch {
	case in.Name == "":
		return ruleBody{}, nil, invalidField("name", "The field cannot be left blank")
	case in.Type != "RESOURCE_ACCESS":
		return ruleBody{}, nil, invalidField("type", "The field has an invalid value")
	case in.Conditions == nil:
		return ruleBody{}, nil, invalidField("conditions", "The field cannot be left blank")
	case in.Actions.Scopes != nil:
		return ruleBody{}, nil, invalid("actions.scopes", "actions.scopes: Cannot add scopes to 'action.scopes', add to 'conditions.scopes.include' instead.")
	case in.Priority != nil && *in.Priority < 1:
		return ruleBody{}, nil, invalidField("priority", "The field has an invalid value")
	}
	for _, r := range p.Rules {
		if r != old && r.Name == in.Name { // not recorded; unique, as the strict reading has it
			return ruleBody{}, nil, invalidField("name", "The field must be unique")
		}
	}
	b := ruleBody{Name: in.Name, Conditions: *in.Conditions}
	if err := b.Conditions.normalise(a); err != nil {
		return ruleBody{}, nil, err
	}
	t := in.Actions.Token
	b.Actions.Token = tokenAction{orInt(t.AccessMinutes, 60), orInt(t.RefreshMinutes, 0), orInt(t.WindowMinutes, 10080), t.InlineHook}
	return b, in.Priority, b.Actions.Token.check()
}

// normalise gives the conditions the shape Okta stores, and refuses what cannot be.
func (c *ruleConditions) normalise(a *authServer) error {
	if c.People.Users == nil {
		c.People.Users = &members{}
	}
	if u := c.People.Users; u.Exclude == nil && u.Include == nil {
		u.Exclude = []string{}
	}
	if g := c.People.Groups; g != nil && g.Include == nil {
		g.Include = []string{}
	}
	if len(c.GrantTypes.Include) == 0 {
		return invalidField("conditions.grantTypes", "The field cannot be left blank")
	}
	var ordered []string
	for _, g := range grantTypes {
		if slices.Contains(c.GrantTypes.Include, g) {
			ordered = append(ordered, g)
		}
	}
	for _, g := range c.GrantTypes.Include {
		if !slices.Contains(ordered, g) {
			return invalidField("conditions.grantTypes.include", "The field has an invalid value")
		}
	}
	c.GrantTypes.Include = ordered
	if c.Scopes.Include == nil {
		c.Scopes.Include = []string{}
	}
	if slices.Equal(c.Scopes.Include, []string{"*"}) {
		return nil
	}
	return a.checkScopeNames("conditions.scopes.include", c.Scopes.Include)
}

// The bounds of the refresh token's window: the documentation says 10 minutes at least, Terraform's provider allows 5.
const (
	minAccess, maxAccess = 5, 1440
	minWindow, maxWindow = 10, 2_628_000
)

func (t tokenAction) check() error {
	const out = "The field has an invalid value"
	switch {
	case t.AccessMinutes < minAccess || t.AccessMinutes > maxAccess:
		return invalidField("accessTokenLifetimeMinutes", out)
	case t.RefreshMinutes != 0 && t.RefreshMinutes < t.AccessMinutes, t.RefreshMinutes < 0:
		return invalidField("refreshTokenLifetimeMinutes", out)
	case t.WindowMinutes < minWindow || t.WindowMinutes > maxWindow, t.WindowMinutes < t.AccessMinutes,
		t.RefreshMinutes != 0 && t.WindowMinutes > t.RefreshMinutes:
		return invalidField("refreshTokenWindowMinutes", out)
	}
	return nil
}

func orInt(n *int, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return *n
}

func deleteRule(s *Server, c *call) (reply, error) {
	_, p, r, err := s.ruleOf(c)
	if err != nil {
		return reply{}, err
	}
	if r.System {
		return reply{}, forbidden()
	}
	s.removeRule(c, p, r)
	return noContent()
}

func (s *Server) removeRule(c *call, p *policy, r *rule) {
	p.Rules = slices.DeleteFunc(p.Rules, func(q *rule) bool { return q == r })
	s.dirty = true
	s.event(c, "policy.rule.delete", "SUCCESS", "", p.target(), r.target())
}

func activateRule(s *Server, c *call) (reply, error)   { return setRuleStatus(s, c, active) }
func deactivateRule(s *Server, c *call) (reply, error) { return setRuleStatus(s, c, inactive) }

func setRuleStatus(s *Server, c *call, status string) (reply, error) {
	_, p, r, err := s.ruleOf(c)
	if err != nil {
		return reply{}, err
	}
	if r.Status != status {
		verb := lifecycleVerb(r.Status)
		r.Status, r.LastUpdated = status, stamp(c.now)
		s.dirty = true
		s.event(c, "policy.rule."+verb, "SUCCESS", "", p.target(), r.target())
	}
	return noContent()
}
