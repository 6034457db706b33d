package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// leaky is a spec with a secret in every place that takes one, from every place that secrets come from.
const leaky = `variable "reader_password" {
  type      = string
  sensitive = true
}

okta "app" "etl" {
  profile = { neo4j_groups = ["gw"] }
  secret {
    file = "etl.env"
  }
}

okta "app" "keyed" {
  profile                    = { neo4j_groups = ["gw"] }
  token_endpoint_auth_method = "private_key_jwt"
  key {
    file     = "keyed.pem"
    env_file = "keyed.env"
  }
}

okta "scope" "neo4j_groups" {}

okta "claim" "groups" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.neo4j_groups]
}

okta "policy" "services" {
  clients = [okta.app.etl, okta.app.keyed]
  rule "machines" {
    scopes = [okta.scope.neo4j_groups]
  }
}

neo4j "role" "w" {
  grant = ["ACCESS ON DATABASE neo4j"]
}

neo4j "user" "by_variable" {
  roles = [neo4j.role.w]
  auth "native" {
    password        = var.reader_password
    change_required = false
  }
}

neo4j "user" "by_env" {
  auth "native" {
    password = env("ENV_PASSWORD")
  }
}

neo4j "user" "by_file" {
  auth "native" {
    password = secret_file("password.txt")
  }
}

neo4j "oidc_provider" "backend" {
  authorization_server = okta.authorization_server.default
  username_claim       = "sub"
  groups_claim         = okta.claim.groups
  token_type           = "access_token"
  token_params         = { audience = "graph" }
  token_secrets        = { client_secret = env("PROVIDER_SECRET") }
  group_to_role        = { gw = [neo4j.role.w] }
}

output "password" {
  value     = "pw ${var.reader_password}"
  sensitive = true
}
`

// spellings are the forms in which a secret may come out.
func spellings(secret string) map[string]string {
	b := []byte(secret)
	forms := map[string]string{
		"plain": secret, "in hex": hex.EncodeToString(b), "URL-encoded": url.QueryEscape(secret), "path-escaped": url.PathEscape(secret), "as JSON": strings.Trim(jsonText(secret), `"`),
	}
	for i := range 3 { // where it stands in a longer text, its base64 begins at one of three places
		text := base64.StdEncoding.EncodeToString(append(make([]byte, i), b...))
		cut := text[(i*8+5)/6:]
		forms[fmt.Sprintf("in base64 from place %d", i)] = strings.TrimRight(cut, "=")[:len(strings.TrimRight(cut, "="))-1]
	}
	for name, form := range forms {
		if len(form) < 8 {
			delete(forms, name)
		}
	}
	return forms
}

