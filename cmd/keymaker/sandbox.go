package main

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"keymaker/neo4j/neo4jtest"
	"keymaker/okta/oktatest"
)

// sandboxDir is where the sandbox keeps everything, beside where keymaker runs.
const sandboxDir = ".keymaker"

// sandbox is the embedded Okta and Neo4j, on loopback. Ports, credentials and state outlive the process, so that the next run finds the same org and the
// same database: what a token says, and what neo4j.conf says, name the ports.
type sandbox struct {
	dir   string
	okta  oktatest.Server
	neo4j neo4jtest.Server
	named map[string]*namedServer // of named connections, by instance
	ca    string                  // the CA's certificate file with --tls, "" without
	kept  sandboxState
	conditions
}

// sandboxState is .keymaker/sandbox.json: the addresses and credentials. The servers' own states stand beside it in okta.json and neo4j.json.
type sandboxState struct {
	OktaAddr      string `json:"okta_addr,omitempty"`
	Neo4jAddr     string `json:"neo4j_addr,omitempty"`
	OktaToken     string `json:"okta_token"`
	Neo4jPassword string `json:"neo4j_password"`
	ControlAddr   string `json:"control_addr,omitempty"`
	TLS           bool   `json:"tls,omitempty"`
	// Connections are the servers of named connections, by instance.
	Connections map[string]keptServer `json:"connections,omitempty"`
}

// startSandbox starts both servers on the folder's state, or on a fresh one, and one of its own for each named connection among instances.
func startSandbox(dir string, withTLS bool, instances []string, under conditions, log *slog.Logger) (*sandbox, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	b := &sandbox{dir: abs, conditions: under}
	if err := b.load(); err != nil {
		return nil, err
	}
	if b.kept.TLS != withTLS && b.kept.OktaAddr != "" {
		return nil, fmt.Errorf("sandbox: %s was made %s, and the issuer's address is part of what it holds: delete that folder to start afresh",
			b.dir, map[bool]string{true: "with --tls", false: "without --tls"}[b.kept.TLS])
	}
	b.kept.TLS = withTLS
	var server, client *tls.Config
	if withTLS {
		if server, client, err = b.certificates(); err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
	}
	err = b.start(server, client)
	if err == nil {
		err = b.startNamed(instances, server, client)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	log.Debug("sandbox started", "okta", b.okta.URL, "neo4j", b.neo4j.URL, "dir", b.dir)
	return b, b.save()
}

func (b *sandbox) start(server, client *tls.Config) error {
	b.setUpOkta(&b.okta, b.kept.OktaAddr, b.kept.OktaToken, "okta", server)
	if err := startAgain(b.okta.Start); err != nil {
		return b.inUse("Okta", b.kept.OktaAddr, err)
	}
	b.kept.OktaAddr = hostOf(b.okta.URL)
	b.setUpNeo4j(&b.neo4j, b.kept.Neo4jAddr, b.kept.Neo4jPassword, "neo4j", server, client)
	if err := startAgain(b.neo4j.Start); err != nil {
		return b.inUse("Neo4j", b.kept.Neo4jAddr, err)
	}
	b.kept.Neo4jAddr = hostOf(b.neo4j.URL)
	return nil
}

// setUpOkta says how an emulated org runs. Its state is in a file of this name.
func (b *sandbox) setUpOkta(s *oktatest.Server, addr, token, file string, server *tls.Config) {
	s.Addr, s.TLS, s.Token, s.StateFile = keepable(addr), server, token, b.path(file+".json")
	s.Latency, s.RateLimits = b.latency, b.limits.limits
}

// setUpNeo4j says how an emulated DBMS runs. Its state and settings are in files of this name; client is how it trusts the org whose tokens it takes.
func (b *sandbox) setUpNeo4j(s *neo4jtest.Server, addr, password, file string, server, client *tls.Config) {
	s.Addr, s.TLS, s.Password, s.StateFile, s.ConfFile = keepable(addr), server, password, b.path(file+".json"), b.path(file+".conf")
	s.HTTPClient, s.Latency = &http.Client{Transport: &http.Transport{TLSClientConfig: client}}, b.latency
}

// keepable is the address that a server of the sandbox was first given or, for a new one, one that it will find free again: below the ports that systems hand to whoever
// asks for any (from 32768 on Linux, from 49152 by RFC 6335), since between two commands nobody holds it.
func keepable(kept string) string {
	const lowest, above = 12000, 32768
	if kept != "" {
		return kept
	}
	for range 20 {
		free, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+mathrand.IntN(above-lowest)))
		if err == nil {
			_ = free.Close()
			return free.Addr().String()
		}
	}
	return "" // any
}

