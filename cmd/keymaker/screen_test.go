package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README's screen is what its command prints, but for what differs from run to run.
func TestReadmeScreen(t *testing.T) {
	spec, err := os.ReadFile("../../specs/examples/service-account/main.hcl")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs("../../README.md")
	if err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	t.Chdir(dir)
	folder := filepath.Join("specs", "examples", "service-account")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "main.hcl"), spec, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run([]string{"apply", "--sandbox", "--auto-approve", filepath.ToSlash(folder)}, strings.NewReader(""), &out, &errs); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, errs.String())
	}
	screen := "```text\n" + stable(strings.ReplaceAll(out.String(), dir+"/", "")) + "```\n"

	before, rest, ok := strings.Cut(string(readme), "<!-- screen -->\n")
	shown, after, ok2 := strings.Cut(rest, "<!-- /screen -->")
	switch {
	case !ok || !ok2:
		t.Fatal("README.md has no part screen")
	case shown == screen:
	case *update:
		if err := os.WriteFile(path, []byte(before+"<!-- screen -->\n"+screen+"<!-- /screen -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the screen in README.md is stale; run go test ./cmd/keymaker -run TestReadmeScreen -update\nit is now\n%s", screen)
	}
}

// stable replaces ports, ids and durations by ones that are always the same, of the same width where columns depend on it.
func stable(s string) string {
	for _, r := range []struct{ pattern, with string }{
		{`127\.0\.0\.1:\d{4,5}`, "127.0.0.1:40080"},
		{`0oa[A-Za-z0-9]{17}`, "0oa1b2c3d4e5f6g7h8i9"},
		{`\(\d+ more while`, "(2 more while"},
		{` {2,}\d+ ms\n`, "   12 ms\n"},
		{` {2,}\d+\.\d s\n`, "   12 ms\n"},
	} {
		s = regexp.MustCompile(r.pattern).ReplaceAllString(s, r.with)
	}
	return s
}
