package reconcile

import (
	"errors"
	"fmt"
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
	ordered, err := Order(steps)
	if err != nil {
		return plan, err
	}
	plan.Steps = ordered
	plan.Access = AccessOf(systems, lives, changes)
	return plan, nil
}

func changesOf(system string, changes []Change) []Change {
	var own []Change
	for _, c := range changes {
		if c.Addr().System == system {
			own = append(own, c)
		}
	}
	return own
}

func groundSeen(d Drift) error {
	var errs []error
	for _, it := range d.Items {
		switch {
		case it.State == Unreadable:
			errs = append(errs, fmt.Errorf("%s: read: %w", it.Addr, it.Err))
		case it.State == Missing && it.Want.Reference:
			errs = append(errs, &MissingReference{Addr: it.Addr})
		}
	}
	return errors.Join(errs...)
}

// MissingReference says that the spec refers to a live object that is not there and that no block declares.
type MissingReference struct{ Addr Addr }

// Error names the object and what to do.
func (e *MissingReference) Error() string {
	return fmt.Sprintf("%s: not found live, and no block declares it: correct the name, or declare it", e.Addr)
}

// AccessOf compares the access graph before and after the changes, over all systems.
func AccessOf(systems []System, lives []Live, changes []Change) []AccessChange {
	var before, after []Object
	for _, l := range lives {
		before = append(before, l.Objects...)
	}
	after = After(before, changes)
	return CompareAccess(edgesOf(systems, before), edgesOf(systems, after))
}

func edgesOf(systems []System, state []Object) []Edge {
	var edges []Edge
	for _, s := range systems {
		edges = append(edges, s.Access(ObjectsOf(s.Name(), state))...)
	}
	return edges
}

// ObjectsOf picks one system's objects out of a state.
func ObjectsOf(system string, state []Object) []Object {
	var own []Object
	for _, o := range state {
		if o.Addr.System == system {
			own = append(own, o)
		}
	}
	return own
}
