package neo4j

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// roleStep makes a role's change one transaction. Within it, what takes away comes before what gives where both are new (denials, then grants), and what
// replaces comes before what it replaces (grants, then revokes), so that the order would be right even if it were not one transaction.
func roleStep(seen snapshot, f fate, c reconcile.Change, needed rights) (reconcile.Step, error) {
	switch c := c.(type) {
	case reconcile.Create:
		return createRole(seen, c, needed)
	case reconcile.Update:
		return updateRole(seen, c, needed)
	case reconcile.Delete:
		return dropRole(seen, f, c, needed), nil
	}
	return reconcile.Step{}, fmt.Errorf("no such change: %T", c)
}

func createRole(seen snapshot, c reconcile.Create, needed rights) (reconcile.Step, error) {
	name := liveName(c.Want)
	if name == publicRole {
		return reconcile.Step{}, fmt.Errorf("'PUBLIC' is a reserved role: it cannot be created, and this server does not show it")
	}
	op := Transaction{Statements: []string{"CREATE ROLE " + quoteName(name)}, Creates: true}
	needed.add("CREATE ROLE")
	if from := c.Want.Get("copy_of"); from != nil {
		if text, known := from.(reconcile.Text); known && seen.rolesErr == nil && !seen.has(string(text)) && !seen.asked[string(text)] {
			return reconcile.Step{}, fmt.Errorf("copy_of: role %s does not exist and is not declared", text)
		}
		op.Statements[0] += " AS COPY OF " + op.roleList([]reconcile.Value{from})
	}
	for _, access := range []Access{AccessDeny, AccessGrant} {
		atoms, err := atomsOf(seen, access, reconcile.Members(c.Want.Get(fieldOf(access))))
		if err != nil {
			return reconcile.Step{}, err
		}
		if len(atoms) > 0 {
			needed.add("ASSIGN PRIVILEGE")
		}
		op.Statements = append(op.Statements, GroupStatements(access.Assign(), name, atoms)...)
	}
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
		parsed, err := seen.lists.parse(access, string(text))
		if err != nil { // a live row may be more than a spec may say
			var c Command
			if c, err = ParseCommand(string(access) + " " + string(text) + " TO `r`"); err != nil {
				return nil, fmt.Errorf("privilege %s: %w", text, err)
			}
			parsed = c.Atoms
		}
		for _, a := range parsed {
			if why := seen.lacks(a.Needs()); why != "" {
				return nil, fmt.Errorf("privilege %s needs %s, and this is %s", text, why, seen.version)
			}
			atoms = append(atoms, a)
		}
	}
	return atoms, nil
}

// roleChange is the statements of an update, by what they do.
type roleChange struct {
	denies, grants, revokeGrants, revokeDenies []Atom

	live liveRole // whose change it is
}

func updateRole(seen snapshot, c reconcile.Update, needed rights) (reconcile.Step, error) {
	name := liveName(c.Want)
	rc := roleChange{live: seen.roles[c.Live.TextAttr("name")]}
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
	rc.withhold(seen, c.Live.TextAttr("name"), name, &step)
	step.Hazards = rc.hazards(name)
	op := Transaction{Statements: rc.statements(name)}
	if was := c.Live.TextAttr("name"); was != name {
		if why := protection(was, seen.roles[was]); why != "" && (was == publicRole || seen.roles[was].immutable) {
			return step, fmt.Errorf("role %s cannot be renamed: %s", was, why)
		}
		needed.add("RENAME ROLE")
		op.Statements = append([]string{"RENAME ROLE " + quoteName(was) + " TO " + quoteName(name)}, op.Statements...)
		op.Renames = true
		step.Hazards = append(step.Hazards, reconcile.Hazard{Kind: reconcile.HazardRevokes, Text: "role " + was + " is renamed: a group mapping that names it, and that this spec does not declare, gives nothing any more"})
	}
	if len(op.Statements) == 0 {
		return step, nil
	}
	if len(rc.denies)+len(rc.grants) > 0 || slices.ContainsFunc(op.Statements, func(s string) bool {
		return strings.HasPrefix(s, string(VerbGrant)) || strings.HasPrefix(s, string(VerbDeny))
	}) {
		needed.add("ASSIGN PRIVILEGE")
	}
	if len(rc.revokeGrants)+len(rc.revokeDenies) > 0 {
		needed.add("REMOVE PRIVILEGE")
	}
	step.Ops = []reconcile.Op{op}
	return step, nil
}

