package topic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// insync is the setting that says how many replicas must have what is acknowledged.
const insync = "min.insync.replicas"

// copies is how many replicas a topic has in a cluster of so many brokers, and how
// many of them must have a record before it is acknowledged. A dead letter may be the
// last copy there is: there are three where there are as many brokers, or
// those of the source if it has more, and then one of them may be gone. Where two
// are all there are, the other one being gone must not be the end of writing.
func copies(brokers, source int) (replicas, acknowledge int) {
	replicas = max(source, min(brokers, 3))
	if replicas < 3 {
		return replicas, 1
	}
	return replicas, 2
}

// Setting is a setting of a topic, in Kafka's words.
type Setting struct{ Name, Value string }

// Ensure creates topic if it does not exist: with as many partitions as the
// topic like has, since its records are spread by the same keys, or the broker's
// default if there is no such topic; and with as many replicas as that, or three
// where the cluster has so many brokers. Of three or more, two must have what is
// written. It returns whether it created it; brokers know it then. Where they do not
// allow that, the error says what to create.
func Ensure(ctx context.Context, client *kgo.Client, topic, like string, settings ...Setting) (created bool, err error) {
	return provide(ctx, client, topic, like, settings, false)
}

// Creatable asks what [Ensure] would do, and has nothing done: whether the topic is not there and would be created, or
// why not. Who may not create it may not even be told that it is there.
func Creatable(ctx context.Context, client *kgo.Client, topic, like string, settings ...Setting) (missing bool, err error) {
	return provide(ctx, client, topic, like, settings, true)
}

// provide creates a topic, or only asks whether it could, if it does not exist.
func provide(ctx context.Context, client *kgo.Client, topic, like string, settings []Setting, dry bool) (missing bool, err error) {
	asked := []string{topic}
	if like != "" {
		asked = append(asked, like)
	}
	meta, err := metadata(ctx, client, asked...)
	for i := 0; err == nil && i < len(meta.Brokers) && electing(meta, topic); i++ { // as far as one of them knows
		meta, err = metadata(ctx, client.Broker(int(meta.Brokers[i].NodeID)), asked...)
	}
	if err != nil {
		return false, fmt.Errorf("look for topic %s: %w", topic, err)
	}
	partitions, source := -1, 0 // the broker's default
	for _, t := range meta.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		switch {
		case *t.Topic == topic && err == nil:
			return false, nil
		case *t.Topic == topic && !unseen(err):
			return false, fmt.Errorf("look for topic %s: %w", topic, err)
		case *t.Topic == like && err == nil && len(t.Partitions) > 0:
			partitions, source = len(t.Partitions), len(t.Partitions[0].Replicas)
		}
	}
	replicas, acknowledge := copies(len(meta.Brokers), source)
	if acknowledge > 1 {
		settings = append(slices.Clip(settings), Setting{insync, strconv.Itoa(acknowledge)})
	}
	err = create(ctx, client, topic, partitions, replicas, settings, dry)
	faster := errors.Is(err, kerr.TopicAlreadyExists) // another member was
	if err != nil && !faster {
		return false, fmt.Errorf("create topic %s: %w", describe(topic, partitions, replicas, settings), right("Create", topic).Needed(err))
	}
	if dry {
		return !faster, nil
	}
	awaitTopic(ctx, client, topic, meta.Brokers)
	return !faster, nil
}

// electing tells that the broker asked knows no leaders of the topic: others may know more, also that there is none.
func electing(meta *kmsg.MetadataResponse, topic string) bool {
	return slices.ContainsFunc(meta.Topics, func(t kmsg.MetadataResponseTopic) bool {
		return *t.Topic == topic && errors.Is(kerr.ErrorForCode(t.ErrorCode), kerr.LeaderNotAvailable)
	})
}

// Exists tells whether there is a topic that this client may see.
func Exists(ctx context.Context, client *kgo.Client, topic string) (bool, error) {
	meta, err := metadata(ctx, client, topic)
	if err == nil {
		err = kerr.ErrorForCode(meta.Topics[0].ErrorCode)
	}
	if unseen(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for topic %s: %w", topic, err)
	}
	return true, nil
}

// unseen tells that for this client there is no such topic, nor can be one. What is in
// the way, if anything, is said when it is to be created.
func unseen(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.InvalidTopicException)
}

// create creates a topic, or only has the broker say whether it would; partitions may be -1, for the broker's default.
func create(ctx context.Context, client *kgo.Client, topic string, partitions, replicas int, settings []Setting, dry bool) error {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, int32(partitions), int16(replicas)
	for _, s := range settings {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = s.Name, &s.Value
		t.Configs = append(t.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.ValidateOnly = dry
	req.TimeoutMillis = 2000 // after which a broker says that it takes longer, and goes on
	req.Topics = append(req.Topics, t)
	res, err := req.RequestWith(ctx, client)
	if err != nil || len(res.Topics) == 0 {
		return err
	}
	return failure(res.Topics[0].ErrorCode, res.Topics[0].ErrorMessage)
}

// failure is what a broker answers: a code, and perhaps why.
func failure(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err == nil || message == nil || *message == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, *message)
}

// awaitTopic waits until each of the brokers knows the topic and its leaders, which
// the one that creates it does not wait for, and clients may ask any of them. It
// gives up when it takes long, and does not wait for brokers that do not answer.
func awaitTopic(ctx context.Context, client *kgo.Client, topic string, brokers []kmsg.MetadataResponseBroker) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for _, b := range brokers {
		for {
			meta, err := metadata(ctx, client.Broker(int(b.NodeID)), topic)
			if err != nil || hasLeaders(meta.Topics[0]) {
				break
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

func hasLeaders(t kmsg.MetadataResponseTopic) bool {
	return t.ErrorCode == 0 && !slices.ContainsFunc(t.Partitions, func(p kmsg.MetadataResponseTopicPartition) bool { return p.ErrorCode != 0 })
}

// describe says what to create, for whoever may.
func describe(topic string, partitions, replicas int, settings []Setting) string {
	var with []string
	if partitions > 0 {
		with = append(with, fmt.Sprintf("partitions %d", partitions))
	}
	with = append(with, fmt.Sprintf("replicas %d", replicas))
	for _, s := range settings {
		with = append(with, s.Name+"="+s.Value)
	}
	return topic + " (" + strings.Join(with, ", ") + ")"
}