func jsonText(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// hunt runs commands on the leaky spec and searches what they write.
type hunt struct {
	*bench
	env     map[string]string
	canary  map[string]string // by what they are
	private map[string]bool   // the files that hold secrets by design, by base name
	runs    int
	ran     map[string]map[string]bool // the commands that ran, and at which log levels
}

func newHunt(t *testing.T) *hunt {
	h := &hunt{bench: newBench(t), ran: make(map[string]map[string]bool), private: map[string]bool{"password.txt": true, "etl.env": true, "etl.env.pending": true, "keyed.pem": true, "keyed.pem.pending": true, "keyed.env": true}}
	h.canary = map[string]string{
		"the management token": h.box.kept.OktaToken, "the database password": h.box.kept.Neo4jPassword, "a sensitive variable": "canary/variable+1=x y",
		"an env password": "canary-env-password-2", "a file password": "canary-file-password-3", "a provider's secret": "canary-provider-4",
	}
	h.env = map[string]string{
		"KEYMAKER_VAR_reader_password": h.canary["a sensitive variable"], "ENV_PASSWORD": h.canary["an env password"], "PROVIDER_SECRET": h.canary["a provider's secret"],
		"KEYMAKER_NEO4J_RESTART": h.restarts(), "HOME": h.dir,
	}
	for _, v := range h.box.variables() {
		h.env[v[0]] = v[1]
	}
	for name, text := range map[string]string{"main.hcl": leaky, "password.txt": h.canary["a file password"] + "\n"} {
		if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// run runs a command, with some of its environment replaced, and searches what it wrote anywhere. Codes are those that it may end with; none for any.
func (h *hunt) run(env map[string]string, codes []int, words ...string) string {
	h.t.Helper()
	h.note(words)
	cmd := exec.Command("keymaker", words...)
	cmd.Dir = h.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for _, vars := range []map[string]string{h.env, env} {
		for name, value := range vars {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // its exit code is looked at
	if code := cmd.ProcessState.ExitCode(); len(codes) > 0 && !slices.Contains(codes, code) {
		h.t.Errorf("keymaker %s ended with %d\n%s%s", strings.Join(words, " "), code, stdout.String(), stderr.String())
	}
	h.learn()
	what := "keymaker " + strings.Join(words, " ")
	h.search(what+": stdout", stdout.String(), env)
	h.search(what+": stderr", stderr.String(), env)
	h.searchFiles(what)
	return stdout.String() + stderr.String()
}

// note counts a run, by its command and log level.
func (h *hunt) note(words []string) {
	h.t.Helper()
	h.runs++
	cmd, _, err := (&program{out: newOutput(nil, nil, nil)}).root().Find(words)
	if err != nil {
		h.t.Fatal(err)
	}
	level := "warn"
	if i := slices.Index(words, "--log-level"); i >= 0 {
		level = words[i+1]
	}
	if name := cmd.CommandPath(); h.ran[name] == nil {
		h.ran[name] = map[string]bool{level: true}
	} else {
		h.ran[name][level] = true
	}
}

// missed lists the commands that never ran at some level.
func (h *hunt) missed(levels [][]string) []string {
	var missed []string
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		for _, level := range levels {
			if cmd.Runnable() && cmd.HasParent() && !h.ran[cmd.CommandPath()][level[1]] {
				missed = append(missed, cmd.CommandPath()+" "+level[1])
			}
		}
	}
	walk((&program{out: newOutput(nil, nil, nil)}).root())
	return missed
}

// learn takes up the secrets that a run made.
func (h *hunt) learn() {
	for _, name := range []string{"etl.env", "etl.env.pending"} {
		text, _ := os.ReadFile(filepath.Join(h.dir, name))
		if m := regexp.MustCompile(`[A-Za-z0-9_-]{64}`).Find(text); m != nil {
			h.canary["the client secret"] = string(m)
		}
	}
	for _, name := range []string{"keyed.pem", "keyed.pem.pending"} {
		text, _ := os.ReadFile(filepath.Join(h.dir, name))
		if lines := strings.Split(string(text), "\n"); len(lines) > 8 {
			h.canary["a line of the private key"] = lines[5]
		}
	}
}

func (h *hunt) search(where, text string, env map[string]string) {
	h.t.Helper()
	if at := jwt.FindStringIndex(text); at != nil {
		h.t.Errorf("%s holds a token", where)
	}
	all := []string{}
	for name, secret := range h.canary {
		for form, spelt := range spellings(secret) {
			if strings.Contains(text, spelt) {
				all = append(all, name+" "+form)
			}
		}
	}
	for name, secret := range env {
		if strings.Contains(secret, "canary") && strings.Contains(text, secret) {
			all = append(all, "the value of "+name)
		}
	}
	for _, what := range all {
		h.t.Errorf("%s holds %s", where, what)
	}
}

// searchFiles searches the work folder, but for the files that hold secrets by design; those are for their owner alone.
func (h *hunt) searchFiles(what string) {
	h.t.Helper()
	err := filepath.WalkDir(h.dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if h.private[filepath.Base(name)] {
			if info, err := d.Info(); err == nil && info.Mode().Perm() != 0o600 {
				h.t.Errorf("%s: %s has mode %o", what, name, info.Mode().Perm())
			}
			return nil
		}
		text, err := os.ReadFile(name)
		h.search(what+": "+d.Name(), string(text), nil)
		return err
	})
	if err != nil {
		h.t.Error(err)
	}
}

// No secret comes out of any command, at any log level, in any form: not on stdout or stderr, not into any file but the one that it is delivered in, and not when calls fail.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	h := newHunt(t)
	levels := [][]string{{"--log-level", "debug"}, {"--log-level", "debug", "--log-format", "json"}, {"--log-level", "info"}, {"--log-level", "warn"}, {"--log-level", "error"}}
	if os.Getenv("KEYMAKER_LEAKS") != "all" {
		levels = levels[:1] // what the others log is in it
	}
	everywhere := func(codes []int, words ...string) {
		for _, level := range levels {
			h.run(nil, codes, append(slices.Clone(words), level...)...)
		}
	}
	ok := []int{0}

	everywhere(ok, "validate")
	everywhere(ok, "validate", "--json")
	everywhere(ok, "fmt", "--check")
	everywhere(ok, "schema")
	everywhere(ok, "version")
	everywhere(nil, "evidence")
	for _, shell := range []string{"bash", "fish", "powershell", "zsh"} {
		everywhere(ok, "completion", shell)
	}
	everywhere(ok, "plan", "--out", "plan.keymaker", "--json-out", "plan.json", "--markdown-out", "plan.md")
	everywhere(ok, "plan", "--json")
	everywhere(ok, "show", "plan.keymaker")
	everywhere(ok, "show", "--json", "plan.keymaker")
	h.failures()
	h.run(nil, ok, "apply", "plan.keymaker", "--log-level", "debug", "--json", "--report", "report.json")
	everywhere(ok, "apply", "--auto-approve", "--report", "report2.json")
	for _, format := range []string{"text", "json", "markdown", "html", "sarif", "junit", "csv"} {
		everywhere(ok, "drift", "--format", format, "--out", "drift."+format)
	}
	everywhere([]int{0, 2}, "verify")
	everywhere([]int{0, 2}, "verify", "--json", "--junit-out", "verify.xml", "--markdown-out", "verify.md")
	for _, format := range []string{"text", "json", "csv", "dot"} {
		everywhere(ok, "access", "--format", format)
	}
	for _, format := range []string{"conf", "docker", "helm", "discovery"} {
		everywhere([]int{0, 1}, "render", "--format", format)
	}
	everywhere(ok, "drift")
	everywhere([]int{0, 2}, "plan", "--detailed-exitcode")
	everywhere([]int{0, 2}, "access", "why", "okta.app.etl", "ACCESS ON DATABASE neo4j")
	everywhere([]int{0, 2}, "verify", "--negative", "--show-claims")
	h.byToken(levels)
	h.withEvidence(levels)

	// Other secrets on the way in: what is wrong is not shown either.
	h.run(map[string]string{"OKTA_CLIENT_TOKEN": "canary-wrong-token"}, []int{1}, "plan", "--log-level", "debug")
	h.run(map[string]string{"NEO4J_PASSWORD": "canary-wrong-password"}, []int{1}, "plan", "--log-level", "debug")
	h.run(map[string]string{"NEO4J_URI": "bolt://neo4j:canary-in-a-url@127.0.0.1:1"}, []int{1}, "plan", "--log-level", "debug")
	h.run(map[string]string{"OKTA_CLIENT_ORGURL": "http://canary-user:canary-in-a-url@127.0.0.1:1"}, []int{1}, "plan", "--log-level", "debug")
	everywhere([]int{0, 2}, "plan", "--profile", "cpu=cpu.prof", "--profile", "heap=heap.prof", "--profile", "trace=trace.out")
	everywhere([]int{0, 2}, "verify", "--profile", "heap=heap.prof")
	everywhere([]int{0, 3}, "destroy", "--auto-approve", "--profile", "trace=trace.out")
	for _, level := range levels {
		h.inSandbox(level)
	}
	if missed := h.missed(levels); len(missed) > 0 {
		t.Errorf("no run of %s", strings.Join(missed, ", "))
	}
	t.Logf("%d runs searched for %d secrets", h.runs, len(h.canary))
}

// boxed is a spec with a second connection of each system, for the sandbox.
const boxed = `connection "neo4j" {}
connection "neo4j" "eu" {}
connection "okta" {}
connection "okta" "us" {}

okta "app" "neo4j-etl" {
  profile = { neo4j_groups = ["gw"] }
  secret {
    file = "boxed.env"
  }
}

okta "app" "us" {
  connection = connection.okta.us
  secret {
    file = "boxed-us.env"
  }
}

neo4j "user" "reader" {
  connection = connection.neo4j.eu
  auth "native" {
    password = env("ENV_PASSWORD")
  }
}
`

// inSandbox runs against the embedded systems, in the process and in the foreground, named connections among them. The secrets that they are made with stand in their
// state files, and in the variables that the foreground prints.
func (h *hunt) inSandbox(level []string) {
	h.t.Helper()
	for _, name := range []string{"sandbox.json", "okta.json", "neo4j.json", "okta-us.json", "neo4j-eu.json", "boxed.env", "boxed-us.env"} {
		h.private[name] = true
	}
	if err := os.MkdirAll(filepath.Join(h.dir, "boxed"), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.dir, "boxed", "main.hcl"), []byte(boxed), 0o600); err != nil {
		h.t.Fatal(err)
	}
	run := func(env map[string]string, codes []int, words ...string) {
		h.run(env, codes, append(words, level...)...)
	}
	for _, words := range [][]string{{"plan"}, {"apply", "--auto-approve"}, {"drift"}, {"verify"}, {"access"}} {
		run(nil, nil, append(words, "--sandbox", "boxed")...)
		h.learnSandbox()
	}
	for _, name := range []string{"boxed.env", "boxed-us.env"} {
		if h.canary["the client secret in "+name] == "" {
			h.t.Errorf("%s was not delivered", name)
		}
	}
	words := append([]string{"sandbox", "--connection", "neo4j=eu", "--connection", "okta=us"}, level...)
	h.note(words)
	cmd := exec.Command("keymaker", words...)
	cmd.Dir, cmd.Env = h.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	env := make(map[string]string)
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "# ready"); {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if ok {
			env[name] = strings.Trim(value, "'")
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	run(env, []int{0}, "sandbox", "story", "widen-profile")
	run(env, []int{0}, "sandbox", "restart")
	run(env, []int{0, 2}, "drift", "boxed")
	run(env, []int{0, 1, 2}, "verify", "boxed")
	run(env, []int{0, 3}, "destroy", "--auto-approve", "boxed")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		h.t.Error(err)
	}
	_ = cmd.Wait() // it was interrupted
	h.search("keymaker sandbox: stderr", stderr.String(), nil)
	if err := os.RemoveAll(filepath.Join(h.dir, ".keymaker")); err != nil {
		h.t.Error(err)
	}
}

// learnSandbox takes up the secrets of the sandbox.
func (h *hunt) learnSandbox() {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, ".keymaker", "sandbox.json"))
	if err != nil {
		h.t.Fatal(err)
	}
	for i, m := range regexp.MustCompile(`"(?i:[a-z_0-9]*(?:token|password))": *"([^"]{8,})"`).FindAllSubmatch(text, -1) {
		h.canary[fmt.Sprintf("secret %d of the sandbox", i)] = string(m[1])
	}
	for _, name := range []string{"boxed.env", "boxed-us.env"} {
		text, _ := os.ReadFile(filepath.Join(h.dir, "boxed", name))
		if m := regexp.MustCompile(`[A-Za-z0-9_-]{64}`).Find(text); m != nil {
			h.canary["the client secret in "+name] = string(m)
		}
	}
}

