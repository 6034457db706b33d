package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Node is a place in the access graph: an account, a group, a role or a privilege.
type Node struct {
	Kind NodeKind
	Name string // an account's name, a group's, a role's, a privilege's canonical text
	// On names the named connection whose it is, as [Addr.Instance] does; "" for the unnamed one. A role of one server is another than the role of that name on another
	// server. A group is on the connection of who puts it into tokens.
	On string
	In string // of a group, the [Door] that reads it out of a token, where there are several
}

// AnyConnection is On of a group at the beginning of an edge that holds whoever put the group into a token; [EdgesOf] replaces it.
const AnyConnection = "*"

// Label is the name for people, with the connection where that has a name: etl_writer (neo4j.eu).
func (n Node) Label() string {
	if n.On == "" {
		return n.Name
	}
	return n.Name + " (" + n.On + ")"
}

// NodeOn is On of a node on a system's connection: "" for the unnamed one.
func NodeOn(system, connection string) string {
	if connection == "" {
		return ""
	}
	return InstanceName(system, connection)
}

// NodeKind is the sort of a node.
type NodeKind string

// The sorts of node, in the order in which access flows. A Denial is a privilege taken away: gaining one narrows.
const (
	NodeAccount   NodeKind = "account"
	NodeGroup     NodeKind = "group"
	NodeRole      NodeKind = "role"
	NodePrivilege NodeKind = "privilege"
	NodeDenial    NodeKind = "denial"
)

// Edge says that who has From has To too, and which object makes it so.
type Edge struct {
	From, To Node
	Via      Addr
	// Common marks what whoever is let in has.
	Common bool
}

// AccessChange is what one account gains and loses by a plan.
type AccessChange struct {
	Account      string // the node's [Node.Label]
	Gains, Loses []Node // roles, privileges and denials, in order
	// LaterGains and LaterLoses are those of them that come about only once people did what a plan leaves to them.
	LaterGains, LaterLoses []Node
	// Mark is what that amounts to, see [AccessChange.Effect]; "" leaves it to be told from what is gained and lost.
	Mark string
}

// The effects of a change of access.
const (
	EffectWidens  = "widens"
	EffectNarrows = "narrows"
	EffectChanges = "changes" // both
	EffectNeutral = "neutral" // what is gained was there already by another way, or is denied; and the like of what is lost
)

// Effect is widens, narrows, both ("changes") or neutral. Gaining a denial narrows, losing one widens.
func (c AccessChange) Effect() string {
	if c.Mark != "" {
		return c.Mark
	}
	return effect(slices.ContainsFunc(c.Gains, notDenial) || slices.ContainsFunc(c.Loses, isDenial),
		slices.ContainsFunc(c.Loses, notDenial) || slices.ContainsFunc(c.Gains, isDenial))
}

// Reversed is the change the other way round: what a drift did, where converging would undo it. What a drift did is done, and nothing of it comes later.
func (c AccessChange) Reversed() AccessChange {
	out := AccessChange{Account: c.Account, Gains: c.Loses, Loses: c.Gains, Mark: c.Mark}
	switch c.Mark {
	case EffectWidens:
		out.Mark = EffectNarrows
	case EffectNarrows:
		out.Mark = EffectWidens
	}
	return out
}

func effect(widens, narrows bool) string {
	switch {
	case widens && narrows:
		return EffectChanges
	case widens:
		return EffectWidens
	case narrows:
		return EffectNarrows
	}
	return EffectNeutral
}

func isDenial(n Node) bool  { return n.Kind == NodeDenial }
func notDenial(n Node) bool { return n.Kind != NodeDenial }

