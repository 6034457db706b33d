package neo4jtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// confFile writes a neo4j.conf.
func confFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "neo4j.conf")
	writeConf(t, path, lines...)
	return path
}

func writeConf(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestConfStrictness(t *testing.T) {
	const okta = "dbms.security.oidc.okta."
	good := []string{"# comment", "", "dbms.security.authentication_providers=native, oidc-okta", okta + "audience=api://default", okta + "well_known_discovery_uri=https://idp.example.com/x"}
	for _, tc := range []struct {
		name  string
		lines []string
		want  string // "" starts
	}{
		{"good", good, ""},
		{"continued", []string{`dbms.security.oidc.a.authorization.group_to_role_mapping="x"=reader;\`, `   "y"=editor`}, ""},
		{"unknown key", []string{"dbms.security.oidc.okta.claims.audience=x"}, "Unrecognized setting. No declared setting with name: dbms.security.oidc.okta.claims.audience."},
		{"unknown key, not strict", []string{"server.config.strict_validation.enabled=false", "no.such.key=1"}, ""},
		{"doubled key", []string{"server.bolt.enabled=true", "server.bolt.enabled=true"}, "server.bolt.enabled declared multiple times."},
		{"doubled jvm", []string{"server.jvm.additional=-Da", "server.jvm.additional=-Db"}, ""},
		{"trailing comment", []string{"dbms.security.auth_enabled=true # yes"}, "Error evaluating value for setting 'dbms.security.auth_enabled'. 'true # yes' is not a valid boolean value"},
		{"http", []string{okta + "jwks_uri=http://keycloak:8080/x"}, "Error evaluating value for setting 'dbms.security.oidc.okta.jwks_uri'. 'http://keycloak:8080/x' does not have required scheme 'https'"},
		{"http on loopback", []string{okta + "jwks_uri=http://localhost:8080/x"}, ""},
		{"http on loopback, v6", []string{okta + "jwks_uri=http://[::1]:8080/x"}, ""},
		{"issuer is text", []string{okta + "issuer=http://keycloak:8080/"}, ""},
		{"no audience", []string{"dbms.security.authentication_providers=oidc-okta", okta + "well_known_discovery_uri=https://x/y"}, "audience"},
		{"empty audience", []string{okta + "audience=,"}, "list is empty"},
		{"no discovery", []string{"dbms.security.authentication_providers=oidc-okta", okta + "audience=a", okta + "issuer=i"}, "jwks_uri"},
		{"no token endpoint", []string{"dbms.security.authentication_providers=oidc-okta", okta + "audience=a", okta + "issuer=i", okta + "jwks_uri=https://x/y", okta + "auth_endpoint=https://x/y"}, "token_endpoint"},
		{"implicit needs none", []string{"dbms.security.authentication_providers=oidc-okta", okta + "audience=a", okta + "issuer=i", okta + "jwks_uri=https://x/y", okta + "auth_endpoint=https://x/y", okta + "auth_flow=implicit"}, ""},
		{"params lack a key", []string{okta + "params=client_id=x;response_type=code"}, "map does not contain all of the required keys: [client_id, response_type, scope]."},
		{"params with a blank", []string{okta + "params=client_id=x;response_type=code; scope=openid"}, "map does not contain all of the required keys"},
		{"params without =", []string{okta + "params=client_id"}, "'client_id' map element does not follow k1=v1 format."},
		{"config with a foreign key", []string{okta + "config=principal=sub;colour=red"}, "map element with key colour is not one of the accepted elements"},
		{"mapping", []string{okta + "authorization.group_to_role_mapping=reader"}, "does not follow the pattern"},
		{"flow", []string{okta + "auth_flow=magic"}, "'magic' not one of [PKCE, IMPLICIT]"},
		{"unknown provider", []string{"dbms.security.authentication_providers=native,magic"}, "'magic' is not a known provider"},
		{"command", []string{"server.bolt.enabled=$(cat x)"}, "--expand-commands"},
		{"no equals sign", []string{"server.bolt.enabled"}, "not of the form key=value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &Server{ConfFile: confFile(t, tc.lines...)}
			err := s.Start()
			defer s.Close()
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %v, want a start", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	s := &Server{ConfFile: filepath.Join(t.TempDir(), "missing.conf")}
	if err := s.Start(); err != nil {
		t.Errorf("missing file: %v", err)
	}
	_ = s.Close()
}

func TestSettings(t *testing.T) {
	const okta = "dbms.security.oidc.okta."
	path := confFile(t, okta+"audience=a , b", okta+"display_name=Okta", okta+"params=client_id=x;response_type=code;scope=openid profile;", okta+"claims.groups=groups")
	s := start(t, &Server{ConfFile: path})
	drv := admin(t, s)
	read := func(name string) []any {
		t.Helper()
		rows, err := query(drv, "system", "SHOW SETTINGS $n YIELD value, isDynamic, defaultValue, startupValue, isExplicitlySet", map[string]any{"n": name})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %v, %v", name, rows, err)
		}
		return rows[0]
	}
	wantRows(t, "audience", read(okta+"audience"), []any{"a,b", true, nil, "a,b", true})
	wantRows(t, "display name", read(okta+"display_name"), []any{"Okta", false, nil, "Okta", true})
	wantRows(t, "params", read(okta + "params")[0], "{scope=openid profile, response_type=code, client_id=x}")
	wantRows(t, "username", read(okta+"claims.username"), []any{"sub", true, "sub", "sub", false})
	wantRows(t, "flow", read(okta + "auth_flow")[0], "PKCE")
	wantRows(t, "unset", read("dbms.security.http_strict_transport_security"), []any{nil, false, nil, nil, false})
	wantRows(t, "duration", read("dbms.security.auth_lock_time")[0], "5s")
	wantRows(t, "no glob", column(t, drv, "neo4j", "SHOW SETTINGS 'dbms.security.*'"), []any{})
	wantRows(t, "sorted", column(t, drv, "neo4j", "SHOW SETTINGS 'server.bolt.enabled', 'db.format'"), []any{"db.format", "server.bolt.enabled"})
	wantRows(t, "no other provider", column(t, drv, "neo4j", "SHOW SETTINGS YIELD name WHERE name STARTS WITH 'dbms.security.oidc.' AND NOT name STARTS WITH '"+okta+"' RETURN name"), []any{})

	set := "CALL dbms.setConfigValue('" + okta
	do(t, drv, "system", set+"claims.groups', 'roles')", set+"authorization.group_to_role_mapping', '\"g\"=reader')")
	wantRows(t, "changed", read(okta+"claims.groups"), []any{"roles", true, nil, "groups", true})
	refused(t, drv, "neo4j", set+"display_name', 'x')", codeProcedureFailed, "Setting '"+okta+"display_name' is not dynamic and can not be changed at runtime")
	refused(t, drv, "neo4j", set+"jwks_uri', 'http://x/y')", codeProcedureFailed, "Failed to invoke procedure `dbms.setConfigValue`: Caused by: ")
	refused(t, drv, "neo4j", set+"jwks_uri', 'http://x/y')", codeProcedureFailed, "Bad value 'http://x/y' for setting '"+okta+"jwks_uri': ")
	refused(t, drv, "neo4j", "CALL dbms.setConfigValue('dbms.security.oidc.other.issuer', 'x')", codeProcedureFailed, "Unknown setting")
	rows, err := query(drv, "neo4j", "CALL dbms.checkConfigValue('"+okta+"display_name', 'x') YIELD valid, message RETURN valid, message", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, "check", rows, [][]any{{true, "requires restart"}})
	wantRows(t, "listConfig", column(t, drv, "neo4j", "CALL dbms.listConfig('claims.groups') YIELD value"), []any{"roles"})
	refused(t, drv, "neo4j", "SHOW SETTINGS null", codeTypeError, "Expected a string or a list of strings, but got: NO_VALUE")

	writeConf(t, path, okta+"audience=c", okta+"display_name=New")
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	drv = admin(t, s)
	wantRows(t, "after restart", read(okta+"claims.groups"), []any{nil, true, nil, nil, false})
	wantRows(t, "after restart", read(okta + "display_name")[0], "New")
	writeConf(t, path, "bad=1")
	if err := s.Restart(); err == nil {
		t.Error("a bad file restarts the server")
	}
	writeConf(t, path, "")
	if err := s.Restart(); err != nil {
		t.Errorf("mended file: %v", err)
	}
}

func TestMembersHaveOwnSettings(t *testing.T) {
	s := start(t, &Server{Members: 2})
	first, second := admin(t, s), driverFor(t, s.URLs[1], basic())
	do(t, first, "system", "CREATE ROLE shared", "CALL dbms.setConfigValue('db.lock.acquisition.timeout', '7s')")
	wantRows(t, "roles are shared", column(t, second, "system", "SHOW ROLES WHERE role = 'shared'"), []any{"shared"})
	wantRows(t, "first", column(t, first, "system", "SHOW SETTINGS 'db.lock.acquisition.timeout' YIELD value"), []any{"7s"})
	wantRows(t, "second", column(t, second, "system", "SHOW SETTINGS 'db.lock.acquisition.timeout' YIELD value"), []any{"0s"})
	if err := s.RestartMember(0); err != nil {
		t.Fatal(err)
	}
	wantRows(t, "restarted", column(t, admin(t, s), "system", "SHOW SETTINGS 'db.lock.acquisition.timeout' YIELD value"), []any{"0s"})
}

func FuzzMapping(f *testing.F) {
	for _, seed := range []string{`"a"=b`, `"a"=b,c;"d"=e;`, `a = b ; c=d`, `"a=1,b=2"=r`, ``, `=`, `"a`, `"a"`, `"a"="b"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mapping, err := parseMapping(text)
		for group, roles := range mapping {
			if err == nil && (strings.TrimSpace(group) == "" || len(roles) == 0) {
				t.Errorf("%q: group %q with roles %q", text, group, roles)
			}
		}
	})
}

func FuzzConf(f *testing.F) {
	for _, seed := range []string{"a=b", "a=b\\\n c", "a=\\u0041", "a=\\u00", "# x\na=b", "a", "=b", "a=$(b)"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parseConf(data)
		for _, e := range entries {
			if err == nil && e.key == "" {
				t.Errorf("%q: an empty key", data)
			}
		}
	})
}
