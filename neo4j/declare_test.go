package neo4j

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// literal makes a list as the spec has it: each text in quotes, one a line, in column 5.
func literal(lines ...string) reconcile.Argument {
	arg := reconcile.Argument{Range: hcl.Range{Filename: "roles.hcl", Start: hcl.Pos{Line: 10, Column: 1}, End: hcl.Pos{Line: 20, Column: 1}}}
	var list []reconcile.Value
	for i, text := range lines {
		start := hcl.Pos{Line: 11 + i, Column: 5, Byte: 100 * (i + 1)}
		end := hcl.Pos{Line: 11 + i, Column: 5 + len(text) + 2, Byte: start.Byte + len(text) + 2}
		arg.Items = append(arg.Items, reconcile.Item{Value: reconcile.Text(text), Literal: true, Range: hcl.Range{Filename: "roles.hcl", Start: start, End: end}})
		list = append(list, reconcile.Text(text))
	}
	arg.Value = reconcile.SetOf(list...)
	return arg
}

func TestDeclareRolePlaces(t *testing.T) {
	for _, tt := range []struct {
		name, field, text string
		summary, detail   string
		column, length    int
	}{
		{"misspelt", "grant", "REED {*} ON GRAPH neo4j", "Unknown privilege", "Did you mean READ?", 6, 4},
		{"in the middle", "grant", "READ {*} ON GRAF neo4j", "Privilege does not parse", "", 18, 4},
		{"after wide characters", "grant", "READ {`né`} ON GRAF neo4j", "Privilege does not parse", "", 21, 4},
		{"at the end", "grant", "READ {*} ON GRAPH", "Privilege does not parse", "", 23, 1},
		{"deny merge", "deny", "MERGE {*} ON GRAPH neo4j", "Privilege is refused", "Deny SET PROPERTY", 6, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := blockOf(kindRole, "r", nil)
			b.Fields[tt.field] = literal("WRITE ON GRAPH *", tt.text)
			objects, diags := Language{}.Declare(b)
			if len(objects) != 0 || len(diags) != 1 {
				t.Fatalf("%d objects, %v", len(objects), diags)
			}
			d := diags[0]
			if d.Summary != tt.summary || !strings.Contains(d.Detail, tt.detail) || d.Detail == "" {
				t.Errorf("%q: %q", d.Summary, d.Detail)
			}
			if at := d.Subject; at.Start.Line != 12 || at.Start.Column != tt.column || at.End.Column-at.Start.Column != tt.length || at.Filename != "roles.hcl" {
				t.Errorf("at %v, want column %d, length %d", at, tt.column, tt.length)
			}
			if tt.name == "misspelt" && (d.Subject.Start.Byte != 201 || d.Subject.End.Byte != 205) {
				t.Errorf("bytes %+v", d.Subject)
			}
		})
	}
}

func TestDeclareRole(t *testing.T) {
	for _, tt := range []struct {
		name   string
		block  string
		fields fields
		want   []string // parts of the diagnostics, in order; "" is none
		warns  bool
	}{
		{"all mistakes at once", "r", fields{"grant": setOf("A", "B")}, []string{"Unknown privilege", "Unknown privilege"}, false},
		{"name", "bad-name", nil, []string{"Role name 'bad-name' contains illegal characters."}, false},
		{"own name", "bad-name", fields{"name": reconcile.Text("good_name")}, nil, false},
		{"empty name", "r", fields{"name": reconcile.Text("")}, []string{"The provided role name is empty."}, false},
		{"unknown name", "r", fields{"name": reconcile.Ref{Attr: "x"}}, []string{"Name is not known"}, false},
		{"unknown privilege text", "r", fields{"grant": reconcile.Set{reconcile.Ref{Attr: "x"}}}, []string{"Privilege is not known"}, false},
		{"both", "r", fields{"grant": setOf("WRITE ON GRAPH a"), "deny": setOf("write on graphs A")}, []string{"Privilege is granted and denied"}, true},
		{"null", "r", fields{"grant": reconcile.Null{}}, nil, false},
		{"built in", "PUBLIC", fields{"grant": setOf("ACCESS ON HOME DATABASE")}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			objects, diags := Language{}.Declare(blockOf(kindRole, tt.block, tt.fields))
			checkDiags(t, objects, diags, tt.want, tt.warns)
		})
	}
}

