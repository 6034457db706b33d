package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

func (p *program) driftCommand() *cobra.Command {
	var formats []string
	var out string
	c := &cobra.Command{
		Use:   "drift [PATH]",
		Short: "Report where live differs from the spec, and what access that means",
		Long: `Drift reads both systems and gives every object of the spec one state: in sync, drifted, missing, extra or unreadable. It
writes nothing to them.

Formats: ` + strings.Join(driftFormatNames(), ", ") + `. Several at once need --out, a folder that receives one file for each.

Exit codes: 0 in sync, 1 error, 2 drift.`,
		Example: "  keymaker drift --format json specs/examples/service-account\n  keymaker drift --format html,sarif,junit --out reports",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			chosen, err := chooseFormats(formats, out)
			if err != nil {
				return err
			}
			s, err := p.open(c.Context(), pathArg(args))
			if err != nil {
				return err
			}
			defer s.Close()
			return p.drift(c.Context(), s, chosen, out)
		},
	}
	p.liveFlags(c)
	c.Flags().StringSliceVar(&formats, "format", []string{"text"}, "how to report, one or more `formats`")
	c.Flags().StringVar(&out, "out", "", "write the reports into this `folder`, as drift.txt, drift.json, …")
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
			err := render.Drift(&b, f.Drift, f.Access, p.out.style(p.out.out))
			return b.Bytes(), err
		}},
		{"json", "drift.json", plain(func(f render.Findings) ([]byte, error) { return render.DriftJSON(f.Drift, f.Access) })},
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

func (p *program) drift(ctx context.Context, s *session, formats []driftFormat, out string) error {
	seen, err := s.look(ctx)
	if err != nil {
		return err
	}
	changes, _, _ := reconcile.Police(seen.drift, reconcile.Policy{}) // without deletions it refuses nothing
	findings := render.Findings{
		Drift: seen.drift, Targets: seen.targets(), Version: version, At: time.Now(),
		Access: reconcile.AccessOf(s.systems(), seen.lives, changes), Edges: reconcile.EdgesOf(s.systems(), merge(seen.lives).Objects),
	}
	if err := p.writeDrift(findings, formats, out); err != nil {
		return err
	}
	switch d := seen.drift; {
	case d.Count(reconcile.Unreadable) > 0 || missingReferences(d):
		return exit{code: exitError}
	case d.Count(reconcile.Drifted)+d.Count(reconcile.Missing)+d.Count(reconcile.Extra) > 0:
		return exit{code: exitDiffers}
	}
	return nil
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
