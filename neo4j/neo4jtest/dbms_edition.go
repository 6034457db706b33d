package neo4jtest

import (
	"slices"
	"strings"
)

// unsupported refuses what the edition cannot do.
func (r *runner) unsupported() *Failure {
	switch r.d.edition {
	case EditionCommunity:
		return r.communityRefusal()
	case EditionAura, EditionAuraFree:
		if r.d.edition == EditionAuraFree && r.needsRoles() {
			return r.unsupportedCommand("The command is not supported on this tier of Aura.")
		}
		switch cmd := r.stmt.cmd.(type) {
		case createRoleCmd:
			if cmd.immutable {
				return r.unsupportedCommand("'CREATE IMMUTABLE ROLE' is not supported on Aura.")
			}
		case privilegeCmd:
			if cmd.immutable {
				return r.unsupportedCommand("'IMMUTABLE' is not supported on Aura.")
			}
		case showCmd:
			if cmd.kind == showSettings {
				return r.unsupportedCommand("'SHOW SETTINGS' is not supported on Aura.")
			}
		}
	}
	return nil
}

// onAura says whether the DBMS is in Neo4j's cloud.
func (d *dbms) onAura() bool { return d.edition == EditionAura || d.edition == EditionAuraFree }

// needsRoles says whether a command is about roles, privileges, or what Aura Free and Professional do not have of users (Operations Manual, editions of "Manage roles",
// "Manage privileges" and "Manage users"). How they refuse is not documented: this is the refusal of an edition that lacks a command.
func (r *runner) needsRoles() bool {
	switch cmd := r.stmt.cmd.(type) {
	case createRoleCmd, dropRoleCmd, assignRolesCmd, privilegeCmd:
		return true
	case renameCmd:
		return cmd.what == "ROLE"
	case userCmd:
		return len(cmd.external) > 0 || cmd.removeAll || len(cmd.removeAuth) > 0 || cmd.suspended != nil
	case showCmd:
		return slices.Contains([]showKind{showRoles, showPrivileges, showRolePrivileges, showSupported, showAuthRules}, cmd.kind)
	}
	return false
}

func (r *runner) unsupportedCommand(sentence string) *Failure {
	return r.dialect.chained(codeUnsupportedAdmin, "Unsupported administration command: "+r.stmt.text, false, cause{"51N27", sentence})
}

func (r *runner) communityRefusal() *Failure {
	sentence := "'" + r.commandName() + "' is not supported in community edition."
	switch cmd := r.stmt.cmd.(type) {
	case userCmd:
		return r.communityUser(cmd)
	case dropUserCmd, alterCurrentUserCmd:
		return nil
	case renameCmd:
		if cmd.what == "USER" {
			return nil
		}
	case showCmd:
		switch cmd.kind {
		case showUsers, showCurrentUser, showSettings, showDatabases:
			return nil
		case showServers, showAliases:
			if !r.dialect.calendar {
				return &Failure{Code: "Neo.ClientError.Statement.NotSystemDatabaseError", Message: "Unsupported administration command: " + r.stmt.text}
			}
		}
	}
	return r.unsupportedCommand(sentence)
}

// commandName is a command as the refusal of an edition calls it (seen on Neo4j 2026.08 Community).
func (r *runner) commandName() string {
	if show, ok := r.stmt.cmd.(showCmd); ok {
		switch show.kind {
		case showRoles:
			return "SHOW ALL ROLES"
		case showPrivileges, showRolePrivileges, showUserPrivileges:
			if show.commands != "" {
				return "SHOW PRIVILEGE COMMANDS"
			}
			return "SHOW PRIVILEGE"
		}
	}
	text, _, _ := strings.Cut(strings.ToUpper(r.stmt.text), " ON ")
	words := strings.Fields(text)
	most := 2
	switch {
	case words[0] == "REVOKE" && words[1] != "ROLE", words[0] == "GRANT" && words[1] != "ROLE", words[0] == "DENY":
		for most = 1; most < len(words) && !strings.HasPrefix(words[most], "{") && words[most] != "*"; {
			most++
		}
	case strings.HasPrefix(text, "CREATE OR REPLACE"):
		most = 4
	case words[0] == "SHOW" && words[1] != "ALIASES":
		most = 3
	}
	return strings.Join(words[:min(most, len(words))], " ")
}

func (r *runner) communityUser(cmd userCmd) *Failure {
	clause := ""
	user, failure := resolveName(cmd.user, r.params)
	if failure != nil {
		return failure
	}
	switch {
	case cmd.suspended != nil && !cmd.create && user == r.t.who.user: // refused for that
		return nil
	case cmd.suspended != nil:
		clause = "'SET STATUS'"
	case cmd.home != nil || cmd.removeHome:
		clause = "'HOME DATABASE'"
	case cmd.removeAll || len(cmd.removeAuth) > 0:
		clause = "`REMOVE AUTH`"
	case len(cmd.external) > 0:
		clause = "`SET AUTH '" + cmd.external[0].provider + "'`"
	default:
		return nil
	}
	verb := "alter"
	if cmd.create {
		verb = "create"
	}
	what := strings.ReplaceAll(clause, "`", "'")
	if strings.HasPrefix(clause, "`SET AUTH") {
		what = "External auth provider"
	}
	return r.dialect.chained(codeExecutionFailed, "Failed to "+verb+" the specified user '"+user+"': "+clause+" is not available in community edition.", false,
		cause{"51N27", what + " is not supported in community edition."})
}
