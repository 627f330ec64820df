package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient"
)

// baseline is a contestant to hold the pipeline against: it joins as many values into a body as the pipeline does, signs
// and posts, with as many calls in flight. It checks nothing, keeps no order of players, repeats no call, and commits
// once, at its end. How it gets at the records is a matter of its reading.
type baseline struct {
	task     task
	maxBytes int
	kafka    *kafka.Client
	msdk     *msdkclient.Client
	room     chan struct{} // one for each call in flight
	calls    sync.WaitGroup
	fail     context.CancelCauseFunc
	loads    sync.Pool // *shipment
}

// reading hands the records of a partition from its start to end over to join.
type reading func(ctx context.Context, b *baseline, partition int32, end int64, join *joiner) error

// What a reading asks a broker for at most, and how long it has that wait for a record.
const (
	baselineFetch = 1 << 20 // bytes
	baselineWait  = 500 * time.Millisecond
)

func playBaseline(ctx context.Context, t task, read reading, say func(any) error) error {
	defaults := config.Default()
	transport := &kafka.Transport{MetadataTopics: []string{t.Topic}}
	defer transport.CloseIdleConnections()
	msdk, err := msdkclient.New(msdkclient.Config{
		BaseURL:     t.MSDK,
		Timeout:     defaults.MSDK.Timeout,
		ContentType: defaults.MSDK.ContentType,
		MaxConns:    t.Workload.InFlight,
	})
	if err != nil {
		return err
	}
	defer msdk.Close()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	b := &baseline{
		task:     t,
		maxBytes: int(defaults.Batch.MaxBytes),
		kafka:    &kafka.Client{Addr: kafka.TCP(t.Brokers...), Transport: transport},
		msdk:     msdk,
		room:     make(chan struct{}, t.Workload.InFlight),
		fail:     fail,
	}
	b.loads.New = func() any { return &shipment{values: make([]byte, 0, 64<<10)} }
	var partitions sync.WaitGroup
	for partition, end := range t.Ends {
		partitions.Go(func() {
			join := &joiner{baseline: b, load: b.empty()}
			if err := read(ctx, b, partition, end, join); err != nil {
				fail(err)
				return
			}
			join.finish(ctx)
		})
	}
	partitions.Wait()
	b.calls.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := b.commit(ctx); err != nil {
		return err
	}
	return say(expenses())
}

func (b *baseline) empty() *shipment {
	load := b.loads.Get().(*shipment)
	load.values, load.ends = load.values[:0], load.ends[:0]
	return load
}

// post makes a call as soon as there is room for one.
func (b *baseline) post(ctx context.Context, load *shipment) {
	select {
	case b.room <- struct{}{}:
	case <-ctx.Done():
		return
	}
	b.calls.Go(func() {
		defer func() { <-b.room }()
		reports := make([][]byte, len(load.ends))
		begin := 0
		for i, end := range load.ends {
			reports[i], begin = load.values[begin:end], end
		}
		app := msdkclient.App{ID: appID, Key: appKey, Encode: 1}
		if err := b.msdk.BattleReport(ctx, app, load.user, reports...); err != nil {
			b.fail(fmt.Errorf("post %d events: %w", len(reports), err))
		}
		b.loads.Put(load) // the client has copied them
	})
}

func (b *baseline) commit(ctx context.Context) error {
	var offsets []kafka.OffsetCommit
	for partition, end := range b.task.Ends {
		offsets = append(offsets, kafka.OffsetCommit{Partition: int(partition), Offset: end})
	}
	res, err := b.kafka.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: b.task.Group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{b.task.Topic: offsets},
	})
	if err != nil {
		return fmt.Errorf("commit for group %s: %w", b.task.Group, err)
	}
	for _, p := range res.Topics[b.task.Topic] {
		if p.Error != nil {
			return fmt.Errorf("commit %s/%d for group %s: %w", b.task.Topic, p.Partition, b.task.Group, p.Error)
		}
	}
	return nil
}

// shipment is the values of one call, one after the other in one buffer.
type shipment struct {
	user   string
	values []byte
	ends   []int
}

// place adds a value of size bytes, and returns where it goes.
func (s *shipment) place(size int) []byte {
	begin := len(s.values)
	s.values = append(s.values, make([]byte, size)...)
	s.ends = append(s.ends, len(s.values))
	return s.values[begin:]
}

// joiner gathers the values of one partition into shipments.
type joiner struct {
	*baseline
	load *shipment
}

// next returns the shipment for a value of size bytes. The one before is posted if that is one too many for it, or too
// large beside the others.
func (j *joiner) next(ctx context.Context, size int) *shipment {
	if n := len(j.load.ends); n == j.task.Workload.Batch || n > 0 && len(j.load.values)+size > j.maxBytes {
		j.post(ctx, j.load)
		j.load = j.empty()
	}
	return j.load
}

// finish posts what is left.
func (j *joiner) finish(ctx context.Context) {
	if len(j.load.ends) > 0 {
		j.post(ctx, j.load)
	}
}
