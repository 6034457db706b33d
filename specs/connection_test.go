package specs

import (
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// FuzzAddressRoundTrip: what an address is printed as is read as the same address.
func FuzzAddressRoundTrip(f *testing.F) {
	f.Add("", "role", "reader", "", "")
	f.Add("eu", "role", "reader", "k", "")
	f.Add("us-east", "oidc_provider", "okta-backend", `a"b\\c`, "m")
	f.Add("eu", "user", "eu", "eu", "eu")
	for _, key := range []string{"${a}", "%{if}", "$${", "$$${", "%%%{x", "$%{", "%${", "$", "%%", "$$", "{$", `\${`, "$%${%"} {
		f.Add("", "role", "reader", key, "m")
	}
	f.Fuzz(func(t *testing.T, connection, kind, name, key, module string) {
		l := newLoader(".", toys(), Options{}, newSource())
		lang := l.language("neo4j")
		_, known := l.findKind(lang, kind)
		_, isKind := l.findKind(lang, connection)
		if !known || isKind || !hclsyntax.ValidIdentifier(name) || connection != "" && !connectionName.MatchString(connection) || module != "" && !hclsyntax.ValidIdentifier(module) {
			t.Skip("no such address")
		}
		if _, ok := l.eachKey(cty.StringVal(key), hcl.Range{}); key != "" && (!ok || cty.NormalizeString(key) != key || !utf8.ValidString(key)) {
			t.Skip("no such key")
		}
		a := reconcile.Addr{System: "neo4j", Connection: connection, Kind: kind, Name: name, Key: key}
		if module != "" {
			a.Module = reconcile.ModulePath("", module, key)
		}
		l.connections[a.Instance()] = &connectionBlock{lang: lang, name: connection}
		expr, diags := hclsyntax.ParseExpression([]byte(a.String()), "x", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%s does not parse: %v", a, diags)
		}
		if got := l.target(expr); got.addr != a {
			t.Errorf("%s is read as %s: %v", a, got.addr, l.diags)
		}
	})
}
