package topic_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

func TestMismatchesAreSettingsWithWhichLettersAreLost(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	client := newClient(t, b)
	letters, resolutions := deadletter.LetterSettings(), deadletter.ResolutionSettings()
	for rule, test := range map[string]struct {
		is   settings
		want []topic.Setting
		say  string
	}{
		"letters as we set them":        {settings{"cleanup.policy": "delete", "retention.ms": "2592000000"}, letters, "[]"},
		"letters kept for longer":       {settings{"cleanup.policy": "delete", "retention.ms": "2592000001"}, letters, "[]"},
		"letters kept for ever":         {settings{"cleanup.policy": "delete", "retention.ms": "-1"}, letters, "[]"},
		"letters kept for less":         {settings{"cleanup.policy": "delete", "retention.ms": "1000"}, letters, "[topic T has retention.ms=1000, want 2592000000]"},
		"letters that are compacted":    {settings{"cleanup.policy": "compact", "retention.ms": "-1"}, letters, "[topic T has cleanup.policy=compact, want delete]"},
		"resolutions as we set them":    {settings{"cleanup.policy": "compact", "segment.ms": "86400000", "segment.bytes": "33554432"}, resolutions, "[]"},
		"resolutions compacted sooner":  {settings{"cleanup.policy": "compact", "segment.ms": "3600000", "segment.bytes": "1048576"}, resolutions, "[]"},
		"resolutions compacted later":   {settings{"cleanup.policy": "compact", "segment.ms": "604800000", "segment.bytes": "1073741824"}, resolutions, "[topic T has segment.ms=604800000, want 86400000 topic T has segment.bytes=1073741824, want 33554432]"},
		"resolutions that are deleted":  {settings{"cleanup.policy": "delete", "segment.ms": "86400000", "segment.bytes": "33554432"}, resolutions, "[topic T has cleanup.policy=delete, want compact]"},
		"resolutions that expire, too":  {settings{"cleanup.policy": "compact,delete", "segment.ms": "86400000", "segment.bytes": "33554432"}, resolutions, "[topic T has cleanup.policy=compact,delete, want compact]"},
		"letters in a topic of default": {nil, letters, "[topic T has retention.ms=604800000, want 2592000000]"},
	} {
		name := kafkatest.Name(t)
		if err := b.CreateTopic(t.Context(), name, 1, test.is); err != nil {
			t.Fatal(err)
		}
		got, err := topic.Mismatches(t.Context(), client, name, test.want)
		for i := range got {
			if got[i].Stays != strings.HasPrefix(got[i].Setting, "segment.") {
				t.Errorf("%s: %v is told as if it were otherwise", rule, got[i])
			}
			got[i].Topic = "T"
		}
		if fmt.Sprint(got) != test.say || err != nil {
			t.Errorf("%s: %v, error %v, want %s", rule, got, err, test.say)
		}
	}
	_, err := topic.Mismatches(t.Context(), client, "missing", letters)
	if !errors.Is(err, topic.ErrNoTopic) || err.Error() != "read the settings of topic missing: there is no such topic" {
		t.Errorf("error %v", err)
	}
}

func TestMismatchesAreReplicasThatTheClusterAllowsAndLettersDoNotHave(t *testing.T) {
	t.Parallel()
	one := settings{"min.insync.replicas": "1"} // as Kafka has it by default
	for brokers, topics := range map[int][]struct {
		replicas int
		is       settings
		say      string
	}{
		1: {{1, nil, "[]"}},
		2: {
			{1, nil, "[topic T has replicas=1, want 2]"},
			{2, nil, "[]"},
		},
		3: {
			{1, one, "[topic T has replicas=1, want 3 topic T has min.insync.replicas=1, want 2]"},
			{2, settings{"min.insync.replicas": "2"}, "[topic T has replicas=2, want 3]"},
			{3, one, "[topic T has min.insync.replicas=1, want 2]"},
			{3, settings{"min.insync.replicas": "2"}, "[]"},
			{3, settings{"min.insync.replicas": "3"}, "[]"},
		},
		4: {
			{3, settings{"min.insync.replicas": "2"}, "[]"},
			{4, one, "[topic T has min.insync.replicas=1, want 2]"},
		},
	} {
		t.Run(fmt.Sprint(brokers, " brokers"), func(t *testing.T) {
			t.Parallel()
			b := cluster(t, brokers)
			for _, test := range topics {
				for _, want := range [][]topic.Setting{deadletter.LetterSettings(), deadletter.ResolutionSettings()} {
					is := settings{}
					for _, s := range want {
						is[s.Name] = s.Value
					}
					maps.Copy(is, test.is)
					name := topicOf(t, b, test.replicas, is)
					got, err := topic.Mismatches(t.Context(), newClient(t, b), name, want)
					if said := strings.ReplaceAll(fmt.Sprint(got), name, "T"); said != test.say || err != nil {
						t.Errorf("%d replicas, %v: %s, error %v, want %s", test.replicas, test.is, said, err, test.say)
					}
				}
			}
		})
	}
}

func TestAMismatchTellsWhatToDoAndInWhichOrder(t *testing.T) {
	t.Parallel()
	b := cluster(t, 3)
	name := topicOf(t, b, 1, settings{"cleanup.policy": "compact", "retention.ms": "1000", "min.insync.replicas": "1"})
	found, err := topic.Mismatches(t.Context(), newClient(t, b), name, deadletter.LetterSettings())
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, m := range found {
		fmt.Fprintln(&got, strings.ReplaceAll(m.Remedy, name, "T"))
	}
	const alter = "kafka-configs.sh --alter --entity-type topics --entity-name T --add-config "
	want := "give each partition 3: kafka-reassign-partitions.sh\n" + // before the brokers ask for two that have a letter
		alter + "cleanup.policy=delete\n" +
		alter + "retention.ms=2592000000\n" +
		"once it has 3 replicas: " + alter + "min.insync.replicas=2\n"
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// A client that may not read the settings still sees the replicas.
func TestMismatchesOfReplicasAreToldBesideAnError(t *testing.T) {
	t.Parallel()
	b := cluster(t, 3)
	name := topicOf(t, b, 1, nil)
	b.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	found, err := topic.Mismatches(t.Context(), newClient(t, b), name, deadletter.LetterSettings())
	if said := strings.ReplaceAll(fmt.Sprint(found), name, "T"); said != "[topic T has replicas=1, want 3]" || !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("%s, error %v", said, err)
	}
}
