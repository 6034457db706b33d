package main

import "testing"

// Two ways to write one server's address are one server; what only may be one is two.
func TestServerOf(t *testing.T) {
	for _, same := range [][]string{
		{"neo4j://graph.example.com", "bolt://GRAPH.example.com:7687", "neo4j+s://graph.example.com/", "bolt+ssc://graph.example.com.:7687", "NEO4J+S://graph.example.com:7687?policy=eu"},
		{"bolt://localhost:7687", "bolt://127.0.0.1", "bolt://[::1]:7687", "neo4j://LOCALHOST", "bolt://[::ffff:127.0.0.1]"},
		{"https://example.okta.com", "https://example.okta.com/", "https://Example.Okta.com:443", "HTTPS://example.okta.com.//"},
		{"http://127.0.0.1:8080", "http://localhost:8080/"},
		{"bolt://[2001:db8::1]", "bolt://[2001:DB8:0::1]:7687"},
	} {
		for _, a := range same {
			if got, want := serverOf(a), serverOf(same[0]); got != want {
				t.Errorf("%s is %s, and %s is %s: want one", a, got, same[0], want)
			}
		}
	}
	different := []string{
		"bolt://localhost:7687", "bolt://localhost:7688", "bolt://127.0.0.2:7687", "bolt://graph.example.com", "bolt://eu.graph.example.com", "https://localhost:7687",
		"https://example.okta.com", "https://example.okta.com:8443", "http://example.okta.com", "https://example.okta.com/eu", "https://example.okta.com/us",
	}
	seen := make(map[string]string)
	for _, a := range different {
		if other, ok := seen[serverOf(a)]; ok {
			t.Errorf("%s and %s are both %s: want two", a, other, serverOf(a))
		}
		seen[serverOf(a)] = a
	}
}
