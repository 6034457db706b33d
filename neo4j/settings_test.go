package neo4j

import (
	"strings"
	"testing"

	"keymaker/reconcile"
)

// What is written for a setting is read back as the same value, whatever the texts in it: or it is refused.
func FuzzSettingText(f *testing.F) {
	for _, s := range []string{"", "a", "a,b", "a;b", "k=v", " a ", `"g"`, "{a=b}", "[a]", "a\nb", "é", `a\b`, "a, b"} {
		f.Add(s, "x")
		f.Add("k", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, tt := range []struct {
			form  form
			value reconcile.Value
		}{
			{formText, reconcile.Text(a)},
			{formList, reconcile.TextSet(a, b)},
			{formMap, textsMap(a, b)},
			{formMapping, reconcile.Map{a: reconcile.TextSet(b)}},
		} {
			text, err := settingText(tt.value)
			if err != nil {
				continue
			}
			if strings.ContainsAny(text, "\r\n") {
				t.Errorf("%s holds a line break", tt.value)
			}
			if back := tt.form.parse(text); !reconcile.Equal(back, tt.value) {
				t.Errorf("%s is written %q and read %s", tt.value, text, back)
			}
		}
	})
}

func TestFormParse(t *testing.T) {
	for _, tt := range []struct {
		form form
		text string
		want reconcile.Value
	}{
		{formFlow, "PKCE", reconcile.Text("pkce")},
		{formBool, "TRUE", reconcile.Flag(true)},
		{formBool, "maybe", reconcile.Text("maybe")},
		{formList, "b, a,,", setOf("a", "b")},
		{formMap, "{b=2, a=1}", textsMap("a", "1", "b", "2")},
		{formMap, "nonsense", reconcile.Text("nonsense")},
		{formMapping, `"g" = b , a ; h=c;`, reconcile.Map{"g": setOf("a", "b"), "h": setOf("c")}},
		{formMapping, `g=a;g=b`, reconcile.Text("g=a;g=b")},
		{formMapping, "", reconcile.Map{}},
	} {
		if got := tt.form.parse(tt.text); !reconcile.Equal(got, tt.want) {
			t.Errorf("%q: %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestOpStrings(t *testing.T) {
	ref := reconcile.Ref{Addr: reconcile.Addr{System: "okta", Kind: "app", Name: "etl"}, Attr: "client_id"}
	ops := []reconcile.Op{
		Transaction{Statements: []string{"CREATE ROLE `r`", "GRANT WRITE ON GRAPH `a` TO `r`"}, Creates: true},
		Transaction{Statements: []string{"DROP ROLE `r`"}, Drops: true},
		Configure{Member: "a:7687", Setting: "dbms.security.oidc.p.params", Value: reconcile.Map{"client_id": ref, "scope": reconcile.Text("it's")}},
		Configure{Member: "a:7687", Setting: "dbms.security.oidc.p.audience", Value: setOf("b", "a"), Check: true},
		WriteConf{File: "/etc/neo4j/neo4j.conf", Edits: []ConfEdit{
			{Key: authenticationProviders, Add: "oidc-p", Base: []string{"native"}},
			{Key: authorizationProviders, Drop: "oidc-p", Base: []string{"ldap", "oidc-p"}},
			{Key: authorizationProviders, Drop: "oidc-p", Base: []string{"native", "oidc-p"}},
			{Key: "dbms.security.oidc.p.issuer", Value: reconcile.Join{ref, reconcile.Text("/x")}},
			{Key: "dbms.security.oidc.p.audience", Was: ptr("a")},
		}},
		Restart{Members: []string{"a:7687", "b:7687"}, Command: []string{"ssh", "host", "systemctl restart neo4j", "$(rm)"}},
		Restart{Members: []string{"a:7687"}},
	}
	var b strings.Builder
	for _, op := range ops {
		b.WriteString(op.String() + "\n")
		for _, tally := range op.Calls() {
			b.WriteString("  = " + reconcile.Int(int64(tally.N)).String() + " " + tally.What + "\n")
		}
	}
	goldenText(t, "ops", b.String())
}
