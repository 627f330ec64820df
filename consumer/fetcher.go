package consumer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// fetcher has the partitions of a generation asked for together, those of one leader
// in groups. Safe for concurrent use.
type fetcher struct {
	g *Generation

	mu     sync.Mutex
	groups map[groupKey][]*group
}

type groupKey struct {
	broker int32
	byName bool // topics that have no id: a request goes by the one or the other
}

// lookEvery is how often it is looked who leads a partition: who did may serve it still,
// as a follower, and later than the leader. The client asks every few seconds.
const lookEvery = 2 * time.Second

// errLook says that it is to be looked who leads the partition.
var errLook = errors.New("the partition may have another leader")

// fetch has the wish fetched together with others. It waits until there are records,
// an error, or ctx ends, which is the same for all.
func (f *fetcher) fetch(ctx context.Context, w *wish) (*chunk, error) {
	for {
		if err := f.look(ctx, w); err != nil {
			return nil, err
		}
		w.group.wishes <- w // it holds one of each member
		select {
		case a := <-w.answer:
			if errors.Is(a.err, errLook) {
				continue
			}
			if a.err != nil && !errors.Is(a.err, errAlone) { // another broker may lead it now
				f.leave(w)
			}
			return a.chunk, a.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// look has the wish be of a group of the partition's leader, the same as before if it
// is of one.
func (f *fetcher) look(ctx context.Context, w *wish) error {
	if w.group != nil && time.Since(w.looked) < lookEvery {
		return nil
	}
	broker, err := f.g.c.leader(ctx, w.p.Topic, w.p.ID)
	if err != nil {
		return err
	}
	w.looked = time.Now()
	if key := keyOf(broker, w); w.group == nil || w.group.key != key {
		f.leave(w)
		w.group = f.join(ctx, key)
	}
	return nil
}

// keyOf says of which groups of a broker the wish may be.
func keyOf(broker int32, w *wish) groupKey { return groupKey{broker, w.from.topic == topicID{}} }

// join counts one more partition into a group, a new one where the others are full.
func (f *fetcher) join(ctx context.Context, key groupKey) *group {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.groups[key]
	i := slices.IndexFunc(all, func(one *group) bool { return one.members < groupSize })
	if i < 0 {
		i = len(all)
		one := &group{key: key, g: f.g, wishes: make(chan *wish, groupSize), back: make(chan *request)}
		one.linger()
		f.groups[key] = append(all, one)
		f.g.fetching.Go(func() { one.run(ctx) })
	}
	one := f.groups[key][i]
	one.members++
	return one
}

// leave has the wish be of no group.
func (f *fetcher) leave(w *wish) {
	if w.group == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	w.group.members--
	w.group = nil
}

// leader is the broker that leads a partition, as the client knows it.
func (c *Consumer) leader(ctx context.Context, topic string, partition int) (int32, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout) // it may not know any yet
	defer cancel()
	l := leaderLookup{choose: leaderOf(topic, partition)}
	_, err := c.client.Transport.RoundTrip(ctx, c.client.Addr, &l)
	if errors.Is(err, errLookedUp) {
		err = nil
	}
	return l.found, err
}

// leaderLookup is a message that is not sent: it only sees what kafka-go, on its way to
// send it, knows of the cluster.
type leaderLookup struct {
	choose chooseBroker
	found  int32
}

var errLookedUp = errors.New("the leader is looked up")

// ApiKey makes it a message of kafka-go's.
func (l *leaderLookup) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Broker looks, and has kafka-go send nothing.
func (l *leaderLookup) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	b, err := l.choose(cluster)
	if err == nil {
		l.found, err = b.ID, errLookedUp
	}
	return b, err
}
