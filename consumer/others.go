package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// standing is where a group stands in a partition.
type standing struct {
	group  string
	offset int64
	note   note // what is unsettled from there on
}

const (
	// othersTimeout bounds one question about other groups, for which the
	// partitions of all topics wait when a generation begins.
	othersTimeout = 5 * time.Second

	// othersPatience is how long the partitions that it is about wait for an
	// answer. A broker that has crashed is named for 9 s more, unless the cluster is
	// told otherwise, and whoever coordinates its groups then has to load them.
	othersPatience = 30 * time.Second
)

// askOthers finds out, for those partitions where that decides, where other groups
// stand. Where it cannot it returns why: once it has tried for long enough, or may
// not, this group is taken to be the only one.
func (g *Generation) askOthers(ctx context.Context, cluster string, all map[*Partition]known) error {
	wanted := map[string]map[int32]*Partition{}
	for p, k := range all {
		if k.begin().at != atOthers {
			continue
		}
		if wanted[p.Topic] == nil {
			wanted[p.Topic] = map[int32]*Partition{}
		}
		wanted[p.Topic][int32(p.ID)] = p
	}
	if len(wanted) == 0 {
		return nil
	}
	found, err := g.c.standings(ctx, wanted)
	for p, k := range all {
		if k.begin().at != atOthers {
			continue
		}
		if err == nil || denied(err) || p.hasWaited() {
			k.asked, k.other = true, farthest(found[p], p.place(cluster), k.topic)
			all[p] = k
		}
	}
	return err
}

// hasWaited tells whether the partition has waited long enough for others to be known.
func (p *Partition) hasWaited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting.IsZero() {
		p.waiting = time.Now()
	}
	return time.Since(p.waiting) >= othersPatience
}

// found is what a group has committed.
type found struct {
	group string
	committed
}

// farthest is, of the groups whose commits are of this program, and of the topic as it
// is now, the one that has come farthest. The commits of others, such as tools that
// look at a topic, say nothing about what has become of its records.
func farthest(all []found, at place, topic topicID) (best *standing) {
	for _, f := range all {
		n, err := decodeNote(f.metadata, at, f.offset)
		if err != nil || f.offset < 0 || f.metadata == "" || n.topic != topic {
			continue
		}
		if best == nil || f.offset > best.offset {
			best = &standing{f.group, f.offset, n}
		}
	}
	return best
}

// denied tells that the client may not see groups, which does not pass.
func denied(err error) bool {
	return errors.Is(err, kerr.ClusterAuthorizationFailed) || errors.Is(err, kerr.GroupAuthorizationFailed)
}

// standings asks all brokers, at once, what other groups have committed of
// partitions. Each tells of the groups that it coordinates, those that the client may
// describe. Beside an error is what was found all the same.
func (c *Consumer) standings(ctx context.Context, wanted map[string]map[int32]*Partition) (map[*Partition][]found, error) {
	ctx, cancel := context.WithTimeout(ctx, othersTimeout)
	defer cancel()
	meta, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: c.cfg.Topics})
	if err != nil {
		return nil, fmt.Errorf("list the brokers: %w", err)
	}
	var (
		mu     sync.Mutex
		all    = map[*Partition][]found{}
		failed []error
		asking sync.WaitGroup
	)
	for _, b := range meta.Brokers {
		asking.Go(func() {
			err := c.standingsAt(ctx, int32(b.ID), wanted, func(p *Partition, f found) {
				mu.Lock()
				defer mu.Unlock()
				all[p] = append(all[p], f)
			})
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, fmt.Errorf("ask broker %d about other groups: %w", b.ID, err))
			}
		})
	}
	asking.Wait()
	return all, firstPassing(failed)
}

// firstPassing is one of the errors, if possible one that may pass.
func firstPassing(errs []error) (first error) {
	for _, err := range errs {
		if !denied(err) {
			return err
		}
		first = cmp.Or(first, err)
	}
	return first
}

// standingsAt asks a broker. Since it lists the groups that it coordinates, it is the
// one to be asked about them.
func (c *Consumer) standingsAt(ctx context.Context, broker int32, wanted map[string]map[int32]*Partition, take func(*Partition, found)) error {
	groups, err := c.groupsAt(ctx, broker)
	if err != nil {
		return err
	}
	const many = 100 // groups in a request
	atOnce := 1
	if all, known := c.spoken.by(broker); known && all[int16(kmsg.OffsetFetch)].newest >= manyGroups {
		atOnce = many
	}
	for some := range slices.Chunk(groups, atOnce) {
		if err := c.standingsOf(ctx, broker, some, wanted, take); err != nil {
			return err
		}
	}
	return nil
}

