package pipeline

import "time"

// How many members a group needs, and whether more would help at all. What is here is
// a function of values; [workload] gathers them.

const (
	// target is the share of a member's capacity that its work is to take up: what is
	// left over is for the next minutes.
	target = 0.8

	// catchUp is within what time a backlog is to be worked off.
	catchUp = 5 * time.Minute

	// idleMember is what a member with next to nothing to do counts for: a group of
	// those shrinks by half at a time, not at once to what a quiet minute needs.
	idleMember = 0.5

	// unread is how long what waits in Kafka may take to be worked off, before the
	// member counts as fully busy, whatever it is that keeps it so.
	unread = 10 * time.Second

	// late is how old a record may be before it matters who keeps it: a platform that asks
	// for a pause now and then is not the limit of a group that keeps up.
	late = 30 * time.Second
)

// demand is the work that a member has met lately, without that of limited apps.
type demand struct {
	busy       float64 // share of the calls that may be under way at once that are, or 1 where more waits in Kafka than unread
	settled    float64 // records a second
	partitions []flow  // of those held, where other members could do the work
}

// flow is the records of a partition that come to be done.
type flow struct {
	arrivals float64 // a second
	backlog  float64 // not taken yet
}

// members is how many members of the same capacity that work takes. A member that
// settles so much, busy for a part of the time, could settle so much more in all of it.
// Of a partition no more than one member can work at a time, so that what it wants beyond
// that is not asked for. Where nothing is settled the capacity is not known: who has
// something to do then wants what there is.
func (d demand) members() float64 {
	capacity := d.settled / max(d.busy, 1e-3)
	n := 0.0
	for _, f := range d.partitions {
		need := f.arrivals + f.backlog/catchUp.Seconds()
		switch {
		case need <= 0:
		case capacity <= 0:
			return 1
		default:
			n += min(1, need/capacity/target)
		}
	}
	return n
}

// waiting is how many records wait, in memory or in Kafka.
type waiting struct {
	limited int64 // of apps that the platform keeps: held, throttled or failing
	others  int64
}

// isLimited tells whether it is the platform that keeps most of what waits, and what
// is left is no more than one member's work: then more members would not help.
func isLimited(w waiting, members float64) bool {
	return w.limited > w.others && members <= 1
}

// appCondition is what an app has met lately.
type appCondition struct {
	held      bool
	throttled float64 // share of the time that its calls have waited because the platform said so
	failing   float64 // share of its calls
}

// An app is limited by less than that: who is told to wait, and calls all the more with
// more members, is told so all the more; failing calls are not to be multiplied.
const (
	mostThrottled = 0.1
	mostFailing   = 0.5
)

// isLimited tells whether the platform keeps the app's records.
func (c appCondition) isLimited() bool {
	return c.held || c.throttled >= mostThrottled || c.failing >= mostFailing
}

// standing is how a member stands in its group.
type standing struct {
	joined     bool
	partitions int  // held
	blocked    bool // letters cannot be written, so nothing is taken
	limited    bool
	known      bool // it has worked for long enough to tell
}

// membersWanted is how many members a member's partitions want, as far as its standing
// lets it tell. Where it cannot, or where more would not help and fewer would be too few
// once it is over, it counts as itself.
func membersWanted(s standing, d demand) float64 {
	switch {
	case !s.joined:
		return 1
	case s.partitions == 0:
		return 0
	case s.limited, s.blocked, !s.known:
		return 1
	}
	return max(idleMember, d.members())
}
