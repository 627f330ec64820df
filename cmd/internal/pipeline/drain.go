package pipeline

// drain begins the end: what merely waits is let go, and what is under way is
// finished. A batch in backoff, or a held app, keeps no partition from whoever holds
// it next, who learns which records are not settled, and takes those alone.
func (e *engine) drain() {
	e.draining = true
	e.log.Info("draining", "events", e.held, "in_flight", len(e.flying), "letters", len(e.letters)+len(e.writing), "timeout", e.p.cfg.Delivery.DrainTimeout)
}

// shed lets go of what waits: to be sent, to be sent again, or for its app. Calls
// and letters are under way: were one of these let go, it would be done twice.
func (e *engine) shed() {
	letGo := func(ev *event) bool {
		e.letGo(ev)
		return true
	}
	for _, l := range e.lanes {
		l.batcher.Remove(letGo)
		l.filter(func(b *batch) bool { return e.trim(b, letGo) })
	}
}

// letGo leaves an event, not settled, to whoever holds its partition next.
func (e *engine) letGo(ev *event) {
	e.held--
	e.left++
	e.freed = addRoom(e.freed, ev.tenant(), 1, ev.record.Size())
}
