package oktatest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const kindScope = "OAuth2Scope"

type scope struct {
	ID     string `json:"id"`
	System bool   `json:"system"`
	scopeBody
}

type scopeBody struct {
	Name            string  `json:"name"`
	DisplayName     *string `json:"displayName"`
	Description     string  `json:"description"`
	MetadataPublish string  `json:"metadataPublish"`
	Consent         string  `json:"consent"`
	Optional        bool    `json:"optional"`
	Default         bool    `json:"default"`
}

type scopeView struct {
	ID              string          `json:"id"`
	Name            string          `json:"name"`
	DisplayName     *string         `json:"displayName"`
	Description     string          `json:"description"`
	System          bool            `json:"system"`
	MetadataPublish string          `json:"metadataPublish"`
	Consent         string          `json:"consent"`
	Optional        bool            `json:"optional"`
	APIResourceID   *string         `json:"apiResourceId"`
	Default         bool            `json:"default"`
	Links           map[string]link `json:"_links"`
}

func newScopeBody() scopeBody {
	return scopeBody{MetadataPublish: "NO_CLIENTS", Consent: "IMPLICIT"}
}

func (s *Server) viewScope(server string, x *scope) scopeView {
	self := s.base() + "/api/v1/authorizationServers/" + server + "/scopes/" + x.ID
	return scopeView{
		ID: x.ID, Name: x.Name, DisplayName: x.DisplayName, Description: x.Description, System: x.System, MetadataPublish: x.MetadataPublish,
		Consent: x.Consent, Optional: x.Optional, Default: x.Default, Links: map[string]link{"self": hinted(self, "GET", "PUT", "DELETE")},
	}
}

func (x *scope) target() target {
	return target{ID: x.ID, Type: "OAuth2Scope", AlternateID: "unknown", DisplayName: x.Name}
}

func (a *authServer) scope(name string) *scope {
	for _, x := range a.Scopes {
		if x.Name == name {
			return x
		}
	}
	return nil
}

func (s *Server) scopeOf(c *call) (*authServer, *scope, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return nil, nil, err
	}
	for _, x := range a.Scopes {
		if x.ID == c.vars[1] {
			return a, x, nil
		}
	}
	return nil, nil, notFound(c.vars[1], kindScope)
}

// listScopes pages only when limit is given; without it there is no Link header.
func listScopes(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	q := c.URL.Query()
	if q.Get("filter") != "" {
		return reply{}, notEmulated("GET /api/v1/authorizationServers/{id}/scopes?filter=")
	}
	size, err := pageSize(c, len(a.Scopes)+1, 200)
	if err != nil {
		return reply{}, err
	}
	page, more, reached := []scopeView{}, false, q.Get("after") == ""
	for _, x := range a.Scopes {
		if !reached {
			reached = x.ID == q.Get("after")
			continue
		}
		if !strings.HasPrefix(strings.ToLower(x.Name), strings.ToLower(q.Get("q"))) {
			continue
		}
		if len(page) == size {
			more = true
			break
		}
		page = append(page, s.viewScope(c.vars[0], x))
	}
	if !reached {
		return reply{}, invalidCursor()
	}
	rep := reply{status: http.StatusOK, body: page}
	if q.Get("limit") != "" {
		last := ""
		if more {
			last = page[len(page)-1].ID
		}
		rep.header = s.pageLinks(c, size, last, "q")
	}
	return rep, nil
}

func getScope(s *Server, c *call) (reply, error) {
	_, x, err := s.scopeOf(c)
	if err != nil {
		return reply{}, err
	}
	return ok(s.viewScope(c.vars[0], x))
}

func createScope(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	x := &scope{scopeBody: newScopeBody()}
	if err := decode(c.body, &x.scopeBody); err != nil {
		return reply{}, err
	}
	if err := a.checkScope(nil, &x.scopeBody); err != nil {
		return reply{}, err
	}
	x.ID = s.org.newID("scp")
	a.Scopes = append(a.Scopes, x)
	s.dirty = true
	s.event(c, "oauth2.scope.created", "SUCCESS", "", a.target(), x.target())
	return created(s.viewScope(c.vars[0], x))
}