func checkDiags(t *testing.T, objects []reconcile.Object, diags hcl.Diagnostics, want []string, warns bool) {
	t.Helper()
	if len(diags) != len(want) {
		t.Fatalf("diagnostics %v, want %q", diags, want)
	}
	for i, part := range want {
		if text := diags[i].Summary + ": " + diags[i].Detail; !strings.Contains(text, part) || diags[i].Subject == nil || diags[i].Detail == "" {
			t.Errorf("diagnostic %q, want %q", text, part)
		}
	}
	if wrong := len(want) > 0 && !warns; diags.HasErrors() != wrong || (len(objects) == 1) == wrong {
		t.Errorf("errors %t, objects %d", diags.HasErrors(), len(objects))
	}
}

func TestDeclareRoleCanonical(t *testing.T) {
	objects, diags := Language{}.Declare(blockOf(kindRole, "r", fields{"grant": setOf("read {b, a} on graphs B nodes L"), "deny": setOf()}))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	want := reconcile.TextSet("READ {a} ON GRAPH `b` NODE L", "READ {b} ON GRAPH `b` NODE L")
	if got := objects[0].Get("grant"); !reconcile.Equal(got, want) {
		t.Errorf("grant %s, want %s", got, want)
	}
	if got := objects[0].Get("deny"); got == nil || !reconcile.Equal(got, reconcile.SetOf()) {
		t.Errorf("deny %v", got)
	}
	if objects[0].TextAttr("name") != "r" {
		t.Errorf("name %v", objects[0].Get("name"))
	}
}

func textsMap(pairs ...string) reconcile.Map {
	m := reconcile.Map{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = reconcile.Text(pairs[i+1])
	}
	return m
}

func TestDeclareProvider(t *testing.T) {
	base := fields{
		"well_known_discovery_uri": reconcile.Text("https://example.com/.well-known/openid-configuration"), "audience": setOf("a"), "visible": reconcile.Flag(false),
	}
	good := textsMap("client_id", "x", "response_type", "code", "scope", "openid")
	for _, tt := range []struct {
		name  string
		block string
		set   fields // nil values take away
		want  []string
		warns bool
	}{
		{"fine", "okta-backend", nil, nil, false},
		{"name", "okta.backend", nil, []string{"Provider name is refused"}, false},
		{"no audience", "p", fields{"audience": nil}, []string{"Audience is missing"}, false},
		{"empty audience", "p", fields{"audience": setOf()}, []string{"Audience is missing"}, false},
		{"comma in audience", "p", fields{"audience": setOf("a,b")}, []string{"Value is refused: audience"}, false},
		{"no endpoints", "p", fields{"well_known_discovery_uri": nil}, []string{"asks for issuer, jwks_uri, auth_endpoint, token_endpoint."}, false},
		{"no endpoints, implicit", "p", fields{"well_known_discovery_uri": nil, "auth_flow": reconcile.Text("implicit"), "issuer": reconcile.Text("i")}, []string{"asks for jwks_uri, auth_endpoint."}, false},
		{"http", "p", fields{"jwks_uri": reconcile.Text("http://keycloak:8080/keys")}, []string{"'http://keycloak:8080/keys' does not have required scheme 'https'"}, false},
		{"http on loopback", "p", fields{"jwks_uri": reconcile.Text("http://127.0.0.1:8080/keys")}, nil, false},
		{"issuer is plain text", "p", fields{"issuer": reconcile.Text("http://keycloak:8080")}, nil, false},
		{"line break", "p", fields{"display_name": reconcile.Text("a\nb")}, []string{"control character"}, false},
		{"blanks", "p", fields{"display_name": reconcile.Text(" a")}, []string{"blank"}, false},
		{"empty", "p", fields{"issuer": reconcile.Text("")}, []string{"Value is empty"}, false},
		{"backslash", "p", fields{"username_claim": reconcile.Text(`a\b`)}, []string{"backslash"}, false},
		{"semicolon", "p", fields{"params": reconcile.Map{"client_id": reconcile.Text("a;b"), "response_type": reconcile.Text("code"), "scope": reconcile.Text("o")}}, []string{"value of client_id"}, false},
		{"params", "p", fields{"params": textsMap("client_id", "x")}, []string{"Add response_type.", "Add scope."}, false},
		{"params are fine", "p", fields{"params": good, "visible": nil}, nil, false},
		{"client id known later", "p", fields{"params": reconcile.Map{"client_id": reconcile.Ref{Attr: "client_id"}, "response_type": reconcile.Text("code"), "scope": reconcile.Text("o")}}, nil, false},
		{"config", "p", fields{"config": textsMap("principle", "sub")}, []string{"map element with key principle is not one of the accepted elements"}, false},
		{"token types that differ", "p", fields{"token_type": reconcile.Text("id_token"), "config": textsMap("token_type_principal", "access_token")}, []string{"Token type is set twice"}, false},
		{"group with a quote", "p", fields{"group_to_role": reconcile.Map{`a"b`: setOf("r")}}, []string{"Group name is refused"}, false},
		{"group without roles", "p", fields{"group_to_role": reconcile.Map{"g": setOf()}}, []string{"Group is mapped to no role"}, false},
		{"bad role", "p", fields{"group_to_role": reconcile.Map{"g": setOf("no-role")}}, []string{"Role name 'no-role' contains"}, false},
		{"admin", "p", fields{"group_to_role": reconcile.Map{"g": setOf("admin")}}, []string{"Group g maps to admin"}, true},
		{"empty mapping", "p", fields{"group_to_role": reconcile.Map{}}, []string{"role of the same name"}, true},
		{"browser", "p", fields{"visible": nil}, []string{"Browser will not offer this provider"}, true},
		{"echo", "p", fields{"conf": reconcile.Map{}}, []string{"Attribute is not set in a spec"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := fields{}
			for k, v := range base {
				all[k] = v
			}
			for k, v := range tt.set {
				if all[k] = v; v == nil {
					delete(all, k)
				}
			}
			objects, diags := Language{}.Declare(blockOf(kindProvider, tt.block, all))
			checkDiags(t, objects, diags, tt.want, tt.warns)
		})
	}
}

