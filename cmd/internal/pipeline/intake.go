package pipeline

import (
	"context"
	"slices"
	"sync"
	"time"
)

// pieceRecords and pieceShare limit how much is let in at once: little enough
// to find room beside apps that hold much, enough that handing over costs
// nothing.
const (
	pieceRecords = 256
	pieceShare   = 16 // of the bounds
)

// replayShare is the part of the calls, and of the room, that replayed letters
// may take up: replaying a million of them must not delay what comes in.
const replayShare = 8

// patience is how long the records of other apps wait behind those of one that is
// not held and for which there is no room: less would defer what is merely busy.
const patience = 250 * time.Millisecond

// intake bounds what is taken from Kafka and not settled, in records and in
// bytes. Safe for concurrent use.
//
// With several apps no single one can fill it: an app is let in only while it
// holds less than what is free (a dynamic threshold, as switches use it for
// their shared buffers), and room for one piece of each is reserved. One app
// whose records pile up, say because its calls fail, gets about half of the
// room, each of the others, if there is any, its part of the other half, and however
// many there are of the kind, the others always flow. Replayed letters together get
// replayShare of the room, or hardly more, likewise divided.
type intake struct {
	maxRecords, maxBytes int
	shared               bool // several apps share it
	piece                room // the most to ask for at once
	replayPiece          room // likewise, of replayed letters
	reserved             room // one piece of each app, of records without one, and of each app's replayed letters
	replays              room // for replayed letters, beside one piece of each app's
	fair                 room // what an app may have as long as there is any

	mu             sync.Mutex
	records, bytes int // held, of all apps
	held           map[tenant]room
	replayed       room // held of replayed letters, of all apps
	sated          map[tenant]bool
	paused         bool
	waiting        []*waiter      // first come first served among those that fit
	queued         map[tenant]int // how many of them want room for it
}

// waiter is somebody who waits for room.
type waiter struct {
	rooms []room
	ready chan struct{}
}

func newIntake(maxRecords, maxBytes, apps int) *intake {
	in := &intake{maxRecords: maxRecords, maxBytes: maxBytes, shared: apps > 1, held: map[tenant]room{}, sated: map[tenant]bool{}, queued: map[tenant]int{}}
	share := max(pieceShare, 2*(apps+2)) // so that no more than about half is reserved
	in.piece = room{records: max(1, min(pieceRecords, maxRecords/share)), bytes: maxBytes / share}
	in.replays = room{records: maxRecords / replayShare, bytes: maxBytes / replayShare}
	in.replayPiece = room{records: max(1, min(in.piece.records, in.replays.records/(2*(apps+1)))), bytes: in.replays.bytes / (2 * (apps + 1))}
	if in.shared {
		begun := room{records: apps * in.replayPiece.records, bytes: apps * in.replayPiece.bytes}
		in.replays = in.replays.less(begun)
		in.reserved = room{records: min((apps+1)*in.piece.records+begun.records, maxRecords/2), bytes: (apps+1)*in.piece.bytes + begun.bytes}
		in.fair = room{records: (maxRecords - in.reserved.records) / 2 / (apps - 1), bytes: (maxBytes - in.reserved.bytes) / 2 / (apps - 1)}
	}
	return in
}

// acquire waits until there is room, or ctx ends, or, if that is asked for, some of the
// tenants are stuck, of those for which there is none, after a time: then it returns
// them.
func (in *intake) acquire(ctx context.Context, rooms []room, areStuck func(lacking []tenant, waited time.Duration) []tenant) (stuck []tenant, err error) {
	w := &waiter{rooms: rooms, ready: make(chan struct{})}
	in.line(w)
	select {
	case <-w.ready:
		return nil, nil
	default:
	}
	if areStuck == nil {
		select {
		case <-w.ready:
			return nil, nil
		case <-ctx.Done():
		}
		in.leave(w)
		return nil, ctx.Err()
	}
	began := time.Now()
	look := time.NewTicker(patience)
	defer look.Stop()
	for {
		if stuck = areStuck(in.lacking(w), time.Since(began)); len(stuck) > 0 {
			in.leave(w)
			return stuck, nil
		}
		select {
		case <-w.ready:
			return nil, nil
		case <-look.C:
		case <-ctx.Done():
			in.leave(w)
			return nil, ctx.Err()
		}
	}
}

// leave ends somebody's waiting, and gives back what he has got at the last moment.
func (in *intake) leave(w *waiter) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if i := slices.Index(in.waiting, w); i >= 0 {
		in.waiting = slices.Delete(in.waiting, i, i+1)
		in.queue(w, -1)
	} else {
		in.add(w.rooms, -1)
	}
	in.admit()
}

// hasRoom tells whether there is room for a tenant's event, and use for it.
func (in *intake) hasRoom(t tenant) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.sated[t] && in.fits(room{t, 1, 1})
}

