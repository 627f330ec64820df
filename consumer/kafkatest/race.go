//go:build race

package kafkatest

import (
	"runtime"
	"sync"
	"testing"
)

// oneProcessor runs the rest of the test on one processor. The race detector crashes when two timers of a synctest
// bubble fire at once on different processors, since they share one race context (golang/go#78156, in Go 1.26). The
// races are found all the same: the detector goes by the order of events, not by what overlaps.
func oneProcessor(tb testing.TB) {
	virtual.Lock()
	defer virtual.Unlock()
	if virtual.tests++; virtual.tests == 1 {
		virtual.procs = runtime.GOMAXPROCS(1)
	}
	tb.Cleanup(func() {
		virtual.Lock()
		defer virtual.Unlock()
		if virtual.tests--; virtual.tests == 0 {
			runtime.GOMAXPROCS(virtual.procs)
		}
	})
}

// virtual counts the tests that run on one processor, and has the number to go back to.
var virtual struct {
	sync.Mutex
	tests, procs int
}
