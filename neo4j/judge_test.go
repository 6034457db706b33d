package neo4j

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
)

func TestJudge(t *testing.T) {
	tests := []struct {
		name           string
		grants, denies []string
		question       string
		yes            bool
		missing        string // a part that is said to be missing
		denied         string // a denial that is named
	}{
		{name: "itself", grants: []string{"ACCESS ON DATABASE neo4j", "WRITE ON GRAPH neo4j"}, question: "WRITE ON GRAPH neo4j", yes: true},
		{name: "any case and spelling", grants: []string{"ACCESS ON DATABASE *", "WRITE ON GRAPH `neo4j`"}, question: "write on graphs NEO4J", yes: true},
		{name: "all graphs", grants: []string{"ACCESS ON DATABASE *", "WRITE ON GRAPH *"}, question: "WRITE ON GRAPH neo4j", yes: true},
		{name: "one graph is not all", grants: []string{"ACCESS ON DATABASE *", "WRITE ON GRAPH neo4j"}, question: "WRITE ON GRAPH *", missing: "CREATE ON GRAPH * NODE *"},
		{name: "another graph", grants: []string{"ACCESS ON DATABASE *", "WRITE ON GRAPH other"}, question: "WRITE ON GRAPH neo4j", missing: "CREATE ON GRAPH `neo4j` NODE *"},
		{name: "no access", grants: []string{"WRITE ON GRAPH neo4j"}, question: "WRITE ON GRAPH neo4j", missing: "ACCESS ON DATABASE `neo4j`"},
		{name: "home is neo4j", grants: []string{"ACCESS ON HOME DATABASE", "WRITE ON HOME GRAPH"}, question: "WRITE ON GRAPH neo4j", yes: true},
		{name: "home is not other", grants: []string{"ACCESS ON HOME DATABASE", "WRITE ON GRAPH *"}, question: "WRITE ON GRAPH other", missing: "ACCESS ON DATABASE `other`"},
		{name: "write has create", grants: []string{"ACCESS ON DATABASE *", "WRITE ON GRAPH *"}, question: "CREATE ON GRAPH neo4j NODES A", yes: true},
		{name: "its parts are write", grants: []string{"ACCESS ON DATABASE *", "CREATE ON GRAPH *", "DELETE ON GRAPH *", "SET PROPERTY {*} ON GRAPH *", "SET LABEL * ON GRAPH *", "REMOVE LABEL * ON GRAPH *"},
			question: "WRITE ON GRAPH neo4j", yes: true},
		{name: "a part is missing", grants: []string{"ACCESS ON DATABASE *", "CREATE ON GRAPH *", "DELETE ON GRAPH *", "SET PROPERTY {*} ON GRAPH *", "SET LABEL * ON GRAPH *"},
			question: "WRITE ON GRAPH neo4j", missing: "REMOVE LABEL * ON GRAPH `neo4j`"},
		{name: "match reads", grants: []string{"ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j"}, question: "READ {name} ON GRAPH neo4j NODES Person", yes: true},
		{name: "match of one property", grants: []string{"ACCESS ON DATABASE *", "MATCH {name} ON GRAPH neo4j NODES Person"}, question: "READ {name} ON GRAPH neo4j NODES Person", yes: true},
		{name: "of another property", grants: []string{"ACCESS ON DATABASE *", "MATCH {age} ON GRAPH neo4j NODES Person"}, question: "READ {name} ON GRAPH neo4j NODES Person", missing: "READ {name} ON GRAPH `neo4j` NODE Person"},
		{name: "of another label", grants: []string{"ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j NODES Other"}, question: "READ {name} ON GRAPH neo4j NODES Person", missing: "TRAVERSE ON GRAPH `neo4j` NODE Person"},
		{name: "read without traverse", grants: []string{"ACCESS ON DATABASE *", "READ {*} ON GRAPH neo4j"}, question: "READ {name} ON GRAPH neo4j NODES Person", missing: "TRAVERSE ON GRAPH `neo4j` NODE Person"},
		{name: "all on graph", grants: []string{"ACCESS ON DATABASE *", "ALL GRAPH PRIVILEGES ON GRAPH neo4j"}, question: "READ {name} ON GRAPH neo4j RELATIONSHIPS T", yes: true},
		{name: "merge creates", grants: []string{"ACCESS ON DATABASE *", "MERGE {p} ON GRAPH neo4j NODES A"}, question: "CREATE ON GRAPH neo4j NODES A", yes: true},
		{name: "merge sets its property", grants: []string{"ACCESS ON DATABASE *", "MERGE {p} ON GRAPH neo4j NODES A"}, question: "SET PROPERTY {q} ON GRAPH neo4j NODES A", missing: "SET PROPERTY {q} ON GRAPH `neo4j` NODE A"},
		{name: "denied", grants: []string{"ACCESS ON DATABASE *", "WRITE ON GRAPH neo4j"}, denies: []string{"WRITE ON GRAPH *"}, question: "WRITE ON GRAPH neo4j", denied: "WRITE ON GRAPH *"},
		{name: "denied in part", grants: []string{"ACCESS ON DATABASE *", "WRITE ON GRAPH neo4j"}, denies: []string{"CREATE ON GRAPH neo4j NODES Secret"}, question: "WRITE ON GRAPH neo4j",
			denied: "CREATE ON GRAPH neo4j NODES Secret"},
		{name: "denied elsewhere", grants: []string{"ACCESS ON DATABASE *", "WRITE ON GRAPH neo4j"}, denies: []string{"CREATE ON GRAPH other"}, question: "WRITE ON GRAPH neo4j", yes: true},
		{name: "denied for another label", grants: []string{"ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j"}, denies: []string{"READ {*} ON GRAPH neo4j NODES Secret"},
			question: "READ {name} ON GRAPH neo4j NODES Person", yes: true},
		{name: "deny match of a property lets it be found", grants: []string{"ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j"}, denies: []string{"MATCH {ssn} ON GRAPH neo4j"},
			question: "TRAVERSE ON GRAPH neo4j NODES Person", yes: true},
		{name: "deny match of all hides it", grants: []string{"ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j"}, denies: []string{"MATCH {*} ON GRAPH neo4j NODES Person"},
			question: "TRAVERSE ON GRAPH neo4j NODES Person", denied: "MATCH {*} ON GRAPH neo4j NODES Person"},
		{name: "deny traverse hides what could be read", grants: []string{"ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j"}, denies: []string{"TRAVERSE ON GRAPH neo4j NODES Person"},
			question: "READ {name} ON GRAPH neo4j NODES Person", denied: "TRAVERSE ON GRAPH neo4j NODES Person"},
		{name: "deny access", grants: []string{"ACCESS ON DATABASE *", "WRITE ON GRAPH neo4j"}, denies: []string{"ACCESS ON DATABASE neo4j"}, question: "WRITE ON GRAPH neo4j", denied: "ACCESS ON DATABASE neo4j"},
		{name: "a rule is not all", grants: []string{"ACCESS ON DATABASE *", "TRAVERSE ON GRAPH neo4j", "READ {*} ON GRAPH neo4j FOR (n:Person) WHERE n.open = true"},
			question: "READ {name} ON GRAPH neo4j NODES Person", missing: "READ {name} ON GRAPH `neo4j` NODE Person"},
		{name: "a rule denies in part", grants: []string{"ACCESS ON DATABASE *", "MATCH {*} ON GRAPH neo4j"}, denies: []string{"READ {*} ON GRAPH neo4j FOR (n:Person) WHERE n.secret = true"},
			question: "READ {name} ON GRAPH neo4j NODES Person", denied: "READ {*} ON GRAPH neo4j FOR (n:Person) WHERE n.secret = true"},
		{name: "all of the DBMS", grants: []string{"ALL DBMS PRIVILEGES ON DBMS"}, question: "CREATE ROLE ON DBMS", yes: true},
		{name: "all of the DBMS runs procedures", grants: []string{"ALL DBMS PRIVILEGES ON DBMS"}, question: "EXECUTE PROCEDURE apoc.* ON DBMS", yes: true},
		{name: "glob in glob", grants: []string{"EXECUTE PROCEDURE apoc.* ON DBMS"}, question: "EXECUTE PROCEDURE apoc.load.json ON DBMS", yes: true},
		{name: "glob not in glob", grants: []string{"EXECUTE PROCEDURE apoc.* ON DBMS"}, question: "EXECUTE PROCEDURE * ON DBMS", missing: "EXECUTE PROCEDURE * ON DBMS"},
		{name: "glob denied", grants: []string{"EXECUTE PROCEDURE * ON DBMS"}, denies: []string{"EXECUTE PROCEDURE apoc.load.* ON DBMS"}, question: "EXECUTE PROCEDURE apoc.load.json ON DBMS",
			denied: "EXECUTE PROCEDURE apoc.load.* ON DBMS"},
		{name: "impersonate one", grants: []string{"IMPERSONATE (*) ON DBMS"}, question: "IMPERSONATE (alice) ON DBMS", yes: true},
		{name: "impersonate all", grants: []string{"IMPERSONATE (alice) ON DBMS"}, question: "IMPERSONATE ON DBMS", missing: "IMPERSONATE (*) ON DBMS"},
		{name: "transactions are not in all of the database", grants: []string{"ALL DATABASE PRIVILEGES ON DATABASE *"}, question: "SHOW TRANSACTION (*) ON DATABASE neo4j", missing: "SHOW TRANSACTION (*) ON DATABASE `neo4j`"},
		{name: "load from one network", grants: []string{"LOAD ON ALL DATA"}, question: `LOAD ON CIDR "10.0.0.0/8"`, yes: true},
		{name: "nothing at all", question: "ACCESS ON DATABASE neo4j", missing: "ACCESS ON DATABASE `neo4j`"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			j := (&System{}).Judge()
			q, err := j.Question(c.question)
			if err != nil {
				t.Fatal(err)
			}
			s := j.Weigh(c.grants, c.denies)
			yes := true
			var missing, denied []string
			for _, part := range append(q.Needs, q.Parts...) {
				v := s.Ask(part)
				yes = yes && v.Yes()
				missing, denied = append(missing, v.Missing...), append(denied, v.Denied...)
			}
			if yes != c.yes || c.missing != "" && !slices.Contains(missing, c.missing) || c.denied != "" && !slices.Contains(denied, c.denied) {
				t.Errorf("yes %t, missing %q, denied %q", yes, missing, denied)
			}
			if c.missing == "" && len(missing) > 0 || c.denied == "" && len(denied) > 0 {
				t.Errorf("missing %q and denied %q, and should not", missing, denied)
			}
		})
	}
}

