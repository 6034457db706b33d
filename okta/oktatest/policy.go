package oktatest

import (
	"slices"
)

const (
	kindPolicy = "Policy"
	allClients = "ALL_CLIENTS"
)

type policy struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	System      bool   `json:"system"`
	Created     string `json:"created"`
	LastUpdated string `json:"lastUpdated"`
	policyBody
	Rules []*rule `json:"rules"`
}

type policyBody struct {
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Conditions  policyConditions `json:"conditions"`
}

type policyConditions struct {
	Clients struct {
		Include []string `json:"include"`
	} `json:"clients"`
}

type policyInput struct {
	policyBody
	Type     string `json:"type"`
	Priority *int   `json:"priority"`
}

type policyView struct {
	ID          string           `json:"id"`
	Status      string           `json:"status"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Priority    int              `json:"priority"`
	System      bool             `json:"system"`
	Conditions  policyConditions `json:"conditions"`
	Created     string           `json:"created"`
	LastUpdated string           `json:"lastUpdated"`
	Links       map[string]link  `json:"_links"`
	Type        string           `json:"type"`
}

const policyType = "OAUTH_AUTHORIZATION_POLICY"

// viewPolicy builds the answer. The priority is the place in the list: dense, from 1.
func (s *Server) viewPolicy(server string, a *authServer, p *policy) policyView {
	self := s.base() + "/api/v1/authorizationServers/" + server + "/policies/" + p.ID
	return policyView{
		ID: p.ID, Status: p.Status, Name: p.Name, Description: p.Description, Priority: slices.Index(a.Policies, p) + 1, System: p.System,
		Conditions: p.Conditions, Created: p.Created, LastUpdated: p.LastUpdated, Type: policyType,
		Links: map[string]link{
			"self": hinted(self, "GET", "PUT", "DELETE"), "rules": hinted(self+"/rules", "GET", "POST"), lifecycleVerb(p.Status): hinted(self+"/lifecycle/"+lifecycleVerb(p.Status), "POST"),
		},
	}
}

// lifecycleVerb is what can be done next to an object of the status.
func lifecycleVerb(status string) string {
	if status == active {
		return "deactivate"
	}
	return "activate"
}

func (p *policy) target() target {
	return target{ID: p.ID, Type: "PolicyEntity", AlternateID: "unknown", DisplayName: p.Name}
}

func (s *Server) policyOf(c *call) (*authServer, *policy, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return nil, nil, err
	}
	for _, p := range a.Policies {
		if p.ID == c.vars[1] {
			return a, p, nil
		}
	}
	return nil, nil, notFound(c.vars[1], kindPolicy)
}

func listPolicies(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	out := []policyView{}
	for _, p := range a.Policies {
		out = append(out, s.viewPolicy(c.vars[0], a, p))
	}
	return ok(out)
}

func getPolicy(s *Server, c *call) (reply, error) {
	a, p, err := s.policyOf(c)
	if err != nil {
		return reply{}, err
	}
	return ok(s.viewPolicy(c.vars[0], a, p))
}

// createPolicy makes it ACTIVE whatever status is sent.
func createPolicy(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	var in policyInput
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if err := s.checkPolicy(a, nil, &in); err != nil {
		return reply{}, err
	}
	p := &policy{ID: s.org.newID("00p"), Status: active, Created: stamp(c.now), LastUpdated: stamp(c.now), policyBody: in.policyBody, Rules: []*rule{}}
	a.Policies = place(a.Policies, p, in.Priority)
	s.dirty = true
	s.event(c, "policy.lifecycle.create", "SUCCESS", "", a.target(), p.target())
	return created(s.viewPolicy(c.vars[0], a, p))
}

func replacePolicy(s *Server, c *call) (reply, error) {
	a, p, err := s.policyOf(c)
	if err != nil {
		return reply{}, err
	}
	var in policyInput
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if err := s.checkPolicy(a, p, &in); err != nil {
		return reply{}, err
	}
	before := s.viewPolicy(c.vars[0], a, p)
	p.policyBody = in.policyBody
	p.LastUpdated = stamp(c.now)
	if in.Priority != nil {
		a.Policies = place(a.Policies, p, in.Priority)
	}
	s.dirty = true
	t := p.target()
	t.Change = changes(before, s.viewPolicy(c.vars[0], a, p))
	s.event(c, "policy.lifecycle.update", "SUCCESS", "", a.target(), t)
	return ok(s.viewPolicy(c.vars[0], a, p))
}

// checkPolicy validates. Unrecorded, and so taken strictly: names are unique, and clients.include names clients that exist.
func (s *Server) checkPolicy(a *authServer, old *policy, in *policyInput) error {
	switch {
	case in.Type != policyType:
		return invalidField("type", "The field has an invalid value")
	case in.Name == "":
		return invalidField("name", "The field cannot be left blank")
	case len([]rune(in.Name)) > 100:
		return invalidField("name", "The field is too long")
	case in.Description == "":
		return invalidField("description", "The field cannot be left blank")
	case len([]rune(in.Description)) > 255:
		return invalidField("description", "The field is too long")
	case in.Priority != nil && *in.Priority < 1:
		return invalidField("priority", "The field has an invalid value")
	}
	for _, p := range a.Policies {
		if p != old && p.Name == in.Name {
			return invalidField("name", "The field must be unique")
		}
	}
	include := &in.Conditions.Clients.Include
	if *include == nil {
		*include = []string{} // recorded: a policy without conditions matches no client
	}
	for _, id := range *include {
		if id != allClients && s.org.byClient[id] == nil {
			return invalidField("conditions.clients.include", "The client '"+id+"' does not exist.")
		}
		if id == allClients && len(*include) > 1 {
			return invalidField("conditions.clients.include", "The field has an invalid value")
		}
	}
	return nil
}

func deletePolicy(s *Server, c *call) (reply, error) {
	a, p, err := s.policyOf(c)
	if err != nil {
		return reply{}, err
	}
	if p.System {
		return reply{}, forbidden()
	}
	s.removePolicy(c, a, p)
	return noContent()
}

func (s *Server) removePolicy(c *call, a *authServer, p *policy) {
	a.Policies = slices.DeleteFunc(a.Policies, func(q *policy) bool { return q == p })
	s.dirty = true
	s.event(c, "policy.lifecycle.delete", "SUCCESS", "", a.target(), p.target())
}

func activatePolicy(s *Server, c *call) (reply, error)   { return setPolicyStatus(s, c, active) }
func deactivatePolicy(s *Server, c *call) (reply, error) { return setPolicyStatus(s, c, inactive) }

func setPolicyStatus(s *Server, c *call, status string) (reply, error) {
	a, p, err := s.policyOf(c)
	if err != nil {
		return reply{}, err
	}
	if p.Status != status {
		verb := lifecycleVerb(p.Status)
		p.Status, p.LastUpdated = status, stamp(c.now)
		s.dirty = true
		s.event(c, "policy.lifecycle."+verb, "SUCCESS", "", a.target(), p.target())
	}
	return noContent()
}

// place puts an entry at a priority, moving it when it is in the list already. The priority is clamped to 1..n; without one the
// entry goes last. What stood there and after moves down by one: so says the console's help, it is not recorded.
func place[T comparable](list []T, entry T, priority *int) []T {
	out := make([]T, 0, len(list)+1)
	for _, e := range list {
		if e != entry {
			out = append(out, e)
		}
	}
	at := len(out)
	if priority != nil {
		at = min(max(*priority-1, 0), at)
	}
	return slices.Insert(out, at, entry)
}
