package neo4j

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

// people declares a provider for people with a browser, in the form for identity providers whose access tokens nobody can read: ID tokens.
func people(r *rig, name string) reconcile.Object {
	return providerNamed(r, name, fields{
		"display_name": reconcile.Text("Okta SSO"), "visible": reconcile.Flag(true), "auth_flow": reconcile.Text("PKCE"), "token_type": reconcile.Text("id_token"),
		"audience":    setOf("0oa1", "api://default"),
		"auth_params": reconcile.Map{"prompt": reconcile.Text("login")},
		"params":      reconcile.Map{"client_id": reconcile.Text("0oa1"), "response_type": reconcile.Text("code"), "scope": reconcile.Text("openid profile groups")},
		"config":      reconcile.Map{"principal": reconcile.Text("email"), "code_challenge_method": reconcile.Text("S256")},
	})
}

// explicit declares one without a discovery document, with groups from user info.
func explicit(r *rig, name string) reconcile.Object {
	return providerNamed(r, name, fields{
		"well_known_discovery_uri": nil, "issuer": reconcile.Text("https://idp.example.com"), "jwks_uri": reconcile.Text("https://idp.example.com/keys"),
		"auth_endpoint": reconcile.Text("https://idp.example.com/authorize"), "token_endpoint": reconcile.Text("https://idp.example.com/token"),
		"user_info_uri": reconcile.Text("https://idp.example.com/userinfo"), "groups_from_user_info": reconcile.Flag(true), "username_from_user_info": reconcile.Flag(true),
	})
}

var dockerEntry = regexp.MustCompile(`^NEO4J_([A-Za-z0-9_]+)=(.*)$`)

// fromDocker does what the official image's entrypoint does: "__" is "_", "_" is ".". Lines for a mounted file are taken as that file.
func fromDocker(t *testing.T, text string) string {
	var conf strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if m := dockerEntry.FindStringSubmatch(line); m != nil {
			key := strings.ReplaceAll(m[1], "__", "\x00")
			key = strings.ReplaceAll(strings.ReplaceAll(key, "_", "."), "\x00", "_")
			conf.WriteString(key + "=" + m[2] + "\n")
		} else if line, ok := strings.CutPrefix(line, "# dbms."); ok {
			conf.WriteString("dbms." + line + "\n")
		} else if !strings.HasPrefix(line, "# ") {
			t.Errorf("what is %q?", line)
		}
	}
	return conf.String()
}

func fromHelm(t *testing.T, text string) string {
	var values struct {
		Config map[string]string `yaml:"config"`
	}
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	var conf strings.Builder
	for _, k := range sortedKeys(values.Config) {
		conf.WriteString(k + "=" + values.Config[k] + "\n")
	}
	return conf.String()
}

// Every form that render writes is one that a server starts with, and has exactly the declared settings afterwards.
func TestRenderedFormsAreTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	objects := []reconcile.Object{people(r, "sso"), explicit(r, "explicit-uris"), provider(r, nil)}
	lines, err := ConfLines(objects)
	r.must(err)
	helm, err := RenderHelm(lines)
	r.must(err)
	for form, conf := range map[string]string{"conf": RenderConf(lines), "docker": fromDocker(t, RenderDocker(lines)), "helm": fromHelm(t, helm)} {
		started := newRig(t, func(s *neo4jtest.Server, _ *reconcile.Block, _ *Options) {
			if err := os.WriteFile(s.ConfFile, []byte(conf), 0o600); err != nil {
				t.Fatal(err)
			}
		})
		live, err := started.sys.Read(t.Context(), objects)
		started.must(err)
		for _, it := range reconcile.Compare(started.sys.Kinds(), objects, live).Items {
			if it.State != reconcile.InSync {
				t.Errorf("%s: %s is %s: %+v", form, it.Addr, it.State, it.Diffs)
			}
		}
		discoveryHolds(t, started, objects)
	}
}

// discoveryHolds compares the discovery document with the settings of a started server.
func discoveryHolds(t *testing.T, r *rig, objects []reconcile.Object) {
	t.Helper()
	asked := 0
	text, lacks, err := RenderDiscovery(objects, "neo4j+s://graph.example.com", func(string) (Endpoints, error) {
		asked++
		return Endpoints{Auth: "https://example.okta.com/authorize", Token: "https://example.okta.com/token"}, nil
	})
	r.must(err)
	if len(lacks) != 0 { // the two without params are not visible
		t.Errorf("lacks %v", lacks)
	}
	var doc discovery
	r.must(json.Unmarshal([]byte(text), &doc))
	if asked != 2 || doc.BoltRouting != "neo4j+s://graph.example.com" || len(doc.AuthConfig.Providers) != len(objects) {
		t.Errorf("asked %d times: %s", asked, text)
	}
	settings := r.sys.last().members
	if len(settings) == 0 {
		r.plan(objects...)
		settings = r.sys.last().members
	}
	for _, p := range doc.AuthConfig.Providers {
		get := func(suffix string) string {
			if v := settings[0].settings[oidcPrefix+p.ID+"."+suffix].value; v != nil {
				return *v
			}
			return ""
		}
		for suffix, m := range map[string]map[string]string{"params": p.Params, "auth_params": p.AuthParams, "token_params": p.TokenParams, "config": p.Config} {
			live, err := ParseSettingMap(get(suffix))
			r.must(err)
			if !reconcile.Equal(textMap(live), textMap(m)) {
				t.Errorf("%s of %s: %v, and the server has %v", suffix, p.ID, m, live)
			}
		}
		if !strings.EqualFold(get("auth_flow"), p.AuthFlow) && get("auth_flow") != "" || get("well_known_discovery_uri") != p.WellKnown || get("visible") != map[bool]string{true: "true", false: "false"}[p.Visible] {
			t.Errorf("%+v", p)
		}
	}
}

func TestDiscoveryGolden(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text, lacks, err := RenderDiscovery([]reconcile.Object{people(r, "sso")}, "bolt://localhost:7687", func(string) (Endpoints, error) {
		return Endpoints{}, errors.New("no such host")
	})
	r.must(err)
	goldenText(t, "discovery", text+strings.Join(lacks, "\n")+"\n")
	if _, _, err := RenderDiscovery([]reconcile.Object{withSecret(r, canary)}, "", nil); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("a secret was rendered: %v", err)
	}
}
