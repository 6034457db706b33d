package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"keymaker/reconcile/render"
	"keymaker/specs"
)

func (p *program) validateCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "validate [PATH]",
		Short: "Check a spec offline: every mistake, with its place and a remedy",
		Long: `Validate reads the spec and reports all of its mistakes in one run: syntax, types, references, names and lengths that Okta or
Neo4j refuse, privileges that do not parse. It talks to nobody.

Exit codes: 0 valid, 1 not valid.`,
		Example: "  keymaker validate --json specs/examples/service-account",
		Args:    oneArg,
		RunE: func(_ *cobra.Command, args []string) error {
			if asJSON {
				return p.validateJSON(pathArg(args))
			}
			spec, err := p.load(pathArg(args))
			if err != nil {
				return err
			}
			declared := 0
			for _, o := range spec.Objects {
				if !o.Reference {
					declared++
				}
			}
			_, err = fmt.Fprintf(p.out.out, "The spec is valid: %d objects.\n", declared)
			return err
		},
	}
	p.specFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the diagnostics as JSON, in the shape of terraform validate -json")
	return c
}

func (p *program) validateJSON(path string) error {
	spec, diags := specs.Load(path, languages(), p.specOptions())
	doc, err := render.DiagnosticsJSON(diags, spec.Files)
	if err != nil {
		return err
	}
	if _, err := p.out.out.Write(doc); err != nil {
		return err
	}
	if diags.HasErrors() {
		return exit{code: exitError}
	}
	return nil
}
