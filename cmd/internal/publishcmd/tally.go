package publishcmd

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/cmd/internal/words"
)

// A tally counts what becomes of lines. It is safe for concurrent use but for skipped.
type tally struct {
	skipped int // bad lines

	mu         sync.Mutex // Kafka's writer tells of each partition on a goroutine of its own
	records    int
	bytes      int64 // of values
	partitions map[int]int
}

// written counts records of one partition that Kafka has acknowledged, if err is nil.
func (t *tally) written(records []kafka.Message, err error) {
	if err != nil || len(records) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range records {
		t.bytes += int64(len(records[i].Value))
	}
	t.records += len(records)
	if t.partitions == nil {
		t.partitions = make(map[int]int)
	}
	t.partitions[records[0].Partition] += len(records)
}

// write writes what was done, a line or two.
func (t *tally) write(w io.Writer, verb, topic string, took time.Duration, dryRun bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
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
