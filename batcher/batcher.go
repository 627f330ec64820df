// Package batcher decides which records go together into one request.
//
// A [Batcher] gathers the records of one destination. It releases a batch when
// enough records or bytes have come together, or when a record has waited for
// the linger time. A user's records leave in the order in which they came, and
// while some of them are in flight all later ones of that user wait: two batches
// in flight never hold the same user. Everybody else's records pass.
//
// Records are of a [Class], and a batch has records of one class only: who asks
// for batches decides how the classes share the way. A user's order holds across
// classes.
//
// It is a data structure: no goroutine, no clock, no I/O. Time comes in as an
// argument, so that a test, or a simulation, decides what time it is. Each
// operation takes amortised constant time per record.
package batcher

import (
	"fmt"
	"time"
)

// Class tells records apart that must not share a batch.
type Class uint8

// The classes. The batcher itself prefers none.
const (
	Foreground Class = iota
	Background

	classes = 2
)

// Limits bound a batch. All are inclusive.
type Limits struct {
	Records int           // at most so many records, at least 1
	Bytes   int           // at most so many bytes; a single larger record goes alone
	Linger  time.Duration // the longest a record waits for others once its user is free; at most a century
}

// Item is a record as the batcher sees it. What Next and First return is valid
// until Done.
type Item[T any] struct {
	Value T
	User  uint64 // whose record it is
	Size  int    // its share of Limits.Bytes
	Class Class

	due   time.Duration // when it has lingered long enough, since the batcher's epoch
	next  *Item[T]      // of its user, while it waits
	owner *user[T]      // User's
}

// Batcher gathers the records of one destination. Not safe for concurrent use.
type Batcher[T any] struct {
	limits  Limits
	epoch   time.Time // of the first record; times are counted from it
	users   table[T]  // everybody with records here, waiting or in flight
	items   spares[Item[T]]
	gone    spares[user[T]]
	ready   [classes]line[T]
	waiting int // records, ready or behind others of their user
}

// line is the users with records of a class to release and none in flight, first
// come first served.
type line[T any] struct {
	users queue[*user[T]]
	count int           // records that may go: of each user the run
	bytes int           // and their sizes
	due   time.Duration // earliest due; meaningless while a batch is full
}

// user is somebody with records here. While none is in flight, the run is those
// of the first records that are of one class, as many as a batch can take.
type user[T any] struct {
	id          uint64
	first, last *Item[T] // waiting
	beyond      *Item[T] // the first of them behind the run
	run         int
	runBytes    int
	inFlight    int
}

// New returns an empty batcher. It panics if limits.Records is less than 1.
func New[T any](limits Limits) *Batcher[T] {
	if limits.Records < 1 {
		panic(fmt.Sprintf("batcher: limit of %d records", limits.Records))
	}
	return &Batcher[T]{limits: limits, users: newTable[T](minSlots)}
}

// Add puts a record of a user in, with its size in bytes. Users of the same number
// wait for each other: a hash will do.
func (b *Batcher[T]) Add(now time.Time, class Class, userID uint64, size int, value T) {
	if b.epoch.IsZero() {
		b.epoch = now
	}
	found := b.users.find(userID)
	u := found.user
	if u == nil {
		u = b.gone.get()
		u.id = userID
		b.users.insert(found, u)
	}
	item := b.items.get()
	*item = Item[T]{Value: value, User: userID, Size: size, Class: class, due: now.Sub(b.epoch) + b.limits.Linger, owner: u}
	b.waiting++
	if u.first == nil {
		u.first, u.last = item, item
		if u.inFlight == 0 {
			b.enqueue(u)
		}
		return
	}
	u.last.next = item
	u.last = item
	if u.inFlight == 0 {
		if u.beyond == nil {
			u.beyond = item
		}
		b.extend(u)
	}
}

// enqueue makes a user ready who has just got a first record or come back.
func (b *Batcher[T]) enqueue(u *user[T]) {
	l := &b.ready[u.first.Class]
	if l.users.len() == 0 || u.first.due < l.due {
		l.due = u.first.due
	}
	l.users.push(u)
	u.beyond, u.run, u.runBytes = u.first, 0, 0
	b.extend(u)
}

// extend makes the run of a user who is ready as long as it can be.
func (b *Batcher[T]) extend(u *user[T]) {
	class := u.first.Class
	l := &b.ready[class]
	for u.beyond != nil && u.beyond.Class == class && u.run < b.limits.Records {
		u.run++
		u.runBytes += u.beyond.Size
		l.count++
		l.bytes += u.beyond.Size
		u.beyond = u.beyond.next
	}
}

