package reconcile

import (
	"fmt"
	"slices"
	"strings"
)

// checkClaims looks for accounts whose tokens a door takes, and that lack the claim from which it reads the groups.
func checkClaims(all []entrance) []Finding {
	var found []Finding
	for _, e := range all {
		t := e.token
		d, fit, near := e.nearest()
		if !near || fit == FitNo || !t.Gets() || !d.Maps || d.GroupsElsewhere {
			continue
		}
		if i := slices.IndexFunc(t.Claims, func(c Claim) bool { return c.Name == d.GroupsClaim }); i >= 0 {
			continue
		}
		if i := slices.IndexFunc(t.Without, func(g Gap) bool { return g.Name == d.GroupsClaim && !g.Meant }); i >= 0 {
			found = append(found, e.withheld(t.Without[i], d))
			continue
		}
		var others []string
		for _, c := range t.Claims {
			if c.Known && len(c.Values) > 0 && !slices.Contains(others, c.Name) {
				others = append(others, c.Name)
			}
		}
		if len(others) == 0 {
			continue // an account that carries no group is meant to have none
		}
		f := e.about(CheckClaimName, "roles", "Provider %s reads no claim that %s carries", d.Name, t.Account.Label())
		f.Addr, f.Range = d.Addr, d.GroupsRange
		read := "claim " + d.GroupsClaim
		if d.GroupsClaim == "" {
			read = "no claim at all, since " + d.Words.Groups + " is not set"
		}
		f.Detail = fmt.Sprintf("It reads groups from %s, and the tokens of %s carry %s.", read, t.Account.Label(), strings.Join(others, ", "))
		f.Remedy = "Set " + d.Words.Groups + " to the claim's block, or rename the claim."
		i := slices.IndexFunc(t.Claims, func(c Claim) bool { return c.Name == others[0] })
		f.Other, f.OtherRange, f.OtherText = t.Claims[i].By.Addr, t.Claims[i].By.Range, "the claim that comes"
		found = append(found, f)
	}
	return found
}

// withheld tells of a claim that a door reads, and that does not come in an account's tokens.
func (e entrance) withheld(g Gap, d Door) Finding {
	t := e.token
	check := CheckScope
	summary := fmt.Sprintf("%s cannot get scope %s", t.Account.Label(), g.Scope)
	switch {
	case g.Identity:
		check, summary = CheckTokenType, "Claim "+g.Name+" is in ID tokens only"
	case g.Scope == "":
		check, summary = CheckTokenType, fmt.Sprintf("%s cannot get claim %s", t.Account.Label(), g.Name)
	}
	f := e.about(check, "claims", "%s", summary)
	f.Detail = capital(g.Text) + fmt.Sprintf(", and provider %s reads the groups from it.", d.Name)
	f.Remedy = g.Remedy
	f.Addr, f.Range = g.Addr, g.Range
	f.Other, f.OtherRange, f.OtherText = g.Other, g.OtherRange, "the rule that decides"
	if g.OtherRange.Empty() {
		f = f.with(d, "the provider that reads it")
	}
	return f
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// checkGroups looks for groups in tokens that give no role.
func checkGroups(all []entrance) []Finding {
	var found []Finding
	for _, e := range all {
		in, ok := e.in()
		if !ok || !in.door.Maps || in.door.Unknown {
			continue
		}
		d := in.door
		names, by := in.groups()
		for i, group := range names {
			f := e.about(CheckUnmappedGroup, "", "No provider maps group %s", group)
			f.Addr, f.Range = by[i].Addr, by[i].Range
			f = f.with(d, "the provider that takes its tokens")
			f.OtherRange = orRange(d.MappingRange, d.Range)
			switch {
			case d.Automatic && (d.Roles == nil || d.Roles[group]):
				continue
			case d.Automatic:
				f.Summary = fmt.Sprintf("Group %s is no role", group)
				f.Detail = fmt.Sprintf("Provider %s has no %s, so a group gives the role of its own name, and there is no role %s.", d.Name, d.Words.Mapping, group)
				f.Remedy = fmt.Sprintf("Declare %s %q, or map the group.", d.Words.Role, group)
			case len(d.Mapping[group]) > 0:
				continue
			case d.Roles[group]:
				f.Check, f.Summary = CheckSameName, fmt.Sprintf("Role %s is not given to group %s", group, group)
				f.Detail = fmt.Sprintf("There is a role of the group's name, but provider %s has a %s, which switches the mapping by name off for every group.", d.Name, d.Words.Mapping)
				f.Remedy = fmt.Sprintf("Add %s = [%q] to %s.", group, group, d.Words.Mapping)
			default:
				f.Detail = fmt.Sprintf("%s carries group %s, and %s of provider %s does not have it: the group gives no role.", e.token.Account.Label(), group, d.Words.Mapping, d.Name)
				f.Remedy = "Map it to a role, or take it out of the profile."
			}
			found = append(found, f)
		}
	}
	return found
}
