package oktatest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
)

func TestStateFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "okta.json")
	one := &oktatest.Server{StateFile: file}
	g := startGraph(t, one, serviceApp)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("state file: %v, %v", info, err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(before), one.URL) {
		t.Error("the state contains the base URL")
	}
	for _, path := range []string{"/api/v1/apps", "/api/v1/apps/" + g.app + "/credentials/secrets", deflt, deflt + "/claims", "/api/v1/logs"} {
		g.must(200, "GET", path, "")
	}
	first := g.ask("neo4j_groups")
	keys := g.request("GET", "/oauth2/default/v1/keys", "", "", "").raw
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("a read wrote the state file")
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}

	two := &oktatest.Server{StateFile: file}
	h := &graph{client: start(t, two), clientID: g.clientID, secret: g.secret}
	if two.Token != one.Token || two.URL == "" {
		t.Errorf("token: got %q, want %q", two.Token, one.Token)
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, after) {
		t.Errorf("starting wrote the state file: %v", err)
	}
	if got := h.request("GET", "/oauth2/default/v1/keys", "", "", "").raw; got != keys {
		t.Error("the signing keys changed")
	}
	second := h.ask("neo4j_groups")
	_, claims := h.verified(second.text("access_token"), "/oauth2/default/v1/keys")
	if first.status != 200 || second.status != 200 || claims["iss"] != two.URL+"/oauth2/default" {
		t.Errorf("tokens: %s %s", first.raw, second.raw)
	}
	if id := h.must(200, "POST", "/api/v1/apps", serviceApp).text("id"); id <= g.app {
		t.Errorf("ids must ascend over restarts: %s after %s", id, g.app)
	}
}

func TestSnapshotAndSeed(t *testing.T) {
	one := &oktatest.Server{Token: "sandbox"}
	g := startGraph(t, one, serviceApp)
	var a, b, again bytes.Buffer
	if err := one.Snapshot(&a); err != nil {
		t.Fatal(err)
	}
	if err := one.Snapshot(&b); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Errorf("two snapshots of one org differ: %v", err)
	}
	two := &oktatest.Server{}
	if err := two.Seed(bytes.NewReader(a.Bytes())); err != nil {
		t.Fatal(err)
	}
	h := &graph{client: start(t, two), clientID: g.clientID, secret: g.secret}
	if err := two.Snapshot(&again); err != nil || !bytes.Equal(a.Bytes(), again.Bytes()) {
		t.Errorf("the snapshot of a seeded org differs: %v", err)
	}
	if got := h.ask("neo4j_groups"); got.status != 200 {
		t.Errorf("token of a seeded org: %s", got.raw)
	}
	if err := two.Seed(strings.NewReader(`{"version":1,"apps":[]}`)); err != nil { // while it runs, as short as can be
		t.Fatal(err)
	}
	if got := h.must(200, "GET", "/api/v1/apps", ""); got.raw != "[]" {
		t.Errorf("apps: %s", got.raw)
	}
	h.must(200, "GET", deflt, "")
	for name, text := range map[string]string{
		"not JSON": "{", "other version": `{"version":9}`, "unknown member": `{"version":1,"app":[]}`, "app without id": `{"version":1,"apps":[{}]}`,
	} {
		if err := two.Seed(strings.NewReader(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	h.must(200, "GET", deflt, "") // a refused seed leaves the org alone
}

func TestStartErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "okta.json")
	if err := os.WriteFile(file, []byte("not JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&oktatest.Server{StateFile: file}).Start(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("broken state file: got %v", err)
	}
	c := start(t, &oktatest.Server{})
	if err := (&oktatest.Server{Addr: strings.TrimPrefix(c.org.URL, "http://")}).Start(); err == nil {
		t.Error("a taken address: started")
	}
	if err := c.org.Start(); err == nil {
		t.Error("started twice")
	}
	if err := (&oktatest.Server{}).Close(); err != nil {
		t.Errorf("close before start: %v", err)
	}
}
