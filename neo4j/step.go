package neo4j

import (
	"fmt"

	"keymaker/reconcile"
)

// Steps makes changes into transactions, procedure calls, a new neo4j.conf and, once for all providers, a restart. What Keymaker was not given the means
// for is pending. An error names what keeps a change from being planned at all: a setting outside Keymaker's block, a missing right.
func (s *System) Steps(changes []reconcile.Change) ([]reconcile.Step, error) {
	seen := s.last()
	var steps []reconcile.Step
	var providers []*providerStep
	needed := make(rights)
	for _, c := range changes {
		switch c.Addr().Kind {
		case kindRole:
			step, err := roleStep(seen, c, needed)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Addr(), err)
			}
			steps = append(steps, step)
		case kindProvider:
			p, err := s.planProvider(seen, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Addr(), err)
			}
			p.rights(needed)
			providers = append(providers, p)
		default:
			return nil, fmt.Errorf("%s: neo4j has no kind %s", c.Addr(), c.Addr().Kind)
		}
	}
	if err := needed.check(seen); err != nil {
		return nil, err
	}
	return append(steps, finishProviders(s, seen, providers)...), nil
}
