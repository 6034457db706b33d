package okta

import (
	"keymaker/reconcile"
)

// touches names the accounts whose access a change may have a share in, for [reconcile.Step.Touches]: an app's own, of a policy with its rules the clients that it names before
// or after. Nil, for anybody's, is what servers, scopes and claims touch, and a policy for all clients.
func (p planner) touches(c reconcile.Change) []reconcile.Node {
	nodes := []reconcile.Node{}
	for _, o := range reconcile.Sides(c) {
		switch o.Addr.Kind {
		case kindApp:
			nodes = append(nodes, p.account(o))
			if id := clientOf(o); id != nil {
				nodes = append(nodes, reconcile.Node{Kind: reconcile.NodeSubject, Name: reconcile.SubjectKey(id)})
			}
		case kindPolicy:
			clients, ok := p.clientsOf(o)
			if !ok {
				return nil
			}
			nodes = append(nodes, clients...)
		case kindRule:
			for _, policy := range p.sidesOfPolicy(policyOf(o)) {
				clients, ok := p.clientsOf(policy)
				if !ok {
					return nil
				}
				nodes = append(nodes, clients...)
			}
		default:
			return nil
		}
	}
	return nodes
}

// sidesOfPolicy are a policy as it is live and as the spec wants it, as far as there is such a thing.
func (p planner) sidesOfPolicy(a reconcile.Addr) []reconcile.Object {
	var sides []reconcile.Object
	for _, objects := range []map[reconcile.Addr]reconcile.Object{p.view.live, p.view.want} {
		if o, ok := objects[a]; ok {
			sides = append(sides, o)
		}
	}
	return sides
}

func (p planner) account(app reconcile.Object) reconcile.Node {
	return reconcile.Node{Kind: reconcile.NodeAccount, Name: accountName(app, p.view.want), On: p.view.on}
}

// clientsOf are the accounts of the clients that a policy names; false when it is for all. One whose app is in no block is an account of its own.
func (p planner) clientsOf(policy reconcile.Object) ([]reconcile.Node, bool) {
	var nodes []reconcile.Node
	for _, v := range reconcile.Members(policy.Get(attrClients)) {
		addr, known := p.view.apps()[v.String()]
		switch ref, isRef := v.(reconcile.Ref); {
		case v == reconcile.Text(allClients):
			return nil, false
		case known:
			nodes = append(nodes, p.account(p.view.object(addr)))
		case isRef:
			nodes = append(nodes, p.account(p.view.object(ref.Addr)))
		default:
			nodes = append(nodes, reconcile.Node{Kind: reconcile.NodeAccount, Name: "client " + v.String(), On: p.view.on})
		}
	}
	return nodes, true
}

// appsByClient finds apps by their client ids, as these print.
func (v view) appsByClient() map[string]reconcile.Addr {
	apps := make(map[string]reconcile.Addr)
	for _, objects := range []map[reconcile.Addr]reconcile.Object{v.want, v.live} {
		for a, o := range objects {
			if id := clientOf(o); a.Kind == kindApp && id != nil {
				apps[id.String()] = a
			}
		}
	}
	return apps
}
