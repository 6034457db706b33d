package okta

import (
	"context"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// stepper is a System that has read nothing: Steps needs no server.
func stepper(t *testing.T) *System {
	t.Helper()
	s, err := Open(context.Background(), reconcile.Block{}, Options{Env: envOf(map[string]string{"OKTA_CLIENT_ORGURL": "https://example.okta.com", "OKTA_CLIENT_TOKEN": canaryToken})})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStagesAndHazards(t *testing.T) {
	all := set("ALL_CLIENTS")
	unknown := reconcile.SetOf(reconcile.Ref{Addr: at("app", "new"), Attr: "client_id"})
	tests := []struct {
		name, kind, attr string
		live, want       reconcile.Value
		stage            reconcile.Stage
		hazard           reconcile.HazardKind
		says             string
	}{
		{"group lost", "app", "profile.g", set("a", "b"), set("a"), reconcile.Restrict, reconcile.HazardRevokes, "x loses b in g"},
		{"group gained", "app", "profile.g", set("a"), set("a", "b"), reconcile.Converge, reconcile.HazardWidens, "x gets b in g"},
		{"group swapped", "app", "profile.g", set("a"), set("b"), reconcile.Converge, reconcile.HazardWidens, "x gets b in g"},
		{"app off", "app", "status", txt(active), txt(inactive), reconcile.Restrict, reconcile.HazardRevokes, "for good"},
		{"app on", "app", "status", txt(inactive), txt(active), reconcile.Converge, "", ""},
		{"to keys", "app", "token_endpoint_auth_method", txt(methodBasic), txt(methodKey), reconcile.Converge, reconcile.HazardSecret, "removes the client secrets"},
		{"client lost", "policy", "clients", set("a", "b"), set("a"), reconcile.Restrict, reconcile.HazardRevokes, "x loses b"},
		{"from all to one", "policy", "clients", all, set("a"), reconcile.Restrict, reconcile.HazardRevokes, "x loses ALL_CLIENTS"},
		{"from all to a new one", "policy", "clients", all, unknown, reconcile.Converge, reconcile.HazardRevokes, "x loses ALL_CLIENTS"},
		{"to all", "policy", "clients", set("a"), all, reconcile.Converge, reconcile.HazardWidens, "every client of the org"},
		{"scope lost", "rule", "scopes", set("a", "b"), set("a"), reconcile.Restrict, reconcile.HazardRevokes, "x loses b"},
		{"from all scopes", "rule", "scopes", set("*"), set("a"), reconcile.Restrict, reconcile.HazardRevokes, "x loses *"},
		{"label", "app", "label", txt("a"), txt("b"), reconcile.Converge, "", ""},
		{"audience", kindServer, "audiences", set("a"), set("b"), reconcile.Converge, reconcile.HazardRevokes, "another audience"},
	}
	s := stepper(t)
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			addr := at(c.kind, "x")
			if c.kind == kindRule {
				addr = at(kindPolicy, "p").Child(kindRule, "x")
			}
			live := reconcile.Object{Addr: addr, Facts: map[string]reconcile.Value{"id": txt("id1")}}
			want := reconcile.Object{Addr: addr, Needs: []reconcile.Addr{at(kindPolicy, "p")}}
			want.Set(reconcile.Attr{Name: c.attr, Value: c.want})
			d := reconcile.Diff{Name: c.attr, Live: c.live, Want: c.want}
			for _, v := range reconcile.Members(c.want) {
				if !contains(c.live, v) {
					d.Added = append(d.Added, v)
				}
			}
			for _, v := range reconcile.Members(c.live) {
				if !contains(c.want, v) {
					d.Removed = append(d.Removed, v)
				}
			}
			steps, err := s.Steps([]reconcile.Change{reconcile.Update{Live: live, Want: want, Diffs: []reconcile.Diff{d}}})
			if err != nil {
				t.Fatal(err)
			}
			step := steps[0]
			if step.Stage != c.stage {
				t.Errorf("stage is %d, want %d", step.Stage, c.stage)
			}
			if c.hazard == "" {
				if len(step.Hazards) > 0 {
					t.Errorf("hazards are %v", step.Hazards)
				}
				return
			}
			if len(step.Hazards) == 0 || step.Hazards[0].Kind != c.hazard || !strings.Contains(step.Hazards[0].Text, c.says) {
				t.Errorf("hazards are %v, want %s: %s", step.Hazards, c.hazard, c.says)
			}
		})
	}
}

// Writes of one server's policies and rules wait for each other; those of another server do not.
func TestPolicyWritesAreSerialized(t *testing.T) {
	s := stepper(t)
	var changes []reconcile.Change
	for _, server := range []string{"aus1", "aus2"} {
		for _, name := range []string{"a-" + server, "b-" + server} {
			for _, o := range declare(t, block("policy", name, args{"authorization_server": txt(server)}, block("rule", "z", nil), block("rule", "y", nil))) {
				changes = append(changes, reconcile.Create{Want: o})
			}
		}
	}
	wants := make([]reconcile.Object, len(changes))
	for i, c := range changes {
		wants[i] = c.(reconcile.Create).Want
	}
	s.remember(view{want: index(wants)})
	steps, err := s.Steps(changes)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, step := range steps {
		for _, a := range step.After {
			got[step.Change.Addr().String()] += a.String() + " "
		}
	}
	want := map[string]string{}
	for _, server := range []string{"aus1", "aus2"} {
		line := []string{"okta.policy.a-" + server, "okta.policy.a-" + server + ".rule.z", "okta.policy.a-" + server + ".rule.y",
			"okta.policy.b-" + server, "okta.policy.b-" + server + ".rule.z", "okta.policy.b-" + server + ".rule.y"}
		for i, name := range line[1:] {
			want[name] = line[i] + " "
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for name, after := range want {
		if got[name] != after {
			t.Errorf("%s waits for %q, want %q", name, got[name], after)
		}
	}
}

// A rule that goes from every scope to one that the plan makes takes access away, and yet waits for that scope.
func TestNarrowedToWhatIsNew(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	policy := func(clients, scope string) reconcile.Block {
		return block(kindPolicy, "p", args{attrClients: set(clients)}, block(kindRule, "r", args{attrScopes: set(scope)}))
	}
	l.apply(declare(t, policy(allClients, "*")))
	want := declare(t, block(kindScope, "new", nil), block(kindApp, "a", args{attrClientID: txt("chosen-new")}), policy("chosen-new", "new"))
	l.apply(want)
	l.settled(want)
}
