//go:build unix

package neo4j

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"keymaker/reconcile"
)

// A run that is told to stop ends the restart of the member that is on its way, and begins no other; the next run finds those that are left.
func TestStopBetweenMembers(t *testing.T) {
	t.Parallel()
	r := newRig(t, withMembers(3), withConf)
	stop, direct := make(chan struct{}), r.sys.restart.direct
	r.sys.stop = stop
	restarted := 0
	r.sys.restart.direct = func(ctx context.Context, member string) error {
		if restarted++; restarted == 1 {
			close(stop)
		}
		return direct(ctx, member)
	}
	res := r.apply(r.plan(etlWriter(r), provider(r, nil)))
	last := res.Results[len(res.Results)-1]
	if restarted != 1 || last.Status == reconcile.StatusDone || last.Err == nil || !strings.Contains(last.Err.Error(), "stopped after 1 of 3 members; not restarted: ") {
		t.Fatalf("%d restarted, %+v", restarted, last)
	}
	r.sys.stop, restarted = nil, 1
	r.applied(r.plan(etlWriter(r), provider(r, nil)))
	if restarted != 3 {
		t.Errorf("%d members restarted in all, want 3", restarted)
	}
	r.insync(etlWriter(r), provider(r, nil))
}

// Ctrl-C at a terminal goes to all processes of a group: the command that restarts a member is in one of its own.
func TestRestartCommandOutlivesCtrlC(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	file := filepath.Join(t.TempDir(), "stat")
	if err := runCommand(t.Context(), []string{"sh", "-c", "cat /proc/$$/stat >" + file}, "m:7687"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	group, err := strconv.Atoi(strings.Fields(string(data))[4])
	if err != nil || group == syscall.Getpgrp() {
		t.Errorf("the command's process group is %d, as ours: %v", group, err)
	}
}