// Next removes and returns the next batch of the class, if one is full or a
// record has waited long enough by now. Its users are in flight until
// [Batcher.Done].
func (b *Batcher[T]) Next(now time.Time, class Class) ([]*Item[T], bool) {
	if l := &b.ready[class]; !b.full(l) && (l.users.len() == 0 || now.Sub(b.epoch) < l.due) {
		return nil, false
	}
	return b.take(class, b.limits.Records), true
}

// First is Next without the waiting, for at most n records: it removes and
// returns those of the user who has been ready longest, and of the next ones,
// whether or not a batch is due. It returns none when no user is ready.
func (b *Batcher[T]) First(n int, class Class) []*Item[T] {
	return b.take(class, min(n, b.limits.Records))
}

func (b *Batcher[T]) full(l *line[T]) bool {
	return l.count > 0 && (l.count >= b.limits.Records || l.bytes >= b.limits.Bytes)
}

func (b *Batcher[T]) take(class Class, records int) []*Item[T] {
	l := &b.ready[class]
	batch := make([]*Item[T], 0, min(records, l.count))
	size := 0
	for len(batch) < records && l.users.len() > 0 {
		u := *l.users.at(0)
		if len(batch) > 0 && size+u.first.Size > b.limits.Bytes {
			break
		}
		l.users.pop()
		l.count -= u.run
		l.bytes -= u.runBytes
		for ; u.run > 0 && len(batch) < records; u.run-- {
			item := u.first
			if len(batch) > 0 && size+item.Size > b.limits.Bytes {
				break
			}
			u.first = item.next
			u.inFlight++
			size += item.Size
			batch = append(batch, item)
		}
	}
	b.waiting -= len(batch)
	b.findDue(l)
	return batch
}

// findDue finds the earliest due of the users that are ready. They are few: a
// full batch is due whatever the time.
func (b *Batcher[T]) findDue(l *line[T]) {
	if b.full(l) {
		return
	}
	for i := range l.users.len() {
		if due := (*l.users.at(i)).first.due; i == 0 || due < l.due {
			l.due = due
		}
	}
}

// Done says that records which Next or First returned are no longer in flight,
// and ends the items' validity. When all of a user's are done, those that waited
// behind them become ready.
func (b *Batcher[T]) Done(items ...*Item[T]) {
	for _, item := range items {
		u := item.owner
		if u == nil || u.inFlight == 0 {
			panic("batcher: done with a record that is not in flight")
		}
		*item = Item[T]{}
		b.items.put(item)
		u.inFlight--
		switch {
		case u.inFlight > 0:
		case u.first != nil:
			b.enqueue(u)
		default:
			b.forget(u)
		}
	}
}

// Wake is the time from which on Next has a batch of the class if nothing else
// happens until then (the zero time: at once); false when it waits for an Add or
// a Done.
func (b *Batcher[T]) Wake(class Class) (time.Time, bool) {
	l := &b.ready[class]
	switch {
	case l.count == 0:
		return time.Time{}, false
	case b.full(l):
		return time.Time{}, true
	default:
		return b.epoch.Add(l.due), true
	}
}

// Remove takes out and returns the waiting records for which drop is true. It
// does not ask about those in flight.
func (b *Batcher[T]) Remove(drop func(T) bool) []T {
	var (
		out  []T
		gone []uint64
	)
	for u := range b.users.all {
		waiting := u.first
		u.first, u.last = nil, nil
		for waiting != nil {
			item := waiting
			waiting, item.next = item.next, nil
			switch {
			case drop(item.Value):
				out = append(out, item.Value)
				*item = Item[T]{}
				b.items.put(item)
			case u.first == nil:
				u.first, u.last = item, item
			default:
				u.last.next = item
				u.last = item
			}
		}
		if u.first == nil && u.inFlight == 0 {
			gone = append(gone, u.id)
		}
	}
	for _, id := range gone {
		b.users.delete(id)
	}
	b.waiting -= len(out)
	// A user whose first records are gone may stand in the wrong line now.
	former := b.ready
	b.ready = [classes]line[T]{}
	for class := range former {
		for users := &former[class].users; users.len() > 0; {
			if u := users.pop(); u.first != nil {
				b.enqueue(u)
			}
		}
	}
	return out
}

// Ready is the number of records of the class that could go into batches now.
func (b *Batcher[T]) Ready(class Class) int { return b.ready[class].count }

// Len is the number of records waiting, ready or behind others of their user.
// Those in flight do not count.
func (b *Batcher[T]) Len() int { return b.waiting }

func (b *Batcher[T]) forget(u *user[T]) {
	b.users.delete(u.id)
	*u = user[T]{}
	b.gone.put(u)
}
