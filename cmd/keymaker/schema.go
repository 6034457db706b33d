package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"keymaker/reconcile/render"
	"keymaker/specs"
)

func (p *program) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [spec|drift|verify]",
		Short: "Print the spec language, or the form of a report, machine-readable",
		Long: `Schema prints the spec language as JSON, for editors: blocks, attributes, types, allowed values, references and functions, from
the same tables that decode a spec. "schema drift" prints the JSON Schema of "drift --format json", "schema verify" that of a line of
"verify --json".

Exit codes: 0 done, 1 error.`,
		Example:   "  keymaker schema",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: []string{"spec", "drift", "verify"},
		RunE: func(_ *cobra.Command, args []string) error {
			var doc []byte
			var err error
			switch what := pathArg(args); what {
			case ".", "spec":
				doc, err = specs.Schema(languages())
			case "drift":
				doc = render.DriftSchema()
			case "verify":
				doc = render.VerifySchema()
			default:
				err = fmt.Errorf("there is a schema of spec, of drift and of verify, not of %q", what)
			}
			if err == nil {
				_, err = p.out.out.Write(doc)
			}
			return err
		},
	}
}
