package reconcile

import (
	"cmp"
	"strings"
)

// Addr names one object everywhere: in references, plans, JSON, errors. It is comparable, so it serves as a map key.
//
// Its text is system.kind.name (okta.app.etl). An object declared by a block inside another block carries its parent's path:
// okta.policy.services.rule.client-credentials. Key is the for_each key, "" when there is none, and prints as okta.app.etl["orders"].
// An object of a module has the module's path before all that: module.accounts["eu"].okta.app.etl. One on a named connection says so: neo4j.eu.role.reader is another
// object, on another server, than neo4j.role.reader.
type Addr struct {
	Module string // module.name[key] for each level, joined by dots, as [ModulePath] makes it; "" for the spec itself
	System string // okta, neo4j
	// Connection is the name of the connection block of its server, "" for the unnamed one. It is an identifier, and no kind of the system is called so.
	Connection string
	Parent     string // kind.name[key] of the enclosing block, "" at the top
	Kind       string // app, role, rule
	Name       string // the block's label
	Key        string // for_each key
}

// IsZero says whether a is no address at all.
func (a Addr) IsZero() bool { return a == Addr{} }

// String gives the address as it is written in specs and shown in plans.
func (a Addr) String() string {
	s := a.Instance() + "."
	if a.Module != "" {
		s = a.Module + "." + s
	}
	if a.Parent != "" {
		s += a.Parent + "."
	}
	return s + a.local()
}

// Instance names the server that holds the object, as [System.Name] does: neo4j for the unnamed connection, neo4j.eu for the one named eu. Which language a is of, and
// which kinds there are, is a.System's to say.
func (a Addr) Instance() string { return InstanceName(a.System, a.Connection) }

// InstanceName names a connection of a system: neo4j, or neo4j.eu when the connection has a name.
func InstanceName(system, connection string) string {
	if connection == "" {
		return system
	}
	return system + "." + connection
}

// SplitInstance takes apart what [InstanceName] made.
func SplitInstance(name string) (system, connection string) {
	system, connection, _ = strings.Cut(name, ".")
	return system, connection
}

// Variable names the environment variable of a connection: the official name for the unnamed one, and for one named eu-west that name and its own, NEO4J_PASSWORD_EU_WEST. A
// named connection reads no other: what is meant for one server must never reach another.
func Variable(name, connection string) string {
	if connection == "" {
		return name
	}
	return name + "_" + strings.ToUpper(strings.ReplaceAll(connection, "-", "_"))
}

// Child is the address of a block of this kind and name inside a's block.
func (a Addr) Child(kind, name string) Addr {
	parent := a.local()
	if a.Parent != "" {
		parent = a.Parent + "." + parent
	}
	return Addr{Module: a.Module, System: a.System, Connection: a.Connection, Parent: parent, Kind: kind, Name: name}
}

// Within says whether a was declared by a block inside parent's block.
func (a Addr) Within(parent Addr) bool {
	place, some := a.place()
	return some && place == parent.inside()
}

// place is the inside of the block in which a was declared, false at the top.
func (a Addr) place() (Addr, bool) {
	return Addr{Module: a.Module, System: a.System, Connection: a.Connection, Parent: a.Parent}, a.Parent != ""
}

// inside is what [Addr.place] is for the blocks inside of a's block.
func (a Addr) inside() Addr { return a.Child("", "") }

func (a Addr) local() string { return a.Kind + "." + a.Name + index(a.Key) }

// index writes a for_each key as HCL reads it, nothing for none.
func index(key string) string {
	if key == "" {
		return ""
	}
	return `["` + keyQuoting.Replace(key) + `"]`
}

var keyQuoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{")

// ModulePath is the [Addr.Module] of the objects of a module: parent is the path of the module that holds its block, "" for the spec itself, and key the
// for_each key, "" when there is none.
func ModulePath(parent, name, key string) string {
	path := "module." + name + index(key)
	if parent != "" {
		path = parent + "." + path
	}
	return path
}

// CompareAddr orders addresses: by module (the spec itself first), system, connection (the unnamed first), then path, then kind, name and key, in byte order. It is the tie-break wherever
// an order must be the same on every run.
func CompareAddr(a, b Addr) int {
	return cmp.Or(
		cmp.Compare(a.Module, b.Module), cmp.Compare(a.System, b.System), cmp.Compare(a.Connection, b.Connection),
		cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key),
	)
}

// MarshalText makes an address a JSON string and a JSON object key.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
