package neo4j

import (
	"slices"
	"strings"
)

// Access says which way a privilege counts.
type Access string

// The two accesses. A denial beats a grant when both match.
const (
	AccessGrant Access = "GRANT"
	AccessDeny  Access = "DENY"
)

// Assign is the verb that gives a role a privilege of this access.
func (a Access) Assign() Verb { return Verb(a) }

// Revoke is the verb that takes it away again.
func (a Access) Revoke() Verb { return Verb("REVOKE " + a) }

// Verb is how a privilege statement begins. Plain REVOKE, which removes grants and denials alike, is left out on purpose: a plan names what it removes.
type Verb string

// The four verbs.
const (
	VerbGrant       Verb = "GRANT"
	VerbDeny        Verb = "DENY"
	VerbRevokeGrant Verb = "REVOKE GRANT"
	VerbRevokeDeny  Verb = "REVOKE DENY"
)

// Access is which rows the verb is about.
func (v Verb) Access() Access {
	if v == VerbDeny || v == VerbRevokeDeny {
		return AccessDeny
	}
	return AccessGrant
}

// preposition is the word before the role.
func (v Verb) preposition() string {
	if v == VerbRevokeGrant || v == VerbRevokeDeny {
		return "FROM"
	}
	return "TO"
}

// Scope is what kind of thing a privilege is on.
type Scope uint8

// The scopes, in the order in which the Operations Manual presents them.
const (
	ScopeGraph Scope = iota
	ScopeDatabase
	ScopeDBMS
	ScopeLoad
)

// String is the word after ON in a privilege; LOAD stands for the privileges that have none.
func (s Scope) String() string { return [...]string{"GRAPH", "DATABASE", "DBMS", "LOAD"}[s] }

// Entity is the kind of graph element a privilege is limited to.
type Entity uint8

// The entities. EntityNone is for privileges that name no element, such as WRITE.
const (
	EntityNone Entity = iota
	EntityNode
	EntityRelationship
)

// String is the word in AS COMMANDS, "" for EntityNone.
func (e Entity) String() string { return [...]string{"", "NODE", "RELATIONSHIP"}[e] }

// Pick is one place of a privilege where a name can stand: nothing (the privilege has no such place), everything (a bare *), or one name.
// A name may be any text, also "*": `*` in backticks is a name like any other.
type Pick struct {
	kind pickKind
	name string
}

type pickKind uint8

const (
	pickNone pickKind = iota
	pickAll
	pickName
)

var everything = Pick{kind: pickAll}

func named(name string) Pick { return Pick{kind: pickName, name: name} }

// IsNone reports that the privilege has no such place.
func (p Pick) IsNone() bool { return p.kind == pickNone }

// IsAll reports a bare *.
func (p Pick) IsAll() bool { return p.kind == pickAll }

// Name is the one name, unquoted; "" when there is none.
func (p Pick) Name() string { return p.name }

// String is "", "*" or the name, in backticks unless it is a plain identifier.
func (p Pick) String() string { return p.print(bareName) }

func (p Pick) print(quote func(string) string) string {
	switch p.kind {
	case pickAll:
		return "*"
	case pickName:
		return quote(p.name)
	}
	return ""
}

// Needs says which servers take a privilege.
type Needs uint8

// The needs, as seen on Neo4j 5.26 and 2026.08 Community.
const (
	NeedsNothing  Needs = iota
	NeedsCalendar       // a calendar version (2025.01 or newer), in either language
	NeedsCypher25       // a calendar version, and the statement must begin with CYPHER 25
)

// Atom is one row of SHOW PRIVILEGES AS COMMANDS without its verb and role: one action on one graph or database, one property, one kind of element,
// one label, user, glob or address range. It is normalised, so that == is equality in the catalogue, and may be a map key. Atoms come from
// ParsePrivilege and ParseCommand only. Actions that overlap in effect (MATCH and READ, NODE * and NODE Patient) are different atoms, as they are
// different rows.
type Atom struct {
	action   string
	scope    Scope
	home     bool
	place    Pick
	property Pick
	entity   Entity
	label    Pick
	user     Pick
	glob     string
	cidr     string
	rule     condition
}

// Action is the privilege's name in the canonical spelling of AS COMMANDS, such as MATCH, SET PROPERTY or EXECUTE BOOSTED PROCEDURE.
func (a Atom) Action() string { return a.action }

// Scope is what the privilege is on.
func (a Atom) Scope() Scope { return a.scope }

// Home reports ON HOME GRAPH or ON HOME DATABASE.
func (a Atom) Home() bool { return a.home }

// Place is the graph or database, in lower case; none for HOME, DBMS and LOAD.
func (a Atom) Place() Pick { return a.place }

// Property is the one property or all of them; none for actions without braces.
func (a Atom) Property() Pick { return a.property }

// Entity is the kind of element.
func (a Atom) Entity() Entity { return a.entity }

// Label is the label or relationship type, of SET LABEL and REMOVE LABEL too.
func (a Atom) Label() Pick { return a.label }

// User is whose transactions or identity the privilege is about.
func (a Atom) User() Pick { return a.user }

// Glob is the name pattern of EXECUTE and SHOW SETTING privileges without backticks; * and ? are wildcards in it.
func (a Atom) Glob() string { return a.glob }

// CIDR is the address range of LOAD ON CIDR, "" for all data and for other privileges.
func (a Atom) CIDR() string { return a.cidr }

// Rule is the condition of a property-based privilege, such as "n.p = 1", and "" for others.
func (a Atom) Rule() string {
	if !a.hasRule() {
		return ""
	}
	return a.rule.print(a.variable())
}

func (a Atom) hasRule() bool { return a.rule.operator != "" }

// variable is the name printed in rules: Neo4j's own choice when a rule comes without one.
func (a Atom) variable() string {
	if a.entity == EntityRelationship {
		return "r"
	}
	return "n"
}

// Compare orders atoms by their text, as SHOW PRIVILEGES AS COMMANDS does.
func (a Atom) Compare(b Atom) int { return strings.Compare(a.String(), b.String()) }

// Needs says which servers take the privilege.
func (a Atom) Needs() Needs {
	switch {
	case a.scope == ScopeDatabase && eitherScope[a.action],
		strings.Contains(a.action, "AUTH RULE"),
		strings.Contains(a.action, "USER METADATA"),
		a.rule.operator == opMember:
		return NeedsCypher25
	case a.action == "ALTER COMPOSITE DATABASE", a.action == "SET DATABASE DEFAULT LANGUAGE",
		a.hasRule() && a.entity == EntityRelationship,
		a.rule.negated && a.rule.operator == "<>": // 5.26 fails on it with an UnknownError
		return NeedsCalendar
	}
	return NeedsNothing
}

// SortAtoms returns the atoms sorted and without duplicates, in a slice of its own.
func SortAtoms(atoms []Atom) []Atom {
	if len(atoms) <= 1 {
		return slices.Clone(atoms)
	}
	type keyed struct {
		text string
		atom Atom
	}
	all := make([]keyed, len(atoms))
	for i, a := range atoms {
		all[i] = keyed{a.String(), a}
	}
	slices.SortFunc(all, func(x, y keyed) int { return strings.Compare(x.text, y.text) })
	all = slices.Compact(all)
	out := make([]Atom, len(all))
	for i, k := range all {
		out[i] = k.atom
	}
	return out
}
