package deadletter

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

func (l *Letter) identity() identity { return identityOf(l.Source, l.Replays) }
