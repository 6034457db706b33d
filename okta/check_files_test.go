package okta

import (
	"path/filepath"
	"testing"

	"keymaker/reconcile"
)

// Two apps that deliver into one file overwrite each other, whichever orgs they are in and however the path is written.
func TestOneFileForTwoApps(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	app := func(connection, name, member, file string) reconcile.Object {
		o := reconcile.Object{Addr: reconcile.Addr{System: systemName, Connection: connection, Kind: kindApp, Name: name}}
		attr := map[string]string{"file": attrSecret, "env_file": attrKey}[member]
		o.Set(reconcile.Attr{Name: attr, Value: reconcile.Map{member: reconcile.Text(file)}})
		return o
	}
	first := app("", "a", "file", "secrets/a.env")
	for name, c := range map[string]struct {
		other reconcile.Object
		want  bool
	}{
		"same text":         {app("", "b", "file", "secrets/a.env"), true},
		"another org":       {app("eu", "b", "file", "secrets/a.env"), true},
		"same name, there":  {app("eu", "a", "file", "secrets/a.env"), true},
		"a detour":          {app("eu", "b", "file", "secrets/../secrets//a.env"), true},
		"from the root":     {app("eu", "b", "file", filepath.Join(here, "secrets", "a.env")), true},
		"beside a key":      {app("", "b", "env_file", "./secrets/a.env"), true},
		"another file":      {app("eu", "b", "file", "secrets/b.env"), false},
		"itself":            {first, false},
		"one that must go":  {func() reconcile.Object { o := app("", "b", "file", "secrets/a.env"); o.Absent = true; return o }(), false},
		"another directory": {app("", "b", "file", "a.env"), false},
	} {
		diags := Language{}.CheckObjects([]reconcile.Object{first, c.other}, false)
		if got := diags.HasErrors(); got != c.want {
			t.Errorf("%s: got %v, want an error: %t", name, diags, c.want)
		}
	}
}
