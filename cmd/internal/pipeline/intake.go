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
// their shared buffers). One app whose records pile up, say because its calls
// fail, gets half of the room, two get a third each, and the others flow in
// what is left.
type intake struct {
	maxRecords, maxBytes int
	shared               bool // several apps share it

	mu             sync.Mutex
	records, bytes int // held, of all apps
	held           map[*app]room
	paused         bool
	waiting        []*waiter // first come first served among those that fit
}

// room is what some events of one app take up. The app is nil for records
// whose app is unknown.
type room struct {
	app            *app
	records, bytes int
}

type waiter struct {
	rooms []room
	ready chan struct{}
}

func newIntake(maxRecords, maxBytes int, shared bool) *intake {
	return &intake{maxRecords: maxRecords, maxBytes: maxBytes, shared: shared, held: map[*app]room{}}
}

// addRoom adds n times what an event takes up.
func addRoom(rooms []room, ev *event, n int) []room {
	i := slices.IndexFunc(rooms, func(r room) bool { return r.app == ev.app })
	if i < 0 {
		i = len(rooms)
		rooms = append(rooms, room{app: ev.app})
	}
	rooms[i].records += n
	rooms[i].bytes += n * ev.record.Size()
	return rooms
}

// acquire waits until there is room, or ctx ends.
func (in *intake) acquire(ctx context.Context, rooms []room) error {
	w := &waiter{rooms: rooms, ready: make(chan struct{})}
	in.mu.Lock()
	in.waiting = append(in.waiting, w)
	in.admit()
	in.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if i := slices.Index(in.waiting, w); i >= 0 {
		in.waiting = slices.Delete(in.waiting, i, i+1)
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

// pending is what is held now.
func (in *intake) pending() (records, bytes int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.records, in.bytes
}

// admit lets in who fits, first come first served. Who does not fit for want of
// room at all holds up everybody behind, so that it gets its turn; who does not
// fit for its app's share holds up that app only.
func (in *intake) admit() {
	if in.paused {
		return
	}
	var left []*waiter
	held := map[*app]bool{}
	for i, w := range in.waiting {
		if !in.roomFor(w.rooms) {
			left = append(left, in.waiting[i:]...)
			break
		}
		if !in.shareFor(w.rooms, held) {
			left = append(left, w)
			continue
		}
		in.add(w.rooms, 1)
		close(w.ready)
	}
	in.waiting = left
}

// roomFor tells whether there is room at all. What is larger than the bound
// gets in alone.
func (in *intake) roomFor(rooms []room) bool {
	records, bytes := in.records, in.bytes
	for _, r := range rooms {
		records += r.records
		bytes += r.bytes
	}
	return in.records == 0 || (records <= in.maxRecords && bytes <= in.maxBytes)
}

// shareFor tells whether the apps stay within their shares, and marks the apps
// that have to wait.
func (in *intake) shareFor(rooms []room, held map[*app]bool) bool {
	if !in.shared {
		return true
	}
	fits := true
	for _, r := range rooms {
		h := in.held[r.app]
		free, freeBytes := in.maxRecords-in.records, in.maxBytes-in.bytes
		if held[r.app] || (h.records > 0 && (h.records+r.records > free || h.bytes+r.bytes > freeBytes)) {
			fits = false
		}
	}
	if !fits {
		for _, r := range rooms {
			held[r.app] = true
		}
	}
	return fits
}

func (in *intake) add(rooms []room, sign int) {
	for _, r := range rooms {
		h := in.held[r.app]
		h.records += sign * r.records
		h.bytes += sign * r.bytes
		in.records += sign * r.records
		in.bytes += sign * r.bytes
		if h.records == 0 {
			delete(in.held, r.app)
		} else {
			in.held[r.app] = h
		}
	}
}
