package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/evidence"
	"keymaker/reconcile/render"
)

// driftOptions is what the flags of drift say.
type driftOptions struct {
	formats  []driftFormat
	out      string
	all      bool          // list what is nobody's too
	noWho    bool          // leave the logs alone
	since    time.Duration // how far back the logs are read
	evidence string        // folder for the signed report, "" for none
	signKey  string
	deny     []string // what the drift must not have done
}

func (p *program) driftCommand() *cobra.Command {
	var formats []string
	var o driftOptions
	c := &cobra.Command{
		Use:   "drift [PATH]",
		Short: "Report where live differs from the spec, what that means for access, and who did it",
		Long: `Drift reads both systems and gives every object of the spec, and of what its own blocks claim, one state: in sync, drifted, missing,
extra or unreadable. It writes nothing to them. What is live and neither declared nor claimed is foreign, and listed with --all;
what is in sync, with --verbose.

Each difference is weighed by what it does to access: widens, changes, narrows, neutral, or unknown where it could not be read.
Beside attributes drift watches what no spec can set and no plan undoes: claims and rules of somebody else's that decide over
declared objects, and client secrets that somebody made. An object's lifecycle block may ignore those too.

Who and when comes from Okta's System Log, which takes the right to read it (okta.logs.read) and one call for every 20 objects that
drifted, and one more about client secrets; and from Neo4j's security log where --neo4j-security-log or the connection names
the file. The confidence is exact (the log gives the live value), object (it changed this object) or none, with the reason.
What keymaker itself wrote is nobody's drift. --no-who leaves the logs alone; client secrets are then not watched.

Formats: ` + strings.Join(driftFormatNames(), ", ") + `. Several at once need --out, a folder that receives one file for each.

Exit codes: 0 in sync, 1 error, or something could not be read, 2 drift.`,
		Example: "  keymaker drift --format json specs/examples/service-account\n  keymaker drift --format html,sarif,junit --out reports\n  keymaker drift --evidence audit --sign-key ~/.ssh/id_ed25519",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.formats, err = chooseFormats(formats, o.out); err != nil {
				return err
			}
			if o.since <= 0 {
				return fmt.Errorf("--since takes how far back the logs are read, 24h or 2160h, not %s", o.since)
			}
			sign, err := o.signer()
			if err != nil {
				return err
			}
			s, err := p.open(c.Context(), pathArg(args))
			if err != nil {
				return err
			}
			defer s.Close()
			return p.drift(c.Context(), s, o, sign)
		},
	}
	p.liveFlags(c)
	p.verboseFlag(c)
	c.Flags().StringSliceVar(&o.deny, "deny", nil, "exit with 1 when the drift did this to an account: `widening`, takes-access, broken-login")
	c.Flags().StringSliceVar(&formats, "format", []string{"text"}, "how to report, one or more `formats`")
	c.Flags().StringVar(&o.out, "out", "", "write the reports into this `folder`, as drift.txt, drift.json, …")
	c.Flags().BoolVar(&o.all, "all", false, "list what is live and neither declared nor owned too")
	c.Flags().BoolVar(&o.noWho, "no-who", false, "do not ask the systems' logs who did it")
	c.Flags().DurationVar(&o.since, "since", 90*24*time.Hour, "how far back the logs are read, `duration`; Okta keeps 90 days")
	c.Flags().StringVar(&p.securityLog, "neo4j-security-log", "", "the security log of the Neo4j without a name, a `file`; others name theirs in their connection")
	c.Flags().StringVar(&o.evidence, "evidence", "", "add the report to the chain of signed reports in this `folder`")
	c.Flags().StringVar(&o.signKey, "sign-key", "", "sign the evidence with the ed25519 or OpenSSH private key in this `file`")
	return c
}

// driftFormat is one form of the report.
type driftFormat struct {
	name, file string
	write      func(p *program, f render.Findings) ([]byte, error)
}

// driftFormats lists the forms of the report: one line a format.
func driftFormats() []driftFormat {
	plain := func(write func(render.Findings) ([]byte, error)) func(*program, render.Findings) ([]byte, error) {
		return func(_ *program, f render.Findings) ([]byte, error) { return write(f) }
	}
	return []driftFormat{
		{"text", "drift.txt", func(p *program, f render.Findings) ([]byte, error) {
			var b bytes.Buffer
			style := p.out.style(p.out.out)
			style.Files = f.Files
			if err := render.Checks(&b, f.Checks, style); err != nil {
				return nil, err
			}
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			err := render.Drift(&b, f, p.out.style(p.out.out))
			return b.Bytes(), err
		}},
		{"json", "drift.json", plain(render.DriftJSON)},
		{"markdown", "drift.md", plain(func(f render.Findings) ([]byte, error) { return render.DriftMarkdown(f), nil })},
		{"html", "drift.html", plain(render.DriftHTML)},
		{"sarif", "drift.sarif", plain(render.DriftSARIF)},
		{"junit", "drift.xml", plain(render.DriftJUnit)},
		{"csv", "drift.csv", plain(render.DriftCSV)},
	}
}

