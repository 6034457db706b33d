package oktatest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// stateVersion is the format of Snapshot and of the state file.
const stateVersion = 1

// org is all that an org remembers. It is kept as JSON; nothing in it contains a URL of the server.
type org struct {
	Version int           `json:"version"`
	ID      string        `json:"id"`
	Token   string        `json:"token"`
	Counter uint64        `json:"counter"` // of ids given out
	Keys    []*signingKey `json:"keys"`    // of the org authorization server
	Apps    []*app        `json:"apps"`    // ascending by id
	Servers []*authServer `json:"authorizationServers"`
	Revoked []revoked     `json:"revoked"`
	Events  []*event      `json:"events"`

	byID     map[string]*app
	byClient map[string]*app
}

// idAlphabet is in ascending byte order, so that ids ascend with the counter.
const idAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newID gives out the next id: 20 characters, opaque, ascending within a prefix.
func (o *org) newID(prefix string) string {
	const base, step, digits = 1<<57 + 987654321987, 2_390_561, 10
	o.Counter++
	n := base + o.Counter*step
	var text [digits]byte
	for i := digits - 1; i >= 0; i-- {
		text[i] = idAlphabet[n%62]
		n /= 62
	}
	return prefix + string(text[:]) + "qTm5d7x"
}

// randomText is n characters of the system's random source, out of letters and digits.
func randomText(n int) string { return randomOf(idAlphabet, n) }

// randomSecret is a client secret as Okta generates it: 64 characters of [A-Za-z0-9_-].
func randomSecret() string { return randomOf(idAlphabet+"_-", 64) }

// randomOf draws characters of an alphabet of at most 64, each as likely as the others.
func randomOf(alphabet string, n int) string {
	out := make([]byte, 0, n)
	var pool [64]byte
	for {
		_, _ = rand.Read(pool[:]) // never fails
		for _, b := range pool {
			if i := int(b & 63); i < len(alphabet) {
				out = append(out, alphabet[i])
			}
			if len(out) == n {
				return string(out)
			}
		}
	}
}

// prepare makes sure there is an org: the seeded one, the one of the state file, or a fresh one.
func (s *Server) prepare() error {
	if s.org == nil && s.StateFile != "" {
		text, err := os.ReadFile(s.StateFile)
		switch {
		case err == nil:
			o, err := readOrg(bytes.NewReader(text))
			if err != nil {
				return fmt.Errorf("oktatest: state file %s: %w", s.StateFile, err)
			}
			s.org = o
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("oktatest: state file: %w", err)
		}
	}
	if s.org == nil {
		s.org = &org{Version: stateVersion}
	}
	s.complete(s.org)
	return s.saveChanges()
}

// complete adds what an org cannot be without, so that a seed may be as short as {"version":1}.
func (s *Server) complete(o *org) {
	if o.ID == "" {
		o.ID = o.newID("00o")
		s.dirty = true
	}
	if s.Token == "" {
		s.Token = o.Token
	}
	if s.Token == "" {
		s.Token = "00" + randomOf(idAlphabet+"_-", 40)
	}
	if o.Token != s.Token {
		o.Token = s.Token
		s.dirty = true
	}
	if len(o.Keys) == 0 {
		o.Keys = []*signingKey{newSigningKey(s.now(), keyActive)}
		s.dirty = true
	}
	o.index()
	if o.Apps == nil {
		o.addBuiltInApps(s.now())
		s.dirty = true
	}
	if !slices.ContainsFunc(o.Servers, func(a *authServer) bool { return a.Default }) {
		o.addDefaultServer(s.now(), !s.NoDefaultPolicy)
		s.dirty = true
	}
	if s.StateFile != "" && o.makeKeys() { // now, so that a later read has nothing to save
		s.dirty = true
	}
}

