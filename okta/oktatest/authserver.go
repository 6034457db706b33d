package oktatest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const kindServer = "AuthorizationServer"

// rotationPeriod is how far apart the automatic rotations of signing keys are.
const rotationPeriod = 90 * 24 * time.Hour

// authServer is a custom authorization server with all that belongs to it.
type authServer struct {
	ID           string        `json:"id"`
	Status       string        `json:"status"`
	Created      string        `json:"created"`
	LastUpdated  string        `json:"lastUpdated"`
	Default      bool          `json:"default"`
	LastRotated  string        `json:"lastRotated"`
	RotationMode string        `json:"rotationMode"`
	Name         string        `json:"name"`
	Description  *string       `json:"description"`
	Audiences    []string      `json:"audiences"`
	IssuerMode   string        `json:"issuerMode"`
	Keys         []*signingKey `json:"keys"`
	Scopes       []*scope      `json:"scopes"`
	Claims       []*claim      `json:"claims"`
	Policies     []*policy     `json:"policies"`
}

// authServerInput is what a request may set.
type authServerInput struct {
	Name        string   `json:"name"`
	Description *string  `json:"description"`
	Audiences   []string `json:"audiences"`
	IssuerMode  string   `json:"issuerMode"`
	Credentials struct {
		Signing struct {
			RotationMode string `json:"rotationMode"`
		} `json:"signing"`
	} `json:"credentials"`
}

type authServerView struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description *string           `json:"description"`
	Audiences   []string          `json:"audiences"`
	Issuer      string            `json:"issuer"`
	IssuerMode  string            `json:"issuerMode"`
	Status      string            `json:"status"`
	Created     string            `json:"created"`
	LastUpdated string            `json:"lastUpdated"`
	Credentials serverCredentials `json:"credentials"`
	Default     bool              `json:"default"`
	Links       map[string]any    `json:"_links"`
}

type serverCredentials struct {
	Signing serverSigning `json:"signing"`
}

type serverSigning struct {
	Kid          string `json:"kid"`
	RotationMode string `json:"rotationMode"`
	LastRotated  string `json:"lastRotated"`
	NextRotation string `json:"nextRotation,omitempty"`
}

// server finds an authorization server by id, or the default one by its alias.
func (s *Server) server(id string) (*authServer, error) {
	for _, a := range s.org.Servers {
		if a.ID == id || a.Default && id == "default" {
			return a, nil
		}
	}
	return nil, notFound(id, kindServer)
}

// serverID is the id behind an id or alias; what is neither stays as it is.
func (s *Server) serverID(id string) string {
	if a, err := s.server(id); err == nil {
		return a.ID
	}
	return id
}

// issuer ends in /oauth2/default for the default server, also when it is fetched by id.
func (s *Server) issuer(a *authServer) string {
	name := a.ID
	if a.Default {
		name = "default"
	}
	return s.base() + "/oauth2/" + name
}

// viewServer builds the answer; alias is the id of the path, which the links repeat.
func (s *Server) viewServer(a *authServer, alias string) authServerView {
	sign := serverSigning{Kid: activeKey(a.Keys).Kid, RotationMode: a.RotationMode, LastRotated: a.LastRotated}
	if t, err := time.Parse(time.RFC3339, a.LastRotated); err == nil && a.RotationMode == "AUTO" {
		sign.NextRotation = stamp(t.Add(rotationPeriod))
	}
	self := s.base() + "/api/v1/authorizationServers/" + alias
	oauth := s.base() + "/oauth2/" + alias + "/.well-known/"
	links := map[string]any{
		"rotateKey": hinted(self+"/credentials/lifecycle/keyRotate", "POST"),
		"metadata": []link{
			{Name: "oauth-authorization-server", Href: oauth + "oauth-authorization-server", Hints: &hints{[]string{"GET"}}},
			{Name: "openid-configuration", Href: oauth + "openid-configuration", Hints: &hints{[]string{"GET"}}},
		},
		"keys":     hinted(self+"/credentials/keys", "GET"),
		"claims":   hinted(self+"/claims", "GET", "POST"),
		"policies": hinted(self+"/policies", "GET", "POST"),
		"self":     hinted(self, "GET", "DELETE", "PUT"),
		"scopes":   hinted(self+"/scopes", "GET", "POST"),
	}
	verb := "deactivate"
	if a.Status == inactive {
		verb = "activate"
	}
	links[verb] = hinted(self+"/lifecycle/"+verb, "POST")
	return authServerView{
		ID: a.ID, Name: a.Name, Description: a.Description, Audiences: a.Audiences, Issuer: s.issuer(a), IssuerMode: a.IssuerMode,
		Status: a.Status, Created: a.Created, LastUpdated: a.LastUpdated, Credentials: serverCredentials{sign}, Default: a.Default, Links: links,
	}
}

