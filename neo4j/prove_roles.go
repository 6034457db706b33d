package neo4j

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// rangeOf is a place in the spec.
type rangeOf = hcl.Range

// roles compares the session's roles with those that the spec gives the token's groups. Roles never show in SHOW USERS: only the session itself knows.
func (p *proof) roles(context.Context) reconcile.Hop {
	claim := p.claim("claims.groups", "")
	if spec := p.object.TextAttr("groups_claim"); spec != "" {
		claim = spec
	}
	groups := uniqueSorted(textsOf(p.evidence.Claims[claim]))
	if p.fromUserInfo("get_groups_from_user_info", claim) {
		return passed(hopRoles, strings.Join(p.rows[0].texts("roles"), ", ")+" (groups come from the user info endpoint)")
	}
	expected := uniqueSorted(append(append(p.expectedRoles(groups), p.nativeRoles()...), publicRole))
	for i, r := range p.rows {
		came := r.texts("roles")
		if EqualSets(came, expected) || p.seen.usersErr != nil && p.nativeCounts() && subset(expected, came) {
			continue
		}
		return failed(hopRoles, reconcile.Hop{
			Text:     p.seen.members[i].address + " gives other roles",
			Expected: listText(expected) + ", for groups " + listText(groups), Came: listText(came),
			Likely: p.roleSuspects(claim, groups, expected, came),
			See:    p.seeRoles(came, expected), Range: attrRange(p.object, "group_to_role"),
		})
	}
	return passed(hopRoles, listText(p.rows[0].texts("roles"))+" for groups "+listText(groups))
}

// seeRoles is the command that shows whence roles come: from a grant to the session's user, of which the spec does not speak, or by a mapping.
func (p *proof) seeRoles(came, expected []string) string {
	user := p.rows[0].text("user")
	if !subset(came, expected) && p.nativeCounts() && len(p.seen.users[user].roles) > 0 {
		return cypherShell(p.loginURI(p.seen.members[0]), "SHOW USERS YIELD user, roles WHERE user = "+quoteWith('"', user))
	}
	return "keymaker plan"
}

// expectedRoles is what the mapping gives the groups; without a mapping, the roles of the same name.
func (p *proof) expectedRoles(groups []string) []string {
	mapping := p.mapping()
	var roles []string
	for _, group := range groups {
		if len(mapping) > 0 {
			roles = append(roles, mapping[group]...)
		} else if _, exists := p.seen.roles[group]; exists {
			roles = append(roles, group)
		}
	}
	return slices.DeleteFunc(uniqueSorted(roles), func(r string) bool { return r == "PUBLIC" })
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

func (p *proof) roleSuspects(claim string, groups, expected, came []string) []string {
	var likely []string
	if len(groups) == 0 {
		likely = append(likely, fmt.Sprintf("the token's claim %q holds no group", claim))
	}
	if set := p.claim("claims.groups", ""); set != claim {
		likely = append(likely, fmt.Sprintf("the members read groups from claim %q, and the spec says %q", set, claim))
	}
	for _, role := range expected {
		if _, exists := p.seen.roles[role]; !exists && p.seen.rolesErr == nil && role != "PUBLIC" {
			likely = append(likely, "role "+role+" does not exist: Neo4j drops it without a word")
		}
	}
	mapping, err := p.liveMapping()
	for _, group := range groups {
		if _, mapped := mapping[group]; err == nil && len(mapping) > 0 && !mapped {
			likely = append(likely, "the members' mapping does not know group "+group)
		}
	}
	if !subset(came, expected) {
		likely = append(likely, p.nativeSuspect(), "the session is an older one from the authentication cache (dbms.security.auth_cache_ttl)")
	}
	return likely
}

func listText(texts []string) string { return "[" + strings.Join(texts, ", ") + "]" }
