package deadletter_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

func TestOfABatchTooLargeEachLetterIsWrittenWholeAndOnce(t *testing.T) {
	w := loopback(t, 2, settings{"max.message.bytes": "20000"})
	all := letters(256, 500)
	w.write(all...)
	w.expectEachOnce(all)
	if w.log.count("MESSAGE_TOO_LARGE") > 0 {
		t.Error("it counts as trouble")
	}
}

func TestALetterTooLargeGoesInWithoutItsValueAndItsNeighboursWhole(t *testing.T) {
	w := loopback(t, 1, settings{"max.message.bytes": "20000"})
	all := letters(50, 500)
	large := letter("large", strings.Repeat("x", 30_000))
	w.write(slices.Insert(slices.Clone(all), 25, large)...)
	seen := 0
	for _, r := range w.ReadAll(t, w.topic) {
		if string(r.Key) != "large" {
			seen++
			if omitted(r) != "" || len(r.Value) != 500 {
				t.Errorf("%s lies there without %s", r.Key, omitted(r))
			}
			continue
		}
		if r.Value != nil || omitted(r) != deadletter.HeaderValue || r.Headers[0].Key != "appid" {
			t.Errorf("the large letter lies there with %d bytes and %v", len(r.Value), r.Headers)
		}
	}
	if total := len(w.ReadAll(t, w.topic)); seen != 50 || total != 51 {
		t.Errorf("%d letters lie there, %d of the small ones", total, seen)
	}
}

func TestALetterTooLargeForOnePartGoesInWithAllOthers(t *testing.T) {
	for part, test := range map[string]struct {
		key     string
		headers int
		want    string
	}{
		"headers": {"key", 10_000, "deadletter.headers"},
		"key":     {strings.Repeat("k", 10_000), 3, "deadletter.key"},
		"two":     {strings.Repeat("k", 10_000), 9_000, "deadletter.key deadletter.headers"},
	} {
		t.Run(part, func(t *testing.T) {
			w := loopback(t, 1, settings{"max.message.bytes": "5000"})
			l := letter(test.key, "value")
			l.Headers = append(l.Headers, consumer.Header{Key: "large", Value: make([]byte, test.headers)})
			w.write(l, letter("other", "value"))
			all := w.ReadAll(t, w.topic)
			if len(all) != 2 {
				t.Errorf("%d records lie there, want 2", len(all))
			}
			for _, r := range all {
				if string(r.Key) == "other" {
					continue
				}
				if omitted(r) != test.want || string(r.Value) != "value" || (r.Key == nil) != strings.Contains(test.want, "key") {
					t.Errorf("the letter lies there with key %.9q, value %q, without %s", r.Key, r.Value, omitted(r))
				}
			}
		})
	}
}

func TestATopicThatTakesNoLetterAtAllIsWaitedForAndThenTakesItWhole(t *testing.T) {
	virtual(t, 1, settings{"max.message.bytes": "100"}, func(w *world) {
		written := make(chan error, 1)
		go func() { written <- fails(w.Write(w.t.Context(), w.topic, letter("key", "value"))) }()
		time.Sleep(10 * time.Minute)
		if !errors.Is(w.Err(), kerr.MessageTooLarge) {
			w.t.Errorf("Err says %v", w.Err())
		}
		w.alter("max.message.bytes", "2000000")
		if err := <-written; err != nil {
			w.t.Error(err)
		}
		w.expectEachOnce([]deadletter.Letter{letter("key", "value")})
	})
}

// alter changes a setting of the topic.
func (w *world) alter(name, value string) {
	w.t.Helper()
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Value = name, &value
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, w.topic
	resource.Configs = append(resource.Configs, config)
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = append(req.Resources, resource)
	client := w.client()
	defer client.Close()
	res, err := req.RequestWith(w.t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(res.Resources[0].ErrorCode)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
