package bench

import (
	"fmt"
	"os"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/figures"
)

// residentPeak is the highest resident memory of this process in bytes; 0: not known here. getrusage does not serve:
// what it tells of a child includes the memory that its parent had when it started it.
func residentPeak() int64 { return procKiB("/proc/self/status", "VmHWM:") << 10 }

// freeMemory is what the host can still give, in bytes; 0: not known here.
func freeMemory() int64 { return procKiB("/proc/meminfo", "MemAvailable:") << 10 }

func procKiB(file, key string) (kib int64) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	_, rest, ok := strings.Cut(string(text), key)
	if _, err := fmt.Sscan(rest, &kib); !ok || err != nil {
		return 0
	}
	return kib
}

// room says whether the embedded broker could hold every point's load in memory: rather now than after an hour.
func room(points []point) error {
	free := freeMemory()
	for _, p := range points {
		// What grows is copied, and garbage for a while: so much has been seen.
		if need := p.bytes() * 5 / 2; free > 0 && need > free {
			return fmt.Errorf("%s events of %s bytes need %s MiB of memory in the embedded broker, and %s MiB are free: want fewer, --data or --brokers",
				figures.Grouped(p.Events), figures.Grouped(p.Size), figures.Grouped(need>>20), figures.Grouped(free>>20))
		}
	}
	return nil
}
