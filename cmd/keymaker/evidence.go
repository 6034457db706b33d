package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keymaker/reconcile/evidence"
	"keymaker/reconcile/render"
)

func (p *program) evidenceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "evidence",
		Short: "Check the signed reports that drift --evidence keeps",
		Long:  "Evidence has the commands for the reports that \"drift --evidence DIR\" keeps.\n\nExit codes: 0 done, 1 error, 2 as each command says.",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(p.evidenceCheckCommand())
	return c
}

func (p *program) evidenceCheckCommand() *cobra.Command {
	var keyFile, known string
	c := &cobra.Command{
		Use:   "check DIR",
		Short: "Check a chain of reports and its signatures, without asking anybody",
		Long: `Check holds the reports that "drift --evidence DIR" kept to their chain and signatures. A report that was changed, removed, put in,
reordered or cut short is named. It makes no connection.

--allowed-signers names a file of public keys: OpenSSH's allowed signers file, .pub files, or PEM. Every report must then be signed by
one of them. Without it signatures are only held to the bytes beside them, and anybody may have made them.

Newest reports that were removed together with a head that was put back leave no trace in the folder: note the hash that drift prints
elsewhere, and give it as --contains.

Exit codes: 0 sound, 1 error, 2 something is wrong with the chain.`,
		Example: "  keymaker evidence check audit --allowed-signers allowed_signers",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.checkEvidence(args[0], keyFile, known)
		},
	}
	c.Flags().StringVar(&keyFile, "allowed-signers", "", "take only signatures by the public keys in this `file`")
	c.Flags().StringVar(&known, "contains", "", "a report with this SHA-256 `hash` must be in the chain")
	return c
}

func (p *program) checkEvidence(dir, keyFile, known string) error {
	var keys evidence.Keys
	if keyFile != "" {
		text, err := os.ReadFile(keyFile)
		if err != nil {
			return fmt.Errorf("--allowed-signers: %w", err)
		}
		if keys, err = evidence.ParseKeys(text); err != nil {
			return fmt.Errorf("--allowed-signers %s: %w", keyFile, err)
		}
	}
	chain, err := evidence.Check(dir, keys, known)
	if err != nil {
		return err
	}
	for _, problem := range chain.Problems {
		fmt.Fprintln(p.out.out, render.Escape(problem.String()))
	}
	said := []string{fmt.Sprintf("%d reports", chain.Reports)}
	if chain.Reports == 1 {
		said[0] = "1 report"
	}
	for _, name := range slices.Sorted(maps.Keys(chain.Signers)) {
		said = append(said, fmt.Sprintf("%d signed by %s", chain.Signers[name], render.Escape(name)))
	}
	if chain.Unsigned > 0 {
		said = append(said, fmt.Sprintf("%d not signed", chain.Unsigned))
	}
	if keyFile == "" && len(chain.Signers) > 0 {
		said = append(said, "keys not checked (no --allowed-signers)")
	}
	verdict := "Evidence: sound"
	if len(chain.Problems) > 0 {
		verdict = "Evidence: broken"
	}
	fmt.Fprintln(p.out.out, verdict+", "+strings.Join(said, ", ")+".")
	if len(chain.Problems) > 0 {
		return exit{code: exitDiffers}
	}
	fmt.Fprintln(p.out.out, "Newest: sha256 "+chain.Head)
	return nil
}

// signer loads the key that evidence is signed with, before anything is asked; nil when there is none.
func (o driftOptions) signer() (*evidence.Signer, error) {
	switch {
	case o.signKey == "":
		return nil, nil
	case o.evidence == "":
		return nil, errors.New("--sign-key signs evidence: give --evidence, a folder for it")
	}
	return evidence.LoadSigner(o.signKey, func() (string, bool) {
		word, ok := os.LookupEnv("KEYMAKER_SIGN_PASSPHRASE")
		return word, ok
	})
}

// evidenceWait is how long a run waits for another that writes into the same folder.
const evidenceWait = 30 * time.Second

// keepEvidence adds the report to the chain in a folder. Two runs at once follow each other.
func (p *program) keepEvidence(ctx context.Context, s *session, f render.Findings, dir string, sign *evidence.Signer) error {
	report, err := render.DriftJSON(f)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(s.spec.Files))
	r := evidence.Record{Keymaker: version, Report: report, Spec: evidence.Spec{
		Digest: evidence.DigestOf(names, func(name string) []byte { return s.spec.Files[name].Bytes }), Files: names, Commit: commitOf(s.spec.Dir),
	}}
	for _, t := range f.Targets {
		one := evidence.Target{System: t.System, URL: t.URL}
		for _, c := range t.Calls {
			one.Calls += c.N
		}
		r.Targets = append(r.Targets, one)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	unlock, err := p.lock(ctx, lockFlags{file: filepath.Join(dir, ".lock"), timeout: evidenceWait}, "drift --evidence")
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	defer unlock()
	r.At = time.Now() // in the lock: reports that follow each other are in the order of their times
	e, err := evidence.Append(dir, r, sign)
	if err != nil {
		return err
	}
	if e.Back > 0 {
		p.out.warn("The clock went back", fmt.Sprintf("The report before this one says that it was kept %s later. See to the clock: keymaker evidence check names both.", e.Back.Round(time.Second)))
	}
	by := "not signed"
	if sign != nil {
		by = "signed by " + sign.Fingerprint()
	}
	fmt.Fprintf(p.out.err, "evidence %s, sha256 %s, %s\n", filepath.Join(dir, e.File), e.SHA256, by)
	return nil
}

// commitOf is the commit that the checkout around a folder stands at, "" when there is none to be found. Git is not run: its files say it (gitrepository-layout(5)).
func commitOf(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	for {
		if git, ok := gitDir(dir); ok {
			return headOf(git)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// gitDir is the folder with a checkout's head: .git itself, or where the file .git of a worktree or submodule points.
func gitDir(dir string) (string, bool) {
	path := filepath.Join(dir, ".git")
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", false
	case info.IsDir():
		return path, true
	}
	to, ok := strings.CutPrefix(firstLine(path), "gitdir: ")
	if !ok {
		return "", false
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(dir, to)
	}
	return to, true
}

// headOf reads what HEAD stands at: a commit, or a branch, whose commit is in a file of its own or among the packed ones. A worktree's branches are its main checkout's.
func headOf(git string) string {
	text := firstLine(filepath.Join(git, "HEAD"))
	ref, ok := strings.CutPrefix(text, "ref: ")
	if !ok {
		return hexOnly(text)
	}
	if ref == "" || strings.Contains(ref, "..") || !strings.HasPrefix(ref, "refs/") {
		return ""
	}
	common := git
	if to := firstLine(filepath.Join(git, "commondir")); to != "" {
		if common = to; !filepath.IsAbs(to) {
			common = filepath.Join(git, to)
		}
	}
	for _, dir := range []string{git, common} {
		if commit := hexOnly(firstLine(filepath.Join(dir, filepath.FromSlash(ref)))); commit != "" {
			return commit
		}
	}
	packed, err := os.ReadFile(filepath.Join(common, "packed-refs"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(packed)) {
		if commit, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return hexOnly(commit)
		}
	}
	return ""
}

func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

// hexOnly is a text that is a SHA-1 or SHA-256 in hex, else "".
func hexOnly(text string) string {
	if len(text) != 40 && len(text) != 64 || strings.Trim(text, "0123456789abcdef") != "" {
		return ""
	}
	return text
}
