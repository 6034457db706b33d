package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	binary, cases, sizes string
	live, terraform      bool
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	var o options
	flags := flag.NewFlagSet("benchmark", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.binary, "keymaker", "", "the `program` to measure; built from this folder's module when left out")
	flags.StringVar(&o.cases, "cases", "all", "`quick` or all")
	flags.StringVar(&o.sizes, "sizes", "", "only these `numbers` of accounts, without latency and limits: 10,100")
	flags.BoolVar(&o.live, "live", false, "measure against the servers that the environment names")
	flags.BoolVar(&o.terraform, "terraform", false, "measure terraform or tofu on the same accounts too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cases, err := choose(o)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "keymaker-benchmark")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.binary == "" {
		o.binary = filepath.Join(dir, "keymaker")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.binary, "keymaker/cmd/keymaker")
		build.Stderr = log
		if err := build.Run(); err != nil {
			return fmt.Errorf("build keymaker: %w", err)
		}
	}
	fmt.Fprintf(out, "Measured on %s.\n\n%s", machine(), header)
	for i, c := range cases {
		fmt.Fprintf(log, "[%d/%d] %s\n", i+1, len(cases), c)
		rows, err := c.measure(ctx, o, filepath.Join(dir, strconv.Itoa(i)))
		for _, r := range rows {
			fmt.Fprintln(out, r)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

// trial is a size under conditions.
type trial struct {
	accounts int
	latency  time.Duration
	limits   string // a kind of org, "" for none
	share    int    // percent of each limit, 0 for all
	planOnly bool   // an apply would only repeat what smaller sizes say
	slow     bool   // it waits for limits
}

// String says it for people.
func (c trial) String() string {
	s := fmt.Sprintf("%d accounts", c.accounts)
	if c.latency > 0 {
		s += fmt.Sprintf(", %s away", c.latency)
	}
	if c.limits != "" {
		s += ", limits: " + c.limits
	}
	if c.share > 0 {
		s += fmt.Sprintf(", share %d %%", c.share)
	}
	return s
}

func choose(o options) ([]trial, error) {
	if o.sizes != "" {
		var cases []trial
		for _, text := range strings.Split(o.sizes, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil || n < 1 {
				return nil, fmt.Errorf("-sizes: %q is no number of accounts", text)
			}
			cases = append(cases, trial{accounts: n})
		}
		return cases, nil
	}
	all := []trial{
		{accounts: 10}, {accounts: 100}, {accounts: 1000},
		{accounts: 500, latency: 50 * time.Millisecond},
		{accounts: 200, latency: 50 * time.Millisecond, limits: "enterprise", slow: true},
		{accounts: 200, latency: 50 * time.Millisecond, limits: "enterprise", share: 50, slow: true},
		{accounts: 10000, planOnly: true},
	}
	switch o.cases {
	case "all":
		return all, nil
	case "quick":
		var quick []trial
		for _, c := range all {
			if !c.slow {
				quick = append(quick, c)
			}
		}
		return quick, nil
	}
	return nil, fmt.Errorf("-cases is quick or all, and not %q", o.cases)
}

// machine names where the numbers come from.
func machine() string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				name += ", " + strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, the emulated servers on the same machine", name, runtime.NumCPU(), runtime.Version())
}
