// Package batcher decides which records go together into one request.
//
// A [Batcher] gathers the records of one destination. It releases a batch when
// enough records or bytes have come together, or when a record has waited for
// the linger time. A user's records leave in the order in which they came, and
// while some of them are in flight all later ones of that user wait: two batches
// in flight never hold the same user. Everybody else's records pass.
//
// It is a data structure: no goroutine, no clock, no I/O. Time comes in as an
// argument, so that a test, or a simulation, decides what time it is. Each
// operation takes amortised constant time per record.
package batcher

import (
	"fmt"
	"time"
)

// Limits bound a batch. All are inclusive.
type Limits struct {
	Records int           // at most so many records, at least 1
	Bytes   int           // at most so many bytes; a single larger record goes alone
	Linger  time.Duration // the longest a record waits for others once its user is free
}

// Item is a record as the batcher sees it.
type Item[T any] struct {
	User  string // whose record it is
	Size  int    // its share of Limits.Bytes
	Value T

	due   time.Time // when it has lingered long enough
	owner *user[T]  // User's
}

// Batcher gathers the records of one destination. Not safe for concurrent use.
type Batcher[T any] struct {
	limits Limits
	users  map[string]*user[T] // everybody with records here, waiting or in flight
	spare  []*user[T]          // for reuse: most users have one record and are gone again
	ready  queue[*user[T]]     // users with records and none in flight, first come first served
	count  int                 // records of ready
	bytes  int                 // and their sizes
	due    time.Time           // earliest due of ready; meaningless while a batch is full
	behind int                 // records waiting behind a user in flight
}

// user is somebody with records here.
type user[T any] struct {
	id       string
	records  queue[Item[T]] // waiting
	bytes    int            // of records
	inFlight int
}

// New returns an empty batcher. It panics if limits.Records is less than 1.
func New[T any](limits Limits) *Batcher[T] {
	if limits.Records < 1 {
		panic(fmt.Sprintf("batcher: limit of %d records", limits.Records))
	}
	return &Batcher[T]{limits: limits, users: map[string]*user[T]{}}
}

// Add puts a record of userID in, with its size in bytes.
func (b *Batcher[T]) Add(now time.Time, userID string, size int, value T) {
	u := b.users[userID]
	if u == nil {
		u = b.newUser(userID)
		b.users[userID] = u
	}
	u.records.push(Item[T]{User: u.id, Size: size, Value: value, due: now.Add(b.limits.Linger), owner: u})
	u.bytes += size
	switch {
	case u.inFlight > 0:
		b.behind++
	case u.records.len() == 1:
		b.enqueue(u)
	default:
		b.count++
		b.bytes += size
	}
}

// enqueue makes a user ready who has just got a first record or come back.
func (b *Batcher[T]) enqueue(u *user[T]) {
	if due := u.records.at(0).due; b.ready.len() == 0 || due.Before(b.due) {
		b.due = due
	}
	b.ready.push(u)
	b.count += u.records.len()
	b.bytes += u.bytes
}

// Next removes and returns the next batch, if one is full or a record has
// waited long enough by now. Its users are in flight until [Batcher.Done].
func (b *Batcher[T]) Next(now time.Time) ([]Item[T], bool) {
	if !b.full() && (b.ready.len() == 0 || now.Before(b.due)) {
		return nil, false
	}
	return b.take(b.limits.Records), true
}

// First is Next without the waiting, for at most n records: it removes and
// returns those of the user who has been ready longest, and of the next ones,
// whether or not a batch is due. It returns none when no user is ready.
func (b *Batcher[T]) First(n int) []Item[T] { return b.take(min(n, b.limits.Records)) }

func (b *Batcher[T]) full() bool {
	return b.count > 0 && (b.count >= b.limits.Records || b.bytes >= b.limits.Bytes)
}

