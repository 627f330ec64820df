package part

import (
	"runtime"

	"github.com/battlereport/battlereport/cmd/internal/bench/memory"
)

// Expense is what a contestant has used of memory, from its start to its end.
type Expense struct {
	Allocs     uint64
	AllocBytes uint64
	Peak       int64 // resident, bytes; 0: not known here
}

func expenses() Expense {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Expense{Allocs: m.Mallocs, AllocBytes: m.TotalAlloc, Peak: memory.Peak()}
}
