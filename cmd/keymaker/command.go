package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"keymaker/specs"
)

// program is one run of keymaker: its flags, and what it has opened so far.
type program struct {
	out  *output
	stop <-chan struct{}

	vars        varFlags
	allowPaths  []string
	caFile      string
	securityLog string
	sandbox     bool
	share       share
	profiles    profiles
	log         *slog.Logger

	screen screen

	// For the last error: the spec's files and objects, as far as they were loaded.
	spec *specs.Spec
}

// execute runs the command that args name, and answers its exit code.
func (p *program) execute(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.out.in)
	root.SetOut(p.out.out)
	root.SetErr(p.out.err)
	err := root.ExecuteContext(ctx)
	if failed := p.profiles.end(); err == nil {
		err = failed
	}
	var shown exit
	if err != nil && !(errors.As(err, &shown) && shown.err == nil) {
		p.out.fail(p.friendly(err), p.files(), p.places())
	}
	if errors.Is(err, context.Canceled) && p.stopped() {
		return exitInterrupted
	}
	return codeOf(err)
}

// friendly says what a cancelled run is, in words.
func (p *program) friendly(err error) error {
	if errors.Is(err, context.Canceled) && p.stopped() {
		return errors.New("interrupted")
	}
	var e exit
	if errors.As(err, &e) {
		return e.err
	}
	return err
}

func (p *program) stopped() bool { return isClosed(p.stop) }

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "keymaker COMMAND [PATH]",
		Short:         "Okta service accounts and Neo4j roles from one spec: planned, converged, proven",
		Long:          rootLong,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			var err error
			if p.log, err = p.out.logger(); err != nil {
				return err
			}
			return p.profiles.start()
		},
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&p.out.noColor, "no-color", false, "no colour, even on a terminal")
	flags.StringVar(&p.out.logLevel, "log-level", "warn", "what to log on stderr: debug, info, warn, error")
	flags.StringVar(&p.out.logFormat, "log-format", "text", "how to log: text, json")
	p.profiles.flag(flags)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w\n\nRun `%s --help` for the flags of this command", err, c.CommandPath())
	})
	root.AddCommand(
		p.validateCommand(), p.fmtCommand(), p.planCommand(), p.applyCommand(), p.showCommand(), p.driftCommand(), p.evidenceCommand(), p.verifyCommand(),
		p.destroyCommand(), p.accessCommand(), p.renderCommand(), p.sandboxCommand(), p.schemaCommand(), p.versionCommand(),
	)
	root.InitDefaultCompletionCmd()
	return root
}

const rootLong = `Keymaker reads a spec (HCL files), compares it with a live Okta org and a live Neo4j, shows the difference as one plan,
converges both, and proves the result: it fetches a real token and logs in to Neo4j with it.

PATH is a folder or a file, "." when left out. There is no state file: the spec says what should be, the two
systems say what is. With --sandbox a command runs against an embedded Okta and Neo4j: no account is needed.`

// specFlags adds the flags of commands that load a spec.
func (p *program) specFlags(c *cobra.Command) {
	c.Flags().Var(p.vars.single(), "var", "set a variable, `name=value`; may be repeated")
	c.Flags().Var(p.vars.file(), "var-file", "set variables from a `file`; may be repeated, the last one wins")
	c.Flags().StringSliceVar(&p.allowPaths, "allow-path", nil, "let the spec's functions read these `paths` too, outside of its folder")
}

// liveFlags adds the flags of commands that talk to the two systems.
func (p *program) liveFlags(c *cobra.Command) {
	p.specFlags(c)
	c.Flags().StringVar(&p.caFile, "ca-file", "", "trust the certificate authorities in this PEM `file` too")
	c.Flags().Var(&p.share, "rate-share", "use at most this `percent` of each of Okta's rate limits, 1 to 100")
	c.Flags().BoolVar(&p.sandbox, "sandbox", false, "run against the embedded Okta and Neo4j, kept in .keymaker")
}

// verboseFlag is for commands whose text leaves out what did not change, and the rest of long lists.
func (p *program) verboseFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.out.verbose, "verbose", false, "in text, show what stays as it is too, and long lists in full")
}

// pathArg is the PATH of a command that takes at most one.
func pathArg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// oneArg is cobra's argument check with our words.
func oneArg(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one PATH, and got %d: %s", c.CommandPath(), len(args), strings.Join(args, " "))
	}
	return nil
}

// varFlags keeps --var and --var-file in the order in which they were given: the last one wins.
type varFlags struct{ sources []specs.VarSource }

func (v *varFlags) single() *varFlag {
	return &varFlag{typ: "name=value", set: func(s string) error {
		src, err := specs.ParseVar(s)
		if err == nil {
			v.sources = append(v.sources, src)
		}
		return err
	}}
}

func (v *varFlags) file() *varFlag {
	return &varFlag{typ: "file", set: func(s string) error {
		v.sources = append(v.sources, specs.VarSource{File: s})
		return nil
	}}
}

// varFlag is one of the two as a flag.Value.
type varFlag struct {
	typ string
	set func(string) error
}

// String is empty: the flag has no default.
func (*varFlag) String() string { return "" }

// Set takes one value.
func (f *varFlag) Set(s string) error { return f.set(s) }

// Type names the value in help.
func (f *varFlag) Type() string { return f.typ }

// share is the part of Okta's rate limits that keymaker may use, in percent; 0 stands for all of it.
type share int

// String is the number, 100 when none was given.
func (s *share) String() string {
	if *s == 0 {
		return "100"
	}
	return strconv.Itoa(int(*s))
}

// Set takes a whole number from 1 to 100.
func (s *share) Set(text string) error {
	n, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	if err != nil || n < 1 || n > 100 {
		return errors.New("a share is a whole number of percent, 1 to 100")
	}
	*s = share(n)
	return nil
}

// Type names the value in help.
func (*share) Type() string { return "percent" }

// reserve is the part that is left to others, 0 to 0.99.
func (s share) reserve() float64 {
	if s == 0 {
		return 0
	}
	return 1 - float64(s)/100
}

// files are those of the spec, as far as it was loaded.
func (p *program) files() map[string]*hcl.File {
	if p.spec == nil {
		return nil
	}
	return p.spec.Files
}

// load is stages 1 and 2: the spec's files become want objects. Diagnostics are shown; an error among them ends the command.
func (p *program) load(path string) (*specs.Spec, error) {
	spec, diags := specs.Load(path, languages(), p.specOptions())
	p.spec = spec
	if p.out.diagnose(diags, spec.Files) {
		return nil, exit{code: exitError}
	}
	return spec, nil
}
