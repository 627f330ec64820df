package publishcmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/pace"
)

// Bounds of what goes to Kafka at once: little enough for the default limit of a batch, 1 MiB, even if it all goes to
// one partition; and as many records may wait meanwhile.
const (
	batchRecords = 500
	batchBytes   = 512 << 10
)

// A publication brings lines to a topic. Its lines are read and checked on a goroutine of their own; all else happens on
// one, so that a batch is sent when all before it has been acknowledged, and there is one line before which all is done.
type publication struct {
	name     string // of the input
	in       io.ReadCloser
	from     int // the first line
	dest     destination
	failFast bool // at the first bad line
	pace     *pace.Pace
	progress *cli.Progress
	inBytes  bool      // progress is in bytes of the input, else in records
	stderr   io.Writer // over the progress

	write func(ctx context.Context, records []kafka.Message) error // returns when all are in the topic
	verb  string                                                   // what was done to the records written
	tally tally
	next  int // the first line that is not done: neither published nor skipped
	lines int // of the input, once it has ended
}

// An entry is a line that was read and checked.
type entry struct {
	line    int
	bytes   int64 // of the input since the entry before
	record  kafka.Message
	refusal *admission.Refusal // if the line is bad; there is no record then
}

// run publishes until the input ends, a bad line stops it (cli.ErrNo), ctx ends, or an error.
func (p *publication) run(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	entries, read := make(chan entry, batchRecords), make(chan error, 1)
	go func() {
		err := p.read(reading, entries)
		close(entries)
		read <- err
	}()
	context.AfterFunc(reading, func() { _ = p.in.Close() }) // which ends a read that waits for a pipe
	err := p.deliver(ctx, entries)
	stop()
	readErr := <-read
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case readErr != nil && ctx.Err() != nil:
		return ctx.Err() // however it looked from the input
	default:
		return readErr
	}
}

// read reads and checks lines until the input or ctx ends.
func (p *publication) read(ctx context.Context, out chan<- entry) error {
	records := cli.NewLines(p.in, p.dest.app.MaxBytes)
	var bytes int64
	for {
		l, err := records.Next()
		switch {
		case errors.Is(err, io.EOF):
			p.lines = records.Count()
			return nil
		case err != nil:
			return err // it names the file
		}
		bytes += l.Size + 1
		if l.Number < p.from {
			continue
		}
		e := entry{line: l.Number, bytes: bytes}
		e.record, e.refusal = p.dest.check(l)
		bytes = 0
		select {
		case out <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deliver writes what comes, batch after batch. It returns [io.EOF] when all that came is written.
func (p *publication) deliver(ctx context.Context, entries <-chan entry) error {
	for {
		if err := p.pace.Wait(ctx); err != nil {
			return err
		}
		b := batch{next: p.next}
		stop := p.gather(ctx, entries, &b)
		if err := p.write(ctx, b.records); err != nil {
			if unwritten := new(unwrittenError); errors.As(err, &unwritten) {
				p.next = unwritten.line
			}
			return err
		}
		p.pace.Took(len(b.records))
		p.next = b.next
		if p.inBytes {
			p.progress.Add(b.input)
		} else {
			p.progress.Add(int64(len(b.records)))
		}
		if stop != nil {
			return stop
		}
	}
}

// A batch is what goes to Kafka at once.
type batch struct {
	records []kafka.Message
	bytes   int   // of the records' values
	input   int64 // bytes of the input that it stands for
	next    int   // the line after its last
}

// gather waits for an entry, and takes with it what else is there: the batch grows while Kafka is slow, and nothing waits
// for company. What stops all gathering is the error; the batch is to be written nonetheless.
func (p *publication) gather(ctx context.Context, entries <-chan entry, b *batch) error {
	var e entry
	var ok bool
	select {
	case e, ok = <-entries:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		if !ok {
			return io.EOF
		}
		if e.refusal != nil {
			fmt.Fprintf(p.stderr, "%s:%d: %v\n", p.name, e.line, e.refusal)
			if p.failFast {
				b.next = e.line
				return cli.ErrNo
			}
			p.tally.skipped++
		} else {
			b.records, b.bytes = append(b.records, e.record), b.bytes+len(e.record.Value)
		}
		b.next, b.input = e.line+1, b.input+e.bytes
		if len(b.records) >= p.pace.Most() || b.bytes >= batchBytes {
			return nil
		}
		select {
		case e, ok = <-entries:
		default:
			return nil
		}
	}
}
