package deadletter

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// incarnation tells a topic from others that had its name before: one that is
// deleted and made anew gets another id (KIP-516).
type incarnation struct {
	topic string // the name
	id    string // as Kafka's tools show it; empty: not known, since the broker is older than Kafka 2.8
}

// isOther tells whether the topic is known to be another one than that of the id.
func (i incarnation) isOther(id string) bool { return i.id != id && i.id != "" && id != "" }

// layout is a topic as the brokers last described it.
type layout struct {
	incarnation
	uuid    [16]byte        // the id, as requests have it
	leaders map[int32]int32 // by partition
}

// extent is which offsets of a partition there are to read, from first up to
// and without end. Not each of them need hold a record.
type extent struct {
	partition  int32
	first, end int64
}

// extents asks for the partitions of a topic and what is in them now. While brokers
// have not all heard of the topic, or of who leads it, it tries again for a while.
func (r *reader) extents(ctx context.Context, topic string) (l layout, all []extent, err error) {
	began := time.Now()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		l, all, err = r.extentsOnce(ctx, topic)
		var code *kerr.Error
		if !errors.As(err, &code) || !code.Retriable || time.Since(began) > askTimeout {
			return l, all, err
		}
		select {
		case <-ctx.Done():
			return layout{}, nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (r *reader) extentsOnce(ctx context.Context, topic string) (layout, []extent, error) {
	l, err := r.describe(ctx, topic)
	if err != nil {
		return layout{}, nil, err
	}
	firsts, err := r.offsets(ctx, l, -2)
	if err != nil {
		return layout{}, nil, err
	}
	ends, err := r.offsets(ctx, l, -1)
	if err != nil {
		return layout{}, nil, err
	}
	all := make([]extent, 0, len(ends))
	for p, end := range ends {
		all = append(all, extent{partition: p, first: min(firsts[p], end), end: end})
	}
	slices.SortFunc(all, func(a, b extent) int { return int(a.partition - b.partition) })
	return l, all, nil
}

// since asks, for each partition, for the first offset that holds a record of
// that time or a later one. A partition without one is not in the map.
func (r *reader) since(ctx context.Context, l layout, at time.Time) (map[int32]int64, error) {
	return r.offsets(ctx, l, max(at.UnixMilli(), 0))
}

// describe asks for a topic's layout. Brokers hear of a topic one after the other:
// there is none where not one of them has heard of it.
func (r *reader) describe(ctx context.Context, topic string) (layout, error) {
	l, brokers, err := describeBy(ctx, r.client, topic)
	for i := 0; i < len(brokers) && errors.Is(err, ErrNoTopic); i++ {
		l, err = r.describeSoon(ctx, brokers[i].NodeID, topic)
	}
	if err != nil {
		return layout{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.layouts[topic] = l
	return l, nil
}

// describeSoon asks one broker, which is not waited for long. One that does not answer
// has heard of nothing.
func (r *reader) describeSoon(ctx context.Context, broker int32, topic string) (layout, error) {
	const wait = 2 * time.Second
	soon, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	l, _, err := describeBy(soon, r.client.Broker(int(broker)), topic)
	var code *kerr.Error
	if err != nil && !errors.As(err, &code) && ctx.Err() == nil {
		err = noTopic(topic)
	}
	return l, err
}

// describeBy returns what a broker, or any, has heard of a topic, and which brokers
// there are.
func describeBy(ctx context.Context, broker kmsg.Requestor, topic string) (layout, []kmsg.MetadataResponseBroker, error) {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return layout{}, nil, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return layout{}, resp.Brokers, noTopic(topic)
	}
	if err != nil {
		return layout{}, nil, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	l := layout{incarnation: incarnation{topic: topic}, uuid: resp.Topics[0].TopicID, leaders: map[int32]int32{}}
	if l.uuid != [16]byte{} {
		l.id = base64.RawURLEncoding.EncodeToString(l.uuid[:])
	}
	for _, p := range resp.Topics[0].Partitions {
		l.leaders[p.Partition] = p.Leader
	}
	return l, resp.Brokers, nil
}

func noTopic(topic string) error { return fmt.Errorf("topic %s: %w", topic, ErrNoTopic) }

// again describes a topic that is being read. The error is an [ErrRecreated] if
// its name is now another's, or nobody's.
func (r *reader) again(ctx context.Context, of incarnation) (layout, error) {
	l, err := r.describe(ctx, of.topic)
	if errors.Is(err, ErrNoTopic) || err == nil && l.isOther(of.id) {
		return layout{}, recreated(of.topic)
	}
	return l, err
}

func recreated(topic string) error {
	return fmt.Errorf("topic %s %w while it was read", topic, ErrRecreated)
}

// offsets asks for the offset at a time in each partition. The time -2 means the
// first offset, -1 the one behind the last that is committed.
func (r *reader) offsets(ctx context.Context, l layout, at int64) (map[int32]int64, error) {
	found, err := r.listOffsets(ctx, l, at)
	if _, err := r.again(ctx, l.incarnation); err != nil { // the request has the name
		return nil, err
	}
	return found, err
}

func (r *reader) listOffsets(ctx context.Context, l layout, at int64) (map[int32]int64, error) {
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = l.topic
	for id := range l.leaders {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = id, at
		t.Partitions = append(t.Partitions, p)
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = 1 // committed
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return nil, fmt.Errorf("list the offsets of topic %s: %w", l.topic, err)
	}
	found := map[int32]int64{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("list the offsets of %s/%d: %w", l.topic, p.Partition, err)
			}
			if p.Offset >= 0 {
				found[p.Partition] = p.Offset
			}
		}
	}
	return found, nil
}
