package oktatest

import (
	"encoding/json"
	"testing"
)

func exprVars() map[string]any {
	return map[string]any{
		"app": map[string]any{"id": "0oa1", "clientId": "etl", "profile": map[string]any{
			"groups": []any{"a", "b"}, "one": "text", "n": json.Number("3"), "none": nil, "nested": map[string]any{"deep": true}}},
		"appuser": nil, "user": nil, "access": map[string]any{"scope": []any{"s"}},
	}
}

func TestEvaluate(t *testing.T) {
	for text, want := range map[string]string{
		"app.profile.groups":                                     `["a","b"]`,
		"app.profile.nested.deep":                                `true`,
		"app.profile.missing":                                    `null`,
		"'it''s' + ' ' + \"q\"":                                  `"it's q"`,
		"app.profile.n + 1":                                      `4`,
		"'n' + app.profile.n":                                    `"n3"`,
		"app.profile.n - -1.5":                                   `4.5`,
		"null == appuser":                                        `true`,
		"app.profile.one != null":                                `true`,
		"3.0 == app.profile.n":                                   `true`,
		"2 < 3 && !(3 <= 2)":                                     `true`,
		"false OR true AND false":                                `false`,
		"appuser?:app.clientId":                                  `"etl"`,
		"{'x', app.id}":                                          `["x","0oa1"]`,
		"true ? false ? 1 : 2 : 3":                               `2`,
		"access.scope":                                           `["s"]`,
		"Arrays.size({})":                                        `0`,
		"Arrays.isEmpty({})":                                     `true`,
		"Arrays.get({'a','b'},1)":                                `"b"`,
		"Arrays.add({'a'},'b')":                                  `["a","b"]`,
		"Arrays.remove({'a'},'a')":                               `[]`,
		"Arrays.flatten('a',{'b'})":                              `["a","b"]`,
		"Arrays.toCsvString({'a',1})":                            `"a,1"`,
		"String.toUpperCase(app.profile.one)":                    `"TEXT"`,
		"String.substringAfter('a@b','@')":                       `"b"`,
		"String.substringBefore('a@b','@')":                      `"a"`,
		"String.substring('abcd',1,3)":                           `"bc"`,
		"String.join('-','a','b')":                               `"a-b"`,
		"String.append('a','b')":                                 `"ab"`,
		"String.len('äb')":                                       `2`,
		"String.replace('aa','a','b')":                           `"bb"`,
		"String.replaceFirst('aa','a','b')":                      `"ba"`,
		"String.stringContains('abc','b')":                       `true`,
		"String.removeSpaces(' a b ')":                           `"ab"`,
		"(appuser != null) ? appuser.userName : app.clientId":    `"etl"`,
		"Arrays.contains(app.profile.groups,'b') ? 'in' : 'out'": `"in"`,
	} {
		v, err := evaluate(text, exprVars())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := encode(v); err != nil || string(got) != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestEvaluateErrors(t *testing.T) {
	for _, text := range []string{
		"", "cool", "user.email", "app.", "a b", "'open", "1 +", "(1", "{1", "f(", "Magic.f()", "1..2", "null + 'x'", "app.profile.groups + 'x'",
		"1 ? 2 : 3", "true ? 1", "!'x'", "Arrays.contains('x','x')", "Arrays.contains({})", "String.len(1)", "String.substring('a',0,5)",
		"Arrays.get({},0)", "'a' && true", "#", "app.profile.groups.size()", "String.join(1,2)", "-'x'", "'a' < 'b'",
	} {
		if v, err := evaluate(text, exprVars()); err == nil {
			t.Errorf("%q: got %v, want an error", text, v)
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, seed := range []string{"app.profile.groups", "(appuser != null) ? appuser.userName : app.clientId", "Arrays.contains({'a'},'b')", "!!!!true", "((((1))))",
		"-1+2?:3", "'a''b'", "{1,{2}}", "a.b.c(", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := evaluate(text, exprVars())
		if err != nil {
			return
		}
		if _, err := encode(v); err != nil {
			t.Errorf("%q: value %v is no JSON: %v", text, v, err)
		}
		again, err := evaluate(text, exprVars())
		if err != nil || !equalJSON(v, again) {
			t.Errorf("%q: %v, then %v, %v", text, v, again, err)
		}
	})
}

func TestFilter(t *testing.T) {
	object := map[string]any{"eventType": "policy.rule.update", "n": 3, "none": nil, "actor": map[string]any{"alternateId": `a"b`},
		"target": []any{map[string]any{"id": "1", "type": "x"}, map[string]any{"id": "2", "type": "y"}}}
	for text, want := range map[string]bool{
		`eventType eq "policy.rule.update"`:                             true,
		`EVENTTYPE EQ "policy.rule.update"`:                             true,
		`eventType eq "x"`:                                              false,
		`eventType ne "x"`:                                              true,
		`eventType co "rule" and target.id eq "2"`:                      true,
		`eventType sw "policy" and eventType ew "update"`:               true,
		`target.id eq "3" or target.id eq "1"`:                          true,
		`target.id eq "3" or target.id eq "1" and target.id eq "4"`:     false,
		`(target.id eq "1" or target.id eq "3") and target.type eq "y"`: true,
		`not (target.id eq "1")`:                                        false,
		`actor.alternateId eq "a\"b"`:                                   true,
		`actor.missing pr`:                                              false,
		`actor pr`:                                                      true,
		`none pr`:                                                       false,
		`n eq 3`:                                                        true,
	} {
		f, err := parseFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := holds(f, object); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "a", "a eq", `a eq "x`, `a eq x`, `a is "x"`, `(a eq "x"`, `a eq "x")`, `a eq "x" and`, `"a" eq "x"`, "not", `a eq "x" b eq "y"`} {
		if f, err := parseFilter(text); err == nil {
			t.Errorf("%q: got %#v, want an error", text, f)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{`eventType eq "x" and target.id eq "y"`, `not (a pr or b sw "c")`, `a eq "\"" or b eq 1`, `((((`, "not not not a pr", "\xff"} {
		f.Add(seed)
	}
	object := map[string]any{"a": "b", "target": []any{map[string]any{"id": "1"}}}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseFilter(text)
		if err != nil {
			return
		}
		if holds(e, object) == holds(negation{e}, object) {
			t.Errorf("%q: the filter and its negation agree", text)
		}
	})
}

func TestPlace(t *testing.T) {
	n := func(i int) *int { return &i }
	list := []string{"a", "b", "c"}
	for _, row := range []struct {
		name     string
		entry    string
		priority *int
		want     string
	}{
		{"omitted goes last", "x", nil, "a b c x"},
		{"shifts", "x", n(2), "a x b c"},
		{"first", "x", n(1), "x a b c"},
		{"clamped", "x", n(99), "a b c x"},
		{"moves up", "c", n(1), "c a b"},
		{"moves down", "a", n(3), "b c a"},
		{"stays", "b", n(2), "a b c"},
	} {
		got := ""
		for _, e := range place(list, row.entry, row.priority) {
			got += " " + e
		}
		if got[1:] != row.want {
			t.Errorf("%s: got%s, want %s", row.name, got, row.want)
		}
	}
}
