package neo4j

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Findings looks at roles: those that may use something in a database that they may not enter, and grants that a denial beats.
func (s *System) Findings(state []reconcile.Object) []reconcile.Finding {
	c := critic{seen: s.last(), judge: &judge{read: make(map[string][]leaf), home: defaultHome}, roles: make(map[string]reconcile.Object), with: make(map[string][]string),
		shut: make(map[[sha256.Size]byte]string)}
	for _, o := range state {
		if o.Addr.System == systemName && o.Addr.Kind == kindRole && !o.Absent {
			c.roles[liveName(o)] = o
		}
	}
	shown := make(printer)
	for name, role := range c.seen.roles {
		if _, ours := c.roles[name]; !ours && !c.seen.claimedRoles[name] {
			o := liveRoleObject(reconcile.Object{Addr: reconcile.Addr{System: systemName, Kind: kindRole, Name: name}}, name, role, shown)
			c.roles[name] = o
		}
	}
	if _, read := c.roles[publicRole]; !read {
		c.roles[publicRole] = usualPublic()
	}
	c.together(state, s.Doors(state))
	var found []reconcile.Finding
	for _, name := range sortedKeys(c.roles) {
		if o := c.roles[name]; !o.Range.Empty() { // what no block declares is for others to mend
			found = append(found, c.enter(name, o)...)
			found = append(found, c.denied(name, o)...)
		}
	}
	return found
}

// usualPublic is PUBLIC as a new server has it, for when nobody looked (Operations Manual, "Built-in roles").
func usualPublic() reconcile.Object {
	o := reconcile.Object{Addr: reconcile.Addr{System: systemName, Kind: kindRole, Name: publicRole}}
	o.Set(reconcile.Attr{Name: "grant", Value: reconcile.TextSet("ACCESS ON HOME DATABASE", "EXECUTE FUNCTION * ON DBMS", "EXECUTE PROCEDURE * ON DBMS", "LOAD ON ALL DATA")})
	return o
}

type critic struct {
	seen  snapshot
	judge *judge
	roles map[string]reconcile.Object
	with  map[string][]string          // the roles that somebody gets together with a role
	shut  map[[sha256.Size]byte]string // by what is granted and denied, see [critic.shutOut]: many roles are granted the same
}

// together notes which roles come together: by one group, or to one user.
func (c *critic) together(state []reconcile.Object, doors []reconcile.Door) {
	note := func(roles []string) {
		for _, a := range roles {
			for _, b := range roles {
				if a != b && !slices.Contains(c.with[a], b) {
					c.with[a] = append(c.with[a], b)
				}
			}
		}
	}
	const many = 64 // more roles of one group than anybody looks at
	for _, d := range doors {
		for _, group := range sortedKeys(d.Mapping) {
			if roles := d.Mapping[group]; len(roles) <= many {
				note(roles)
			}
		}
	}
	for _, o := range state {
		if roles := reconcile.Texts(o.Get(attrRoles)); o.Addr.Kind == kindUser && len(roles) <= many {
			note(roles)
		}
	}
}

func grantsOf(o reconcile.Object) []string {
	return append(reconcile.Texts(o.Get("grant")), reconcile.Texts(o.Facts["immutable_grant"])...)
}

func deniesOf(o reconcile.Object) []string {
	return append(reconcile.Texts(o.Get("deny")), reconcile.Texts(o.Facts["immutable_deny"])...)
}

// enter looks for a role that may do something in databases of which it may enter none: not by itself, not as PUBLIC, and not by a role that comes with it.
func (c *critic) enter(name string, o reconcile.Object) []reconcile.Finding {
	grants, denies := grantsOf(o), deniesOf(o)
	own := len(grants)
	for _, other := range append([]string{publicRole}, c.with[name]...) {
		grants, denies = append(grants, grantsOf(c.roles[other])...), append(denies, deniesOf(c.roles[other])...)
	}
	key := sha256.Sum256([]byte(strings.Join(slices.Concat(grants[:own], []string{""}, grants[own:], []string{""}, denies), "\x00")))
	first, known := c.shut[key]
	if !known {
		first = c.shutOut(grants[:own], grants, denies)
		c.shut[key] = first
	}
	if first == "" {
		return nil
	}
	f := reconcile.Finding{Check: reconcile.CheckNoAccess, Addr: o.Addr, Range: attrRange(o, "grant"),
		Summary: fmt.Sprintf("Role %s may enter no database", name),
		Detail:  fmt.Sprintf("It has privileges on graph %s, and neither it, nor PUBLIC, nor a role that is given together with it has ACCESS there. Who has no other role gets in only where that is the home database.", first),
		Remedy:  fmt.Sprintf("Add \"ACCESS ON DATABASE %s\" to grant.", first)}
	return []reconcile.Finding{f}
}

// shutOut is the first graph that some grants are about, where nothing of all that is granted lets its owner into a database of them; "" when something does.
func (c *critic) shutOut(own, grants, denies []string) string {
	scale := c.judge.Weigh(grants, denies)
	first := ""
	for _, text := range own {
		for _, l := range c.judge.leaves(AccessGrant, text, defaultHome) {
			if l.scope != ScopeGraph {
				continue
			}
			if l.place.IsAll() && scale.Ask("ACCESS ON HOME DATABASE").Yes() || scale.Ask(Atom{action: "ACCESS", scope: ScopeDatabase, place: l.place}.String()).Yes() {
				return ""
			}
			if first == "" || l.place.String() < first {
				first = l.place.String()
			}
		}
	}
	return first
}

// denied looks for grants of which a denial leaves nothing: one of the same role, of PUBLIC, or of a role that comes with it.
func (c *critic) denied(name string, o reconcile.Object) []reconcile.Finding {
	var found []reconcile.Finding
	for _, other := range append([]string{name, publicRole}, c.with[name]...) {
		denies := deniesOf(c.roles[other])
		if len(denies) == 0 || other == publicRole && name == publicRole {
			continue
		}
		scale, _ := c.judge.Weigh(nil, denies).(*scale)
		for _, text := range reconcile.Texts(o.Get("grant")) {
			if !scale.Useless(text) || other == name && slices.Contains(denies, text) { // which is told where the spec is read
				continue
			}
			by := scale.Ask(text).Denied
			f := reconcile.Finding{Check: reconcile.CheckDeniedGrant, Addr: o.Addr, Range: itemAt(o, "grant", text), Other: c.roles[other].Addr, OtherText: "the denial",
				OtherRange: itemAt(c.roles[other], "deny", by[0]), Summary: fmt.Sprintf("A denial beats %s", text)}
			f.Detail = fmt.Sprintf("Role %s is granted it, and denied %s: a denial beats a grant, so the grant has no effect.", name, strings.Join(by, ", "))
			f.Remedy = "Remove the one of the two that is not meant."
			if other != name {
				f.Detail = fmt.Sprintf("Role %s is granted it, and role %s, which comes with it, is denied %s: for who has both, the grant has no effect.", name, other, strings.Join(by, ", "))
			}
			found = append(found, f)
		}
	}
	return found
}

// itemAt is where the spec writes a member of a set.
func itemAt(o reconcile.Object, attr, text string) hcl.Range {
	a, _ := o.Attr(attr)
	for _, it := range a.Items {
		if it.Value == reconcile.Text(text) && !it.Range.Empty() {
			return it.Range
		}
	}
	return attrRange(o, attr)
}
