package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient"
)

// ceiling does the least there is to do with the same libraries, and so shows what this host has to give: it fetches
// in large chunks, joins as many values into a body as the pipeline does, signs and posts, with as many calls in
// flight. It checks nothing, keeps no order, does not retry, and commits once, at its end.
type ceiling struct {
	task     task
	maxBytes int
	kafka    *kafka.Client
	msdk     *msdkclient.Client
	room     chan struct{} // one for each call in flight
	calls    sync.WaitGroup
	fail     context.CancelCauseFunc
	loads    sync.Pool // *shipment
}

// shipment is the values of one call, one after the other in one buffer.
type shipment struct {
	user   string
	values []byte
	ends   []int
}

const ceilingFetch = 1 << 20 // bytes

func playCeiling(ctx context.Context, t task, say func(any) error) error {
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
	c := &ceiling{
		task:     t,
		maxBytes: int(defaults.Batch.MaxBytes),
		kafka:    &kafka.Client{Addr: kafka.TCP(t.Brokers...), Transport: transport},
		msdk:     msdk,
		room:     make(chan struct{}, t.Workload.InFlight),
		fail:     fail,
	}
	c.loads.New = func() any { return &shipment{values: make([]byte, 0, 64<<10)} }
	var readers sync.WaitGroup
	for partition, end := range t.Ends {
		readers.Go(func() {
			if err := c.carry(ctx, partition, end); err != nil {
				fail(err)
			}
		})
	}
	readers.Wait()
	c.calls.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := c.commit(ctx); err != nil {
		return err
	}
	return say(expenses())
}

// carry takes a partition's records up to end, and posts them.
func (c *ceiling) carry(ctx context.Context, partition int32, end int64) error {
	load := c.empty()
	for offset := int64(0); offset < end; {
		res, err := c.kafka.Fetch(ctx, &kafka.FetchRequest{
			Topic: c.task.Topic, Partition: int(partition), Offset: offset,
			MinBytes: 1, MaxBytes: ceilingFetch, MaxWait: 500 * time.Millisecond,
		})
		if err == nil {
			err = res.Error
		}
		if err != nil {
			return fmt.Errorf("fetch %s/%d@%d: %w", c.task.Topic, partition, offset, err)
		}
		for {
			rec, err := res.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read records of %s/%d: %w", c.task.Topic, partition, err)
			}
			if rec.Offset >= offset { // a batch is sent whole even when only its tail was asked for
				if len(load.ends) > 0 && len(load.values)+valueSize(rec) > c.maxBytes {
					c.post(ctx, load)
					load = c.empty()
				}
				if err := load.add(rec); err != nil {
					return fmt.Errorf("read %s/%d@%d: %w", c.task.Topic, partition, rec.Offset, err)
				}
				offset = rec.Offset + 1
				if len(load.ends) == c.task.Workload.Batch {
					c.post(ctx, load)
					load = c.empty()
				}
			}
			release(rec)
		}
	}
	if len(load.ends) > 0 {
		c.post(ctx, load)
	}
	return nil
}

func (c *ceiling) empty() *shipment {
	load := c.loads.Get().(*shipment)
	load.values, load.ends = load.values[:0], load.ends[:0]
	return load
}

func valueSize(rec *kafka.Record) int {
	if rec.Value == nil {
		return 0
	}
	return rec.Value.Len()
}

func (s *shipment) add(rec *kafka.Record) error {
	if len(s.ends) == 0 && rec.Key != nil {
		key, err := kafka.ReadAll(rec.Key)
		if err != nil {
			return err
		}
		s.user = string(key)
	}
	begin, size := len(s.values), valueSize(rec)
	s.values = append(s.values, make([]byte, size)...)
	if size > 0 {
		if _, err := io.ReadFull(rec.Value, s.values[begin:]); err != nil {
			return err
		}
	}
	s.ends = append(s.ends, len(s.values))
	return nil
}

func release(rec *kafka.Record) {
	if rec.Key != nil {
		_ = rec.Key.Close()
	}
	if rec.Value != nil {
		_ = rec.Value.Close()
	}
}

// post makes a call as soon as there is room for one.
func (c *ceiling) post(ctx context.Context, load *shipment) {
	select {
	case c.room <- struct{}{}:
	case <-ctx.Done():
		return
	}
	c.calls.Go(func() {
		defer func() { <-c.room }()
		reports := make([][]byte, len(load.ends))
		begin := 0
		for i, end := range load.ends {
			reports[i], begin = load.values[begin:end], end
		}
		app := msdkclient.App{ID: gameID, Key: gameKey, Encode: 1}
		if err := c.msdk.BattleReport(ctx, app, load.user, reports...); err != nil {
			c.fail(fmt.Errorf("post %d events: %w", len(reports), err))
		}
		c.loads.Put(load) // the client has copied them
	})
}

func (c *ceiling) commit(ctx context.Context) error {
	var offsets []kafka.OffsetCommit
	for partition, end := range c.task.Ends {
		offsets = append(offsets, kafka.OffsetCommit{Partition: int(partition), Offset: end})
	}
	res, err := c.kafka.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: c.task.Group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{c.task.Topic: offsets},
	})
	if err != nil {
		return fmt.Errorf("commit for group %s: %w", c.task.Group, err)
	}
	for _, p := range res.Topics[c.task.Topic] {
		if p.Error != nil {
			return fmt.Errorf("commit %s/%d for group %s: %w", c.task.Topic, p.Partition, c.task.Group, p.Error)
		}
	}
	return nil
}
