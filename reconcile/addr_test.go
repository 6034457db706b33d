package reconcile

import (
	"slices"
	"testing"
)

func TestAddrOfConnection(t *testing.T) {
	role := Addr{System: "neo4j", Connection: "eu", Kind: "role", Name: "reader"}
	policy := Addr{Module: ModulePath("", "m", "k"), System: "okta", Connection: "eu-west", Kind: "policy", Name: "p", Key: "x"}
	rule := policy.Child("rule", "r")
	for _, c := range []struct {
		addr           Addr
		text, instance string
	}{
		{role, "neo4j.eu.role.reader", "neo4j.eu"},
		{Addr{System: "neo4j", Kind: "role", Name: "reader"}, "neo4j.role.reader", "neo4j"},
		{policy, `module.m["k"].okta.eu-west.policy.p["x"]`, "okta.eu-west"},
		{rule, `module.m["k"].okta.eu-west.policy.p["x"].rule.r`, "okta.eu-west"},
	} {
		if got := c.addr.String(); got != c.text {
			t.Errorf("got %s, want %s", got, c.text)
		}
		if got := c.addr.Instance(); got != c.instance {
			t.Errorf("%s: got instance %s, want %s", c.text, got, c.instance)
		}
		if system, connection := SplitInstance(c.instance); system != c.addr.System || connection != c.addr.Connection {
			t.Errorf("%s splits into %s and %s", c.instance, system, connection)
		}
	}
	elsewhere := policy
	elsewhere.Connection = ""
	if !rule.Within(policy) || rule.Within(elsewhere) {
		t.Error("a rule stands in the policy of its own connection, and in no other")
	}
	sorted := []Addr{{System: "neo4j", Connection: "us", Kind: "a"}, {System: "neo4j", Connection: "eu", Kind: "z"}, {System: "neo4j", Kind: "z"}, {System: "okta", Kind: "a"}}
	slices.SortFunc(sorted, CompareAddr)
	var order []string
	for _, a := range sorted {
		order = append(order, a.Instance())
	}
	if want := []string{"neo4j", "neo4j.eu", "neo4j.us", "okta"}; !slices.Equal(order, want) {
		t.Errorf("got order %v, want %v", order, want)
	}
}

func TestVariable(t *testing.T) {
	for connection, want := range map[string]string{"": "NEO4J_PASSWORD", "eu": "NEO4J_PASSWORD_EU", "us-east_1": "NEO4J_PASSWORD_US_EAST_1"} {
		if got := Variable("NEO4J_PASSWORD", connection); got != want {
			t.Errorf("%q: got %s, want %s", connection, got, want)
		}
	}
}

// Roles and groups of one name on two servers are two, and what a group gives depends on who put it into the token.
func TestAccessOfConnections(t *testing.T) {
	account := func(on string) Node { return Node{Kind: NodeAccount, Name: "etl", On: on} }
	group := func(on string) Node { return Node{Kind: NodeGroup, Name: "g", On: on} }
	role := func(on string) Node { return Node{Kind: NodeRole, Name: "r", On: on} }
	okta := []Edge{{From: account(""), To: group("")}, {From: account("okta.eu"), To: group("okta.eu")}}
	for name, c := range map[string]struct {
		edges []Edge
		want  []AccessChange
	}{
		"its own issuer": {
			append(slices.Clone(okta), Edge{From: group("okta.eu"), To: role("neo4j.eu")}, Edge{From: group(""), To: role("")}),
			[]AccessChange{{Account: "etl", Gains: []Node{role("")}}, {Account: "etl (okta.eu)", Gains: []Node{role("neo4j.eu")}}},
		},
		"one issuer": {
			append(slices.Clone(okta), Edge{From: group(""), To: role("neo4j.eu")}),
			[]AccessChange{{Account: "etl", Gains: []Node{role("neo4j.eu")}}},
		},
		"any issuer": {
			append(slices.Clone(okta), Edge{From: group(AnyConnection), To: role("")}),
			[]AccessChange{{Account: "etl", Gains: []Node{role("")}}, {Account: "etl (okta.eu)", Gains: []Node{role("")}}},
		},
	} {
		got := CompareAccess(nil, settleGroups(c.edges), nil)
		if !slices.EqualFunc(got, c.want, func(a, b AccessChange) bool { return a.Account == b.Account && slices.Equal(a.Gains, b.Gains) }) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if got := settleGroups([]Edge{{From: group(AnyConnection), To: role("")}}); got[0].From != group("") {
		t.Errorf("a group in no token is %v", got[0].From)
	}
}
