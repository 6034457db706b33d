package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	driver "github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/rogpeppe/go-internal/testscript"

	"keymaker/okta/oktatest"
)

// runCypher is what another administrator does to a Neo4j, behind keymaker's back.
func runCypher(ctx context.Context, uri, password string, statements ...string) error {
	d, err := driver.NewDriverWithContext(uri, driver.BasicAuth("neo4j", password, ""))
	if err != nil {
		return err
	}
	defer d.Close(ctx)
	for _, s := range statements {
		if _, err := driver.ExecuteQuery(ctx, d, s, nil, driver.EagerResultTransformer, driver.ExecuteQueryWithDatabase("system")); err != nil {
			return err
		}
	}
	return nil
}

// askCypher reads as another administrator.
func askCypher(ctx context.Context, uri, password, query string) ([]map[string]any, error) {
	d, err := driver.NewDriverWithContext(uri, driver.BasicAuth("neo4j", password, ""))
	if err != nil {
		return nil, err
	}
	defer d.Close(ctx)
	result, err := driver.ExecuteQuery(ctx, d, query, nil, driver.EagerResultTransformer, driver.ExecuteQueryWithDatabase("system"))
	if err != nil {
		return nil, err
	}
	var rows []map[string]any
	for _, r := range result.Records {
		rows = append(rows, r.AsMap())
	}
	return rows, nil
}

// cmdSamefile compares two saved plans but for their time and digest: samefile A B.
func cmdSamefile(ts *testscript.TestScript, _ bool, args []string) {
	strip := func(name string) string {
		text := ts.ReadFile(name)
		for _, key := range []string{`"created":"`, `"digest":"`} {
			before, after, ok := strings.Cut(text, key)
			if !ok {
				ts.Fatalf("%s has no %s", name, key)
			}
			_, after, _ = strings.Cut(after, `"`)
			text = before + after
		}
		return text
	}
	if strip(args[0]) != strip(args[1]) {
		ts.Fatalf("%s and %s differ in more than the time", args[0], args[1])
	}
}

// cmdTamper copies a file and changes one letter of a text in it, which leaves it JSON: tamper FROM TO.
func cmdTamper(ts *testscript.TestScript, _ bool, args []string) {
	data := []byte(ts.ReadFile(args[0]))
	i := bytes.LastIndex(data, []byte("neo4j"))
	if i < 0 {
		ts.Fatalf("%s says nothing of neo4j", args[0])
	}
	data[i] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

// cmdInFlight runs a command, sends it signals while a call of it waits for its answer, and checks its exit code:
//
//	inflight CODE SIGNALS METHOD PATH COMMAND...
//
// SIGNALS are INT, TERM, KILL, joined by commas; the second is sent a moment after the first. A code of -1 is a process that was killed. Its outputs are in the files
// stdout.txt and stderr.txt.
func cmdInFlight(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("servers").(*servers)
	seen := s.came(args[2], args[3])
	s.okta.Fault(oktatest.Fault{Method: args[2], Path: args[3], Delay: 700 * time.Millisecond})
	defer s.okta.ClearFaults()
	cmd := process(ts, args[4:])
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for s.came(args[2], args[3]) == seen {
		select {
		case err := <-ended:
			ts.Fatalf("it ended before the call: %v\n%s%s", err, stdout.String(), stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	for i, name := range strings.Split(args[1], ",") {
		if i > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		ts.Check(cmd.Process.Signal(map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}[name]))
	}
	<-ended
	finish(ts, cmd, args[0], stdout.String(), stderr.String())
}

// cmdWaiting runs a command, sends it signals when its stderr says something, and checks its exit code:
//
//	waiting CODE SIGNALS TEXT COMMAND...
//
// SIGNALS are as for inflight. A moment after them the file go is there.
func cmdWaiting(ts *testscript.TestScript, _ bool, args []string) {
	_ = os.Remove(ts.MkAbs("go"))
	cmd := process(ts, args[3:])
	said, err := cmd.StderrPipe()
	ts.Check(err)
	var stdout, stderr strings.Builder
	cmd.Stdout = &stdout
	ts.Check(cmd.Start())
	sent := false
	for buffer := make([]byte, 4096); ; {
		n, err := said.Read(buffer)
		stderr.Write(buffer[:n])
		if err != nil {
			break
		}
		if sent || !strings.Contains(stderr.String(), args[2]) {
			continue
		}
		sent = true
		for i, name := range strings.Split(args[1], ",") {
			if i > 0 {
				time.Sleep(100 * time.Millisecond)
			}
			ts.Check(cmd.Process.Signal(map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}[name]))
		}
		time.Sleep(100 * time.Millisecond)
		ts.Check(os.WriteFile(ts.MkAbs("go"), nil, 0o600))
	}
	_ = cmd.Wait() // its exit code is looked at
	finish(ts, cmd, args[0], stdout.String(), stderr.String())
	if !sent {
		ts.Fatalf("it never said %q\n%s", args[2], stderr.String())
	}
}

// process prepares a command in the script's folder and environment.
func process(ts *testscript.TestScript, words []string) *exec.Cmd {
	path, err := lookPath(ts, words[0])
	ts.Check(err)
	cmd := exec.Command(path, words[1:]...)
	cmd.Args[0], cmd.Dir = words[0], ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "OKTA_CLIENT_ORGURL", "OKTA_CLIENT_TOKEN", "NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD", "KEYMAKER_NEO4J_CONF_FILE", "KEYMAKER_NEO4J_RESTART"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

// finish leaves a command's outputs in stdout.txt and stderr.txt, and checks its exit code.
func finish(ts *testscript.TestScript, cmd *exec.Cmd, code, stdout, stderr string) {
	ts.Check(os.WriteFile(ts.MkAbs("stdout.txt"), []byte(stdout), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), []byte(stderr), 0o600))
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != code {
		ts.Fatalf("exit code %s, want %s\n%s%s", got, code, stdout, stderr)
	}
}

// cmdAsked runs a command until it asks, lets another administrator run a statement in the meantime, and answers: asked CODE ANSWER STATEMENT COMMAND...
func cmdAsked(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("servers").(*servers)
	cmd := process(ts, args[3:])
	stdin, err := cmd.StdinPipe()
	ts.Check(err)
	asked, err := cmd.StderrPipe()
	ts.Check(err)
	var stdout, stderr strings.Builder
	cmd.Stdout = &stdout
	ts.Check(cmd.Start())
	buffer := make([]byte, 4096)
	for answered := false; ; {
		n, err := asked.Read(buffer)
		stderr.Write(buffer[:n])
		if err != nil {
			break
		}
		if text := strings.TrimRight(stderr.String(), " "); !answered && strings.HasSuffix(text, ":") {
			answered = true
			ts.Check(runCypher(context.Background(), s.neo4j.URL, s.neo4j.Password, args[2]))
			_, err := stdin.Write([]byte(args[1] + "\n"))
			ts.Check(err)
		}
	}
	_ = cmd.Wait() // its exit code is looked at
	finish(ts, cmd, args[0], stdout.String(), stderr.String())
}

func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return exec.LookPath(name)
}

// cmdHeld takes a lock as another run would, until released: held FILE, released FILE.
func cmdHeld(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("servers").(*servers)
	file, err := openLock(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(writeHolder(file, "a test"))
	s.locks = append(s.locks, file)
	ts.Defer(func() { _ = file.Close() })
}

func cmdReleased(ts *testscript.TestScript, _ bool, _ []string) {
	s := ts.Value("servers").(*servers)
	for _, file := range s.locks {
		closeLock(file)
	}
	s.locks = nil
}
