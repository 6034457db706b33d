package main

import (
	"context"
	"maps"
	"os"
	"slices"

	"keymaker/reconcile"
	"keymaker/specs"
)

// environment is what the program reads from its surroundings: the process's variables, or the sandbox's over them.
type environment struct {
	lookup  func(string) (string, bool)
	sandbox *sandbox // nil without --sandbox
}

// environment starts the sandbox if --sandbox was given, with a server for each connection of the spec.
func (p *program) environment(spec *specs.Spec) (environment, error) {
	if !p.sandbox {
		return environment{lookup: os.LookupEnv}, nil
	}
	box, err := startSandbox(sandboxDir, false, slices.Sorted(maps.Keys(spec.Connections)), conditions{}, p.log)
	if err != nil {
		return environment{}, err
	}
	return environment{sandbox: box, lookup: box.lookup}, nil
}

// connection is the connection block of an instance. The sandbox stands in for whatever servers the spec names.
func (e environment) connection(spec *specs.Spec, instance string) reconcile.Block {
	if e.sandbox != nil {
		return reconcile.Block{Dir: spec.Dir}
	}
	return spec.Connections[instance]
}

// restart restarts the sandbox's Neo4j of a connection; nil elsewhere, where the spec's restart command does it.
func (e environment) restart(connection string) func(context.Context, string) error {
	if e.sandbox == nil {
		return nil
	}
	return func(context.Context, string) error {
		db, err := e.sandbox.database(connection)
		if err != nil {
			return err
		}
		return db.Restart()
	}
}

func (e environment) close() {
	if e.sandbox != nil {
		e.sandbox.close()
	}
}
