package neo4j

import (
	"sync"
	"testing"

	"keymaker/neo4j/neo4jtest"
)

// Once the first connection has logged in, everything is asked at the same time, of every member too: no question waits for the answer to another. This hangs where one does.
func TestReadAsksAllAtOnce(t *testing.T) {
	for _, members := range []int{1, 3} {
		r := newRig(t, withMembers(members))
		questions := map[string]int{"SHOW CURRENT USER": 1, "SHOW ROLES": 1, "SHOW PRIVILEGES": 1, "SHOW USERS": 1, "SHOW SETTINGS": members}
		var asked sync.WaitGroup
		for match, n := range questions {
			asked.Add(n)
			r.server.Fault(neo4jtest.Fault{Match: match, Notify: func() {
				asked.Done()
				asked.Wait()
			}})
		}
		if _, err := r.sys.Read(t.Context(), faultWants(r)); err != nil {
			t.Fatal(err)
		}
	}
}
