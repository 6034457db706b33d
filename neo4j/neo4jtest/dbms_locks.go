package neo4jtest

import (
	"sync"
	"time"
)

// lockTable holds what open transactions changed: a second transaction that touches the same user or role
// waits for the first to end (seen on Neo4j Community), or until its own timeout.
type lockTable struct {
	once    sync.Once
	mu      sync.Mutex
	changed *sync.Cond
	owner   map[string]*tx
	waiting map[*tx]string
}

func (l *lockTable) init() {
	l.once.Do(func() {
		l.changed = sync.NewCond(&l.mu)
		l.owner, l.waiting = map[string]*tx{}, map[*tx]string{}
	})
}

// acquire waits for a key. Two transactions that wait for each other would wait for ever: the one that closes the circle is refused.
func (l *lockTable) acquire(t *tx, key string) *Failure {
	l.init()
	l.mu.Lock()
	defer l.mu.Unlock()
	late := false
	if t.opts.timeoutMS > 0 {
		timer := time.AfterFunc(time.Duration(t.opts.timeoutMS)*time.Millisecond, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			late = true
			l.changed.Broadcast()
		})
		defer timer.Stop()
	}
	for l.owner[key] != nil && l.owner[key] != t {
		if late {
			return &Failure{Code: codeTxTimedOut, Message: "The transaction has been terminated. Retry your operation in a new transaction, and you should see a successful result. The transaction has not completed within the timeout specified at its start by the client."}
		}
		if l.circle(t, key) {
			return &Failure{Code: codeDeadlock, Message: "Transaction can't acquire a lock on " + key + " because it would cause a deadlock."}
		}
		l.waiting[t] = key
		l.changed.Wait()
		delete(l.waiting, t)
	}
	l.owner[key] = t
	return nil
}

// circle says that the owner of key waits, maybe through others, for t.
func (l *lockTable) circle(t *tx, key string) bool {
	for {
		owner := l.owner[key]
		if owner == t {
			return true
		}
		next, waits := l.waiting[owner]
		if owner == nil || !waits {
			return false
		}
		key = next
	}
}

// release frees everything that t holds.
func (l *lockTable) release(t *tx) {
	l.init()
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, owner := range l.owner {
		if owner == t {
			delete(l.owner, key)
		}
	}
	l.changed.Broadcast()
}
