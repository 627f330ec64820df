package bench

import (
	"context"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/bench/part"
	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
)

// load is what lies in the broker for the contestants.
type load struct {
	run    string // in every event's id
	topic  string
	events int
	ends   map[int32]int64
	good   part.Checksum // of the events that the pipeline must post
	all    part.Checksum // of those that a contestant that checks nothing posts
}

// newLoad is an empty one, with a run and a topic of its own.
func newLoad() *load {
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	return &load{run: run, topic: "battlereport-bench-" + run}
}

// share is what a contestant must post of the load, and how many dead letters it must write.
func (l *load) share(contestant string) (posted part.Checksum, letters int64) {
	if contestant == workload.Run {
		return l.good, int64(l.events) - l.good.Count
	}
	return l.all, 0
}

// fill produces the workload's events, as fast as they go.
func (l *load) fill(ctx context.Context, brokers []string, w workload.Workload, show func(done int)) error {
	p, err := newProducer(l, brokers, w, kgo.MaxBufferedRecords(1<<17), kgo.MaxBufferedBytes(256<<20))
	if err != nil {
		return err
	}
	defer p.kafka.Close()
	for range w.Events {
		if l.events%10_000 == 0 {
			show(l.events)
		}
		if _, err := p.produce(ctx); err != nil {
			return err
		}
	}
	return p.finish(ctx)
}
