package okta

import (
	"slices"
	"strings"

	"keymaker/reconcile"
)

// Access lists which account gets which group: what the claims in its tokens say that show an attribute of its profile.
//
// An account is named by its app's name. A client id or scope that is not known yet stands for itself: the reference is the same on both sides.
func (s *System) Access(state []reconcile.Object) []reconcile.Edge {
	var edges []reconcile.Edge
	for t := range s.Tokens(state) {
		if !t.Gets() {
			continue
		}
		for _, c := range t.Claims {
			for i, group := range c.Values {
				edges = append(edges, reconcile.Edge{From: t.Account, To: reconcile.Node{Kind: reconcile.NodeGroup, Name: group, On: s.on()}, Via: c.At[i].Addr})
			}
		}
	}
	slices.SortFunc(edges, func(a, b reconcile.Edge) int {
		return strings.Compare(a.From.Name+"\x00"+a.To.Name+"\x00"+a.Via.String(), b.From.Name+"\x00"+b.To.Name+"\x00"+b.Via.String())
	})
	return slices.Compact(edges)
}

// accountName is an app's name, for one that a moved block renames the new one: it stays the same account.
func accountName(app reconcile.Object, want map[reconcile.Addr]reconcile.Object) string {
	if w := want[app.Addr]; len(w.Formerly) > 0 {
		return nameOf(w)
	}
	return nameOf(app)
}

// ofKind lists the objects of a kind. What must not exist gives nobody anything.
func ofKind(state []reconcile.Object, kind string) []reconcile.Object {
	is := func(o *reconcile.Object) bool {
		return o.Addr.Kind == kind && o.Addr.System == systemName && !o.Absent
	}
	n := 0
	for i := range state {
		if is(&state[i]) {
			n++
		}
	}
	all := make([]reconcile.Object, 0, n) // they are large, and thousands of another kind may be among them
	for i := range state {
		if is(&state[i]) {
			all = append(all, state[i])
		}
	}
	return all
}

// isActive says whether an object is on; new ones are, unless the spec says otherwise.
func isActive(o reconcile.Object) bool { return o.TextAttr(attrStatus) != inactive }

// hasGrant says whether grants let a machine in; left out is what a create makes it, client_credentials.
func hasGrant(grants reconcile.Value) bool {
	return grants == nil || contains(grants, reconcile.Text(grantMachine))
}

// clientOf is an app's client id, nil while nobody knows it.
func clientOf(app reconcile.Object) reconcile.Value {
	if id, ok := app.Facts[attrClientID]; ok {
		return id
	}
	return app.Get(attrClientID)
}

// audience is the clients of a policy: ids and references, by themselves.
type audience map[reconcile.Value]bool

func audienceOf(policy reconcile.Object) audience { return audienceAmong(policy.Get(attrClients)) }

// audienceAmong is the clients in a value, which is a list or set of them.
func audienceAmong(clients reconcile.Value) audience {
	members := reconcile.Members(clients)
	a := make(audience, len(members))
	for _, v := range members {
		switch v.(type) {
		case reconcile.Text, reconcile.Ref: // the others are no keys, and no clients
			a[v] = true
		}
	}
	return a
}

// all says whether the policy is for every client.
func (a audience) all() bool { return a[reconcile.Text(allClients)] }

func (a audience) has(app reconcile.Addr, id reconcile.Value) bool {
	switch id.(type) {
	case reconcile.Text, reconcile.Ref:
		if a[id] {
			return true
		}
	}
	return a.all() || a[reconcile.Ref{Addr: app, Attr: attrClientID}]
}

// profileAttribute is the attribute of an app's profile that a claim shows.
func profileAttribute(claim reconcile.Object) (string, bool) {
	if t := claim.TextAttr("value_type"); t != "" && t != valueExpr {
		return "", false
	}
	name, ok := strings.CutPrefix(strings.TrimSpace(claim.TextAttr("value")), "app.profile.")
	return name, ok && isEnvName(name) // a longer expression is Okta's to evaluate
}

// groupsIn are the groups that a profile attribute names: a list of texts, or one text.
func groupsIn(v reconcile.Value) []string {
	if t, ok := v.(reconcile.Text); ok && t != "" {
		return []string{string(t)}
	}
	return reconcile.Texts(v)
}
