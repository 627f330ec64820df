// Package audit checks a pipeline from outside: it is told what was published, what the platform accepted and what
// lies in the dead-letter topic, and gives a verdict. Tests, soak runs and people use the same one.
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

// Place is a partition of a topic.
type Place struct {
	Topic     string
	Partition int32
}

// Ledger is safe for concurrent use.
type Ledger struct {
	seed maphash.Seed

	mu      sync.Mutex
	pages   map[uint64]*page
	players map[string]uint32 // index of lastRound
	// lastRound is by player the highest round that the platform has accepted.
	lastRound []uint32
	places    []Place
	reasons   []deadletter.Reason // entry.want and entry.letter are indices; 0: none
	counts    Counts
	letters   []int // by reason, of events in Counts.DeadLettered
	found     found
}

// pageSize is how many entries are allocated together.
const pageSize = 1 << 12

type page [pageSize]entry

// entry is all that is kept of an event.
type entry struct {
	value, posted uint32 // hashes
	player, round uint32
	offset        int64 // if written
	place         uint16
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

// New returns an empty ledger.
func New() *Ledger {
	return &Ledger{
		seed:    maphash.MakeSeed(),
		pages:   map[uint64]*page{},
		players: map[string]uint32{},
		reasons: slices.Concat([]deadletter.Reason{""}, deadletter.Reasons(), []deadletter.Reason{Other}),
		letters: make([]int, len(deadletter.Reasons())+2),
		found:   found{},
	}
}

// Publish says that ev is about to be published. Say so before it is written, since it may arrive before the writer
// knows. It panics if the number was published before: that is an error of the caller.
func (l *Ledger) Publish(ev Event) {
	value := l.hash(ev.Value)
	posted := value
	if ev.Posted != nil {
		posted = l.hash(ev.Posted)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pages[ev.Number/pageSize]
	if p == nil {
		p = new(page)
		l.pages[ev.Number/pageSize] = p
	}
	e := &p[ev.Number%pageSize]
	if e.state != 0 {
		panic(fmt.Sprintf("audit: event %d is published twice", ev.Number))
	}
	player, known := l.players[ev.Player]
	if !known {
		player = uint32(len(l.lastRound))
		l.players[ev.Player] = player
		l.lastRound = append(l.lastRound, 0)
	}
	*e = entry{value: value, posted: posted, player: player, round: ev.Round, state: published}
	if ev.Reason != "" {
		e.want = l.reason(ev.Reason)
	}
	l.counts.Published++
	l.counts.Pending++
}

// Written says where the event of that number has got its place.
func (l *Ledger) Written(number uint64, at Place, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.find(number)
	if e == nil {
		l.found.add(Unknown, number, nil, "written")
		return
	}
	i := slices.Index(l.places, at)
	if i < 0 {
		i = len(l.places)
		l.places = append(l.places, at)
	}
	e.place, e.offset = uint16(i), offset
	e.state |= written
}

// Withdraw says that the event of that number was not written after all and never will be. It no longer counts as
// published, unless it has arrived.
func (l *Ledger) Withdraw(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.find(number); e != nil && !e.settled() {
		e.state |= withdrawn
		l.counts.Published--
		l.counts.Pending--
	}
}

// Accept says that the platform has accepted the event of that number, which it saw as posted. Say so in the order of
// acceptance.
func (l *Ledger) Accept(number uint64, posted []byte) {
	hash := l.hash(posted)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.find(number)
	if e == nil {
		l.found.add(Unknown, number, nil, "accepted")
		return
	}
	if hash != e.posted {
		l.found.add(Altered, number, e, fmt.Sprintf("the platform saw %.200q", posted))
	}
	if e.state&delivered != 0 {
		l.found.add(Duplicated, number, e, "accepted again")
		return
	}
	if e.want != 0 {
		l.found.add(Misjudged, number, e, fmt.Sprintf("delivered, should be dead-lettered as %s", l.reasons[e.want]))
	}
	if last := &l.lastRound[e.player]; e.round < *last {
		l.found.add(OutOfOrder, number, e, fmt.Sprintf("accepted after the player's round %d", *last))
	} else {
		*last = e.round
	}
	if e.letter == 0 {
		l.counts.Pending--
	} else {
		l.counts.DeadLettered--
		l.letters[e.letter]--
	}
	e.state |= delivered
	l.counts.Delivered++
	l.checkBoth(number, e)
}

// Bury says that a letter of an event was found.
func (l *Ledger) Bury(letter Letter) {
	hash := l.hash(letter.Value)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.find(letter.Number)
	if e == nil {
		l.found.add(Unknown, letter.Number, nil, "dead-lettered as "+string(letter.Reason))
		return
	}
	if hash != e.value && !letter.Omitted {
		l.found.add(Altered, letter.Number, e, fmt.Sprintf("the letter has %.200q", letter.Value))
	}
	if want := l.reasons[e.want]; !just(want, letter.Reason) {
		if want == "" {
			want = "nothing"
		}
		l.found.add(Misjudged, letter.Number, e, fmt.Sprintf("dead-lettered as %s, should be for %s", letter.Reason, want))
	}
	if letter.Uncertain {
		e.state |= uncertain
	}
	if e.letter != 0 {
		l.found.add(Duplicated, letter.Number, e, "dead-lettered again")
		return
	}
	e.letter = l.reason(letter.Reason)
	if e.state&delivered == 0 {
		l.counts.Pending--
		l.counts.DeadLettered++
		l.letters[e.letter]++
	}
	l.checkBoth(letter.Number, e)
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
func (l *Ledger) checkBoth(number uint64, e *entry) {
	if e.letter == 0 || e.state&delivered == 0 {
		return
	}
	l.counts.Both++
	if e.state&uncertain == 0 {
		l.found.add(Both, number, e, fmt.Sprintf("delivered, and dead-lettered as %s as if it were not", l.reasons[e.letter]))
	}
}

// find returns the entry of an event that was published.
func (l *Ledger) find(number uint64) *entry {
	p := l.pages[number/pageSize]
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
func (l *Ledger) reason(r deadletter.Reason) uint8 {
	if i := slices.Index(l.reasons, r); i > 0 {
		return uint8(i)
	}
	return uint8(len(l.reasons) - 1)
}

// hash tells values apart, nil and empty too. That two of the same event have the same by chance, and a change goes
// unnoticed, happens once in four thousand million changes.
func (l *Ledger) hash(value []byte) uint32 {
	if value == nil {
		return 0
	}
	return uint32(maphash.Bytes(l.seed, value)) | 1
}
