package neo4j

import (
	"strings"
	"testing"

	"keymaker/reconcile"
)

// With require_local_user a token logs in as the user who has its id, who has the mapped roles and those granted to it.
func TestProofOfALocalUser(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r, state := provenRig(t, is)
	r.writeConf("dbms.security.require_local_user=true\n" + r.readConf())
	r.must(r.server.Restart())
	e := is.token(t, nil)
	id := textOf(e.Claims["sub"])

	hops, good := prove(t, r, state, e)
	last := hops[len(hops)-1]
	if good || last.Name != hopLogin || !strings.Contains(last.Likely[0], `no user has id "`+id+`" at oidc-okta-backend`) {
		t.Fatalf("without a user: %+v", last)
	}

	u := r.user("etl", fields{"roles": setOf("reader")}, auth("oidc-okta-backend", fields{"id": reconcile.Text(id)}))
	state = append(state, u)
	r.converge(state...)
	hops, good = prove(t, r, state, is.token(t, nil))
	if !good {
		t.Fatalf("hops %+v", hops)
	}
	if text := hops[3].Text + hops[4].Text; !strings.Contains(text, "etl, a user that Neo4j keeps") || !strings.Contains(text, "reader") || !strings.Contains(text, "etl_writer") {
		t.Errorf("hops %+v", hops)
	}

	// A role beside the spec is found, and who granted it.
	r.admin("GRANT ROLE editor TO etl")
	hops, good = prove(t, r, state, is.token(t, nil))
	if last := hops[len(hops)-1]; good || last.Name != hopRoles || !strings.Contains(strings.Join(last.Likely, "\n"), `user "etl", whom Neo4j keeps, is granted editor, reader`) {
		t.Errorf("an undeclared role: %+v", last)
	}

	r.admin("ALTER USER etl SET STATUS SUSPENDED")
	hops, good = prove(t, r, state, is.token(t, nil))
	if last := hops[len(hops)-1]; good || last.Name != hopLogin || !strings.Contains(last.Likely[0], `user "etl", who has this token's id, is suspended`) {
		t.Errorf("suspended: %+v", last)
	}
}
