package okta

import (
	"slices"
	"strings"
	"testing"

	"keymaker/reconcile"
)

func TestOpStrings(t *testing.T) {
	policy := serverPath(reconcile.Ref{Addr: at(kindServer, "graph"), Attr: "id"}, reconcile.Text("policies"), reconcile.Text("00p/1"))
	ops := []Op{
		Request{Method: "DELETE", Path: append(appsPath(), reconcile.Text("0oa1"))},
		Request{Method: "PUT", Path: append(appsPath(), reconcile.Text("0oa1")), Edits: []Edit{
			{Path: []string{"settings", "oauthClient", "dpop_bound_access_tokens"}, Goal: reconcile.Flag(false)},
			{Path: []string{"profile", "a\u202eb"}, Goal: reconcile.List{reconcile.Int(1), reconcile.Null{}, reconcile.Text("x\ny")}},
		}},
		Request{Method: "POST", Path: appsPath(), Query: "activate=true", Body: reconcile.Map{"s": pendingSecret("f.env")}},
		Reorder{List: append(slices.Clone(policy), reconcile.Text("rules")), Order: []string{"a", "b"}},
		Strip{Policy: policy, Client: reconcile.Text("0oa1")},
		KeepSecret{File: "f.env"},
		SettleSecret{App: reconcile.Text("0oa1"), Server: reconcile.Text("default"), File: "f.env"},
		Deliver{File: "f.env", Keys: reconcile.Map{keyClientID: reconcile.Text("c"), keySecret: pendingSecret("f.env")}},
	}
	var b strings.Builder
	for _, op := range ops {
		b.WriteString(op.String() + "\n")
		for _, tally := range op.Calls() {
			if tally.N < 1 || tally.What == "" {
				t.Errorf("%s costs %v", op, op.Calls())
			}
		}
	}
	golden(t, "ops.txt", b.String())
}

func TestSame(t *testing.T) {
	tests := []struct {
		a, b reconcile.Value
		want bool
	}{
		{nil, reconcile.Null{}, true}, {nil, txt(""), true}, {nil, reconcile.Flag(false), true}, {nil, reconcile.List{}, true}, {nil, set(), true},
		{nil, reconcile.Flag(true), false}, {nil, reconcile.Int(0), false}, {txt("a"), txt("b"), false},
		{reconcile.List{txt("a"), txt("b")}, set("b", "a"), true}, {reconcile.List{txt("a"), txt("b")}, reconcile.List{txt("b"), txt("a")}, true},
		{reconcile.List{reconcile.Int(1), reconcile.Int(2)}, reconcile.List{reconcile.Int(2), reconcile.Int(1)}, false},
		{reconcile.Map{"a": txt("")}, reconcile.Map{}, false},
	}
	for _, c := range tests {
		if got := same(c.a, c.b); got != c.want {
			t.Errorf("same(%v, %v) is %v", c.a, c.b, got)
		}
	}
}

func TestMergeOrder(t *testing.T) {
	for _, c := range [][3]string{{"", "abc", "abc"}, {"bd", "abcde", "abcde"}, {"x", "ab", "xab"}, {"xby", "ab", "xaby"}, {"ba", "abc", "bca"}, {"ax", "ab", "abx"}} {
		got := strings.Join(mergeOrder(strings.Split(c[0], "")[:len(c[0])], strings.Split(c[1], "")), "")
		if got != c[2] {
			t.Errorf("%q with %q is %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
