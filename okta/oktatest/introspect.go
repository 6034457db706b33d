package oktatest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// revoked is a token that was revoked before its end; it is forgotten after it.
type revoked struct {
	ID  string `json:"jti"`
	Exp int64  `json:"exp"`
}

// tokenOf authenticates the client of an introspect or revoke request and reads the token it is about; nil when it is none of this
// server's.
func (s *Server) tokenOf(c *call, suffix string) (map[string]any, *jwt.Claims, *app, error) {
	server, err := s.server(c.vars[0])
	if err != nil {
		return nil, nil, nil, invalidRequest("The authorization server id is invalid.")
	}
	form, err := c.form(false)
	if err != nil {
		return nil, nil, nil, err
	}
	client, err := s.authenticate(c, form, s.endpoints(c, s.issuer(server), suffix))
	if err != nil {
		return nil, nil, nil, err
	}
	text := form.Get("token")
	if text == "" {
		return nil, nil, nil, invalidRequest("The 'token' parameter is missing.")
	}
	all, claims := server.verify(text)
	if claims == nil || claims.Issuer != s.issuer(server) {
		return nil, nil, client, nil
	}
	return all, claims, client, nil
}

// verify checks the signature of a token of the server and reads it.
func (a *authServer) verify(text string) (map[string]any, *jwt.Claims) {
	tok, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, nil
	}
	for _, k := range a.Keys {
		if tok.Headers[0].KeyID != k.Kid {
			continue
		}
		all, claims := map[string]any{}, &jwt.Claims{}
		var raw json.RawMessage
		if tok.Claims(&k.private().PublicKey, &raw, claims) == nil && decode(raw, &all) == nil {
			return all, claims
		}
	}
	return nil, nil
}

// introspect tells whether a token counts, and what it says (RFC 7662).
func introspect(s *Server, c *call) (reply, error) {
	all, claims, _, err := s.tokenOf(c, "/v1/introspect")
	if err != nil {
		return reply{}, err
	}
	dead := map[string]any{"active": false}
	if claims == nil {
		return ok(dead)
	}
	cid, _ := all["cid"].(string)
	owner := s.org.byClient[cid]
	if owner == nil || !s.alive(owner, claims, c.now) {
		return ok(dead)
	}
	all["active"], all["token_type"], all["client_id"] = true, "Bearer", cid
	all["scope"] = strings.Join(texts(all["scp"]), " ")
	delete(all, "scp")
	delete(all, "cid")
	delete(all, "ver")
	return ok(all)
}

func texts(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, x := range list {
		if t, is := x.(string); is {
			out = append(out, t)
		}
	}
	return out
}

// revoke ends a token of the calling client; any other is answered 200 too and left alone (RFC 7009 section 2.2).
func revoke(s *Server, c *call) (reply, error) {
	all, claims, client, err := s.tokenOf(c, "/v1/revoke")
	if err != nil {
		return reply{}, err
	}
	if claims != nil && all["cid"] == client.clientID() && s.alive(client, claims, c.now) {
		s.org.revoke(claims.ID, claims.Expiry.Time(), c.now)
		s.dirty = true
	}
	return reply{status: http.StatusOK}, nil
}

func (o *org) revoke(id string, until, now time.Time) {
	o.Revoked = slices.DeleteFunc(o.Revoked, func(r revoked) bool { return r.Exp < now.Unix() })
	o.Revoked = append(o.Revoked, revoked{id, until.Unix()})
}
