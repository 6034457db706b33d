package oktatest

import (
	"bytes"
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
)

const kindApp = "AppInstance"

func (s *Server) app(id string) (*app, error) {
	if a := s.org.byID[id]; a != nil {
		return a, nil
	}
	return nil, notFound(id, kindApp)
}

// pageSize reads limit: absent means def, more than most is capped, anything but a positive number is refused.
func pageSize(c *call, def, most int) (int, error) {
	text := c.URL.Query().Get("limit")
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, invalid("RequestParams", "limit: The field has an invalid value")
	}
	return min(n, most), nil
}

func invalidCursor() *apiError {
	return &apiError{status: 400, code: "E0000029", summary: "Invalid paging request.", causes: []string{"Invalid cursor."}}
}

func listApps(s *Server, c *call) (reply, error) {
	q := c.URL.Query()
	size, err := pageSize(c, 20, 200)
	if err != nil {
		return reply{}, err
	}
	if e := q.Get("expand"); e != "" {
		if strings.HasPrefix(e, "user/") {
			return reply{}, notEmulated("GET /api/v1/apps?expand=user/{userId}")
		}
		return reply{}, invalid("RequestParams", "Expand query is malformed.")
	}
	if q.Get("useOptimization") == "true" {
		return reply{}, notEmulated("GET /api/v1/apps?useOptimization=true")
	}
	keep, err := appFilter(q.Get("filter"), s.kid())
	if err != nil {
		return reply{}, err
	}
	start := 0
	if after := q.Get("after"); after != "" {
		if start, err = s.org.cursor(after); err != nil {
			return reply{}, err
		}
	}
	page, more := []appView{}, false
	for _, a := range s.org.Apps[start:] {
		if !keep(a) || !appMatches(a, q.Get("q")) {
			continue
		}
		if len(page) == size {
			more = true
			break
		}
		page = append(page, s.viewApp(a, false))
	}
	rep := reply{status: 200, body: page}
	last := ""
	if more {
		last = page[len(page)-1].ID
	}
	rep.header = s.pageLinks(c, size, last, "q", "filter")
	return rep, nil
}

// cursor finds where the apps after an id begin. The id may be gone meanwhile, but must look like one of an app.
func (o *org) cursor(after string) (int, error) {
	if len(after) != 20 || !strings.HasPrefix(after, "0oa") {
		return 0, invalidCursor()
	}
	return sort.Search(len(o.Apps), func(i int) bool { return o.Apps[i].ID > after }), nil
}

// appMatches is q: a prefix of the name or the label, in any case.
func appMatches(a *app, q string) bool {
	q = strings.ToLower(q)
	return strings.HasPrefix(strings.ToLower(a.Name), q) || strings.HasPrefix(strings.ToLower(a.Label), q)
}

// appFilter is filter: one eq on one of the attributes that the API reference lists.
func appFilter(text, kid string) (func(*app) bool, error) {
	if text == "" {
		return func(*app) bool { return true }, nil
	}
	search := &apiError{status: 400, code: "E0000031", summary: "Invalid search criteria."}
	f, err := parseFilter(text)
	if err != nil {
		return nil, search
	}
	cmp, single := f.(comparison)
	if !single || cmp.op != "eq" {
		return nil, search
	}
	want := cmp.value
	switch cmp.path {
	case "id":
		return func(a *app) bool { return a.ID == want }, nil
	case "status":
		return func(a *app) bool { return a.Status == want }, nil
	case "name":
		return func(a *app) bool { return a.Name == want }, nil
	case "credentials.signing.kid":
		return func(a *app) bool { return kid == want }, nil
	case "settings.slo.enabled":
		return func(a *app) bool { return want == "false" }, nil
	}
	return nil, search
}

