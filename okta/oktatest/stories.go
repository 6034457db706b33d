package oktatest

import "fmt"

// Cast names the objects that a story is about: an app by its label or id, the authorization server by its name, id or "default", and what it holds by name.
type Cast struct {
	App, Server, Scope, Claim, Policy, Rule string
}

// Story is a change that an administrator makes at the console behind the back of whoever manages the org. It obeys the API's rules and leaves the API's
// lines in the System Log.
type Story struct {
	Name string // one word, for a command line
	Doc  string // what happens, as one sentence
	tell func(*Server, Cast) error
}

// Tell makes the story happen. The error says which object was not found, or what was refused.
func (s Story) Tell(org *Server, cast Cast) error {
	if err := s.tell(org, cast); err != nil {
		return fmt.Errorf("story %s: %w", s.Name, err)
	}
	return nil
}

// Stories lists the stories that drift reports are tried and shown with, in a fixed order. Each works by itself on a service account as it was made; those
// that rename or delete take away what the others are about, and come last.
func Stories() []Story {
	return []Story{
		{"widen-profile", "Somebody adds a group to the app's profile.", func(s *Server, c Cast) error {
			return s.EditApp(c.App, func(app map[string]any) {
				profile, _ := app["profile"].(map[string]any)
				if profile == nil {
					profile = map[string]any{}
				}
				groups, _ := profile["neo4j_groups"].([]any)
				profile["neo4j_groups"] = append(groups, "neo4j_admin")
				app["profile"] = profile
			})
		}},
		{"widen-claim", "The claim no longer needs its scope.", func(s *Server, c Cast) error {
			return s.EditClaim(c.Server, c.Claim, func(claim map[string]any) { claim["conditions"] = map[string]any{"scopes": []any{}} })
		}},
		{"dpop-on", "The app is saved in the console, with DPoP switched on.", func(s *Server, c Cast) error {
			return s.EditApp(c.App, func(app map[string]any) {
				app["settings"].(map[string]any)["oauthClient"].(map[string]any)["dpop_bound_access_tokens"] = true
			})
		}},
		{"second-secret", "Somebody plants a second client secret.", func(s *Server, c Cast) error {
			_, err := s.AddSecret(c.App)
			return err
		}},
		{"extra-claim", "Somebody adds a claim that comes in every token of the server.", func(s *Server, c Cast) error {
			return s.create("claims", c.Server, map[string]any{"name": "extra_groups", "claimType": "RESOURCE", "valueType": "EXPRESSION", "value": "app.profile.neo4j_groups", "status": active})
		}},
		{"rule-above", "A rule of somebody's is put above the one that was there.", func(s *Server, c Cast) error {
			return s.ruleAbove(c)
		}},
		{"open-policy", "The policy is opened to every client.", func(s *Server, c Cast) error {
			return s.EditPolicy(c.Server, c.Policy, func(policy map[string]any) {
				policy["conditions"] = map[string]any{"clients": map[string]any{"include": []any{allClients}}}
			})
		}},
		{"long-tokens", "Tokens live for a day.", func(s *Server, c Cast) error {
			return s.EditRule(c.Server, c.Policy, c.Rule, func(rule map[string]any) {
				rule["actions"].(map[string]any)["token"].(map[string]any)["accessTokenLifetimeMinutes"] = 1440
			})
		}},
		{"ask-consent", "The scope asks for consent, which no machine gives.", func(s *Server, c Cast) error {
			return s.EditScope(c.Server, c.Scope, func(scope map[string]any) { scope["consent"] = "REQUIRED" })
		}},
		{"deactivate-rule", "The rule is switched off.", func(s *Server, c Cast) error {
			return s.EditRule(c.Server, c.Policy, c.Rule, func(rule map[string]any) { rule["status"] = inactive })
		}},
		{"deactivate-app", "The app is switched off, and its tokens end.", func(s *Server, c Cast) error {
			return s.EditApp(c.App, func(app map[string]any) { app["status"] = inactive })
		}},
		{"rename-app", "The app gets another label.", func(s *Server, c Cast) error {
			return s.EditApp(c.App, func(app map[string]any) { app["label"] = c.App + " (old)" })
		}},
		{"delete-claim", "The claim is deleted.", func(s *Server, c Cast) error { return s.DeleteClaim(c.Server, c.Claim) }},
		{"delete-policy", "The policy is deleted with its rules.", func(s *Server, c Cast) error { return s.DeletePolicy(c.Server, c.Policy) }},
		{"delete-app", "The app is deleted.", func(s *Server, c Cast) error { return s.DeleteApp(c.App) }},
	}
}

// create posts an object into a collection of an authorization server.
func (s *Server) create(collection, server string, object map[string]any) error {
	s.mu.Lock()
	a, err := s.findServer(server)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	_, err = s.Create("/api/v1/authorizationServers/"+a.ID+"/"+collection, object)
	return err
}

// ruleAbove makes a rule that gives every scope for a day, and moves it to the first place of the policy.
func (s *Server) ruleAbove(c Cast) error {
	s.mu.Lock()
	a, err := s.findServer(c.Server)
	id := ""
	if err == nil {
		for _, p := range a.Policies {
			if p.ID == c.Policy || p.Name == c.Policy {
				id = p.ID
			}
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if id == "" {
		return notFound(c.Policy, kindPolicy)
	}
	err = s.create("policies/"+id+"/rules", c.Server, map[string]any{"name": "night shift", "type": "RESOURCE_ACCESS", "priority": 1,
		"conditions": map[string]any{"people": map[string]any{"groups": map[string]any{"include": []any{"EVERYONE"}}},
			"grantTypes": map[string]any{"include": []any{"client_credentials"}}, "scopes": map[string]any{"include": []any{"*"}}},
		"actions": map[string]any{"token": map[string]any{"accessTokenLifetimeMinutes": 1440, "refreshTokenLifetimeMinutes": 0, "refreshTokenWindowMinutes": 10080}}})
	if err != nil {
		return err
	}
	return s.EditRule(c.Server, c.Policy, "night shift", func(rule map[string]any) { rule["priority"] = 1 })
}
