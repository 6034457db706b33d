package reconcile

import "time"

// Report is what applying a plan came to: one result for each step, in the plan's order.
type Report struct {
	Results     []Result
	Interrupted bool
	// Costs are the calls that it took, beside those that the plan said, for the systems that count them.
	Costs []Cost
}

// Result is how one step ended.
type Result struct {
	Addr   Addr
	Action Action
	Status Status
	Err    error  // of failed and unknown, and of not done where it was stopped between its calls
	After  string // of not done: what it waited for, "" when it was stopped before its turn
	Call   string // of failed and unknown: the op that did not go through
	Calls  int    // ops made
	Said   string // the last op's remark, "3 members"
	Took   time.Duration
	// Pending is what is left to a person, from the step.
	Pending []string
}

// Status is how a step ended.
type Status string

// The statuses. Unknown means that a call's answer did not arrive: it may have taken effect.
const (
	StatusDone    Status = "done"
	StatusFailed  Status = "failed"
	StatusUnknown Status = "unknown"
	StatusNotDone Status = "not done"
)

// LeftToPeople says whether nothing of a step was Keymaker's to do: no call was made, and there is something that people have to do.
func (r Result) LeftToPeople() bool {
	return r.Status == StatusDone && r.Calls == 0 && len(r.Pending) > 0
}

// Count says how many steps with an action ended in a status. One that was left to people whole is none that is done.
func (r Report) Count(a Action, s Status) int {
	n := 0
	for _, res := range r.Results {
		if res.Action == a && res.Status == s && !res.LeftToPeople() {
			n++
		}
	}
	return n
}

// With says how many steps ended in a status.
func (r Report) With(s Status) int {
	return r.Count(ActionCreate, s) + r.Count(ActionUpdate, s) + r.Count(ActionDelete, s)
}

// AllWell says whether no step failed, and none is unknown or not done; something may still be left to people.
func (r Report) AllWell() bool {
	return r.With(StatusFailed)+r.With(StatusUnknown)+r.With(StatusNotDone) == 0
}

// Complete says whether everything was done and nothing is left to people.
func (r Report) Complete() bool {
	for _, res := range r.Results {
		if res.Status != StatusDone || len(res.Pending) > 0 {
			return false
		}
	}
	return true
}
