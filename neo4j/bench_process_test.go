//go:build unix

package neo4j

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strings"
	"syscall"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

// otherProcess starts an emulated server with the snapshot in a process of its own.
func otherProcess(b *testing.B, snapshot []byte) (uri string) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), serveEnv+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	var line strings.Builder
	if err := json.NewEncoder(&line).Encode(json.RawMessage(snapshot)); err != nil { // on one line
		b.Fatal(err)
	}
	if _, err := io.WriteString(in, line.String()); err != nil {
		b.Fatal(err)
	}
	uri, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(uri)
}

// heapPeak watches the heap until stop, and gives the most bytes that were live or not yet collected, above what there was before.
func heapPeak() (stop func() uint64) {
	read := func() uint64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before, most := read(), uint64(0)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			most = max(most, read())
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return most - min(before, most)
	}
}

// cpuTime is what this process has taken of the processors so far.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// What the client alone takes for 10,000 roles of ten privileges: the emulated server is another process, and what the spec declares is there before. s/read is the
// time of the whole, server and network included; cpu-s/read is this process's share of it, on however busy a machine; MiB-client is the most that the heap grew by.
func BenchmarkClientReadAndCompare(b *testing.B) {
	const count = 10000
	seeded := &neo4jtest.Server{Password: testPassword}
	if err := seeded.Start(); err != nil {
		b.Fatal(err)
	}
	want := seedRoles(b, seeded, count)
	snapshot, err := seeded.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	if err := seeded.Close(); err != nil {
		b.Fatal(err)
	}
	env := map[string]string{"NEO4J_URI": otherProcess(b, snapshot), "NEO4J_PASSWORD": testPassword}
	seeded, snapshot = nil, nil
	sys, err := Open(b.Context(), reconcile.Block{}, Options{Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }})
	if err != nil {
		b.Fatal(err)
	}
	defer sys.Close(b.Context())
	var most uint64
	var cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		stop := heapPeak()
		began := cpuTime(b)
		b.StartTimer()
		live, err := sys.Read(b.Context(), want)
		if err != nil {
			b.Fatal(err)
		}
		if n := reconcile.Compare(sys.Kinds(), want, live).Count(reconcile.InSync); n != count {
			b.Fatalf("%d of %d in sync", n, count)
		}
		cpu += cpuTime(b) - began
		most = max(most, stop())
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/read")
	b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/read")
	b.ReportMetric(float64(most)/(1<<20), "MiB-client")
}
