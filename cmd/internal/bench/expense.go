package bench

import "runtime"

// expense is what a contestant has used of memory, from its start to its end.
type expense struct {
	Allocs     uint64
	AllocBytes uint64
	Peak       int64 // resident, bytes; 0: not known here
}

func expenses() expense {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return expense{Allocs: m.Mallocs, AllocBytes: m.TotalAlloc, Peak: residentPeak()}
}
