package render

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/hashicorp/hcl/v2"
)

var seeds = []string{"", "plain", "two words", "true", "12", "0x1p-2", hostile, `"quoted"`, " ends ", "日本", "a\u00adb", "e\u0301", "[x]", "\U000e0001", "line\nbreak", "tab\t", "\xc3", "\xc3\xe0\x81"}

func FuzzEscape(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if i := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("Escape(%q) = %q has %q", s, got, got[i:])
		}
		if again := Escape(got); again != got {
			t.Errorf("Escape twice: %q, then %q", got, again)
		}
	})
}

// FuzzWord holds the quoting of values to being readable back: a plain word is the text itself, anything else unquotes to it.
func FuzzWord(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{word(s), phrase(s)} {
			if got == s {
				if Escape(s) != s || s == "" || strings.TrimSpace(s) != s || strings.HasPrefix(s, `"`) {
					t.Errorf("%q stands unquoted", s)
				}
				continue
			}
			if back, err := strconv.Unquote(got); err != nil || back != s {
				t.Errorf("%q is shown as %s, which reads as %q (%v)", s, got, back, err)
			}
		}
	})
}

// FuzzJSON holds the escaping of JSON to changing nothing but the spelling.
func FuzzJSON(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, err := jsonLine(map[string]string{"k": s})
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]string
		if err := json.Unmarshal(doc, &back); err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		if want := string([]rune(s)); back["k"] != want { // each byte that is no UTF-8 becomes U+FFFD
			t.Errorf("%q came back as %q", s, back["k"])
		}
		if i := bytes.IndexFunc(bytes.TrimSuffix(doc, []byte("\n")), func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q stands in %q", doc[i:], doc)
		}
	})
}

// FuzzSnippet gives ranges that a parser would never make: nothing may panic, and what is shown must be inert.
func FuzzSnippet(f *testing.F) {
	f.Add(source, 1, 0, 4)
	f.Add(source, 3, 49, 53)
	f.Add("\xff\r\n\x00", 2, 3, 3)
	f.Add("", 1, 0, 0)
	f.Fuzz(func(t *testing.T, src string, line, start, end int) {
		r := hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: line, Byte: start}, End: hcl.Pos{Line: line, Byte: end}}
		files := map[string]*hcl.File{"a.hcl": {Bytes: []byte(src)}}
		var b bytes.Buffer
		diags := hcl.Diagnostics{{Severity: hcl.DiagError, Summary: src, Detail: src, Subject: &r}}
		if err := Diagnostics(&b, diags, files, Style{Width: 20}); err != nil {
			t.Fatal(err)
		}
		inert(t, "snippet", b.Bytes())
		if _, err := DiagnosticsJSON(diags, files); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ in, word, phrase string }{
		{"neo4j_reader", "neo4j_reader", "neo4j_reader"}, {"https://a.b/c", "https://a.b/c", "https://a.b/c"}, {"1h0m0s", "1h0m0s", "1h0m0s"},
		{"", `""`, `""`}, {"true", `"true"`, `"true"`}, {"null", `"null"`, `"null"`}, {"12", `"12"`, `"12"`}, {"Inf", `"Inf"`, `"Inf"`}, {"svc_*", `"svc_*"`, `"svc_*"`},
		{"two words", `"two words"`, "two words"}, {" two words", `" two words"`, `" two words"`}, {"(sensitive)", `"(sensitive)"`, `"(sensitive)"`},
		{"(known after apply)", `"(known after apply)"`, `"(known after apply)"`}, {"a\u202eb", `"a\u202eb"`, `"a\u202eb"`}, {"-x", `"-x"`, `"-x"`}, {"größe", "größe", "größe"},
	} {
		if got := word(c.in); got != c.word {
			t.Errorf("word(%q) = %s, want %s", c.in, got, c.word)
		}
		if got := phrase(c.in); got != c.phrase {
			t.Errorf("phrase(%q) = %s, want %s", c.in, got, c.phrase)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"one two three", 7, "one two|three"}, {"averylongword b", 4, "averylongword|b"}, {"", 4, ""}, {"日本 日本", 5, "日本|日本"}, {"a b", 80, "a b"},
	} {
		if got := strings.Join(wrap(c.text, " ", c.width), "|"); got != c.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestPlural(t *testing.T) {
	for noun, want := range map[string]string{"read": "reads", "query": "queries", "procedure call": "procedure calls", "fetch": "fetches", "/api/v1/apps": "/api/v1/apps", "key": "keys", "": ""} {
		if got := plural(2, noun); got != want {
			t.Errorf("plural(%q) = %q, want %q", noun, got, want)
		}
	}
	if got := Count(1, "query"); got != "1 query" {
		t.Errorf("Count(1, query) = %q", got)
	}
}
