package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Order sorts steps so that running them one after the other is right:
//
//	stage        Restrict, then Converge, then Retire
//	X makes or changes     after every step on what X wants to need, and on what its step names in After; of the two what is named counts where what is needed is there
//	                       already
//	X deletes              before every deletion of what X needed
//
// Ties go by address, so the same steps always give the same order. A cycle is an error that names its members. What has to wait for what when several run at
// once is less than this order, see [Apply].
func Order(steps []Step) ([]Step, error) {
	steps = slices.Clone(steps)
	slices.SortStableFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Stage, b.Stage), CompareAddr(a.Change.Addr(), b.Change.Addr()))
	})
	deps := dependencies(steps)
	o := orderer{steps: steps, deps: deps, state: make([]mark, len(deps))}
	for i := range steps {
		if err := o.visit(i); err != nil {
			return nil, err
		}
	}
	return o.out, nil
}

type mark int

const (
	unseen mark = iota
	open
	done
)

type orderer struct {
	steps []Step
	deps  [][]int
	state []mark
	path  []string
	out   []Step
}

func (o *orderer) visit(i int) error {
	if o.state[i] == done {
		return nil
	}
	if i >= len(o.steps) { // a gate waits for earlier stages only, and is in no cycle
		o.state[i] = done
		return o.visitAll(o.deps[i])
	}
	addr := o.steps[i].Change.Addr().String()
	if o.state[i] == open {
		return fmt.Errorf("the steps wait for each other: %s", strings.Join(append(o.path[slices.Index(o.path, addr):], addr), " → "))
	}
	o.state[i] = open
	o.path = append(o.path, addr)
	if err := o.visitAll(o.deps[i]); err != nil {
		return err
	}
	o.path = o.path[:len(o.path)-1]
	o.state[i] = done
	o.out = append(o.out, o.steps[i])
	return nil
}

func (o *orderer) visitAll(nodes []int) error {
	for _, d := range nodes {
		if err := o.visit(d); err != nil {
			return err
		}
	}
	return nil
}

// dependencies lists, for each step, what must end before it: steps, and gates that wait for several, which are nodes behind those of the steps with lists of their own.
// Beside what it names, a step waits for those of earlier stages that share one of its parts.
func dependencies(steps []Step) [][]int { return addGates(steps, grounds(steps)) }

// grounds lists, for each step, the steps of its own and earlier stages that it names: by what its object needs, or in After.
func grounds(steps []Step) [][]int {
	at := make(map[Addr]int, len(steps))
	for i, s := range steps {
		at[s.Change.Addr()] = i
	}
	deps := make([][]int, len(steps))
	add := func(later, earlier int) {
		if later != earlier && steps[later].Stage >= steps[earlier].Stage {
			deps[later] = append(deps[later], earlier)
		}
	}
	for i, s := range steps {
		for _, n := range needs(s.Change) {
			j, ok := at[n]
			if !ok {
				continue
			}
			if _, deletes := s.Change.(Delete); deletes {
				add(j, i)
			} else if steps[j].Change.Action() != ActionDelete && !turned(steps[j], s) {
				add(i, j)
			}
		}
		for _, n := range s.After {
			if j, ok := at[n]; ok {
				add(i, j)
			}
		}
	}
	for i := range deps {
		slices.Sort(deps[i])
		deps[i] = slices.Compact(deps[i])
	}
	return deps
}

// turned says whether the change of something that is there already is to wait for what needs it.
func turned(needed, user Step) bool {
	return needed.Change.Action() == ActionUpdate && slices.Contains(needed.After, user.Change.Addr())
}

// stageGrounds is grounds without what stands in earlier stages.
func stageGrounds(steps []Step) [][]int {
	deps := grounds(steps)
	for i, list := range deps {
		deps[i] = slices.DeleteFunc(list, func(d int) bool { return steps[d].Stage != steps[i].Stage })
	}
	return deps
}

func needs(c Change) []Addr {
	switch c := c.(type) {
	case Create:
		return c.Want.Needs
	case Update:
		return c.Want.Needs
	case Delete:
		return c.Live.Needs
	}
	return nil
}
