package oktatest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// The methods of this file change the org as an administrator at the console would, behind the back of the client under test. They
// obey the same rules as the API, and leave the same lines in the System Log, with that administrator as the actor. Objects are
// named by id, or by label or name.

// EditApp replaces an app by what edit makes of it: edit gets the object as GET answers it. A changed status is a lifecycle call.
func (s *Server) EditApp(idOrLabel string, edit func(app map[string]any)) error {
	return s.story("edit app "+idOrLabel, func(c *call) error {
		a, err := s.findApp(idOrLabel)
		if err != nil {
			return err
		}
		c.vars = []string{a.ID}
		return s.edit(c, a.Status, edit, operations{getApp, replaceApp, activateApp, deactivateApp})
	})
}

// DeleteApp deactivates and deletes an app.
func (s *Server) DeleteApp(idOrLabel string) error {
	return s.story("delete app "+idOrLabel, func(c *call) error {
		a, err := s.findApp(idOrLabel)
		if err != nil {
			return err
		}
		if a.Settings.OAuthClient == nil {
			return forbidden()
		}
		s.changeAppStatus(c, a, inactive)
		s.removeApp(c, a)
		return nil
	})
}

// AddSecret gives an app another secret and answers its text. An app that has two already is refused, as by the API.
func (s *Server) AddSecret(idOrLabel string) (string, error) {
	text := randomSecret()
	return text, s.story("add secret to app "+idOrLabel, func(c *call) error {
		a, err := s.findApp(idOrLabel)
		if err != nil {
			return err
		}
		body, err := encode(map[string]string{"client_secret": text})
		if err != nil {
			return err
		}
		c.vars, c.body = []string{a.ID}, body
		_, err = createSecret(s, c)
		return err
	})
}

// EditServer replaces an authorization server (id, name or "default") by what edit makes of it.
func (s *Server) EditServer(server string, edit func(server map[string]any)) error {
	return s.story("edit authorization server "+server, func(c *call) error {
		a, err := s.findServer(server)
		if err != nil {
			return err
		}
		c.vars = []string{a.ID}
		return s.edit(c, a.Status, edit, operations{getServer, replaceServer, activateServer, deactivateServer})
	})
}

// EditScope replaces a scope of an authorization server by what edit makes of it.
func (s *Server) EditScope(server, name string, edit func(scope map[string]any)) error {
	return s.story("edit scope "+name, func(c *call) error {
		if err := s.locate(c, server, kindScope, name, ""); err != nil {
			return err
		}
		return s.edit(c, "", edit, operations{get: getScope, put: replaceScope})
	})
}

// EditClaim replaces a claim of an authorization server by what edit makes of it. Of two claims with one name it takes the access
// token's.
func (s *Server) EditClaim(server, name string, edit func(claim map[string]any)) error {
	return s.story("edit claim "+name, func(c *call) error {
		if err := s.locate(c, server, kindClaim, name, ""); err != nil {
			return err
		}
		return s.edit(c, "", edit, operations{get: getClaim, put: replaceClaim})
	})
}

// EditPolicy replaces an access policy by what edit makes of it. A changed status is a lifecycle call.
func (s *Server) EditPolicy(server, name string, edit func(policy map[string]any)) error {
	return s.story("edit policy "+name, func(c *call) error {
		if err := s.locate(c, server, kindPolicy, name, ""); err != nil {
			return err
		}
		_, p, err := s.policyOf(c)
		if err != nil {
			return err
		}
		return s.edit(c, p.Status, edit, operations{getPolicy, replacePolicy, activatePolicy, deactivatePolicy})
	})
}

// EditRule replaces a rule of a policy by what edit makes of it. A changed status is a lifecycle call.
func (s *Server) EditRule(server, policy, name string, edit func(rule map[string]any)) error {
	return s.story("edit rule "+name, func(c *call) error {
		if err := s.locate(c, server, kindRule, policy, name); err != nil {
			return err
		}
		_, _, r, err := s.ruleOf(c)
		if err != nil {
			return err
		}
		return s.edit(c, r.Status, edit, operations{getRule, replaceRule, activateRule, deactivateRule})
	})
}

// DeleteScope deletes a scope; one that a claim or rule names is refused.
func (s *Server) DeleteScope(server, name string) error {
	return s.deletion("scope", deleteScope, server, kindScope, name, "")
}

// DeleteClaim deletes a claim.
func (s *Server) DeleteClaim(server, name string) error {
	return s.deletion("claim", deleteClaim, server, kindClaim, name, "")
}

// DeletePolicy deletes an access policy with its rules.
func (s *Server) DeletePolicy(server, name string) error {
	return s.deletion("policy", deletePolicy, server, kindPolicy, name, "")
}

// DeleteRule deletes a rule of a policy.
func (s *Server) DeleteRule(server, policy, name string) error {
	return s.deletion("rule", deleteRule, server, kindRule, policy, name)
}

