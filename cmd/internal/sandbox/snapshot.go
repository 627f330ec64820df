package sandbox

import (
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// snapshot is what a view shows.
type snapshot struct {
	phase string
	since time.Duration
	book  audit.Counts

	letters  map[deadletter.Reason]int
	breaches map[audit.Breach]int
	rates    totals // per second, lately
	stats    pipeline.Stats
	lag      int64         // -1: not known, as outside of the group
	p50, p99 time.Duration // 0: not known
	boards   []board
	notices  []string // what is unusual
	replayed bool     // letters were replayed, which the book does not follow
}

// totals are the counts that rates are made of.
type totals struct{ published, delivered, letters, calls float64 }

// board is the head of an app's leaderboard.
type board struct {
	app string
	top []msdktest.Standing
}

// watcher takes snapshots of a sandbox.
type watcher struct {
	s       *sandbox
	samples []sample // of the last seconds, oldest first
	boards  []board
	boardAt time.Time
	joined  bool // the pipeline, once

	replays  map[int]int64 // by partition of the replay topic: what was committed at first
	replayed bool          // somebody has replayed letters since
}

type sample struct {
	at time.Time
	totals
}

const (
	rateWindow    = 5 * time.Second
	boardInterval = time.Second // it has to be sorted
	boardSize     = 5
)

func (w *watcher) look(now time.Time) snapshot {
	s := w.s
	snap := snapshot{
		phase:    s.phase.String(),
		since:    now.Sub(s.started),
		book:     s.book.Counts(),
		letters:  s.book.Letters(),
		breaches: s.book.Breaches(),
		stats:    s.pipeline.Stats(),
	}
	snap.lag = w.lag()
	snap.rates = w.rates(sample{now, totals{
		float64(snap.book.Published), float64(snap.book.Delivered), float64(snap.book.DeadLettered), float64(snap.stats.Calls),
	}})
	if q, ok := s.delays.quantiles(now, .5, .99); ok {
		snap.p50, snap.p99 = q[0], q[1]
	}
	if now.Sub(w.boardAt) >= boardInterval || s.phase.now.Load() == over {
		w.boardAt, w.boards = now, nil
		for _, app := range s.cfg.Apps {
			w.boards = append(w.boards, board{app.AppID, s.platform.Leaderboard.Top(app.AppID, boardSize)})
		}
	}
	snap.boards = w.boards
	snap.notices = w.notices(snap.stats)
	snap.replayed = w.replayed
	return snap
}

// lag is how many events the pipeline is behind, and -1 while that is not known.
func (w *watcher) lag() int64 {
	partitions := w.s.pipeline.Lag()
	if partitions == nil {
		return -1
	}
	w.joined = true
	total, known := int64(0), true
	for _, partition := range partitions {
		total += partition.Lag
		known = known && partition.Lag >= 0
		w.noteReplays(partition)
	}
	if !known {
		return -1
	}
	return total
}

// noteReplays notices that records of the replay topic are settled.
func (w *watcher) noteReplays(p consumer.PartitionLag) {
	if p.Topic != w.s.cfg.DeadLetter.ReplayTopicFor(w.s.opts.Topic) || p.Committed < 0 {
		return
	}
	if w.replays == nil {
		w.replays = map[int]int64{}
	}
	first, known := w.replays[p.Partition]
	if !known {
		w.replays[p.Partition] = p.Committed
	}
	w.replayed = w.replayed || known && p.Committed > first
}

// rates is the change per second from the oldest sample to now.
func (w *watcher) rates(now sample) totals {
	w.samples = append(w.samples, now)
	for len(w.samples) > 2 && now.at.Sub(w.samples[1].at) >= rateWindow {
		w.samples = w.samples[1:]
	}
	first := w.samples[0]
	seconds := now.at.Sub(first.at).Seconds()
	if seconds <= 0 {
		return totals{}
	}
	return totals{
		published: (now.published - first.published) / seconds,
		delivered: (now.delivered - first.delivered) / seconds,
		letters:   (now.letters - first.letters) / seconds,
		calls:     (now.calls - first.calls) / seconds,
	}
}

func (w *watcher) notices(stats pipeline.Stats) []string {
	var n []string
	if w.s.platform.away.Load() {
		n = append(n, "MSDK is away, as --outage says")
	}
	for _, app := range stats.Held {
		n = append(n, "the calls of "+app+" fail: it is held, and tried now and then")
	}
	if w.s.publisher.waiting.Load() {
		n = append(n, "publishing waits until the pipeline has caught up")
	}
	switch why := w.s.pipeline.NotReady(); {
	case len(why) == 0 || w.s.phase.now.Load() >= draining:
	case !w.joined:
		n = append(n, "the pipeline is joining the consumer group")
	default:
		n = append(n, "the pipeline is "+strings.Join(why, ", "))
	}
	return n
}
