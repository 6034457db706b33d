package main

import (
	"io"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

func (p *program) planCommand() *cobra.Command {
	var detailed bool
	var out string
	var docs planDocs
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
			if out != "" {
				plan.Made = time.Now().UTC().Truncate(time.Second)
			}
			if err := p.showPlan(plan, docs); err != nil {
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
	p.verboseFlag(c)
	ch.selectFlags(c)
	ch.pruneFlags(c)
	c.Flags().StringVar(&out, "out", "", "save the plan to this `file`, for apply and show")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	docs.flags(c)
	return c
}

// planDocs are the forms, beside text, in which a plan is wanted.
type planDocs struct {
	json                 bool
	jsonOut, markdownOut string
}

func (d *planDocs) flags(c *cobra.Command) {
	c.Flags().BoolVar(&d.json, "json", false, "print the plan as JSON, in Terraform's plan representation")
	c.Flags().StringVar(&d.jsonOut, "json-out", "", "write the plan as JSON to this `file` too")
	c.Flags().StringVar(&d.markdownOut, "markdown-out", "", "write the plan for a pull request, as Markdown, to this `file` too")
}

// showPlan prints a plan on stdout, as text or JSON, and writes the documents that are named.
func (p *program) showPlan(plan reconcile.Plan, docs planDocs) error {
	p.tellPartial(plan.Partial)
	if docs.markdownOut != "" {
		if err := renameio.WriteFile(docs.markdownOut, render.PlanMarkdown(plan, kinds()), 0o600); err != nil {
			return err
		}
	}
	if docs.jsonOut != "" {
		if err := writeFile(docs.jsonOut, func(w io.Writer) error { return render.PlanJSON(w, plan, kinds()) }); err != nil {
			return err
		}
	}
	if docs.json {
		return render.PlanJSON(p.out.out, plan, kinds())
	}
	style := p.out.style(p.out.out)
	style.Files = p.files()
	return render.Plan(p.out.out, plan, kinds(), style)
}

// writeFile makes a file, for its owner alone, that is there whole or not at all.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := renameio.NewPendingFile(name, renameio.WithPermissions(0o600), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer f.Cleanup() // nothing is left of it, also where it was not written
	if err := write(f); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}
