package neo4j

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
	if strings.Contains(err.Error(), testPassword) {
		t.Errorf("error %q holds the password", err)
	}
}

// setOn changes a setting on one member only, as an operator would by hand.
func (s *System) setOn(uri, setting, value string) error {
	_, err := s.client.query(context.Background(), uri, "CALL dbms.setConfigValue($s, $v)", map[string]any{"s": setting, "v": value})
	return err
}

// reopen opens a System with the rig's environment.
func reopen(r *rig, conn reconcile.Block) *System {
	r.t.Helper()
	sys, err := Open(context.Background(), conn, Options{Env: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok }})
	r.must(err)
	r.t.Cleanup(func() { _ = sys.Close(context.Background()) })
	return sys
}

func TestOpenMistakes(t *testing.T) {
	t.Parallel()
	noPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	password := reconcile.NewSecret("test", func() (string, error) { return testPassword, nil })
	for _, tt := range []struct {
		name   string
		conn   fields
		env    map[string]string
		caFile string
		want   []string
	}{
		{"nothing", nil, nil, "", []string{"no Neo4j URI", "NEO4J_URI"}},
		{"no password", fields{"uri": reconcile.Text("bolt://localhost")}, nil, "", []string{"no Neo4j password", "NEO4J_PASSWORD"}},
		{"http", fields{"uri": reconcile.Text("http://localhost:7474"), "password": password}, nil, "", []string{`unknown scheme "http"`, "neo4j+s"}},
		{"credentials", fields{"uri": reconcile.Text("bolt://neo4j:" + testPassword + "@localhost"), "password": password}, nil, "", []string{"holds credentials", "NEO4J_PASSWORD"}},
		{"credentials that do not parse", fields{"uri": reconcile.Text("bolt://neo4j:" + testPassword + "%zz@localhost"), "password": password}, nil, "", []string{"does not parse"}},
		{"no host", fields{"uri": reconcile.Text("bolt://"), "password": password}, nil, "", []string{"names no host"}},
		{"query", fields{"uri": reconcile.Text("bolt://h?policy=x"), "password": password}, nil, "", []string{"takes no query"}},
		{"restart", fields{"uri": reconcile.Text("bolt://h"), "password": password}, map[string]string{"KEYMAKER_NEO4J_RESTART": "systemctl restart neo4j"}, "", []string{"KEYMAKER_NEO4J_RESTART", "JSON list"}},
		{"empty restart", fields{"uri": reconcile.Text("bolt://h"), "password": password}, map[string]string{"KEYMAKER_NEO4J_RESTART": "[]"}, "", []string{"restart command is empty"}},
		{"member scheme", fields{"uri": reconcile.Text("neo4j+s://h"), "password": password, "members": reconcile.List{reconcile.Text("bolt://a:7687")}}, nil, "", []string{"scheme is not that of the URI", "bolt+s://"}},
		{"CA", fields{"uri": reconcile.Text("bolt+s://h"), "password": password}, nil, noPEM, []string{"no certificate in PEM form", "--ca-file"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(t.Context(), blockOf("", "", tt.conn), Options{CAFile: tt.caFile, Env: func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }})
			wantError(t, err, tt.want...)
		})
	}
}

func TestOpenSettings(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"NEO4J_URI": "neo4j://graph.example.com", "NEO4J_PASSWORD": testPassword, "KEYMAKER_NEO4J_CONF_FILE": "conf/neo4j.conf",
		"KEYMAKER_NEO4J_RESTART": `["docker", "restart", "neo4j"]`,
	}
	conn := blockOf("", "", fields{"members": reconcile.List{reconcile.Text("a"), reconcile.Text("bolt://b:7688"), reconcile.Text("[::1]"), reconcile.Text("a:7687")}})
	conn.Dir = "/specs"
	s, err := Open(t.Context(), conn, Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.members, " "); got != "a:7687 b:7688 [::1]:7687" {
		t.Errorf("members %s", got)
	}
	if s.confFile != "/specs/conf/neo4j.conf" || strings.Join(s.restart.command, " ") != "docker restart neo4j" || s.restart.timeout != restartTimeout {
		t.Errorf("conf %s, restart %+v", s.confFile, s.restart)
	}
	if got := s.memberURI("b:7688"); got != "bolt://b:7688" {
		t.Errorf("member URI %s", got)
	}
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "no TLS") {
		t.Errorf("warnings %q", w)
	}
	env["NEO4J_URI"] = "bolt://127.0.0.1"
	if s, err = Open(t.Context(), reconcile.Block{}, Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}); err != nil || len(s.Warnings()) != 0 {
		t.Errorf("loopback: %v, %v", s.Warnings(), err)
	}
}