// holds tells whether there are any events of the tenant.
func (in *intake) holds(t tenant) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.held[t].records > 0
}

// exchange gives back room of a tenant for what its events take up in the end, be it
// more; false: they are of others, and nothing is done.
func (in *intake) exchange(granted room, rooms []room) bool {
	if len(rooms) != 1 || rooms[0].tenant != granted.tenant {
		return false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.add([]room{granted}, -1)
	in.add(rooms, 1)
	in.admit()
	return true
}

// release gives room back.
func (in *intake) release(rooms ...room) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.add(rooms, -1)
	in.admit()
}

// pause stops letting anything in, or resumes.
func (in *intake) pause(yes bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.paused = yes
	in.admit()
}

// sate stops letting in what is the tenant's, or resumes.
func (in *intake) sate(t tenant, yes bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sated[t] = yes
	in.admit()
}

// pieceOf is the most to ask for at once.
func (in *intake) pieceOf(replayed bool) room {
	if replayed {
		return in.replayPiece
	}
	return in.piece
}

// pending is what is held now.
func (in *intake) pending() (records, bytes int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.records, in.bytes
}

// full tells whether somebody waits for room that the bounds do not give. It adds to
// ofApps how much is held of each app, by its index.
func (in *intake) full(ofApps []int) (full bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for t, h := range in.held {
		if t.app != nil {
			ofApps[t.app.Index] += h.records
		}
	}
	for _, w := range in.waiting {
		for _, r := range w.rooms {
			if !in.sated[r.tenant] && !in.fits(r) {
				return !in.paused
			}
		}
	}
	return false
}

// line lets somebody wait for room.
func (in *intake) line(w *waiter) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.waiting = append(in.waiting, w)
	in.queue(w, 1)
	in.admit()
}

// queue counts who waits for what.
func (in *intake) queue(w *waiter, sign int) {
	for _, r := range w.rooms {
		if in.queued[r.tenant] += sign; in.queued[r.tenant] == 0 {
			delete(in.queued, r.tenant)
		}
	}
}

// admit lets in who fits, first come first served among those of an app. Hundreds
// of partitions may wait, so it looks no further once it knows that nobody can be
// let in.
func (in *intake) admit() {
	if in.paused {
		return
	}
	held := map[tenant]bool{}
	left := in.waiting[:0]
	for i, w := range in.waiting {
		if len(held) == len(in.queued) {
			left = append(left, in.waiting[i:]...)
			break
		}
		if len(in.hold(w, held)) > 0 {
			left = append(left, w)
			continue
		}
		in.add(w.rooms, 1)
		in.queue(w, -1)
		close(w.ready)
	}
	clear(in.waiting[len(left):])
	in.waiting = left
}

// hold returns the tenants for which somebody has to wait, and enters them among those
// for which others do who came before: nobody is overtaken by who wants the same.
func (in *intake) hold(w *waiter, held map[tenant]bool) (lacking []tenant) {
	for _, r := range w.rooms {
		if held[r.tenant] || in.sated[r.tenant] || !in.fits(r) {
			held[r.tenant] = true
			lacking = append(lacking, r.tenant)
		}
	}
	return lacking
}

// lacking are the tenants for which somebody waits; none while nobody is let in.
func (in *intake) lacking(w *waiter) (lacking []tenant) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.paused || !slices.Contains(in.waiting, w) {
		return nil
	}
	held := map[tenant]bool{}
	for _, other := range in.waiting {
		if lacking = in.hold(other, held); other == w {
			break
		}
	}
	return lacking
}

// fits tells whether an app may have room for more. Who holds nothing gets its
// reserved piece; so does a record that is larger than a piece, alone of its
// app.
func (in *intake) fits(r room) bool {
	h := in.held[r.tenant]
	if !in.shared {
		h = room{}
	}
	mayBegin := in.shared && h.records == 0 // with its reserved piece
	if r.replayed && in.replayed.records > 0 && !mayBegin && !r.within(in.replays.less(in.replayed), h, room{}) {
		return false
	}
	if mayBegin || in.records == 0 {
		return true
	}
	free := room{records: in.maxRecords, bytes: in.maxBytes}.less(in.reserved).less(room{records: in.records, bytes: in.bytes})
	return r.within(free, h, in.fair)
}

func (in *intake) add(rooms []room, sign int) {
	for _, r := range rooms {
		h := in.held[r.tenant]
		h.records += sign * r.records
		h.bytes += sign * r.bytes
		in.records += sign * r.records
		in.bytes += sign * r.bytes
		if r.replayed {
			in.replayed.records += sign * r.records
			in.replayed.bytes += sign * r.bytes
		}
		if h.records == 0 {
			delete(in.held, r.tenant)
		} else {
			in.held[r.tenant] = h
		}
	}
}
