package neo4jtest

import (
	"fmt"
	"time"
)

// begin opens an explicit transaction.
func (s *session) begin(m beginMessage) outcome {
	if f := s.open(m.extra, false); f != nil {
		return s.fail(f)
	}
	s.state = stateInTransaction
	meta := map[string]any{}
	if at, ok := s.tx.transaction.(interface{ database() string }); ok && m.extra.options.db == "" && s.codec.version.atLeast(5, 8) {
		meta["db"] = at.database()
	}
	return s.succeed(meta)
}

func (s *session) open(extra transactionExtra, auto bool) *Failure {
	extra.options.auto = auto
	s.call.db, s.call.auto = extra.options.db, auto
	tx, f := s.listener.backend.begin(s.user, extra.options)
	if f != nil {
		return f
	}
	s.tx = &openTx{transaction: tx, options: extra.options, filter: extra.filter.over(s.filter), results: map[int64]*cursor{}}
	return nil
}

// run executes a statement. In READY it opens an auto-commit transaction, which stays open until the result is consumed; inside a transaction the message's
// own options say nothing.
func (s *session) run(m runMessage) outcome {
	s.call.statement = m.query
	auto := s.state == stateReady
	if auto {
		if f := s.open(m.extra, true); f != nil {
			return s.fail(f)
		}
	}
	ev := event{message: "RUN", auto: auto, statement: m.query, db: s.tx.options.db}
	if result, ok := s.inject(ev); !ok {
		return result
	}
	if len(s.tx.results) >= maxOpenResults {
		return s.fail(&Failure{Code: "Neo.TransientError.General.TransactionOutOfMemoryError",
			Message: fmt.Sprintf("The transaction holds %d unread results, which is all that the emulator allows.", maxOpenResults)})
	}
	started := time.Now()
	result, f := s.tx.run(m.query, m.params)
	if f != nil {
		return s.fail(f)
	}
	ev.after = true
	if result, ok := s.inject(ev); !ok {
		return result
	}
	return s.opened(&cursor{result: result, started: started}, m.query, auto)
}

// opened keeps a result for fetching and answers RUN.
func (s *session) opened(c *cursor, query string, auto bool) outcome {
	qid := s.tx.next
	s.tx.results[qid] = c
	s.tx.next++
	if s.listener.cfg.fault != nil {
		s.tx.statements = append(s.tx.statements, query)
	}
	meta := map[string]any{"fields": texts(c.fields), "t_first": time.Since(c.started).Milliseconds()}
	if s.codec.version.atLeast(5, 8) && c.homeDB {
		meta["db"] = c.db
	}
	if auto {
		s.state = stateAutoCommit
	} else {
		meta["qid"] = qid
	}
	return s.succeed(meta)
}

// fetch sends (pull) or drops rows. The batch that reaches the end carries the summary.
func (s *session) fetch(f fetch, pull bool) outcome {
	qid := f.qid
	if qid == -1 {
		qid = s.tx.next - 1
	}
	c, ok := s.tx.results[qid]
	if !ok {
		return s.fail(&Failure{Code: codeInvalidFormat, Message: fmt.Sprintf("No such statement: %d", max(qid, 0))})
	}
	if c.late != nil {
		return s.fail(c.late)
	}
	c.read = c.read || pull
	end := c.sent + int(min(f.n, int64(len(c.rows)-c.sent)))
	for pull && c.sent < end {
		if result := s.send(tagRecord, c.rows[c.sent]); result != keepOpen || s.tx == nil {
			return result // the peer is gone, or the row has no form and a FAILURE said so
		}
		c.sent++
	}
	c.sent = end
	if end < len(c.rows) {
		return s.succeed(map[string]any{"has_more": true})
	}
	delete(s.tx.results, qid)
	return s.finish(c)
}

// finish sends the summary of a result. The effects of an auto-commit statement become visible here.
func (s *session) finish(c *cursor) outcome {
	meta := s.summary(c)
	if s.state == stateAutoCommit {
		bookmark, result, ok := s.commitTx()
		if !ok {
			return result
		}
		if bookmark != "" {
			meta["bookmark"] = bookmark
		}
	}
	meta["t_last"] = time.Since(c.started).Milliseconds()
	return s.succeed(meta)
}

func (s *session) summary(c *cursor) map[string]any {
	meta := map[string]any{"type": c.kind, "db": c.db}
	if len(c.stats) > 0 {
		meta["stats"] = c.stats
	}
	notes := s.tx.filter.apply(c.notifications)
	switch {
	case s.codec.version.atLeast(5, 6):
		meta["statuses"] = statuses(c.result, c.read, notes)
	case len(notes) > 0:
		list := make([]any, len(notes))
		for i, n := range notes {
			list[i] = notificationMetadata(n)
		}
		meta["notifications"] = list
	}
	return meta
}

// commit ends an explicit transaction; results that nobody read are dropped.
func (s *session) commit() outcome {
	bookmark, result, ok := s.commitTx()
	if !ok {
		return result
	}
	meta := map[string]any{}
	if bookmark != "" {
		meta["bookmark"] = bookmark
	}
	return s.succeed(meta)
}

// commitTx makes the effects visible and returns to READY. Not ok means that the message is answered, with the outcome.
func (s *session) commitTx() (bookmark string, result outcome, ok bool) {
	ev := event{message: "COMMIT", auto: s.tx.options.auto, statement: s.tx.ranStatements(), db: s.tx.options.db}
	if result, ok := s.inject(ev); !ok {
		return "", result, false
	}
	tx := s.tx
	s.tx = nil // from here on it must not be rolled back
	bookmark, f := tx.commit()
	if f != nil {
		return "", s.fail(f), false
	}
	s.state = stateReady
	ev.after = true
	result, ok = s.inject(ev)
	return bookmark, result, ok
}

// texts is a list of strings that is never null on the wire.
func texts(list []string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}
