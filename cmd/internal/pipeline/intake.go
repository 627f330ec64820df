package pipeline

import (
	"context"
	"slices"
	"sync"
)

// intake bounds what is taken from Kafka and not settled, in records and in
// bytes. Safe for concurrent use.
//
// With several apps no single one can fill it: an app is let in only while it
// holds less than what is free (a dynamic threshold, as switches use it for
// their shared buffers), and room for one piece of each app is reserved. One app
// whose records pile up, say because its calls fail, gets about half of the
// room, and however many there are of the kind, the others always flow. Replayed
// letters together get replayShare of the room, or hardly more.
type intake struct {
	maxRecords, maxBytes int
	shared               bool // several apps share it
	piece                room // the most to ask for at once
	reserved             room // one piece of each app, of records without one, and of replayed letters

	mu             sync.Mutex
	records, bytes int // held, of all apps
	held           map[tenant]room
	replayed       room // held of replayed letters, of all apps
	sated          map[tenant]bool
	paused         bool
	waiting        []*waiter      // first come first served among those that fit
	queued         map[tenant]int // how many of them want room for it
}

// room is what some events of one tenant take up.
type room struct {
	tenant
	records, bytes int
}

// tenant is whose events take up room: an app's, nil for records whose app is
// unknown, and its replayed letters apart.
type tenant struct {
	app      *app
	replayed bool
}

func (ev *event) tenant() tenant { return tenant{ev.app, ev.replayed} }

type waiter struct {
	rooms []room
	ready chan struct{}
}

func newIntake(maxRecords, maxBytes, apps int) *intake {
	in := &intake{maxRecords: maxRecords, maxBytes: maxBytes, shared: apps > 1, held: map[tenant]room{}, sated: map[tenant]bool{}, queued: map[tenant]int{}}
	share := max(pieceShare, 2*(apps+2)) // so that no more than half is reserved
	in.piece = room{records: max(1, min(pieceRecords, maxRecords/share)), bytes: maxBytes / share}
	if in.shared {
		in.reserved = room{records: min((apps+2)*in.piece.records, maxRecords/2), bytes: (apps + 2) * in.piece.bytes}
	}
	return in
}

// addRoom adds what some events of a tenant take up.
func addRoom(rooms []room, t tenant, records, bytes int) []room {
	i := 0
	for i < len(rooms) && rooms[i].tenant != t {
		i++
	}
	if i == len(rooms) {
		rooms = append(rooms, room{tenant: t})
	}
	rooms[i].records += records
	rooms[i].bytes += bytes
	return rooms
}

// acquire waits until there is room, or ctx ends.
func (in *intake) acquire(ctx context.Context, rooms []room) error {
	w := &waiter{rooms: rooms, ready: make(chan struct{})}
	in.line(w)
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if i := slices.Index(in.waiting, w); i >= 0 {
		in.waiting = slices.Delete(in.waiting, i, i+1)
		in.queue(w, -1)
	} else { // let in at the last moment
		in.add(w.rooms, -1)
	}
	in.admit()
	return ctx.Err()
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

// pending is what is held now.
func (in *intake) pending() (records, bytes int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.records, in.bytes
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
		fits := true
		for _, r := range w.rooms {
			if held[r.tenant] || in.sated[r.tenant] || !in.fits(r) {
				held[r.tenant], fits = true, false
			}
		}
		if !fits {
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

// fits tells whether an app may have room for more. Who holds nothing gets its
// reserved piece; so does a record that is larger than a piece, alone of its
// app.
func (in *intake) fits(r room) bool {
	if r.replayed && in.replayed.records > 0 &&
		(in.replayed.records+r.records > in.maxRecords/replayShare || in.replayed.bytes+r.bytes > in.maxBytes/replayShare) {
		return false
	}
	if in.shared {
		h := in.held[r.tenant]
		if h.records == 0 {
			return true
		}
		r.records += h.records
		r.bytes += h.bytes
	} else if in.records == 0 {
		return true
	}
	return r.records <= in.maxRecords-in.reserved.records-in.records && r.bytes <= in.maxBytes-in.reserved.bytes-in.bytes
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
