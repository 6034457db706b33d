package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// System is what the engine needs of a system that holds objects. Implementations are safe for concurrent use of Do.
type System interface {
	// Name is what the system's addresses begin with: neo4j, and neo4j.eu for the connection named eu ([Addr.Instance]).
	Name() string
	// Kinds lists what the system can hold.
	Kinds() []Kind
	// Read reads what want names, and only that. It writes nothing and reads no client secret. An object that is not there is absent from the
	// answer; one that could not be read completely is in Live.Unread, and is then neither created, changed nor deleted. An error means that
	// nothing useful could be read at all: the server is not there, refuses the login, or is not what it should be.
	Read(ctx context.Context, want []Object) (Live, error)
	// Steps makes changes of this system concrete: calls, hazards, notes, one step for each change. It does no I/O and gives the same steps for the
	// same changes; of the server it knows what the last Read saw (version, members, files).
	Steps(changes []Change) ([]Step, error)
	// Do makes one op, after replacing every Ref in it through resolve. An error that wraps [ErrUnknownOutcome] says that the call may or may not
	// have taken effect.
	Do(ctx context.Context, op Op, resolve Resolver) (Outcome, error)
	// Access lists who reaches what in a state of this system's objects, as edges of the access graph.
	Access(state []Object) []Edge
	// Parallel is how many steps of this system may run at once.
	Parallel() int
}

// Own says that every live object of a kind whose name matches belongs to the spec: what matches and is not declared is extra.
type Own struct {
	System, Kind string
	Connection   string // which server's, "" for the unnamed connection
	Match        string // a glob of * and ? over the live name
	Range        hcl.Range
	// Lifecycle is that of the own block: with prevent_destroy nothing that it matches is pruned.
	Lifecycle Lifecycle
}

// Instance names the server whose objects are owned, as [System.Name] does.
func (o Own) Instance() string { return InstanceName(o.System, o.Connection) }

// Owner is a system that can list what an own block matches.
type Owner interface {
	// Own says what own blocks the next Reads serve: they read what these match, also where no block declares an object of the kind.
	Own(owns []Own)
	// Owned lists the live objects of the kind that match and that want does not declare, from what the last Read saw, each at the address that a block of its name
	// would have. Objects that must never be deleted have Protected set. An error says why what may match could not be read.
	Owned(own Own, want []Object) ([]Object, error)
}

// Op is one call as data. Its String is the call as it will be made (method, path and body; the Cypher statement), with secrets as their origins.
type Op interface {
	fmt.Stringer
	// Calls says what the op costs, for the plan's forecast.
	Calls() []Tally
}

// Tally counts calls of one sort: {"read", 1}, {"statement", 4}, {"restart", 1}.
type Tally struct {
	What string
	N    int
	// Bucket is what the server counts the calls in, for a limit on their rate; "" where it has none.
	Bucket string
	// Along is how many of them are sent together with others, and take no way there and back of their own.
	Along int
}

// Settler is a system whose server may let two runs make one object at the same time, each without the other knowing.
type Settler interface {
	System
	// Settle is called once when the ops of a plan are done. It looks for twins of what this run made, takes back what another run made before it, and names that. An
	// error says that nobody could look; the next Read tells what is there.
	Settle(ctx context.Context) ([]*Move, error)
}

// Outcome is what an op brought back.
type Outcome struct {
	// Facts are values that are known from now on, for later references: a new app's id and client_id.
	Facts map[string]Value
	// Said is a short remark for the result line, "3 members".
	Said string
}

// Live is what a Read saw.
type Live struct {
	Target  Target
	Objects []Object // what exists, under the addresses of the want; in address order
	// Unread are the objects that exist or may exist and could not be read completely, with the reason.
	Unread map[Addr]error
	// Due is what an apply that was cut off has still to do to objects, as differences, also of attributes that the want leaves out.
	Due map[Addr][]Diff
}

// Target is the server behind a system, as the head of a plan shows it.
type Target struct {
	System  string  // okta, or okta.eu: [System.Name]
	Title   string  // Okta, or Okta eu
	URL     string  // without credentials
	Product string  // "Enterprise 5.26.4", "" when there is nothing to say
	Calls   []Tally // what reading cost, by bucket or sort
	// Budgets are the rate limits that the server told while it was read, by bucket; none where it has no limits.
	Budgets []Budget
	// Pace is how fast calls are made when no limit stands in the way; zero where nobody knows.
	Pace Pace
}

// ErrStopped marks an error of Do of a call that was not made, because the run was told to stop while it waited for its turn.
var ErrStopped = errors.New("stopped while it waited; the call was not made")

// ErrUnknownOutcome marks an error of Do after which nobody knows whether the call took effect: the answer did not arrive.
var ErrUnknownOutcome = errors.New("the answer did not arrive")

// Refusal is a server's no, in its own words.
type Refusal struct {
	Call   string   // "POST /api/v1/authorizationServers/default/claims", or the statement
	Answer string   // "400 E0000001: Api validation failed: value"
	Causes []string // one line each
	ID     string   // request id, "" when there is none
	Remedy string   // what to do about it, "" when nobody knows
	Field  string   // the attribute that the server complains about, when it says so
	Err    error    // the cause, when there is one worth unwrapping
}

// Error puts the refusal on one line.
func (r *Refusal) Error() string {
	s := r.Call + " answered " + r.Answer
	for _, c := range r.Causes {
		s += "; " + c
	}
	if r.ID != "" {
		s += " (request id " + r.ID + ")"
	}
	return s
}

// Unwrap gives the cause.
func (r *Refusal) Unwrap() error { return r.Err }