func TestScaleChanges(t *testing.T) {
	s := (&System{}).Judge().Weigh([]string{"MATCH {*} ON GRAPH neo4j", "WRITE ON GRAPH a"}, []string{"MATCH {*} ON GRAPH neo4j NODES Secret", "WRITE ON GRAPH a"})
	for text, adds := range map[string]bool{
		"READ {p} ON GRAPH neo4j NODES A": false, "WRITE ON GRAPH neo4j": true, "TRAVERSE ON GRAPH *": true, "no privilege at all": true, "WRITE ON GRAPH a": true,
	} {
		if got := s.Adds(text); got != adds {
			t.Errorf("adds %s: %t", text, got)
		}
	}
	for text, takes := range map[string]bool{"READ {p} ON GRAPH neo4j NODES A": true, "READ {p} ON GRAPH neo4j NODES Secret": false, "WRITE ON GRAPH b": false, "CREATE ON GRAPH a NODES X": false} {
		if got := s.Takes(text); got != takes {
			t.Errorf("takes %s: %t", text, got)
		}
	}
	for text, useless := range map[string]bool{"WRITE ON GRAPH a": true, "CREATE ON GRAPH a": true, "MATCH {*} ON GRAPH neo4j": false, "no privilege at all": false} {
		if got := s.Useless(text); got != useless {
			t.Errorf("useless %s: %t", text, got)
		}
	}
}

