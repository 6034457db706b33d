package reconcile

import (
	"fmt"
	"maps"
	"slices"
)

// checkDoors looks at doors alone: those that are half open, and roles that a mapping gives and that there are not. carried are the groups of accounts, by door.
func checkDoors(doors []Door, carried map[Addr]map[string][]string) []Finding {
	var found []Finding
	for _, d := range doors {
		if d.Range.Empty() {
			continue // no block declares it
		}
		if d.Open != d.Maps {
			found = append(found, halfOpen(d))
		}
		if d.Roles == nil {
			continue
		}
		for _, group := range slices.Sorted(maps.Keys(d.Mapping)) {
			for _, role := range d.Mapping[group] {
				if d.Roles[role] || role == d.Public {
					continue
				}
				f := Finding{Check: CheckMissingRole, Addr: d.Addr, Range: orRange(d.MappingAt[group], orRange(d.MappingRange, d.Range)), Accounts: carried[d.Addr][group],
					Summary: fmt.Sprintf("Group %s is mapped to role %s, which does not exist", group, role),
					Detail:  fmt.Sprintf("No block declares the role, and %s has none of that name: it leaves it out of every login without a word.", d.Words.Product),
					Remedy:  fmt.Sprintf("Declare %s %q, or correct the name.", d.Words.Role, role)}
				if len(f.Accounts) > 0 {
					f.Breaks = "roles"
				}
				found = append(found, f)
			}
		}
	}
	return found
}

func halfOpen(d Door) Finding {
	f := Finding{Check: CheckProviderLists, Addr: d.Addr, Range: d.Range, Remedy: "Add it there, or take it out of the lifecycle's ignore_changes."}
	if d.Open {
		f.Breaks, f.Summary = "roles", fmt.Sprintf("Provider %s logs people in and gives them no role", d.Name)
		f.Detail = "It is missing in " + d.Words.MapsList + ", so nobody's groups are looked at."
		return f
	}
	f.Breaks, f.Summary = "login", fmt.Sprintf("Provider %s is not asked at logins", d.Name)
	f.Detail = "It is missing in " + d.Words.OpenList + ", so its tokens are taken by nobody."
	return f
}

// carriedGroups are the groups with which accounts come through each door.
func carriedGroups(all []entrance) map[Addr]map[string][]string {
	carried := make(map[Addr]map[string][]string)
	for _, e := range all {
		in, ok := e.in()
		if !ok {
			continue
		}
		names, _ := in.groups()
		for _, g := range names {
			if carried[in.door.Addr] == nil {
				carried[in.door.Addr] = make(map[string][]string)
			}
			carried[in.door.Addr][g] = append(carried[in.door.Addr][g], e.token.Account.Label())
		}
	}
	return carried
}
