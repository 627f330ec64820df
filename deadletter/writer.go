package deadletter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/consumer"
)

// Writer writes letters. Its methods are safe for concurrent use.
//
// It is not built on kafka-go's Writer, which waits for company before it sends,
// refuses by itself what it deems too large, and goes on to send what its caller
// has given up on.
type Writer struct {
	client *kafka.Client
	log    *slog.Logger

	mu      sync.Mutex
	trouble map[string]*trouble // topics to which a Write under way cannot write
}

// trouble is that a topic cannot be written.
type trouble struct {
	err         error
	began, said time.Time
}

// NewWriter returns a writer to the cluster of conn. Close it.
func NewWriter(conn consumer.Connection, log *slog.Logger) *Writer {
	client := conn.Client()
	// Half of that is how long a broker may wait for the replicas. By itself it is
	// half a second, which a busy cluster exceeds; the broker then says so, having
	// written the letters, and they would be written again.
	client.Timeout = 2 * writeTimeout
	return &Writer{client: client, log: log, trouble: map[string]*trouble{}}
}

// Close closes the connections; no Write may be under way.
func (w *Writer) Close() error {
	consumer.CloseClient(w.client)
	return nil
}

// Err says why letters that wait to be written cannot be: the error of the last
// attempt, of some topic where it failed. It is nil when no Write is in trouble.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic, t := range w.trouble {
		return fmt.Errorf("write dead letters to %s: %w", topic, t.err)
	}
	return nil
}

// The pause between attempts doubles from the first to the last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Write writes the letters to topic and returns nil once all in-sync replicas
// have each of them. It tries for as long as ctx lets it; a topic that is
// missing, not writable or short of replicas is waited for, never given up. On
// an error some of the letters may have been written.
//
// A letter that the topic refuses for its size goes in without its value, and
// if that is not enough without its key and its record's headers; the header
// deadletter.value (and so on) then says "omitted".
func (w *Writer) Write(ctx context.Context, topic string, letters ...Letter) error {
	if len(letters) == 0 {
		return nil
	}
	left := make([]*Letter, len(letters))
	for i := range letters {
		left[i] = &letters[i]
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		var err error
		if left, err = w.attempt(ctx, topic, left); err == nil {
			w.succeeded(topic)
			return nil
		}
		if ctx.Err() == nil {
			w.failed(topic, len(left), err)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
		if ctx.Err() != nil {
			w.forget(topic)
			return fmt.Errorf("write %d dead letters to %s: %w", len(left), topic, errors.Join(ctx.Err(), err))
		}
	}
}

func (w *Writer) succeeded(topic string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.trouble[topic]; t != nil {
		delete(w.trouble, topic)
		w.log.Info("dead letters are written again", "topic", topic, "after", time.Since(t.began).Round(time.Millisecond))
	}
}

// forget drops the trouble of a write that is given up: nobody tries any more,
// so nobody would find out that it is over.
func (w *Writer) forget(topic string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.trouble, topic)
}

// failed says so when it begins and once a minute while it lasts.
func (w *Writer) failed(topic string, letters int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.trouble[topic]
	if t == nil {
		t = &trouble{began: time.Now()}
		w.trouble[topic] = t
	}
	t.err = err
	if time.Since(t.said) >= time.Minute {
		t.said = time.Now()
		w.log.Error("dead letters cannot be written, trying again until they can",
			"topic", topic, "letters", letters, "since", t.said.Sub(t.began).Round(time.Second), "error", err)
	}
}

// attempt tries each letter once, all partitions at the same time. It returns
// those that are left to write, and why.
func (w *Writer) attempt(ctx context.Context, topic string, letters []*Letter) (left []*Letter, err error) {
	byPartition, err := w.route(ctx, topic, letters)
	if err != nil {
		return letters, err
	}
	var (
		wg sync.WaitGroup
		mu sync.Mutex
	)
	for partition, letters := range byPartition {
		wg.Go(func() {
			unwritten, failure := w.writePartition(ctx, topic, partition, letters)
			mu.Lock()
			defer mu.Unlock()
			left = append(left, unwritten...)
			if failure != nil {
				err = failure
			}
		})
	}
	wg.Wait()
	return left, err
}

