package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/progress"
	"keymaker/reconcile/render"
)

// applyFlags are the flags that apply and destroy share.
type applyFlags struct {
	autoApprove, asJSON, allowPartial bool
	report                            string
	choice                            choice
	lock                              lockFlags
	refused                           []reconcile.Result // of a saved plan: steps that rest on what moved
}

func (f *applyFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.autoApprove, "auto-approve", false, "do not ask")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON event a line instead of text")
	f.choice.selectFlags(c)
	f.choice.parallelFlag(c)
	f.lock.add(c)
	c.Flags().StringVar(&f.report, "report", "", "write what was done as JSON to this `file`")
}

func (p *program) applyCommand() *cobra.Command {
	var flags applyFlags
	c := &cobra.Command{
		Use:   "apply [PATH | FILE]",
		Short: "Converge Okta and Neo4j to the spec, and prove it by a login",
		Long: `Apply shows the plan, asks, makes the calls in an order that never widens access in between, reads both systems again,
and then proves each account: a token by client credentials, its claims, a bearer login on Neo4j, the roles it got.

With FILE, a plan saved by "plan --out FILE", it asks nothing: it reads again what the plan rests on, refuses by name what moved
since, and otherwise makes exactly the calls that were saved. What is at its goal already counts as done. With --allow-partial it
makes the calls that rest on nothing that moved, and exits with 3.

It may be stopped and run again at any point: it looks first, and goes on. Ctrl-C once lets the call in flight end.

Exit codes: 0 done, 1 error, 3 applied in part or something is left to people, 130 interrupted.`,
		Example: "  keymaker apply --sandbox --auto-approve specs/examples/service-account",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			unlock, err := p.lock(c.Context(), flags.lock, c.CommandPath())
			if err != nil {
				return err
			}
			defer unlock()
			if path := pathArg(args); !isSaved(path) {
				return p.apply(c.Context(), path, flags)
			} else if err := flags.fitSaved(c); err != nil {
				return err
			}
			return p.applySaved(c.Context(), args[0], flags)
		},
	}
	p.liveFlags(c)
	p.verboseFlag(c)
	flags.add(c)
	flags.choice.pruneFlags(c)
	c.Flags().BoolVar(&flags.allowPartial, "allow-partial", false, "of a saved plan, apply what rests on nothing that moved")
	return c
}

// fitSaved refuses flags that would change what a saved plan says.
func (f *applyFlags) fitSaved(c *cobra.Command) error {
	for _, name := range []string{"target", "exclude", "prune", "max-delete", "max-change", "var", "var-file"} {
		if c.Flags().Changed(name) {
			return fmt.Errorf("--%s is for planning: a saved plan is applied as it is", name)
		}
	}
	return nil
}

// apply is the whole flow: load and declare in open, read to order in plan, then apply and verify.
func (p *program) apply(ctx context.Context, path string, flags applyFlags) error {
	s, err := p.open(ctx, path) // 1 load, 2 declare
	if err != nil {
		return err
	}
	defer s.Close()
	plan, lives, err := p.plan(ctx, s, flags.choice) // 3 read, 4 compare, 5 police, 6 step and order
	if err != nil {
		return err
	}
	if plan, lives, err = p.agree(ctx, s, plan, lives, flags, "Make these changes? Only yes is a yes: ", "yes"); err != nil {
		return err
	}
	report, err := p.carryOut(ctx, s, plan, lives, render.Apply, flags) // 7 apply
	if err != nil {
		return err
	}
	return p.verifyAfter(ctx, s, plan, report, flags.asJSON) // 8 verify
}