// readOrg decodes and checks a state.
func readOrg(r io.Reader) (*org, error) {
	o := &org{}
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(o); err != nil {
		return nil, err
	}
	if o.Version != stateVersion {
		return nil, fmt.Errorf("version is %d, want %d", o.Version, stateVersion)
	}
	seen := map[string]bool{}
	for _, a := range o.Apps {
		if a == nil || a.ID == "" || seen[a.ID] {
			return nil, errors.New("an app has no id, or one that is taken")
		}
		seen[a.ID] = true
	}
	for _, a := range o.Servers {
		if a == nil || a.ID == "" || seen[a.ID] || len(a.Keys) == 0 {
			return nil, errors.New("an authorization server has no id, one that is taken, or no keys")
		}
		seen[a.ID] = true
	}
	slices.SortFunc(o.Apps, func(a, b *app) int { return strings.Compare(a.ID, b.ID) })
	o.index()
	return o, nil
}

func (o *org) index() {
	o.byID = make(map[string]*app, len(o.Apps))
	o.byClient = make(map[string]*app, len(o.Apps))
	for _, a := range o.Apps {
		o.addToIndex(a)
	}
}

func (o *org) addToIndex(a *app) {
	o.byID[a.ID] = a
	if id := a.clientID(); id != "" {
		o.byClient[id] = a
	}
}

// Seed replaces the org by the state read, in the form Snapshot writes; what it lacks (token, keys, the default authorization
// server) is added. Before Start it takes the place of the state file's content.
func (s *Server) Seed(r io.Reader) error {
	o, err := readOrg(r)
	if err != nil {
		return fmt.Errorf("oktatest: seed: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.org, s.dirty = o, true
	if s.http == nil {
		return nil // Start completes it
	}
	s.complete(o)
	return s.saveChanges()
}

// Snapshot writes the org as JSON, secrets and private keys included, in an order that depends on its content only.
func (s *Server) Snapshot(w io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.org == nil {
		return errors.New("oktatest: snapshot: not started")
	}
	s.org.makeKeys()
	text, err := s.org.text()
	if err != nil {
		return fmt.Errorf("oktatest: snapshot: %w", err)
	}
	_, err = w.Write(text)
	return err
}

func (o *org) text() ([]byte, error) {
	text, err := encode(o)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, text, "", " "); err != nil {
		return nil, err
	}
	buf.WriteByte('\n')
	return buf.Bytes(), nil
}

// An org whose state is larger than large, that of some fifty apps, is written at most every pause times as long as that takes, and when the server is closed: else a thousand creates would write
// gigabytes. A smaller one is on disk before its client has the answer, however slow the disk.
const (
	large = 1 << 17
	pause = 20
)

// saveChanges writes the state file if a change was made since it was last written and the time has come.
func (s *Server) saveChanges() error {
	switch rest := pause*s.saveTook - time.Since(s.saved); {
	case !s.dirty:
		return nil
	case s.StateFile != "" && s.saveSize > large && rest > 0:
		if s.later == nil {
			s.later = time.AfterFunc(rest, s.saveLater)
		}
		return nil
	}
	return s.save()
}

// saveLater is saveChanges for what had to wait. An error shows when the next change is saved.
func (s *Server) saveLater() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.later = nil
	if s.dirty {
		_ = s.save()
	}
}

// save writes the state file.
func (s *Server) save() error {
	if s.StateFile != "" {
		began := time.Now()
		text, err := s.org.text()
		if err != nil {
			return fmt.Errorf("oktatest: state: %w", err)
		}
		if err := renameio.WriteFile(s.StateFile, text, 0o600); err != nil {
			return fmt.Errorf("oktatest: state file: %w", err)
		}
		s.saved = time.Now()
		s.saveTook, s.saveSize = s.saved.Sub(began), len(text)
	}
	s.dirty = false
	return nil
}

// flush writes what is not on disk yet.
func (s *Server) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.later != nil {
		s.later.Stop()
		s.later = nil
	}
	if !s.dirty {
		return nil
	}
	return s.save()
}
