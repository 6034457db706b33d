package main

import (
	"runtime"
	"testing"
)

// The heap may grow to a bound that grows with what is alive, and never to less than two fifths more: a small one is not swept at every other megabyte, and a large one stays
// within what pipelines have.
func TestGrowth(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ alive, most uint64 }{
		{1, 16}, {8, 16}, {11, 16}, {20, 28}, {30, 42}, {31, 43}, {32, 64}, {60, 120}, {95, 190}, {100, 192}, {130, 192}, {150, 210}, {200, 280}, {400, 560},
	} {
		got := c.alive * mib * uint64(100+growth(c.alive*mib)) / 100 / mib
		if c.alive > 1 && (got > c.most || got+1 < c.most) || c.alive == 1 && got > smallHeap/mib {
			t.Errorf("with %d MiB alive the heap may grow to %d MiB, want %d", c.alive, got, c.most)
		}
	}
	if growth(0) <= 0 {
		t.Error("an empty heap may not grow")
	}
	for alive := uint64(0); alive < 2000; alive += 10 { // else it would be swept all the time
		if room := limit(alive*mib)/mib - int64(alive); room < 32 || limit(alive*mib) < usualMemory || room*100 < int64(alive)*garbagePercent {
			t.Errorf("with %d MiB alive there is room for %d MiB", alive, room)
		}
	}
}

// Garbage is bounded again after every sweep, as long as the program runs.
func TestAliveIsMeasured(t *testing.T) {
	kept := make([]byte, 8<<20)
	runtime.GC()
	if got := alive(); got < 8<<20 {
		t.Errorf("%d bytes are alive, of which one slice has %d", got, len(kept))
	}
	runtime.KeepAlive(kept)
}
