package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/cmd/internal/words"
)

// A publishProgress shows a person how far publishing has come, and keeps other lines out of that. It is for one
// goroutine.
type publishProgress struct {
	stderr  io.Writer
	bar     *progressbar.ProgressBar // nil: not shown
	inBytes bool
}

// newPublishProgress returns progress through an input of size bytes, or of -1 if that is not known.
func newPublishProgress(stderr io.Writer, shown bool, size int64) *publishProgress {
	p := &publishProgress{stderr: stderr, inBytes: size >= 0}
	if !shown || size == 0 {
		return p
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(stderr),
		progressbar.OptionSetDescription("publishing"),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // or it would start a goroutine that nothing ends
	}
	if p.inBytes {
		options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true))
	} else {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString("records"))
	}
	p.bar = progressbar.NewOptions64(size, options...)
	return p
}

// add notes that records are published, and with them bytes of the input done.
func (p *publishProgress) add(records int, bytes int64) {
	if p.bar == nil {
		return
	}
	if !p.inBytes {
		bytes = int64(records)
	}
	_ = p.bar.Add64(bytes) // it refuses more than there is: line endings are counted roughly
}

// print writes a line of its own.
func (p *publishProgress) print(text string) {
	p.clear()
	fmt.Fprintln(p.stderr, text)
}

// complain writes a line about trouble.
func (p *publishProgress) complain(text string) {
	p.clear()
	complain(p.stderr, text)
}

// clear takes the progress off the screen until more is added.
func (p *publishProgress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// A publishTally counts what becomes of lines.
type publishTally struct {
	skipped int // bad lines

	mu         sync.Mutex // Kafka's writer tells of each partition on a goroutine of its own
	records    int
	bytes      int64 // of values
	partitions map[int]int
}

// written counts records of one partition that Kafka has acknowledged, if err is nil.
func (t *publishTally) written(records []kafka.Message, err error) {
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

// summarize writes what was done, a line or two.
func (t *publishTally) summarize(w io.Writer, verb, topic string, took time.Duration, dryRun bool) {
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
