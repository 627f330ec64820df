package deadletter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/consumer"
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

// insync is the setting that says how many replicas must have what is acknowledged.
const insync = "min.insync.replicas"

// copies is how many replicas a topic has in a cluster of so many brokers, and how
// many of them must have a letter before it is acknowledged. A letter may be the
// last copy of its record: there are three where there are as many brokers, or
// those of the source if it has more, and then one of them may be gone. Where two
// are all there are, the other one being gone must not be the end of writing.
func copies(brokers, source int) (replicas, acknowledge int) {
	replicas = max(source, min(brokers, 3))
	if replicas < 3 {
		return replicas, 1
	}
	return replicas, 2
}

// EnsureTopic creates topic if it does not exist: with as many partitions as the
// topic like has, since its letters are spread by the same keys, or the broker's
// default if there is no such topic; and with as many replicas as that, or three
// where the cluster has so many brokers. Of three or more, two must have what is
// written. It returns whether it created it; brokers know it then. Where they do not
// allow that, the error says what to create.
func EnsureTopic(ctx context.Context, client *kafka.Client, topic, like string, settings ...kafka.ConfigEntry) (created bool, err error) {
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic, like}})
	if err != nil {
		return false, fmt.Errorf("look for topic %s: %w", topic, err)
	}
	partitions, source := -1, 0 // the broker's default
	for _, t := range meta.Topics {
		switch {
		case t.Name == topic && t.Error == nil:
			return false, nil
		case t.Name == topic && !errors.Is(t.Error, kafka.UnknownTopicOrPartition):
			return false, fmt.Errorf("look for topic %s: %w", topic, t.Error)
		case t.Name == like && t.Error == nil && len(t.Partitions) > 0:
			partitions, source = len(t.Partitions), len(t.Partitions[0].Replicas)
		}
	}
	replicas, acknowledge := copies(len(meta.Brokers), source)
	if acknowledge > 1 {
		settings = append(slices.Clip(settings), kafka.ConfigEntry{ConfigName: insync, ConfigValue: strconv.Itoa(acknowledge)})
	}
	res, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: topic, NumPartitions: partitions, ReplicationFactor: replicas, ConfigEntries: settings,
	}}})
	if err == nil {
		err = res.Errors[topic]
	}
	faster := errors.Is(err, kafka.TopicAlreadyExists) // another member was
	if err != nil && !faster {
		return false, fmt.Errorf("create topic %s: %w", describe(topic, partitions, replicas, settings), err)
	}
	awaitTopic(ctx, client, topic, meta.Brokers)
	return !faster, nil
}

// awaitTopic waits until each of the brokers knows the topic and its leaders, which
// the one that creates it does not wait for, and clients may ask any of them. It
// gives up when it takes long, and does not wait for brokers that do not answer.
func awaitTopic(ctx context.Context, client *kafka.Client, topic string, brokers []kafka.Broker) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	t, ok := client.Transport.(*kafka.Transport)
	if !ok {
		return
	}
	each := &kafka.Client{Transport: &kafka.Transport{ // which asks each of them, and often
		Dial: t.Dial, DialTimeout: t.DialTimeout, TLS: t.TLS, SASL: t.SASL, ClientID: t.ClientID,
		MetadataTopics: []string{topic}, MetadataTTL: 100 * time.Millisecond,
	}}
	defer consumer.CloseClient(each)
	for _, b := range brokers {
		ask := &kafka.MetadataRequest{Addr: kafka.TCP(net.JoinHostPort(b.Host, strconv.Itoa(b.Port))), Topics: []string{topic}}
		for {
			meta, err := each.Metadata(ctx, ask)
			if err != nil || hasLeaders(meta.Topics[0]) {
				break
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

func hasLeaders(t kafka.Topic) bool {
	return t.Error == nil && !slices.ContainsFunc(t.Partitions, func(p kafka.Partition) bool { return p.Error != nil })
}

// describe says what to create, for whoever may.
func describe(topic string, partitions, replicas int, settings []kafka.ConfigEntry) string {
	var with []string
	if partitions > 0 {
		with = append(with, fmt.Sprintf("partitions %d", partitions))
	}
	with = append(with, fmt.Sprintf("replicas %d", replicas))
	for _, s := range settings {
		with = append(with, s.ConfigName+"="+s.ConfigValue)
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
