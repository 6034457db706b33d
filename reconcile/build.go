package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// BuildPlan makes the changes that a policy allowed into an ordered plan. Reference objects that are missing, and objects that could not be read, are
// errors for the operator: nothing may be planned on ground that nobody saw.
func BuildPlan(systems []System, lives []Live, drift Drift, changes []Change) (Plan, error) {
	plan := Plan{Drift: drift}
	for _, l := range lives {
		plan.Targets = append(plan.Targets, l.Target)
	}
	if err := groundSeen(drift); err != nil {
		return plan, err
	}
	var steps []Step
	for _, s := range systems {
		made, err := s.Steps(changesOf(s.Name(), changes))
		if err != nil {
			return plan, err
		}
		steps = append(steps, made...)
	}
	if len(steps) == 0 { // nothing changes for anybody
		return plan, nil
	}
	before := Everything(lives, drift)
	old, new := EdgesOf(systems, before), EdgesOf(systems, After(before, changes))
	steps = delayNarrowing(systems, before, steps, old, new)
	steps = guardAccess(systems, before, partition(systems, before, steps, old, new), old, new)
	ordered, err := Order(holdAccounts(systems, before, steps, old, new))
	if err != nil {
		return plan, err
	}
	joinBatches(ordered, systems)
	plan.Steps = ordered
	plan.Access = CompareAccess(old, new, judgeOf(systems))
	plan.tellLater(systems, before, old, new)
	return plan, nil
}

// tellLater says in a plan that leaves something to people what accounts get only once they did it, and warns of what an account has until then that neither the old state
// nor the new one gives.
func (p *Plan) tellLater(systems []System, before []Object, old, new []Edge) {
	var now []Change
	waits := -1
	for i, s := range p.Steps {
		if len(s.Later) > 0 && waits < 0 {
			waits = i
		}
		if c, some := s.meanwhile(); some {
			now = append(now, c)
		}
	}
	if waits < 0 {
		return
	}
	meanwhile := EdgesOf(systems, After(before, now))
	p.Access = markLater(p.Access, CompareAccess(old, meanwhile, nil))
	if found := FindSurplus(old, new, meanwhile); len(found) > 0 {
		s := &p.Steps[waits]
		s.Hazards = append(slices.Clone(s.Hazards), Hazard{HazardWidens, fmt.Sprintf("until what is left to people is done %s, which neither the old state nor the new one gives", found[0])})
	}
}

func changesOf(system string, changes []Change) []Change {
	var own []Change
	for _, c := range changes {
		if c.Addr().Instance() == system {
			own = append(own, c)
		}
	}
	return own
}

func groundSeen(d Drift) error {
	var errs []error
	told := make(map[string]bool)
	for i, it := range d.Items {
		switch {
		case it.State == Unreadable && !told[it.Err.Error()]:
			told[it.Err.Error()] = true
			errs = append(errs, fmt.Errorf("%s: read: %w", alike(d.Items[i:], it.Err), it.Err))
		case it.State == Missing && it.Want.Reference:
			errs = append(errs, &MissingReference{Addr: it.Addr})
		}
	}
	return errors.Join(errs...)
}

// alike lists the addresses that could not be read for one reason: a refused list is one refusal, however many objects it was read for.
func alike(items []DriftItem, err error) string {
	var addrs []string
	for _, it := range items {
		if it.State == Unreadable && it.Err.Error() == err.Error() {
			addrs = append(addrs, it.Addr.String())
		}
	}
	return strings.Join(addrs, ", ")
}

// MissingReference says that the spec refers to a live object that is not there and that no block declares.
type MissingReference struct{ Addr Addr }

// Error names the object and what to do.
func (e *MissingReference) Error() string {
	return fmt.Sprintf("%s: not found live, and no block declares it: correct the name, or declare it", e.Addr)
}

// AccessOf compares the access graph before and after the changes, over all systems. before is all that is live, see [Everything]: what own blocks match has its share in it.
func AccessOf(systems []System, before []Object, changes []Change) []AccessChange {
	return AccessFrom(systems, EdgesOf(systems, before), before, changes)
}

// AccessFrom is [AccessOf] for who has the edges of the state before already.
func AccessFrom(systems []System, edges []Edge, before []Object, changes []Change) []AccessChange {
	return CompareAccess(edges, EdgesOf(systems, After(before, changes)), judgeOf(systems))
}

// EdgesOf is the access graph of a state, over all systems. Where there are both systems that give tokens and doors that take them, an account has on each server those
// groups that a door there reads out of a token that it takes; else all that its tokens could carry. An edge from a group of [AnyConnection] becomes one for each
// connection that puts a group of this name into tokens; where none does, it is one of the unnamed connection.
func EdgesOf(systems []System, state []Object) []Edge {
	return edgesOf(systems, state, func(Token) {})
}

// GraphOf is the access graph of a state as [EdgesOf] has it, and the tokens that it begins with as [TokensOf] has them.
func GraphOf(systems []System, state []Object) (edges []Edge, tokens []Token) {
	edges = edgesOf(systems, state, func(t Token) { tokens = append(tokens, t) })
	return edges, tokens
}

// edgesOf tells each token once.
func edgesOf(systems []System, state []Object, tell func(Token)) []Edge {
	servers := DoorsOf(systems, state)
	var edges []Edge
	for _, s := range systems {
		own := ObjectsOf(s.Name(), state)
		if issuer, ok := s.(Issuing); ok {
			at := make([][]Edge, len(servers)) // those of each server together
			for t := range issuer.Tokens(own) {
				tell(t)
				for i, doors := range servers {
					at[i] = admitEdges(at[i], t, doors)
				}
			}
			edges = append(edges, slices.Concat(at...)...)
			if len(servers) > 0 {
				continue
			}
		}
		edges = append(edges, s.Access(own)...)
	}
	return settleGroups(edges)
}

func settleGroups(edges []Edge) []Edge {
	type group struct{ name, in string }
	from := make(map[group][]Node)
	for _, e := range edges {
		k := group{e.To.Name, e.To.In}
		if e.To.Kind == NodeGroup && !slices.Contains(from[k], e.To) {
			from[k] = append(from[k], e.To)
		}
	}
	settled := make([]Edge, 0, len(edges))
	for _, e := range edges {
		if e.From.Kind != NodeGroup || e.From.On != AnyConnection {
			settled = append(settled, e)
			continue
		}
		groups := from[group{e.From.Name, e.From.In}]
		if len(groups) == 0 {
			groups = []Node{{Kind: NodeGroup, Name: e.From.Name, In: e.From.In}}
		}
		for _, g := range groups {
			e.From = g
			settled = append(settled, e)
		}
	}
	return settled
}

// ObjectsOf picks one system's objects, by [System.Name], out of a state. Where they stand together, as in a state in address order, they are a part of it: who changes one
// copies it before.
func ObjectsOf(system string, state []Object) []Object {
	from := slices.IndexFunc(state, func(o Object) bool { return o.Addr.Instance() == system })
	if from < 0 {
		return nil
	}
	to := from + 1
	for to < len(state) && state[to].Addr.Instance() == system {
		to++
	}
	own := state[from:to:to]
	for _, o := range state[to:] {
		if o.Addr.Instance() == system {
			own = append(own, o)
		}
	}
	return own
}
