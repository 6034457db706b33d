package neo4j

import "keymaker/reconcile"

// touches names what a change of a role or user has to do with in the access graph, for [reconcile.Step.Touches]: the role, or the user and whoever's tokens are taken for
// that user's. What providers and settings touch is anybody's.
func (s *System) touches(c reconcile.Change) []reconcile.Node {
	nodes := []reconcile.Node{}
	for _, o := range sidesOf(c) {
		name := liveName(o)
		switch o.Addr.Kind {
		case kindRole:
			nodes = append(nodes, reconcile.Node{Kind: reconcile.NodeRole, Name: name, On: s.on()})
		case kindUser:
			nodes = append(nodes, reconcile.Node{Kind: reconcile.NodeAccount, Name: "user " + name, On: s.on()}, reconcile.Node{Kind: reconcile.NodeSubject, Name: name})
			auth, _ := o.Get(attrAuth).(reconcile.Map)
			for _, provider := range sortedKeys(auth) {
				if provider != nativeProvider {
					nodes = append(nodes, reconcile.Node{Kind: reconcile.NodeSubject, Name: reconcile.SubjectKey(auth[provider])})
				}
			}
		}
	}
	return nodes
}

// sidesOf are an object before and after a change.
func sidesOf(c reconcile.Change) []reconcile.Object {
	switch c := c.(type) {
	case reconcile.Create:
		return []reconcile.Object{c.Want}
	case reconcile.Update:
		return []reconcile.Object{c.Live, c.Want}
	case reconcile.Delete:
		return []reconcile.Object{c.Live}
	}
	return nil
}
