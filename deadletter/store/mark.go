package store

import (
	"slices"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// mark is what was done about a letter, in two bits, and the day on which that was
// written. Zero: it has no resolution.
type mark uint16

// markStates are what the two bits mean.
var markStates = [1 << markBits]deadletter.State{
	0: deadletter.Pending, 1: deadletter.Replayed, 2: deadletter.Discarded, ofAnother: deadletter.Pending,
}

const (
	markBits  = 2
	markDays  = 1<<(16-markBits) - 1
	ofAnother = 3 // the resolution is of a letter of another topic, which had this one's name
)

// markEpoch is day 0. Times before it count as of that day, those of decades later as
// of the last.
var markEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func markDay(at time.Time) int {
	return int(min(max(at.Sub(markEpoch)/(24*time.Hour), 0), markDays))
}

// newMark is of a resolution written at a time. One whose time is not known, see
// [consumer.Dated], is never too old.
func newMark(code int, at time.Time) mark {
	day := markDays
	if consumer.Dated(at) {
		day = markDay(at)
	}
	return mark(day<<markBits | code)
}

// markOf is the mark of a state other than Pending.
func markOf(s deadletter.State, at time.Time) mark {
	return newMark(slices.Index(markStates[:], s), at)
}

func (m mark) state() deadletter.State { return markStates[m.code()] }

func (m mark) code() int { return int(m & (1<<markBits - 1)) }

func (m mark) day() int { return int(m >> markBits) }
