package okta

import (
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// Each story is seen as drift of the object that it is about, changes nothing else, and is undone by the next apply. What no attribute tells is
// no change for a plan: a second client secret, a claim or a rule of somebody else's. Drift watches those.
func TestStoriesAreDrift(t *testing.T) {
	app, claim, policy, rule := at(kindApp, "neo4j-etl"), at(kindClaim, "groups"), at(kindPolicy, "neo4j-service-accounts"), at(kindPolicy, "neo4j-service-accounts").Child(kindRule, "client-credentials")
	seen := map[string]struct {
		addr  reconcile.Addr
		state reconcile.State
		attr  string
	}{
		"widen-profile": {app, reconcile.Drifted, "profile.neo4j_groups"}, "widen-claim": {claim, reconcile.Drifted, attrScopes}, "dpop-on": {app, reconcile.Drifted, attrDPoP},
		"second-secret": {}, "extra-claim": {}, "rule-above": {}, "open-policy": {policy, reconcile.Drifted, attrClients}, "long-tokens": {rule, reconcile.Drifted, attrLifetime},
		"ask-consent": {at(kindScope, "neo4j_groups"), reconcile.Drifted, "consent"}, "deactivate-rule": {rule, reconcile.Drifted, attrStatus},
		"deactivate-app": {app, reconcile.Drifted, attrStatus}, "rename-app": {app, reconcile.Missing, ""}, "delete-claim": {claim, reconcile.Missing, ""},
		"delete-policy": {policy, reconcile.Missing, ""}, "delete-app": {app, reconcile.Missing, ""},
	}
	for _, story := range oktatest.Stories() {
		t.Run(story.Name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			blocks := l.serviceBlocks("neo4j_writer")
			blocks[0].Fields[attrStatus] = reconcile.Argument{Value: txt(active)}
			blocks[1].Fields["consent"] = reconcile.Argument{Value: txt(consentImplied)}
			blocks[3].Blocks[0].Fields[attrStatus] = reconcile.Argument{Value: txt(active)}
			want := declare(t, blocks...)
			l.apply(want)
			err := story.Tell(l.org, oktatest.Cast{App: "neo4j-etl", Server: "default", Scope: "neo4j_groups", Claim: "groups", Policy: "neo4j-service-accounts", Rule: "client-credentials"})
			if err != nil {
				t.Fatal(err)
			}
			expected, ok := seen[story.Name]
			if !ok || story.Doc == "" {
				t.Fatal("the story is not told here, or has no words")
			}
			_, drift := l.drift(want)
			for _, it := range drift.Items {
				state := reconcile.InSync
				if it.Addr == expected.addr || it.Addr.Within(expected.addr) && expected.state == reconcile.Missing {
					state = expected.state
				}
				if it.Addr == policy && (story.Name == "delete-app" || story.Name == "rename-app") {
					continue // it refers to an app that is not there any more under that name
				}
				if it.State != state {
					t.Errorf("%s is %s, want %s", it.Addr, it.State, state)
				}
				if len(it.Diffs) > 0 && (len(it.Diffs) != 1 || it.Diffs[0].Name != expected.attr) {
					t.Errorf("%s differs in %v", it.Addr, it.Diffs)
				}
			}
			l.apply(want)
			l.settled(want)
		})
	}
}
