package neo4j

import (
	"errors"
	"strings"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

// byToken logs the rig's client in with a token of an account that is in the groups.
func (r *rig) byToken(is *issuer, change map[string]any) {
	r.t.Helper()
	jwt, err := is.token(r.t, change).Token.Open()
	r.must(err)
	delete(r.env, "NEO4J_PASSWORD")
	r.env["NEO4J_TOKEN"] = jwt
	conn := reconcile.Block{Fields: map[string]reconcile.Argument{"conf_file": {Value: reconcile.Text(r.conf)}}}
	sys, err := Open(r.t.Context(), conn, Options{Env: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok }, Restart: r.restart})
	r.must(err)
	r.t.Cleanup(func() { _ = sys.Close(r.t.Context()) })
	sys.restart.settle = 0
	r.sys = sys
}

// An administrator whom a provider lets in plans and applies like any other, over changes of that provider too, and does not take the own roles away.
func TestAdminByToken(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	for _, version := range []string{"5.26.30", "2026.08.1"} {
		t.Run(version, func(t *testing.T) {
			r := newRig(t, withConf, withVersion(version))
			with := func(f fields) reconcile.Object {
				all := fields{"well_known_discovery_uri": reconcile.Text(is.URL + discoveryPath), "group_to_role": reconcile.Map{"neo4j_writer": setOf("etl_writer"), "dbas": setOf("admin")}}
				for k, v := range f {
					all[k] = v
				}
				return provider(r, all)
			}
			r.converge(etlWriter(r), with(nil))
			r.byToken(is, map[string]any{"sub": "dba-1", "groups": []any{"dbas"}})
			audience := reconcile.TextSet("api://default", "api://other")
			r.converge(etlReader(r), with(fields{"audience": audience}))
			r.converge(etlWriter(r), with(fields{"display_name": reconcile.Text("Okta")}), r.user("u", fields{"roles": setOf("etl_writer")}, nativeBlock(canary, true)))
			if seen := r.sys.last(); seen.user != "dba-1" || !seen.byToken {
				t.Errorf("logged in as %s", seen.user)
			}

			r.server.ResetCalls()
			for name, mapping := range map[string]reconcile.Map{
				"another role": {"neo4j_writer": setOf("etl_writer"), "dbas": setOf("reader")},
				"no group":     {"neo4j_writer": setOf("etl_writer")},
			} {
				_, err := r.tryPlan(reconcile.Policy{}, etlWriter(r), with(fields{"group_to_role": mapping}))
				if err == nil || !strings.Contains(err.Error(), "group dbas would lose role admin, which user dba-1 has") {
					t.Errorf("%s: got %v", name, err)
				}
			}
			if _, err := r.tryPlan(reconcile.Policy{Destroy: true}, etlWriter(r), with(nil)); err == nil || !strings.Contains(err.Error(), "group dbas would lose role admin") {
				t.Errorf("destroy: got %v", err)
			}
			n := r.made()
			if delete(n, sortQuery); len(n) > 0 {
				t.Errorf("made %v", n)
			}
		})
	}
}

func TestTokenIsRefused(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r, state := provenRig(t, is)
	for name, change := range map[string]map[string]any{
		"expired":          {"exp": time.Now().Add(-time.Hour).Unix()},
		"another audience": {"aud": "api://nobody"},
	} {
		r.byToken(is, change)
		_, err := r.sys.Read(t.Context(), state)
		var no *ConnectError
		if !errors.As(err, &no) || !strings.Contains(err.Error(), "refuses the token from env NEO4J_TOKEN") || strings.Contains(err.Error(), r.env["NEO4J_TOKEN"]) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// A token that ends while Keymaker works.
	r.byToken(is, map[string]any{"groups": []any{"neo4j_writer"}})
	r.server.Fault(neo4jtest.Fault{Match: "SHOW ROLES", Failure: &neo4jtest.Failure{Code: codeTokenExpired, Message: "Token expired, please provide a new token."}})
	if _, err := r.sys.Read(t.Context(), state); err == nil || !strings.Contains(err.Error(), "the token from env NEO4J_TOKEN has expired") {
		t.Errorf("expired meanwhile: got %v", err)
	}
}

func TestTokenOrPassword(t *testing.T) {
	t.Parallel()
	secret := func(from string) reconcile.Argument {
		return reconcile.Argument{Value: reconcile.NewSecret(from, func() (string, error) { return "x", nil })}
	}
	open := func(env map[string]string, f map[string]reconcile.Argument) error {
		env["NEO4J_URI"] = "bolt://localhost:1"
		_, err := Open(t.Context(), reconcile.Block{Fields: f}, Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
		return err
	}
	both := "a token and a password"
	for name, tt := range map[string]struct {
		env  map[string]string
		f    map[string]reconcile.Argument
		want string
	}{
		"none":              {map[string]string{}, nil, "no Neo4j password"},
		"token":             {map[string]string{"NEO4J_TOKEN": "x"}, nil, ""},
		"both in env":       {map[string]string{"NEO4J_TOKEN": "x", "NEO4J_PASSWORD": "y"}, nil, both},
		"both in the block": {map[string]string{}, map[string]reconcile.Argument{"token": secret("env T"), "password": secret("env P")}, both},
		"the block first":   {map[string]string{"NEO4J_PASSWORD": "y"}, map[string]reconcile.Argument{"token": secret("env T")}, ""},
	} {
		err := open(tt.env, tt.f)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}
