package neo4j

import (
	"maps"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func renderLines() []ConfLine {
	return []ConfLine{
		{"dbms.security.authentication_providers", "native,oidc-okta"},
		{"dbms.security.oidc.okta.display_name", "Okta: the \"one\""},
		{"dbms.security.oidc.okta.visible", "false"},
		{"dbms.security.oidc.okta-backend.authorization.group_to_role_mapping", `"g"=admin;"h"=a,b`},
	}
}

func TestRenderDocker(t *testing.T) {
	want := `NEO4J_dbms_security_authentication__providers=native,oidc-okta
NEO4J_dbms_security_oidc_okta_display__name=Okta: the "one"
NEO4J_dbms_security_oidc_okta_visible=false
# No shell takes the names of these as variables. Mount a neo4j.conf into /conf that has them:
# dbms.security.oidc.okta-backend.authorization.group_to_role_mapping="g"=admin;"h"=a,b
`
	if got := RenderDocker(renderLines()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Every form says the same: what is read back from conf lines and from Helm values is what went in. The chart takes texts only, so a boolean must stay one.
func TestRenderedFormsSayTheSame(t *testing.T) {
	want := make(map[string]string)
	for _, l := range renderLines() {
		want[l.Key] = l.Value
	}
	conf, err := ReadConf([]byte(RenderConf(renderLines())))
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, e := range conf.Entries {
		got[e.Key] = e.Value
	}
	if !maps.Equal(got, want) {
		t.Errorf("conf: %v", got)
	}
	text, err := RenderHelm(renderLines())
	if err != nil {
		t.Fatal(err)
	}
	var values struct{ Config map[string]any }
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	for k, v := range want {
		if values.Config[k] != v {
			t.Errorf("helm: %s is %#v, want the text %q\n%s", k, values.Config[k], v, strings.TrimSpace(text))
		}
	}
}