func TestDeclareFollowsAuthorizationServer(t *testing.T) {
	as := reconcile.Addr{System: "okta", Kind: "authorization_server", Name: "default"}
	b := blockOf(kindProvider, "p", fields{"authorization_server": reconcile.Ref{Addr: as, Attr: "issuer"}, "visible": reconcile.Flag(false), "token_type": reconcile.Text("access_token")})
	b.Needs = []reconcile.Addr{as}
	objects, diags := Language{}.Declare(b)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	o := objects[0]
	uri := reconcile.Join{reconcile.Ref{Addr: as, Attr: "issuer"}, reconcile.Text(discoveryPath)}
	if !reconcile.Equal(o.Get("well_known_discovery_uri"), uri) || !reconcile.Equal(o.Get("audience"), reconcile.SetOf(reconcile.Ref{Addr: as, Attr: "audience"})) {
		t.Errorf("%s, %s", o.Get("well_known_discovery_uri"), o.Get("audience"))
	}
	conf := o.Get("conf").(reconcile.Map)
	if !reconcile.Equal(conf["dbms.security.oidc.p.well_known_discovery_uri"], uri) || !reconcile.Equal(conf[authenticationProviders], setOf("oidc-p")) {
		t.Errorf("conf %s", conf)
	}
	want := textsMap("token_type_principal", "access_token", "token_type_authentication", "access_token")
	if !reconcile.Equal(o.Get("config"), want) {
		t.Errorf("config %s", o.Get("config"))
	}
	if o.Get("authorization_server") != nil || o.Get("token_type") != nil || len(o.Needs) != 1 {
		t.Errorf("object %+v", o)
	}
	for _, a := range o.Attrs {
		if _, ok := providerKind().Field(a.Name); !ok {
			t.Errorf("the kind has no field %s", a.Name)
		}
	}
}

// An attribute that is ignored is not brought back by way of neo4j.conf.
func TestDeclareIgnores(t *testing.T) {
	b := blockOf(kindProvider, "p", fields{"well_known_discovery_uri": reconcile.Text("https://example.com/x"), "audience": setOf("a"), "visible": reconcile.Flag(false)})
	b.Lifecycle.IgnoreChanges = []string{"audience"}
	objects, diags := Language{}.Declare(b)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if _, there := objects[0].Get("conf").(reconcile.Map)["dbms.security.oidc.p.audience"]; there {
		t.Error("conf still has it")
	}
}

// The table of settings and the kind's fields say the same attributes.
func TestKindsMatchSettings(t *testing.T) {
	fieldsOf := make(map[string]bool)
	for _, f := range providerSettings() {
		fieldsOf[f.Name] = true
	}
	for _, s := range settingsTable() {
		if !fieldsOf[s.attr] {
			t.Errorf("no field for %s", s.attr)
		}
		delete(fieldsOf, s.attr)
	}
	if len(fieldsOf) > 0 {
		t.Errorf("no setting for %v", fieldsOf)
	}
	for _, k := range append(Language{}.Kinds(), Language{}.Connection()) {
		for _, f := range k.Fields {
			if f.Doc == "" {
				t.Errorf("%s.%s has no doc", k.Name, f.Name)
			}
		}
	}
}
