package consumer

// known is what decides where a partition begins.
type known struct {
	topic     topicID   // as it is now
	committed committed // by the group
	note      note      // that was committed with it
	kept      *kept     // nil: nothing

	started  bool // the group has committed something of the topic
	appeared bool // since this member runs; before there was no topic of that name, or another
	latest   bool // Start is Latest, and holds for the topic

	once  bool      // the topic's records are taken once, by whatever group
	asked bool      // other groups have been asked, or cannot be
	other *standing // of them the one that has come farthest; nil: none
}

// kept is what a member has settled of a partition and could not commit. When it
// gets the partition back in its next generation it goes on there, if nobody has
// committed anything since, at the same offset included: an outage of the brokers
// then repeats nothing, however long it is.
type kept struct {
	committed committed // by the group then
	offset    int64     // settled up to here, and what note says
	note      note
}

// begin is where a partition begins: an offset, or one of the values below.
type begin struct {
	at   int64
	note note // the topic that at is of, and what is unsettled from there on
	anew bool // what is committed is of another topic, which had this name before
	sure bool // what is committed, if anything, is known to be of the topic

	group string // whose commit it goes on from, if not from this one's
}

const (
	atFirst  = -2 // the oldest record still there
	atPinned = -3 // where the group's leader is about to say
	atOthers = -4 // where other groups have come to, which is not known yet
)

// begin decides. A topic is its id, not its name: one made anew is taken from its
// first record. Latest is for a topic of which the group has nothing yet: what is
// written to a partition added later, or to a topic that is made while the group
// waits for it, is all new. Where it holds, one member, the leader, says for all
// partitions where they begin, before any is taken: otherwise the commit of one
// member would look to the next like a group that has started already.
func (k known) begin() begin {
	switch {
	case k.kept != nil && k.kept.committed == k.committed && k.kept.note.topic == k.topic:
		return begin{at: k.kept.offset, note: k.kept.note, sure: true}
	case k.committed.offset >= 0 && k.note.topic.isOther(k.topic):
		b := k.afresh()
		b.anew, b.sure = true, false
		return b
	case k.committed.offset >= 0:
		n := k.note
		n.topic = k.topic
		return begin{at: k.committed.offset, note: n, sure: k.note.topic == k.topic}
	case k.latest && !k.started && !k.appeared:
		return begin{at: atPinned}
	default:
		return k.afresh()
	}
}

// afresh is where a partition begins of which the group has committed nothing.
func (k known) afresh() begin {
	switch {
	case k.once && !k.asked:
		return begin{at: atOthers}
	case k.once && k.other != nil:
		return begin{at: k.other.offset, note: k.other.note, group: k.other.group, sure: true}
	default:
		return begin{at: atFirst, note: note{topic: k.topic, epoch: unknownEpoch}, sure: true}
	}
}
