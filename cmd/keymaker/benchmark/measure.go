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
	"runtime"
	"strings"
	"syscall"
	"time"
)

const header = "| accounts and roles | what | Okta requests | Neo4j calls | seconds | peak MiB |\n|---|---|--:|--:|--:|--:|\n"

// row is one line of the table.
type row struct {
	trial         trial
	what          string
	okta, neo4j   int
	seconds, peak float64
}

// String is the line.
func (r row) String() string {
	return fmt.Sprintf("| %s | %s | %d | %d | %.2f | %.0f |", r.trial, r.what, r.okta, r.neo4j, r.seconds, r.peak)
}

// measure makes a spec, starts the servers, and runs plan, apply and plan again.
func (c trial) measure(ctx context.Context, o options, dir string) (rows []row, err error) {
	spec := filepath.Join(dir, "spec")
	if err := os.MkdirAll(spec, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(spec, "main.hcl"), []byte(c.spec()), 0o600); err != nil {
		return nil, err
	}
	r := runner{binary: o.binary, dir: dir, spec: spec, env: os.Environ(), share: c.share}
	if !o.live {
		stop, err := r.sandbox(ctx, c)
		if err != nil {
			return nil, err
		}
		defer stop()
	} else {
		defer func() { err = errors.Join(err, r.destroy(context.WithoutCancel(ctx))) }()
	}
	steps := []struct {
		what string
		do   func(context.Context) (row, error)
	}{{"plan of all new", r.plan}, {"apply", r.apply}, {"plan of no change", r.plan}}
	if c.planOnly {
		steps = steps[:1]
	}
	for _, s := range steps {
		one, err := s.do(ctx)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", s.what, err)
		}
		one.trial, one.what = c, s.what
		rows = append(rows, one)
	}
	if o.terraform {
		more, err := r.terraform(ctx, c)
		return append(rows, more...), err
	}
	return rows, nil
}

// spec is as many accounts that share a policy, and as many roles with ten privileges each.
func (c trial) spec() string {
	return fmt.Sprintf(`locals {
  names = toset(slice([for p in setproduct(range(100), range(100)) : format("bench_%%02d_%%02d", p[0], p[1])], 0, %d))
}

okta "app" "svc" {
  for_each  = local.names
  label     = each.key
  client_id = each.key
  profile   = { neo4j_groups = ["bench_writer"] }
}

okta "scope" "neo4j_groups" {}

okta "claim" "groups" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.neo4j_groups]
}

okta "policy" "bench" {
  clients = values(okta.app.svc)
  rule "cc" { scopes = [okta.scope.neo4j_groups] }
}

neo4j "role" "writer" {
  for_each = local.names
  name     = each.key
  grant = [
    "ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j NODES A, B, C, D, E", "TRAVERSE ON GRAPH neo4j RELATIONSHIPS R, S, T", "WRITE ON GRAPH neo4j",
  ]
}

neo4j "oidc_provider" "okta" {
  authorization_server = okta.authorization_server.default
  username_claim       = "sub"
  groups_claim         = okta.claim.groups
  token_type           = "access_token"
  visible              = false
  group_to_role        = { bench_writer = [neo4j.role.writer["bench_00_00"]] }
}
`, c.accounts)
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
	cmd := exec.CommandContext(ctx, r.binary, args...)
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

// run runs one command, and gives what it printed.
func (r *runner) run(ctx context.Context, args ...string) ([]byte, row, error) {
	if r.share > 0 {
		args = append(args, "--rate-share", fmt.Sprint(r.share))
	}
	cmd := exec.CommandContext(ctx, r.binary, args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	began := time.Now()
	err := cmd.Start()
	var peak float64
	if err == nil {
		watched := watchPeak(cmd.Process.Pid)
		err = cmd.Wait()
		peak = watched()
	}
	if err != nil {
		return nil, row{}, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, said.String())
	}
	if peak == 0 { // no /proc here
		peak = peakOf(cmd.ProcessState)
	}
	return out.Bytes(), row{seconds: time.Since(began).Seconds(), peak: peak}, nil
}

// watchPeak looks again and again at the most memory that a process had so far, and gives the last answer in MiB; 0 where there is no /proc. What the system tells of a
// process that has ended begins with what its parent held (getrusage(2)), and this parent has read large documents.
func watchPeak(pid int) (stop func() float64) {
	ended, answer := make(chan struct{}), make(chan float64)
	go func() {
		peak := 0.0
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
				if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
					var kib float64
					if _, err := fmt.Sscan(rest, &kib); err == nil {
						peak = max(peak, kib/(1<<10))
					}
				}
			}
			select {
			case <-tick.C:
			case <-ended:
				tick.Stop()
				answer <- peak
				return
			}
		}
	}()
	return func() float64 { close(ended); return <-answer }
}

// peakOf is the most memory that a process had at once, in MiB.
func peakOf(state *os.ProcessState) float64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" { // bytes there, KiB elsewhere
		return float64(usage.Maxrss) / (1 << 20)
	}
	return float64(usage.Maxrss) / (1 << 10)
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

// plan runs a plan and counts what its reads cost.
func (r *runner) plan(ctx context.Context) (row, error) {
	out, one, err := r.run(ctx, "plan", "--json", r.spec)
	if err != nil {
		return one, err
	}
	var doc struct {
		Keymaker struct {
			Targets []struct {
				System string  `json:"system"`
				Calls  []tally `json:"calls"`
			} `json:"targets"`
		} `json:"keymaker"`
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return one, err
	}
	for _, t := range doc.Keymaker.Targets {
		one.count(t.System, sum(t.Calls))
	}
	return one, nil
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

// destroy takes everything away again.
func (r *runner) destroy(ctx context.Context) error {
	_, _, err := r.run(ctx, "destroy", "--auto-approve", r.spec)
	return err
}