func (b *Batcher[T]) take(records int) []Item[T] {
	batch := make([]Item[T], 0, min(records, b.count))
	size := 0
	for len(batch) < records && b.ready.len() > 0 {
		u := *b.ready.at(0)
		if len(batch) > 0 && size+u.records.at(0).Size > b.limits.Bytes {
			break
		}
		b.ready.pop()
		b.count -= u.records.len()
		b.bytes -= u.bytes
		for u.records.len() > 0 && len(batch) < records {
			item := *u.records.at(0)
			if len(batch) > 0 && size+item.Size > b.limits.Bytes {
				break
			}
			u.records.pop()
			u.bytes -= item.Size
			u.inFlight++
			size += item.Size
			batch = append(batch, item)
		}
		b.behind += u.records.len()
	}
	b.findDue()
	return batch
}

// findDue finds the earliest due of the users that are ready. They are few: a
// full batch is due whatever the time.
func (b *Batcher[T]) findDue() {
	if b.full() {
		return
	}
	for i := range b.ready.len() {
		if due := (*b.ready.at(i)).records.at(0).due; i == 0 || due.Before(b.due) {
			b.due = due
		}
	}
}

// Done says that records which Next or First returned are no longer in flight.
// When all of a user's are done, those that waited behind them become ready.
func (b *Batcher[T]) Done(items ...Item[T]) {
	for _, item := range items {
		u := item.owner
		if u == nil || u.inFlight == 0 || u.id != item.User {
			panic("batcher: done with a record that is not in flight")
		}
		u.inFlight--
		switch {
		case u.inFlight > 0:
		case u.records.len() > 0:
			b.behind -= u.records.len()
			b.enqueue(u)
		default:
			b.forget(u)
		}
	}
}

// Wake is the time from which on Next has a batch if nothing else happens until
// then (the zero time: at once); false when it waits for an Add or a Done.
func (b *Batcher[T]) Wake() (time.Time, bool) {
	switch {
	case b.count == 0:
		return time.Time{}, false
	case b.full():
		return time.Time{}, true
	default:
		return b.due, true
	}
}

// Hurry ends all lingering: from now on a record is due as soon as its user is
// free.
func (b *Batcher[T]) Hurry() {
	b.limits.Linger = 0
	for _, u := range b.users {
		for i := range u.records.len() {
			u.records.at(i).due = time.Time{}
		}
	}
	b.due = time.Time{}
}

// Remove takes out and returns the waiting records for which drop is true. It
// does not ask about those in flight.
func (b *Batcher[T]) Remove(drop func(T) bool) []T {
	var out []T
	for id, u := range b.users {
		for range u.records.len() {
			item := u.records.pop()
			if !drop(item.Value) {
				u.records.push(item)
				continue
			}
			out = append(out, item.Value)
			u.bytes -= item.Size
			if u.inFlight > 0 {
				b.behind--
			} else {
				b.count--
				b.bytes -= item.Size
			}
		}
		if u.records.len() == 0 && u.inFlight == 0 {
			delete(b.users, id)
		}
	}
	for range b.ready.len() {
		if u := b.ready.pop(); u.records.len() > 0 {
			b.ready.push(u)
		}
	}
	b.findDue()
	return out
}

// Len is the number of records waiting, ready or behind a user in flight. Those
// in flight do not count.
func (b *Batcher[T]) Len() int { return b.count + b.behind }

func (b *Batcher[T]) newUser(id string) *user[T] {
	n := len(b.spare)
	if n == 0 {
		return &user[T]{id: id}
	}
	u := b.spare[n-1]
	b.spare = b.spare[:n-1]
	u.id = id
	return u
}

// maxSpare bounds what is kept for reuse, and maxSpareRing how large a former
// backlog it may hold on to.
const (
	maxSpare     = 4096
	maxSpareRing = 4
)

func (b *Batcher[T]) forget(u *user[T]) {
	delete(b.users, u.id)
	u.id = ""
	if len(b.spare) < maxSpare && len(u.records.ring) <= maxSpareRing {
		b.spare = append(b.spare, u)
	}
}
