package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	binary, cases, sizes, readme string
	live, yes, terraform         bool
	provider                     string // the file of Terraform's provider
	runs                         int

	latency time.Duration // of the emulated servers, with sizes
	limits  string
	share   int
}

func run(ctx context.Context, args []string, in io.Reader, out, log io.Writer) error {
	o, err := parse(args, log)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	cases, err := choose(o)
	if err != nil {
		return err
	}
	l := &lab{options: o, log: log}
	if o.live {
		if err := l.agree(in, cases); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "keymaker-benchmark")
	if err != nil {
		return err
	}
	l.dir = dir
	defer l.tidy()
	if err := l.build(ctx); err != nil {
		return err
	}
	var table strings.Builder
	both := io.MultiWriter(out, &table)
	fmt.Fprintf(both, "%s", header)
	for i, c := range cases {
		fmt.Fprintf(log, "[%d/%d] %s\n", i+1, len(cases), strings.ReplaceAll(c.String(), "`", ""))
		err := l.measure(ctx, c, filepath.Join(dir, strconv.Itoa(i)), func(r row) { fmt.Fprintln(both, r) })
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	fmt.Fprintf(both, "\nMeasured on %s. %s\n", machine(o.live), notes(cases))
	for _, n := range l.notes {
		fmt.Fprintf(both, "\n%s\n", n)
	}
	if o.readme != "" {
		return replace(o.readme, table.String())
	}
	return nil
}

func parse(args []string, log io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("benchmark", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.binary, "keymaker", "", "the `program` to measure; built from this folder's module when left out")
	flags.StringVar(&o.cases, "cases", "all", "`quick` or all")
	flags.StringVar(&o.sizes, "sizes", "", "only these `numbers` of accounts: 10,100")
	flags.DurationVar(&o.latency, "latency", 0, "with -sizes: the emulated servers answer `after` this time: 50ms")
	flags.StringVar(&o.limits, "rate-limits", "", "with -sizes: the emulated Okta keeps to the rate limits of such an `org`, as keymaker sandbox does")
	flags.IntVar(&o.share, "rate-share", 0, "with -sizes: keymaker uses at most this `percent` of each limit")
	flags.IntVar(&o.runs, "runs", 3, "how often a plan of no change is `made`; the one in the middle counts")
	flags.StringVar(&o.readme, "readme", "", "put the table into this `file` too, between "+strings.TrimSpace(tableBegins)+" and "+strings.TrimSpace(tableEnds))
	flags.BoolVar(&o.live, "live", false, "measure against the servers that the environment names: it asks first, and takes away what it made")
	flags.BoolVar(&o.yes, "yes", false, "with -live: do not ask")
	flags.BoolVar(&o.terraform, "terraform", false, "measure terraform or tofu on the same accounts too")
	flags.StringVar(&o.provider, "terraform-provider", "", "with -terraform: the `file` of Okta's provider, where no registry has it")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("it takes flags only, and not %q", flags.Arg(0))
	case o.runs < 1:
		return o, fmt.Errorf("-runs: %d is less than once", o.runs)
	case o.live && (o.sizes == "" && o.cases != "all" || o.latency != 0 || o.limits != ""):
		return o, errors.New("-live takes -sizes and no conditions: latency and limits are what the servers have")
	case o.live && o.readme != "":
		return o, errors.New("-readme is for the emulated servers")
	}
	return o, nil
}

// lab is one run of the benchmark.
type lab struct {
	options
	dir   string
	log   io.Writer
	notes []string // for under the table
	keep  bool     // the folder, as something that was made is left
	id    string   // what the names of things made on live servers begin with
	noTF  bool     // terraform was tried, and cannot be measured
}

func (l *lab) tidy() {
	if !l.keep {
		_ = os.RemoveAll(l.dir)
	}
}

// build makes the program to measure, unless there is one.
func (l *lab) build(ctx context.Context) error {
	if l.binary != "" {
		path, err := exec.LookPath(l.binary)
		if err == nil {
			l.binary, err = filepath.Abs(path)
		}
		return err
	}
	l.binary = filepath.Join(l.dir, "keymaker")
	build := exec.CommandContext(ctx, "go", "build", "-o", l.binary, "keymaker/cmd/keymaker")
	build.Stderr = l.log
	if err := build.Run(); err != nil {
		return fmt.Errorf("build keymaker: %w", err)
	}
	return nil
}

// note tells something once: at once, and under the table.
func (l *lab) note(text string) {
	fmt.Fprintln(l.log, text)
	l.notes = append(l.notes, text)
}