func (a *authServer) target() target {
	return target{ID: a.ID, Type: kindServer, AlternateID: "unknown", DisplayName: a.Name}
}

func listServers(s *Server, c *call) (reply, error) {
	size, err := pageSize(c, 200, 200)
	if err != nil {
		return reply{}, err
	}
	q := strings.ToLower(c.URL.Query().Get("q"))
	after := c.URL.Query().Get("after")
	page, more, reached := []authServerView{}, false, after == ""
	for _, a := range s.org.Servers {
		if !reached {
			reached = a.ID == after
			continue
		}
		if !strings.Contains(strings.ToLower(a.Name+"\n"+strings.Join(a.Audiences, "\n")), q) {
			continue
		}
		if len(page) == size {
			more = true
			break
		}
		page = append(page, s.viewServer(a, a.ID))
	}
	if !reached {
		return reply{}, invalidCursor()
	}
	last := ""
	if more {
		last = page[len(page)-1].ID
	}
	return reply{status: http.StatusOK, header: s.pageLinks(c, size, last, "q"), body: page}, nil
}

func getServer(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	return ok(s.viewServer(a, c.vars[0]))
}

func createServer(s *Server, c *call) (reply, error) {
	var in authServerInput
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if err := s.checkServer(nil, &in); err != nil {
		return reply{}, err
	}
	// rotationMode MANUAL is ignored here and only applied by a PUT, as recorded.
	a := &authServer{
		ID: s.org.newID("aus"), Status: active, Created: stamp(c.now), LastUpdated: stamp(c.now), LastRotated: stamp(c.now), RotationMode: "AUTO",
		Name: in.Name, Description: in.Description, Audiences: in.Audiences, IssuerMode: in.IssuerMode,
		Keys:   []*signingKey{newSigningKey(c.now, keyActive), newSigningKey(c.now, keyNext)},
		Scopes: s.org.systemScopes(), Claims: s.org.systemClaims(), Policies: []*policy{},
	}
	if s.StateFile != "" {
		for _, k := range a.Keys {
			k.private()
		}
	}
	s.org.Servers = append(s.org.Servers, a)
	s.dirty = true
	s.event(c, "oauth2.as.created", "SUCCESS", "", a.target())
	return created(s.viewServer(a, a.ID))
}

func replaceServer(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	var in authServerInput
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if err := s.checkServer(a, &in); err != nil {
		return reply{}, err
	}
	before := s.viewServer(a, c.vars[0])
	a.Name, a.Description, a.Audiences, a.IssuerMode = in.Name, in.Description, in.Audiences, in.IssuerMode
	if m := in.Credentials.Signing.RotationMode; m != "" {
		a.RotationMode = m
	}
	old := a.LastUpdated
	a.LastUpdated = stamp(c.now)
	s.dirty = true
	after := s.viewServer(a, c.vars[0])
	t := a.target()
	t.Change = changes(before, after)
	s.event(c, "oauth2.as.updated", "SUCCESS", "", t)
	after.LastUpdated = old // a PUT's answer shows the old one, the next GET the new: recorded on Identity Engine orgs
	return ok(after)
}

