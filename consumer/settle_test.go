package consumer

import (
	"testing"
	"time"
)

// two are partitions of one generation that are held, with n records taken of each.
func two(n int) (g *Generation, a, b *Partition, records func(*Partition) []*Record) {
	c := &Consumer{cfg: Config{CommitRecords: 1 << 30, CommitInterval: time.Hour}}
	g = &Generation{c: c, wake: make(chan struct{}, 1)}
	a, b = &Partition{ID: 0, gen: g, tracker: newTracker(0, note{})}, &Partition{ID: 1, gen: g, tracker: newTracker(0, note{})}
	return g, a, b, func(p *Partition) []*Record {
		taken := make([]*Record, n)
		for i := range taken {
			taken[i] = &Record{Partition: p, Offset: int64(i)}
			taken[i].place, _ = p.tracker.take(int64(i))
		}
		return taken
	}
}

func isLocked(p *Partition) bool {
	if p.mu.TryLock() {
		p.mu.Unlock()
		return false
	}
	return true
}

func TestSettleAllSettlesRecordsOfSeveralPartitions(t *testing.T) {
	g, a, b, records := two(4)
	ofA, ofB := records(a), records(b)
	SettleAll(func(yield func(*Record) bool) {
		var last *Partition
		for _, r := range []*Record{ofA[0], ofA[1], ofB[0], ofA[2], ofB[1], ofB[2]} {
			for _, p := range []*Partition{a, b} {
				if isLocked(p) != (p == last) {
					t.Errorf("before offset %d of partition %d: partition %d is locked: %v", r.Offset, r.Partition.ID, p.ID, p != last)
				}
			}
			if !yield(r) {
				return
			}
			last = r.Partition
		}
	})
	for _, p := range []*Partition{a, b} {
		if isLocked(p) {
			t.Fatalf("partition %d is left locked", p.ID)
		}
		if got := p.tracker.committable(); got != 3 {
			t.Errorf("partition %d: up to %d is settled, want 3", p.ID, got)
		}
	}
	if got := g.settled.Load(); got != 6 {
		t.Errorf("%d are counted as settled, want 6", got)
	}
	b.tracker = nil // let go
	SettleAll(func(yield func(*Record) bool) { _ = yield(ofA[3]) && yield(ofB[3]) })
	if got := g.settled.Load(); got != 7 || isLocked(a) || isLocked(b) {
		t.Errorf("%d are counted as settled, want 7: what is let go does not count", got)
	}
	SettleAll(func(func(*Record) bool) {})
}

func TestSettleAllCommitsByCount(t *testing.T) {
	g, a, _, records := two(4)
	g.c.cfg.CommitRecords = 3
	of := records(a)
	SettleAll(func(yield func(*Record) bool) { _ = yield(of[0]) && yield(of[1]) })
	if len(g.wake) != 0 {
		t.Error("two are settled and a commit is asked for, want three")
	}
	SettleAll(func(yield func(*Record) bool) { _ = yield(of[2]) && yield(of[3]) })
	if len(g.wake) != 1 {
		t.Error("four are settled and no commit is asked for, want three")
	}
}
