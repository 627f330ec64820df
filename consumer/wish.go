package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// wish is what a partition's first cursor wants to have fetched next. It belongs to
// whoever fetches the partition, and to its group from when it is put until it is
// answered.
type wish struct {
	p        *Partition
	from     position
	maxBytes int
	more     bool     // the log has more, as was last heard
	told     bool     // an answer without records is wanted too; otherwise the wish stays
	records  []Record // memory for what is read next; who waits for records lets go of it

	group  *group // of the partition's leader; nil: it is not known
	looked time.Time
	alone  bool // the partition is asked for by itself
	answer chan fetched
}

// fetched is the answer to a wish.
type fetched struct {
	chunk *chunk
	err   error
}

func newWish(p *Partition, maxBytes int) *wish {
	return &wish{p: p, maxBytes: maxBytes, answer: make(chan fetched, 1)}
}

// errAlone says that a partition is to be asked for by itself: what is next of it is
// larger than its share, which may have to be waited for, or others have left no room
// for it in the answer.
var errAlone = errors.New("the partition does not fit into an answer with others")

// fetchNext fetches as the wish says: with others of the broker as a rule. Alone it is
// asked for what is large, and where there was an error, so that neither is in the way
// of others.
func (g *Generation) fetchNext(ctx context.Context, w *wish, hand *wire.Hand) (*chunk, error) {
	if !w.alone {
		chunk, err := g.fetcher.fetch(ctx, w)
		if err == nil {
			chunk.With(ctx, g.c.budget.Lease(nil), hand, w.maxBytes)
			return chunk, nil
		}
		w.alone = true
		if !errors.Is(err, errAlone) {
			return nil, err
		}
	}
	chunk, err := g.c.fetch(ctx, w.p, w.from, w.maxBytes, hand)
	w.alone = err != nil || len(chunk.Rest()) > w.maxBytes
	return chunk, err
}

// newFetch is a request for what is wished for, of at most so many bytes each: it
// waits that long at the broker for the first record.
func newFetch(wait time.Duration, wishes ...*wish) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = int32(wait / time.Millisecond)
	req.MinBytes, req.MaxBytes = 1, 0
	req.IsolationLevel = 1 // committed
	req.SessionEpoch = -1  // no session
	var topic *kmsg.FetchRequestTopic
	for _, w := range wishes {
		part := kmsg.NewFetchRequestTopicPartition()
		part.Partition, part.FetchOffset, part.PartitionMaxBytes = int32(w.p.ID), w.from.offset, int32(w.maxBytes)
		part.LastFetchedEpoch = w.from.epoch
		if topic == nil || topic.Topic != w.p.Topic || topic.TopicID != w.from.topic {
			req.Topics = append(req.Topics, kmsg.NewFetchRequestTopic())
			topic = &req.Topics[len(req.Topics)-1]
			topic.Topic, topic.TopicID = w.p.Topic, w.from.topic
			topic.Partitions = make([]kmsg.FetchRequestTopicPartition, 0, len(wishes))
		}
		topic.Partitions = append(topic.Partitions, part)
		req.MaxBytes += min(int32(w.maxBytes), 1<<31-1-req.MaxBytes)
	}
	return req
}

// newestFetchOf is the newest version in which to ask for a topic: without an id it
// goes by its name.
func newestFetchOf(topic topicID) int16 {
	if topic == (topicID{}) {
		return wire.NewestFetchByName
	}
	return wire.NewestFetch
}
