package neo4j

import (
	"context"
	"errors"
	"slices"

	"keymaker/reconcile"
)

// What bounds a transaction of several steps. Sent whole it takes two round trips, whatever it holds; at this size that is a twentieth of one for a role of five statements. A
// larger one would hold its locks longer, and whoever wants the same role or user waits; Neo4j keeps all that the statements do in memory until the end; and a second try
// does all of it again, by the driver, with a round trip for each statement that is sent.
const (
	batchStatements = 200  // that are sent
	batchParts      = 1000 // that they stand for: see share
)

// Batch says how many steps fit into one transaction: those that consist of one transaction each, up to a bounded number of statements.
func (s *System) Batch(steps []reconcile.Step) int {
	parts, alone, heads := 0, 0, make(map[string]int)
	for n, step := range steps {
		if len(step.Ops) != 1 {
			return n
		}
		t, ok := step.Ops[0].(Transaction)
		if !ok {
			return n
		}
		for _, statement := range t.Statements {
			parts++
			if head, _, can := cutNames(statement); can {
				heads[head]++
			} else {
				alone++
			}
		}
		if sent := alone + len(heads); n > 0 && (sent > batchStatements || parts > batchParts) {
			return n
		}
	}
	return len(steps)
}

// Joined are steps whose statements go into one transaction, which the first of them opens. A statement that speaks for several is the first one's.
func (s *System) Joined(steps []reconcile.Step) []reconcile.Step {
	var parts []Transaction
	for _, step := range steps {
		if len(step.Ops) == 1 {
			if t, ok := step.Ops[0].(Transaction); ok {
				parts = append(parts, t)
			}
		}
	}
	if len(parts) < len(steps) { // one that is alone, and not a transaction alone
		return steps
	}
	spared := make([]int, len(parts))
	for _, s := range share(parts) {
		for _, i := range s.owners[1:] {
			spared[i]++
		}
	}
	joined := slices.Clone(steps)
	for i, t := range parts {
		t.Joined, t.Spared, t.Looks = i > 0, spared[i], 0
		if i == 0 {
			t.Looks = looksAt(parts...)
		}
		joined[i].Ops = []reconcile.Op{t}
	}
	return joined
}

// DoBatch makes the transactions of several steps one.
func (s *System) DoBatch(ctx context.Context, steps []reconcile.Step, resolve reconcile.Resolver) ([]reconcile.Outcome, error) {
	parts := make([]Transaction, len(steps))
	outcomes := make([]reconcile.Outcome, len(steps))
	for i, step := range steps {
		parts[i] = step.Ops[0].(Transaction) // Batch saw to it
		outcomes[i] = parts[i].outcome()
	}
	var all []statement
	for _, s := range share(parts) {
		t := parts[s.owners[0]] // a statement with parameters has one owner
		params, err := t.open(s.text, resolve)
		if err != nil {
			return nil, &reconcile.Refusal{Call: t.String(), Answer: err.Error(), Err: err} // nothing was sent: each alone then says which
		}
		all = append(all, statement{text: s.text, params: params, brief: s.brief()})
	}
	settled := func(err error) bool {
		return slices.ContainsFunc(parts, func(t Transaction) bool { return t.settled(err) })
	}
	unmoved := func() error { return s.unmoved(ctx, parts) }
	err := s.client.transact(ctx, s.uri.String(), all, unmoved, settled)
	var move *reconcile.Move
	if errors.As(err, &move) { // nothing was sent: each alone then says whether it is the one
		return nil, &reconcile.Refusal{Call: parts[0].String(), Answer: move.Error(), Err: move}
	}
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}
