package okta

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joho/godotenv"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// keyBlocks is the service account with a key in place of a secret.
func (l *lab) keyBlocks(algorithm string) []reconcile.Block {
	blocks := l.serviceBlocks("neo4j_writer")
	blocks[0].Blocks = []reconcile.Block{block(attrKey, "", args{"file": txt(l.pem()), "algorithm": txt(algorithm), "env_file": txt(l.file()), "env": txt("ETL_KEY")})}
	return blocks
}

func (l *lab) pem() string { return filepath.Join(l.dir, "keys", "etl.pem") }

// proven demands that the account gets a token.
func (l *lab) proven(want []reconcile.Object) {
	l.t.Helper()
	if p, _ := l.prove(want); p.Passed() != len(l.sys.Hops()) {
		l.t.Errorf("broken:\n%s", proofText(p))
	}
}

func TestKeyIsMadeDeliveredAndProven(t *testing.T) {
	for _, algorithm := range keyAlgorithms() {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			want := declare(t, l.keyBlocks(algorithm)...)
			plan := l.apply(want)
			if algorithm == "RS256" {
				golden(t, "key.plan", strings.ReplaceAll(text(plan), l.dir, "DIR"))
			}
			l.settled(want)
			l.proven(want)
			info, err := os.Stat(l.pem())
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the key has mode %v, %v", info, err)
			}
			said, err := godotenv.Read(l.file())
			if err != nil || said[keyKeyFile] != l.pem() || said[keyClientID] == "" || said[keyScope] != "neo4j_groups" || said[keySecret] != "" {
				t.Errorf("the env file says %v, %v", said, err)
			}
			app := l.mine("neo4j-etl")[0]
			key := knownKeys(app)[0].(reconcile.Map)
			if said[keyKeyID] != textOf(key["kid"]) || key["d"] != nil {
				t.Errorf("Okta has the key %v", key)
			}
		})
	}
}

// Cut off at any point, the next apply ends with one app, one key in Okta, and that key in its file.
func TestKeyDeliveryConvergesFromAnyFailure(t *testing.T) {
	refused := `{"errorCode":"E0000003","errorSummary":"The request body was not well-formed."}`
	tests := map[string]func(l *lab){
		"refused": func(l *lab) {
			l.org.Fault(oktatest.Fault{Method: "POST", Path: "/api/v1/apps", Status: 400, Body: refused})
		},
		"refused after": func(l *lab) {
			l.org.Fault(oktatest.Fault{Method: "POST", Path: "/api/v1/apps", Status: 400, Body: refused, After: true})
		},
		"answer lost": func(l *lab) {
			l.org.Fault(oktatest.Fault{Method: "POST", Path: "/api/v1/apps", Drop: true, After: true})
		},
		"half a key":        func(l *lab) { writeFile(l.t, pendingOf(l.pem()), "-----BEGIN PRIV") },
		"file is a folder":  func(l *lab) { mkdir(l.t, l.file()) },
		"key of somebody's": func(l *lab) { writeFile(l.t, l.pem(), somebodysKey(l.t)) },
	}
	for name, breaks := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			breaks(l)
			want := declare(t, l.keyBlocks("RS256")...)
			plan, index := l.plan(want, reconcile.Policy{})
			l.run(plan, index)
			l.org.ClearFaults()
			if name == "file is a folder" {
				if err := os.Remove(l.file()); err != nil {
					t.Fatal(err)
				}
			}
			l.apply(want)
			l.settled(want)
			l.proven(want)
			apps := l.mine("neo4j-etl")
			if len(apps) != 1 || len(knownKeys(apps[0])) != 1 {
				t.Errorf("there are %d apps: %v", len(apps), apps)
			}
			if said, err := godotenv.Read(l.file()); err != nil || said[keyKeyID] == "" {
				t.Errorf("the env file says %v, %v", said, err)
			}
			if there, err := isThere(pendingOf(l.pem())); there || err != nil {
				t.Errorf("the pending key is still there: %v", err)
			}
		})
	}
}

