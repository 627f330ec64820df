package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/bench/part"
	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/cluster"
)

// stage is the broker with its load, and the sink: what all contestants of a workload find.
type stage struct {
	opts     *options
	workload workload.Workload
	load     *load
	brokers  []string
	broker   *part.Process // nil: it is not ours
	data     string        // its directory; empty: none
	sink     *part.Process
	sinkURL  string
	kafka    *kgo.Client
	http     http.Client
	groups   []string
}

// setUp starts broker and sink for a workload. After an error nothing is left running.
func setUp(ctx context.Context, o *options, w workload.Workload, arrivals bool) (s *stage, err error) {
	s = &stage{opts: o, workload: w, load: newLoad(), brokers: o.Brokers, http: http.Client{Timeout: cluster.Patience}}
	defer func() {
		if err != nil {
			s.tearDown()
		}
	}()
	if len(s.brokers) == 0 {
		if err := s.startBroker(ctx); err != nil {
			return s, err
		}
	}
	s.sink, err = part.Start(ctx, part.Task{Part: part.Sink, Run: s.load.run, Latency: time.Duration(w.Latency), Arrived: arrivals})
	if err != nil {
		return s, err
	}
	if err := s.sink.Read(&s.sinkURL, part.StartWithin); err != nil {
		return s, err
	}
	if s.kafka, err = kgo.NewClient(kgo.SeedBrokers(s.brokers...)); err != nil {
		return s, fmt.Errorf("make a Kafka client: %w", err)
	}
	return s, cluster.CreateTopic(ctx, s.kafka, s.load.topic, w.Partitions)
}

// startBroker starts the embedded broker.
func (s *stage) startBroker(ctx context.Context) (err error) {
	if s.opts.Data != "" {
		if s.data, err = os.MkdirTemp(s.opts.Data, "battlereport-bench-"); err != nil {
			return fmt.Errorf("make a directory for the broker: %w", err)
		}
	}
	if s.broker, err = part.Start(ctx, part.Task{Part: part.Broker, Data: s.data}); err != nil {
		return err
	}
	return s.broker.Read(&s.brokers, part.StartWithin)
}

// tearDown ends the processes, and deletes what was made in a broker that is not ours.
func (s *stage) tearDown() {
	if s.kafka != nil && s.broker == nil {
		s.forget()
	}
	if s.kafka != nil {
		s.kafka.Close()
	}
	for _, p := range []*part.Process{s.sink, s.broker} {
		if p != nil {
			p.Kill()
		}
	}
	s.http.CloseIdleConnections()
	if s.data != "" {
		_ = os.RemoveAll(s.data)
	}
}

// forget deletes topics and groups. It may take place after the benchmark was broken off, and what it does not
// manage is left to the broker's owner.
func (s *stage) forget() {
	ctx, cancel := context.WithTimeout(context.Background(), cluster.Patience)
	defer cancel()
	topics := kmsg.NewPtrDeleteTopicsRequest()
	for _, name := range []string{s.load.topic, s.load.topic + ".dlq", s.load.topic + ".replay"} {
		topics.TopicNames = append(topics.TopicNames, name)
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = &name
		topics.Topics = append(topics.Topics, t)
	}
	_, _ = topics.RequestWith(ctx, s.kafka)
	groups := kmsg.NewPtrDeleteGroupsRequest()
	groups.Groups = s.groups
	_, _ = groups.RequestWith(ctx, s.kafka)
}

// task is what a contestant is told, its group being new.
func (s *stage) task(contestant, name string) part.Task {
	group := s.load.topic + "-" + name
	s.groups = append(s.groups, group)
	t := part.Task{
		Part: contestant, Workload: s.workload, Brokers: s.brokers, Topic: s.load.topic, Group: group,
		MSDK: s.sinkURL, Ends: s.load.ends,
	}
	if s.opts.Profile != "" {
		t.Profile = filepath.Join(s.opts.Profile, name)
	}
	return t
}

// ask asks the sink; v nil: the answer does not matter.
func (s *stage) ask(ctx context.Context, method, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, method, s.sinkURL+path, nil)
	if err != nil {
		return err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return s.sink.Failure(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return s.sink.Failure(fmt.Errorf("%s: %s", path, res.Status))
	}
	if v == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(v); err != nil {
		return s.sink.Failure(fmt.Errorf("%s: %w", path, err))
	}
	return nil
}

// letters counts the dead letters of all contestants so far.
func (s *stage) letters(ctx context.Context) (n int64, err error) {
	offsets, err := cluster.Ends(ctx, s.kafka, s.load.topic+".dlq")
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return 0, nil
	}
	for _, offset := range offsets {
		n += offset
	}
	return n, err
}

// uncommitted is how many records of the load a group has not committed.
func (s *stage) uncommitted(ctx context.Context, group string) (n int64, err error) {
	offsets, err := cluster.Committed(ctx, s.kafka, group)
	if err != nil && !kerr.IsRetriable(err) { // a real cluster finds the group a coordinator first
		return 0, err
	}
	for partition, end := range s.load.ends {
		n += end - offsets[s.load.topic][partition]
	}
	return n, nil
}
