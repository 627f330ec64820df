package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// pieceRecords and pieceShare limit how much is let in at once: little enough
// to find room beside apps that hold much, enough that handing over costs
// nothing.
const (
	pieceRecords = 256
	pieceShare   = 16 // of the bounds
)

// take checks a partition's records and hands them to the loop, piece by piece
// as the intake has room.
func (e *engine) take(ctx context.Context, records []consumer.Record) {
	for goesOn := true; goesOn && len(records) > 0; {
		n := e.pieceOf(records)
		piece, rooms := e.checkPiece(records[:n])
		records, goesOn = e.letIn(ctx, piece, rooms, records[n:])
	}
}

// pieceOf is how many of the records make a piece.
func (e *engine) pieceOf(records []consumer.Record) int {
	piece := e.intake.pieceOf(e.p.apps.feeds[records[0].Partition.Topic].replayed)
	n, bytes := 0, 0
	for n < min(piece.records, len(records)) {
		if bytes += records[n].Size(); n > 0 && bytes > piece.bytes {
			break
		}
		n++
	}
	return n
}

// checkPiece checks records of one partition.
func (e *engine) checkPiece(records []consumer.Record) (piece []arrival, room []room) {
	now := time.Now()
	from := e.p.apps.feeds[records[0].Partition.Topic]
	piece = make([]arrival, len(records))
	e.p.spares.take(piece)
	for i := range piece {
		ev := piece[i].event
		ev.record, ev.feed, ev.taken = records[i], from, now
		e.p.check(ev, now)
		if ev.refusal == nil {
			piece[i].lane, piece[i].user, piece[i].size = e.lane(ev), userNumber(ev.user), len(ev.record.Value)+itemOverhead
		}
		room = addRoom(room, ev.tenant(), 1, ev.record.Size())
	}
	return piece, room
}

// lane is that of an accepted event.
func (e *engine) lane(ev *event) *lane {
	if ev.replayed {
		return e.replays[ev.app]
	}
	return e.live[ev.app]
}

// check finds out the app and the user of a new event, or why it is refused.
func (p *Pipeline) check(ev *event, now time.Time) {
	r := &ev.record
	var x consumer.Excess
	if r.Excess != nil {
		x = *r.Excess
	}
	why := p.apps.identify(ev)
	if why != "" && x.Headers == 0 { // the one that tells the app may be among those that are not kept
		ev.giveUp(deadletter.UnknownApp, why)
		return
	}
	if why := tooManyHeaders(r.Headers, x); why != "" {
		ev.giveUp(deadletter.TooLarge, why)
		return
	}
	checker := ev.app.checker
	if why := checker.keyTooLarge(max(len(r.Key), x.Key)); why != "" {
		ev.giveUp(deadletter.TooLarge, why)
		return
	}
	if x.Value > 0 {
		ev.giveUp(deadletter.TooLarge, fmt.Sprintf("%d bytes, %d are allowed", x.Value, checker.MaxBytes))
		return
	}
	report, refused := checker.Check(r.Value)
	if refused != nil {
		ev.giveUp(deadletter.Reason(refused.Reason), refused.Detail)
		for _, v := range refused.Violations {
			ev.refusal.violations = append(ev.refusal.violations, deadletter.Violation(v))
		}
		return
	}
	ev.user, ev.score = report.OpenID, report.Score
	p.expire(ev, now)
}

// The limits of an event's headers. Those that a letter has, and a replay of it, are
// beside them.
const (
	maxHeaders     = 1_000
	maxHeaderBytes = 1 << 20 // keys and values
)

// tooManyHeaders says why the headers are refused; empty: they are not.
func tooManyHeaders(headers []consumer.Header, x consumer.Excess) (why string) {
	n, bytes := x.Headers, x.HeaderBytes
	for i := range headers {
		if h := &headers[i]; x.Headers == 0 && !strings.HasPrefix(h.Key, deadletter.HeaderPrefix) {
			n++
			bytes += len(h.Key) + len(h.Value)
		}
	}
	switch {
	case n > maxHeaders:
		return fmt.Sprintf("the record has %d headers, %d are allowed", n, maxHeaders)
	case bytes > maxHeaderBytes:
		return fmt.Sprintf("the headers have %d bytes, %d are allowed", bytes, maxHeaderBytes)
	}
	return ""
}

// TooLarge says why the pipeline would refuse an event with that key and these headers,
// whatever its value; empty: it would not.
func (c *Checker) TooLarge(key []byte, headers []consumer.Header) (why string) {
	return cmp.Or(tooManyHeaders(headers, consumer.Excess{}), c.keyTooLarge(len(key)))
}

func (c *Checker) keyTooLarge(size int) (why string) {
	if size <= c.MaxBytes {
		return ""
	}
	return fmt.Sprintf("the key has %d bytes, %d are allowed", size, c.MaxBytes)
}

// expire gives an event up that is older than max_age.
func (p *Pipeline) expire(ev *event, now time.Time) bool {
	maxAge := p.cfg.Delivery.MaxAge
	if maxAge == 0 || now.Sub(ev.record.Time) <= maxAge {
		return false
	}
	ev.giveUp(deadletter.Expired, fmt.Sprintf("the record is of %s, older than delivery.max_age %s", ev.record.Time.UTC().Format(time.RFC3339), maxAge))
	return true
}
