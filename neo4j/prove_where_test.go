package neo4j

import (
	"slices"
	"strings"
	"testing"

	"keymaker/neo4j/neo4jtest"
)

// probes are the members on which the session of a token tried a statement.
func probes(r *rig, statement string) []int {
	var members []int
	for _, c := range r.server.Calls() {
		if c.Statement == statement && c.User == "0oa1b2c3" {
			members = append(members, c.Member)
		}
	}
	slices.Sort(members)
	return members
}

// An account's reading is tried on every member, its writing where the database's writer is, whichever member Keymaker itself is connected to.
func TestRightsOnEveryMember(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r, state := provenRig(t, is, withMembers(3))
	for _, leader := range []int{0, 2} {
		r.must(r.server.Lead(leader))
		r.server.ResetCalls()
		hops, good := prove(t, r, state, is.token(t, nil))
		last := hops[len(hops)-1]
		if !good || last.Name != hopRights || !strings.Contains(last.Text, "neo4j: read allowed, by 3 members, write allowed") {
			t.Fatalf("leader %d: %+v", leader, last)
		}
		if read, write := probes(r, readProbe), probes(r, writeProbe); !slices.Equal(read, []int{0, 1, 2}) || !slices.Equal(write, []int{leader}) {
			t.Errorf("leader %d: read on %v, written on %v", leader, read, write)
		}
	}
}

// One member that refuses what the spec means is named.
func TestRightsNameTheMember(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r, state := provenRig(t, is, withMembers(3))
	r.server.Fault(neo4jtest.Fault{Match: readProbe, Nth: 3, Failure: &neo4jtest.Failure{Code: codeForbidden, Message: "Read is not allowed."}})
	hops, good := prove(t, r, state, is.token(t, nil))
	last := hops[len(hops)-1]
	if good || last.Name != hopRights || !strings.Contains(last.Text, "read on neo4j, by "+r.server.URLs[2]+", is not as the spec means it") || last.Expected == "" {
		t.Errorf("broken at %+v", last)
	}
}

// Where it is not known which member has which database, the connection's own address is tried.
func TestRightsWithoutSeats(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r, state := provenRig(t, is, withMembers(2))
	r.server.Fault(neo4jtest.Fault{Match: "SHOW DATABASES", Failure: &neo4jtest.Failure{Code: codeForbidden, Message: "Permission denied."}})
	r.server.ResetCalls()
	hops, good := prove(t, r, state, is.token(t, nil))
	if last := hops[len(hops)-1]; !good || last.Text != "neo4j: read allowed, write allowed" {
		t.Errorf("%+v", last)
	}
	if read, write := probes(r, readProbe), probes(r, writeProbe); !slices.Equal(read, []int{0}) || !slices.Equal(write, []int{0}) {
		t.Errorf("read on %v, written on %v", read, write)
	}
}
