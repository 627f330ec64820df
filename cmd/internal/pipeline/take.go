package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/consumer"
)

// itemOverhead is what separates two records in the body.
const itemOverhead = len(",")

// taker checks records and hands them to the loop, piece by piece as the intake has
// room. Safe for concurrent use: it runs on the goroutines that fetch.
type taker struct {
	directory *admission.Directory
	apps      []*platform.App
	maxAge    time.Duration
	intake    *intake
	metrics   *metrics
	deferrer  *deferrer
	spares    *spares
	out       chan<- []arrival
}

// take takes a partition's records.
func (t *taker) take(ctx context.Context, records []consumer.Record) {
	for goesOn := true; goesOn && len(records) > 0; {
		n := t.pieceOf(records)
		piece, rooms := t.check(records[:n])
		records, goesOn = t.letIn(ctx, piece, rooms, records[n:])
	}
}

// pieceOf is how many of the records make a piece.
func (t *taker) pieceOf(records []consumer.Record) int {
	piece := t.intake.pieceOf(t.feed(records[0].Partition).Replayed)
	n, bytes := 0, 0
	for n < min(piece.records, len(records)) {
		if bytes += records[n].Size(); n > 0 && bytes > piece.bytes {
			break
		}
		n++
	}
	return n
}

func (t *taker) feed(p *consumer.Partition) *admission.Feed { return t.directory.Feed(p.Topic) }

// check makes events of records of one partition, and finds out whose they are, or
// why they are refused.
func (t *taker) check(records []consumer.Record) (piece []arrival, rooms []room) {
	now := time.Now()
	from := t.feed(records[0].Partition)
	piece = make([]arrival, len(records))
	t.spares.take(piece)
	for i := range piece {
		a := &piece[i]
		a.feed, a.record, a.taken = from, records[i], now
		t.admit(a.event, now)
		if a.number = noLane; a.refusal == nil {
			a.number, a.user, a.size = laneOf(a.app, a.replayed), userNumber(a.event.user), len(a.record.Value)+itemOverhead
		}
		rooms = addRoom(rooms, a.tenant(), 1, a.record.Size())
	}
	return piece, rooms
}

func (t *taker) admit(ev *event, now time.Time) {
	a := ev.feed.Admit(&ev.record)
	ev.home, ev.replayed, ev.origin = a.Home, a.Replayed, a.Origin
	ev.user, ev.score, ev.refusal = a.OpenID, a.Score, a.Refusal
	if a.App != nil {
		ev.app = t.apps[a.App.Index]
	}
	if ev.refusal == nil {
		ev.expire(now, t.maxAge)
	}
}

// letIn waits until there is room for a piece and hands it to the loop. What is stuck
// in it, and behind it, is left for later. It returns what is left of the records, and
// false once ctx has ended.
func (t *taker) letIn(ctx context.Context, piece []arrival, rooms []room, records []consumer.Record) ([]consumer.Record, bool) {
	from := piece[0].feed
	var stuck func([]tenant, time.Duration) []tenant
	if len(from.Apps) > 1 {
		stuck = func(lacking []tenant, waited time.Duration) []tenant { return t.deferrer.stuck(from, lacking, waited) }
	}
	for len(piece) > 0 {
		out, err := t.intake.acquire(ctx, rooms, stuck)
		if err != nil {
			return nil, false
		}
		if len(out) == 0 {
			return records, t.hand(ctx, piece, rooms)
		}
		deferred, ok := t.deferrer.leave(piece, out)
		if !ok {
			stuck = nil // they have to be waited for
		}
		piece, rooms = t.without(piece, deferred)
		records = slices.DeleteFunc(records, func(r consumer.Record) bool { return slices.Contains(deferred, from.Strand(r.Headers)) })
	}
	return records, true
}

// hand hands a piece that has been let in to the loop.
func (t *taker) hand(ctx context.Context, piece []arrival, rooms []room) bool {
	topic, found := piece[0].feed.Topic, findingsOf(piece) // the loop may be done with them before this goes on
	select {
	case t.out <- piece:
		t.metrics.checked(topic, &found)
		return true
	case <-ctx.Done():
		t.intake.release(rooms...)
		return false
	}
}

// without is the piece without the events of some strands, and the room for it.
func (t *taker) without(piece []arrival, strands []uint64) (left []arrival, rooms []room) {
	var out []*event
	left = piece[:0]
	for _, a := range piece {
		if slices.Contains(strands, a.feed.Strand(a.record.Headers)) {
			out = append(out, a.event)
			continue
		}
		left = append(left, a)
		rooms = addRoom(rooms, a.tenant(), 1, a.record.Size())
	}
	t.spares.put(out)
	return left, rooms
}

// reserve waits for room for records of a strand that were left for later.
func (t *taker) reserve(ctx context.Context, p *consumer.Partition, strand uint64) *consumer.Room {
	from := t.feed(p)
	granted := t.intake.pieceOf(from.Replayed)
	granted.tenant = tenant{replayed: from.Replayed} // no app's, if it is not configured any more
	if app := from.OfStrand(strand); app != nil {
		granted.app = t.apps[app.Index]
	}
	if _, err := t.intake.acquire(ctx, []room{granted}, nil); err != nil {
		return nil
	}
	return &consumer.Room{
		Records: granted.records,
		Bytes:   granted.bytes,
		Cancel:  func() { t.intake.release(granted) },
		Take: func(ctx context.Context, records []consumer.Record) {
			piece, rooms := t.check(records)
			if !t.intake.exchange(granted, rooms) {
				t.intake.release(granted) // they are of others than was thought
				if _, err := t.intake.acquire(ctx, rooms, nil); err != nil {
					return
				}
			}
			t.hand(ctx, piece, rooms)
		},
	}
}
