package oktatest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"time"
)

const kindSecret = "OAuth2ClientSecretMediated"

// maxSecrets is documented: two secrets an app, so that one can be rotated while the other still works.
const maxSecrets = 2

type secret struct {
	ID          string `json:"id"`
	Created     string `json:"created"`
	LastUpdated string `json:"lastUpdated"`
	Status      string `json:"status"`
	Text        string `json:"client_secret"`
}

type secretView struct {
	ID          string          `json:"id"`
	Created     string          `json:"created"`
	LastUpdated string          `json:"lastUpdated"`
	Status      string          `json:"status"`
	Text        string          `json:"client_secret"`
	Hash        string          `json:"secret_hash"`
	Links       map[string]link `json:"_links"`
}

func (s *Server) newSecret(now time.Time, text string) *secret {
	return &secret{ID: s.org.newID("ocs"), Created: stamp(now), LastUpdated: stamp(now), Status: active, Text: text}
}

// secretHash is how Okta names a secret without showing it: unpadded base64url of the first half of its SHA-256.
func secretHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func (s *Server) viewSecret(a *app, x *secret) secretView {
	self := s.base() + "/api/v1/apps/" + a.ID + "/credentials/secrets/" + x.ID
	links := map[string]link{"deactivate": hinted(self+"/lifecycle/deactivate", "POST")}
	if x.Status == inactive {
		links = map[string]link{"activate": hinted(self+"/lifecycle/activate", "POST"), "delete": hinted(self, "DELETE")}
	}
	return secretView{x.ID, x.Created, x.LastUpdated, x.Status, x.Text, secretHash(x.Text), links}
}

// is compares in constant time.
func (x *secret) is(text string) bool {
	return subtle.ConstantTimeCompare([]byte(x.Text), []byte(text)) == 1
}

func (x *secret) target() target {
	return target{ID: x.ID, Type: "client_secret", AlternateID: secretHash(x.Text), DisplayName: secretHash(x.Text)}
}

// secretOf finds app and secret of a path.
func (s *Server) secretOf(c *call) (*app, *secret, error) {
	a, err := s.clientApp(c.vars[0])
	if err != nil {
		return nil, nil, err
	}
	for _, x := range a.Secrets {
		if x.ID == c.vars[1] {
			return a, x, nil
		}
	}
	return nil, nil, notFound(c.vars[1], kindSecret)
}

// clientApp is an app that is an OAuth client; a built-in one is not.
func (s *Server) clientApp(id string) (*app, error) {
	a, err := s.app(id)
	if err == nil && a.Settings.OAuthClient == nil {
		return nil, notFound(id, "OAuth2AppInstance")
	}
	return a, err
}

// listSecrets shows every secret in plaintext, as Okta does at any time, and like each of these calls leaves a line in the log.
func listSecrets(s *Server, c *call) (reply, error) {
	a, err := s.clientApp(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	out, targets := []secretView{}, []target{a.clientTarget()}
	for _, x := range a.Secrets {
		out = append(out, s.viewSecret(a, x))
		targets = append(targets, x.target())
	}
	s.event(c, "app.oauth2.client.read_client_secret", "SUCCESS", "", targets...)
	return ok(out)
}

func getSecret(s *Server, c *call) (reply, error) {
	a, x, err := s.secretOf(c)
	if err != nil {
		return reply{}, err
	}
	s.event(c, "app.oauth2.client.read_client_secret", "SUCCESS", "", a.clientTarget(), x.target())
	return ok(s.viewSecret(a, x))
}

func createSecret(s *Server, c *call) (reply, error) {
	a, err := s.clientApp(c.vars[0])
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Text string `json:"client_secret"`
	}
	if len(c.body) > 0 {
		if err := decode(c.body, &in); err != nil {
			return reply{}, err
		}
	}
	if in.Text == "" {
		in.Text = randomSecret()
	}
	if err := checkSecret(a.Credentials.OAuthClient.AuthMethod, in.Text); err != nil {
		return reply{}, err
	}
	if len(a.Secrets) >= maxSecrets {
		return reply{}, invalid(kindSecret, "You have reached the maximum number of client secrets per client.")
	}
	return created(s.viewSecret(a, s.addSecret(c, a, in.Text)))
}

func (s *Server) addSecret(c *call, a *app, text string) *secret {
	x := s.newSecret(c.now, text)
	a.Secrets = append(a.Secrets, x)
	s.dirty = true
	s.event(c, "app.oauth2.credentials.lifecycle.create", "SUCCESS", "", a.clientTarget(), x.target())
	return x
}

func activateSecret(s *Server, c *call) (reply, error) { return setSecretStatus(s, c, active) }

func deactivateSecret(s *Server, c *call) (reply, error) {
	a, x, err := s.secretOf(c)
	if err != nil {
		return reply{}, err
	}
	others := slices.ContainsFunc(a.Secrets, func(y *secret) bool { return y != x && y.Status == active })
	if x.Status == active && !others {
		return reply{}, invalid(kindSecret, "You can't deactivate the only active client secret.")
	}
	return setSecretStatus(s, c, inactive)
}

func setSecretStatus(s *Server, c *call, status string) (reply, error) {
	a, x, err := s.secretOf(c)
	if err != nil {
		return reply{}, err
	}
	if x.Status != status {
		x.Status, x.LastUpdated = status, stamp(c.now)
		s.dirty = true
		verb := map[string]string{active: "activate", inactive: "deactivate"}[status]
		s.event(c, "app.oauth2.credentials.lifecycle."+verb, "SUCCESS", "", a.clientTarget(), x.target())
	}
	return ok(s.viewSecret(a, x))
}

func deleteSecret(s *Server, c *call) (reply, error) {
	a, x, err := s.secretOf(c)
	if err != nil {
		return reply{}, err
	}
	if x.Status == active {
		return reply{}, invalid(kindSecret, "You can't delete an active client secret. Deactivate the secret before deleting it.")
	}
	a.Secrets = slices.DeleteFunc(a.Secrets, func(y *secret) bool { return y == x })
	s.dirty = true
	s.event(c, "app.oauth2.credentials.lifecycle.delete", "SUCCESS", "", a.clientTarget(), x.target())
	return noContent()
}
