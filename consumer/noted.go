package consumer

import "time"

// Noted is what was committed beside an offset: what is settled beyond it. It is for
// those who look at a group and are no members of it.
type Noted struct {
	TopicID [16]byte // of the topic that the offset is of; zero: not known

	// Horizon is the offset from which on nothing is known: up to there records were
	// taken or deferred. Before it, Unsettled records are not settled, those that are
	// deferred included, as far as is known.
	Horizon   int64
	Unsettled int64

	Deferred []Deferral
}

// A Deferral says of records that belong together, as those of one app, that they were
// passed and are taken later.
type Deferral struct {
	Strand uint64    // see [Config]
	Left   int64     // how many there are, as far as is known
	Oldest time.Time // the timestamp of the first of them; zero: not known
}

// ReadNote reads what was committed as metadata beside an offset of a partition, in the
// cluster of that id. It says nothing, and ok is false, if this program has not written it,
// or has for another offset or partition: tools move offsets, and copy what was committed
// with them.
func ReadNote(metadata, cluster, topic string, partition int, offset int64) (noted Noted, ok bool) {
	n, err := decodeNote(metadata, place{cluster, topic, partition}, offset)
	if err != nil || metadata == "" {
		return Noted{Horizon: offset}, false
	}
	noted = Noted{TopicID: n.topic, Horizon: n.unsettled.horizon, Unsettled: int64(len(n.unsettled.offsets))}
	for _, d := range n.deferred {
		deferral := Deferral{Strand: d.strand, Left: d.left}
		if d.oldest > 0 {
			deferral.Oldest = time.UnixMilli(d.oldest)
		}
		noted.Deferred = append(noted.Deferred, deferral)
		noted.Unsettled += d.left
	}
	return noted, true
}
