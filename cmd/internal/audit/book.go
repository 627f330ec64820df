// Package audit checks a pipeline from outside: its book is told what was published, what the platform accepted and
// what lies in the dead-letter topic, and finds what has become of every event, and where the pipeline has broken its
// word. Tests, soak runs and people use the same one.
//
// It knows nothing of Kafka, HTTP or JSON: who feeds it finds out which event a report or a letter is of. It holds 32
// bytes an event and some 100 a player.
package audit

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/battlereport/battlereport/deadletter"
)

// Event is an event that is about to be published.
type Event struct {
	Number uint64 // its own; numbers should be dense, from 1
	Player string // whose events must arrive in order
	Round  uint32 // rises with the player's events
	Value  []byte // of the record; nil is not empty
	Posted []byte // what the platform is to see of it; nil: Value
	// Reason is what it must be dead-lettered for; empty: it is to be delivered. Whatever it is, an event that would
	// go to the platform may also end as exhausted or expired, and a good one as rejected.
	Reason deadletter.Reason
}

// Letter is what was found in a dead-letter topic.
type Letter struct {
	Number    uint64
	Value     []byte // nil is not empty
	Omitted   bool   // the letter says that it lacks the value
	Reason    deadletter.Reason
	Uncertain bool // the letter says that the platform may have the event
}

// Other is counted for a letter whose reason is none of [deadletter.Reasons].
const Other deadletter.Reason = "other"

// Book knows of every event that was published what has become of it. It is safe for concurrent use.
type Book struct {
	seed maphash.Seed

	mu      sync.Mutex
	pages   map[uint64]*page
	players map[string]uint32 // index of lastRound
	// lastRound is by player the highest round that the platform has accepted.
	lastRound  []uint32
	partitions []partition         // entry.partition is an index
	reasons    []deadletter.Reason // entry.want and entry.letter are indices; 0: none
	counts     Counts
	letters    []int // by reason, of events in Counts.DeadLettered
	breaches   breaches
}

// pageSize is how many entries are allocated together.
const pageSize = 1 << 12

type page [pageSize]entry

// partition is one of a topic.
type partition struct {
	topic  string
	number int32
}

// entry is all that is kept of an event.
type entry struct {
	value, posted uint32 // hashes
	player, round uint32
	offset        int64 // if written
	partition     uint16
	want, letter  uint8 // reason it must have, reason of the first letter
	state         state
}

type state uint8

const (
	published state = 1 << iota
	written
	withdrawn
	delivered
	uncertain // the letter says so
)

// New returns an empty book.
func New() *Book {
	return &Book{
		seed:     maphash.MakeSeed(),
		pages:    map[uint64]*page{},
		players:  map[string]uint32{},
		reasons:  slices.Concat([]deadletter.Reason{""}, deadletter.Reasons(), []deadletter.Reason{Other}),
		letters:  make([]int, len(deadletter.Reasons())+2),
		breaches: breaches{},
	}
}

