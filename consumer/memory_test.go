package consumer

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// produceBatches writes batches as they are, into each partition of a topic.
func produceBatches(t *testing.T, b *kafkatest.Broker, topic string, partitions, times int, batch []byte) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...), kgo.Dialer(b.Dial), kgo.MaxVersions(kversion.V3_0_0()), kgo.BrokerMaxWriteBytes(64<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for partition := range partitions {
		for range times {
			req := kmsg.NewPtrProduceRequest()
			req.Acks, req.TimeoutMillis = -1, 10_000
			part := kmsg.NewProduceRequestTopicPartition()
			part.Partition, part.Records = int32(partition), batch
			one := kmsg.NewProduceRequestTopic()
			one.Topic, one.Partitions = topic, []kmsg.ProduceRequestTopicPartition{part}
			req.Topics = []kmsg.ProduceRequestTopic{one}
			var err error = kerr.NotLeaderForPartition
			for node := 0; errors.Is(err, kerr.NotLeaderForPartition); node++ { // there are three
				res, failed := client.Broker(node).Request(t.Context(), req)
				if failed != nil {
					t.Fatal(failed)
				}
				err = kerr.ErrorForCode(res.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Of one topic nothing is ever let in: what is in memory of it is taken away for the
// records of another.
func TestATopicThatStandsStillDoesNotKeepMemoryFromAnother(t *testing.T) {
	t.Parallel()
	const still, flowing, times = 20, 3, 4
	for rule, test := range map[string]struct {
		records int
		batch   []byte
	}{
		"a large window":                {100, batchWith(100, compress.Zstd, Record{Value: []byte("v")})},
		"records larger than the share": {100, batchWith(100, compress.Zstd, Record{Value: make([]byte, 100<<10)})},
		"batches larger than the share": {100, batchWith(100, compress.None, Record{Value: make([]byte, 5<<10)})},
		"records larger than all":       {10, batchWith(10, compress.Gzip, Record{Value: make([]byte, 2<<20)})},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				stands, flows := b.Topic(t, still), b.Topic(t, flowing)
				produceBatches(t, b, stands, still, times, test.batch)
				produceBatches(t, b, flows, flowing, times, test.batch)
				c, err := New(Config{
					Connection: Connection{Brokers: b.Addrs(), Dial: b.Dial}, Group: "g", Topics: []string{stands, flows},
					FetchTotal: 4 << 20, Logger: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var taken atomic.Int64
				ended := make(chan error)
				go func() {
					ended <- c.Run(ctx, func(ctx context.Context, gen *Generation) {
						gen.Fetch(ctx, func(ctx context.Context, records []Record) {
							if records[0].Partition.Topic == stands {
								<-ctx.Done()
								return
							}
							taken.Add(int64(len(records)))
							for i := range records {
								records[i].Settle()
							}
						}, nil)
					})
				}()
				want := int64(flowing * times * test.records)
				for deadline := time.Now().Add(time.Minute); taken.Load() < want && time.Now().Before(deadline); {
					time.Sleep(100 * time.Millisecond)
				}
				if n := taken.Load(); n != want {
					t.Errorf("%d of %d records are taken", n, want)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				c.Close()
			})
		})
	}
}

// The broker has answered, and is not what is waited for.
func TestAResponseWaitsForMemoryAsLongAsItTakes(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 1)
		produceBatches(t, b, topic, 1, 1, batchWith(1, compress.None, Record{Value: make([]byte, 900<<10)}))
		var log strings.Builder
		c, err := New(Config{
			Connection: Connection{Brokers: b.Addrs(), Dial: b.Dial}, Group: "g", Topics: []string{topic},
			FetchTotal: 1 << 20, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		if err != nil {
			t.Fatal(err)
		}
		all := c.budget.Lease(nil)
		if err := all.Grow(t.Context(), 1<<20); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var taken atomic.Int64
		ended := make(chan error)
		go func() {
			ended <- c.Run(ctx, func(ctx context.Context, gen *Generation) {
				gen.Fetch(ctx, func(_ context.Context, records []Record) { taken.Add(int64(len(records))) }, nil)
			})
		}()
		time.Sleep(10 * time.Minute)
		if n := taken.Load(); n != 0 {
			t.Errorf("%d records are taken", n)
		}
		all.Close()
		time.Sleep(time.Second)
		if n := taken.Load(); n != 1 {
			t.Errorf("%d records are taken once there is memory", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		c.Close()
		if log.Len() > 0 {
			t.Errorf("it says\n%s", log.String())
		}
	})
}

// Many partitions stand at a record that is larger than the share. One of them at a time
// has memory for it, and nobody waits for who waits for that.
func TestPartitionsThatStandAtALargeRecordAreNotInTheWay(t *testing.T) {
	t.Parallel()
	const large, small, times = 60, 3, 4
	noise := make([]byte, 100<<10)
	for i, random := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = byte(random.Uint32())
	}
	for rule, batch := range map[string][]byte{
		"in a large batch": batchWith(1, compress.None, Record{Value: noise}),
		"in a small batch": batchWith(1, compress.Zstd, Record{Value: make([]byte, len(noise))}),
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				stand, flow := b.Topic(t, large), b.Topic(t, small)
				produceBatches(t, b, stand, large, times, batch)
				produceBatches(t, b, flow, small, times, batchWith(100, compress.Zstd, Record{Value: []byte("v")}))
				c, err := New(Config{
					Connection: Connection{Brokers: b.Addrs(), Dial: b.Dial}, Group: "g", Topics: []string{stand, flow},
					FetchTotal: 1 << 20, Logger: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var largeOnes, smallOnes atomic.Int64
				ended := make(chan error)
				go func() {
					ended <- c.Run(ctx, func(ctx context.Context, gen *Generation) {
						gen.Fetch(ctx, func(_ context.Context, records []Record) {
							count := &smallOnes
							if records[0].Partition.Topic == stand {
								count = &largeOnes
								time.Sleep(10 * time.Millisecond)
							}
							for i := range records {
								records[i].Settle()
							}
							count.Add(int64(len(records)))
						}, nil)
					})
				}()
				until := func(what string, n *atomic.Int64, want int64, most time.Duration) {
					t.Helper()
					for began := time.Now(); n.Load() < want; time.Sleep(10 * time.Millisecond) {
						if time.Since(began) > most {
							t.Errorf("%d of %d %s records are taken in %s", n.Load(), want, what, most)
							return
						}
					}
				}
				until("small", &smallOnes, small*times*100, 5*time.Second)
				until("large", &largeOnes, large*times, 10*time.Second)
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				c.Close()
			})
		})
	}
}
