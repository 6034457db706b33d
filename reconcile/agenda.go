package reconcile

import (
	"container/heap"
	"slices"
	"sort"
)

// agenda knows which steps can be made: those of the batches whose every ground has ended, in the plan's order.
type agenda struct {
	steps  []Step
	deps   [][]int // by node, see [dependencies]
	users  [][]int // by node: the first steps of the batches that wait for it, and gates
	left   []int   // by node: how much of what it waits for has not ended; of a batch, by its first step
	bad    []int   // by node that ended: the first step behind it that did not end well, or -1
	groups [][]int // by step: the batch that it is made in
	queues map[string]*queue
}

// queue is a heap of the first steps of batches.
type queue struct{ sort.IntSlice }

// Push adds a step, for [heap.Interface].
func (q *queue) Push(x any) { q.IntSlice = append(q.IntSlice, x.(int)) }

// Pop takes the last step away, for [heap.Interface].
func (q *queue) Pop() any {
	last := q.IntSlice[len(q.IntSlice)-1]
	q.IntSlice = q.IntSlice[:len(q.IntSlice)-1]
	return last
}

func newAgenda(steps []Step, systems map[string]System) *agenda {
	deps := dependencies(steps)
	g := &agenda{steps: steps, deps: deps, users: make([][]int, len(deps)), left: make([]int, len(deps)), bad: make([]int, len(deps)),
		groups: batches(steps, deps, systems), queues: make(map[string]*queue)}
	for name := range systems {
		g.queues[name] = &queue{}
	}
	for node, list := range deps {
		waiter := node
		if node < len(steps) {
			waiter = g.groups[node][0]
		}
		for _, d := range list {
			if d < len(steps) && node < len(steps) && g.groups[d][0] == waiter { // within a batch order is enough
				continue
			}
			g.users[d] = append(g.users[d], waiter)
			g.left[waiter]++
		}
	}
	for i := range steps {
		if g.groups[i][0] == i && g.left[i] == 0 {
			g.queue(i)
		}
	}
	return g
}

func (g *agenda) queue(first int) {
	heap.Push(g.queues[g.steps[first].Change.Addr().Instance()], first)
}

// next takes the first batch of a system whose grounds have all ended, nil when there is none.
func (g *agenda) next(system string) []int {
	q := g.queues[system]
	if q.Len() == 0 {
		return nil
	}
	return g.groups[heap.Pop(q).(int)]
}

// end notes that a step has ended, well or not.
func (g *agenda) end(i int, results []Result) {
	g.bad[i] = -1
	if results[i].Status != StatusDone {
		g.bad[i] = i
	}
	ended := []int{i}
	for len(ended) > 0 {
		node := ended[0]
		ended = ended[1:]
		for _, u := range g.users[node] {
			if g.left[u]--; g.left[u] > 0 {
				continue
			}
			if u < len(g.steps) {
				g.queue(u)
				continue
			}
			g.bad[u] = g.worst(g.deps[u])
			ended = append(ended, u)
		}
	}
}

// worst is the first step that did not end well behind some nodes that have ended, or -1.
func (g *agenda) worst(nodes []int) int {
	worst := -1
	for _, d := range nodes {
		if b := g.bad[d]; b >= 0 && (worst < 0 || b < worst) {
			worst = b
		}
	}
	return worst
}

// obstacle is the step that keeps one from being made, or -1: one that it waits for and that is not done, and is none of those that are made with it.
func (g *agenda) obstacle(i int, results []Result, with []int) int {
	for _, d := range g.deps[i] {
		switch {
		case d >= len(g.steps):
			if g.bad[d] >= 0 {
				return g.bad[d]
			}
		case results[d].Status != StatusDone && !slices.Contains(with, d):
			return d
		}
	}
	return -1
}
