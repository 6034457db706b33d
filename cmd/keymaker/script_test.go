package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rogpeppe/go-internal/testscript"

	"keymaker/neo4j/neo4jtest"
	"keymaker/okta/oktatest"
)

// TestMain lets scripts be programs, and more tests run at once than there are processors: most of them wait for a signal, a restart or a limit. The flag -parallel says otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"keymaker":       func() { os.Exit(guarded()) },
		"keymaker-crash": crash,
	})
}

// guarded is the program with its output searched for secrets: every script is a leak test too. The sandbox command prints its made-up credentials on purpose.
func guarded() int {
	if len(os.Args) > 1 && os.Args[1] == "sandbox" {
		return run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	}
	var seen record
	code := run(os.Args[1:], os.Stdin, io.MultiWriter(os.Stdout, &seen), io.MultiWriter(os.Stderr, &seen))
	if what := leak(seen.String()); what != "" {
		fmt.Fprintf(os.Stderr, "LEAK: the output holds %s\n", what)
		return 99
	}
	return code
}

// record keeps what was written, from any goroutine: logs come from where calls are made.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps b.
func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

// String is everything so far.
func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

var (
	jwt         = regexp.MustCompile(`eyJ[\w-]{10,}\.[\w-]{10,}\.`)
	secretLines = regexp.MustCompile(`(?m)^OKTA_CLIENT_SECRET=["']?([^"'\n]{14,})`)
)

// leak says which secret stands in text: tokens and passwords of the environment and the sandbox, delivered client secrets, anything like a JWT.
func leak(text string) string {
	if jwt.MatchString(text) {
		return "a token"
	}
	for _, entry := range os.Environ() {
		name, v, _ := strings.Cut(entry, "=")
		secret := strings.HasPrefix(name, "OKTA_CLIENT_TOKEN") || strings.HasPrefix(name, "NEO4J_PASSWORD") // with the names of connections
		if secret && len(v) > 7 && strings.Contains(text, v) {
			return name
		}
	}
	var kept sandboxState
	if data, err := os.ReadFile(filepath.Join(sandboxDir, "sandbox.json")); err == nil && json.Unmarshal(data, &kept) == nil {
		if strings.Contains(text, kept.OktaToken) || strings.Contains(text, kept.Neo4jPassword) {
			return "a credential of the sandbox"
		}
		for id, one := range kept.Connections {
			if strings.Contains(text, one.Secret) {
				return "a credential of the sandbox's " + id
			}
		}
	}
	found := ""
	_ = filepath.WalkDir(".", func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if base := filepath.Base(name); strings.HasSuffix(base, ".env") || strings.HasSuffix(base, ".pending") {
			data, _ := os.ReadFile(name)
			for _, m := range secretLines.FindAllSubmatch(data, -1) {
				if strings.Contains(text, string(m[1])) {
					found = "the secret in " + name
				}
			}
		}
		return nil
	})
	return found
}

func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../specs/examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples)
			e.Setenv("HOME", e.WorkDir)
			e.Values["servers"] = &servers{env: e}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"servers": cmdServers, "okta": cmdOkta, "neo4j": cmdNeo4j, "exits": cmdExits, "until": cmdUntil, "exports": cmdExports, "token": cmdToken, "stray": cmdStray,
			"private": cmdPrivate, "apart": cmdApart, "calls": cmdCalls, "samefile": cmdSamefile, "tamper": cmdTamper, "inflight": cmdInFlight, "waiting": cmdWaiting, "asked": cmdAsked, "held": cmdHeld, "released": cmdReleased,
		},
	})
}

// servers are the emulators of one script, in the test's process, so that a script can look into them and break them.
type servers struct {
	env   *testscript.Env
	okta  *oktatest.Server
	neo4j *neo4jtest.Server
	named map[string]*named // of named connections, by instance: neo4j.eu
	locks []*os.File

	mu      sync.Mutex
	arrived []string // the calls that reached Okta, answered or not: method and path
}

// cmdServers starts both emulators and sets the variables by which clients find them, and one for each named connection: servers [community] [noconf] [neo4j=eu] [okta=eu].
func cmdServers(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("servers").(*servers)
	s.okta = &oktatest.Server{Token: "canary-okta-token"}
	s.neo4j = &neo4jtest.Server{Password: "canary-neo4j-password"}
	s.named = make(map[string]*named)
	conf := true
	for _, a := range args {
		switch a {
		case "community":
			s.neo4j.Edition = "community"
		case "noconf":
			conf = false
		default:
			s.startNamed(ts, a)
		}
	}
	if conf {
		s.neo4j.ConfFile = ts.MkAbs("neo4j.conf")
	}
	front := s.front(s.okta)
	ts.Defer(front.Close)
	ts.Check(s.okta.Start())
	ts.Defer(func() { _ = s.okta.Close() })
	ts.Check(s.neo4j.Start())
	ts.Defer(func() { _ = s.neo4j.Close() })
	ts.Setenv("OKTA_CLIENT_ORGURL", front.URL)
	ts.Setenv("OKTA_CLIENT_TOKEN", s.okta.Token)
	ts.Setenv("NEO4J_URI", s.neo4j.URL)
	ts.Setenv("NEO4J_USERNAME", "neo4j")
	ts.Setenv("NEO4J_PASSWORD", s.neo4j.Password)
	if conf {
		ts.Setenv("KEYMAKER_NEO4J_CONF_FILE", s.neo4j.ConfFile)
		ts.Setenv("KEYMAKER_NEO4J_RESTART", restartCommand(ts, s.neo4j, ""))
	}
}

