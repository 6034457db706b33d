package okta

import (
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// Two rules of the spec whose order somebody swapped: the policy has drifted, and how grave that is depends on which of the two decides now. Which is said.
func TestSwappedRulesAreGraded(t *testing.T) {
	for name, c := range map[string]struct {
		first, second args // the rules "a" and "b" in the spec's order
		gravity       reconcile.Gravity
		means         string
	}{
		"longer tokens":  {args{"access_token_lifetime": txt("15m0s")}, args{"access_token_lifetime": txt("24h0m0s")}, reconcile.Widens, "rule b decides before a, and gives tokens for 24h0m0s instead of 15m0s"},
		"shorter tokens": {args{"access_token_lifetime": txt("24h0m0s")}, args{"access_token_lifetime": txt("15m0s")}, reconcile.Narrows, "rule b decides before a, which gave tokens for 24h0m0s instead of 15m0s"},
		"more scopes":    {args{"scopes": set("openid")}, args{"scopes": set("openid", "profile")}, reconcile.Widens, "rule b decides before a, and gives scopes profile besides"},
		"alike":          {args{}, args{}, reconcile.Neutral, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			s := l.open(Options{UserAgent: "keymaker/test"})
			l.sys = s
			for _, a := range []args{c.first, c.second} {
				for field, value := range map[string]reconcile.Value{"access_token_lifetime": txt("1h0m0s"), "scopes": set("openid")} {
					if a[field] == nil {
						a[field] = value
					}
				}
			}
			want := declare(t, block("policy", "services", args{"clients": set("ALL_CLIENTS")}, block("rule", "a", c.first), block("rule", "b", c.second)))
			l.apply(want)
			if d, _ := l.look(s, want); d.Count(reconcile.InSync) != len(want) {
				t.Fatalf("before: %+v", d)
			}
			if err := l.org.EditRule("default", "services", "b", func(rule map[string]any) { rule["priority"] = 1 }); err != nil {
				t.Fatal(err)
			}
			d, _ := l.look(s, want)
			if d.Count(reconcile.Drifted) != 1 {
				t.Fatalf("swapped: %+v", d)
			}
			it := itemAt(d, "services")
			if got := strings.Join(it.Diffs[0].Means, "; "); it.Gravity != c.gravity || got != c.means {
				t.Errorf("%s %s: %q, want %s: %q", it.Diffs[0].Name, it.Gravity, got, c.gravity, c.means)
			}
		})
	}
}

// What is not read is not watched, and that is told: of a spec without policies, those that anybody puts in front decide unseen.
func TestWhatIsNotWatchedIsTold(t *testing.T) {
	t.Parallel()
	l := newLab(t, &oktatest.Server{})
	s := l.open(Options{UserAgent: "keymaker/test"})
	l.sys = s
	all := l.serviceBlocks("neo4j_writer")
	l.apply(declare(t, all...))
	for name, c := range map[string]struct {
		blocks []reconcile.Block
		want   string
	}{
		"everything":       {all, ""},
		"no policy":        {all[:3], "Okta: policies of the authorization server default are not watched, since the spec declares none."},
		"no claim":         {all[:2], "Okta: claims and policies of the authorization server default are not watched, since the spec declares none."},
		"no server at all": {all[:1], "Okta: claims and policies are not watched, since the spec names no authorization server."},
		"no app":           {all[1:2], ""},
	} {
		_, remarks := l.look(s, declare(t, c.blocks...))
		if got := strings.Join(remarks, "|"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
