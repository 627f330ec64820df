package groupstatus

import (
	"cmp"
	"slices"
	"time"
)

// AppOf names the app of a strand of records in a topic; empty: none that is configured.
type AppOf func(topic string, strand uint64) string

// Judge says how a group does, by a window of at least one snapshot, the oldest first. What is in the window is not changed.
func Judge(window []*Snapshot, appOf AppOf) *Status {
	last := window[len(window)-1]
	s := &Status{Time: last.At.UTC(), Window: last.At.Sub(window[0].At).Seconds(), Group: groupStatus(last.Group)}
	s.Members, s.Topics, s.Partitions = []MemberStatus{}, []TopicStatus{}, []PartitionStatus{}
	members := map[string]*Member{}
	for i := range last.Members {
		m := &last.Members[i]
		members[m.ID] = m
		s.Members = append(s.Members, memberStatus(m))
	}
	before := make([]map[partitionKey]*Partition, len(window)-1)
	for i, snapshot := range window[:len(window)-1] {
		before[i] = map[partitionKey]*Partition{}
		for j := range snapshot.Partitions {
			p := &snapshot.Partitions[j]
			before[i][partitionKey{p.Topic, p.Partition}] = p
		}
	}
	blind := slices.ContainsFunc(last.Members, func(m Member) bool { return m.Unknown }) // it may own what nobody seems to
	for i := range last.Partitions {
		p := &last.Partitions[i]
		c := course{now: last.At, settling: last.Group.Rebalancing() || blind, steps: []*Partition{p}}
		for j := len(before) - 1; j >= 0; j-- {
			was := before[j][partitionKey{p.Topic, p.Partition}]
			if was == nil || !p.continues(was) {
				break
			}
			c.steps = append(c.steps, was)
			c.over = last.At.Sub(window[j].At)
		}
		slices.Reverse(c.steps)
		s.Partitions = append(s.Partitions, c.status(p, members, appOf))
	}
	for _, t := range last.Topics {
		s.Topics = append(s.Topics, topicStatus(t, s.Partitions))
	}
	s.Total = sum(s.Partitions, func(*PartitionStatus) bool { return true })
	for _, t := range s.Topics {
		s.State = max(s.State, t.State)
	}
	slices.SortStableFunc(s.Partitions, worse)
	s.Wrong = s.State.Wrong()
	s.Verdict, s.Advice = verdict(s)
	return s
}

// continues tells that what was a partition is the same now, as it is seen: offsets of the one can be set against those of
// the other. They cannot where offsets have gone back: the topic was made anew, or the group was reset.
func (p *Partition) continues(was *Partition) bool {
	return !p.Leaderless && !was.Leaderless && p.Anew == was.Anew && p.Position >= was.Position && p.End >= was.End
}

func (c *course) status(p *Partition, members map[string]*Member, appOf AppOf) PartitionStatus {
	s := PartitionStatus{Topic: p.Topic, Partition: p.Partition, State: c.state(), Anew: p.Anew}
	if p.Committed >= 0 {
		s.Committed = &p.Committed
	}
	if m := members[p.Owner]; m != nil {
		s.Member = &MemberIdentity{m.ID, m.ClientID, m.Host}
	}
	if p.Leaderless {
		return s
	}
	lag, waiting := p.Lag(), p.Waiting()
	s.Start, s.End, s.Lag, s.Waiting = &p.Start, &p.End, &lag, &waiting
	s.Deleted, s.Beyond, s.Unstable = p.Deleted(), p.Beyond(), max(0, p.End-p.Stable)
	if age, known := p.Age(c.now); known && lag > 0 {
		s.Oldest, s.Age = pointer(p.Oldest.UTC()), pointer(age.Seconds())
	} else if lag == 0 {
		s.Age = pointer(0.0)
	}
	if c.over > 0 {
		s.In, s.Out = pointer(float64(c.came())/c.over.Seconds()), pointer(float64(c.progress())/c.over.Seconds())
	}
	if s.CatchUp = s.catchUp(); s.State == OK {
		s.CatchUp = pointer(0.0) // what waits is about to be settled
	}
	for _, d := range p.Noted.Deferred {
		app := DeferredApp{AppID: appOf(p.Topic, d.Strand), Records: d.Left}
		if !d.Oldest.IsZero() {
			app.Oldest = pointer(d.Oldest.UTC())
		}
		s.Deferred = append(s.Deferred, app)
	}
	return s
}

// catchUp is how many seconds it takes until nothing waits; nil: it never comes to that, or the rates are not known.
func (f *Figures) catchUp() *float64 {
	switch {
	case f.Waiting == nil:
		return nil
	case *f.Waiting == 0:
		return pointer(0.0)
	case f.In == nil || f.Out == nil || *f.Out <= *f.In:
		return nil
	}
	return pointer(float64(*f.Waiting) / (*f.Out - *f.In))
}

func pointer[T any](value T) *T { return &value }

// sum is the figures of several partitions. What is known of none is not known; the time to catch up is that of the last.
func sum(partitions []PartitionStatus, of func(*PartitionStatus) bool) (f Figures) {
	for i := range partitions {
		p := &partitions[i]
		if !of(p) {
			continue
		}
		f.Lag, f.Waiting = plus(f.Lag, p.Lag), plus(f.Waiting, p.Waiting)
		f.In, f.Out = plus(f.In, p.In), plus(f.Out, p.Out)
		f.Deleted += p.Deleted
		if p.Age != nil && (f.Age == nil || *p.Age > *f.Age) {
			f.Age = p.Age
		}
	}
	for i := range partitions {
		p := &partitions[i]
		switch {
		case !of(p):
		case p.CatchUp == nil:
			f.CatchUp = nil
			return f
		case f.CatchUp == nil || *p.CatchUp > *f.CatchUp:
			f.CatchUp = p.CatchUp
		}
	}
	return f
}

func plus[T int64 | float64](sum, more *T) *T {
	switch {
	case more == nil:
		return sum
	case sum == nil:
		return pointer(*more)
	}
	return pointer(*sum + *more)
}

// worse has what is worst first, then, of what is late, what waits longest.
func worse(a, b PartitionStatus) int {
	age := func(p *PartitionStatus) float64 {
		if p.Age == nil || p.State <= OK {
			return 0
		}
		return *p.Age
	}
	return cmp.Or(cmp.Compare(b.State, a.State), cmp.Compare(age(&b), age(&a)))
}

func groupStatus(g Group) GroupStatus {
	s := GroupStatus{Name: g.Name, State: g.State, Type: g.Type, Assignor: g.Assignor}
	if g.Coordinator >= 0 {
		s.Coordinator = &g.Coordinator
	}
	return s
}

func memberStatus(m *Member) MemberStatus {
	s := MemberStatus{ID: m.ID, ClientID: m.ClientID, Host: m.Host, InstanceID: m.InstanceID, Others: m.Others}
	if !m.Unknown {
		s.Partitions = &m.Partitions
	}
	return s
}

func topicStatus(t Topic, partitions []PartitionStatus) TopicStatus {
	s := TopicStatus{Name: t.Name, Replayed: t.Replayed, Missing: t.Missing, Unread: t.Unread}
	of := func(p *PartitionStatus) bool { return p.Topic == t.Name }
	s.Figures = sum(partitions, of)
	for i := range partitions {
		if of(&partitions[i]) {
			s.Partitions++
			s.State = max(s.State, partitions[i].State)
		}
	}
	if t.Missing && !t.Replayed { // that of replays is made as it is needed
		s.State = Missing
	}
	return s
}

// since is a number of seconds as a duration.
func since(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
