// Package groupstatus finds out how a consumer group does, from Kafka alone, for commands and for the console.
//
// A [Reader] takes a [Snapshot] of the group: its members, where it stands in each partition, where these begin and end, and
// the time of the oldest record that is not settled. [Judge] looks at a window of snapshots and says in a word how each
// partition does, and the whole: it is a function of them alone, and asks nobody.
//
// The reader is in no group, commits nothing, writes nothing, and lets no broker create a topic. A snapshot is true of no
// single moment: committed offsets are read first, ends later, so that lag is rather too large than too small.
package groupstatus

import (
	"time"

	"github.com/battlereport/battlereport/consumer"
)

// A Snapshot is what Kafka says of a group.
type Snapshot struct {
	At         time.Time
	Group      Group
	Members    []Member
	Topics     []Topic     // in the order in which they were asked for
	Partitions []Partition // in the order of topics and numbers
}

// Group is a consumer group.
type Group struct {
	Name        string
	State       string // in Kafka's words; "Dead": there is none
	Type        string // classic, or consumer: the brokers assign partitions (KIP-848)
	Assignor    string // empty: not known, as while it has no members
	Coordinator int32  // a broker's id; -1: not known
}

// Rebalancing tells that the group is about to hand out its partitions anew: nobody owns what nobody seems to own.
func (g Group) Rebalancing() bool {
	switch g.State {
	case "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling":
		return true
	}
	return false
}

// A Member is one of a group, of whatever program. Its texts come from outside.
type Member struct {
	ID         string
	ClientID   string
	Host       string
	InstanceID string // empty: none
	Partitions int    // of the topics that were asked for
	Others     int    // of other topics
	Unknown    bool   // what it is assigned cannot be read
}

// A Topic is one that the group reads.
type Topic struct {
	Name     string
	Replayed bool // it is of replayed letters
	Missing  bool // there is none
	Unread   bool // this client may not read it: ages are not known
}

// A Partition is where the group stands in one.
type Partition struct {
	Topic      string
	Partition  int32
	Owner      string // the id of the member that has it; empty: none, or none that is known
	Leaderless bool   // nobody can read it: what follows is not known

	Start, End int64
	Stable     int64 // the first offset of a transaction that is open, or End
	Committed  int64 // -1: nothing
	Position   int64 // of what is not settled the first offset, as far as it is known: Committed, or where a member would begin
	Anew       bool  // what is committed is of another topic that had this name before

	Noted  consumer.Noted // what is said beside Committed
	Oldest time.Time      // the timestamp of the record at Position; zero: there is none that can be read, or it has none
}

// Lag is how many offsets there are from the position to the end.
func (p *Partition) Lag() int64 { return max(0, p.End-max(p.Position, p.Start)) }

// Beyond is how many records are settled beyond the position.
func (p *Partition) Beyond() int64 {
	if p.Anew || p.Committed < 0 {
		return 0
	}
	return min(p.Lag(), max(0, p.Noted.Horizon-p.Position-p.Noted.Unsettled))
}

// Waiting is how many records are not settled.
func (p *Partition) Waiting() int64 { return p.Lag() - p.Beyond() }

// Settled counts what is settled: how much it has grown from one snapshot to the next is what was settled meanwhile.
func (p *Partition) Settled() int64 { return max(p.Position, p.Start) + p.Beyond() }

// Deleted is how many records retention deleted before they were settled, at most.
func (p *Partition) Deleted() int64 {
	if p.Committed < 0 || p.Anew {
		return 0
	}
	return max(0, p.Start-p.Position)
}

// Age is how long the oldest record has waited, whose timestamp is one that somebody can have meant.
func (p *Partition) Age(now time.Time) (age time.Duration, known bool) {
	r := consumer.Record{Time: p.Oldest}
	return r.Age(now)
}
