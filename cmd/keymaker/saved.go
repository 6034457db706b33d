package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/planfile"
	"keymaker/reconcile/render"
	"keymaker/specs"
)

// isSaved says whether a PATH is a saved plan: a file that is no spec by its name.
func isSaved(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && filepath.Ext(path) != ".hcl"
}

// save writes a plan to a file.
func (p *program) save(path string, s *session, plan reconcile.Plan, lives []reconcile.Live) error {
	f := planfile.New(plan, s.spec.Objects, lives, s.spec.Connections)
	f.Keymaker, f.Spec = version, specDigest(p.spec, p.vars.sources)
	return f.Write(path, kinds())
}

// specDigest is a digest of a spec's files. Files of variables are not in it: they may hold what is sensitive, and a digest of few possible values can be guessed.
func specDigest(spec *specs.Spec, vars []specs.VarSource) string {
	h := sha256.New()
	names := make([]string, 0, len(spec.Files))
	for name := range spec.Files {
		isVars := slices.ContainsFunc(vars, func(v specs.VarSource) bool { return v.File != "" && filepath.Clean(v.File) == filepath.Clean(name) })
		if !isVars {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(h, "%s\x00%d\x00", name, len(spec.Files[name].Bytes))
		h.Write(spec.Files[name].Bytes)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// readSaved loads a saved plan. Secrets in it are where they come from.
func readSaved(path string) (*planfile.File, error) {
	return planfile.Read(path, planfile.Options{Kinds: kinds(), Secret: secretOf})
}

// maxSecret is the size of a secret file, in bytes, that is still taken for a secret.
const maxSecret = 64 << 10

var envName = regexp.MustCompile(`^[^=\x00]+$`)

// secretOf makes a secret of its origin, as a spec does. Nothing is looked up before it is opened.
func secretOf(origin string) (reconcile.Secret, error) {
	if name, ok := strings.CutPrefix(origin, "env "); ok && envName.MatchString(name) {
		return fromEnv(origin, name), nil
	}
	if name, ok := strings.CutPrefix(origin, "variable "); ok && envName.MatchString(name) {
		return fromEnv(origin, "KEYMAKER_VAR_"+name), nil
	}
	if path, ok := strings.CutPrefix(origin, "file "); ok && path != "" && !strings.ContainsRune(path, 0) {
		return reconcile.NewSecret(origin, func() (string, error) { return secretFile(path) }), nil
	}
	return reconcile.Secret{}, fmt.Errorf("%q is no origin of a secret", origin)
}

func fromEnv(origin, name string) reconcile.Secret {
	return reconcile.NewSecret(origin, func() (string, error) {
		v, ok := os.LookupEnv(name)
		if !ok || v == "" {
			return "", fmt.Errorf("environment variable %s is not set, and a saved plan holds no secret", name)
		}
		return v, nil
	})
}

func secretFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("secret file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecret {
		return "", fmt.Errorf("secret file %s: no regular file of at most %d bytes", path, maxSecret)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("secret file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (p *program) showCommand() *cobra.Command {
	var docs planDocs
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Print a saved plan again",
		Long: `Show prints a plan that was saved with "plan --out FILE", as plan printed it. It talks to nobody. A file that was changed, cut
off, or written in another format is refused.

Exit codes: 0 done, 1 error.`,
		Example: "  keymaker show plan.keymaker",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%s takes one FILE, and got %d", c.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := readSaved(args[0])
			if err != nil {
				return err
			}
			return p.showPlan(f.Plan, docs)
		},
	}
	docs.flags(c)
	p.verboseFlag(c)
	return c
}

// applySaved makes a saved plan. It asks nothing: who hands it over has approved it.
func (p *program) applySaved(ctx context.Context, path string, flags applyFlags) error {
	f, err := readSaved(path)
	if err != nil {
		return err
	}
	s, err := p.openSaved(ctx, f)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := f.Plan.Deny(flags.choice.deny); err != nil {
		return err
	}
	if !flags.asJSON {
		if err := p.showPlan(f.Plan, planDocs{}); err != nil {
			return err
		}
	}
	if len(f.Plan.Steps) == 0 {
		return p.verifyAfter(ctx, s, f.Plan, reconcile.Report{}, flags.asJSON)
	}
	s.spec.Objects = f.Context()
	now, err := s.look(ctx)
	if err != nil {
		return err
	}
	s.spec.Objects = f.Wants
	if err := f.CheckTargets(now.targets()); err != nil {
		return err
	}
	check := f.Recheck(now.objects(), now.drift, kinds())
	if err := p.tellRecheck(check, flags.allowPartial); err != nil {
		return err
	}
	left, err := f.Plan.Remake(s.systems(), now.lives, now.drift, check)
	if err != nil {
		return err
	}
	verb := render.Apply
	if left.Destroy {
		verb = render.Destroy
	}
	left.Parallel, flags.refused = flags.choice.parallel, refusedOf(f.Plan, check)
	report, err := p.carryOut(ctx, s, left, now.lives, verb, flags)
	if err != nil {
		return err
	}
	if left.Destroy {
		return nil
	}
	return p.verifyAfter(ctx, s, f.Plan, report, flags.asJSON)
}

// openSaved connects to the servers of a saved plan.
func (p *program) openSaved(ctx context.Context, f *planfile.File) (*session, error) {
	spec := &specs.Spec{Connections: f.Connections, Objects: f.Wants, Owns: f.Owns()}
	for _, c := range f.Connections {
		spec.Dir = c.Dir
	}
	p.spec = spec
	s, err := p.connect(ctx, spec)
	if err == nil {
		s.owns = f.Owns()
	}
	return s, err
}

// tellRecheck says what of a plan is there already and what moved; without partial anything that moved is an error.
func (p *program) tellRecheck(r reconcile.Recheck, partial bool) error {
	for _, a := range r.Satisfied {
		_, _ = io.WriteString(p.out.err, render.Escape(a.String())+" is already as the plan wants it.\n")
	}
	if len(r.Moved) == 0 {
		return nil
	}
	moved := &reconcile.MovedError{Moves: r.Moved}
	if !partial {
		return moved
	}
	p.out.fail(errors.New(strings.Replace(moved.Error(), "; nothing was written", "; what does not rest on it is applied", 1)), nil, nil)
	return nil
}

// refusedOf are the results of the steps that were not begun, as they rest on what moved.
func refusedOf(plan reconcile.Plan, r reconcile.Recheck) []reconcile.Result {
	var results []reconcile.Result
	for _, s := range plan.Steps {
		if a := s.Change.Addr(); slices.Contains(r.Refused, a) {
			results = append(results, reconcile.Result{
				Addr: a, Action: s.Change.Action(), Status: reconcile.StatusNotDone, Err: reconcile.ErrMoved,
			})
		}
	}
	return results
}