func getApp(s *Server, c *call) (reply, error) {
	a, err := s.app(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	if e := c.URL.Query().Get("expand"); e != "" {
		return reply{}, invalid("RequestParams", "Expand query is malformed.")
	}
	return ok(s.viewApp(a, false))
}

func createApp(s *Server, c *call) (reply, error) {
	status := active
	switch c.URL.Query().Get("activate") {
	case "", "true":
	case "false":
		status = inactive
	default:
		return reply{}, invalid("RequestParams", "activate: The field has an invalid value")
	}
	var kind struct {
		SignOnMode string `json:"signOnMode"`
	}
	if err := decode(c.body, &kind); err != nil {
		return reply{}, err
	}
	switch kind.SignOnMode {
	case "OPENID_CONNECT":
	case "":
		return reply{}, invalidField("signOnMode", "The field cannot be left blank")
	default:
		return reply{}, notEmulated("apps with signOnMode " + kind.SignOnMode)
	}
	a := &app{Status: status, Created: stamp(c.now), LastUpdated: stamp(c.now), appBody: newAppBody()}
	if err := decode(c.body, &a.appBody); err != nil {
		return reply{}, err
	}
	keys, err := s.checkApp(nil, &a.appBody)
	if err != nil {
		return reply{}, err
	}
	a.ID = s.org.newID("0oa")
	cl := a.Credentials.OAuthClient
	if cl.ClientID == "" {
		cl.ClientID = a.ID
	}
	s.settle(c, a, keys)
	s.org.Apps = append(s.org.Apps, a)
	s.org.addToIndex(a)
	s.dirty = true
	s.event(c, "application.lifecycle.create", "SUCCESS", "", a.target())
	s.event(c, "app.oauth2.client.lifecycle.create", "SUCCESS", "", a.clientTarget())
	return ok(s.viewApp(a, true))
}

// settle turns what a request carried into secrets and keys: every app that authenticates by secret has one, others have none.
func (s *Server) settle(c *call, a *app, keys []*appKey) {
	cl := a.Credentials.OAuthClient
	sent := cl.ClientSecret
	cl.ClientSecret = nil
	a.Settings.OAuthClient.JWKS = nil
	a.Keys = s.keepKeys(a.Keys, keys, c.now)
	switch {
	case !usesSecret(cl.AuthMethod):
		a.Secrets = nil
	case len(a.Secrets) == 0:
		text := randomSecret()
		if sent != nil && *sent != "" {
			text = *sent
		}
		a.Secrets = []*secret{s.newSecret(c.now, text)}
	case sent != nil && *sent != "":
		// With two secrets it is unknown which one a PUT sets: the newest, which is the one a PUT's answer shows.
		newest := a.Secrets[len(a.Secrets)-1]
		if newest.Text != *sent {
			newest.Text, newest.LastUpdated = *sent, stamp(c.now)
		}
	}
}

func replaceApp(s *Server, c *call) (reply, error) {
	a, err := s.app(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	if a.Settings.OAuthClient == nil {
		return reply{}, forbidden() // a built-in app: nothing recorded, and nobody has a reason to
	}
	next, err := clone(a.replacement(s.DPoPOmittedKeeps))
	if err != nil {
		return reply{}, err
	}
	if err := decode(c.body, &next); err != nil {
		return reply{}, err
	}
	next.Name, next.SignOnMode = a.Name, a.SignOnMode // immutable, ignored in a body
	keys, err := s.checkApp(a, &next)
	if err != nil {
		return reply{}, err
	}
	before := s.viewApp(a, false)
	a.appBody = next
	s.settle(c, a, keys)
	a.LastUpdated = stamp(c.now)
	s.dirty = true
	t := a.target()
	t.Change = changes(before, s.viewApp(a, false))
	s.event(c, "application.lifecycle.update", "SUCCESS", "", t)
	s.event(c, "app.oauth2.client.lifecycle.update", "SUCCESS", "", a.clientTarget())
	return ok(s.viewApp(a, true))
}

func deleteApp(s *Server, c *call) (reply, error) {
	a, err := s.app(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	if a.Settings.OAuthClient == nil {
		return reply{}, forbidden()
	}
	if a.Status == active {
		return reply{}, &apiError{status: 403, code: "E0000056", summary: "Delete application forbidden.",
			causes: []string{"The application must be deactivated before deletion."}}
	}
	s.removeApp(c, a)
	return noContent()
}

// removeApp deletes an app. What Okta does with its id in the policies' clients.include is unknown: here it is left dangling, so
// that a client which forgot to remove it is refused when it sends the policy again.
func (s *Server) removeApp(c *call, a *app) {
	s.org.Apps = slices.DeleteFunc(s.org.Apps, func(b *app) bool { return b == a })
	delete(s.org.byID, a.ID)
	delete(s.org.byClient, a.clientID())
	s.dirty = true
	s.event(c, "application.lifecycle.delete", "SUCCESS", "", a.target())
	s.event(c, "app.oauth2.client.lifecycle.delete", "SUCCESS", "", a.clientTarget())
}

func activateApp(s *Server, c *call) (reply, error)   { return setAppStatus(s, c, active) }
func deactivateApp(s *Server, c *call) (reply, error) { return setAppStatus(s, c, inactive) }

// setAppStatus is taken to be idempotent, as the activation of an authorization server was recorded to be.
func setAppStatus(s *Server, c *call, status string) (reply, error) {
	a, err := s.app(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	s.changeAppStatus(c, a, status)
	return ok(struct{}{})
}

func (s *Server) changeAppStatus(c *call, a *app, status string) {
	if a.Status == status {
		return
	}
	a.Status, a.LastUpdated = status, stamp(c.now)
	verb := "activate"
	if status == inactive {
		verb = "deactivate"
		a.CutOff = c.now.Unix() + 1
	}
	s.dirty = true
	s.event(c, "application.lifecycle."+verb, "SUCCESS", "", a.target())
	s.event(c, "app.oauth2.client.lifecycle."+verb, "SUCCESS", "", a.clientTarget())
}

// emptyAppList answers /groups and /users: apps made through the API get no assignments, and assigning is not emulated.
func emptyAppList(s *Server, c *call) (reply, error) {
	if _, err := s.app(c.vars[0]); err != nil {
		return reply{}, err
	}
	return ok([]struct{}{})
}

// accessPolicy is the id of the org's default sign-on policy, which every app links to.
func (o *org) accessPolicy() string { return "rst" + o.ID[3:] }

// assignPolicy sets an app's sign-on policy. There is one only, the default, so nothing changes; lastUpdated stays, as recorded.
func assignPolicy(s *Server, c *call) (reply, error) {
	if _, err := s.app(c.vars[0]); err != nil {
		return reply{}, err
	}
	if c.vars[1] != s.org.accessPolicy() {
		return reply{}, notFound(c.vars[1], kindPolicy)
	}
	return noContent()
}

// clone is a deep copy by way of JSON.
func clone[T any](v T) (T, error) {
	var out T
	text, err := json.Marshal(v)
	if err != nil {
		return out, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return out, dec.Decode(&out)
}
