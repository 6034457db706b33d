package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// lockFlags are the flags of commands that write.
type lockFlags struct {
	file    string
	timeout time.Duration
}

func (f *lockFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.file, "lock-file", "", "let no other run that names this `file` write at the same time (.keymaker/lock with --sandbox)")
	c.Flags().DurationVar(&f.timeout, "lock-timeout", 0, "wait so long for the lock")
}

// holder is who has a lock, as the lock file says it.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
	What  string    `json:"what"`
}

// String names the holder for those who wait.
func (h holder) String() string {
	if h.PID == 0 {
		return "somebody who has not said who"
	}
	return fmt.Sprintf("%s, process %d on %s, since %s", h.What, h.PID, h.Host, h.Since.Format(time.RFC3339))
}

// lockPause is the time between two tries.
const lockPause = 100 * time.Millisecond

// lock takes the lock of a run that writes, and gives the function that lets it go. Without --lock-file there is one only for the sandbox. The operating system
// holds the lock with the process: one that is killed holds none.
func (p *program) lock(ctx context.Context, flags lockFlags, what string) (func(), error) {
	path := flags.file
	if path == "" {
		if !p.sandbox {
			return func() {}, nil
		}
		path = filepath.Join(sandboxDir, "lock")
		if err := os.MkdirAll(sandboxDir, 0o700); err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
	}
	deadline := time.Now().Add(flags.timeout)
	for told := false; ; told = true {
		file, err := openLock(path)
		if err == nil {
			return func() { closeLock(file) }, writeHolder(file, what)
		}
		if !errors.Is(err, errHeld) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		who := readHolder(path)
		if !time.Now().Before(deadline) {
			return nil, fmt.Errorf("lock %s is held by %s: nothing was written; wait for it, or give --lock-timeout", path, who)
		}
		if !told {
			fmt.Fprintf(p.out.err, "waiting for lock %s, held by %s\n", path, who)
		}
		select {
		case <-time.After(lockPause):
		case <-p.stop:
			return nil, exit{code: exitInterrupted, err: errors.New("interrupted before anything was written")}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errHeld = errors.New("held by another process")

func writeHolder(file *os.File, what string) error {
	host, _ := os.Hostname() // "" where there is none
	text, err := json.Marshal(holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second), What: what})
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = file.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		closeLock(file)
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

func readHolder(path string) holder {
	var h holder
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal([]byte(strings.TrimSpace(string(text))), &h) != nil {
		return holder{}
	}
	return h
}
