package neo4j

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keymaker/reconcile"
)

const securityLog = `2026-11-20 13:45:00.796+0000 INFO  [mallory]: logged in
2026-11-20 13:47:53.443+0000 ERROR [mallory]: failed to log in: invalid principal or credentials
2026-11-20 13:48:28.566+0000 INFO  [mallory@10.0.0.7]: CREATE USER janedoe SET PASSWORD '******' CHANGE REQUIRED
2026-11-20 13:48:32.753+0000 INFO  [AsyncLog @ 2026-11-20 ...]  [mallory]: CREATE ROLE svc_legacy
2026-11-20 13:49:11.880+0000 INFO  [mallory]: GRANT ROLE svc_legacy TO janedoe
2026-11-20 13:49:34.979+0100 INFO  [eve]: GRANT WRITE ON GRAPH * TO etl_writer
{"time":"2026-11-20 13:50:00.000+0000","level":"INFO","type":"security","username":"robot","executingUser":"robot","authenticatedUser":"trent","message":"REVOKE MATCH {*} ON GRAPH neo4j FROM ` + "`etl_writer`" + `"}
2026-11-20 13:51:00.000+0000 INFO  [neo4j]: GRANT ACCESS ON DATABASE neo4j TO etl_writer
2026-11-20 13:52:00.000+0000 ERROR [eve]: GRANT ALL ON DBMS TO etl_writer: permission denied
2026-11-20 13:53:00.000+0000 INFO  [eve]: DROP ROLE gone
2026-11-20 13:54:00.000+0000 INFO  [eve]: CALL dbms.setConfigValue('dbms.security.oidc.okta-backend.audience', 'x')
no line of ours
`

func TestWhoByTheSecurityLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "security.log")
	if err := os.WriteFile(file, []byte(securityLog), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &System{securityLog: file, seen: snapshot{user: "neo4j"}}
	role := func(name string, state reconcile.State, diffs ...reconcile.Diff) reconcile.DriftItem {
		o := reconcile.Object{Addr: reconcile.Addr{System: systemName, Kind: kindRole, Name: name}}
		it := reconcile.DriftItem{Addr: o.Addr, State: state, Want: o, Live: o, Diffs: diffs}
		if state == reconcile.Missing {
			it.Live = reconcile.Object{}
		}
		return it
	}
	user := reconcile.Object{Addr: reconcile.Addr{System: systemName, Kind: kindUser, Name: "janedoe"}}
	provider := reconcile.Object{Addr: reconcile.Addr{System: systemName, Kind: kindProvider, Name: "okta-backend"}}
	one := func(text string) []reconcile.Value { return []reconcile.Value{reconcile.Text(text)} }
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		item       reconcile.DriftItem
		diff       string // of which difference; "" for the object
		confidence reconcile.Confidence
		actor      string // or a part of the reason
		at         string
	}{
		"privilege granted":     {role("etl_writer", reconcile.Drifted, reconcile.Diff{Name: "grant", Removed: one("WRITE ON GRAPH *")}), "grant", reconcile.ConfidenceExact, "eve", "12:49:34"},
		"privilege taken":       {role("etl_writer", reconcile.Drifted, reconcile.Diff{Name: "grant", Added: one("MATCH {*} ON GRAPH neo4j")}), "grant", reconcile.ConfidenceExact, "trent", "13:50:00"},
		"another difference":    {role("etl_writer", reconcile.Drifted, reconcile.Diff{Name: "deny", Removed: one("READ {x} ON GRAPH neo4j")}), "", reconcile.ConfidenceObject, "trent", "13:50:00"},
		"role made":             {role("svc_legacy", reconcile.Extra), "", reconcile.ConfidenceExact, "mallory", "13:48:32"},
		"role dropped":          {role("gone", reconcile.Missing), "", reconcile.ConfidenceExact, "eve", "13:53:00"},
		"never touched":         {role("quiet", reconcile.Missing), "", reconcile.ConfidenceNone, "no change to it is in Neo4j's security log since 2026-11-01", ""},
		"role given to a user":  {reconcile.DriftItem{Addr: user.Addr, State: reconcile.Drifted, Want: user, Live: user, Diffs: []reconcile.Diff{{Name: attrRoles, Removed: one("svc_legacy")}}}, attrRoles, reconcile.ConfidenceExact, "mallory", "13:49:11"},
		"a provider's settings": {reconcile.DriftItem{Addr: provider.Addr, State: reconcile.Drifted, Want: provider, Live: provider}, "", reconcile.ConfidenceObject, "eve", "13:54:00"},
	} {
		c2 := s.Who(t.Context(), []reconcile.DriftItem{c.item}, since)[c.item.Addr]
		by := c2.Object
		if c.diff != "" {
			by = c2.Diffs[c.diff]
		}
		said := by.Actor
		if by.Confidence == reconcile.ConfidenceNone {
			said = by.Why
		}
		if by.Confidence != c.confidence || said != c.actor || c.at != "" && by.At.Format(time.TimeOnly) != c.at {
			t.Errorf("%s: %+v", name, by)
		}
		if strings.Contains(by.What, "'") {
			t.Errorf("%s: %q repeats a statement's values", name, by.What)
		}
	}
	own := role("only_ours", reconcile.Drifted)
	os.WriteFile(file, []byte("2026-11-20 13:51:00.000+0000 INFO  [neo4j]: CREATE ROLE only_ours\n"), 0o600)
	if by := s.Who(t.Context(), []reconcile.DriftItem{own}, since)[own.Addr].Object; !strings.Contains(by.Why, "only user neo4j") {
		t.Errorf("our own statement: %+v", by)
	}
	for file, want := range map[string]string{"": "was not named", filepath.Join(t.TempDir(), "none"): "could not be read", t.TempDir(): "no plain file"} {
		s.securityLog = file
		if by := s.Who(t.Context(), []reconcile.DriftItem{own}, since)[own.Addr].Object; by.Confidence != reconcile.ConfidenceNone || !strings.Contains(by.Why, want) {
			t.Errorf("file %q: %+v", file, by)
		}
	}
}

func FuzzSecurityLog(f *testing.F) {
	for line := range strings.Lines(securityLog) {
		f.Add(line, "etl_writer")
	}
	f.Add(`{"time":"2026-11-20T13:50:00Z","level":"INFO","username":"a","message":"REVOKE"}`, "")
	f.Fuzz(func(t *testing.T, line, name string) {
		entries, err := scanSecurityLog(strings.NewReader(line), false, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.user == "" || len(e.tokens) < 2 || e.line < 1 {
				t.Errorf("%+v", e)
			}
			item := reconcile.DriftItem{Addr: reconcile.Addr{Kind: kindRole}}
			for _, kind := range []string{kindRole, kindUser, kindProvider} {
				e.names(kind, name)
			}
			e.makes(item, reconcile.Diff{Name: "grant", Removed: []reconcile.Value{reconcile.Text(name)}, Added: []reconcile.Value{reconcile.Text(name)}})
			_ = e.verb()
		}
	})
}
