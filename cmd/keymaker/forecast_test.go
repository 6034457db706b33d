package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"keymaker/neo4j/neo4jtest"
	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// A plan says what its apply costs, and that is what it costs: per system, per sort of call and per rate limit, as keymaker counts, and as the servers do.

// TestForecastOfStories is every sort of change that the stories of this package have, from nothing to all gone.
func TestForecastOfStories(t *testing.T) {
	t.Parallel()
	for _, one := range append(stories(), moments()...) {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if one.before != nil {
				b.foretold("before", one.first(), choice{})
			}
			text, ch := one.target()
			b.foretold("the change", text, ch)
		})
	}
}

// TestForecastOfAFleet is many accounts with roles and users: their list takes another page of answers once they are there.
func TestForecastOfAFleet(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const n = 205
	users := "\nneo4j \"user\" \"staff\" {\n  for_each = local.roles\n  name     = \"u_${each.key}\"\n  roles    = [neo4j.role.writer[each.key]]\n  auth \"oidc-okta\" {\n    id = each.key\n  }\n}\n"
	text := fleet(n, 30) + users
	narrow := strings.ReplaceAll(text, `, "WRITE ON GRAPH neo4j"`, "")
	moved := strings.ReplaceAll(strings.ReplaceAll(narrow, `["writer"]`, `["writer", "reader"]`), "roles    = [neo4j.role.writer[each.key]]", `roles    = [neo4j.role.writer[each.key], "reader"]`)
	b.foretold("a new fleet", text, choice{})
	b.foretold("nothing", text, choice{})
	b.foretold("roles that may do less", narrow, choice{})
	b.foretold("accounts and users that get more", moved, choice{})
	b.foretold("more accounts", strings.Replace(moved, fmt.Sprintf(", 0, %d))", n), fmt.Sprintf(", 0, %d))", n+5), 1), choice{})
	b.foretold("all gone", moved, choice{policy: reconcile.Policy{Destroy: true}})
}

// TestForecastOfSecrets is accounts whose secrets and keys are delivered.
func TestForecastOfSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	text := `okta "app" "etl" {
  secret {
    file = "etl.env"
  }
}

okta "app" "signer" {
  token_endpoint_auth_method = "private_key_jwt"
  key {
    file = "signer.pem"
  }
}
`
	b.foretold("new", text, choice{})
	b.foretold("another status", strings.Replace(text, "  secret {", "  status = \"INACTIVE\"\n  secret {", 1), choice{})
	b.foretold("a key for one that has none", strings.Replace(text, "okta \"app\" \"etl\" {\n  secret {\n    file = \"etl.env\"",
		"okta \"app\" \"etl\" {\n  token_endpoint_auth_method = \"private_key_jwt\"\n  key {\n    file = \"etl.pem\"", 1), choice{})
	b.foretold("gone", text, choice{policy: reconcile.Policy{Destroy: true}})
}

// TestForecastOfOrder is policies and rules that change places: only those that have to are moved.
func TestForecastOfOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := func(policies, rules string) string {
		text := "okta \"authorization_server\" \"graph\" {\n  audiences     = [\"api://graph\"]\n  rotation_mode = \"MANUAL\"\n  policy_order  = ["
		for i, name := range strings.Fields(policies) {
			text += map[bool]string{true: ", "}[i > 0] + `"` + name + `"`
		}
		text += "]\n}\n\nokta \"scope\" \"graph\" {\n  authorization_server = okta.authorization_server.graph\n}\n"
		for _, name := range []string{"a", "b", "c", "d"} {
			text += fmt.Sprintf("\nokta \"policy\" %q {\n  authorization_server = okta.authorization_server.graph\n  clients              = [\"ALL_CLIENTS\"]\n", name)
			for _, rule := range strings.Fields(rules) {
				text += fmt.Sprintf("\n  rule %q {\n    scopes = [okta.scope.graph]\n  }\n", rule)
			}
			text += "}\n"
		}
		return text
	}
	b.foretold("new", spec("a b c d", "r s t u"), choice{})
	b.foretold("one policy goes first", spec("d a b c", "r s t u"), choice{})
	b.foretold("one rule goes last", spec("d a b c", "s t u r"), choice{})
	b.foretold("both, and one rule less", spec("c b d a", "u t s"), choice{})
	b.foretold("gone", spec("c b d a", "u t s"), choice{policy: reconcile.Policy{Destroy: true}})
}

