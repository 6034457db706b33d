package reconciletest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"keymaker/reconcile"
)

// Memory is a system backed by a map: objects of one kind, "thing", with a text "text", a set "set", a map "map" and an order "order". A created thing gets the fact
// "id". The zero value is an empty system called "memory". It serves tests of the engine; it is a real system, and passes [Run].
type Memory struct {
	mu      sync.Mutex
	objects map[reconcile.Addr]reconcile.Object
	// Log lists the ops that had an effect, in the order in which they were made.
	Log []string
	// Refuse makes the op with this text fail; Lost makes its answer get lost after the effect.
	Refuse, Lost string
	// Unread makes these objects unreadable.
	Unread map[reconcile.Addr]error
	// Stages overrides the stage of a thing's step; without it deletions are Retire, the rest Converge.
	Stages map[reconcile.Addr]reconcile.Stage
	// Touches is what the step of a thing touches, see [reconcile.Step.Touches]; without it that is anything.
	Touches map[reconcile.Addr][]reconcile.Node
	// Edges is what Access answers for each object.
	Edges func(reconcile.Object) []reconcile.Edge
	// Entered, when not nil, receives the text of each op before it runs; the op then waits for Leave.
	Entered chan string
	Leave   chan struct{}
}

// Thing makes an address.
func Thing(name string) reconcile.Addr {
	return reconcile.Addr{System: "memory", Kind: "thing", Name: name}
}

// MemoryOp is an op of Memory.
type MemoryOp struct {
	Verb  string
	Addr  reconcile.Addr
	Attrs []reconcile.Attr
}

// String gives the verb and the thing's name.
func (o MemoryOp) String() string { return o.Verb + " " + o.Addr.Name }

// Calls counts one write.
func (o MemoryOp) Calls() []reconcile.Tally { return []reconcile.Tally{{What: "write", N: 1}} }

// Name is memory.
func (m *Memory) Name() string { return "memory" }

// Parallel is 4.
func (m *Memory) Parallel() int { return 4 }

// Kinds is the one kind, thing.
func (m *Memory) Kinds() []reconcile.Kind {
	return []reconcile.Kind{{System: "memory", Name: "thing", Fields: []reconcile.Field{
		{Name: "text", Type: reconcile.String},
		{Name: "set", Type: reconcile.SetOfType(reconcile.String), Compare: reconcile.AsSet},
		{Name: "map", Type: reconcile.JSON, Compare: reconcile.OwnedKeys},
		{Name: "order", Type: reconcile.ListOfType(reconcile.String), Compare: reconcile.Relative},
		{Name: "where", Type: reconcile.String, Locates: true},
	}}}
}

// Read gives the things that want names.
func (m *Memory) Read(_ context.Context, want []reconcile.Object) (reconcile.Live, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	live := reconcile.Live{Target: reconcile.Target{System: "memory", Title: "Memory"}, Unread: m.Unread}
	for _, w := range want {
		if o, ok := m.objects[w.Addr]; ok && m.Unread[w.Addr] == nil {
			live.Objects = append(live.Objects, o)
		}
	}
	slices.SortFunc(live.Objects, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	return live, nil
}

// Put makes a thing be there, behind everybody's back.
func (m *Memory) Put(o reconcile.Object) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = make(map[reconcile.Addr]reconcile.Object)
	}
	m.objects[o.Addr] = o
}

// Steps makes one op a change.
func (m *Memory) Steps(changes []reconcile.Change) ([]reconcile.Step, error) {
	var steps []reconcile.Step
	for _, c := range changes {
		s := reconcile.Step{Change: c, Stage: reconcile.Converge}
		op := MemoryOp{Addr: c.Addr()}
		switch c := c.(type) {
		case reconcile.Create:
			op.Verb, op.Attrs = "create", c.Want.Attrs
		case reconcile.Update:
			op.Verb, op.Attrs = "update", c.Want.Attrs
		case reconcile.Delete:
			op.Verb, s.Stage = "delete", reconcile.Retire
		}
		s.Ops = []reconcile.Op{op}
		if stage, ok := m.Stages[c.Addr()]; ok {
			s.Stage = stage
		}
		s.Touches = m.Touches[c.Addr()]
		steps = append(steps, s)
	}
	return steps, nil
}

// Do makes an op.
func (m *Memory) Do(_ context.Context, op reconcile.Op, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	o, ok := op.(MemoryOp)
	if !ok {
		return reconcile.Outcome{}, fmt.Errorf("not an op of memory: %s", op)
	}
	if m.Entered != nil {
		m.Entered <- o.String()
		<-m.Leave
	}
	if o.String() == m.Refuse {
		return reconcile.Outcome{}, errors.New("refused")
	}
	for i, a := range o.Attrs {
		o.Attrs[i].Value = reconcile.Resolve(a.Value, resolve)
		if !reconcile.Known(o.Attrs[i].Value) {
			return reconcile.Outcome{}, fmt.Errorf("%s is still unknown: %s", a.Name, o.Attrs[i].Value)
		}
	}
	return m.effect(o)
}

func (m *Memory) effect(o MemoryOp) (reconcile.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = make(map[reconcile.Addr]reconcile.Object)
	}
	m.Log = append(m.Log, o.String())
	facts := map[string]reconcile.Value{"id": reconcile.Text("id-" + o.Addr.Name)}
	if o.Verb == "delete" {
		delete(m.objects, o.Addr)
	} else {
		live := m.objects[o.Addr]
		live.Addr, live.Facts = o.Addr, facts
		live.Attrs = slices.Clone(live.Attrs)
		for _, a := range o.Attrs {
			live.Set(reconcile.Attr{Name: a.Name, Value: a.Value})
		}
		m.objects[o.Addr] = live
	}
	if o.String() == m.Lost {
		return reconcile.Outcome{}, fmt.Errorf("%s: %w", o, reconcile.ErrUnknownOutcome)
	}
	return reconcile.Outcome{Facts: facts}, nil
}

// Access asks Edges for each object.
func (m *Memory) Access(state []reconcile.Object) []reconcile.Edge {
	if m.Edges == nil {
		return nil
	}
	var edges []reconcile.Edge
	for _, o := range state {
		edges = append(edges, m.Edges(o)...)
	}
	return edges
}
