package oktatest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const kindKey = "JsonWebKey"

// maxKeys is documented: fifty keys an app.
const maxKeys = 50

// appKey is a public key of a client that authenticates by private_key_jwt. Key is the JWK as it was sent, less what is not of it.
type appKey struct {
	ID          string          `json:"id"`
	Status      string          `json:"status"`
	Created     string          `json:"created"`
	LastUpdated string          `json:"lastUpdated"`
	Key         jose.JSONWebKey `json:"key"`
}

// keyView is a key in Okta's words. Inline in an app an EC key's crv comes back as null, as recorded.
type keyView struct {
	ID          string          `json:"id"`
	Kty         string          `json:"kty"`
	Alg         string          `json:"alg,omitempty"`
	Kid         string          `json:"kid"`
	Use         *string         `json:"use"`
	E           string          `json:"e,omitempty"`
	N           string          `json:"n,omitempty"`
	X           string          `json:"x,omitempty"`
	Y           string          `json:"y,omitempty"`
	Crv         json.RawMessage `json:"crv,omitempty"`
	Status      string          `json:"status,omitempty"`
	Created     string          `json:"created,omitempty"`
	LastUpdated string          `json:"lastUpdated,omitempty"`
	Links       map[string]link `json:"_links,omitempty"`
}

func (k *appKey) view() keyView {
	var v keyView
	text, err := k.Key.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		v.Kid = k.Key.KeyID // never: the key was read from JSON
	}
	v.ID, v.Status, v.Created, v.LastUpdated = k.ID, k.Status, k.Created, k.LastUpdated
	return v
}

func inlineKeys(keys []*appKey) *keySet {
	out := &keySet{Keys: []json.RawMessage{}}
	for _, k := range keys {
		v := k.view()
		v.Created, v.LastUpdated, v.Use = "", "", nil
		if v.Crv != nil {
			v.Crv = json.RawMessage("null")
		}
		if text, err := encode(v); err == nil {
			out.Keys = append(out.Keys, text)
		}
	}
	return out
}

func (s *Server) viewKey(a *app, k *appKey) keyView {
	v := k.view()
	self := s.base() + "/api/v1/apps/" + a.ID + "/credentials/jwks/" + k.ID
	v.Links = map[string]link{"deactivate": hinted(self+"/lifecycle/deactivate", "POST")}
	if k.Status == inactive {
		v.Links = map[string]link{"activate": hinted(self+"/lifecycle/activate", "POST"), "delete": hinted(self, "DELETE")}
	}
	return v
}

// readKeys checks the keys of a request. A key without kid gets its thumbprint, so that it has a name.
func readKeys(set *keySet) ([]*appKey, error) {
	if set == nil {
		return nil, nil
	}
	var out []*appKey
	for _, raw := range set.Keys {
		k, err := readKey(raw)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(o *appKey) bool { return o.Key.KeyID == k.Key.KeyID }) {
			return nil, invalid(kindKey, "kid: The 'kid' value must be unique.")
		}
		out = append(out, k)
	}
	if len(out) > maxKeys {
		return nil, invalid(kindKey, "You have reached the maximum number of keys per client.")
	}
	return out, nil
}

// readKey accepts RSA keys of 2048 bits and more, and EC keys; a private key is refused rather than stored.
func readKey(raw json.RawMessage) (*appKey, error) {
	short := invalid(kindKey, "RSA key length in the 'jwks' is less than '2,048' bits for the given key.")
	var head struct {
		Kty    string `json:"kty"`
		N      string `json:"n"`
		Status string `json:"status"`
		Crv    json.RawMessage
	}
	if err := decode(raw, &head); err != nil {
		return nil, err
	}
	if head.Kty == "RSA" && head.N == "" {
		return nil, short // recorded for a key without n and e
	}
	status := active
	if head.Status == inactive {
		status = inactive
	}
	k := &appKey{Status: status}
	if err := k.Key.UnmarshalJSON(withCurve(raw)); err != nil {
		return nil, invalid(kindKey, "The field has an invalid value")
	}
	switch pub := k.Key.Key.(type) {
	case *rsa.PublicKey:
		if pub.N.BitLen() < 2048 {
			return nil, short
		}
	case *ecdsa.PublicKey:
	default:
		return nil, invalid(kindKey, "The field has an invalid value")
	}
	if k.Key.KeyID == "" {
		k.Key.KeyID = thumbprint(k.Key)
	}
	return k, nil
}

