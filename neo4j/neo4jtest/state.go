package neo4jtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/renameio/v2"
)

// storeJSON is a store as people and files have it. Lists are sorted, so that equal stores give equal bytes.
type storeJSON struct {
	Databases []databaseJSON `json:"databases"`
	Roles     []roleJSON     `json:"roles"`
	Users     []userJSON     `json:"users"`
}

type databaseJSON struct {
	Name          string             `json:"name"`
	LastNode      int64              `json:"last_node"`
	LastRel       int64              `json:"last_relationship"`
	Labels        []string           `json:"labels"`
	Types         []string           `json:"relationship_types"`
	PropertyNames []string           `json:"property_names"`
	Nodes         []nodeJSON         `json:"nodes"`
	Relationships []relationshipJSON `json:"relationships"`
}

type nodeJSON struct {
	ID         int64          `json:"id"`
	Labels     []string       `json:"labels"`
	Properties map[string]any `json:"properties"`
}

type relationshipJSON struct {
	ID         int64          `json:"id"`
	Start      int64          `json:"start"`
	End        int64          `json:"end"`
	Type       string         `json:"type"`
	Properties map[string]any `json:"properties"`
}

type roleJSON struct {
	Name       string   `json:"name"`
	Immutable  bool     `json:"immutable,omitempty"`
	Privileges []string `json:"privileges"` // "GRANT ACCESS ON DATABASE *", without the role
}

type userJSON struct {
	Name      string            `json:"name"`
	Roles     []string          `json:"roles"`
	Suspended bool              `json:"suspended,omitempty"`
	Home      string            `json:"home,omitempty"`
	Password  string            `json:"password,omitempty"`   // in the clear, for a seed written by hand; never in a snapshot
	Encrypted string            `json:"credential,omitempty"` // version,hash,salt
	Change    bool              `json:"password_change_required,omitempty"`
	Auth      map[string]string `json:"auth,omitempty"` // provider to id
}

// encodeState writes a store.
func encodeState(s *store) ([]byte, error) {
	out := storeJSON{Databases: []databaseJSON{}, Roles: []roleJSON{}, Users: []userJSON{}}
	for _, name := range sortedNames(s.databases) {
		out.Databases = append(out.Databases, databaseToJSON(s.databases[name]))
	}
	for _, name := range sortedNames(s.roles) {
		r := roleJSON{Name: name, Immutable: s.roles[name].immutable, Privileges: []string{}}
		r.Privileges = append(r.Privileges, sortedNames(s.roles[name].atoms)...)
		out.Roles = append(out.Roles, r)
	}
	for _, name := range sortedNames(s.users) {
		u := s.users[name]
		j := userJSON{Name: name, Roles: append([]string{}, sortedUnique(u.roles)...), Suspended: u.suspended, Home: u.home, Auth: u.external}
		if u.native != nil {
			j.Encrypted, j.Change = u.native.credential, u.native.changeRequired
		}
		out.Users = append(out.Users, j)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return b.Bytes(), nil
}

func databaseToJSON(d *databaseRecord) databaseJSON {
	g := d.graph
	out := databaseJSON{Name: d.name, LastNode: g.lastNode, LastRel: g.lastRel, Labels: sortedNames(g.labels), Types: sortedNames(g.types),
		PropertyNames: sortedNames(g.propNames), Nodes: []nodeJSON{}, Relationships: []relationshipJSON{}}
	for _, id := range sortedIDs(g.nodes) {
		n := g.nodes[id]
		out.Nodes = append(out.Nodes, nodeJSON{id, n.Labels, tagFloats(n.Properties)})
	}
	for _, id := range sortedIDs(g.rels) {
		r := g.rels[id]
		out.Relationships = append(out.Relationships, relationshipJSON{id, r.Start, r.End, r.Type, tagFloats(r.Properties)})
	}
	return out
}

// floatTag marks a float, which JSON alone would not tell from an integer, and which may be infinite.
const floatTag = "$float"

func tagFloats(properties map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range properties {
		out[k] = tagFloat(v)
	}
	return out
}

func tagFloat(v any) any {
	switch v := v.(type) {
	case float64:
		return map[string]any{floatTag: floatText(v)}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = tagFloat(v[i])
		}
		return out
	}
	return v
}

func untagProperties(properties map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for k, v := range properties {
		value, err := untag(v)
		if err != nil {
			return nil, fmt.Errorf("property %s: %w", k, err)
		}
		if value != nil {
			out[k] = value
		}
	}
	return out, nil
}