func TestKeyStates(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.apply(l.service("neo4j_writer")) // with a secret first
	want := declare(t, l.keyBlocks("RS256")...)
	golden(t, "to_key.plan", l.plain(text(l.apply(want))))
	l.settled(want)
	l.proven(want)
	firstKey := readFile(t, l.pem())

	t.Run("file elsewhere", func(t *testing.T) {
		pem := readFile(t, l.pem())
		if err := os.Remove(l.pem()); err != nil {
			t.Fatal(err)
		}
		l.settled(want)
		sys := l.sys
		l.sys = l.open(Options{Env: envOf(map[string]string{"OKTA_CLIENT_ORGURL": l.org.URL, "OKTA_CLIENT_TOKEN": canaryToken, "ETL_KEY": strings.ReplaceAll(pem, "\n", `\n`)})})
		l.proven(want)
		l.sys = sys
		if p, _ := l.prove(want); !strings.Contains(proofText(p), "the key lives elsewhere") {
			t.Errorf("got %s", proofText(p))
		}
	})
	t.Run("env file deleted", func(t *testing.T) {
		before, keys := readFile(t, l.file()), knownKeys(l.mine("neo4j-etl")[0])
		writeFile(t, l.pem(), firstKey)
		if err := os.Remove(l.file()); err != nil {
			t.Fatal(err)
		}
		l.org.ResetCalls()
		plan := l.apply(want)
		for _, c := range l.org.Calls() {
			if c.Method != "GET" {
				t.Errorf("a local file took %s %s", c.Method, c.Path)
			}
		}
		if len(plan.Steps) != 1 || len(plan.Steps[0].Hazards) > 0 {
			t.Errorf("the plan is\n%s", text(plan))
		}
		l.settled(want)
		if readFile(t, l.file()) != before || !reconcile.Equal(reconcile.List(keys), reconcile.List(knownKeys(l.mine("neo4j-etl")[0]))) {
			t.Error("the file or the keys are others now")
		}
	})
	t.Run("switched off", func(t *testing.T) {
		id := textOf(knownKeys(l.mine("neo4j-etl")[0])[0].(reconcile.Map)["id"])
		path := "/api/v1/apps/" + l.mine("neo4j-etl")[0].text("id") + "/credentials/jwks/" + id
		if _, err := l.sys.client.do(t.Context(), call{method: "POST", path: path + "/lifecycle/deactivate"}); err != nil {
			t.Fatal(err)
		}
		if p, _ := l.prove(want); p.Passed() == len(l.sys.Hops()) {
			t.Error("a key that is switched off gets tokens")
		}
		plan := l.apply(want)
		if len(plan.Steps) != 1 || len(plan.Steps[0].Hazards) != 1 || !strings.Contains(text(plan), "/lifecycle/activate") {
			t.Errorf("the plan is\n%s", text(plan))
		}
		l.settled(want)
		l.proven(want)
	})
	t.Run("another key", func(t *testing.T) {
		writeFile(t, l.pem(), somebodysKey(t))
		p, _ := l.prove(want)
		if !strings.Contains(proofText(p), "none of the app's") {
			t.Errorf("got %s", proofText(p))
		}
		before := knownKeys(l.mine("neo4j-etl")[0])[0]
		l.apply(want)
		l.settled(want)
		l.proven(want)
		if after := knownKeys(l.mine("neo4j-etl")[0]); len(after) != 2 || !reconcile.Equal(after[0], before) {
			t.Errorf("the keys are %v", after) // the old one stays: who has it is not ours to cut off
		}
	})
	for _, c := range []struct{ file, content, says string }{{pendingOf(l.pem()), somebodysKey(t), "two keys"}, {l.pem(), "hello", "no PEM"}} {
		t.Run(c.says, func(t *testing.T) {
			writeFile(t, c.file, c.content)
			if _, _, err := l.tryPlan(want, reconcile.Policy{}); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %s", err, c.says)
			}
			if err := errors.Join(os.Remove(c.file)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func somebodysKey(t *testing.T) string {
	t.Helper()
	text, err := makeKey()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	mkdir(t, filepath.Dir(path))
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", path, err))
	}
}
