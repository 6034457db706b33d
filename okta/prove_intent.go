package okta

import (
	"slices"

	"keymaker/reconcile"
)

// asking is what the accounts of a run ask once: a path, of a system.
type asking struct {
	system *System
	what   string
}

// intent is what a state means for all accounts of a run. It is worked out once: there may be thousands of accounts, and each looks at few of the state's objects.
type intent struct {
	apps    map[reconcile.Addr]reconcile.Object // as the state has them
	scopes  []reconcile.Object                  // with references resolved as far as they are known, as issuers are
	claims  []intendedClaim
	issuers []*issuer
}

// intendedClaim is a claim and the key of its authorization server.
type intendedClaim struct {
	object reconcile.Object
	server string
}

// meantBy works out what a state means.
func (s *System) meantBy(state []reconcile.Object) *intent {
	m := &intent{apps: make(map[reconcile.Addr]reconcile.Object)}
	resolve := reconcile.NewIndex(state).Lookup
	v := s.recall()
	var own []reconcile.Object
	for _, o := range reconcile.ObjectsOf(s.Name(), state) {
		if o.Addr.Kind == kindApp {
			m.apps[o.Addr] = o
		}
		o = reconcile.ResolveObject(o, resolve)
		own = append(own, o)
		switch {
		case o.Absent:
		case o.Addr.Kind == kindScope:
			m.scopes = append(m.scopes, o)
		case o.Addr.Kind == kindClaim:
			m.claims = append(m.claims, intendedClaim{o, v.serverKey(o.Get(attrServer))})
		}
	}
	m.issuers = v.issuers(own)
	return m
}

// servers are the authorization servers that the last Read saw.
func (p *proof) servers() []reconcile.Object {
	list, _ := reconcile.Once(p.evidence.Run, asking{p.system, "the servers of the spec"}, func() ([]reconcile.Object, error) {
		var list []reconcile.Object
		for a, o := range p.system.recall().live {
			if a.Kind == kindServer {
				list = append(list, o)
			}
		}
		slices.SortFunc(list, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
		return list, nil
	})
	return list
}

// differing are the objects of the spec that were not as it says when they were last read, and the policies of such rules.
func (p *proof) differing() map[reconcile.Addr]bool {
	differ, _ := reconcile.Once(p.evidence.Run, asking{p.system, "what differs"}, func() (map[reconcile.Addr]bool, error) {
		v := p.system.recall()
		var want []reconcile.Object
		for _, o := range v.want {
			if !o.Reference {
				want = append(want, o)
			}
		}
		live := reconcile.Live{}
		for _, o := range v.live {
			live.Objects = append(live.Objects, o)
		}
		differ := make(map[reconcile.Addr]bool)
		for _, it := range reconcile.Compare(p.system.Kinds(), want, live).Items {
			if it.State != reconcile.InSync {
				differ[it.Addr], differ[policyOf(it.Want)] = true, true
			}
		}
		return differ, nil
	})
	return differ
}
