package reconcile

import (
	"slices"
	"time"
)

// Plan is what will be done, as data: it can be printed, counted, hashed and saved, and nothing in it is a closure.
type Plan struct {
	Steps   []Step   // in an order in which they may run one after the other
	Drift   Drift    // what it was made from
	Kept    []Kept   // what a destroy leaves, and why
	Targets []Target // the servers, in system order
	Access  []AccessChange
	// Findings are what will not work once the plan is done, or already does not, see [Check].
	Findings []Finding
	Destroy  bool    // made to delete what the spec declares
	Partial  Partial // what was left out because of a selection
	// Made is when the plan was saved; zero for one that is not, so that the same input gives the same plan.
	Made time.Time
	// Parallel bounds how many steps of one system run at once; 0 leaves it to the system.
	Parallel int
}

// Step is one change, made concrete.
type Step struct {
	Change  Change
	Ops     []Op // the calls, in order
	Stage   Stage
	Hazards []Hazard
	Notes   []Note
	// Pending lists what only a person can do, one line each, when keymaker was not given the means (lines for neo4j.conf, a restart). A step with
	// pending lines is never complete: the plan says so, and apply answers with exit code 3.
	Pending []string
	// Later names the attributes of the change that are in effect only once the pending lines are done; [WholeChange] alone says that all of it is. None where the
	// lines only make last what is in effect.
	Later []string
	// After names steps that must have ended well before this one, beside those that its object needs.
	After []Addr
	// Touches are the nodes of the access graph whose surroundings the step changes, as the system tells: an account, a role, a [NodeSubject]. Nil is any node, none is
	// an empty list. Who gets to them is found out when the plan is made, see [Step.Parts].
	Touches []Node
	// Parts number the accounts that the step may have to do with: of two steps that share one, that of the later stage waits for the other. Nil is all.
	Parts []int
}

// WholeChange is the only member of [Step.Later] where nothing of a change is in effect before people did their part.
const WholeChange = "*"

// meanwhile is what of a step's change is in effect while its pending lines are not done; false for nothing.
func (s Step) meanwhile() (Change, bool) {
	if len(s.Later) == 0 {
		return s.Change, true
	}
	u, updates := s.Change.(Update)
	if !updates || slices.Contains(s.Later, WholeChange) {
		return nil, false
	}
	u.Diffs = slices.DeleteFunc(slices.Clone(u.Diffs), func(d Diff) bool { return slices.Contains(s.Later, d.Name) })
	return u, len(u.Diffs) > 0
}

// Stage says when a step runs, so that no account has, between two calls, an access that neither the old state nor the new one gives. Among the steps that have to do
// with one account stages run one after the other; steps of different accounts do not wait for each other.
type Stage int

const (
	// Restrict takes access from accounts (an app loses a group, is deactivated or deleted). It runs before anything can widen what they had.
	Restrict Stage = iota
	// Converge makes and changes objects, what is needed first: a role has its privileges before a mapping gives it to anybody.
	Converge
	// Retire takes away what nothing uses any more, dependants first, after everything that took its place is there.
	Retire
)

// Hazard is a harm that a step may do, of a kind that an operator can refuse.
type Hazard struct {
	Kind HazardKind
	Text string
}

// HazardKind names a sort of harm.
type HazardKind string

// The kinds of hazard.
const (
	HazardWidens  HazardKind = "widens access"
	HazardRestart HazardKind = "restart"
	HazardRevokes HazardKind = "takes access"
	HazardDeletes HazardKind = "deletes"
	HazardSecret  HazardKind = "secret"
	HazardBroken  HazardKind = "broken login" // an account that cannot log in afterwards, see [Finding]
)

// Count says how many steps have an action.
func (p Plan) Count(a Action) int {
	n := 0
	for _, s := range p.Steps {
		if s.Change.Action() == a {
			n++
		}
	}
	return n
}

// Calls sums what the ops of the steps of a system, by [System.Name], cost, by sort and bucket, in order of first mention.
func (p Plan) Calls(system string) []Tally {
	var sum []Tally
	for _, s := range p.Steps {
		if s.Change.Addr().Instance() != system {
			continue
		}
		for _, op := range s.Ops {
			sum = AddTallies(sum, op.Calls()...)
		}
	}
	return sum
}

// AddTallies adds counts, keeping the order of first mention.
func AddTallies(sum []Tally, more ...Tally) []Tally {
next:
	for _, t := range more {
		for i := range sum {
			if sum[i].What == t.What && sum[i].Bucket == t.Bucket {
				sum[i].N += t.N
				sum[i].Along += t.Along
				continue next
			}
		}
		sum = append(sum, t)
	}
	return sum
}

// Pending says whether a step leaves something to people.
func (p Plan) Pending() bool {
	for _, s := range p.Steps {
		if len(s.Pending) > 0 {
			return true
		}
	}
	return false
}

// Waits lists, for each step, the steps that end before it begins, whatever runs at once: what [Apply] keeps to, with all that follows from it left out.
func (p Plan) Waits() [][]int {
	deps := dependencies(p.Steps)
	waits := make([][]int, len(p.Steps))
	for i := range p.Steps {
		seen := make(map[int]bool)
		queue := slices.Clone(deps[i])
		for k := 0; k < len(queue); k++ {
			switch d := queue[k]; {
			case seen[d]:
			case d < len(p.Steps):
				waits[i] = append(waits[i], d)
			default: // a gate
				queue = append(queue, deps[d]...)
			}
			seen[queue[k]] = true
		}
		slices.Sort(waits[i])
	}
	return waits
}
