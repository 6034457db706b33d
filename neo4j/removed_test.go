package neo4j

import (
	"strings"
	"testing"

	"keymaker/reconcile"
)

func absent(kind, name string) reconcile.Object {
	return reconcile.Object{Addr: reconcile.Addr{System: systemName, Kind: kind, Name: name}, Absent: true}
}

// What a removed block names goes: the provider from every member and the file, the user, and the role after both.
func TestRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf, withMembers(2))
	u := r.user("etl", fields{"roles": setOf("etl_writer")}, nativeBlock(canary, true))
	r.converge(etlWriter(r), provider(r, nil), u)
	gone := []reconcile.Object{absent(kindRole, "etl_writer"), absent(kindUser, "etl"), absent(kindProvider, "okta-backend")}

	// A member that does not answer keeps the provider from being called gone.
	members := r.sys.members
	r.sys.members = []string{members[0], "127.0.0.1:1"}
	_, err := r.tryPlan(reconcile.Policy{}, gone...)
	wantError(t, err, "neo4j.oidc_provider.okta-backend", "member 127.0.0.1:1")
	r.sys.members = members

	plan := r.plan(gone...)
	r.golden("removed", describePlan(plan))
	r.applied(plan)
	r.insync(gone...)
	if rows := r.admin("SHOW USERS WHERE user = 'etl'"); len(rows) != 0 {
		t.Error("the user is still there")
	}
	for _, uri := range r.server.URLs {
		rows, err := r.sys.client.query(t.Context(), uri, settingsQuery, nil)
		r.must(err)
		for name, s := range settingsOf(rows) {
			if s.value != nil && (name == authenticationProviders && *s.value != "native" || len(name) > len(oidcPrefix) && name[:len(oidcPrefix)] == oidcPrefix) {
				t.Errorf("%s has %s = %s", uri, name, *s.value)
			}
		}
	}
}

// A provider's name is in its settings' names: a moved block cannot rename it.
func TestProviderIsNotRenamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	r.converge(etlWriter(r), provider(r, nil))
	moved := providerNamed(r, "other", nil)
	moved.Formerly = []string{"okta-backend"}
	_, err := r.tryPlan(reconcile.Policy{}, etlWriter(r), moved)
	wantError(t, err, "cannot be renamed to other", "removed block")
}

// A version refuses what it does not know before anything is written.
func TestVersionsAreTold(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"5.26.30": "a calendar version", "2025.03.0": "Cypher 25, which came with 2025.06", "2025.06.0": "", "2026.08.1": ""} {
		if got := (snapshot{version: version}).lacks(NeedsCypher25); got != want && !(want != "" && len(got) >= len(want) && got[:len(want)] == want) {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
	r := newRig(t, withVersion("5.26.30"))
	_, err := r.tryPlan(reconcile.Policy{}, r.declare(kindRole, "r", fields{"grant": setOf("SHOW AUTH RULE ON DBMS")}))
	wantError(t, err, "neo4j.role.r", "needs a calendar version", "this is 5.26.30")
	if !onAura("neo4j+s://abcd1234.databases.neo4j.io") || onAura("neo4j+s://databases.neo4j.io.example.com") {
		t.Error("aura")
	}
}

// Tokens that nobody would take are told when the spec is read.
func TestTokenForms(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	declare := func(f fields) string {
		all := fields{"well_known_discovery_uri": reconcile.Text("https://idp/x"), "audience": setOf("api://default"), "token_type": reconcile.Text("id_token"),
			"params": reconcile.Map{"client_id": reconcile.Text("0oa1"), "response_type": reconcile.Text("code"), "scope": reconcile.Text("profile")}}
		for k, v := range f {
			all[k] = v
			if v == nil {
				delete(all, k)
			}
		}
		_, diags := Language{}.Declare(blockOf(kindProvider, "p", all))
		text := ""
		for _, d := range diags {
			text += d.Summary + ": " + d.Detail + "\n"
		}
		return text
	}
	for _, c := range []struct {
		fields fields
		want   string
	}{
		{nil, "ID tokens are for the client"},
		{nil, "No ID token without openid"},
		{fields{"well_known_discovery_uri": nil, "groups_from_user_info": reconcile.Flag(true)}, "User info is nowhere"},
	} {
		if got := declare(c.fields); !contains(got, c.want) {
			t.Errorf("%v: %s", c.fields, got)
		}
	}
	right := fields{"audience": setOf("0oa1"), "params": reconcile.Map{"client_id": reconcile.Text("0oa1"), "response_type": reconcile.Text("code"), "scope": reconcile.Text("openid profile")}}
	if got := declare(right); got != "" {
		t.Errorf("right: %s", got)
	}
	if got := describePlan(r.plan(people(r, "sso"))); !contains(got, "browser/?idp_id=sso&auth_flow_step=redirect_uri") {
		t.Errorf("no redirect in:\n%s", got)
	}
}

func contains(text, part string) bool { return strings.Contains(text, part) }