// Create posts an object as the administrator, and answers its id. path is that of the API, "/api/v1/apps" for one.
func (s *Server) Create(path string, object map[string]any) (id string, err error) {
	err = s.story("create "+path, func(c *call) error {
		rt, vars, err := s.match(http.MethodPost, path)
		if err != nil {
			return err
		}
		body, err := encode(object)
		if err != nil {
			return err
		}
		c.vars, c.body = vars, body
		rep, err := rt.handle(s, c)
		if err == nil {
			id, _ = asMap(rep.body)["id"].(string)
		}
		return err
	})
	return id, err
}

func (s *Server) deletion(what string, del handler, server, kind, name, sub string) error {
	return s.story("delete "+what+" "+name+sub, func(c *call) error {
		if err := s.locate(c, server, kind, name, sub); err != nil {
			return err
		}
		_, err := del(s, c)
		return err
	})
}

// story runs one change with the org locked, as the console's administrator.
func (s *Server) story(what string, change func(*call) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == nil {
		return errors.New("oktatest: " + what + ": not started")
	}
	r, err := http.NewRequest(http.MethodPost, s.URL+"/admin", nil)
	if err != nil {
		return fmt.Errorf("oktatest: %s: %w", what, err)
	}
	r.Header.Set("User-Agent", "console")
	c := &call{Request: r, id: randomText(27), now: s.now(), actor: consoleActor()}
	if err := change(c); err != nil {
		return fmt.Errorf("oktatest: %s: %w", what, err)
	}
	return s.saveChanges()
}

type operations struct{ get, put, activate, deactivate handler }

// edit is GET, change, PUT, and the lifecycle call when the status was changed and is not the PUT's to change.
func (s *Server) edit(c *call, status string, change func(map[string]any), ops operations) error {
	rep, err := ops.get(s, c)
	if err != nil {
		return err
	}
	text, err := encode(rep.body)
	if err != nil {
		return err
	}
	var object map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&object); err != nil {
		return err
	}
	change(object)
	if c.body, err = encode(object); err != nil {
		return err
	}
	after, err := encode(object)
	if err != nil {
		return err
	}
	next, _ := object["status"].(string)
	if !bytes.Equal(withoutStatus(text), withoutStatus(after)) || status == "" {
		if _, err := ops.put(s, c); err != nil {
			return err
		}
	}
	switch {
	case status == "" || next == status:
		return nil
	case next == active:
		_, err = ops.activate(s, c)
	case next == inactive:
		_, err = ops.deactivate(s, c)
	default:
		err = invalidField("status", "The field has an invalid value")
	}
	return err
}

// withoutStatus is an object in one canonical form, less its status.
func withoutStatus(text []byte) []byte {
	var object map[string]any
	if json.Unmarshal(text, &object) != nil {
		return text
	}
	delete(object, "status")
	out, err := json.Marshal(object)
	if err != nil {
		return text
	}
	return out
}

func (s *Server) findApp(idOrLabel string) (*app, error) {
	if a := s.org.byID[idOrLabel]; a != nil {
		return a, nil
	}
	var found *app
	for _, a := range s.org.Apps {
		if a.Label == idOrLabel {
			if found != nil {
				return nil, fmt.Errorf("two apps are labelled %q", idOrLabel)
			}
			found = a
		}
	}
	if found == nil {
		return nil, notFound(idOrLabel, kindApp)
	}
	return found, nil
}

func (s *Server) findServer(idOrName string) (*authServer, error) {
	for _, a := range s.org.Servers {
		if a.Name == idOrName {
			return a, nil
		}
	}
	return s.server(idOrName)
}

// locate sets the call's path variables to those of the object named; a rule is named by its policy (name) and itself (sub).
func (s *Server) locate(c *call, server, kind, name, sub string) error {
	a, err := s.findServer(server)
	if err != nil {
		return err
	}
	c.vars = []string{a.ID, ""}
	switch kind {
	case kindScope:
		for _, x := range a.Scopes {
			if x.ID == name || x.Name == name {
				c.vars[1] = x.ID
			}
		}
	case kindClaim:
		for _, x := range a.Claims {
			if x.ID == name || x.Name == name && (c.vars[1] == "" || x.ClaimType == "RESOURCE") {
				c.vars[1] = x.ID
			}
		}
	default:
		for _, p := range a.Policies {
			if p.ID == name || p.Name == name {
				c.vars[1] = p.ID
				c.vars = append(c.vars, p.rule(sub))
			}
		}
	}
	last := c.vars[len(c.vars)-1]
	if kind == kindPolicy {
		last = c.vars[1]
	}
	if last == "" {
		return notFound(name+sub, kind)
	}
	return nil
}

// rule is the id of a rule by id or name, "" when there is none.
func (p *policy) rule(idOrName string) string {
	for _, r := range p.Rules {
		if r.ID == idOrName || r.Name == idOrName {
			return r.ID
		}
	}
	return ""
}
