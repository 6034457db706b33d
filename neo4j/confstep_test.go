package neo4j

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keymaker/reconcile"
)

func ptr(s string) *string { return &s }

func noRefs(reconcile.Ref) (reconcile.Value, bool) { return nil, false }

func TestWriteConf(t *testing.T) {
	t.Parallel()
	key := "dbms.security.oidc.p.audience"
	block := func(lines ...string) string {
		return confBeginLine + "\n" + strings.Join(lines, "\n") + "\n" + confEndLine + "\n"
	}
	for _, tt := range []struct {
		name, old string
		edit      ConfEdit
		want      string // "" is an error
		err       string
	}{
		{"into nothing", "", ConfEdit{Key: key, Value: setOf("b", "a")}, block(key + "=a,b"), ""},
		{"new line", "x=1\n", ConfEdit{Key: key, Value: setOf("a")}, "x=1\n" + block(key+"=a"), ""},
		{"changed line", block(key+"=a") + "y=2\n", ConfEdit{Key: key, Value: setOf("b"), Was: ptr("a")}, block(key+"=b") + "y=2\n", ""},
		{"done already", block(key + "=b"), ConfEdit{Key: key, Value: setOf("b"), Was: ptr("a")}, block(key + "=b"), ""},
		{"somebody else's change", block(key + "=c"), ConfEdit{Key: key, Value: setOf("b"), Was: ptr("a")}, "", "line 2: " + key + " was changed since the plan"},
		{"somebody else's line", block(key + "=c"), ConfEdit{Key: key, Value: setOf("b")}, "", "was changed since the plan"},
		{"somebody took it away", "", ConfEdit{Key: key, Value: setOf("b"), Was: ptr("a")}, "", "was changed since the plan"},
		{"removed", "x=1\n" + block(key+"=a", "k=v"), ConfEdit{Key: key, Was: ptr("a")}, "x=1\n" + block("k=v"), ""},
		{"last one removed", "x=1\n" + block(key+"=a"), ConfEdit{Key: key, Was: ptr("a")}, "x=1\n", ""},
		{"removed already", "x=1\n", ConfEdit{Key: key, Was: ptr("a")}, "x=1\n", ""},
		{"emptied", block(key + "=a"), ConfEdit{Key: key, Value: reconcile.Map{}, Was: ptr("a")}, "", "nothing"},
		{"outside", "x=1\n" + key + "=a\n", ConfEdit{Key: key, Value: setOf("b"), Was: ptr("a")}, "", "line 2: " + key + " stands outside Keymaker's block"},
		{"list from base", "", ConfEdit{Key: authenticationProviders, Add: "oidc-p", Base: []string{"ldap", "native"}}, block(authenticationProviders + "=ldap,native,oidc-p"), ""},
		{"list from the file", block(authenticationProviders + "=oidc-q, native"), ConfEdit{Key: authenticationProviders, Add: "oidc-p", Base: []string{"ldap"}}, block(authenticationProviders + "=oidc-q,native,oidc-p"), ""},
		{"list loses", block(authenticationProviders + "=oidc-q,native,oidc-p"), ConfEdit{Key: authenticationProviders, Drop: "oidc-p"}, block(authenticationProviders + "=oidc-q,native"), ""},
		{"list outside", authenticationProviders + "=native\n", ConfEdit{Key: authenticationProviders, Add: "oidc-p"}, "", "line 1"},
		{"unknown", "", ConfEdit{Key: key, Value: reconcile.Ref{Attr: "audience"}}, "", "not known"},
		{"broken block", confBeginLine + "\n", ConfEdit{Key: key, Value: setOf("a")}, "", "line 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "neo4j.conf")
			if tt.old != "" {
				if err := os.WriteFile(file, []byte(tt.old), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := (&System{}).doWriteConf(WriteConf{File: file, Edits: []ConfEdit{tt.edit}}, noRefs)
			data, _ := os.ReadFile(file)
			if tt.err == "nothing" { // an empty collection has no line
				tt.err, tt.want = "", ""
			} else if tt.err != "" {
				wantError(t, err, tt.err)
				if string(data) != tt.old {
					t.Errorf("the file changed: %q", data)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(data) != tt.want || (out.Said == "already written") != (tt.old == tt.want) {
				t.Errorf("%q (%s), want %q", data, out.Said, tt.want)
			}
		})
	}
}

// A symbolic link stays one, and its target is what is replaced.
func TestWriteConfThroughLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real.conf"), filepath.Join(dir, "neo4j.conf")
	if err := os.WriteFile(file, []byte("x=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if _, err := (&System{}).doWriteConf(WriteConf{File: link, Edits: []ConfEdit{{Key: "a.b", Value: reconcile.Text("c")}}}, noRefs); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v", info.Mode())
	}
	if data, _ := os.ReadFile(file); !strings.Contains(string(data), "a.b=c") {
		t.Errorf("%q", data)
	}
}

func TestConfFileMistakes(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	key := "dbms.security.oidc.okta-backend.audience"
	r.writeConf("x=1\n" + key + "=a\n" + confBeginLine + "\n" + key + "=b\n" + confEndLine + "\n")
	_, err := r.tryPlan(reconcile.Policy{}, etlWriter(r), provider(r, nil))
	wantError(t, err, "neo4j.oidc_provider.okta-backend", r.conf+" line 4", "stands on line 2 too")

	r.writeConf("x=1\n" + key + "=api://other\n")
	_, err = r.tryPlan(reconcile.Policy{}, etlWriter(r), provider(r, nil))
	wantError(t, err, "neo4j.oidc_provider.okta-backend", r.conf+" line 2", "outside Keymaker's block")

	r.writeConf(confBeginLine + "\n")
	_, err = r.tryPlan(reconcile.Policy{}, etlWriter(r), provider(r, nil))
	wantError(t, err, r.conf+" line 1", "does not end")
}

// Lines that somebody wrote by hand, with the right values, are in sync.
func TestConfByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	plan := r.plan(etlWriter(r), provider(r, nil))
	r.applied(plan)
	text := strings.NewReplacer(confBeginLine+"\n", "", confEndLine+"\n", "").Replace(r.readConf())
	r.writeConf(text)
	r.must(r.server.Restart())
	r.insync(etlWriter(r), provider(r, nil))
}

// What neo4j.conf cannot hold is said before anything is written, with the object and the setting; what is not known yet may still be fine.
func TestPlanTriesTheFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	for name, tt := range map[string]struct {
		conf string
		f    fields
		want []string
	}{
		"not ASCII":        {"", fields{"group_to_role": reconcile.Map{"Ärzte": reconcile.TextSet("reader")}}, []string{"group_to_role_mapping", "only ASCII can be written"}},
		"continued":        {"x=1\\\n", nil, []string{"line 1", "ends with a backslash"}},
		"known after only": {"# mine\n", fields{"audience": reconcile.SetOf(reconcile.Ref{Addr: reconcile.Addr{System: "okta", Kind: "app", Name: "a"}, Attr: "client_id"})}, nil},
	} {
		r.writeConf(tt.conf)
		_, err := r.tryPlan(reconcile.Policy{}, etlWriter(r), provider(r, tt.f))
		if tt.want == nil {
			r.must(err)
			continue
		}
		t.Log(name)
		wantError(t, err, append(tt.want, "neo4j.oidc_provider.okta-backend", r.conf)...)
		if r.readConf() != tt.conf {
			t.Errorf("%s: the file was written", name)
		}
	}
}
