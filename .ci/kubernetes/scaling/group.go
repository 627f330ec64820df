package main

import (
	"cmp"
	"math"
	"slices"
)

// What a pod and a group take, in seconds.
const (
	startTime  = 25 // from a pod's creation to its being in the group
	readyTime  = 10 // and to its counting as ready for a rollout: minReadySeconds
	drainTime  = 3  // from SIGTERM to leaving
	moveTime   = 3  // a partition's pause at a change of the members
	learning   = 30 // until a member knows what its partitions want
	rateWindow = 60 // of which it knows what came
	quickly    = 20 // for how long the platform has to be the limit, or no longer be, to be called that
)

// group is a model of pipelines that share partitions: fluid, second by second. A member's signals are as
// deploy/metrics.md says: what each partition wants, at most one member, at 0.8 of a member's capacity and with its backlog
// worked off within five minutes; at least 0.5; and 1 while the platform keeps the records.
type group struct {
	capacity   float64   // events a second that a member delivers by itself
	backlogs   []float64 // by partition
	arrivals   []float64 // a second, smoothed
	pods       []*pod    // oldest first
	created    int
	changed    int // when the members last changed
	assignment map[*pod][]int
}

type pod struct {
	id, born, ends int // ends: when it leaves; 0: it stays
	revision       int
	joined         int // when it got the partitions that it has; -1: not in the group
	limitedFor     int // seconds that it has met the platform as its limit, or not, in a row: positive or negative
	limited        bool
	wanted         float64
	waits, kept    float64 // of its partitions: what it may deliver, and what the platform does not take
}

func newGroup(partitions int, capacity float64) *group {
	return &group{capacity: capacity, backlogs: make([]float64, partitions), arrivals: make([]float64, partitions), changed: -moveTime}
}

// scale creates pods of the revision, or ends the youngest.
func (g *group) scale(now, replicas, revision int) {
	stay := g.of(revision)
	for n := len(stay); n < replicas; n++ {
		g.created++
		g.pods = append(g.pods, &pod{id: g.created, born: now, revision: revision, joined: -1, wanted: 1})
	}
	for n := len(stay) - 1; n >= replicas; n-- {
		stay[n].ends = now + drainTime
	}
}

// of are the pods of a revision that stay.
func (g *group) of(revision int) (pods []*pod) {
	for _, p := range g.pods {
		if p.revision == revision && p.ends == 0 {
			pods = append(pods, p)
		}
	}
	return pods
}

// roll ends the pods of other revisions once as many of this one are ready as wanted: maxSurge 100%, maxUnavailable 0.
func (g *group) roll(now, replicas, revision int) {
	ready := 0
	for _, p := range g.of(revision) {
		if p.joined >= 0 && now-p.born >= startTime+readyTime {
			ready++
		}
	}
	for _, p := range g.pods {
		if p.revision != revision && p.ends == 0 && ready >= replicas {
			p.ends = now + drainTime
		}
	}
}

// join lets pods come and go, and shares out the partitions anew when they do.
func (g *group) join(now int) (gone []*pod) {
	var stay, members []*pod
	moved := false
	for _, p := range g.pods {
		if p.ends != 0 && now >= p.ends {
			gone, moved = append(gone, p), moved || p.joined >= 0
			continue
		}
		stay = append(stay, p)
		if now-p.born >= startTime {
			moved = moved || p.joined < 0
			members = append(members, p)
		}
	}
	g.pods = stay
	if !moved || len(members) == 0 {
		return gone
	}
	g.changed, g.assignment = now, map[*pod][]int{}
	for i := range g.backlogs {
		m := members[i%len(members)]
		g.assignment[m] = append(g.assignment[m], i)
	}
	for _, m := range members {
		m.joined = now
	}
	return gone
}

// ready is how many pods are in the group.
func (g *group) ready() (n int) {
	for _, p := range g.pods {
		if p.joined >= 0 {
			n++
		}
	}
	return n
}

// pass lets a second pass: arrivals come by partition, and the platform takes so much in all, and nothing of the first
// held partitions. What one member does not use of its share is the others'. It returns what was delivered.
func (g *group) pass(now int, arrivals []float64, platform float64, held int) (delivered float64) {
	for i, n := range arrivals {
		g.backlogs[i] += n
		g.arrivals[i] += (n - g.arrivals[i]) / rateWindow
	}
	var members []*pod
	for _, p := range g.pods {
		if p.joined >= 0 {
			p.waits, p.kept = 0, 0
			for _, i := range g.assignment[p] {
				if i < held {
					p.kept += g.backlogs[i]
				} else {
					p.waits += g.backlogs[i]
				}
			}
			members = append(members, p)
		}
	}
	slices.SortStableFunc(members, func(a, b *pod) int { return cmp.Compare(a.waits, b.waits) })
	for n, p := range members {
		share := platform / float64(len(members)-n)
		done := min(p.waits, g.capacity, share)
		if now-g.changed < moveTime {
			done = 0
		}
		for _, i := range g.assignment[p] {
			if i >= held && p.waits > 0 {
				g.backlogs[i] -= done * g.backlogs[i] / p.waits
			}
		}
		platform -= done
		delivered += done
		p.look(now, g, held, share < min(g.capacity, p.waits) || p.kept > p.waits)
	}
	return delivered
}

// look has the member say what it shows from now on.
func (p *pod) look(now int, g *group, held int, keptByThePlatform bool) {
	switch {
	case keptByThePlatform:
		p.limitedFor = max(1, p.limitedFor+1)
	default:
		p.limitedFor = min(-1, p.limitedFor-1)
	}
	if p.limitedFor >= quickly {
		p.limited = true
	} else if p.limitedFor <= -quickly {
		p.limited = false
	}
	partitions := g.assignment[p]
	switch {
	case len(partitions) == 0:
		p.wanted = 0
	case p.limited, now-p.joined < learning:
		p.wanted = 1
	default:
		p.wanted = 0
		for _, i := range partitions {
			if i < held {
				continue
			}
			p.wanted += min(1, (g.arrivals[i]+g.backlogs[i]/300)/g.capacity/0.8)
		}
		p.wanted = max(0.5, p.wanted)
	}
}

// shown is what a scrape of the pod finds.
func (p *pod) shown() map[string]float64 {
	limited := 0.0
	if p.limited {
		limited = 1
	}
	return map[string]float64{"battlereport_members_wanted": p.wanted, "battlereport_limited": limited}
}

func (g *group) lag() (sum float64) {
	for _, n := range g.backlogs {
		sum += n
	}
	return math.Round(sum)
}
