package okta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/joho/godotenv"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

func TestMakeSecret(t *testing.T) {
	a, b := makeSecret(), makeSecret()
	if !secretPattern.MatchString(a) || a == b {
		t.Error("not a fresh secret of 64 characters")
	}
	if len(secretAlphabet) != 64 {
		t.Errorf("an alphabet of %d is not drawn evenly", len(secretAlphabet))
	}
}

func TestKeepSecretKeepsWhatMayBeLive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "etl.env")
	if _, err := keepSecret(file); err != nil {
		t.Fatal(err)
	}
	first := readFile(t, pendingOf(file))
	if _, err := keepSecret(file); err != nil {
		t.Fatal(err)
	}
	if readFile(t, pendingOf(file)) != first {
		t.Error("a pending secret was replaced")
	}
	if err := os.WriteFile(pendingOf(file), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keepSecret(file); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(pendingOf(file))
	if err != nil || info.Mode().Perm() != 0o600 || readFile(t, pendingOf(file)) == "half" {
		t.Errorf("a broken pending file was kept, or its mode: %v %v", info.Mode(), err)
	}
}

func FuzzSecretFile(f *testing.F) {
	for _, s := range []string{"plain", `a"b\c$d`, "a b#c", "'", "123", "ü", "neo4j://x?y=z&a", "`x`", "${HOME}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, r := range value {
			if r < ' ' || r > '~' { // a host, an id, a secret, a scope, a URI: printable ASCII all of them
				t.Skip()
			}
		}
		want := map[string]string{keySecret: value, keyScope: "a b"}
		for _, format := range []string{formatEnv, formatJSON} {
			b, err := secretFile(format, want)
			if err != nil && format == formatEnv && strings.ContainsAny(value, `"\`) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			if format == formatJSON {
				err = json.Unmarshal(b, &got)
			} else {
				got, err = godotenv.UnmarshalBytes(b)
			}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %q came back as %q, %v", format, want, got, err)
			}
		}
	})
}

func FuzzParseOrg(f *testing.F) {
	for _, s := range []string{"https://example.okta.com/", "http://127.0.0.1:1", "example", "https://a@b", "https://x-admin.okta.com", "http://[::1]", "https://", "://", "https://{x}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := parseOrg(s)
		if err != nil {
			return
		}
		if u.Host == "" || u.Path != "" || u.User != nil || u.Scheme == "http" && !loopback(strings.ToLower(u.Hostname())) {
			t.Errorf("%q is taken as %s", s, u)
		}
	})
}

// Nothing that is shown has a secret in it: plans, ops, errors, events, reports, logs, live objects.
func TestNothingShowsASecret(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	var shown, logged bytes.Buffer // the handler locks its own
	l.sys = l.open(Options{Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	blocks := l.serviceBlocks("neo4j_writer")
	want := declare(t, blocks...)
	step := func(p reconcile.Policy) {
		live, drift := l.drift(want)
		plan, index, err := l.tryPlan(want, p)
		report := reconcile.Apply(context.Background(), make(chan struct{}), plan, map[string]reconcile.System{systemName: l.sys}, index, func(e reconcile.Event) {
			fmt.Fprintf(&shown, "%+v %#v\n", e, e)
		})
		fmt.Fprintf(&shown, "%+v %#v %+v %+v %+v %v %s", live, live, drift, plan, report, err, text(plan))
		b, err := json.Marshal(plan.Steps)
		fmt.Fprintf(&shown, "%s %v\n", b, err)
	}
	step(reconcile.Policy{})
	secret, _ := deliveredSecret(l.file(), formatEnv)
	opened, err := reveal(secret)
	if err != nil {
		t.Fatal(err)
	}
	p, e := l.prove(want)
	fmt.Fprintf(&shown, "%+v %#v %s", e, e, proofText(p))
	if err := os.Rename(l.file(), pendingOf(l.file())); err != nil { // not a secret alone: it is replaced
		t.Fatal(err)
	}
	step(reconcile.Policy{})
	again, _ := deliveredSecret(l.file(), formatEnv)
	replaced, err := reveal(again)
	if err != nil {
		t.Fatal(err)
	}
	l.org.Fault(oktatest.Fault{Method: "POST", PathPrefix: "/oauth2", Drop: true, Repeat: -1})
	p, _ = l.prove(want)
	fmt.Fprint(&shown, proofText(p))
	l.org.ClearFaults()
	token, err := reveal(e.Token)
	if err != nil {
		t.Fatal(err)
	}
	step(reconcile.Policy{Destroy: true})
	fmt.Fprintf(&shown, "%+v %#v", l.sys.seen, l.sys.seen)
	for what, canary := range map[string]string{"management token": canaryToken, "client secret": opened, "second client secret": replaced, "access token": token} {
		if strings.Contains(shown.String()+logged.String(), canary) {
			t.Errorf("the %s is shown", what)
		}
	}
	if replaced == opened {
		t.Error("the pending file that held no secret was not replaced")
	}
}

// Secrets are opened, and the SDK is known, in client.go only.
func TestDoors(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	opens := regexp.MustCompile(`\.Open\(\)`)
	for _, file := range files {
		if file == "client.go" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		source := readFile(t, file)
		if opens.MatchString(source) {
			t.Errorf("%s opens a secret", file)
		}
		if strings.Contains(source, "okta-sdk-golang") {
			t.Errorf("%s imports the SDK", file)
		}
	}
}