// checkServer validates; names are taken to be unique, which is not recorded.
func (s *Server) checkServer(old *authServer, in *authServerInput) error {
	if in.IssuerMode == "" {
		in.IssuerMode = "ORG_URL"
		if old != nil {
			in.IssuerMode = old.IssuerMode
		}
	}
	switch {
	case in.Name == "":
		return invalidField("name", "The field cannot be left blank")
	case len(in.Audiences) != 1 || in.Audiences[0] == "":
		return invalidField("audiences", "Exactly one audience must be specified.")
	case !validAudience(in.Audiences[0]):
		return invalidField("audiences", "The audience must be a valid URI.")
	case !slices.Contains([]string{"ORG_URL", "CUSTOM_URL", "DYNAMIC"}, in.IssuerMode):
		return invalidField("issuerMode", "The field has an invalid value")
	case !slices.Contains([]string{"", "AUTO", "MANUAL"}, in.Credentials.Signing.RotationMode):
		return invalidField("rotationMode", "The field has an invalid value")
	}
	for _, a := range s.org.Servers {
		if a != old && a.Name == in.Name {
			return invalidField("name", "The field must be unique")
		}
	}
	return nil
}

// validAudience: one with a colon must be a URI, any other text will do.
func validAudience(text string) bool {
	if !strings.Contains(text, ":") {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "" || u.Path != "")
}

// deleteServer works on an ACTIVE server too. Deleting the default one is refused: not recorded, and nobody should try.
func deleteServer(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	if a.Default {
		return reply{}, forbidden()
	}
	s.org.Servers = slices.DeleteFunc(s.org.Servers, func(b *authServer) bool { return b == a })
	s.dirty = true
	s.event(c, "oauth2.as.deleted", "SUCCESS", "", a.target())
	return noContent()
}

func activateServer(s *Server, c *call) (reply, error)   { return setServerStatus(s, c, active) }
func deactivateServer(s *Server, c *call) (reply, error) { return setServerStatus(s, c, inactive) }

func setServerStatus(s *Server, c *call, status string) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	if a.Status != status {
		a.Status, a.LastUpdated = status, stamp(c.now)
		s.dirty = true
		s.event(c, "oauth2.as."+strings.ToLower(map[string]string{active: "activated", inactive: "deactivated"}[status]), "SUCCESS", "", a.target())
	}
	return noContent()
}

func listServerKeys(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	return ok(s.serverKeys(a, c.vars[0]))
}

func (s *Server) serverKeys(a *authServer, alias string) []signingKeyView {
	out := []signingKeyView{}
	for _, k := range a.Keys {
		v := k.view()
		v.Status = k.Status
		v.Links = map[string]link{"self": hinted(s.base()+"/api/v1/authorizationServers/"+alias+"/credentials/keys/"+k.Kid, "GET")}
		out = append(out, v)
	}
	return out
}

// rotateKeys makes the NEXT key the ACTIVE one, the ACTIVE one EXPIRED, and drops the one that expired before.
func rotateKeys(s *Server, c *call) (reply, error) {
	a, err := s.server(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Use string `json:"use"`
	}
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if in.Use != "sig" {
		return reply{}, invalid("rotateKeys", "Invalid value specified for key 'use' parameter.")
	}
	old := activeKey(a.Keys)
	next := newSigningKey(c.now, keyActive)
	for _, k := range a.Keys {
		if k.Status == keyNext {
			next = k
		}
	}
	old.Status, next.Status = keyExpired, keyActive
	a.Keys = []*signingKey{next, newSigningKey(c.now, keyNext), old}
	if s.StateFile != "" {
		s.org.makeKeys()
	}
	a.LastRotated = stamp(c.now)
	s.dirty = true
	s.event(c, "app.oauth2.as.key.rollover", "SUCCESS", "", a.target())
	return ok(s.serverKeys(a, c.vars[0]))
}

// listServerClients answers the clients that hold refresh tokens; client_credentials never gives one.
func listServerClients(s *Server, c *call) (reply, error) {
	if _, err := s.server(c.vars[0]); err != nil {
		return reply{}, err
	}
	return ok([]struct{}{})
}
