package main

import (
	"context"

	"keymaker/neo4j"
	"keymaker/okta"
	"keymaker/reconcile"
	"keymaker/specs"
)

// languages lists what a spec can speak of: one line a system.
func languages() []specs.Language {
	return []specs.Language{okta.Language{}, neo4j.Language{}}
}

// world is the systems of a spec, opened, in the order in which plans name them and proofs walk them: who issues the token, then who takes it.
type world struct {
	okta  *okta.System
	neo4j *neo4j.System
}

// openWorld prepares a connection to each system of the spec. Nothing is sent yet.
func (p *program) openWorld(ctx context.Context, spec *specs.Spec, env environment) (*world, error) {
	n, err := p.openNeo4j(ctx, spec, env)
	if err != nil {
		return nil, err
	}
	for _, w := range n.Warnings() {
		p.out.warn("Connection to Neo4j", w)
	}
	o, err := p.openOkta(ctx, spec, env, n.URI())
	if err != nil {
		return nil, err
	}
	return &world{okta: o, neo4j: n}, nil
}

func (p *program) openOkta(ctx context.Context, spec *specs.Spec, env environment, neoURI string) (*okta.System, error) {
	return okta.Open(ctx, env.connection(spec, "okta"), okta.Options{
		Env: env.lookup, CAFile: p.caFile, UserAgent: userAgent(), Log: p.log, OnWait: p.onWait(), NeoURI: neoURI, Reserve: p.share.reserve(),
	})
}

func (p *program) openNeo4j(ctx context.Context, spec *specs.Spec, env environment) (*neo4j.System, error) {
	return neo4j.Open(ctx, env.connection(spec, "neo4j"), neo4j.Options{
		Env: env.lookup, CAFile: p.caFile, UserAgent: userAgent(), Log: p.log, OnWait: p.onWait(), Restart: env.restart(),
	})
}

func (w *world) systems() []reconcile.System { return []reconcile.System{w.okta, w.neo4j} }

func (w *world) provers() []reconcile.Prover { return []reconcile.Prover{w.okta, w.neo4j} }

// byName is the systems by the first word of their addresses.
func (w *world) byName() map[string]reconcile.System {
	m := make(map[string]reconcile.System)
	for _, s := range w.systems() {
		m[s.Name()] = s
	}
	return m
}

// Close ends the connections. ctx bounds how long saying goodbye may take.
func (w *world) Close(ctx context.Context) { w.neo4j.Close(ctx) }

// kinds lists the kinds of all systems.
func kinds() []reconcile.Kind {
	var all []reconcile.Kind
	for _, l := range languages() {
		all = append(all, l.Kinds()...)
	}
	return all
}
