package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"keymaker/reconcile/render"
)

func (p *program) destroyCommand() *cobra.Command {
	var flags applyFlags
	c := &cobra.Command{
		Use:   "destroy [PATH]",
		Short: "Delete what the spec declares, in the safe order",
		Long: `Destroy deletes every object that the spec declares and that is live: accounts first, so that nobody can log in any more,
then what gave them access, dependants before what they need. It asks for a typed confirmation. Objects that the spec only
refers to, and those that a system protects, stay.

Exit codes: 0 done, 1 error, 3 done in part or something is left to people, 130 interrupted.`,
		Example: "  keymaker destroy --sandbox specs/examples/service-account",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			unlock, err := p.lock(c.Context(), flags.lock, c.CommandPath())
			if err != nil {
				return err
			}
			defer unlock()
			return p.destroy(c.Context(), pathArg(args), flags)
		},
	}
	p.liveFlags(c)
	p.verboseFlag(c)
	flags.add(c)
	return c
}

func (p *program) destroy(ctx context.Context, path string, flags applyFlags) error {
	s, err := p.open(ctx, path)
	if err != nil {
		return err
	}
	defer s.Close()
	flags.choice.policy.Destroy = true
	plan, lives, err := p.plan(ctx, s, flags.choice)
	if err != nil {
		return err
	}
	answer := fmt.Sprintf("delete %d", len(plan.Steps))
	if plan, lives, err = p.agree(ctx, s, plan, lives, flags, fmt.Sprintf("This cannot be undone. To go on, type %q: ", answer), answer); err != nil {
		return err
	}
	_, err = p.carryOut(ctx, s, plan, lives, render.Destroy, flags)
	return err
}
