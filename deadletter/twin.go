package deadletter

import "hash/maphash"

// Identity is what twins share: letters that are of the same record and were
// replayed as often. Whoever writes a letter writes it once, but a process that is
// killed in the middle, and the one that takes over, may each write it. The zero
// Identity is that of a letter of which it is not known.
type Identity struct {
	topic     string
	partition int
	offset    int64
	millis    int64 // of the record's timestamp, if it has one: a topic that is made anew has others at its offsets
	replays   int
}

// identityOf returns the identity of a letter from where its record came from. It
// is zero where that is not known.
func identityOf(s Source, replays int) Identity {
	if s.Topic == "" {
		return Identity{}
	}
	return Identity{s.Topic, s.Partition, s.Offset, readable(s.Time).UnixMilli(), replays}
}

// Identity is what the letter shares with its twins.
func (l *Letter) Identity() Identity { return identityOf(l.Source, l.Replays) }

// Known tells whether there is anything to know twins by.
func (i Identity) Known() bool { return i != Identity{} }

var seed = maphash.MakeSeed()

// Hash is the same for the same identity, within one process.
func (i Identity) Hash() uint64 { return maphash.Comparable(seed, i) }

// Met knows which letters have been met, so that of twins the second is passed
// over. It remembers the last million at least, and at most twice as many: some
// 40 MB. It is not safe for concurrent use; the zero Met has met none.
type Met struct{ last, before map[uint64]struct{} }

const metLetters = 1 << 20

// Again tells whether a letter was met before, and notes it.
func (m *Met) Again(i Identity) bool {
	if !i.Known() {
		return false
	}
	h := i.Hash()
	_, last := m.last[h]
	_, before := m.before[h]
	if last || before {
		return true
	}
	if m.last == nil || len(m.last) == metLetters {
		m.before, m.last = m.last, map[uint64]struct{}{}
	}
	m.last[h] = struct{}{}
	return false
}
