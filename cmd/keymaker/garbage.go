package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much the heap may grow over what is alive in it before it is swept: a plan runs in a pipeline's small container. Where it is small anyhow it may be more, so that
// not every other megabyte is a sweep, which costs more than all the rest; where it is large, two fifths.
const (
	garbagePercent = 40
	smallHeap      = 16 << 20  // bytes that a heap may have before it is swept at all
	mediumAlive    = 96 << 20  // from so much that is alive on a heap may double,
	mediumHeap     = 220 << 20 // up to this size
)

// boundGarbage keeps the heap within these bounds. GOGC and GOMEMLIMIT in the environment have the last word.
func boundGarbage() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(smallHeap / (4 << 20) * 100) // Go's smallest heap is 4 MiB at 100 percent
	afterSweep(0)
}

// afterSweep sets the bound anew after each sweep. It is called with the percent that is set.
func afterSweep(percent int) {
	runtime.AddCleanup(new([16]byte), func(was int) { // what nobody holds goes with the next sweep
		now := growth(alive())
		if now != was {
			debug.SetGCPercent(now)
		}
		afterSweep(now)
	}, percent)
}

func alive() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// growth is the percent by which a heap of so many bytes that are alive may grow.
func growth(alive uint64) int {
	most := uint64(smallHeap)
	if alive >= mediumAlive {
		most = min(2*alive, mediumHeap)
	}
	percent := garbagePercent
	if alive > 0 && most > alive {
		percent = max(percent, int((most-alive)*100/alive))
	}
	return min(percent, smallHeap/(4<<20)*100)
}
