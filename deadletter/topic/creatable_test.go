package topic_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

func TestWhetherATopicCanBeCreatedIsAskedAndNothingDone(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	source := b.Topic(t, 5)
	client, name := newClient(t, b), source+".dlq"
	for range 2 {
		if missing, err := topic.Creatable(t.Context(), client, name, source, deadletter.LetterSettings()...); !missing || err != nil {
			t.Fatalf("missing %v, error %v", missing, err)
		}
	}
	if exists, err := topic.Exists(t.Context(), newClient(t, b), name); exists || err != nil {
		t.Fatalf("it exists %v, error %v", exists, err)
	}
	if missing, err := topic.Creatable(t.Context(), client, source, ""); missing || err != nil {
		t.Errorf("of one that is there: missing %v, error %v", missing, err)
	}
}

func TestWhyATopicCannotBeCreatedIsSaidWithoutATry(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	source := b.Topic(t, 3)
	b.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	missing, err := topic.Creatable(t.Context(), newClient(t, b), "letters", source)
	if missing || !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.HasPrefix(err.Error(), "create topic letters (partitions 3, replicas 1): ") {
		t.Errorf("missing %v, error %v", missing, err)
	}
}
