package consumer

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A fetch tells where the log ends, but while the pipeline takes nothing, or the
// partition pauses, nothing is fetched. Where no fetch has told it for endStale it is
// asked for, at the next look: so it is known no older than 10 s, an answer taking up
// to 2 s.
const (
	endLook  = 2 * time.Second
	endStale = 6 * time.Second
)

// hear notes where the log ends, as a broker says that was asked at a time. An answer
// that is overtaken does not count. Neither does one by which there is less than was
// taken: it is of a broker that lags, or of another log, and that is for the fetch to
// find out. The partition is locked.
func (p *Partition) hear(end int64, asked time.Time) {
	if p.tracker == nil || end < p.tracker.position || asked.Before(p.heard) {
		return
	}
	p.end, p.heard = end, time.Now()
}

// watchEnds asks for the ends that no fetch tells until ctx ends: each broker for all
// of its partitions at once, and one that does not answer keeps nobody waiting.
func (g *Generation) watchEnds(ctx context.Context) {
	type answer struct {
		broker int32
		err    error
	}
	trouble := newTrouble(g.log, "where logs end cannot be found out, trying again: their lag is shown as it was last known", "where logs end is known again")
	trouble.passing = restarting
	answers := make(chan answer)
	waiting := map[int32]bool{} // brokers that have not answered yet
	var asking sync.WaitGroup
	defer asking.Wait()
	ticker := time.NewTicker(endLook)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-answers:
			delete(waiting, a.broker)
			if a.err != nil {
				trouble.report(a.err)
			}
		case now := <-ticker.C:
			stale := g.endsBefore(now.Add(-endStale))
			if len(stale) == 0 {
				trouble.over()
				continue
			}
			leaders, err := g.c.byLeader(ctx, stale)
			if err != nil {
				trouble.report(err)
			}
			for broker, led := range leaders {
				if waiting[broker] {
					continue
				}
				waiting[broker] = true
				asking.Go(func() {
					a := answer{broker, g.c.askEnds(ctx, broker, led)}
					select {
					case answers <- a:
					case <-ctx.Done():
					}
				})
			}
		}
	}
}

// endsBefore are the partitions of whose end nothing has been heard since.
func (g *Generation) endsBefore(since time.Time) (stale []*Partition) {
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil && p.heard.Before(since) {
			stale = append(stale, p)
		}
		p.mu.Unlock()
	}
	return stale
}

// byLeader sorts partitions by the broker that leads them, as the client knows it,
// which looks every few seconds. The error is of those that have none.
func (c *Consumer) byLeader(ctx context.Context, partitions []*Partition) (map[int32][]*Partition, error) {
	meta, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: c.cfg.Topics})
	if err != nil {
		return nil, err
	}
	type at struct {
		topic string
		id    int
	}
	leaders := map[at]kafka.Broker{}
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			leaders[at{t.Name, p.ID}] = p.Leader
		}
	}
	led := map[int32][]*Partition{}
	for _, p := range partitions {
		leader := leaders[at{p.Topic, p.ID}]
		if leader.Host == "" { // kafka-go says broker 0
			err = cmp.Or(err, fmt.Errorf("%s: %w", p, kerr.LeaderNotAvailable))
			continue
		}
		led[int32(leader.ID)] = append(led[int32(leader.ID)], p)
	}
	return led, err
}

// askEnds asks a broker for the ends of partitions that it leads. An error of one
// leaves the others known.
func (c *Consumer) askEnds(ctx context.Context, broker int32, partitions []*Partition) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	const latest, most = -1, 9 // from version 10 on it has a timeout, for what lies in remote storage
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1 // a client
	asked := map[string]map[int32]*Partition{}
	for _, p := range partitions {
		if asked[p.Topic] == nil {
			asked[p.Topic] = map[int32]*Partition{}
		}
		asked[p.Topic][int32(p.ID)] = p
	}
	for topic, partitions := range asked {
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic = topic
		for id := range partitions {
			part := kmsg.NewListOffsetsRequestTopicPartition()
			part.Partition, part.Timestamp = id, latest
			t.Partitions = append(t.Partitions, part)
		}
		req.Topics = append(req.Topics, t)
	}
	at := time.Now()
	res, memory, err := c.ask(ctx, node(broker), most, req)
	if err != nil {
		return fmt.Errorf("ask broker %d where the logs end of %d partitions: %w", broker, len(partitions), err)
	}
	defer memory.Release()
	for _, t := range res.(*kmsg.ListOffsetsResponse).Topics {
		for _, answer := range t.Partitions {
			p := asked[t.Topic][answer.Partition]
			if p == nil {
				err = cmp.Or(err, errOtherPartition)
				continue
			}
			if failed := kerr.ErrorForCode(answer.ErrorCode); failed != nil {
				err = cmp.Or(err, fmt.Errorf("ask broker %d where the log of %s ends: %w", broker, p, failed))
				continue
			}
			p.mu.Lock()
			p.hear(answer.Offset, at)
			p.mu.Unlock()
		}
	}
	return err
}
