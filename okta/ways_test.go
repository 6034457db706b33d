package okta

import (
	"fmt"
	"slices"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// A proof goes the way on which Okta answers: the first policy in Okta's order, whatever the names, and of its rules the one that brings the claim.
func TestProofGoesTheWayThatAnswers(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	blocks := l.serviceBlocks("neo4j_writer")
	client := reconcile.SetOf(reconcile.Ref{Addr: at("app", "neo4j-etl"), Attr: "client_id"})
	answers := needs(block("policy", "zz-answers", args{"clients": client},
		block("rule", "plain", args{"scopes": set("plain")}),
		block("rule", "groups", args{"scopes": set("neo4j_groups"), "access_token_lifetime": txt("30m0s")})), at("app", "neo4j-etl"), at("scope", "neo4j_groups"), at("scope", "plain"))
	order := block("authorization_server", "default", args{"policy_order": reconcile.List(texts("zz-answers", "neo4j-service-accounts"))})
	want := declare(t, append(blocks, block("scope", "plain", nil), answers, needs(order, at("policy", "zz-answers"), at("policy", "neo4j-service-accounts")))...)
	l.drift(want)
	said := slices.Collect(l.sys.Tokens(want)) // before anything is made; the org has a policy for all clients
	l.apply(want)
	got := slices.Collect(l.sys.Tokens(want))
	for _, tokens := range [][]reconcile.Token{said, got} {
		if len(tokens) != 1 || len(tokens[0].Scopes) != 2 || tokens[0].Scopes[1].By.Text != "rule groups of policy zz-answers" {
			t.Fatalf("tokens were to be %+v, and are %+v", said, got)
		}
	}
	p, e := l.prove(want)
	if _, broken := p.Broken(); broken || !same(e.Claims["groups"], set("neo4j_writer")) {
		t.Fatalf("claims are %v:\n%s", e.Claims, proofText(p))
	}
	for _, h := range p.Hops {
		if h.Name == hopPolicy && h.Text != "zz-answers, rule groups" || h.Name == hopScopes && h.Text != "neo4j_groups" {
			t.Errorf("hop %s: %s", h.Name, h.Text)
		}
	}
}

// A way is for machines: a rule for some users is none, an inactive one is only meant, and what nobody declares is neither.
func TestWaysOf(t *testing.T) {
	l := &lab{t: t, dir: t.TempDir()}
	blocks := l.serviceBlocks("g")
	blocks[3].Blocks = []reconcile.Block{
		block("rule", "people", args{"scopes": set("*")}),
		block("rule", "off", args{"scopes": set("*"), "status": txt(inactive), "grant_types": set(grantMachine)}),
		block("rule", "b", args{"scopes": set("neo4j_groups")}),
		block("rule", "a", args{"scopes": set("*")}),
	}
	blocks = append(blocks, block("policy", "others", args{"clients": set("0oa1")}, block("rule", "r", args{"scopes": set("*")})),
		block("policy", "all", args{"clients": set(allClients)}, block("rule", "r", args{"scopes": set("*")})))
	state := declare(t, blocks...)
	for i, o := range state {
		if o.Addr.Name == "people" {
			state[i].Set(reconcile.Attr{Name: attrUsers, Value: set("00u1")}) // as somebody may have made it live
		}
	}
	v := (&System{}).recall()
	all := v.issuers(state)
	for meant, want := range map[bool]string{false: "[neo4j-service-accounts/b neo4j-service-accounts/a all/r]",
		true: "[neo4j-service-accounts/people neo4j-service-accounts/off neo4j-service-accounts/b neo4j-service-accounts/a all/r]"} {
		var got []string
		for _, w := range v.waysOf(all, state[0], meant) {
			got = append(got, nameOf(w.policy)+"/"+w.rule.Addr.Name)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("ways (meant: %t) are %v, want %s", meant, got, want)
		}
	}
}

// A claim that nobody declares widens where it says a group that no other claim says.
func TestStrangeClaimWidens(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want, _ := l.stage()
	for _, c := range []struct {
		name, value string
		want        reconcile.Gravity
	}{{"same", "app.profile.neo4j_groups", reconcile.Neutral}, {"more", `"neo4j_admin"`, reconcile.Widens}} {
		_, err := l.org.Create("/api/v1/authorizationServers/default/claims", map[string]any{"name": c.name, "status": active, "claimType": "RESOURCE", "valueType": "EXPRESSION",
			"value": c.value, "conditions": map[string]any{"scopes": []any{}}})
		if err != nil {
			t.Fatal(err)
		}
		d, _ := l.look(l.sys, want)
		it := itemAt(d, "neo4j-etl")
		i := len(it.Diffs) - 1
		if i < 0 || it.Diffs[i].Name != watchClaims || it.Diffs[i].Gravity != c.want {
			t.Errorf("%s: differences are %+v, want %s", c.name, it.Diffs, c.want)
		}
	}
}

// Who a token is about is what the claim sub says, which Okta makes and anybody may change.
func TestSubjectIsWhatSubSays(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want := l.service("reader")
	l.apply(want)
	for value, subject := range map[string]reconcile.Value{"(appuser != null) ? appuser.userName : app.clientId": l.mine("neo4j-etl")[0].at("id"), "app.profile.neo4j_groups": nil, "'fixed'": txt("fixed")} {
		if err := l.org.EditClaim("default", "sub", func(claim map[string]any) { claim["value"] = value }); err != nil {
			t.Fatal(err)
		}
		live, _ := l.drift(want)
		if tokens := slices.Collect(l.sys.Tokens(live.Objects)); len(tokens) != 1 || !reconcile.Equal(tokens[0].Subject, subject) {
			t.Errorf("%s: tokens are %+v, want the subject %v", value, tokens, subject)
		}
	}
}