// portPatience is how long is waited for a port that somebody has: a sandbox that ends in another terminal, or a program that got it between two commands.
const portPatience = 3 * time.Second

// startAgain starts a server, and tries again while its port is taken.
func startAgain(start func() error) error {
	for end := time.Now().Add(portPatience); ; time.Sleep(100 * time.Millisecond) {
		if err := start(); !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(end) {
			return err
		}
	}
}

// inUse explains why a server of the sandbox did not start; most often another sandbox has its port.
func (b *sandbox) inUse(name, addr string, err error) error {
	if addr != "" && strings.Contains(err.Error(), "address already in use") {
		return fmt.Errorf("sandbox: %s's port %s is taken: if a sandbox runs on %s in another terminal, leave --sandbox out and use the variables that it printed; otherwise delete that folder to start afresh",
			name, addr, b.dir)
	}
	return fmt.Errorf("sandbox: start %s: %w", name, err)
}

func (b *sandbox) load() error {
	text, err := os.ReadFile(b.path("sandbox.json"))
	if errors.Is(err, fs.ErrNotExist) {
		b.kept = sandboxState{OktaToken: "sandbox-" + rand.Text(), Neo4jPassword: "sandbox-" + rand.Text()}
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, &b.kept)
	}
	if err != nil {
		return fmt.Errorf("sandbox: read %s: %w; delete the folder to start afresh", b.path("sandbox.json"), err)
	}
	return nil
}

func (b *sandbox) save() error {
	text, err := json.MarshalIndent(b.kept, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(b.path("sandbox.json"), append(text, '\n'), 0o600)
}

func (b *sandbox) path(name string) string { return filepath.Join(b.dir, name) }

// close stops both servers.
func (b *sandbox) close() {
	_ = b.neo4j.Close() // the state is on disk; there is nothing left to lose
	_ = b.okta.Close()
	b.closeNamed()
}

// variables are what a client needs to know, by the names that the official tools use.
func (b *sandbox) variables() [][2]string {
	vars := [][2]string{
		{"OKTA_CLIENT_ORGURL", b.okta.URL},
		{"OKTA_CLIENT_TOKEN", b.kept.OktaToken},
		{"OKTA_DOMAIN", hostOf(b.okta.URL)},
		{"NEO4J_URI", b.neo4j.URL},
		{"NEO4J_USERNAME", "neo4j"},
		{"NEO4J_PASSWORD", b.kept.Neo4jPassword},
		{"KEYMAKER_NEO4J_CONF_FILE", b.path("neo4j.conf")},
	}
	vars = append(vars, b.namedVariables()...)
	if b.ca != "" {
		for _, name := range []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"} {
			vars = append(vars, [2]string{name, b.ca})
		}
	}
	return vars
}

// lookup is the environment as a command run with --sandbox sees it: the sandbox's addresses and credentials, over the process's own.
func (b *sandbox) lookup(name string) (string, bool) {
	for _, v := range b.variables() {
		if v[0] == name {
			return v[1], true
		}
	}
	if strings.HasPrefix(name, "OKTA_CLIENT_") || strings.HasPrefix(name, "NEO4J_") || strings.HasPrefix(name, "KEYMAKER_NEO4J_") {
		return "", false // settings for other servers have no business here
	}
	return os.LookupEnv(name)
}

func hostOf(url string) string {
	_, host, _ := strings.Cut(url, "://")
	return host
}
