package reconcile

import (
	"maps"
	"slices"
	"sync"
)

// Run is what the accounts of one verification share: answers that are the same for all of them, asked for once, and the count of the calls. It is safe for concurrent
// use, and ends with the verification: nothing that was learnt is used in the next one. The methods of a nil Run share and count nothing.
type Run struct {
	mu   sync.Mutex
	once map[any]*answered
	cost map[string]int
}

// answered is an answer that somebody asked for, and the others wait for.
type answered struct {
	once  sync.Once
	value any
	err   error
}

// NewRun makes an empty Run.
func NewRun() *Run { return &Run{once: make(map[any]*answered), cost: make(map[string]int)} }

// Count adds n calls of a kind ("Okta request").
func (r *Run) Count(what string, n int) {
	if r == nil || n == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cost[what] += n
}

// Cost lists the calls by kind.
func (r *Run) Cost() []Tally {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var tallies []Tally
	for _, what := range slices.Sorted(maps.Keys(r.cost)) {
		tallies = append(tallies, Tally{What: what, N: r.cost[what]})
	}
	return tallies
}

// Once gives the answer to a question that all accounts of a run ask, errors too: the first asks, the others wait for what it learns. Keys are compared with ==.
func Once[T any](r *Run, key any, ask func() (T, error)) (T, error) {
	if r == nil {
		return ask()
	}
	r.mu.Lock()
	a := r.once[key]
	if a == nil {
		a = &answered{}
		r.once[key] = a
	}
	r.mu.Unlock()
	a.once.Do(func() { a.value, a.err = ask() })
	value, _ := a.value.(T)
	return value, a.err
}
