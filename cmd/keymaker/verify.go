package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

func (p *program) verifyCommand() *cobra.Command {
	var docs proofDocs
	c := &cobra.Command{
		Use:   "verify [PATH] [ADDR...]",
		Short: "Prove that accounts can log in, hop by hop",
		Long: `Verify asks Okta for a token with each account's own credentials, checks what it says, logs in to Neo4j with it and compares
the roles that the session got with those that the spec means. The first hop that is broken is named, with what should have
come, what came, and where to look. It changes nothing.

Without ADDR every account of the spec is proven. A token is never printed.

Exit codes: 0 verified, 1 error, 2 broken.`,
		Example: "  keymaker verify specs/examples/service-account okta.app.neo4j-etl",
		RunE: func(c *cobra.Command, args []string) error {
			path, wanted := splitVerifyArgs(args)
			return p.verify(c.Context(), path, wanted, docs)
		},
	}
	p.liveFlags(c)
	c.Flags().BoolVar(&docs.json, "json", false, "print one JSON event a line instead of text")
	c.Flags().StringVar(&docs.junitOut, "junit-out", "", "write the proofs as JUnit XML to this `file` too")
	c.Flags().StringVar(&docs.markdownOut, "markdown-out", "", "write the proofs as Markdown to this `file` too")
	return c
}

// proofDocs are the forms, beside text, in which proofs are wanted.
type proofDocs struct {
	json                  bool
	junitOut, markdownOut string
}

// write writes the documents that are named.
func (d proofDocs) write(proofs []reconcile.Proof, target string) error {
	if d.junitOut != "" {
		doc, err := render.ProofsJUnit(proofs)
		if err == nil {
			err = renameio.WriteFile(d.junitOut, doc, 0o644)
		}
		if err != nil {
			return fmt.Errorf("write the proofs: %w", err)
		}
	}
	if d.markdownOut == "" {
		return nil
	}
	return renameio.WriteFile(d.markdownOut, render.ProofsMarkdown(proofs, target), 0o644)
}

// splitVerifyArgs tells the PATH from the addresses: the path comes first, and exists.
func splitVerifyArgs(args []string) (path string, addrs []string) {
	if len(args) == 0 {
		return ".", nil
	}
	if _, err := os.Stat(args[0]); err == nil || !strings.Contains(args[0], ".") || strings.ContainsRune(args[0], os.PathSeparator) {
		return args[0], args[1:]
	}
	return ".", args
}

func (p *program) verify(ctx context.Context, path string, wanted []string, docs proofDocs) error {
	s, err := p.open(ctx, path)
	if err != nil {
		return err
	}
	defer s.Close()
	only, err := s.addresses(wanted)
	if err != nil {
		return err
	}
	seen, err := s.look(ctx)
	if err != nil {
		return err
	}
	proofs, err := p.prove(ctx, s, seen, only, docs.json)
	if err != nil {
		return err
	}
	if err := docs.write(proofs, s.loginURL(seen)); err != nil {
		return err
	}
	return brokenCode(proofs, exitDiffers)
}

// brokenCode ends a command with a code when a proof is broken; which hop it was has been shown.
func brokenCode(proofs []reconcile.Proof, code int) error {
	for _, proof := range proofs {
		if _, broken := proof.Broken(); broken {
			return exit{code: code}
		}
	}
	return nil
}

// addresses finds the objects that the command line names.
func (s *session) addresses(names []string) ([]reconcile.Addr, error) {
	var addrs []reconcile.Addr
next:
	for _, name := range names {
		for _, o := range s.spec.Objects {
			if o.Addr.String() == name {
				addrs = append(addrs, o.Addr)
				continue next
			}
		}
		return nil, fmt.Errorf("%s: no such object in the spec; accounts: %s", name, strings.Join(s.accountNames(), ", "))
	}
	return addrs, nil
}

func (s *session) accountNames() []string {
	var names []string
	for _, pr := range s.provers() {
		for _, a := range pr.Accounts(s.spec.Objects) {
			names = append(names, a.Addr.String())
		}
	}
	return names
}

// prove walks every account's hops and shows each as it ends. What it proves is what the spec means, with the ids that are live.
func (p *program) prove(ctx context.Context, s *session, seen sight, only []reconcile.Addr, asJSON bool) ([]reconcile.Proof, error) {
	state := reconcile.Desired(seen.drift)
	if asJSON {
		events := render.NewEvents(p.out.out)
		proofs := reconcile.Verify(ctx, s.provers(), state, only, events.Observe)
		events.Verdict(proofs)
		return proofs, events.Close()
	}
	style := p.out.style(p.out.out)
	target := s.loginURL(seen)
	var failed error
	var last reconcile.Addr
	keep := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	proofs := reconcile.Verify(ctx, s.provers(), state, only, func(e reconcile.Event) {
		switch e := e.(type) {
		case reconcile.Hopped:
			if e.Account.Addr != last {
				last = e.Account.Addr
				fmt.Fprintln(p.out.out)
				keep(render.ProofHead(p.out.out, e.Account, target, style))
			}
			keep(render.Hop(p.out.out, e.Hop, style))
		case reconcile.Proven:
			keep(render.Row(p.out.out, e.Proof, style))
		}
	})
	keep(render.Verdict(p.out.out, proofs, style))
	return proofs, failed
}
