package deadletter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"
)

// Mismatch is a setting of a topic with which letters, or what has been done
// about them, are lost.
type Mismatch struct {
	Topic, Setting string
	Is, Want       string // Want is the least of a retention
}

func (m Mismatch) String() string {
	return fmt.Sprintf("topic %s has %s=%s, want %s", m.Topic, m.Setting, m.Is, m.Want)
}

// Mismatches tells where an existing topic is set dangerously otherwise than
// settings, which are [LetterSettings] or [ResolutionSettings]: its cleanup
// policy is another, or its retention is shorter. Letters need "delete", since
// compaction would keep one letter a player; resolutions need "compact" alone,
// since a letter whose resolution is deleted is pending again.
func Mismatches(ctx context.Context, client *kafka.Client, topic string, settings []kafka.ConfigEntry) ([]Mismatch, error) {
	res, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic},
	}})
	if err == nil && len(res.Resources) != 1 {
		err = errors.New("the broker answers without the topic")
	}
	if err == nil {
		err = res.Resources[0].Error
	}
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		err = ErrNoTopic
	}
	if err != nil {
		return nil, fmt.Errorf("read the settings of topic %s: %w", topic, err)
	}
	var found []Mismatch
	for _, is := range res.Resources[0].ConfigEntries {
		for _, want := range settings {
			if is.ConfigName == want.ConfigName && dangerous(want.ConfigName, is.ConfigValue, want.ConfigValue) {
				found = append(found, Mismatch{topic, is.ConfigName, is.ConfigValue, want.ConfigValue})
			}
		}
	}
	return found, nil
}

func dangerous(setting, is, want string) bool {
	switch setting {
	case "cleanup.policy":
		return !slices.Equal(policies(is), policies(want))
	case "retention.ms":
		has, err := strconv.ParseInt(is, 10, 64)
		least, _ := strconv.ParseInt(want, 10, 64) // ours
		return err == nil && has >= 0 && has < least
	default:
		return false
	}
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