func (rc roleChange) statements(role string) []string {
	giveDenies, wholeDenies, revokeDenies := rc.live.split(AccessDeny, rc.revokeDenies)
	giveGrants, wholeGrants, revokeGrants := rc.live.split(AccessGrant, rc.revokeGrants)
	statements := slices.Concat(
		GroupStatements(VerbDeny, role, slices.Concat(rc.denies, giveDenies)),
		GroupStatements(VerbGrant, role, slices.Concat(rc.grants, giveGrants)),
		GroupStatements(VerbRevokeGrant, role, revokeGrants),
	)
	for _, row := range wholeGrants {
		statements = append(statements, row.statement(VerbRevokeGrant, role))
	}
	statements = append(statements, GroupStatements(VerbRevokeDeny, role, revokeDenies)...)
	for _, row := range wholeDenies {
		statements = append(statements, row.statement(VerbRevokeDeny, role))
	}
	return statements
}

// withhold leaves to people what Keymaker must not do: change an immutable role, or take rights from a role that the running session has.
// role is its name now, and name the one that it has when the rest is done.
func (rc *roleChange) withhold(seen snapshot, role, name string, step *reconcile.Step) {
	var held roleChange
	why := ""
	switch {
	case seen.roles[role].immutable:
		held, *rc = *rc, roleChange{live: rc.live}
		why = "role " + role + " is immutable: with dbms.security.auth_enabled = false, and IMMUTABLE after the verb, run"
	case role != publicRole && slices.Contains(seen.ownRoles, role):
		held = roleChange{denies: rc.denies, revokeGrants: rc.revokeGrants, live: rc.live}
		rc.denies, rc.revokeGrants = nil, nil
		why = "role " + role + " gives user " + seen.user + ", as whom Keymaker is logged in, its rights: as another administrator run"
	case role == publicRole:
		lost := seen.session().takes(rc.denies, seen.alone(rc.revokeGrants))
		if len(lost) == 0 {
			break
		}
		held = roleChange{denies: rc.denies, revokeGrants: rc.revokeGrants, live: rc.live}
		rc.denies, rc.revokeGrants = nil, nil
		why = "user " + seen.user + ", as whom Keymaker is logged in, would lose " + strings.Join(lost, ", ") + ": as another administrator run"
	}
	if statements := held.statements(name); len(statements) > 0 {
		step.Pending = append(append(step.Pending, why), statements...)
		if len(held.denies)+len(held.revokeDenies) > 0 {
			step.Later = append(step.Later, "deny")
		}
		if len(held.grants) > 0 || len(held.revokeGrants) > 0 && len(rc.grants) == 0 { // what is granted besides is there at once
			step.Later = append(step.Later, "grant")
		}
	}
}

// alone are those of PUBLIC's grants that no other role of the session has too.
func (s snapshot) alone(grants []Atom) []Atom {
	return slices.DeleteFunc(slices.Clone(grants), func(a Atom) bool {
		return slices.ContainsFunc(s.ownRoles, func(name string) bool {
			return name != publicRole && s.roles[name].rows(AccessGrant).has(a)
		})
	})
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

func dropRole(seen snapshot, f fate, c reconcile.Delete, needed rights) reconcile.Step {
	name := liveName(c.Live)
	step := reconcile.Step{Change: c, Stage: reconcile.Retire}
	drop := "DROP ROLE " + quoteName(name)
	if why := protection(name, seen.roles[name]); why != "" {
		step.Pending, step.Later = []string{why + ": Keymaker does not run " + drop}, []string{reconcile.WholeChange}
		return step
	}
	if slices.Contains(seen.ownRoles, name) {
		step.Pending = []string{"role " + name + " gives user " + seen.user + ", as whom Keymaker is logged in, its rights: as another administrator run", drop}
		step.Later = []string{reconcile.WholeChange}
		return step
	}
	needed.add("DROP ROLE")
	op := Transaction{Drops: true}
	var members []string
	for _, m := range seen.membersOf(name) {
		if addr, leaves := f.leaves[m]; leaves { // to revoke from who is not there any more is an error in Cypher 25
			step.After = append(step.After, addr)
			continue
		}
		if is, renamed := f.named[m]; renamed {
			m = is
		}
		members = append(members, quoteName(m))
	}
	if len(members) > 0 { // whether a role that is granted can be dropped is not documented; without members it surely can
		needed.add("REMOVE ROLE")
		op.Statements = append(op.Statements, "REVOKE ROLE "+quoteName(name)+" FROM "+strings.Join(members, ", "))
	}
	op.Statements = append(op.Statements, drop)
	step.Ops = []reconcile.Op{op}
	step.Hazards = []reconcile.Hazard{{Kind: reconcile.HazardDeletes, Text: "role " + name + ", from everybody who has it"}}
	return step
}
