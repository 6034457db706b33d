package neo4j

import (
	"slices"

	"keymaker/reconcile"
)

// Access lists who reaches what: a group its roles, by each provider's mapping, a user who can log in its roles, and a role its privileges and denials. A provider without a mapping gives
// a group the role of the same name (Operations Manual, "Single sign-on integration"). Roles that a mapping names and the spec does not declare have the
// privileges that the last Read saw.
func (s *System) Access(state []reconcile.Object) []reconcile.Edge {
	seen := s.last()
	var edges []reconcile.Edge
	mapped := make(map[string]reconcile.Addr)
	declared := make(map[string]bool)
	var roles []string
	held := 0
	for _, o := range state {
		held += len(reconcile.Members(o.Get("grant"))) + len(reconcile.Members(o.Get("deny")))
	}
	edges = slices.Grow(edges, held)
	for _, o := range state {
		if o.Addr.Kind == kindRole {
			declared[liveName(o)] = true
			roles = append(roles, liveName(o))
			edges = addRoleEdges(edges, o)
			if is := seen.renamed[liveName(o)]; is != "" { // its members' edges have the new name already: they keep it
				renamed := o
				renamed.Attrs = slices.Clone(o.Attrs)
				renamed.Set(reconcile.Attr{Name: "name", Value: reconcile.Text(is)})
				edges = addRoleEdges(edges, renamed)
			}
		}
	}
	doors := s.Doors(state)
	for _, d := range doors {
		if !d.Open || !d.Maps || d.Unknown {
			continue
		}
		for _, e := range mappingEdges(d, append(sortedKeys(seen.roles), roles...)) {
			if s.gone(e.To.Name, declared) {
				continue
			}
			edges = append(edges, e)
			if !declared[e.To.Name] && !seen.asked[e.To.Name] {
				mapped[e.To.Name] = d.Addr
			}
		}
		if !declared[publicRole] && !seen.asked[publicRole] {
			mapped[publicRole] = d.Addr
		}
	}
	for _, o := range state {
		if o.Addr.Kind != kindUser {
			continue
		}
		for _, e := range userEdges(o) {
			if s.gone(e.To.Name, declared) {
				continue
			}
			edges = append(edges, e)
			if !declared[e.To.Name] && !seen.asked[e.To.Name] {
				mapped[e.To.Name] = o.Addr
			}
		}
	}
	for _, name := range sortedKeys(mapped) {
		edges = addLiveEdges(edges, seen, name, mapped[name])
	}
	return s.onConnection(edges)
}

// gone says whether a role that an own block matches is no longer in a state: whoever has it by name has nothing.
func (s *System) gone(role string, inState map[string]bool) bool {
	_, owned := s.owned.Load(role)
	return owned && !inState[role]
}

// on is where nodes of the access graph are.
func (s *System) on() string { return reconcile.NodeOn(systemName, s.name) }

// onConnection says on which server the nodes are. Groups are where their tokens come from.
func (s *System) onConnection(edges []reconcile.Edge) []reconcile.Edge {
	on := s.on()
	for i := range edges {
		for _, n := range []*reconcile.Node{&edges[i].From, &edges[i].To} {
			if n.Kind != reconcile.NodeGroup {
				n.On = on
			}
		}
	}
	return edges
}

// issuersOf says of which connections a provider takes tokens, by the authorization servers that its block refers to; nil when it refers to none, as one whose addresses
// are written out.
func issuersOf(o reconcile.Object) []string {
	var from []string
	for _, n := range o.Needs {
		if on := reconcile.NodeOn(n.System, n.Connection); n.Kind == kindIssuer && n.System != systemName && !slices.Contains(from, on) {
			from = append(from, on)
		}
	}
	return from
}

// kindIssuer is the kind by which every identity provider calls what issues tokens.
const kindIssuer = "authorization_server"

// userEdges are the roles that Neo4j itself grants a user. A user whom nobody can be has none: one that is suspended. An account of the graph is "user " and the name,
// so that an app of the same name is another one.
func userEdges(o reconcile.Object) []reconcile.Edge {
	if o.TextAttr(attrStatus) == statusSuspended {
		return nil
	}
	var edges []reconcile.Edge
	for _, role := range append(reconcile.Texts(o.Get(attrRoles)), publicRole) {
		edges = append(edges, reconcile.Edge{
			From: reconcile.Node{Kind: reconcile.NodeAccount, Name: "user " + liveName(o)},
			To:   reconcile.Node{Kind: reconcile.NodeRole, Name: role},
			Via:  o.Addr, Common: role == publicRole,
		})
	}
	return edges
}

// mappingEdges are the roles of a provider's groups: those of the mapping, or without one the roles of the same name.
func mappingEdges(d reconcile.Door, roles []string) []reconcile.Edge {
	groups := sortedKeys(d.Mapping)
	if d.Automatic {
		groups = uniqueSorted(roles)
	}
	var edges []reconcile.Edge
	for _, group := range groups {
		for _, role := range d.RolesFor(group) {
			edges = append(edges, reconcile.Edge{From: d.GroupNode(group), To: reconcile.Node{Kind: reconcile.NodeRole, Name: role, On: d.On}, Via: d.Addr})
		}
	}
	return edges
}

// addRoleEdges adds a role's privileges and denials, those that Keymaker cannot change among them.
func addRoleEdges(edges []reconcile.Edge, o reconcile.Object) []reconcile.Edge {
	add := func(kind reconcile.NodeKind, texts []string) {
		for _, text := range texts {
			edges = append(edges, reconcile.Edge{
				From: reconcile.Node{Kind: reconcile.NodeRole, Name: liveName(o)},
				To:   reconcile.Node{Kind: kind, Name: text},
				Via:  o.Addr,
			})
		}
	}
	add(reconcile.NodePrivilege, reconcile.Texts(o.Get("grant")))
	add(reconcile.NodePrivilege, reconcile.Texts(o.Facts["immutable_grant"]))
	add(reconcile.NodePrivilege, reconcile.Texts(o.Facts["not_understood"]))
	add(reconcile.NodeDenial, reconcile.Texts(o.Get("deny")))
	add(reconcile.NodeDenial, reconcile.Texts(o.Facts["immutable_deny"]))
	return edges
}

// addLiveEdges adds the privileges of a role that the spec does not declare.
func addLiveEdges(edges []reconcile.Edge, seen snapshot, name string, via reconcile.Addr) []reconcile.Edge {
	role, ok := seen.roles[name]
	if !ok {
		return edges
	}
	o := reconcile.Object{Addr: via}
	o.Set(reconcile.Attr{Name: "name", Value: reconcile.Text(name)})
	o.Set(reconcile.Attr{Name: "grant", Value: reconcile.TextSet(role.grants.texts()...)})
	o.Set(reconcile.Attr{Name: "deny", Value: reconcile.TextSet(role.denies.texts()...)})
	o.Facts = map[string]reconcile.Value{"not_understood": reconcile.TextSet(role.foreign...)}
	return addRoleEdges(edges, o)
}
