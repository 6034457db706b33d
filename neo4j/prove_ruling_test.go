package neo4j

import "testing"

// What privileges mean together, where it can be decided by one statement.
func TestRuling(t *testing.T) {
	t.Parallel()
	hold := func(grants, denials []string) []held {
		var all []held
		for access, texts := range map[Access][]string{AccessGrant: grants, AccessDeny: denials} {
			for _, text := range texts {
				atoms, err := ParsePrivilege(access, text)
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range atoms {
					all = append(all, held{a, access, "r"})
				}
			}
		}
		return all
	}
	list := func(texts ...string) []string { return texts }
	for _, c := range []struct {
		name             string
		grants, denials  []string
		home             string
		enter, make, see ruling
	}{
		{"nothing", nil, nil, "neo4j", withheld, withheld, withheld},
		{"all of one", list("ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH neo4j"), nil, "", allowed, allowed, allowed},
		{"of another", list("ACCESS ON DATABASE x", "MATCH {*} ON GRAPH x", "WRITE ON GRAPH x"), nil, "neo4j", withheld, withheld, withheld},
		{"of every", list("ACCESS ON DATABASE *", "TRAVERSE ON GRAPH *", "ALL GRAPH PRIVILEGES ON GRAPH *"), nil, "", allowed, allowed, allowed},
		{"of the home database", list("ACCESS ON HOME DATABASE", "WRITE ON HOME GRAPH"), nil, "neo4j", allowed, allowed, withheld},
		{"of another home", list("ACCESS ON HOME DATABASE", "WRITE ON HOME GRAPH"), nil, "x", withheld, withheld, withheld},
		{"of a home that is not known", list("ACCESS ON HOME DATABASE", "WRITE ON HOME GRAPH"), nil, "", undecided, undecided, withheld},
		{"denied", list("ACCESS ON DATABASE *", "WRITE ON GRAPH *", "MATCH {*} ON GRAPH *"), list("ACCESS ON DATABASE neo4j", "CREATE ON GRAPH neo4j", "TRAVERSE ON GRAPH neo4j"), "", withheld, withheld, withheld},
		{"denied elsewhere", list("ACCESS ON DATABASE *", "WRITE ON GRAPH *", "MATCH {*} ON GRAPH *"), list("ACCESS ON DATABASE x", "WRITE ON GRAPH x"), "", allowed, allowed, allowed},
		{"denied at a home that is not known", list("ACCESS ON DATABASE *", "WRITE ON GRAPH *"), list("ACCESS ON HOME DATABASE", "WRITE ON HOME GRAPH"), "", undecided, undecided, withheld},
		{"for a label", list("ACCESS ON DATABASE neo4j", "CREATE ON GRAPH neo4j NODES A", "MATCH {*} ON GRAPH neo4j NODES A"), nil, "", allowed, undecided, undecided},
		{"denied for a label", list("ACCESS ON DATABASE neo4j", "WRITE ON GRAPH neo4j", "MATCH {*} ON GRAPH neo4j"), list("CREATE ON GRAPH neo4j NODES A"), "", allowed, allowed, allowed},
		{"relationships only", list("ACCESS ON DATABASE neo4j", "CREATE ON GRAPH neo4j RELATIONSHIPS *"), nil, "", allowed, withheld, withheld},
		{"by a merge", list("MERGE {*} ON GRAPH neo4j NODES *"), nil, "", withheld, allowed, withheld},
	} {
		all := hold(c.grants, c.denials)
		enter, _ := mayEnter(all, "neo4j", c.home)
		create, _ := mayCreate(all, "neo4j", c.home)
		if see := maySee(all, "neo4j", c.home); enter != c.enter || create != c.make || see != c.see {
			t.Errorf("%s: enter %d, create %d, see %d; want %d, %d, %d", c.name, enter, create, see, c.enter, c.make, c.see)
		}
	}
}
