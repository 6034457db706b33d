package main

import (
	"context"
	"os"

	"keymaker/reconcile"
	"keymaker/specs"
)

// environment is what the program reads from its surroundings: the process's variables, or the sandbox's over them.
type environment struct {
	lookup  func(string) (string, bool)
	sandbox *sandbox // nil without --sandbox
}

// environment starts the sandbox if --sandbox was given.
func (p *program) environment() (environment, error) {
	if !p.sandbox {
		return environment{lookup: os.LookupEnv}, nil
	}
	box, err := startSandbox(sandboxDir, false, p.log)
	if err != nil {
		return environment{}, err
	}
	return environment{sandbox: box, lookup: box.lookup}, nil
}

// connection is a system's connection block. The sandbox stands in for whatever servers the spec names.
func (e environment) connection(spec *specs.Spec, system string) reconcile.Block {
	if e.sandbox != nil {
		return reconcile.Block{Dir: spec.Dir}
	}
	return spec.Connections[system]
}

// restart restarts the sandbox's Neo4j; nil elsewhere, where the spec's restart command does it.
func (e environment) restart() func(context.Context, string) error {
	if e.sandbox == nil {
		return nil
	}
	return func(context.Context, string) error { return e.sandbox.neo4j.Restart() }
}

func (e environment) close() {
	if e.sandbox != nil {
		e.sandbox.close()
	}
}