// front stands before the emulated org and notes each call when it comes, so that a script knows what is in flight.
func (s *servers) front(org *oktatest.Server) *httptest.Server {
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.arrived = append(s.arrived, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		org.ServeHTTP(w, r)
	}))
	org.PublicURL = front.URL
	return front
}

// came counts the calls of a method to paths that match.
func (s *servers) came(method, pattern string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, call := range s.arrived {
		m, p, _ := strings.Cut(call, " ")
		if ok, err := path.Match(pattern, p); m == method && ok && err == nil {
			n++
		}
	}
	return n
}

// restartCommand is the restart of a Neo4j service: a program that asks the test to restart the emulator.
func restartCommand(ts *testscript.TestScript, n *neo4jtest.Server, name string) string {
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := n.Restart(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	ts.Defer(door.Close)
	dir := ts.MkAbs(".service" + name)
	ts.Check(os.MkdirAll(dir, 0o700))
	words, err := restartWords(dir, door)
	ts.Check(err)
	return words
}

// restartWords is a restart command that knocks at a door, told in a folder of its own.
func restartWords(dir string, door *httptest.Server) (string, error) {
	kept, err := json.Marshal(sandboxState{OktaToken: "door", ControlAddr: strings.TrimPrefix(door.URL, "http://")})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "sandbox.json"), kept, 0o600); err != nil {
		return "", err
	}
	words, err := json.Marshal([]string{"keymaker", "sandbox", "restart", "--dir", dir})
	return string(words), err
}

// cmdOkta looks into the emulated org or breaks it:
//
//	okta writes N                 so many writing calls were logged since the last reset
//	okta story NAME               an administrator does something at the console, to the objects of the example service-account
//	okta reads PATTERN N          so many calls came whose path matches
//	okta reset                    forget the calls
//	okta drop after|before METHOD PATH   the next such call loses its connection
//	okta status CODE METHOD PATH [FILE]   the next such call is answered with a status, and with the body in FILE
//	okta busy SECONDS METHOD PATH   the next such call is answered 429, with the wait that it asks for
//	okta down CODE METHOD PATH   every such call is, from now on
//	okta manager VAR             makes an app with rights to administer the org; the file of its private key is the variable's value
//	okta mend                    takes all accidents back
//
// With @NAME before these words it is the org of a named connection.
func cmdOkta(ts *testscript.TestScript, neg bool, args []string) {
	org, args := ts.Value("servers").(*servers).org(ts, args)
	switch args[0] {
	case "writes":
		writes := 0
		for _, c := range org.Calls() {
			if c.Method != http.MethodGet && !strings.Contains(c.Path, "/oauth2/") {
				writes++
			}
		}
		if (strconv.Itoa(writes) == args[1]) == neg {
			ts.Fatalf("okta saw %d writes", writes)
		}
	case "reads":
		n := 0
		for _, c := range org.Calls() {
			if ok, err := path.Match(args[1], c.Path); err == nil && ok {
				n++
			}
		}
		if strconv.Itoa(n) != args[2] {
			ts.Fatalf("okta saw %d calls of %s", n, args[1])
		}
	case "story":
		i := slices.IndexFunc(oktatest.Stories(), func(story oktatest.Story) bool { return story.Name == args[1] })
		if i < 0 {
			ts.Fatalf("okta: no story %s", args[1])
		}
		cast := oktatest.Cast{App: "neo4j-etl", Server: "default", Scope: "neo4j_groups", Claim: "groups", Policy: "neo4j-service-accounts", Rule: "client-credentials"}
		ts.Check(oktatest.Stories()[i].Tell(org, cast))
	case "reset":
		org.ResetCalls()
	case "drop":
		org.Fault(oktatest.Fault{Method: args[2], Path: args[3], Drop: true, After: args[1] == "after"})
	case "status":
		code, err := strconv.Atoi(args[1])
		ts.Check(err)
		f := oktatest.Fault{Method: args[2], Path: args[3], Status: code}
		if len(args) > 4 {
			f.Body = ts.ReadFile(args[4])
		}
		org.Fault(f)
	case "busy":
		org.Fault(oktatest.Fault{Method: args[2], Path: args[3], Status: http.StatusTooManyRequests, Header: http.Header{
			"Retry-After": {args[1]}, "X-Rate-Limit-Limit": {}, "X-Rate-Limit-Remaining": {}, "X-Rate-Limit-Reset": {}}})
	case "down":
		code, err := strconv.Atoi(args[1])
		ts.Check(err)
		org.Fault(oktatest.Fault{Method: args[2], Path: args[3], Status: code, Repeat: -1})
	case "manager":
		file := ts.MkAbs("manager.pem")
		ts.Check(makeManager(org, file))
		ts.Setenv(args[1], file)
	case "mend":
		org.ClearFaults()
	default:
		ts.Fatalf("okta: unknown word %s", args[0])
	}
}

