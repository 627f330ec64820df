package publishcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/pace"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
)

// Bounds of what goes to Kafka at once: little enough for the default limit of a batch, 1 MiB, even if it all goes to
// one partition; and as many records may wait meanwhile.
const (
	portionRecords = 500
	portionBytes   = 512 << 10
)

// A publication brings lines to a topic. Its lines are read and checked on a goroutine of their own; all else happens on
// one, so that a portion is sent when all before it has been acknowledged, and there is one line before which all is done.
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

	write func(ctx context.Context, records []record) error // returns when all are in the topic
	verb  string                                            // what was done to the records written
	tally tally
	next  int // the first line that is not done: neither published nor skipped
	lines int // of the input, once it has ended
}

// A checkedLine is a line that was read and checked.
type checkedLine struct {
	line    int
	bytes   int64 // of the input since the one before
	record  record
	refusal *admission.Refusal // if the line is bad; there is no record then
}

// publish brings the lines to Kafka, or with dryRun only as far as there, and says how far it came.
func (p *publication) publish(ctx context.Context, conn consumer.Connection, dryRun bool) error {
	p.write, p.verb = func(_ context.Context, records []record) error { p.tally.written(records, 0); return nil }, "would publish"
	if !dryRun {
		out, err := newProducer(conn, p.dest, p.tally.written, p.progress.Complain)
		if err != nil {
			return err
		}
		defer out.close()
		if err := out.findTopic(ctx); err != nil {
			return err
		}
		p.write, p.verb = out.write, "published"
	}
	p.next = p.from
	began := time.Now()
	err := p.run(ctx)
	p.progress.End()
	if err == nil && p.tally.records+p.tally.skipped == 0 {
		fmt.Fprintln(p.stderr, p.nothing())
	}
	unwritten := errors.As(err, new(*unwrittenError))
	if err != nil && p.next == p.from && !unwritten {
		return err // nothing is done, and nothing to be said of it
	}
	p.tally.write(p.stderr, p.verb, p.dest.topic, time.Since(began), dryRun)
	if err != nil {
		again := ""
		if unwritten {
			again = " (of the lines after it some may be in the topic already, and would then be there twice)"
		}
		fmt.Fprintf(p.stderr, "all before line %d of %s is done; to go on there: --from-line %d%s\n", p.next, p.name, p.next, again)
		return err
	}
	if p.tally.skipped > 0 {
		return cli.ErrNo
	}
	return nil
}

// nothing says why there was nothing to publish.
func (p *publication) nothing() string {
	if p.lines > 0 && p.from > p.lines {
		return fmt.Sprintf("%s has only %s", p.name, words.Count(p.lines, "line"))
	}
	return "no records in " + p.name
}

// run publishes until the input ends, a bad line stops it ([cli.ErrNo]), ctx ends, or an error.
func (p *publication) run(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	checked, read := make(chan checkedLine, portionRecords), make(chan error, 1)
	go func() {
		err := p.read(reading, checked)
		close(checked)
		read <- err
	}()
	context.AfterFunc(reading, func() { _ = p.in.Close() }) // which ends a read that waits for a pipe
	err := p.deliver(ctx, checked)
	stop()
	readErr := <-read
	switch {
	case !errors.Is(err, errWritten):
		return err
	case readErr != nil && ctx.Err() != nil:
		return ctx.Err() // however it looked from the input
	default:
		return readErr
	}
}

// read reads and checks lines until the input or ctx ends.
func (p *publication) read(ctx context.Context, out chan<- checkedLine) error {
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
		e := checkedLine{line: l.Number, bytes: bytes}
		e.record, e.refusal = p.dest.check(l)
		bytes = 0
		select {
		case out <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errWritten: all that came is written. An [io.EOF] would be a broker's that hung up.
var errWritten = errors.New("all is written")

// deliver writes what comes, portion after portion. It returns [errWritten] at the end.
func (p *publication) deliver(ctx context.Context, checked <-chan checkedLine) error {
	for {
		if err := p.pace.Wait(ctx); err != nil {
			return err
		}
		part := portion{next: p.next}
		stop := p.gather(ctx, checked, &part)
		if err := p.write(ctx, part.records); err != nil {
			if unwritten := new(unwrittenError); errors.As(err, &unwritten) {
				p.next = unwritten.line
			}
			return err
		}
		p.pace.Took(len(part.records))
		p.next = part.next
		if p.inBytes {
			p.progress.Add(part.input)
		} else {
			p.progress.Add(int64(len(part.records)))
		}
		if stop != nil {
			return stop
		}
	}
}

// A portion is what goes to Kafka at once.
type portion struct {
	records []record
	bytes   int   // of the records' values
	input   int64 // bytes of the input that it stands for
	next    int   // the line after its last
}

// gather waits for a line, and takes with it what else is there: the portion grows while Kafka is slow, and nothing waits
// for company. What stops all gathering is the error; the portion is to be written nonetheless.
func (p *publication) gather(ctx context.Context, checked <-chan checkedLine, part *portion) error {
	var e checkedLine
	var ok bool
	select {
	case e, ok = <-checked:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		if !ok {
			return errWritten
		}
		if e.refusal != nil {
			fmt.Fprintf(p.stderr, "%s:%d: %v\n", p.name, e.line, e.refusal)
			if p.failFast {
				part.next = e.line
				return cli.ErrNo
			}
			p.tally.skipped++
		} else {
			part.records, part.bytes = append(part.records, e.record), part.bytes+len(e.record.Value)
		}
		part.next, part.input = e.line+1, part.input+e.bytes
		if len(part.records) >= p.pace.Most() || part.bytes >= portionBytes {
			return nil
		}
		select {
		case e, ok = <-checked:
		default:
			return nil
		}
	}
}
