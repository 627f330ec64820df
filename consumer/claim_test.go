package consumer

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// Second cursors that wait for memory hold on to no room, which those need that have
// memory: else each batch is fetched again for every few of its records.
func TestLargeBatchesThatWereDeferredAreFetchedAboutOnce(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		records int
		batch   []byte
	}{
		"larger than all memory":    {40, batchWith(40, compress.None, Record{Value: make([]byte, 20<<10)})},
		"of records beyond a share": {10, batchWith(10, compress.None, Record{Value: make([]byte, 80<<10)})},
		"unpacked with all memory":  {40, batchWith(40, compress.Zstd, Record{Value: make([]byte, 20<<10)})},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				const partitions, times, records = 8, 4, 2
				topic := b.Topic(t, partitions)
				produceBatches(t, b, topic, partitions, times, test.batch)
				c, err := New(Config{
					Connection: Connection{Brokers: b.Addrs(), Dial: b.Dial}, Group: "g", Topics: []string{topic},
					FetchTotal: 1 << 20, Logger: slog.New(slog.DiscardHandler), Strand: func(*Record) uint64 { return 1 },
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var taken, fetches atomic.Int64
				want := int64(partitions * times * test.records)
				b.RequireKfake(t).ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
					b.RequireKfake(t).KeepControl()
					if req.(*kmsg.FetchRequest).Topics[0].Partitions[0].FetchOffset < want/partitions {
						fetches.Add(1)
					}
					return nil, nil, false
				})
				opened, rooms := make(chan struct{}), make(chan struct{}, 4)
				ended := make(chan error)
				go func() {
					ended <- c.Run(ctx, func(ctx context.Context, gen *Generation) {
						gen.Fetch(ctx, func(_ context.Context, rs []Record) {
							rs[0].Partition.Defer(1, rs[0].Offset)
						}, func(ctx context.Context, _ *Partition, _ uint64) *Room {
							<-opened
							select {
							case rooms <- struct{}{}:
							case <-ctx.Done():
								return nil
							}
							return &Room{Records: records, Bytes: 1 << 20, Cancel: func() { <-rooms }, Take: func(_ context.Context, rs []Record) {
								rs = slices.Clone(rs)
								time.AfterFunc(20*time.Millisecond, func() {
									for i := range rs {
										rs[i].Settle()
									}
									taken.Add(int64(len(rs)))
									<-rooms
								})
							}}
						})
					})
				}()
				time.Sleep(10 * time.Second)
				fetches.Store(0)
				close(opened)
				time.Sleep(10 * time.Second)
				if n := taken.Load(); n != want {
					t.Errorf("%d of %d are taken", n, want)
				}
				if n := fetches.Load(); n > 2*partitions*times {
					t.Errorf("%d fetches for %d batches", n, partitions*times)
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
