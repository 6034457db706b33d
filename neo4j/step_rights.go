package neo4j

import (
	"fmt"
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
	case "CREATE USER", "DROP USER", "RENAME USER", "SET USER STATUS", "SET USER HOME DATABASE", "SET AUTH":
		names := []string{action, "USER MANAGEMENT", "ALL DBMS PRIVILEGES"}
		if strings.HasPrefix(action, "SET ") {
			names = append(names, "ALTER USER")
		}
		return names
	case "CREATE ROLE", "DROP ROLE", "RENAME ROLE", "ASSIGN ROLE", "REMOVE ROLE":
		return []string{action, "ROLE MANAGEMENT", "ALL DBMS PRIVILEGES"}
	case "ASSIGN PRIVILEGE", "REMOVE PRIVILEGE":
		return []string{action, "PRIVILEGE MANAGEMENT", "ALL DBMS PRIVILEGES"}
	}
	return []string{action, "ALL DBMS PRIVILEGES"}
}

// check says what is missing, before anything is written. Where Keymaker does not see all of the user's own privileges it says nothing: the server will.
func (r rights) check(seen snapshot) error {
	held, denied := make(map[Atom]bool), make(map[Atom]bool)
	for _, name := range seen.ownRoles {
		role, ok := seen.roles[name]
		if !ok || len(role.foreign) > 0 || seen.rolesErr != nil {
			return nil
		}
		for a := range role.rows[AccessGrant] {
			held[a] = true
		}
		for a := range role.rows[AccessDeny] {
			denied[a] = true
		}
	}
	if len(seen.ownRoles) == 0 {
		return nil
	}
	var missing []string
	for _, action := range sortedKeys(r) {
		if !holds(held, action) || holds(denied, action) {
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
		if slices.Contains(names, a.Action()) || action == executeAdmin && boosts(a) {
			return true
		}
	}
	return false
}

// boosts says whether a privilege lets an admin procedure be called one by one.
func boosts(a Atom) bool {
	if a.Action() != "EXECUTE BOOSTED PROCEDURE" {
		return false
	}
	ok, err := path.Match(a.Glob(), "dbms.setConfigValue") // * and ? mean the same there, and no name holds a slash
	return err == nil && ok
}