// withCurve puts back the crv that an app's answer shows as null, guessed from the length of x, so that a body built from a GET is
// accepted by PUT.
func withCurve(raw json.RawMessage) []byte {
	var m map[string]any
	if json.Unmarshal(raw, &m) != nil || m["kty"] != "EC" || m["crv"] != nil {
		return raw
	}
	x, _ := m["x"].(string)
	curve, known := map[int]string{43: "P-256", 64: "P-384", 88: "P-521"}[len(x)]
	if !known {
		return raw
	}
	m["crv"] = curve
	text, err := json.Marshal(m)
	if err != nil {
		return raw
	}
	return text
}

// keepKeys gives the keys of a PUT their identity: one that was there (same kid, same key) keeps it, others are new.
func (s *Server) keepKeys(old, next []*appKey, now time.Time) []*appKey {
	for i, k := range next {
		at := slices.IndexFunc(old, func(o *appKey) bool { return o.Key.KeyID == k.Key.KeyID && sameKey(o.Key, k.Key) })
		if at >= 0 {
			next[i] = old[at]
			continue
		}
		k.ID, k.Created, k.LastUpdated = s.org.newID("pks"), stamp(now), stamp(now)
	}
	return next
}

func sameKey(a, b jose.JSONWebKey) bool { return thumbprint(a) == thumbprint(b) }

func (s *Server) keyOf(c *call) (*app, *appKey, error) {
	a, err := s.clientApp(c.vars[0])
	if err != nil {
		return nil, nil, err
	}
	for _, k := range a.Keys {
		if k.ID == c.vars[1] {
			return a, k, nil
		}
	}
	return nil, nil, notFound(c.vars[1], kindKey)
}

func (k *appKey) target() target {
	return target{ID: k.ID, Type: "jwks", AlternateID: k.Key.KeyID, DisplayName: k.Key.KeyID}
}

func listKeys(s *Server, c *call) (reply, error) {
	a, err := s.clientApp(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	out := struct {
		Keys []keyView `json:"keys"`
	}{[]keyView{}}
	for _, k := range a.Keys {
		out.Keys = append(out.Keys, s.viewKey(a, k))
	}
	return ok(out)
}

func getKey(s *Server, c *call) (reply, error) {
	a, k, err := s.keyOf(c)
	if err != nil {
		return reply{}, err
	}
	return ok(s.viewKey(a, k))
}

func createKey(s *Server, c *call) (reply, error) {
	a, err := s.clientApp(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	k, err := readKey(bytes.Clone(c.body))
	if err != nil {
		return reply{}, err
	}
	if slices.ContainsFunc(a.Keys, func(o *appKey) bool { return o.Key.KeyID == k.Key.KeyID }) {
		return reply{}, invalid(kindKey, "kid: The 'kid' value must be unique.")
	}
	if len(a.Keys) >= maxKeys {
		return reply{}, invalid(kindKey, "You have reached the maximum number of keys per client.")
	}
	a.Keys = append(a.Keys, s.keepKeys(nil, []*appKey{k}, c.now)...)
	s.dirty = true
	s.event(c, "app.oauth2.credentials.lifecycle.create", "SUCCESS", "", a.clientTarget(), k.target())
	return created(s.viewKey(a, k))
}

func activateKey(s *Server, c *call) (reply, error)   { return setKeyStatus(s, c, active) }
func deactivateKey(s *Server, c *call) (reply, error) { return setKeyStatus(s, c, inactive) }

func setKeyStatus(s *Server, c *call, status string) (reply, error) {
	a, k, err := s.keyOf(c)
	if err != nil {
		return reply{}, err
	}
	if k.Status != status {
		k.Status, k.LastUpdated = status, stamp(c.now)
		s.dirty = true
		verb := map[string]string{active: "activate", inactive: "deactivate"}[status]
		s.event(c, "app.oauth2.credentials.lifecycle."+verb, "SUCCESS", "", a.clientTarget(), k.target())
	}
	return ok(s.viewKey(a, k))
}

func deleteKey(s *Server, c *call) (reply, error) {
	a, k, err := s.keyOf(c)
	if err != nil {
		return reply{}, err
	}
	if k.Status == active {
		return reply{}, invalid(kindKey, "You can't delete an active key. Deactivate the key before deleting it.")
	}
	a.Keys = slices.DeleteFunc(a.Keys, func(o *appKey) bool { return o == k })
	s.dirty = true
	s.event(c, "app.oauth2.credentials.lifecycle.delete", "SUCCESS", "", a.clientTarget(), k.target())
	return noContent()
}
