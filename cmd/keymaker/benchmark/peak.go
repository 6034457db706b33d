package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// watchPeak looks again and again at the most memory that a process had so far, and gives the last answer in MiB; 0 where there is no /proc. What the system tells of a
// process that has ended begins with what its parent held (getrusage(2)), and this parent has read large documents. With its children it is the most that all of them
// were seen to have at one time.
func watchPeak(pid int, children bool) (stop func() float64) {
	look := func() float64 { return kib(pid, "VmHWM:") }
	if children {
		look = func() float64 { return together(pid) }
	}
	ended, answer := make(chan struct{}), make(chan float64)
	go func() {
		peak := 0.0
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, look()/(1<<10))
			select {
			case <-tick.C:
			case <-ended:
				answer <- peak
				return
			}
		}
	}()
	return func() float64 { close(ended); return <-answer }
}

// kib is a line of a process's status, 0 when it is gone.
func kib(pid int, field string) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var n float64
	if _, rest, ok := strings.Cut(string(status), field); ok {
		_, _ = fmt.Sscan(rest, &n) // 0 then
	}
	return n
}

// together is what a process and all that it started hold.
func together(pid int) float64 {
	sum := kib(pid, "VmRSS:")
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is good
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for _, child := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(child); err == nil {
				sum += together(n)
			}
		}
	}
	return sum
}

// peakOf is the most memory that a process had at once, in MiB, as the system tells it at the end.
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
