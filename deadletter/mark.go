package deadletter

import (
	"slices"
	"time"
)

// mark is a letter's entry in a ledger: what was done about it, in two bits, and the
// day on which that was written. Zero: there is no entry.
type mark uint16

// states are what the two bits mean.
var states = [1 << markBits]State{0: Pending, 1: Replayed, 2: Discarded, ofAnother: Pending}

const (
	markBits  = 2
	markDays  = 1<<(16-markBits) - 1
	ofAnother = 3 // the entry is of a letter of another topic, which had this one's name
)

// markEpoch is day 0. Times before it count as of that day, those of decades later as
// of the last.
var markEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func markDay(at time.Time) int {
	return int(min(max(at.Sub(markEpoch)/(24*time.Hour), 0), markDays))
}

func newMark(code int, at time.Time) mark { return mark(markDay(at)<<markBits | code) }

// markOf is the mark of a state other than Pending.
func markOf(s State, at time.Time) mark { return newMark(slices.Index(states[:], s), at) }

func (m mark) state() State { return states[m.code()] }

func (m mark) code() int { return int(m & (1<<markBits - 1)) }

func (m mark) day() int { return int(m >> markBits) }
