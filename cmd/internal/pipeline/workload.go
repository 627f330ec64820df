package pipeline

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/battlereport/battlereport/consumer"
)

const (
	lookEvery = 5 * time.Second
	workSpan  = time.Minute      // of what is known of work
	quickSpan = 20 * time.Second // of what is known of the platform
	learning  = 30 * time.Second // until that of work is of use
)

// workload is what a member has met lately, from which battlereport_limited and
// battlereport_members_wanted follow: see demand.go. It looks by itself, every few
// seconds, so that what a scrape sees does not depend on when others come. Safe for
// concurrent use.
type workload struct {
	maxInFlight int

	// Those belong to who calls look.
	last       sighting
	throttled  []window // by the app's index
	busy       window
	settled    window
	partitions map[partitionKey]*partitionFlow
	known      time.Duration // for how long this generation's work was seen
	kept       latch         // the platform keeps what waits
	limit      latch         // and what waits is late

	mu      sync.Mutex
	limited bool
	members float64
}

type partitionKey struct {
	topic string
	id    int
}

type partitionFlow struct {
	window
	end, deferred int64 // as last seen
}

// sighting is what a look finds.
type sighting struct {
	at         time.Time
	engine     *engine // nil: joining
	inHand     inHand
	apps       []appSighting // by their index
	held       int           // partitions
	partitions []partitionSighting
	settled    int64         // records, ever
	calling    time.Duration // the time that all calls have taken, ever
	oldest     time.Duration // the age of the record that has waited longest, of those in hand and those that are deferred
}

type appSighting struct {
	held    bool
	failing float64
	waited  time.Duration // told by the platform, ever
}

type partitionSighting struct {
	consumer.Backlog
	apps     []int           // whose records these may be, by their index
	deferred []deferredOfApp // what is left for later
	replayed bool
}

type deferredOfApp struct {
	app     int // -1: nobody's
	records int64
}

func newWorkload(maxInFlight int) *workload {
	return &workload{maxInFlight: maxInFlight, members: 1}
}

// tells is whether the platform is the limit, and how many members are wanted.
func (w *workload) tells() (limited bool, members float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limited, w.members
}

