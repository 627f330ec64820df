// Package memory says what the host knows of memory: what this process has used, and whether a benchmark will have
// enough. Where there is no /proc it knows nothing, and says so by 0.
package memory

import (
	"fmt"
	"os"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// Peak is the highest resident memory of this process in bytes; 0: not known here. getrusage does not serve:
// what it tells of a child includes the memory that its parent had when it started it.
func Peak() int64 { return procKiB("/proc/self/status", "VmHWM:") << 10 }

// available is what the host can still give, in bytes; 0: not known here.
func available() int64 { return procKiB("/proc/meminfo", "MemAvailable:") << 10 }

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

// Check is an error if the embedded broker could not hold every point's load in memory: rather now than after an hour.
func Check(points []workload.Point) error {
	free := available()
	for _, p := range points {
		// What grows is copied, and garbage for a while: so much has been seen.
		if need := p.Bytes() * 5 / 2; free > 0 && need > free {
			return fmt.Errorf("%s events of %s bytes need %s MiB of memory in the embedded broker, and %s MiB are free: want fewer, --data or --brokers",
				words.Grouped(p.Events), words.Grouped(p.Size), words.Grouped(need>>20), words.Grouped(free>>20))
		}
	}
	return nil
}
