package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"keymaker/reconcile"
)

// choice is what the command line says about what a plan may be: which objects, which harms, how much at most.
type choice struct {
	policy    reconcile.Policy
	selection reconcile.Selection
	deny      []string
	parallel  int

	maxDelete count
	maxChange percent
}

// selectFlags adds the flags that narrow a plan.
func (ch *choice) selectFlags(c *cobra.Command) {
	c.Flags().StringArrayVar(&ch.selection.Targets, "target", nil, "only this `address`, and what it needs; may be repeated")
	c.Flags().StringArrayVar(&ch.selection.Excludes, "exclude", nil, "not this `address`, nor what needs it; may be repeated")
	c.Flags().StringSliceVar(&ch.deny, "deny", nil, "refuse a plan with these `hazards`: "+strings.Join(reconcile.HazardKinds(), ", "))
}

// pruneFlags adds the flags of commands that converge.
func (ch *choice) pruneFlags(c *cobra.Command) {
	c.Flags().BoolVar(&ch.policy.Prune, "prune", false, "delete what an own block matches and no block declares")
	c.Flags().Var(&ch.maxDelete, "max-delete", fmt.Sprintf("refuse a plan that deletes more than `N` objects (%d with --prune)", reconcile.PruneLimits.Deletes))
	c.Flags().Var(&ch.maxChange, "max-change", fmt.Sprintf("refuse a plan that changes or deletes more than this `percent` of what is live (%d%% with --prune)", reconcile.PruneLimits.Percent))
}

// parallelFlag adds the flag of commands that write.
func (ch *choice) parallelFlag(c *cobra.Command) {
	c.Flags().Var((*atLeastOne)(&ch.parallel), "parallelism", "make at most `N` steps of a system at once; Neo4j's are made one after the other")
}

// limits are the bounds that hold.
func (ch *choice) limits() reconcile.Limits {
	l := reconcile.NoLimits
	if ch.policy.Prune {
		l = reconcile.PruneLimits
	}
	if ch.maxDelete.given {
		l.Deletes = ch.maxDelete.n
	}
	if ch.maxChange.given {
		l.Percent = ch.maxChange.n
	}
	return l
}

// count is a flag of a whole number, 0 or more, that knows whether it was given.
type count struct {
	n     int
	given bool
}

// String is the number; nothing when it was not given.
func (c *count) String() string {
	if !c.given {
		return ""
	}
	return strconv.Itoa(c.n)
}

// Set takes the number.
func (c *count) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return errors.New("it takes a whole number, 0 or more")
	}
	c.n, c.given = n, true
	return nil
}

// Type names the value in help.
func (*count) Type() string { return "N" }

// percent is a share of 0 to 100 per cent.
type percent struct{ count }

// Set takes the share, with or without its sign.
func (p *percent) Set(s string) error {
	if err := p.count.Set(strings.TrimSuffix(s, "%")); err != nil || p.n > 100 {
		return errors.New("it takes a share such as 30%")
	}
	return nil
}

// Type names the value in help.
func (*percent) Type() string { return "percent" }

// atLeastOne is a whole number from 1 on; 0 stands for none given.
type atLeastOne int

// String is the number; nothing when it was not given.
func (a *atLeastOne) String() string {
	if *a == 0 {
		return ""
	}
	return strconv.Itoa(int(*a))
}

// Set takes the number.
func (a *atLeastOne) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return errors.New("it takes a whole number, 1 or more")
	}
	*a = atLeastOne(n)
	return nil
}

// Type names the value in help.
func (*atLeastOne) Type() string { return "N" }

// tellPartial warns that a plan is not of the whole spec.
func (p *program) tellPartial(part reconcile.Partial) {
	if part.IsZero() {
		return
	}
	var by []string
	for _, t := range part.Targets {
		by = append(by, "--target "+t)
	}
	for _, e := range part.Excludes {
		by = append(by, "--exclude "+e)
	}
	left := "Nothing that differs is left out."
	if n := len(part.Left); n > 0 {
		var names []string
		for _, a := range part.Left {
			names = append(names, a.String())
		}
		const most = 10
		if n > most {
			names = append(names[:most], fmt.Sprintf("%d more", n-most))
		}
		left = "It leaves out: " + strings.Join(names, ", ") + "."
	}
	p.out.warn("Plan of a part of the spec", strings.Join(by, ", ")+". "+left)
}
