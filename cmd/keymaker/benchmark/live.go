package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// agree says what a run against live servers will make, and asks. Only yes is a yes.
func (l *lab) agree(in io.Reader, cases []trial) error {
	for _, name := range []string{"OKTA_CLIENT_ORGURL", "NEO4J_URI"} {
		if os.Getenv(name) == "" {
			return fmt.Errorf("-live needs %s, and the credentials that keymaker reads beside it", name)
		}
	}
	l.id = "kmbench_" + strings.ToLower(rand.Text()[:8])
	most := 0
	for _, c := range cases {
		most = max(most, c.accounts)
	}
	fmt.Fprintf(l.log, `This writes to live servers:
  %s   up to %d apps, a scope, a claim and a policy with a rule on the authorization server default
  %s   up to %d roles, and no provider, since a new one takes a restart
The names of all of them begin with %s. It goes on only where each is new, and takes them away again, also after a failure and after Ctrl-C.
`, os.Getenv("OKTA_CLIENT_ORGURL"), most, os.Getenv("NEO4J_URI"), most, l.id)
	if l.terraform {
		fmt.Fprintln(l.log, "Behind that Terraform does the same to Okta once more.")
	}
	if l.yes {
		return nil
	}
	fmt.Fprint(l.log, "\nDo that? Only yes is a yes: ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("not approved: nothing was written (-yes goes on without asking)")
	}
	return nil
}

// onlyCreates refuses a plan that would change or delete what is there.
func (s summary) onlyCreates() error {
	if s.Update+s.Delete > 0 {
		return fmt.Errorf("the plan would change %d objects that are there and delete %d: nothing was written", s.Update, s.Delete)
	}
	return nil
}

// takeAway deletes what a run against live servers made, also when that run failed or was interrupted, and looks whether all of it is gone. A further Ctrl-C ends it.
func (l *lab) takeAway(ctx context.Context, r *runner, made summary) error {
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Fprintln(l.log, "taking away what was made …")
	_, _, err := r.run(ctx, "destroy", "--auto-approve", r.spec)
	var left summary
	if err == nil {
		_, left, err = r.plan(ctx)
	}
	if err == nil && left != made {
		err = fmt.Errorf("%d of %d objects are still there", made.Create-left.Create, made.Create)
	}
	if err != nil {
		l.keep = true
		return fmt.Errorf("take away what was made: %w\nwhat is left has names that begin with %s; `keymaker destroy %s` takes it away", err, l.id, r.spec)
	}
	fmt.Fprintln(l.log, "all of it is gone")
	return nil
}
