package consumer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// quota is for how long brokers want no more of this client, as they say in what they
// answer. Since Kafka 2.0 they answer at once, a fetch with nothing, and read nothing
// more from that connection meanwhile (KIP-219); before, they waited themselves. It is
// no trouble, and said as what it is. Safe for concurrent use; the zero value waits for
// nobody and says nothing.
type quota struct {
	log     *slog.Logger
	metrics *metrics
	closed  <-chan struct{}

	mu          sync.Mutex
	until       map[int32]time.Time // by broker
	held        map[int32]int       // connections, by broker
	began, last time.Time           // of all that follows within quotaOver; zero: nothing does
	waited      time.Duration       // all in all, since then
}

// maxThrottle is the longest that a broker is left alone because it says so: a large
// batch under a small quota may take minutes.
const maxThrottle = time.Hour

// mostHeld is how many connections to a broker are kept that it does not read from.
const mostHeld = 8

// quotaOver is for how long no broker may ask to be left alone before that is over: in
// between it gives what a quota allows.
const quotaOver = time.Minute

// throttle is for how long the broker wants no requests by the connection over which it
// has answered this.
func throttle(res kmsg.Response) time.Duration {
	if r, is := res.(kmsg.ThrottleResponse); is {
		if millis, unread := r.Throttle(); unread {
			return bounded(time.Duration(millis) * time.Millisecond)
		}
	}
	return 0
}

func bounded(throttle time.Duration) time.Duration { return min(max(0, throttle), maxThrottle) }

// note notes that a broker wants to be left alone.
func (q *quota) note(broker int32, d time.Duration) {
	if q.closed == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	from := now
	if q.until[broker].After(now) {
		from = q.until[broker]
	}
	if to := now.Add(d); to.After(from) {
		if q.until == nil {
			q.until = map[int32]time.Time{}
		}
		q.until[broker] = to
		if to.After(q.last) {
			q.last = to
		}
		q.waited += to.Sub(from)
		q.metrics.quota.Add(context.Background(), to.Sub(from).Seconds())
	}
	if q.began.IsZero() {
		q.began = now
		q.log.Info("a quota of the brokers' makes this client wait", "broker", broker, "wait", d)
	}
}

// look says that it is over, when that is so.
func (q *quota) look(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.began.IsZero() || now.Sub(q.last) < quotaOver {
		return
	}
	q.log.Info("no quota makes this client wait any more", "after", q.last.Sub(q.began).Round(time.Second), "waited", q.waited.Round(time.Millisecond))
	q.began, q.waited = time.Time{}, 0
}

// wait waits until the broker may be asked to fetch. idle, if it is not nil, is called
// before.
func (q *quota) wait(ctx context.Context, broker int32, idle func()) error {
	q.mu.Lock()
	left := time.Until(q.until[broker])
	q.mu.Unlock()
	if left <= 0 {
		return ctx.Err()
	}
	if idle != nil {
		idle()
	}
	return sleep(ctx, left+linger) // the connection that is held is free then
}

// hold returns when the broker reads from a connection again, or the consumer is closed.
// It does not wait, and returns an error, where enough are held: then this one is to be
// closed.
func (q *quota) hold(broker int32, d time.Duration) error {
	if q.closed == nil {
		return nil
	}
	if !q.mayHold(broker) {
		return errQuota
	}
	defer q.release(broker)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-q.closed:
	}
	return nil
}

func (q *quota) mayHold(broker int32) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[broker] >= mostHeld {
		return false
	}
	if q.held == nil {
		q.held = map[int32]int{}
	}
	q.held[broker]++
	return true
}

func (q *quota) release(broker int32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held[broker]--
}