// watchWorkload looks until ctx ends.
func (p *Pipeline) watchWorkload(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		p.workload.look(p.sighting(time.Now()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *Pipeline) sighting(now time.Time) sighting {
	s := sighting{at: now, engine: p.engine.Load(), inHand: p.inHand(), calling: p.metrics.flights.took(now)}
	for _, a := range p.apps {
		s.apps = append(s.apps, appSighting{held: a.Breaker.Held(), failing: a.Failing(), waited: a.Throttle.Waited(now)})
	}
	for _, b := range p.consumer.Backlogs() {
		feed := p.directory.Feed(b.Topic)
		one := partitionSighting{Backlog: b, replayed: feed.Replayed}
		for _, a := range feed.Apps {
			one.apps = append(one.apps, a.Index)
		}
		for strand, n := range b.Deferred {
			of := deferredOfApp{app: -1, records: n}
			if a := feed.OfStrand(strand); a != nil {
				of.app = a.Index
			}
			one.deferred = append(one.deferred, of)
		}
		s.partitions = append(s.partitions, one)
	}
	for _, l := range p.consumer.Lag() {
		if !p.directory.Feed(l.Topic).Replayed {
			s.oldest = max(s.oldest, l.Age)
		}
	}
	s.held = p.consumer.Partitions()
	s.settled = p.metrics.settled()
	return s
}

// look takes in what is seen at a time, later than the one before.
func (w *workload) look(s sighting) {
	in := s.at.Sub(w.last.at)
	if w.last.engine != s.engine || w.last.at.IsZero() { // other partitions
		w.busy, w.settled, w.known, w.partitions = window{}, window{}, 0, map[partitionKey]*partitionFlow{}
	}
	if w.throttled == nil {
		w.throttled = make([]window, len(s.apps))
	}
	limited := w.limitedApps(s, in)
	d, waits := w.work(s, limited, in)
	if !w.last.at.IsZero() {
		kept := s.engine != nil && isLimited(waits, d.members())
		w.kept.add(kept, in, quickSpan)
		w.limit.add(kept && s.oldest >= late, in, quickSpan)
	}
	w.last = s
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limited = w.limit.on
	w.members = membersWanted(standing{
		joined: s.engine != nil, partitions: s.held, blocked: s.inHand.blocked, limited: w.kept.on, known: w.known >= learning,
	}, d)
}

// limitedApps tells of each app whether the platform keeps its records.
func (w *workload) limitedApps(s sighting, in time.Duration) []bool {
	limited := make([]bool, len(s.apps))
	for i, a := range s.apps {
		if !w.last.at.IsZero() {
			w.throttled[i].add((a.waited - w.last.apps[i].waited).Seconds(), in, quickSpan)
		}
		limited[i] = appCondition{held: a.held, throttled: w.throttled[i].rate(), failing: a.failing}.isLimited()
	}
	return limited
}

// work is what there was to do, and what waits. Nothing is learnt while there is
// nothing but what the platform keeps.
func (w *workload) work(s sighting, limited []bool, in time.Duration) (d demand, waits waiting) {
	waits = inMemory(s.inHand, limited)
	backlog := 0.0
	for _, p := range s.partitions {
		mine, theirs := p.waiting(limited)
		waits.others += mine
		waits.limited += theirs
		if p.canHelp(limited) {
			backlog += float64(mine)
			d.partitions = append(d.partitions, flow{arrivals: w.arrivals(p, limited, in), backlog: float64(mine)})
		}
	}
	if !w.last.at.IsZero() && w.last.engine == s.engine && (len(d.partitions) > 0 || s.held == 0 || onlyReplays(s.partitions)) {
		w.settled.add(float64(s.settled-w.last.settled), in, workSpan)
		share := (s.calling - w.last.calling).Seconds() / float64(w.maxInFlight)
		w.busy.add(max(share, in.Seconds()*behind(backlog, w.settled.rate())), in, workSpan)
		w.known += in
	}
	d.busy, d.settled = min(1, w.busy.rate()), w.settled.rate()
	return d, waits
}

// onlyReplays tells that the partitions, of which there are some, are of replayed letters.
func onlyReplays(partitions []partitionSighting) bool {
	return len(partitions) > 0 && !slices.ContainsFunc(partitions, func(p partitionSighting) bool { return !p.replayed })
}

// behind is 1 where what waits in Kafka takes longer than unread to settle, at that
// rate, and less where it takes less.
func behind(backlog, rate float64) float64 {
	if backlog <= 0 {
		return 0
	}
	return min(1, backlog/max(rate*unread.Seconds(), 1e-9))
}

// arrivals are how many records of those apps that are not limited come to a partition
// in a second. Those that are deferred for one that is do not count.
func (w *workload) arrivals(p partitionSighting, limited []bool, in time.Duration) float64 {
	var deferred int64
	for _, of := range p.deferred {
		if of.app >= 0 && limited[of.app] {
			deferred += of.records
		}
	}
	key := partitionKey{p.Topic, p.Partition}
	f := w.partitions[key]
	switch {
	case p.End < 0:
		return 0
	case f == nil:
		w.partitions[key] = &partitionFlow{end: p.End, deferred: deferred}
		return 0
	}
	f.add(max(0, float64(p.End-f.end-(deferred-f.deferred))), in, workSpan)
	f.end, f.deferred = p.End, deferred
	return f.rate()
}

// inMemory is what waits in memory.
func inMemory(h inHand, limited []bool) (waits waiting) {
	waits.others = int64(h.records)
	for i, n := range h.ofApps {
		if limited[i] {
			waits.limited += int64(n)
			waits.others -= int64(n)
		}
	}
	return waits
}

// waiting is what of a partition waits in Kafka for this program, and for the platform.
// Whose what is not read yet is, is not known: it waits for the platform where all apps
// of the topic do.
func (p *partitionSighting) waiting(limited []bool) (others, theirs int64) {
	if p.allLimited(limited) {
		theirs += p.Unread
	} else if !p.Paused {
		others += p.Unread
	}
	for _, of := range p.deferred {
		if of.app >= 0 && limited[of.app] {
			theirs += of.records
		} else {
			others += of.records
		}
	}
	return others, theirs
}

func (p *partitionSighting) allLimited(limited []bool) bool {
	for _, app := range p.apps {
		if !limited[app] {
			return false
		}
	}
	return true
}

// canHelp tells whether another member that held the partition could do something.
// Replayed letters have all the time that it takes.
func (p *partitionSighting) canHelp(limited []bool) bool {
	return !p.replayed && !p.Paused && !p.allLimited(limited)
}