// byToken asks about a token in a file, whole and broken.
func (h *hunt) byToken(levels [][]string) {
	h.t.Helper()
	const broken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
	h.private["token"] = true
	for name, text := range map[string]string{"a broken token": broken, "no token": "canary-no-token-at-all"} {
		h.canary[name] = text
		if err := os.WriteFile(filepath.Join(h.dir, "token"), []byte(text+"\n"), 0o600); err != nil {
			h.t.Fatal(err)
		}
		for _, level := range levels {
			h.run(nil, []int{1, 2}, append([]string{"verify", "--token-file", "token"}, level...)...)
			h.run(nil, []int{1, 2}, append([]string{"verify", "--token-file", "token", "--show-claims"}, level...)...)
		}
	}
}

// withEvidence keeps signed reports and checks them.
func (h *hunt) withEvidence(levels [][]string) {
	h.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		h.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	h.canary["the key that signs"] = strings.Split(string(text), "\n")[1]
	h.private["sign.pem"] = true
	if err := os.WriteFile(filepath.Join(h.dir, "sign.pem"), text, 0o600); err != nil {
		h.t.Fatal(err)
	}
	for _, level := range levels {
		h.run(nil, []int{0, 2}, append([]string{"drift", "--all", "--evidence", "kept", "--sign-key", "sign.pem"}, level...)...)
		h.run(nil, []int{0}, append([]string{"evidence", "check", "kept"}, level...)...)
	}
}

