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
	mediumAlive    = 32 << 20  // from so much that is alive on a heap may double,
	mediumHeap     = 192 << 20 // up to this size
	// usualMemory is what the whole program may take, as long as two fifths more than what is alive fit in. The percent alone does not keep to it: it was set by what was
	// alive a sweep ago. Were this limit fixed, a heap that it is too small for would be swept all the time; so it grows with what is alive.
	usualMemory = 224 << 20
	besideHeap  = 32 << 20 // stacks, and what the runtime needs to keep the heap
)

// boundGarbage keeps the heap within these bounds. GOGC and GOMEMLIMIT in the environment have the last word.
func boundGarbage() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(smallHeap / (4 << 20) * 100) // Go's smallest heap is 4 MiB at 100 percent
	afterSweep(0, 0)
}

// afterSweep sets the bounds anew after each sweep. It is called with those that are set.
func afterSweep(percent int, memory int64) {
	type bounds struct {
		percent int
		memory  int64
	}
	runtime.AddCleanup(new([16]byte), func(was bounds) { // what nobody holds goes with the next sweep
		now := bounds{growth(alive()), limit(alive())}
		if now.percent != was.percent {
			debug.SetGCPercent(now.percent)
		}
		if now.memory != was.memory {
			debug.SetMemoryLimit(now.memory)
		}
		afterSweep(now.percent, now.memory)
	}, bounds{percent, memory})
}

// limit is how many bytes the program may take in all with so many that are alive.
func limit(alive uint64) int64 {
	return int64(max(usualMemory, alive+alive*garbagePercent/100+besideHeap))
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
