package neo4jtest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"maps"
	"sort"
	"strings"
)

// publicRole belongs to every user and is never listed among those given.
const publicRole = "PUBLIC"

// store is the system database's content and the graphs. Records are never changed in place: a store is cloned by copying its maps.
type store struct {
	roles     map[string]*roleRecord
	users     map[string]*userRecord
	databases map[string]*databaseRecord
}

// roleRecord is a role with its atoms by key.
type roleRecord struct {
	name      string
	immutable bool
	atoms     map[string]atom
}

// userRecord is a native user, or a local user of external providers.
type userRecord struct {
	name      string
	roles     []string // as granted, without PUBLIC
	suspended bool
	home      string // "" for the default
	native    *nativeAuth
	external  map[string]string // provider to id
}

// nativeAuth is a password: version,hash,salt in hexadecimal.
type nativeAuth struct {
	credential     string
	changeRequired bool
}

// databaseRecord is a database and its graph.
type databaseRecord struct {
	name  string
	graph *graph
}

func (s *store) clone() *store {
	return &store{maps.Clone(s.roles), maps.Clone(s.users), maps.Clone(s.databases)}
}

// editRole returns a copy of a role that may be changed, put in its place.
func (s *store) editRole(name string) *roleRecord {
	r := *s.roles[name]
	r.atoms = maps.Clone(r.atoms)
	s.roles[name] = &r
	return &r
}

// editUser returns a copy of a user that may be changed, put in its place.
func (s *store) editUser(name string) *userRecord {
	u := *s.users[name]
	u.roles = append([]string{}, u.roles...)
	u.external = maps.Clone(u.external)
	if u.native != nil {
		native := *u.native
		u.native = &native
	}
	s.users[name] = &u
	return &u
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// sortedAtoms are a role's privileges by the text of their rows.
func (r *roleRecord) sortedAtoms() []atom {
	list := make([]atom, 0, len(r.atoms))
	for _, k := range sortedNames(r.atoms) {
		list = append(list, r.atoms[k])
	}
	return list
}

// members are the users a role was granted to.
func (s *store) members(role string) []string {
	var members []string
	for _, name := range sortedNames(s.users) {
		if role == publicRole || hasString(s.users[name].roles, role) {
			members = append(members, name)
		}
	}
	return members
}

// builtinRoles are the rows that a new DBMS has (docs: Built-in roles and privileges).
var builtinRoles = map[string][]string{
	publicRole:  {"GRANT ACCESS ON HOME DATABASE", "GRANT EXECUTE FUNCTION * ON DBMS", "GRANT EXECUTE PROCEDURE * ON DBMS", "GRANT LOAD ON ALL DATA"},
	"reader":    reading,
	"editor":    join2(reading, "GRANT WRITE ON GRAPH *"),
	"publisher": join2(reading, "GRANT WRITE ON GRAPH *", "GRANT NAME MANAGEMENT ON DATABASE *"),
	"architect": join2(reading, "GRANT WRITE ON GRAPH *", "GRANT NAME MANAGEMENT ON DATABASE *", "GRANT CONSTRAINT MANAGEMENT ON DATABASE *",
		"GRANT INDEX MANAGEMENT ON DATABASE *"),
	"admin": join2(reading, "GRANT CONSTRAINT MANAGEMENT ON DATABASE *", "GRANT INDEX MANAGEMENT ON DATABASE *", "GRANT NAME MANAGEMENT ON DATABASE *",
		"GRANT START ON DATABASE *", "GRANT STOP ON DATABASE *", "GRANT TRANSACTION MANAGEMENT (*) ON DATABASE *", "GRANT ALL DBMS PRIVILEGES ON DBMS",
		"GRANT LOAD ON ALL DATA", "GRANT WRITE ON GRAPH *"),
}

var reading = []string{"GRANT ACCESS ON DATABASE *", "GRANT MATCH {*} ON GRAPH *", "GRANT SHOW CONSTRAINT ON DATABASE *", "GRANT SHOW INDEX ON DATABASE *"}

func join2(list []string, more ...string) []string {
	return append(append([]string{}, list...), more...)
}

// newStore is a DBMS at first start.
func newStore(password string, changeRequired bool) (*store, error) {
	s := &store{roles: map[string]*roleRecord{}, users: map[string]*userRecord{}, databases: map[string]*databaseRecord{}}
	for role, rows := range builtinRoles {
		record, err := roleFromRows(role, rows)
		if err != nil {
			return nil, err
		}
		s.roles[role] = record
	}
	s.users["neo4j"] = &userRecord{name: "neo4j", roles: []string{"admin"}, native: &nativeAuth{newCredential(password), changeRequired}, external: map[string]string{}}
	s.databases[defaultDatabase] = &databaseRecord{name: defaultDatabase, graph: newGraph()}
	return s, nil
}

// roleFromRows reads privileges written as GRANT … or DENY …, without "TO role".
func roleFromRows(role string, rows []string) (*roleRecord, error) {
	record := &roleRecord{name: role, atoms: map[string]atom{}}
	for _, row := range rows {
		atoms, err := parseRow(row)
		if err != nil {
			return nil, fmt.Errorf("role %s: privilege %q: %w", role, row, err)
		}
		for _, a := range atoms {
			record.atoms[a.key()] = a
		}
	}
	return record, nil
}

// parseRow reads one privilege without its role, in the widest dialect.
func parseRow(row string) ([]atom, error) {
	d := dialect{calendar: true, language: 25}
	if strings.Contains(row, " ON DBMS") {
		d.language = 5 // Cypher 25 would move some of these to all databases
	}
	stmt, _, failure := parseStatement(row+" TO r", d)
	if failure != nil && d.language == 5 {
		d.language = 25
		stmt, _, failure = parseStatement(row+" TO r", d)
	}
	if failure != nil {
		return nil, failure
	}
	cmd, ok := stmt.cmd.(privilegeCmd)
	if !ok || cmd.verb == "REVOKE" {
		return nil, fmt.Errorf("not a GRANT or DENY of a privilege")
	}
	if len(stmt.params) > 0 {
		return nil, fmt.Errorf("parameters have no value here")
	}
	x := expander{dialect: d, today: func() string { return "1970-01-01" }}
	atoms, refused := x.expand(cmd.privilege, cmd.verb == "DENY", cmd.immutable)
	if refused != nil {
		return nil, refused
	}
	return atoms, nil
}

// hashRounds is how often a password is hashed, as Neo4j does.
const hashRounds = 1024

func hashPassword(password string, salt []byte) []byte {
	sum := sha256.Sum256(append(append([]byte{}, salt...), password...))
	for i := 1; i < hashRounds; i++ {
		sum = sha256.Sum256(sum[:])
	}
	return sum[:]
}

// newCredential hashes a password under a new salt.
func newCredential(password string) string {
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // crypto/rand never fails
	return "1," + hex.EncodeToString(hashPassword(password, salt)) + "," + hex.EncodeToString(salt)
}

// passwordMatches compares in constant time. A credential that was set encrypted may hold anything; then nothing matches.
func passwordMatches(credential, password string) bool {
	parts := strings.Split(credential, ",")
	if len(parts) != 3 {
		return false
	}
	hash, errHash := hex.DecodeString(parts[1])
	salt, errSalt := hex.DecodeString(parts[2])
	return errHash == nil && errSalt == nil && subtle.ConstantTimeCompare(hash, hashPassword(password, salt)) == 1
}
