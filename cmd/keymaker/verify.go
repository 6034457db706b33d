package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

// defaultProofs is how many accounts are proven at once: what a small org's token endpoint and four Bolt connections bear easily.
const defaultProofs = 4

func (p *program) verifyCommand() *cobra.Command {
	f := verifyFlags{parallel: defaultProofs}
	c := &cobra.Command{
		Use:   "verify [PATH] [ADDR...]",
		Short: "Prove that accounts can log in, hop by hop",
		Long: `Verify asks Okta for a token with each account's own credentials, checks what it says, logs in to every member of Neo4j with it, compares
the roles that the session got with those that the spec means, and tries a read and a write that its privileges mean, each in a
transaction that is rolled back. The first hop that is broken is named, with what should have come, what came, the likely causes,
and where to look. It changes nothing.

Without ADDR every account of the spec is proven. A token is never printed; --show-claims prints what it says.

--negative proves the refusals too: no groups without the scope, no token for a wrong secret, no login with a token for another audience,
none for an account that the spec disables. Each is a failed login in the logs of Okta or Neo4j, which somebody may watch: that is why
it has to be asked for.

--token-file checks one token, however it was got, against the spec, the identity provider's public documents and, where it can be
reached, Neo4j, and says what Neo4j makes of it and why. It takes no administrator's right of either system; - reads standard input.

Exit codes: 0 verified, 1 error, 2 broken.`,
		Example: "  keymaker verify specs/examples/service-account okta.app.neo4j-etl\n  keymaker verify --token-file token.jwt specs/examples/service-account",
		RunE: func(c *cobra.Command, args []string) error {
			path, wanted := splitVerifyArgs(args)
			if c.Flags().Changed("token-file") { // also when it is empty, as an unset variable leaves it
				return p.verifyToken(c.Context(), path, wanted, f)
			}
			return p.verify(c.Context(), path, wanted, f)
		},
	}
	p.liveFlags(c)
	c.Flags().BoolVar(&f.docs.json, "json", false, "print one JSON event a line instead of text")
	c.Flags().StringVar(&f.docs.junitOut, "junit-out", "", "write the proofs as JUnit XML to this `file` too")
	c.Flags().StringVar(&f.docs.markdownOut, "markdown-out", "", "write the proofs as Markdown to this `file` too")
	c.Flags().BoolVar(&f.negative, "negative", false, "prove the refusals too; each is a failed login in the systems' logs")
	c.Flags().BoolVar(&f.claims, "show-claims", false, "print what each token says, decoded")
	c.Flags().StringVar(&f.tokenFile, "token-file", "", "check the token in this `file`, - for standard input, without any administrator's right")
	c.Flags().Var((*atLeastOne)(&f.parallel), "parallelism", "prove at most `N` accounts at once")
	return c
}

// verifyFlags are what verify was asked for.
type verifyFlags struct {
	docs             proofDocs
	negative, claims bool
	parallel         int
	tokenFile        string
}

func (p *program) verifyOptions(f verifyFlags, path string, only []reconcile.Addr) reconcile.VerifyOptions {
	return reconcile.VerifyOptions{Only: only, Negative: f.negative, Claims: f.claims, Parallel: f.parallel, Args: p.sameSpec(path)}
}

// sameSpec is what a command has to be given to read the same spec against the same systems, as a shell takes it.
func (p *program) sameSpec(path string) string {
	var args []string
	if path != "." {
		args = append(args, reconcile.ShellWord(path))
	}
	if p.sandbox {
		args = append(args, "--sandbox")
	}
	return strings.Join(args, " ")
}

// proofDocs are the forms, beside text, in which proofs are wanted.
type proofDocs struct {
	json                  bool
	junitOut, markdownOut string
}

// write writes the documents that are named.
func (d proofDocs) write(v reconcile.Verification, target string) error {
	if d.junitOut != "" {
		doc, err := render.ProofsJUnit(v.Proofs)
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
	return renameio.WriteFile(d.markdownOut, render.ProofsMarkdown(v, target), 0o644)
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

func (p *program) verify(ctx context.Context, path string, wanted []string, f verifyFlags) error {
	s, err := p.open(ctx, path)
	if err != nil {
		return err
	}
	defer s.Close()
	only, err := s.addresses(wanted)
	if err != nil {
		return err
	}
	ctx, end := s.untilStopped(ctx)
	defer end()
	seen, err := s.lookWhereItCan(ctx)
	if err != nil {
		return err
	}
	v, err := p.prove(ctx, s, seen, p.verifyOptions(f, path, only), f.docs.json)
	if isClosed(s.stop) {
		return context.Canceled
	}
	if err != nil {
		return err
	}
	if err := f.docs.write(v, s.loginURL(seen)); err != nil {
		return err
	}
	return brokenCode(v.Proofs, exitDiffers)
}

// lookWhereItCan is stages 3 and 4 for a proof: a system that cannot be read is no error, since it is a hop of the proof to say so and why. What it would hold is taken
// to be as the spec has it.
func (s *session) lookWhereItCan(ctx context.Context) (sight, error) {
	lives := make([]reconcile.Live, len(s.systems()))
	var group errgroup.Group
	for i, sys := range s.systems() {
		group.Go(func() error {
			want := reconcile.ObjectsOf(sys.Name(), s.spec.Objects)
			var err error
			if lives[i], err = sys.Read(ctx, want); err == nil {
				return nil
			}
			lives[i].Objects, lives[i].Unread = nil, make(map[reconcile.Addr]error)
			for _, o := range want {
				lives[i].Unread[o.Addr] = err
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return sight{}, err
	}
	return sight{lives, reconcile.Compare(kinds(), s.spec.Objects, merge(lives))}, nil
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
func (p *program) prove(ctx context.Context, s *session, seen sight, o reconcile.VerifyOptions, asJSON bool) (reconcile.Verification, error) {
	state := reconcile.Desired(seen.drift)
	if asJSON {
		events := render.NewEvents(p.out.out)
		v := reconcile.Verify(ctx, s.provers(), state, o, events.Observe)
		events.Verdict(v)
		return v, events.Close()
	}
	style := p.out.style(p.out.out)
	for _, sys := range s.systems() {
		if _, named := reconcile.SplitInstance(sys.Name()); named != "" {
			style.Connections = append(style.Connections, sys.Name())
		}
	}
	target := s.loginURL(seen)
	var failed error
	var last reconcile.Addr
	keep := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	v := reconcile.Verify(ctx, s.provers(), state, o, func(e reconcile.Event) {
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
	keep(render.Verdict(p.out.out, v, style))
	return v, failed
}
