package consumer

import (
	"context"
	"fmt"
	"time"
)

// openTransaction is what holds a partition back: what is written behind the last stable
// offset is not to be read before the transactions that are open there have ended, be it
// theirs or not. As a rule that is soon. A producer that is gone in the middle of one
// holds up everybody, for as long as its transaction.timeout.ms lets it or, where the
// brokers have lost track of it, until somebody aborts it by hand.
type openTransaction struct {
	at      int64     // the last stable offset
	behind  int64     // offsets from there to the log's end, as the last fetch told; 0: nothing is held back
	began   time.Time // when it was first heard that something is, at that offset
	heard   time.Time // when it was last heard
	reached bool      // all before it has been taken

	saidAt int64 // the offset that was said to hold the partition
	said   time.Time
	named  bool // in the log, and so is its end
}

const (
	transactionLong = time.Minute // and then it is said, as often
	transactionLook = 2 * time.Second

	// mostNamed is how many partitions are said by name at a time: one producer may
	// hold hundreds.
	mostNamed = 10
)

// hear notes what a broker has told a fetch from an offset on.
func (o *openTransaction) hear(from, stable, end int64, now time.Time) {
	if stable < 0 || stable >= end {
		o.behind = 0
		return
	}
	if o.behind == 0 || o.at != stable {
		o.at, o.began = stable, now
	}
	o.behind, o.heard, o.reached = end-stable, now, from >= stable
}

// unstable is how many offsets are held back, as far as anybody has heard of late.
func (o *openTransaction) unstable(now time.Time) int64 {
	if now.Sub(o.heard) >= endStale {
		return 0
	}
	return o.behind
}

// over tells that what was said to hold the partition does not any more.
func (o *openTransaction) over() bool {
	return !o.said.IsZero() && (o.behind == 0 || o.at != o.saidAt)
}

// due tells that it is to be said. While nobody fetches, nobody knows.
func (o *openTransaction) due(now time.Time) bool {
	return o.unstable(now) > 0 && o.reached && now.Sub(o.began) >= transactionLong && now.Sub(o.said) >= transactionLong
}

// openTransactionError says what holds a partition back.
type openTransactionError struct{ at int64 }

func (e openTransactionError) Error() string {
	return fmt.Sprintf("an open transaction holds the partition at offset %d", e.at)
}

// watchBrokers says, until ctx ends, what keeps this member waiting though nothing is
// wrong with it: transactions that stay open, and quotas.
func (g *Generation) watchBrokers(ctx context.Context) {
	ticker := time.NewTicker(transactionLook)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			g.c.quota.look(now)
			g.sayTransactions(now)
		}
	}
}

// sayTransactions says of each partition that an open transaction holds it, once a
// minute, and when that is over.
func (g *Generation) sayTransactions(now time.Time) {
	named, more := 0, 0
	for _, p := range g.partitions {
		p.mu.Lock()
		o := &p.transaction
		if o.over() {
			if o.named {
				g.log.Info("the transaction that held the partition is over", "partition", p.String(), "offset", o.saidAt)
			}
			o.said, o.named = time.Time{}, false
		}
		if o.due(now) {
			o.saidAt, o.said = o.at, now
			if named < mostNamed {
				named++
				o.named = true
				g.log.Warn("nothing more can be taken of the partition until a producer ends its transaction, or the broker does",
					"partition", p.String(), "offset", o.at, "behind", o.behind, "since", now.Sub(o.began).Round(time.Second), "error", openTransactionError{o.at})
			} else {
				more++
			}
		}
		p.mu.Unlock()
	}
	if more > 0 {
		g.log.Warn("open transactions hold more partitions than those named", "partitions", more)
	}
}