func untag(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		return v.Float64()
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = untag(v[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		text, ok := v[floatTag].(string)
		if !ok || len(v) != 1 {
			return nil, errors.New("a property cannot hold a map")
		}
		return json.Number(strings.Replace(text, "Infinity", "Inf", 1)).Float64()
	}
	return v, nil
}

// decodeState reads a store and checks it.
func decodeState(data []byte) (*store, error) {
	var in storeJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s := &store{roles: map[string]*roleRecord{}, users: map[string]*userRecord{}, databases: map[string]*databaseRecord{}}
	for _, d := range in.Databases {
		record, err := databaseFromJSON(d)
		if err != nil {
			return nil, fmt.Errorf("state: database %s: %w", d.Name, err)
		}
		s.databases[record.name] = record
	}
	for _, r := range in.Roles {
		record, err := roleFromRows(r.Name, r.Privileges)
		if err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
		if !roleNamePattern.MatchString(r.Name) {
			return nil, fmt.Errorf("state: role %q: not a role name", r.Name)
		}
		record.immutable = r.Immutable
		s.roles[r.Name] = record
	}
	for _, u := range in.Users {
		record, err := userFromJSON(u, s)
		if err != nil {
			return nil, fmt.Errorf("state: user %s: %w", u.Name, err)
		}
		s.users[u.Name] = record
	}
	if s.roles[publicRole] == nil {
		return nil, errors.New("state: role PUBLIC is missing")
	}
	if s.databases[defaultDatabase] == nil {
		return nil, errors.New("state: database neo4j is missing")
	}
	return s, nil
}

func databaseFromJSON(d databaseJSON) (*databaseRecord, error) {
	g := newGraph()
	g.lastNode, g.lastRel = d.LastNode, d.LastRel
	for _, n := range d.Nodes {
		properties, err := untagProperties(n.Properties)
		if err != nil {
			return nil, err
		}
		g.nodes[n.ID] = &storedNode{n.ID, sortedUnique(n.Labels), properties}
		g.lastNode = max(g.lastNode, n.ID)
		remember(g.labels, n.Labels)
		remember(g.propNames, sortedNames(properties))
	}
	for _, r := range d.Relationships {
		properties, err := untagProperties(r.Properties)
		if err != nil {
			return nil, err
		}
		if g.nodes[r.Start] == nil || g.nodes[r.End] == nil {
			return nil, fmt.Errorf("relationship %d joins nodes that are missing", r.ID)
		}
		g.rels[r.ID] = &storedRelationship{r.ID, r.Start, r.End, r.Type, properties}
		g.lastRel = max(g.lastRel, r.ID)
		remember(g.types, []string{r.Type})
		remember(g.propNames, sortedNames(properties))
	}
	remember(g.labels, d.Labels)
	remember(g.types, d.Types)
	remember(g.propNames, d.PropertyNames)
	return &databaseRecord{name: strings.ToLower(d.Name), graph: g}, nil
}

func remember(set map[string]bool, names []string) {
	for _, n := range names {
		set[n] = true
	}
}

func userFromJSON(u userJSON, s *store) (*userRecord, error) {
	record := &userRecord{name: u.Name, roles: sortedUnique(u.Roles), suspended: u.Suspended, home: strings.ToLower(u.Home), external: map[string]string{}}
	if !userNamePattern.MatchString(u.Name) {
		return nil, errors.New("not a user name")
	}
	for _, r := range u.Roles {
		if s.roles[r] == nil {
			return nil, fmt.Errorf("role %s is missing", r)
		}
	}
	for p, id := range u.Auth {
		record.external[p] = id
	}
	switch {
	case u.Password != "" && u.Encrypted != "":
		return nil, errors.New("password and credential exclude each other")
	case u.Password != "":
		record.native = &nativeAuth{newCredential(u.Password), u.Change}
	case u.Encrypted != "":
		if !encryptedPattern.MatchString(u.Encrypted) {
			return nil, errors.New("credential is not of the form version,hash,salt")
		}
		record.native = &nativeAuth{u.Encrypted, u.Change}
	case len(u.Auth) == 0:
		return nil, errors.New("neither password nor auth provider")
	}
	return record, nil
}

// openState reads a state file; without one the store is that of a first start.
func openState(path, password string, change bool) (*store, error) {
	if path != "" {
		data, err := os.ReadFile(path)
		if err == nil {
			s, err := decodeState(data)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			return s, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("state: %w", err)
		}
	}
	return newStore(password, change)
}

// writeState replaces the state file as a whole, readable by its owner only.
func writeState(path string, s *store) error {
	data, err := encodeState(s)
	if err != nil {
		return err
	}
	return renameio.WriteFile(path, data, 0o600, renameio.IgnoreUmask())
}
