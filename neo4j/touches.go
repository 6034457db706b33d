package neo4j

import "keymaker/reconcile"

// touches names what a change of a role or user has to do with in the access graph, for [reconcile.Step.Touches]: the role, or the user and whoever's tokens are taken for
// that user's. What providers and settings touch is anybody's.
func (s *System) touches(c reconcile.Change) []reconcile.Node {
	nodes := []reconcile.Node{}
	for _, o := range reconcile.Sides(c) {
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
