package neo4j

import (
	"context"
	"errors"
	"slices"

	"keymaker/reconcile"
)

// batchStatements bounds a transaction of several steps: Neo4j holds a transaction's locks and state in memory until its end, and a retry makes all of it again.
const batchStatements = 200

// Batch says how many steps fit into one transaction: those that consist of one transaction each, up to a bounded number of statements.
func (s *System) Batch(steps []reconcile.Step) int {
	statements := 0
	for n, step := range steps {
		if len(step.Ops) != 1 {
			return n
		}
		t, ok := step.Ops[0].(Transaction)
		if statements += len(t.Statements); !ok || statements > batchStatements && n > 0 {
			return n
		}
	}
	return len(steps)
}

// Joined is a step whose statements go into the transaction of an earlier one, or that opens its own.
func (s *System) Joined(step reconcile.Step, joined bool) reconcile.Step {
	ops := slices.Clone(step.Ops)
	for i, op := range ops {
		if t, ok := op.(Transaction); ok {
			t.Joined = joined
			ops[i] = t
		}
	}
	step.Ops = ops
	return step
}

// DoBatch makes the transactions of several steps one.
func (s *System) DoBatch(ctx context.Context, steps []reconcile.Step, resolve reconcile.Resolver) ([]reconcile.Outcome, error) {
	var all []statement
	var parts []Transaction
	outcomes := make([]reconcile.Outcome, len(steps))
	for i, step := range steps {
		t := step.Ops[0].(Transaction) // Batch saw to it
		statements, err := t.send(resolve)
		if err != nil {
			return nil, &reconcile.Refusal{Call: t.String(), Answer: err.Error(), Err: err} // nothing was sent: each alone then says which
		}
		all, parts, outcomes[i] = append(all, statements...), append(parts, t), t.outcome()
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
