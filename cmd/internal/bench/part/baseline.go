package part

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient"
)

// baseline is a contestant to hold the pipeline against: it joins as many values into a body as the pipeline does, signs
// and posts, with as many calls in flight. It checks nothing, keeps no order of players, repeats no call, and commits
// once, at its end. How it gets at the records is a matter of its reading.
type baseline struct {
	task     Task
	maxBytes int
	kafka    *kafka.Client
	msdk     *msdkclient.Client
	slots    chan struct{} // one for each call in flight
	calls    sync.WaitGroup
	fail     context.CancelCauseFunc
	spare    sync.Pool // *shipment
}

// reading hands the records of a partition from its start to end over to join.
type reading func(ctx context.Context, b *baseline, partition int32, end int64, join *joiner) error

// What a reading asks a broker for at most, and how long it has that wait for a record.
const (
	baselineFetch = 1 << 20 // bytes
	baselineWait  = 500 * time.Millisecond
)

func playBaseline(ctx context.Context, t Task, read reading, say func(any) error) error {
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
		slots:    make(chan struct{}, t.Workload.InFlight),
		fail:     fail,
	}
	b.spare.New = func() any { return &shipment{values: make([]byte, 0, 64<<10)} }
	var partitions sync.WaitGroup
	for partition, end := range t.Ends {
		partitions.Go(func() {
			join := &joiner{baseline: b, open: b.empty()}
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
	s := b.spare.Get().(*shipment)
	s.values, s.ends = s.values[:0], s.ends[:0]
	return s
}

// post makes a call as soon as there is a slot for one.
func (b *baseline) post(ctx context.Context, s *shipment) {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	b.calls.Go(func() {
		defer func() { <-b.slots }()
		reports := make([][]byte, len(s.ends))
		begin := 0
		for i, end := range s.ends {
			reports[i], begin = s.values[begin:end], end
		}
		app := msdkclient.App{ID: workload.AppID, Key: workload.AppKey, Encode: 1}
		if err := b.msdk.BattleReport(ctx, app, s.user, reports...); err != nil {
			b.fail(fmt.Errorf("post %d events: %w", len(reports), err))
		}
		b.spare.Put(s) // the client has copied them
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

// add makes room for a value of size bytes, and returns where it goes.
func (s *shipment) add(size int) []byte {
	begin := len(s.values)
	s.values = append(s.values, make([]byte, size)...)
	s.ends = append(s.ends, len(s.values))
	return s.values[begin:]
}

// joiner gathers the values of one partition into shipments.
type joiner struct {
	*baseline
	open *shipment // not posted yet
}

// next returns the shipment for a value of size bytes. The one before is posted if that is one too many for it, or too
// large beside the others.
func (j *joiner) next(ctx context.Context, size int) *shipment {
	if n := len(j.open.ends); n == j.task.Workload.Batch || n > 0 && len(j.open.values)+size > j.maxBytes {
		j.post(ctx, j.open)
		j.open = j.empty()
	}
	return j.open
}

// finish posts what is left.
func (j *joiner) finish(ctx context.Context) {
	if len(j.open.ends) > 0 {
		j.post(ctx, j.open)
	}
}
