package pipeline

import (
	"context"
	"fmt"
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
	for len(records) > 0 {
		piece, room := e.checkPiece(records)
		records = records[len(piece):]
		if e.intake.acquire(ctx, room) != nil {
			return
		}
		select {
		case e.in <- piece:
		case <-ctx.Done():
			e.intake.release(room...)
			return
		}
	}
}

// checkPiece checks records until a piece is full.
func (e *engine) checkPiece(records []consumer.Record) (piece []*event, room []room) {
	now := time.Now()
	maxRecords, maxBytes := e.intake.piece.records, e.intake.piece.bytes
	for bytes := 0; len(piece) < min(maxRecords, len(records)); {
		r := &records[len(piece)]
		if bytes += r.Size(); len(piece) > 0 && bytes > maxBytes {
			break
		}
		ev := e.p.check(r, now)
		ev.source = e.sources[r.Partition]
		piece = append(piece, ev)
		room = addRoom(room, ev, 1)
	}
	return piece, room
}

// check makes an event of a record: one with an app and a user, or a refused
// one.
func (p *Pipeline) check(r *consumer.Record, now time.Time) *event {
	ev := newEvent(r, now)
	if why := p.apps.identify(ev); why != "" {
		ev.giveUp(deadletter.UnknownApp, why)
		return ev
	}
	checker := ev.app.checker
	if len(r.Key) > checker.MaxBytes {
		ev.giveUp(deadletter.TooLarge, fmt.Sprintf("the key has %d bytes, %d are allowed", len(r.Key), checker.MaxBytes))
		return ev
	}
	report, refused := checker.Check(r.Value)
	if refused != nil {
		ev.giveUp(deadletter.Reason(refused.Reason), refused.Detail)
		for _, v := range refused.Violations {
			ev.refusal.violations = append(ev.refusal.violations, deadletter.Violation(v))
		}
		return ev
	}
	ev.user, ev.score = report.OpenID, report.Score
	p.expire(ev, now)
	return ev
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
