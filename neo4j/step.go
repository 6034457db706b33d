package neo4j

import (
	"fmt"
	"slices"

	"keymaker/reconcile"
)

// Steps makes changes into transactions, procedure calls, a new neo4j.conf and, once for all providers, a restart. What Keymaker was not given the means
// for is pending. An error names what keeps a change from being planned at all: a setting outside Keymaker's block, a missing right.
func (s *System) Steps(changes []reconcile.Change) ([]reconcile.Step, error) {
	seen := s.last()
	seen.lists = newPrivilegeLists()
	var steps []reconcile.Step
	var providers []*providerStep
	needed := make(rights)
	fate := fateOf(seen, changes)
	for _, c := range changes {
		switch c.Addr().Kind {
		case kindRole:
			step, err := roleStep(seen, fate, c, needed)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Addr(), err)
			}
			steps = append(steps, watching(step, sight(seen, fate, c)))
		case kindUser:
			step, err := userStep(seen, c, needed)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Addr(), err)
			}
			steps = append(steps, watching(step, sight(seen, fate, c)))
		case kindProvider:
			if err := seen.keepsMapping(c); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Addr(), err)
			}
			p, err := s.planProvider(seen, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Addr(), err)
			}
			if err := s.tryConf(p.edits); err != nil {
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
	waitForRoles(steps)
	for i := range steps {
		steps[i].Touches = s.touches(steps[i].Change)
	}
	return append(steps, finishProviders(s, seen, providers)...), nil
}

// watching lets a step's transactions look first at what the plan saw.
func watching(step reconcile.Step, s *Seen) reconcile.Step {
	for i, op := range step.Ops {
		if t, ok := op.(Transaction); ok {
			t.Seen = s
			t.Looks = looksAt(t)
			step.Ops[i] = t
		}
	}
	return step
}

// fate is what becomes of users in a plan: those who leave, and those who have another name by the time that roles are dropped; and the roles that are.
type fate struct {
	leaves map[string]reconcile.Addr
	named  map[string]string
	drops  []string // roles
}

func fateOf(seen snapshot, changes []reconcile.Change) fate {
	f := fate{leaves: make(map[string]reconcile.Addr), named: make(map[string]string)}
	for _, c := range changes {
		if gone, drops := c.(reconcile.Delete); drops && c.Addr().Kind == kindRole {
			f.drops = append(f.drops, liveName(gone.Live))
		}
		if c.Addr().Kind != kindUser {
			continue
		}
		switch c := c.(type) {
		case reconcile.Delete:
			if name := liveName(c.Live); name != seen.user {
				f.leaves[name] = c.Addr()
			}
		case reconcile.Update:
			f.named[liveName(c.Live)] = liveName(c.Want)
		}
	}
	return f
}

// waitForRoles lets whoever is granted a role, and a copy, come after the step that makes it, also when the spec names it by its text and not by a reference.
func waitForRoles(steps []reconcile.Step) {
	made := make(map[reconcile.Value]reconcile.Addr)
	for _, s := range steps {
		switch c := s.Change.(type) {
		case reconcile.Create:
			if c.Addr().Kind == kindRole {
				made[reconcile.Text(liveName(c.Want))] = c.Addr()
			}
		case reconcile.Update:
			if c.Addr().Kind == kindRole {
				made[reconcile.Text(liveName(c.Want))] = c.Addr()
			}
		}
	}
	for i, s := range steps {
		var want reconcile.Object
		switch c := s.Change.(type) {
		case reconcile.Create:
			want = c.Want
		case reconcile.Update:
			want = c.Want
		}
		for _, role := range append(slices.Clone(reconcile.Members(want.Get(attrRoles))), want.Get("copy_of")) {
			text, known := role.(reconcile.Text)
			if addr, here := made[text]; known && here && addr != s.Change.Addr() {
				steps[i].After = append(steps[i].After, addr)
			}
		}
	}
}
