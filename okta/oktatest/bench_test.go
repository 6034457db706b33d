package oktatest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
)

// crowded is the state of an org with many apps, each with a profile and a secret.
func crowded(tb testing.TB, n int) []byte {
	tb.Helper()
	org := &oktatest.Server{}
	if err := org.Start(); err != nil {
		tb.Fatal(err)
	}
	defer org.Close()
	var app map[string]any
	if err := json.Unmarshal([]byte(serviceApp), &app); err != nil {
		tb.Fatal(err)
	}
	id, err := org.Create("/api/v1/apps", app)
	if err != nil {
		tb.Fatal(err)
	}
	var text bytes.Buffer
	if err := org.Snapshot(&text); err != nil {
		tb.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(text.Bytes(), &state); err != nil {
		tb.Fatal(err)
	}
	apps := state["apps"].([]any)
	pattern, err := json.Marshal(apps[len(apps)-1])
	if err != nil {
		tb.Fatal(err)
	}
	many := make([]json.RawMessage, n)
	for i := range many {
		many[i] = json.RawMessage(strings.ReplaceAll(string(pattern), id, fmt.Sprintf("0oa%017d", i)))
	}
	state["apps"] = many
	out, err := json.Marshal(state)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// listAll follows the pages of the list of apps, and counts them.
func listAll(tb testing.TB, org *oktatest.Server) int {
	tb.Helper()
	n := 0
	for next := org.URL + "/api/v1/apps?limit=200"; next != ""; {
		req, err := http.NewRequest(http.MethodGet, next, nil)
		if err != nil {
			tb.Fatal(err)
		}
		req.Header.Set("Authorization", "SSWS "+org.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			tb.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			tb.Fatalf("%s: %v", resp.Status, err)
		}
		n += bytes.Count(text, []byte(`"orn":`))
		next = linkOf(resp.Header, "next")
	}
	return n
}

// BenchmarkListApps lists ten thousand apps in pages of 200, of an org that keeps a state file, which it must not touch.
func BenchmarkListApps(b *testing.B) {
	const n = 10_000
	file := filepath.Join(b.TempDir(), "okta.json")
	if err := os.WriteFile(file, crowded(b, n), 0o600); err != nil {
		b.Fatal(err)
	}
	org := &oktatest.Server{StateFile: file}
	if err := org.Start(); err != nil {
		b.Fatal(err)
	}
	defer org.Close()
	before, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got := listAll(b, org); got != n {
			b.Fatalf("listed %d apps, want %d", got, n)
		}
	}
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		b.Errorf("a read wrote the state file: %v", err)
	}
}

// Pages lose no app and show none twice, however many there are.
func TestManyApps(t *testing.T) {
	const n = 1_000
	org := &oktatest.Server{}
	if err := org.Seed(bytes.NewReader(crowded(t, n))); err != nil {
		t.Fatal(err)
	}
	c := start(t, org)
	if got := listAll(t, c.org); got != n {
		t.Errorf("listed %d apps, want %d", got, n)
	}
}
