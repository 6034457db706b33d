package main

import (
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"keymaker/neo4j/neo4jtest"
	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// named is the emulator of a named connection, behind a wire that keeps all that clients send.
type named struct {
	okta   *oktatest.Server
	neo4j  *neo4jtest.Server
	secret string
	sent   *record
}

// startNamed starts the server of a named connection, "neo4j=eu", and sets its variables.
func (s *servers) startNamed(ts *testscript.TestScript, word string) {
	system, name, ok := strings.Cut(word, "=")
	if !ok || system != "okta" && system != "neo4j" {
		ts.Fatalf("servers: unknown word %s", word)
	}
	one := &named{secret: "canary-" + system + "-secret-of-" + name, sent: &record{}}
	set := func(official, value string) { ts.Setenv(reconcile.Variable(official, name), value) }
	if system == "okta" {
		one.okta = &oktatest.Server{Token: one.secret}
		wire := listenWire(ts)
		one.okta.PublicURL = "http://" + wire.Addr().String()
		ts.Check(one.okta.Start())
		ts.Defer(func() { _ = one.okta.Close() })
		one.carry(wire, hostOf(one.okta.URL))
		set("OKTA_CLIENT_ORGURL", one.okta.PublicURL)
		set("OKTA_CLIENT_TOKEN", one.secret)
	} else {
		one.neo4j = &neo4jtest.Server{Password: one.secret, ConfFile: ts.MkAbs("neo4j-" + name + ".conf")}
		wire := listenWire(ts)
		ts.Check(one.neo4j.Start())
		ts.Defer(func() { _ = one.neo4j.Close() })
		one.carry(wire, hostOf(one.neo4j.URL))
		set("NEO4J_URI", "bolt://"+wire.Addr().String())
		set("NEO4J_PASSWORD", one.secret)
		set("KEYMAKER_NEO4J_CONF_FILE", one.neo4j.ConfFile)
		set("KEYMAKER_NEO4J_RESTART", restartCommand(ts, one.neo4j, name))
	}
	s.named[reconcile.InstanceName(system, name)] = one
}

func listenWire(ts *testscript.TestScript) net.Listener {
	wire, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = wire.Close() })
	return wire
}

// carry passes connections on, and keeps what clients send.
func (n *named) carry(wire net.Listener, to string) {
	go func() {
		for {
			client, err := wire.Accept()
			if err != nil {
				return
			}
			go n.join(client, to)
		}
	}()
}

func (n *named) join(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(server, io.TeeReader(client, n.sent)) // ends with either side
		_ = server.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	both.Wait()
}

// secrets are those of all servers, by instance.
func (s *servers) secrets() map[string]string {
	all := map[string]string{"okta": s.okta.Token, "neo4j": s.neo4j.Password}
	for id, one := range s.named {
		all[id] = one.secret
	}
	return all
}

// cmdApart holds what named connections' servers were sent against the secrets of all: each got its own, and no other's.
func cmdApart(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("servers").(*servers)
	for _, id := range args {
		one := s.named[id]
		if one == nil {
			ts.Fatalf("apart: no server of %s", id)
		}
		sent := one.sent.String()
		for of, secret := range s.secrets() {
			if has := strings.Contains(sent, secret); has != (of == id) {
				ts.Fatalf("%s was sent the secret of %s: %v", id, of, has)
			}
		}
	}
}

// cmdCalls counts the calls that a server answered: calls neo4j.eu N.
func cmdCalls(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("servers").(*servers)
	n := 0
	switch one := s.named[args[0]]; {
	case one != nil && one.okta != nil:
		n = len(one.okta.Calls())
	case one != nil:
		n = len(one.neo4j.Calls())
	case args[0] == "okta":
		n = len(s.okta.Calls())
	default:
		n = len(s.neo4j.Calls())
	}
	if (strconv.Itoa(n) == args[1]) == neg {
		ts.Fatalf("%s saw %d calls", args[0], n)
	}
}

// org is the emulated org that a word such as @eu names, the unnamed one when args begin with none.
func (s *servers) org(ts *testscript.TestScript, args []string) (*oktatest.Server, []string) {
	name, ok := strings.CutPrefix(args[0], "@")
	if !ok {
		return s.okta, args
	}
	one := s.named["okta."+name]
	if one == nil {
		ts.Fatalf("no Okta is called %s", name)
	}
	return one.okta, args[1:]
}

// database is the emulated database that a word such as @eu names, the unnamed one when args begin with none.
func (s *servers) database(ts *testscript.TestScript, args []string) (*neo4jtest.Server, []string) {
	name, ok := strings.CutPrefix(args[0], "@")
	if !ok {
		return s.neo4j, args
	}
	one := s.named["neo4j."+name]
	if one == nil {
		ts.Fatalf("no Neo4j is called %s", name)
	}
	return one.neo4j, args[1:]
}
