package neo4j

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// rights is what the steps need of the user that Keymaker is logged in as.
type rights map[string]bool

func (r rights) add(action string) { r[action] = true }

// executeAdmin stands for the right to call dbms.setConfigValue, which is an admin procedure.
const executeAdmin = "EXECUTE ADMIN PROCEDURES"

// covers lists the privileges that include an action (Operations Manual, "DBMS administration").
func covers(action string) []string {
	switch action {
	case "CREATE USER", "DROP USER", "RENAME USER", "SHOW USER", "SET USER STATUS", "SET USER HOME DATABASE", "SET AUTH":
		names := []string{action, "USER MANAGEMENT", "ALL DBMS PRIVILEGES"}
		if strings.HasPrefix(action, "SET ") {
			names = append(names, "ALTER USER")
		}
		return names
	case "CREATE ROLE", "DROP ROLE", "RENAME ROLE", "ASSIGN ROLE", "REMOVE ROLE", "SHOW ROLE":
		return []string{action, "ROLE MANAGEMENT", "ALL DBMS PRIVILEGES"}
	case "ASSIGN PRIVILEGE", "REMOVE PRIVILEGE", "SHOW PRIVILEGE":
		return []string{action, "PRIVILEGE MANAGEMENT", "ALL DBMS PRIVILEGES"}
	}
	return []string{action, "ALL DBMS PRIVILEGES"}
}

// session is what the running session's roles give it, as far as Keymaker sees and understands it.
type session struct {
	grants, denies map[Atom]bool
	// more says that a role of the session may grant more on the DBMS than grants says: the role is not shown, or has such a row that is not understood.
	more bool
}

// session gathers the rows of the session's roles. Rows that are not understood matter where they may be about the DBMS: no other row gives a right to administer.
func (s snapshot) session() session {
	now := session{grants: make(map[Atom]bool), denies: make(map[Atom]bool), more: s.rolesErr != nil || len(s.ownRoles) == 0}
	for _, name := range s.ownRoles {
		role, ok := s.roles[name]
		now.more = now.more || !ok || slices.ContainsFunc(role.foreign, mayGrantOnDBMS)
		for a := range role.grants {
			now.grants[a.Value()] = true
		}
		for a := range role.denies {
			now.denies[a.Value()] = true
		}
	}
	return now
}

// mayGrantOnDBMS says whether a row that Keymaker does not understand may give a right to administer: a grant that is not on databases, graphs or data to load.
func mayGrantOnDBMS(row string) bool {
	words := strings.Fields(strings.ToUpper(row))
	if len(words) == 0 || words[0] == string(AccessDeny) {
		return false
	}
	for i, w := range words[:len(words)-1] {
		if next := strings.TrimRight(words[i+1], "S"); w == "ON" && slices.Contains([]string{"GRAPH", "DATABASE", "HOME", "CIDR", "DEFAULT"}, next) {
			return false
		}
	}
	return true
}

// lacks says whether the session surely may not do something: a row that is understood denies it, or nothing grants it and there is nothing that could.
func (s session) lacks(action string) bool {
	return denied(s.denies, action) || !s.more && !holds(s.grants, action)
}

// check says what is missing, before anything is written. What Keymaker cannot tell it leaves to the server.
func (r rights) check(seen snapshot) error {
	now := seen.session()
	var missing []string
	for _, action := range sortedKeys(r) {
		if now.lacks(action) {
			missing = append(missing, action)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if seen.aura {
		return fmt.Errorf("user %s (roles %s) lacks what this plan needs: %s ON DBMS. Aura Free and Professional have no roles and privileges of one's own: that takes Business Critical or a Virtual Dedicated Cloud; there, have it granted. Nothing was changed",
			seen.user, strings.Join(seen.ownRoles, ", "), strings.Join(missing, ", "))
	}
	return fmt.Errorf("user %s (roles %s) lacks what this plan needs: %s ON DBMS. Have it granted, or log in as somebody who has it; nothing was changed", seen.user, strings.Join(seen.ownRoles, ", "), strings.Join(missing, ", "))
}

func holds(atoms map[Atom]bool, action string) bool {
	names := covers(action)
	for a := range atoms {
		if a.Scope() != ScopeDBMS {
			continue
		}
		switch {
		case slices.Contains(names, a.Action()), action == executeAdmin && reaches(a, "EXECUTE BOOSTED PROCEDURE", "dbms.setConfigValue"),
			action == readVersion && reaches(a, "EXECUTE PROCEDURE", "dbms.components"), action == showSettings && reaches(a, "SHOW SETTING", requireLocalUser):
			return true
		}
	}
	return false
}

// denied says whether denials keep from an action.
func denied(atoms map[Atom]bool, action string) bool {
	if holds(atoms, action) {
		return true
	}
	for a := range atoms {
		if action == executeAdmin && reaches(a, "EXECUTE PROCEDURE", "dbms.setConfigValue") {
			return true
		}
	}
	return false
}

// Rights that reading needs, beside those of the DBMS that have a name of their own.
const (
	readVersion  = "EXECUTE PROCEDURE dbms.components"
	showSettings = "SHOW SETTING *"
)

// reaches says whether a privilege over names is about one of them.
func reaches(a Atom, action, name string) bool {
	if a.Action() != action {
		return false
	}
	ok, err := path.Match(a.Glob(), name) // * and ? mean the same there, and no name holds a slash
	return err == nil && ok
}

// kept are the rights that no plan takes from the session as which Keymaker runs: with them it can put right whatever else it did.
var kept = []string{"ASSIGN PRIVILEGE", "ASSIGN ROLE", "CREATE ROLE", "CREATE USER", "DROP ROLE", "DROP USER", executeAdmin, readVersion, "REMOVE PRIVILEGE", "REMOVE ROLE",
	"SET AUTH", "SET USER STATUS", "SHOW PRIVILEGE", "SHOW ROLE", showSettings, "SHOW USER"}

// takes lists the rights that the session has and would not have with these denials more and these grants less.
func (s session) takes(denies, revoked []Atom) []string {
	after := session{grants: maps.Clone(s.grants), denies: maps.Clone(s.denies)}
	for _, a := range denies {
		after.denies[a] = true
	}
	for _, a := range revoked {
		delete(after.grants, a)
	}
	var lost []string
	for _, right := range kept {
		if !denied(s.denies, right) && (denied(after.denies, right) || holds(s.grants, right) && !holds(after.grants, right)) {
			lost = append(lost, right)
		}
	}
	return lost
}
