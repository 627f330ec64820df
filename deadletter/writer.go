package deadletter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// Writer writes letters, each once, as long as the process lives: a Write that was
// cut off in the middle, and another of the same letters, leave one of each.
// Its methods are safe for concurrent use.
type Writer struct {
	client *kgo.Client
	reader *topic.Reader
	log    *slog.Logger

	mu         sync.Mutex
	partitions map[topicPartition]*partitionWriter
	trouble    map[string]*trouble // topics to which a Write under way cannot write
}

// topicPartition is a partition of a topic as it is now.
type topicPartition struct {
	topic     topic.Incarnation
	partition int32
}

// NewWriter returns a writer to the cluster of conn. It does not connect; the
// error is that of a connection that can never work. Close it.
func NewWriter(conn consumer.Connection, log *slog.Logger) (*Writer, error) {
	client, err := topic.NewClient(conn, kgo.RetryTimeout(writeTimeout/2), kgo.WithHooks(&slowed{log: log}))
	if err != nil {
		return nil, fmt.Errorf("write dead letters: %w", err)
	}
	return &Writer{
		client: client, reader: topic.NewReader(client), log: log,
		partitions: map[topicPartition]*partitionWriter{}, trouble: map[string]*trouble{},
	}, nil
}

// Close closes the connections; no Write may be under way.
func (w *Writer) Close() { w.client.Close() }

const (
	writeTimeout = 10 * time.Second // of one attempt; a quota does not count

	// The pause between attempts doubles from the first to the last.
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Write writes the letters to the topic of that name and returns once all in-sync replicas have
// each of them. It tries for as long as ctx lets it; a topic that is missing, not
// writable or short of replicas is waited for, never given up. When ctx ends, left
// are the indices of those letters that may not be there, or come to be: to write
// them again is to find out.
//
// A letter that the topic refuses for its size goes in without the largest of its
// record's value, key and headers, and if that is not enough without the next; the
// header deadletter.value (and so on) then says "omitted".
func (w *Writer) Write(ctx context.Context, name string, letters ...Letter) (left []int, err error) {
	all := make([]*toWrite, len(letters))
	for i := range letters {
		all[i] = &toWrite{Letter: &letters[i]}
	}
	for {
		err = w.write(ctx, name, unwritten(all))
		if !errors.Is(err, topic.ErrRecreated) {
			break
		}
		select { // brokers may not agree yet
		case <-ctx.Done():
		case <-time.After(firstPause):
		}
	}
	for i, l := range all {
		if !l.written {
			left = append(left, i)
		}
	}
	if err != nil {
		return left, fmt.Errorf("write %d dead letters to %s: %w", len(left), name, err)
	}
	return nil, nil
}

// toWrite is a letter of a write.
type toWrite struct {
	*Letter
	written bool
}

func unwritten(letters []*toWrite) []*toWrite {
	return slices.DeleteFunc(slices.Clone(letters), func(l *toWrite) bool { return l.written })
}

// write writes the letters, all partitions at the same time. The error is a
// [topic.ErrRecreated] when the topic is no longer the one that was found, and else that
// of ctx.
func (w *Writer) write(ctx context.Context, name string, letters []*toWrite) error {
	if len(letters) == 0 {
		return nil
	}
	var byPartition map[*partitionWriter][]*toWrite
	if err := w.insist(ctx, name, nowhere, len(letters), func(ctx context.Context) (err error) {
		byPartition, err = w.route(ctx, name, letters)
		return err
	}); err != nil {
		return err
	}
	ended := make(chan error, len(byPartition))
	for s, letters := range byPartition {
		go func() { ended <- s.write(ctx, letters) }()
	}
	var errs []error
	for range byPartition {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

// insist tries until it succeeds, ctx ends, or the error is one that more trying
// does not mend: a [topic.ErrRecreated], or an errSplit.
func (w *Writer) insist(ctx context.Context, name string, partition int32, letters int, try func(context.Context) error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := w.reader.Clock().Within(ctx, writeTimeout, try)
		if err == nil || errors.Is(err, topic.ErrRecreated) || errors.Is(err, errSplit) {
			w.over(name, partition, true)
			return err
		}
		if ctx.Err() == nil {
			w.failed(name, partition, letters, err)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
		if ctx.Err() != nil {
			// Nobody tries any more, so nobody would find out that it is over.
			w.over(name, partition, false)
			return errors.Join(ctx.Err(), err)
		}
	}
}

// route chooses the partition that Java clients choose for a letter's key, and
// finds the writers to the partitions.
func (w *Writer) route(ctx context.Context, topic string, letters []*toWrite) (map[*partitionWriter][]*toWrite, error) {
	l, err := w.reader.Describe(ctx, topic)
	if err != nil {
		return nil, err
	}
	if len(l.Leaders) == 0 {
		return nil, fmt.Errorf("describe topic %s: %w", topic, kerr.LeaderNotAvailable)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.partitions, func(p topicPartition, _ *partitionWriter) bool {
		return p.topic.Topic == topic && l.IsOther(p.topic.ID)
	})
	partitioner := kgo.StickyKeyPartitioner(nil).ForTopic(topic)
	byPartition := map[*partitionWriter][]*toWrite{}
	for _, letter := range letters {
		at := topicPartition{l.Incarnation, letter.partition(partitioner, len(l.Leaders))}
		s := w.partitions[at]
		if s == nil {
			s = newPartitionWriter(w, at)
			w.partitions[at] = s
		}
		byPartition[s] = append(byPartition[s], letter)
	}
	return byPartition, nil
}

// partition is that of n in which the letter goes, always the same: without a key
// it goes by where its record was.
func (l *Letter) partition(keys kgo.TopicPartitioner, n int) int32 {
	if l.Key == nil {
		return int32((uint64(l.Source.Partition) + uint64(l.Source.Offset)) % uint64(n))
	}
	return int32(keys.Partition(&kgo.Record{Key: l.Key}, n))
}
