package sandbox

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/cluster"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/deadletter"
)

// letterReader reads what is added to the dead-letter topic, and tells the book. What lay there before the run is none
// of its business.
type letterReader struct {
	client *kgo.Client
	topic  string
	run    string
	book   *audit.Book

	mu      sync.Mutex
	next    map[int32]int64 // offset to be read next
	foreign int64           // letters read that are not of this run
	moved   chan struct{}   // has room for one: next has changed

	stop context.CancelFunc
	done chan struct{}
}

func readLetters(ctx context.Context, brokers []string, topic, run string, book *audit.Book) (*letterReader, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, fmt.Errorf("read the dead letters: %w", err)
	}
	next, err := cluster.Ends(ctx, client, topic)
	if err != nil {
		client.Close()
		return nil, err
	}
	from := map[int32]kgo.Offset{}
	for partition, offset := range next {
		from[partition] = kgo.NewOffset().At(offset)
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	ctx, stop := context.WithCancel(context.Background())
	l := &letterReader{
		client: client, topic: topic, run: run, book: book, next: next,
		moved: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
	}
	go func() {
		defer close(l.done)
		l.read(ctx)
	}()
	return l, nil
}

// read reads until ctx ends. What the broker refuses the client tries again by itself.
func (l *letterReader) read(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := l.client.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) {
			number, letter := l.letter(r)
			if number != 0 {
				l.book.Bury(letter) // first: who sees that all is read finds it in the book
			}
			l.mu.Lock()
			l.next[r.Partition] = r.Offset + 1
			if number == 0 {
				l.foreign++
			}
			l.mu.Unlock()
		})
		select {
		case l.moved <- struct{}{}:
		default:
		}
	}
}

// letter reads a letter; number is 0 if it is not of this run.
func (l *letterReader) letter(r *kgo.Record) (number uint64, letter audit.Letter) {
	letter.Value = r.Value
	for _, h := range r.Headers {
		switch h.Key {
		case traffic.HeaderID:
			number, _ = traffic.Number(h.Value, l.run)
		case deadletter.HeaderReason:
			letter.Reason = deadletter.Reason(h.Value)
		case deadletter.HeaderDelivery:
			letter.Uncertain = deadletter.Delivery(h.Value) == deadletter.Uncertain
		case deadletter.HeaderValue:
			letter.Omitted = true
		}
	}
	letter.Number = number
	return number, letter
}

// readToEnd waits until all is read that lies in the topic now.
func (l *letterReader) readToEnd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cluster.Patience)
	defer cancel()
	upTo, err := cluster.Ends(ctx, l.client, l.topic)
	if err != nil {
		return err
	}
	for !l.past(upTo) {
		select {
		case <-l.moved:
		case <-ctx.Done():
			return fmt.Errorf("read the dead letters to the end: %w", ctx.Err())
		}
	}
	return nil
}

func (l *letterReader) past(upTo map[int32]int64) bool {
	for partition, offset := range l.position() {
		if offset < upTo[partition] {
			return false
		}
	}
	return true
}

// position is the offset to be read next, by partition.
func (l *letterReader) position() map[int32]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.next)
}

func (l *letterReader) foreigners() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.foreign
}

func (l *letterReader) close() {
	l.stop()
	<-l.done
	l.client.Close()
}
