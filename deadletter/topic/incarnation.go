package topic

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

// Incarnation tells a topic from others that had its name before: one that is
// deleted and made anew gets another id (KIP-516).
type Incarnation struct {
	Topic string // the name
	ID    string // as Kafka's tools show it; empty: not known, since the broker is older than Kafka 2.8
}

// IsOther tells whether the topic is known to be another one than that of the id.
func (i Incarnation) IsOther(id string) bool { return i.ID != id && i.ID != "" && id != "" }

// Layout is a topic as the brokers last described it.
type Layout struct {
	Incarnation
	UUID    [16]byte        // the id, as requests have it
	Leaders map[int32]int32 // by partition; below 0 there is none at the moment
}

// Extent is which offsets of a partition there are to read, from First up to
// and without End. Not each of them need hold a record.
type Extent struct {
	Partition  int32
	First, End int64
}

// Extents asks for the partitions of a topic and what is in them now. While brokers
// have not all heard of the topic, or of who leads it, it tries again for a while.
func (r *Reader) Extents(ctx context.Context, topic string) (l Layout, all []Extent, err error) {
	began := time.Now()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		l, all, err = r.extentsOnce(ctx, topic)
		var code *kerr.Error
		if !errors.As(err, &code) || !code.Retriable || time.Since(began) > askTimeout {
			return l, all, right("Read", topic).Needed(err) // which who asks will want
		}
		select {
		case <-ctx.Done():
			return Layout{}, nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (r *Reader) extentsOnce(ctx context.Context, topic string) (Layout, []Extent, error) {
	l, err := r.Describe(ctx, topic)
	if err != nil {
		return Layout{}, nil, err
	}
	firsts, err := r.offsets(ctx, l, -2, committed)
	if err != nil {
		return Layout{}, nil, err
	}
	ends, err := r.Ends(ctx, l)
	if err != nil {
		return Layout{}, nil, err
	}
	all := make([]Extent, 0, len(ends))
	for p, end := range ends {
		all = append(all, Extent{Partition: p, First: min(firsts[p], end), End: end})
	}
	slices.SortFunc(all, func(a, b Extent) int { return int(a.Partition - b.Partition) })
	return l, all, nil
}

// Since asks, for each partition, for the first offset that holds a record of
// that time or a later one. A partition without one is not in the map.
func (r *Reader) Since(ctx context.Context, l Layout, at time.Time) (map[int32]int64, error) {
	return r.offsets(ctx, l, max(at.UnixMilli(), 0), committed)
}

// Ends asks, for each partition, for the offset behind the last that is committed.
func (r *Reader) Ends(ctx context.Context, l Layout) (map[int32]int64, error) {
	return r.offsets(ctx, l, -1, committed)
}

// Unstable asks how many offsets there are behind the extents of a topic that are not
// to be read yet: of transactions that are open, and behind those.
func (r *Reader) Unstable(ctx context.Context, l Layout, extents []Extent) (offsets int64, err error) {
	written, err := r.offsets(ctx, l, -1, uncommitted)
	if err != nil {
		return 0, err
	}
	stable, err := r.Ends(ctx, l) // later: what has been written since the extents counts as read
	if err != nil {
		return 0, err
	}
	for _, e := range extents {
		offsets += max(0, written[e.Partition]-max(e.End, stable[e.Partition]))
	}
	return offsets, nil
}

// Describe asks for a topic's Layout. Brokers hear of a topic one after the other:
// there is none where not one of them has heard of it.
func (r *Reader) Describe(ctx context.Context, topic string) (Layout, error) {
	l, brokers, err := describeBy(ctx, r.client, topic)
	for i := 0; i < len(brokers) && errors.Is(err, ErrNoTopic); i++ {
		l, err = r.describeSoon(ctx, brokers[i].NodeID, topic)
	}
	if err != nil {
		return Layout{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.layouts[topic] = l
	return l, nil
}

// describeSoon asks one broker, which is not waited for long. One that does not answer
// has heard of nothing.
func (r *Reader) describeSoon(ctx context.Context, broker int32, topic string) (Layout, error) {
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
func describeBy(ctx context.Context, broker kmsg.Requestor, topic string) (Layout, []kmsg.MetadataResponseBroker, error) {
	resp, err := metadata(ctx, broker, topic)
	if err != nil {
		return Layout{}, nil, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return Layout{}, resp.Brokers, noTopic(topic)
	}
	if err != nil {
		return Layout{}, nil, fmt.Errorf("describe topic %s: %w", topic, right("Describe", topic).Needed(err))
	}
	l := Layout{Incarnation: Incarnation{Topic: topic}, UUID: resp.Topics[0].TopicID, Leaders: map[int32]int32{}}
	if l.UUID != [16]byte{} {
		l.ID = base64.RawURLEncoding.EncodeToString(l.UUID[:])
	}
	for _, p := range resp.Topics[0].Partitions {
		l.Leaders[p.Partition] = p.Leader
	}
	return l, resp.Brokers, nil
}

// metadata asks a broker, or any, about topics. It has no broker create one.
func metadata(ctx context.Context, broker kmsg.Requestor, topics ...string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, topic := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &topic
		req.Topics = append(req.Topics, t)
	}
	res, err := req.RequestWith(ctx, broker)
	if err == nil && (len(res.Topics) == 0 || slices.ContainsFunc(res.Topics, func(t kmsg.MetadataResponseTopic) bool { return t.Topic == nil })) {
		err = errors.New("the broker answers without the topic")
	}
	return res, err
}

// again describes a topic that is being read. The error is an [ErrRecreated] if
// its name is now another's, or nobody's.
func (r *Reader) again(ctx context.Context, of Incarnation) (Layout, error) {
	l, err := r.Describe(ctx, of.Topic)
	if errors.Is(err, ErrNoTopic) || err == nil && l.IsOther(of.ID) {
		return Layout{}, Recreated(of.Topic)
	}
	return l, err
}

// What a question about offsets is about: what is written, or as much of it as is
// committed.
const (
	uncommitted int8 = iota
	committed
)

// offsets asks for the offset at a time in each partition. The time -2 means the
// first offset, -1 the one behind the last.
func (r *Reader) offsets(ctx context.Context, l Layout, at int64, isolation int8) (map[int32]int64, error) {
	found, err := r.listOffsets(ctx, l, at, isolation)
	if _, err := r.again(ctx, l.Incarnation); err != nil { // the request has the name
		return nil, err
	}
	return found, err
}

func (r *Reader) listOffsets(ctx context.Context, l Layout, at int64, isolation int8) (map[int32]int64, error) {
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = l.Topic
	for id := range l.Leaders {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = id, at
		t.Partitions = append(t.Partitions, p)
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = isolation
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return nil, fmt.Errorf("list the offsets of topic %s: %w", l.Topic, err)
	}
	found := map[int32]int64{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("list the offsets of %s/%d: %w", l.Topic, p.Partition, right("Describe", l.Topic).Needed(err))
			}
			if p.Offset >= 0 {
				found[p.Partition] = p.Offset
			}
		}
	}
	return found, nil
}
