package main

import (
	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

func (p *program) planCommand() *cobra.Command {
	var detailed, asJSON bool
	var jsonOut, out string
	var ch choice
	c := &cobra.Command{
		Use:   "plan [PATH]",
		Short: "Show what apply would change, and write nothing",
		Long: `Plan compares the spec with live Okta and live Neo4j and shows every object that differs, the calls that apply would
make, the access that would change, and what could go wrong. It writes nothing and reads no client secret.

With --out the plan is saved: "apply FILE" makes exactly these calls, and refuses where something moved in between. The file
holds no secret. It is for the working folder in which it was made: relative paths in the spec start there.

Exit codes: 0 done, 1 error, 2 there are changes (only with --detailed-exitcode).`,
		Example: "  keymaker plan specs/examples/service-account --sandbox\n  keymaker plan --detailed-exitcode --json-out plan.json\n  keymaker plan --out plan.keymaker --deny deletes,restart",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := p.open(c.Context(), pathArg(args))
			if err != nil {
				return err
			}
			defer s.Close()
			plan, lives, err := p.plan(c.Context(), s, ch)
			if err != nil {
				return err
			}
			if err := p.showPlan(plan, asJSON, jsonOut); err != nil {
				return err
			}
			if err := plan.Deny(ch.deny); err != nil {
				return err
			}
			if out != "" {
				if err := p.save(out, s, plan, lives); err != nil {
					return err
				}
			}
			if detailed && len(plan.Steps) > 0 {
				return exit{code: exitDiffers}
			}
			return nil
		},
	}
	p.liveFlags(c)
	ch.selectFlags(c)
	ch.pruneFlags(c)
	c.Flags().StringVar(&out, "out", "", "save the plan to this `file`, for apply and show")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	c.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON, in Terraform's plan representation")
	c.Flags().StringVar(&jsonOut, "json-out", "", "write the plan as JSON to this `file` too")
	return c
}

// showPlan prints a plan on stdout, as text or JSON, and writes the JSON to a file if one is named.
func (p *program) showPlan(plan reconcile.Plan, asJSON bool, jsonOut string) error {
	p.tellPartial(plan.Partial)
	if asJSON || jsonOut != "" {
		doc, err := render.PlanJSON(plan, kinds())
		if err != nil {
			return err
		}
		if jsonOut != "" {
			if err := renameio.WriteFile(jsonOut, doc, 0o600); err != nil {
				return err
			}
		}
		if asJSON {
			_, err := p.out.out.Write(doc)
			return err
		}
	}
	return render.Plan(p.out.out, plan, kinds(), p.out.style(p.out.out))
}
