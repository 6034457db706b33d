package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

func (p *program) driftCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "drift [PATH]",
		Short: "Report where live differs from the spec, and what access that means",
		Long: `Drift reads both systems and gives every object of the spec one state: in sync, drifted, missing or unreadable. It writes
nothing.

Exit codes: 0 in sync, 1 error, 2 drift.`,
		Example: "  keymaker drift --format json specs/examples/service-account",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format takes text or json, not %q", format)
			}
			s, err := p.open(c.Context(), pathArg(args))
			if err != nil {
				return err
			}
			defer s.Close()
			return p.drift(c, s, format)
		},
	}
	p.liveFlags(c)
	c.Flags().StringVar(&format, "format", "text", "how to report: text, json")
	return c
}

func (p *program) drift(c *cobra.Command, s *session, format string) error {
	lives, err := s.read(c.Context())
	if err != nil {
		return err
	}
	drift := s.compare(lives)
	access := s.accessOf(lives, drift)
	if format == "json" {
		doc, err := render.DriftJSON(drift, access)
		if err != nil {
			return err
		}
		if _, err := p.out.out.Write(doc); err != nil {
			return err
		}
	} else if err := render.Drift(p.out.out, drift, access, p.out.style(p.out.out)); err != nil {
		return err
	}
	switch {
	case drift.Count(reconcile.Unreadable) > 0 || missingReferences(drift):
		return exit{code: exitError}
	case drift.Count(reconcile.Drifted)+drift.Count(reconcile.Missing) > 0:
		return exit{code: exitDiffers}
	}
	return nil
}

// accessOf is what converging a drift would do to accounts.
func (s *session) accessOf(lives []reconcile.Live, drift reconcile.Drift) []reconcile.AccessChange {
	changes, _, _ := reconcile.Police(drift, reconcile.Policy{}) // without deletions it refuses nothing
	return reconcile.AccessOf(s.systems(), lives, changes)
}

func missingReferences(d reconcile.Drift) bool {
	for _, it := range d.Items {
		if it.Want.Reference && it.State == reconcile.Missing {
			return true
		}
	}
	return false
}
