package neo4j

import (
	"maps"
	"reflect"
	"testing"
)

func TestParseRoleMapping(t *testing.T) {
	for text, want := range map[string]RoleMapping{
		"":                                {},
		`"g"=a`:                           {"g": {"a"}},
		` "g one" = b , a ; h=c;`:         {"g one": {"a", "b"}, "h": {"c"}},
		`"cn=x,dc=y;z"=a;"h"=b,b`:         {"cn=x,dc=y;z": {"a"}, "h": {"b"}},
		"\"g\"=a;\n  \"h\"=b\n":           {"g": {"a"}, "h": {"b"}},
		`"neo4j_admin"=admin;"etl"=e1,e2`: {"neo4j_admin": {"admin"}, "etl": {"e1", "e2"}},
	} {
		got, err := ParseRoleMapping(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"g", `"g"`, `"g=a`, `""=a`, "=a", `"g"=`, `"g"=a;"g"=b`, `"g"x=a`, `a;b=c`, `"g"=a=b`, `"g"="a"`, ";", `g"h=a`} {
		if got, err := ParseRoleMapping(text); err == nil {
			t.Errorf("%s: got %v, want an error", text, got)
		}
	}
}

func TestPrintRoleMapping(t *testing.T) {
	m := RoleMapping{"z": {"b", "a", "b"}, "a b, c": {"r"}}
	if got, err := m.Print(); err != nil || got != `"a b, c"=r;"z"=a,b` {
		t.Errorf("got %s, %v", got, err)
	}
	if !m.Equal(RoleMapping{"a b, c": {"r"}, "z": {"a", "b"}}) || m.Equal(RoleMapping{"z": {"a", "b"}}) {
		t.Error("mappings are not compared as sets")
	}
	for _, m := range []RoleMapping{{`a"b`: {"r"}}, {"a;b": {"r"}}, {"a=b": {"r"}}, {`a\b`: {"r"}}, {"": {"r"}}, {" a": {"r"}}, {"a\nb": {"r"}}, {"a": nil}, {"a": {"r-s"}}} {
		if got, err := m.Print(); err == nil {
			t.Errorf("%q: got %s, want an error", m, got)
		}
	}
}

func FuzzRoleMapping(f *testing.F) {
	for _, s := range []string{"", `"g"=a,b;"h"=c`, ` g = a ; "x;y=z"=b;`, `"`, `=;`, `"a" "b"=c`} {
		f.Add(s, "group", "role")
	}
	f.Fuzz(func(t *testing.T, text, group, role string) {
		m, err := ParseRoleMapping(text)
		if err != nil {
			m = RoleMapping{}
		}
		m[group] = []string{role, "other"}
		printed, err := m.Print()
		if err != nil {
			return
		}
		again, err := ParseRoleMapping(printed)
		if err != nil || !again.Equal(m) {
			t.Fatalf("%q is written %s, which reads %q, %v", m, printed, again, err)
		}
	})
}

func TestSettingMap(t *testing.T) {
	want := map[string]string{"client_id": "x", "response_type": "code", "scope": "openid profile, email"}
	for _, text := range []string{"scope=openid profile, email;client_id=x;response_type=code;", "{scope=openid profile, email, response_type=code, client_id=x}"} {
		got, err := ParseSettingMap(text)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	if got, err := ParseSettingMap("a=b; c=d=e"); err != nil || !maps.Equal(got, map[string]string{"a": "b", " c": "d=e"}) {
		t.Errorf("blanks are part of a key: got %q, %v", got, err)
	}
	for _, text := range []string{"", "{}"} {
		if got, err := ParseSettingMap(text); err != nil || len(got) != 0 {
			t.Errorf("%s: got %v, %v, want nothing", text, got, err)
		}
	}
	for _, text := range []string{"a", "=b", "a=b; ", "a=b;a=c"} {
		if got, err := ParseSettingMap(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func FuzzSettingMap(f *testing.F) {
	f.Add("a=b;c=d", "key", "value, x=y")
	f.Add("{a=b, c=d, e, f=g}", "{", "}")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		m, err := ParseSettingMap(text)
		if err != nil {
			m = map[string]string{}
		}
		m[key] = value
		printed, err := PrintSettingMap(m)
		if err != nil {
			return
		}
		again, err := ParseSettingMap(printed)
		if err != nil || !maps.Equal(again, m) {
			t.Fatalf("%q is written %q, which reads %q, %v", m, printed, again, err)
		}
	})
}

func FuzzSettingList(f *testing.F) {
	f.Add("a,b", "c")
	f.Add("[a, b]", "]")
	f.Fuzz(func(t *testing.T, text, element string) {
		list := append(ParseSettingList(text), element)
		printed, err := PrintSettingList(list)
		if err != nil {
			return
		}
		if again := ParseSettingList(printed); !reflect.DeepEqual(again, list) {
			t.Fatalf("%q is written %q, which reads %q", list, printed, again)
		}
	})
}
