package neo4j

import (
	"slices"

	"keymaker/reconcile"
)

// looking is what the accounts of a run see together, by one look: there may be thousands of them, and as many roles and users.
type looking struct {
	system *System
	what   string
}

// login is somebody whom a provider knows by an id.
type login struct{ provider, id string }

// intent is what a state means for all accounts of a run: Neo4j's objects, with references resolved as far as they are known.
type intent struct {
	providers []reconcile.Object
	roles     map[string]reconcile.Object         // by live name
	users     map[reconcile.Addr]reconcile.Object // also those that must not exist
	granted   map[string][]string                 // the roles of users whose roles the spec manages, by live name
	suspended map[login]reconcile.Object          // users whom the spec suspends, by who logs in as them
}

// meantBy works out what a state means.
func (s *System) meantBy(state []reconcile.Object) *intent {
	m := &intent{roles: make(map[string]reconcile.Object), users: make(map[reconcile.Addr]reconcile.Object), granted: make(map[string][]string), suspended: make(map[login]reconcile.Object)}
	resolve := reconcile.NewIndex(state).Lookup
	for _, o := range reconcile.ObjectsOf(s.Name(), state) {
		o = reconcile.ResolveObject(o, resolve)
		switch o.Addr.Kind {
		case kindProvider:
			m.providers = append(m.providers, o)
		case kindRole:
			if _, twice := m.roles[liveName(o)]; !o.Absent && !twice {
				m.roles[liveName(o)] = o
			}
		case kindUser:
			m.takeUser(o)
		}
	}
	return m
}

func (m *intent) takeUser(o reconcile.Object) {
	m.users[o.Addr] = o
	if _, twice := m.granted[liveName(o)]; !twice && o.Get(attrRoles) != nil {
		m.granted[liveName(o)] = reconcile.Texts(o.Get(attrRoles))
	}
	if o.TextAttr(attrStatus) != statusSuspended || !written(o, attrStatus) {
		return
	}
	auth, _ := o.Get(attrAuth).(reconcile.Map)
	for provider, id := range auth {
		who := login{provider, textOf(id)}
		if _, twice := m.suspended[who]; !twice {
			m.suspended[who] = o
		}
	}
}

// mapping is what the spec gives each group, or, where it does not say, what the members do.
func (p *proof) mapping() RoleMapping {
	if spec := p.object.Get("group_to_role"); spec != nil {
		m, _ := reconcile.Once(p.evidence.Run, looking{p.system, "at the mapping of the spec for " + p.name}, func() (RoleMapping, error) { return mappingOf(spec), nil })
		return m
	}
	m, _ := p.liveMapping()
	return m
}

// liveMapping is the provider's mapping as the first member that has one has it.
func (p *proof) liveMapping() (RoleMapping, error) {
	return reconcile.Once(p.evidence.Run, looking{p.system, "at the mapping of " + p.name}, func() (RoleMapping, error) {
		return ParseRoleMapping(p.seen.setting(p.name, "authorization.group_to_role_mapping"))
	})
}

// keptUser is the user who has the token's id at the provider; "" when nobody has.
func (p *proof) keptUser() string {
	byID, _ := reconcile.Once(p.evidence.Run, looking{p.system, "at who logs in by " + p.name}, func() (map[string]string, error) {
		return p.seen.usersBy(providerEntry(p.name)), nil
	})
	return byID[p.id()]
}

// provider finds a declared provider by its live name.
func (m *intent) provider(name string) (reconcile.Object, bool) {
	i := slices.IndexFunc(m.providers, func(o reconcile.Object) bool { return !o.Absent && liveName(o) == name })
	if i < 0 {
		return reconcile.Object{}, false
	}
	return m.providers[i], true
}