func replaceScope(s *Server, c *call) (reply, error) {
	a, x, err := s.scopeOf(c)
	if err != nil {
		return reply{}, err
	}
	next := newScopeBody()
	if err := decode(c.body, &next); err != nil {
		return reply{}, err
	}
	if err := a.checkScope(x, &next); err != nil {
		return reply{}, err
	}
	before := s.viewScope(c.vars[0], x)
	x.scopeBody = next
	s.dirty = true
	t := x.target()
	t.Change = changes(before, s.viewScope(c.vars[0], x))
	s.event(c, "oauth2.scope.updated", "SUCCESS", "", a.target(), t)
	return ok(s.viewScope(c.vars[0], x))
}

// deleteScope refuses what a claim or a rule still names: whether Okta refuses or cascades is unknown. The refusal of system scopes
// is documented, its error is not.
func deleteScope(s *Server, c *call) (reply, error) {
	a, x, err := s.scopeOf(c)
	if err != nil {
		return reply{}, err
	}
	if x.System {
		return reply{}, forbidden()
	}
	if user := a.userOfScope(x.Name); user != "" {
		return reply{}, invalid("scope", "The scope is used by "+user+".")
	}
	a.Scopes = slices.DeleteFunc(a.Scopes, func(y *scope) bool { return y == x })
	s.dirty = true
	s.event(c, "oauth2.scope.deleted", "SUCCESS", "", a.target(), x.target())
	return noContent()
}

// userOfScope names a claim or rule that names the scope.
func (a *authServer) userOfScope(name string) string {
	for _, cl := range a.Claims {
		if slices.Contains(cl.Conditions.Scopes, name) {
			return "claim " + cl.Name
		}
	}
	for _, p := range a.Policies {
		for _, r := range p.Rules {
			if slices.Contains(r.Conditions.Scopes.Include, name) {
				return "rule " + r.Name
			}
		}
	}
	return ""
}

var scopeNameForm = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`)

func (a *authServer) checkScope(old *scope, b *scopeBody) error {
	n := b.Name
	switch {
	case n == "":
		return invalidField("name", "The field cannot be left blank")
	case old != nil && old.System && n != old.Name:
		return forbidden()
	case !scopeNameForm.MatchString(n), n == "okta", n == "*", strings.Contains(n, "<") && strings.Contains(n, ">"):
		return invalidField("name", "The field has an invalid value")
	case (strings.HasPrefix(n, "okta.") || strings.HasPrefix(n, "okta:")) && (old == nil || old.Name != n):
		return invalidField("name", "The field has an invalid value")
	case !slices.Contains([]string{"REQUIRED", "IMPLICIT", "FLEXIBLE"}, b.Consent):
		return invalidField("consent", "The field has an invalid value")
	case !slices.Contains([]string{"ALL_CLIENTS", "NO_CLIENTS"}, b.MetadataPublish):
		return invalidField("metadataPublish", "The field has an invalid value")
	case b.Optional && b.Consent == "IMPLICIT":
		return invalidField("optional", "The field has an invalid value")
	}
	if x := a.scope(n); x != nil && x != old {
		return invalidField("name", "The field must be unique") // documented as unique; the words are not recorded
	}
	if old != nil && n != old.Name && a.userOfScope(old.Name) != "" {
		// Renaming is recorded for a scope that nothing names; what becomes of the names elsewhere is unknown.
		return invalidField("name", "The scope is used by "+a.userOfScope(old.Name)+".")
	}
	return nil
}

// unknownScope is the first name that is no scope of the server.
func (a *authServer) unknownScope(names []string) (string, bool) {
	for _, n := range names {
		if a.scope(n) == nil {
			return n, true
		}
	}
	return "", false
}
