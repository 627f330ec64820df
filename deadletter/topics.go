package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// Topic settings of dead letters that are created here.
const (
	// Retention is how long letters are kept: people need days to notice,
	// understand and repair.
	Retention = 30 * 24 * time.Hour
	// maxMessageBytes leaves room for a letter's headers above Kafka's default
	// limit of 1 MiB a message, so that a source topic's largest record fits.
	maxMessageBytes = 2 << 20
)

// EnsureTopic creates topic if it does not exist: with as many partitions and
// replicas as the topic like has, since its letters are spread by the same
// keys, or the broker's defaults if there is no such topic. It returns whether
// it created it. Where the broker does not allow that, the error says what to
// create.
func EnsureTopic(ctx context.Context, client *kafka.Client, topic, like string, settings ...kafka.ConfigEntry) (created bool, err error) {
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic, like}})
	if err != nil {
		return false, fmt.Errorf("look for topic %s: %w", topic, err)
	}
	partitions, replicas := -1, -1 // the broker's defaults
	for _, t := range meta.Topics {
		switch {
		case t.Name == topic && t.Error == nil:
			return false, nil
		case t.Name == topic && !errors.Is(t.Error, kafka.UnknownTopicOrPartition):
			return false, fmt.Errorf("look for topic %s: %w", topic, t.Error)
		case t.Name == like && t.Error == nil && len(t.Partitions) > 0:
			partitions, replicas = len(t.Partitions), len(t.Partitions[0].Replicas)
		}
	}
	res, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: topic, NumPartitions: partitions, ReplicationFactor: replicas, ConfigEntries: settings,
	}}})
	if err == nil {
		err = res.Errors[topic]
	}
	if errors.Is(err, kafka.TopicAlreadyExists) { // another member was faster
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("create topic %s: %w", describe(topic, partitions, replicas, settings), err)
	}
	return true, nil
}

// describe says what to create, for whoever may.
func describe(topic string, partitions, replicas int, settings []kafka.ConfigEntry) string {
	var with []string
	if partitions > 0 {
		with = append(with, fmt.Sprintf("partitions %d, replicas %d", partitions, replicas))
	}
	for _, s := range settings {
		with = append(with, s.ConfigName+"="+s.ConfigValue)
	}
	if len(with) == 0 {
		return topic
	}
	return topic + " (" + strings.Join(with, ", ") + ")"
}

// LetterSettings are the settings of a dead-letter topic.
func LetterSettings() []kafka.ConfigEntry {
	return []kafka.ConfigEntry{
		{ConfigName: "cleanup.policy", ConfigValue: "delete"},
		{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(Retention.Milliseconds(), 10)},
		{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(maxMessageBytes)},
	}
}