// groupsAt lists the other groups of consumers that a broker coordinates.
func (c *Consumer) groupsAt(ctx context.Context, broker int32) (groups []string, err error) {
	req := kmsg.NewPtrListGroupsRequest()
	res, memory, err := c.ask(ctx, node(broker), req.MaxVersion(), req)
	if err != nil {
		return nil, err
	}
	defer memory.Release()
	list := res.(*kmsg.ListGroupsResponse)
	for _, g := range list.Groups {
		// A group without members may have lost its protocol.
		if g.Group != c.cfg.Group && (g.ProtocolType == "consumer" || g.ProtocolType == "") {
			groups = append(groups, g.Group)
		}
	}
	return groups, kerr.ErrorForCode(list.ErrorCode)
}

// manyGroups is the version from which on a request for offsets is about many groups.
const manyGroups = 8

// standingsOf asks what groups have committed: one group, where the broker does not
// speak of many.
func (c *Consumer) standingsOf(ctx context.Context, broker int32, groups []string, wanted map[string]map[int32]*Partition, take func(*Partition, found)) error {
	req := kmsg.NewPtrOffsetFetchRequest()
	var topics []kmsg.OffsetFetchRequestGroupTopic
	for topic, partitions := range wanted {
		t := kmsg.NewOffsetFetchRequestGroupTopic()
		t.Topic = topic
		for id := range partitions {
			t.Partitions = append(t.Partitions, id)
		}
		topics = append(topics, t)
		req.Topics = append(req.Topics, kmsg.OffsetFetchRequestTopic{Topic: t.Topic, Partitions: t.Partitions})
	}
	req.Group = groups[0]
	for _, group := range groups {
		g := kmsg.NewOffsetFetchRequestGroup()
		g.Group, g.Topics = group, topics
		req.Groups = append(req.Groups, g)
	}
	res, memory, err := c.ask(ctx, node(broker), manyGroups, req)
	if err != nil {
		return err
	}
	defer memory.Release()
	for _, g := range asGroups(res.(*kmsg.OffsetFetchResponse), groups[0]) {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			if errors.Is(err, kerr.GroupIDNotFound) || errors.Is(err, kerr.GroupAuthorizationFailed) {
				continue // gone since, or of another kind, or never to be seen
			}
			return fmt.Errorf("fetch the offsets of group %s: %w", g.Group, err)
		}
		for _, t := range g.Topics {
			for _, o := range t.Partitions {
				p := wanted[t.Topic][o.Partition]
				if p == nil || o.ErrorCode != 0 || o.Metadata == nil {
					continue
				}
				take(p, found{g.Group, committed{o.Offset, *o.Metadata}})
			}
		}
	}
	return nil
}

// asGroups is the answer in the form that is about many groups.
func asGroups(res *kmsg.OffsetFetchResponse, group string) []kmsg.OffsetFetchResponseGroup {
	if res.Version >= manyGroups {
		return res.Groups
	}
	g := kmsg.NewOffsetFetchResponseGroup()
	g.Group, g.ErrorCode = group, res.ErrorCode
	for _, t := range res.Topics {
		of := kmsg.NewOffsetFetchResponseGroupTopic()
		of.Topic = t.Topic
		for _, p := range t.Partitions {
			o := kmsg.NewOffsetFetchResponseGroupTopicPartition()
			o.Partition, o.Offset, o.Metadata, o.ErrorCode = p.Partition, p.Offset, p.Metadata, p.ErrorCode
			of.Partitions = append(of.Partitions, o)
		}
		g.Topics = append(g.Topics, of)
	}
	return []kmsg.OffsetFetchResponseGroup{g}
}

// recordsIn is how many records lie in partitions, for the log: 0 where the brokers do
// not tell.
func (g *Generation) recordsIn(ctx context.Context, partitions []*Partition) (records int64) {
	topics := map[string][]int{}
	for _, p := range partitions {
		topics[p.Topic] = append(topics[p.Topic], p.ID)
	}
	for topic, ids := range topics {
		bounds, err := g.c.bounds(ctx, topic, ids...)
		if err != nil {
			continue
		}
		for _, b := range bounds {
			records += b.end - b.first
		}
	}
	return records
}