// TestForecastOfConnections is a spec on two orgs and two databases.
func TestForecastOfConnections(t *testing.T) {
	t.Parallel()
	b := newBench(t, "okta.us", "neo4j.eu")
	text := `connection "okta" "us" {}
connection "neo4j" "eu" {}
` + setup{groups: []string{"gr"}, writer: []string{access, match}, reader: []string{access}, mapping: map[string]string{"gr": "r"}}.text() + `
okta "app" "abroad" {
  connection = connection.okta.us
}
okta "app" "another" {
  connection = connection.okta.us
}
neo4j "role" "abroad" {
  connection = connection.neo4j.eu
  grant      = ["ACCESS ON DATABASE neo4j"]
}
`
	b.foretold("new", text, choice{})
	changed := strings.NewReplacer(`= ["ACCESS ON DATABASE neo4j"]`, `= ["ACCESS ON DATABASE neo4j", "WRITE ON GRAPH neo4j"]`, "\"abroad\" {\n  connection = \"us\"", "\"abroad\" {\n  connection = \"us\"\n  status = \"INACTIVE\"").Replace(text)
	b.foretold("changed", changed, choice{})
	b.foretold("gone", changed, choice{policy: reconcile.Policy{Destroy: true}})
}

// foretold brings a spec about, and demands that it cost what the plan said.
func (b *bench) foretold(what, text string, ch choice) {
	b.t.Helper()
	s := b.open(text)
	defer s.world.Close(context.Background())
	plan, lives, err := b.prog.plan(context.Background(), s, ch)
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, b.said.String())
	}
	b.seen()
	for _, one := range b.box.named {
		one.reset()
	}
	report := reconcile.Apply(context.Background(), b.prog.stop, plan, s.byName(), reconcile.NewIndex(merge(lives).Objects), nil)
	if !report.Complete() {
		b.t.Fatalf("%s: not complete: %+v", what, report.Results)
	}
	served := map[string]map[string]int{"okta": oktaServed(&b.box.okta), "neo4j": neo4jServed(&b.box.neo4j)}
	for id, one := range b.box.named {
		if one.okta != nil {
			served[id] = oktaServed(one.okta)
		} else {
			served[id] = neo4jServed(one.neo4j)
		}
	}
	for _, c := range report.Costs {
		forecast, made := countable(c.Forecast), countable(c.Made)
		if !maps.Equal(forecast, made) {
			b.t.Errorf("%s: %s: forecast %v, made %v", what, c.System, forecast, made)
		}
		if want, got := byServer(c.System, made), served[c.System]; !maps.Equal(want, got) {
			b.t.Errorf("%s: %s: made %v, the server counted %v", what, c.System, want, got)
		}
		delete(served, c.System)
	}
	for system, calls := range served {
		if len(calls) > 0 {
			b.t.Errorf("%s: the plan has no calls of %s, and it was sent %v", what, system, calls)
		}
	}
}

func (s *namedServer) reset() {
	if s.okta != nil {
		s.okta.ResetCalls()
	} else {
		s.neo4j.ResetCalls()
	}
}

// countable are calls by sort and bucket, without what is no call to a server, and without those that see a restart through.
func countable(calls []reconcile.Tally) map[string]int {
	sum := make(map[string]int)
	for _, c := range calls {
		if !slices.Contains([]string{"file", "file write", "restart", reconcile.Watching}, c.What) {
			sum[strings.TrimSpace(c.What+" "+c.Bucket)] += c.N
		}
	}
	return sum
}

// byServer puts calls in the words of a server's own count.
func byServer(system string, calls map[string]int) map[string]int {
	if name, _ := reconcile.SplitInstance(system); name != "okta" {
		return calls
	}
	sum := make(map[string]int)
	for what, n := range calls {
		_, bucket, _ := strings.Cut(what, " ")
		sum[bucket] += n
	}
	return sum
}

func oktaServed(s *oktatest.Server) map[string]int {
	sum := make(map[string]int)
	for _, c := range s.Calls() {
		if c.Bucket != "" {
			sum[c.Bucket]++
		}
	}
	return sum
}

func neo4jServed(s *neo4jtest.Server) map[string]int {
	sum, transactions := make(map[string]int), make(map[int64]bool)
	for _, c := range s.Calls() {
		switch {
		case strings.Contains(c.Statement, "STARTS WITH 'dbms.security.'"): // only who waits for a restart asks for all of them
		case strings.HasPrefix(c.Statement, "CALL dbms.setConfigValue"), strings.HasPrefix(c.Statement, "CALL dbms.checkConfigValue"):
			sum["procedure call"]++
		case strings.HasPrefix(c.Statement, "CALL "), strings.HasPrefix(c.Statement, "SHOW "):
			sum["query"]++
		default:
			sum["statement"]++
			transactions[c.Transaction] = true
		}
	}
	if n := len(transactions); n > 0 {
		sum["transaction"] = n
	}
	return sum
}
