package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"keymaker/neo4j"
	"keymaker/okta"
	"keymaker/reconcile"
	"keymaker/specs"
)

// languages lists what a spec can speak of: one line a system.
func languages() []specs.Language {
	return []specs.Language{okta.Language{}, neo4j.NewLanguage()}
}

// world is the systems of a spec, opened, in the order in which plans name them and proofs walk them: who issues the tokens, then who takes them; of each the unnamed
// connection first, then the others by name. A server that no object is on is not among them.
type world struct {
	okta  []*okta.System
	neo4j []*neo4j.System
}

// connectionPattern is what a connection may be called.
var connectionPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// connectionsOf lists the connections of a system that a spec has objects on, "" for the unnamed one.
func connectionsOf(spec *specs.Spec, system string) []string {
	var names []string
	for _, id := range spec.Instances() {
		if s, name := reconcile.SplitInstance(id); s == system {
			names = append(names, name)
		}
	}
	return names
}

// openWorld prepares a connection to each server of the spec. Nothing is sent yet.
func (p *program) openWorld(ctx context.Context, spec *specs.Spec, env environment) (*world, error) {
	w := &world{}
	uris, orgs := make(map[string]string), make(map[string]string)
	for _, name := range connectionsOf(spec, "neo4j") {
		n, err := p.openNeo4j(ctx, spec, env, name)
		if err != nil {
			return nil, err
		}
		for _, warning := range n.Warnings() {
			p.out.warn("Connection to Neo4j", warning)
		}
		w.neo4j = append(w.neo4j, n)
		if other, ok := sameAs(uris, n.URI()); ok {
			return nil, sameServer("neo4j", other, name, n.URI())
		}
		uris[name] = n.URI()
	}
	for _, name := range connectionsOf(spec, "okta") {
		o, err := p.openOkta(ctx, spec, env, name, uris)
		if err != nil {
			return nil, err
		}
		w.okta = append(w.okta, o)
		if other, ok := sameAs(orgs, o.URL()); ok {
			return nil, sameServer("okta", other, name, o.URL())
		}
		orgs[name] = o.URL()
	}
	return w, nil
}

// sameAs finds the connection to the server of an address.
func sameAs(servers map[string]string, address string) (string, bool) {
	for name, other := range servers {
		if serverOf(other) == serverOf(address) {
			return name, true
		}
	}
	return "", false
}

// sameServer refuses two connections to one server: one object there would have two addresses, and each would undo the other's.
func sameServer(system, one, other, url string) error {
	return fmt.Errorf("connections %s and %s are one server, %s: declare its objects on one of the two", reconcile.InstanceName(system, one), reconcile.InstanceName(system, other), url)
}

// openOkta prepares the connection of a name. uris are where the spec's Neo4j servers are, by connection.
func (p *program) openOkta(ctx context.Context, spec *specs.Spec, env environment, name string, uris map[string]string) (*okta.System, error) {
	uri, more := loginsOf(spec, name, uris)
	if uri == "" && len(uris) == 0 {
		uri = neoURI(spec, env, "") // nothing is declared there, and the script that gets the secret wants to know where it is
	}
	return okta.Open(ctx, env.connection(spec, reconcile.InstanceName("okta", name)), okta.Options{
		Connection: name, Env: env.lookup, CAFile: p.caFile, UserAgent: userAgent(), Log: p.log, OnWait: p.onWait(), Stop: p.stop, NeoURI: uri, NeoURIs: more, Reserve: p.share.reserve(),
	})
}

func (p *program) openNeo4j(ctx context.Context, spec *specs.Spec, env environment, name string) (*neo4j.System, error) {
	securityLog := "" // a file is one server's
	if name == "" {
		securityLog = p.securityLog
	}
	return neo4j.Open(ctx, env.connection(spec, reconcile.InstanceName("neo4j", name)), neo4j.Options{
		Connection: name, Env: env.lookup, CAFile: p.caFile, UserAgent: userAgent(), Log: p.log, OnWait: p.onWait(), Stop: p.stop, Restart: env.restart(name), SecurityLog: securityLog,
	})
}

// loginsOf says where the accounts of an Okta connection log in: the servers with a provider that takes its tokens, all when no provider says whose it takes. The first is
// the unnamed one where that is among them, else the first by name. Of several the named ones are told by name, too.
func loginsOf(spec *specs.Spec, connection string, uris map[string]string) (string, map[string]string) {
	var takers []string
	for _, o := range spec.Objects {
		name := o.Addr.Connection
		if o.Addr.System == "neo4j" && !o.Absent && !slices.Contains(takers, name) && slices.ContainsFunc(o.Needs, func(a reconcile.Addr) bool {
			return a.System == "okta" && a.Kind == "authorization_server" && a.Connection == connection
		}) {
			takers = append(takers, name)
		}
	}
	if len(takers) == 0 {
		for name := range uris {
			takers = append(takers, name)
		}
	}
	slices.Sort(takers)
	if len(takers) == 0 {
		return "", nil
	}
	more := make(map[string]string)
	for _, name := range takers {
		if name != "" && len(takers) > 1 {
			more[name] = uris[name]
		}
	}
	return uris[takers[0]], more
}

func (w *world) systems() []reconcile.System {
	var all []reconcile.System
	for _, o := range w.okta {
		all = append(all, o)
	}
	for _, n := range w.neo4j {
		all = append(all, n)
	}
	return all
}

func (w *world) provers() []reconcile.Prover {
	var all []reconcile.Prover
	for _, o := range w.okta {
		all = append(all, o)
	}
	for _, n := range w.neo4j {
		all = append(all, n)
	}
	return all
}

// byName is the systems by what their addresses begin with.
func (w *world) byName() map[string]reconcile.System {
	m := make(map[string]reconcile.System)
	for _, s := range w.systems() {
		m[s.Name()] = s
	}
	return m
}

// Close ends the connections. ctx bounds how long saying goodbye may take.
func (w *world) Close(ctx context.Context) {
	for _, n := range w.neo4j {
		_ = n.Close(ctx) // it is over, whatever the server says to that
	}
}

// offlineSystems are the systems of a spec without their servers, for what the spec alone tells.
func offlineSystems(spec *specs.Spec) []reconcile.System {
	var all []reconcile.System
	for _, name := range connectionsOf(spec, "okta") {
		all = append(all, okta.Offline(name))
	}
	for _, name := range connectionsOf(spec, "neo4j") {
		all = append(all, neo4j.Offline(name))
	}
	return all
}

// kinds lists the kinds of all systems.
func kinds() []reconcile.Kind {
	var all []reconcile.Kind
	for _, l := range languages() {
		all = append(all, l.Kinds()...)
	}
	return all
}