func readError(r *rig) error {
	_, err := r.sys.Read(context.Background(), nil)
	return err
}

func TestServersThatWillNotDo(t *testing.T) {
	t.Parallel()
	t.Run("community", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) { s.Edition = neo4jtest.EditionCommunity })
		wantError(t, readError(r), "Community Edition", "no roles", "Enterprise")
	})
	t.Run("too old", func(t *testing.T) {
		t.Parallel()
		wantError(t, readError(newRig(t, withVersion("5.20.0"))), "Neo4j 5.20.0", "5.26 LTS")
	})
	t.Run("wrong password", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.env["NEO4J_PASSWORD"] = "not it"
		r.sys = reopen(r, reconcile.Block{})
		for range 3 {
			wantError(t, readError(r), r.server.URL, "refuses the login of user \"neo4j\"", "env NEO4J_PASSWORD")
		}
		wantError(t, readError(r), "too many failed logins", "Wait")
	})
	t.Run("password to be changed", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) { s.Password = "" })
		r.env["NEO4J_PASSWORD"] = "neo4j"
		wantError(t, readError(r), "has to be changed", "ALTER CURRENT USER SET PASSWORD")
	})
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		for _, scheme := range []string{"bolt", "neo4j"} {
			r := newRig(t)
			r.env["NEO4J_URI"] = scheme + "://127.0.0.1:1"
			r.sys = reopen(r, reconcile.Block{})
			wantError(t, readError(r), "127.0.0.1:1", "cannot be reached", "NEO4J_URI")
		}
	})
	stranger := func(t *testing.T, answer string, stay bool) *rig {
		r := newRig(t)
		r.env["NEO4J_URI"] = "bolt://" + listen(t, answer, stay)
		r.sys = reopen(r, reconcile.Block{})
		r.sys.client.patience = 300 * time.Millisecond
		return r
	}
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		wantError(t, readError(stranger(t, "HTTP/1.1 400 Bad Request\r\n\r\n", true)), "speaks HTTP, not Bolt", "7687")
	})
	t.Run("closes", func(t *testing.T) {
		t.Parallel()
		wantError(t, readError(stranger(t, "", false)), "closed the connection", "Is this Neo4j")
	})
	t.Run("says nothing", func(t *testing.T) {
		t.Parallel()
		wantError(t, readError(stranger(t, "", true)), "does not answer in Bolt", "7474")
	})
	t.Run("no such version", func(t *testing.T) {
		t.Parallel()
		wantError(t, readError(stranger(t, "\x00\x00\x00\x00", true)), "no Bolt version")
	})
	t.Run("no TLS there", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.env["NEO4J_URI"] = strings.Replace(r.server.URL, "bolt", "bolt+s", 1)
		r.sys = reopen(r, reconcile.Block{})
		wantError(t, readError(r), r.env["NEO4J_URI"])
	})
}

func TestNewestVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t, withVersion("2026.08.1"), withConf)
	r.converge(etlWriter(r), provider(r, nil))
	live, err := r.sys.Read(t.Context(), []reconcile.Object{provider(r, nil)})
	r.must(err)
	if live.Target.Product != "Enterprise 2026.08.1, 1 member" || live.Target.URL != r.server.URL {
		t.Errorf("target %+v", live.Target)
	}
}

func TestRoutedURI(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	r.env["NEO4J_URI"] = strings.Replace(r.server.URL, "bolt", "neo4j", 1)
	conf, direct := r.sys.confFile, r.sys.restart.direct
	r.sys = reopen(r, reconcile.Block{})
	r.sys.confFile, r.sys.restart.direct = conf, direct
	r.converge(etlWriter(r), provider(r, nil))
}

// listen is a port on which something else than Neo4j answers.
func listen(t *testing.T, answer string, stay bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if !stay {
					return
				}
				buf := make([]byte, 20)
				_, _ = io.ReadFull(c, buf)
				_, _ = io.WriteString(c, answer)
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	return l.Addr().String()
}
