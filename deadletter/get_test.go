package deadletter_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter"
)

func TestGetSaysWhyThereIsNoLetter(t *testing.T) {
	d := newDesk(loopback(t, 2, kept))
	for range 20 {
		d.Produce(t, d.at(0, 1), d.at(0, 2))
	}
	d.deleteBefore(0, 7)
	name := func(partition int, offset int64) deadletter.Name {
		return deadletter.Name{Topic: d.topic, Partition: partition, Offset: offset}
	}
	if e, err := d.Get(t.Context(), name(0, 8)); err != nil || e.Name != name(0, 8) {
		t.Errorf("entry %v, error %v", e.Name, err)
	}
	for rule, test := range map[string]struct {
		name deadletter.Name
		want error
	}{
		"the topic has deleted it":  {name(0, 6), deadletter.ErrExpired},
		"it is still to come":       {name(0, 40), deadletter.ErrNotFound},
		"the partition is empty":    {name(1, 0), deadletter.ErrNotFound},
		"there is no partition":     {name(7, 0), deadletter.ErrNotFound},
		"it is of another topic":    {deadletter.Name{Topic: "another"}, deadletter.ErrNotFound},
		"it names nothing":          {deadletter.Name{}, deadletter.ErrNotFound},
		"the partition is negative": {name(-1, 0), deadletter.ErrNotFound},
	} {
		if _, err := d.Get(t.Context(), test.name); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v", rule, err)
		}
	}
	var expired *deadletter.ExpiredError
	if _, err := d.Get(t.Context(), name(0, 0)); !errors.As(err, &expired) || expired.First != 7 || expired.Name != name(0, 0) {
		t.Errorf("error %v", err)
	}
	if got := len(d.all(oldestFirst)); got != 33 {
		t.Errorf("%d letters are read", got)
	}
}

// deleteBefore makes the log begin there, as retention does.
func (d *desk) deleteBefore(partition int32, offset int64) {
	d.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(d.Addrs()...), kgo.Dialer(d.Dial))
	if err != nil {
		d.t.Fatal(err)
	}
	defer client.Close()
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = d.topic, append(topic.Partitions, p)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 10000
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(d.t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestRetentionMayDeleteWhatIsBeingRead(t *testing.T) {
	for _, q := range []deadletter.Query{{}, {OldestFirst: true}} {
		t.Run(fmt.Sprintf("oldest first %v", q.OldestFirst), func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			for range 8 {
				d.write(letters(100, 20_000)...) // many windows
			}
			var last deadletter.Entry
			n := 0
			for e, err := range d.Letters(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 10 {
					d.deleteBefore(0, 600)
				}
				last = e
			}
			if q.OldestFirst && (last.Name.Offset != 799 || n == 800) || !q.OldestFirst && n < 200 {
				t.Errorf("%d are read, the last %s", n, last.Name)
			}
		})
	}
}