// failures lets calls fail while secrets are on their way.
func (h *hunt) failures() {
	h.t.Helper()
	page := http.Header{"Content-Type": {"text/html"}}
	for _, f := range []oktatest.Fault{
		{Method: http.MethodPost, Path: "/api/v1/apps", Status: 400},
		{Method: http.MethodPost, Path: "/api/v1/apps", Status: 403, Body: "<html>no</html>", Header: page},
		{Method: http.MethodPost, Path: "/api/v1/apps", Truncate: true},
		{Method: http.MethodPost, PathPrefix: "/oauth2/", Status: 500},
	} {
		h.box.okta.Fault(f)
		h.run(nil, nil, "apply", "--auto-approve", "--log-level", "debug")
		h.box.okta.ClearFaults()
		h.run(nil, nil, "destroy", "--auto-approve", "--log-level", "error")
		if err := os.Remove(filepath.Join(h.dir, "keyed.pem")); err != nil && !os.IsNotExist(err) {
			h.t.Error(err)
		}
	}
}

// The search finds what it is for, in every form and in the middle of something else.
func TestSearchFindsWhatLeaks(t *testing.T) {
	const secret = "canary/in+every=form x"
	for _, text := range []string{
		secret, "a " + secret + " b", url.QueryEscape("x" + secret), url.PathEscape(secret), hex.EncodeToString([]byte("1" + secret + "2")), jsonText(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("a" + secret + "b")), base64.StdEncoding.EncodeToString([]byte("ab" + secret + "c")),
		base64.StdEncoding.EncodeToString([]byte("client:" + secret)),
	} {
		found := false
		for _, spelt := range spellings(secret) {
			found = found || strings.Contains(text, spelt)
		}
		if !found {
			t.Errorf("not found in %s", text)
		}
	}
}

