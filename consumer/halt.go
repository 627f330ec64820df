package consumer

import (
	"errors"
	"fmt"
)

// halt is why nothing more is taken of a partition that is held, though there is
// room for it.
type halt int

// What a partition waits for. That a producer's transaction is open is told apart, as
// the records that it holds back.
const (
	notHalted     halt = iota
	haltedByNote       // records that settle: no more can be noted beside the committed offset
	haltedByBatch      // a person: a record batch cannot be read
	haltedByError      // a broker: it cannot be fetched
)

// haltReasons are those for which a partition stands still.
func haltReasons(yield func(halt) bool) {
	for h := haltedByNote; h <= haltedByError && yield(h); h++ {
	}
}

func (h halt) String() string {
	return [...]string{notHalted: "none", haltedByNote: "note", haltedByBatch: "unreadable", haltedByError: "error"}[h]
}

// readError says that what was fetched cannot be read.
type readError struct {
	p      *Partition
	offset int64
	err    error
}

func (e *readError) Error() string { return fmt.Sprintf("read %s@%d: %v", e.p, e.offset, e.err) }
func (e *readError) Unwrap() error { return e.err }

// haltFor is what a partition waits for that could not be fetched.
func haltFor(err error) halt {
	if errors.As(err, new(*readError)) {
		return haltedByBatch
	}
	return haltedByError
}

// halt notes whether the partition can be fetched.
func (p *Partition) halt(h halt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = h
}

// halted is why nothing is taken. The partition is locked.
func (p *Partition) halted() halt {
	if p.noteFull && p.halfFree() { // records settle also where none come any more
		p.noteFull = false
	}
	if p.stopped == notHalted && p.noteFull {
		return haltedByNote
	}
	return p.stopped
}

// Partitions is how many partitions are held now; 0 while the member is joining.
func (c *Consumer) Partitions() int {
	held, _ := c.held()
	return held
}

// held is how many partitions are held now, none while the member is joining, and how
// many of them stand still, by what they wait for.
func (c *Consumer) held() (partitions int, halted [haltedByError + 1]int) {
	g := c.generation.Load()
	if g == nil {
		return 0, halted
	}
	for _, p := range g.partitions {
		p.mu.Lock()
		halted[p.halted()]++
		p.mu.Unlock()
	}
	return len(g.partitions), halted
}
