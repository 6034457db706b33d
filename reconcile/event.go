package reconcile

import "time"

// Event is something that happened while a plan was applied or proven. The sum is closed: [Started], [Called], [Waiting], [Finished], [Hopped] and [Proven].
// Events come from one goroutine, in order.
type Event interface{ event() }

type (
	// Started says that a step begins.
	Started struct {
		Addr   Addr
		Action Action
		Nth, N int // the step's number in the plan, from 1, and how many there are
	}
	// Called says that an op ended.
	Called struct {
		Addr Addr
		Op   Op
		Took time.Duration
		Err  error
	}
	// Waiting says that a call waits, and for how long at most. A wait of a step is over with its next call, one of no step when its time has passed, or before that when
	// the same is told once more with no time.
	Waiting struct {
		Addr   Addr // zero when the wait belongs to no step
		Reason string
		Until  time.Time
	}
	// Finished says how a step ended.
	Finished struct{ Result Result }
	// Hopped says what one hop of an account's proof found.
	Hopped struct {
		Account Account
		Hop     Hop
	}
	// Proven says that an account's proof ended.
	Proven struct{ Proof Proof }
)

// Over says whether a wait is told to be over.
func (w Waiting) Over() bool { return w.Until.IsZero() }

func (Started) event()  {}
func (Called) event()   {}
func (Waiting) event()  {}
func (Finished) event() {}
func (Hopped) event()   {}
func (Proven) event()   {}
