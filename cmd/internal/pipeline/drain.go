package pipeline

// drain begins the end: nothing lingers any more.
func (e *engine) drain() {
	e.draining = true
	for _, l := range e.lanes {
		l.batcher.Hurry()
	}
	e.log.Info("draining", "events", e.held, "in_flight", len(e.flying), "timeout", e.p.cfg.Delivery.DrainTimeout)
	e.shed()
}

// shed lets go, while draining, of what whoever holds the partition next can
// deliver as well: events after which nothing of their partition has been
// delivered or is in flight. What lies before such a record must be finished,
// since the commit cannot pass it, and the record would be delivered twice.
func (e *engine) shed() {
	for _, s := range e.sources {
		s.inHand = s.settled
	}
	hand := func(ev *event) { ev.source.inHand = max(ev.source.inHand, ev.record.Offset) }
	for _, ev := range e.writing {
		hand(ev)
	}
	for b := range e.flying {
		for _, it := range b.items {
			hand(it.Value)
		}
	}
	beyond := func(ev *event) bool {
		if ev.record.Offset <= ev.source.inHand {
			return false
		}
		e.held--
		e.left++
		e.freed = addRoom(e.freed, ev.tenant(), 1, ev.record.Size())
		return true
	}
	kept := e.letters[:0]
	for _, ev := range e.letters {
		if !beyond(ev) {
			kept = append(kept, ev)
		}
	}
	e.letters = kept
	for _, l := range e.lanes {
		l.batcher.Remove(beyond)
		l.filter(func(b *batch) bool { return e.trim(b, beyond) })
	}
}