// CompareAccess says which accounts gain or lose what between two states, in order of name. j says which privileges contain others, and so what a change amounts to;
// nil takes each as another thing.
//
// Who is let in gains what everybody has. That is told only of accounts that gain nothing else.
func CompareAccess(before, after []Edge, j Judge) []AccessChange {
	was, is := reach(before), reach(after)
	ownWas, ownIs := reach(withoutCommon(before)), reach(withoutCommon(after))
	bare := bareRoles(before, after)
	if j != nil {
		j = j.Anywhere()
	}
	names := maps.Clone(was)
	maps.Copy(names, is)
	var changes []AccessChange
	for _, account := range slices.SortedFunc(maps.Keys(names), compareNode) {
		c := AccessChange{Account: account.Label(), Gains: gained(is[account], was[account], ownIs[account]), Loses: gained(was[account], is[account], ownWas[account])}
		if len(c.Gains)+len(c.Loses) > 0 {
			if j != nil {
				c.Mark = c.weigh(j, was[account], is[account], bare)
			}
			changes = append(changes, c)
		}
	}
	return changes
}

// markLater notes of each change of access what is not there while people did not do their part. meanwhile are the changes of access until then.
func markLater(whole, meanwhile []AccessChange) []AccessChange {
	now := make(map[string]AccessChange, len(meanwhile))
	for _, c := range meanwhile {
		now[c.Account] = c
	}
	rest := func(all, some []Node) []Node {
		return slices.DeleteFunc(slices.Clone(all), func(n Node) bool { return slices.Contains(some, n) })
	}
	for i, c := range whole {
		whole[i].LaterGains, whole[i].LaterLoses = rest(c.Gains, now[c.Account].Gains), rest(c.Loses, now[c.Account].Loses)
	}
	return whole
}

// gained lists what an account has now and had not then. Of one that could not log in at all, what it has by itself, if anything.
func gained(now, then, own map[Node]bool) []Node {
	if len(then) == 0 && len(own) > 0 {
		return without(own, then)
	}
	return without(now, then)
}

func withoutCommon(edges []Edge) []Edge {
	return slices.DeleteFunc(slices.Clone(edges), func(e Edge) bool { return e.Common })
}

// bareRoles are the roles of which nothing is known but the name: whoever gains one may gain anything.
func bareRoles(states ...[]Edge) map[Node]bool {
	named, told := make(map[Node]bool), make(map[Node]bool)
	for _, edges := range states {
		for _, e := range edges {
			if e.To.Kind == NodeRole {
				named[e.To] = true
			}
			if e.From.Kind == NodeRole {
				told[e.From] = true
			}
		}
	}
	maps.DeleteFunc(named, func(role Node, _ bool) bool { return told[role] })
	return named
}

// weigh says what a change amounts to, grants minus denials.
func (c AccessChange) weigh(j Judge, was, is map[Node]bool, bare map[Node]bool) string {
	widens, narrows := false, false
	servers := make(map[string]bool)
	for _, n := range slices.Concat(c.Gains, c.Loses) {
		servers[n.On] = true
	}
	for on := range servers {
		before := j.Weigh(textsOf(was, NodePrivilege, on), textsOf(was, NodeDenial, on))
		after := j.Weigh(textsOf(is, NodePrivilege, on), textsOf(is, NodeDenial, on))
		more := func(nodes, others []Node, from, to Scale) bool {
			return slices.ContainsFunc(nodes, func(n Node) bool {
				return n.On == on && (n.Kind == NodePrivilege && from.Adds(n.Name) && !to.Useless(n.Name) || n.Kind == NodeRole && bare[n])
			}) || slices.ContainsFunc(others, func(n Node) bool { return n.On == on && n.Kind == NodeDenial && to.Takes(n.Name) })
		}
		widens = widens || more(c.Gains, c.Loses, before, after)
		narrows = narrows || more(c.Loses, c.Gains, after, before)
	}
	return effect(widens, narrows)
}

func textsOf(nodes map[Node]bool, kind NodeKind, on string) []string {
	var texts []string
	for n := range nodes {
		if n.Kind == kind && n.On == on {
			texts = append(texts, n.Name)
		}
	}
	slices.Sort(texts)
	return texts
}

