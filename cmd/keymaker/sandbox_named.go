package main

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strings"

	"keymaker/neo4j/neo4jtest"
	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// keptServer is what .keymaker/sandbox.json keeps of the server of a named connection; its own state stands beside it, in neo4j-eu.json.
type keptServer struct {
	Addr   string `json:"addr,omitempty"`
	Secret string `json:"secret"` // API token or password
}

// namedServer is the emulator of a named connection. One of the two is set.
type namedServer struct {
	name  string // of the connection: eu
	okta  *oktatest.Server
	neo4j *neo4jtest.Server
}

// startNamed starts an emulator for each instance ("neo4j.eu"), and for those of unnamed connections none: they run anyway.
func (b *sandbox) startNamed(instances []string, server, client *tls.Config) error {
	b.named = make(map[string]*namedServer)
	if b.kept.Connections == nil {
		b.kept.Connections = make(map[string]keptServer)
	}
	for _, id := range instances {
		system, name := reconcile.SplitInstance(id)
		if name == "" || b.named[id] != nil {
			continue
		}
		kept := b.kept.Connections[id]
		if kept.Secret == "" {
			kept.Secret = "sandbox-" + rand.Text()
		}
		addr, err := b.startOne(system, name, kept, server, client)
		if err != nil {
			return b.inUse(id, kept.Addr, err)
		}
		kept.Addr = addr
		b.kept.Connections[id] = kept
	}
	return nil
}

func (b *sandbox) startOne(system, name string, kept keptServer, server, client *tls.Config) (addr string, err error) {
	id, file := reconcile.InstanceName(system, name), system+"-"+name
	one := &namedServer{name: name}
	switch system {
	case "okta":
		one.okta = new(oktatest.Server)
		b.setUpOkta(one.okta, kept.Addr, kept.Secret, file, server)
		if err := startAgain(one.okta.Start); err != nil {
			return "", err
		}
		addr = hostOf(one.okta.URL)
	case "neo4j":
		one.neo4j = new(neo4jtest.Server)
		b.setUpNeo4j(one.neo4j, kept.Addr, kept.Secret, file, server, client)
		if err := startAgain(one.neo4j.Start); err != nil {
			return "", err
		}
		addr = hostOf(one.neo4j.URL)
	default:
		return "", fmt.Errorf("there is no sandbox of %q", system)
	}
	b.named[id] = one
	return addr, nil
}

// closeNamed stops the servers of named connections.
func (b *sandbox) closeNamed() {
	for _, one := range b.named {
		if one.neo4j != nil {
			_ = one.neo4j.Close() // as in close
		} else {
			_ = one.okta.Close()
		}
	}
}

// namedVariables are what a client needs to know of the named connections' servers.
func (b *sandbox) namedVariables() [][2]string {
	var vars [][2]string
	for _, id := range slices.Sorted(maps.Keys(b.named)) {
		one, secret := b.named[id], b.kept.Connections[id].Secret
		add := func(official, value string) {
			vars = append(vars, [2]string{reconcile.Variable(official, one.name), value})
		}
		if one.okta != nil {
			add("OKTA_CLIENT_ORGURL", one.okta.URL)
			add("OKTA_CLIENT_TOKEN", secret)
			add("OKTA_DOMAIN", hostOf(one.okta.URL))
			continue
		}
		add("NEO4J_URI", one.neo4j.URL)
		add("NEO4J_USERNAME", "neo4j")
		add("NEO4J_PASSWORD", secret)
		add("KEYMAKER_NEO4J_CONF_FILE", one.neo4j.ConfFile)
	}
	return vars
}

// database finds the Neo4j of a connection, "" for the unnamed one.
func (b *sandbox) database(connection string) (*neo4jtest.Server, error) {
	if connection == "" {
		return &b.neo4j, nil
	}
	if one := b.named[reconcile.InstanceName("neo4j", connection)]; one != nil && one.neo4j != nil {
		return one.neo4j, nil
	}
	return nil, fmt.Errorf("the sandbox runs no Neo4j for a connection %q", connection)
}

// connectionFlag is the flag --connection: SYSTEM=NAME, as often as wanted.
type connectionFlag []string

// String lists the connections.
func (f *connectionFlag) String() string { return strings.Join(*f, ",") }

// Set adds one.
func (f *connectionFlag) Set(s string) error {
	system, name, ok := strings.Cut(s, "=")
	if !ok || system != "okta" && system != "neo4j" || !connectionPattern.MatchString(name) {
		return fmt.Errorf("it takes a system and a connection's name, such as neo4j=eu, not %q", s)
	}
	*f = append(*f, reconcile.InstanceName(system, name))
	return nil
}

// Type names the value in help.
func (*connectionFlag) Type() string { return "SYSTEM=NAME" }
