package neo4jtest

import (
	"sync"
	"time"
)

// A store that takes longer than quick to write is written at most every pause times as long, and when the server is closed: else ten thousand roles would write
// gigabytes. A small one is on disk before its client knows of the commit.
const (
	quick = 5 * time.Millisecond
	pause = 20
)

// keeper writes the state file.
type keeper struct {
	file string

	mu    sync.Mutex
	due   *store // what is to be written yet; nil for nothing
	wrote time.Time
	took  time.Duration
	later *time.Timer // writes what had to wait
}

// keep writes a store, or sees to it that it is written soon. A store is not changed once it was given here.
func (k *keeper) keep(s *store) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.due = s
	if rest := pause*k.took - time.Since(k.wrote); k.took > quick && rest > 0 {
		if k.later == nil {
			k.later = time.AfterFunc(rest, func() { _ = k.flush() }) // an error shows at the next commit, or at Close
		}
		return nil
	}
	return k.write()
}

// flush writes what is due.
func (k *keeper) flush() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.later != nil {
		k.later.Stop()
		k.later = nil
	}
	if k.due == nil {
		return nil
	}
	return k.write()
}

func (k *keeper) write() error {
	began := time.Now()
	if err := writeState(k.file, k.due); err != nil {
		return err
	}
	k.due, k.wrote = nil, time.Now()
	k.took = k.wrote.Sub(began)
	return nil
}
