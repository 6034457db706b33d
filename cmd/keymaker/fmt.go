package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"keymaker/specs"
)

// fmtFlags say what fmt does with a file that is not in canonical layout.
type fmtFlags struct{ check, diff, recursive bool }

func (p *program) fmtCommand() *cobra.Command {
	var flags fmtFlags
	c := &cobra.Command{
		Use:   "fmt [PATH... | -]",
		Short: "Rewrite spec files in canonical layout",
		Long: `Fmt rewrites the .hcl files of a folder, variable files among them, or the files named, in canonical layout, and names those that
it changed. Sub-folders are left alone without --recursive. Comments stay. A file that does not parse is left alone. With "-"
it reads stdin and writes stdout.

Exit codes: 0 done, 1 error, 3 some file is not in canonical layout (only with --check).`,
		Example: "  keymaker fmt --check --diff specs/examples/service-account",
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				args = []string{"."}
			case len(args) == 1 && args[0] == "-":
				return p.fmtStdin(flags)
			case slices.Contains(args, "-"):
				return errors.New("fmt: - stands for stdin, and is formatted alone: leave the other paths out")
			}
			return p.fmtFiles(args, flags)
		},
	}
	c.Flags().BoolVar(&flags.check, "check", false, "write nothing; exit with 3 when a file is not in canonical layout")
	c.Flags().BoolVar(&flags.diff, "diff", false, "show what would change, or changed")
	c.Flags().BoolVarP(&flags.recursive, "recursive", "r", false, "format the folders inside as well, but those that begin with a dot")
	return c
}

// fmtStdin formats stdin to stdout.
func (p *program) fmtStdin(flags fmtFlags) error {
	src, err := io.ReadAll(p.out.in)
	if err != nil {
		return err
	}
	tidy, err := p.format("<stdin>", src)
	if err != nil {
		return err
	}
	switch {
	case flags.diff:
		_, err = p.out.out.Write(diff.Diff("<stdin>", src, "canonical", tidy))
	case !flags.check:
		_, err = p.out.out.Write(tidy)
	}
	if err == nil && flags.check && !bytes.Equal(src, tidy) {
		return exit{code: exitPartial}
	}
	return err
}

// fmtFiles formats files and the files of folders. One that does not parse keeps the others from nothing, and makes the command fail at the end.
func (p *program) fmtFiles(paths []string, flags fmtFlags) error {
	var worst error
	for _, path := range paths {
		files, diags := specs.FormatFiles(path, flags.recursive)
		if p.out.diagnose(diags, nil) {
			worst = exit{code: exitError}
		}
		for _, file := range files {
			changed, err := p.fmtFile(file, flags)
			if err != nil {
				worst = err
			} else if changed && flags.check && worst == nil {
				worst = exit{code: exitPartial}
			}
		}
	}
	return worst
}

func (p *program) fmtFile(file string, flags fmtFlags) (changed bool, err error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	tidy, err := p.format(file, src)
	if err != nil || bytes.Equal(src, tidy) {
		return false, err
	}
	fmt.Fprintln(p.out.out, file)
	if flags.diff {
		if _, err := p.out.out.Write(diff.Diff(file, src, "canonical", tidy)); err != nil {
			return true, err
		}
	}
	if flags.check {
		return true, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return true, err
	}
	return true, renameio.WriteFile(file, tidy, info.Mode().Perm())
}

// format shows what keeps a file from being formatted, with its place.
func (p *program) format(name string, src []byte) ([]byte, error) {
	tidy, diags := specs.Format(src, name)
	if diags.HasErrors() { // a line of it may hold a secret
		p.out.diagnose(diags, map[string]*hcl.File{name: {Bytes: specs.Masked(src, name, languages())}})
		return nil, exit{code: exitError}
	}
	return tidy, nil
}
