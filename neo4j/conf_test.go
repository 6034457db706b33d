package neo4j

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestReadConf(t *testing.T) {
	text := "# a comment \\\n! another\n\na.b=c # kept\n  d : e\nf g\nlong=one,\\\n   two,\\\n# three\nh\\=i=j\nk=\xe4\nlast="
	got, err := ReadConf([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []ConfEntry{
		{ConfLine{"a.b", "c # kept"}, 4, false}, {ConfLine{"d", "e"}, 5, false}, {ConfLine{"f", "g"}, 6, false},
		{ConfLine{"long", "one,two,# three"}, 7, false}, {ConfLine{"h=i", "j"}, 10, false}, {ConfLine{"k", "\xe4"}, 11, false}, {ConfLine{"last", ""}, 12, false},
	}
	if !slices.Equal(got.Entries, want) || got.HasBlock {
		t.Errorf("got %+v\nwant %+v", got.Entries, want)
	}
}

func TestRewriteConf(t *testing.T) {
	block := confBeginLine + "\nx=1\ny=a;b=c\n" + confEndLine
	lines := []ConfLine{{"x", "1"}, {"y", "a;b=c"}}
	for name, test := range map[string]struct{ old, want string }{
		"empty":           {"", block + "\n"},
		"append":          {"a=b\n", "a=b\n" + block + "\n"},
		"no line end":     {"a=b", "a=b\n" + block},
		"replace":         {"a=b\n# BEGIN keymaker\nz=9\n# END keymaker, so it says\nc=\xe4\n", "a=b\n" + block + "\nc=\xe4\n"},
		"replace at end":  {"a=b\n# BEGIN keymaker x\n# END keymaker", "a=b\n" + block},
		"other's comment": {"# BEGIN keymakers\n", "# BEGIN keymakers\n" + block + "\n"},
		"windows":         {"a=b\r\n", "a=b\r\n" + strings.ReplaceAll(block, "\n", "\r\n") + "\r\n"},
		"comment ends \\": {"# a\\\n", "# a\\\n" + block + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := RewriteConf([]byte(test.old), lines)
			if err != nil || string(got) != test.want {
				t.Fatalf("got %q, %v\nwant %q", got, err, test.want)
			}
			again, err := RewriteConf(got, lines)
			if err != nil || !bytes.Equal(again, got) {
				t.Errorf("again: got %q, %v\nwant %q", again, err, got)
			}
			c, err := ReadConf(got)
			if err != nil || !c.HasBlock || !slices.Equal(c.Managed(), lines) {
				t.Errorf("read back: got %q, %v\nwant %q", c.Managed(), err, lines)
			}
		})
	}
}

func TestRewriteConfRefuses(t *testing.T) {
	one := []ConfLine{{"x", "1"}}
	for name, test := range map[string]struct {
		old   string
		lines []ConfLine
		line  int
		words string
	}{
		"outside":         {"a=1\n\nx=2\n", one, 3, "outside"},
		"outside, escape": {"\\x : 2\n", one, 1, "outside"},
		"outside, after":  {"# BEGIN keymaker\nx=1\n# END keymaker\nx 2\n", one, 4, "outside"},
		"twice":           {"", []ConfLine{{"x", "1"}, {"x", "2"}}, 0, "twice"},
		"no end":          {"\n# BEGIN keymaker\nx=1\n", one, 2, "does not end"},
		"end swallowed":   {"# BEGIN keymaker\nx=1\\\n# END keymaker\n", one, 1, "does not end"},
		"no begin":        {"# END keymaker\n", one, 1, "does not begin"},
		"two blocks":      {"# BEGIN keymaker\n# END keymaker\n# BEGIN keymaker\n# END keymaker\n", one, 3, "second"},
		"continued":       {"a=b\\", one, 1, "backslash"},
		"continued line":  {"a=b\nc=d\\\n", one, 2, "backslash"},
		"backslash":       {"", []ConfLine{{"x", `a\b`}}, 0, "backslash"},
		"newline":         {"", []ConfLine{{"x", "a\nb=c"}}, 0, "line break"},
		"command":         {"", []ConfLine{{"x", "$(id)"}}, 0, "command"},
		"latin":           {"", []ConfLine{{"x", "Größe"}}, 0, "ASCII"},
		"blank":           {"", []ConfLine{{"x", " a"}}, 0, "blanks"},
		"key":             {"", []ConfLine{{"x=y", "a"}}, 0, "letters"},
		"no key":          {"", []ConfLine{{"", "a"}}, 0, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := RewriteConf([]byte(test.old), test.lines)
			var refused *ConfError
			if !errors.As(err, &refused) || refused.Line != test.line || !strings.Contains(refused.Reason, test.words) {
				t.Errorf("got %q, %v\nwant line %d and %q", got, err, test.line, test.words)
			}
		})
	}
}

func FuzzRewriteConf(f *testing.F) {
	for _, old := range []string{"", "a=b", "a=b\r\n# BEGIN keymaker\r\nc=d\r\n# END keymaker\r\ne=f", "a=\\\nb", "\xff\\", "\\\n\\\n", "#\\\n", " \\\r\n "} {
		f.Add([]byte(old), "dbms.x", "value")
	}
	f.Fuzz(func(t *testing.T, old []byte, key, value string) {
		before, block, err := scanConf(old)
		lines := []ConfLine{{key, value}, {"second.key", "b"}}
		got, rewriteErr := RewriteConf(old, lines)
		if err != nil && rewriteErr == nil {
			t.Fatalf("%q has no clear block (%v), and was rewritten", old, err)
		}
		if rewriteErr != nil {
			return
		}
		after, newBlock, err := scanConf(got)
		if err != nil || !slices.Equal(after.Managed(), lines) {
			t.Fatalf("%q became %q, which reads %q, %v", old, got, after.Managed(), err)
		}
		foreign := func(c Conf) (out []ConfLine) {
			for _, e := range c.Entries {
				if !e.Managed {
					out = append(out, e.ConfLine)
				}
			}
			return out
		}
		if !slices.Equal(foreign(before), foreign(after)) {
			t.Fatalf("%q became %q: other settings were %q, are %q", old, got, foreign(before), foreign(after))
		}
		if before.HasBlock && !bytes.Equal(cut(old, block), cut(got, newBlock)) {
			t.Fatalf("%q became %q: bytes outside the block changed", old, got)
		}
		removed, err := RewriteConf(got, nil)
		if err != nil || !before.HasBlock && !bytes.Equal(removed, old) {
			t.Fatalf("%q became %q, and without the block %q, %v", old, got, removed, err)
		}
	})
}

func cut(data []byte, s span) []byte { return slices.Concat(data[:s.start], data[s.end:]) }
