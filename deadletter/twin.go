package deadletter

import (
	"encoding/json"
	"hash/maphash"
)

// identity is what twins share: letters that are of the same record and were
// replayed as often. Whoever writes a letter writes it once, but a process that is
// killed in the middle, and the one that takes over, may each write it.
type identity struct {
	topic     string
	partition int
	offset    int64
	millis    int64 // of the record: a topic that is made anew has others at its offsets
	replays   int
}

// identityOf returns the identity of a letter from where its record came from. It
// is zero where that is not known.
func identityOf(s Source, replays int) identity {
	if s.Topic == "" {
		return identity{}
	}
	return identity{s.Topic, s.Partition, s.Offset, s.Time.UnixMilli(), replays}
}

// parseIdentity reads what a resolution says of it; where that is not whole, it is
// not known.
func parseIdentity(source, replays json.RawMessage) identity {
	var (
		s *sourceJSON
		n int
	)
	if source == nil || json.Unmarshal(source, &s) != nil || s == nil || s.Timestamp.IsZero() {
		return identity{}
	}
	if replays != nil && json.Unmarshal(replays, &n) != nil {
		return identity{}
	}
	return identityOf(s.source(), n)
}

func (l *Letter) identity() identity { return identityOf(l.Source, l.Replays) }

func (i identity) known() bool { return i != identity{} }

var seed = maphash.MakeSeed()

func (i identity) hash() uint64 { return maphash.Comparable(seed, i) }

// met knows which letters have been met, so that of twins the second is passed
// over. It remembers the last million at least, and at most twice as many: some
// 40 MB.
type met struct{ last, before map[uint64]struct{} }

const metLetters = 1 << 20

// again tells whether a letter was met before, and notes it.
func (m *met) again(i identity) bool {
	if !i.known() {
		return false
	}
	h := i.hash()
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
