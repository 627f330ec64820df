package pipeline

// shed lets go of what merely waits on the lanes: to be sent, to be sent again, or for
// its app. Neither a batch in backoff nor a held app keeps a partition from whoever
// holds it next, who learns which records are not settled, and takes those alone.
// Calls and letters are under way: were one of these let go, it would be done twice.
func shed(lanes lanes, letGo func(*event)) {
	out := func(ev *event) bool {
		letGo(ev)
		return true
	}
	for _, l := range lanes {
		l.batcher.Remove(out)
		l.filter(func(b *batch) bool {
			kept := l.trim(b, out)
			if !kept {
				b.span.letGo(b)
			}
			return kept
		})
	}
}

// abandon ends the spans of batches that are left when there was no time to shed them.
func abandon(lanes lanes) {
	for _, l := range lanes {
		l.filter(func(b *batch) bool {
			b.span.letGo(b)
			return true
		})
	}
}
