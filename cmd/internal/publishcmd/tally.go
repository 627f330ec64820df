package publishcmd

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/words"
)

// A tally counts what becomes of lines.
type tally struct {
	skipped    int // bad lines
	records    int
	bytes      int64 // of values
	partitions map[int32]int
}

// written counts records that lie in a partition.
func (t *tally) written(records []record, partition int32) {
	if t.partitions == nil {
		t.partitions = map[int32]int{}
	}
	for i := range records {
		t.bytes += int64(len(records[i].Value))
	}
	t.records += len(records)
	t.partitions[partition] += len(records)
}

// write writes what was done, a line or two.
func (t *tally) write(w io.Writer, verb, topic string, took time.Duration, dryRun bool) {
	fmt.Fprintf(w, "%s %s to %s: %s in %.1f s", verb, words.Count(t.records, "record"), topic, words.Count(int(t.bytes), "byte"), took.Seconds())
	if took > 0 {
		fmt.Fprintf(w, ", %.0f records/s", float64(t.records)/took.Seconds())
	}
	if t.records > 0 && !dryRun {
		var each []string
		for _, partition := range slices.Sorted(maps.Keys(t.partitions)) {
			each = append(each, fmt.Sprintf("%d:%d", partition, t.partitions[partition]))
		}
		fmt.Fprintf(w, ", by partition %s", strings.Join(each, " "))
	}
	fmt.Fprintln(w)
	if t.skipped > 0 {
		fmt.Fprintf(w, "skipped %s\n", words.Count(t.skipped, "bad line"))
	}
}
