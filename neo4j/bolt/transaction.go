package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"
)

type (
	// Transaction is statements that take effect together.
	Transaction struct {
		Database   string
		Bookmarks  []string      // of what has to be there before
		Timeout    time.Duration // after which the server ends it; 0 for the server's own. Counted in milliseconds
		Statements []Statement
	}
	// Statement is a text with the values of its parameters: texts, numbers (int64), booleans, and lists and maps of these.
	Statement struct {
		Text   string
		Params map[string]any
	}
)

// Begin opens a transaction and runs its statements, in one round trip. done counts the statements that were, -1 when not even the transaction was begun: on an error,
// Statements[done] is the one at fault, or the first that was not answered. A *Failure is the server's, and nothing of the transaction is left then; any other error ends
// the connection, which undoes it too. Nothing takes effect without Commit.
func (c *Conn) Begin(ctx context.Context, tx Transaction) (done int, err error) {
	begin := map[string]any{"db": tx.Database}
	if len(tx.Bookmarks) > 0 {
		begin["bookmarks"] = tx.Bookmarks
	}
	if ms := tx.Timeout.Milliseconds(); ms > 0 {
		begin["tx_timeout"] = ms
	}
	var q queue
	q.add(tagBegin, begin)
	for _, s := range tx.Statements {
		params := s.Params
		if params == nil {
			params = map[string]any{}
		}
		q.add(tagRun, s.Text, params, map[string]any{})
		q.add(tagPull, map[string]any{"n": int64(-1)})
	}
	if q.err != nil {
		return -1, fmt.Errorf("%w: %w", ErrUnsent, q.err)
	}
	done = -1
	err = c.guard(ctx, func() error {
		return c.exchange(&q, func(n int, _ answer) { done = n / 2 }) // 0 is BEGIN, 2 and 4 the PULLs of the first and the second
	})
	return done, c.settled(ctx, err)
}

// Commit makes what was begun take effect. Its bookmark is of what is there from now on, "" where the server gives none. After an error that is neither a *Failure nor
// ErrUnsent it is not known whether it took effect.
func (c *Conn) Commit(ctx context.Context) (bookmark string, err error) {
	var q queue
	q.add(tagCommit)
	err = c.guard(ctx, func() error {
		return c.exchange(&q, func(_ int, a answer) { bookmark, _ = a.meta["bookmark"].(string) })
	})
	return bookmark, c.settled(ctx, err)
}

// settled makes the connection good again after a failure: until RESET the server ignores everything, and may keep the locks of what failed.
func (c *Conn) settled(ctx context.Context, err error) error {
	var no *Failure
	if !errors.As(err, &no) || c.broken {
		return err
	}
	var q queue
	q.add(tagReset)
	if c.guard(ctx, func() error { return c.exchange(&q, func(int, answer) {}) }) != nil {
		c.broken = true
	}
	return err
}