// crashing is a system whose call breaks the program with a secret at hand.
type crashing struct{ reconcile.System }

const crashSecret = "canary-of-a-crash"

type crashOp struct{ secret reconcile.Secret }

func (o crashOp) String() string             { return "call with " + o.secret.String() }
func (crashOp) Calls() []reconcile.Tally     { return nil }
func (crashing) Name() string                { return "okta" }
func (crashing) Parallel() int               { return 1 }
func (crashing) Kinds() []reconcile.Kind     { return nil }
func (crashing) Close(context.Context) error { return nil }

// Do opens its secret and breaks.
func (crashing) Do(_ context.Context, op reconcile.Op, _ reconcile.Resolver) (reconcile.Outcome, error) {
	text, err := op.(crashOp).secret.Open()
	said := []string{text, fmt.Sprint(op, err)}
	at := len(said)
	return reconcile.Outcome{Said: said[at]}, err // a mistake
}

// crash is a program that breaks in the middle of a call, in a goroutine of its own.
func crash() {
	secret := reconcile.NewSecret("env CRASH", func() (string, error) { return os.Getenv("CRASH"), nil })
	want := reconcile.Object{Addr: reconcile.Addr{System: "okta", Kind: "app", Name: "etl"}, Attrs: []reconcile.Attr{{Name: "secret", Value: secret}}}
	plan := reconcile.Plan{Steps: []reconcile.Step{{Change: reconcile.Create{Want: want}, Ops: []reconcile.Op{crashOp{secret}}, Stage: reconcile.Converge}}}
	reconcile.Apply(context.Background(), nil, plan, map[string]reconcile.System{"okta": crashing{}}, reconcile.NewIndex(nil), nil)
}

// What a program prints that breaks, with all goroutines and at the highest level, holds no secret.
func TestCrashReportHoldsNoSecret(t *testing.T) {
	for _, level := range []string{"single", "all", "system"} {
		cmd := exec.Command("keymaker-crash")
		cmd.Env = append(os.Environ(), "CRASH="+crashSecret, "GOTRACEBACK="+level)
		out, err := cmd.CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("index out of range [2] with length 2")) {
			t.Fatalf("it did not break: %v\n%s", err, out)
		}
		for form, spelt := range spellings(crashSecret) {
			if bytes.Contains(out, []byte(spelt)) {
				t.Errorf("the report at level %s holds the secret %s:\n%s", level, form, out)
			}
		}
	}
}
