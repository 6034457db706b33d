package neo4j

import "slices"

// What privileges mean together: a denial beats a grant, and what nobody grants is refused (Operations Manual, "Role-based access control"). What is limited to labels,
// properties or rules is decided only where it cannot matter.

// on says whether a privilege stands on a database. One for the home database does not, while nobody knows which that is: known is then false.
func (h held) on(db, home string) (on, known bool) {
	if h.atom.Home() {
		return home == db, home != ""
	}
	return h.atom.Place().IsAll() || h.atom.Place().Name() == db, true
}

// rule weighs the privileges that fit. whole says of one that does whether it covers everything asked for; one that does not only leaves things open.
func rule(all []held, db, home string, fits, whole func(Atom) bool) (ruling, []held) {
	var grants, denials []held
	open := false
	for _, h := range all {
		if !fits(h.atom) {
			continue
		}
		on, known := h.on(db, home)
		switch {
		case !known:
			open = true
		case !on:
		case !whole(h.atom):
			open = open || h.access == AccessGrant
		case h.access == AccessDeny:
			denials = append(denials, h)
		default:
			grants = append(grants, h)
		}
	}
	switch {
	case len(denials) > 0:
		return withheld, denials
	case len(grants) > 0 && !unknownDenial(all, home, fits):
		return allowed, grants
	case open || len(grants) > 0:
		return undecided, nil
	}
	return withheld, nil
}

// unknownDenial says whether a denial on the home database may count, where nobody knows which that is.
func unknownDenial(all []held, home string, fits func(Atom) bool) bool {
	return slices.ContainsFunc(all, func(h held) bool { return h.access == AccessDeny && h.atom.Home() && home == "" && fits(h.atom) })
}

func anyAtom(Atom) bool { return true }

// mayEnter is whether a session may use a database at all.
func mayEnter(all []held, db, home string) (ruling, []held) {
	return rule(all, db, home, func(a Atom) bool {
		return a.Scope() == ScopeDatabase && (a.Action() == "ACCESS" || a.Action() == "ALL DATABASE PRIVILEGES")
	}, anyAtom)
}

// mayCreate is whether a session may make a node without labels.
func mayCreate(all []held, db, home string) (ruling, []held) {
	return rule(all, db, home, func(a Atom) bool {
		switch a.Action() {
		case "WRITE", "ALL GRAPH PRIVILEGES":
			return a.Scope() == ScopeGraph
		case "CREATE", "MERGE":
			return a.Scope() == ScopeGraph && a.Entity() == EntityNode
		}
		return false
	}, func(a Atom) bool { return a.Entity() == EntityNone || a.Label().IsAll() })
}

// maySee is whether a session may see nodes; withheld when it can see none at all.
func maySee(all []held, db, home string) ruling {
	r, _ := rule(all, db, home, func(a Atom) bool {
		switch a.Action() {
		case "ALL GRAPH PRIVILEGES":
			return a.Scope() == ScopeGraph
		case "TRAVERSE", "MATCH":
			return a.Scope() == ScopeGraph && a.Entity() == EntityNode
		}
		return false
	}, func(a Atom) bool {
		return a.Entity() == EntityNone || a.Label().IsAll() && !a.hasRule() && (a.Action() == "TRAVERSE" || a.Property().IsAll())
	})
	return r
}