// Publish says that ev is about to be published. Say so before it is written, since it may arrive before the writer
// knows. It panics if the number was published before: that is an error of the caller.
func (b *Book) Publish(ev Event) {
	value := b.hash(ev.Value)
	posted := value
	if ev.Posted != nil {
		posted = b.hash(ev.Posted)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[ev.Number/pageSize]
	if p == nil {
		p = new(page)
		b.pages[ev.Number/pageSize] = p
	}
	e := &p[ev.Number%pageSize]
	if e.state != 0 {
		panic(fmt.Sprintf("audit: event %d is published twice", ev.Number))
	}
	player, known := b.players[ev.Player]
	if !known {
		player = uint32(len(b.lastRound))
		b.players[ev.Player] = player
		b.lastRound = append(b.lastRound, 0)
	}
	*e = entry{value: value, posted: posted, player: player, round: ev.Round, state: published}
	if ev.Reason != "" {
		e.want = b.reason(ev.Reason)
	}
	b.counts.Published++
	b.counts.Pending++
}

// Written says where the event of that number lies.
func (b *Book) Written(number uint64, topic string, p int32, offset int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.find(number)
	if e == nil {
		b.breaches.add(Unknown, number, nil, "written")
		return
	}
	at := partition{topic, p}
	i := slices.Index(b.partitions, at)
	if i < 0 {
		i = len(b.partitions)
		b.partitions = append(b.partitions, at)
	}
	e.partition, e.offset = uint16(i), offset
	e.state |= written
}

// Withdraw says that the event of that number was not written after all and never will be. It no longer counts as
// published, unless it has arrived.
func (b *Book) Withdraw(number uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.find(number); e != nil && !e.settled() {
		e.state |= withdrawn
		b.counts.Published--
		b.counts.Pending--
	}
}

// Accept says that the platform has accepted the event of that number, which it saw as posted. Say so in the order of
// acceptance.
func (b *Book) Accept(number uint64, posted []byte) {
	hash := b.hash(posted)
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.find(number)
	if e == nil {
		b.breaches.add(Unknown, number, nil, "accepted")
		return
	}
	if hash != e.posted {
		b.breaches.add(Altered, number, e, fmt.Sprintf("the platform saw %.200q", posted))
	}
	if e.state&delivered != 0 {
		b.breaches.add(Duplicated, number, e, "accepted again")
		return
	}
	if e.want != 0 {
		b.breaches.add(Misjudged, number, e, fmt.Sprintf("delivered, should be dead-lettered as %s", b.reasons[e.want]))
	}
	if last := &b.lastRound[e.player]; e.round < *last {
		b.breaches.add(OutOfOrder, number, e, fmt.Sprintf("accepted after the player's round %d", *last))
	} else {
		*last = e.round
	}
	if e.letter == 0 {
		b.counts.Pending--
	} else {
		b.counts.DeadLettered--
		b.letters[e.letter]--
	}
	e.state |= delivered
	b.counts.Delivered++
	b.checkBoth(number, e)
}

// Bury says that a letter of an event was found.
func (b *Book) Bury(letter Letter) {
	hash := b.hash(letter.Value)
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.find(letter.Number)
	if e == nil {
		b.breaches.add(Unknown, letter.Number, nil, "dead-lettered as "+string(letter.Reason))
		return
	}
	if hash != e.value && !letter.Omitted {
		b.breaches.add(Altered, letter.Number, e, fmt.Sprintf("the letter has %.200q", letter.Value))
	}
	if want := b.reasons[e.want]; !just(want, letter.Reason) {
		if want == "" {
			want = "nothing"
		}
		b.breaches.add(Misjudged, letter.Number, e, fmt.Sprintf("dead-lettered as %s, should be for %s", letter.Reason, want))
	}
	if letter.Uncertain {
		e.state |= uncertain
	}
	if e.letter != 0 {
		b.breaches.add(Duplicated, letter.Number, e, "dead-lettered again")
		return
	}
	e.letter = b.reason(letter.Reason)
	if e.state&delivered == 0 {
		b.counts.Pending--
		b.counts.DeadLettered++
		b.letters[e.letter]++
	}
	b.checkBoth(letter.Number, e)
}

// just says whether an event that must be dead-lettered for want, or delivered if that is empty, may have a letter
// for got.
func just(want, got deadletter.Reason) bool {
	switch got {
	case want:
		return want != ""
	case deadletter.Exhausted, deadletter.Expired:
		return want == "" || want == deadletter.Rejected
	case deadletter.Rejected:
		return want == ""
	}
	return false
}

// checkBoth is called after an event's first delivery and after its first letter, and so once when it has both.
func (b *Book) checkBoth(number uint64, e *entry) {
	if e.letter == 0 || e.state&delivered == 0 {
		return
	}
	b.counts.Both++
	if e.state&uncertain == 0 {
		b.breaches.add(Both, number, e, fmt.Sprintf("delivered, and dead-lettered as %s as if it were not", b.reasons[e.letter]))
	}
}

// find returns the entry of an event that was published.
func (b *Book) find(number uint64) *entry {
	p := b.pages[number/pageSize]
	if p == nil {
		return nil
	}
	if e := &p[number%pageSize]; e.state&published != 0 && e.state&withdrawn == 0 {
		return e
	}
	return nil
}

func (e *entry) settled() bool { return e.letter != 0 || e.state&delivered != 0 }

// reason is the index of r; of a reason that there is not, that of [Other].
func (b *Book) reason(r deadletter.Reason) uint8 {
	if i := slices.Index(b.reasons, r); i > 0 {
		return uint8(i)
	}
	return uint8(len(b.reasons) - 1)
}

// hash tells values apart, nil and empty too. That two of the same event have the same by chance, and a change goes
// unnoticed, happens once in four thousand million changes.
func (b *Book) hash(value []byte) uint32 {
	if value == nil {
		return 0
	}
	return uint32(maphash.Bytes(b.seed, value)) | 1
}
