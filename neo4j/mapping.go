package neo4j

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// RoleMapping is the setting dbms.security.oidc.<provider>.authorization.group_to_role_mapping: which roles members of a group get. Group and role names
// are unquoted and keep their case. Roles are a set.
type RoleMapping map[string][]string

// ParseRoleMapping reads the setting's text, `"group"=role1,role2;"other"=role3` (Operations Manual, "Single sign-on integration"): quotes around a group
// may be left out, blanks around names and a last semicolon do not count, and the empty text is the empty mapping. A group that stands twice is an error:
// which of the two Neo4j heeds is not documented.
func ParseRoleMapping(text string) (RoleMapping, error) {
	out := RoleMapping{}
	for rest := strings.TrimSpace(text); rest != ""; {
		group, after, err := cutGroup(rest)
		if err != nil {
			return nil, err
		}
		var list string
		list, rest, _ = strings.Cut(after, ";")
		rest = strings.TrimSpace(rest)
		if _, twice := out[group]; twice {
			return nil, fmt.Errorf("group %q stands twice in the mapping: which one counts is not documented", group)
		}
		roles := ParseSettingList(list)
		if len(roles) == 0 {
			return nil, fmt.Errorf("group %q is mapped to no role", group)
		}
		for _, role := range roles {
			if strings.ContainsAny(role, "\"=") {
				return nil, fmt.Errorf("group %q is mapped to %q, which is no role name", group, role)
			}
		}
		out[group] = uniqueSorted(roles)
	}
	return out, nil
}

// cutGroup splits a group and its = off the text.
func cutGroup(text string) (group, after string, err error) {
	if text[0] != '"' {
		group, after, ok := strings.Cut(text, "=")
		group = strings.TrimSpace(group)
		if !ok || group == "" || strings.ContainsAny(group, "\";") {
			return "", "", fmt.Errorf("mapping %q does not follow \"group\"=role1,role2", text)
		}
		return group, after, nil
	}
	group, after, ok := strings.Cut(text[1:], `"`)
	after, assigned := strings.CutPrefix(strings.TrimSpace(after), "=")
	if !ok || !assigned || group == "" {
		return "", "", fmt.Errorf("mapping %q does not follow \"group\"=role1,role2", text)
	}
	return group, after, nil
}

// Print writes the mapping with every group quoted, groups and roles sorted. It refuses what the setting cannot say for sure: how a quote, semicolon or
// equals sign in a group name would be escaped is not documented, and neither is whether blanks at its ends count.
func (m RoleMapping) Print() (string, error) {
	entries := make([]string, 0, len(m))
	for _, group := range slices.Sorted(maps.Keys(m)) {
		if err := checkGroup(group); err != nil {
			return "", err
		}
		roles := uniqueSorted(m[group])
		if len(roles) == 0 {
			return "", fmt.Errorf("group %q is mapped to no role", group)
		}
		for _, role := range roles {
			if err := checkRoleName(role); err != nil {
				return "", fmt.Errorf("group %q: %w", group, err)
			}
		}
		entries = append(entries, `"`+group+`"=`+strings.Join(roles, ","))
	}
	return strings.Join(entries, ";"), nil
}

func checkGroup(group string) error {
	switch {
	case group == "":
		return fmt.Errorf("a group name in the mapping is empty")
	case strings.ContainsAny(group, "\";="):
		return fmt.Errorf("group %q: a group name with \", ; or = cannot be mapped: Neo4j documents no way to escape it. Map a group with a plain name", group)
	case strings.ContainsRune(group, '\\'):
		return fmt.Errorf("group %q: a group name with a backslash cannot be mapped: neo4j.conf reads it as an escape. Map a group with a plain name", group)
	case group != strings.TrimSpace(group) || hasControl(group):
		return fmt.Errorf("group %q: a group name with control characters, or blanks at its ends, cannot be mapped", group)
	}
	return nil
}

// Equal compares as sets.
func (m RoleMapping) Equal(other RoleMapping) bool {
	return maps.EqualFunc(m, other, EqualSets)
}

// EqualSets compares two lists whose order and repetitions do not count.
func EqualSets(a, b []string) bool { return slices.Equal(uniqueSorted(a), uniqueSorted(b)) }

func uniqueSorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}