// makeManager makes an app with the client id manager-client, that logs in by the private key in file.
func makeManager(org *oktatest.Server, file string) error {
	public, private, err := keyPair()
	if err != nil {
		return err
	}
	app := serviceApp("manager")
	app["credentials"] = map[string]any{"oauthClient": map[string]any{"client_id": "manager-client", "token_endpoint_auth_method": "private_key_jwt"}}
	app["settings"].(map[string]any)["oauthClient"].(map[string]any)["jwks"] = map[string]any{"keys": []any{public}}
	if _, err := org.Create("/api/v1/apps", app); err != nil {
		return err
	}
	return os.WriteFile(file, private, 0o600)
}

// keyPair is a key pair: the public half as Okta wants it, the private one as a PEM file.
func keyPair() (public map[string]any, private []byte, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	jwk, err := json.Marshal(jose.JSONWebKey{Key: &key.PublicKey, KeyID: "k1"})
	if err == nil {
		err = json.Unmarshal(jwk, &public)
	}
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return public, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// cmdNeo4j looks into the emulated database, or changes it behind keymaker's back: neo4j writes N, neo4j reset, neo4j run STATEMENT, neo4j refuse STATEMENT (every one that
// holds this text, from now on), neo4j mend; neo4j @eu … of a named connection.
func cmdNeo4j(ts *testscript.TestScript, neg bool, args []string) {
	db, args := ts.Value("servers").(*servers).database(ts, args)
	switch args[0] {
	case "writes":
		writes := 0
		for _, c := range db.Calls() {
			upper := strings.ToUpper(strings.TrimSpace(c.Statement))
			for _, verb := range []string{"CREATE", "GRANT", "DENY", "REVOKE", "DROP", "ALTER", "CALL DBMS.SETCONFIGVALUE"} {
				if strings.HasPrefix(upper, verb) {
					writes++
				}
			}
		}
		if (strconv.Itoa(writes) == args[1]) == neg {
			ts.Fatalf("neo4j saw %d writes", writes)
		}
	case "reset":
		db.ResetCalls()
	case "run":
		ts.Check(runCypher(context.Background(), db.URL, db.Password, args[1:]...))
	case "refuse":
		db.Fault(neo4jtest.Fault{Match: args[1], Failure: &neo4jtest.Failure{Code: "Neo.ClientError.Security.Forbidden", Message: "Permission denied."}})
	case "mend":
		db.ResetFaults()
	default:
		ts.Fatalf("neo4j: unknown word %s", args[0])
	}
}

// cmdExits runs a command and checks its exit code: exits 2 keymaker drift .
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		got = -1
		if m := regexp.MustCompile(`exit status (\d+)`).FindStringSubmatch(err.Error()); m != nil {
			got, _ = strconv.Atoi(m[1])
		}
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s ended with %v, want exit code %s", strings.Join(args[1:], " "), err, args[0])
	}
}

// cmdUntil waits until a file holds a text: until FILE TEXT.
func cmdUntil(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(data), args[1]) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("%s never held %q", args[0], args[1])
}

// cmdExports reads the lines "export NAME='value'" of a file into the script's environment, as a shell's source would.
func cmdExports(ts *testscript.TestScript, _ bool, args []string) {
	for _, line := range strings.Split(ts.ReadFile(args[0]), "\n") {
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if ok && strings.HasPrefix(line, "export ") {
			ts.Setenv(name, strings.Trim(value, "'"))
		}
	}
}

// cmdStray starts a server that is not what a client expects, and sets a variable to its address:
//
//	stray html VAR      an HTTP server that answers everything with a page
//	stray closed VAR    an address where nothing listens
//	stray silent VAR    a TCP server that closes every connection
func cmdStray(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[1], listener.Addr().String())
	switch args[0] {
	case "html":
		server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>It works!</html>")
		})}
		go func() { _ = server.Serve(listener) }()
		ts.Defer(func() { _ = server.Close() })
	case "closed":
		ts.Check(listener.Close())
	case "silent":
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				_ = c.Close()
			}
		}()
		ts.Defer(func() { _ = listener.Close() })
	}
}

// cmdPrivate checks that only their owner may read files: private FILE...
func cmdPrivate(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if info.Mode().Perm()&0o077 != 0 {
			ts.Fatalf("%s has mode %v: others may read it", name, info.Mode().Perm())
		}
	}
}
