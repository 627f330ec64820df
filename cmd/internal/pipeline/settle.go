package pipeline

import (
	"iter"
	"slices"

	"github.com/battlereport/battlereport/consumer"
)

// settler ends events: it settles them, or lets go of them, and gives the room that
// they took up to new ones.
type settler struct {
	intake *intake
	spares *spares

	held  int      // events taken, and neither settled nor let go of
	left  int      // events let go of, for whoever holds their partitions next
	freed []room   // of events that ended in this turn of the loop
	spent []*event // and those of them that were settled
}

// delivered settles events of a tenant, which are not to be touched again.
func (s *settler) delivered(t tenant, events iter.Seq[*event]) {
	records := s.held
	bytes := s.settle(events)
	s.freed = addRoom(s.freed, t, records-s.held, bytes)
}

// buried settles events whose letters are written, which are not to be touched again.
func (s *settler) buried(events []*event) {
	for _, ev := range events {
		s.freed = addRoom(s.freed, ev.tenant(), 1, ev.record.Size())
	}
	s.settle(slices.Values(events))
}

func (s *settler) settle(events iter.Seq[*event]) (bytes int) {
	consumer.SettleAll(func(yield func(*consumer.Record) bool) {
		for ev := range events { // they lie out of the caches: what is looked at here is the first line of each
			s.held--
			bytes += ev.record.Size()
			s.spent = append(s.spent, ev)
			if !yield(&ev.record) {
				return
			}
		}
	})
	return bytes
}

// letGo leaves an event, not settled, to whoever holds its partition next.
func (s *settler) letGo(ev *event) {
	s.held--
	s.left++
	s.freed = addRoom(s.freed, ev.tenant(), 1, ev.record.Size())
}

// free gives on the room of the events that have ended, and the events to be used
// again.
func (s *settler) free() {
	if len(s.freed) > 0 {
		s.intake.release(s.freed...)
		s.freed = s.freed[:0]
	}
	if len(s.spent) > 0 {
		s.spares.put(s.spent)
		s.spent = s.spent[:0]
	}
}
