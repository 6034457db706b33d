package okta

import (
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
)

// Why an account lacks a scope or claim is told as it is, with the object that would have to change.
func TestWhyATokenLacksSomething(t *testing.T) {
	put := func(b reconcile.Block, name string, v reconcile.Value) { b.Fields[name] = reconcile.Argument{Value: v} }
	plain := func(b []reconcile.Block) { put(b[3].Blocks[0], "scopes", set("neo4j_groups", "plain")) } // a second scope, so that there is a token
	tests := []struct {
		name    string
		edit    func([]reconcile.Block)
		refused bool
		want    string
	}{
		{"consent", func(b []reconcile.Block) { put(b[1], "consent", txt(consentNeeded)) }, true,
			`a machine gets none: scope neo4j_groups needs a user's consent (consent = "REQUIRED"), which no machine can give; Set consent = "IMPLICIT" on okta.scope.neo4j_groups.`},
		{"consent to one of two", func(b []reconcile.Block) { plain(b); put(b[1], "consent", txt(consentNeeded)) }, false,
			`claim groups comes with scope neo4j_groups, which needs a user's consent (consent = "REQUIRED"), which no machine can give; Set consent = "IMPLICIT" on okta.scope.neo4j_groups.`},
		{"an expression that fails", func(b []reconcile.Block) { put(b[2], "value", txt("neo4j_groups")) }, true,
			"scope neo4j_groups brings claim groups, whose value Okta cannot evaluate for this app, and so refuses the token: neo4j_groups is no name that Okta knows; a text needs quotes; Mend the value of okta.claim.groups."},
		{"one that fails with one of two scopes", func(b []reconcile.Block) { plain(b); put(b[2], "value", txt("user.email")) }, false,
			"claim groups comes with scope neo4j_groups, which brings claim groups, whose value Okta cannot evaluate for this app, and so refuses the token: user.email is of a user"},
		{"one that fails with any scope", func(b []reconcile.Block) {
			plain(b)
			put(b[2], "value", txt("user.email"))
			delete(b[2].Fields, "scopes")
		}, true,
			"every token has claim groups, whose value Okta cannot evaluate"},
		{"groups of a user", func(b []reconcile.Block) {
			put(b[2], "value_type", txt(valueGroups))
			put(b[2], "group_filter_type", txt("EQUALS"))
			put(b[2], "value", txt("x"))
		}, false, "claim groups filters a user's groups (value_type GROUPS), and a machine has none; Write an expression as the value of okta.claim.groups"},
		{"a rule for another scope", func(b []reconcile.Block) { put(b[3].Blocks[0], "scopes", set("plain")) }, false,
			"claim groups comes with scope neo4j_groups, which no rule of policy neo4j-service-accounts gives this client; Add neo4j_groups to the scopes of okta.policy.neo4j-service-accounts.rule.client-credentials."},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			l := &lab{t: t, dir: t.TempDir()}
			blocks := l.serviceBlocks("reader")
			c.edit(blocks)
			tokens := slices.Collect((&System{}).Tokens(declare(t, append(blocks, block("scope", "plain", nil))...)))
			if len(tokens) != 1 || tokens[0].Gets() == c.refused {
				t.Fatalf("tokens are %+v", tokens)
			}
			gap := tokens[0].Refused
			if !c.refused {
				if len(tokens[0].Without) != 1 || len(tokens[0].Claims) != 0 {
					t.Fatalf("without %+v, claims %+v", tokens[0].Without, tokens[0].Claims)
				}
				gap = tokens[0].Without[0]
			}
			if got := gap.Text + "; " + gap.Remedy; !strings.Contains(got, c.want) {
				t.Errorf("told is %q, want %q in it", got, c.want)
			}
		})
	}
}
