package neo4j

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// A session by a token may run under a user that Neo4j keeps, and has that user's roles too (Operations Manual, "User auth providers"): with
// dbms.security.require_local_user it always does, found by provider and id; without, a native user that happens to have the session's name lends it its roles while
// native is in authorization_providers.

// id is who the token says that the account is.
func (p *proof) id() string { return textOf(p.evidence.Claims[p.claim("claims.username", "sub")]) }

// localUserHop compares the session's user with the one that has the token's id.
func (p *proof) localUserHop(user string) reconcile.Hop {
	kept := p.keptUser()
	if p.seen.usersErr == nil && p.name != "" && !p.fromUserInfo("get_username_from_user_info", p.claim("claims.username", "sub")) && user != kept {
		return failed(hopUser, reconcile.Hop{
			Text: "the session is not the account's", Expected: fmt.Sprintf("the user who has id %q at %s, %q", p.id(), providerEntry(p.name), kept), Came: fmt.Sprintf("user %q", user),
			Likely: []string{"another provider took the token", "the user was renamed, or its id was changed, since the session was cached (dbms.security.auth_cache_ttl)"},
		})
	}
	return passed(hopUser, user+", a user that Neo4j keeps")
}

// nativeCounts says whether roles that Neo4j itself grants count for sessions by a token.
func (p *proof) nativeCounts() bool {
	return slices.ContainsFunc(p.seen.members, func(m memberState) bool {
		return slices.Contains(listOf(m.settings[authorizationProviders].value), nativeProvider)
	})
}

// nativeRoles are the roles that the session should have by a grant to its user: those that the spec declares of that user, or, where a local user is required and the
// spec does not manage its roles, those that it has.
func (p *proof) nativeRoles() []string {
	if !p.nativeCounts() {
		return nil
	}
	user := p.rows[0].text("user")
	if roles, managed := p.meant.granted[user]; managed {
		return roles
	}
	if p.seen.localUser() {
		return p.seen.users[user].roles
	}
	return nil
}

// nativeSuspect explains roles that no mapping gives.
func (p *proof) nativeSuspect() string {
	user := p.rows[0].text("user")
	if roles := p.seen.users[user].roles; len(roles) > 0 && p.nativeCounts() {
		return fmt.Sprintf("native is in authorization_providers, and user %q, whom Neo4j keeps, is granted %s", user, strings.Join(roles, ", "))
	}
	return "native is in authorization_providers and a user named like this session has roles of its own"
}

// userSuspects is what is wrong for sure with the user that a token would log in as.
func (p *proof) userSuspects() []string {
	if p.seen.usersErr != nil || p.name == "" || p.id() == "" {
		return nil
	}
	kept := p.keptUser()
	switch {
	case kept == "" && p.seen.localUser():
		return []string{fmt.Sprintf("%s is true, and no user has id %q at %s: declare a neo4j user with that auth block", requireLocalUser, p.id(), providerEntry(p.name))}
	case p.seen.users[kept].suspended:
		return []string{fmt.Sprintf("user %q, who has this token's id, is suspended", kept)}
	}
	return nil
}