// reach maps each account to the roles, privileges and denials it gets to.
func reach(edges []Edge) map[Node]map[Node]bool {
	next := make(map[Node][]Node)
	accounts := make(map[Node]map[Node]bool)
	for _, e := range edges {
		next[e.From] = append(next[e.From], e.To)
		if e.From.Kind == NodeAccount {
			accounts[e.From] = nil
		}
	}
	for account := range accounts {
		seen := make(map[Node]bool)
		walk(account, next, seen)
		maps.DeleteFunc(seen, func(n Node, _ bool) bool { return n.Kind == NodeAccount || n.Kind == NodeGroup })
		accounts[account] = seen
	}
	return accounts
}

func walk(n Node, next map[Node][]Node, seen map[Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	for _, m := range next[n] {
		walk(m, next, seen)
	}
}

func without(a, b map[Node]bool) []Node {
	var ns []Node
	for n := range a {
		if !b[n] {
			ns = append(ns, n)
		}
	}
	slices.SortFunc(ns, compareNode)
	return ns
}

func compareNode(a, b Node) int {
	rank := func(n Node) int {
		return slices.Index([]NodeKind{NodeAccount, NodeGroup, NodeRole, NodePrivilege, NodeDenial}, n.Kind)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.On, b.On), cmp.Compare(a.In, b.In))
}

// After is the state that a plan leads to: the live objects, overlaid with what the changes set. References that stay unknown are kept as they are;
// they are equal to themselves, which is all that the access graph needs.
func After(live []Object, changes []Change) []Object {
	state := make(map[Addr]Object, len(live))
	for _, o := range live {
		state[o.Addr] = o
	}
	for _, c := range changes {
		switch c := c.(type) {
		case Create:
			state[c.Addr()] = c.Want
		case Update:
			state[c.Addr()] = overlay(c.Live, c.Want, c.Diffs)
		case Delete:
			delete(state, c.Addr())
		}
	}
	return slices.SortedFunc(maps.Values(state), func(a, b Object) int { return CompareAddr(a.Addr, b.Addr) })
}

// Desired is what should be live, with the ids that are: each live object with what the spec changes of it, and what the spec wants where nothing is live.
func Desired(d Drift) []Object {
	state := make([]Object, 0, len(d.Items))
	for _, it := range d.Items {
		if it.Want.Absent {
			continue
		}
		if it.Live.Addr.IsZero() {
			state = append(state, it.Want)
			continue
		}
		state = append(state, overlay(it.Live, it.Want, it.Diffs))
	}
	return state
}

// Spoken is the state that a spec alone speaks of: all but what must not exist.
func Spoken(want []Object) []Object {
	return slices.DeleteFunc(slices.Clone(want), func(o Object) bool { return o.Absent })
}

// overlay puts differences over a live object, and what only the spec can say: places, needs, and attributes that are nowhere live. What ignore_changes names has no
// difference, and stays as it is live.
func overlay(live, want Object, diffs []Diff) Object {
	o := live
	o.Attrs = slices.Clone(live.Attrs)
	o.Needs, o.Range, o.Reference = want.Needs, want.Range, want.Reference
	for _, a := range want.Attrs {
		if have, ok := o.Attr(a.Name); ok {
			have.Range, have.Items = a.Range, a.Items
			a = have
		}
		o.Set(a)
	}
	for _, d := range diffs {
		name, key, isKey := strings.Cut(d.Name, ".")
		if !isKey || d.Field.Compare != OwnedKeys {
			a, _ := want.Attr(d.Name)
			a.Name, a.Value = d.Name, d.Want // what is due may be nothing that the want speaks of
			o.Set(a)
			continue
		}
		a, _ := want.Attr(name)
		merged := Map{}
		if m, ok := o.Get(name).(Map); ok {
			merged = maps.Clone(m)
		}
		merged[key] = d.Want
		a.Value = merged
		o.Set(a)
	}
	return o
}