func TestQuestionError(t *testing.T) {
	_, err := (&System{}).Judge().Question("REED {*} ON GRAPH neo4j")
	var qe *reconcile.QuestionError
	if !errors.As(err, &qe) || qe.Offset != 0 || qe.Length != 4 || !strings.Contains(qe.Remedy, "READ") {
		t.Errorf("got %#v", err)
	}
}

// Every privilege that the grammar knows is held by itself, comes apart into leaves that print as privileges, and is denied by its own denial.
func TestEveryPrivilegeHoldsItself(t *testing.T) {
	for _, entry := range everyEntry() {
		atoms, err := ParsePrivilege(AccessGrant, entry)
		if err != nil {
			continue
		}
		for _, a := range atoms {
			j := (&System{}).Judge()
			text := a.String()
			if v := j.Weigh([]string{text}, nil).Ask(text); !v.Yes() || len(v.Granted) != 1 {
				t.Fatalf("%s does not hold itself: %+v", text, v)
			}
			for _, l := range leavesOf(a, AccessGrant, defaultHome) {
				if _, err := ParseCommand("GRANT " + l.String() + " TO r"); err != nil {
					t.Fatalf("%s has the leaf %s: %v", text, l, err)
				}
			}
			if a.Action() == "MERGE" {
				continue // cannot be denied
			}
			if s := j.Weigh([]string{text}, []string{text}); !s.Useless(text) && !(a.Action() == "MATCH" && !a.Property().IsAll()) || s.Ask(text).Yes() {
				t.Fatalf("%s is not denied by itself", text)
			}
		}
	}
}
