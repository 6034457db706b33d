package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
	"keymaker/specs"
)

func (p *program) validateCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "validate [PATH]",
		Short: "Check a spec offline: every mistake, with its place and a remedy",
		Long: `Validate reads the spec and reports all of its mistakes in one run: syntax, types, references, names and lengths that Okta or
Neo4j refuse, privileges that do not parse, and what the two sides would not agree on, as far as the spec alone tells. It talks
to nobody.

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
			if err := render.Checks(p.out.err, p.offline(spec), p.checkStyle()); err != nil {
				return err
			}
			declared := 0
			for _, o := range spec.Objects {
				if !o.Reference {
					declared++
				}
			}
			_, err = fmt.Fprintf(p.out.out, "The spec is valid: %s.\n", render.Count(declared, "object"))
			return err
		},
	}
	p.specFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the diagnostics as JSON, in the shape of terraform validate -json")
	return c
}

func (p *program) validateJSON(path string) error {
	spec, diags := specs.Load(path, languages(), p.specOptions())
	if !diags.HasErrors() {
		for _, f := range p.offline(spec) {
			diags = append(diags, f.Diagnostic())
		}
	}
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

// offline checks a spec by itself: what the servers hold is not asked.
func (p *program) offline(spec *specs.Spec) []reconcile.Finding {
	return reconcile.Check(offlineSystems(spec), reconcile.Spoken(spec.Objects))
}

// checkStyle is how checks are written on stderr.
func (p *program) checkStyle() render.Style {
	style := p.out.style(p.out.err)
	style.Files = p.files()
	return style
}
