package topic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The settings that say how soon a topic is compacted.
const (
	segmentTime  = "segment.ms"
	segmentBytes = "segment.bytes"
)

// Mismatch is a setting of a topic with which records can be lost, or stay for
// longer than they are of use.
type Mismatch struct {
	Topic, Setting string // or "replicas"
	Is, Want       string // Want is the least of a number, or the most if Stays
	Remedy         string // what to do about it
	Stays          bool   // nothing is lost with it, but what is done with stays, and is read each time
}

func (m Mismatch) String() string {
	return fmt.Sprintf("topic %s has %s=%s, want %s", m.Topic, m.Setting, m.Is, m.Want)
}

// Mismatches tells where an existing topic is set dangerously otherwise than
// [Ensure] would create it with settings: its cleanup policy is another, its
// retention is shorter, it has fewer replicas than three, or than the cluster has
// brokers, or fewer of them must have what is acknowledged; or it is compacted later.
// Beside an error are those that were found all the same. The error is an [ErrNoTopic]
// if there is no such topic.
func Mismatches(ctx context.Context, client *kgo.Client, topic string, settings []Setting) (found []Mismatch, err error) {
	meta, err := metadata(ctx, client, topic)
	if err != nil {
		return nil, fmt.Errorf("look for topic %s: %w", topic, err)
	}
	once := "" // what comes before the other remedies
	replicas, acknowledge := copies(len(meta.Brokers), 0)
	if has := fewest(meta.Topics[0].Partitions); has > 0 && has < replicas {
		want := strconv.Itoa(replicas)
		found = append(found, Mismatch{
			Topic: topic, Setting: "replicas", Is: strconv.Itoa(has), Want: want,
			Remedy: "give each partition " + want + ": kafka-reassign-partitions.sh",
		})
		once = "once it has " + want + " replicas: "
	}
	is, err := topicSettings(ctx, client, topic)
	if err != nil {
		return found, fmt.Errorf("read the settings of topic %s: %w", topic, err)
	}
	for _, want := range append(slices.Clip(settings), Setting{insync, strconv.Itoa(acknowledge)}) {
		has, known := is[want.Name]
		if !known || !dangerous(want.Name, has, want.Value) {
			continue
		}
		remedy := fmt.Sprintf("kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%s", topic, want.Name, want.Value)
		if want.Name == insync {
			remedy = once + remedy
		}
		found = append(found, Mismatch{
			Topic: topic, Setting: want.Name, Is: has, Want: want.Value, Remedy: remedy, Stays: compaction(want.Name),
		})
	}
	return found, nil
}

// fewest is the number of replicas of the partition that has the fewest.
func fewest(partitions []kmsg.MetadataResponseTopicPartition) (n int) {
	for i, p := range partitions {
		if i == 0 || len(p.Replicas) < n {
			n = len(p.Replicas)
		}
	}
	return n
}

func topicSettings(ctx context.Context, client *kgo.Client, topic string) (map[string]string, error) {
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, resource)
	res, err := req.RequestWith(ctx, client)
	if err == nil && len(res.Resources) != 1 {
		err = errors.New("the broker answers without the topic")
	}
	if err == nil {
		err = failure(res.Resources[0].ErrorCode, res.Resources[0].ErrorMessage)
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		err = ErrNoTopic
	}
	if err != nil {
		return nil, right("DescribeConfigs", topic).Needed(err)
	}
	settings := map[string]string{}
	for _, c := range res.Resources[0].Configs {
		if c.Value != nil {
			settings[c.Name] = *c.Value
		}
	}
	return settings, nil
}

func dangerous(setting, is, want string) bool {
	switch setting {
	case "cleanup.policy":
		return !slices.Equal(policies(is), policies(want))
	case insync:
		has, err := strconv.Atoi(is)
		least, _ := strconv.Atoi(want) // ours
		return err == nil && has < least
	case "retention.ms":
		has, err := strconv.ParseInt(is, 10, 64)
		least, _ := strconv.ParseInt(want, 10, 64) // ours
		return err == nil && has >= 0 && has < least
	case segmentTime, segmentBytes:
		has, err := strconv.ParseInt(is, 10, 64)
		most, _ := strconv.ParseInt(want, 10, 64) // ours
		return err == nil && has > most
	default:
		return false
	}
}

// compaction tells whether a setting says how soon a topic is compacted.
func compaction(setting string) bool {
	return setting == segmentTime || setting == segmentBytes
}

// policies are the cleanup policies of a list, sorted.
func policies(list string) []string {
	all := strings.Split(list, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	slices.Sort(all)
	return all
}
