package neo4jtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// logged runs what an administrator and a stranger do, and gives the lines of the log file.
func logged(t *testing.T, layout string, conf string) []string {
	t.Helper()
	dir := t.TempDir()
	file, confFile := filepath.Join(dir, "security.log"), filepath.Join(dir, "neo4j.conf")
	if err := os.WriteFile(confFile, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, &Server{
		SecurityLog: file, SecurityLogLayout: layout, ConfFile: confFile, Password: testPassword,
		Clock: func() time.Time { return time.Date(2026, 8, 1, 12, 0, 0, 5_000_000, time.UTC) },
	})
	m := s.members[0].member
	run := func(user, password, impersonate string, statements ...string) {
		t.Helper()
		p, failure := m.login(map[string]any{"scheme": "basic", "principal": user, "credentials": password})
		if failure != nil {
			return
		}
		for _, text := range statements {
			opened, failure := m.begin(p, txOptions{db: "neo4j", mode: "w", impersonate: impersonate})
			if failure != nil {
				t.Fatal(failure)
			}
			if _, failure = opened.run(text, map[string]any{"credentials": "from-a-parameter"}); failure != nil {
				opened.rollback()
				continue
			}
			if _, failure = opened.commit(); failure != nil {
				t.Fatal(failure)
			}
		}
	}
	run("neo4j", testPassword, "", "CYPHER 5 CREATE ROLE custom", "CREATE USER jane\n SET PASSWORD 'in-the-clear' CHANGE NOT REQUIRED", "CREATE USER joe SET PASSWORD $credentials",
		"EXPLAIN DROP ROLE custom", "RETURN 1", "CREATE ROLE custom")
	run("jane", "in-the-clear", "", "GRANT ROLE custom TO jane")
	run("jane", "wrong-one", "")
	run("nobody\nINFO  [neo4j]: logged in", "x", "")
	run("neo4j", testPassword, "jane", "SHOW CURRENT USER", "SHOW ROLES")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, secret := range []string{"in-the-clear", "from-a-parameter", "wrong-one", testPassword} {
		if strings.Contains(string(data), secret) {
			t.Errorf("the log holds the password %s", secret)
		}
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// The plain layout is the one of the Operations Manual's example ("Configure the security log").
func TestSecurityLogPlain(t *testing.T) {
	want := strings.Split(`INFO  [neo4j]: logged in
INFO  [neo4j]: CREATE ROLE custom
INFO  [neo4j]: CREATE USER jane\n SET PASSWORD '********' CHANGE NOT REQUIRED
INFO  [neo4j]: CREATE USER joe SET PASSWORD $credentials
INFO  [jane]: logged in
ERROR [jane]: Permission
ERROR [jane]: failed to log in: invalid principal or credentials
ERROR [nobody\nINFO  [neo4j]: logged in]: failed to log in: no such user
INFO  [neo4j]: logged in
INFO  [neo4j:jane]: SHOW CURRENT USER
ERROR [neo4j:jane]: Permission`, "\n")
	got := logged(t, "", "")
	for i, line := range got {
		at, entry, _ := strings.Cut(line, "+0000 ")
		if at != "2026-08-01 12:00:00.005" || i >= len(want) || !strings.HasPrefix(entry, want[i]) {
			t.Errorf("line %d: %s", i, line)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
}

func TestSecurityLogJSON(t *testing.T) {
	type entry struct{ Time, Level, Type, Source, Database, ExecutingUser, AuthenticatedUser, Message string }
	var all []entry
	for _, line := range logged(t, LayoutJSON, "dbms.security.log_successful_authentication=false\n") {
		var e entry
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e.Message == "logged in" {
			t.Errorf("a successful login is logged, although it is switched off: %s", line)
		}
		all = append(all, e)
	}
	first := entry{"2026-08-01 12:00:00.005+0000", "INFO", "security", all[0].Source, "system", "neo4j", "neo4j", "CREATE ROLE custom"}
	if all[0] != first {
		t.Errorf("got %+v, want %+v", all[0], first)
	}
	last := all[len(all)-1]
	if last.ExecutingUser != "jane" || last.AuthenticatedUser != "neo4j" || last.Level != "ERROR" {
		t.Errorf("impersonation: %+v", last)
	}
}

func TestSecurityLogRefusesLayouts(t *testing.T) {
	if err := (&Server{SecurityLogLayout: "xml"}).Start(); err == nil || !strings.Contains(err.Error(), "plain") {
		t.Errorf("got %v", err)
	}
}

// A statement that speaks of passwords is kept without its texts, but for the names of auth providers.
func TestMaskSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE USER u SET AUTH 'native' { SET PASSWORD 'x' }":                 "CREATE USER u SET AUTH 'native' { SET PASSWORD '***' }",
		"CREATE USER u SET AUTH PROVIDER \"native\" { SET PASSWORD \"AUTH\" }": "CREATE USER u SET AUTH PROVIDER \"native\" { SET PASSWORD '***' }",
		"ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b'":                      "ALTER CURRENT USER SET PASSWORD FROM '***' TO '***'",
		"ALTER USER u REMOVE AUTH 'oidc-a' SET ENCRYPTED PASSWORD '1,a,b'":     "ALTER USER u REMOVE AUTH 'oidc-a' SET ENCRYPTED PASSWORD '***'",
		"CREATE USER u SET \\u0050ASSWORD 'x\\u0027 SET AUTH 'secret'":         "CREATE USER u SET PASSWORD '***' SET AUTH 'secret'",
		"MATCH (n {name: 'x'}) RETURN n":                                       "MATCH (n {name: 'x'}) RETURN n",
		"CREATE USER u SET PASSWORD 'never closed":                             mask,
	} {
		if got := maskSecrets(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
