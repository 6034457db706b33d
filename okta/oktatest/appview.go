package oktatest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// link is one entry of _links.
type link struct {
	Name  string `json:"name,omitempty"`
	Href  string `json:"href"`
	Type  string `json:"type,omitempty"`
	Hints *hints `json:"hints,omitempty"`
}

type hints struct {
	Allow []string `json:"allow"`
}

func hinted(href string, methods ...string) link {
	return link{Href: href, Hints: &hints{Allow: methods}}
}

// appView is an app as Okta answers it, members in its order.
type appView struct {
	ID              string          `json:"id"`
	ORN             string          `json:"orn"`
	Name            string          `json:"name"`
	Label           string          `json:"label"`
	Status          string          `json:"status"`
	LastUpdated     string          `json:"lastUpdated"`
	Created         string          `json:"created"`
	Accessibility   accessibility   `json:"accessibility"`
	Visibility      visibility      `json:"visibility"`
	Features        []string        `json:"features"`
	SignOnMode      *string         `json:"signOnMode"`
	Credentials     appCredentials  `json:"credentials"`
	UniversalLogout *struct{}       `json:"universalLogout"`
	Settings        appSettings     `json:"settings"`
	Profile         json.RawMessage `json:"profile,omitempty"`
	Links           appLinks        `json:"_links"`
}

type appLinks struct {
	UploadLogo        link   `json:"uploadLogo"`
	AppLinks          []link `json:"appLinks"`
	ProfileEnrollment link   `json:"profileEnrollment"`
	Policies          link   `json:"policies"`
	Groups            link   `json:"groups"`
	Logo              []link `json:"logo"`
	ClientCredentials []link `json:"clientCredentials,omitempty"`
	AccessPolicy      link   `json:"accessPolicy"`
	Users             link   `json:"users"`
	Activate          *link  `json:"activate,omitempty"`
	Deactivate        *link  `json:"deactivate,omitempty"`
}

// viewApp builds the answer; the plaintext secret (the newest) is in POST and PUT answers only.
func (s *Server) viewApp(a *app, withSecret bool) appView {
	v := appView{
		ID: a.ID, ORN: "orn:okta:idp:" + s.org.ID + ":apps:" + a.Name + ":" + a.ID, Name: a.Name, Label: a.Label, Status: a.Status,
		LastUpdated: a.LastUpdated, Created: a.Created, Accessibility: a.Accessibility, Visibility: a.Visibility, Features: []string{},
		SignOnMode: a.SignOnMode, Credentials: a.Credentials, Settings: a.Settings, Profile: a.Profile, Links: s.linksOf(a),
	}
	v.Credentials.Signing.Kid = s.kid()
	if a.Credentials.OAuthClient != nil {
		cl := *a.Credentials.OAuthClient
		if withSecret && len(a.Secrets) > 0 {
			cl.ClientSecret = &a.Secrets[len(a.Secrets)-1].Text
		}
		v.Credentials.OAuthClient = &cl
	}
	if a.Settings.OAuthClient != nil && len(a.Keys) > 0 {
		oc := *a.Settings.OAuthClient
		oc.JWKS = inlineKeys(a.Keys)
		v.Settings.OAuthClient = &oc
	}
	return v
}

func (s *Server) linksOf(a *app) appLinks {
	self := s.base() + "/api/v1/apps/" + a.ID
	policies := s.base() + "/api/v1/policies/"
	l := appLinks{
		UploadLogo:        hinted(self+"/logo", "POST"),
		AppLinks:          []link{{Name: a.Name + "_link", Href: s.base() + "/home/" + a.Name + "/" + a.ID, Type: "text/html"}},
		ProfileEnrollment: link{Href: policies + s.org.accessPolicy()},
		Policies:          hinted(self+"/policies", "PUT"),
		Groups:            link{Href: self + "/groups"},
		Logo:              []link{{Name: "medium", Href: s.base() + "/assets/img/logos/default.png", Type: "image/png"}},
		AccessPolicy:      link{Href: policies + s.org.accessPolicy()},
		Users:             link{Href: self + "/users"},
	}
	if cl := a.Credentials.OAuthClient; cl != nil {
		name := "secrets"
		if !usesSecret(cl.AuthMethod) {
			name = "jwks"
		}
		l.ClientCredentials = []link{{Name: name, Href: self + "/credentials/" + name, Hints: &hints{Allow: []string{"GET", "POST"}}}}
	}
	if a.Status == active {
		d := link{Href: self + "/lifecycle/deactivate"}
		l.Deactivate = &d
	} else {
		d := link{Href: self + "/lifecycle/activate"}
		l.Activate = &d
	}
	return l
}

// pageLinks are the Link headers of a page: self always, next when last (the cursor) is set. Okta rewrites the order of the
// parameters: after first, then limit, then the others.
func (s *Server) pageLinks(c *call, size int, last string, others ...string) http.Header {
	address := func(after string) string {
		text := ""
		if after != "" {
			text += "&after=" + url.QueryEscape(after)
		}
		text += "&limit=" + strconv.Itoa(size)
		for _, name := range others {
			if v := c.URL.Query().Get(name); v != "" {
				text += "&" + name + "=" + url.QueryEscape(v)
			}
		}
		return "<" + s.base() + c.URL.Path + "?" + text[1:] + ">"
	}
	h := http.Header{"Link": {address(c.URL.Query().Get("after")) + `; rel="self"`}}
	if last != "" {
		h.Add("Link", address(last)+`; rel="next"`)
	}
	return h
}
