package groupstatus_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/groupstatus"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// A room is a broker with a topic, and a reader of how a group does there.
type room struct {
	*kafkatest.Broker
	t            *testing.T
	topic, group string
	client       *kgo.Client
	reader       *groupstatus.Reader
}

func newRoom(t *testing.T, b *kafkatest.Broker, partitions int32, more ...groupstatus.Topic) *room {
	t.Helper()
	r := &room{Broker: b, t: t, topic: b.Topic(t, partitions), group: kafkatest.Name(t)}
	var err error
	if r.client, err = topic.NewClient(consumer.Connection{Brokers: b.Addrs(), Dial: b.Dial}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	r.reader = groupstatus.NewReader(r.client, r.group, false, append([]groupstatus.Topic{{Name: r.topic}}, more...))
	return r
}

// virtual runs a test in virtual time.
func virtual(t *testing.T, partitions int32, test func(t *testing.T, r *room), opts ...kfake.Opt) {
	t.Helper()
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) { test(t, newRoom(t, b, partitions)) }, opts...)
}

// real runs it on the cluster that the environment names, or on a fake one.
func real(t *testing.T, partitions int32) *room {
	t.Helper()
	t.Parallel()
	return newRoom(t, kafkatest.Start(t), partitions)
}

func (r *room) read() *groupstatus.Snapshot {
	r.t.Helper()
	s, err := r.reader.Read(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// produce writes records of an age, one to each partition named.
func (r *room) produce(age time.Duration, value string, partitions ...int32) {
	r.t.Helper()
	var records []kafkatest.Record
	for _, p := range partitions {
		records = append(records, kafkatest.Record{Topic: r.topic, Partition: p, Timestamp: time.Now().Add(-age), Value: []byte(value)})
	}
	r.Produce(r.t, records...)
}

// commit has the group stand at an offset.
func (r *room) commit(partition int32, offset int64, metadata string) {
	r.t.Helper()
	l, err := topic.NewReader(r.client).Describe(r.t.Context(), r.topic)
	if err != nil {
		r.t.Fatal(err)
	}
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.Metadata = partition, offset, &metadata
	of := kmsg.NewOffsetCommitRequestTopic()
	of.Topic, of.TopicID, of.Partitions = r.topic, l.UUID, append(of.Partitions, p)
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Topics = r.group, append(req.Topics, of)
	resp, err := req.RequestWith(r.t.Context(), r.client)
	if err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
		r.t.Fatal(err, resp)
	}
}

// foreign adds a member of another program, which takes what there is, and commits nothing.
func (r *room) foreign(clientID string, opts ...kgo.Opt) {
	r.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(r.Addrs()...), kgo.Dialer(r.Dial), kgo.ClientID(clientID), kgo.ConsumerGroup(r.group), kgo.ConsumeTopics(r.topic),
		kgo.DisableAutoCommit(), kgo.DisableClientMetrics(),
	}, opts...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			client.PollFetches(ctx)
		}
	}()
	r.t.Cleanup(func() {
		cancel()
		<-ended
		client.CloseAllowingRebalance()
	})
}