// agree shows a plan, refuses the hazards that flags deny, asks when there is something to do, and looks again after the answer: the pause may have been long.
func (p *program) agree(ctx context.Context, s *session, plan reconcile.Plan, lives []reconcile.Live, flags applyFlags, question, answer string) (reconcile.Plan, []reconcile.Live, error) {
	if !flags.asJSON {
		if err := p.showPlan(plan, planDocs{}); err != nil {
			return plan, lives, err
		}
	}
	if err := plan.Deny(flags.choice.deny); err != nil {
		return plan, lives, err
	}
	if len(plan.Steps) == 0 || flags.autoApprove {
		return plan, lives, nil
	}
	if err := p.approve(flags, question, answer); err != nil {
		return plan, lives, err
	}
	return p.replan(ctx, s, plan, lives)
}

// approve asks, unless that was settled by a flag.
func (p *program) approve(flags applyFlags, question, answer string) error {
	if flags.autoApprove {
		return nil
	}
	if flags.asJSON {
		return errors.New("--json asks nothing: give --auto-approve with it")
	}
	fmt.Fprintf(p.out.err, "\n%s", question)
	line := make(chan string, 1)
	go func() {
		text, err := bufio.NewReader(p.out.in).ReadString('\n')
		if err != nil && text == "" {
			fmt.Fprintln(p.out.err)
		}
		line <- text
	}()
	select {
	case text := <-line:
		if strings.TrimSpace(text) == answer {
			return nil
		}
		return errors.New("not approved: nothing was written (--auto-approve goes on without asking)")
	case <-p.stop:
		fmt.Fprintln(p.out.err)
		return exit{code: exitInterrupted, err: errors.New("interrupted before anything was written")}
	}
}

// carryOut is stage 7: the plan's calls, told as they happen, then the report. A report that is not complete is an exit code, not an error of its own.
func (p *program) carryOut(ctx context.Context, s *session, plan reconcile.Plan, lives []reconcile.Live, verb render.Verb, flags applyFlags) (reconcile.Report, error) {
	if len(plan.Steps)+len(flags.refused) == 0 {
		return reconcile.Report{}, nil
	}
	var events *render.Events
	var show progress.Printer
	if flags.asJSON {
		events = render.NewEvents(p.out.out)
		show = events
	} else {
		show = p.out.progress(plan)
	}
	p.screen.use(show)
	ended := make(chan struct{})
	go func() {
		select {
		case <-p.stop:
			p.screen.stopping()
		case <-ended:
		}
	}()
	report := reconcile.Apply(ctx, p.stop, plan, s.byName(), reconcile.NewIndex(merge(lives).Objects), p.screen.Observe)
	close(ended)
	report.Results = append(report.Results, flags.refused...)
	p.screen.use(nil)
	if events != nil {
		events.Report(report, verb)
	}
	if err := show.Close(); err != nil {
		return report, err
	}
	if err := p.tellReport(report, verb, flags); err != nil {
		return report, err
	}
	return report, reportCode(report)
}

