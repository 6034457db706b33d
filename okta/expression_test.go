package okta

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"keymaker/reconcile"
)

func exampleApp() reconcile.Object {
	o := reconcile.Object{Addr: at(kindApp, "a"), Facts: map[string]reconcile.Value{attrClientID: txt("client"), "id": txt("0oa1")}}
	o.Set(reconcile.Attr{Name: attrProfile, Value: reconcile.Map{"groups": reconcile.List(texts("g1", "g2")), "one": txt("solo"), "n": reconcile.Number("3"), "yes": reconcile.Flag(true),
		"none": reconcile.Null{}, "empty": reconcile.List{}, "deep": reconcile.Map{"in": txt("side")}}})
	return o
}

// What Okta's reference "Okta Expression Language overview" describes is computed; what it does not say is left to Okta, and what cannot be is a token that Okta refuses.
func TestExpressions(t *testing.T) {
	const unknown, fails = "unknown: ", "fails: "
	tests := map[string]string{
		"app.profile.groups": "[g1 g2]", "app.profile.deep.in": "side", "app.profile.nothing": "<nil>", "app.profile.nothing.x": fails + "has no x", "app.profile.one.x": fails + "has no x",
		"app.clientId": "client", "app.id": "0oa1", "app.label": unknown + "not documented", "access.scope": unknown + "depends on the scopes", "appuser": "<nil>",
		"user.email": fails + "of a user", "writer": fails + "needs quotes", "'a'": "a", `"it''s"`: "it''s", "'it''s'": "it's", `"a\b"`: unknown + "backslash", "": fails + "ends too early",
		"(appuser != null) ? appuser.userName : app.clientId": "client", "app.profile.one == 'solo' ? {'x', app.profile.one} : {}": "[x solo]",
		"app.profile.nothing ?: 'else'": "else", "app.profile.one ?: 'else'": "solo", "'' ?: 'else'": "else", "app.profile.one ? 'a' : 'b'": fails + "neither true nor false",
		"true and not false || app.nothing": "true", "false && writer": "false", "true OR writer": "true", "app.profile.n > 2 && 2 <= 2 && 1 < 2 && 2 >= 1": "true", "1 + 2 - -1": "4",
		"'a' + 1 + true": "a1true", "'a' + null": fails + "+ is for", "{'a'} + 'b'": fails + "+ is for", "'a' - 'b'": fails + "- is for numbers", "-'a'": fails + "- is for numbers", "!1": fails + "!",
		"{'a', {'b'}} == {'a', {'b'}}": "true", "app.profile.deep == app.profile.deep": "true", "{1} == 1": "false", "'1' == 1": "false", "null != 'x'": "true",
		"String.append('a', app.profile.one)": "asolo", "String.join('-', 'a', 1, 'b')": "a-1-b", "String.len('\u00e4b')": "2", "String.removeSpaces(' a b ')": "ab", "String.replace('aba', 'a', 'x')": "xbx",
		"String.replaceFirst('aba', 'a', 'x')": "xba", "String.stringContains('abc', 'b')": "true", "String.substring('abcd', 1, 3)": "bc", "String.substring('ab', 1, 3)": fails + "more than the text",
		"String.substringAfter('a:b', ':')": "b", "String.substringBefore('a:b', ':')": "a", "String.substringBefore('ab', ':')": unknown + "not documented", "String.substringAfter('ab', ':')": unknown + "not documented",
		"String.toLowerCase('AB')": "ab", "String.toUpperCase(app.profile.one)": "SOLO", "String.len(1)": fails + "another kind", "String.len()": fails + "another number",
		"Arrays.add(app.profile.groups, 'g3')": "[g1 g2 g3]", "Arrays.remove(app.profile.groups, 'g1')": "[g2]", "Arrays.contains(app.profile.groups, 'g1')": "true", "Arrays.size(app.profile.groups)": "2",
		"Arrays.get(app.profile.groups, 1)": "g2", "Arrays.get(app.profile.groups, 2)": fails + "does not have", "Arrays.isEmpty(app.profile.empty)": "true", "Arrays.flatten('a', {'b', {'c'}})": "[a b c]",
		"Arrays.toCsvString(app.profile.groups)": "g1,g2", "Arrays.toCsvString({null})": fails + "no text", "Arrays.contains(app.profile.none, 'x')": fails + "another kind",
		"Groups.startsWith('OKTA', 'x', 1)": unknown + "Groups.startsWith", "Time.now()": unknown + "Time.now", "a b": fails + "does not belong", "(1": fails + ") is missing", "{1": fails + "} is missing",
		"1 ? 2": fails + ": is missing", "@": fails + "does not belong", "1.2.3": fails + "no number", "app..x": fails + "no name beside it", "'a": fails + "not closed", "&& 1": fails + "does not belong",
		strings.Repeat("(", 200) + "1": fails + "too deep", strings.Repeat("!", 200) + "true": fails + "too deep",
	}
	for text, want := range tests {
		claim := reconcile.Object{}
		claim.Set(reconcile.Attr{Name: "value", Value: txt(text)})
		s := readValue(claim).about(exampleApp())
		got := fmt.Sprint(s.value)
		begin := ""
		if s.err != nil {
			got, begin = s.err.Error(), fails
			if errors.As(s.err, new(unsure)) {
				begin = unknown
			}
		}
		if wantText, ok := strings.CutPrefix(want, begin); !ok || begin == "" && got != want || begin != "" && !strings.Contains(got, wantText) {
			t.Errorf("%s: got %s%q, want %q", text, begin, got, want)
		}
	}
}

// Whatever stands in a claim is read without harm, and twice the same.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{"app.profile.groups", "(appuser != null) ? appuser.userName : app.clientId", `Arrays.add({'a', "b"}, String.len('x') + 1)`, "!-1", "a ?: b", "{", "'", "1.2.3", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		claim := reconcile.Object{}
		claim.Set(reconcile.Attr{Name: "value", Value: txt(text)})
		a, b := readValue(claim).about(exampleApp()), readValue(claim).about(exampleApp())
		if fmt.Sprint(a.value, a.err) != fmt.Sprint(b.value, b.err) || a.err != nil && a.value != nil {
			t.Errorf("%q is %v, and then %v", text, a, b)
		}
	})
}
