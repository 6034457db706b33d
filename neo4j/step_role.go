package neo4j

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// roleStep makes a role's change one transaction. Within it, what takes away comes before what gives where both are new (denials, then grants), and what
// replaces comes before what it replaces (grants, then revokes), so that the order would be right even if it were not one transaction.
func roleStep(seen snapshot, c reconcile.Change, needed rights) (reconcile.Step, error) {
	switch c := c.(type) {
	case reconcile.Create:
		return createRole(seen, c, needed)
	case reconcile.Update:
		return updateRole(seen, c, needed)
	case reconcile.Delete:
		return dropRole(seen, c, needed), nil
	}
	return reconcile.Step{}, fmt.Errorf("no such change: %T", c)
}

func createRole(seen snapshot, c reconcile.Create, needed rights) (reconcile.Step, error) {
	name := liveName(c.Want)
	if name == "PUBLIC" {
		return reconcile.Step{}, fmt.Errorf("'PUBLIC' is a reserved role: it cannot be created, and this server does not show it")
	}
	statements := []string{"CREATE ROLE " + quoteName(name)}
	needed.add("CREATE ROLE")
	for _, access := range []Access{AccessDeny, AccessGrant} {
		atoms, err := atomsOf(seen, access, reconcile.Members(c.Want.Get(fieldOf(access))))
		if err != nil {
			return reconcile.Step{}, err
		}
		if len(atoms) > 0 {
			needed.add("ASSIGN PRIVILEGE")
		}
		statements = append(statements, GroupStatements(access.Assign(), name, atoms)...)
	}
	op := Transaction{Role: name, Statements: statements, Creates: true}
	return reconcile.Step{Change: c, Ops: []reconcile.Op{op}, Stage: reconcile.Converge}, nil
}

func fieldOf(access Access) string { return strings.ToLower(string(access)) }

// atomsOf reads canonical texts back.
func atomsOf(seen snapshot, access Access, texts []reconcile.Value) ([]Atom, error) {
	var atoms []Atom
	for _, v := range texts {
		text, ok := v.(reconcile.Text)
		if !ok {
			return nil, fmt.Errorf("privilege %s is not known", v)
		}
		parsed, err := ParsePrivilege(access, string(text))
		if err != nil { // a live row may be more than a spec may say
			var c Command
			if c, err = ParseCommand(string(access) + " " + string(text) + " TO `r`"); err != nil {
				return nil, fmt.Errorf("privilege %s: %w", text, err)
			}
			parsed = c.Atoms
		}
		for _, a := range parsed {
			if a.Needs() != NeedsNothing && !seen.calendar() {
				return nil, fmt.Errorf("privilege %s needs a calendar version of Neo4j (2025.01 or newer), and this is %s", text, seen.version)
			}
			atoms = append(atoms, a)
		}
	}
	return atoms, nil
}

// roleChange is the statements of an update, by what they do.
type roleChange struct {
	denies, grants, revokeGrants, revokeDenies []Atom
}

func updateRole(seen snapshot, c reconcile.Update, needed rights) (reconcile.Step, error) {
	name := liveName(c.Want)
	var rc roleChange
	var err error
	take := func(into *[]Atom, access Access, texts []reconcile.Value) {
		if err == nil {
			*into, err = atomsOf(seen, access, texts)
		}
	}
	if d, ok := c.Diff("grant"); ok {
		take(&rc.grants, AccessGrant, d.Added)
		take(&rc.revokeGrants, AccessGrant, d.Removed)
	}
	if d, ok := c.Diff("deny"); ok {
		take(&rc.denies, AccessDeny, d.Added)
		take(&rc.revokeDenies, AccessDeny, d.Removed)
	}
	if err != nil {
		return reconcile.Step{}, err
	}
	step := reconcile.Step{Change: c, Stage: reconcile.Converge}
	rc.withhold(seen, name, &step)
	step.Hazards = rc.hazards(name)
	statements := rc.statements(name)
	if len(statements) == 0 {
		return step, nil
	}
	if len(rc.denies)+len(rc.grants) > 0 {
		needed.add("ASSIGN PRIVILEGE")
	}
	if len(rc.revokeGrants)+len(rc.revokeDenies) > 0 {
		needed.add("REMOVE PRIVILEGE")
	}
	step.Ops = []reconcile.Op{Transaction{Role: name, Statements: statements}}
	return step, nil
}

func (rc roleChange) statements(role string) []string {
	return slices.Concat(
		GroupStatements(VerbDeny, role, rc.denies),
		GroupStatements(VerbGrant, role, rc.grants),
		GroupStatements(VerbRevokeGrant, role, rc.revokeGrants),
		GroupStatements(VerbRevokeDeny, role, rc.revokeDenies),
	)
}

// withhold leaves to people what Keymaker must not do: change an immutable role, or take rights from a role that the running session has.
func (rc *roleChange) withhold(seen snapshot, role string, step *reconcile.Step) {
	var held roleChange
	why := ""
	switch {
	case seen.roles[role].immutable:
		held, *rc = *rc, roleChange{}
		why = "role " + role + " is immutable: with dbms.security.auth_enabled = false, and IMMUTABLE after the verb, run"
	case role != "PUBLIC" && slices.Contains(seen.ownRoles, role):
		held = roleChange{denies: rc.denies, revokeGrants: rc.revokeGrants}
		rc.denies, rc.revokeGrants = nil, nil
		why = "role " + role + " gives user " + seen.user + ", as whom Keymaker is logged in, its rights: as another administrator run"
	}
	if statements := held.statements(role); len(statements) > 0 {
		step.Pending = append(append(step.Pending, why), statements...)
	}
}

func (rc roleChange) hazards(role string) []reconcile.Hazard {
	var hs []reconcile.Hazard
	tell := func(kind reconcile.HazardKind, verb string, atoms []Atom) {
		if len(atoms) > 0 {
			hs = append(hs, reconcile.Hazard{Kind: kind, Text: "role " + role + " " + verb + " " + privilegesOf(atoms)})
		}
	}
	tell(reconcile.HazardWidens, "gains", rc.grants)
	tell(reconcile.HazardWidens, "is no longer denied", rc.revokeDenies)
	tell(reconcile.HazardRevokes, "loses", rc.revokeGrants)
	tell(reconcile.HazardRevokes, "is denied", rc.denies)
	return hs
}

// privilegesOf names one privilege, and counts the others.
func privilegesOf(atoms []Atom) string {
	all := SortAtoms(atoms)
	if len(all) == 1 {
		return all[0].String()
	}
	return fmt.Sprintf("%s and %d more", all[0], len(all)-1)
}

func dropRole(seen snapshot, c reconcile.Delete, needed rights) reconcile.Step {
	name := liveName(c.Live)
	step := reconcile.Step{Change: c, Stage: reconcile.Retire}
	drop := "DROP ROLE " + quoteName(name)
	if why := protection(name, seen.roles[name]); why != "" {
		step.Pending = []string{why + ": Keymaker does not run " + drop}
		return step
	}
	if slices.Contains(seen.ownRoles, name) {
		step.Pending = []string{"role " + name + " gives user " + seen.user + ", as whom Keymaker is logged in, its rights: as another administrator run", drop}
		return step
	}
	needed.add("DROP ROLE")
	step.Ops = []reconcile.Op{Transaction{Role: name, Statements: []string{drop}, Drops: true}}
	step.Hazards = []reconcile.Hazard{{Kind: reconcile.HazardDeletes, Text: "role " + name + ", from everybody who has it"}}
	return step
}