// route chooses the partition that Java clients choose for a letter's key.
func (w *Writer) route(ctx context.Context, topic string, letters []*Letter) (map[int][]*Letter, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	meta, err := w.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err == nil {
		err = meta.Topics[0].Error
	}
	if err == nil && len(meta.Topics[0].Partitions) == 0 {
		err = kafka.UnknownTopicOrPartition
	}
	if err != nil {
		return nil, fmt.Errorf("look for topic %s: %w", topic, err)
	}
	partitions := make([]int, len(meta.Topics[0].Partitions))
	for i, p := range meta.Topics[0].Partitions {
		partitions[i] = p.ID
	}
	byPartition := map[int][]*Letter{}
	for _, l := range letters {
		p := kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: l.Key}, partitions...)
		byPartition[p] = append(byPartition[p], l)
	}
	return byPartition, nil
}

// Kafka limits the size of a batch, by default to 1 MiB, which letters may reach
// together that are far from it alone. batchBytes keeps clear of the default.
const (
	batchBytes   = 900 << 10
	writeTimeout = 10 * time.Second
)

// maxWhole is the size beyond which a letter is not tried whole, in bytes: no
// topic takes it, and a broker that finds a request too large for itself hangs up
// without an answer (socket.request.max.bytes, 100 MiB by default).
const maxWhole = 16 << 20

// writePartition writes the letters batch by batch. It returns those that are
// left when one fails.
func (w *Writer) writePartition(ctx context.Context, topic string, partition int, letters []*Letter) (left []*Letter, err error) {
	for len(letters) > 0 {
		n, size := 1, letters[0].size()
		for n < len(letters) && size+letters[n].size() <= batchBytes {
			size += letters[n].size()
			n++
		}
		if left, err := w.writeBatch(ctx, topic, partition, letters[:n]); err != nil {
			return append(left, letters[n:]...), err
		}
		letters = letters[n:]
	}
	return nil, nil
}

// writeBatch writes the letters in one batch. If the topic finds it too large,
// which it says of the whole and not of any letter, each half is tried apart,
// down to the letter that does not fit by itself. That one is made smaller.
func (w *Writer) writeBatch(ctx context.Context, topic string, partition int, letters []*Letter) (left []*Letter, err error) {
	begin := whole
	if len(letters) == 1 && letters[0].size() > maxWhole {
		begin = withoutValue
	}
	err = w.produce(ctx, topic, partition, letters, begin)
	switch {
	case !tooLarge(err):
		if err != nil {
			left = letters
		}
		return left, err
	case len(letters) == 1:
		for cut := begin + 1; cut <= withoutAll && tooLarge(err); cut++ {
			err = w.produce(ctx, topic, partition, letters, cut)
		}
		if err != nil {
			left = letters
		}
		return left, err
	}
	half := len(letters) / 2
	left, err = w.writeBatch(ctx, topic, partition, letters[:half])
	if err != nil {
		return append(left, letters[half:]...), err
	}
	return w.writeBatch(ctx, topic, partition, letters[half:])
}

// produce sends one batch and waits until all in-sync replicas have it.
func (w *Writer) produce(ctx context.Context, topic string, partition int, letters []*Letter, cut cut) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	records := make([]kafka.Record, len(letters))
	for i, l := range letters {
		records[i] = l.record(cut)
	}
	res, err := w.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("write %d letters to %s/%d: %w", len(letters), topic, partition, err)
	}
	return nil
}

// tooLarge tells that the topic refuses a batch for its size: as more than
// max.message.bytes, or as more than fits into a segment.
func tooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}
