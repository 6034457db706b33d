package neo4jtest

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

// commitPoint is the store as one transaction left it.
type commitPoint struct {
	number int64
	at     time.Time
	store  *store
}

// committed makes a store the newest. Called with mu held.
func (d *dbms) committed(next *store) {
	if d.lag > 0 {
		if len(d.past) == 0 {
			d.past = append(d.past, commitPoint{number: d.commits, store: d.live})
		}
		for len(d.past) > 1 && !d.now().Before(d.past[1].at.Add(d.lag)) { // everybody has the one after it
			d.past = d.past[1:]
		}
		d.past = append(d.past, commitPoint{number: d.commits + 1, at: d.now(), store: next})
	}
	d.live = next
	d.commits++
}

// standing is the store as the member has it, and the number of its newest transaction: followers may lag. Called with mu held.
func (m *member) standing() (*store, int64) {
	d := m.dbms
	if m.leads() || len(d.past) == 0 {
		return d.live, d.commits
	}
	has := d.past[0]
	for _, p := range d.past[1:] {
		if p.number <= m.caughtUp || !d.now().Before(p.at.Add(d.lag)) {
			has = p
		}
	}
	return has.store, has.number
}

// cluster is where the members are, and which of them leads.
func (d *dbms) cluster() (addresses []string, leader int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.addresses, d.leader
}

// leads says whether the member takes writes. Called with mu held.
func (m *member) leads() bool { return m.index == m.dbms.leader }

// refuseWrite is the refusal of a write by a member that does not lead, in the words of Neo4j's open source (WriteOperationsNotAllowedException) and of users' reports from
// clusters and Aura. Server-side routing, which would pass it on, is not emulated. Called without mu.
func (m *member) refuseWrite() *Failure {
	m.dbms.mu.Lock()
	defer m.dbms.mu.Unlock()
	return m.refuseWriteLocked()
}

func (m *member) refuseWriteLocked() *Failure {
	if m.leads() {
		return nil
	}
	return m.dbms.dialect.chained(codeNotALeader, "No write operations are allowed directly on this database. Writes must pass through the leader. The role of this server is: FOLLOWER", false,
		cause{"08N07", "This member is not the leader."})
}

// await brings the member to the newest of the bookmarks. Real servers wait about 30 seconds for one that is ahead of everybody; here nothing could bring it, since
// members share one store, and the answer comes at once. What is no bookmark is ignored (seen on Neo4j 5.26 and 2026.08 Community). Called with mu held.
func (m *member) await(db string, bookmarks []string) *Failure {
	for _, b := range bookmarks {
		number, ok := bookmarkNumber(b)
		switch {
		case !ok:
			continue
		case number > m.dbms.commits:
			return m.dbms.dialect.chained(codeBookmarkTimeout, fmt.Sprintf("Database '%s' not up to the requested version: %d. Latest database version is %d", db, number, m.dbms.commits), false,
				cause{"08N13", ""})
		}
		m.caughtUp = max(m.caughtUp, number)
	}
	return nil
}

// bookmarkNumber reads what bookmark wrote.
func bookmarkNumber(text string) (number int64, ok bool) {
	const head, tail = "FB:", 1 + 8 + 1
	if len(text) < len(head) || text[:len(head)] != head {
		return 0, false
	}
	data, err := base64.StdEncoding.DecodeString(text[len(head):])
	if err != nil || len(data) != 3+16+tail || data[len(data)-tail] != 0xcb {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(data[len(data)-tail+1:])), true
}

// routingTable lists who writes, who reads and who routes: the leader writes, and reads only where nobody else can (Operations Manual, "Configuration settings":
// dbms.routing.reads_on_writers_enabled is false). address is how the client reached this member. Called with mu held.
func (m *member) routingTable(db, address string) map[string]any {
	all := make([]any, 0, len(m.dbms.addresses))
	var writers, readers []any
	for i, known := range m.dbms.addresses {
		if i == m.index && address != "" {
			known = address
		}
		all = append(all, known)
		if i == m.dbms.leader {
			writers = append(writers, known)
		} else {
			readers = append(readers, known)
		}
	}
	if len(readers) == 0 {
		readers = writers
	}
	servers := []any{
		map[string]any{"addresses": writers, "role": "WRITE"}, map[string]any{"addresses": readers, "role": "READ"}, map[string]any{"addresses": all, "role": "ROUTE"},
	}
	return map[string]any{"ttl": int64(300), "db": db, "servers": servers}
}

// Lead makes another member the leader: the one that takes writes, of every database. Transactions that are open on the old one can no longer write or commit.
func (s *Server) Lead(i int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dbms == nil || i < 0 || i >= len(s.members) {
		return fmt.Errorf("neo4jtest: lead: no member %d is running", i)
	}
	s.dbms.mu.Lock()
	defer s.dbms.mu.Unlock()
	s.dbms.leader = i
	return nil
}