// tellReport prints what came of the plan: failures in full on stderr, the report on stdout, and the document where one is wanted.
func (p *program) tellReport(report reconcile.Report, verb render.Verb, flags applyFlags) error {
	for _, res := range report.Results {
		if res.Status == reconcile.StatusFailed || res.Status == reconcile.StatusUnknown {
			if err := render.Failure(p.out.err, res, p.out.style(p.out.err), p.files(), p.places()); err != nil {
				return err
			}
		}
	}
	if flags.report != "" {
		doc, err := render.ReportJSON(report, verb)
		if err == nil {
			err = renameio.WriteFile(flags.report, doc, 0o600)
		}
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	if flags.asJSON {
		return nil
	}
	fmt.Fprintln(p.out.out)
	return render.Report(p.out.out, report, verb, p.out.style(p.out.out))
}

// reportCode is what a report means for the exit code; nil when everything was done.
func reportCode(r reconcile.Report) error {
	switch {
	case r.Interrupted:
		return exit{code: exitInterrupted}
	case r.Complete():
		return nil
	case r.With(reconcile.StatusDone) == 0 && !r.AllWell():
		return exit{code: exitError}
	}
	return exit{code: exitPartial}
}

// verifyAfter is stage 8: read and compare again, then prove every account.
func (p *program) verifyAfter(ctx context.Context, s *session, plan reconcile.Plan, report reconcile.Report, asJSON bool) error {
	seen, err := s.look(ctx)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	left, _, _, err := plan.Partial.Apply(seen.drift, nil, false)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if !converged(left) {
		if err := render.Drift(p.out.err, render.Findings{Drift: left}, p.out.style(p.out.err)); err != nil {
			return err
		}
		return fmt.Errorf("after %d changes that all went well, live still differs from the spec: something else changes these objects, or this is a mistake in Keymaker",
			len(report.Results))
	}
	if err := p.tellOutputs(s, seen.lives, asJSON); err != nil {
		return err
	}
	if err := p.proveAfter(ctx, s, seen, left, plan.Partial, asJSON); err != nil {
		return err
	}
	return keptError(left.Kept(), len(report.Results))
}

// keptError says that removed blocks name what is never deleted: the spec is not brought about.
func keptError(kept []reconcile.Kept, done int) error {
	if len(kept) == 0 {
		return nil
	}
	var all []string
	for _, k := range kept {
		all = append(all, k.Addr.String()+": "+k.Why)
	}
	code := exitPartial
	if done == 0 {
		code = exitError
	}
	return exit{code: code, err: fmt.Errorf("a removed block names what is never deleted; take it out of the spec\n%s", strings.Join(all, "\n"))}
}

// proveAfter lets every account log in whose credentials are at hand.
func (p *program) proveAfter(ctx context.Context, s *session, seen sight, left reconcile.Drift, partial reconcile.Partial, asJSON bool) error {
	only, lacking := s.provable(left)
	p.warnLacking(lacking)
	if len(only) == 0 && (len(lacking) > 0 || !partial.IsZero()) {
		return nil // nobody is there to log in, or nobody was targeted
	}
	v, err := p.prove(ctx, s, seen, reconcile.VerifyOptions{Only: only, Parallel: defaultProofs, Args: p.sameSpec(s.spec.Dir)}, asJSON)
	if err != nil {
		return err
	}
	return brokenCode(v.Proofs, exitError)
}

// mostLacking is how many accounts that lack the same are named: a fleet lacks it together.
const mostLacking = 3

// warnLacking says which accounts are not proven, those for the same reason in one.
func (p *program) warnLacking(accounts []reconcile.Account) {
	var reasons []string
	names := make(map[string][]string)
	for _, a := range accounts {
		if names[a.Lacks] == nil {
			reasons = append(reasons, a.Lacks)
		}
		names[a.Lacks] = append(names[a.Lacks], a.Addr.String())
	}
	for _, why := range reasons {
		all := names[why]
		if len(all) == 1 {
			p.out.warn("Account is not proven", all[0]+": its credentials are not at hand: "+why+".")
			continue
		}
		text := strings.Join(all[:min(mostLacking, len(all))], ", ")
		if more := len(all) - mostLacking; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		p.out.warn(fmt.Sprintf("%d accounts are not proven", len(all)), text+": their credentials are not at hand: "+why+".")
	}
}

// converged says whether everything that the spec declares is as it says. What an own block matches besides is not asked about, nor what is never deleted.
func converged(d reconcile.Drift) bool {
	for _, it := range d.Items {
		extra := it.State == reconcile.Extra && (it.Own != nil || it.Live.Protected != "")
		if it.State != reconcile.InSync && !it.Want.Reference && !extra {
			return false
		}
	}
	return true
}

// provable lists the accounts among the objects of a comparison: those whose credentials are at hand, and the others. A secret that lives elsewhere is no failure of
// an apply.
func (s *session) provable(d reconcile.Drift) (can []reconcile.Addr, lacking []reconcile.Account) {
	state := reconcile.Desired(d)
	for _, pr := range s.provers() {
		for _, a := range pr.Accounts(state) {
			if a.Lacks != "" {
				lacking = append(lacking, a)
				continue
			}
			can = append(can, a.Addr)
		}
	}
	return can, lacking
}
