package deadletter_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

func TestALetterIsTheRecordUnchangedAndExplained(t *testing.T) {
	w := loopback(t, 1, nil)
	for rule, l := range map[string]deadletter.Letter{
		"bytes":              {Key: []byte{0, 0xff}, Value: []byte("not {JSON\x00"), Reason: deadletter.InvalidJSON},
		"null key and value": {Reason: deadletter.UnknownApp},
		"empty, not null":    {Key: []byte{}, Value: []byte{}, Headers: []consumer.Header{{Key: "h", Value: []byte{}}}},
	} {
		w.write(l)
		all := w.ReadAll(t, w.topic)
		r := all[len(all)-1]
		if !same(r.Key, l.Key) || !same(r.Value, l.Value) {
			t.Errorf("%s: key %#v, value %#v lie there", rule, r.Key, r.Value)
		}
		if len(l.Headers) > 0 && (r.Headers[0].Key != "h" || len(r.Headers[0].Value) > 0) {
			t.Errorf("%s: headers %v lie there", rule, r.Headers)
		}
		if i := slices.IndexFunc(r.Headers, func(h kafkatest.Header) bool { return h.Key == deadletter.HeaderReason }); string(r.Headers[i].Value) != string(l.Reason) {
			t.Errorf("%s: headers %v lie there", rule, r.Headers)
		}
	}
}

// same tells nil from empty.
func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func TestALetterLiesInThePartitionThatOtherClientsChooseForItsKey(t *testing.T) {
	w := loopback(t, 7, nil)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(w.Addrs()...), kgo.Dialer(w.Dial), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // that of Java
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, l := range letters(30, 20) {
		other, err := client.ProduceSync(t.Context(), &kgo.Record{Topic: w.topic, Key: l.Key}).First()
		if err != nil {
			t.Fatal(err)
		}
		w.write(l)
		for _, r := range w.ReadAll(t, w.topic) {
			if bytes.Equal(r.Key, l.Key) && r.Partition != other.Partition {
				t.Errorf("%s lies in partition %d, another client chooses %d", r.Key, r.Partition, other.Partition)
			}
		}
	}
}

func TestWriteWaitsForAllReplicas(t *testing.T) {
	w := loopback(t, 1, nil)
	acks := make(chan int16, 10)
	w.RequireKfake(t).ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		acks <- r.(*kmsg.ProduceRequest).Acks
		return nil, nil, false
	})
	w.write(letters(1, 20)...)
	if got := <-acks; got != -1 {
		t.Errorf("asked for %d acknowledgements", got)
	}
}

func TestLettersTravelTogether(t *testing.T) {
	for rule, test := range map[string]struct {
		n, bytes, requests int
	}{
		"none need no request":              {0, 0, 0},
		"few, in one for each partition":    {256, 100, 4},
		"many bytes, in as few as can be":   {64, 100_000, 12},
		"what is large, alone":              {2, 1_000_000, 2},
		"and what is small beside it apart": {8, 500_000, 8},
	} {
		t.Run(rule, func(t *testing.T) {
			w := loopback(t, 4, nil)
			requests := w.produced()
			all := letters(test.n, max(test.bytes, 20))
			w.write(all...)
			if got := requests.Hits(); got > test.requests {
				t.Errorf("it took %d requests, want %d at most", got, test.requests)
			}
			w.expectEachOnce(all)
		})
	}
}

func TestManyWriteAtTheSameTime(t *testing.T) {
	w := loopback(t, 3, nil)
	all := letters(300, 50)
	var wg sync.WaitGroup
	for part := range slices.Chunk(all, 10) {
		wg.Go(func() {
			if _, err := w.Write(t.Context(), w.topic, part...); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.expectEachOnce(all)
}