func driftFormatNames() []string {
	var names []string
	for _, f := range driftFormats() {
		names = append(names, f.name)
	}
	return names
}

// chooseFormats finds the formats that the flags name.
func chooseFormats(names []string, out string) ([]driftFormat, error) {
	var chosen []driftFormat
	for _, name := range names {
		i := slices.Index(driftFormatNames(), name)
		if i < 0 {
			return nil, fmt.Errorf("--format takes %s, not %q", strings.Join(driftFormatNames(), ", "), name)
		}
		chosen = append(chosen, driftFormats()[i])
	}
	if len(chosen) != 1 && out == "" {
		return nil, fmt.Errorf("--format names %d formats: give --out, a folder for the files", len(chosen))
	}
	return chosen, nil
}

func (p *program) drift(ctx context.Context, s *session, o driftOptions, sign *evidence.Signer) error {
	findings, err := p.findings(ctx, s, o)
	if err != nil {
		return err
	}
	if err := p.writeDrift(findings, o.formats, o.out); err != nil {
		return err
	}
	if o.evidence != "" {
		if err := p.keepEvidence(ctx, s, findings, o.evidence, sign); err != nil {
			return err
		}
	}
	if err := denyDrift(findings, o.deny); err != nil {
		return err
	}
	switch d := findings.Drift; {
	case d.Count(reconcile.Unreadable) > 0 || missingReferences(d):
		return exit{code: exitError}
	case d.Count(reconcile.Drifted)+d.Count(reconcile.Missing)+d.Count(reconcile.Extra) > 0:
		return exit{code: exitDiffers}
	}
	return nil
}

// findings compares, watches, weighs and asks who did it.
func (p *program) findings(ctx context.Context, s *session, o driftOptions) (render.Findings, error) {
	seen, err := s.look(ctx)
	if err != nil {
		return render.Findings{}, err
	}
	ctx, end := s.untilStopped(ctx)
	defer end()
	since := time.Now().Add(-o.since)
	edges, tokens := reconcile.GraphOf(s.systems(), seen.objects())
	findings := render.Findings{
		Targets: seen.targets(), Homes: s.homes(), Version: version, At: time.Now(),
		Access: reconcile.AccessFrom(s.systems(), edges, seen.objects(), reconcile.Undoing(seen.drift)), Edges: edges, Tokens: tokens,
	}
	drift, remarks := reconcile.Oversee(ctx, s.systems(), seen.drift, reconcile.Inquiry{Log: !o.noWho, Since: since})
	drift = reconcile.Weigh(s.systems(), seen.objects(), drift)
	if !o.noWho {
		drift = reconcile.Attribute(ctx, s.systems(), drift, since)
	}
	if o.all {
		drift = reconcile.Strangers(s.systems(), s.spec.Objects, drift)
	}
	goal := reconcile.Desired(seen.drift)
	findings.Accounts = accountsOf(slices.AppendSeq(slices.Clip(tokens), reconcile.TokensOf(s.systems(), goal)))
	findings.Drift, findings.Remarks = drift, remarks
	findings.Checks, findings.Files = reconcile.Check(s.systems(), goal), s.spec.Files
	return findings, ctx.Err()
}

// accountsOf are the objects behind tokens, by the accounts' names.
func accountsOf(tokens []reconcile.Token) map[string]reconcile.Addr {
	accounts := make(map[string]reconcile.Addr)
	for _, t := range tokens {
		accounts[t.Account.Label()] = t.Addr
	}
	return accounts
}

// homes are the places of the connection blocks.
func (s *session) homes() map[string]hcl.Range {
	homes := make(map[string]hcl.Range)
	for name, block := range s.spec.Connections {
		homes[name] = block.Range
	}
	return homes
}

// denyDrift refuses a drift that did to an account what the operator does not want: it is undone by apply.
func denyDrift(f render.Findings, kinds []string) error {
	did := reconcile.Plan{Findings: f.Checks}
	for _, c := range f.Access {
		did.Access = append(did.Access, c.Reversed())
	}
	err := did.Deny(kinds)
	var denied *reconcile.DeniedError
	if errors.As(err, &denied) {
		return fmt.Errorf("the drift did what --deny names:\n%s", denied.List())
	}
	return err
}

// writeDrift writes the reports: the one format to stdout, or each to its file.
func (p *program) writeDrift(findings render.Findings, formats []driftFormat, out string) error {
	for _, f := range formats {
		doc, err := f.write(p, findings)
		if err != nil {
			return err
		}
		if out == "" {
			_, err = p.out.out.Write(doc)
		} else if err = os.MkdirAll(out, 0o755); err == nil {
			err = renameio.WriteFile(filepath.Join(out, f.file), doc, 0o644)
		}
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}

func missingReferences(d reconcile.Drift) bool {
	for _, it := range d.Items {
		if it.Want.Reference && it.State == reconcile.Missing {
			return true
		}
	}
	return false
}
