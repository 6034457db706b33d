package reconciletest

import "runtime"

// Allocated is how many bytes a call allocates, over some rounds of it. What else the process does meanwhile counts too, so that it is for tests that run by themselves.
func Allocated(rounds int, call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		call()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / uint64(rounds)
}
