package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// measure makes a spec, starts the servers, and runs plan, apply and plan again.
func (l *lab) measure(ctx context.Context, c trial, dir string, tell func(row)) (err error) {
	spec, prefix := filepath.Join(dir, "spec"), "bench"
	if l.live {
		prefix = l.id
	}
	if err := os.MkdirAll(spec, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(spec, "main.hcl"), []byte(c.spec(prefix, !l.live)), 0o600); err != nil {
		return err
	}
	r := &runner{binary: l.binary, dir: dir, spec: spec, env: os.Environ(), share: c.share}
	if !l.live {
		stop, err := r.sandbox(ctx, c)
		if err != nil {
			return err
		}
		defer stop()
	}
	tellOf := func(what string, one row) {
		if one.trial, one.what = c, what; c.only == "" || c.only == what {
			tell(one)
		}
	}
	one, summary, err := r.plan(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", planNew, err)
	}
	tellOf(planNew, one)
	if l.live {
		if err := summary.onlyCreates(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.takeAway(ctx, r, summary)) }()
	}
	if one, err = r.apply(ctx); err != nil {
		return fmt.Errorf("%s: %w", applyNew, err)
	}
	tellOf(applyNew, one)
	if one, err = r.settled(ctx, l.runs); err != nil {
		return fmt.Errorf("%s: %w", planNone, err)
	}
	tellOf(planNone, one)
	if l.terraform && !c.alone && c.only == "" {
		return l.terraformToo(ctx, r, c, prefix, tell)
	}
	return nil
}

// runner runs keymaker on one spec.
type runner struct {
	binary, dir, spec string
	env               []string
	share             int
}

// sandbox starts the emulated servers under the trial's conditions.
func (r *runner) sandbox(ctx context.Context, c trial) (stop func(), err error) {
	args := []string{"sandbox", "--dir", filepath.Join(r.dir, "sandbox"), "--latency", c.latency.String()}
	if c.limits != "" {
		args = append(args, "--rate-limits", c.limits)
	}
	cmd := command(ctx, r.binary, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // nobody asks how a sandbox ended
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "# ready" {
			return stop, nil
		}
		if assignment, ok := strings.CutPrefix(lines.Text(), "export "); ok {
			name, value, _ := strings.Cut(assignment, "=")
			r.env = append(r.env, name+"="+strings.ReplaceAll(strings.Trim(value, "'"), `'\''`, `'`))
		}
	}
	stop()
	return nil, errors.New("the sandbox did not start")
}

// patience is how long a program that was interrupted may take to end what it has begun.
const patience = 2 * time.Minute

// command is a program that is interrupted when ctx ends, and not killed: it is to end what it has begun. Ctrl-C at a terminal does not reach it by itself.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	return cmd
}

// timed runs a program to its end, and gives what it printed. children says that its memory is also that of the processes that it starts.
func timed(cmd *exec.Cmd, children bool) ([]byte, row, error) {
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	began := time.Now()
	err := cmd.Start()
	var peak float64
	if err == nil {
		watched := watchPeak(cmd.Process.Pid, children)
		err = cmd.Wait()
		peak = watched()
	}
	if err != nil {
		return nil, row{}, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, lastOf(said.String()))
	}
	if peak == 0 { // no /proc here
		peak = peakOf(cmd.ProcessState)
	}
	return out.Bytes(), row{seconds: time.Since(began).Seconds(), peak: peak, busy: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()}, nil
}

// lastOf is the end of what a program said.
func lastOf(text string) string {
	const most = 20
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

func (r *runner) run(ctx context.Context, args ...string) ([]byte, row, error) {
	if r.share > 0 {
		args = append(args, "--rate-share", fmt.Sprint(r.share))
	}
	cmd := command(ctx, r.binary, args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	return timed(cmd, false)
}

// tally is a number of calls as keymaker's documents have it.
type tally struct {
	N int `json:"n"`
}

func sum(ts []tally) int {
	n := 0
	for _, t := range ts {
		n += t.N
	}
	return n
}

// summary is what a plan would change.
type summary struct {
	Create int `json:"create"`
	Update int `json:"update"`
	Delete int `json:"delete"`
}

// plan runs a plan and counts what its reads cost.
func (r *runner) plan(ctx context.Context) (row, summary, error) {
	out, one, err := r.run(ctx, "plan", "--json", r.spec)
	if err != nil {
		return one, summary{}, err
	}
	var doc struct {
		Keymaker struct {
			Targets []struct {
				System string  `json:"system"`
				Calls  []tally `json:"calls"`
			} `json:"targets"`
			Summary summary `json:"summary"`
		} `json:"keymaker"`
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return one, summary{}, err
	}
	for _, t := range doc.Keymaker.Targets {
		one.count(t.System, sum(t.Calls))
	}
	return one, doc.Keymaker.Summary, nil
}

// settled runs plans that find nothing to do, and gives the one that took the time in the middle.
func (r *runner) settled(ctx context.Context, runs int) (row, error) {
	var all []row
	for range runs {
		one, would, err := r.plan(ctx)
		if err != nil {
			return one, err
		}
		if would != (summary{}) {
			return one, fmt.Errorf("it has %d changes", would.Create+would.Update+would.Delete)
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b row) int { return int(1e6 * (a.seconds - b.seconds)) })
	return all[len(all)/2], nil
}

// apply applies, and counts what the changes cost; reads before and after them are those of two plans.
func (r *runner) apply(ctx context.Context) (row, error) {
	file := filepath.Join(r.dir, "report.json")
	_, one, err := r.run(ctx, "apply", "--auto-approve", "--report", file, r.spec)
	if err != nil {
		return one, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return one, err
	}
	var doc struct {
		Costs []struct {
			System string  `json:"system"`
			Made   []tally `json:"made"`
		} `json:"costs"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return one, err
	}
	for _, c := range doc.Costs {
		one.count(c.System, sum(c.Made))
	}
	return one, nil
}

func (r *row) count(system string, n int) {
	switch system {
	case "okta":
		r.okta += n
	case "neo4j":
		r.neo4j += n
	}
}