// until takes snapshots until one is as it is to be.
func (r *room) until(what string, is func(*groupstatus.Snapshot) bool) *groupstatus.Snapshot {
	r.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		s := r.read()
		if is(s) {
			return s
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("never %s: %+v", what, s)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func stands(s *groupstatus.Snapshot) (all []string) {
	for i := range s.Partitions {
		p := &s.Partitions[i]
		all = append(all, fmt.Sprintf("%d: %d of %d", p.Partition, p.Committed, p.End))
	}
	return all
}

func TestASnapshotIsOfWhatTheGroupHasCommitted(t *testing.T) {
	virtual(t, 3, func(t *testing.T, r *room) {
		r.produce(10*time.Second, "a", 0, 0, 0, 1)
		r.commit(0, 2, "")
		s := r.read()
		if got := strings.Join(stands(s), "; "); got != "0: 2 of 3; 1: -1 of 1; 2: -1 of 0" {
			t.Error(got)
		}
		for i, want := range []time.Duration{10 * time.Second, 10 * time.Second, 0} {
			p := &s.Partitions[i]
			age, known := p.Age(s.At)
			if known != (want > 0) || known && age.Round(time.Second) != want {
				t.Errorf("partition %d: age %v, %v", i, age, known)
			}
		}
		if s.Group.State != "Empty" || len(s.Members) > 0 {
			t.Errorf("%+v, %+v", s.Group, s.Members)
		}
	})
}

func TestAGroupThatIsNotThereIsDead(t *testing.T) {
	virtual(t, 1, func(t *testing.T, r *room) {
		if s := r.read(); s.Group.State != "Dead" || s.Partitions[0].Committed != -1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestMembersOfOtherProgramsAreShown(t *testing.T) {
	r := real(t, 4)
	r.produce(0, "a", 0, 1, 2, 3)
	r.foreign("consumer-java-1\x1b[2J", kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.InstanceID("pod-0"))
	r.foreign("rdkafka", kgo.Balancers(kgo.CooperativeStickyBalancer()))
	s := r.until("two members that have two partitions each", func(s *groupstatus.Snapshot) bool {
		return len(s.Members) == 2 && s.Members[0].Partitions == 2 && s.Members[1].Partitions == 2 && s.Group.State == "Stable"
	})
	if m := s.Members[0]; m.ClientID != "consumer-java-1\x1b[2J" || m.InstanceID != "pod-0" || m.Host == "" {
		t.Errorf("%+v", m)
	}
	if s.Group.Type != "classic" || s.Group.Assignor != "cooperative-sticky" || s.Group.Coordinator < 0 {
		t.Errorf("%+v", s.Group)
	}
	for _, p := range s.Partitions {
		if !slices.ContainsFunc(s.Members, func(m groupstatus.Member) bool { return m.ID == p.Owner }) {
			t.Errorf("nobody owns %d", p.Partition)
		}
	}
}

func TestAGroupToWhichTheBrokersAssignIsShown(t *testing.T) {
	r := real(t, 3)
	r.foreign("new", kgo.ServerSideBalancer())
	s := r.until("a member that has all", func(s *groupstatus.Snapshot) bool { return len(s.Members) == 1 && s.Members[0].Partitions == 3 })
	if s.Group.Type != "consumer" || s.Group.Assignor == "" || s.Partitions[2].Owner != s.Members[0].ID {
		t.Errorf("%+v", s.Group)
	}
}

func TestAMemberWhoseAssignmentCannotBeReadIsShownAsSuch(t *testing.T) {
	virtual(t, 1, func(t *testing.T, r *room) {
		member := kmsg.NewDescribeGroupsResponseGroupMember()
		member.MemberID, member.ClientID, member.MemberAssignment = "m", "c", []byte{0, 1, 0, 0, 0, 9, 7}
		r.RequireKfake(t).ControlKey(int16(kmsg.DescribeGroups), func(req kmsg.Request) (kmsg.Response, error, bool) {
			group := kmsg.NewDescribeGroupsResponseGroup()
			group.Group, group.State, group.ProtocolType, group.Members = r.group, "Stable", "consumer", append(group.Members, member)
			resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
			resp.Groups = append(resp.Groups, group)
			return resp, nil, true
		})
		if s := r.read(); len(s.Members) != 1 || !s.Members[0].Unknown {
			t.Errorf("%+v", s.Members)
		}
	})
}

func TestTheAgeIsOfTheFirstRecordThatIsNotSettled(t *testing.T) {
	r := real(t, 5)
	large := strings.Repeat("x", 700_000) // beyond what is asked for first; all in batches of their own
	r.produce(time.Hour, large, 0, 1, 2)
	r.produce(time.Minute, large, 0, 1, 2)
	r.produce(-time.Hour, "future", 3)
	r.Produce(t, kafkatest.Record{Topic: r.topic, Partition: 4, Timestamp: time.UnixMilli(time.Now().Unix()), Value: []byte("seconds")})
	r.commit(1, 1, "")
	r.commit(2, 2, "")
	for range 2 { // the second time most is known from before
		s := r.read()
		for i, want := range []string{"1h0m0s", "1m0s", "unknown", "unknown", "unknown"} {
			p := &s.Partitions[i]
			got := "unknown"
			if age, known := p.Age(s.At); known {
				got = age.Truncate(10 * time.Second).String()
			}
			if got != want {
				t.Errorf("partition %d: %s, want %s", i, got, want)
			}
		}
		r.commit(3, 0, "")
	}
	r.commit(0, 1, "")
	s := r.read()
	if age, known := s.Partitions[0].Age(s.At); !known || age > 10*time.Minute {
		t.Errorf("once the first is settled the age is that of the next: %v", age)
	}
}

func TestWhatATransactionHoldsIsKnownWithItsAge(t *testing.T) {
	r := real(t, 1)
	r.produce(0, "a", 0)
	client, err := kgo.NewClient(kgo.SeedBrokers(r.Addrs()...), kgo.Dialer(r.Dial), kgo.TransactionalID(kafkatest.Name(t)), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: r.topic, Value: []byte("b"), Timestamp: time.Now().Add(-time.Minute)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	r.commit(0, 1, "")
	p := r.read().Partitions[0]
	if age, known := p.Age(time.Now()); p.Stable != 1 || p.End != 2 || !known || age < time.Minute {
		t.Errorf("%+v: %v", p, age)
	}
	if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	r.AwaitTransactions(t, r.topic)
	r.produce(10*time.Minute, "c", 0)
	r.commit(0, 0, "") // it is read again, from the first
	r.commit(0, 1, "")
	r.reader = groupstatus.NewReader(r.client, r.group, false, []groupstatus.Topic{{Name: r.topic}})
	p = r.read().Partitions[0]
	if age, known := p.Age(time.Now()); p.Stable != p.End || !known || age < 10*time.Minute {
		t.Errorf("what was aborted is nobody's to settle: %+v: %v", p, age)
	}
}

func TestATopicThatIsMadeAnewIsTakenFromItsFirstRecord(t *testing.T) {
	virtual(t, 1, func(t *testing.T, r *room) {
		r.produce(0, "a", 0, 0, 0)
		r.commit(0, 3, "")
		if err := r.DeleteTopic(t.Context(), r.topic); err != nil {
			t.Fatal(err)
		}
		if s := r.read(); !s.Topics[0].Missing || len(s.Partitions) > 0 {
			t.Errorf("%+v", s)
		}
		if topics := r.Topics(t, r.topic); len(topics) > 0 {
			t.Fatalf("who looks has created %v", topics)
		}
		if err := r.CreateTopic(t.Context(), r.topic, 1, nil); err != nil {
			t.Fatal(err)
		}
		r.produce(0, "b", 0)
		r.commit(0, 3, "") // as a tool may
		if p := r.read().Partitions[0]; !p.Anew || p.Lag() != 1 {
			t.Errorf("%+v", p)
		}
	})
}

func TestALatestGroupBeginsAtTheEndOfWhatItHasNothingOf(t *testing.T) {
	virtual(t, 2, func(t *testing.T, r *room) {
		r.produce(0, "a", 0, 1)
		latest := groupstatus.NewReader(r.client, r.group, true, []groupstatus.Topic{{Name: r.topic}})
		s, err := latest.Read(t.Context())
		if err != nil || s.Partitions[0].Lag()+s.Partitions[1].Lag() != 0 {
			t.Errorf("%v, %v", stands(s), err)
		}
		r.commit(0, 1, "")
		if s, err = latest.Read(t.Context()); err != nil || s.Partitions[1].Lag() != 1 {
			t.Errorf("%v, %v: a partition that was added later is all new", stands(s), err)
		}
	})
}

func TestEachBrokerIsAskedAFewTimesHoweverManyPartitionsThereAre(t *testing.T) {
	virtual(t, 600, func(t *testing.T, r *room) {
		r.produce(time.Minute, "a", func() (all []int32) {
			for p := range int32(600) {
				all = append(all, p)
			}
			return all
		}()...)
		var asked, ofAll atomic.Int64
		r.Overhear(t, func(_ int32, req kmsg.Request) {
			asked.Add(1)
			if kafkatest.OfAllTopics(req) {
				ofAll.Add(1)
			}
		})
		s := r.read()
		unknown := 0
		for i := range s.Partitions {
			if _, known := s.Partitions[i].Age(s.At); !known {
				unknown++
			}
		}
		// Three brokers: of each three lists and a fetch, and what opens connections; the group beside.
		if unknown > 0 || len(s.Partitions) != 600 || asked.Load() > 40 || ofAll.Load() > 0 {
			t.Errorf("%d partitions, %d of unknown age; %d requests, %d of all topics", len(s.Partitions), unknown, asked.Load(), ofAll.Load())
		}
	})
}
