package reconcile

import (
	"slices"
	"sync"
)

// Metered is a [System] that counts the calls that it makes. It is optional: what an apply cost is told beside what was forecast.
type Metered interface {
	// Made lists every call since the system was opened, also those that were made again, by the sorts and buckets that its ops' Calls have.
	Made() []Tally
}

// Meter counts calls. Its zero value is ready; it is safe for concurrent use.
type Meter struct {
	mu   sync.Mutex
	made []Tally
}

// Count adds calls.
func (m *Meter) Count(calls ...Tally) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = AddTallies(m.made, calls...)
}

// Made lists what was counted, in order of first mention.
func (m *Meter) Made() []Tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.made)
}

// Cost is what applying a plan cost on one system.
type Cost struct {
	System   string
	Forecast []Tally // what the plan said
	Made     []Tally // what was counted; nil for a system that does not count
}

// Watching is the sort of calls by which a system sees something through whose end nobody knows beforehand, such as a restart. No forecast has them.
const Watching = "watch"

// Watched is how many of the calls were made only to see something through.
func (c Cost) Watched() int {
	n := 0
	for _, t := range c.Made {
		if t.What == Watching {
			n += t.N
		}
	}
	return n
}

// Sum adds up calls to the server: those of the sorts that were counted. What happens on this machine (files) is none, a restart is no call of ours, and what was made
// to see one through could not be forecast.
func (c Cost) Sum() (forecast, made int) {
	counted := func(what string) bool {
		return slices.ContainsFunc(c.Made, func(t Tally) bool { return t.What == what })
	}
	for _, t := range c.Forecast {
		if counted(t.What) {
			forecast += t.N
		}
	}
	for _, t := range c.Made {
		made += t.N
	}
	return forecast, made - c.Watched()
}

// costs begins to count what a plan costs; the function that it gives says what it came to.
func costs(plan Plan, systems map[string]System) func() []Cost {
	before := make(map[string][]Tally)
	for name, s := range systems {
		if m, ok := s.(Metered); ok {
			before[name] = m.Made()
		}
	}
	return func() []Cost {
		var all []Cost
		for _, t := range plan.Targets {
			m, ok := systems[t.System].(Metered)
			forecast := plan.Calls(t.System)
			if !ok || len(forecast) == 0 {
				continue
			}
			all = append(all, Cost{t.System, forecast, subtract(m.Made(), before[t.System])})
		}
		return all
	}
}

// subtract takes earlier counts off later ones.
func subtract(later, earlier []Tally) []Tally {
	var rest []Tally
	for _, t := range later {
		for _, was := range earlier {
			if was.What == t.What && was.Bucket == t.Bucket {
				t.N -= was.N
			}
		}
		if t.N > 0 {
			rest = append(rest, t)
		}
	}
	return rest
}
